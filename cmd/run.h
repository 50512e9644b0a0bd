/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of the five programs: every input, its chunks to ordered workers,
 * each record scanned and handed to the program, results written in order.
 *
 *   open -> reader -> chunk -> [worker: cut, scan, record(), end()] -> finish()
 *
 * What is common is done here: records that are no JSON text are reported,
 * counted and kept for --rejects; a quiet pipe has been answered before it is
 * waited for; progress; memory for slots.
 */
#ifndef RUN_H
#define RUN_H

#include "kx/arena.h"
#include "kx/diag.h"
#include "kx/json.h"
#include "kx/output.h"
#include "kx/reader.h"

#include "cli.h"

/* A part of what is written: bytes of the chunk, or of `made`. */
struct run_piece {
	const char *ptr;	/* NULL: off is in made */
	size_t off;
	size_t len;
};

/* Where a malformed record was found, and what had been rejected by then. */
struct run_mark {
	uint64_t off;
	size_t rejects_len;
};

/* A chunk on its way through.  The worker fills it, finish() empties it. */
struct run_batch {
	struct kx_chunk chunk;
	const char *file;		/* name for messages */
	unsigned input;			/* operand, from 0 */
	/* results of the worker, all emptied for the next chunk */
	struct run_piece *pieces;	/* to the output, in order */
	size_t n_pieces, cap_pieces;
	struct kx_buf made;		/* bytes made here, for pieces */
	struct kx_buf rejects;		/* bytes for --rejects */
	struct kx_buf pointer;		/* run_finding()'s, for a moment */
	struct kx_arena arena;		/* of findings and the program's own */
	struct kx_finding *findings;
	size_t n_findings, cap_findings;
	uint64_t n_records;		/* blank lines are none */
	uint64_t n_malformed;		/* no JSON text */
	struct run_mark *marks;		/* one for each of these */
	size_t cap_marks;
	bool no_memory;			/* something above was dropped */
	bool paused;			/* ops->slices: records are left */
	void *user;			/* the program's, from slot_new() */
	struct run *run;		/* for run_tick() */
};

/* One worker's tools. */
struct run_worker {
	unsigned index;
	struct kx_json json;
	struct kx_buf scratch;
	void *user;			/* the program's, from worker_new() */
};

struct run_ops {
	int malformed_status;	/* what a malformed record raises it to */
	bool serial;		/* one worker whatever -j says */
	/* A chunk with very many findings is finished in slices, so that they
	 * are never all held: finish() may be called several times for it, and
	 * what is left is worked on by the main thread, with a worker of its
	 * own (worker_new() is called once more, when that is needed). */
	bool slices;
	/* All may be NULL but record. */
	void *(*slot_new)(void *ctx);
	void (*slot_free)(void *ctx, void *user);
	void *(*worker_new)(void *ctx, unsigned index);
	void (*worker_free)(void *ctx, void *user);
	/* A record that is one JSON text; worker->json holds it scanned, until
	 * the next.  On a worker's thread: touches only batch and worker. */
	void (*record)(void *ctx, struct run_worker *worker,
	    struct run_batch *batch, const struct kx_record *record);
	/* Behind the last record of a chunk, on the worker's thread. */
	void (*end)(void *ctx, struct run_worker *worker,
	    struct run_batch *batch);
	/* In order, on the main thread, before pieces are written; false: no
	 * more is wanted, what is in the batch now is written and the run
	 * ends. */
	bool (*finish)(void *ctx, struct run_batch *batch);
	/* An input was opened, and read as far as it goes (whole: to its end);
	 * on the main thread. */
	void (*opened)(void *ctx, unsigned input, const char *file,
	    struct kx_source *source);
	void (*closing)(void *ctx, unsigned input, bool whole);
	/* Input is about to be waited for, behind what has been finished: fd
	 * will be readable when there is some (-1: no telling).  Findings and
	 * rejects may be put into batch, which has no chunk.  False: no more is
	 * wanted. */
	bool (*wait)(void *ctx, struct run_batch *batch, int fd);
	/* Behind the last chunk of all inputs, in the same way. */
	void (*last)(void *ctx, struct run_batch *batch);
	/* Append what the program has to say to a line of progress. */
	void (*progress)(void *ctx, struct kx_buf *line);
	/* There is no such file: what is said behind its name, or NULL. */
	const char *(*hint)(void *ctx, const char *name);
};

struct run_totals {
	uint64_t records, malformed, bytes;
	bool stopped;		/* a failed write ended it early */
};

/*
 * Run over the operands (none: standard input), writing pieces to `out` (NULL:
 * a program that writes by itself).  Raises the status as it goes.  With
 * cli.rejects the file is written and committed by the time this returns.
 * A write to `out` that fails ends the run and raises the status; the message
 * is left to kx_output_commit(out), which fails in the same way.
 */
void run(const struct run_ops *ops, void *ctx, char **operands, int n,
    struct kx_output *out, struct run_totals *totals);

/* Show how far it is, if it is time to: for a finish() that takes long. */
void run_tick(struct run *run);

/* For workers: pass the record on as it is, as one line ended by LF. */
void run_pass(struct run_batch *batch, const struct kx_record *record);
/* Keep all its bytes for --rejects. */
void run_reject(struct run_batch *batch, const struct kx_record *record);
/* Bytes added to batch->made since `from` are the next piece. */
void run_made(struct run_batch *batch, size_t from);
/* len of these bytes. */
void run_made_range(struct run_batch *batch, size_t from, size_t len);
/* Append `line`, made of the record, to batch->made, as run_pass() passes the
 * record itself; no piece yet. */
void run_make_line(struct run_batch *batch, const struct kx_record *record,
    struct kx_span line);
/* Findings that were made behind others, at the end of a chunk, into the order
 * of the records. */
void run_sort_findings(struct run_batch *batch);
/* For finish(): forget what was found behind this record.  Its pieces are the
 * program's to end. */
void run_truncate(struct run_batch *batch, const struct kx_record *record);
/* The record as one line without LF: its own bytes; where they hold a line end
 * (SEQ, CONCAT), without the white space between tokens, made in *scratch.
 * Empty and scratch->failed without memory. */
struct kx_span run_line(const struct kx_json *json,
    const struct kx_record *record, struct kx_buf *scratch);
/* A finding at byte `at` of the record's text; node (0: none) gives the JSON
 * pointer.  The message is copied. */
void run_finding(struct run_batch *batch, const struct kx_record *record,
    const struct kx_json *json, enum kx_severity severity, const char *rule,
    size_t at, uint32_t node, const char *fmt, ...) KX_PRINTF(8, 9);
/* The same with the JSON pointer given, which is not copied. */
void run_finding_at(struct run_batch *batch, const struct kx_record *record,
    enum kx_severity severity, const char *rule, size_t at,
    const char *pointer, const char *fmt, ...) KX_PRINTF(7, 8);

#endif
