/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open addressing, linear.  Keys are sums already, so that their first bytes
 * are the hash; that two different texts agree in 128 bits is no accident
 * that happens.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/keytab.h"

#define CAP_MIN 1024		/* a power of two */

struct kx_keytab_slot {
	uint8_t key[KX_KEY_SIZE];	/* all 0: free */
	uint64_t value;
};

static const uint8_t no_key[KX_KEY_SIZE];

/* Its slot, or the free one where it belongs. */
static size_t
find(const struct kx_keytab_slot *slot, size_t cap, const uint8_t *key)
{
	size_t i;

	memcpy(&i, key, sizeof(i));
	for (i &= cap - 1; memcmp(slot[i].key, no_key, KX_KEY_SIZE) != 0 &&
	    memcmp(slot[i].key, key, KX_KEY_SIZE) != 0; i = (i + 1) & (cap - 1))
		continue;
	return i;
}

static bool
grow(struct kx_keytab *tab)
{
	size_t cap = tab->cap == 0 ? CAP_MIN : tab->cap, i;
	struct kx_keytab_slot *slot;

	if (tab->cap != 0 && __builtin_mul_overflow(cap, (size_t)2, &cap))
		return false;
	slot = calloc(cap, sizeof(*slot));
	if (slot == NULL)
		return false;
	for (i = 0; i < tab->cap; i++) {
		const struct kx_keytab_slot *old = &tab->slot[i];

		if (memcmp(old->key, no_key, KX_KEY_SIZE) != 0)
			slot[find(slot, cap, old->key)] = *old;
	}
	free(tab->slot);
	tab->slot = slot;
	tab->cap = cap;
	return true;
}

uint64_t *
kx_keytab_find(const struct kx_keytab *tab, const uint8_t *key)
{
	struct kx_keytab_slot *slot;

	if (tab->n == 0)
		return NULL;
	slot = &tab->slot[find(tab->slot, tab->cap, key)];
	return memcmp(slot->key, no_key, KX_KEY_SIZE) == 0 ? NULL :
	    &slot->value;
}

uint64_t *
kx_keytab_add(struct kx_keytab *tab, const uint8_t *key)
{
	struct kx_keytab_slot *slot;

	if (tab->n >= tab->cap / 4 * 3 && !grow(tab))
		return NULL;
	slot = &tab->slot[find(tab->slot, tab->cap, key)];
	if (memcmp(slot->key, no_key, KX_KEY_SIZE) == 0) {
		memcpy(slot->key, key, KX_KEY_SIZE);
		tab->n++;
	}
	return &slot->value;
}

void
kx_keytab_free(struct kx_keytab *tab)
{
	free(tab->slot);
	*tab = (struct kx_keytab){ NULL, 0, 0 };
}
