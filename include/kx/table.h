/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event as a row of a table: columns by name, from the field table
 * (fields.def, its `column`) and from what can be derived of it.
 *
 * The columns are chosen once and never depend on the data.  A cell is the
 * value as it is spelled in the event, strings decoded; a value that is
 * missing or null is null, and so is one of a type that the column does not
 * have, about which there is a note.
 */
#ifndef KX_TABLE_H
#define KX_TABLE_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/csv.h"
#include "kx/event.h"

/* What one row is. */
enum kx_table_rows {
	KX_TABLE_EVENT	/* an event, with the first of its identities */
};

/* Columns that no field of the event has. */
enum kx_derived {
	KX_DERIVED_DURATION_MS,
	KX_DERIVED_LEVEL_NAME,
	KX_DERIVED_IMAGES,
	KX_N_DERIVED
};

/* A column: of a field, or derived.  An ARRAY's cell is the count of its
 * elements, an OBJECT cannot be a column. */
struct kx_column {
	const char *name;
	enum kx_type type;
	const char *unit;	/* or "" */
	const char *meaning;
	int field;		/* enum kx_field; -1: derived */
	enum kx_derived derived;
	/* the module's: where a field's node is */
	enum kx_group group;
	unsigned place;
};

struct kx_table {
	enum kx_table_rows rows;
	struct kx_column *column;
	size_t n;
	/* the rest is the module's */
	size_t cap;
};

/* What is odd about a value that has become a cell. */
enum kx_oddity {
	KX_ODD_TYPE,	/* wrong type: the cell is null */
	KX_ODD_INSIDE,	/* an object or array that columns are taken from is
			   none: they are null */
	KX_ODD_TEXT	/* a lone surrogate or a NUL, given as U+FFFD */
};

/* Called for each such value: its node, the name of the column or of what
 * should have held columns, and the type that was looked for. */
typedef void kx_table_note(void *arg, enum kx_oddity oddity, uint32_t node,
    const char *name, enum kx_type wanted);

/* The column of that name for such rows: false where there is none. */
bool kx_column_find(enum kx_table_rows rows, struct kx_span name,
    struct kx_column *out);

/* A table without columns; ended by kx_table_fini(). */
void kx_table_init(struct kx_table *table, enum kx_table_rows rows);
void kx_table_fini(struct kx_table *table);

/* Add a column at the end.  KX_BAD: no column has that name; KX_FAIL: no
 * memory. */
enum kx_status kx_table_add(struct kx_table *table, struct kx_span name)
    KX_MUST_CHECK;
/* Add those that a table of such rows has if nothing else is said. */
enum kx_status kx_table_add_default(struct kx_table *table) KX_MUST_CHECK;

/* The row of names. */
void kx_table_header(const struct kx_table *table, struct kx_csv *csv,
    struct kx_buf *out);

/*
 * The row of an event that is an object.  `scratch` is for decoding and is
 * overwritten.  Without memory out->failed or scratch->failed is set.  Many
 * threads may use one table, each with its own csv.
 */
void kx_table_row(const struct kx_table *table, const struct kx_event *event,
    struct kx_csv *csv, struct kx_buf *out, struct kx_buf *scratch,
    kx_table_note *note, void *arg);

/* "an integer", "a string": for messages. */
const char *kx_type_words(enum kx_type type);

#endif
