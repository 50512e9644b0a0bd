/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both halves of a 128-bit product folded into one depend on every bit of both
 * factors; four such chains, 64 bytes a step, keep the multiplier busy, so
 * that the digest costs less than reading the bytes from memory.
 */
#include <config.h>

#include <endian.h>

#include "mix.h"

/* Odd, with as many ones as zeros, and of no pattern. */
#define K0 UINT64_C(0x9e3779b97f4a7c15)
#define K1 UINT64_C(0xc2b2ae3d27d4eb4f)
#define K2 UINT64_C(0x165667b19e3779f9)
#define K3 UINT64_C(0xd6e8feb86659fd93)

static inline uint64_t
load(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
step(uint64_t state, const unsigned char *p, uint64_t k)
{
	return fold(load(p) ^ k, load(p + 8) ^ state);
}

uint64_t
kx_mix(const void *ptr, size_t len)
{
	const unsigned char *p = ptr;
	uint64_t a = K0, b = K1, c = K2, d = K3;
	unsigned char tail[64] = { 0 };
	size_t left = len;

	for (; left >= 64; left -= 64, p += 64) {
		a = step(a, p, K1);
		b = step(b, p + 16, K2);
		c = step(c, p + 32, K3);
		d = step(d, p + 48, K0);
	}
	if (left > 0) {
		memcpy(tail, p, left);
		a = step(a, tail, K1);
		b = step(b, tail + 16, K2);
		c = step(c, tail + 32, K3);
		d = step(d, tail + 48, K0);
	}
	return fold(fold(a ^ K2, b ^ len) ^ K0, fold(c ^ K1, d ^ K3) ^ K2);
}
