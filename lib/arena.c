/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory by the record: blocks in a list, the newest first, filled from the
 * bottom.  A new block is twice its forerunner up to LARGEST, or as large as
 * the one allocation that needs it.  A reset keeps the largest block of at
 * most LARGEST bytes, so that in a stream of like records nothing is
 * allocated after the first few, and one giant does not stay for good.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/arena.h"

#define SMALLEST ((size_t)16 << 10)
#define LARGEST ((size_t)1 << 20)

struct kx_arena_block {
	struct kx_arena_block *next;
	size_t cap;
	max_align_t data[];
};

void *
kx_arena_alloc(struct kx_arena *arena, size_t size)
{
	struct kx_arena_block *block = arena->head;
	size_t cap, all;
	void *ptr;

	if (__builtin_add_overflow(size, _Alignof(max_align_t) - 1, &size))
		return NULL;
	size &= ~(_Alignof(max_align_t) - 1);
	if (size == 0)
		size = _Alignof(max_align_t);
	if (block == NULL || size > block->cap - arena->used) {
		cap = SMALLEST;
		if (block != NULL)
			cap = block->cap < LARGEST / 2 ? block->cap * 2 :
			    LARGEST;
		if (cap < size)
			cap = size;
		if (__builtin_add_overflow(cap, sizeof(*block), &all) ||
		    all > PTRDIFF_MAX)
			return NULL;
		block = malloc(all);
		if (block == NULL)
			return NULL;
		block->next = arena->head;
		block->cap = cap;
		arena->head = block;
		arena->used = 0;
	}
	ptr = (char *)block->data + arena->used;
	arena->used += size;
	return ptr;
}

char *
kx_arena_dup(struct kx_arena *arena, struct kx_span span)
{
	size_t size;
	char *copy;

	if (__builtin_add_overflow(span.len, (size_t)1, &size))
		return NULL;
	copy = kx_arena_alloc(arena, size);
	if (copy == NULL)
		return NULL;
	if (span.len > 0)
		memcpy(copy, span.ptr, span.len);
	copy[span.len] = '\0';
	return copy;
}

void
kx_arena_reset(struct kx_arena *arena)
{
	struct kx_arena_block *block, *next, *keep = NULL;

	for (block = arena->head; block != NULL; block = block->next) {
		if (block->cap <= LARGEST &&
		    (keep == NULL || block->cap > keep->cap))
			keep = block;
	}
	for (block = arena->head; block != NULL; block = next) {
		next = block->next;
		if (block != keep)
			free(block);
	}
	if (keep != NULL)
		keep->next = NULL;
	arena->head = keep;
	arena->used = 0;
}

void
kx_arena_free(struct kx_arena *arena)
{
	struct kx_arena_block *block, *next;

	for (block = arena->head; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	arena->head = NULL;
	arena->used = 0;
}
