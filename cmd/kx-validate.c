/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-validate: pass the valid events on, explain the others.
 *
 * In: records.  Out: those that are sound, byte for byte; on standard error,
 * what is wrong with each of the others and where.  Checked here: that a
 * record is one JSON text (run.c), that no name stands twice, and the
 * envelope of the event by the rules of rules.def.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "kx/event.h"
#include "kx/num.h"

#include "cli.h"
#include "run.h"

/* Settings and options. */

enum { OPT_PROFILE = CLI_FIRST, OPT_SUMMARY };

static const struct cli_option options[] = {
	{ OPT_PROFILE, 'p', "profile", "compatible|strict|envelope",
	    "rules to hold events to (default compatible)" },
	{ OPT_SUMMARY, 0, "summary", NULL,
	    "print counts at the end, on standard error" },
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
	enum kx_profile profile;
	struct kx_schema *schema;
	uint64_t passed, rejected;
	uint64_t count[KX_N_RULES];
	char *once[ONCE_MAX];
	size_t n_once;
};

/* What became of one chunk's events. */
struct tally {
	uint64_t passed, rejected;
};

/* One event. */

struct check {
	struct validate *validate;
	struct run_batch *batch;
	const struct kx_record *record;
	const struct kx_event *event;
	const struct kx_json *json;
	struct kx_buf *scratch;
	struct tally *tally;
	enum kx_profile profile;	/* of this event */
	bool bad;
};

/* Report `rule` at node (0: the record), in the severity of the profile. */
KX_PRINTF(4, 5) static void
report(struct check *c, enum kx_rule rule, uint32_t node, const char *fmt,
    ...)
{
	enum kx_severity severity = kx_rule_info[rule].severity[c->profile];
	char message[400];
	va_list ap;

	if (severity == KX_SEV_NONE)
		return;
	if (severity == KX_SEV_ERROR)
		c->bad = true;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	run_finding(c->batch, c->record, c->json, severity,
	    kx_rule_info[rule].name, c->json->node[node].off, node, "%s",
	    message);
}

static bool
is_digits(struct kx_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len > 0;
}

/* A number spelled as an integer: no fraction, no exponent. */
static bool
is_integer(const struct kx_json *json, uint32_t node)
{
	return kx_json_type(json, node) == KX_JSON_NUMBER &&
	    (kx_num_classify(kx_json_raw(json, node)) & KX_NUM_INTEGER) != 0;
}

/* The node of a field that every event has, or 0 after saying so. */
static uint32_t
required(struct check *c, enum kx_field f)
{
	uint32_t node = kx_event_get(c->event, f);

	if (node == 0)
		report(c, KX_RULE_MISSING_FIELD, 0, "%s is missing",
		    kx_field_info[f].column);
	return node;
}

static void
wrong_type(struct check *c, enum kx_field f, uint32_t node,
    const char *wanted)
{
	report(c, KX_RULE_WRONG_TYPE, node, "%s must be %s, not %s",
	    kx_field_info[f].column, wanted, kx_json_kind(c->json, node));
}

/* A string, or 0 after saying what is wrong. */
static bool
required_string(struct check *c, enum kx_field f, struct kx_span *text)
{
	uint32_t node = required(c, f);

	if (node == 0)
		return false;
	if (kx_json_type(c->json, node) != KX_JSON_STRING) {
		wrong_type(c, f, node, "a string");
		return false;
	}
	*text = kx_json_decode(c->json, node, c->scratch, NULL);
	return true;
}

static bool
is_elided(struct kx_span s)
{
	return s.len >= 2 && !memcmp(s.ptr + s.len - 2, "..", 2);
}

static bool
is_known_topic(struct kx_span s)
{
	return kx_span_eq(s, KX_SPAN("FaceMatched")) ||
	    kx_span_eq(s, KX_SPAN("PlateMatched"));
}

static void
check_topic(struct check *c, struct kx_span topic)
{
	uint32_t node = kx_event_get(c->event, KX_EVENT_TOPIC);

	if (topic.len == 0)
		report(c, KX_RULE_EMPTY_VALUE, node, "topic is empty");
	else if (is_elided(topic) && c->profile == KX_PROFILE_STRICT)
		report(c, KX_RULE_DOC_PLACEHOLDER, node,
		    "topic is elided: this is documentation, not data");
	else if (!is_known_topic(topic))
		report(c, KX_RULE_UNKNOWN_TOPIC, node,
		    "topic %.*s is not one of the document's; of its events "
		    "only the envelope is checked", (int)(topic.len < 64 ?
		    topic.len : 64), topic.ptr);
}

static void
check_module(struct check *c)
{
	struct kx_span module;
	uint32_t node = kx_event_get(c->event, KX_EVENT_MODULE);

	if (!required_string(c, KX_EVENT_MODULE, &module))
		return;
	if (module.len == 0)
		report(c, KX_RULE_EMPTY_VALUE, node, "module is empty");
	else if (kx_span_eq(module, KX_SPAN("KX.Faces\"")) ||
	    kx_span_eq(module, KX_SPAN("KX.PDD\"")))
		report(c, KX_RULE_MODULE_QUOTE, node,
		    "module ends with a stray quote");
	else if (!kx_span_eq(module, KX_SPAN("KX.Faces")) &&
	    !kx_span_eq(module, KX_SPAN("KX.PDD")))
		report(c, KX_RULE_UNKNOWN_MODULE, node,
		    "module %.*s is not one of the document's",
		    (int)(module.len < 64 ? module.len : 64), module.ptr);
}

static void
check_id(struct check *c)
{
	struct kx_span id, origin, start, event_id;

	if (required_string(c, KX_EVENT_ID, &id) &&
	    !kx_id_parse(id, &origin, &start, &event_id))
		report(c, KX_RULE_ID_FORM,
		    kx_event_get(c->event, KX_EVENT_ID),
		    "id is not origin:milliseconds:event_id");
}

static void
check_event_id(struct check *c)
{
	uint32_t node = required(c, KX_EVENT_EVENT_ID);
	struct kx_span text;
	unsigned class;

	if (node == 0)
		return;
	if (!kx_value_text(c->json, node, c->scratch, &text)) {
		wrong_type(c, KX_EVENT_EVENT_ID, node,
		    "an integer or a string of digits");
		return;
	}
	if (!is_digits(text)) {
		report(c, KX_RULE_EVENT_ID_FORM, node,
		    "event_id must be decimal digits alone");
		return;
	}
	if (kx_json_type(c->json, node) == KX_JSON_STRING) {
		report(c, KX_RULE_TYPE_DIFFERS_FROM_TABLE, node,
		    "event_id is a string, as in the examples; the table says "
		    "integer");
		if (text.len > 1 && *text.ptr == '0')
			report(c, KX_RULE_EVENT_ID_ZEROS, node,
			    "event_id begins with a zero");
		return;
	}
	class = kx_num_classify(text);
	if ((class & KX_NUM_EXACT) == 0)
		report(c, KX_RULE_PRECISION_RISK, node,
		    "an integer over 2^53-1: readers that use doubles change "
		    "it");
}

static void
check_level(struct check *c)
{
	uint32_t node = required(c, KX_EVENT_LEVEL);
	int64_t level;

	if (node == 0)
		return;
	if (!is_integer(c->json, node)) {
		if (kx_json_type(c->json, node) != KX_JSON_NUMBER)
			wrong_type(c, KX_EVENT_LEVEL, node, "an integer");
		else
			report(c, KX_RULE_LEVEL_RANGE, node,
			    "level must be an integer from 0 to 3");
		return;
	}
	if (!kx_value_int(c->json, node, &level) || level < 0 || level > 3)
		report(c, KX_RULE_LEVEL_RANGE, node,
		    "level must be from 0 to 3");
}

/* Milliseconds at node; says what is wrong with them otherwise. */
static bool
check_time(struct check *c, enum kx_field f, uint32_t node, int64_t *ms)
{
	static const struct {
		size_t digits;
		const char *unit;
	} units[] = {
		{ 10, "seconds" }, { 16, "microseconds" },
		{ 19, "nanoseconds" }
	};
	/* 2000-01-01 and 2100-01-01 */
	const int64_t from = INT64_C(946684800000);
	const int64_t to = INT64_C(4102444800000);
	const char *name = kx_field_info[f].column;
	struct kx_span text = kx_json_raw(c->json, node);
	size_t i;

	if (!is_integer(c->json, node)) {
		wrong_type(c, f, node, kx_json_type(c->json, node) ==
		    KX_JSON_NUMBER ? "an integer without fraction or exponent" :
		    "an integer, milliseconds");
		return false;
	}
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text.len == units[i].digits && *text.ptr != '-') {
			report(c, KX_RULE_TIME_UNIT, node,
			    "%s has %zu digits, so it is in %s; milliseconds "
			    "have 13", name, text.len, units[i].unit);
			return false;
		}
	if (!kx_value_int(c->json, node, ms)) {
		report(c, KX_RULE_TIME_RANGE, node,
		    "%s is not in the years 2000 to 2100", name);
		return false;
	}
	if (*ms < from || *ms >= to)
		report(c, KX_RULE_TIME_RANGE, node,
		    "%s is not in the years 2000 to 2100", name);
	return true;
}

static void
check_times(struct check *c)
{
	const int64_t day = INT64_C(86400000);
	uint32_t start = required(c, KX_EVENT_START_TIME);
	uint32_t end = kx_event_get(c->event, KX_EVENT_END_TIME);
	int64_t start_ms = 0, end_ms = 0;
	bool has_start = start != 0 && check_time(c, KX_EVENT_START_TIME,
	    start, &start_ms);

	if (end == 0)
		return;
	if (kx_json_type(c->json, end) == KX_JSON_NULL) {
		report(c, KX_RULE_END_TIME_NULL, end,
		    "end_time is null; leave it out");
		return;
	}
	if (!check_time(c, KX_EVENT_END_TIME, end, &end_ms) || !has_start)
		return;
	if (end_ms < start_ms)
		report(c, KX_RULE_END_BEFORE_START, end,
		    "end_time is %" PRId64 " ms before start_time",
		    start_ms - end_ms);
	else if (end_ms - start_ms > day)
		report(c, KX_RULE_LONG_EVENT, end,
		    "the event lasts more than 24 hours");
}

static void
check_parts(struct check *c, bool known_topic)
{
	uint32_t params = kx_event_get(c->event, KX_EVENT_PARAMS);
	uint32_t snapshots = kx_event_get(c->event, KX_EVENT_SNAPSHOTS);
	uint32_t channel = kx_event_get(c->event, KX_EVENT_CHANNEL);
	int f;

	if (params == 0)
		report(c, KX_RULE_PARAMS_MISSING, 0, "params is missing");
	else if (kx_json_type(c->json, params) != KX_JSON_OBJECT)
		report(c, KX_RULE_PARAMS_MISSING, params,
		    "params must be an object, not %s",
		    kx_json_kind(c->json, params));
	if (snapshots != 0 &&
	    kx_json_type(c->json, snapshots) != KX_JSON_ARRAY)
		wrong_type(c, KX_EVENT_SNAPSHOTS, snapshots, "an array");
	else if (known_topic && snapshots == 0)
		report(c, KX_RULE_SNAPSHOTS_MISSING, 0,
		    "snapshots is missing");
	else if (known_topic && c->json->node[snapshots].next ==
	    snapshots + 1)
		report(c, KX_RULE_SNAPSHOTS_EMPTY, snapshots,
		    "snapshots is empty");
	if (channel != 0) {
		if (kx_json_type(c->json, channel) != KX_JSON_OBJECT)
			wrong_type(c, KX_EVENT_CHANNEL, channel, "an object");
		return;
	}
	/* The flat spelling: any of its fields will do here. */
	for (f = 0; f < KX_N_FIELDS; f++)
		if (c->event->flat[f] != 0 &&
		    !strncmp(kx_field_info[f].pointer, "/channel/", 9))
			return;
	report(c, KX_RULE_CHANNEL_MISSING, 0,
	    "channel is missing, and so are the flat channel_ fields");
}

/* A name that stands twice.  Where the values are the same bytes, whichever
 * counts makes no difference. */
static void
duplicate(void *arg, uint32_t first, uint32_t again)
{
	struct check *c = arg;
	bool same = kx_span_eq(kx_json_raw(c->json, first + 1),
	    kx_json_raw(c->json, again + 1));
	bool known = false;
	int f;

	for (f = 0; !same && !known && f < KX_N_FIELDS; f++) {
		const char *name = strrchr(kx_field_info[f].pointer, '/') + 1;

		known = kx_json_str_eq(c->json, again, kx_span_str(name));
	}
	report(c, !same && known ? KX_RULE_DUPLICATE_KEY_DIFFERS :
	    KX_RULE_DUPLICATE_KEY, again,
	    "this name stands twice%s; the first is at byte %" PRIu32
	    " of the record", same ? " with the same value" :
	    " with different values", c->json->node[first].off + 1);
}

static void
check_event(struct check *c)
{
	struct kx_span topic;
	bool has_topic, known;

	if (!c->event->is_object) {
		report(c, KX_RULE_NOT_AN_OBJECT, 0,
		    "an event must be an object, not %s",
		    kx_json_kind(c->json, 0));
		return;
	}
	has_topic = required_string(c, KX_EVENT_TOPIC, &topic);
	known = has_topic && is_known_topic(topic);
	/* Of other topics nothing but the envelope is documented. */
	if (has_topic && !known && c->profile == KX_PROFILE_COMPATIBLE)
		c->profile = KX_PROFILE_ENVELOPE;
	if (has_topic)
		check_topic(c, topic);
	if (required(c, KX_EVENT_MONITOR_ID) != 0) {
		uint32_t node = kx_event_get(c->event, KX_EVENT_MONITOR_ID);

		if (!is_integer(c->json, node))
			wrong_type(c, KX_EVENT_MONITOR_ID, node,
			    "an integer");
	}
	check_id(c);
	check_event_id(c);
	check_module(c);
	if (kx_event_get(c->event, KX_EVENT_SOURCE_NAME) != 0) {
		uint32_t node = kx_event_get(c->event, KX_EVENT_SOURCE_NAME);

		if (kx_json_type(c->json, node) != KX_JSON_STRING)
			report(c, KX_RULE_SOURCE_NAME_TYPE, node,
			    "source_name must be a string, not %s",
			    kx_json_kind(c->json, node));
	}
	check_level(c);
	check_times(c);
	check_parts(c, known);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	struct validate *validate = ctx;
	struct kx_event *event = worker->user;
	struct check c = {
		.validate = validate, .batch = batch, .record = record,
		.event = event, .json = &worker->json,
		.scratch = &worker->scratch, .tally = batch->user,
		.profile = validate->profile
	};

	if (!kx_event_walk(event, validate->schema, &worker->json)) {
		batch->no_memory = true;
		return;
	}
	check_event(&c);
	if (kx_json_duplicates(&worker->json, duplicate, &c) != KX_OK)
		batch->no_memory = true;
	if (c.bad) {
		c.tally->rejected++;
		run_reject(batch, record);
	} else {
		c.tally->passed++;
		if (!cli.quiet)
			run_pass(batch, record);
	}
}

static void *
tally_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct tally));
}

static void *
event_new(void *ctx, unsigned index)
{
	(void)ctx;
	(void)index;
	return calloc(1, sizeof(struct kx_event));
}

static void
event_free(void *ctx, void *user)
{
	(void)ctx;
	kx_event_fini(user);
	free(user);
}

static void
tally_free(void *ctx, void *user)
{
	(void)ctx;
	free(user);
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

/* In order: the chunk's counts, and which findings are printed. */
static bool
finish(void *ctx, struct run_batch *batch)
{
	struct validate *validate = ctx;
	struct tally *tally = batch->user;
	size_t i, kept = 0;

	validate->passed += tally->passed;
	validate->rejected += tally->rejected + batch->n_malformed;
	if (tally->rejected > 0)
		cli_raise(CLI_NO);
	for (i = 0; i < batch->n_findings; i++) {
		count(validate, batch->findings[i].rule);
		if (!said_before(validate, &batch->findings[i]))
			batch->findings[kept++] = batch->findings[i];
	}
	batch->n_findings = kept;
	memset(tally, 0, sizeof *tally);
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
		fwrite(out.ptr, 1, out.len, stderr);
	kx_buf_free(&out);
}

int
main(int argc, char **argv)
{
	const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = tally_new, .slot_free = tally_free,
		.worker_new = event_new, .worker_free = event_free,
		.record = record, .finish = finish
	};
	static struct validate validate;
	struct run_totals totals = { 0 };
	struct kx_output out;
	struct kx_error err;
	bool want_summary = false;
	char *arg;
	int id;

	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END) {
		switch (id) {
		case OPT_PROFILE:
			validate.profile = *arg == 'c' ? KX_PROFILE_COMPATIBLE :
			    *arg == 's' ? KX_PROFILE_STRICT :
			    KX_PROFILE_ENVELOPE;
			break;
		case OPT_SUMMARY:
			want_summary = true;
			break;
		}
	}
	validate.schema = kx_schema_new();
	if (validate.schema == NULL)
		cli_die(0, "not enough memory");
	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	run(&ops, &validate, argv + cli_operand(), argc - cli_operand(), &out,
	    &totals);
	if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	if (want_summary)
		summary(&validate, &totals);
	while (validate.n_once > 0)
		free(validate.once[--validate.n_once]);
	kx_schema_free(validate.schema);
	return cli_finish();
}
