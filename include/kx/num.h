/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers from text, exactly or not at all, whatever the locale.
 *
 * Numbers of an event are carried as they are spelled; these functions are
 * for when a value has to be compared, and never for passing one on.
 */
#ifndef KX_NUM_H
#define KX_NUM_H

#include "kx/base.h"

/* All of `text` as decimal digits (kx_num_i64: with a `-` before them);
 * leading zeros are allowed, `+` and blanks are not.  False, and *out left
 * alone, for any other text and where it does not fit. */
bool kx_num_u64(struct kx_span text, uint64_t *out);
bool kx_num_i64(struct kx_span text, int64_t *out);

/* What kx_num_classify() says of a text. */
#define KX_NUM_VALID 0x01u	/* a number of RFC 8259, section 6 */
#define KX_NUM_INTEGER 0x02u	/* spelled without fraction and exponent */
#define KX_NUM_WHOLE 0x04u	/* its value is an integer: 1e3, 2.0, -0 too */
#define KX_NUM_I64 0x08u	/* whole, and an int64_t */
#define KX_NUM_EXACT 0x10u	/* whole, within 2^53: a double holds it and
				   its neighbours */

/* Of a number's spelling; 0 where it is not one.  Any length. */
unsigned kx_num_classify(struct kx_span text);

/* The value of a JSON number that is whole (`1e3` is 1000) and fits; false
 * otherwise. */
bool kx_num_whole(struct kx_span text, int64_t *out);

/*
 * The double nearest to a JSON number, ties to even, of any length.  Beyond
 * the range it is an infinity of its sign, below it a zero: the caller asks
 * isfinite() where that matters.  False where text is no number.
 */
bool kx_num_double(struct kx_span text, double *out);

/*
 * A size in bytes: digits, then nothing or `B`; one of K M G T P E, alone or
 * with `i` or `iB` (powers of 1024), or with `B` (powers of 1000), as in GNU
 * tools.  Letters in either case.  False for anything else, and for what does
 * not fit.
 */
bool kx_num_size(struct kx_span text, uint64_t *out);

#endif
