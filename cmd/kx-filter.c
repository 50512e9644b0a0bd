/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-filter: keep the events that match.
 *
 * In: records.  Out: those that meet all criteria and for which all programs
 * have an output that is neither false nor null, byte for byte; or what the
 * last program makes of them.  Criteria are kx/criteria.h's, programs
 * kx/filter.h's.  A verdict that takes libjq comes at the end of a chunk, and
 * what is kept behind such a record waits for it.
 *
 * Where the events before decide (-m, --unique), a worker only notes what
 * it would keep, and the main thread, which sees the chunks in order, lets it
 * pass.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kx/criteria.h"
#include "kx/event.h"
#include "kx/strip.h"
#include "kx/unique.h"

#include "cli.h"
#include "programs.h"
#include "run.h"
#include "suggest.h"
#include "when.h"

/* Settings and options. */

enum {
	OPT_EXPR = CLI_FIRST, OPT_FROM_FILE, OPT_ARG, OPT_ARGJSON, OPT_INVERT,
	OPT_COUNT, OPT_MAX, OPT_LINE, OPT_FILE, OPT_UNIQUE, OPT_STRIP,
	OPT_TRANSFORM,
	OPT_CRITERION = CLI_FIRST + 100	/* + enum kx_criterion */
};

static const char *
topics(void)
{
	return kx_field_known(KX_EVENT_TOPIC);
}

static const char *
modules(void)
{
	return kx_field_known(KX_EVENT_MODULE);
}

static const char *
levels(void)
{
	return kx_field_known(KX_EVENT_LEVEL);
}

static const char *
states(void)
{
	return kx_field_known(KX_PLATE_STATE);
}

static const struct cli_option options[] = {
	{ OPT_EXPR, 'e', "expression", "EXPR",
	    "jq program that must hold; repeated: all of them" },
	{ OPT_FROM_FILE, 'f', "from-file", "FILE",
	    "the same, read from FILE" },
	{ OPT_ARG, 0, "arg", "NAME VALUE",
	    "$NAME is the string VALUE in programs" },
	{ OPT_ARGJSON, 0, "argjson", "NAME JSON",
	    "$NAME is the value JSON in programs" },
	{ OPT_CRITERION + KX_CRITERION_TOPIC, 0, "topic", "LIST",
	    "topic is one of LIST", topics },
	{ OPT_CRITERION + KX_CRITERION_MODULE, 0, "module", "LIST",
	    "module is one of LIST", modules },
	{ OPT_CRITERION + KX_CRITERION_MONITOR, 0, "monitor", "LIST",
	    "monitor_id is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_CHANNEL, 0, "channel", "LIST",
	    "the camera's id or name is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_LEVEL, 0, "level", "LIST",
	    "level is one of LIST: 0-3, low, normal, high, critical",
	    levels },
	{ OPT_CRITERION + KX_CRITERION_MIN_LEVEL, 0, "min-level", "L",
	    "level is L or higher", levels },
	{ OPT_CRITERION + KX_CRITERION_SINCE, 0, "since", "TIME",
	    "start_time is TIME or later" },
	{ OPT_CRITERION + KX_CRITERION_UNTIL, 0, "until", "TIME",
	    "start_time is before TIME" },
	{ OPT_CRITERION + KX_CRITERION_PLATE, 0, "plate", "GLOB",
	    "a plate's number matches GLOB; look-alikes are one" },
	{ OPT_CRITERION + KX_CRITERION_STATE, 0, "state", "LIST",
	    "a plate's state is one of LIST", states },
	{ OPT_CRITERION + KX_CRITERION_PERSON, 0, "person", "GLOB",
	    "somebody's first, last or whole name matches GLOB" },
	{ OPT_CRITERION + KX_CRITERION_LIST, 0, "list", "LIST",
	    "the id or name of a watch list is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_TAG, 0, "tag", "LIST",
	    "the id or name of a tag of the camera is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_MIN_SIMILARITY, 0, "min-similarity",
	    "X", "a face is at least so similar, 0 to 1" },
	{ OPT_CRITERION + KX_CRITERION_NEAR, 0, "near", "LAT,LON,RADIUS",
	    "the camera is within RADIUS, in m or km" },
	{ OPT_CRITERION + KX_CRITERION_HAS_IMAGE, 0, "has-image", NULL,
	    "a snapshot carries its image" },
	{ OPT_INVERT, 'v', "invert-match", NULL,
	    "keep the events that do not match" },
	{ OPT_COUNT, 'c', "count", NULL,
	    "print the number of kept events instead of them" },
	{ OPT_MAX, 'm', "max-count", "N", "stop after N kept events" },
	{ OPT_LINE, 'n', "line-number", NULL,
	    "print the event's line number and a colon before it" },
	{ OPT_FILE, 'H', "with-filename", NULL,
	    "print the file's name and a colon before that" },
	{ OPT_UNIQUE, 0, "unique", "[=event_id|id]",
	    "keep the first of the events with one event_id, or id" },
	{ OPT_STRIP, 0, "strip-images", NULL,
	    "pass events on without their image payloads" },
	{ OPT_TRANSFORM, 0, "transform", NULL,
	    "print the last program's outputs instead of the event" },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "kx-filter",
	.usage = "[OPTION]... [EXPR] [FILE]...",
	.purpose = "Keep the events that match a jq program or criteria.",
	.options = options,
	.progress = true,
	.rejects = true,
	.output = true,
	.quiet = "print no events and no count; stop at the first match"
};

struct filter {
	struct kx_criteria *criteria;	/* NULL: there are none */
	struct programs programs;
	struct kx_filter *jq;		/* NULL: none are asked */
	bool invert, count, strip, transform;
	bool with_line, with_file;
	bool print;			/* neither -c nor -q */
	bool in_order;			/* what is kept depends on what was */
	uint64_t max;			/* kept events that are wanted */
	const char *unique_by;		/* NULL: copies are kept */
	struct kx_unique *unique;
	bool files_only;		/* no operand is a program */
	/* results */
	uint64_t kept;
	bool said_rounded;
	uint64_t *kept_of;		/* -c -H: an entry an input */
	const char **name_of;
	bool lost;			/* libjq is: the output is not whole */
};

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

/* Findings of libjq come behind those of the run: put them in the order of
 * the records.  There are few. */
static void
sort_findings(struct run_batch *batch)
{
	struct kx_finding finding;
	size_t i, k;

	for (i = 1; i < batch->n_findings; i++) {
		finding = batch->findings[i];
		for (k = i; k > 0 && batch->findings[k - 1].off >
		    finding.off; k--)
			batch->findings[k] = batch->findings[k - 1];
		batch->findings[k] = finding;
	}
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
		sort_findings(batch);
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
		sort_findings(batch);
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

/* Options. */

static void
criterion(struct filter *filter, enum kx_criterion kind, const char *name,
    const char *arg)
{
	struct kx_error err;
	enum kx_status status;

	if (filter->criteria == NULL)
		filter->criteria = kx_criteria_new();
	if (filter->criteria == NULL)
		cli_die(ENOMEM, "cannot start");
	if (kind == KX_CRITERION_SINCE || kind == KX_CRITERION_UNTIL) {
		kx_criteria_add_time(filter->criteria, kind, when(name, arg));
		return;
	}
	status = kx_criteria_add(filter->criteria, kind, arg, &err);
	if (status == KX_BAD)
		cli_usage("--%s: %s", name, cli_quotes(err.message));
	if (status != KX_OK)
		cli_die(err.errnum, "cannot start");
	if (kind == KX_CRITERION_TOPIC || kind == KX_CRITERION_MODULE ||
	    kind == KX_CRITERION_STATE)
		suggest_items(name, arg, kind == KX_CRITERION_TOPIC ?
		    topics() : kind == KX_CRITERION_MODULE ? modules() :
		    states());
}

static void
set_option(struct filter *filter, int id, char *arg)
{
	const struct cli_option *row;

	switch (id) {
	case OPT_EXPR:
		programs_add(&filter->programs, arg);
		break;
	case OPT_FROM_FILE:
		programs_add_file(&filter->programs, arg);
		break;
	case OPT_ARG:
		programs_arg(&filter->programs, "arg", arg, cli_more("arg"),
		    false);
		break;
	case OPT_ARGJSON:
		programs_arg(&filter->programs, "argjson", arg,
		    cli_more("argjson"), true);
		break;
	case OPT_INVERT:
		filter->invert = true;
		break;
	case OPT_COUNT:
		filter->count = true;
		break;
	case OPT_MAX:
		filter->max = cli_number("--max-count", arg, 0, UINT64_MAX);
		break;
	case OPT_LINE:
		filter->with_line = true;
		break;
	case OPT_FILE:
		filter->with_file = true;
		break;
	case OPT_UNIQUE:
		filter->unique_by = arg == NULL ? "event_id" : arg;
		break;
	case OPT_STRIP:
		filter->strip = true;
		break;
	case OPT_TRANSFORM:
		filter->transform = true;
		break;
	default:
		for (row = options; row->id != id; row++)
			continue;
		criterion(filter, (enum kx_criterion)(id - OPT_CRITERION),
		    row->name, arg);
		break;
	}
}

/* Options that ask for two different things. */
static void
check_options(const struct filter *filter)
{
	if (!filter->transform)
		return;
	if (filter->programs.n == 0)
		cli_usage("--transform needs a program");
	if (filter->invert)
		cli_usage("--transform prints what a program makes of the "
		    "events that match, -v keeps the others");
	if (filter->strip)
		cli_usage("--strip-images changes the event, and --transform "
		    "prints none");
}

/* The only operand is the program.  Something like log.ndjson even compiles
 * as one, and then standard input would be waited for. */
static void
check_program(const char *expr, bool only)
{
	struct stat st;

	if (*expr != '.' && (only || strpbrk(expr, "./") != NULL) &&
	    stat(expr, &st) == 0 && S_ISREG(st.st_mode))
		cli_usage("'%s' is a file, and the first operand is the "
		    "program: did you mean 'kx-filter . %s'?",
		    cli_quotes(expr), cli_quotes(expr));
}

/* With a criterion or -e every operand is a file: an easy mistake, and files
 * may have such names. */
static const char *
hint(void *ctx, const char *name)
{
	const struct filter *filter = ctx;

	if (!filter->files_only || (strpbrk(name, "=<>|()[]") == NULL &&
	    *name != '.'))
		return NULL;
	return "taken for a file: a program beside criteria is given with -e";
}

static void
print_counts(struct filter *filter, struct kx_output *out, int n)
{
	struct kx_buf text = { 0 };
	struct kx_error err;
	int i;

	for (i = 0; i < n && filter->kept_of != NULL; i++) {
		if (filter->name_of[i] == NULL)
			continue;
		kx_buf_addf(&text, "%s:%" PRIu64 "\n", filter->name_of[i],
		    filter->kept_of[i]);
	}
	if (filter->kept_of == NULL)
		kx_buf_addf(&text, "%" PRIu64 "\n", filter->kept);
	if (kx_buf_failed(&text))
		cli_die(ENOMEM, "cannot go on");
	if (kx_output_write(out, text.ptr, text.len, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_buf_free(&text);
}

/* Make ready what the options ask for; n operands are inputs. */
static void
start(struct filter *filter, bool operand, int n)
{
	size_t conditions = filter->programs.n - filter->transform;

	check_options(filter);
	if (filter->programs.n > 0)
		filter->jq = programs_start(&filter->programs, conditions,
		    operand);
	filter->print = !filter->count && !cli.quiet;
	filter->in_order = filter->max != UINT64_MAX ||
	    filter->unique_by != NULL;
	if (filter->unique_by != NULL)
		filter->unique = kx_unique_new();
	if (filter->count && filter->with_file) {
		filter->kept_of = calloc((size_t)n + 1,
		    sizeof(*filter->kept_of));
		filter->name_of = calloc((size_t)n + 1,
		    sizeof(*filter->name_of));
	}
	if ((filter->unique_by != NULL && filter->unique == NULL) ||
	    (filter->count && filter->with_file &&
	    (filter->kept_of == NULL || filter->name_of == NULL)))
		cli_die(ENOMEM, "cannot start");
}

int
main(int argc, char **argv)
{
	const struct run_ops ops = {
		.malformed_status = CLI_TROUBLE,
		.slot_new = tally_new, .slot_free = tally_free,
		.worker_new = hand_new, .worker_free = hand_free,
		.record = record, .end = end, .finish = finish, .hint = hint
	};
	static struct filter filter = { .max = UINT64_MAX };
	struct kx_output out;
	struct kx_error err;
	bool operand;
	char *arg;
	int id, first;

	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END)
		set_option(&filter, id, arg);
	first = cli_operand();
	operand = filter.programs.n == 0 && filter.criteria == NULL;
	if (operand && first == argc)
		cli_usage("no program and no criterion is given");
	if (operand) {
		check_program(argv[first], first + 1 == argc);
		programs_add(&filter.programs, argv[first++]);
	}
	filter.files_only = !operand;
	start(&filter, operand, argc - first);

	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	if (filter.max > 0)
		run(&ops, &filter, argv + first, argc - first, &out, NULL);
	if (filter.kept == 0)
		cli_raise(CLI_NO);
	if (filter.count && !cli.quiet && !filter.lost)
		print_counts(&filter, &out, argc > first ? argc - first : 1);
	if (filter.lost)
		cli_output_abort(&out);
	else if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_filter_free(filter.jq);
	kx_criteria_free(filter.criteria);
	kx_unique_free(filter.unique);
	programs_free(&filter.programs);
	free(filter.kept_of);
	free(filter.name_of);
	return cli_finish();
}
