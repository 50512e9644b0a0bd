/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Columns that a table of events can have, by name: those of the field table
 * (fields.def, its `column`), and those that can be derived of them.
 *
 * A row is an event, or one element of a repeated part of it: what a row is,
 * is a group of the field table.  Every column can be had in every table:
 * those of a part that a row is not about are those of the first element.
 */
#ifndef KX_COLUMN_H
#define KX_COLUMN_H

#include "kx/base.h"
#include "kx/event.h"

/* What a cell holds. */
enum kx_cell {
	KX_CELL_INTEGER,
	KX_CELL_NUMBER,
	KX_CELL_TEXT,
	KX_CELL_BOOLEAN,	/* true or false */
	KX_CELL_TIME,		/* ISO 8601, to the millisecond, with a zone */
	KX_CELL_JSON		/* a JSON text */
};

/* Columns that no field of the event has. */
enum kx_derived {
	KX_DERIVED_START_ISO,
	KX_DERIVED_END_ISO,
	KX_DERIVED_DURATION_MS,
	KX_DERIVED_LEVEL_NAME,
	KX_DERIVED_ORIGIN,
	KX_DERIVED_IMAGES,
	KX_DERIVED_TAGS,
	KX_DERIVED_IDENTITY_INDEX,
	KX_DERIVED_IDENTITY_KIND,
	KX_DERIVED_IDENTITY_FACES,
	KX_DERIVED_IDENTITY_PLATES,
	KX_DERIVED_FACE_INDEX,
	KX_DERIVED_PLATE_INDEX,
	KX_DERIVED_SNAPSHOT_INDEX,
	KX_DERIVED_HAS_IMAGE,
	KX_DERIVED_STAMP_NS,
	KX_DERIVED_EXPIRES_ISO,
	KX_DERIVED_TAG_INDEX,
	KX_DERIVED_SOURCE,
	KX_DERIVED_LINE,
	KX_DERIVED_OFFSET,
	KX_DERIVED_RECORD_SHA256,
	KX_N_DERIVED
};

/* One of `field`, `derived` and `program` says what fills it, the others are
 * -1.  Of an ARRAY the cell is the count of its elements, of an OBJECT its
 * text. */
struct kx_column {
	const char *name;
	enum kx_cell cell;
	const char *unit;	/* or "" */
	const char *meaning;
	int field;		/* enum kx_field */
	int derived;		/* enum kx_derived */
	int program;		/* see kx_table_add_program() */
	enum kx_group group;	/* the part of the event that it is of */
	unsigned place;		/* of a field: its index in the group */
	enum kx_type type;	/* of a field */
	uint8_t takes;		/* bits by enum kx_json_type: values that may
				   be of the type */
	uint8_t whole;		/* the same: those that must be spelled as an
				   integer */
	uint8_t spelled;	/* the same: those that must spell a number */
};

/* "event", "identity" ...: what a row is. */
const char *kx_group_name(enum kx_group rows);

/* The column of that name; false where there is none. */
bool kx_column_find(struct kx_span name, struct kx_column *out);

/* Every column, from 0: the fields in the order of the table, then what is
 * derived.  False beyond the last. */
bool kx_column_nth(size_t n, struct kx_column *out);

/* The names of the columns that a table of such rows has if nothing else is
 * said, ended by NULL: when, where, what, who, how sure, and the keys. */
const char *const *kx_column_defaults(enum kx_group rows);

/* An item of a list of columns. */
struct kx_column_item {
	struct kx_span name;
	struct kx_span program;	/* of NAME=PROGRAM; its ptr is NULL else */
};

/*
 * Take the next item off a list, NAME or NAME=PROGRAM with commas in between;
 * blanks around a name do not count.  A comma in a string of the program, or
 * in its brackets, is the program's.  False at the end, and *list is NULL; or
 * where there is no name, with *list at the place.
 */
bool kx_column_item(const char **list, struct kx_column_item *item);

/* "integer", "text" ... */
const char *kx_cell_name(enum kx_cell cell);

/* "an integer", "a string": for messages. */
const char *kx_type_words(enum kx_type type);

#endif
