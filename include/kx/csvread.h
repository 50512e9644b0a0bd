/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows out of CSV (RFC 4180, comma, LF or CR LF), fed in any pieces.  An empty
 * cell without quotes is absent (ptr NULL), as kx_csv writes it.
 */
#ifndef KX_CSVREAD_H
#define KX_CSVREAD_H

#include "kx/base.h"
#include "kx/buf.h"

#define KX_CSVREAD_CELLS 64

/* Zero-initialise; end with kx_csvread_fini(). */
struct kx_csvread {
	size_t max_row;		/* bytes; 0: no limit */
	/* the reader's */
	struct kx_buf text;
	size_t end[KX_CSVREAD_CELLS];
	bool quoted[KX_CSVREAD_CELLS];
	size_t n;
	int state;
	bool bad;
};

/*
 * `row` is called for each row that is whole: n cells, good for the call; n 0
 * is a row that is no CSV, has too many cells or is too long.  False where
 * memory is wanting.  end: nothing more comes.
 */
bool kx_csvread_feed(struct kx_csvread *csv, struct kx_span bytes, bool end,
    void (*row)(void *arg, const struct kx_span *cell, size_t n), void *arg)
    KX_MUST_CHECK;
void kx_csvread_fini(struct kx_csvread *csv);

#endif
