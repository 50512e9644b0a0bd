/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events as rows of a table.
 *
 * The columns are chosen once and never depend on the data.  A cell is the
 * value as it is spelled in the event, strings decoded; a value that is
 * missing or null is null, and so is one of a type that the column does not
 * have, about which there is a note.
 *
 * A row is an event, or an element of one of its parts; an event without such
 * elements has no row.  In a column of another part than the row's stands what
 * the first element has: in a row of a face the identity that it is in, in any
 * other the event's first identity and that one's first face and plate.
 */
#ifndef KX_TABLE_H
#define KX_TABLE_H

#include "kx/arena.h"
#include "kx/base.h"
#include "kx/buf.h"
#include "kx/column.h"
#include "kx/csv.h"
#include "kx/event.h"
#include "kx/json.h"

struct kx_hash;

struct kx_table {
	enum kx_group rows;	/* what one row is */
	bool iso;		/* times as ISO 8601, not as milliseconds;
				   set before columns are added */
	struct kx_column *column;
	size_t n;
	size_t n_programs;
	/* the rest is the module's */
	size_t cap;
	struct kx_arena names;		/* of columns of programs */
	bool has[KX_N_FIELDS];		/* fields that have a column */
	unsigned parts;			/* bits: groups that have one */
	unsigned inside;		/* bits: what columns are taken from */
	bool hashes;		/* there is a record_sha256 */
};

/* A table without columns; ended by kx_table_fini(). */
void kx_table_init(struct kx_table *table, enum kx_group rows);
void kx_table_fini(struct kx_table *table);

/* Add a column at the end.  KX_BAD: no column has that name; KX_EOF: the table
 * has it already, in whatever case of letters; KX_FAIL: no memory. */
enum kx_status kx_table_add(struct kx_table *table, struct kx_span name)
    KX_MUST_CHECK;
/* Add one whose cells are given by the caller, see kx_table_value(); it is
 * number table->n_programs of these.  The name is copied.  KX_EOF, KX_FAIL. */
enum kx_status kx_table_add_program(struct kx_table *table,
    struct kx_span name) KX_MUST_CHECK;
/* Add those that a table of such rows has if nothing else is said. */
enum kx_status kx_table_add_default(struct kx_table *table) KX_MUST_CHECK;

/* What of an event the table looks at, to walk events by; freed with
 * kx_schema_free().  NULL without memory. */
struct kx_schema *kx_table_schema(const struct kx_table *table);

/* What is odd about a value that has become a cell. */
enum kx_oddity {
	KX_ODD_TYPE,	/* wrong type: the cell is null */
	KX_ODD_TIME,	/* a time outside the years 1 to 9999: null */
	KX_ODD_INSIDE,	/* an object or array that columns are taken from is
			   none: they are null */
	KX_ODD_TEXT	/* a lone surrogate or a NUL, given as U+FFFD */
};

/* Called for each such value: its node, the name of the column or of what
 * should have held columns, and the type that was looked for. */
typedef void kx_table_note(void *arg, enum kx_oddity oddity, uint32_t node,
    const char *name, enum kx_type wanted);

/* Minutes east of UTC in a time zone at `ms`; less than a day either way.
 * Called from the thread of its writer, and seldom. */
typedef int kx_table_zone(int64_t ms);

/* What rows are made of. */
struct kx_table_in {
	const struct kx_event *event;	/* an object */
	struct kx_span source;		/* name of its file */
	uint64_t line, off;		/* of its first byte there */
	struct kx_span record;		/* its bytes as one line; looked at
					   only where table->hashes */
};

/* A cell of a program that is still to come. */
struct kx_table_hole {
	size_t at;		/* in the bytes that were made */
	uint32_t program;
	uint32_t event;		/* the events that have rows, from 0 */
};

struct kx_table_value {
	struct kx_buf text;
	size_t n;		/* outputs so far */
	bool is_text;		/* else a number, true, false or JSON */
};

/* One thread's tools. */
struct kx_table_writer {
	const struct kx_table *table;
	struct kx_csv csv;
	kx_table_zone *zone;	/* NULL: UTC */
	kx_table_note *note;
	/* the rest is the module's */
	bool fast;			/* numbers need no quotes */
	struct kx_hash *hash;
	struct kx_json value_json;
	int64_t zone_from, zone_to;	/* zone_minutes holds in between */
	int zone_minutes;
	struct kx_table_hole *hole;
	size_t n_holes, cap_holes;
	size_t next_hole, copied;	/* progress of filling */
	uint32_t n_events, next_event;
	struct kx_table_value *value;	/* n_programs */
};

/* `csv` says how rows are written.  KX_FAIL: no memory, nothing is to be
 * freed. */
enum kx_status kx_table_writer_init(struct kx_table_writer *writer,
    const struct kx_table *table, const struct kx_csv *csv,
    kx_table_zone *zone, kx_table_note *note) KX_MUST_CHECK;
void kx_table_writer_fini(struct kx_table_writer *writer);

/* The row of names. */
void kx_table_header(const struct kx_table *table, const struct kx_csv *csv,
    struct kx_buf *out);

/*
 * Append the rows of an event.  `scratch` is for decoding and is overwritten;
 * `arg` goes to the note function.  Without memory out->failed or
 * scratch->failed is set.  Many threads may use one table, each with its own
 * writer.
 */
void kx_table_rows(struct kx_table_writer *writer,
    const struct kx_table_in *in, struct kx_buf *out, struct kx_buf *scratch,
    void *arg);

/*
 * Where there are programs, what was made has holes.  When the events of a
 * batch are done, for each event that kx_table_rows() was called for, in that
 * order:
 *	kx_table_value() for each output of each program: one JSON text, behind
 *	    which KX_PADDING bytes are readable.  null counts as none, and
 *	    none is a null cell; of several each stands on a line of its own.
 *	    True where a lone surrogate or a NUL was given as U+FFFD.
 *	kx_table_fill()
 * and then once kx_table_filled(), which makes the writer ready for the next
 * batch.  `made` is what has holes, and *out gets it without them.
 */
bool kx_table_value(struct kx_table_writer *writer, size_t program,
    struct kx_span json, struct kx_buf *scratch);
void kx_table_fill(struct kx_table_writer *writer, const struct kx_buf *made,
    struct kx_buf *out);
void kx_table_filled(struct kx_table_writer *writer,
    const struct kx_buf *made, struct kx_buf *out);

#endif
