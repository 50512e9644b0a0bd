/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table with one place for each text (filter-memo.h): what comes takes the
 * place of what was there.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "filter-memo.h"
#include "kx/unique.h"

struct memo_entry *
kx_memo_find(struct memo_entry **memo, struct kx_span text, bool *known)
{
	struct memo_entry *entry;

	*known = false;
	if (text.len > MEMO_TEXT)
		return NULL;
	if (*memo == NULL)
		*memo = calloc(MEMO_ENTRIES, sizeof(**memo));
	if (*memo == NULL)
		return NULL;
	entry = &(*memo)[kx_unique_digest(text) % MEMO_ENTRIES];
	*known = entry->used && entry->len == text.len &&
	    !memcmp(entry->text, text.ptr, text.len);
	return entry;
}

void
kx_memo_take(struct memo_entry *entry, struct kx_span text, uint32_t batch,
    uint32_t asked)
{
	entry->used = 1;
	entry->verdict = KX_VERDICT_LATER;
	entry->batch = batch;
	entry->asked = asked;
	entry->len = (uint16_t)text.len;
	memcpy(entry->text, text.ptr, text.len);
}
