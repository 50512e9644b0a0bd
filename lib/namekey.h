/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A short text as two words and its length: its first and last eight bytes, or
 * what there is of them in the high bytes.  Texts of 1 to KX_KEY_WHOLE bytes
 * are equal where their keys are, and are compared so without a call or a
 * loop; an empty one has a key that may equal no other's, not even another
 * empty one's.
 */
#ifndef KX_NAMEKEY_H
#define KX_NAMEKEY_H

#include <endian.h>

#include "kx/base.h"

#define KX_KEY_WHOLE 16

struct kx_key {
	uint64_t head, tail;
	uint32_t len;
};

/* Of text[0..len), behind which at least eight bytes are readable.  Without a
 * branch: names are short and long in turn. */
static inline struct kx_key
kx_key_of(const char *text, uint32_t len)
{
	struct kx_key key = { 0, 0, len };
	unsigned shift = len < 8 ? 64 - 8 * len : 0;

	/* Of an empty text nothing is shifted out, but no other has its
	 * length. */
	memcpy(&key.head, text, 8);
	memcpy(&key.tail, text + (len < 8 ? 0 : len - 8), 8);
	key.head = le64toh(key.head) << (shift & 63);
	key.tail = le64toh(key.tail) << (shift & 63);
	return key;
}

static inline bool
kx_key_eq(const struct kx_key *a, const struct kx_key *b)
{
	return ((a->head ^ b->head) | (a->tail ^ b->tail) |
	    (a->len ^ b->len)) == 0;
}

/* The highest `bits` bits are a hash, by any odd factor. */
static inline unsigned
kx_key_hash(const struct kx_key *key, uint64_t factor, unsigned bits)
{
	return (unsigned)((key->head + (key->tail >> 7) + key->len) *
	    factor >> (64 - bits));
}

#endif
