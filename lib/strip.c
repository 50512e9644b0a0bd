/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Image payloads cut out of an event's text.  What is between the members of
 * a snapshot goes with the member behind it, or at the end with the last.
 */
#include <config.h>

#include "kx/strip.h"

struct strip {
	const struct kx_json *json;
	struct kx_buf *out;
	size_t done;		/* the text has been copied up to here */
};

static void
copy_to(struct strip *strip, size_t off)
{
	kx_buf_add(strip->out, strip->json->text + strip->done,
	    off - strip->done);
	strip->done = off;
}

static size_t
end_of(const struct kx_json *json, uint32_t i)
{
	return (size_t)json->node[i].off + json->node[i].len;
}

/* Cut the images out of one snapshot. */
static void
strip_snapshot(struct strip *strip, uint32_t obj)
{
	const struct kx_json *json = strip->json;
	uint32_t i, end = json->node[obj].next, next;
	bool kept = false;
	size_t behind = json->node[obj].off + 1u;	/* of the last member */

	for (i = obj + 1; i < end; i = next) {
		next = json->node[i + 1].next;
		if (!kx_json_str_eq(json, i, KX_SPAN("image"))) {
			kept = true;
		} else if (kept) {
			/* from the comma on */
			copy_to(strip, behind);
			strip->done = end_of(json, i + 1);
		} else {
			/* up to the next name, its comma too */
			copy_to(strip, json->node[i].off);
			strip->done = next < end ? json->node[next].off :
			    end_of(json, i + 1);
		}
		behind = end_of(json, i + 1);
	}
}

bool
kx_strip_images(const struct kx_json *json, struct kx_buf *out)
{
	struct strip strip = { .json = json, .out = out };
	size_t from = out->len;
	uint32_t i, k;

	if (kx_json_type(json, 0) != KX_JSON_OBJECT)
		return false;
	for (i = 1; i < json->node[0].next; i = json->node[i + 1].next) {
		if (kx_json_type(json, i + 1) != KX_JSON_ARRAY ||
		    !kx_json_str_eq(json, i, KX_SPAN("snapshots")))
			continue;
		for (k = i + 2; k < json->node[i + 1].next;
		    k = json->node[k].next)
			if (kx_json_type(json, k) == KX_JSON_OBJECT)
				strip_snapshot(&strip, k);
	}
	if (strip.done == 0 && out->len == from)
		return false;
	copy_to(&strip, json->text_len);
	return true;
}
