/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of a table as text: RFC 4180, with any one-byte delimiter.
 *
 * A cell is quoted only where it must be: for the delimiter, a quote, CR or
 * LF; for a blank at either end, which some readers drop; and where it would
 * read as something else: an empty string (null is an empty cell without
 * quotes, as for PostgreSQL's COPY), a string equal to the text that stands
 * for null, and `\.`, which ends PostgreSQL's input.  A row of one empty cell
 * is written `""`, for a blank line is no row to most readers.
 */
#ifndef KX_CSV_H
#define KX_CSV_H

#include "kx/base.h"
#include "kx/buf.h"

/* Options first; zero-initialise the rest. */
struct kx_csv {
	char delimiter;		/* not a quote, CR, LF or NUL */
	bool crlf;		/* rows end in CR LF */
	bool escapes;		/* tab-separated values without quoting: \t \n
				   \r and \\ instead (as Miller's --tsv and
				   PostgreSQL's text format); delimiter must be
				   a tab */
	bool guard;		/* text that a spreadsheet would run is made
				   harmless by a `'` in front */
	bool exact;		/* text and long integers that a spreadsheet
				   would round or turn into something else
				   become ="..." */
	struct kx_span null;	/* what stands for null; empty by default.
				   kx_csv_may_be_null() must hold */
	/* the writer's */
	bool in_row;
	bool has_hole;		/* the row's length says nothing */
	size_t row_start;
};

/* May this text stand for null?  Written as it is, it must need no quoting and
 * no escapes; with `escapes`, \N is allowed. */
bool kx_csv_may_be_null(const struct kx_csv *csv, struct kx_span text);

/* Append text with U+FFFD for each NUL, which ends a cell for one reader and
 * the file for another. */
void kx_csv_clean(struct kx_buf *out, struct kx_span text);

/* The next cell of the row: text; a number, true, false or a time, which is
 * never guarded; an integer; or null. */
void kx_csv_cell(struct kx_csv *csv, struct kx_buf *out, struct kx_span text);
void kx_csv_plain(struct kx_csv *csv, struct kx_buf *out, struct kx_span text);
void kx_csv_integer(struct kx_csv *csv, struct kx_buf *out,
    struct kx_span text);
void kx_csv_null(struct kx_csv *csv, struct kx_buf *out);
/* The next cell will be put at the end of *out as it is then by one of the
 * above, with a kx_csv whose in_row is `false`. */
void kx_csv_hole(struct kx_csv *csv, struct kx_buf *out);
/* The end of the row. */
void kx_csv_end(struct kx_csv *csv, struct kx_buf *out);

/*
 * Would a spreadsheet run the cell, rather than show it?  True for text that
 * begins, behind blanks, with = + - @, a tab, CR or LF, or the full-width
 * forms of the four, and is not a number (-1.5, +7, 1e-3).
 */
bool kx_csv_is_formula(struct kx_span text);

#endif
