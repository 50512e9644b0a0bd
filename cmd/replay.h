/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of kx-replay: what was asked for, which input it is, what is kept
 * of an event, and what is said at the end.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "kx/deliver.h"
#include "kx/plan.h"
#include "kx/sched.h"
#include "kx/sign.h"

#include "run.h"

#define REPLAY_HEADERS 64

struct replay_settings {
	const char *url;		/* NULL: to standard output */
	const char *method;
	bool body;			/* requests have one */
	bool strip;			/* events lose their images */
	double speed;			/* 0: max */
	double rate;			/* 0: by start times */
	double max_gap;			/* seconds; negative: any */
	enum kx_order order;
	unsigned concurrency;
	unsigned retries;
	double timeout;			/* seconds */
	const char *journal;		/* NULL: none */
	const char *headers[REPLAY_HEADERS];
	size_t n_headers;
	char *user, *bearer;		/* from files, or NULL */
	const char *cacert, *cert, *key;
	bool insecure;
	struct kx_signer *signer;	/* NULL: not signed */
	bool dry_run;
	bool stats;
};

/* Options to settings; ends the program on bad usage and unreadable files. */
void replay_parse(struct replay_settings *s, int argc, char **argv);
void replay_forget(struct replay_settings *s);

/*
 * What the inputs are, for a journal: with the hash of their bytes where all
 * are regular files, which are read for that; else they are a stream, and
 * *stream is set.  Ends the program where one cannot be read.
 */
void replay_identify(char **operands, int n, char *text, size_t size,
    bool *stream);

/* Bytes in the chunk, or (ptr NULL) at `off` in batch->made. */
struct replay_piece {
	const char *ptr;
	size_t off, len;
};

/* What is needed of a record when it is due. */
struct replay_item {
	struct kx_record record;
	uint64_t number;	/* in its chunk, from 0 */
	struct replay_piece body, id;
	struct kx_span camera, name;
	uint64_t channel;
	int64_t start_ms;
	bool timed;
	/* Of the batch when it was met: what belongs in front of it. */
	size_t rejects_len, n_findings;
};

/* batch->user */
struct replay_items {
	struct replay_item *item;
	size_t n, cap;
};

/* slot_new and slot_free of struct run_ops. */
void *replay_items_new(void *ctx);
void replay_items_free(void *ctx, void *user);

/* Add a record to those of its batch. */
void replay_item(const struct replay_settings *s, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *record);

struct kx_span replay_bytes(const struct run_batch *batch,
    const struct replay_piece *piece);

/* What was done, for the end. */
struct replay_sums {
	bool http;
	double seconds;
	uint64_t n_early;
	uint64_t n_skipped;		/* the journal had them */
	uint64_t n_unsent;
	struct kx_deliver_stats s;
};

void replay_statistics(const struct replay_sums *sums);
void replay_plan(const struct replay_settings *s, const struct kx_plan *plan,
    uint64_t n_skipped);

#endif
