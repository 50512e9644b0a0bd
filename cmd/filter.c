/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The work of kx-filter: what becomes of an event, and of a chunk of them.
 *
 * Criteria are kx/criteria.h's, programs kx/filter.h's.  A verdict that takes
 * libjq comes at the end of a chunk, and what is kept behind such a record
 * waits for it.
 *
 * Where the events before decide (-m, --unique), a worker only notes what it
 * would keep, and the main thread, which sees the chunks in order, lets it
 * pass.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kx/event.h"
#include "kx/strip.h"

#include "cli.h"
#include "filter.h"

/* An event that is to be kept. */
struct kept {
	struct kx_record record;
	size_t from, len;		/* of batch->made: printed first */
	bool pass;			/* then the record itself */
	bool identified;
	struct kx_span id;
	uint64_t digest;
};

/* What became of one chunk. */
struct tally {
	uint64_t n_kept;
	struct kept *kept;		/* filter.in_order: them */
	size_t cap;
	uint64_t errors;
	bool rounded;			/* there is a finding about one */
	bool lost;
	uint64_t line;			/* lost: on this one; 0: unknown */
	struct kx_error err;
};

/* A record behind one that waits for libjq. */
struct waiting {
	struct kx_record record;
	enum kx_verdict verdict;
};

/* A worker's own. */
struct hand {
	struct waiting *waiting;
	size_t n, cap;
	struct kx_criteria_state *criteria;
	struct kx_buf stripped;
};

/* One event. */

static void *
grow(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap == 0 ? 64 : 2 * *cap;
	array = reallocarray(array, *cap, size);
	if (array == NULL)
		cli_die(ENOMEM, "cannot go on");
	return array;
}

static void
add_prefix(const struct filter *filter, struct run_batch *batch,
    const struct kx_record *record)
{
	if (filter->with_file) {
		kx_buf_adds(&batch->made, batch->file);
		kx_buf_addc(&batch->made, ':');
	}
	if (filter->with_line) {
		kx_buf_addu64(&batch->made, record->line);
		kx_buf_addc(&batch->made, ':');
	}
}

static void
emit(struct run_batch *batch, const struct kept *kept)
{
	if (kept->len > 0)
		run_made_range(batch, kept->from, kept->len);
	if (kept->pass)
		run_pass(batch, &kept->record);
}

/* The member that tells copies, and a digest of the event. */
static void
identify(const struct filter *filter, struct run_worker *worker,
    struct run_batch *batch, struct kept *kept)
{
	const struct kx_json *json = &worker->json;
	struct kx_span id;
	uint32_t node = 0;

	if (kx_json_type(json, 0) == KX_JSON_OBJECT)
		node = kx_json_get(json, 0, kx_span_str(filter->unique_by));
	if (!kx_value_text(json, node, &worker->scratch, &id))
		return;
	if (json->node[node].meta & KX_JSON_ESCAPED) {
		id.ptr = kx_arena_dup(&batch->arena, id);
		if (id.ptr == NULL)
			cli_die(ENOMEM, "cannot go on");
	}
	kept->identified = true;
	kept->id = id;
	kept->digest = kx_unique_digest(kept->record.text);
}

/* Print it as it is, but for what is put before it and taken out of it. */
static void
make_line(const struct filter *filter, struct run_worker *worker,
    struct run_batch *batch, struct kept *kept)
{
	struct hand *hand = worker->user;

	kept->from = batch->made.len;
	add_prefix(filter, batch, &kept->record);
	kept->pass = true;
	if (filter->strip) {
		kx_buf_reset(&hand->stripped, 1 << 20);
		if (kx_strip_images(&worker->json, &hand->stripped)) {
			run_make_line(batch, &kept->record,
			    kx_buf_span(&hand->stripped));
			kept->pass = false;
		}
		if (kx_buf_failed(&hand->stripped))
			batch->no_memory = true;
	}
	kept->len = batch->made.len - kept->from;
}

/* It is kept, if nothing that came before is against it. */
static void
keep(const struct filter *filter, struct run_batch *batch,
    const struct kept *kept)
{
	struct tally *tally = batch->user;

	if (filter->in_order) {
		tally->kept = grow(tally->kept, tally->n_kept, &tally->cap,
		    sizeof(*tally->kept));
		tally->kept[tally->n_kept] = *kept;
	} else if (filter->print) {
		emit(batch, kept);
	}
	tally->n_kept++;
}

/* worker->json holds the record scanned. */
static void
settle(const struct filter *filter, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *record,
    enum kx_verdict verdict)
{
	struct kept kept = { .record = *record };

	if ((verdict == KX_VERDICT_YES) == filter->invert)
		return;
	if (filter->unique_by != NULL)
		identify(filter, worker, batch, &kept);
	if (filter->print)
		make_line(filter, worker, batch, &kept);
	keep(filter, batch, &kept);
}

/* Ask the programs. */
static enum kx_verdict
ask(const struct filter *filter, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *record)
{
	const struct kx_json *json = &worker->json;
	struct tally *tally = batch->user;
	struct kx_span text;
	uint32_t node = 0;

	if (!tally->rounded)
		node = kx_filter_rounded(filter->jq, json);
	if (node != 0) {
		tally->rounded = true;
		text = kx_json_raw(json, node);
		run_finding(batch, record, json, KX_SEV_WARNING,
		    "rounded-number", json->node[node].off, node,
		    "to a program %.*s is the same as its neighbours "
		    "(libjq 1.6 holds numbers as doubles)",
		    text.len > 40 ? 40 : (int)text.len, text.ptr);
	}
	return kx_filter_ask(filter->jq, worker->index, json, record->line);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	const struct filter *filter = ctx;
	struct hand *hand = worker->user;
	enum kx_verdict verdict = KX_VERDICT_YES;

	if (filter->criteria != NULL && !kx_criteria_match(filter->criteria,
	    hand->criteria, &worker->json, &batch->no_memory))
		verdict = KX_VERDICT_NO;
	else if (filter->jq != NULL)
		verdict = ask(filter, worker, batch, record);
	if (verdict != KX_VERDICT_LATER && hand->n == 0) {
		settle(filter, worker, batch, record, verdict);
		return;
	}
	hand->waiting = grow(hand->waiting, hand->n, &hand->cap,
	    sizeof(*hand->waiting));
	hand->waiting[hand->n++] = (struct waiting){ *record, verdict };
}

/* libjq is gone: nothing more can be said about this chunk's events. */
static void
lose(struct run_batch *batch, const struct hand *hand, size_t lost,
    const struct kx_error *err)
{
	struct tally *tally = batch->user;
	size_t i;

	tally->lost = true;
	tally->err = *err;
	tally->line = 0;
	tally->n_kept = 0;
	batch->n_pieces = 0;
	for (i = 0; i < hand->n; i++)
		if (hand->waiting[i].verdict == KX_VERDICT_LATER &&
		    lost-- == 0)
			tally->line = hand->waiting[i].record.line;
}

static void
program_error(struct run_batch *batch, const struct kx_record *record,
    struct kx_span message)
{
	struct tally *tally = batch->user;

	tally->errors++;
	run_finding(batch, record, NULL, KX_SEV_ERROR, "program-error", 0, 0,
	    "%.*s", (int)message.len, message.ptr);
}

/* What the last program makes of the event, which is kept where that is
 * anything. */
static void
transform(const struct filter *filter, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *record)
{
	struct kept kept = { .record = *record, .from = batch->made.len };
	struct kx_filter_output output;
	enum kx_status status;
	bool any = false;

	while ((status = kx_filter_output(filter->jq, worker->index,
	    &output)) != KX_EOF) {
		if (status != KX_OK) {
			program_error(batch, record, output.text);
			continue;
		}
		any = true;
		if (!filter->print)
			continue;
		add_prefix(filter, batch, record);
		kx_buf_addspan(&batch->made, output.text);
		kx_buf_addc(&batch->made, '\n');
	}
	if (!any)
		return;
	kept.len = batch->made.len - kept.from;
	if (filter->unique_by != NULL)
		identify(filter, worker, batch, &kept);
	keep(filter, batch, &kept);
}

/* Have worker->json hold this record again, where that is needed. */
static bool
scan_again(const struct filter *filter, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *record)
{
	if (!filter->strip && filter->unique_by == NULL)
		return true;
	if (kx_json_scan(&worker->json, record->text.ptr, record->text.len,
	    NULL) == KX_OK)
		return true;
	batch->no_memory = true;
	return false;
}

/* The verdicts that were put off. */
static void
end(void *ctx, struct run_worker *worker, struct run_batch *batch)
{
	const struct filter *filter = ctx;
	struct hand *hand = worker->user;
	struct tally *tally = batch->user;
	struct kx_span message = KX_SPAN_NULL;
	struct kx_error err;
	struct waiting *w;
	size_t lost;

	if (hand->n == 0)
		return;
	if (kx_filter_flush(filter->jq, worker->index, &lost, &err) != KX_OK) {
		lose(batch, hand, lost, &err);
		hand->n = 0;
		return;
	}
	for (w = hand->waiting; w < hand->waiting + hand->n; w++) {
		if (w->verdict == KX_VERDICT_LATER)
			w->verdict = kx_filter_next(filter->jq, worker->index,
			    &message);
		if (w->verdict == KX_VERDICT_ERROR)
			program_error(batch, &w->record, message);
		if (!scan_again(filter, worker, batch, &w->record))
			continue;
		if (!filter->transform)
			settle(filter, worker, batch, &w->record, w->verdict);
		else if (w->verdict == KX_VERDICT_YES)
			transform(filter, worker, batch, &w->record);
	}
	hand->n = 0;
	if (tally->errors > 0 && batch->n_findings > tally->errors)
		run_sort_findings(batch);
}

static void *
hand_new(void *ctx, unsigned index)
{
	struct hand *hand = calloc(1, sizeof(*hand));

	(void)ctx;
	(void)index;
	if (hand != NULL)
		hand->criteria = kx_criteria_state_new();
	if (hand != NULL && hand->criteria == NULL) {
		free(hand);
		return NULL;
	}
	return hand;
}

static void
hand_free(void *ctx, void *user)
{
	struct hand *hand = user;

	(void)ctx;
	if (hand == NULL)
		return;
	kx_criteria_state_free(hand->criteria);
	kx_buf_free(&hand->stripped);
	free(hand->waiting);
	free(hand);
}

static void *
tally_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct tally));
}

static void
tally_free(void *ctx, void *user)
{
	struct tally *tally = user;

	(void)ctx;
	if (tally != NULL)
		free(tally->kept);
	free(tally);
}

/* What is said at the end: of a chunk. */

/* Is it a copy of one that was kept?  Says so where it is not an exact one. */
static bool
is_copy(struct filter *filter, struct run_batch *batch,
    const struct kept *kept)
{
	enum kx_seen seen;

	if (!kept->identified)
		return false;
	if (kx_unique_add(filter->unique, kept->id, kept->digest, &seen) !=
	    KX_OK)
		cli_die(ENOMEM, "cannot remember more than %" PRIu64
		    " events", filter->kept);
	if (seen == KX_SEEN_OTHER)
		run_finding(batch, &kept->record, NULL, KX_SEV_WARNING,
		    "copy-differs", 0, 0, "this event is dropped as a copy of "
		    "one with the same %s, but it is not the same",
		    filter->unique_by);
	return seen != KX_SEEN_NEVER;
}

/* Let pass what is to be kept.  True: that was the last that is wanted. */
static bool
pass_in_order(struct filter *filter, struct run_batch *batch)
{
	struct tally *tally = batch->user;
	size_t n_findings = batch->n_findings;
	uint64_t i, n = 0;
	bool enough = false;

	for (i = 0; i < tally->n_kept && !enough; i++) {
		if (filter->unique_by != NULL &&
		    is_copy(filter, batch, &tally->kept[i]))
			continue;
		n++;
		if (filter->print)
			emit(batch, &tally->kept[i]);
		enough = filter->kept + n == filter->max;
	}
	if (batch->n_findings > n_findings)
		run_sort_findings(batch);
	if (enough)
		run_truncate(batch, &tally->kept[i - 1].record);
	tally->n_kept = n;
	return enough;
}

/* Has libjq failed on an event that is still looked at? */
static bool
has_errors(const struct run_batch *batch)
{
	const struct tally *tally = batch->user;
	size_t i;

	for (i = 0; i < batch->n_findings && tally->errors > 0; i++)
		if (!strcmp(batch->findings[i].rule, "program-error"))
			return true;
	return false;
}

/* That is said once. */
static void
drop_rounded(struct filter *filter, struct run_batch *batch)
{
	size_t i, n = 0;

	for (i = 0; i < batch->n_findings; i++) {
		if (!strcmp(batch->findings[i].rule, "rounded-number")) {
			if (filter->said_rounded)
				continue;
			filter->said_rounded = true;
		}
		batch->findings[n++] = batch->findings[i];
	}
	batch->n_findings = n;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct filter *filter = ctx;
	struct kx_finding finding = { .severity = KX_SEV_ERROR };
	struct tally *tally = batch->user;
	bool more = true;

	if (filter->in_order && pass_in_order(filter, batch))
		more = false;
	if (tally->rounded)
		drop_rounded(filter, batch);
	filter->kept += tally->n_kept;
	if (filter->kept_of != NULL) {
		filter->kept_of[batch->input] += tally->n_kept;
		filter->name_of[batch->input] = batch->file;
	}
	if (has_errors(batch))
		cli_raise(CLI_TROUBLE);
	if (tally->lost) {
		finding.file = batch->file;
		finding.line = tally->line;
		finding.message = tally->err.message;
		cli_finding(&finding);
		cli_raise(CLI_TROUBLE);
		filter->lost = true;
		more = false;
	}
	/* As grep does.  Rejects are to be had whole, though. */
	if (cli.quiet && filter->kept > 0 && cli.rejects == NULL)
		more = false;
	tally->n_kept = tally->errors = 0;
	tally->lost = tally->rounded = false;
	return more;
}

/* There is no such file.  With a criterion or -e every operand is one: an easy
 * mistake, and files may have such names. */
static const char *
hint(void *ctx, const char *name)
{
	const struct filter *filter = ctx;

	if (!filter->files_only || (strpbrk(name, "=<>|()[]") == NULL &&
	    *name != '.'))
		return NULL;
	return "taken for a file: a program beside criteria is given with -e";
}

const struct run_ops filter_ops = {
	.malformed_status = CLI_TROUBLE,
	.slot_new = tally_new, .slot_free = tally_free,
	.worker_new = hand_new, .worker_free = hand_free,
	.record = record, .end = end, .finish = finish, .hint = hint
};
