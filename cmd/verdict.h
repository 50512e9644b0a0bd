/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-validate's second look: what holds between records, asked in their order
 * on the main thread, and what becomes of each of them then.
 *
 * A worker notes each record that it has checked by itself (verdict_note());
 * when the chunk's turn comes, verdict_all() asks the rules between records,
 * puts their findings with the records' others, and says how many records are
 * refused.  Where such a rule is an error, passing on and refusing wait until
 * then, and what is refused stands in --rejects in its order all the same.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "kx/check.h"
#include "kx/stream.h"

#include "run.h"

struct verdicts {
	const struct kx_check *check;
	char *const *inputs;	/* names of the inputs, or NULL */
	unsigned n_inputs;
	struct kx_stream *stream;
	bool same_bytes;	/* copies or conflicts are asked about */
	bool late;		/* a rule between records can refuse one */
};

/* *check must outlive it.  False without memory. */
bool verdict_init(struct verdicts *verdicts, const struct kx_check *check);
void verdict_fini(struct verdicts *verdicts);

/* run_ops.slot_new and slot_free. */
void *verdict_slot_new(void *ctx);
void verdict_slot_free(void *ctx, void *user);

struct verdict_note;
/* On a worker's thread: before a record is checked, and after that, with the
 * status of kx_checker_run().  NULL without memory. */
struct verdict_note *verdict_begin(struct run_batch *batch,
    const struct kx_record *record);
void verdict_note(const struct verdicts *verdicts, struct verdict_note *note,
    struct run_batch *batch, const struct kx_json *json,
    const struct kx_identity *identity, enum kx_status status);

/* What verdict_all() says of a batch. */
struct verdict_counts {
	uint64_t passed, rejected;
	/* unknown topics and modules that have been noted before */
	uint64_t topics_again, modules_again;
};

/* On the main thread, in order. */
void verdict_all(struct verdicts *verdicts, struct run_batch *batch,
    struct verdict_counts *counts);

#endif
