/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields that are checked by the table alone, at a first look: is the value
 * right for certain?  Nearly all are, and are seen to be so by their type, a
 * few digits or one comparison.  What is not goes to check-field.c, which knows
 * for certain and finds the words; so a look may be wrong in one direction, and
 * is never asked what is.
 */
#include <config.h>

#include <stdlib.h>

#include "check-impl.h"
#include "digits.h"
#include "namekey.h"

/* Slots for the values of a closed set; the largest has some fifty. */
#define VALUE_BITS 8
#define VALUE_SLOTS (1u << VALUE_BITS)

#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

enum how {
	BY_LENGTH,	/* of a string, in bytes, from min to max; of all else,
			   where the type is enough, too, and has no limits */
	BY_VALUE,	/* one of the set */
	BY_INTEGER,	/* from min to max, and no sign */
	BY_NUMBER	/* from min to max, which are hundredths */
};

/* The keys of the values, by their hash; a length of 0 is a free slot. */
struct value_set {
	struct kx_key slot[VALUE_SLOTS];
};

struct look {
	const struct kx_field_check *check;
	const struct value_set *values;
	int64_t min, max;
	uint16_t field;
	uint16_t in_row;	/* field less the first one of its group */
	int16_t missing;	/* rule, or -1 */
	uint8_t types;		/* bits by enum kx_json_type */
	uint8_t how;
};

struct kx_looks {
	struct look look[N_CHECKS_MOST];
	/* by group: its looks stand together */
	struct {
		uint8_t begin, end;
	} group[KX_N_GROUPS];
	struct value_set *values[KX_N_FIELDS];
};

/* --- the looks are made --------------------------------------------------- */

/* Each value has its slot or one behind; a free slot ends the search. */
static unsigned
find_value(const struct value_set *set, const struct kx_key *key)
{
	unsigned k = kx_key_hash(key, FACTOR, VALUE_BITS);

	while (set->slot[k].len != 0 && !kx_key_eq(&set->slot[k], key))
		k = (k + 1) % VALUE_SLOTS;
	return k;
}

static struct value_set *
value_set_new(const char *values)
{
	struct value_set *set = calloc(1, sizeof *set);
	const char *p = values;

	while (set != NULL && *p != '\0') {
		size_t len = strcspn(p, " ");
		char padded[KX_KEY_WHOLE + 8] = "";
		struct kx_key key;

		/* A longer one goes the long way. */
		if (len <= KX_KEY_WHOLE) {
			memcpy(padded, p, len);
			key = kx_key_of(padded, (uint32_t)len);
			set->slot[find_value(set, &key)] = key;
		}
		p += len;
		p += strspn(p, " ");
	}
	return set;
}

#define TYPE(name) (1u << KX_JSON_##name)

/* A limit in hundredths; false where it is none of those. */
static bool
in_hundredths(double limit, int64_t *out)
{
	*out = (int64_t)(limit * 100 + (limit < 0 ? -0.5 : 0.5));
	return (double)*out / 100 == limit;
}

static void
set_limits(struct look *look, const struct kx_field_info *info)
{
	look->max = INT64_MAX;
	if (look->check->range < 0) {
		if (look->how == BY_NUMBER)
			look->how = BY_LENGTH;
	} else if (look->how != BY_NUMBER) {
		look->min = (int64_t)info->min;
		if (info->max != 0)
			look->max = (int64_t)info->max;
	} else if (!in_hundredths(info->min, &look->min) ||
	    !in_hundredths(info->max, &look->max)) {
		look->types = 0;	/* the long way, always */
	}
}

static bool
make_look(struct kx_looks *looks, struct look *look,
    const struct kx_field_check *check, bool is_noted)
{
	static const struct {
		uint8_t types, how;
	} by_type[] = {
		[KX_TYPE_INT] = { TYPE(NUMBER), BY_INTEGER },
		[KX_TYPE_NUM] = { TYPE(NUMBER), BY_NUMBER },
		[KX_TYPE_STR] = { TYPE(STRING), BY_LENGTH },
		[KX_TYPE_BOOL] = { TYPE(TRUE) | TYPE(FALSE), BY_LENGTH },
		[KX_TYPE_IMAGE] = { TYPE(STRING) | TYPE(NULL), BY_LENGTH },
		[KX_TYPE_OBJECT] = { TYPE(OBJECT), BY_LENGTH },
		[KX_TYPE_PROB] = { TYPE(NUMBER), BY_NUMBER }
	};
	const struct kx_field_info *info = &kx_field_info[check->field];

	look->check = check;
	look->field = (uint16_t)check->field;
	look->in_row = (uint16_t)(check->field - kx_group_first(info->group));
	look->missing = check->missing;
	look->types = by_type[info->type].types;
	look->how = by_type[info->type].how;
	if (info->type == KX_TYPE_STR && *info->values != '\0') {
		look->how = BY_VALUE;
		looks->values[check->field] = value_set_new(info->values);
		look->values = looks->values[check->field];
		if (look->values == NULL)
			return false;
	}
	set_limits(look, info);
	/* That it is a number may be worth a note by itself. */
	if (info->type == KX_TYPE_PROB && is_noted)
		look->types = 0;
	return true;
}

struct kx_looks *
kx_looks_new(const struct kx_check *for_check)
{
	bool is_noted = for_check->severity[for_check->profile]
	    [KX_RULE_TYPE_DIFFERS_FROM_TABLE] != KX_SEV_NONE;
	struct kx_looks *looks = calloc(1, sizeof *looks);
	uint8_t n = 0;
	int group;
	size_t i;

	if (looks == NULL)
		return NULL;
	for (group = 0; group < KX_N_GROUPS; group++) {
		looks->group[group].begin = n;
		for (i = 0; i < kx_n_field_checks; i++) {
			const struct kx_field_check *check =
			    &kx_field_checks[i];

			if ((int)kx_field_info[check->field].group != group)
				continue;
			if (!make_look(looks, &looks->look[n++], check,
			    is_noted)) {
				kx_looks_free(looks);
				return NULL;
			}
		}
		looks->group[group].end = n;
	}
	return looks;
}

void
kx_looks_free(struct kx_looks *looks)
{
	int f;

	for (f = 0; looks != NULL && f < KX_N_FIELDS; f++)
		free(looks->values[f]);
	free(looks);
}

/* --- and used ------------------------------------------------------------- */

/* By the whole part and two digits of the fraction. */
static inline bool
is_plainly_within(const char *p, size_t len, const struct look *look)
{
	bool minus = *p == '-';
	const char *end = p + len;
	int64_t hundredths;
	size_t n, rest;

	p += minus;
	n = kx_digits_count(p, 8);
	if (n - 1 >= 3)
		return false;
	hundredths = 100 * (int64_t)kx_digits_join(kx_digits_load(p) <<
	    (64 - 8 * n));
	p += n;
	if (p < end) {
		rest = (size_t)(end - ++p);
		/* An exponent is not plain. */
		if (p[-1] != '.' || kx_digits_count(p, rest) < rest)
			return false;
		hundredths += 10 * (*p - '0') + (rest > 1 ? p[1] - '0' : 0);
	}
	/* Zero is something else for some. */
	return minus ? -hundredths - 1 >= look->min :
	    hundredths > 0 && hundredths >= look->min &&
	    hundredths + 1 <= look->max;
}

/* What a call is worth. */
static KX_NOINLINE bool
value_is_right(const struct kx_json *json, const struct look *look,
    const struct kx_json_node *node)
{
	const char *text = json->text + node->off;
	struct kx_key key;
	uint64_t value;

	switch (look->how) {
	case BY_VALUE:
		key = kx_key_of(text + 1, node->len - 2);
		return key.len - 1 < KX_KEY_WHOLE &&
		    look->values->slot[find_value(look->values, &key)].len != 0;
	case BY_INTEGER:
		return kx_digits_value(text, node->len, &value) &&
		    value >= (uint64_t)look->min &&
		    value <= (uint64_t)look->max;
	case BY_NUMBER:
		return is_plainly_within(text, node->len, look);
	default:
		return false;
	}
}

KX_INLINE bool
looks_right(const struct kx_json *json, const struct look *look,
    uint32_t at)
{
	const struct kx_json_node *node = &json->node[at];

	if (KX_UNLIKELY((look->types >> (node->meta & KX_JSON_TYPE_MASK) &
	    1) == 0))
		return false;
	/* Of most texts the bytes tell. */
	if (look->how == BY_LENGTH)
		return node->len - 2 >= (uint64_t)look->min &&
		    node->len - 2 <= (uint64_t)look->max;
	return value_is_right(json, look, node);
}

static inline bool
is_missed(const struct kx_checker *c, const struct look *look)
{
	return look->missing >= 0 &&
	    rule_is_on(c, (enum kx_rule)look->missing);
}

void
kx_check_event_fields(struct kx_checker *c)
{
	const struct kx_looks *looks = c->looks;
	unsigned i = looks->group[KX_GROUP_EVENT].begin;

	for (; i < looks->group[KX_GROUP_EVENT].end; i++) {
		const struct look *look = &looks->look[i];
		uint32_t node = c->event.field[look->field], flat;

		if (node == 0) {
			if (is_missed(c, look))
				kx_check_field_missing(c, look->check);
		} else if (KX_UNLIKELY(!looks_right(c->json, look, node))) {
			kx_check_field(c, look->check, node);
		}
		if (KX_LIKELY(!c->event.has_flat))
			continue;
		flat = c->event.flat[look->field];
		if (KX_UNLIKELY(flat != 0 && flat != node))
			kx_check_field(c, look->check, flat);
	}
}

void
kx_check_row_fields(struct kx_checker *c, enum kx_group group,
    const struct kx_row *row)
{
	const struct kx_looks *looks = c->looks;
	unsigned i = looks->group[group].begin;

	for (; i < looks->group[group].end; i++) {
		const struct look *look = &looks->look[i];
		uint32_t node = row->field[look->in_row];

		if (node == 0) {
			if (is_missed(c, look))
				kx_check_row_missing(c, look->check, row);
		} else if (KX_UNLIKELY(!looks_right(c->json, look, node))) {
			kx_check_field(c, look->check, node);
		}
	}
}
