/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two tables of ids, the young and the old.  A new id goes into the young one;
 * when that has KX_STREAM_MOST of them it becomes the old one, and what was old
 * is forgotten.  Tables grow by doubling, so a short log costs little.
 */
#include <config.h>

#include <stdlib.h>
#include <sys/mman.h>

#include "kx/stream.h"

#include "mix.h"

#define SLOTS_MIN ((size_t)1 << 10)

/* A large page of most processors; of others this is only an alignment. */
#define PAGE_LARGE ((size_t)2 << 20)

/* An id of 0 is a free slot.  The input shares a word with the line. */
struct entry {
	uint64_t id, bytes;
	uint64_t line_input;	/* line << 16 | input */
};

struct table {
	struct entry *slot;
	size_t n, cap;		/* cap: 0, or a power of two */
};

struct kx_stream {
	struct table young, old;
	size_t most;
	bool has_type, text, said_mixed;
};

uint64_t
kx_stream_digest(struct kx_span text)
{
	uint64_t digest = kx_mix(text.ptr, text.len);

	return digest != 0 ? digest : 1;
}

struct kx_stream *
kx_stream_new(size_t most)
{
	struct kx_stream *stream = calloc(1, sizeof *stream);

	if (stream != NULL)
		stream->most = most;
	return stream;
}

void
kx_stream_free(struct kx_stream *stream)
{
	if (stream == NULL)
		return;
	free(stream->young.slot);
	free(stream->old.slot);
	free(stream);
}

/* The slot of that id, or the free one where it would be. */
static struct entry *
find(const struct table *table, uint64_t id)
{
	size_t mask = table->cap - 1, k;

	for (k = (size_t)id & mask; table->slot[k].id != 0 &&
	    table->slot[k].id != id; k = (k + 1) & mask)
		continue;
	return &table->slot[k];
}

/* Slots, all free.  They are looked up all over, so that a large table is
 * better off in large pages; and each is written here, because a page of
 * calloc()'s that is read first is given twice, and for the second time the
 * other threads are stopped.  NULL without memory. */
static struct entry *
slots_new(size_t n)
{
	size_t size, k;
	struct entry *slot;

	if (__builtin_mul_overflow(n, sizeof *slot, &size) ||
	    __builtin_add_overflow(size, PAGE_LARGE - 1, &k))
		return NULL;
	slot = size < PAGE_LARGE ? malloc(size) :
	    aligned_alloc(PAGE_LARGE, k / PAGE_LARGE * PAGE_LARGE);
	if (slot == NULL)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (size >= PAGE_LARGE)
		(void)madvise(slot, size, MADV_HUGEPAGE);
#endif
	for (k = 0; k < n; k++)
		slot[k].id = 0;
	return slot;
}

static bool
grow(struct table *table)
{
	struct table more = { .cap = table->cap == 0 ? SLOTS_MIN :
	    2 * table->cap, .n = table->n };
	size_t k;

	more.slot = slots_new(more.cap);
	if (more.slot == NULL)
		return false;
	for (k = 0; k < table->cap; k++)
		if (table->slot[k].id != 0)
			*find(&more, table->slot[k].id) = table->slot[k];
	free(table->slot);
	*table = more;
	return true;
}

/* The young table becomes the old one; its memory takes the next. */
static void
turn(struct kx_stream *stream)
{
	struct table table = stream->old;

	stream->old = stream->young;
	stream->young = table;
	stream->young.n = 0;
	if (table.cap > 0)
		memset(table.slot, 0, table.cap * sizeof *table.slot);
}

static struct entry *
known(struct kx_stream *stream, uint64_t id)
{
	struct entry *entry;

	if (stream->young.cap > 0) {
		entry = find(&stream->young, id);
		if (entry->id != 0)
			return entry;
	}
	if (stream->old.cap > 0) {
		entry = find(&stream->old, id);
		if (entry->id != 0)
			return entry;
	}
	return NULL;
}

static enum kx_status
remember(struct kx_stream *stream, const struct kx_stream_note *note,
    unsigned input)
{
	struct table *young = &stream->young;

	if (young->n == stream->most)
		turn(stream);
	if (young->n >= young->cap / 4 * 3 && !grow(young))
		return KX_FAIL;
	*find(young, note->id) = (struct entry){ note->id, note->bytes,
	    note->line << 16 | (input & 0xffff) };
	young->n++;
	return KX_OK;
}

void
kx_stream_prefetch(const struct kx_stream *stream,
    const struct kx_stream_note *note)
{
	if (stream->young.cap > 0)
		__builtin_prefetch(&stream->young.slot[note->id &
		    (stream->young.cap - 1)]);
	if (stream->old.cap > 0)
		__builtin_prefetch(&stream->old.slot[note->id &
		    (stream->old.cap - 1)]);
}

enum kx_status
kx_stream_add(struct kx_stream *stream, const struct kx_stream_note *note,
    unsigned input, struct kx_stream_answer *answer)
{
	const struct entry *entry;

	memset(answer, 0, sizeof *answer);
	if (note->has_event_id) {
		if (!stream->has_type) {
			stream->has_type = true;
			stream->text = note->event_id_text;
		} else if (stream->text != note->event_id_text &&
		    !stream->said_mixed) {
			answer->mixed = stream->said_mixed = true;
		}
	}
	if (note->id == 0)
		return KX_OK;
	entry = known(stream, note->id);
	if (entry == NULL)
		return remember(stream, note, input);
	answer->kind = entry->bytes == note->bytes ? KX_STREAM_COPY :
	    KX_STREAM_CONFLICT;
	answer->line = entry->line_input >> 16;
	answer->input = (unsigned)(entry->line_input & 0xffff);
	return KX_OK;
}
