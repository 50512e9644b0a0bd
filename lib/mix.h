/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A 64-bit digest of bytes, to tell them apart within one run: fast, and the
 * same on every machine.
 *
 * kx_mix() is no protection against somebody who makes two texts of one digest
 * on purpose.  In pieces it begins with a seed, which nobody knows who made the
 * bytes: two texts then have one digest by chance alone, one in 2^64.
 */
#ifndef KX_MIX_H
#define KX_MIX_H

#include "kx/base.h"

uint64_t kx_mix(const void *ptr, size_t len);

/* May be copied by assignment. */
struct kx_mixing {
	uint64_t seed, key[4], state[4];
	uint64_t size;
	unsigned char part[64];		/* size % 64 bytes, not mixed in yet */
};

void kx_mixing_begin(struct kx_mixing *m, uint64_t seed);
void kx_mixing_add(struct kx_mixing *m, const void *ptr, size_t len);
/* Of what was added so far; the pieces do not matter. */
uint64_t kx_mixing_end(const struct kx_mixing *m);

#endif
