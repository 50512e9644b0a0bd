/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-2's compression functions (FIPS 180-4, 6.2.2 and 6.4.2) over several
 * messages side by side, whole blocks alone; compiled with -mavx512f -mavx512bw
 * and, for SHA-256, the SHA extensions.
 *
 * One message's rounds wait for one another, which leaves most of the
 * processor idle.  Two SHA-256 chains fill the SHA unit; eight SHA-512 chains
 * go through 64-bit lanes, where a rotation and a function of three operands
 * are one instruction each.
 */
#include <config.h>

#include <immintrin.h>

#include "json-kernel.h"
#include "sha-table.h"

/* --- SHA-256: two at a time ---------------------------------------------- */

/* A message's state as the instructions want it, and 16 words of its block. */
struct chain {
	__m128i abef, cdgh;
	__m128i w[4];
};

/* Four rounds, `g` (a constant) of 16. */
#define SHA256_ROUNDS(c, p, g) do {					\
	__m128i x_, t_;							\
	if ((g) < 4)							\
		(c)->w[(g) & 3] = _mm_shuffle_epi8(_mm_loadu_si128(	\
		    (const __m128i *)(const void *)((p) + 16 * (g))),	\
		    swap);						\
	x_ = _mm_add_epi32((c)->w[(g) & 3],				\
	    _mm_load_si128((const __m128i *)(const void *)		\
	    (kx_sha256_k + 4 * (g))));					\
	(c)->cdgh = _mm_sha256rnds2_epu32((c)->cdgh, (c)->abef, x_);	\
	if ((g) >= 3 && (g) < 15) {					\
		t_ = _mm_alignr_epi8((c)->w[(g) & 3],			\
		    (c)->w[((g) + 3) & 3], 4);				\
		t_ = _mm_add_epi32((c)->w[((g) + 1) & 3], t_);		\
		(c)->w[((g) + 1) & 3] =					\
		    _mm_sha256msg2_epu32(t_, (c)->w[(g) & 3]);		\
	}								\
	x_ = _mm_shuffle_epi32(x_, 0x0e);				\
	(c)->abef = _mm_sha256rnds2_epu32((c)->abef, (c)->cdgh, x_);	\
	if ((g) >= 1 && (g) < 13)					\
		(c)->w[((g) + 3) & 3] = _mm_sha256msg1_epu32(		\
		    (c)->w[((g) + 3) & 3], (c)->w[(g) & 3]);		\
} while (0)

#define SHA256_BOTH(g) do {						\
	SHA256_ROUNDS(&a, p0, g);					\
	SHA256_ROUNDS(&b, p1, g);					\
} while (0)

__attribute__((target("sha")))
static inline void
sha256_load(struct chain *c, uint32_t state[8][KX_SHA256_LANES],
    size_t lane)
{
	c->abef = _mm_set_epi32((int)state[0][lane], (int)state[1][lane],
	    (int)state[4][lane], (int)state[5][lane]);
	c->cdgh = _mm_set_epi32((int)state[2][lane], (int)state[3][lane],
	    (int)state[6][lane], (int)state[7][lane]);
}

__attribute__((target("sha")))
static inline void
sha256_store(const struct chain *c, uint32_t state[8][KX_SHA256_LANES],
    size_t lane)
{
	state[0][lane] = (uint32_t)_mm_extract_epi32(c->abef, 3);
	state[1][lane] = (uint32_t)_mm_extract_epi32(c->abef, 2);
	state[4][lane] = (uint32_t)_mm_extract_epi32(c->abef, 1);
	state[5][lane] = (uint32_t)_mm_extract_epi32(c->abef, 0);
	state[2][lane] = (uint32_t)_mm_extract_epi32(c->cdgh, 3);
	state[3][lane] = (uint32_t)_mm_extract_epi32(c->cdgh, 2);
	state[6][lane] = (uint32_t)_mm_extract_epi32(c->cdgh, 1);
	state[7][lane] = (uint32_t)_mm_extract_epi32(c->cdgh, 0);
}

__attribute__((target("sha")))
void
kx_sha256_avx512(uint32_t state[8][KX_SHA256_LANES],
    const uint8_t *const p[KX_SHA256_LANES], size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b,
	    0x0405060700010203);
	const uint8_t *p0 = p[0], *p1 = p[1];
	struct chain a, b;

	sha256_load(&a, state, 0);
	sha256_load(&b, state, 1);
	for (; blocks > 0; blocks--, p0 += 64, p1 += 64) {
		const __m128i abef0 = a.abef, cdgh0 = a.cdgh;
		const __m128i abef1 = b.abef, cdgh1 = b.cdgh;

		SHA256_BOTH(0);
		SHA256_BOTH(1);
		SHA256_BOTH(2);
		SHA256_BOTH(3);
		SHA256_BOTH(4);
		SHA256_BOTH(5);
		SHA256_BOTH(6);
		SHA256_BOTH(7);
		SHA256_BOTH(8);
		SHA256_BOTH(9);
		SHA256_BOTH(10);
		SHA256_BOTH(11);
		SHA256_BOTH(12);
		SHA256_BOTH(13);
		SHA256_BOTH(14);
		SHA256_BOTH(15);
		a.abef = _mm_add_epi32(a.abef, abef0);
		a.cdgh = _mm_add_epi32(a.cdgh, cdgh0);
		b.abef = _mm_add_epi32(b.abef, abef1);
		b.cdgh = _mm_add_epi32(b.cdgh, cdgh1);
	}
	sha256_store(&a, state, 0);
	sha256_store(&b, state, 1);
}

/* --- SHA-512: eight at a time -------------------------------------------- */

#define XOR3 0x96
#define CHOOSE 0xca
#define MAJORITY 0xe8

/* Eight words of eight messages, from `off` of each, so that w[i] holds word i
 * of all: the transpose of a matrix of 8 by 8. */
static inline void
load_words(__m512i w[8], const uint8_t *const p[8], size_t off)
{
	const __m512i swap = _mm512_broadcast_i32x4(_mm_set_epi64x(
	    0x08090a0b0c0d0e0f, 0x0001020304050607));
	__m512i r[8], t[8];
	size_t i;

	for (i = 0; i < 8; i++)
		r[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(p[i] + off),
		    swap);
	for (i = 0; i < 8; i += 2) {
		t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
	}
	for (i = 0; i < 2; i++) {
		r[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);
		r[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);
		r[i + 4] = _mm512_shuffle_i64x2(t[i + 4], t[i + 6], 0x88);
		r[i + 6] = _mm512_shuffle_i64x2(t[i + 4], t[i + 6], 0xdd);
	}
	for (i = 0; i < 2; i++) {
		w[i] = _mm512_shuffle_i64x2(r[i], r[i + 4], 0x88);
		w[i + 4] = _mm512_shuffle_i64x2(r[i], r[i + 4], 0xdd);
		w[i + 2] = _mm512_shuffle_i64x2(r[i + 2], r[i + 6], 0x88);
		w[i + 6] = _mm512_shuffle_i64x2(r[i + 2], r[i + 6], 0xdd);
	}
}

#define XOR(x, y, z) _mm512_ternarylogic_epi64(x, y, z, XOR3)
#define ROR(x, n) _mm512_ror_epi64(x, n)

/* One round; the names of the eight words move on from call to call. */
#define SHA512_ROUND(a, b, c, d, e, f, g, h, t) do {			\
	__m512i x_ = _mm512_add_epi64(_mm512_add_epi64(h,		\
	    _mm512_add_epi64(w[(t) & 15], _mm512_set1_epi64(		\
	    (long long)kx_sha512_k[round + (t)]))), _mm512_add_epi64(	\
	    XOR(ROR(e, 14), ROR(e, 18), ROR(e, 41)),			\
	    _mm512_ternarylogic_epi64(e, f, g, CHOOSE)));		\
	d = _mm512_add_epi64(d, x_);					\
	h = _mm512_add_epi64(x_, _mm512_add_epi64(			\
	    XOR(ROR(a, 28), ROR(a, 34), ROR(a, 39)),			\
	    _mm512_ternarylogic_epi64(a, b, c, MAJORITY)));		\
} while (0)

/* The word that takes the place of w[t], 16 rounds on. */
#define SHA512_NEXT(t) do {						\
	__m512i x_ = w[((t) + 1) & 15], y_ = w[((t) + 14) & 15];	\
	w[t] = _mm512_add_epi64(_mm512_add_epi64(w[t],			\
	    w[((t) + 9) & 15]), _mm512_add_epi64(			\
	    XOR(ROR(x_, 1), ROR(x_, 8), _mm512_srli_epi64(x_, 7)),	\
	    XOR(ROR(y_, 19), ROR(y_, 61), _mm512_srli_epi64(y_, 6))));	\
} while (0)

#define SHA512_EIGHT(t) do {						\
	SHA512_ROUND(a, b, c, d, e, f, g, h, t);			\
	SHA512_ROUND(h, a, b, c, d, e, f, g, (t) + 1);			\
	SHA512_ROUND(g, h, a, b, c, d, e, f, (t) + 2);			\
	SHA512_ROUND(f, g, h, a, b, c, d, e, (t) + 3);			\
	SHA512_ROUND(e, f, g, h, a, b, c, d, (t) + 4);			\
	SHA512_ROUND(d, e, f, g, h, a, b, c, (t) + 5);			\
	SHA512_ROUND(c, d, e, f, g, h, a, b, (t) + 6);			\
	SHA512_ROUND(b, c, d, e, f, g, h, a, (t) + 7);			\
} while (0)

static inline void
next_words(__m512i w[16])
{
	SHA512_NEXT(0);
	SHA512_NEXT(1);
	SHA512_NEXT(2);
	SHA512_NEXT(3);
	SHA512_NEXT(4);
	SHA512_NEXT(5);
	SHA512_NEXT(6);
	SHA512_NEXT(7);
	SHA512_NEXT(8);
	SHA512_NEXT(9);
	SHA512_NEXT(10);
	SHA512_NEXT(11);
	SHA512_NEXT(12);
	SHA512_NEXT(13);
	SHA512_NEXT(14);
	SHA512_NEXT(15);
}

void
kx_sha512_avx512(uint64_t state[8][KX_SHA512_LANES],
    const uint8_t *const p[KX_SHA512_LANES], size_t blocks)
{
	__m512i s[8], w[16];
	size_t off, round, i;

	for (i = 0; i < 8; i++)
		s[i] = _mm512_loadu_si512(state[i]);
	for (off = 0; blocks > 0; blocks--, off += 128) {
		__m512i a = s[0], b = s[1], c = s[2], d = s[3], e = s[4],
		    f = s[5], g = s[6], h = s[7];

		load_words(w, p, off);
		load_words(w + 8, p, off + 64);
		for (round = 0; ; round += 16) {
			SHA512_EIGHT(0);
			SHA512_EIGHT(8);
			if (round == 64)
				break;
			next_words(w);
		}
		s[0] = _mm512_add_epi64(s[0], a);
		s[1] = _mm512_add_epi64(s[1], b);
		s[2] = _mm512_add_epi64(s[2], c);
		s[3] = _mm512_add_epi64(s[3], d);
		s[4] = _mm512_add_epi64(s[4], e);
		s[5] = _mm512_add_epi64(s[5], f);
		s[6] = _mm512_add_epi64(s[6], g);
		s[7] = _mm512_add_epi64(s[7], h);
	}
	for (i = 0; i < 8; i++)
		_mm512_storeu_si512(state[i], s[i]);
}
