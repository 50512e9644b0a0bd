/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The catalogue of columns: fields.def, a table of what is derived, and which
 * of them each kind of table has by default.
 */
#include <config.h>

#include "kx/column.h"

#define DERIVED(symbol, name_, cell_, unit_, group_, meaning_) \
	[KX_DERIVED_##symbol] = { .name = name_, .cell = KX_CELL_##cell_, \
	    .unit = unit_, .meaning = meaning_, .field = -1, \
	    .derived = KX_DERIVED_##symbol, .program = -1, \
	    .group = KX_GROUP_##group_ }

static const struct kx_column derived[KX_N_DERIVED] = {
	DERIVED(START_ISO, "start_iso", TIME, "", EVENT,
	    "start of the event, ISO 8601"),
	DERIVED(END_ISO, "end_iso", TIME, "", EVENT,
	    "end of the event, ISO 8601"),
	DERIVED(DURATION_MS, "duration_ms", INTEGER, "ms", EVENT,
	    "end_time less start_time"),
	DERIVED(LEVEL_NAME, "level_name", TEXT, "", EVENT,
	    "level in words: low, normal, high, critical"),
	DERIVED(ORIGIN, "origin", TEXT, "", EVENT,
	    "first part of id: a number of unknown meaning"),
	DERIVED(IMAGES, "images", INTEGER, "", EVENT,
	    "snapshots that carry their image"),
	DERIVED(TAGS, "tags", INTEGER, "", EVENT,
	    "tags of the camera"),
	DERIVED(IDENTITY_INDEX, "identity.index", INTEGER, "", IDENTITY,
	    "which of the identities, from 0"),
	DERIVED(IDENTITY_KIND, "identity.kind", TEXT, "", IDENTITY,
	    "face or plate: what the identity has; face where it has both"),
	DERIVED(IDENTITY_FACES, "identity.faces", INTEGER, "", IDENTITY,
	    "faces of the identity"),
	DERIVED(IDENTITY_PLATES, "identity.plates", INTEGER, "", IDENTITY,
	    "plates of the identity"),
	DERIVED(FACE_INDEX, "face.index", INTEGER, "", FACE,
	    "which of the identity's faces, from 0"),
	DERIVED(PLATE_INDEX, "plate.index", INTEGER, "", PLATE,
	    "which of the identity's plates, from 0"),
	DERIVED(SNAPSHOT_INDEX, "snapshot.index", INTEGER, "", SNAPSHOT,
	    "which of the snapshots, from 0"),
	DERIVED(HAS_IMAGE, "snapshot.has_image", BOOLEAN, "", SNAPSHOT,
	    "the snapshot carries its image"),
	DERIVED(STAMP_NS, "stamp_ns", INTEGER, "ns", SNAPSHOT,
	    "instant of the frame, from its path"),
	DERIVED(EXPIRES_ISO, "expires_iso", TIME, "", SNAPSHOT,
	    "when the server drops the frame, from its path: stamp and ttl"),
	DERIVED(TAG_INDEX, "tag.index", INTEGER, "", TAG,
	    "which of the tags, from 0"),
	DERIVED(SOURCE, "source", TEXT, "", EVENT,
	    "file that the event is in"),
	DERIVED(LINE, "line", INTEGER, "", EVENT,
	    "line at which the event begins there, from 1"),
	DERIVED(OFFSET, "offset", INTEGER, "bytes", EVENT,
	    "byte at which the event begins there, from 0, unpacked"),
	DERIVED(RECORD_SHA256, "record_sha256", TEXT, "", EVENT,
	    "SHA-256 of the event's line, without its line end"),
};

static const char *const event_columns[] = {
	"start_time", "end_time", "duration_ms",
	"channel.id", "channel.name", "channel.address.country",
	"channel.address.city", "channel.address.street",
	"channel.latitude", "channel.longitude",
	"topic", "module", "level", "level_name",
	"list.name", "list.level", "plate.number", "plate.state",
	"face.first_name", "face.last_name", "object.type", "object.color",
	"face.similarity", "reliability",
	"identities", "snapshots", "images",
	"monitor_id", "id", "event_id", "face.id", "plate.id", "list.id",
	NULL
};

static const char *const identity_columns[] = {
	"start_time", "channel.id", "channel.name", "topic", "level",
	"identity.kind", "list.name", "list.level",
	"plate.number", "plate.state",
	"plate.owner_first_name", "plate.owner_last_name",
	"face.first_name", "face.last_name", "face.similarity", "reliability",
	"identity.faces", "identity.plates",
	"id", "event_id", "identity.index", "list.id", "face.id", "plate.id",
	NULL
};

static const char *const face_columns[] = {
	"start_time", "channel.id", "channel.name", "topic", "level",
	"list.name", "list.level",
	"face.first_name", "face.last_name", "face.similarity",
	"id", "event_id", "identity.index", "face.index", "list.id",
	"face.id", NULL
};

static const char *const plate_columns[] = {
	"start_time", "channel.id", "channel.name", "topic", "level",
	"list.name", "list.level", "plate.number", "plate.state",
	"plate.owner_first_name", "plate.owner_last_name", "reliability",
	"id", "event_id", "identity.index", "plate.index", "list.id",
	"plate.id", NULL
};

static const char *const snapshot_columns[] = {
	"start_time", "stamp_ns", "channel.id", "channel.name", "topic",
	"snapshot.type", "snapshot.has_image", "snapshot.path", "expires_iso",
	"id", "event_id", "snapshot.index", NULL
};

static const char *const tag_columns[] = {
	"start_time", "channel.id", "channel.name", "tag.name",
	"id", "event_id", "tag.index", "tag.id", NULL
};

const char *
kx_group_name(enum kx_group rows)
{
	static const char *const names[KX_N_GROUPS] = {
		[KX_GROUP_EVENT] = "event",
		[KX_GROUP_IDENTITY] = "identity",
		[KX_GROUP_FACE] = "face",
		[KX_GROUP_PLATE] = "plate",
		[KX_GROUP_SNAPSHOT] = "snapshot",
		[KX_GROUP_TAG] = "tag"
	};

	return names[rows];
}

const char *const *
kx_column_defaults(enum kx_group rows)
{
	static const char *const *const lists[KX_N_GROUPS] = {
		[KX_GROUP_EVENT] = event_columns,
		[KX_GROUP_IDENTITY] = identity_columns,
		[KX_GROUP_FACE] = face_columns,
		[KX_GROUP_PLATE] = plate_columns,
		[KX_GROUP_SNAPSHOT] = snapshot_columns,
		[KX_GROUP_TAG] = tag_columns
	};

	return lists[rows];
}

const char *
kx_cell_name(enum kx_cell cell)
{
	switch (cell) {
	case KX_CELL_INTEGER: return "integer";
	case KX_CELL_NUMBER: return "number";
	case KX_CELL_TEXT: return "text";
	case KX_CELL_BOOLEAN: return "boolean";
	case KX_CELL_TIME: return "time";
	case KX_CELL_JSON: return "json";
	}
	return "text";
}

const char *
kx_type_words(enum kx_type type)
{
	switch (type) {
	case KX_TYPE_INT: return "an integer";
	case KX_TYPE_NUM: return "a number";
	case KX_TYPE_STR: return "a string";
	case KX_TYPE_BOOL: return "true or false";
	case KX_TYPE_ID: return "an integer or a string";
	case KX_TYPE_TIME: return "an integer";
	case KX_TYPE_PROB: return "a number";
	case KX_TYPE_IMAGE: return "a string";
	case KX_TYPE_OBJECT: return "an object";
	case KX_TYPE_ARRAY: return "an array";
	}
	return "anything else";
}

/* --- lists of columns --------------------------------------------------- */

/* Behind a string of jq that begins at p: \( ... ) in it holds a program,
 * which may hold strings. */
static const char *
skip_string(const char *p)
{
	unsigned depth = 0;	/* of programs and their parentheses */

	for (p++; *p != '\0'; p++) {
		if (depth == 0 && *p == '"')
			return p + 1;
		if (depth == 0 && *p == '\\') {
			depth += p[1] == '(';
			p += p[1] != '\0';
		} else if (depth > 0 && *p == '"') {
			p = skip_string(p) - 1;
		} else if (depth > 0) {
			depth += *p == '(';
			depth -= *p == ')';
		}
	}
	return p;
}

/* The comma that ends a program, or its end. */
static const char *
program_end(const char *p)
{
	int depth = 0;

	while (*p != '\0' && (*p != ',' || depth > 0)) {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		depth += *p == '(' || *p == '[' || *p == '{';
		depth -= *p == ')' || *p == ']' || *p == '}';
		p++;
	}
	return p;
}

bool
kx_column_item(const char **list, struct kx_column_item *item)
{
	const char *p = *list, *end;

	if (p == NULL)
		return false;
	while (*p == ' ')
		p++;
	item->name.ptr = p;
	item->program = KX_SPAN_NULL;
	p += strcspn(p, ",=");
	end = p;
	while (end > item->name.ptr && end[-1] == ' ')
		end--;
	item->name.len = (size_t)(end - item->name.ptr);
	if (item->name.len == 0) {
		*list = item->name.ptr;
		return false;
	}
	if (*p == '=') {
		end = program_end(p + 1);
		item->program = (struct kx_span){ p + 1,
		    (size_t)(end - p) - 1 };
		p = end;
	}
	*list = *p == ',' ? p + 1 : NULL;
	return true;
}

/* --- the catalogue ------------------------------------------------------ */

static enum kx_cell
cell_of(enum kx_type type)
{
	switch (type) {
	case KX_TYPE_INT:
	case KX_TYPE_TIME:
	case KX_TYPE_ARRAY:
		return KX_CELL_INTEGER;
	case KX_TYPE_NUM:
	case KX_TYPE_PROB:
		return KX_CELL_NUMBER;
	case KX_TYPE_BOOL:
		return KX_CELL_BOOLEAN;
	case KX_TYPE_OBJECT:
		return KX_CELL_JSON;
	case KX_TYPE_STR:
	case KX_TYPE_ID:
	case KX_TYPE_IMAGE:
		break;
	}
	return KX_CELL_TEXT;
}

/* What JSON may have where a field of this type is looked for. */
static void
set_takes(struct kx_column *column)
{
	const uint8_t number = 1u << KX_JSON_NUMBER;
	const uint8_t string = 1u << KX_JSON_STRING;

	switch (column->type) {
	case KX_TYPE_INT:
	case KX_TYPE_TIME:
		column->takes = column->whole = number;
		break;
	case KX_TYPE_ID:
		column->takes = number | string;
		column->whole = number;
		break;
	case KX_TYPE_NUM:
		column->takes = number;
		break;
	case KX_TYPE_PROB:
		column->takes = number | string;
		column->spelled = string;
		break;
	case KX_TYPE_STR:
	case KX_TYPE_IMAGE:
		column->takes = string;
		break;
	case KX_TYPE_BOOL:
		column->takes = 1u << KX_JSON_TRUE | 1u << KX_JSON_FALSE;
		break;
	case KX_TYPE_ARRAY:
		column->takes = 1u << KX_JSON_ARRAY;
		break;
	case KX_TYPE_OBJECT:
		column->takes = 1u << KX_JSON_OBJECT;
		break;
	}
}

static void
of_field(int f, struct kx_column *out)
{
	const struct kx_field_info *info = &kx_field_info[f];

	*out = (struct kx_column){ .name = info->column,
	    .cell = cell_of(info->type), .unit = info->unit,
	    .meaning = info->meaning, .field = f, .derived = -1,
	    .program = -1, .group = info->group,
	    .place = (unsigned)f - (unsigned)kx_group_first(info->group),
	    .type = info->type };
	set_takes(out);
}

bool
kx_column_find(struct kx_span name, struct kx_column *out)
{
	int i;

	for (i = 0; i < KX_N_DERIVED; i++) {
		if (kx_span_eq(name, kx_span_str(derived[i].name))) {
			*out = derived[i];
			return true;
		}
	}
	i = kx_field_find(name);
	if (i < 0)
		return false;
	of_field(i, out);
	return true;
}

bool
kx_column_nth(size_t n, struct kx_column *out)
{
	if (n < KX_N_FIELDS)
		of_field((int)n, out);
	else if (n - KX_N_FIELDS < KX_N_DERIVED)
		*out = derived[n - KX_N_FIELDS];
	else
		return false;
	return true;
}
