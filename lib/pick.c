/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Some members of an object, found in one walk (kx/pick.h).
 *
 * A member's name is compared only with the names of its length, of which a
 * bit each is kept; names with escapes, which are rare, with all of them.
 */
#include <config.h>

#include <string.h>

#include "kx/pick.h"

int
kx_pick_add(struct kx_pick *pick, struct kx_span name)
{
	size_t len;
	unsigned i;

	for (i = 0; i < pick->n; i++)
		if (kx_span_eq(pick->name[i], name))
			return (int)i;
	if (pick->n == KX_PICK_MAX)
		return -1;
	pick->name[i] = name;
	pick->n++;
	len = name.len < KX_PICK_LENS ? name.len : KX_PICK_LENS - 1;
	pick->by_len[len] |= UINT32_C(1) << i;
	return (int)i;
}

void
kx_pick_find(const struct kx_pick *pick, const struct kx_json *json,
    uint32_t obj, uint32_t *out)
{
	const struct kx_json_node *key;
	const char *name;
	uint32_t i, end, left;
	unsigned slot;
	size_t len;

	for (slot = 0; slot < pick->n; slot++)
		out[slot] = 0;
	end = json->node[obj].next;
	for (i = obj + 1; i < end; i = json->node[i + 1].next) {
		key = &json->node[i];
		if (KX_UNLIKELY(key->meta & KX_JSON_ESCAPED)) {
			for (slot = 0; slot < pick->n; slot++)
				if (kx_json_str_eq(json, i, pick->name[slot]))
					out[slot] = i + 1;
			continue;
		}
		len = key->len - 2;
		name = json->text + key->off + 1;
		left = pick->by_len[len < KX_PICK_LENS ? len :
		    KX_PICK_LENS - 1];
		for (; left != 0; left &= left - 1) {
			slot = (unsigned)__builtin_ctz(left);
			if (pick->name[slot].len == len && (len == 0 ||
			    (*pick->name[slot].ptr == *name &&
			    !memcmp(pick->name[slot].ptr, name, len))))
				out[slot] = i + 1;
		}
	}
}
