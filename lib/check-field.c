/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields that are checked by the table alone, the long way: fields.def says
 * what a value may be, checks.def which rule it breaks.  Asked for values that
 * check-look.c has not seen to be right.
 */
#include <config.h>

#include "kx/num.h"

#include "check-impl.h"

enum { KX_RULE_NONE = -1 };

const struct kx_field_check kx_field_checks[] = {
#define KX_CHECK(group, symbol, missing, type, range) \
	{ KX_##group##_##symbol, KX_RULE_##missing, KX_RULE_##type, \
	    KX_RULE_##range },
#include "checks.def"
};
const size_t kx_n_field_checks =
    sizeof kx_field_checks / sizeof kx_field_checks[0];

#define N_CHECKS (sizeof kx_field_checks / sizeof kx_field_checks[0])

_Static_assert(N_CHECKS < N_CHECKS_MOST, "room in struct kx_checker");

/* --- closed sets ---------------------------------------------------------- */

/* The first of `values`, which are separated by blanks, that `is` says yes to;
 * empty: none. */
static struct kx_span
find_value(const char *values, struct kx_span value,
    bool (*is)(struct kx_span, struct kx_span))
{
	struct kx_span one = { values, 0 };

	for (; *one.ptr != '\0'; one.ptr += strspn(one.ptr, " ")) {
		one.len = strcspn(one.ptr, " ");
		if (is(one, value))
			return one;
		one.ptr += one.len;
	}
	return KX_SPAN_NULL;
}

/* --- texts ---------------------------------------------------------------- */

bool
kx_check_elided(struct kx_span s)
{
	static const struct kx_span marks[] = {
		{ "...", 3 }, { "\xe2\x80\xa6", 3 },
		/* the same, read as CP1252 and encoded again */
		{ "\xc3\xa2\xe2\x82\xac\xc2\xa6", 7 }
	};
	size_t i;

	if (s.len >= 2 && !memcmp(s.ptr + s.len - 2, "..", 2))
		return true;
	for (i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (memmem(s.ptr, s.len, marks[i].ptr, marks[i].len) != NULL)
			return true;
	return false;
}

static size_t
code_points(struct kx_span s)
{
	size_t i, n = 0;

	for (i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

/* The length of a text that may be out of bounds; most are so short that
 * their bytes tell. */
static void
check_length(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];
	size_t len = c->json->node[node].len - 2, n;
	size_t min = (size_t)info->min, max = (size_t)info->max;

	if (KX_LIKELY(len >= min && len <= max))
		return;
	if (len == 0 && check->field == KX_SNAPSHOT_PATH) {
		kx_check_say(c, KX_RULE_EMPTY_VALUE, node, "path is empty");
		return;
	}
	n = code_points(kx_check_text(c, node));
	if (n < min || n > max)
		kx_check_say(c, (enum kx_rule)check->range, node,
		    "%s has %zu characters; from %zu to %zu are allowed",
		    info->column, n, min, max);
}

/* A capital or small letter of ASCII apart. */
static bool
same_letters(struct kx_span a, struct kx_span b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++) {
		char x = a.ptr[i], y = b.ptr[i];

		if (x != y && !((x ^ y) == 0x20 && (x | 0x20) >= 'a' &&
		    (x | 0x20) <= 'z'))
			return false;
	}
	return true;
}

/* What the document lists instead; empty where nothing is plain. */
static struct kx_span
listed_for(enum kx_field f, struct kx_span value)
{
	static const struct {
		enum kx_field field;
		struct kx_span sent, listed;
	} aliases[] = {
		{ KX_PLATE_STATE, { "GB", 2 }, { "UK", 2 } },
		{ KX_PLATE_STATE, { "LU", 2 }, { "NW", 2 } },
		{ KX_PLATE_STATE, { "MC", 2 }, { "MS", 2 } },
		{ KX_EVENT_COLOR, { "grey", 4 }, { "gray", 4 } }
	};
	size_t i;

	for (i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (aliases[i].field == f &&
		    same_letters(aliases[i].sent, value))
			return aliases[i].listed;
	return find_value(kx_field_info[f].values, value, same_letters);
}

static void
check_value(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	struct kx_span value = kx_check_text(c, node), listed;
	const struct kx_field_info *info = &kx_field_info[check->field];
	const char *name = info->column;
	enum kx_rule rule = (enum kx_rule)check->range;

	if (find_value(info->values, value, kx_span_eq).ptr != NULL)
		return;
	listed = listed_for(check->field, value);
	if (listed.len == 0)
		kx_check_say(c, rule, node, "%s %.*s is not one of the "
		    "document's", name, SHOW(value));
	else
		kx_check_say(c, rule == KX_RULE_STATE_UNLISTED ?
		    KX_RULE_STATE_ALIAS : rule, node,
		    "%s %.*s is listed as %.*s", name, SHOW(value),
		    SHOW(listed));
}

/* --- numbers -------------------------------------------------------------- */

static void
out_of_range(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];

	kx_check_say(c, (enum kx_rule)check->range, node,
	    "%s is %.*s, not from %g to %g", info->column,
	    SHOW(kx_json_raw(c->json, node)), info->min, info->max);
}

static void
check_number(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];
	double value = 0;

	if (check->range < 0 || !kx_value_num(c->json, node, &value))
		return;
	if (value == 0 && check->field == KX_FACE_SIMILARITY)
		kx_check_say(c, KX_RULE_SIMILARITY_ZERO, node, "similarity is "
		    "0, below the documented minimum of 0.01");
	else if (!(value >= info->min && value <= info->max))
		out_of_range(c, check, node);
}

/* Plain digits with at most one point, as the examples spell them. */
static bool
is_plain_decimal(struct kx_span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((s.ptr[i] < '0' || s.ptr[i] > '9') && s.ptr[i] != '.')
			return false;
	return s.len > 0;
}

/* A reliability: a number, or a string that spells one. */
static void
check_reliability(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];
	struct kx_span text;
	double value;

	if (kx_json_type(c->json, node) == KX_JSON_NUMBER) {
		if (rule_is_on(c, KX_RULE_TYPE_DIFFERS_FROM_TABLE))
			kx_check_say(c, KX_RULE_TYPE_DIFFERS_FROM_TABLE, node,
			    "%s is a number, as in the examples; the table "
			    "says string", info->column);
		check_number(c, check, node);
		return;
	}
	text = kx_check_text(c, node);
	if (!is_plain_decimal(text) || !kx_num_double(text, &value) ||
	    value < info->min || value > info->max)
		out_of_range(c, check, node);
}

static void
check_integer(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];
	int64_t value;

	if (check->range >= 0 && (!kx_value_int(c->json, node, &value) ||
	    (double)value < info->min || (double)value > info->max))
		out_of_range(c, check, node);
}

/* --- a field -------------------------------------------------------------- */

static const char *const type_words[] = {
	[KX_TYPE_INT] = "an integer", [KX_TYPE_NUM] = "a number",
	[KX_TYPE_STR] = "a string", [KX_TYPE_BOOL] = "true or false",
	[KX_TYPE_PROB] = "a number, or a string that spells one",
	[KX_TYPE_IMAGE] = "a string of base64", [KX_TYPE_OBJECT] = "an object"
};

static void
wrong_type(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];
	bool number = kx_json_type(c->json, node) == KX_JSON_NUMBER;

	kx_check_say(c, (enum kx_rule)check->type, node, "%s must be %s, not "
	    "%s", info->column, type_words[info->type],
	    number && info->type == KX_TYPE_INT ? "a fraction" :
	    kx_json_kind(c->json, node));
}

static void
check_string(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	const struct kx_field_info *info = &kx_field_info[check->field];

	if (*info->values != '\0')
		check_value(c, check, node);
	else if (info->max != 0)
		check_length(c, check, node);
}

void
kx_check_field(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node)
{
	enum kx_json_type type = kx_json_type(c->json, node);
	bool ok = false, odd;

	switch (kx_field_info[check->field].type) {
	case KX_TYPE_INT:
		if (kx_check_integer(c, check->field, node, &odd))
			check_integer(c, check, node);
		else if (!odd)
			break;
		return;
	case KX_TYPE_NUM:
		ok = type == KX_JSON_NUMBER;
		if (ok)
			check_number(c, check, node);
		break;
	case KX_TYPE_STR:
		ok = type == KX_JSON_STRING;
		if (ok)
			check_string(c, check, node);
		break;
	case KX_TYPE_PROB:
		ok = type == KX_JSON_NUMBER || type == KX_JSON_STRING;
		if (ok)
			check_reliability(c, check, node);
		break;
	case KX_TYPE_BOOL:
		ok = type == KX_JSON_TRUE || type == KX_JSON_FALSE;
		break;
	case KX_TYPE_IMAGE:
		ok = type == KX_JSON_STRING || type == KX_JSON_NULL;
		break;
	case KX_TYPE_OBJECT:
		ok = type == KX_JSON_OBJECT;
		break;
	default:
		ok = true;	/* no row of checks.def */
		break;
	}
	if (KX_UNLIKELY(!ok))
		wrong_type(c, check, node);
}

static void
missing(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t parent)
{
	kx_check_say(c, (enum kx_rule)check->missing, parent,
	    "%s is missing", kx_field_info[check->field].column);
}

/* Where a field of the event is absent from: the innermost of its parents
 * that is an object. */
static uint32_t
parent_of(const struct kx_checker *c, enum kx_field f)
{
	const char *pointer = kx_field_info[f].pointer;
	enum kx_field parent;
	uint32_t node;

	if (!strncmp(pointer, "/channel/address/", 17))
		parent = KX_EVENT_ADDRESS;
	else if (!strncmp(pointer, "/channel/", 9))
		parent = KX_EVENT_CHANNEL;
	else if (!strncmp(pointer, "/params/", 8))
		parent = KX_EVENT_PARAMS;
	else
		return c->root;
	node = kx_event_get(&c->event, parent);
	return node != 0 ? node : c->root;
}

/* Is a part that the table wants not to be missed here?  What a missing
 * channel or address would have had is said once, by its own rule. */
static bool
is_moot(const struct kx_checker *c, enum kx_field f)
{
	const char *pointer = kx_field_info[f].pointer;
	uint32_t node;

	if (strncmp(pointer, "/channel/address/", 17) == 0) {
		node = kx_event_get(&c->event, KX_EVENT_ADDRESS);
		return node == 0 ||
		    kx_json_type(c->json, node) != KX_JSON_OBJECT;
	}
	if (strncmp(pointer, "/channel/", 9) != 0)
		return false;
	node = kx_event_get(&c->event, KX_EVENT_CHANNEL);
	if (node != 0)
		return kx_json_type(c->json, node) != KX_JSON_OBJECT;
	for (f = 0; f < KX_N_FIELDS; f++)
		if (c->event.flat[f] != 0)
			return false;
	return true;
}

void
kx_check_field_missing(struct kx_checker *c,
    const struct kx_field_check *check)
{
	if (!is_moot(c, check->field))
		missing(c, check, parent_of(c, check->field));
}

void
kx_check_row_missing(struct kx_checker *c,
    const struct kx_field_check *check, const struct kx_row *row)
{
	missing(c, check, row->node);
}
