/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into a tool, it makes one call fail, as a full disk, a worn one,
 * or a machine without memory would.  tests/fault/walk.py moves the failure
 * along all the calls that the tool makes.
 *
 *   KX_REFUSE=CALL:N[+]:ERRNO
 *
 * The Nth call (from 1; with + that one and all behind it) of a kind fails with
 * that errno.  Kinds: malloc (and calloc, realloc ...), read, write (and
 * writev, pwrite), fsync (and fdatasync, syncfs), close, open (and openat),
 * rename (and renameat ...).
 * Standard error is left alone: what is said there is what is looked at.
 * KX_REFUSED=FILE is made when a call has failed, so that the walk knows its
 * end.  KX_COUNT=FILE takes the number of allocations as the program ends.
 *
 * Children count on from where their parent stood at the fork.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	char kind[16];
	unsigned long n;
	bool onwards;
	int errnum;
	const char *mark, *count;
	unsigned long seen, allocations;
} plan;

/* glibc's own, by names that need no look-up: dlsym() allocates. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

__attribute__((constructor)) static void
begin(void)
{
	const char *p = getenv("KX_REFUSE"), *colon;
	char *end;

	plan.count = getenv("KX_COUNT");
	if (p == NULL || (colon = strchr(p, ':')) == NULL ||
	    (size_t)(colon - p) >= sizeof plan.kind)
		return;
	plan.mark = getenv("KX_REFUSED");
	plan.n = strtoul(colon + 1, &end, 10);
	plan.onwards = *end == '+';
	end += plan.onwards;
	plan.errnum = *end == ':' ? (int)strtol(end + 1, NULL, 10) : EIO;
	memcpy(plan.kind, p, (size_t)(colon - p));
}

__attribute__((destructor)) static void
end(void)
{
	char text[32];
	int fd, n;

	if (plan.count == NULL)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, plan.count,
	    O_WRONLY | O_CREAT | O_TRUNC, 0666);
	n = snprintf(text, sizeof text, "%lu\n", plan.allocations);
	if (fd >= 0 && n > 0) {
		(void)!syscall(SYS_write, fd, text, (size_t)n);
		(void)syscall(SYS_close, fd);
	}
}

/* Is this the call that fails? */
static bool
refuse(const char *kind)
{
	unsigned long seen;
	int fd;

	if (strcmp(plan.kind, kind) != 0)
		return false;
	seen = __atomic_add_fetch(&plan.seen, 1, __ATOMIC_RELAXED);
	if (seen != plan.n && !(plan.onwards && seen > plan.n))
		return false;
	if (plan.mark != NULL) {
		fd = (int)syscall(SYS_openat, AT_FDCWD, plan.mark,
		    O_WRONLY | O_CREAT, 0666);
		if (fd >= 0)
			(void)syscall(SYS_close, fd);
	}
	errno = plan.errnum;
	return true;
}

static bool
refuse_memory(void)
{
	(void)__atomic_add_fetch(&plan.allocations, 1, __ATOMIC_RELAXED);
	return refuse("malloc");
}

void *
malloc(size_t size)
{
	return refuse_memory() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return refuse_memory() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return refuse_memory() ? NULL : __libc_realloc(p, size);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return refuse_memory() ? NULL : __libc_memalign(align, size);
}

int
posix_memalign(void **p, size_t align, size_t size)
{
	void *made = aligned_alloc(align, size);

	if (made == NULL)
		return ENOMEM;
	*p = made;
	return 0;
}

ssize_t
read(int fd, void *buf, size_t len)
{
	return refuse("read") ? -1 : syscall(SYS_read, fd, buf, len);
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	if (fd != STDERR_FILENO && refuse("write"))
		return -1;
	return syscall(SYS_write, fd, buf, len);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	if (fd != STDERR_FILENO && refuse("write"))
		return -1;
	return syscall(SYS_writev, fd, iov, n);
}

ssize_t
pwrite(int fd, const void *buf, size_t len, off_t off)
{
	return refuse("write") ? -1 : syscall(SYS_pwrite64, fd, buf, len, off);
}

int
fsync(int fd)
{
	return refuse("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return refuse("fsync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
syncfs(int fd)
{
	return refuse("fsync") ? -1 : (int)syscall(SYS_syncfs, fd);
}

/* It is closed all the same, as Linux does it. */
int
close(int fd)
{
	int rc = (int)syscall(SYS_close, fd);

	return refuse("close") ? -1 : rc;
}

static int
open_any(int dir, const char *path, int flags, unsigned mode)
{
	if (refuse("open"))
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, unsigned) : 0;
	va_end(ap);
	return open_any(AT_FDCWD, path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, unsigned) : 0;
	va_end(ap);
	return open_any(dir, path, flags, mode);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (refuse("rename"))
		return -1;
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to,
    unsigned flags)
{
	if (refuse("rename"))
		return -1;
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int
rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
