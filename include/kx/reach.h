/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of an event that can be seen: a tree of names.
 *
 * Of a part that is not whole only so much can be seen as is named below it,
 * whether it is an object, an array, or what scalar it is, and of an array with
 * parts how many elements it has.  An event that is reduced to a reach cannot
 * be told, by what has that reach, from the event itself.
 */
#ifndef KX_REACH_H
#define KX_REACH_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/json.h"

/* As many as a mask of 64 bits has: a reach that would need more is whole. */
enum { KX_REACH_MAX = 64 };

struct kx_reach_part {
	struct kx_span name;	/* of a member; the caller's */
	int8_t first, next;	/* the members below, and beside; -1: none */
	int8_t each;		/* any element, and any member; -1: not seen */
	bool whole;
};

/* part[0] is the event. */
struct kx_reach {
	struct kx_reach_part part[KX_REACH_MAX];
	int n;
};

/* Nothing can be seen. */
void kx_reach_init(struct kx_reach *reach);

/* The member of this name of a part, or any element: made where it is not
 * there yet.  -1 where there is no room: then the reach is whole. */
int kx_reach_member(struct kx_reach *reach, int part, struct kx_span name);
int kx_reach_each(struct kx_reach *reach, int part);

/* All of a part can be seen. */
void kx_reach_use(struct kx_reach *reach, int part);

/* What can be seen in `from` can be seen in *reach too, which then refers to
 * the same names. */
void kx_reach_merge(struct kx_reach *reach, const struct kx_reach *from);

static inline bool
kx_reach_is_whole(const struct kx_reach *reach)
{
	return reach->part[0].whole;
}

/* Append the scanned text, reduced to the reach, to *out. */
void kx_reach_reduce(const struct kx_reach *reach, const struct kx_json *json,
    struct kx_buf *out);

/* The first node in the reach, or in it all where that is whole, of which
 * `is` says so; 0: none.  Names are not asked for. */
uint32_t kx_reach_find(const struct kx_reach *reach,
    const struct kx_json *json,
    bool (*is)(const struct kx_json *json, uint32_t node));

#endif
