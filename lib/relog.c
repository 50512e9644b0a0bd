/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading again goes through a ring of buffers, as many as the digest takes
 * ahead: the longest of its sums need twice the time of a copy, and are never
 * kept waiting for one.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "kx/relog.h"

#include "mix.h"

#define PIECE ((size_t)256 << 10)

struct kx_relog {
	int fd;
	uint64_t size;
	struct kx_mixing seen;
};

struct kx_relog *
kx_relog_open(int fd)
{
	struct kx_relog *log = calloc(1, sizeof(*log));
	uint64_t seed;

	if (log == NULL)
		return NULL;
	log->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (log->fd < 0 || getrandom(&seed, sizeof(seed), 0) !=
	    sizeof(seed)) {
		kx_relog_close(log);
		return NULL;
	}
	kx_mixing_begin(&log->seen, seed | 1);
	return log;
}

uint64_t
kx_relog_size(const struct kx_relog *log)
{
	return log->size;
}

void
kx_relog_see(struct kx_relog *log, struct kx_span bytes)
{
	kx_mixing_add(&log->seen, bytes.ptr, bytes.len);
	log->size += bytes.len;
}

/* All of `len` bytes; KX_BAD: there are fewer. */
static enum kx_status
read_at(int fd, char *to, size_t len, uint64_t off, struct kx_error *err)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, to, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kx_error_set(err, KX_FAIL, errno,
			    "cannot read the log again");
		if (n == 0)
			return KX_BAD;
		to += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return KX_OK;
}

enum kx_status
kx_relog_read(const struct kx_relog *log, struct kx_digest *digest,
    enum kx_status (*take)(void *arg, struct kx_span bytes,
    struct kx_error *err), void *arg, struct kx_error *err)
{
	struct kx_span piece[KX_DIGEST_AHEAD], *p;
	char *ring = malloc(KX_DIGEST_AHEAD * PIECE), *to;
	enum kx_status status = KX_OK;
	struct kx_mixing again;
	uint64_t off, left;
	size_t i = 0;

	if (ring == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM,
		    "cannot read the log again");
	kx_mixing_begin(&again, log->seen.seed);
	for (off = 0; status == KX_OK && off < log->size; off += p->len) {
		left = log->size - off;
		kx_digest_wait(digest, KX_DIGEST_AHEAD - 1);
		p = &piece[i];
		to = ring + i * PIECE;
		i = (i + 1) % KX_DIGEST_AHEAD;
		*p = (struct kx_span){ to, left < PIECE ? (size_t)left :
		    PIECE };
		status = read_at(log->fd, to, p->len, off, err);
		if (status != KX_OK)
			break;
		kx_digest_add(digest, p, 1);
		kx_mixing_add(&again, p->ptr, p->len);
		status = take(arg, *p, err);
	}
	kx_digest_wait(digest, 0);
	free(ring);
	if (status == KX_OK &&
	    kx_mixing_end(&again) != kx_mixing_end(&log->seen))
		status = KX_BAD;
	return status;
}

void
kx_relog_close(struct kx_relog *log)
{
	if (log == NULL)
		return;
	if (log->fd >= 0)
		(void)close(log->fd);
	free(log);
}
