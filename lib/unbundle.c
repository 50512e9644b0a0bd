/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading bundles.  A directory is walked by descriptors, a folder at a time
 * with O_NOFOLLOW; the names of the folders that are open are held, sorted.
 * Archives are libarchive's.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "kx/buf.h"
#include "kx/unbundle.h"

#define BLOCK ((size_t)256 << 10)
#define DEPTH_MAX 16
#define RATIO 200		/* unpacked to packed, by default */
#define SLACK ((uint64_t)256 << 20)

struct level {
	int fd;
	char **names;
	size_t n, at;
	size_t path_len;	/* of the folder's own path */
};

struct kx_unbundle {
	char *path;		/* for messages */
	uint64_t max_size, given;
	bool limited;
	struct kx_buf name;	/* of the file at hand, terminated */
	/* directory */
	struct level level[DEPTH_MAX];
	size_t depth;
	int fd;			/* the file */
	char *block;
	/* archive */
	struct archive *archive;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names in the folder, sorted; 0 or errno. */
static int
list(int fd, char ***names, size_t *n)
{
	struct dirent *entry;
	size_t cap = 0;
	int copy, errnum = 0;
	DIR *dir;

	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (dir == NULL) {
		errnum = errno;
		if (copy >= 0)
			(void)close(copy);
		return errnum;
	}
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (*n == cap) {
			char **more;

			cap = cap == 0 ? 64 : 2 * cap;
			more = reallocarray(*names, cap, sizeof(*more));
			if (more == NULL)
				break;
			*names = more;
		}
		(*names)[*n] = strdup(entry->d_name);
		if ((*names)[*n] == NULL)
			break;
		++*n;
	}
	errnum = entry != NULL ? ENOMEM : errno;
	(void)closedir(dir);
	if (*n > 0)
		qsort(*names, *n, sizeof(**names), by_name);
	return errnum;
}

static enum kx_status
fatal(const struct kx_unbundle *u, int errnum, const char *what,
    const char *more, struct kx_error *err)
{
	return kx_error_set(err, KX_FATAL, errnum, "%s: %s%s%s", u->path, what,
	    more == NULL ? "" : " ", more == NULL ? "" : more);
}

static enum kx_status
refuse(const struct kx_unbundle *u, const char *why, struct kx_error *err)
{
	return kx_error_set(err, KX_BAD, 0, "%.150s: %s",
	    u->name.ptr == NULL ? "" : u->name.ptr, why);
}

/* Go into the folder that is open at fd; its path is in u->name. */
static enum kx_status
enter(struct kx_unbundle *u, int fd, struct kx_error *err)
{
	struct level *level = &u->level[u->depth];
	int errnum;

	*level = (struct level){ .fd = fd, .path_len = u->name.len };
	u->depth++;
	errnum = list(fd, &level->names, &level->n);
	if (errnum != 0)
		return fatal(u, errnum, "cannot list",
		    u->name.len == 0 ? "it" : u->name.ptr, err);
	return KX_OK;
}

static void
leave(struct kx_unbundle *u)
{
	struct level *level = &u->level[--u->depth];
	size_t i;

	for (i = 0; i < level->n; i++)
		free(level->names[i]);
	free(level->names);
	(void)close(level->fd);
}

static void
set_name(struct kx_unbundle *u, size_t keep, const char *name)
{
	u->name.len = keep;
	if (keep > 0)
		kx_buf_addc(&u->name, '/');
	kx_buf_adds(&u->name, name);
	kx_buf_addc(&u->name, '\0');
	if (!kx_buf_failed(&u->name))
		u->name.len--;
}

/* Why the name is no name for us; NULL: it is. */
static const char *
wrong_name(const char *name)
{
	const char *part = name, *p;
	size_t len;

	if (strlen(name) > KX_UNBUNDLE_NAME_MAX)
		return "the name is too long";
	for (p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "the name holds a control byte";
		if (*p == '\\')
			return "the name holds a backslash";
	}
	if (*name == '/')
		return "the name is absolute";
	for (;; part = p + 1) {
		p = strchrnul(part, '/');
		len = (size_t)(p - part);
		if (len == 0 || (len == 1 && *part == '.') ||
		    (len == 2 && part[0] == '.' && part[1] == '.'))
			return "the name leads elsewhere";
		if (*p == '\0')
			return NULL;
	}
}

/* The next entry of the innermost folder: a file is opened, a folder gone
 * into (KX_FAIL: look again). */
static enum kx_status
next_entry(struct kx_unbundle *u, struct kx_error *err)
{
	struct level *level = &u->level[u->depth - 1];
	const char *name = level->names[level->at++], *wrong;
	enum kx_status status;
	struct stat st;
	int fd;

	set_name(u, level->path_len, name);
	if (kx_buf_failed(&u->name))
		return fatal(u, ENOMEM, "cannot be read", NULL, err);
	wrong = wrong_name(u->name.ptr);
	if (wrong != NULL)
		return refuse(u, wrong, err);
	fd = openat(level->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return refuse(u, errno == ELOOP ? "a symbolic link" :
		    "no regular file", err);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int saved = errno;

		if (fd >= 0)
			(void)close(fd);
		return fatal(u, saved, "cannot open", u->name.ptr, err);
	}
	if (S_ISREG(st.st_mode)) {
		u->fd = fd;
		return KX_OK;
	}
	if (S_ISDIR(st.st_mode) && u->depth < DEPTH_MAX) {
		status = enter(u, fd, err);
		return status == KX_OK ? KX_FAIL : status;
	}
	(void)close(fd);
	return refuse(u, S_ISDIR(st.st_mode) ? "too deep" : "no regular file",
	    err);
}

static enum kx_status
next_in_dir(struct kx_unbundle *u, struct kx_error *err)
{
	enum kx_status status;

	if (u->fd >= 0)
		(void)close(u->fd);
	u->fd = -1;
	while (u->depth > 0) {
		if (u->level[u->depth - 1].at == u->level[u->depth - 1].n) {
			leave(u);
			continue;
		}
		status = next_entry(u, err);
		if (status != KX_FAIL)
			return status;
	}
	return KX_EOF;
}

static enum kx_status
archive_fatal(const struct kx_unbundle *u, struct kx_error *err)
{
	const char *said = archive_error_string(u->archive);

	/* libarchive says what it was about, and not what it came to. */
	return kx_error_set(err, KX_FATAL, 0, "%s: no archive, or one that is "
	    "damaged or cut short%s%s", u->path, said == NULL ? "" : ": ",
	    said == NULL ? "" : said);
}

static enum kx_status
next_in_archive(struct kx_unbundle *u, struct kx_error *err)
{
	struct archive_entry *entry;
	const char *name, *wrong;
	size_t len;
	int rc;

	for (;;) {
		rc = archive_read_next_header(u->archive, &entry);
		if (rc == ARCHIVE_EOF)
			return KX_EOF;
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return archive_fatal(u, err);
		name = archive_entry_pathname(entry);
		if (name == NULL)
			return kx_error_set(err, KX_BAD, 0,
			    "a file whose name cannot be read");
		set_name(u, 0, name);
		len = u->name.len;
		if (kx_buf_failed(&u->name))
			return fatal(u, ENOMEM, "cannot be read", NULL, err);
		if (archive_entry_hardlink(entry) != NULL)
			return refuse(u, "a hard link", err);
		if (archive_entry_filetype(entry) == AE_IFLNK)
			return refuse(u, "a symbolic link", err);
		if (archive_entry_filetype(entry) == AE_IFDIR && len > 1 &&
		    u->name.ptr[len - 1] == '/')
			u->name.ptr[len - 1] = '\0';
		wrong = wrong_name(u->name.ptr);
		if (wrong != NULL)
			return refuse(u, wrong, err);
		if (archive_entry_filetype(entry) == AE_IFREG)
			return KX_OK;
		if (archive_entry_filetype(entry) != AE_IFDIR)
			return refuse(u, "no regular file", err);
	}
}

enum kx_status
kx_unbundle_next(struct kx_unbundle *u, const char **name,
    struct kx_error *err)
{
	enum kx_status status = u->archive != NULL ?
	    next_in_archive(u, err) : next_in_dir(u, err);

	*name = u->name.ptr;
	return status;
}

enum kx_status
kx_unbundle_read(struct kx_unbundle *u, struct kx_span *bytes,
    struct kx_error *err)
{
	ssize_t n;

	do
		n = u->archive != NULL ?
		    archive_read_data(u->archive, u->block, BLOCK) :
		    read(u->fd, u->block, BLOCK);
	while (n < 0 && u->archive == NULL && errno == EINTR);
	if (n < 0 && u->archive != NULL)
		return archive_fatal(u, err);
	if (n < 0)
		return fatal(u, errno, "cannot read", u->name.ptr, err);
	u->given += (uint64_t)n;
	if (u->limited && u->given > u->max_size)
		return kx_error_set(err, KX_FATAL, 0, "%s: more than %" PRIu64
		    " bytes come out of it (--max-size)", u->path,
		    u->max_size);
	*bytes = (struct kx_span){ u->block, (size_t)n };
	return n == 0 ? KX_EOF : KX_OK;
}

static enum kx_status
open_archive(struct kx_unbundle *u, int fd, struct kx_error *err)
{
	u->archive = archive_read_new();
	if (u->archive == NULL)
		return fatal(u, ENOMEM, "cannot be read", NULL, err);
	(void)archive_read_support_format_zip(u->archive);
	(void)archive_read_support_format_tar(u->archive);
	(void)archive_read_support_format_7zip(u->archive);
	(void)archive_read_support_filter_gzip(u->archive);
	(void)archive_read_support_filter_bzip2(u->archive);
	(void)archive_read_support_filter_xz(u->archive);
	(void)archive_read_support_filter_zstd(u->archive);
	(void)archive_read_support_filter_lz4(u->archive);
	u->fd = fd;
	return archive_read_open_fd(u->archive, fd, BLOCK) == ARCHIVE_OK ?
	    KX_OK : archive_fatal(u, err);
}

static enum kx_status
open_it(struct kx_unbundle *u, struct kx_error *err)
{
	struct stat st;
	int fd;

	u->block = malloc(BLOCK);
	if (u->block == NULL)
		return fatal(u, ENOMEM, "cannot be read", NULL, err);
	fd = open(u->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return kx_error_set(err, KX_FATAL, errno, "%s", u->path);
	u->fd = fd;
	if (fstat(fd, &st) != 0)
		return kx_error_set(err, KX_FATAL, errno, "%s", u->path);
	if (S_ISDIR(st.st_mode)) {
		u->fd = -1;
		return enter(u, fd, err);
	}
	if (!S_ISREG(st.st_mode))
		return kx_error_set(err, KX_FATAL, EINVAL,
		    "%s is neither a directory nor a file", u->path);
	if (!u->limited && !__builtin_mul_overflow((uint64_t)st.st_size,
	    (uint64_t)RATIO, &u->max_size) &&
	    !__builtin_add_overflow(u->max_size, SLACK, &u->max_size))
		u->limited = true;
	return open_archive(u, fd, err);
}

enum kx_status
kx_unbundle_open(const char *path, uint64_t max_size,
    struct kx_unbundle **out, struct kx_error *err)
{
	struct kx_unbundle *u = calloc(1, sizeof(*u));
	enum kx_status status;

	*out = NULL;
	if (u == NULL || (u->path = strdup(path)) == NULL) {
		free(u);
		return kx_error_set(err, KX_FATAL, ENOMEM, "cannot open %s",
		    path);
	}
	u->fd = -1;
	u->max_size = max_size;
	u->limited = max_size > 0;
	status = open_it(u, err);
	if (status != KX_OK) {
		kx_unbundle_close(u);
		return status;
	}
	*out = u;
	return KX_OK;
}

bool
kx_unbundle_is_archive(const struct kx_unbundle *u)
{
	return u->archive != NULL;
}

void
kx_unbundle_close(struct kx_unbundle *u)
{
	if (u == NULL)
		return;
	while (u->depth > 0)
		leave(u);
	if (u->archive != NULL)
		(void)archive_read_free(u->archive);
	if (u->fd >= 0)
		(void)close(u->fd);
	kx_buf_free(&u->name);
	free(u->block);
	free(u->path);
	free(u);
}
