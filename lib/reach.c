/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reaches (kx/reach.h).  Members of one name are all kept, in their order, for
 * the last counts only once the text has been read again.
 *
 * Cost: a reduction is one walk over the objects that are on the way.
 */
#include <config.h>

#include <string.h>

#include "kx/reach.h"

static int
part_new(struct kx_reach *reach)
{
	if (reach->n == KX_REACH_MAX) {
		reach->part[0].whole = true;
		return -1;
	}
	reach->part[reach->n] = (struct kx_reach_part){ .first = -1,
	    .next = -1, .each = -1 };
	return reach->n++;
}

void
kx_reach_init(struct kx_reach *reach)
{
	reach->n = 0;
	(void)part_new(reach);
}

int
kx_reach_member(struct kx_reach *reach, int part, struct kx_span name)
{
	int8_t *link = &reach->part[part].first;
	int made;

	for (; *link >= 0; link = &reach->part[*link].next)
		if (kx_span_eq(reach->part[*link].name, name))
			return *link;
	made = part_new(reach);
	if (made >= 0) {
		reach->part[made].name = name;
		*link = (int8_t)made;
	}
	return made;
}

int
kx_reach_each(struct kx_reach *reach, int part)
{
	if (reach->part[part].each < 0)
		reach->part[part].each = (int8_t)part_new(reach);
	return reach->part[part].each;
}

void
kx_reach_use(struct kx_reach *reach, int part)
{
	reach->part[part].whole = true;
}

static void
merge(struct kx_reach *reach, int to, const struct kx_reach *from, int part)
{
	int i, k;

	if (from->part[part].whole)
		reach->part[to].whole = true;
	for (i = from->part[part].first; i >= 0; i = from->part[i].next) {
		k = kx_reach_member(reach, to, from->part[i].name);
		if (k >= 0)
			merge(reach, k, from, i);
	}
	if (from->part[part].each >= 0) {
		k = kx_reach_each(reach, to);
		if (k >= 0)
			merge(reach, k, from, from->part[part].each);
	}
}

void
kx_reach_merge(struct kx_reach *reach, const struct kx_reach *from)
{
	merge(reach, 0, from, 0);
}

/* The part that a member is, by its name's node: -1, it cannot be seen; -2,
 * all of it, for it is named and one of each. */
static int
part_of(const struct kx_reach *reach, int part, const struct kx_json *json,
    uint32_t key)
{
	const struct kx_reach_part *p = &reach->part[part];
	struct kx_span name = kx_json_str(json, key);
	bool escaped = json->node[key].meta & KX_JSON_ESCAPED;
	int i;

	for (i = p->first; i >= 0; i = reach->part[i].next) {
		if (escaped ? kx_json_str_eq(json, key, reach->part[i].name) :
		    kx_span_eq(name, reach->part[i].name))
			return p->each < 0 ? i : -2;
	}
	return p->each;
}

static void
reduce(const struct kx_reach *reach, int part, const struct kx_json *json,
    uint32_t node, struct kx_buf *out)
{
	enum kx_json_type type = kx_json_type(json, node);
	uint32_t i, end = json->node[node].next, step;
	bool more = false, object = type == KX_JSON_OBJECT;
	int inner;

	if (part == -2 || reach->part[part].whole || type < KX_JSON_ARRAY) {
		kx_buf_addspan(out, kx_json_raw(json, node));
		return;
	}
	kx_buf_addc(out, object ? '{' : '[');
	for (i = node + 1; i < end; i = json->node[step].next) {
		step = object ? i + 1 : i;
		inner = object ? part_of(reach, part, json, i) :
		    reach->part[part].each;
		if (inner == -1)
			continue;
		if (more)
			kx_buf_addc(out, ',');
		more = true;
		if (object) {
			kx_buf_addspan(out, kx_json_raw(json, i));
			kx_buf_addc(out, ':');
		}
		reduce(reach, inner, json, step, out);
	}
	kx_buf_addc(out, object ? '}' : ']');
}

void
kx_reach_reduce(const struct kx_reach *reach, const struct kx_json *json,
    struct kx_buf *out)
{
	reduce(reach, 0, json, 0, out);
}

static uint32_t
find(const struct kx_reach *reach, int part, const struct kx_json *json,
    uint32_t node, bool (*is)(const struct kx_json *, uint32_t))
{
	enum kx_json_type type = kx_json_type(json, node);
	uint32_t i, end = json->node[node].next, step, found;
	bool object = type == KX_JSON_OBJECT;
	int inner;

	if (part == -2 || reach->part[part].whole || type < KX_JSON_ARRAY) {
		for (i = node; i < end; i++)
			if (!(json->node[i].meta & KX_JSON_KEY) &&
			    is(json, i))
				return i;
		return 0;
	}
	for (i = node + 1; i < end; i = json->node[step].next) {
		step = object ? i + 1 : i;
		inner = object ? part_of(reach, part, json, i) :
		    reach->part[part].each;
		found = inner == -1 ? 0 : find(reach, inner, json, step, is);
		if (found != 0)
			return found;
	}
	return 0;
}

uint32_t
kx_reach_find(const struct kx_reach *reach, const struct kx_json *json,
    bool (*is)(const struct kx_json *, uint32_t))
{
	return find(reach, 0, json, 0, is);
}
