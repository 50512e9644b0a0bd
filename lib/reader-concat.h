/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the reader and the tracker of concatenated texts share.
 *
 * The tracker finds the records in a stream of texts: one behind another,
 * pretty-printed or not, torn or not, and the elements of top-level arrays.
 * It looks at the bytes of a chunk and notes the cuts in it; it neither reads
 * nor moves them.  How texts become chunks is the reader's affair.
 */
#ifndef KX_READER_CONCAT_H
#define KX_READER_CONCAT_H

#include "kx/reader.h"

#define CUTS_MOST ((size_t)1 << 16)	/* pairs in a chunk, about */

/* Bytes of a record that are not its text, at most: RS, CR, LF. */
#define SLACK 3

#define RS 0x1e
#define LF '\n'

enum track_in {
	IN_NONE,	/* between texts */
	IN_BRACKETS,
	IN_STRING,	/* a text that is a string */
	IN_WORD,	/* a number, true, false, null; or neither */
	IN_JUNK		/* what is no text: to the end of its line */
};

enum array {
	ARRAY_NONE,	/* outside of a top-level array */
	ARRAY_FIRST,	/* at its start */
	ARRAY_ANY,	/* behind something broken */
	ARRAY_VALUE,	/* behind a value */
	ARRAY_COMMA
};

/*
 * A place in a stream of texts; zeroed, its beginning.  Positions are in the
 * chunk's buf: who takes bytes from its front moves begin and pos along.  The
 * members are for kx_track_scan(), but for `in`, `begin`, `pos` and `array`,
 * which say what may be handed out, and `over`, which whoever lets go of a
 * text's beginning sets.
 *
 * Strings are taken to end at a line end, where they would be no JSON anyway:
 * so a string that was never closed does not swallow what follows.
 *
 * A line that begins with a bracket, in the first column, is a `suspect`: the
 * next text, if the one before it was torn.  Whether that is so shows when the
 * text turns out to be no JSON; then it ends at its first suspect.
 */
struct track {
	enum track_in in;
	enum array array;
	size_t begin;		/* of the text */
	size_t pos;		/* looked at so far */
	uint64_t depth;
	bool quoted;
	bool escaped;
	bool line_start;	/* pos is in the first column */
	bool broken;		/* a string ended at a line end */
	bool over;		/* more bytes than a record may have */
	size_t suspect;		/* bytes from begin; 0: none */
	size_t checked;		/* bytes that the checker has passed */
};

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline size_t
skip_blank(const char *p, size_t pos, size_t len)
{
	while (pos < len && is_blank(p[pos]))
		pos++;
	return pos;
}

/*
 * The record [begin, end) of chunk->buf is found; trailing blanks are not its
 * text.  An empty one says that something is missing there (kx_chunk_next()).
 * False without memory.
 */
bool kx_track_cut(struct kx_chunk *chunk, size_t begin, size_t end);

/*
 * Find the ends of texts in what is in the chunk; with `last` nothing more
 * will come.  Stops at the end of the bytes, where a record over the limit
 * has ended, and where there are many.  False without memory.
 *
 * The limit is chunk->max_record.  Where chunk->overlong is set the text that
 * is being followed is over it, and its end makes no cut.
 */
bool kx_track_scan(struct track *t, struct kx_chunk *chunk, bool last);

#endif
