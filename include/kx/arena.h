/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory by the record: allocations that are all given back at once.
 * Zero-initialised is empty and valid.
 */
#ifndef KX_ARENA_H
#define KX_ARENA_H

#include "kx/base.h"

struct kx_arena {
	struct kx_arena_block *head;
	size_t used;		/* bytes used of the head block */
};

/* `size` bytes aligned for any object, not cleared; NULL without memory.
 * They live until kx_arena_reset() or kx_arena_free(). */
void *kx_arena_alloc(struct kx_arena *arena, size_t size);
/* A terminated copy of the span's bytes; NULL without memory. */
char *kx_arena_dup(struct kx_arena *arena, struct kx_span span);
/* Give everything back but one block, which the next record uses. */
void kx_arena_reset(struct kx_arena *arena);
void kx_arena_free(struct kx_arena *arena);

#endif
