/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Criteria.  Those of the envelope are read off the members of the event,
 * found in one walk over its top; only where these are met is the event walked
 * along the field table for the others.
 *
 * Cost: some 30 ns an event for the envelope; a walk of the event, and a fold
 * of each name that is compared, for the others.
 */
#include <config.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kx/criteria.h"
#include "kx/event.h"
#include "kx/fold.h"
#include "kx/num.h"
#include "kx/pick.h"

enum { N_LEVELS = 4 };

#define EARTH_M 6371008.8
#define RADIANS 0.017453292519943295

struct item {
	struct kx_span text;	/* as it was given */
	struct kx_span folded;	/* a name */
	bool is_id;
	int64_t id;
};

struct items {
	struct item *item;
	size_t n;
};

struct globs {
	struct kx_glob **glob;
	size_t n;
};

struct place {
	double lat, lon, radius;
};

struct kx_criteria {
	/* the envelope's */
	struct kx_pick pick;
	struct items topics, modules, monitors;
	unsigned levels;	/* bits; 0: not asked for */
	int min_level;		/* -1: not asked for */
	bool timed;
	int64_t since, until;
	/* the others'; deep: there are some */
	bool deep;
	struct kx_schema *schema;
	struct items channels, states, lists, tags;
	struct globs plates, persons;
	bool similar;
	double min_similarity;
	struct place *place;
	size_t n_places;
	bool has_image;
};

enum { PICK_TOPIC, PICK_MODULE, PICK_MONITOR, PICK_LEVEL, PICK_START };

struct kx_criteria_state {
	struct kx_event event;
	struct kx_buf decoded, folded;
	bool no_memory;
};

/* Making them */

struct kx_criteria *
kx_criteria_new(void)
{
	static const char *const names[] = { "topic", "module", "monitor_id",
	    "level", "start_time" };
	struct kx_criteria *criteria = calloc(1, sizeof(*criteria));
	size_t i;

	if (criteria == NULL)
		return NULL;
	criteria->min_level = -1;
	criteria->since = INT64_MIN;
	criteria->until = INT64_MAX;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)kx_pick_add(&criteria->pick, kx_span_str(names[i]));
	return criteria;
}

static void
items_free(struct items *items)
{
	size_t i;

	for (i = 0; i < items->n; i++)
		free((char *)(uintptr_t)items->item[i].folded.ptr);
	free(items->item);
}

static void
globs_free(struct globs *globs)
{
	size_t i;

	for (i = 0; i < globs->n; i++)
		kx_glob_free(globs->glob[i]);
	free(globs->glob);
}

void
kx_criteria_free(struct kx_criteria *criteria)
{
	struct kx_criteria *c = criteria;

	if (c == NULL)
		return;
	items_free(&c->topics);
	items_free(&c->modules);
	items_free(&c->monitors);
	items_free(&c->channels);
	items_free(&c->states);
	items_free(&c->lists);
	items_free(&c->tags);
	globs_free(&c->plates);
	globs_free(&c->persons);
	kx_schema_free(c->schema);
	free(c->place);
	free(c);
}

static enum kx_status
no_memory(struct kx_error *err)
{
	return kx_error_set(err, KX_FAIL, ENOMEM, "no criterion");
}

static enum kx_status
add_item(struct items *items, struct kx_span text, struct kx_error *err)
{
	struct item item = { .text = text }, *grown;
	struct kx_buf folded = { 0 };

	item.is_id = kx_num_i64(text, &item.id);
	kx_fold(KX_FOLD_NAME, text, &folded);
	grown = kx_buf_failed(&folded) ? NULL :
	    reallocarray(items->item, items->n + 1, sizeof(*grown));
	if (grown == NULL) {
		kx_buf_free(&folded);
		return no_memory(err);
	}
	item.folded = kx_buf_span(&folded);
	items->item = grown;
	grown[items->n++] = item;
	return KX_OK;
}

/* The next item of a list; false at its end.  *list is NULL then. */
static bool
next_item(const char **list, struct kx_span *item)
{
	const char *end;

	if (*list == NULL)
		return false;
	end = *list + strcspn(*list, ",");
	*item = (struct kx_span){ *list, (size_t)(end - *list) };
	*list = *end == '\0' ? NULL : end + 1;
	return true;
}

static enum kx_status
add_items(struct items *items, const char *list, bool ids,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;
	struct kx_span item;
	int64_t id;

	while (status == KX_OK && next_item(&list, &item)) {
		if (item.len == 0)
			return kx_error_set(err, KX_BAD, 0,
			    "an empty item in the list");
		if (ids && !kx_num_i64(item, &id))
			return kx_error_set(err, KX_BAD, 0,
			    "'%.*s' is no number", (int)item.len, item.ptr);
		status = add_item(items, item, err);
	}
	return status;
}

static int
level_of(struct kx_span item)
{
	const char *name;
	size_t i;
	int level;

	for (level = 0; level < N_LEVELS; level++) {
		if (item.len == 1 && *item.ptr == '0' + level)
			return level;
		name = kx_level_name(level);
		for (i = 0; i < item.len && (item.ptr[i] | 32) == name[i]; i++)
			continue;
		if (i == item.len && name[i] == '\0' && i > 0)
			return level;
	}
	return -1;
}

static enum kx_status
add_levels(struct kx_criteria *criteria, const char *list, bool least,
    struct kx_error *err)
{
	struct kx_span item;
	int level;

	while (next_item(&list, &item)) {
		level = level_of(item);
		if (level < 0 || (least && list != NULL))
			return kx_error_set(err, KX_BAD, 0, "'%.*s' is no "
			    "level: they are 0 to 3, or low, normal, high, "
			    "critical", least ? (int)strlen(item.ptr) :
			    (int)item.len, item.ptr);
		if (least)
			criteria->min_level = level;
		else
			criteria->levels |= 1u << level;
	}
	return KX_OK;
}

static enum kx_status
add_glob(struct globs *globs, enum kx_fold how, const char *arg,
    struct kx_error *err)
{
	struct kx_glob *glob, **grown;
	enum kx_status status;

	status = kx_glob_new(how, kx_span_str(arg), &glob, err);
	if (status != KX_OK)
		return status;
	grown = reallocarray(globs->glob, globs->n + 1, sizeof(glob));
	if (grown == NULL) {
		kx_glob_free(glob);
		return no_memory(err);
	}
	globs->glob = grown;
	grown[globs->n++] = glob;
	return KX_OK;
}

/* "500", "500m", "1.5km" */
static bool
read_radius(struct kx_span text, double *metres)
{
	double unit = 1;

	if (text.len > 2 && !memcmp(text.ptr + text.len - 2, "km", 2)) {
		unit = 1000;
		text.len -= 2;
	} else if (text.len > 1 && text.ptr[text.len - 1] == 'm') {
		text.len--;
	}
	if (!kx_num_double(text, metres) || !(*metres >= 0) ||
	    !isfinite(*metres))
		return false;
	*metres *= unit;
	return true;
}

static enum kx_status
add_place(struct kx_criteria *criteria, const char *arg, struct kx_error *err)
{
	struct kx_span part[3];
	struct place place, *grown;
	size_t n = 0;

	while (n < 3 && next_item(&arg, &part[n]))
		n++;
	if (n < 3 || arg != NULL)
		return kx_error_set(err, KX_BAD, 0, "LAT,LON,RADIUS is "
		    "wanted, as in 53.9,27.56,500m");
	if (!kx_num_double(part[0], &place.lat) ||
	    !(fabs(place.lat) <= 90))
		return kx_error_set(err, KX_BAD, 0, "'%.*s' is no latitude "
		    "from -90 to 90", (int)part[0].len, part[0].ptr);
	if (!kx_num_double(part[1], &place.lon) ||
	    !(fabs(place.lon) <= 180))
		return kx_error_set(err, KX_BAD, 0, "'%.*s' is no longitude "
		    "from -180 to 180", (int)part[1].len, part[1].ptr);
	if (!read_radius(part[2], &place.radius))
		return kx_error_set(err, KX_BAD, 0, "'%.*s' is no radius: "
		    "metres, or with m or km", (int)part[2].len, part[2].ptr);
	grown = reallocarray(criteria->place, criteria->n_places + 1,
	    sizeof(*grown));
	if (grown == NULL)
		return no_memory(err);
	criteria->place = grown;
	grown[criteria->n_places++] = place;
	return KX_OK;
}

static enum kx_status
add_similarity(struct kx_criteria *criteria, const char *arg,
    struct kx_error *err)
{
	double x;

	if (!kx_num_double(kx_span_str(arg), &x) || !(x >= 0 && x <= 1))
		return kx_error_set(err, KX_BAD, 0, "'%s' is no number from "
		    "0 to 1", arg);
	criteria->similar = true;
	criteria->min_similarity = x;
	return KX_OK;
}

enum kx_status
kx_criteria_add(struct kx_criteria *criteria, enum kx_criterion kind,
    const char *arg, struct kx_error *err)
{
	struct kx_criteria *c = criteria;

	switch (kind) {
	case KX_CRITERION_TOPIC:
		return add_items(&c->topics, arg, false, err);
	case KX_CRITERION_MODULE:
		return add_items(&c->modules, arg, false, err);
	case KX_CRITERION_MONITOR:
		return add_items(&c->monitors, arg, true, err);
	case KX_CRITERION_LEVEL:
		return add_levels(c, arg, false, err);
	case KX_CRITERION_MIN_LEVEL:
		return add_levels(c, arg, true, err);
	default:
		break;
	}
	c->deep = true;
	if (c->schema == NULL)
		c->schema = kx_schema_new();
	if (c->schema == NULL)
		return no_memory(err);
	switch (kind) {
	case KX_CRITERION_CHANNEL:
		return add_items(&c->channels, arg, false, err);
	case KX_CRITERION_STATE:
		return add_items(&c->states, arg, false, err);
	case KX_CRITERION_LIST:
		return add_items(&c->lists, arg, false, err);
	case KX_CRITERION_TAG:
		return add_items(&c->tags, arg, false, err);
	case KX_CRITERION_PLATE:
		return add_glob(&c->plates, KX_FOLD_PLATE, arg, err);
	case KX_CRITERION_PERSON:
		return add_glob(&c->persons, KX_FOLD_NAME, arg, err);
	case KX_CRITERION_MIN_SIMILARITY:
		return add_similarity(c, arg, err);
	case KX_CRITERION_NEAR:
		return add_place(c, arg, err);
	default:
		c->has_image = true;
		return KX_OK;
	}
}

void
kx_criteria_add_time(struct kx_criteria *criteria, enum kx_criterion kind,
    int64_t ms)
{
	criteria->timed = true;
	if (kind == KX_CRITERION_SINCE)
		criteria->since = ms;
	else
		criteria->until = ms;
}

/* The envelope */

static bool
is_exactly(const struct items *items, const struct kx_json *json,
    uint32_t node)
{
	size_t i;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_STRING)
		return false;
	for (i = 0; i < items->n; i++) {
		if (json->node[node].meta & KX_JSON_ESCAPED) {
			if (kx_json_str_eq(json, node, items->item[i].text))
				return true;
		} else if (kx_span_eq(kx_json_str(json, node),
		    items->item[i].text)) {
			return true;
		}
	}
	return false;
}

static bool
is_id(const struct items *items, const struct kx_json *json, uint32_t node)
{
	int64_t id;
	size_t i;

	if (!kx_value_int(json, node, &id))
		return false;
	for (i = 0; i < items->n; i++)
		if (items->item[i].is_id && items->item[i].id == id)
			return true;
	return false;
}

/* By its value: 2.0 is the level 2, "2" is none. */
static bool
is_level(const struct kx_criteria *criteria, const struct kx_json *json,
    uint32_t node)
{
	struct kx_span text;
	double level;
	int i;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_NUMBER)
		return false;
	text = kx_json_raw(json, node);
	if (text.len == 1)
		level = *text.ptr - '0';
	else if (!kx_num_double(text, &level))
		return false;
	if (criteria->min_level >= 0 && level < criteria->min_level)
		return false;
	if (criteria->levels == 0)
		return true;
	for (i = 0; i < N_LEVELS; i++)
		if ((criteria->levels & 1u << i) && level == i)
			return true;
	return false;
}

static bool
is_in_time(const struct kx_criteria *criteria, const struct kx_json *json,
    uint32_t node)
{
	struct kx_span text;
	int64_t ms = 0;
	double wide;
	size_t i;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_NUMBER)
		return false;
	text = kx_json_raw(json, node);
	for (i = 0; i < text.len && i < 18 && text.ptr[i] >= '0' &&
	    text.ptr[i] <= '9'; i++)
		ms = ms * 10 + (text.ptr[i] - '0');
	if (i < text.len && !kx_num_whole(text, &ms)) {
		/* a fraction, or beyond 64 bits */
		if (!kx_num_double(text, &wide))
			return false;
		return wide >= (double)criteria->since &&
		    wide < (double)criteria->until;
	}
	return ms >= criteria->since && ms < criteria->until;
}

static bool
envelope_matches(const struct kx_criteria *criteria,
    const struct kx_json *json)
{
	uint32_t found[KX_PICK_MAX];

	kx_pick_find(&criteria->pick, json, 0, found);
	if (criteria->topics.n > 0 &&
	    !is_exactly(&criteria->topics, json, found[PICK_TOPIC]))
		return false;
	if (criteria->modules.n > 0 &&
	    !is_exactly(&criteria->modules, json, found[PICK_MODULE]))
		return false;
	if (criteria->monitors.n > 0 &&
	    !is_id(&criteria->monitors, json, found[PICK_MONITOR]))
		return false;
	if ((criteria->levels != 0 || criteria->min_level >= 0) &&
	    !is_level(criteria, json, found[PICK_LEVEL]))
		return false;
	return !criteria->timed ||
	    is_in_time(criteria, json, found[PICK_START]);
}

/* What is inside */

struct kx_criteria_state *
kx_criteria_state_new(void)
{
	return calloc(1, sizeof(struct kx_criteria_state));
}

void
kx_criteria_state_free(struct kx_criteria_state *state)
{
	if (state == NULL)
		return;
	kx_event_fini(&state->event);
	kx_buf_free(&state->decoded);
	kx_buf_free(&state->folded);
	free(state);
}

/* Append a string's folded text to state->folded; false where it is none. */
static bool
fold_string(struct kx_criteria_state *state, enum kx_fold how, uint32_t node)
{
	const struct kx_json *json = state->event.json;
	struct kx_span text;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_STRING)
		return false;
	text = kx_json_decode(json, node, &state->decoded, NULL);
	kx_fold(how, text, &state->folded);
	if (kx_buf_failed(&state->decoded) || kx_buf_failed(&state->folded)) {
		state->no_memory = true;
		return false;
	}
	return true;
}

static void
unfold(struct kx_criteria_state *state)
{
	kx_buf_reset(&state->folded, 1 << 16);
}

/* Is the string one of the names, folded? */
static bool
is_named(const struct items *items, struct kx_criteria_state *state,
    uint32_t node)
{
	size_t i;

	unfold(state);
	if (!fold_string(state, KX_FOLD_NAME, node))
		return false;
	for (i = 0; i < items->n; i++)
		if (kx_span_eq(items->item[i].folded,
		    kx_buf_span(&state->folded)))
			return true;
	return false;
}

static bool
any_glob(const struct globs *globs, struct kx_span text)
{
	size_t i;

	for (i = 0; i < globs->n; i++)
		if (kx_glob_match(globs->glob[i], text))
			return true;
	return false;
}

/* First name, last name, both, and both the other way round. */
static bool
is_person(const struct globs *globs, struct kx_criteria_state *state,
    uint32_t first, uint32_t last)
{
	struct kx_buf *f = &state->folded;
	size_t one, two;

	unfold(state);
	if (!fold_string(state, KX_FOLD_NAME, first))
		return fold_string(state, KX_FOLD_NAME, last) &&
		    any_glob(globs, kx_buf_span(f));
	one = f->len;
	if (any_glob(globs, kx_buf_span(f)))
		return true;
	kx_buf_addc(f, ' ');
	if (!fold_string(state, KX_FOLD_NAME, last))
		return false;
	two = f->len;
	kx_buf_addc(f, ' ');
	if (!fold_string(state, KX_FOLD_NAME, first))
		return false;
	return any_glob(globs, (struct kx_span){ f->ptr, two }) ||
	    any_glob(globs, (struct kx_span){ f->ptr + one + 1,
	    two - one - 1 }) ||
	    any_glob(globs, (struct kx_span){ f->ptr + one + 1,
	    f->len - one - 1 });
}

static bool
faces_match(const struct kx_criteria *criteria,
    struct kx_criteria_state *state, bool *person)
{
	const struct kx_rows *rows = &state->event.rows[KX_GROUP_FACE];
	const struct kx_row *row = rows->row;
	bool similar = !criteria->similar;
	uint32_t i;
	double x;

	for (i = 0; i < rows->n; i++, row++) {
		if (!similar && kx_value_num(state->event.json,
		    kx_row_get(row, KX_FACE_SIMILARITY), &x))
			similar = x >= criteria->min_similarity;
		if (!*person)
			*person = is_person(&criteria->persons, state,
			    kx_row_get(row, KX_FACE_FIRST_NAME),
			    kx_row_get(row, KX_FACE_LAST_NAME));
	}
	return similar;
}

static bool
plates_match(const struct kx_criteria *criteria,
    struct kx_criteria_state *state, bool *person)
{
	const struct kx_rows *rows = &state->event.rows[KX_GROUP_PLATE];
	const struct kx_row *row = rows->row;
	bool number = criteria->plates.n == 0;
	bool issued = criteria->states.n == 0;
	uint32_t i;

	for (i = 0; i < rows->n; i++, row++) {
		unfold(state);
		if (!number && fold_string(state, KX_FOLD_PLATE,
		    kx_row_get(row, KX_PLATE_NUMBER)))
			number = any_glob(&criteria->plates,
			    kx_buf_span(&state->folded));
		if (!issued)
			issued = is_named(&criteria->states, state,
			    kx_row_get(row, KX_PLATE_STATE));
		if (!*person)
			*person = is_person(&criteria->persons, state,
			    kx_row_get(row, KX_PLATE_OWNER_FIRST_NAME),
			    kx_row_get(row, KX_PLATE_OWNER_LAST_NAME));
	}
	return number && issued;
}

/* Any row whose id or name is one of the items? */
static bool
rows_match(const struct items *items, struct kx_criteria_state *state,
    enum kx_group group, enum kx_field id, enum kx_field name)
{
	const struct kx_rows *rows = &state->event.rows[group];
	uint32_t i;

	if (items->n == 0)
		return true;
	for (i = 0; i < rows->n; i++)
		if (is_id(items, state->event.json,
		    kx_row_get(&rows->row[i], id)) ||
		    is_named(items, state, kx_row_get(&rows->row[i], name)))
			return true;
	return false;
}

static bool
images_match(const struct kx_criteria_state *state)
{
	const struct kx_rows *rows = &state->event.rows[KX_GROUP_SNAPSHOT];
	const struct kx_json *json = state->event.json;
	uint32_t i, image;

	for (i = 0; i < rows->n; i++) {
		image = kx_row_get(&rows->row[i], KX_SNAPSHOT_IMAGE);
		if (image != 0 && kx_json_type(json, image) ==
		    KX_JSON_STRING && json->node[image].len > 2)
			return true;
	}
	return false;
}

double
kx_great_circle(double lat1, double lon1, double lat2, double lon2)
{
	double a, b, h;

	a = sin((lat2 - lat1) * RADIANS / 2);
	b = sin((lon2 - lon1) * RADIANS / 2);
	h = a * a + cos(lat1 * RADIANS) * cos(lat2 * RADIANS) * b * b;
	return 2 * EARTH_M * asin(sqrt(h < 1 ? h : 1));
}

static bool
is_near(const struct kx_criteria *criteria,
    const struct kx_criteria_state *state)
{
	const struct kx_event *event = &state->event;
	const struct place *place = criteria->place;
	double lat, lon;
	size_t i;

	if (!kx_value_num(event->json, kx_event_get(event,
	    KX_EVENT_LATITUDE), &lat) ||
	    !kx_value_num(event->json, kx_event_get(event,
	    KX_EVENT_LONGITUDE), &lon))
		return false;
	for (i = 0; i < criteria->n_places; i++, place++)
		if (kx_great_circle(lat, lon, place->lat, place->lon) <=
		    place->radius)
			return true;
	return false;
}

static bool
channel_matches(const struct kx_criteria *criteria,
    const struct kx_event *event)
{
	return is_id(&criteria->channels, event->json,
	    kx_event_get(event, KX_EVENT_CHANNEL_ID)) ||
	    is_exactly(&criteria->channels, event->json,
	    kx_event_get(event, KX_EVENT_CHANNEL_NAME));
}

bool
kx_criteria_match(const struct kx_criteria *criteria,
    struct kx_criteria_state *state, const struct kx_json *json,
    bool *no_memory)
{
	const struct kx_criteria *c = criteria;
	bool person = c->persons.n == 0, met;

	if (kx_json_type(json, 0) != KX_JSON_OBJECT ||
	    !envelope_matches(c, json))
		return false;
	if (!c->deep)
		return true;
	if (!kx_event_walk(&state->event, c->schema, json)) {
		*no_memory = true;
		return false;
	}
	state->no_memory = false;
	met = (c->channels.n == 0 || channel_matches(c, &state->event)) &&
	    (c->n_places == 0 || is_near(c, state)) &&
	    (!c->has_image || images_match(state)) &&
	    rows_match(&c->lists, state, KX_GROUP_IDENTITY,
	    KX_IDENTITY_LIST_ID, KX_IDENTITY_LIST_NAME) &&
	    rows_match(&c->tags, state, KX_GROUP_TAG, KX_TAG_ID,
	    KX_TAG_NAME) && faces_match(c, state, &person) &&
	    plates_match(c, state, &person) && person;
	if (state->no_memory)
		*no_memory = true;
	return met;
}
