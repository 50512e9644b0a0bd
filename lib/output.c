/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that appears whole or not at all.
 *
 * The folder is opened once and every step on the temporary and the final
 * name is taken relative to it, so the file is put where it was begun even if
 * a parent folder is renamed meanwhile.
 *
 * Cost: small writes are a memcpy; DIRECT_SIZE bytes or more are one writev()
 * with what was gathered before, no copy.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kx/output.h"

#define BUF_SIZE ((size_t)128 << 10)
#define DIRECT_SIZE ((size_t)32 << 10)
#define N_IOV 64
#define N_LINKS 40		/* as many as Linux follows */
#define N_TRIES 100
#define TEMP_NAME_MAX 200	/* bytes of NAME in .NAME.XXXXXX */

static void
release(struct kx_output *out)
{
	free(out->name);
	free(out->temp);
	free(out->final_base);
	free(out->buf);
	*out = (struct kx_output){ .fd = -1, .dir_fd = -1 };
}

/* Descriptors 0 to 2 belong to the streams of those numbers, open or not. */
static int
above_std(int fd)
{
	int moved, saved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return moved;
}

/* The N of /dev/fd/N and its like; -1 for any other path. */
static int
named_fd(const char *path)
{
	static const char *const folder[] = { "/dev/fd/", "/proc/self/fd/" };
	const char *p = NULL;
	size_t i;
	int n = 0;

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (i = 0; i < sizeof(folder) / sizeof(folder[0]); i++) {
		if (!strncmp(path, folder[i], strlen(folder[i])))
			p = path + strlen(folder[i]);
	}
	if (p == NULL || *p == '\0')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *p - '0', &n))
			return -1;
	}
	return *p == '\0' ? n : -1;
}

/* What `path`, a symbolic link, says; relative to the link's own folder.
 * NULL and errno on failure.  The caller frees it. */
static char *
link_target(const char *path)
{
	size_t size = 256, base;
	const char *slash;
	char *text, *grown;
	ssize_t n;

	slash = strrchr(path, '/');
	base = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	text = NULL;
	for (;;) {
		grown = realloc(text, base + size);
		if (grown == NULL) {
			free(text);
			errno = ENOMEM;
			return NULL;
		}
		text = grown;
		n = readlink(path, text + base, size);
		if (n < 0) {
			int saved = errno;

			free(text);
			errno = saved;
			return NULL;
		}
		if ((size_t)n < size)
			break;
		size *= 2;
	}
	text[base + (size_t)n] = '\0';
	if (text[base] == '/')
		memmove(text, text + base, (size_t)n + 1);
	else
		memcpy(text, path, base);
	return text;
}

/* Follow links from `path` to what is no link, or does not exist; *st is of
 * that and *exists says which.  NULL and errno on failure. */
static char *
resolve(const char *path, struct stat *st, bool *exists, int *fd)
{
	char *at, *next;
	unsigned i;

	at = strdup(path);
	if (at == NULL)
		return NULL;
	*fd = -1;
	for (i = 0; i <= N_LINKS; i++) {
		*fd = named_fd(at);
		if (*fd >= 0)
			return at;
		*exists = true;
		if (lstat(at, st) != 0) {
			if (errno != ENOENT)
				goto fail;
			*exists = false;
			return at;
		}
		if (!S_ISLNK(st->st_mode))
			return at;
		next = link_target(at);
		if (next == NULL)
			goto fail;
		free(at);
		at = next;
	}
	errno = ELOOP;
fail:
	{
		int saved = errno;

		free(at);
		errno = saved;
	}
	return NULL;
}

static int
random_letters(char *to, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	unsigned char raw[16];
	size_t i;

	if (getrandom(raw, n, 0) != (ssize_t)n)
		return -1;
	for (i = 0; i < n; i++)
		to[i] = letters[raw[i] % (sizeof(letters) - 1)];
	return 0;
}

/* Create the temporary beside `place`. */
static int
open_temp(struct kx_output *out, const char *place, const struct stat *st)
{
	const char *base, *slash = strrchr(place, '/');
	size_t dir_len, base_len, size;
	char *dir;
	int fd, tries;

	base = slash == NULL ? place : slash + 1;
	dir_len = (size_t)(base - place);
	base_len = strlen(base);
	if (base_len == 0) {
		/* "dir/" where there is no dir. */
		errno = *place == '\0' ? ENOENT : EISDIR;
		return -1;
	}
	out->final_base = strdup(base);
	if (base_len > TEMP_NAME_MAX)
		base_len = TEMP_NAME_MAX;
	size = dir_len + base_len + sizeof("..XXXXXX");
	out->temp = malloc(size);
	dir = dir_len == 0 ? strdup(".") : strndup(place, dir_len);
	if (out->final_base == NULL || out->temp == NULL || dir == NULL) {
		free(dir);
		errno = ENOMEM;
		return -1;
	}
	/* A folder may be written to and searched but not read: then there is
	 * no descriptor that could be synced, and the rename must do. */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		out->flags |= KX_OUTPUT_NOSYNC;
	}
	free(dir);
	out->dir_fd = above_std(fd);
	if (out->dir_fd < 0)
		return -1;

	memcpy(out->temp, place, dir_len);
	out->temp_base = out->temp + dir_len;
	out->temp_base[0] = '.';
	memcpy(out->temp_base + 1, base, base_len);
	out->temp_base[base_len + 1] = '.';
	out->temp_base[base_len + 8] = '\0';
	for (tries = 0; tries < N_TRIES; tries++) {
		if (random_letters(out->temp_base + base_len + 2, 6) != 0)
			return -1;
		fd = openat(out->dir_fd, out->temp_base, O_WRONLY | O_CREAT |
		    O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
		    st == NULL ? 0666 : 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0)
		return -1;
	out->fd = above_std(fd);
	/* The new file must be no more open than the one it replaces.  On a
	 * file system without permission bits there is nothing to keep. */
	if (out->fd < 0 || (st != NULL &&
	    fchmod(out->fd, st->st_mode & 0777) != 0 && errno != EPERM &&
	    errno != ENOTSUP)) {
		int saved = errno;

		(void)unlinkat(out->dir_fd, out->temp_base, 0);
		if (out->fd >= 0)
			(void)close(out->fd);
		out->fd = -1;
		errno = saved;
		return -1;
	}
	return 0;
}

static int
open_place(struct kx_output *out, const char *path)
{
	bool exists = false;
	struct stat st;
	int fd, saved;
	char *place;

	place = resolve(path, &st, &exists, &fd);
	if (place == NULL)
		return -1;
	if (fd >= 0) {
		out->direct = true;
		out->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	} else if (!exists) {
		out->fd = -1;
		(void)open_temp(out, place, NULL);
	} else if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
	} else if (out->flags & KX_OUTPUT_NEW) {
		errno = EEXIST;
	} else if (!S_ISREG(st.st_mode)) {
		out->direct = true;
		out->fd = above_std(open(place, O_WRONLY | O_NOCTTY |
		    O_CLOEXEC));
	} else if (faccessat(AT_FDCWD, place, W_OK, AT_EACCESS) == 0) {
		(void)open_temp(out, place, &st);
	}
	saved = errno;
	free(place);
	errno = saved;
	return out->fd < 0 ? -1 : 0;
}

enum kx_status
kx_output_open(struct kx_output *out, const char *path, unsigned flags,
    struct kx_error *err)
{
	bool std = path == NULL || !strcmp(path, "-");
	int saved = 0;

	*out = (struct kx_output){ .fd = -1, .dir_fd = -1, .flags = flags };
	out->name = strdup(std ? "(stdout)" : path);
	if (out->name == NULL) {
		saved = ENOMEM;
	} else if (std) {
		out->direct = true;
		out->fd = STDOUT_FILENO;
	} else if (open_place(out, path) != 0) {
		saved = errno;
	}
	if (saved != 0) {
		if (out->dir_fd >= 0)
			(void)close(out->dir_fd);
		release(out);
		return kx_error_set(err, KX_FAIL, saved, "cannot open %s",
		    std ? "standard output" : path);
	}
	out->open = true;
	return KX_OK;
}

static enum kx_status
fail(struct kx_output *out, int errnum, struct kx_error *err)
{
	out->failed = errnum;
	if (!out->open)
		return kx_error_set(err, KX_FAIL, errnum, "no open output");
	return kx_error_set(err, KX_FAIL, errnum, "cannot write to %s",
	    out->fd == STDOUT_FILENO ? "standard output" : out->name);
}

/* Write all of iov[0..n), which is changed on the way; 0 or errno. */
static int
write_all(int fd, struct iovec *iov, size_t n)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	ssize_t got;
	size_t done;

	for (;;) {
		while (n > 0 && iov->iov_len == 0) {
			iov++;
			n--;
		}
		if (n == 0)
			return 0;
		got = writev(fd, iov, (int)n);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				return errno;
			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				return errno;
			continue;
		}
		if (got == 0)
			return EIO;
		done = (size_t)got;
		while (done > 0) {
			size_t step = done < iov->iov_len ? done :
			    iov->iov_len;

			iov->iov_base = (char *)iov->iov_base + step;
			iov->iov_len -= step;
			done -= step;
			if (iov->iov_len == 0 && n > 1) {
				iov++;
				n--;
			}
		}
	}
}

/* What was gathered, then the spans, straight to the file. */
static int
write_through(struct kx_output *out, const struct kx_span *spans, size_t n)
{
	struct iovec iov[N_IOV];
	size_t i = 0, n_iov, total;
	int rc;

	do {
		n_iov = total = 0;
		if (out->buf_len > 0) {
			iov[n_iov++] = (struct iovec){ out->buf,
			    out->buf_len };
			total = out->buf_len;
		}
		/* One writev() takes no more than SSIZE_MAX. */
		for (; i < n && n_iov < N_IOV &&
		    spans[i].len <= SSIZE_MAX - total; i++) {
			if (spans[i].len == 0)
				continue;
			iov[n_iov++] = (struct iovec){ (void *)(uintptr_t)
			    spans[i].ptr, spans[i].len };
			total += spans[i].len;
		}
		if (n_iov == 0 && i < n)
			return EINVAL;
		rc = write_all(out->fd, iov, n_iov);
		if (rc != 0)
			return rc;
		out->buf_len = 0;
	} while (i < n);
	return 0;
}

enum kx_status
kx_output_writev(struct kx_output *out, const struct kx_span *spans,
    size_t n, struct kx_error *err)
{
	size_t total = 0, i;
	int rc;

	if (!out->open)
		return fail(out, EBADF, err);
	if (out->failed != 0)
		return fail(out, out->failed, err);
	for (i = 0; i < n; i++) {
		if (__builtin_add_overflow(total, spans[i].len, &total))
			return fail(out, EOVERFLOW, err);
	}
	if (total == 0)
		return KX_OK;
	out->off += total;
	if (total < DIRECT_SIZE && out->buf == NULL)
		out->buf = malloc(BUF_SIZE);
	if (total >= DIRECT_SIZE || out->buf == NULL) {
		/* Without memory for the buffer it goes on, only slower. */
		rc = write_through(out, spans, n);
		return rc == 0 ? KX_OK : fail(out, rc, err);
	}
	if (total > BUF_SIZE - out->buf_len) {
		rc = write_through(out, NULL, 0);
		if (rc != 0)
			return fail(out, rc, err);
	}
	for (i = 0; i < n; i++) {
		if (spans[i].len > 0)
			memcpy(out->buf + out->buf_len, spans[i].ptr,
			    spans[i].len);
		out->buf_len += spans[i].len;
	}
	return KX_OK;
}

enum kx_status
kx_output_write(struct kx_output *out, const void *ptr, size_t len,
    struct kx_error *err)
{
	struct kx_span span = { ptr, len };

	return kx_output_writev(out, &span, 1, err);
}

enum kx_status
kx_output_flush(struct kx_output *out, struct kx_error *err)
{
	int rc;

	if (!out->open)
		return fail(out, EBADF, err);
	if (out->failed != 0)
		return fail(out, out->failed, err);
	rc = write_through(out, NULL, 0);
	return rc == 0 ? KX_OK : fail(out, rc, err);
}

/* A file system that has no sync at all is not one whose sync failed. */
static bool
no_sync_here(int errnum)
{
	return errnum == EINVAL || errnum == ENOSYS || errnum == ENOTSUP;
}

/* Give the temporary its name, replacing nothing if it must be new. */
static int
put_in_place(const struct kx_output *out)
{
	int dir = out->dir_fd;

	if (!(out->flags & KX_OUTPUT_NEW))
		return renameat(dir, out->temp_base, dir, out->final_base);
	if (renameat2(dir, out->temp_base, dir, out->final_base,
	    RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* link() too refuses a name that is taken. */
	if (linkat(dir, out->temp_base, dir, out->final_base, 0) != 0)
		return -1;
	(void)unlinkat(dir, out->temp_base, 0);
	return 0;
}

static enum kx_status
commit_direct(struct kx_output *out, struct kx_error *err)
{
	enum kx_status status = KX_OK;
	int fd = out->fd;

	/* Some file systems report a failed write only as the file is closed.
	 * Standard output itself stays open, or the next file opened would
	 * become it; closing a copy makes the system look all the same. */
	if (fd == STDOUT_FILENO)
		fd = out->off == 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC,
		    STDERR_FILENO + 1);
	if (fd >= 0 && close(fd) != 0 && errno != EINTR)
		status = fail(out, errno, err);
	release(out);
	return status;
}

enum kx_status
kx_output_commit(struct kx_output *out, struct kx_error *err)
{
	enum kx_status status;
	const char *what;
	int saved, fd;

	status = kx_output_flush(out, err);
	if (status != KX_OK) {
		kx_output_abort(out);
		return status;
	}
	if (out->direct)
		return commit_direct(out, err);

	what = "cannot sync";
	if (!(out->flags & KX_OUTPUT_NOSYNC) && fsync(out->fd) != 0 &&
	    !no_sync_here(errno))
		goto fail;
	what = "cannot close";
	fd = out->fd;
	out->fd = -1;
	if (close(fd) != 0 && errno != EINTR)
		goto fail;
	what = "cannot rename the temporary to";
	if (put_in_place(out) != 0)
		goto fail;
	if (!(out->flags & KX_OUTPUT_NOSYNC) && fsync(out->dir_fd) != 0 &&
	    !no_sync_here(errno))
		status = kx_error_set(err, KX_FAIL, errno,
		    "cannot sync the folder of %s", out->name);
	(void)close(out->dir_fd);
	release(out);
	return status;
fail:
	saved = errno;
	status = kx_error_set(err, KX_FAIL, saved, "%s %s", what, out->name);
	kx_output_abort(out);
	return status;
}

void
kx_output_abort(struct kx_output *out)
{
	int saved = errno;

	if (!out->open)
		return;
	if (out->fd >= 0 && out->fd != STDOUT_FILENO)
		(void)close(out->fd);
	if (out->temp != NULL)
		(void)unlinkat(out->dir_fd, out->temp_base, 0);
	if (out->dir_fd >= 0)
		(void)close(out->dir_fd);
	release(out);
	errno = saved;
}
