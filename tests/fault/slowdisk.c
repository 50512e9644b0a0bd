/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into a tool, it makes the disk slow, and tells what a power cut
 * would leave of a file that only grows.
 *
 *   KX_SYNC_MS=N        every fdatasync() takes so long, at least
 *   KX_SYNCED=FILE      takes the length that the file had when the last one
 *                       that has ended began: that much is on the disk
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
fdatasync(int fd)
{
	const char *ms = getenv("KX_SYNC_MS"), *synced = getenv("KX_SYNCED");
	struct timespec wait = { 0, 0 };
	struct stat st;
	char text[32];
	long n = ms == NULL ? 0 : strtol(ms, NULL, 10);
	int rc, out;

	if (fstat(fd, &st) != 0)
		return -1;
	wait.tv_sec = n / 1000;
	wait.tv_nsec = n % 1000 * 1000000;
	(void)nanosleep(&wait, NULL);
	rc = (int)syscall(SYS_fdatasync, fd);
	if (rc != 0 || synced == NULL)
		return rc;
	/* In one write of always the same length: it may be the last. */
	n = snprintf(text, sizeof(text), "%020lld\n", (long long)st.st_size);
	out = open(synced, O_WRONLY | O_CREAT, 0666);
	if (out < 0 || pwrite(out, text, (size_t)n, 0) != n)
		return -1;
	return close(out);
}
