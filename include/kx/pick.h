/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Some members of an object, found in one walk.  The names are the caller's
 * and must outlive the pick.
 */
#ifndef KX_PICK_H
#define KX_PICK_H

#include "kx/base.h"
#include "kx/json.h"

enum { KX_PICK_MAX = 32, KX_PICK_LENS = 64 };

struct kx_pick {
	unsigned n;
	struct kx_span name[KX_PICK_MAX];
	uint32_t by_len[KX_PICK_LENS];	/* which names have this length; the
					   last: this one and above */
};

/* The name's slot, the one it already has if it is known; -1 where the pick
 * is full.  A zeroed pick is empty. */
int kx_pick_add(struct kx_pick *pick, struct kx_span name);

/* out[slot] becomes the value of each name in the object at node obj, 0 where
 * it has none; of members of one name, the last. */
void kx_pick_find(const struct kx_pick *pick, const struct kx_json *json,
    uint32_t obj, uint32_t *out);

#endif
