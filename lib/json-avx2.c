/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel for AVX2 with BMI and carry-less multiplication (Haswell, Zen and
 * later): a block is two registers.
 */
#include <config.h>

#include <immintrin.h>

#include "kx/kernel.h"

#include "json-kernel.h"

struct block {
	__m256i lo, hi;
};

static inline struct block
load(const uint8_t *p)
{
	return (struct block){
		_mm256_loadu_si256((const __m256i *)p),
		_mm256_loadu_si256((const __m256i *)(p + 32))
	};
}

static inline uint64_t
bits(__m256i lo, __m256i hi)
{
	return (uint32_t)_mm256_movemask_epi8(lo) |
	    (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32;
}

static inline uint64_t
equal(struct block b, char c)
{
	const __m256i v = _mm256_set1_epi8(c);

	return bits(_mm256_cmpeq_epi8(b.lo, v), _mm256_cmpeq_epi8(b.hi, v));
}

/* Bytes up to `max`, unsigned. */
static inline uint64_t
up_to(struct block b, char max)
{
	const __m256i v = _mm256_set1_epi8(max);

	return bits(_mm256_cmpeq_epi8(_mm256_min_epu8(b.lo, v), b.lo),
	    _mm256_cmpeq_epi8(_mm256_min_epu8(b.hi, v), b.hi));
}

static inline uint64_t
prefix_xor(uint64_t x)
{
	return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
	    _mm_set_epi64x(0, (long long)x), _mm_set1_epi8(-1), 0));
}

/* Quotes, backslashes, controls and bytes over 0x7f (signed, those are below
 * 0x20 too). */
static inline __m256i
not_plain(__m256i v)
{
	return _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v),
	    _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
	    _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'))));
}

static inline bool
all_plain(const uint8_t *p)
{
	struct block a = load(p), b = load(p + KX_BLOCK);
	__m256i any = _mm256_or_si256(
	    _mm256_or_si256(not_plain(a.lo), not_plain(a.hi)),
	    _mm256_or_si256(not_plain(b.lo), not_plain(b.hi)));

	return _mm256_testz_si256(any, any);
}

static size_t
find_places(struct kx_index_state *state, const uint8_t *p, size_t len,
    uint32_t base, uint32_t *out)
{
	uint32_t *first = out;
	uint64_t places = 0;
	size_t pos = 0;

	while (pos < len) {
		struct kx_block b;
		struct block v;
		uint8_t rest[KX_BLOCK];

		if (places == 0 && state->in_string && !state->escaped) {
			while (len - pos >= 2 * KX_BLOCK && all_plain(p + pos))
				pos += 2 * KX_BLOCK;
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
		state->high |= bits(v.lo, v.hi);
		b.quote = equal(v, '"');
		b.backslash = equal(v, '\\');
		b.control = up_to(v, 0x1f);
		/* `{` and `[`, `}` and `]` differ in one bit, 0x20. */
		{
			const __m256i bit = _mm256_set1_epi8(0x20);
			struct block low = { _mm256_or_si256(v.lo, bit),
			    _mm256_or_si256(v.hi, bit) };

			b.op = equal(low, '{') | equal(low, '}') |
			    equal(v, ':') | equal(v, ',');
		}
		b.space = equal(v, ' ');
		if (KX_UNLIKELY(b.control != 0))
			b.space |= equal(v, '\t') | equal(v, '\n') |
			    equal(v, '\r');
		places = kx_block_places(state, &b, base + (uint32_t)pos,
		    prefix_xor);
		out = kx_block_write(places, base + (uint32_t)pos, out);
		pos += KX_BLOCK;
	}
	return (size_t)(out - first);
}

#define KX_INDEX find_places
#include "json-walk.h"

enum kx_status
kx_scan_avx2(struct kx_json *json, bool *high)
{
	return walk_text(json, high);
}

static inline __m256i
table(const uint8_t t[16])
{
	return _mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const __m128i *)t));
}

/* What is wrong with the 32 bytes of v, which follow those of `before`. */
static inline __m256i
utf8_faults(__m256i before, __m256i v)
{
	const __m256i low = _mm256_set1_epi8(0x0f);
	__m256i across = _mm256_permute2x128_si256(before, v, 0x21);
	__m256i one = _mm256_alignr_epi8(v, across, 15);
	__m256i two = _mm256_alignr_epi8(v, across, 14);
	__m256i three = _mm256_alignr_epi8(v, across, 13);
	__m256i faults = _mm256_and_si256(_mm256_and_si256(
	    _mm256_shuffle_epi8(table(kx_u8_first_high),
	    _mm256_and_si256(_mm256_srli_epi16(one, 4), low)),
	    _mm256_shuffle_epi8(table(kx_u8_first_low),
	    _mm256_and_si256(one, low))),
	    _mm256_shuffle_epi8(table(kx_u8_second_high),
	    _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
	/* 0x80 or more where the byte two before begins three or four, or the
	 * one three before begins four. */
	__m256i due = _mm256_and_si256(_mm256_or_si256(
	    _mm256_subs_epu8(two, _mm256_set1_epi8(0xe0 - 0x80)),
	    _mm256_subs_epu8(three, _mm256_set1_epi8(0xf0 - 0x80))),
	    _mm256_set1_epi8((char)0x80));

	return _mm256_xor_si256(faults, due);
}

bool
kx_utf8_avx2(const uint8_t *p, size_t len)
{
	__m256i before = _mm256_setzero_si256(), bad = before;
	/* The last three bytes of the block before, where a character may
	 * still be open. */
	const uint64_t tail = UINT64_C(7) << 61;
	uint64_t open = 0;
	size_t pos;

	/* One step behind the end: zeros there close what is open. */
	for (pos = 0; pos < len || open != 0; pos += KX_BLOCK) {
		uint8_t rest[KX_BLOCK] = { 0 };
		struct block b;
		uint64_t high;

		if (pos < len && len - pos >= KX_BLOCK) {
			b = load(p + pos);
		} else {
			if (pos < len)
				memcpy(rest, p + pos, len - pos);
			b = load(rest);
		}
		high = bits(b.lo, b.hi);
		if ((high | open) != 0)
			bad = _mm256_or_si256(bad, _mm256_or_si256(
			    utf8_faults(before, b.lo),
			    utf8_faults(b.lo, b.hi)));
		open = high & tail;
		before = b.hi;
	}
	return _mm256_testz_si256(bad, bad);
}

size_t
kx_lines_avx2(const uint8_t *p, size_t len, size_t *last)
{
	const __m256i lf = _mm256_set1_epi8('\n');
	const uint8_t *end;
	size_t pos, n = 0;

	for (pos = 0; len - pos >= 2 * KX_BLOCK; pos += 2 * KX_BLOCK) {
		struct block a = load(p + pos), b = load(p + pos + KX_BLOCK);
		__m256i al = _mm256_cmpeq_epi8(a.lo, lf);
		__m256i ah = _mm256_cmpeq_epi8(a.hi, lf);
		__m256i bl = _mm256_cmpeq_epi8(b.lo, lf);
		__m256i bh = _mm256_cmpeq_epi8(b.hi, lf);
		__m256i any = _mm256_or_si256(_mm256_or_si256(al, ah),
		    _mm256_or_si256(bl, bh));

		if (!_mm256_testz_si256(any, any))
			n += (size_t)(__builtin_popcountll(bits(al, ah)) +
			    __builtin_popcountll(bits(bl, bh)));
	}
	for (; pos < len; pos++)
		n += p[pos] == '\n';
	end = len == 0 ? NULL : memrchr(p, '\n', len);
	*last = end == NULL ? 0 : (size_t)(end - p) + 1;
	return n;
}
