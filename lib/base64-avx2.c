/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Base64 with AVX2; compiled with -mavx2.
 *
 * A byte's two halves index two tables: the high one says which run of the
 * alphabet the byte would belong to, as a bit; the low one in which runs that
 * low half is not found.  A bit in both is a byte that is no symbol.  The
 * value is the byte plus a shift that the high half gives, `/` being the one
 * that does not follow its neighbours.  (The method is that of W. Muła and
 * D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2 Instructions",
 * ACM TWEB 12(3), 2018.)
 */
#include <config.h>

#include <immintrin.h>

#include "kx/base64.h"

/* Runs by high half: 2 `+` `/`; 3 digits; 4 and 6 letters from 1; 5 and 7
 * letters to A; all others hold no symbol, whatever the low half. */
#define R2 0x01
#define R3 0x02
#define R46 0x04
#define R57 0x08
#define RX 0x10

static inline __m256i
both_lanes(char a0, char a1, char a2, char a3, char a4, char a5, char a6,
    char a7, char a8, char a9, char aa, char ab, char ac, char ad, char ae,
    char af)
{
	return _mm256_broadcastsi128_si256(_mm_setr_epi8(a0, a1, a2, a3, a4,
	    a5, a6, a7, a8, a9, aa, ab, ac, ad, ae, af));
}

/* 32 symbols at p into the values; what is not 0 in *bad is no symbol. */
static inline __m256i
values(const uint8_t *p, __m256i *bad)
{
	const __m256i high_runs = both_lanes(RX, RX, R2, R3, R46, R57, R46,
	    R57, RX, RX, RX, RX, RX, RX, RX, RX);
	const __m256i low_not_in = both_lanes(
	    RX | R2 | R46,		/* 0 */
	    RX | R2, RX | R2, RX | R2, RX | R2, RX | R2,
	    RX | R2, RX | R2, RX | R2, RX | R2,	/* 1 to 9 */
	    RX | R2 | R3,		/* a */
	    RX | R3 | R57,		/* b: `+` */
	    RX | R2 | R3 | R57,
	    RX | R2 | R3 | R57,
	    RX | R2 | R3 | R57,
	    RX | R3 | R57);		/* f: `/` */
	const __m256i shifts = both_lanes(0, 63 - '/', 62 - '+', 52 - '0',
	    -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i low_bits = _mm256_set1_epi8(0x0f);
	__m256i in, high, low, slash;

	in = _mm256_loadu_si256((const __m256i *)(const void *)p);
	high = _mm256_and_si256(_mm256_srli_epi16(in, 4), low_bits);
	low = _mm256_and_si256(in, low_bits);
	*bad = _mm256_or_si256(*bad, _mm256_and_si256(
	    _mm256_shuffle_epi8(high_runs, high),
	    _mm256_shuffle_epi8(low_not_in, low)));
	/* -1 where it is a slash: its shift stands one before `+`'s. */
	slash = _mm256_cmpeq_epi8(in, _mm256_set1_epi8('/'));
	return _mm256_add_epi8(in, _mm256_shuffle_epi8(shifts,
	    _mm256_add_epi8(high, slash)));
}

/* 32 values of six bits into 24 bytes at `out` (32 are written). */
static inline void
pack(__m256i v, uint8_t *out)
{
	const __m256i order = both_lanes(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13,
	    12, -1, -1, -1, -1);
	const __m256i close_up = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);

	v = _mm256_maddubs_epi16(v, _mm256_set1_epi16(0x0140));
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
	v = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(v, order),
	    close_up);
	_mm256_storeu_si256((__m256i *)(void *)out, v);
}

void
kx_base64_avx2(const uint8_t *p, size_t len, uint8_t *out, size_t *in_used,
    size_t *out_used)
{
	size_t i = 0, o = 0, tail_in, tail_out;

	for (; len - i >= 128; i += 128, o += 96) {
		__m256i bad = _mm256_setzero_si256();
		__m256i a = values(p + i, &bad);
		__m256i b = values(p + i + 32, &bad);
		__m256i c = values(p + i + 64, &bad);
		__m256i d = values(p + i + 96, &bad);

		if (KX_UNLIKELY(!_mm256_testz_si256(bad, bad)))
			break;
		pack(a, out + o);
		pack(b, out + o + 24);
		pack(c, out + o + 48);
		pack(d, out + o + 72);
	}
	for (; len - i >= 32; i += 32, o += 24) {
		__m256i bad = _mm256_setzero_si256();
		__m256i a = values(p + i, &bad);

		if (KX_UNLIKELY(!_mm256_testz_si256(bad, bad)))
			break;
		pack(a, out + o);
	}
	kx_base64_scalar(p + i, len - i, out + o, &tail_in, &tail_out);
	*in_used = i + tail_in;
	*out_used = o + tail_out;
}
