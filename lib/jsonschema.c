/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The JSON Schema of a profile.
 *
 * The envelope is written member by member, for its fields have rules of their
 * own (check.c); all else is a walk along the pointers of fields.def.  A
 * keyword stands in the schema exactly where its rule is an error, so the same
 * program prints every profile, with severities switched or not.
 */
#include <config.h>

#include "kx/jsonschema.h"

/* Every place of every field, as in event.c. */
static const struct place {
	enum kx_field field;
	const char *pointer;
} places[] = {
#define KX_FIELD(group, symbol, column, pointer, ...) \
	{ KX_##group##_##symbol, pointer },
#include "fields.def"
#define KX_ALIAS(group, symbol, pointer) \
	{ KX_##group##_##symbol, pointer },
#include "fields.def"
};

#define N_PLACES (sizeof places / sizeof places[0])

/* What holds fields, and the rule where it is something else. */
static const struct {
	const char *pointer, *type;
	enum kx_rule rule;
} containers[] = {
	{ "/params/identities/*", "object", KX_RULE_WRONG_TYPE },
	{ "/params/identities/*/faces", "array", KX_RULE_WRONG_TYPE },
	{ "/params/identities/*/faces/*", "object", KX_RULE_WRONG_TYPE },
	{ "/params/identities/*/plates", "array", KX_RULE_WRONG_TYPE },
	{ "/params/identities/*/plates/*", "object", KX_RULE_WRONG_TYPE },
	{ "/params/identities/*/list", "object", KX_RULE_WRONG_TYPE },
	{ "/params/attributes", "object", KX_RULE_ODD_TYPE },
	{ "/params/object", "object", KX_RULE_ODD_TYPE },
	{ "/params/object/color", "object", KX_RULE_ODD_TYPE },
	{ "/params/object/object_type", "object", KX_RULE_ODD_TYPE },
	{ "/snapshots/*", "object", KX_RULE_WRONG_TYPE },
	{ "/channel/tags", "array", KX_RULE_ODD_TYPE },
	{ "/channel/tags/*", "object", KX_RULE_ODD_TYPE },
	{ "/tags", "array", KX_RULE_ODD_TYPE },
	{ "/tags/*", "object", KX_RULE_ODD_TYPE },
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

struct writer {
	struct kx_buf *out;
	const uint8_t *severity;	/* of the column in force */
	unsigned depth;
	bool first;			/* in the innermost bracket */
};

static bool
is_error(const struct writer *w, int rule)
{
	return rule >= 0 && w->severity[rule] == KX_SEV_ERROR;
}

/* --- JSON, indented ------------------------------------------------------- */

static void
next(struct writer *w, const char *name)
{
	kx_buf_addf(w->out, "%s\n%*s", w->first ? "" : ",",
	    (int)(2 * w->depth), "");
	w->first = false;
	if (name != NULL)
		kx_buf_addf(w->out, "\"%s\": ", name);
}

static void
open(struct writer *w, const char *name, char bracket)
{
	next(w, name);
	kx_buf_addc(w->out, bracket);
	w->depth++;
	w->first = true;
}

static void
close(struct writer *w, char bracket)
{
	w->depth--;
	if (!w->first)
		kx_buf_addf(w->out, "\n%*s", (int)(2 * w->depth), "");
	kx_buf_addc(w->out, bracket);
	w->first = false;
}

static void
text(struct writer *w, const char *name, const char *value)
{
	next(w, name);
	kx_buf_addc(w->out, '"');
	kx_buf_addjson(w->out, kx_span_str(value));
	kx_buf_addc(w->out, '"');
}

/* JSON as it is. */
static void
raw(struct writer *w, const char *name, const char *json)
{
	next(w, name);
	kx_buf_adds(w->out, json);
}

static void
number(struct writer *w, const char *name, double value)
{
	next(w, name);
	kx_buf_addf(w->out, "%.10g", value);
}

/* --- the envelope --------------------------------------------------------- */

static void
required_envelope(struct writer *w, bool known)
{
	static const char *const names[] = {
		"monitor_id", "id", "event_id", "topic", "module", "level",
		"start_time"
	};
	size_t i;

	open(w, "required", '[');
	if (is_error(w, KX_RULE_MISSING_FIELD))
		for (i = 0; i < N_OF(names); i++)
			text(w, NULL, names[i]);
	if (is_error(w, KX_RULE_PARAMS_MISSING))
		text(w, NULL, "params");
	if (known && is_error(w, KX_RULE_SNAPSHOTS_MISSING))
		text(w, NULL, "snapshots");
	close(w, ']');
}

static void
time_member(struct writer *w, const char *name, bool null)
{
	open(w, name, '{');
	if (is_error(w, KX_RULE_WRONG_TYPE))
		raw(w, "type", null ? "[\"integer\", \"null\"]" :
		    "\"integer\"");
	if (is_error(w, KX_RULE_TIME_UNIT)) {
		open(w, "not", '{');
		open(w, "anyOf", '[');
		raw(w, NULL, "{\"type\": \"number\", \"minimum\": 1000000000, "
		    "\"maximum\": 9999999999}");
		raw(w, NULL, "{\"type\": \"number\", \"minimum\": "
		    "1000000000000000, \"maximum\": 9999999999999999}");
		raw(w, NULL, "{\"type\": \"number\", \"minimum\": "
		    "1000000000000000000, \"maximum\": 9999999999999999999}");
		close(w, ']');
		close(w, '}');
	}
	if (is_error(w, KX_RULE_TIME_RANGE)) {
		raw(w, "minimum", "946684800000");
		raw(w, "exclusiveMaximum", "4102444800000");
	}
	close(w, '}');
}

static void
name_member(struct writer *w, const char *name)
{
	open(w, name, '{');
	if (is_error(w, KX_RULE_WRONG_TYPE))
		text(w, "type", "string");
	if (is_error(w, KX_RULE_EMPTY_VALUE))
		raw(w, "minLength", "1");
	close(w, '}');
}

static void
id_members(struct writer *w)
{
	open(w, "id", '{');
	if (is_error(w, KX_RULE_WRONG_TYPE))
		text(w, "type", "string");
	if (is_error(w, KX_RULE_ID_FORM))
		text(w, "pattern",
		    "^(0|[1-9][0-9]*):[0-9]{13}:[0-9]{1,20}$");
	close(w, '}');
	open(w, "event_id", '{');
	if (is_error(w, KX_RULE_WRONG_TYPE))
		raw(w, "type", "[\"number\", \"string\"]");
	if (is_error(w, KX_RULE_EVENT_ID_FORM)) {
		raw(w, "multipleOf", "1");
		raw(w, "minimum", "0");
		text(w, "pattern", is_error(w, KX_RULE_EVENT_ID_ZEROS) ?
		    "^(0|[1-9][0-9]*)$" : "^[0-9]+$");
	}
	close(w, '}');
}

static void
level_member(struct writer *w)
{
	open(w, "level", '{');
	if (is_error(w, KX_RULE_WRONG_TYPE))
		text(w, "type", "number");
	if (is_error(w, KX_RULE_LEVEL_RANGE)) {
		raw(w, "multipleOf", "1");
		raw(w, "minimum", "0");
		raw(w, "maximum", "3");
	}
	close(w, '}');
}

static void
typed_member(struct writer *w, const char *name, const char *type,
    enum kx_rule rule, enum kx_rule empty)
{
	open(w, name, '{');
	if (is_error(w, rule))
		text(w, "type", type);
	if (is_error(w, empty))
		raw(w, "minItems", "1");
	close(w, '}');
}

/* Neither a channel nor any of its flat fields. */
static void
channel_there(struct writer *w)
{
	size_t i;

	open(w, NULL, '{');
	open(w, "anyOf", '[');
	raw(w, NULL, "{\"required\": [\"channel\"]}");
	for (i = 0; i < N_PLACES; i++)
		if (!strncmp(kx_field_info[places[i].field].pointer,
		    "/channel/", 9) &&
		    kx_field_info[places[i].field].group == KX_GROUP_EVENT &&
		    strchr(places[i].pointer + 1, '/') == NULL) {
			next(w, NULL);
			kx_buf_addf(w->out, "{\"required\": [\"%s\"]}",
			    places[i].pointer + 1);
		}
	close(w, ']');
	close(w, '}');
}

static void
images_by_post(struct writer *w)
{
	open(w, NULL, '{');
	raw(w, "if", "{\"properties\": {\"method\": {\"type\": \"string\", "
	    "\"not\": {\"const\": \"POST\"}}}, \"required\": [\"method\"]}");
	raw(w, "then", "{\"properties\": {\"snapshots\": {\"items\": "
	    "{\"properties\": {\"image\": {\"not\": {\"type\": \"string\", "
	    "\"minLength\": 1}}}}}}}");
	close(w, '}');
}

/* One envelope, in the severities of the column in force.  Left open, for the
 * rest of the event. */
static void
envelope(struct writer *w, const char *name, bool known)
{
	open(w, name, '{');
	if (is_error(w, KX_RULE_NOT_AN_OBJECT))
		text(w, "type", "object");
	required_envelope(w, known);
	open(w, "properties", '{');
	open(w, "monitor_id", '{');
	if (is_error(w, KX_RULE_WRONG_TYPE))
		text(w, "type", "integer");
	close(w, '}');
	id_members(w);
	name_member(w, "topic");
	name_member(w, "module");
	level_member(w);
	time_member(w, "start_time", false);
	time_member(w, "end_time", !is_error(w, KX_RULE_END_TIME_NULL));
	typed_member(w, "params", "object", KX_RULE_PARAMS_MISSING,
	    KX_RULE_PARAMS_MISSING);
	typed_member(w, "snapshots", "array", KX_RULE_WRONG_TYPE,
	    known ? KX_RULE_SNAPSHOTS_EMPTY : KX_RULE_UNKNOWN_MODULE);
	typed_member(w, "channel", "object", KX_RULE_WRONG_TYPE,
	    KX_RULE_UNKNOWN_MODULE);
	if (is_error(w, KX_RULE_UNKNOWN_METHOD))
		raw(w, "method", "{\"enum\": [\"DELETE\", \"GET\", \"HEAD\", "
		    "\"OPTIONS\", \"PATCH\", \"POST\", \"PUT\", \"TRACE\"]}");
	close(w, '}');
	open(w, "allOf", '[');
	if (is_error(w, KX_RULE_CHANNEL_MISSING))
		channel_there(w);
	if (is_error(w, KX_RULE_IMAGE_NOT_POST))
		images_by_post(w);
}

/* --- fields --------------------------------------------------------------- */

static const struct kx_field_check *
check_of(enum kx_field f)
{
	size_t i;

	for (i = 0; i < kx_n_field_checks; i++)
		if (kx_field_checks[i].field == f)
			return &kx_field_checks[i];
	return NULL;
}

static const char *
type_of(enum kx_type type)
{
	switch (type) {
	case KX_TYPE_INT:
		return "\"integer\"";
	case KX_TYPE_NUM:
		return "\"number\"";
	case KX_TYPE_BOOL:
		return "\"boolean\"";
	case KX_TYPE_PROB:
		return "[\"number\", \"string\"]";
	case KX_TYPE_IMAGE:
		return "[\"string\", \"null\"]";
	case KX_TYPE_OBJECT:
		return "\"object\"";
	default:
		return "\"string\"";
	}
}

static void
values(struct writer *w, const char *list)
{
	char value[40];
	size_t n;

	open(w, "enum", '[');
	while (*list != '\0') {
		n = strcspn(list, " ");
		if (n >= sizeof value)
			break;		/* no such value: a test looks */
		memcpy(value, list, n);
		value[n] = '\0';
		text(w, NULL, value);
		list += n;
		list += strspn(list, " ");
	}
	close(w, ']');
}

static void
similarity(struct writer *w, const struct kx_field_info *info)
{
	bool zero = is_error(w, KX_RULE_SIMILARITY_ZERO);

	if (!is_error(w, KX_RULE_SIMILARITY_RANGE)) {
		if (zero)
			raw(w, "not", "{\"const\": 0}");
		return;
	}
	number(w, "maximum", info->max);
	if (zero)
		number(w, "minimum", info->min);
	else
		raw(w, "anyOf", "[{\"minimum\": 0.01}, {\"const\": 0}]");
}

static void
limits(struct writer *w, const struct kx_field_check *check)
{
	const struct kx_field_info *info = &kx_field_info[check->field];
	bool on = is_error(w, check->range);

	if (check->field == KX_FACE_SIMILARITY) {
		similarity(w, info);
	} else if (info->type == KX_TYPE_STR && *info->values != '\0') {
		if (on)
			values(w, info->values);
	} else if (info->type == KX_TYPE_STR) {
		if (check->field == KX_SNAPSHOT_PATH ?
		    is_error(w, KX_RULE_EMPTY_VALUE) : on && info->min > 0)
			number(w, "minLength", info->min);
		if (on)
			number(w, "maxLength", info->max);
	} else if (on) {
		number(w, "minimum", info->min);
		number(w, "maximum", info->max);
		if (info->type == KX_TYPE_PROB)
			text(w, "pattern", "^(1(\\.0+)?|"
			    "0\\.(0[1-9]|[1-9])[0-9]*)$");
	}
	if (check->field == KX_PLATE_NUMBER &&
	    is_error(w, KX_RULE_PLATE_CHARACTERS) &&
	    is_error(w, KX_RULE_PLATE_LOOKALIKE))
		text(w, "pattern", "^[A-Za-z0-9_-]*$");
}

/* Is `pointer` the pointer `prefix`, len bytes, and a step or more? */
static bool
is_below(const char *pointer, const char *prefix, size_t len)
{
	return !strncmp(pointer, prefix, len) && pointer[len] == '/';
}

/* Names that an object of a row must have. */
static void
required_fields(struct writer *w, const char *prefix, size_t len)
{
	bool any = false;
	size_t i;

	for (i = 0; i < N_PLACES; i++) {
		const struct kx_field_check *check = check_of(places[i].field);
		const char *name = places[i].pointer + len + 1;

		if (!is_below(places[i].pointer, prefix, len) ||
		    strchr(name, '/') != NULL || check == NULL ||
		    kx_field_info[check->field].group == KX_GROUP_EVENT ||
		    !is_error(w, check->missing))
			continue;
		if (!any)
			open(w, "required", '[');
		any = true;
		text(w, NULL, name);
	}
	/* Not a field itself, but what holds three of them. */
	if (len == 20 && !strncmp(prefix, "/params/identities/*", 20) &&
	    is_error(w, KX_RULE_MISSING_FIELD)) {
		open(w, "required", '[');
		text(w, NULL, "list");
		any = true;
	}
	if (any)
		close(w, ']');
}

static void
container(struct writer *w, const char *prefix, size_t len)
{
	size_t i;

	for (i = 0; i < N_OF(containers); i++)
		if (strlen(containers[i].pointer) == len &&
		    !strncmp(containers[i].pointer, prefix, len) &&
		    is_error(w, containers[i].rule))
			text(w, "type", containers[i].type);
	if (len == 18 && !strncmp(prefix, "/params/identities", 18) &&
	    is_error(w, KX_RULE_IDENTITIES_MISSING)) {
		text(w, "type", "array");
		raw(w, "minItems", "1");
	}
	if (len == 7 && !strncmp(prefix, "/params", 7) &&
	    is_error(w, KX_RULE_IDENTITIES_MISSING))
		raw(w, "required", "[\"identities\"]");
	if (len == 20 && !strncmp(prefix, "/params/identities/*", 20) &&
	    is_error(w, KX_RULE_IDENTITY_KIND))
		raw(w, "oneOf", "[{\"required\": [\"faces\"], \"properties\": "
		    "{\"faces\": {\"minItems\": 1}}}, {\"required\": "
		    "[\"plates\"], \"properties\": {\"plates\": {\"minItems\": "
		    "1}}}]");
}

/* Has an earlier place the same step behind the prefix? */
static bool
came_before(size_t i, const char *prefix, size_t len, size_t step)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (is_below(places[k].pointer, prefix, len) &&
		    !strncmp(places[k].pointer + len + 1,
		    places[i].pointer + len + 1, step) &&
		    (places[k].pointer[len + 1 + step] == '/' ||
		    places[k].pointer[len + 1 + step] == '\0'))
			return true;
	return false;
}

static void members(struct writer *w, const char *prefix, size_t len);

/* The schema of what stands at pointer[0..len). */
static void
value_at(struct writer *w, const char *name, const char *pointer, size_t len)
{
	const struct kx_field_check *check = NULL;
	size_t i;

	open(w, name, '{');
	for (i = 0; i < N_PLACES; i++)
		if (strlen(places[i].pointer) == len &&
		    !strncmp(places[i].pointer, pointer, len))
			check = check_of(places[i].field);
	if (check != NULL) {
		if (is_error(w, check->type))
			raw(w, "type",
			    type_of(kx_field_info[check->field].type));
		limits(w, check);
	}
	container(w, pointer, len);
	members(w, pointer, len);
	close(w, '}');
}

/* properties or items of what stands at prefix[0..len).  Recursion ends with
 * the longest pointer, eight steps down. */
static void
members(struct writer *w, const char *prefix, size_t len)
{
	bool any = false;
	char name[40];
	size_t i;

	required_fields(w, prefix, len);
	for (i = 0; i < N_PLACES; i++) {
		const char *rest = places[i].pointer + len + 1;
		size_t step;

		if (!is_below(places[i].pointer, prefix, len))
			continue;
		step = strcspn(rest, "/");
		if (step >= sizeof name || came_before(i, prefix, len, step))
			continue;
		if (*rest == '*') {
			value_at(w, "items", places[i].pointer, len + 2);
			return;
		}
		if (!any)
			open(w, "properties", '{');
		any = true;
		memcpy(name, rest, step);
		name[step] = '\0';
		value_at(w, name, places[i].pointer, len + 1 + step);
	}
	if (any)
		close(w, '}');
}

/* A field of the channel in either of its spellings. */
static void
either_spelling(struct writer *w, enum kx_field f, const char *flat)
{
	const char *pointer = kx_field_info[f].pointer;
	const char *name = strrchr(pointer, '/') + 1;

	open(w, NULL, '{');
	open(w, "anyOf", '[');
	next(w, NULL);
	if (!strncmp(pointer, "/channel/address/", 17)) {
		kx_buf_addf(w->out, "{\"required\": [\"channel\"], "
		    "\"properties\": {\"channel\": {\"required\": "
		    "[\"address\"], \"properties\": {\"address\": "
		    "{\"required\": [\"%s\"]}}}}}", name);
		next(w, NULL);
		kx_buf_addf(w->out, "{\"required\": [\"channel_address\"], "
		    "\"properties\": {\"channel_address\": {\"required\": "
		    "[\"%s\"]}}}", name);
	} else {
		kx_buf_addf(w->out, "{\"required\": [\"channel\"], "
		    "\"properties\": {\"channel\": {\"required\": "
		    "[\"%s\"]}}}", name);
		next(w, NULL);
		kx_buf_addf(w->out, "{\"required\": [\"%s\"]}", flat + 1);
	}
	close(w, ']');
	close(w, '}');
}

static void
channel_fields(struct writer *w)
{
	size_t i;

	/* The aliases are the places behind the fields. */
	for (i = KX_N_FIELDS; i < N_PLACES; i++) {
		enum kx_field f = places[i].field;
		const struct kx_field_check *check = check_of(f);

		if (!strncmp(kx_field_info[f].pointer, "/channel/", 9) &&
		    kx_field_info[f].group == KX_GROUP_EVENT &&
		    check != NULL && is_error(w, check->missing))
			either_spelling(w, f, places[i].pointer);
	}
}

/* What a topic brings with it. */
static void
by_topic(struct writer *w)
{
	open(w, NULL, '{');
	raw(w, "if", "{\"properties\": {\"topic\": {\"const\": "
	    "\"FaceMatched\"}}}");
	open(w, "then", '{');
	if (is_error(w, KX_RULE_FACE_MISMATCH))
		raw(w, "properties", "{\"module\": {\"enum\": [\"KX.Faces\", "
		    "\"KX.Faces\\\"\"]}, \"params\": {\"properties\": "
		    "{\"identities\": {\"items\": {\"properties\": "
		    "{\"plates\": {\"maxItems\": 0}}}}}}}");
	close(w, '}');
	open(w, "else", '{');
	if (is_error(w, KX_RULE_PLATE_MISMATCH))
		raw(w, "properties", "{\"module\": {\"enum\": [\"KX.PDD\", "
		    "\"KX.PDD\\\"\"]}, \"params\": {\"properties\": "
		    "{\"identities\": {\"items\": {\"properties\": "
		    "{\"faces\": {\"maxItems\": 0}}}}}}}");
	if (is_error(w, KX_RULE_MISSING_DETAIL))
		raw(w, "allOf", "[{\"properties\": {\"params\": "
		    "{\"required\": [\"reliability\"]}}}]");
	close(w, '}');
	close(w, '}');
}

/* --- the whole ------------------------------------------------------------ */

static void
event(struct writer *w, const struct kx_check *check)
{
	enum kx_profile other = check->profile == KX_PROFILE_STRICT ?
	    KX_PROFILE_STRICT : KX_PROFILE_ENVELOPE;

	open(w, "event", '{');
	raw(w, "if", "{\"type\": \"object\", \"properties\": {\"topic\": "
	    "{\"enum\": [\"FaceMatched\", \"PlateMatched\"]}}, "
	    "\"required\": [\"topic\"]}");
	raw(w, "then", "{\"$ref\": \"#/$defs/known\"}");
	raw(w, "else", "{\"$ref\": \"#/$defs/other\"}");
	close(w, '}');
	w->severity = check->severity[other];
	envelope(w, "other", false);
	close(w, ']');
	close(w, '}');
	w->severity = check->severity[check->profile];
	envelope(w, "known", true);
	if (check->profile != KX_PROFILE_ENVELOPE) {
		channel_fields(w);
		by_topic(w);
		open(w, NULL, '{');
		members(w, "", 0);
		close(w, '}');
	}
	close(w, ']');
	close(w, '}');
}

void
kx_jsonschema(const struct kx_check *check, struct kx_buf *out)
{
	struct writer w = { .out = out, .first = true, .depth = 1,
	    .severity = check->severity[check->profile] };

	kx_buf_addc(out, '{');
	text(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
	next(&w, "title");
	kx_buf_addf(out, "\"a webhook event, profile %s\"",
	    kx_profile_name(check->profile));
	if (is_error(&w, KX_RULE_WRAPPED_EVENT)) {
		raw(&w, "$ref", "\"#/$defs/event\"");
	} else {
		raw(&w, "if", "{\"type\": \"object\", \"required\": "
		    "[\"body\"], \"not\": {\"anyOf\": [{\"required\": "
		    "[\"topic\"]}, {\"required\": [\"id\"]}, {\"required\": "
		    "[\"event_id\"]}]}, \"anyOf\": [{\"required\": "
		    "[\"method\"]}, {\"required\": [\"headers\"]}, "
		    "{\"required\": [\"received_at\"]}]}");
		raw(&w, "then", is_error(&w, KX_RULE_WRAPPED_TEXT) ?
		    "{\"properties\": {\"body\": {\"$ref\": "
		    "\"#/$defs/event\"}}}" : "{\"properties\": {\"body\": "
		    "{\"if\": {\"type\": \"object\"}, \"then\": {\"$ref\": "
		    "\"#/$defs/event\"}}}}");
		raw(&w, "else", "{\"$ref\": \"#/$defs/event\"}");
	}
	open(&w, "$defs", '{');
	event(&w, check);
	close(&w, '}');
	close(&w, '}');
	kx_buf_addc(out, '\n');
}
