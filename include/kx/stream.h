/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules between the records of a run: copies, conflicts, and an event_id that
 * changes its type.
 *
 * A record is remembered by two digests of 64 bits (that of its id and that of
 * its bytes) and its line: 24 bytes.  At least the last KX_STREAM_MOST ids
 * are remembered, at most twice as many; a copy that comes later is taken for
 * new.  Two texts of one digest would be taken for one; that is as likely as
 * 1 to 2^64 for each pair.
 *
 * Records are added in their order, by one thread.
 */
#ifndef KX_STREAM_H
#define KX_STREAM_H

#include "kx/base.h"

/* Ids that are remembered for certain.  Documented in kx-validate(1); the two
 * tables take 25 MB when they are full. */
#define KX_STREAM_MOST ((size_t)393216)

/* What a worker notes of one record. */
struct kx_stream_note {
	uint64_t id;		/* kx_stream_digest() of the id; 0: none */
	uint64_t bytes;		/* the same of the record's text */
	uint64_t line;
	bool has_event_id;
	bool event_id_text;	/* a string, not a number */
};

/* Of a text; never 0. */
uint64_t kx_stream_digest(struct kx_span text);

enum kx_stream_kind { KX_STREAM_NEW, KX_STREAM_COPY, KX_STREAM_CONFLICT };

struct kx_stream_answer {
	enum kx_stream_kind kind;
	uint64_t line;		/* of the first of that id; COPY, CONFLICT */
	unsigned input;		/* as was given with it */
	bool mixed;		/* the first event_id of another type than the
				   first one of the run */
};

struct kx_stream;
/* NULL without memory.  `most` is KX_STREAM_MOST but for tests. */
struct kx_stream *kx_stream_new(size_t most);
void kx_stream_free(struct kx_stream *stream);

/* That id is about to be added: have its place at hand. */
void kx_stream_prefetch(const struct kx_stream *stream,
    const struct kx_stream_note *note);

/* Add the next record of input number `input`; *answer is filled.  KX_FAIL:
 * no memory, the record is not remembered. */
enum kx_status kx_stream_add(struct kx_stream *stream,
    const struct kx_stream_note *note, unsigned input,
    struct kx_stream_answer *answer) KX_MUST_CHECK;

#endif
