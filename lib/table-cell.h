/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cells: what the makers of rows share.
 *
 * Nearly all cells are short and need no quotes: they are looked at and copied
 * at once, eight bytes at a time, and only the rest goes to the writer of
 * csv.c.  So what is copied must be readable for a word behind its end, as all
 * that comes from a record is.
 */
#ifndef KX_TABLE_CELL_H
#define KX_TABLE_CELL_H

#include <string.h>

#include "kx/num.h"
#include "kx/table.h"

/* All that the cells of one row are made from and with. */
struct maker {
	struct kx_table_writer *writer;
	const struct kx_table *table;
	const struct kx_table_in *in;
	const struct kx_event *event;
	const struct kx_json *json;
	struct kx_csv *csv;
	struct kx_buf *out;
	struct kx_buf *scratch;
	void *arg;
	/* What the row, or the first of its kind, is; or NULL. */
	const struct kx_row *part[KX_N_GROUPS];
	uint32_t index[KX_N_GROUPS];	/* among its siblings */
	const uint32_t *node[KX_N_GROUPS];	/* of the fields of a group */
	/* FACE and PLATE: the first of the identity, and how many it has. */
	uint32_t first[KX_N_GROUPS], found[KX_N_GROUPS];
	bool fresh[KX_N_GROUPS];	/* not told of with the row before */
	bool fast, fast_text;		/* short cuts may be taken */
	char special;			/* asks for quotes or an escape */
};

/* Fill the cell of a column that is derived: table-derived.c. */
void kx_table_add_derived(const struct maker *m,
    const struct kx_column *column);

#define WORD sizeof(uint64_t)
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

_Static_assert(KX_PADDING >= 2 * WORD, "whole words are read and written");

/* Not 0 where a byte of `word` is c; only zero or not is of use. */
static inline uint64_t
has(uint64_t word, char c)
{
	word ^= ONES * (unsigned char)c;
	return (word - ONES) & ~word & TOPS;
}

/* The first `n` of the bytes that `word` was loaded from, the rest 0. */
static inline uint64_t
first_bytes(uint64_t word, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return n >= WORD ? word : word & ((UINT64_C(1) << 8 * n) - 1);
#else
	return n >= WORD ? word : n == 0 ? 0 : word & ~UINT64_C(0) <<
	    8 * (WORD - n);
#endif
}

/* Begin a cell of up to `len` bytes by hand: where its bytes go, or NULL
 * without memory.  Not for the first of a row. */
static inline char *
cell_begin(const struct maker *m, size_t len)
{
	struct kx_buf *out = m->out;

	if (KX_UNLIKELY(out->failed || out->cap - out->len < len + 1) &&
	    !kx_buf_reserve(out, len + 1))
		return NULL;
	out->ptr[out->len] = m->csv->delimiter;
	return out->ptr + out->len + 1;
}

static inline void
add_null(const struct maker *m)
{
	if (KX_LIKELY(m->fast && m->csv->in_row && m->csv->null.len == 0)) {
		if (cell_begin(m, 0) != NULL)
			m->out->len++;
	} else {
		kx_csv_null(m->csv, m->out);
	}
}

/* A cell of digits, signs, points and letters. */
static inline void
add_plain(const struct maker *m, struct kx_span text)
{
	uint64_t word;
	char *to;
	size_t i;

	if (KX_UNLIKELY(!m->fast || !m->csv->in_row ||
	    text.len == m->csv->null.len)) {
		kx_csv_plain(m->csv, m->out, text);
		return;
	}
	to = cell_begin(m, text.len);
	if (to == NULL)
		return;
	for (i = 0; i < text.len; i += WORD) {
		memcpy(&word, text.ptr + i, WORD);
		memcpy(to + i, &word, WORD);
	}
	m->out->len += text.len + 1;
}

static inline void
add_integer(const struct maker *m, struct kx_span text)
{
	if (KX_UNLIKELY(m->csv->exact))
		kx_csv_integer(m->csv, m->out, text);
	else
		add_plain(m, text);
}

/* May text that begins so be what a spreadsheet runs?  Most does not. */
static inline bool
is_risky(char first)
{
	unsigned char c = (unsigned char)first;

	return c < 0x80 ? !(c >= '0' && c <= '9') &&
	    !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') : c == 0xef;
}

/* Any text. */
static inline void
add_cell(const struct maker *m, struct kx_span text)
{
	uint64_t word, part, odd = 0;
	char *to;
	size_t i;

	/* What begins or ends with a blank, what may be `\.` and what may
	 * stand for null is for the writer; so is what is not short. */
	if (KX_UNLIKELY(!m->fast_text || !m->csv->in_row ||
	    text.len - 1 > 255 || text.len == m->csv->null.len ||
	    text.ptr[0] == '\\' || text.ptr[0] == ' ' ||
	    text.ptr[0] == '\t' || text.ptr[text.len - 1] == ' ' ||
	    text.ptr[text.len - 1] == '\t' ||
	    (m->csv->guard && is_risky(text.ptr[0]))))
		goto slow;
	to = cell_begin(m, text.len);
	if (to == NULL)
		return;
	for (i = 0; i < text.len; i += WORD) {
		memcpy(&word, text.ptr + i, WORD);
		memcpy(to + i, &word, WORD);
		part = first_bytes(word, text.len - i);
		odd |= has(part, m->csv->delimiter) | has(part, m->special) |
		    has(part, '\r') | has(part, '\n');
	}
	if (KX_LIKELY(odd == 0)) {
		m->out->len += text.len + 1;
		return;
	}
slow:
	kx_csv_cell(m->csv, m->out, text);
}

/* Of a number that was made here. */
static inline void
add_number(const struct maker *m, int64_t n)
{
	char digits[24 + WORD];	/* readable behind the last digit */
	size_t i = 24;
	uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	memset(digits + 24, 0, WORD);
	do {
		digits[--i] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	if (n < 0)
		digits[--i] = '-';
	add_integer(m, (struct kx_span){ digits + i, 24 - i });
}

static inline bool
is_absent(const struct maker *m, uint32_t node)
{
	return node == 0 || kx_json_type(m->json, node) == KX_JSON_NULL;
}

/* A JSON number without fraction and exponent: no point, and no letter, which
 * alone have bit 6. */
static inline bool
is_integer(struct kx_span number)
{
	uint64_t word, odd = 0;
	size_t i;

	for (i = 0; i < number.len; i += WORD) {
		memcpy(&word, number.ptr + i, WORD);
		word = first_bytes(word, number.len - i);
		odd |= has(word, '.') | (word & (ONES << 6));
	}
	return odd == 0;
}

/* The value of an integer, as a number only and never as a string. */
static inline bool
integer(const struct maker *m, uint32_t node, int64_t *out)
{
	struct kx_span text;

	if (node == 0 || kx_json_type(m->json, node) != KX_JSON_NUMBER)
		return false;
	text = kx_json_raw(m->json, node);
	return is_integer(text) && kx_num_i64(text, out);
}

/* A time in the table's zone; outside the years that readers know it is null,
 * with a note about `node`. */
void kx_table_add_time(const struct maker *m, int64_t ms, uint32_t node,
    const struct kx_column *column);
/* The cell of a field that is a TIME, in ISO 8601. */
void kx_table_add_instant(const struct maker *m, uint32_t node,
    const struct kx_column *column);

#endif
