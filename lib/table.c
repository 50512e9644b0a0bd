/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events as rows of a table.
 *
 * Cost: one pass over the columns for each row, each a look at one node and a
 * copy of its bytes; nothing is allocated for a row, nothing is converted.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kx/hash.h"

#include "table-cell.h"

/* --- the columns of a table --------------------------------------------- */

/* Objects and arrays of an event that columns are taken from.  `field` is the
 * one that they are themselves, -1: none.  first..last: fields in them; where
 * one of these was found there is nothing to check. */
static const struct inside {
	const char *pointer;	/* begins the pointers of what is inside */
	const char *name;
	enum kx_type type;
	int parent;		/* index here, or -1 */
	int field;
	int first, last;	/* or -1 */
} insides[] = {
	{ "/channel/", "channel", KX_TYPE_OBJECT, -1, KX_EVENT_CHANNEL,
	    -1, -1 },
	{ "/channel/address/", "channel.address", KX_TYPE_OBJECT, 0,
	    KX_EVENT_ADDRESS, -1, -1 },
	{ "/channel/tags/", "channel.tags", KX_TYPE_ARRAY, 0, -1, -1, -1 },
	{ "/params/", "params", KX_TYPE_OBJECT, -1, KX_EVENT_PARAMS, -1, -1 },
	{ "/params/attributes/", "params.attributes", KX_TYPE_OBJECT, 3, -1,
	    KX_EVENT_AGE, KX_EVENT_MASK },
	{ "/params/object/", "params.object", KX_TYPE_OBJECT, 3, -1,
	    KX_EVENT_COLOR, KX_EVENT_OBJECT_TYPE_RELIABILITY },
	{ "/params/object/color/", "params.object.color", KX_TYPE_OBJECT, 5,
	    -1, KX_EVENT_COLOR, KX_EVENT_COLOR_RELIABILITY },
	{ "/params/object/object_type/", "params.object.object_type",
	    KX_TYPE_OBJECT, 5, -1, KX_EVENT_OBJECT_TYPE,
	    KX_EVENT_OBJECT_TYPE_RELIABILITY },
	{ "/params/identities/", "params.identities", KX_TYPE_ARRAY, 3,
	    KX_EVENT_IDENTITIES, -1, -1 },
	{ "/snapshots/", "snapshots", KX_TYPE_ARRAY, -1, KX_EVENT_SNAPSHOTS,
	    -1, -1 },
};

#define N_INSIDES (sizeof(insides) / sizeof(insides[0]))
#define INSIDE_TAGS 2
#define INSIDE_IDENTITIES 8
#define INSIDE_SNAPSHOTS 9

void
kx_table_init(struct kx_table *table, enum kx_group rows)
{
	*table = (struct kx_table){ .rows = rows };
	if (rows == KX_GROUP_TAG)
		table->inside = 1u << INSIDE_TAGS | 1u;
	else if (rows == KX_GROUP_SNAPSHOT)
		table->inside = 1u << INSIDE_SNAPSHOTS;
	else if (rows != KX_GROUP_EVENT)
		table->inside = 1u << INSIDE_IDENTITIES | 1u << 3;
}

void
kx_table_fini(struct kx_table *table)
{
	free(table->column);
	kx_arena_free(&table->names);
	kx_table_init(table, table->rows);
}

static bool
has_name(const struct kx_table *table, struct kx_span name)
{
	const char *other;
	size_t i;

	for (i = 0; i < table->n; i++) {
		other = table->column[i].name;
		if (strlen(other) == name.len &&
		    !strncasecmp(other, name.ptr, name.len))
			return true;
	}
	return false;
}

/* Room for one more; false without memory. */
static bool
more_room(struct kx_table *table)
{
	struct kx_column *more;
	size_t cap;

	if (table->n < table->cap)
		return true;
	cap = table->cap == 0 ? 64 : table->cap * 2;
	more = reallocarray(table->column, cap, sizeof(*more));
	if (more == NULL)
		return false;
	table->column = more;
	table->cap = cap;
	return true;
}

/* What has to be looked at for a field to be found. */
static void
add_insides(struct kx_table *table, int field)
{
	const char *pointer = kx_field_info[field].pointer;
	size_t i;

	for (i = 0; i < N_INSIDES; i++) {
		if (!strncmp(pointer, insides[i].pointer,
		    strlen(insides[i].pointer)))
			table->inside |= 1u << i;
	}
}

enum kx_status
kx_table_add(struct kx_table *table, struct kx_span name)
{
	struct kx_column column;

	if (!kx_column_find(name, &column))
		return KX_BAD;
	if (has_name(table, name))
		return KX_EOF;
	if (!more_room(table))
		return KX_FAIL;
	if (table->iso && column.type == KX_TYPE_TIME && column.field >= 0) {
		column.cell = KX_CELL_TIME;
		column.unit = "";
	}
	if (column.field >= 0) {
		table->has[column.field] = true;
		table->parts |= 1u << column.group;
		add_insides(table, column.field);
	}
	if (column.derived == KX_DERIVED_RECORD_SHA256)
		table->hashes = true;
	table->column[table->n++] = column;
	return KX_OK;
}

enum kx_status
kx_table_add_program(struct kx_table *table, struct kx_span name)
{
	char *copy;

	if (has_name(table, name))
		return KX_EOF;
	if (!more_room(table))
		return KX_FAIL;
	copy = kx_arena_dup(&table->names, name);
	if (copy == NULL)
		return KX_FAIL;
	table->column[table->n++] = (struct kx_column){ .name = copy,
	    .cell = KX_CELL_TEXT, .unit = "",
	    .meaning = "what a jq program makes of the event", .field = -1,
	    .derived = -1, .program = (int)table->n_programs++,
	    .group = KX_GROUP_EVENT };
	return KX_OK;
}

enum kx_status
kx_table_add_default(struct kx_table *table)
{
	const char *const *name = kx_column_defaults(table->rows);
	enum kx_status status = KX_OK;

	for (; *name != NULL && status == KX_OK; name++)
		status = kx_table_add(table, kx_span_str(*name));
	return status;
}

/* The fields that a derived column is made from. */
static void
add_sources(const struct kx_column *column, bool *fields)
{
	switch ((enum kx_derived)column->derived) {
	case KX_DERIVED_START_ISO:
		fields[KX_EVENT_START_TIME] = true;
		break;
	case KX_DERIVED_END_ISO:
		fields[KX_EVENT_END_TIME] = true;
		break;
	case KX_DERIVED_DURATION_MS:
		fields[KX_EVENT_START_TIME] = true;
		fields[KX_EVENT_END_TIME] = true;
		break;
	case KX_DERIVED_LEVEL_NAME:
		fields[KX_EVENT_LEVEL] = true;
		break;
	case KX_DERIVED_ORIGIN:
		fields[KX_EVENT_ID] = true;
		break;
	case KX_DERIVED_IMAGES:
	case KX_DERIVED_HAS_IMAGE:
		fields[KX_SNAPSHOT_IMAGE] = true;
		break;
	case KX_DERIVED_STAMP_NS:
	case KX_DERIVED_EXPIRES_ISO:
		fields[KX_SNAPSHOT_PATH] = true;
		break;
	default:	/* the rest need rows, or nothing of the event */
		break;
	}
}

/* The groups whose rows a column needs. */
static unsigned
groups_of(const struct kx_column *column)
{
	const unsigned found = 1u << KX_GROUP_FACE | 1u << KX_GROUP_PLATE;

	if (column->derived == KX_DERIVED_IMAGES)
		return 1u << KX_GROUP_SNAPSHOT;
	if (column->derived == KX_DERIVED_TAGS)
		return 1u << KX_GROUP_TAG;
	if (column->derived >= 0 && column->group == KX_GROUP_IDENTITY)
		return 1u << KX_GROUP_IDENTITY | found;
	return 1u << column->group;
}

struct kx_schema *
kx_table_schema(const struct kx_table *table)
{
	unsigned groups = 1u << table->rows;
	bool fields[KX_N_FIELDS];
	size_t i;

	memcpy(fields, table->has, sizeof(fields));
	for (i = 0; i < N_INSIDES; i++) {
		if (table->inside & 1u << i && insides[i].field >= 0)
			fields[insides[i].field] = true;
	}
	fields[KX_EVENT_SNAPSHOTS] = true;
	for (i = 0; i < table->n; i++) {
		groups |= groups_of(&table->column[i]);
		if (table->column[i].derived >= 0)
			add_sources(&table->column[i], fields);
	}
	/* Faces and plates are found in the same identities; whether one of
	 * them is there tells how to read what is odd about the other. */
	if (groups & (1u << KX_GROUP_FACE | 1u << KX_GROUP_PLATE))
		groups |= 1u << KX_GROUP_IDENTITY | 1u << KX_GROUP_FACE |
		    1u << KX_GROUP_PLATE;
	return kx_schema_new_for(fields, groups);
}

/* --- writers ------------------------------------------------------------ */

enum kx_status
kx_table_writer_init(struct kx_table_writer *writer,
    const struct kx_table *table, const struct kx_csv *csv,
    kx_table_zone *zone, kx_table_note *note)
{
	*writer = (struct kx_table_writer){ .table = table, .csv = *csv,
	    .zone = zone, .note = note };
	/* No number has to be quoted. */
	writer->fast = strchr("+-.:", csv->delimiter) == NULL;
	if (table->hashes &&
	    kx_hash_new(KX_SHA256, &writer->hash, NULL) != KX_OK)
		return KX_FAIL;
	if (table->n_programs == 0)
		return KX_OK;
	writer->value = calloc(table->n_programs, sizeof(*writer->value));
	if (writer->value != NULL &&
	    kx_json_init(&writer->value_json, NULL) == KX_OK)
		return KX_OK;
	free(writer->value);
	kx_hash_free(writer->hash);
	return KX_FAIL;
}

void
kx_table_writer_fini(struct kx_table_writer *writer)
{
	size_t i;

	if (writer->value != NULL) {
		for (i = 0; i < writer->table->n_programs; i++)
			kx_buf_free(&writer->value[i].text);
		kx_json_fini(&writer->value_json);
	}
	free(writer->value);
	free(writer->hole);
	kx_hash_free(writer->hash);
}

void
kx_table_header(const struct kx_table *table, const struct kx_csv *csv,
    struct kx_buf *out)
{
	struct kx_csv plain = *csv;
	size_t i;

	plain.exact = false;	/* a name is never taken for something else */
	for (i = 0; i < table->n; i++)
		kx_csv_cell(&plain, out, kx_span_str(table->column[i].name));
	kx_csv_end(&plain, out);
}

/* --- cells of fields ---------------------------------------------------- */

/* Nodes of a row that is not there. */
static const uint32_t no_nodes[sizeof(((struct kx_row *)0)->field) /
    sizeof(uint32_t)];

/* Text with a NUL in it.  A NUL ends the text for one reader and the file for
 * another; U+FFFD is longer, so the cell is put together anew. */
KX_NOINLINE static void
add_with_nul(const struct maker *m, struct kx_span text)
{
	struct kx_buf clean = { NULL, 0, 0, false };

	kx_csv_clean(&clean, text);
	if (kx_buf_failed(&clean))
		m->scratch->failed = true;
	else
		kx_csv_cell(m->csv, m->out, kx_buf_span(&clean));
	kx_buf_free(&clean);
}

static inline void
add_text(const struct maker *m, const struct kx_column *column, uint32_t node)
{
	struct kx_span text;
	bool odd = false;

	if (KX_LIKELY((m->json->node[node].meta & KX_JSON_ESCAPED) == 0)) {
		add_cell(m, kx_json_str(m->json, node));
		return;
	}
	text = kx_json_decode(m->json, node, m->scratch, &odd);
	if (KX_UNLIKELY(odd)) {
		if (m->fresh[column->group])
			m->writer->note(m->arg, KX_ODD_TEXT, node,
			    column->name, KX_TYPE_STR);
		if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
			add_with_nul(m, text);
			return;
		}
	}
	add_cell(m, text);
}

/* Is the value at node one that the column can hold? */
static inline bool
fits(const struct maker *m, uint32_t node, const struct kx_column *column)
{
	unsigned is = 1u << kx_json_type(m->json, node);

	if (!(column->takes & is))
		return false;
	if (column->whole & is)
		return is_integer(kx_json_raw(m->json, node));
	return !(column->spelled & is) ||
	    kx_num_classify(kx_json_str(m->json, node)) != 0;
}

static int64_t
count_elements(const struct maker *m, uint32_t array)
{
	const struct kx_json_node *node = m->json->node;
	uint32_t i;
	int64_t n = 0;

	for (i = array + 1; i < node[array].next; i = node[i].next)
		n++;
	return n;
}

/* A value of the column's type. */
static inline void
add_value(const struct maker *m, const struct kx_column *column,
    uint32_t node)
{
	switch (column->cell) {
	case KX_CELL_TEXT:
		if (kx_json_type(m->json, node) == KX_JSON_STRING)
			add_text(m, column, node);
		else	/* digits that are text, of an ID */
			add_cell(m, kx_json_raw(m->json, node));
		return;
	case KX_CELL_INTEGER:
		if (column->type == KX_TYPE_ARRAY)
			add_number(m, count_elements(m, node));
		else
			add_integer(m, kx_json_raw(m->json, node));
		return;
	case KX_CELL_NUMBER:
		add_plain(m, kx_json_type(m->json, node) == KX_JSON_STRING ?
		    kx_json_str(m->json, node) : kx_json_raw(m->json, node));
		return;
	case KX_CELL_BOOLEAN:
		add_plain(m, kx_json_raw(m->json, node));
		return;
	case KX_CELL_TIME:
		kx_table_add_instant(m, node, column);
		return;
	case KX_CELL_JSON:
		add_cell(m, kx_json_raw(m->json, node));
		return;
	}
}

static inline void
add_field(const struct maker *m, const struct kx_column *column)
{
	uint32_t node = m->node[column->group][column->place];

	if (is_absent(m, node)) {
		/* No elements is a number, too. */
		if (column->type == KX_TYPE_ARRAY)
			add_number(m, 0);
		else
			add_null(m);
	} else if (KX_UNLIKELY(!fits(m, node, column))) {
		if (m->fresh[column->group])
			m->writer->note(m->arg, KX_ODD_TYPE, node,
			    column->name, column->type);
		add_null(m);
	} else {
		add_value(m, column, node);
	}
}

/* --- what should hold columns ------------------------------------------- */

/* Is it there, and not what it should be? */
static void
check_inside(const struct maker *m, uint32_t node, const char *name,
    enum kx_type type)
{
	enum kx_json_type want = type == KX_TYPE_ARRAY ? KX_JSON_ARRAY :
	    KX_JSON_OBJECT;

	if (!is_absent(m, node) && kx_json_type(m->json, node) != want)
		m->writer->note(m->arg, KX_ODD_INSIDE, node, name, type);
}

static uint32_t
member(const struct maker *m, uint32_t object, const char *name, size_t len)
{
	if (object == 0 || kx_json_type(m->json, object) != KX_JSON_OBJECT)
		return 0;
	return kx_json_get(m->json, object, (struct kx_span){ name, len });
}

/* The node of insides[i]. */
static uint32_t
inside_node(const struct maker *m, size_t i)
{
	const struct inside *in = &insides[i];
	const char *step;
	size_t skip;

	if (in->field >= 0)
		return kx_event_get(m->event, (enum kx_field)in->field);
	skip = strlen(insides[in->parent].pointer);
	step = in->pointer + skip;
	return member(m, inside_node(m, (size_t)in->parent), step,
	    strlen(step) - 1);
}

/* Has anything been found in insides[i]? */
static bool
is_sound(const struct maker *m, size_t i)
{
	int f;

	if (i == INSIDE_TAGS)
		return m->event->rows[KX_GROUP_TAG].n > 0;
	for (f = insides[i].first; f >= 0 && f <= insides[i].last; f++) {
		if (m->event->field[f] != 0)
			return true;
	}
	return false;
}

static void
check_event(const struct maker *m)
{
	const struct inside *in;
	unsigned left = m->table->inside, absent = 0;
	uint32_t node;
	size_t i;

	for (i = 0; left != 0; i++, left >>= 1) {
		in = &insides[i];
		/* A column of its own has said so already; and nothing is in
		 * what is not there. */
		if (!(left & 1) || is_sound(m, i) ||
		    (in->field >= 0 && m->table->has[in->field]) ||
		    (in->parent >= 0 && absent & 1u << in->parent))
			continue;
		node = inside_node(m, i);
		if (is_absent(m, node))
			absent |= 1u << i;
		else
			check_inside(m, node, in->name, in->type);
	}
}

/* Is the group looked at, in a row that is its own or by a column? */
static bool
wants(const struct maker *m, enum kx_group group)
{
	return m->table->rows == group || m->table->parts & 1u << group;
}

/* An element that is no object, in a row of its own or as the first. */
static void
check_element(const struct maker *m, enum kx_group group, const char *array)
{
	const struct kx_row *part = m->part[group];
	char name[64];

	if (part == NULL || !m->fresh[group] || !wants(m, group) ||
	    kx_json_type(m->json, part->node) == KX_JSON_OBJECT)
		return;
	(void)snprintf(name, sizeof(name), "%s[%u]", array,
	    (unsigned)m->index[group]);
	check_inside(m, part->node, name, KX_TYPE_OBJECT);
}

/* An identity that is no object; or in which faces, or plates, are no array. */
static void
check_array(const struct maker *m, uint32_t identity, uint32_t index,
    enum kx_group group)
{
	char name[64];

	if (kx_json_type(m->json, identity) != KX_JSON_OBJECT) {
		(void)snprintf(name, sizeof(name), "params.identities[%u]",
		    (unsigned)index);
		check_inside(m, identity, name, KX_TYPE_OBJECT);
	} else if (group == KX_GROUP_FACE) {
		check_inside(m, member(m, identity, "faces", 5), "faces",
		    KX_TYPE_ARRAY);
	} else {
		check_inside(m, member(m, identity, "plates", 6), "plates",
		    KX_TYPE_ARRAY);
	}
}

/* Of identities that make no row of a face, or of a plate. */
static void
check_identities(const struct maker *m)
{
	const struct kx_rows *identities = &m->event->rows[KX_GROUP_IDENTITY];
	const struct kx_rows *rows = &m->event->rows[m->table->rows];
	uint32_t i, at = 0;

	for (i = 0; i < identities->n; i++) {
		if (at == rows->n || rows->row[at].identity != i)
			check_array(m, identities->row[i].node, i,
			    m->table->rows);
		while (at < rows->n && rows->row[at].identity == i)
			at++;
	}
}

static void
check_identity(const struct maker *m)
{
	const struct kx_row *identity = m->part[KX_GROUP_IDENTITY];
	bool found = false;
	int f;

	if (kx_json_type(m->json, identity->node) != KX_JSON_OBJECT) {
		check_array(m, identity->node, m->index[KX_GROUP_IDENTITY],
		    KX_GROUP_IDENTITY);
		return;
	}
	/* Where columns were found there is nothing to look for. */
	for (f = KX_IDENTITY_LIST_ID; f <= KX_IDENTITY_LIST_LEVEL; f++)
		found |= kx_row_get(identity, (enum kx_field)f) != 0;
	if (!found && wants(m, KX_GROUP_IDENTITY))
		check_inside(m, member(m, identity->node, "list", 4), "list",
		    KX_TYPE_OBJECT);
	if (m->part[KX_GROUP_FACE] != NULL || m->part[KX_GROUP_PLATE] != NULL)
		return;
	if (wants(m, KX_GROUP_FACE))
		check_array(m, identity->node, 0, KX_GROUP_FACE);
	if (wants(m, KX_GROUP_PLATE))
		check_array(m, identity->node, 0, KX_GROUP_PLATE);
}

static void
check_row(const struct maker *m)
{
	if (m->part[KX_GROUP_IDENTITY] != NULL &&
	    m->fresh[KX_GROUP_IDENTITY] && (wants(m, KX_GROUP_IDENTITY) ||
	    wants(m, KX_GROUP_FACE) || wants(m, KX_GROUP_PLATE)))
		check_identity(m);
	check_element(m, KX_GROUP_FACE, "faces");
	check_element(m, KX_GROUP_PLATE, "plates");
	check_element(m, KX_GROUP_SNAPSHOT, "snapshots");
	check_element(m, KX_GROUP_TAG, "channel.tags");
}

/* --- rows --------------------------------------------------------------- */

/* The row's part of a group is element `at` of it, if there is one. */
static inline void
set_part(struct maker *m, enum kx_group group, const struct kx_rows *rows,
    uint32_t at, uint32_t index)
{
	const struct kx_row *row = at < rows[group].n ?
	    &rows[group].row[at] : NULL;

	m->fresh[group] = row != m->part[group];
	m->part[group] = row;
	m->index[group] = index;
	m->node[group] = row != NULL ? row->field : no_nodes;
}

/* Find the faces and plates of an identity.  Those of all identities stand one
 * behind another, and identities come in their order, so that no row of an
 * event is looked at twice. */
static void
set_identity(struct maker *m, uint32_t identity)
{
	static const enum kx_group found[] = { KX_GROUP_FACE, KX_GROUP_PLATE };
	const struct kx_rows *rows;
	uint32_t i, first;

	for (i = 0; i < 2; i++) {
		rows = &m->event->rows[found[i]];
		first = m->first[found[i]] + m->found[found[i]];
		while (first < rows->n && rows->row[first].identity < identity)
			first++;
		m->first[found[i]] = first;
		while (first < rows->n &&
		    rows->row[first].identity == identity)
			first++;
		m->found[found[i]] = first - m->first[found[i]];
	}
}

/* Find what row `i` of the event is, and what is with it. */
static void
set_row(struct maker *m, uint32_t i)
{
	const struct kx_rows *rows = m->event->rows;
	enum kx_group kind = m->table->rows, g;
	uint32_t identity = 0, at;

	if (kind == KX_GROUP_IDENTITY)
		identity = i;
	else if (kind == KX_GROUP_FACE || kind == KX_GROUP_PLATE)
		identity = rows[kind].row[i].identity;
	if (i == 0 || identity != m->index[KX_GROUP_IDENTITY])
		set_identity(m, identity);
	m->fresh[KX_GROUP_EVENT] = i == 0;
	for (g = KX_GROUP_IDENTITY; g < KX_N_GROUPS; g++) {
		if (g == KX_GROUP_IDENTITY) {
			set_part(m, g, rows, identity, identity);
		} else if (g == KX_GROUP_FACE || g == KX_GROUP_PLATE) {
			at = g == kind ? i : m->found[g] > 0 ? m->first[g] :
			    rows[g].n;
			set_part(m, g, rows, at, at - m->first[g]);
		} else {
			at = g == kind ? i : 0;
			set_part(m, g, rows, at, at);
		}
	}
}

static void
add_hole(const struct maker *m, const struct kx_column *column)
{
	struct kx_table_writer *w = m->writer;
	struct kx_table_hole *more;
	size_t cap;

	kx_csv_hole(m->csv, m->out);
	if (w->n_holes == w->cap_holes) {
		cap = w->cap_holes == 0 ? 256 : 2 * w->cap_holes;
		more = reallocarray(w->hole, cap, sizeof(*more));
		if (more == NULL) {
			m->scratch->failed = true;
			return;
		}
		w->hole = more;
		w->cap_holes = cap;
	}
	w->hole[w->n_holes++] = (struct kx_table_hole){ m->out->len,
	    (uint32_t)column->program, w->n_events };
}

static void
add_row(const struct maker *m)
{
	const struct kx_column *column = m->table->column;
	size_t i;

	for (i = 0; i < m->table->n; i++, column++) {
		if (KX_LIKELY(column->field >= 0))
			add_field(m, column);
		else if (column->derived >= 0)
			kx_table_add_derived(m, column);
		else
			add_hole(m, column);
	}
	kx_csv_end(m->csv, m->out);
}

void
kx_table_rows(struct kx_table_writer *writer, const struct kx_table_in *in,
    struct kx_buf *out, struct kx_buf *scratch, void *arg)
{
	const struct kx_table *table = writer->table;
	struct maker m = {
		.writer = writer, .table = table, .in = in,
		.event = in->event, .json = in->event->json,
		.csv = &writer->csv, .out = out, .scratch = scratch,
		.arg = arg,
	};
	uint32_t i, n;

	m.fast = writer->fast;
	m.fast_text = !m.csv->exact;
	m.special = m.csv->escapes ? '\\' : '"';
	m.node[KX_GROUP_EVENT] = m.event->field;
	n = table->rows == KX_GROUP_EVENT ? 1 : m.event->rows[table->rows].n;
	for (i = 0; i < n; i++) {
		set_row(&m, i);
		add_row(&m);
		check_row(&m);
	}
	if (table->rows == KX_GROUP_FACE || table->rows == KX_GROUP_PLATE)
		check_identities(&m);
	check_event(&m);
	writer->n_events++;
}
