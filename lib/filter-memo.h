/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verdicts that libjq has given before.  Programs that are functions of what
 * they can see say of the same text, reduced to that, the same: few logs have
 * more names of lists, or of cameras, than are remembered here.
 *
 * A text is compared whole.  One worker's, about a megabyte.
 */
#ifndef KX_FILTER_MEMO_H
#define KX_FILTER_MEMO_H

#include "kx/filter.h"

/* Longer texts are not remembered. */
enum { MEMO_TEXT = 232, MEMO_ENTRIES = 4096 };

struct memo_entry {
	uint32_t batch;		/* LATER: it was asked in this batch ... */
	uint32_t asked;		/* ... as that record, from 0 */
	uint16_t len;
	uint8_t used;
	uint8_t verdict;	/* enum kx_verdict: YES, NO, LATER */
	char text[MEMO_TEXT];
};

/* The entry of the text, or the one that it may take: *known tells.  NULL where
 * it is too long, or *memo has no memory.  Zeroed, *memo is empty. */
struct memo_entry *kx_memo_find(struct memo_entry **memo, struct kx_span text,
    bool *known);

/* Take the entry for the text. */
void kx_memo_take(struct memo_entry *entry, struct kx_span text,
    uint32_t batch, uint32_t asked);

#endif
