/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The field table, and the walk of a scanned record by it.
 *
 * The pointers of fields.def make a tree of names.  A record is walked along
 * the tree: of each object the names are looked up, what the tree does not
 * know is stepped over whole, so an event costs a look-up a name on the way
 * and nothing for what is inside an unknown member.
 */
#include <config.h>

#include <stddef.h>
#include <stdlib.h>

#include "kx/event.h"
#include "kx/num.h"

#include "digits.h"
#include "namekey.h"

const struct kx_field_info kx_field_info[KX_N_FIELDS] = {
#define KX_FIELD(group, symbol, column, pointer, type, presence, min, max, \
	values, unit, meaning) \
	{ KX_GROUP_##group, column, pointer, KX_TYPE_##type, \
	    KX_PRESENCE_##presence, min, max, values, unit, meaning },
#include "fields.def"
};

/* Every place of every field: the table's own pointers, then the aliases. */
static const struct place {
	enum kx_field field;
	enum kx_group group;
	const char *pointer;
	bool alias;
} places[] = {
#define KX_FIELD(group, symbol, column, pointer, ...) \
	{ KX_##group##_##symbol, KX_GROUP_##group, pointer, false },
#include "fields.def"
#define KX_ALIAS(group, symbol, pointer) \
	{ KX_##group##_##symbol, KX_GROUP_##group, pointer, true },
#include "fields.def"
};

#define N_PLACES (sizeof places / sizeof places[0])

/* Elements of these arrays are rows. */
static const struct {
	const char *pointer;
	enum kx_group group;
} arrays[] = {
	{ "/params/identities/*", KX_GROUP_IDENTITY },
	{ "/params/identities/*/faces/*", KX_GROUP_FACE },
	{ "/params/identities/*/plates/*", KX_GROUP_PLATE },
	{ "/snapshots/*", KX_GROUP_SNAPSHOT },
	{ "/channel/tags/*", KX_GROUP_TAG },
	{ "/tags/*", KX_GROUP_TAG },
};

#define N_ARRAYS (sizeof arrays / sizeof arrays[0])

/* Containers that are no fields, but are asked for. */
static const struct {
	const char *pointer;
	enum kx_part part;
} parts[] = {
	{ "/params/attributes", KX_PART_ATTRIBUTES },
	{ "/params/object", KX_PART_OBJECT },
	{ "/params/object/color", KX_PART_COLOR },
	{ "/params/object/object_type", KX_PART_OBJECT_TYPE },
	{ "/channel/tags", KX_PART_TAGS },
	{ "/tags", KX_PART_FLAT_TAGS },
	{ "/params/identities/*/faces", KX_PART_FACES },
	{ "/params/identities/*/plates", KX_PART_PLATES },
	{ "/params/identities/*/list", KX_PART_LIST },
	{ "/method", KX_PART_METHOD },
};

#define N_PARTS (sizeof parts / sizeof parts[0])

/* Slots of a name table: so many more than the 20 names or so of the largest
 * object that a factor by which each has a slot of its own is soon found. */
#define SLOT_BITS 7
#define SLOTS (1 << SLOT_BITS)

/* Names of the largest object, and room for some more. */
#define NAMES_MOST 40

/* In the bits of a slot: it is the other spelling of a field. */
#define FLAT (UINT64_C(1) << 63)

_Static_assert(NAMES_MOST < 63, "struct slot's bits");

/* A node of the tree: an object whose members have names here, or an array
 * whose elements are `element`. */
struct branch {
	/* Where a name may be: the byte of the branch at which its entry
	 * begins; entry[0]'s where there is none.  The entries stand close
	 * together, so that a record's names find them in the first-level
	 * cache. */
	uint16_t index[SLOTS];
	uint64_t factor;	/* of the hash: no two names share a slot */
	struct slot {
		struct kx_key key;
		uint32_t offset;	/* of the word that gets the node, in
					   the event or in its row */
		uint64_t bits;		/* one of its own in the branch, and
					   FLAT */
		struct branch *inside;	/* NULL: nothing that is known */
		const char *name;
		uint8_t group;		/* of the field or part: the row's */
		bool in_row;		/* as all of a branch, or none */
	} entry[1 + NAMES_MOST];	/* [0] is no name */
	unsigned n;
	struct branch *element;	/* of an array, or NULL */
	int group;		/* of a branch that is an element, or -1 */
};

#define BRANCHES_MOST 24

/* A word of an event, and of a row, that nobody reads. */
#define NOWHERE (uint32_t)offsetof(struct kx_event, nowhere)

_Static_assert(offsetof(struct kx_row, nowhere) ==
    offsetof(struct kx_event, nowhere), "NOWHERE is one place");

struct kx_schema {
	struct branch branch[BRANCHES_MOST];
	unsigned n;
};

static inline unsigned
slot_of(const struct kx_key *key, uint64_t factor)
{
	return kx_key_hash(key, factor, SLOT_BITS);
}

static inline bool
is_name(const struct slot *slot, const struct kx_key *key, const char *name)
{
	return kx_key_eq(&slot->key, key) && (KX_LIKELY(key->len <=
	    KX_KEY_WHOLE) || !memcmp(slot->name, name, key->len));
}

/* The entry of that name; NULL: there is none. */
static inline const struct slot *
find_name(const struct branch *b, const char *name, uint32_t len)
{
	const struct kx_key key = kx_key_of(name, len);
	const struct slot *slot = (const struct slot *)(const void *)
	    ((const char *)b + b->index[slot_of(&key, b->factor)]);

	return KX_LIKELY(is_name(slot, &key, name)) ? slot : NULL;
}

/* The entry of that name, made where it is new; NULL: no room.  The index is
 * made when all are there. */
static struct slot *
have_name(struct branch *b, const char *padded, uint32_t len,
    const char *name)
{
	const struct kx_key key = kx_key_of(padded, len);
	struct slot *slot;
	unsigned e;

	for (e = 1; e <= b->n; e++)
		if (is_name(&b->entry[e], &key, padded))
			return &b->entry[e];
	if (b->n == NAMES_MOST)
		return NULL;
	slot = &b->entry[++b->n];
	slot->name = name;
	slot->key = key;
	slot->bits = UINT64_C(1) << (b->n - 1);
	slot->offset = NOWHERE;
	return slot;
}

#define ENTRY_AT(e) (uint16_t)(offsetof(struct branch, entry) + \
	(e) * sizeof(struct slot))

/* Has each name a slot of its own by this factor?  Then the index is made. */
static bool
try_factor(struct branch *b, uint64_t factor)
{
	unsigned e, k;

	for (k = 0; k < SLOTS; k++)
		b->index[k] = ENTRY_AT(0);
	for (e = 1; e <= b->n; e++) {
		k = slot_of(&b->entry[e].key, factor);
		if (b->index[k] != ENTRY_AT(0))
			return false;
		b->index[k] = ENTRY_AT(e);
	}
	b->factor = factor;
	return true;
}

/* A few tries are enough, a hundred for forty names.  False: two names have
 * one key, and fields.def needs a better one; a test would see it. */
static bool
make_index(struct branch *b)
{
	uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	unsigned i;

	for (i = 0; i < 100000; i++) {
		if (try_factor(b, factor))
			return true;
		factor += UINT64_C(0x632be59bd9b4e01a);	/* and stays odd */
	}
	return false;
}

const char *
kx_field_known(enum kx_field f)
{
	static const struct {
		enum kx_field field;
		const char *names;
	} known[] = {
#define KX_KNOWN(group, symbol, names) { KX_##group##_##symbol, names },
#include "fields.def"
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].field == f)
			return known[i].names;
	return kx_field_info[f].values;
}

int
kx_field_find(struct kx_span name)
{
	int f;

	for (f = 0; f < KX_N_FIELDS; f++)
		if (kx_span_eq(name, kx_span_str(kx_field_info[f].column)))
			return f;
	return -1;
}

static struct branch *
branch_new(struct kx_schema *schema)
{
	struct branch *b;

	if (schema->n == BRANCHES_MOST)
		return NULL;
	b = &schema->branch[schema->n++];
	memset(b, 0, sizeof *b);
	b->group = -1;
	b->entry[0].key.len = UINT32_MAX;
	return b;
}

/* Where an array of words begins, and the word at `index` of it. */
#define WORD(type, array, index) \
	(uint32_t)(offsetof(type, array) + (size_t)(index) * sizeof(uint32_t))

static void
set_field(struct slot *slot, int field, bool alias)
{
	enum kx_group group = kx_field_info[field].group;

	slot->group = (uint8_t)group;
	slot->in_row = group != KX_GROUP_EVENT;
	if (alias && !slot->in_row)
		slot->bits |= FLAT;
	slot->offset = slot->in_row ? WORD(struct kx_row, field,
	    field - (int)kx_group_first(group)) : alias ?
	    WORD(struct kx_event, flat, field) :
	    WORD(struct kx_event, field, field);
}

static void
set_part(struct slot *slot, enum kx_part part)
{
	slot->in_row = part >= KX_N_PARTS;
	slot->group = slot->in_row ? KX_GROUP_IDENTITY : KX_GROUP_EVENT;
	slot->offset = slot->in_row ?
	    WORD(struct kx_row, part, part - KX_N_PARTS) :
	    WORD(struct kx_event, part, part);
}

/* The branch inside b by one step of a pointer, made where it is new; b itself
 * where the step names a field. */
static struct branch *
branch_step(struct kx_schema *schema, struct branch *b, const char *name,
    size_t len, int field, bool alias)
{
	char padded[64] = "";
	struct slot *slot;

	if (len == 1 && *name == '*') {
		if (b->element == NULL)
			b->element = branch_new(schema);
		return b->element;
	}
	/* The pointer may end too soon to be read by eights. */
	memcpy(padded, name, len < sizeof padded - 8 ? len :
	    sizeof padded - 8);
	slot = have_name(b, padded, (uint32_t)len, name);
	if (slot == NULL)
		return NULL;
	if (field >= 0) {
		set_field(slot, field, alias);
		return b;
	}
	if (slot->inside == NULL)
		slot->inside = branch_new(schema);
	return slot->inside;
}

/* Follow a pointer from the top; the last step names `field`, or with -1 is
 * an element. */
static struct branch *
branch_path(struct kx_schema *schema, const char *pointer, int field,
    bool alias)
{
	struct branch *b = schema->branch;

	while (b != NULL && *pointer == '/') {
		const char *name = pointer + 1;
		size_t len = strcspn(name, "/");
		bool last = name[len] == '\0';

		b = branch_step(schema, b, name, len,
		    last && field >= 0 ? field : -1, alias);
		pointer = name + len;
	}
	return b;
}

/* The slot that the last step of a pointer has in the tree. */
static void
mark_part(struct kx_schema *schema, const char *pointer, enum kx_part part)
{
	const char *name = strrchr(pointer, '/');
	char above[64] = "", padded[64] = "";
	struct branch *b;
	struct slot *slot;

	memcpy(above, pointer, (size_t)(name - pointer));
	memcpy(padded, name + 1, strlen(name + 1));
	b = branch_path(schema, above, -1, false);
	if (b == NULL)
		return;
	slot = have_name(b, padded, (uint32_t)strlen(padded), name + 1);
	if (slot != NULL)
		set_part(slot, part);
}

/* Fields of rows that are not kept go nowhere. */
static void
drop_fields(struct branch *b, unsigned groups)
{
	unsigned e;

	for (e = 1; e <= b->n; e++)
		if (b->entry[e].in_row && !(groups & 1u << b->entry[e].group))
			b->entry[e].offset = NOWHERE;
}

struct kx_schema *
kx_schema_new(void)
{
	return kx_schema_new_for(NULL, ~0u);
}

struct kx_schema *
kx_schema_new_for(const bool *fields, unsigned groups)
{
	struct kx_schema *schema = calloc(1, sizeof *schema);
	size_t i;

	if (schema == NULL)
		return NULL;
	(void)branch_new(schema);
	for (i = 0; i < N_PLACES; i++) {
		if (fields == NULL || fields[places[i].field])
			branch_path(schema, places[i].pointer,
			    (int)places[i].field, places[i].alias);
	}
	for (i = 0; i < N_ARRAYS; i++) {
		struct branch *b;

		if (!(groups & 1u << arrays[i].group))
			continue;
		b = branch_path(schema, arrays[i].pointer, -1, false);
		if (b != NULL)
			b->group = (int)arrays[i].group;
	}
	for (i = 0; fields == NULL && i < N_PARTS; i++)
		mark_part(schema, parts[i].pointer, parts[i].part);
	for (i = 0; i < schema->n; i++) {
		drop_fields(&schema->branch[i], groups);
		if (!make_index(&schema->branch[i])) {
			free(schema);
			return NULL;
		}
	}
	return schema;
}

void
kx_schema_free(struct kx_schema *schema)
{
	free(schema);
}

void
kx_event_fini(struct kx_event *event)
{
	int g;

	for (g = 0; g < KX_N_GROUPS; g++)
		free(event->rows[g].row);
	memset(event, 0, sizeof *event);
}

static uint32_t
last_identity(const struct kx_event *event)
{
	uint32_t n = event->rows[KX_GROUP_IDENTITY].n;

	return n == 0 ? 0 : n - 1;
}

static struct kx_row *
row_new(struct kx_event *event, enum kx_group group, uint32_t node)
{
	struct kx_rows *rows = &event->rows[group];
	struct kx_row *row;

	if (rows->n == rows->cap) {
		uint32_t cap = rows->cap == 0 ? 8 : 2 * rows->cap;

		row = realloc(rows->row, cap * sizeof *row);
		if (row == NULL) {
			event->no_memory = true;
			return NULL;
		}
		rows->row = row;
		rows->cap = cap;
	}
	row = &rows->row[rows->n++];
	memset(row, 0, sizeof *row);
	row->node = node;
	row->identity = last_identity(event);
	return row;
}

struct walk {
	struct kx_event *event;
	const struct kx_json_node *node;
	const char *names;	/* the text behind its first byte */
};

static void walk_value(struct walk *, const struct branch *, char *,
    uint32_t);

/* The same of a name with escapes; NULL without memory, too. */
static KX_NOINLINE const struct slot *
find_escaped(struct kx_event *event, const struct branch *b, uint32_t name)
{
	struct kx_buf scratch = { 0 };
	struct kx_span s = kx_json_decode(event->json, name, &scratch, NULL);
	const struct slot *slot = NULL;

	if (kx_buf_failed(&scratch))
		event->no_memory = true;
	else
		slot = find_name(b, s.ptr, (uint32_t)s.len);
	kx_buf_free(&scratch);
	return slot;
}

/* The nodes of an object's members go to the words at `to`: of the event or of
 * one of its rows, which does not move before the object is left, for none is
 * inside another of its group. */
static void
walk_object(struct walk *w, const struct branch *b, char *to, uint32_t obj)
{
	const struct kx_json_node *node = w->node;
	uint32_t i, end = node[obj].next;
	uint64_t seen = 0;	/* bits of the names so far */
	uint64_t again = 0;
	bool unknown = false;

	for (i = obj + 1; i < end; i = node[i + 1].next) {
		const struct kx_json_node *name = &node[i], *value = name + 1;
		uint32_t there = i + 1;
		const struct slot *slot;

		if (KX_UNLIKELY((name->meta & KX_JSON_ESCAPED) != 0))
			slot = find_escaped(w->event, b, i);
		else
			slot = find_name(b, w->names + name->off,
			    name->len - 2);
		if (KX_UNLIKELY(slot == NULL)) {
			again |= unknown | (value->next - (there + 1));
			unknown = true;
			continue;
		}
		again |= seen & slot->bits & ~FLAT;
		seen |= slot->bits;
		memcpy(to + slot->offset, &there, sizeof there);
		if (slot->inside != NULL)
			walk_value(w, slot->inside, to, there);
		else
			again |= value->next - (there + 1);
	}
	w->event->may_repeat |= again != 0;
	w->event->has_flat |= (seen & FLAT) != 0;
}

/* An array that is given twice counts once, as any repeated name: what the
 * earlier one left is dropped. */
static void
rows_begin(struct kx_event *event, enum kx_group group)
{
	struct kx_rows *rows = &event->rows[group];

	if (group == KX_GROUP_FACE || group == KX_GROUP_PLATE) {
		while (rows->n > 0 && rows->row[rows->n - 1].identity ==
		    last_identity(event))
			rows->n--;
		return;
	}
	rows->n = 0;
	if (group == KX_GROUP_IDENTITY)
		event->rows[KX_GROUP_FACE].n =
		    event->rows[KX_GROUP_PLATE].n = 0;
}

static void
walk_array(struct walk *w, const struct branch *element, char *to,
    uint32_t array)
{
	const struct kx_json_node *node = w->node;
	struct kx_event *event = w->event;
	uint32_t i;

	if (element->group >= 0)
		rows_begin(event, (enum kx_group)element->group);
	for (i = array + 1; i < node[array].next; i = node[i].next) {
		if (element->group >= 0) {
			to = (char *)row_new(event,
			    (enum kx_group)element->group, i);
			if (to == NULL)
				return;
		}
		if (kx_json_type(event->json, i) == KX_JSON_OBJECT)
			walk_object(w, element, to, i);
		else
			event->may_repeat |= node[i].next > i + 1;
	}
}

/* Recursion ends with the tree, eight levels down. */
static void
walk_value(struct walk *w, const struct branch *b, char *to, uint32_t value)
{
	switch (kx_json_type(w->event->json, value)) {
	case KX_JSON_OBJECT:
		walk_object(w, b, to, value);
		break;
	case KX_JSON_ARRAY:
		if (b->element != NULL)
			walk_array(w, b->element, to, value);
		else
			w->event->may_repeat |=
			    w->node[value].next > value + 1;
		break;
	default:
		break;
	}
}

bool
kx_event_walk(struct kx_event *event, const struct kx_schema *schema,
    const struct kx_json *json)
{
	return kx_event_walk_at(event, schema, json, 0);
}

bool
kx_event_walk_at(struct kx_event *event, const struct kx_schema *schema,
    const struct kx_json *json, uint32_t root)
{
	struct walk w = { event, json->node, json->text + 1 };
	int g, f;

	event->json = json;
	event->no_memory = false;
	event->may_repeat = false;
	event->is_object = kx_json_type(json, root) == KX_JSON_OBJECT;
	memset(event->field, 0, sizeof event->field);
	if (event->has_flat)
		memset(event->flat, 0, sizeof event->flat);
	event->has_flat = false;
	memset(event->part, 0, sizeof event->part);
	for (g = 0; g < KX_N_GROUPS; g++)
		event->rows[g].n = 0;
	if (!event->is_object) {
		event->may_repeat = true;
		return true;
	}
	walk_object(&w, schema->branch, (char *)event, root);
	for (f = 0; event->has_flat && f < KX_N_FIELDS; f++)
		if (event->field[f] == 0)
			event->field[f] = event->flat[f];
	return !event->no_memory;
}

bool
kx_value_int(const struct kx_json *json, uint32_t node, int64_t *out)
{
	if (node == 0)
		return false;
	switch (kx_json_type(json, node)) {
	case KX_JSON_NUMBER:
		return kx_num_whole(kx_json_raw(json, node), out);
	case KX_JSON_STRING:
		return kx_num_i64(kx_json_str(json, node), out);
	default:
		return false;
	}
}

bool
kx_value_num(const struct kx_json *json, uint32_t node, double *out)
{
	if (node == 0)
		return false;
	switch (kx_json_type(json, node)) {
	case KX_JSON_NUMBER:
		return kx_num_double(kx_json_raw(json, node), out);
	case KX_JSON_STRING:
		return kx_num_double(kx_json_str(json, node), out);
	default:
		return false;
	}
}

bool
kx_value_text(const struct kx_json *json, uint32_t node,
    struct kx_buf *scratch, struct kx_span *out)
{
	if (node == 0)
		return false;
	switch (kx_json_type(json, node)) {
	case KX_JSON_NUMBER:
		*out = kx_json_raw(json, node);
		return true;
	case KX_JSON_STRING:
		*out = kx_json_decode(json, node, scratch, NULL);
		return !kx_buf_failed(scratch);
	default:
		return false;
	}
}

const char *
kx_level_name(int64_t level)
{
	static const char *const names[] = {
		"low", "normal", "high", "critical"
	};

	return level >= 0 && level <= 3 ? names[level] : NULL;
}

bool
kx_id_parse(struct kx_span id, struct kx_span *origin,
    struct kx_span *start_ms, struct kx_span *event_id)
{
	const char *p = id.ptr, *end = p + id.len;
	struct kx_span *part[3] = { origin, start_ms, event_id };
	int i;

	if (id.len == 0)
		return false;
	for (i = 0; i < 3; i++) {
		size_t n = kx_digits_within(p, (size_t)(end - p));

		if (n == 0)
			return false;
		*part[i] = (struct kx_span){ p, n };
		p += n;
		if (i < 2 && (p == end || *p++ != ':'))
			return false;
	}
	/* An origin without leading zeros, 13 digits of ms, an id that fits
	 * in 64 bits. */
	return p == end && (origin->len == 1 || *origin->ptr != '0') &&
	    start_ms->len == 13 && event_id->len <= 20;
}
