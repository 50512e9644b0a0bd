/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loops that touch every byte, once for each instruction set.  The one
 * for the processor is chosen when a program starts; the environment variable
 * KX_KERNEL (scalar, avx2, avx512, neon), read by the tools, names another.
 * The scalar kernel is the reference: all give the same answers.
 */
#ifndef KX_KERNEL_H
#define KX_KERNEL_H

#include "kx/base.h"

/* What kx_kernel.index carries from one call to the next; zero at the start
 * of a text. */
struct kx_index_state {
	uint64_t in_string;	/* all ones inside a string, else 0 */
	uint64_t escaped;	/* 1: the next byte is escaped */
	uint64_t scalar;	/* 1: the last byte belonged to a scalar */
	uint64_t bad;		/* not 0: a raw control byte in a string, or a
				   backslash outside one */
	uint32_t *backslash;	/* where the next offset of a block of 64 that
				   holds a backslash goes; room for one a
				   block */
	uint64_t high;		/* not 0: there was a byte over 0x7f */
};

struct kx_kernel {
	const char *name;
	/*
	 * Find what matters in p[0..len), which lies at offset `base` of its
	 * text: every bracket, brace, comma and colon outside strings, the
	 * first byte of every other scalar, and both quotes of each string.
	 * Their offsets go to out[] in order (room for len + 64 entries).
	 * len is a multiple of 64, or the rest of the text is being given
	 * (then 128 bytes behind it must be readable).  Returns the count.
	 */
	size_t (*index)(struct kx_index_state *state, const uint8_t *p,
	    size_t len, uint32_t base, uint32_t *out);
	/* Is p[0..len) valid UTF-8 (RFC 3629)?  64 bytes behind it are
	 * readable. */
	bool (*utf8)(const uint8_t *p, size_t len);
	/* LF bytes in p[0..len); *last is the offset behind the last one, 0
	 * where there is none. */
	size_t (*lines)(const uint8_t *p, size_t len, size_t *last);
	/*
	 * Decode base64 of the plain alphabet, RFC 4648 section 4, in whole
	 * groups of four without padding, as far as it goes: stops before the
	 * first group with any other byte.  *in and *out are the bytes used and
	 * written.  out needs room for 3 * len / 4 + 64 bytes.
	 */
	void (*base64)(const uint8_t *p, size_t len, uint8_t *out,
	    size_t *in_used, size_t *out_used);
};

/* The kernel called `name`, or the best one where name is NULL or empty;
 * NULL where this processor or this build has none of that name. */
const struct kx_kernel *kx_kernel_get(const char *name);

/* All that this processor can run, best first, ended by NULL. */
const struct kx_kernel *const *kx_kernel_all(void);

#endif
