/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which identifiers have come up before, exactly, and whether with the same
 * bytes.
 *
 * Memory grows with the number of different identifiers: 16 bytes each, and
 * up to as much again to grow in; for one that is no decimal number of up to
 * 64 bits without leading zeros, its text too.
 */
#ifndef KX_UNIQUE_H
#define KX_UNIQUE_H

#include "kx/base.h"

enum kx_seen {
	KX_SEEN_NEVER,
	KX_SEEN_SAME,		/* with the same digest, when it came first */
	KX_SEEN_OTHER
};

struct kx_unique;

/* NULL without memory. */
struct kx_unique *kx_unique_new(void);
void kx_unique_free(struct kx_unique *unique);

/* Has the identifier come up before, with these bytes?  It is copied.
 * KX_FAIL: no memory to remember it. */
enum kx_status kx_unique_add(struct kx_unique *unique, struct kx_span id,
    uint64_t digest, enum kx_seen *seen) KX_MUST_CHECK;

/* A digest that tells texts apart; not against those who want it fooled.
 * Some 8 GB/s. */
uint64_t kx_unique_digest(struct kx_span text);

#endif
