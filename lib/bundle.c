/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bundles: what directory, archive and listing have in common.
 *
 * A stream keeps STREAM_MEM bytes and puts the rest into a file without a
 * name (O_TMPFILE), which in a directory is then linked to its place and in an
 * archive copied.  Memory does not grow with what is written.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kx/buf.h"
#include "kx/digest.h"

#include "bundle-impl.h"

#define STREAM_MEM ((size_t)256 << 10)
#define MTIME_MIN INT64_C(315532800)		/* 1980-01-01 */
#define MTIME_MAX INT64_C(4294967295)		/* 2106-02-07 */

struct kx_bundle_stream {
	struct kx_bundle *bundle;
	const char *name;
	int fd;				/* -1: all of it is in buf */
	struct kx_relog *log;		/* or here, from the start; or NULL */
	struct kx_summing early;	/* and its sums that are wanted first */
	bool beside;
	uint64_t size;
	struct kx_buf buf;
	struct kx_digest *digest;	/* of what is not in the log */
};

/*
 * Plain files
 */

int
kx_bundle_write_all(int fd, const char *p, size_t len)
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
ssize_t
kx_bundle_read_at(int fd, char *to, size_t len, uint64_t off)
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

void
kx_bundle_close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int64_t
kx_bundle_clamp(int64_t mtime)
{
	return mtime < MTIME_MIN ? MTIME_MIN :
	    mtime > MTIME_MAX ? MTIME_MAX : mtime;
}

enum kx_status
kx_bundle_fail(const struct kx_bundle *b, const char *what,
    const char *name, int errnum, struct kx_error *err)
{
	if (b->kind == KX_BUNDLE_DIR)
		return kx_error_set(err, KX_FAIL, errnum, "%s %s/%s", what,
		    b->path, name);
	return kx_error_set(err, KX_FAIL, errnum, "%s %s in %s", what, name,
	    b->path);
}

/*
 * Open and add
 */

int
kx_bundle_kind_of(const char *path)
{
	static const struct {
		const char *suffix;
		enum kx_bundle_kind kind;
	} suffixes[] = {
		{ ".zip", KX_BUNDLE_ZIP }, { ".tar", KX_BUNDLE_TAR },
		{ ".tar.gz", KX_BUNDLE_TAR_GZ }, { ".tgz", KX_BUNDLE_TAR_GZ },
		{ ".tar.xz", KX_BUNDLE_TAR_XZ }, { ".txz", KX_BUNDLE_TAR_XZ },
		{ ".tar.zst", KX_BUNDLE_TAR_ZST },
		{ ".tzst", KX_BUNDLE_TAR_ZST }, { ".7z", KX_BUNDLE_7Z }
	};
	size_t len = strlen(path), i, n;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		n = strlen(suffixes[i].suffix);
		if (len >= n && !strcasecmp(path + len - n,
		    suffixes[i].suffix))
			return (int)suffixes[i].kind;
	}
	return -1;
}

unsigned
kx_bundle_needs(enum kx_bundle_kind kind)
{
	return kind == KX_BUNDLE_ZIP ? KX_SUM_CRC32 : 0;
}

static enum kx_status
open_by_kind(struct kx_bundle *b, struct kx_error *err)
{
	switch (b->kind) {
	case KX_BUNDLE_DIR:
		return kx_bundle_dir_open(b, err);
	case KX_BUNDLE_LIST:
		return KX_OK;
	default:
		return kx_bundle_archive_open(b, err);
	}
}

static void
bundle_free(struct kx_bundle *b)
{
	kx_bundle_close_fd(&b->folder_fd);
	kx_bundle_close_fd(&b->dir_fd);
	kx_bundle_archive_free(b);
	free(b->folder);
	free(b->temp_path);
	free(b->path);
	free(b);
}

enum kx_status
kx_bundle_open(const struct kx_bundle_options *options,
    struct kx_bundle **out, struct kx_error *err)
{
	const char *path = options->kind == KX_BUNDLE_LIST ? "the listing" :
	    options->path;
	enum kx_status status;
	struct kx_bundle *b;

	*out = NULL;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    path);
	b->kind = options->kind;
	b->sums = options->sums | kx_bundle_needs(b->kind);
	b->list = options->list;
	b->dir_fd = b->folder_fd = -1;
	b->path = strdup(path);
	if (b->path == NULL)
		status = kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    path);
	else
		status = open_by_kind(b, err);
	if (status != KX_OK) {
		kx_bundle_abort(b);
		return status;
	}
	*out = b;
	return KX_OK;
}

static enum kx_status
put(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	struct kx_span line[2];

	switch (b->kind) {
	case KX_BUNDLE_DIR:
		return kx_bundle_dir_put(b, file, err);
	case KX_BUNDLE_LIST:
		line[0] = kx_span_str(file->name);
		line[1] = KX_SPAN("\n");
		return kx_output_writev(b->list, line, 2, err);
	default:
		return kx_bundle_archive_put(b, file, err);
	}
}

enum kx_status
kx_bundle_add(struct kx_bundle *b, const char *name, int64_t mtime,
    unsigned flags, struct kx_span bytes, const struct kx_sums *sums,
    struct kx_error *err)
{
	const struct kx_bundle_file file = { .name = name, .mtime = mtime,
	    .flags = flags, .bytes = bytes, .fd = -1, .size = bytes.len,
	    .sums = sums };

	return put(b, &file, err);
}

/*
 * Streams
 */

/* A file without a name: in DIR, beside the archive, or in the folder for
 * temporaries. */
int
kx_bundle_nameless(const struct kx_bundle *b)
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
    bool beside, struct kx_bundle_stream **out, struct kx_error *err)
{
	struct kx_bundle_stream *s;

	*out = NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL || kx_digest_new(bundle->sums, beside ? bundle->sums :
	    0, &s->digest, NULL) != KX_OK) {
		free(s);
		return kx_bundle_fail(bundle, "cannot create", name, ENOMEM,
		    err);
	}
	s->bundle = bundle;
	s->name = name;
	s->beside = beside;
	s->fd = -1;
	*out = s;
	return KX_OK;
}

/* What is in memory goes to the file. */
static enum kx_status
spill(struct kx_bundle_stream *s, struct kx_error *err)
{
	if (s->fd < 0)
		s->fd = kx_bundle_nameless(s->bundle);
	if (s->fd < 0)
		return kx_bundle_fail(s->bundle,
		    "cannot create a temporary for", s->name, errno, err);
	if (kx_bundle_write_all(s->fd, s->buf.ptr, s->buf.len) != 0)
		return kx_bundle_fail(s->bundle, "cannot write", s->name,
		    errno, err);
	s->buf.len = 0;
	return KX_OK;
}

static enum kx_status
keep(struct kx_bundle_stream *s, struct kx_span span, struct kx_error *err)
{
	s->size += span.len;
	if (s->bundle->kind == KX_BUNDLE_LIST)
		return KX_OK;
	if (span.len > STREAM_MEM - s->buf.len && spill(s, err) != KX_OK)
		return KX_FAIL;
	if (span.len >= STREAM_MEM / 4 && s->fd >= 0) {
		if (spill(s, err) != KX_OK)
			return KX_FAIL;
		if (kx_bundle_write_all(s->fd, span.ptr, span.len) != 0)
			return kx_bundle_fail(s->bundle, "cannot write",
			    s->name, errno, err);
		return KX_OK;
	}
	kx_buf_addspan(&s->buf, span);
	if (kx_buf_failed(&s->buf))
		return kx_bundle_fail(s->bundle, "cannot write", s->name,
		    ENOMEM, err);
	return KX_OK;
}

static enum kx_status
keep_bytes(void *arg, struct kx_span bytes, struct kx_error *err)
{
	return keep(arg, bytes, err);
}

enum kx_status
kx_bundle_read_log(const struct kx_bundle *b, const char *name,
    const struct kx_relog *log, struct kx_digest *digest,
    enum kx_status (*take)(void *arg, struct kx_span bytes,
    struct kx_error *err), void *arg, struct kx_error *err)
{
	enum kx_status status = kx_relog_read(log, digest, take, arg, err);

	return status != KX_BAD ? status : kx_error_set(err, KX_FAIL, 0,
	    "the log for %s in %s was changed while it was read", name,
	    b->path);
}

enum kx_status
kx_bundle_stream_part(struct kx_bundle_stream *s, struct kx_error *err)
{
	enum kx_status status;

	if (s->log == NULL)
		return KX_OK;
	s->size = 0;
	status = kx_bundle_read_log(s->bundle, s->name, s->log, s->digest,
	    keep_bytes, s, err);
	kx_relog_close(s->log);
	s->log = NULL;
	return status;
}

void
kx_bundle_stream_log(struct kx_bundle_stream *s, int fd)
{
	if (s->bundle->archive == NULL || s->size > 0 ||
	    kx_summing_begin(&s->early, kx_bundle_needs(s->bundle->kind)) !=
	    KX_OK)
		return;
	s->log = kx_relog_open(fd);
}

enum kx_status
kx_bundle_stream_refer(struct kx_bundle_stream *s,
    const struct kx_span *spans, size_t n, struct kx_error *err)
{
	size_t i;

	if (s->log == NULL)
		return kx_bundle_stream_writev(s, spans, n, err);
	for (i = 0; i < n; i++) {
		kx_relog_see(s->log, spans[i]);
		if (kx_summing_add(&s->early, s->early.which, spans[i].ptr,
		    spans[i].len) != KX_OK)
			return kx_bundle_fail(s->bundle, "cannot hash",
			    s->name, 0, err);
		s->size += spans[i].len;
	}
	return KX_OK;
}

enum kx_status
kx_bundle_stream_writev(struct kx_bundle_stream *s,
    const struct kx_span *spans, size_t n, struct kx_error *err)
{
	enum kx_status status = kx_bundle_stream_part(s, err);
	size_t i;

	if (status == KX_OK && s->bundle->kind != KX_BUNDLE_LIST)
		kx_digest_add(s->digest, spans, n);
	for (i = 0; status == KX_OK && i < n; i++)
		status = keep(s, spans[i], err);
	return status;
}

void
kx_bundle_stream_wait(struct kx_bundle_stream *s)
{
	kx_digest_wait(s->digest, 0);
}

enum kx_status
kx_bundle_stream_write(struct kx_bundle_stream *s, const void *ptr,
    size_t len, struct kx_error *err)
{
	const struct kx_span span = { ptr, len };
	enum kx_status status;

	status = kx_bundle_stream_writev(s, &span, 1, err);
	kx_bundle_stream_wait(s);
	return status;
}

uint64_t
kx_bundle_stream_size(const struct kx_bundle_stream *s)
{
	return s->size;
}

void
kx_bundle_stream_state(struct kx_bundle_stream *s, struct kx_summing *state)
{
	kx_digest_state(s->digest, state);
}

/* What lies in a log: all but the `early` sums are worked out as it is copied,
 * the slowest of them on a thread of its own. */
static enum kx_status
end_log(struct kx_bundle_stream *s, struct kx_bundle_file *file,
    struct kx_sums *sums, struct kx_error *err)
{
	struct kx_bundle *b = s->bundle;
	enum kx_status status;

	kx_digest_free(s->digest);
	s->digest = NULL;
	if (kx_summing_end(&s->early, sums) != KX_OK || kx_digest_new(b->sums &
	    ~s->early.which, s->beside ? KX_SUM_SHA512 : 0, &s->digest,
	    NULL) != KX_OK)
		return kx_bundle_fail(b, "cannot hash", s->name, ENOMEM, err);
	file->log = s->log;
	file->digest = s->digest;
	status = put(b, file, err);
	if (status == KX_OK && kx_digest_sums(s->digest, sums) != KX_OK)
		return kx_bundle_fail(b, "cannot hash", s->name, 0, err);
	return status;
}

enum kx_status
kx_bundle_stream_end(struct kx_bundle_stream *s, int64_t mtime,
    unsigned flags, struct kx_sums *sums, uint64_t *size,
    struct kx_error *err)
{
	struct kx_bundle_file file = { .name = s->name, .mtime = mtime,
	    .flags = flags, .fd = s->fd, .size = s->size, .sums = sums };
	enum kx_status status = KX_OK;

	if (size != NULL)
		*size = s->size;
	if (s->log != NULL) {
		status = end_log(s, &file, sums, err);
		kx_bundle_stream_drop(s);
		return status;
	}
	if (kx_digest_sums(s->digest, sums) != KX_OK)
		status = kx_bundle_fail(s->bundle, "cannot hash", s->name,
		    ENOMEM, err);
	else if (s->fd < 0)
		file.bytes = kx_buf_span(&s->buf);
	else
		status = spill(s, err);
	if (status == KX_OK)
		status = put(s->bundle, &file, err);
	kx_bundle_stream_drop(s);
	return status;
}

void
kx_bundle_stream_drop(struct kx_bundle_stream *s)
{
	if (s == NULL)
		return;
	kx_bundle_close_fd(&s->fd);
	kx_relog_close(s->log);
	kx_buf_free(&s->buf);
	kx_digest_free(s->digest);
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
	/* kx_bundle_dir_folder() wants something in the folder. */
	probe = malloc(strlen(name) + 3);
	if (probe == NULL)
		return kx_bundle_fail(b, "cannot list", name, ENOMEM, err);
	(void)snprintf(probe, strlen(name) + 3, "%s%s-", name,
	    *name == '\0' ? "" : "/");
	folder = kx_bundle_dir_folder(b, probe, &base);
	free(probe);
	fd = folder < 0 ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		kx_bundle_close_fd(&fd);
		return kx_bundle_fail(b, "cannot list", name, errno, err);
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
		return kx_bundle_fail(b, "cannot list", name, saved, err);
	}
	(void)closedir(dir);
	return KX_OK;
}

enum kx_status
kx_bundle_commit(struct kx_bundle *b, struct kx_error *err)
{
	enum kx_status status = KX_OK;

	if (b->kind == KX_BUNDLE_DIR)
		status = kx_bundle_sync(b, err);
	else if (b->kind != KX_BUNDLE_LIST)
		status = kx_bundle_archive_commit(b, err);
	bundle_free(b);
	return status;
}

void
kx_bundle_abort(struct kx_bundle *b)
{
	if (b == NULL)
		return;
	kx_bundle_archive_abort(b);
	bundle_free(b);
}

const char *
kx_bundle_temp(const struct kx_bundle *b)
{
	return b->kind == KX_BUNDLE_DIR ? b->temp_path :
	    kx_bundle_archive_temp(b);
}
