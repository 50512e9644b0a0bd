/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Base64 with AVX-512 VBMI; compiled with -mavx512f -mavx512bw -mavx512vl
 * -mavx512vbmi.
 *
 * One VPERMI2B looks 64 bytes up in a table of 128; a byte that is no symbol
 * has the top bit set in the table, or in itself.  Two multiply-and-adds join
 * the six-bit values into 24 bits, one VPERMB puts these in order.  Masked
 * loads take the end of the text, so that no scalar loop is needed.
 */
#include <config.h>

#include <immintrin.h>

#include "kx/base64.h"

#include "base64-table.h"

static const uint8_t table[128] __attribute__((aligned(64))) = {
	BASE64_TABLE
};

/* Where byte i of the 48 comes from: the three low bytes of each 32-bit lane,
 * the highest first.  The rest is of no account. */
#define LANE(n) 4 * (n) + 2, 4 * (n) + 1, 4 * (n)
static const uint8_t order[64] __attribute__((aligned(64))) = {
	LANE(0), LANE(1), LANE(2), LANE(3), LANE(4), LANE(5), LANE(6),
	LANE(7), LANE(8), LANE(9), LANE(10), LANE(11), LANE(12), LANE(13),
	LANE(14), LANE(15)
};

static inline void
pack(__m512i v, uint8_t *out)
{
	v = _mm512_maddubs_epi16(v, _mm512_set1_epi16(0x0140));
	v = _mm512_madd_epi16(v, _mm512_set1_epi32(0x00011000));
	v = _mm512_permutexvar_epi8(_mm512_load_si512(order), v);
	_mm512_storeu_si512(out, v);
}

void
kx_base64_avx512(const uint8_t *p, size_t len, uint8_t *out, size_t *in_used,
    size_t *out_used)
{
	const __m512i low = _mm512_load_si512(table);
	const __m512i high = _mm512_load_si512(table + 64);
	size_t i = 0, o = 0, n;
	uint64_t keep, bad;
	__m512i in, v;

	for (; len - i >= 256; i += 256, o += 192) {
		__m512i a = _mm512_loadu_si512(p + i);
		__m512i b = _mm512_loadu_si512(p + i + 64);
		__m512i c = _mm512_loadu_si512(p + i + 128);
		__m512i d = _mm512_loadu_si512(p + i + 192);
		__m512i va = _mm512_permutex2var_epi8(low, a, high);
		__m512i vb = _mm512_permutex2var_epi8(low, b, high);
		__m512i vc = _mm512_permutex2var_epi8(low, c, high);
		__m512i vd = _mm512_permutex2var_epi8(low, d, high);
		__m512i any;

		/* 0xfe: the or of all three. */
		any = _mm512_ternarylogic_epi32(a, b, c, 0xfe);
		any = _mm512_ternarylogic_epi32(any, d, va, 0xfe);
		any = _mm512_ternarylogic_epi32(any, vb, vc, 0xfe);
		any = _mm512_or_si512(any, vd);
		if (KX_UNLIKELY(_mm512_movepi8_mask(any)))
			break;
		pack(va, out + o);
		pack(vb, out + o + 48);
		pack(vc, out + o + 96);
		pack(vd, out + o + 144);
	}
	while (i < len) {
		n = len - i < 64 ? len - i : 64;
		keep = ~(uint64_t)0 >> (64 - n);
		in = _mm512_maskz_loadu_epi8(keep, p + i);
		v = _mm512_permutex2var_epi8(low, in, high);
		bad = _mm512_movepi8_mask(_mm512_or_si512(in, v)) | ~keep;
		pack(v, out + o);
		if (bad != 0) {
			n = (size_t)__builtin_ctzll(bad) / 4;
			i += 4 * n;
			o += 3 * n;
			break;
		}
		i += 64;
		o += 48;
	}
	*in_used = i;
	*out_used = o;
}
