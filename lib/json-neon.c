/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel for Advanced SIMD on arm64: a block is four registers, and a mask
 * is put together by weighing the lanes and adding them up.
 */
#include <config.h>

#include <arm_neon.h>

#include "kx/kernel.h"

#include "json-kernel.h"
#include "utf8.h"

static inline uint64_t
bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	const uint8x16_t weight = { 1, 2, 4, 8, 16, 32, 64, 128,
	    1, 2, 4, 8, 16, 32, 64, 128 };
	uint8x16_t ab = vpaddq_u8(vandq_u8(a, weight), vandq_u8(b, weight));
	uint8x16_t cd = vpaddq_u8(vandq_u8(c, weight), vandq_u8(d, weight));
	uint8x16_t sum = vpaddq_u8(ab, cd);

	sum = vpaddq_u8(sum, sum);
	return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

static inline uint64_t
equal(const uint8x16x4_t *v, uint8_t c)
{
	const uint8x16_t x = vdupq_n_u8(c);

	return bits(vceqq_u8(v->val[0], x), vceqq_u8(v->val[1], x),
	    vceqq_u8(v->val[2], x), vceqq_u8(v->val[3], x));
}

static inline uint8x16x4_t
load(const uint8_t *p)
{
	uint8x16x4_t v;

	v.val[0] = vld1q_u8(p);
	v.val[1] = vld1q_u8(p + 16);
	v.val[2] = vld1q_u8(p + 32);
	v.val[3] = vld1q_u8(p + 48);
	return v;
}

static inline uint64_t
below(const uint8x16x4_t *v, uint8_t c)
{
	const uint8x16_t x = vdupq_n_u8(c);

	return bits(vcltq_u8(v->val[0], x), vcltq_u8(v->val[1], x),
	    vcltq_u8(v->val[2], x), vcltq_u8(v->val[3], x));
}

static inline uint64_t
prefix_xor(uint64_t x)
{
	int shift;

	for (shift = 1; shift < 64; shift <<= 1)
		x ^= x << shift;
	return x;
}

static inline uint8x16_t
not_plain(uint8x16_t v)
{
	return vorrq_u8(vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20)),
	    vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')),
	    vceqq_u8(v, vdupq_n_u8('\\'))));
}

static size_t
find_places(struct kx_index_state *state, const uint8_t *p, size_t len,
    uint32_t base, uint32_t *out)
{
	uint32_t *first = out;
	size_t pos = 0;

	while (pos < len) {
		struct kx_block b;
		uint8x16x4_t v, low;
		uint8_t rest[KX_BLOCK];
		uint8x16_t any;
		int i;

		if (state->in_string && !state->escaped) {
			while (len - pos >= KX_BLOCK) {
				v = load(p + pos);
				any = vorrq_u8(
				    vorrq_u8(not_plain(v.val[0]),
				    not_plain(v.val[1])),
				    vorrq_u8(not_plain(v.val[2]),
				    not_plain(v.val[3])));
				if (vmaxvq_u8(any) != 0)
					break;
				pos += KX_BLOCK;
			}
			if (pos == len)
				break;
		}
		if (KX_LIKELY(len - pos >= KX_BLOCK)) {
			v = load(p + pos);
		} else {
			memset(rest, ' ', sizeof rest);
			memcpy(rest, p + pos, len - pos);
			v = load(rest);
		}
		any = vorrq_u8(vorrq_u8(v.val[0], v.val[1]),
		    vorrq_u8(v.val[2], v.val[3]));
		state->high |= vmaxvq_u8(any) >> 7;
		b.quote = equal(&v, '"');
		b.backslash = equal(&v, '\\');
		b.control = below(&v, 0x20);
		/* `{` and `[`, `}` and `]` differ in one bit, 0x20. */
		for (i = 0; i < 4; i++)
			low.val[i] = vorrq_u8(v.val[i], vdupq_n_u8(0x20));
		b.op = equal(&low, '{') | equal(&low, '}') | equal(&v, ':') |
		    equal(&v, ',');
		b.space = equal(&v, ' ');
		if (KX_UNLIKELY(b.control != 0))
			b.space |= equal(&v, '\t') | equal(&v, '\n') |
			    equal(&v, '\r');
		out = kx_block_write(kx_block_places(state, &b,
		    base + (uint32_t)pos, prefix_xor), base + (uint32_t)pos,
		    out);
		pos += KX_BLOCK;
	}
	return (size_t)(out - first);
}

#define KX_INDEX find_places
#include "json-walk.h"

enum kx_status
kx_scan_neon(struct kx_json *json, bool *high)
{
	return walk_text(json, high);
}

bool
kx_utf8_neon(const uint8_t *p, size_t len)
{
	size_t pos = 0;

	while (pos < len) {
		size_t stop = len;

		if (len - pos >= 16) {
			if (vmaxvq_u8(vld1q_u8(p + pos)) < 0x80) {
				pos += 16;
				continue;
			}
			stop = pos + 16;
		}
		while (pos < stop) {
			size_t n = kx_utf8_next(p + pos, len - pos);

			if (n == 0)
				return false;
			pos += n;
		}
	}
	return true;
}

size_t
kx_lines_neon(const uint8_t *p, size_t len, size_t *last)
{
	const uint8_t *end;
	size_t pos, n = 0;

	for (pos = 0; len - pos >= KX_BLOCK; pos += KX_BLOCK) {
		uint8x16x4_t v = load(p + pos);

		n += (size_t)__builtin_popcountll(equal(&v, '\n'));
	}
	for (; pos < len; pos++)
		n += p[pos] == '\n';
	end = len == 0 ? NULL : memrchr(p, '\n', len);
	*last = end == NULL ? 0 : (size_t)(end - p) + 1;
	return n;
}
