/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decimal digits eight at a time, within a word.  All functions but
 * kx_digits_within() read eight bytes from where they are pointed at, even
 * where the text is shorter: what they are given lies in a record, or in
 * another buffer with KX_PADDING behind it.
 */
#ifndef KX_DIGITS_H
#define KX_DIGITS_H

#include <endian.h>

#include "kx/base.h"

#define KX_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The eight bytes at p, the first one lowest, less '0' each (as if by
 * exclusive or: of digits 0 to 9 is left, of all else more). */
static inline uint64_t
kx_digits_load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word) ^ KX_EACH('0');
}

/* Bit 7 of each byte of kx_digits_load() that was no digit. */
static inline uint64_t
kx_digits_others(uint64_t word)
{
	return (((word & KX_EACH(0x7f)) + KX_EACH(0x76)) | word) &
	    KX_EACH(0x80);
}

/* How many bytes of p[0..most) are digits before the first that is none. */
static inline size_t
kx_digits_count(const char *p, size_t most)
{
	size_t n = 0;

	while (n < most) {
		uint64_t others = kx_digits_others(kx_digits_load(p + n));

		if (others != 0) {
			n += (size_t)__builtin_ctzll(others) / 8;
			return n < most ? n : most;
		}
		n += 8;
	}
	return most;
}

/* The same of text[0..len), with no byte behind it read. */
static inline size_t
kx_digits_within(const char *text, size_t len)
{
	size_t n = 0;

	for (; len - n >= 8; n += 8) {
		uint64_t others = kx_digits_others(kx_digits_load(text + n));

		if (others != 0)
			return n + (size_t)__builtin_ctzll(others) / 8;
	}
	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/* The number that eight digits spell: neighbours are joined, then pairs, then
 * fours. */
static inline uint64_t
kx_digits_join(uint64_t word)
{
	word = (word * 10 + (word >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word * (1 + (UINT64_C(100) << 16)) >> 16) &
	    UINT64_C(0x0000ffff0000ffff);
	return word * (1 + (UINT64_C(10000) << 32)) >> 32;
}

/* The number that p[0..len) spells; false where that is not digits alone, or
 * not 1 to 19 of them, which fit.  From 8 on, no byte behind them is read. */
static inline bool
kx_digits_value(const char *p, size_t len, uint64_t *out)
{
	static const uint64_t power[] = { 1, 10, 100, 1000, 10000, 100000,
	    1000000, 10000000, 100000000 };
	uint64_t value = 0, others = 0, word;

	if (KX_UNLIKELY(len - 1 >= 19))
		return false;
	if (len <= 8) {
		/* With zeros in front. */
		word = kx_digits_load(p) << (64 - 8 * len);
		*out = kx_digits_join(word);
		return kx_digits_others(word) == 0;
	}
	for (; len > 8; len -= 8, p += 8) {
		word = kx_digits_load(p);
		others |= kx_digits_others(word);
		value = value * 100000000 + kx_digits_join(word);
	}
	/* The rest, too, from those before it on. */
	word = kx_digits_load(p + len - 8) & UINT64_MAX << (64 - 8 * len);
	others |= kx_digits_others(word);
	*out = value * power[len] + kx_digits_join(word);
	return others == 0;
}

#endif
