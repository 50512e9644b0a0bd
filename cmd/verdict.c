/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notes of records, and what is made of them in order.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "verdict.h"

/* Records whose place in the table of ids is fetched before their turn. */
#define AHEAD 8

/* A record that has been checked by itself, until its turn comes. */
struct verdict_note {
	struct kx_stream_note stream;
	struct kx_record record;
	enum kx_profile profile;
	bool bad;
	bool example;		/* the id of the document's examples */
	uint32_t id_at, event_id_at;	/* bytes of the record's text */
	size_t findings;	/* of the batch, this record's included */
	size_t rejects;		/* bytes of the batch's before this record */
};

/* What became of one chunk's events. */
struct tally {
	struct verdict_note *notes;
	size_t n, cap;
	uint64_t topics_again, modules_again;
};

struct verdict_note *
verdict_begin(struct run_batch *batch, const struct kx_record *record)
{
	struct tally *tally = batch->user;
	struct verdict_note *more;
	size_t cap;

	if (tally->n == tally->cap) {
		cap = tally->cap == 0 ? 64 : 2 * tally->cap;
		more = reallocarray(tally->notes, cap, sizeof *more);
		if (more == NULL) {
			batch->no_memory = true;
			return NULL;
		}
		tally->notes = more;
		tally->cap = cap;
	}
	more = &tally->notes[tally->n++];
	memset(more, 0, sizeof *more);
	more->record = *record;
	more->rejects = batch->rejects.len;
	return more;
}

/* The vendor's four examples are four events with one id. */
static bool
is_example(struct kx_span id)
{
	return kx_span_eq(id, KX_SPAN("203:1691055920965:4829655691653739"));
}

static void
fill_note(const struct verdicts *verdicts, struct verdict_note *note,
    const struct kx_json *json, const struct kx_identity *identity)
{
	note->profile = identity->profile;
	note->stream.line = note->record.line;
	if (identity->event_id_node != 0) {
		note->stream.has_event_id = true;
		note->stream.event_id_text = identity->event_id_text;
		note->event_id_at = json->node[identity->event_id_node].off;
	}
	if (!identity->has_id || !verdicts->same_bytes)
		return;
	note->id_at = json->node[identity->id_node].off;
	note->example = is_example(identity->id);
	note->stream.id = kx_stream_digest(identity->id);
	note->stream.bytes = kx_stream_digest(note->record.text);
}

static void
give(const struct verdict_note *note, struct run_batch *batch)
{
	if (note->bad)
		run_reject(batch, &note->record);
	else if (!cli.quiet)
		run_pass(batch, &note->record);
}

void
verdict_note(const struct verdicts *verdicts, struct verdict_note *note,
    struct run_batch *batch, const struct kx_json *json,
    const struct kx_identity *identity, enum kx_status status)
{
	struct tally *tally = batch->user;

	if (status == KX_FAIL)
		batch->no_memory = true;
	else
		fill_note(verdicts, note, json, identity);
	tally->topics_again += identity->topic_again;
	tally->modules_again += identity->module_again;
	note->bad = status != KX_OK;
	note->findings = batch->n_findings;
	if (!verdicts->late)
		give(note, batch);
}

void *
verdict_slot_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct tally));
}

void
verdict_slot_free(void *ctx, void *user)
{
	struct tally *tally = user;

	(void)ctx;
	free(tally->notes);
	free(tally);
}

/* --- between records, in their order -------------------------------------- */

static void
found(struct verdicts *verdicts, struct run_batch *batch,
    struct verdict_note *note, enum kx_rule rule, size_t at,
    const char *pointer, const char *message)
{
	enum kx_severity severity = (enum kx_severity)
	    verdicts->check->severity[note->profile][rule];

	if (severity == KX_SEV_NONE)
		return;
	if (rule == KX_RULE_CONFLICT && note->example &&
	    severity == KX_SEV_ERROR)
		severity = KX_SEV_WARNING;
	if (severity == KX_SEV_ERROR)
		note->bad = true;
	run_finding_at(batch, &note->record, severity,
	    kx_rule_info[rule].name, at, pointer, "%s", message);
}

/* Of so many inputs that their numbers have come round, none is certain. */
static const char *
input_name(const struct verdicts *verdicts, unsigned input)
{
	if (input >= verdicts->n_inputs || verdicts->n_inputs > 0x10000)
		return "another file";
	return strcmp(verdicts->inputs[input], "-") == 0 ? "(stdin)" :
	    verdicts->inputs[input];
}

static void
ask_stream(struct verdicts *verdicts, struct run_batch *batch,
    struct verdict_note *note)
{
	struct kx_stream_answer answer;
	char message[500];

	if (kx_stream_add(verdicts->stream, &note->stream, batch->input,
	    &answer) != KX_OK)
		batch->no_memory = true;
	if (answer.mixed)
		found(verdicts, batch, note, KX_RULE_EVENT_ID_MIXED,
		    note->event_id_at, "/event_id", note->stream.event_id_text ?
		    "event_id is a string here, and was a number before" :
		    "event_id is a number here, and was a string before");
	if (answer.kind == KX_STREAM_NEW)
		return;
	snprintf(message, sizeof message, "%s, on line %" PRIu64 "%s%s",
	    answer.kind == KX_STREAM_COPY ? "the same event came before" :
	    "another event with this id came before", answer.line,
	    answer.input != (batch->input & 0xffff) ? " of " : "",
	    answer.input != (batch->input & 0xffff) ?
	    input_name(verdicts, answer.input) : "");
	found(verdicts, batch, note, answer.kind == KX_STREAM_COPY ?
	    KX_RULE_REDELIVERED : KX_RULE_CONFLICT, note->id_at, "/id",
	    message);
}

/* Findings that were added behind the others go to their records. */
static void
merge(struct run_batch *batch, const struct tally *tally, size_t n_before,
    const size_t *of_note)
{
	struct kx_finding *all = batch->findings, *merged;
	size_t i = 0, k = n_before, n = 0, note;

	merged = kx_arena_alloc(&batch->arena,
	    batch->n_findings * sizeof *merged);
	if (merged == NULL) {
		batch->no_memory = true;
		return;
	}
	for (note = 0; note < tally->n; note++) {
		while (i < tally->notes[note].findings)
			merged[n++] = all[i++];
		while (k < batch->n_findings && k - n_before < of_note[note])
			merged[n++] = all[k++];
	}
	while (i < n_before)
		merged[n++] = all[i++];
	memcpy(all, merged, n * sizeof *merged);
}

static void
ask_all(struct verdicts *verdicts, struct run_batch *batch)
{
	struct tally *tally = batch->user;
	size_t n_before = batch->n_findings, i;
	size_t *of_note = kx_arena_alloc(&batch->arena,
	    (tally->n + 1) * sizeof *of_note);

	if (of_note == NULL) {
		batch->no_memory = true;
		return;
	}
	for (i = 0; i < tally->n; i++) {
		if (i + AHEAD < tally->n)
			kx_stream_prefetch(verdicts->stream,
			    &tally->notes[i + AHEAD].stream);
		ask_stream(verdicts, batch, &tally->notes[i]);
		of_note[i] = batch->n_findings - n_before;
	}
	if (batch->n_findings > n_before)
		merge(batch, tally, n_before, of_note);
}

/* Pass on and refuse now that all is known, with what was refused for its
 * syntax in its place. */
static void
late_verdicts(struct run_batch *batch, const struct tally *tally)
{
	struct kx_buf before = batch->rejects;
	size_t at = 0, i;

	if (before.ptr == NULL && !kx_buf_reserve(&before, 1)) {
		batch->no_memory = true;
		return;
	}
	batch->rejects = (struct kx_buf){ NULL, 0, 0, false };
	for (i = 0; i < tally->n; i++) {
		const struct verdict_note *note = &tally->notes[i];

		kx_buf_add(&batch->rejects, before.ptr + at,
		    note->rejects - at);
		at = note->rejects;
		give(note, batch);
	}
	kx_buf_add(&batch->rejects, before.ptr + at, before.len - at);
	if (kx_buf_failed(&batch->rejects))
		batch->no_memory = true;
	kx_buf_free(&before);
}

void
verdict_all(struct verdicts *verdicts, struct run_batch *batch,
    struct verdict_counts *counts)
{
	struct tally *tally = batch->user;
	size_t i;

	memset(counts, 0, sizeof *counts);
	ask_all(verdicts, batch);
	if (verdicts->late)
		late_verdicts(batch, tally);
	for (i = 0; i < tally->n; i++)
		counts->rejected += tally->notes[i].bad;
	counts->passed = tally->n - counts->rejected;
	counts->topics_again = tally->topics_again;
	counts->modules_again = tally->modules_again;
	tally->n = 0;
	tally->topics_again = tally->modules_again = 0;
}

/* Which rules between records are asked, and can any of them refuse one? */
static void
plan(struct verdicts *verdicts)
{
	static const enum kx_rule rules[] = {
		KX_RULE_EVENT_ID_MIXED, KX_RULE_REDELIVERED, KX_RULE_CONFLICT
	};
	const struct kx_check *check = verdicts->check;
	size_t i;

	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		uint8_t own = check->severity[check->profile][rules[i]];
		uint8_t other =
		    check->severity[KX_PROFILE_ENVELOPE][rules[i]];

		if (i > 0 && (own != KX_SEV_NONE || other != KX_SEV_NONE))
			verdicts->same_bytes = true;
		if (own == KX_SEV_ERROR || other == KX_SEV_ERROR)
			verdicts->late = true;
	}
}

bool
verdict_init(struct verdicts *verdicts, const struct kx_check *check)
{
	memset(verdicts, 0, sizeof *verdicts);
	verdicts->check = check;
	plan(verdicts);
	verdicts->stream = kx_stream_new(KX_STREAM_MOST);
	return verdicts->stream != NULL;
}

void
verdict_fini(struct verdicts *verdicts)
{
	kx_stream_free(verdicts->stream);
	verdicts->stream = NULL;
}
