/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table from keys of 16 bytes, taken from SHA-256 sums, to numbers.
 * Zero-initialised is empty.  24 bytes a key, in a table at most three
 * quarters full.
 */
#ifndef KX_KEYTAB_H
#define KX_KEYTAB_H

#include "kx/base.h"

#define KX_KEY_SIZE 16

struct kx_keytab {
	struct kx_keytab_slot *slot;
	size_t n, cap;
};

/* The number of the key, good until the next _add; NULL where there is none.
 * A key is KX_KEY_SIZE bytes, not all 0. */
uint64_t *kx_keytab_find(const struct kx_keytab *tab, const uint8_t *key);
/* The same, which is made where it is missing, as 0; NULL without memory. */
uint64_t *kx_keytab_add(struct kx_keytab *tab, const uint8_t *key);
void kx_keytab_free(struct kx_keytab *tab);

#endif
