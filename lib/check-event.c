/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of a face or plate event, and what holds between its fields.
 */
#include <config.h>

#include <inttypes.h>

#include "kx/num.h"

#include "check-impl.h"

#define MINUTE_MS INT64_C(60000)

static bool
is_type(const struct kx_checker *c, uint32_t node, enum kx_json_type type)
{
	return kx_json_type(c->json, node) == type;
}

/* --- identities ----------------------------------------------------------- */

/* faces or plates of an identity: an array of objects, not empty, and its
 * rows.  False where there is none. */
static bool
check_people(struct kx_checker *c, uint32_t array, const char *name)
{
	uint32_t i, end;

	if (array == 0)
		return false;
	if (!is_type(c, array, KX_JSON_ARRAY)) {
		kx_check_say(c, KX_RULE_WRONG_TYPE, array,
		    "%s must be an array, not %s", name,
		    kx_json_kind(c->json, array));
		return true;
	}
	end = c->json->node[array].next;
	for (i = array + 1; i < end; i = c->json->node[i].next)
		if (!is_type(c, i, KX_JSON_OBJECT))
			kx_check_say(c, KX_RULE_WRONG_TYPE, i, "an element of "
			    "%s must be an object, not %s", name,
			    kx_json_kind(c->json, i));
	return end > array + 1;
}

/* The rows of one identity.  They stand in the order of the identities, so
 * *at goes through them once. */
static void
check_rows(struct kx_checker *c, enum kx_group group, uint32_t identity,
    uint32_t *at)
{
	const struct kx_rows *rows = &c->event.rows[group];

	for (; *at < rows->n && rows->row[*at].identity <= identity; ++*at)
		if (rows->row[*at].identity == identity &&
		    is_type(c, rows->row[*at].node, KX_JSON_OBJECT))
			kx_check_row_fields(c, group, &rows->row[*at]);
}

/* The letters that look like Latin ones, as plates have them. */
static const struct {
	const char cyrillic[3];
	char latin;
} lookalikes[] = {
	{ "\xd0\x90", 'A' }, { "\xd0\x92", 'B' }, { "\xd0\x95", 'E' },
	{ "\xd0\x9a", 'K' }, { "\xd0\x9c", 'M' }, { "\xd0\x9d", 'H' },
	{ "\xd0\x9e", 'O' }, { "\xd0\xa0", 'P' }, { "\xd0\xa1", 'C' },
	{ "\xd0\xa2", 'T' }, { "\xd0\xa3", 'Y' }, { "\xd0\xa5", 'X' }
};

static bool
is_plate_character(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
	    (ch >= 'a' && ch <= 'z') || ch == '-' || ch == '_';
}

/* The Latin reading of the character at s, which is not plain; 0 if it has
 * none. */
static char
latin_reading(struct kx_span s)
{
	size_t i;

	if (s.len >= 2)
		for (i = 0; i < sizeof lookalikes / sizeof lookalikes[0]; i++)
			if (!memcmp(s.ptr, lookalikes[i].cyrillic, 2))
				return lookalikes[i].latin;
	return '\0';
}

/* Word what is wrong with a number that is not plain. */
static void
odd_plate(struct kx_checker *c, uint32_t node, struct kx_span text)
{
	char reading[64];
	size_t i = 0, n = 0;
	char latin;

	while (i < text.len && n + 1 < sizeof reading) {
		if (is_plate_character(text.ptr[i])) {
			reading[n++] = text.ptr[i++];
			continue;
		}
		latin = latin_reading((struct kx_span){ text.ptr + i,
		    text.len - i });
		if (latin == '\0')
			break;
		reading[n++] = latin;
		i += 2;
	}
	reading[n] = '\0';
	if (i == text.len)
		kx_check_say(c, KX_RULE_PLATE_LOOKALIKE, node, "%.*s has "
		    "Cyrillic letters; the Latin reading is %s", SHOW(text),
		    reading);
	else
		kx_check_say(c, KX_RULE_PLATE_CHARACTERS, node, "%.*s has more "
		    "than Latin letters, digits, `-' and `_'", SHOW(text));
}

static void
check_plate(struct kx_checker *c, const struct kx_row *row)
{
	uint32_t node = kx_row_get(row, KX_PLATE_NUMBER);
	struct kx_span text;
	size_t i;

	if (node == 0 || !is_type(c, node, KX_JSON_STRING))
		return;
	text = kx_check_text(c, node);
	if (text.len == 0)
		kx_check_say(c, KX_RULE_PLATE_EMPTY, node,
		    "the plate's number is empty");
	for (i = 0; i < text.len; i++)
		if (KX_UNLIKELY(!is_plate_character(text.ptr[i]))) {
			odd_plate(c, node, text);
			break;
		}
}

static void
check_plates(struct kx_checker *c)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_PLATE];
	uint32_t i;

	for (i = 0; i < rows->n; i++)
		check_plate(c, &rows->row[i]);
}

static void
check_list(struct kx_checker *c, const struct kx_row *row)
{
	uint32_t list = kx_row_part(row, KX_PART_LIST);

	if (list == 0)
		kx_check_say(c, KX_RULE_MISSING_FIELD, row->node,
		    "list is missing");
	else if (!is_type(c, list, KX_JSON_OBJECT))
		kx_check_say(c, KX_RULE_WRONG_TYPE, list,
		    "list must be an object, not %s",
		    kx_json_kind(c->json, list));
	else
		kx_check_row_fields(c, KX_GROUP_IDENTITY, row);
}

/* *face and *plate are how far check_rows() is. */
static void
check_identity(struct kx_checker *c, uint32_t index, uint32_t *face,
    uint32_t *plate)
{
	const struct kx_row *row =
	    &c->event.rows[KX_GROUP_IDENTITY].row[index];
	uint32_t node = row->node, faces, plates;
	bool has_faces, has_plates;

	if (!is_type(c, node, KX_JSON_OBJECT)) {
		kx_check_say(c, KX_RULE_WRONG_TYPE, node, "an identity must be "
		    "an object, not %s", kx_json_kind(c->json, node));
		return;
	}
	faces = kx_row_part(row, KX_PART_FACES);
	plates = kx_row_part(row, KX_PART_PLATES);
	has_faces = check_people(c, faces, "faces");
	has_plates = check_people(c, plates, "plates");
	if (has_faces && has_plates)
		kx_check_say(c, KX_RULE_IDENTITY_KIND, node,
		    "an identity with both faces and plates");
	else if (!has_faces && !has_plates)
		kx_check_say(c, KX_RULE_IDENTITY_KIND, node,
		    "an identity with neither faces nor plates");
	if (c->faces && has_plates)
		kx_check_say(c, KX_RULE_FACE_MISMATCH, plates,
		    "topic is FaceMatched, but here are plates");
	if (c->plates && has_faces)
		kx_check_say(c, KX_RULE_PLATE_MISMATCH, faces,
		    "topic is PlateMatched, but here are faces");
	check_rows(c, KX_GROUP_FACE, index, face);
	check_rows(c, KX_GROUP_PLATE, index, plate);
	check_list(c, row);
}

static void
check_identities(struct kx_checker *c)
{
	uint32_t params = kx_event_get(&c->event, KX_EVENT_PARAMS);
	uint32_t node = kx_event_get(&c->event, KX_EVENT_IDENTITIES), i;
	uint32_t face = 0, plate = 0;

	if (node == 0 || !is_type(c, node, KX_JSON_ARRAY)) {
		kx_check_say(c, KX_RULE_IDENTITIES_MISSING, node != 0 ? node :
		    params != 0 ? params : c->root, node == 0 ?
		    "identities is missing" : "identities must be an array");
		return;
	}
	if (c->json->node[node].next == node + 1)
		kx_check_say(c, KX_RULE_IDENTITIES_MISSING, node,
		    "identities is empty");
	for (i = 0; i < c->event.rows[KX_GROUP_IDENTITY].n; i++)
		check_identity(c, i, &face, &plate);
	check_plates(c);
}

/* level is the highest of the lists' (X11). */
static void
check_level_max(struct kx_checker *c)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_IDENTITY];
	uint32_t node = kx_event_get(&c->event, KX_EVENT_LEVEL), i;
	int64_t level, one, most = -1;

	if (!rule_is_on(c, KX_RULE_LEVEL_MAX) ||
	    !kx_value_int(c->json, node, &level))
		return;
	for (i = 0; i < rows->n; i++)
		if (kx_value_int(c->json, kx_row_get(&rows->row[i],
		    KX_IDENTITY_LIST_LEVEL), &one) && one > most)
			most = one;
	if (most >= 0 && level != most)
		kx_check_say(c, KX_RULE_LEVEL_MAX, node, "level is %" PRId64
		    ", the highest of the lists' levels is %" PRId64, level,
		    most);
}

/* --- params --------------------------------------------------------------- */

/* A member of params that must be an object to be read. */
static uint32_t
check_group(struct kx_checker *c, enum kx_part part, const char *name)
{
	uint32_t node = c->event.part[part];

	if (node != 0 && !is_type(c, node, KX_JSON_OBJECT))
		kx_check_say(c, KX_RULE_ODD_TYPE, node,
		    "%s must be an object, not %s", name,
		    kx_json_kind(c->json, node));
	return node;
}

static void
check_params(struct kx_checker *c)
{
	uint32_t params = kx_event_get(&c->event, KX_EVENT_PARAMS);
	uint32_t hat = c->event.flat[KX_EVENT_HAS];
	uint32_t reliability = kx_event_get(&c->event, KX_EVENT_RELIABILITY);
	uint32_t attributes, object;

	if (params == 0)
		return;
	attributes = check_group(c, KX_PART_ATTRIBUTES, "attributes");
	object = check_group(c, KX_PART_OBJECT, "object");
	if (object != 0) {
		check_group(c, KX_PART_COLOR, "color");
		check_group(c, KX_PART_OBJECT_TYPE, "object_type");
	}
	if (hat != 0)
		kx_check_say(c, KX_RULE_HAT_KEY, hat,
		    "the name on the wire is has");
	if (c->plates && reliability == 0)
		kx_check_say(c, KX_RULE_MISSING_DETAIL, params,
		    "reliability is missing");
	if (c->plates && attributes != 0)
		kx_check_say(c, KX_RULE_FOREIGN_PARAMS, attributes,
		    "attributes are of faces; this is a plate");
	if (c->faces && object != 0)
		kx_check_say(c, KX_RULE_FOREIGN_PARAMS, object,
		    "object is of vehicles; this is a face");
	if (c->faces && reliability != 0)
		kx_check_say(c, KX_RULE_FOREIGN_PARAMS, reliability,
		    "reliability is of plates; this is a face");
}

/* --- identifiers ---------------------------------------------------------- */

/* params.eventId, or eventId at the top. */
static void
check_params_event_id(struct kx_checker *c, uint32_t node)
{
	struct kx_span text;

	if (node == 0 || !c->has_event_id)
		return;
	if (!kx_value_text(c->json, node, &c->scratch, &text) ||
	    !kx_span_eq(text, c->event_id))
		kx_check_say(c, KX_RULE_EVENT_ID_DIFFERS, node,
		    "eventId is not the event_id, %.*s", SHOW(c->event_id));
}

static void
check_ids(struct kx_checker *c)
{
	uint32_t id = kx_event_get(&c->event, KX_EVENT_ID);
	uint32_t again = kx_event_get(&c->event, KX_EVENT_PARAMS_EVENT_ID);
	uint32_t flat = c->event.flat[KX_EVENT_PARAMS_EVENT_ID];
	int64_t ms;

	if (c->has_id_parts && c->has_event_id &&
	    !kx_span_eq(c->id_event, c->event_id))
		kx_check_say(c, KX_RULE_ID_EVENT_DIFFERS, id, "the third part "
		    "is %.*s, event_id is %.*s", SHOW(c->id_event),
		    SHOW(c->event_id));
	if (c->has_id_parts && c->has_start &&
	    kx_num_i64(c->id_ms, &ms) && ms != c->start_ms)
		kx_check_say(c, KX_RULE_ID_TIME_DIFFERS, id, "the middle part "
		    "is %.*s, start_time is %" PRId64, SHOW(c->id_ms),
		    c->start_ms);
	if (again == 0 && rule_is_on(c, KX_RULE_MISSING_BY_TABLE))
		kx_check_say(c, KX_RULE_MISSING_BY_TABLE, c->root,
		    "params.eventId is missing");
	check_params_event_id(c, again);
	if (flat != again)
		check_params_event_id(c, flat);
}

/* --- snapshots ------------------------------------------------------------ */

/* Of all snapshots of an event: the channel and stream of the first path. */
struct paths {
	struct kx_span channel, stream;
	char first[64];
	bool mixed;
};

/* The stamp and the event's time; the frame's age. */
static void
check_stamp(struct kx_checker *c, const struct kx_row *row, uint32_t node,
    const struct path_parts *parts)
{
	uint32_t image = kx_row_get(row, KX_SNAPSHOT_IMAGE);
	int64_t ms, ttl, end;

	if (!kx_num_i64(parts->stamp, &ms))
		return;
	ms /= 1000000;
	end = c->has_end && c->end_ms > c->start_ms ? c->end_ms : c->start_ms;
	if (c->has_start && (ms < c->start_ms - MINUTE_MS ||
	    ms - MINUTE_MS > end))
		kx_check_say(c, KX_RULE_PATH_TIME, node, "the frame was taken "
		    "%" PRId64 " s %s the event", ms < c->start_ms ?
		    (c->start_ms - ms) / 1000 : (ms - end) / 1000,
		    ms < c->start_ms ? "before" : "after");
	if (!c->check->has_now || (image != 0 &&
	    !is_type(c, image, KX_JSON_NULL) &&
	    c->json->node[image].len > 2))
		return;
	if (kx_num_i64(parts->ttl, &ttl) &&
	    !__builtin_mul_overflow(ttl, INT64_C(1000), &ttl) &&
	    !__builtin_add_overflow(ttl, ms, &ttl) && ttl < c->check->now_ms)
		kx_check_say(c, KX_RULE_EXPIRED_REFERENCE, node, "the frame is "
		    "only a path, and the server dropped it %" PRId64
		    " days ago", (c->check->now_ms - ttl) / 86400000);
}

static void
check_path_channel(struct kx_checker *c, uint32_t node,
    const struct path_parts *parts)
{
	uint32_t id = kx_event_get(&c->event, KX_EVENT_CHANNEL_ID);
	uint32_t stream = kx_event_get(&c->event, KX_EVENT_STREAM_ID);

	if (id != 0 && is_type(c, id, KX_JSON_NUMBER) &&
	    !kx_span_eq(parts->channel, kx_json_raw(c->json, id)))
		kx_check_say(c, KX_RULE_PATH_CHANNEL, node, "the path is of "
		    "channel %.*s, the event of %.*s", SHOW(parts->channel),
		    SHOW(kx_json_raw(c->json, id)));
	if (stream != 0 && is_type(c, stream, KX_JSON_NUMBER) &&
	    !kx_span_eq(parts->stream, kx_json_raw(c->json, stream)))
		kx_check_say(c, KX_RULE_PATH_CHANNEL, node, "the path is of "
		    "stream %.*s, the event of %.*s", SHOW(parts->stream),
		    SHOW(kx_json_raw(c->json, stream)));
}

/* One channel and stream an event.  The spans die with the scratch buffer, so
 * the first pair is kept. */
static void
check_path_mixed(struct kx_checker *c, uint32_t node,
    const struct path_parts *parts, struct paths *paths)
{
	size_t a = parts->channel.len, b = parts->stream.len;

	if (paths->channel.len == 0) {
		if (a + b > sizeof paths->first)
			return;
		memcpy(paths->first, parts->channel.ptr, a);
		memcpy(paths->first + a, parts->stream.ptr, b);
		paths->channel = (struct kx_span){ paths->first, a };
		paths->stream = (struct kx_span){ paths->first + a, b };
	} else if (!paths->mixed &&
	    (!kx_span_eq(paths->channel, parts->channel) ||
	    !kx_span_eq(paths->stream, parts->stream))) {
		paths->mixed = true;
		kx_check_say(c, KX_RULE_PATH_MIXED, node, "this path is of "
		    "%.*s-%.*s, the first of %.*s-%.*s", SHOW(parts->channel),
		    SHOW(parts->stream), SHOW(paths->channel),
		    SHOW(paths->stream));
	}
}

static void
check_path(struct kx_checker *c, const struct kx_row *row,
    struct paths *paths)
{
	uint32_t node = kx_row_get(row, KX_SNAPSHOT_PATH);
	struct path_parts parts;
	struct kx_span path;

	if (node == 0 || !is_type(c, node, KX_JSON_STRING))
		return;
	path = kx_check_text(c, node);
	if (path.len == 0)
		return;
	if (!kx_path_parse(path, &parts)) {
		if (!kx_check_elided(path))
			kx_check_say(c, KX_RULE_PATH_FORM, node, "path is not "
			    "of the form that the product makes");
		else if (c->check->profile == KX_PROFILE_STRICT)
			kx_check_say(c, KX_RULE_DOC_PLACEHOLDER, node, "path "
			    "is elided: this is documentation, not data");
		else
			kx_check_say(c, KX_RULE_PATH_FORM, node, "path is "
			    "elided, as in the document's examples");
		return;
	}
	check_stamp(c, row, node, &parts);
	check_path_channel(c, node, &parts);
	check_path_mixed(c, node, &parts, paths);
}

static void
check_order(struct kx_checker *c)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_SNAPSHOT];
	uint32_t i, type, n_full = 0;
	bool first = false;

	if (!rule_is_on(c, KX_RULE_SNAPSHOT_ORDER))
		return;
	for (i = 0; i < rows->n; i++) {
		type = kx_row_get(&rows->row[i], KX_SNAPSHOT_TYPE);
		if (type == 0 || !is_type(c, type, KX_JSON_STRING) ||
		    !kx_json_str_eq(c->json, type, KX_SPAN("FULLSCREEN")))
			continue;
		n_full++;
		first |= i == 0;
	}
	if (n_full > 0 && !first)
		kx_check_say(c, KX_RULE_SNAPSHOT_ORDER, rows->row[0].node,
		    "the FULLSCREEN snapshot is not the first");
}

static void
check_snapshots(struct kx_checker *c)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_SNAPSHOT];
	struct paths paths = { .mixed = false };
	uint32_t i;

	for (i = 0; i < rows->n; i++) {
		if (!is_type(c, rows->row[i].node, KX_JSON_OBJECT)) {
			kx_check_say(c, KX_RULE_WRONG_TYPE, rows->row[i].node,
			    "a snapshot must be an object, not %s",
			    kx_json_kind(c->json, rows->row[i].node));
			continue;
		}
		kx_check_row_fields(c, KX_GROUP_SNAPSHOT, &rows->row[i]);
		check_path(c, &rows->row[i], &paths);
	}
	check_order(c);
	if (c->check->images)
		kx_check_images(c);
}

/* --- the camera ----------------------------------------------------------- */

static bool
same_value(struct kx_checker *c, uint32_t a, uint32_t b)
{
	struct kx_span text;

	if (kx_span_eq(kx_json_raw(c->json, a), kx_json_raw(c->json, b)))
		return true;
	if (!is_type(c, a, KX_JSON_STRING) || !is_type(c, b, KX_JSON_STRING))
		return false;
	text = kx_check_text(c, a);
	return kx_json_str_eq(c->json, b, text);
}

static void
check_spellings(struct kx_checker *c)
{
	bool said = false;
	int f;

	if (!c->event.has_flat)
		return;
	for (f = KX_EVENT_CHANNEL_ID; f < KX_N_FIELDS; f++) {
		uint32_t flat = c->event.flat[f], node = c->event.field[f];

		if (KX_LIKELY(flat == 0))
			continue;
		if (!said)
			kx_check_say(c, KX_RULE_FLAT_SPELLING, flat, "the flat "
			    "spelling of the document's table");
		said = true;
		if (flat != node && f != KX_EVENT_ADDRESS &&
		    !same_value(c, node, flat))
			kx_check_say(c, KX_RULE_SPELLINGS_DIFFER, flat,
			    "%s differs between its two spellings",
			    kx_field_info[f].column);
	}
}

static void
check_tags(struct kx_checker *c, uint32_t tags)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_TAG];
	uint32_t i;

	if (tags == 0)
		return;
	if (!is_type(c, tags, KX_JSON_ARRAY)) {
		kx_check_say(c, KX_RULE_ODD_TYPE, tags,
		    "tags must be an array, not %s",
		    kx_json_kind(c->json, tags));
		return;
	}
	for (i = 0; i < rows->n; i++) {
		if (rows->row[i].node < tags ||
		    rows->row[i].node >= c->json->node[tags].next)
			continue;
		if (!is_type(c, rows->row[i].node, KX_JSON_OBJECT))
			kx_check_say(c, KX_RULE_ODD_TYPE, rows->row[i].node,
			    "a tag must be an object, not %s",
			    kx_json_kind(c->json, rows->row[i].node));
		else
			kx_check_row_fields(c, KX_GROUP_TAG, &rows->row[i]);
	}
}

/* Most numbers show by their first digit that they are not. */
static bool
is_zero(const struct kx_json *json, uint32_t node)
{
	struct kx_span s;
	double value;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_NUMBER)
		return false;
	s = kx_json_raw(json, node);
	return s.ptr[*s.ptr == '-'] == '0' && kx_num_double(s, &value) &&
	    value == 0;
}

static void
check_channel(struct kx_checker *c)
{
	uint32_t lat = kx_event_get(&c->event, KX_EVENT_LATITUDE);
	uint32_t lon = kx_event_get(&c->event, KX_EVENT_LONGITUDE);

	check_spellings(c);
	if (is_zero(c->json, lat) && is_zero(c->json, lon))
		kx_check_say(c, KX_RULE_NULL_ISLAND,
		    kx_event_get(&c->event, KX_EVENT_LATITUDE),
		    "the camera stands at 0, 0");
	check_tags(c, c->event.part[KX_PART_TAGS]);
	check_tags(c, c->event.part[KX_PART_FLAT_TAGS]);
}

void
kx_check_parts(struct kx_checker *c)
{
	check_identities(c);
	check_params(c);
	kx_check_event_fields(c);
	check_snapshots(c);
	check_channel(c);
	check_ids(c);
	check_level_max(c);
}
