/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event: a scanned record, walked once by the field table (fields.def).
 *
 * The event holds indexes of nodes of the scanned text, nothing decoded and
 * nothing copied: who wants a value asks for the node's span.  An image is an
 * index like any other, and costs nothing until somebody decodes it.
 *
 * Where the document has two spellings of a field (nested `channel.id`, flat
 * `channel_id`), both are found; the nested one counts where both are there.
 */
#ifndef KX_EVENT_H
#define KX_EVENT_H

#include "kx/base.h"
#include "kx/json.h"

/* What a field belongs to. */
enum kx_group {
	KX_GROUP_EVENT,
	KX_GROUP_IDENTITY,
	KX_GROUP_FACE,
	KX_GROUP_PLATE,
	KX_GROUP_SNAPSHOT,
	KX_GROUP_TAG,
	KX_N_GROUPS
};

enum kx_type {
	KX_TYPE_INT, KX_TYPE_NUM, KX_TYPE_STR, KX_TYPE_BOOL, KX_TYPE_ID,
	KX_TYPE_TIME, KX_TYPE_PROB, KX_TYPE_IMAGE, KX_TYPE_OBJECT,
	KX_TYPE_ARRAY
};

enum kx_presence { KX_PRESENCE_REQ, KX_PRESENCE_DOC, KX_PRESENCE_OPT };

/* KX_EVENT_LEVEL, KX_FACE_ID ...: a field of any group, in table order. */
enum kx_field {
#define KX_FIELD(group, symbol, ...) KX_##group##_##symbol,
#include "../../lib/fields.def"
	KX_N_FIELDS
};

/* The group of each, for whoever asks with a constant and gets one. */
static inline enum kx_group
kx_field_group(enum kx_field f)
{
	static const uint8_t group[KX_N_FIELDS] = {
#define KX_FIELD(g, ...) KX_GROUP_##g,
#include "../../lib/fields.def"
	};

	return (enum kx_group)group[f];
}

struct kx_field_info {
	enum kx_group group;
	const char *column;	/* name in tables: "channel.name" */
	const char *pointer;	/* canonical place: "/channel/name" */
	enum kx_type type;
	enum kx_presence presence;
	double min, max;	/* both 0: no limits */
	const char *values;	/* blank-separated, or "" */
	const char *unit;
	const char *meaning;
};

/* The table, KX_N_FIELDS rows, by enum kx_field. */
extern const struct kx_field_info kx_field_info[KX_N_FIELDS];

/* Values of field f that are in use, or names of them, separated by blanks:
 * the closed set of the table, or what is known of an open one; "" where there
 * is nothing to offer. */
const char *kx_field_known(enum kx_field f);

/* The field whose column is `name`; -1 where there is none. */
int kx_field_find(struct kx_span name);

/* Containers that are no fields of the table: of an event, and behind
 * KX_N_PARTS of an identity. */
enum kx_part {
	KX_PART_ATTRIBUTES, KX_PART_OBJECT, KX_PART_COLOR,
	KX_PART_OBJECT_TYPE, KX_PART_TAGS, KX_PART_FLAT_TAGS,
	KX_PART_METHOD,		/* a captured request's, beside an event's */
	KX_N_PARTS,
	KX_PART_FACES = KX_N_PARTS, KX_PART_PLATES, KX_PART_LIST,
	KX_N_ALL_PARTS
};

/* One element of a repeated group.  field[] is by enum kx_field less the
 * group's first field: use kx_row_get(). */
struct kx_row {
	uint32_t nowhere;	/* the walk's: see struct kx_event */
	uint32_t node;		/* the element */
	uint32_t identity;	/* FACE, PLATE: index of its identity */
	uint32_t field[5];	/* nodes; 0: absent */
	/* IDENTITY: by enum kx_part less KX_N_PARTS */
	uint32_t part[KX_N_ALL_PARTS - KX_N_PARTS];
};

struct kx_rows {
	struct kx_row *row;
	uint32_t n, cap;
};

struct kx_event {
	uint32_t nowhere;		/* the walk leaves here what nobody
					   wants */
	const struct kx_json *json;
	bool is_object;			/* else nothing below is set */
	bool no_memory;			/* some rows could not be kept */
	bool may_repeat;		/* an object of the record may have a
					   name twice: kx_json_duplicates()
					   knows; false: none has */
	bool has_flat;			/* some of `flat` is set */
	uint32_t field[KX_N_FIELDS];	/* KX_GROUP_EVENT's; 0: absent */
	uint32_t flat[KX_N_FIELDS];	/* the other spelling, where used */
	uint32_t part[KX_N_PARTS];	/* nodes of containers; 0: absent */
	struct kx_rows rows[KX_N_GROUPS];	/* but EVENT's */
};

/* The field table made ready for looking names up: read-only, shared by all
 * threads, freed with kx_schema_free().  NULL without memory. */
struct kx_schema *kx_schema_new(void);
/* The same of some fields alone, by enum kx_field, and of the groups whose bits
 * are set (a group's rows, and those of groups that they are in): the walk does
 * not go into what holds none of them, so a name that is twice in there shows
 * as may_repeat. */
struct kx_schema *kx_schema_new_for(const bool *fields, unsigned groups);
void kx_schema_free(struct kx_schema *schema);

/* Zero-initialised is valid.  Rows are reused from one event to the next. */
void kx_event_fini(struct kx_event *event);

/* Walk json, which must outlive the use of *event.  False without memory. */
bool kx_event_walk(struct kx_event *event, const struct kx_schema *schema,
    const struct kx_json *json) KX_MUST_CHECK;

/* The same for an event that is the value at node `root`: may_repeat then
 * speaks of what is inside that value. */
bool kx_event_walk_at(struct kx_event *event, const struct kx_schema *schema,
    const struct kx_json *json, uint32_t root) KX_MUST_CHECK;

/* The first field of a group, so that rows can be indexed. */
static inline enum kx_field
kx_group_first(enum kx_group group)
{
	/* The groups' rows stand together in the table; a test says so. */
	static const enum kx_field first[KX_N_GROUPS] = {
		KX_EVENT_MONITOR_ID, KX_IDENTITY_LIST_ID, KX_FACE_ID,
		KX_PLATE_ID, KX_SNAPSHOT_TYPE, KX_TAG_ID
	};

	return first[group];
}

static inline uint32_t
kx_event_get(const struct kx_event *event, enum kx_field f)
{
	return event->field[f];
}

/* A container of an identity. */
static inline uint32_t
kx_row_part(const struct kx_row *row, enum kx_part part)
{
	return row->part[part - KX_N_PARTS];
}

/* Field f of a row of f's own group. */
static inline uint32_t
kx_row_get(const struct kx_row *row, enum kx_field f)
{
	return row->field[f - kx_group_first(kx_field_group(f))];
}

/*
 * Values of nodes, read for their meaning.  Each returns false where node is
 * 0 or does not hold such a value.
 */

/* A number that is whole, however spelled, or a string of decimal digits: an
 * id or a level.  Exact; false where it does not fit. */
bool kx_value_int(const struct kx_json *json, uint32_t node, int64_t *out);
/* A number, or a string that spells one. */
bool kx_value_num(const struct kx_json *json, uint32_t node, double *out);
/* The text of a string, decoded (as kx_json_decode()), or a number as it is
 * spelled: what an id is compared by. */
bool kx_value_text(const struct kx_json *json, uint32_t node,
    struct kx_buf *scratch, struct kx_span *out);

/* Names of the levels 0-3: low, normal, high, critical; NULL beyond. */
const char *kx_level_name(int64_t level);

/* The parts of an event's `id`, origin:ms:event_id (three runs of digits);
 * false where it is of another form. */
bool kx_id_parse(struct kx_span id, struct kx_span *origin,
    struct kx_span *start_ms, struct kx_span *event_id);

#endif
