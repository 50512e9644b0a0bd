/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checker: how rules are switched, the order in which they are asked, and
 * the envelope, whose fields have rules of their own.
 *
 * Each rule is one row of rules.def, and its severity in the record's profile
 * is one byte: a rule that is off costs a comparison.  A message is worded
 * only for a finding, so a sound event is never formatted.
 */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kx/check.h"
#include "kx/num.h"

#include "check-impl.h"
#include "digits.h"
#include "mix.h"

/* 2000-01-01 and 2100-01-01 */
#define TIME_FROM INT64_C(946684800000)
#define TIME_TO INT64_C(4102444800000)
#define DAY_MS INT64_C(86400000)

/* Decoded strings and images that one record made larger are given back. */
#define KEEP ((size_t)4 << 20)

enum kx_status
kx_check_init(struct kx_check *check)
{
	int p, r;

	memset(check, 0, sizeof *check);
	check->profile = KX_PROFILE_COMPATIBLE;
	check->images = true;
	for (p = 0; p < KX_N_PROFILES; p++)
		for (r = 0; r < KX_N_RULES; r++)
			check->severity[p][r] =
			    (uint8_t)kx_rule_info[r].severity[p];
	check->schema = kx_schema_new();
	return check->schema == NULL ? KX_FAIL : KX_OK;
}

void
kx_check_fini(struct kx_check *check)
{
	kx_schema_free(check->schema);
	check->schema = NULL;
}

struct kx_checker *
kx_checker_new(const struct kx_check *check)
{
	struct kx_checker *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->check = check;
	c->looks = kx_looks_new(check);
	if (c->looks == NULL) {
		kx_checker_free(c);
		return NULL;
	}
	return c;
}

void
kx_checker_free(struct kx_checker *c)
{
	if (c == NULL)
		return;
	kx_looks_free(c->looks);
	kx_event_fini(&c->event);
	kx_buf_free(&c->scratch);
	kx_buf_free(&c->id_text);
	kx_buf_free(&c->event_id_text);
	kx_buf_free(&c->image_text);
	kx_buf_free(&c->image);
	free(c);
}

static void
vsay(struct kx_checker *c, enum kx_rule rule, uint32_t node, size_t off,
    const char *fmt, va_list ap) KX_PRINTF(5, 0);

static void
vsay(struct kx_checker *c, enum kx_rule rule, uint32_t node, size_t off,
    const char *fmt, va_list ap)
{
	enum kx_severity severity = (enum kx_severity)c->severity[rule];
	char message[400];
	int n;

	if (severity == KX_SEV_NONE)
		return;
	if (severity == KX_SEV_ERROR)
		c->bad = true;
	if (c->said[rule] >= KX_CHECK_MOST)
		return;
	if (strchr(fmt, '%') == NULL && strlen(fmt) < sizeof message) {
		n = (int)strlen(fmt);
		memcpy(message, fmt, (size_t)n + 1);
	} else {
		n = vsnprintf(message, sizeof message, fmt, ap);
	}
	if (n < 0)
		message[0] = '\0';
	if (++c->said[rule] == KX_CHECK_MOST && n < 300)
		snprintf(message + n, sizeof message - (size_t)n, "; more of "
		    "this rule in the record are left out");
	c->many = true;
	c->report(c->arg, rule, severity, off, node, message);
}

void
kx_check_say_at(struct kx_checker *c, enum kx_rule rule, uint32_t node,
    size_t off, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(c, rule, node, off, fmt, ap);
	va_end(ap);
}

void
kx_check_say(struct kx_checker *c, enum kx_rule rule, uint32_t node,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(c, rule, node, c->json->node[node].off, fmt, ap);
	va_end(ap);
}

struct kx_span
kx_check_decode(struct kx_checker *c, uint32_t node)
{
	struct kx_span text = kx_json_decode(c->json, node, &c->scratch, NULL);

	if (KX_UNLIKELY(kx_buf_failed(&c->scratch))) {
		c->no_memory = true;
		kx_buf_free(&c->scratch);
	}
	return text;
}

static bool
is_digits(struct kx_span s)
{
	return s.len > 0 && kx_digits_within(s.ptr, s.len) == s.len;
}

bool
kx_check_integer(struct kx_checker *c, enum kx_field f, uint32_t node,
    bool *odd)
{
	struct kx_span raw = kx_json_raw(c->json, node);
	bool minus;

	*odd = false;
	if (kx_json_type(c->json, node) != KX_JSON_NUMBER)
		return false;
	minus = *raw.ptr == '-';
	if (KX_LIKELY(is_digits((struct kx_span){ raw.ptr + minus,
	    raw.len - minus })) && !(minus && raw.ptr[1] == '0'))
		return true;
	if ((kx_num_classify(raw) & KX_NUM_WHOLE) == 0)
		return false;
	*odd = true;
	kx_check_say(c, KX_RULE_INTEGER_SPELLING, node, "%s is %.*s; an "
	    "integer is digits alone", kx_field_info[f].column, SHOW(raw));
	return false;
}

/* --- the envelope --------------------------------------------------------- */

/* The node of a field that every event has, or 0 after saying so. */
static uint32_t
required(struct kx_checker *c, enum kx_field f)
{
	uint32_t node = kx_event_get(&c->event, f);

	if (node == 0)
		kx_check_say(c, KX_RULE_MISSING_FIELD, c->root,
		    "%s is missing", kx_field_info[f].column);
	return node;
}

static void
wrong_type(struct kx_checker *c, enum kx_field f, uint32_t node,
    const char *wanted)
{
	kx_check_say(c, KX_RULE_WRONG_TYPE, node, "%s must be %s, not %s",
	    kx_field_info[f].column, wanted, kx_json_kind(c->json, node));
}

static bool
required_string(struct kx_checker *c, enum kx_field f, struct kx_buf *buf,
    struct kx_span *text)
{
	uint32_t node = required(c, f);

	if (node == 0)
		return false;
	if (kx_json_type(c->json, node) != KX_JSON_STRING) {
		wrong_type(c, f, node, "a string");
		return false;
	}
	*text = kx_json_decode(c->json, node, buf, NULL);
	if (kx_buf_failed(buf)) {
		c->no_memory = true;
		kx_buf_free(buf);
		return false;
	}
	return true;
}

/* Has this name, only worth a note, been noted before?  From now on it has. */
static bool
noted_before(struct kx_checker *c, enum kx_rule rule, struct kx_span name)
{
	uint64_t digest = kx_mix(name.ptr, name.len) + (uint64_t)rule;
	unsigned i;

	if (c->severity[rule] != KX_SEV_NOTE)
		return false;
	for (i = 0; i < c->n_noted; i++)
		if (c->noted[i] == digest)
			return true;
	if (c->n_noted < NOTED_MOST)
		c->noted[c->n_noted++] = digest;
	return false;
}

static void
unknown_topic(struct kx_checker *c, uint32_t node, struct kx_span topic)
{
	c->topic_again = noted_before(c, KX_RULE_UNKNOWN_TOPIC, topic);
	if (!c->topic_again)
		kx_check_say(c, KX_RULE_UNKNOWN_TOPIC, node,
		    "topic %.*s is %s; of its events only the envelope is "
		    "checked", SHOW(topic), kx_check_elided(topic) ?
		    "elided, as in the document" :
		    "not one of the document's");
}

static void
unknown_module(struct kx_checker *c, uint32_t node, struct kx_span module)
{
	c->module_again = noted_before(c, KX_RULE_UNKNOWN_MODULE, module);
	if (!c->module_again)
		kx_check_say(c, KX_RULE_UNKNOWN_MODULE, node,
		    "module %.*s is %s", SHOW(module),
		    kx_check_elided(module) ? "elided, as in the document" :
		    "not one of the document's");
}

static void
check_topic(struct kx_checker *c, struct kx_span topic)
{
	uint32_t node = kx_event_get(&c->event, KX_EVENT_TOPIC);

	if (topic.len == 0)
		kx_check_say(c, KX_RULE_EMPTY_VALUE, node, "topic is empty");
	else if (c->check->profile == KX_PROFILE_STRICT && !c->faces &&
	    !c->plates && kx_check_elided(topic))
		kx_check_say(c, KX_RULE_DOC_PLACEHOLDER, node,
		    "topic is elided: this is documentation, not data");
	else if (!c->faces && !c->plates)
		unknown_topic(c, node, topic);
}

/* Is it the name of a module, or that with the document's stray quote? */
static bool
is_module(struct kx_span module, struct kx_span name, bool *quote)
{
	if (module.len == name.len + 1 && module.ptr[name.len] == '"') {
		*quote = true;
		module.len--;
	}
	return kx_span_eq(module, name);
}

/* KX. and at least one letter, digit or _ */
static bool
has_module_form(struct kx_span module)
{
	size_t i;

	if (module.len < 4 || memcmp(module.ptr, "KX.", 3) != 0)
		return false;
	for (i = 3; i < module.len; i++) {
		char ch = module.ptr[i];

		if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
		    (ch >= '0' && ch <= '9') || ch == '_'))
			return false;
	}
	return true;
}

static void
check_module(struct kx_checker *c)
{
	uint32_t node = kx_event_get(&c->event, KX_EVENT_MODULE);
	bool quote = false, faces, plates;
	struct kx_span module;

	if (!required_string(c, KX_EVENT_MODULE, &c->scratch, &module))
		return;
	if (module.len == 0) {
		kx_check_say(c, KX_RULE_EMPTY_VALUE, node, "module is empty");
		return;
	}
	faces = is_module(module, KX_SPAN("KX.Faces"), &quote);
	plates = is_module(module, KX_SPAN("KX.PDD"), &quote);
	if ((faces || plates) && quote)
		kx_check_say(c, KX_RULE_MODULE_QUOTE, node,
		    "module ends with a stray quote");
	if (!faces && !plates) {
		if (has_module_form(module) ||
		    !rule_is_on(c, KX_RULE_MODULE_FORM))
			unknown_module(c, node, module);
		else
			kx_check_say(c, KX_RULE_MODULE_FORM, node,
			    "module %.*s is not of the form KX.NAME",
			    SHOW(module));
	}
	if (c->profile == KX_PROFILE_ENVELOPE)
		return;
	if (c->faces && !faces)
		kx_check_say(c, KX_RULE_FACE_MISMATCH, node, "topic is "
		    "FaceMatched, but module is %.*s", SHOW(module));
	if (c->plates && !plates)
		kx_check_say(c, KX_RULE_PLATE_MISMATCH, node, "topic is "
		    "PlateMatched, but module is %.*s", SHOW(module));
}

static void
check_id(struct kx_checker *c)
{
	if (!required_string(c, KX_EVENT_ID, &c->id_text, &c->id)) {
		c->id = KX_SPAN_NULL;
		return;
	}
	c->has_id_parts = kx_id_parse(c->id, &c->id_origin, &c->id_ms,
	    &c->id_event);
	if (!c->has_id_parts)
		kx_check_say(c, KX_RULE_ID_FORM,
		    kx_event_get(&c->event, KX_EVENT_ID),
		    "id is not origin:milliseconds:event_id");
}

/* Digits: text, or a number; its text is what it is compared by. */
static void
check_event_id_text(struct kx_checker *c, uint32_t node)
{
	bool odd;

	c->event_id = kx_json_decode(c->json, node, &c->event_id_text, NULL);
	if (kx_buf_failed(&c->event_id_text)) {
		c->no_memory = true;
		kx_buf_free(&c->event_id_text);
		return;
	}
	if (kx_json_type(c->json, node) == KX_JSON_NUMBER) {
		c->event_id = kx_json_raw(c->json, node);
		if (kx_check_integer(c, KX_EVENT_EVENT_ID, node, &odd) ?
		    *c->event_id.ptr != '-' : odd)
			c->has_event_id = !odd;
		else
			kx_check_say(c, KX_RULE_EVENT_ID_FORM, node,
			    "event_id must be decimal digits alone");
		return;
	}
	if (!is_digits(c->event_id)) {
		kx_check_say(c, KX_RULE_EVENT_ID_FORM, node,
		    "event_id must be decimal digits alone");
		return;
	}
	c->has_event_id = true;
	kx_check_say(c, KX_RULE_TYPE_DIFFERS_FROM_TABLE, node,
	    "event_id is a string, as in the examples; the table says "
	    "integer");
	if (c->event_id.len > 1 && *c->event_id.ptr == '0')
		kx_check_say(c, KX_RULE_EVENT_ID_ZEROS, node,
		    "event_id begins with a zero");
}

static void
check_event_id(struct kx_checker *c)
{
	uint32_t node = required(c, KX_EVENT_EVENT_ID);

	if (node == 0)
		return;
	if (kx_json_type(c->json, node) != KX_JSON_STRING &&
	    kx_json_type(c->json, node) != KX_JSON_NUMBER)
		wrong_type(c, KX_EVENT_EVENT_ID, node,
		    "an integer or a string of digits");
	else
		check_event_id_text(c, node);
}

static void
check_level(struct kx_checker *c)
{
	uint32_t node = required(c, KX_EVENT_LEVEL);
	int64_t level;
	bool odd;

	if (node == 0)
		return;
	if (!kx_check_integer(c, KX_EVENT_LEVEL, node, &odd)) {
		if (kx_json_type(c->json, node) != KX_JSON_NUMBER)
			wrong_type(c, KX_EVENT_LEVEL, node, "an integer");
		else if (!odd)
			kx_check_say(c, KX_RULE_LEVEL_RANGE, node,
			    "level must be an integer from 0 to 3");
		return;
	}
	if (!kx_value_int(c->json, node, &level) || level < 0 || level > 3)
		kx_check_say(c, KX_RULE_LEVEL_RANGE, node,
		    "level must be from 0 to 3");
}

static void
check_monitor_id(struct kx_checker *c)
{
	uint32_t node = required(c, KX_EVENT_MONITOR_ID);
	bool odd;

	if (node != 0 &&
	    !kx_check_integer(c, KX_EVENT_MONITOR_ID, node, &odd) && !odd)
		wrong_type(c, KX_EVENT_MONITOR_ID, node, "an integer");
}

static void
check_source_name(struct kx_checker *c)
{
	uint32_t node = kx_event_get(&c->event, KX_EVENT_SOURCE_NAME);

	if (node != 0 && kx_json_type(c->json, node) != KX_JSON_STRING)
		kx_check_say(c, KX_RULE_SOURCE_NAME_TYPE, node,
		    "source_name must be a string, not %s",
		    kx_json_kind(c->json, node));
}

/* Another unit than milliseconds, by the count of digits. */
static const char *
unit_of(struct kx_span text)
{
	if (*text.ptr == '-')
		return NULL;
	switch (text.len) {
	case 10:
		return "seconds";
	case 16:
		return "microseconds";
	case 19:
		return "nanoseconds";
	default:
		return NULL;
	}
}

/* Milliseconds at node; says what is wrong with them otherwise. */
static bool
check_time(struct kx_checker *c, enum kx_field f, uint32_t node, int64_t *ms)
{
	const char *name = kx_field_info[f].column, *unit;
	struct kx_span text = kx_json_raw(c->json, node);
	bool odd, fits;
	uint64_t value;

	/* Mostly it is right. */
	if (KX_LIKELY(text.len == 13 &&
	    kx_digits_value(text.ptr, text.len, &value) &&
	    value >= (uint64_t)TIME_FROM && value < (uint64_t)TIME_TO)) {
		*ms = (int64_t)value;
		return true;
	}
	if (!kx_check_integer(c, f, node, &odd)) {
		if (!odd)
			wrong_type(c, f, node, kx_json_type(c->json, node) ==
			    KX_JSON_NUMBER ? "whole milliseconds" :
			    "an integer, milliseconds");
		return false;
	}
	unit = unit_of(text);
	if (unit != NULL) {
		kx_check_say(c, KX_RULE_TIME_UNIT, node, "%s has %zu digits, "
		    "so it is in %s; milliseconds have 13", name, text.len,
		    unit);
		return false;
	}
	fits = kx_value_int(c->json, node, ms);
	if (!fits || *ms < TIME_FROM || *ms >= TIME_TO)
		kx_check_say(c, KX_RULE_TIME_RANGE, node,
		    "%s is not in the years 2000 to 2100", name);
	return fits;
}

static void
check_times(struct kx_checker *c)
{
	uint32_t start = required(c, KX_EVENT_START_TIME);
	uint32_t end = kx_event_get(&c->event, KX_EVENT_END_TIME);

	c->has_start = start != 0 && check_time(c, KX_EVENT_START_TIME,
	    start, &c->start_ms);
	if (end == 0)
		return;
	if (kx_json_type(c->json, end) == KX_JSON_NULL) {
		kx_check_say(c, KX_RULE_END_TIME_NULL, end,
		    "end_time is null; leave it out");
		return;
	}
	c->has_end = check_time(c, KX_EVENT_END_TIME, end, &c->end_ms);
	if (!c->has_start || !c->has_end)
		return;
	if (c->end_ms < c->start_ms)
		kx_check_say(c, KX_RULE_END_BEFORE_START, end,
		    "end_time is %" PRIu64 " ms before start_time",
		    (uint64_t)c->start_ms - (uint64_t)c->end_ms);
	else if ((uint64_t)c->end_ms - (uint64_t)c->start_ms >
	    (uint64_t)DAY_MS)
		kx_check_say(c, KX_RULE_LONG_EVENT, end,
		    "the event lasts more than 24 hours");
}

/* Is there any of the flat fields of the channel? */
static bool
has_flat_channel(const struct kx_event *event)
{
	int f;

	for (f = 0; f < KX_N_FIELDS; f++)
		if (event->flat[f] != 0 &&
		    !strncmp(kx_field_info[f].pointer, "/channel/", 9))
			return true;
	return false;
}

static void
check_containers(struct kx_checker *c)
{
	uint32_t params = kx_event_get(&c->event, KX_EVENT_PARAMS);
	uint32_t snapshots = kx_event_get(&c->event, KX_EVENT_SNAPSHOTS);
	uint32_t channel = kx_event_get(&c->event, KX_EVENT_CHANNEL);
	bool known = c->faces || c->plates;

	if (params == 0)
		kx_check_say(c, KX_RULE_PARAMS_MISSING, c->root,
		    "params is missing");
	else if (kx_json_type(c->json, params) != KX_JSON_OBJECT)
		kx_check_say(c, KX_RULE_PARAMS_MISSING, params,
		    "params must be an object, not %s",
		    kx_json_kind(c->json, params));
	if (snapshots != 0 &&
	    kx_json_type(c->json, snapshots) != KX_JSON_ARRAY)
		wrong_type(c, KX_EVENT_SNAPSHOTS, snapshots, "an array");
	else if (known && snapshots == 0)
		kx_check_say(c, KX_RULE_SNAPSHOTS_MISSING, c->root,
		    "snapshots is missing");
	else if (known && c->json->node[snapshots].next == snapshots + 1)
		kx_check_say(c, KX_RULE_SNAPSHOTS_EMPTY, snapshots,
		    "snapshots is empty");
	if (channel != 0) {
		if (kx_json_type(c->json, channel) != KX_JSON_OBJECT)
			wrong_type(c, KX_EVENT_CHANNEL, channel, "an object");
	} else if (!has_flat_channel(&c->event)) {
		kx_check_say(c, KX_RULE_CHANNEL_MISSING, c->root, "channel is "
		    "missing, and so are the flat channel_ fields");
	}
}

static void
use_profile(struct kx_checker *c, enum kx_profile profile)
{
	c->profile = profile;
	c->severity = c->check->severity[profile];
}

static void
check_envelope(struct kx_checker *c)
{
	uint32_t topic_node = kx_event_get(&c->event, KX_EVENT_TOPIC);
	struct kx_span topic = KX_SPAN_NULL;

	/* The topic decides what else is asked, so it is looked at first. */
	if (topic_node != 0 &&
	    kx_json_type(c->json, topic_node) == KX_JSON_STRING) {
		topic = kx_check_text(c, topic_node);
		c->faces = kx_span_eq(topic, KX_SPAN("FaceMatched"));
		c->plates = kx_span_eq(topic, KX_SPAN("PlateMatched"));
		if (topic.len > 0 && !c->faces && !c->plates &&
		    c->profile == KX_PROFILE_COMPATIBLE)
			use_profile(c, KX_PROFILE_ENVELOPE);
	}
	if (required_string(c, KX_EVENT_TOPIC, &c->scratch, &topic))
		check_topic(c, topic);
	check_monitor_id(c);
	check_id(c);
	check_event_id(c);
	check_module(c);
	check_source_name(c);
	check_level(c);
	check_times(c);
	check_containers(c);
}

/* --- how it was captured -------------------------------------------------- */

static bool
has_image(const struct kx_checker *c)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_SNAPSHOT];
	uint32_t i, node;

	for (i = 0; i < rows->n; i++) {
		node = kx_row_get(&rows->row[i], KX_SNAPSHOT_IMAGE);
		if (node != 0 &&
		    kx_json_type(c->json, node) == KX_JSON_STRING &&
		    c->json->node[node].len > 2)
			return true;
	}
	return false;
}

/* `method` beside the event's fields, or beside the body of a capture; 0: there
 * is none. */
static void
check_method(struct kx_checker *c, uint32_t node)
{
	static const char *const methods[] = {
		"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
		"TRACE"
	};
	struct kx_span method;
	size_t i;

	if (node == 0)
		return;
	if (kx_json_type(c->json, node) != KX_JSON_STRING) {
		kx_check_say(c, KX_RULE_UNKNOWN_METHOD, node, "method must be "
		    "a string, not %s", kx_json_kind(c->json, node));
		return;
	}
	method = kx_check_text(c, node);
	for (i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (kx_span_eq(method, kx_span_str(methods[i])))
			break;
	if (i == sizeof methods / sizeof methods[0])
		kx_check_say(c, KX_RULE_UNKNOWN_METHOD, node, "%.*s is not a "
		    "method that the product sends by", SHOW(method));
	if (!kx_span_eq(method, KX_SPAN("POST")) && has_image(c))
		kx_check_say(c, KX_RULE_IMAGE_NOT_POST, node, "images, but "
		    "the method is %.*s; they are sent by POST alone",
		    SHOW(method));
}

/* A captured request: `body`, something else of a request, and nothing of an
 * event.  Its body, or 0. */
static uint32_t
captured_body(const struct kx_checker *c)
{
	const struct kx_json *json = c->json;

	if (kx_event_get(&c->event, KX_EVENT_TOPIC) != 0 ||
	    kx_event_get(&c->event, KX_EVENT_ID) != 0 ||
	    kx_event_get(&c->event, KX_EVENT_EVENT_ID) != 0 ||
	    (kx_json_get(json, 0, KX_SPAN("method")) == 0 &&
	    kx_json_get(json, 0, KX_SPAN("headers")) == 0 &&
	    kx_json_get(json, 0, KX_SPAN("received_at")) == 0))
		return 0;
	return kx_json_get(json, 0, KX_SPAN("body"));
}

/* Which value is the event: the record, or the body of a captured request.
 * False where there is none that can be looked at. */
static bool
find_event(struct kx_checker *c)
{
	uint32_t body;

	if (!c->event.is_object) {
		kx_check_say(c, KX_RULE_NOT_AN_OBJECT, 0, "an event must be an "
		    "object, not %s", kx_json_kind(c->json, 0));
		return false;
	}
	if (KX_LIKELY(kx_event_get(&c->event, KX_EVENT_TOPIC) != 0))
		return true;
	body = captured_body(c);
	if (body == 0)
		return true;
	if (kx_json_type(c->json, body) != KX_JSON_OBJECT) {
		kx_check_say(c, KX_RULE_WRAPPED_TEXT, body, "the body of this "
		    "captured request is %s, not an object: its event was not "
		    "checked; unwrap it first (jq -c '.body | fromjson')",
		    kx_json_kind(c->json, body));
		return false;
	}
	kx_check_say(c, KX_RULE_WRAPPED_EVENT, 0, "a captured request: its "
	    "body is checked as the event; for the other tools unwrap it "
	    "(jq -c .body)");
	c->root = body;
	if (!kx_event_walk_at(&c->event, c->check->schema, c->json, body)) {
		c->no_memory = true;
		return false;
	}
	c->event.may_repeat = true;	/* around it, as far as is known */
	return true;
}

/* --- repeated names ------------------------------------------------------- */

/* Is it a name of the event document? */
static bool
is_field_name(const struct kx_json *json, uint32_t node)
{
	int f;

	for (f = 0; f < KX_N_FIELDS; f++) {
		const char *pointer = kx_field_info[f].pointer;

		if (kx_json_str_eq(json, node,
		    kx_span_str(strrchr(pointer, '/') + 1)))
			return true;
	}
	return false;
}

/* Where the values are the same bytes, whichever counts makes no
 * difference. */
static void
duplicate(void *arg, uint32_t first, uint32_t again)
{
	struct kx_checker *c = arg;
	bool same = kx_span_eq(kx_json_raw(c->json, first + 1),
	    kx_json_raw(c->json, again + 1));

	kx_check_say(c, !same && is_field_name(c->json, again) ?
	    KX_RULE_DUPLICATE_KEY_DIFFERS : KX_RULE_DUPLICATE_KEY, again,
	    "this name stands twice%s; the first is at byte %" PRIu32
	    " of the record", same ? " with the same value" :
	    " with different values", c->json->node[first].off + 1);
}

/* --- a record ------------------------------------------------------------- */

static void
begin(struct kx_checker *c, const struct kx_json *json,
    kx_check_report *report, void *arg)
{
	c->json = json;
	c->report = report;
	c->arg = arg;
	c->root = 0;
	c->bad = c->no_memory = false;
	c->has_id_parts = c->has_event_id = c->has_start = c->has_end = false;
	c->faces = c->plates = false;
	c->topic_again = c->module_again = false;
	c->id = c->event_id = KX_SPAN_NULL;
	if (c->many)
		memset(c->said, 0, sizeof c->said);
	c->many = false;
	use_profile(c, c->check->profile);
}

static void
tell_identity(const struct kx_checker *c, struct kx_identity *identity)
{
	uint32_t node = kx_event_get(&c->event, KX_EVENT_EVENT_ID);
	enum kx_json_type type;

	memset(identity, 0, sizeof *identity);
	identity->profile = c->profile;
	identity->topic_again = c->topic_again;
	identity->module_again = c->module_again;
	if (!c->event.is_object)
		return;
	identity->id = c->id;
	identity->has_id = c->id.len > 0;
	identity->id_node = kx_event_get(&c->event, KX_EVENT_ID);
	if (node == 0)
		return;
	type = kx_json_type(c->json, node);
	if (type == KX_JSON_STRING || type == KX_JSON_NUMBER) {
		identity->event_id_node = node;
		identity->event_id_text = type == KX_JSON_STRING;
	}
}

enum kx_status
kx_checker_run(struct kx_checker *c, const struct kx_json *json,
    kx_check_report *report, void *arg, struct kx_identity *identity)
{
	begin(c, json, report, arg);
	if (!kx_event_walk(&c->event, c->check->schema, json))
		return KX_FAIL;
	if (find_event(c)) {
		check_envelope(c);
		if (c->check->profile != KX_PROFILE_ENVELOPE &&
		    (c->faces || c->plates))
			kx_check_parts(c);
		check_method(c, KX_LIKELY(c->root == 0) ?
		    c->event.part[KX_PART_METHOD] :
		    kx_json_get(json, 0, KX_SPAN("method")));
	}
	kx_check_texts(c);
	if (c->event.may_repeat &&
	    kx_json_duplicates(json, duplicate, c) != KX_OK)
		c->no_memory = true;
	if (identity != NULL)
		tell_identity(c, identity);
	kx_buf_reset(&c->scratch, KEEP);
	kx_buf_reset(&c->image, KEEP);
	kx_buf_reset(&c->image_text, KEEP);
	return c->no_memory ? KX_FAIL : c->bad ? KX_BAD : KX_OK;
}
