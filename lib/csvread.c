/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine of a state a byte: fast enough for manifests.
 */
#include <config.h>

#include "kx/csvread.h"

enum state {
	ROW,		/* nothing of the row yet */
	CELL,		/* at the beginning of a further cell */
	PLAIN,
	QUOTED,
	QUOTE,		/* behind a quote within quotes */
	CR
};

static void
end_cell(struct kx_csvread *csv)
{
	if (csv->n == KX_CSVREAD_CELLS) {
		csv->bad = true;
		return;
	}
	csv->end[csv->n++] = csv->text.len;
	if (csv->n < KX_CSVREAD_CELLS)
		csv->quoted[csv->n] = false;
}

static void
end_row(struct kx_csvread *csv,
    void (*row)(void *arg, const struct kx_span *cell, size_t n), void *arg)
{
	struct kx_span cell[KX_CSVREAD_CELLS];
	size_t i, from = 0;

	end_cell(csv);
	for (i = 0; i < csv->n; i++) {
		cell[i].ptr = csv->end[i] == from && !csv->quoted[i] ? NULL :
		    csv->text.ptr + from;
		cell[i].len = csv->end[i] - from;
		from = csv->end[i];
	}
	if (!kx_buf_failed(&csv->text))
		row(arg, cell, csv->bad ? 0 : csv->n);
	csv->text.len = csv->n = 0;
	csv->quoted[0] = false;
	csv->bad = false;
	csv->state = ROW;
}

static void
keep(struct kx_csvread *csv, char c)
{
	if (csv->max_row > 0 && csv->text.len >= csv->max_row)
		csv->bad = true;
	else
		kx_buf_addc(&csv->text, c);
}

/* A byte outside of quotes; false: it ends the row. */
static bool
outside(struct kx_csvread *csv, char c)
{
	switch (c) {
	case ',':
		end_cell(csv);
		csv->state = CELL;
		return true;
	case '\n':
		return false;
	case '\r':
		csv->state = CR;
		return true;
	case '"':
		if (csv->state == ROW || csv->state == CELL) {
			if (csv->n < KX_CSVREAD_CELLS)
				csv->quoted[csv->n] = true;
			csv->state = QUOTED;
			return true;
		}
		/* fall through */
	default:
		/* A quote within a plain cell, or text behind a quoted one. */
		if (c == '"' || csv->state == QUOTE || csv->state == CR)
			csv->bad = true;
		csv->state = PLAIN;
		keep(csv, c);
		return true;
	}
}

bool
kx_csvread_feed(struct kx_csvread *csv, struct kx_span bytes, bool end,
    void (*row)(void *arg, const struct kx_span *cell, size_t n), void *arg)
{
	size_t i;

	/* So that a cell that is there never has a NULL pointer. */
	if (!kx_buf_reserve(&csv->text, 1))
		return false;
	for (i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];

		if (csv->state == QUOTED) {
			if (c == '"')
				csv->state = QUOTE;
			else
				keep(csv, c);
		} else if (csv->state == QUOTE && c == '"') {
			keep(csv, c);
			csv->state = QUOTED;
		} else if (!outside(csv, c)) {
			end_row(csv, row, arg);
		}
	}
	if (end && csv->state != ROW) {
		csv->bad = csv->bad || csv->state == QUOTED;
		end_row(csv, row, arg);
	}
	return !kx_buf_failed(&csv->text);
}

void
kx_csvread_fini(struct kx_csvread *csv)
{
	kx_buf_free(&csv->text);
}
