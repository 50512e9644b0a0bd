/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Base64 (RFC 4648) and `data:` URIs (RFC 2397): what an event's `image`
 * holds.
 *
 * The decoder states facts and decides nothing: every way in which a text
 * departs from RFC 4648, section 4, has a bit and the offset of its first
 * occurrence.  After some the bytes that were meant are still certain; the
 * caller says which of these it accepts.
 */
#ifndef KX_BASE64_H
#define KX_BASE64_H

#include "kx/base.h"
#include "kx/buf.h"

struct kx_kernel;

/* Departures.  The first five leave no doubt about the bytes. */
enum kx_base64_kind {
	KX_BASE64_NO_PADDING,	/* `=` missing at the end */
	KX_BASE64_TRAILING_BITS, /* the last symbol's spare bits are not 0
				    (RFC 4648, 3.5) */
	KX_BASE64_SPACE,	/* space, tab, CR or LF */
	KX_BASE64_URL,		/* `-` or `_` (RFC 4648, section 5) */
	KX_BASE64_EMPTY,	/* no byte comes of it */
	/* Decoding ends before these. */
	KX_BASE64_BAD_CHAR,	/* any other byte (RFC 4648, 3.3) */
	KX_BASE64_BAD_LENGTH,	/* one symbol left over: six bits, no byte */
	KX_BASE64_BAD_PADDING,	/* `=` where none can be, or too many */
	KX_BASE64_AFTER_PADDING,	/* data behind the padding */
	KX_BASE64_ELIDED,	/* `...` or U+2026: an example, not an image */
	KX_BASE64_N_KINDS
};

#define KX_BASE64_BIT(kind) (1u << (kind))
/* All that leave the bytes certain: the most that can be accepted. */
#define KX_BASE64_LENIENT (KX_BASE64_BIT(KX_BASE64_BAD_CHAR) - 1)

struct kx_base64_result {
	unsigned found;		/* KX_BASE64_BIT of each kind that is there */
	/* Byte of the text where the kind is first met; the text's length for
	 * missing padding.  Meaningful where the bit is set. */
	size_t off[KX_BASE64_N_KINDS];
	unsigned char byte;	/* the offender of KX_BASE64_BAD_CHAR */
};

/*
 * Decode `text` (of a JSON string: decoded, so no `\/` is left) into *out,
 * whose content is replaced.
 *
 * KX_OK: all that was found is in `accept` (0: strict; KX_BASE64_LENIENT);
 * *out holds exactly the bytes meant.  KX_BAD: it is not; *out holds what
 * stands before the first fault that ends decoding, or all bytes where there
 * is none.  KX_FAIL: no memory.  *result is filled in any case.
 *
 * kernel: NULL is the scalar one.  Costs what the kernel does, about 1 GB/s
 * scalar and 10 to 20 with vectors; white space and `-_` slow it down.
 */
enum kx_status kx_base64_decode(const struct kx_kernel *kernel,
    struct kx_span text, unsigned accept, struct kx_buf *out,
    struct kx_base64_result *result) KX_MUST_CHECK;

/* Most bytes that `len` bytes of base64 can become: for limits. */
static inline size_t
kx_base64_bound(size_t len)
{
	return len / 4 * 3 + 3;
}

/*
 * The kernels: the contract is that of `base64` in struct kx_kernel.  Each
 * stands in a file of its own, compiled for its instruction set; the caller
 * must know that the processor has it.  *in_used is a multiple of 4.  Nothing
 * is read behind p + len; up to 64 bytes are scribbled on behind what counts
 * as written.
 */
void kx_base64_scalar(const uint8_t *p, size_t len, uint8_t *out,
    size_t *in_used, size_t *out_used);
void kx_base64_avx2(const uint8_t *p, size_t len, uint8_t *out,
    size_t *in_used, size_t *out_used);
void kx_base64_avx512(const uint8_t *p, size_t len, uint8_t *out,
    size_t *in_used, size_t *out_used);
void kx_base64_neon(const uint8_t *p, size_t len, uint8_t *out,
    size_t *in_used, size_t *out_used);

/* A `data:` URI taken apart; the spans are parts of the text parsed. */
struct kx_datauri {
	struct kx_span type;	/* "image/png", as spelled; empty if left out */
	struct kx_span params;	/* ";name=value..." less ";base64" only where
				   that is last; may be empty */
	bool base64;		/* has a `;base64`, in any case of letters */
	struct kx_span data;	/* all behind the comma, still encoded */
};

/* Does it begin with `data:`, in any case of letters? */
bool kx_datauri_is(struct kx_span text);

/*
 * KX_OK, or KX_BAD where it is no data URI: no scheme, no comma, or a media
 * type that is not type/subtype; *off (may be NULL) is where.
 */
enum kx_status kx_datauri_parse(struct kx_span text, struct kx_datauri *uri,
    size_t *off);

/*
 * Decode %XX (RFC 3986, 2.1) into *out, whose content is replaced.  KX_BAD: a
 * `%` without two hex digits, at *off (may be NULL).  KX_FAIL: no memory.
 */
enum kx_status kx_percent_decode(struct kx_span text, struct kx_buf *out,
    size_t *off) KX_MUST_CHECK;

#endif
