/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A log whose bytes are wanted a second time: what was seen of it in passing,
 * and those very bytes read again, from its start, when there is a place for
 * them.  So they need not be kept, and their sums are worked out where nothing
 * else is left to do.
 *
 * Should somebody change the log meanwhile (that it grows is no change), what
 * is read is not what was seen, and that is found out: by digests of 64 bits,
 * with a seed that is drawn for this log.
 */
#ifndef KX_RELOG_H
#define KX_RELOG_H

#include "kx/base.h"
#include "kx/digest.h"

struct kx_relog;

/* The log behind `fd`, which is duplicated; nothing of it has been seen.  NULL
 * where that cannot be had: then there is no reading again. */
struct kx_relog *kx_relog_open(int fd);
/* Bytes seen. */
uint64_t kx_relog_size(const struct kx_relog *log);
/* Its next bytes, in passing. */
void kx_relog_see(struct kx_relog *log, struct kx_span bytes);
/*
 * What was seen, read again and given to `take` in turn; each piece is added
 * to `digest` first, which may go on with it beside.  KX_BAD: the log has been
 * changed; KX_FAIL, and *err: it cannot be read, or is what `take` said.
 */
enum kx_status kx_relog_read(const struct kx_relog *log,
    struct kx_digest *digest, enum kx_status (*take)(void *arg,
    struct kx_span bytes, struct kx_error *err), void *arg,
    struct kx_error *err) KX_MUST_CHECK;
/* NULL does nothing. */
void kx_relog_close(struct kx_relog *log);

#endif
