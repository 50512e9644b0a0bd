/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reference kernel, in plain C: what the others must agree with, and what
 * runs where there is nothing better.
 */
#include <config.h>

#include "kx/kernel.h"

#include "json-kernel.h"
#include "utf8.h"

enum { BACKSLASH = 1, QUOTE = 2, OP = 4, SPACE = 8, CONTROL = 16, HIGH = 32 };

static uint8_t
class_of(uint8_t b)
{
	switch (b) {
	case '\\':
		return BACKSLASH;
	case '"':
		return QUOTE;
	case '{': case '}': case '[': case ']': case ':': case ',':
		return OP;
	case '\t': case '\n': case '\r':
		return SPACE | CONTROL;
	case ' ':
		return SPACE;
	default:
		return b < 0x20 ? CONTROL : b >= 0x80 ? HIGH : 0;
	}
}

static uint64_t
prefix_xor(uint64_t x)
{
	int shift;

	for (shift = 1; shift < 64; shift <<= 1)
		x ^= x << shift;
	return x;
}

static size_t
find_places(struct kx_index_state *state, const uint8_t *p, size_t len,
    uint32_t base, uint32_t *out)
{
	uint32_t *first = out;
	size_t pos;

	for (pos = 0; pos < len; pos += KX_BLOCK) {
		struct kx_block b = { 0 };
		size_t i, n = len - pos < KX_BLOCK ? len - pos : KX_BLOCK;

		for (i = 0; i < n; i++) {
			uint8_t class = class_of(p[pos + i]);
			uint64_t bit = UINT64_C(1) << i;

			if (class == 0)
				continue;
			if (class & BACKSLASH)
				b.backslash |= bit;
			if (class & QUOTE)
				b.quote |= bit;
			if (class & OP)
				b.op |= bit;
			if (class & SPACE)
				b.space |= bit;
			if (class & CONTROL)
				b.control |= bit;
			if (class & HIGH)
				state->high = 1;
		}
		for (; i < KX_BLOCK; i++)
			b.space |= UINT64_C(1) << i;
		out = kx_block_write(kx_block_places(state, &b,
		    base + (uint32_t)pos, prefix_xor), base + (uint32_t)pos,
		    out);
	}
	return (size_t)(out - first);
}

#define KX_INDEX find_places
#include "json-walk.h"

enum kx_status
kx_scan_scalar(struct kx_json *json, bool *high)
{
	return walk_text(json, high);
}

bool
kx_utf8_scalar(const uint8_t *p, size_t len)
{
	size_t pos = 0;

	while (pos < len) {
		uint64_t word;
		size_t n;

		if (len - pos >= sizeof word) {
			memcpy(&word, p + pos, sizeof word);
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				pos += sizeof word;
				continue;
			}
		}
		if ((n = kx_utf8_next(p + pos, len - pos)) == 0)
			return false;
		pos += n;
	}
	return true;
}

size_t
kx_lines_scalar(const uint8_t *p, size_t len, size_t *last)
{
	size_t n = 0, pos;

	*last = 0;
	for (pos = 0; pos < len; pos++)
		if (p[pos] == '\n') {
			n++;
			*last = pos + 1;
		}
	return n;
}
