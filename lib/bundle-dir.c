/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bundles in a directory.  DIR is opened once and everything below it is
 * reached from its descriptor, a folder at a time with O_NOFOLLOW, so that a
 * link planted in it leads nowhere.  One fixed temporary name does for all
 * files, for they are made one after another under a lock; what kill -9 leaves
 * behind is taken away by the next run.  There is no fsync for each of ten
 * thousand frames: one syncfs() comes before the first manifest and one behind
 * the last.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle-impl.h"

static void
set_mtime(int fd, int64_t mtime)
{
	struct timespec at[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)kx_bundle_clamp(mtime) }
	};

	/* A file system without times loses nothing else. */
	(void)futimens(fd, at);
}

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
int
kx_bundle_dir_folder(struct kx_bundle *b, const char *name, const char **base)
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
			kx_bundle_close_fd(&at);
		at = fd;
		rest = fd < 0 ? NULL : next;
	}
	free(part);
	if (at < 0) {
		free(folder);
		return -1;
	}
	kx_bundle_close_fd(&b->folder_fd);
	free(b->folder);
	b->folder = folder;
	b->folder_fd = at;
	return at;
}

static size_t
at_a_time(uint64_t left)
{
	return left < KX_BUNDLE_COPY ? (size_t)left : KX_BUNDLE_COPY;
}

/* Is what is open at `fd` exactly this: bytes in memory or, where `other` is
 * not -1, `size` bytes of that file?  1, 0, or -1 and errno. */
static int
same_bytes(int fd, const char *bytes, int other, uint64_t size)
{
	char *a, *c = NULL;
	uint64_t off = 0;
	int same = 1;

	a = malloc(2 * KX_BUNDLE_COPY);
	if (a == NULL)
		return -1;
	while (same == 1 && off < size) {
		size_t want = at_a_time(size - off);
		ssize_t n = kx_bundle_read_at(fd, a, want, off);

		if (other >= 0) {
			c = a + KX_BUNDLE_COPY;
			if (n >= 0 && kx_bundle_read_at(other, c, want, off) !=
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
    const struct kx_bundle_file *file, struct kx_error *err)
{
	const char *name = file->name;
	struct stat st;
	int fd, same;

	fd = openat(folder, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return KX_EOF;
	if (fd < 0)
		return kx_bundle_fail(b, "will not replace", name, errno, err);
	if (fstat(fd, &st) != 0) {
		same = -1;
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size) {
		same = 0;
	} else {
		same = same_bytes(fd, file->bytes.ptr, file->fd,
		    file->size);
	}
	kx_bundle_close_fd(&fd);
	if (same < 0)
		return kx_bundle_fail(b, "cannot read", name, errno, err);
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

	buf = malloc(KX_BUNDLE_COPY);
	if (buf == NULL)
		return -1;
	while (rc == 0 && off < size) {
		ssize_t n = kx_bundle_read_at(from, buf,
		    at_a_time(size - off), off);

		if (n == 0)
			errno = EIO;
		rc = n <= 0 ? -1 : kx_bundle_write_all(to, buf, (size_t)n);
		off += n > 0 ? (uint64_t)n : 0;
	}
	free(buf);
	return rc;
}

enum kx_status
kx_bundle_dir_put(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	const char *name = file->name, *base;
	enum kx_status status;
	char from[40];
	int folder, fd, rc, saved;

	folder = kx_bundle_dir_folder(b, name, &base);
	if (folder < 0)
		return kx_bundle_fail(b, "cannot open the folder of", name,
		    errno, err);
	status = look_there(b, folder, base, file, err);
	if (status != KX_EOF)
		return status;
	if (file->fd >= 0) {
		set_mtime(file->fd, file->mtime);
		(void)snprintf(from, sizeof(from), "/proc/self/fd/%d",
		    file->fd);
		if (linkat(AT_FDCWD, from, folder, base,
		    AT_SYMLINK_FOLLOW) == 0)
			return KX_OK;
		if (errno == EEXIST)
			return kx_bundle_fail(b, "will not replace", name,
			    EEXIST, err);
		/* No O_TMPFILE or no /proc here: it is copied. */
	}
	fd = open_temp(b);
	if (fd < 0)
		return kx_bundle_fail(b, "cannot create", name, errno, err);
	rc = file->fd >= 0 ? copy_file(file->fd, fd, file->size) :
	    kx_bundle_write_all(fd, file->bytes.ptr, file->bytes.len);
	if (rc == 0)
		set_mtime(fd, file->mtime);
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
	return kx_bundle_fail(b, "cannot write", name, saved, err);
}

enum kx_status
kx_bundle_dir_open(struct kx_bundle *b, struct kx_error *err)
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
