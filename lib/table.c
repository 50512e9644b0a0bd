/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An event as a row of a table.
 *
 * Cost: one pass over the columns, each a look at one node and a copy of its
 * bytes; nothing is allocated for a row, nothing is converted.  Nearly all
 * cells are short and need no quotes: they are looked at and copied at once,
 * eight bytes at a time, and only the rest goes to the writer of csv.c.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/num.h"
#include "kx/table.h"

static const struct kx_column derived[KX_N_DERIVED] = {
	{ .name = "duration_ms", .type = KX_TYPE_INT, .unit = "ms",
	    .meaning = "end_time less start_time",
	    .field = -1, .derived = KX_DERIVED_DURATION_MS },
	{ .name = "level_name", .type = KX_TYPE_STR, .unit = "",
	    .meaning = "level in words: low, normal, high, critical",
	    .field = -1, .derived = KX_DERIVED_LEVEL_NAME },
	{ .name = "images", .type = KX_TYPE_INT, .unit = "",
	    .meaning = "snapshots that carry their image",
	    .field = -1, .derived = KX_DERIVED_IMAGES },
};

/* When, where, what, who, how sure, how much, and the keys. */
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
};

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

bool
kx_column_find(enum kx_table_rows rows, struct kx_span name,
    struct kx_column *out)
{
	const struct kx_field_info *info;
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
	info = &kx_field_info[i];
	if (info->type == KX_TYPE_OBJECT)
		return false;
	if (rows == KX_TABLE_EVENT && (info->group == KX_GROUP_SNAPSHOT ||
	    info->group == KX_GROUP_TAG))
		return false;	/* several, and none that comes first */
	*out = (struct kx_column){ info->column, info->type, info->unit,
	    info->meaning, i, KX_N_DERIVED, info->group,
	    (unsigned)i - (unsigned)kx_group_first(info->group) };
	return true;
}

void
kx_table_init(struct kx_table *table, enum kx_table_rows rows)
{
	*table = (struct kx_table){ .rows = rows };
}

void
kx_table_fini(struct kx_table *table)
{
	free(table->column);
	kx_table_init(table, table->rows);
}

enum kx_status
kx_table_add(struct kx_table *table, struct kx_span name)
{
	struct kx_column column, *more;
	size_t cap;

	if (!kx_column_find(table->rows, name, &column))
		return KX_BAD;
	if (table->n == table->cap) {
		cap = table->cap == 0 ? 64 : table->cap * 2;
		more = reallocarray(table->column, cap, sizeof(*more));
		if (more == NULL)
			return KX_FAIL;
		table->column = more;
		table->cap = cap;
	}
	table->column[table->n++] = column;
	return KX_OK;
}

enum kx_status
kx_table_add_default(struct kx_table *table)
{
	enum kx_status status = KX_OK;
	size_t i;

	for (i = 0; i < sizeof(event_columns) / sizeof(event_columns[0]) &&
	    status == KX_OK; i++)
		status = kx_table_add(table, kx_span_str(event_columns[i]));
	return status;
}

void
kx_table_header(const struct kx_table *table, struct kx_csv *csv,
    struct kx_buf *out)
{
	size_t i;

	for (i = 0; i < table->n; i++)
		kx_csv_cell(csv, out, kx_span_str(table->column[i].name));
	kx_csv_end(csv, out);
}

/* --- a row -------------------------------------------------------------- */

/* All that the cells of one row are made from and with. */
struct maker {
	const struct kx_event *event;
	const struct kx_json *json;
	struct kx_csv *csv;
	struct kx_buf *out;
	struct kx_buf *scratch;
	kx_table_note *note;
	void *arg;
	const struct kx_row *identity, *face, *plate;	/* or NULL */
	const uint32_t *node[KX_N_GROUPS];	/* of the fields of a group */
	bool fast;		/* short cuts may be taken */
};

/* Nodes of a row that is not there. */
static const uint32_t no_nodes[sizeof(((struct kx_row *)0)->field) /
    sizeof(uint32_t)];

#define WORD sizeof(uint64_t)
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

_Static_assert(KX_PADDING >= 2 * WORD, "whole words are read and written");

/* Not 0 where a byte of `word` is c; only zero or not is of use. */
static inline uint64_t
has(uint64_t word, char c)
{
	word ^= ONES * (unsigned char)c;
	return (word - ONES) & ~word & TOPS;
}

/* The first `n` of the bytes that `word` was loaded from, the rest 0. */
static inline uint64_t
first_bytes(uint64_t word, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return n >= WORD ? word : word & ((UINT64_C(1) << 8 * n) - 1);
#else
	return n >= WORD ? word : n == 0 ? 0 : word & ~UINT64_C(0) <<
	    8 * (WORD - n);
#endif
}

/* Begin a cell of up to `len` bytes by hand: where its bytes go, or NULL
 * without memory.  Not for the first of a row. */
static inline char *
cell_begin(const struct maker *m, size_t len)
{
	struct kx_buf *out = m->out;

	if (KX_UNLIKELY(out->failed || out->cap - out->len < len + 1) &&
	    !kx_buf_reserve(out, len + 1))
		return NULL;
	out->ptr[out->len] = m->csv->delimiter;
	return out->ptr + out->len + 1;
}

static inline void
add_null(const struct maker *m)
{
	if (KX_LIKELY(m->fast && m->csv->in_row)) {
		if (cell_begin(m, 0) != NULL)
			m->out->len++;
	} else {
		kx_csv_null(m->csv, m->out);
	}
}

/* A cell of digits, signs, points and letters; readable for a word behind. */
static inline void
add_plain(const struct maker *m, struct kx_span text)
{
	uint64_t word;
	char *to;
	size_t i;

	if (KX_UNLIKELY(!m->fast || !m->csv->in_row)) {
		kx_csv_cell(m->csv, m->out, text);
		return;
	}
	to = cell_begin(m, text.len);
	if (to == NULL)
		return;
	for (i = 0; i < text.len; i += WORD) {
		memcpy(&word, text.ptr + i, WORD);
		memcpy(to + i, &word, WORD);
	}
	m->out->len += text.len + 1;
}

/* Any cell; readable for a word behind. */
static inline void
add_cell(const struct maker *m, struct kx_span text)
{
	uint64_t word, part, odd = 0;
	char *to;
	size_t i;

	/* What begins or ends with a blank, and what may be `\.`, is for the
	 * writer; so is what is not short. */
	if (KX_UNLIKELY(!m->fast || !m->csv->in_row || text.len == 0 ||
	    text.len > 256 || text.ptr[0] == '\\' || text.ptr[0] == ' ' ||
	    text.ptr[0] == '\t' || text.ptr[text.len - 1] == ' ' ||
	    text.ptr[text.len - 1] == '\t'))
		goto slow;
	to = cell_begin(m, text.len);
	if (to == NULL)
		return;
	for (i = 0; i < text.len; i += WORD) {
		memcpy(&word, text.ptr + i, WORD);
		memcpy(to + i, &word, WORD);
		part = first_bytes(word, text.len - i);
		odd |= has(part, m->csv->delimiter) | has(part, '"') |
		    has(part, '\r') | has(part, '\n');
	}
	if (KX_LIKELY(odd == 0)) {
		m->out->len += text.len + 1;
		return;
	}
slow:
	kx_csv_cell(m->csv, m->out, text);
}

static inline bool
is_absent(const struct maker *m, uint32_t node)
{
	return node == 0 || kx_json_type(m->json, node) == KX_JSON_NULL;
}

/* A JSON number without fraction and exponent: no point, and no letter, which
 * alone have bit 6. */
static inline bool
is_integer(struct kx_span number)
{
	uint64_t word, odd = 0;
	size_t i;

	for (i = 0; i < number.len; i += WORD) {
		memcpy(&word, number.ptr + i, WORD);
		word = first_bytes(word, number.len - i);
		odd |= has(word, '.') | (word & (ONES << 6));
	}
	return odd == 0;
}

/* The value of an integer, as a number only and never as a string. */
static bool
integer(const struct maker *m, uint32_t node, int64_t *out)
{
	struct kx_span text;

	if (node == 0 || kx_json_type(m->json, node) != KX_JSON_NUMBER)
		return false;
	text = kx_json_raw(m->json, node);
	return is_integer(text) && kx_num_i64(text, out);
}

/* Text with a NUL in it.  A NUL ends the text for one reader and the file for
 * another; U+FFFD is longer, so the cell is put together anew. */
KX_NOINLINE static void
add_with_nul(const struct maker *m, struct kx_span text)
{
	struct kx_buf clean = { NULL, 0, 0, false };
	size_t i, plain = 0;

	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\0')
			continue;
		kx_buf_add(&clean, text.ptr + plain, i - plain);
		kx_buf_add(&clean, "\xef\xbf\xbd", 3);
		plain = i + 1;
	}
	kx_buf_add(&clean, text.ptr + plain, text.len - plain);
	if (kx_buf_failed(&clean))
		m->scratch->failed = true;
	else
		kx_csv_cell(m->csv, m->out, kx_buf_span(&clean));
	kx_buf_free(&clean);
}

static inline void
add_text(const struct maker *m, const char *name, uint32_t node)
{
	struct kx_span text;
	bool odd = false;

	if (KX_LIKELY((m->json->node[node].meta & KX_JSON_ESCAPED) == 0)) {
		add_cell(m, kx_json_str(m->json, node));
		return;
	}
	text = kx_json_decode(m->json, node, m->scratch, &odd);
	if (KX_UNLIKELY(odd)) {
		m->note(m->arg, KX_ODD_TEXT, node, name, KX_TYPE_STR);
		if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
			add_with_nul(m, text);
			return;
		}
	}
	add_cell(m, text);
}

/* Is the value at node one that a column of this type can hold? */
static inline bool
is_of_type(const struct maker *m, uint32_t node, enum kx_type type)
{
	enum kx_json_type is = kx_json_type(m->json, node);

	switch (type) {
	case KX_TYPE_INT:
	case KX_TYPE_TIME:
		return is == KX_JSON_NUMBER &&
		    is_integer(kx_json_raw(m->json, node));
	case KX_TYPE_ID:
		return is == KX_JSON_STRING || (is == KX_JSON_NUMBER &&
		    is_integer(kx_json_raw(m->json, node)));
	case KX_TYPE_NUM:
		return is == KX_JSON_NUMBER;
	case KX_TYPE_PROB:
		return is == KX_JSON_NUMBER || (is == KX_JSON_STRING &&
		    kx_num_classify(kx_json_str(m->json, node)) != 0);
	case KX_TYPE_STR:
	case KX_TYPE_IMAGE:
		return is == KX_JSON_STRING;
	case KX_TYPE_BOOL:
		return is == KX_JSON_TRUE || is == KX_JSON_FALSE;
	case KX_TYPE_ARRAY:
		return is == KX_JSON_ARRAY;
	case KX_TYPE_OBJECT:
		return is == KX_JSON_OBJECT;
	}
	return false;
}

static void
add_number(const struct maker *m, int64_t n)
{
	char digits[24 + WORD];	/* readable behind the last digit */
	size_t i = 24;
	uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	memset(digits + 24, 0, WORD);
	do {
		digits[--i] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	if (n < 0)
		digits[--i] = '-';
	add_plain(m, (struct kx_span){ digits + i, 24 - i });
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

static void
add_field(const struct maker *m, const struct kx_column *column)
{
	uint32_t node = m->node[column->group][column->place];

	if (is_absent(m, node)) {
		/* No elements is a number, too. */
		if (column->type == KX_TYPE_ARRAY)
			add_number(m, 0);
		else
			add_null(m);
	} else if (KX_UNLIKELY(!is_of_type(m, node, column->type))) {
		m->note(m->arg, KX_ODD_TYPE, node, column->name,
		    column->type);
		add_null(m);
	} else if (column->type == KX_TYPE_ARRAY) {
		add_number(m, count_elements(m, node));
	} else if (kx_json_type(m->json, node) == KX_JSON_STRING) {
		add_text(m, column->name, node);
	} else {
		add_plain(m, kx_json_raw(m->json, node));
	}
}

static void
add_images(const struct maker *m)
{
	const struct kx_rows *rows = &m->event->rows[KX_GROUP_SNAPSHOT];
	uint32_t node = kx_event_get(m->event, KX_EVENT_SNAPSHOTS), i;
	int64_t n = 0;

	if (!is_absent(m, node) && !is_of_type(m, node, KX_TYPE_ARRAY)) {
		add_null(m);
		return;
	}
	for (i = 0; i < rows->n; i++) {
		node = kx_row_get(&rows->row[i], KX_SNAPSHOT_IMAGE);
		n += node != 0 &&
		    kx_json_type(m->json, node) == KX_JSON_STRING &&
		    kx_json_str(m->json, node).len > 0;
	}
	add_number(m, n);
}

static void
add_derived(const struct maker *m, const struct kx_column *column)
{
	int64_t start, end, n;
	const char *name;

	switch (column->derived) {
	case KX_DERIVED_DURATION_MS:
		if (integer(m, kx_event_get(m->event, KX_EVENT_START_TIME),
		    &start) && integer(m, kx_event_get(m->event,
		    KX_EVENT_END_TIME), &end) &&
		    !__builtin_sub_overflow(end, start, &n)) {
			add_number(m, n);
			return;
		}
		break;
	case KX_DERIVED_LEVEL_NAME:
		if (integer(m, kx_event_get(m->event, KX_EVENT_LEVEL), &n) &&
		    (name = kx_level_name(n)) != NULL) {
			kx_csv_cell(m->csv, m->out, kx_span_str(name));
			return;
		}
		break;
	case KX_DERIVED_IMAGES:
		add_images(m);
		return;
	case KX_N_DERIVED:
		break;
	}
	add_null(m);
}

/* Something that holds columns: is it there, and not what it should be? */
static bool
check_inside(const struct maker *m, uint32_t node, const char *name,
    enum kx_type type)
{
	if (is_absent(m, node) || is_of_type(m, node, type))
		return true;
	m->note(m->arg, KX_ODD_INSIDE, node, name, type);
	return false;
}

static void
check_identity(const struct maker *m, uint32_t identity)
{
	uint32_t node;
	bool odd = false;
	int f;

	if (!check_inside(m, identity, "params.identities[0]",
	    KX_TYPE_OBJECT) ||
	    kx_json_type(m->json, identity) != KX_JSON_OBJECT)
		return;
	/* Where columns were found there is nothing to look for. */
	for (f = KX_IDENTITY_LIST_ID; f <= KX_IDENTITY_LIST_LEVEL; f++)
		odd |= kx_row_get(m->identity, (enum kx_field)f) != 0;
	if (!odd)
		(void)check_inside(m, kx_json_get(m->json, identity,
		    KX_SPAN("list")), "list", KX_TYPE_OBJECT);
	if (m->face == NULL && m->plate == NULL) {
		node = kx_json_get(m->json, identity, KX_SPAN("faces"));
		(void)check_inside(m, node, "faces", KX_TYPE_ARRAY);
		node = kx_json_get(m->json, identity, KX_SPAN("plates"));
		(void)check_inside(m, node, "plates", KX_TYPE_ARRAY);
	}
	if (m->face != NULL)
		(void)check_inside(m, m->face->node, "faces[0]",
		    KX_TYPE_OBJECT);
	if (m->plate != NULL)
		(void)check_inside(m, m->plate->node, "plates[0]",
		    KX_TYPE_OBJECT);
}

static void
check_containers(const struct maker *m)
{
	const struct kx_event *e = m->event;
	uint32_t params = kx_event_get(e, KX_EVENT_PARAMS), object, node;

	(void)check_inside(m, kx_event_get(e, KX_EVENT_CHANNEL), "channel",
	    KX_TYPE_OBJECT);
	(void)check_inside(m, kx_event_get(e, KX_EVENT_ADDRESS),
	    "channel.address", KX_TYPE_OBJECT);
	(void)check_inside(m, params, "params", KX_TYPE_OBJECT);
	if (params != 0 &&
	    (kx_event_get(e, KX_EVENT_COLOR) == 0 ||
	    kx_event_get(e, KX_EVENT_OBJECT_TYPE) == 0)) {
		object = kx_json_get(m->json, params, KX_SPAN("object"));
		if (object != 0 && check_inside(m, object, "params.object",
		    KX_TYPE_OBJECT)) {
			node = kx_json_get(m->json, object, KX_SPAN("color"));
			(void)check_inside(m, node, "params.object.color",
			    KX_TYPE_OBJECT);
			node = kx_json_get(m->json, object,
			    KX_SPAN("object_type"));
			(void)check_inside(m, node,
			    "params.object.object_type", KX_TYPE_OBJECT);
		}
	}
	if (m->identity != NULL)
		check_identity(m, m->identity->node);
}

/* The first row of the first identity. */
static const struct kx_row *
first_of_identity(const struct kx_rows *rows)
{
	return rows->n > 0 && rows->row[0].identity == 0 ? &rows->row[0] :
	    NULL;
}

void
kx_table_row(const struct kx_table *table, const struct kx_event *event,
    struct kx_csv *csv, struct kx_buf *out, struct kx_buf *scratch,
    kx_table_note *note, void *arg)
{
	struct maker m = {
		.event = event, .json = event->json, .csv = csv, .out = out,
		.scratch = scratch, .note = note, .arg = arg,
	};
	const struct kx_column *column = table->column;
	size_t i;

	/* No number has to be quoted, and null is nothing at all. */
	m.fast = !csv->escapes && csv->null.len == 0 &&
	    strchr("0123456789+-.eE", csv->delimiter) == NULL;
	if (event->rows[KX_GROUP_IDENTITY].n > 0) {
		m.identity = &event->rows[KX_GROUP_IDENTITY].row[0];
		m.face = first_of_identity(&event->rows[KX_GROUP_FACE]);
		m.plate = first_of_identity(&event->rows[KX_GROUP_PLATE]);
	}
	for (i = 0; i < KX_N_GROUPS; i++)
		m.node[i] = no_nodes;
	m.node[KX_GROUP_EVENT] = event->field;
	if (m.identity != NULL)
		m.node[KX_GROUP_IDENTITY] = m.identity->field;
	if (m.face != NULL)
		m.node[KX_GROUP_FACE] = m.face->field;
	if (m.plate != NULL)
		m.node[KX_GROUP_PLATE] = m.plate->field;
	for (i = 0; i < table->n; i++, column++) {
		if (column->field >= 0)
			add_field(&m, column);
		else
			add_derived(&m, column);
	}
	check_containers(&m);
	kx_csv_end(csv, out);
}
