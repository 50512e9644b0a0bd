/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-validate: pass the valid events on, explain the others.
 *
 * In: records.  Out: those that are sound, byte for byte; on standard error,
 * what is wrong with each of the others and where.  run.c checks that a record
 * is one JSON text, lib/check*.c what one record can break by itself, and
 * lib/stream.c, asked in order on the main thread, what holds between records.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "kx/check.h"
#include "kx/stream.h"
#include "kx/time.h"

#include "cli.h"
#include "run.h"

/* Settings and options. */

enum {
	OPT_PROFILE = CLI_FIRST, OPT_ERROR, OPT_WARN, OPT_NOTE, OPT_IGNORE,
	OPT_IMAGES, OPT_NOW, OPT_MAX_ERRORS, OPT_SUMMARY, OPT_LIST_RULES,
	OPT_EXPLAIN
};

static const struct cli_option options[] = {
	{ OPT_PROFILE, 'p', "profile", "compatible|strict|envelope",
	    "rules to hold events to (compatible)" },
	{ OPT_ERROR, 0, "error", "RULE,...",
	    "refuse events that break one of these rules" },
	{ OPT_WARN, 0, "warn", "RULE,...", "report these as warnings" },
	{ OPT_NOTE, 0, "note", "RULE,...", "report these as notes" },
	{ OPT_IGNORE, 0, "ignore", "RULE,...", "do not report these" },
	{ OPT_IMAGES, 0, "images", "check|skip",
	    "look into images, or leave them alone (check)" },
	{ OPT_NOW, 0, "now", "TIME",
	    "check references against this time: milliseconds, ISO 8601 or "
	    "now" },
	{ OPT_MAX_ERRORS, 0, "max-errors", "N",
	    "report nothing more after N errors; reading goes on" },
	{ OPT_SUMMARY, 0, "summary", NULL,
	    "print counts at the end, on standard error" },
	{ OPT_LIST_RULES, 0, "list-rules", NULL,
	    "print each rule with its severities and exit" },
	{ OPT_EXPLAIN, 0, "explain", "RULE",
	    "print what is behind a rule and exit" },
	{ 0, 0, NULL, NULL, NULL }
};

static const struct cli_tool tool = {
	.name = "kx-validate",
	.usage = "[OPTION]... [FILE]...",
	.purpose = "Pass the valid events on, explain the others.",
	.options = options,
	.progress = true,
	.rejects = true,
	.output = true,
	.quiet = "do not pass events on, print findings alone"
};

/* Distinct notes that are given once and counted after that; beyond these
 * the rest is only counted. */
#define ONCE_MAX 64

struct validate {
	struct kx_check check;
	struct kx_stream *stream;
	bool same_bytes;	/* copies or conflicts are asked about */
	bool late;		/* a rule between records can refuse one */
	uint64_t max_errors;	/* 0: no end */
	uint64_t errors, hidden;
	uint64_t passed, rejected;
	uint64_t count[KX_N_RULES];
	char *once[ONCE_MAX];
	size_t n_once;
};

/* A record that has been checked by itself, until its turn comes. */
struct note {
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
	struct note *notes;
	size_t n, cap;
};

/* One event, on a worker's thread. */

struct place {
	struct run_batch *batch;
	const struct kx_record *record;
	const struct kx_json *json;
};

static void
report(void *arg, enum kx_rule rule, enum kx_severity severity, size_t off,
    uint32_t node, const char *message)
{
	const struct place *place = arg;

	run_finding(place->batch, place->record, place->json, severity,
	    kx_rule_info[rule].name, off, node, "%s", message);
}

static struct note *
note_new(struct run_batch *batch)
{
	struct tally *tally = batch->user;
	struct note *more;
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
	return more;
}

/* The vendor's four examples are four events with one id. */
static bool
is_example(struct kx_span id)
{
	return kx_span_eq(id, KX_SPAN("203:1691055920965:4829655691653739"));
}

static void
fill_note(const struct validate *validate, struct note *note,
    const struct kx_json *json, const struct kx_record *record,
    const struct kx_identity *identity)
{
	note->record = *record;
	note->profile = identity->profile;
	note->stream.line = record->line;
	if (identity->event_id_node != 0) {
		note->stream.has_event_id = true;
		note->stream.event_id_text = identity->event_id_text;
		note->event_id_at = json->node[identity->event_id_node].off;
	}
	if (!identity->has_id || !validate->same_bytes)
		return;
	note->id_at = json->node[identity->id_node].off;
	note->example = is_example(identity->id);
	note->stream.id = kx_stream_digest(identity->id);
	note->stream.bytes = kx_stream_digest(record->text);
}

static void
verdict(const struct note *note, struct run_batch *batch)
{
	if (note->bad)
		run_reject(batch, &note->record);
	else if (!cli.quiet)
		run_pass(batch, &note->record);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	struct place place = { batch, record, &worker->json };
	struct validate *validate = ctx;
	struct kx_identity identity = { .has_id = false };
	struct note *note = note_new(batch);
	enum kx_status status;

	if (note == NULL) {
		run_reject(batch, record);
		return;
	}
	note->rejects = batch->rejects.len;
	status = kx_checker_run(worker->user, &worker->json, report, &place,
	    &identity);
	if (status == KX_FAIL)
		batch->no_memory = true;
	fill_note(validate, note, &worker->json, record, &identity);
	note->bad = status != KX_OK;
	note->findings = batch->n_findings;
	if (!validate->late)
		verdict(note, batch);
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
	free(tally->notes);
	free(tally);
}

static void *
checker_new(void *ctx, unsigned index)
{
	struct validate *validate = ctx;

	(void)index;
	return kx_checker_new(&validate->check);
}

static void
checker_free(void *ctx, void *user)
{
	(void)ctx;
	kx_checker_free(user);
}

/* Between records, in their order, on the main thread. */

static void
found(struct validate *validate, struct run_batch *batch, struct note *note,
    enum kx_rule rule, size_t at, const char *pointer, const char *message)
{
	enum kx_severity severity = (enum kx_severity)
	    validate->check.severity[note->profile][rule];

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

static void
ask_stream(struct validate *validate, struct run_batch *batch,
    struct note *note)
{
	struct kx_stream_answer answer;
	char message[200];

	if (kx_stream_add(validate->stream, &note->stream, batch->input,
	    &answer) != KX_OK)
		batch->no_memory = true;
	if (answer.mixed)
		found(validate, batch, note, KX_RULE_EVENT_ID_MIXED,
		    note->event_id_at, "/event_id", note->stream.event_id_text ?
		    "event_id is a string here, and was a number before" :
		    "event_id is a number here, and was a string before");
	if (answer.kind == KX_STREAM_NEW)
		return;
	snprintf(message, sizeof message, "%s, on line %" PRIu64 "%s",
	    answer.kind == KX_STREAM_COPY ? "the same event came before" :
	    "another event with this id came before", answer.line,
	    answer.input != (batch->input & 0xffff) ? " of another file" : "");
	found(validate, batch, note, answer.kind == KX_STREAM_COPY ?
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
ask_all(struct validate *validate, struct run_batch *batch)
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
		ask_stream(validate, batch, &tally->notes[i]);
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
		const struct note *note = &tally->notes[i];

		kx_buf_add(&batch->rejects, before.ptr + at,
		    note->rejects - at);
		at = note->rejects;
		verdict(note, batch);
	}
	kx_buf_add(&batch->rejects, before.ptr + at, before.len - at);
	if (kx_buf_failed(&batch->rejects))
		batch->no_memory = true;
	kx_buf_free(&before);
}

/* Topics and modules are open sets, so an unknown one is worth a note, but
 * one a name and not one an event: has this been said? */
static bool
said_before(struct validate *validate, const struct kx_finding *finding)
{
	size_t i;

	if (finding->severity != KX_SEV_NOTE ||
	    (finding->rule != kx_rule_info[KX_RULE_UNKNOWN_TOPIC].name &&
	    finding->rule != kx_rule_info[KX_RULE_UNKNOWN_MODULE].name))
		return false;
	for (i = 0; i < validate->n_once; i++)
		if (!strcmp(validate->once[i], finding->message))
			return true;
	if (validate->n_once == ONCE_MAX)
		return true;
	validate->once[validate->n_once] = strdup(finding->message);
	if (validate->once[validate->n_once] != NULL)
		validate->n_once++;
	return false;
}

static void
count(struct validate *validate, const char *rule)
{
	int r;

	/* Mostly the table's own string. */
	for (r = 0; r < KX_N_RULES; r++)
		if (kx_rule_info[r].name == rule)
			break;
	if (r == KX_N_RULES)
		r = kx_rule_find(kx_span_str(rule));
	if (r >= 0)
		validate->count[r]++;
}

/* Is it to be printed? */
static bool
is_shown(struct validate *validate, const struct kx_finding *finding)
{
	count(validate, finding->rule);
	if (said_before(validate, finding))
		return false;
	if (validate->max_errors > 0 &&
	    validate->errors >= validate->max_errors) {
		validate->hidden++;
		return false;
	}
	validate->errors += finding->severity == KX_SEV_ERROR;
	return true;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct validate *validate = ctx;
	struct tally *tally = batch->user;
	size_t i, kept = 0, bad = 0;

	ask_all(validate, batch);
	if (validate->late)
		late_verdicts(batch, tally);
	for (i = 0; i < tally->n; i++)
		bad += tally->notes[i].bad;
	validate->passed += tally->n - bad;
	validate->rejected += bad + batch->n_malformed;
	if (bad > 0)
		cli_raise(CLI_NO);
	for (i = 0; i < batch->n_findings; i++)
		if (is_shown(validate, &batch->findings[i]))
			batch->findings[kept++] = batch->findings[i];
	batch->n_findings = kept;
	tally->n = 0;
	return true;
}

/* The end. */

static void
summary(const struct validate *validate, const struct run_totals *totals)
{
	struct kx_buf out = { 0 };
	int r;

	if (cli.diagnostics == KX_DIAG_JSON) {
		kx_buf_addf(&out, "{\"tool\":\"kx-validate\",\"summary\":"
		    "{\"records\":%" PRIu64 ",\"passed\":%" PRIu64
		    ",\"rejected\":%" PRIu64 ",\"rules\":{", totals->records,
		    validate->passed, validate->rejected);
		for (r = 0; r < KX_N_RULES; r++)
			if (validate->count[r] > 0)
				kx_buf_addf(&out, "%s\"%s\":%" PRIu64,
				    out.ptr[out.len - 1] == '{' ? "" : ",",
				    kx_rule_info[r].name, validate->count[r]);
		kx_buf_adds(&out, "}}}\n");
	} else {
		kx_buf_addf(&out, "%10" PRIu64 "  records\n%10" PRIu64
		    "  passed\n%10" PRIu64 "  rejected\n", totals->records,
		    validate->passed, validate->rejected);
		for (r = 0; r < KX_N_RULES; r++)
			if (validate->count[r] > 0)
				kx_buf_addf(&out, "%10" PRIu64 "  %s\n",
				    validate->count[r], kx_rule_info[r].name);
	}
	if (!kx_buf_failed(&out))
		cli_stderr(out.ptr, out.len);
	kx_buf_free(&out);
}

/* Options that are more than a word. */

static int
find_rule(const char *option, struct kx_span name)
{
	int rule = kx_rule_find(name);

	if (rule < 0)
		cli_usage("%s: there is no rule '%s' (--list-rules has all)",
		    option, cli_quote(name));
	return rule;
}

/* RULE,... get a severity in every profile. */
static void
set_severity(struct kx_check *check, const char *option, const char *list,
    enum kx_severity severity)
{
	struct kx_span name;
	int rule, p;

	for (; *list != '\0'; list += name.len + (list[name.len] == ',')) {
		name = (struct kx_span){ list, strcspn(list, ",") };
		rule = find_rule(option, name);
		if (kx_rule_info[rule].schema == KX_SCHEMA_TEXT &&
		    severity != KX_SEV_ERROR)
			cli_usage("%s: %s is always an error, for the record "
			    "is no JSON text", option,
			    kx_rule_info[rule].name);
		for (p = 0; p < KX_N_PROFILES; p++)
			check->severity[p][rule] = (uint8_t)severity;
	}
}

static enum kx_severity
severity_of(const void *arg, enum kx_rule rule, enum kx_profile profile)
{
	const struct kx_check *check = arg;

	return (enum kx_severity)check->severity[profile][rule];
}

static int64_t
parse_now(const char *arg)
{
	struct timespec now;
	struct kx_time when;

	if (!strcmp(arg, "now")) {
		(void)clock_gettime(CLOCK_REALTIME, &now);
		return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	}
	if (!kx_time_parse(kx_span_str(arg), &when))
		cli_usage("--now: '%s' is no time (milliseconds, ISO 8601 or "
		    "now)", cli_quotes(arg));
	return when.ms;
}

static int
print_and_finish(struct kx_buf *out)
{
	if (kx_buf_failed(out))
		cli_die(0, "not enough memory");
	fwrite(out->ptr, 1, out->len, stdout);
	kx_buf_free(out);
	return cli_finish();
}

static int
list_rules(const struct kx_check *check)
{
	struct kx_buf out = { 0 };
	int r;

	if (cli.diagnostics == KX_DIAG_TEXT)
		kx_buf_addf(&out, "%-24s%-11s%-9s%-9s\n", "rule", "compatible",
		    "strict", "envelope");
	for (r = 0; r < KX_N_RULES; r++)
		(cli.diagnostics == KX_DIAG_TEXT ? kx_rule_line :
		    kx_rule_json)((enum kx_rule)r, severity_of, check, &out);
	return print_and_finish(&out);
}

static int
explain(const struct kx_check *check, const char *name)
{
	int rule = find_rule("--explain", kx_span_str(name));
	struct kx_buf out = { 0 };

	(cli.diagnostics == KX_DIAG_TEXT ? kx_rule_explain : kx_rule_json)(
	    (enum kx_rule)rule, severity_of, check, &out);
	return print_and_finish(&out);
}

/* Which rules between records are asked, and can any of them refuse one? */
static void
plan_stream(struct validate *validate)
{
	static const enum kx_rule rules[] = {
		KX_RULE_EVENT_ID_MIXED, KX_RULE_REDELIVERED, KX_RULE_CONFLICT
	};
	const struct kx_check *check = &validate->check;
	size_t i;

	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		uint8_t own = check->severity[check->profile][rules[i]];
		uint8_t other =
		    check->severity[KX_PROFILE_ENVELOPE][rules[i]];

		if (i > 0 && (own != KX_SEV_NONE || other != KX_SEV_NONE))
			validate->same_bytes = true;
		if (own == KX_SEV_ERROR || other == KX_SEV_ERROR)
			validate->late = true;
	}
}

int
main(int argc, char **argv)
{
	const struct run_ops ops = {
		.malformed_status = CLI_NO, .slices = true,
		.slot_new = tally_new, .slot_free = tally_free,
		.worker_new = checker_new, .worker_free = checker_free,
		.record = record, .finish = finish
	};
	static struct validate validate;
	struct kx_check *check = &validate.check;
	struct run_totals totals = { 0 };
	const char *explained = NULL;
	struct kx_output out;
	struct kx_error err;
	bool want_summary = false, want_list = false;
	char *arg;
	int id;

	cli_start(&tool, argc, argv);
	if (kx_check_init(check) != KX_OK)
		cli_die(0, "not enough memory");
	while ((id = cli_next(&arg)) != CLI_END) {
		switch (id) {
		case OPT_PROFILE:
			check->profile = *arg == 'c' ? KX_PROFILE_COMPATIBLE :
			    *arg == 's' ? KX_PROFILE_STRICT :
			    KX_PROFILE_ENVELOPE;
			break;
		case OPT_ERROR:
			set_severity(check, "--error", arg, KX_SEV_ERROR);
			break;
		case OPT_WARN:
			set_severity(check, "--warn", arg, KX_SEV_WARNING);
			break;
		case OPT_NOTE:
			set_severity(check, "--note", arg, KX_SEV_NOTE);
			break;
		case OPT_IGNORE:
			set_severity(check, "--ignore", arg, KX_SEV_NONE);
			break;
		case OPT_IMAGES:
			check->images = *arg == 'c';
			break;
		case OPT_NOW:
			check->now_ms = parse_now(arg);
			check->has_now = true;
			break;
		case OPT_MAX_ERRORS:
			validate.max_errors = cli_number("--max-errors", arg,
			    1, INT64_MAX);
			break;
		case OPT_SUMMARY:
			want_summary = true;
			break;
		case OPT_LIST_RULES:
			want_list = true;
			break;
		case OPT_EXPLAIN:
			explained = arg;
			break;
		}
	}
	if (want_list)
		return list_rules(check);
	if (explained != NULL)
		return explain(check, explained);
	check->kernel = cli.kernel;
	plan_stream(&validate);
	validate.stream = kx_stream_new(KX_STREAM_MOST);
	if (validate.stream == NULL)
		cli_die(0, "not enough memory");
	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	run(&ops, &validate, argv + cli_operand(), argc - cli_operand(), &out,
	    &totals);
	if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	if (validate.hidden > 0)
		cli_report("%" PRIu64 " more findings are not shown "
		    "(--max-errors)", validate.hidden);
	if (want_summary)
		summary(&validate, &totals);
	while (validate.n_once > 0)
		free(validate.once[--validate.n_once]);
	kx_stream_free(validate.stream);
	kx_check_fini(check);
	return cli_finish();
}
