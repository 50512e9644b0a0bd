/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel for AVX-512 with BW, VBMI and VBMI2 (Ice Lake, Zen 4 and later):
 * a block is one register, a mask one instruction, and the places of a mask
 * are pressed together by the processor.
 */
#include <config.h>

#include <immintrin.h>

#include "kx/kernel.h"

#include "json-kernel.h"

/* 0, 1, ... 63 */
static inline __m512i
positions(void)
{
	return _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52,
	    51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35,
	    34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
	    17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

static inline uint64_t
prefix_xor(uint64_t x)
{
	return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
	    _mm_set_epi64x(0, (long long)x), _mm_set1_epi8(-1), 0));
}

/* Bytes that may stand inside a string and mean nothing: neither quote,
 * backslash, control nor over 0x7f. */
static inline __mmask64
not_plain(__m512i v)
{
	return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) |
	    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')) |
	    _mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(0x20));
}

static size_t
find_places(struct kx_index_state *state, const uint8_t *p, size_t len,
    uint32_t base, uint32_t *out)
{
	/* vpermb looks bytes up by their low six bits: the structural byte
	 * that has those bits, so that one comparison finds all six. */
	const __m512i iota = positions();
	static const uint8_t table[64] = {
		/* Unused slots must not match a byte that looks itself up
		 * there: only 0 could. */
		[0] = 1,
		['{' & 63] = '{', ['}' & 63] = '}',
		['[' & 63] = '[', [']' & 63] = ']',
		[':' & 63] = ':', [',' & 63] = ','
	};
	const __m512i ops = _mm512_loadu_si512(table);
	__m512i high = _mm512_setzero_si512();
	uint32_t *first = out;
	uint64_t places = 0;
	size_t pos = 0;

	while (pos < len) {
		struct kx_block b;
		__m512i v;
		unsigned n;

		if (places == 0 && state->in_string && !state->escaped) {
			/* Long strings, images above all: four blocks a step
			 * as long as there is nothing in them. */
			while (len - pos >= 4 * KX_BLOCK) {
				__m512i a = _mm512_loadu_si512(p + pos);
				__m512i c = _mm512_loadu_si512(p + pos + 64);
				__m512i d = _mm512_loadu_si512(p + pos + 128);
				__m512i e = _mm512_loadu_si512(p + pos + 192);

				if ((not_plain(a) | not_plain(c) |
				    not_plain(d) | not_plain(e)) != 0)
					break;
				pos += 4 * KX_BLOCK;
			}
			if (pos == len)
				break;
		}
		if (KX_LIKELY(len - pos >= KX_BLOCK))
			v = _mm512_loadu_si512(p + pos);
		else
			v = _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '),
			    (UINT64_C(1) << (len - pos)) - 1, p + pos);
		high = _mm512_or_si512(high, v);
		b.quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
		b.backslash = _mm512_cmpeq_epi8_mask(v,
		    _mm512_set1_epi8('\\'));
		b.control = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20));
		b.op = _mm512_cmpeq_epi8_mask(v,
		    _mm512_permutexvar_epi8(v, ops));
		b.space = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(' '));
		if (KX_UNLIKELY(b.control != 0))
			b.space |=
			    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\t')) |
			    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n')) |
			    _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r'));
		places = kx_block_places(state, &b, base + (uint32_t)pos,
		    prefix_xor);
		n = (unsigned)__builtin_popcountll(places);
		if (n != 0) {
			__m512i where = _mm512_maskz_compress_epi8(places,
			    iota);
			__m512i off = _mm512_set1_epi32(
			    (int)(base + (uint32_t)pos));

			/* A block of an event has about fifteen places: two
			 * stores always are cheaper than a guess. */
			_mm512_storeu_si512(out, _mm512_add_epi32(off,
			    _mm512_cvtepu8_epi32(
			    _mm512_castsi512_si128(where))));
			_mm512_storeu_si512(out + 16, _mm512_add_epi32(off,
			    _mm512_cvtepu8_epi32(
			    _mm512_extracti32x4_epi32(where, 1))));
			if (KX_UNLIKELY(n > 32)) {
				_mm512_storeu_si512(out + 32,
				    _mm512_add_epi32(off,
				    _mm512_cvtepu8_epi32(
				    _mm512_extracti32x4_epi32(where, 2))));
				_mm512_storeu_si512(out + 48,
				    _mm512_add_epi32(off,
				    _mm512_cvtepu8_epi32(
				    _mm512_extracti32x4_epi32(where, 3))));
			}
			out += n;
		}
		pos += KX_BLOCK;
	}
	state->high |= _mm512_movepi8_mask(high);
	return (size_t)(out - first);
}

#define KX_INDEX find_places
#include "json-walk.h"

enum kx_status
kx_scan_avx512(struct kx_json *json, bool *high)
{
	return walk_text(json, high);
}

/* The last n bytes of `before` and all but the last n of v. */
static inline __m512i
shifted(__m512i before, __m512i v, int n)
{
	return _mm512_permutex2var_epi8(before,
	    _mm512_add_epi8(positions(), _mm512_set1_epi8((char)(64 - n))), v);
}

static inline __m512i
table(const uint8_t t[16])
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)t));
}

bool
kx_utf8_avx512(const uint8_t *p, size_t len)
{
	const __m512i low = _mm512_set1_epi8(0x0f);
	const __m512i first_high = table(kx_u8_first_high);
	const __m512i first_low = table(kx_u8_first_low);
	const __m512i second_high = table(kx_u8_second_high);
	__m512i before = _mm512_setzero_si512(), bad = before;
	/* The last three bytes of the block before, where a character may
	 * still be open. */
	const uint64_t tail = UINT64_C(7) << 61;
	uint64_t open = 0;
	size_t pos;

	/* One step behind the end: zeros there close what is open. */
	for (pos = 0; pos < len || open != 0; pos += KX_BLOCK) {
		__m512i v, one, two, faults, due;
		uint64_t high;

		if (pos >= len)
			v = _mm512_setzero_si512();
		else if (len - pos >= KX_BLOCK)
			v = _mm512_loadu_si512(p + pos);
		else
			v = _mm512_maskz_loadu_epi8(
			    (UINT64_C(1) << (len - pos)) - 1, p + pos);
		high = _mm512_movepi8_mask(v);
		if ((high | open) != 0) {
			one = shifted(before, v, 1);
			two = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
			faults = _mm512_and_si512(_mm512_and_si512(
			    _mm512_shuffle_epi8(first_high, _mm512_and_si512(
			    _mm512_srli_epi16(one, 4), low)),
			    _mm512_shuffle_epi8(first_low,
			    _mm512_and_si512(one, low))),
			    _mm512_shuffle_epi8(second_high, two));
			/* 0x80 or more where the byte two before begins three
			 * or four, or the one three before begins four. */
			due = _mm512_or_si512(
			    _mm512_subs_epu8(shifted(before, v, 2),
			    _mm512_set1_epi8(0xe0 - 0x80)),
			    _mm512_subs_epu8(shifted(before, v, 3),
			    _mm512_set1_epi8(0xf0 - 0x80)));
			due = _mm512_and_si512(due,
			    _mm512_set1_epi8((char)0x80));
			bad = _mm512_or_si512(bad,
			    _mm512_xor_si512(faults, due));
		}
		open = high & tail;
		before = v;
	}
	return _mm512_test_epi8_mask(bad, bad) == 0;
}

size_t
kx_lines_avx512(const uint8_t *p, size_t len, size_t *last)
{
	const __m512i lf = _mm512_set1_epi8('\n');
	size_t pos, n = 0;
	const uint8_t *end;

	for (pos = 0; len - pos >= 4 * KX_BLOCK; pos += 4 * KX_BLOCK) {
		uint64_t a = _mm512_cmpeq_epi8_mask(lf,
		    _mm512_loadu_si512(p + pos));
		uint64_t b = _mm512_cmpeq_epi8_mask(lf,
		    _mm512_loadu_si512(p + pos + 64));
		uint64_t c = _mm512_cmpeq_epi8_mask(lf,
		    _mm512_loadu_si512(p + pos + 128));
		uint64_t d = _mm512_cmpeq_epi8_mask(lf,
		    _mm512_loadu_si512(p + pos + 192));

		if ((a | b | c | d) != 0)
			n += (size_t)(__builtin_popcountll(a) +
			    __builtin_popcountll(b) + __builtin_popcountll(c) +
			    __builtin_popcountll(d));
	}
	for (; pos < len; pos++)
		n += p[pos] == '\n';
	end = len == 0 ? NULL : memrchr(p, '\n', len);
	*last = end == NULL ? 0 : (size_t)(end - p) + 1;
	return n;
}
