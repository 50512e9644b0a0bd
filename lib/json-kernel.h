/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the index kernels share: how 64 bytes, reduced to bit masks by
 * whatever instructions there are, become the places that matter.
 *
 * Bit i of a mask stands for byte i of the block.
 */
#ifndef KX_JSON_KERNEL_H
#define KX_JSON_KERNEL_H

#include "kx/json.h"
#include "kx/kernel.h"

#define KX_BLOCK 64

/* Bytes whose places are asked for at a time.  A multiple of 64. */
#define KX_WINDOW ((size_t)16 << 10)

/* Places that may be read behind the last one: the most that one step of the
 * walk looks at.  That is a comma, a name's quotes, a colon, a value's quotes
 * or a value and what is behind it. */
#define KX_LOOKAHEAD 8

/* What an index function carries from one call to the next; zero at the start
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

/*
 * A kernel's KX_INDEX(state, p, len, base, out): find what matters in
 * p[0..len), which lies at offset `base` of its text: every bracket, brace,
 * comma and colon outside strings, the first byte of every other scalar, and
 * both quotes of each string.  Their offsets go to out[] in order (room for
 * len + 64 entries).  len is a multiple of 64, or the rest of the text is being
 * given (then 128 bytes behind it must be readable).  Returns the count.
 */

/* In json.c: room for `more` nodes behind `used` ones. */
bool kx_json_grow(struct kx_json *json, uint32_t used, size_t more);

struct kx_block {
	uint64_t backslash;
	uint64_t quote;
	uint64_t op;		/* { } [ ] : , */
	uint64_t space;		/* space, tab, LF, CR */
	uint64_t control;	/* below 0x20 */
};

/* Which bytes are escaped: the one behind each backslash that is not escaped
 * itself.  Backslashes are few, so they are taken one by one. */
KX_INLINE uint64_t
kx_block_escaped(struct kx_index_state *state, uint64_t backslash)
{
	uint64_t escaped = state->escaped;

	backslash &= ~escaped;
	state->escaped = 0;
	while (backslash != 0) {
		uint64_t first = backslash & -backslash;

		if (first >> 63) {
			state->escaped = 1;
			break;
		}
		escaped |= first << 1;
		backslash &= ~(first | first << 1);
	}
	return escaped;
}

/*
 * The places that matter in a block, which begins at `off` of its text.
 * `prefix_xor` makes each bit the parity of the quotes up to and with it: ones
 * from an opening quote to before the closing one.
 */
KX_INLINE uint64_t
kx_block_places(struct kx_index_state *state, const struct kx_block *b,
    uint32_t off, uint64_t (*prefix_xor)(uint64_t))
{
	uint64_t quote = b->quote, string, scalar, start;

	if (KX_UNLIKELY((b->backslash | state->escaped) != 0)) {
		if (b->backslash != 0)
			*state->backslash++ = off;
		quote &= ~kx_block_escaped(state, b->backslash);
	}
	string = prefix_xor(quote) ^ state->in_string;
	state->in_string = (uint64_t)((int64_t)string >> 63);
	state->bad |= (b->control & string) | (b->backslash & ~string);
	scalar = ~(b->op | b->space | string | quote);
	start = scalar & ~(scalar << 1 | state->scalar);
	state->scalar = scalar >> 63;
	return (b->op & ~string) | quote | start;
}

/* Write the offsets of the bits of `places`: eight at a time, because most
 * blocks have a few and a loop a bit would guess its end wrongly. */
KX_INLINE uint32_t *
kx_block_write(uint64_t places, uint32_t base, uint32_t *out)
{
	unsigned n = (unsigned)__builtin_popcountll(places), i;

	for (i = 0; i < n; i += 8) {
		unsigned k;

		for (k = 0; k < 8; k++) {
			/* Of 0 the result is not used; 63 keeps it defined. */
			out[i + k] = base + (uint32_t)__builtin_ctzll(places |
			    UINT64_C(1) << 63);
			places &= places - 1;
		}
	}
	return out + n;
}

/*
 * UTF-8 by tables (Keiser and Lemire, "Validating UTF-8 In Less Than One
 * Instruction Per Byte", 2020): what is wrong with two neighbouring bytes
 * follows from the high and low half of the first and the high half of the
 * second.  Each table names the faults that its half allows; a bit left when
 * all three are and-ed is a fault, but for KX_U8_TWO_CONTS, which is right
 * exactly where a third or fourth byte is due.
 */
enum {
	KX_U8_TOO_SHORT = 0x01,		/* a lead byte, then no continuation */
	KX_U8_TOO_LONG = 0x02,		/* ASCII, then a continuation */
	KX_U8_OVERLONG_3 = 0x04,	/* E0 80..9F */
	KX_U8_TOO_LARGE = 0x08,		/* F4 90.. and F5.. 90.. */
	KX_U8_SURROGATE = 0x10,		/* ED A0..BF */
	KX_U8_OVERLONG_2 = 0x20,	/* C0, C1 */
	KX_U8_OVERLONG_4 = 0x40,	/* F0 80..8F, and F5.. 80..8F */
	KX_U8_TWO_CONTS = 0x80,
	KX_U8_ANY = KX_U8_TOO_SHORT | KX_U8_TOO_LONG | KX_U8_TWO_CONTS
};

static const uint8_t kx_u8_first_high[16] __attribute__((unused)) = {
	KX_U8_TOO_LONG, KX_U8_TOO_LONG, KX_U8_TOO_LONG, KX_U8_TOO_LONG,
	KX_U8_TOO_LONG, KX_U8_TOO_LONG, KX_U8_TOO_LONG, KX_U8_TOO_LONG,
	KX_U8_TWO_CONTS, KX_U8_TWO_CONTS, KX_U8_TWO_CONTS, KX_U8_TWO_CONTS,
	KX_U8_TOO_SHORT | KX_U8_OVERLONG_2,
	KX_U8_TOO_SHORT,
	KX_U8_TOO_SHORT | KX_U8_OVERLONG_3 | KX_U8_SURROGATE,
	KX_U8_TOO_SHORT | KX_U8_TOO_LARGE | KX_U8_OVERLONG_4
};

#define KX_U8_BEYOND (KX_U8_ANY | KX_U8_TOO_LARGE | KX_U8_OVERLONG_4)
static const uint8_t kx_u8_first_low[16] __attribute__((unused)) = {
	KX_U8_ANY | KX_U8_OVERLONG_2 | KX_U8_OVERLONG_3 | KX_U8_OVERLONG_4,
	KX_U8_ANY | KX_U8_OVERLONG_2,
	KX_U8_ANY, KX_U8_ANY,
	KX_U8_ANY | KX_U8_TOO_LARGE,
	KX_U8_BEYOND, KX_U8_BEYOND, KX_U8_BEYOND, KX_U8_BEYOND, KX_U8_BEYOND,
	KX_U8_BEYOND, KX_U8_BEYOND, KX_U8_BEYOND,
	KX_U8_BEYOND | KX_U8_SURROGATE,
	KX_U8_BEYOND, KX_U8_BEYOND
};

#define KX_U8_CONT (KX_U8_TOO_LONG | KX_U8_OVERLONG_2 | KX_U8_TWO_CONTS)
static const uint8_t kx_u8_second_high[16] __attribute__((unused)) = {
	KX_U8_TOO_SHORT, KX_U8_TOO_SHORT, KX_U8_TOO_SHORT, KX_U8_TOO_SHORT,
	KX_U8_TOO_SHORT, KX_U8_TOO_SHORT, KX_U8_TOO_SHORT, KX_U8_TOO_SHORT,
	KX_U8_CONT | KX_U8_OVERLONG_3 | KX_U8_OVERLONG_4,
	KX_U8_CONT | KX_U8_OVERLONG_3 | KX_U8_TOO_LARGE,
	KX_U8_CONT | KX_U8_SURROGATE | KX_U8_TOO_LARGE,
	KX_U8_CONT | KX_U8_SURROGATE | KX_U8_TOO_LARGE,
	KX_U8_TOO_SHORT, KX_U8_TOO_SHORT, KX_U8_TOO_SHORT, KX_U8_TOO_SHORT
};

enum kx_status kx_scan_scalar(struct kx_json *, bool *);
bool kx_utf8_scalar(const uint8_t *, size_t);
size_t kx_lines_scalar(const uint8_t *, size_t, size_t *);
void kx_base64_scalar(const uint8_t *, size_t, uint8_t *, size_t *, size_t *);

enum kx_status kx_scan_avx2(struct kx_json *, bool *);
bool kx_utf8_avx2(const uint8_t *, size_t);
size_t kx_lines_avx2(const uint8_t *, size_t, size_t *);
void kx_base64_avx2(const uint8_t *, size_t, uint8_t *, size_t *, size_t *);

enum kx_status kx_scan_avx512(struct kx_json *, bool *);
bool kx_utf8_avx512(const uint8_t *, size_t);
size_t kx_lines_avx512(const uint8_t *, size_t, size_t *);
void kx_base64_avx512(const uint8_t *, size_t, uint8_t *, size_t *, size_t *);
void kx_sha256_avx512(uint32_t [8][KX_SHA256_LANES],
    const uint8_t *const [KX_SHA256_LANES], size_t);
void kx_sha512_avx512(uint64_t [8][KX_SHA512_LANES],
    const uint8_t *const [KX_SHA512_LANES], size_t);

enum kx_status kx_scan_neon(struct kx_json *, bool *);
bool kx_utf8_neon(const uint8_t *, size_t);
size_t kx_lines_neon(const uint8_t *, size_t, size_t *);
void kx_base64_neon(const uint8_t *, size_t, uint8_t *, size_t *, size_t *);

#endif
