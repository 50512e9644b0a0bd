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

/* All whole blocks. */
static inline size_t
mix_blocks(struct kx_mixing *m, const unsigned char *p, size_t len)
{
	uint64_t a = m->state[0], b = m->state[1], c = m->state[2],
	    d = m->state[3];
	size_t left = len;

	for (; left >= 64; left -= 64, p += 64) {
		a = step(a, p, m->key[0]);
		b = step(b, p + 16, m->key[1]);
		c = step(c, p + 32, m->key[2]);
		d = step(d, p + 48, m->key[3]);
	}
	m->state[0] = a;
	m->state[1] = b;
	m->state[2] = c;
	m->state[3] = d;
	return len - left;
}

/* Without a block in `part`. */
static inline void
begin(struct kx_mixing *m, uint64_t seed)
{
	static const uint64_t first[4] = { K1, K2, K3, K0 };
	static const uint64_t state[4] = { K0, K1, K2, K3 };
	size_t i;

	m->seed = seed;
	for (i = 0; i < 4; i++) {
		m->key[i] = first[i] ^ seed;
		m->state[i] = state[i];
		seed = seed == 0 ? 0 : fold(seed ^ K0, first[i]);
	}
	m->size = 0;
}

static inline uint64_t
end(struct kx_mixing *m, const void *last, size_t len)
{
	const uint64_t *s = m->state;

	if (len > 0) {
		unsigned char block[64] = { 0 };

		memcpy(block, last, len);
		(void)mix_blocks(m, block, 64);
	}
	return fold(fold(s[0] ^ K2, s[1] ^ m->size) ^ K0,
	    fold(s[2] ^ K1, s[3] ^ K3) ^ K2);
}

uint64_t
kx_mix(const void *ptr, size_t len)
{
	struct kx_mixing m;
	size_t done;

	begin(&m, 0);
	m.size = len;
	done = mix_blocks(&m, ptr, len);
	return end(&m, (const char *)ptr + done, len - done);
}

void
kx_mixing_begin(struct kx_mixing *m, uint64_t seed)
{
	begin(m, seed);
	memset(m->part, 0, sizeof(m->part));
}

void
kx_mixing_add(struct kx_mixing *m, const void *ptr, size_t len)
{
	const unsigned char *p = ptr;
	size_t part = m->size % 64, n;

	if (len == 0)
		return;
	m->size += len;
	if (part > 0) {
		n = len < 64 - part ? len : 64 - part;
		memcpy(m->part + part, p, n);
		p += n;
		len -= n;
		if (part + n < 64)
			return;
		(void)mix_blocks(m, m->part, 64);
	}
	n = mix_blocks(m, p, len);
	if (len > n)
		memcpy(m->part, p + n, len - n);
}

uint64_t
kx_mixing_end(const struct kx_mixing *m)
{
	struct kx_mixing copy = *m;

	return end(&copy, copy.part, copy.size % 64);
}
