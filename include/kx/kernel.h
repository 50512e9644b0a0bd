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

struct kx_json;

#define KX_SHA256_LANES 2
#define KX_SHA512_LANES 8

struct kx_kernel {
	const char *name;
	/*
	 * Write the nodes of json->text, of which json->text_len bytes and
	 * KX_PADDING more are readable.  KX_OK: it is one JSON text, provided
	 * that it is UTF-8, which is still to be asked if *high was set;
	 * KX_BAD: it is not; KX_FAIL: no memory.
	 */
	enum kx_status (*scan)(struct kx_json *json, bool *high);
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
	/*
	 * The compression functions of SHA-256 and SHA-512 over the next
	 * `blocks` whole blocks of several messages side by side, message i at
	 * p[i]; state[word][message].  NULL where one at a time is as fast.
	 */
	void (*sha256)(uint32_t state[8][KX_SHA256_LANES],
	    const uint8_t *const p[KX_SHA256_LANES], size_t blocks);
	void (*sha512)(uint64_t state[8][KX_SHA512_LANES],
	    const uint8_t *const p[KX_SHA512_LANES], size_t blocks);
};

/* The kernel called `name`, or the best one where name is NULL or empty;
 * NULL where this processor or this build has none of that name. */
const struct kx_kernel *kx_kernel_get(const char *name);

/* All that this processor can run, best first, ended by NULL. */
const struct kx_kernel *const *kx_kernel_all(void);

#endif
