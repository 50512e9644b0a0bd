/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directory and archive as one thing to put files in.
 *
 * Directory: DIR is opened once and everything below it is reached from its
 * descriptor, a folder at a time with O_NOFOLLOW, so that a link planted in it
 * leads nowhere.  One fixed temporary name does for all files, for they are
 * made one after another under a lock; what kill -9 leaves behind is taken
 * away by the next run.  There is no fsync for each of ten thousand frames:
 * one syncfs() comes before the first manifest and one behind the last.
 *
 * Archive: libarchive writes unblocked through a callback, so a frame's bytes
 * go from the decoder's memory to write(2); kx_output gathers the headers.
 *
 * A stream keeps STREAM_MEM bytes and puts the rest into a file without a
 * name (O_TMPFILE), which in a directory is then linked to its place and in an
 * archive copied.  Memory does not grow with what is written, but for zip's
 * table of contents, about 150 bytes a file, which libarchive holds.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "kx/buf.h"
#include "kx/bundle.h"
#include "kx/output.h"

#define STREAM_MEM ((size_t)256 << 10)
#define COPY_SIZE ((size_t)256 << 10)
#define MTIME_MIN INT64_C(315532800)		/* 1980-01-01 */
#define MTIME_MAX INT64_C(4294967295)		/* 2106-02-07 */

struct kx_bundle {
	enum kx_bundle_kind kind;
	char *path;			/* as given, for messages */
	int dir_fd;			/* DIR, or the archive's folder */
	/* directory */
	char *temp_path;
	char *folder;			/* last one used below DIR, and its */
	int folder_fd;			/* descriptor; -1: none */
	/* archive */
	struct archive *archive;
	struct archive_entry *entry;
	struct kx_output out;
	struct kx_error out_err;	/* why the callback refused */
	bool out_failed;
};

struct kx_bundle_stream {
	struct kx_bundle *bundle;
	const char *name;
	int fd;				/* -1: all of it is in buf */
	uint64_t size;
	struct kx_buf buf;
	struct kx_hash *hash;
};

/*
 * Plain files
 */

static int
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len < SSIZE_MAX ? len : SSIZE_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* As much of len bytes at off as there is; -1 and errno. */
static ssize_t
read_at(int fd, char *to, size_t len, uint64_t off)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(fd, to + got, len - got, (off_t)(off + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static void
close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

static int64_t
clamp_mtime(int64_t mtime)
{
	return mtime < MTIME_MIN ? MTIME_MIN :
	    mtime > MTIME_MAX ? MTIME_MAX : mtime;
}

static void
set_mtime(int fd, int64_t mtime)
{
	struct timespec at[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)clamp_mtime(mtime) }
	};

	/* A file system without times loses nothing else. */
	(void)futimens(fd, at);
}

static enum kx_status
fail_at(const struct kx_bundle *b, const char *what, const char *name,
    int errnum, struct kx_error *err)
{
	if (b->kind == KX_BUNDLE_DIR)
		return kx_error_set(err, KX_FAIL, errnum, "%s %s/%s", what,
		    b->path, name);
	return kx_error_set(err, KX_FAIL, errnum, "%s %s in %s", what, name,
	    b->path);
}

/*
 * Directory
 */

/* One part of a path below DIR, made where it is missing. */
static int
open_folder(int at, const char *name)
{
	if (mkdirat(at, name, 0777) != 0 && errno != EEXIST)
		return -1;
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

/* The folder of `name` as a descriptor that the bundle keeps, and the name's
 * last part. */
static int
find_folder(struct kx_bundle *b, const char *name, const char **base)
{
	const char *slash = strrchr(name, '/');
	char *folder, *part, *rest;
	int fd, at = b->dir_fd;
	size_t len;

	*base = slash == NULL ? name : slash + 1;
	if (slash == NULL)
		return b->dir_fd;
	len = (size_t)(slash - name);
	if (b->folder_fd >= 0 && strlen(b->folder) == len &&
	    !memcmp(b->folder, name, len))
		return b->folder_fd;
	folder = strndup(name, len);
	part = strndup(name, len);
	if (folder == NULL || part == NULL) {
		free(folder);
		free(part);
		errno = ENOMEM;
		return -1;
	}
	for (rest = part; rest != NULL; ) {
		char *next = strchr(rest, '/');

		if (next != NULL)
			*next++ = '\0';
		fd = open_folder(at, rest);
		if (at != b->dir_fd)
			close_fd(&at);
		at = fd;
		rest = fd < 0 ? NULL : next;
	}
	free(part);
	if (at < 0) {
		free(folder);
		return -1;
	}
	close_fd(&b->folder_fd);
	free(b->folder);
	b->folder = folder;
	b->folder_fd = at;
	return at;
}

/* Is what is open at `fd` exactly this: bytes in memory or, where `other` is
 * not -1, `size` bytes of that file?  1, 0, or -1 and errno. */
static int
same_bytes(int fd, const char *bytes, int other, uint64_t size)
{
	char *a, *c = NULL;
	uint64_t off = 0;
	int same = 1;

	a = malloc(2 * COPY_SIZE);
	if (a == NULL)
		return -1;
	while (same == 1 && off < size) {
		size_t want = size - off < COPY_SIZE ? (size_t)(size - off) :
		    COPY_SIZE;
		ssize_t n = read_at(fd, a, want, off);

		if (other >= 0) {
			c = a + COPY_SIZE;
			if (n >= 0 && read_at(other, c, want, off) !=
			    (ssize_t)want)
				n = -1;
		}
		if (n < 0)
			same = -1;
		else if ((size_t)n != want ||
		    memcmp(a, c != NULL ? c : bytes + off, want) != 0)
			same = 0;
		off += want;
	}
	free(a);
	return same;
}

/* Is the file there already?  KX_EOF: no; KX_OK: yes, the same; KX_FAIL. */
static enum kx_status
look_there(struct kx_bundle *b, int folder, const char *base,
    const char *name, const char *bytes, int other, uint64_t size,
    struct kx_error *err)
{
	struct stat st;
	int fd, same;

	fd = openat(folder, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return KX_EOF;
	if (fd < 0)
		return fail_at(b, "will not replace", name, errno, err);
	if (fstat(fd, &st) != 0) {
		same = -1;
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size) {
		same = 0;
	} else {
		same = same_bytes(fd, bytes, other, size);
	}
	close_fd(&fd);
	if (same < 0)
		return fail_at(b, "cannot read", name, errno, err);
	if (same == 0)
		return kx_error_set(err, KX_FAIL, EEXIST,
		    "will not replace %s/%s, whose content differs", b->path,
		    name);
	return KX_OK;
}

static int
open_temp(const struct kx_bundle *b)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY |
	    O_CLOEXEC;
	int fd;

	fd = openat(b->dir_fd, KX_BUNDLE_TEMP, flags, 0666);
	/* A killed run's: nobody else can have one, for DIR is locked. */
	if (fd < 0 && errno == EEXIST &&
	    unlinkat(b->dir_fd, KX_BUNDLE_TEMP, 0) == 0)
		fd = openat(b->dir_fd, KX_BUNDLE_TEMP, flags, 0666);
	return fd;
}

/* Give the temporary its name; what is there is never replaced. */
static int
put_in_place(const struct kx_bundle *b, int folder, const char *base)
{
	if (renameat2(b->dir_fd, KX_BUNDLE_TEMP, folder, base,
	    RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(b->dir_fd, KX_BUNDLE_TEMP, folder, base, 0) != 0)
		return -1;
	return unlinkat(b->dir_fd, KX_BUNDLE_TEMP, 0);
}

static int
copy_file(int from, int to, uint64_t size)
{
	uint64_t off = 0;
	int rc = 0;
	char *buf;

	buf = malloc(COPY_SIZE);
	if (buf == NULL)
		return -1;
	while (rc == 0 && off < size) {
		ssize_t n = read_at(from, buf, size - off < COPY_SIZE ?
		    (size_t)(size - off) : COPY_SIZE, off);

		if (n == 0)
			errno = EIO;
		rc = n <= 0 ? -1 : write_all(to, buf, (size_t)n);
		off += n > 0 ? (uint64_t)n : 0;
	}
	free(buf);
	return rc;
}

/* A file from memory, or from `other` where that is not -1. */
static enum kx_status
add_to_dir(struct kx_bundle *b, const char *name, int64_t mtime,
    struct kx_span bytes, int other, uint64_t size, struct kx_error *err)
{
	char from[40];
	enum kx_status status;
	const char *base;
	int folder, fd, rc, saved;

	folder = find_folder(b, name, &base);
	if (folder < 0)
		return fail_at(b, "cannot open the folder of", name, errno,
		    err);
	status = look_there(b, folder, base, name, bytes.ptr, other, size,
	    err);
	if (status != KX_EOF)
		return status;
	if (other >= 0) {
		set_mtime(other, mtime);
		(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", other);
		if (linkat(AT_FDCWD, from, folder, base,
		    AT_SYMLINK_FOLLOW) == 0)
			return KX_OK;
		if (errno == EEXIST)
			return fail_at(b, "will not replace", name, EEXIST,
			    err);
		/* No O_TMPFILE or no /proc here: it is copied. */
	}
	fd = open_temp(b);
	if (fd < 0)
		return fail_at(b, "cannot create", name, errno, err);
	rc = other >= 0 ? copy_file(other, fd, size) :
	    write_all(fd, bytes.ptr, bytes.len);
	if (rc == 0)
		set_mtime(fd, mtime);
	saved = errno;
	if (close(fd) != 0 && rc == 0 && errno != EINTR) {
		saved = errno;
		rc = -1;
	}
	if (rc == 0 && put_in_place(b, folder, base) != 0) {
		saved = errno;
		rc = -1;
	}
	if (rc == 0)
		return KX_OK;
	(void)unlinkat(b->dir_fd, KX_BUNDLE_TEMP, 0);
	return fail_at(b, "cannot write", name, saved, err);
}

static enum kx_status
open_dir(struct kx_bundle *b, struct kx_error *err)
{
	size_t len = strlen(b->path);

	if (mkdir(b->path, 0777) != 0 && errno != EEXIST)
		return kx_error_set(err, KX_FAIL, errno, "cannot create %s",
		    b->path);
	b->dir_fd = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir_fd < 0)
		return kx_error_set(err, KX_FAIL, errno, "cannot open %s",
		    b->path);
	/* A file system that knows no locks has to do without. */
	if (flock(b->dir_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return kx_error_set(err, KX_FAIL, errno,
		    "another process is writing to %s", b->path);
	b->temp_path = malloc(len + sizeof("/" KX_BUNDLE_TEMP));
	if (b->temp_path == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    b->path);
	memcpy(b->temp_path, b->path, len);
	memcpy(b->temp_path + len, "/" KX_BUNDLE_TEMP,
	    sizeof("/" KX_BUNDLE_TEMP));
	if (unlinkat(b->dir_fd, KX_BUNDLE_TEMP, 0) != 0 && errno != ENOENT)
		return kx_error_set(err, KX_FAIL, errno, "cannot remove %s",
		    b->temp_path);
	return KX_OK;
}

/*
 * Archive
 */

/* Never fails, for an archive that has failed leaks (libarchive 3.6) when it
 * is freed: what went wrong is kept, and asked for after each call.  From then
 * on, and once the bundle is given up, nothing is written. */
static la_ssize_t
write_block(struct archive *a, void *arg, const void *block, size_t len)
{
	struct kx_bundle *b = arg;

	(void)a;
	if (!b->out_failed &&
	    kx_output_write(&b->out, block, len, &b->out_err) != KX_OK)
		b->out_failed = true;
	return (la_ssize_t)len;
}

static enum kx_status
archive_fail(struct kx_bundle *b, struct kx_error *err)
{
	const char *said = archive_error_string(b->archive);
	int errnum = archive_errno(b->archive);

	if (b->out_failed) {
		if (err != NULL)
			*err = b->out_err;
		return KX_FAIL;
	}
	/* libarchive's own codes are no errno, and negative. */
	return kx_error_set(err, KX_FAIL, errnum > 0 ? errnum : 0,
	    "cannot write to %s: %s", b->path,
	    said == NULL ? "libarchive failed" : said);
}

/* The folder of the archive, where streams have their files. */
static int
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int fd;

	folder = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	if (folder == NULL)
		return -1;
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return fd;
}

static enum kx_status
open_archive(struct kx_bundle *b, struct kx_error *err)
{
	enum kx_status status;
	int rc;

	status = kx_output_open(&b->out, b->path, 0, err);
	if (status != KX_OK)
		return status;
	b->dir_fd = folder_of(b->path);
	if (b->dir_fd < 0)
		return kx_error_set(err, KX_FAIL, errno,
		    "cannot open the folder of %s", b->path);
	b->archive = archive_write_new();
	b->entry = archive_entry_new();
	if (b->archive == NULL || b->entry == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    b->path);
	if (b->kind == KX_BUNDLE_ZIP) {
		rc = archive_write_set_format_zip(b->archive);
		if (rc == ARCHIVE_OK)
			rc = archive_write_set_format_option(b->archive, "zip",
			    "compression-level", "6");
	} else {
		rc = archive_write_set_format_pax_restricted(b->archive);
	}
	if (rc == ARCHIVE_OK)
		rc = archive_write_set_bytes_per_block(b->archive, 0);
	if (rc == ARCHIVE_OK)
		rc = archive_write_open2(b->archive, b, NULL, write_block,
		    NULL, NULL);
	return rc == ARCHIVE_OK ? KX_OK : archive_fail(b, err);
}

static enum kx_status
archive_begin(struct kx_bundle *b, const char *name, int64_t mtime,
    unsigned flags, uint64_t size, struct kx_error *err)
{
	struct archive_entry *e = archive_entry_clear(b->entry);

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, (time_t)clamp_mtime(mtime), 0);
	archive_entry_set_size(e, (la_int64_t)size);
	if (b->kind == KX_BUNDLE_ZIP && ((flags & KX_BUNDLE_TEXT) ?
	    archive_write_zip_set_compression_deflate(b->archive) :
	    archive_write_zip_set_compression_store(b->archive)) != ARCHIVE_OK)
		return archive_fail(b, err);
	if (archive_write_header(b->archive, e) != ARCHIVE_OK ||
	    b->out_failed)
		return archive_fail(b, err);
	return KX_OK;
}

static enum kx_status
archive_bytes(struct kx_bundle *b, const char *p, size_t len,
    struct kx_error *err)
{
	la_ssize_t n;

	while (len > 0) {
		n = archive_write_data(b->archive, p, len);
		if (n <= 0 || b->out_failed)
			return archive_fail(b, err);
		p += n;
		len -= (size_t)n;
	}
	return KX_OK;
}

static enum kx_status
archive_end(struct kx_bundle *b, struct kx_error *err)
{
	if (archive_write_finish_entry(b->archive) != ARCHIVE_OK ||
	    b->out_failed)
		return archive_fail(b, err);
	return KX_OK;
}

/*
 * Both
 */

int
kx_bundle_kind_of(const char *path)
{
	size_t len = strlen(path);

	if (len < 4)
		return -1;
	if (!strcasecmp(path + len - 4, ".zip"))
		return KX_BUNDLE_ZIP;
	if (!strcasecmp(path + len - 4, ".tar"))
		return KX_BUNDLE_TAR;
	return -1;
}

static void
bundle_free(struct kx_bundle *b)
{
	close_fd(&b->folder_fd);
	close_fd(&b->dir_fd);
	if (b->archive != NULL)
		(void)archive_write_free(b->archive);
	archive_entry_free(b->entry);
	free(b->folder);
	free(b->temp_path);
	free(b->path);
	free(b);
}

enum kx_status
kx_bundle_open(const char *path, enum kx_bundle_kind kind,
    struct kx_bundle **out, struct kx_error *err)
{
	enum kx_status status;
	struct kx_bundle *b;

	*out = NULL;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    path);
	b->kind = kind;
	b->dir_fd = b->folder_fd = -1;
	b->path = strdup(path);
	if (b->path == NULL)
		status = kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    path);
	else
		status = kind == KX_BUNDLE_DIR ? open_dir(b, err) :
		    open_archive(b, err);
	if (status != KX_OK) {
		kx_bundle_abort(b);
		return status;
	}
	*out = b;
	return KX_OK;
}

enum kx_status
kx_bundle_add(struct kx_bundle *b, const char *name, int64_t mtime,
    unsigned flags, struct kx_span bytes, struct kx_error *err)
{
	enum kx_status status;

	if (b->kind == KX_BUNDLE_DIR)
		return add_to_dir(b, name, mtime, bytes, -1, bytes.len, err);
	status = archive_begin(b, name, mtime, flags, bytes.len, err);
	if (status == KX_OK)
		status = archive_bytes(b, bytes.ptr, bytes.len, err);
	if (status == KX_OK)
		status = archive_end(b, err);
	return status;
}

/*
 * Streams
 */

/* A file without a name, beside the archive or in DIR. */
static int
open_nameless(const struct kx_bundle *b)
{
	const mode_t mode = b->kind == KX_BUNDLE_DIR ? 0666 : 0600;
	char name[sizeof(KX_BUNDLE_TEMP) + 1 + 2 * 8];
	int fd, tries;
	uint64_t n;

	fd = openat(b->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR &&
	    errno != EINVAL && errno != ENOENT))
		return fd;
	for (tries = 0; tries < 100; tries++) {
		if (getrandom(&n, sizeof(n), 0) != sizeof(n))
			return -1;
		(void)snprintf(name, sizeof(name), "%s-%016llx",
		    KX_BUNDLE_TEMP, (unsigned long long)n);
		fd = openat(b->dir_fd, name, O_RDWR | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0) {
			(void)unlinkat(b->dir_fd, name, 0);
			return fd;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

enum kx_status
kx_bundle_stream_open(struct kx_bundle *bundle, const char *name,
    struct kx_bundle_stream **out, struct kx_error *err)
{
	struct kx_bundle_stream *s;

	*out = NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return fail_at(bundle, "cannot create", name, ENOMEM, err);
	if (kx_hash_new(KX_SHA256, &s->hash, err) != KX_OK ||
	    kx_hash_begin(s->hash) != KX_OK) {
		kx_hash_free(s->hash);
		free(s);
		return fail_at(bundle, "cannot hash", name, ENOMEM, err);
	}
	s->bundle = bundle;
	s->name = name;
	s->fd = -1;
	*out = s;
	return KX_OK;
}

static enum kx_status
stream_spill(struct kx_bundle_stream *s, const void *ptr, size_t len,
    struct kx_error *err)
{
	if (s->fd < 0)
		s->fd = open_nameless(s->bundle);
	if (s->fd < 0)
		return fail_at(s->bundle, "cannot create a temporary for",
		    s->name, errno, err);
	if (write_all(s->fd, s->buf.ptr, s->buf.len) != 0 ||
	    write_all(s->fd, ptr, len) != 0)
		return fail_at(s->bundle, "cannot write", s->name, errno,
		    err);
	s->buf.len = 0;
	return KX_OK;
}

enum kx_status
kx_bundle_stream_write(struct kx_bundle_stream *s, const void *ptr,
    size_t len, struct kx_error *err)
{
	if (len == 0)
		return KX_OK;
	if (kx_hash_add(s->hash, ptr, len) != KX_OK)
		return fail_at(s->bundle, "cannot hash", s->name, ENOMEM, err);
	s->size += len;
	if (len > STREAM_MEM - s->buf.len) {
		if (len >= STREAM_MEM / 4)
			return stream_spill(s, ptr, len, err);
		if (stream_spill(s, NULL, 0, err) != KX_OK)
			return KX_FAIL;
	}
	kx_buf_add(&s->buf, ptr, len);
	if (kx_buf_failed(&s->buf))
		return fail_at(s->bundle, "cannot write", s->name, ENOMEM,
		    err);
	return KX_OK;
}

static enum kx_status
stream_to_archive(struct kx_bundle_stream *s, int64_t mtime,
    unsigned flags, struct kx_error *err)
{
	struct kx_bundle *b = s->bundle;
	enum kx_status status;
	uint64_t off = 0;
	ssize_t n;

	status = archive_begin(b, s->name, mtime, flags, s->size, err);
	if (status == KX_OK && !kx_buf_reserve(&s->buf, COPY_SIZE))
		status = fail_at(b, "cannot write", s->name, ENOMEM, err);
	while (status == KX_OK && off < s->size) {
		n = read_at(s->fd, s->buf.ptr, COPY_SIZE, off);
		if (n <= 0)
			return fail_at(b, "cannot read again", s->name,
			    n < 0 ? errno : EIO, err);
		status = archive_bytes(b, s->buf.ptr, (size_t)n, err);
		off += (uint64_t)n;
	}
	return status == KX_OK ? archive_end(b, err) : status;
}

uint64_t
kx_bundle_stream_size(const struct kx_bundle_stream *s)
{
	return s->size;
}

enum kx_status
kx_bundle_stream_end(struct kx_bundle_stream *s, int64_t mtime,
    unsigned flags, uint8_t sha256[KX_SHA256_SIZE], uint64_t *size,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;

	if (size != NULL)
		*size = s->size;
	if (kx_hash_end(s->hash, sha256) != KX_OK) {
		status = fail_at(s->bundle, "cannot hash", s->name, ENOMEM,
		    err);
	} else if (s->fd < 0) {
		status = kx_bundle_add(s->bundle, s->name, mtime, flags,
		    kx_buf_span(&s->buf), err);
	} else {
		status = stream_spill(s, NULL, 0, err);
		if (status == KX_OK && s->bundle->kind == KX_BUNDLE_DIR)
			status = add_to_dir(s->bundle, s->name, mtime,
			    KX_SPAN_NULL, s->fd, s->size, err);
		else if (status == KX_OK)
			status = stream_to_archive(s, mtime, flags, err);
	}
	kx_bundle_stream_drop(s);
	return status;
}

void
kx_bundle_stream_drop(struct kx_bundle_stream *s)
{
	if (s == NULL)
		return;
	close_fd(&s->fd);
	kx_buf_free(&s->buf);
	kx_hash_free(s->hash);
	free(s);
}

/*
 * The end
 */

enum kx_status
kx_bundle_sync(struct kx_bundle *b, struct kx_error *err)
{
	if (b->kind != KX_BUNDLE_DIR || syncfs(b->dir_fd) == 0 ||
	    errno == ENOSYS || errno == EINVAL || errno == ENOTSUP)
		return KX_OK;
	return kx_error_set(err, KX_FAIL, errno, "cannot sync %s", b->path);
}

enum kx_status
kx_bundle_list(struct kx_bundle *b, const char *name,
    bool (*found)(void *arg, const char *name), void *arg,
    struct kx_error *err)
{
	struct dirent *entry;
	const char *base;
	char *probe;
	int fd, folder;
	DIR *dir;

	if (b->kind != KX_BUNDLE_DIR)
		return KX_OK;
	/* find_folder() wants something in the folder. */
	probe = malloc(strlen(name) + 3);
	if (probe == NULL)
		return fail_at(b, "cannot list", name, ENOMEM, err);
	(void)snprintf(probe, strlen(name) + 3, "%s%s-", name,
	    *name == '\0' ? "" : "/");
	folder = find_folder(b, probe, &base);
	free(probe);
	fd = folder < 0 ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		close_fd(&fd);
		return fail_at(b, "cannot list", name, errno, err);
	}
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    !found(arg, entry->d_name))
			break;
		errno = 0;
	}
	if (entry == NULL && errno != 0) {
		int saved = errno;

		(void)closedir(dir);
		return fail_at(b, "cannot list", name, saved, err);
	}
	(void)closedir(dir);
	return KX_OK;
}

enum kx_status
kx_bundle_commit(struct kx_bundle *b, struct kx_error *err)
{
	enum kx_status status;

	if (b->kind == KX_BUNDLE_DIR) {
		status = kx_bundle_sync(b, err);
		bundle_free(b);
		return status;
	}
	status = archive_write_close(b->archive) == ARCHIVE_OK &&
	    !b->out_failed ? KX_OK : archive_fail(b, err);
	if (status == KX_OK)
		status = kx_output_commit(&b->out, err);
	else
		kx_output_abort(&b->out);
	bundle_free(b);
	return status;
}

void
kx_bundle_abort(struct kx_bundle *b)
{
	if (b == NULL)
		return;
	/* Freeing first writes the end of the archive: to nowhere. */
	b->out_failed = true;
	if (b->kind != KX_BUNDLE_DIR)
		kx_output_abort(&b->out);
	bundle_free(b);
}

const char *
kx_bundle_temp(const struct kx_bundle *b)
{
	return b->kind == KX_BUNDLE_DIR ? b->temp_path :
	    kx_output_temp(&b->out);
}
