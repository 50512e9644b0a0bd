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

#include <stdlib.h>

#include "kx/event.h"
#include "kx/num.h"

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

/* Slots of a name table; a power of two well over the 20 names or so of the
 * largest object. */
#define SLOTS 64

_Static_assert(SLOTS == 64, "a bit a slot in walk_object(), six of a hash");

/* A node of the tree: an object whose members have names here, or an array
 * whose elements are `element`. */
struct branch {
	struct slot {
		uint64_t head, tail;	/* of the name: see struct key */
		const char *name;
		uint16_t len;
		int16_t field;		/* enum kx_field, or -1 */
		int16_t branch;		/* what is inside, or -1 */
		uint8_t group;		/* of the field */
		bool alias;
	} slot[SLOTS];
	int16_t element;	/* branch of the elements of an array, or -1 */
	int16_t group;		/* of a branch that is an element: its group */
};

struct kx_schema {
	struct branch branch[24];
	int16_t n;
};

/* A name as two words, its first eight bytes and its last eight: all of it,
 * where it has no more than sixteen.  Of a shorter name than eight bytes both
 * are the same, filled up with zeros. */
struct key {
	uint64_t head, tail;
};

static inline uint64_t
load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Eight bytes from `name` on are readable. */
static inline struct key
key_of(const char *name, size_t len)
{
	uint64_t head = load(name);

	if (len >= sizeof(head))
		return (struct key){ head, load(name + len - sizeof(head)) };
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	head &= (UINT64_C(1) << 8 * len) - 1;
#else
	head = len == 0 ? 0 : head & ~UINT64_C(0) << 8 * (8 - len);
#endif
	return (struct key){ head, head };
}

static inline unsigned
slot_of(struct key key)
{
	return (unsigned)((key.head + 3 * key.tail) *
	    UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

/* The slot of a name, or a free one. */
static inline unsigned
find(const struct branch *b, const char *name, size_t len)
{
	struct key key = key_of(name, len);
	unsigned k = slot_of(key);

	for (; b->slot[k].name != NULL; k = (k + 1) % SLOTS) {
		if (b->slot[k].head == key.head &&
		    b->slot[k].tail == key.tail && b->slot[k].len == len &&
		    (len <= 2 * sizeof(key.head) ||
		    !memcmp(b->slot[k].name, name, len)))
			break;
	}
	return k;
}

enum kx_field
kx_group_first(enum kx_group group)
{
	/* The groups' rows stand together in the table; a test says so. */
	static const enum kx_field first[KX_N_GROUPS] = {
		KX_EVENT_MONITOR_ID, KX_IDENTITY_LIST_ID, KX_FACE_ID,
		KX_PLATE_ID, KX_SNAPSHOT_TYPE, KX_TAG_ID
	};

	return first[group];
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

static int16_t
branch_new(struct kx_schema *schema)
{
	struct branch *b;
	int i;

	if (schema->n == (int16_t)(sizeof schema->branch /
	    sizeof schema->branch[0]))
		return -1;
	b = &schema->branch[schema->n];
	memset(b, 0, sizeof *b);
	for (i = 0; i < SLOTS; i++)
		b->slot[i].field = b->slot[i].branch = -1;
	b->element = b->group = -1;
	return schema->n++;
}

/* The branch inside `at` by one step of a pointer, made where it is new. */
static int16_t
branch_step(struct kx_schema *schema, int16_t at, const char *name,
    size_t len, int field, bool alias)
{
	struct branch *b = &schema->branch[at];
	char padded[64] = "";
	unsigned k;

	if (len == 1 && *name == '*') {
		if (b->element < 0) {
			int16_t made = branch_new(schema);

			schema->branch[at].element = made;
			return made;
		}
		return b->element;
	}
	memcpy(padded, name, len);
	k = find(b, padded, len);
	b->slot[k].head = key_of(padded, len).head;
	b->slot[k].tail = key_of(padded, len).tail;
	b->slot[k].name = name;
	b->slot[k].len = (uint16_t)len;
	if (field >= 0) {
		b->slot[k].field = (int16_t)field;
		b->slot[k].group = (uint8_t)kx_field_info[field].group;
		b->slot[k].alias = alias;
		return at;
	}
	if (b->slot[k].branch < 0) {
		int16_t made = branch_new(schema);

		schema->branch[at].slot[k].branch = made;
		return made;
	}
	return b->slot[k].branch;
}

/* Follow a pointer from the top; the last step names `field`, or with -1 is
 * an element. */
static int16_t
branch_path(struct kx_schema *schema, const char *pointer, int field,
    bool alias)
{
	int16_t at = 0;

	while (at >= 0 && *pointer == '/') {
		const char *name = pointer + 1;
		size_t len = strcspn(name, "/");
		bool last = name[len] == '\0';

		at = branch_step(schema, at, name, len,
		    last && field >= 0 ? field : -1, alias);
		pointer = name + len;
	}
	return at;
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
	branch_new(schema);
	for (i = 0; i < N_PLACES; i++) {
		if (fields == NULL || fields[places[i].field])
			branch_path(schema, places[i].pointer,
			    (int)places[i].field, places[i].alias);
	}
	for (i = 0; i < N_ARRAYS; i++) {
		int16_t at;

		if (!(groups & 1u << arrays[i].group))
			continue;
		at = branch_path(schema, arrays[i].pointer, -1, false);
		if (at >= 0)
			schema->branch[at].group = (int16_t)arrays[i].group;
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
	row->identity = event->rows[KX_GROUP_IDENTITY].n == 0 ? 0 :
	    event->rows[KX_GROUP_IDENTITY].n - 1;
	return row;
}

/* Where the fields of a walk's objects go: into the event, or into the row
 * of a group (kept by number, since rows may move). */
struct target {
	enum kx_group group;
	uint32_t row;
};

static inline void
put(struct kx_event *event, struct target target, const struct slot *slot,
    uint32_t node)
{
	enum kx_group group = (enum kx_group)slot->group;
	int field = slot->field;

	if (group == KX_GROUP_EVENT && slot->alias) {
		event->flat[field] = node;
		event->has_flat = true;
	} else if (group == KX_GROUP_EVENT) {
		event->field[field] = node;
	} else if (group == target.group) {
		struct kx_row *row = &event->rows[group].row[target.row];

		row->field[field - (int)kx_group_first(group)] = node;
	}
}

/* The slot of a name that is spelled with escapes. */
static KX_NOINLINE unsigned
find_escaped(struct kx_event *event, const struct branch *b, uint32_t i)
{
	struct kx_buf scratch = { NULL, 0, 0, false };
	struct kx_span name = kx_json_decode(event->json, i, &scratch, NULL);
	unsigned k;

	if (kx_buf_failed(&scratch)) {
		event->no_memory = true;
		name = KX_SPAN("--------");	/* no name of ours */
	}
	k = find(b, name.ptr, name.len);
	kx_buf_free(&scratch);
	return k;
}

static void walk_value(struct kx_event *, const struct kx_schema *, int16_t,
    struct target, uint32_t);

static void
walk_object(struct kx_event *event, const struct kx_schema *schema,
    int16_t at, struct target target, uint32_t obj)
{
	const struct kx_json *json = event->json;
	const struct kx_json_node *node = json->node;
	const struct branch *b = &schema->branch[at];
	uint32_t i, end = node[obj].next;
	uint64_t seen = 0;	/* a bit a slot: the names so far */
	bool unknown = false;

	for (i = obj + 1; i < end; i = node[i + 1].next) {
		struct kx_span name = kx_json_str(json, i);
		const struct slot *slot;
		unsigned k;

		if (KX_UNLIKELY((node[i].meta & KX_JSON_ESCAPED) != 0))
			k = find_escaped(event, b, i);
		else
			k = find(b, name.ptr, name.len);
		slot = &b->slot[k];
		if (slot->name != NULL) {
			event->may_repeat |= (seen >> k & 1) != 0;
			seen |= UINT64_C(1) << k;
			if (slot->field >= 0)
				put(event, target, slot, i + 1);
			if (slot->branch >= 0)
				walk_value(event, schema, slot->branch,
				    target, i + 1);
			else
				event->may_repeat |= node[i + 1].next > i + 2;
		} else {
			event->may_repeat |= unknown ||
			    node[i + 1].next > i + 2;
			unknown = true;
		}
	}
}

/* An array that is given twice counts once, as any repeated name: what the
 * earlier one left is dropped. */
static void
rows_begin(struct kx_event *event, enum kx_group group, struct target target)
{
	struct kx_rows *rows = &event->rows[group];

	if (group == KX_GROUP_FACE || group == KX_GROUP_PLATE) {
		while (rows->n > 0 &&
		    rows->row[rows->n - 1].identity == target.row)
			rows->n--;
		return;
	}
	rows->n = 0;
	if (group == KX_GROUP_IDENTITY)
		event->rows[KX_GROUP_FACE].n =
		    event->rows[KX_GROUP_PLATE].n = 0;
}

/* Recursion ends with the tree, eight levels down. */
static void
walk_value(struct kx_event *event, const struct kx_schema *schema,
    int16_t at, struct target target, uint32_t value)
{
	const struct kx_json_node *node = event->json->node;
	const struct branch *b = &schema->branch[at];
	uint32_t i;

	switch (kx_json_type(event->json, value)) {
	case KX_JSON_OBJECT:
		walk_object(event, schema, at, target, value);
		break;
	case KX_JSON_ARRAY:
		if (b->element < 0) {
			event->may_repeat |= node[value].next > value + 1;
			break;
		}
		if (schema->branch[b->element].group >= 0)
			rows_begin(event, (enum kx_group)
			    schema->branch[b->element].group, target);
		for (i = value + 1; i < node[value].next; i = node[i].next) {
			const struct branch *e = &schema->branch[b->element];
			struct target inner = target;

			if (e->group >= 0) {
				inner.group = (enum kx_group)e->group;
				inner.row = event->rows[e->group].n;
				if (row_new(event, inner.group, i) == NULL)
					return;
			}
			if (kx_json_type(event->json, i) == KX_JSON_OBJECT)
				walk_object(event, schema, b->element, inner,
				    i);
			else
				event->may_repeat |= node[i].next > i + 1;
		}
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
	struct target top = { KX_GROUP_EVENT, 0 };
	int g, f;

	event->json = json;
	event->no_memory = false;
	event->may_repeat = false;
	event->is_object = kx_json_type(json, root) == KX_JSON_OBJECT;
	memset(event->field, 0, sizeof event->field);
	if (event->has_flat)
		memset(event->flat, 0, sizeof event->flat);
	event->has_flat = false;
	for (g = 0; g < KX_N_GROUPS; g++)
		event->rows[g].n = 0;
	if (!event->is_object) {
		event->may_repeat = true;
		return true;
	}
	walk_object(event, schema, 0, top, root);
	for (f = 0; event->has_flat && f < KX_N_FIELDS; f++)
		if (event->field[f] == 0)
			event->field[f] = event->flat[f];
	return !event->no_memory;
}

uint32_t
kx_row_get(const struct kx_row *row, enum kx_field f)
{
	return row->field[f - kx_group_first(kx_field_info[f].group)];
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

static size_t
digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (size_t)(p - start);
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
		size_t n = digits(p, end);

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
