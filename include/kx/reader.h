/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records out of a stream of bytes.
 *
 * The reader hands out chunks: runs of whole records, as they stand in the
 * input, each with the offset and line at which it begins.  A chunk is cheap
 * to make (one read, one count of line ends), so one thread feeds many; the
 * records in it are cut out by whoever works on it, with kx_chunk_next().
 *
 * Memory is bounded by the longest record: a chunk is KX_CHUNK bytes unless a
 * record needs more, and a record over the limit is passed through in pieces
 * and never held.
 */
#ifndef KX_READER_H
#define KX_READER_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/source.h"

struct kx_kernel;

enum kx_framing {
	KX_FRAMING_AUTO,
	KX_FRAMING_LINES,	/* one text a line (NDJSON) */
	KX_FRAMING_SEQ,		/* RFC 7464 */
	KX_FRAMING_CONCAT	/* texts one after another, pretty-printed or
				   not; a top-level array stands for its
				   elements */
};

/* Bytes of a chunk, unless one record needs more. */
#define KX_CHUNK ((size_t)512 << 10)

struct kx_chunk {
	struct kx_buf buf;	/* the bytes; KX_PADDING behind them */
	uint64_t off;		/* of buf.ptr[0] in the unpacked stream */
	uint64_t line;		/* of buf.ptr[0], from 1 */
	uint64_t column;	/* bytes of that line in front of buf.ptr[0] */
	enum kx_framing framing;	/* never AUTO */
	bool last;		/* the stream is known to end behind it */
	bool torn;		/* CONCAT: and inside its last record */
	/* A piece of a record over the limit (max_record): all of buf belongs
	 * to it.  The first piece and the last are told apart; the last may be
	 * empty. */
	bool overlong, overlong_first, overlong_last;
	bool refused;		/* for want of memory, not for its length; set
				   with overlong_first */
	size_t max_record;		/* the reader's */
	/* CONCAT: ends of the records, found by the reader. */
	uint32_t *cut;		/* pairs: begin, end, in buf */
	size_t n_cuts, cap_cuts;
	/* position of kx_chunk_next() */
	size_t pos;
	size_t cut_pos;
	uint64_t line_pos;
	size_t line_from;
	int64_t line_begin;	/* may lie in front of buf */
};

struct kx_record {
	struct kx_span text;	/* without its line end or RS; in the chunk */
	struct kx_span raw;	/* all its bytes, line end included */
	uint64_t off;		/* of text.ptr[0] in the unpacked stream */
	uint64_t line;		/* of text.ptr[0], from 1 */
	uint64_t column;	/* of text.ptr[0] in its line, bytes from 1 */
	bool unended;		/* the stream (SEQ: the record) ended without
				   a line end */
	bool multiline;		/* text may hold line ends (SEQ, CONCAT) */
	bool overlong;		/* text.len is over the limit */
};

void kx_chunk_init(struct kx_chunk *chunk);
void kx_chunk_fini(struct kx_chunk *chunk);
/* Begin again at the first record. */
void kx_chunk_rewind(struct kx_chunk *chunk);
/*
 * The next record that is not blank: KX_OK or KX_EOF.  Not for overlong
 * pieces.  The spans live as long as the chunk is not refilled.
 *
 * In CONCAT a record with an empty text says that something is missing in
 * front of `off`: a comma between two elements of the array that is open, or,
 * where the record is unended, the array's end.
 */
enum kx_status kx_chunk_next(struct kx_chunk *chunk,
    struct kx_record *record);

/*
 * A record of SEQ that is no text, because something follows its first text
 * on a later line, is two: the text with its line end becomes *record, and the
 * others *rest.  So a pipe, which cannot wait for more to see whether the
 * record goes on, gives the same records as a file.  False where that is not
 * so, and nothing is changed.
 */
bool kx_record_split(struct kx_record *record, struct kx_record *rest);

struct kx_reader;

struct kx_reader_options {
	enum kx_framing framing;
	size_t max_record;	/* bytes; 0: KX_MAX_RECORD_DEFAULT */
	uint64_t base_off;	/* where this input begins in a larger log */
	uint64_t base_line;	/* 0 stands for 1 */
	const struct kx_kernel *kernel;	/* NULL: the best */
	/* Called just before input is waited for, if not NULL: the time to
	 * deliver what was handed out so far.  False: no more input is wanted,
	 * what is there counts as the whole.  Not called for a regular file,
	 * which never waits. */
	bool (*idle)(void *arg);
	void *idle_arg;
};

/* The reader uses source until it is closed, and does not close it. */
enum kx_status kx_reader_open(struct kx_source *source,
    const struct kx_reader_options *options, struct kx_reader **out,
    struct kx_error *err) KX_MUST_CHECK;

/*
 * Fill *chunk with the next records.  KX_OK; KX_EOF: nothing more, chunk is
 * empty; KX_FAIL: no memory for a record, which has been skipped like one
 * over the limit; KX_FATAL: the source failed, and *chunk holds what had
 * been read whole before (perhaps nothing).
 */
enum kx_status kx_reader_next(struct kx_reader *reader,
    struct kx_chunk *chunk, struct kx_error *err) KX_MUST_CHECK;

/* Is nothing there to read at the moment?  (Where there is, kx_reader_next()
 * may still have to wait for the rest of a record: see `idle`.) */
bool kx_reader_would_wait(struct kx_reader *reader);

void kx_reader_close(struct kx_reader *reader);

#endif
