/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lanes: a hash by channel, a list of those that are ready, and a heap of those
 * that wait, which has room for every lane there is.
 */
#include <config.h>

#include <stdlib.h>

#include "lanes.h"

void
kx_lanes_init(struct lanes *lanes, enum kx_order order)
{
	memset(lanes, 0, sizeof(*lanes));
	lanes->order = order;
}

void
kx_lanes_fini(struct lanes *lanes)
{
	free(lanes->heap);
	lanes->heap = NULL;
}

/* --- ready --------------------------------------------------------------- */

static void
make_ready(struct lanes *lanes, struct lane *lane)
{
	lane->next_ready = NULL;
	if (lanes->ready_first == NULL)
		lanes->ready_first = lane;
	else
		lanes->ready_last->next_ready = lane;
	lanes->ready_last = lane;
	lanes->n_ready++;
}

struct delivery *
kx_lanes_take(struct lanes *lanes)
{
	struct lane *lane = lanes->ready_first;

	if (lane == NULL)
		return NULL;
	lanes->ready_first = lane->next_ready;
	lanes->n_ready--;
	return lane->first;
}

/* --- waiting ------------------------------------------------------------- */

static void
heap_put(struct lanes *lanes, size_t i, struct lane *lane)
{
	lanes->heap[i] = lane;
	lane->heap_place = i;
}

static void
heap_up(struct lanes *lanes, size_t i, struct lane *lane)
{
	size_t parent;

	for (; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (lanes->heap[parent]->at_ns <= lane->at_ns)
			break;
		heap_put(lanes, i, lanes->heap[parent]);
	}
	heap_put(lanes, i, lane);
}

/* The first goes; `lane`, the last, is sunk to its place. */
static void
heap_pop(struct lanes *lanes)
{
	struct lane *lane = lanes->heap[--lanes->n_waiting];
	size_t i = 0, child, n = lanes->n_waiting;

	if (n == 0)
		return;
	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && lanes->heap[child + 1]->at_ns <
		    lanes->heap[child]->at_ns)
			child++;
		if (lane->at_ns <= lanes->heap[child]->at_ns)
			break;
		heap_put(lanes, i, lanes->heap[child]);
		i = child;
	}
	heap_put(lanes, i, lane);
}

void
kx_lanes_later(struct lanes *lanes, struct delivery *d, uint64_t at_ns)
{
	d->lane->at_ns = at_ns;
	heap_up(lanes, lanes->n_waiting++, d->lane);
}

void
kx_lanes_expire(struct lanes *lanes, uint64_t now_ns)
{
	struct lane *lane;

	while (lanes->n_waiting > 0 && lanes->heap[0]->at_ns <= now_ns) {
		lane = lanes->heap[0];
		heap_pop(lanes);
		make_ready(lanes, lane);
	}
}

uint64_t
kx_lanes_next_ns(const struct lanes *lanes)
{
	return lanes->n_waiting > 0 ? lanes->heap[0]->at_ns : UINT64_MAX;
}

/* --- lanes --------------------------------------------------------------- */

static struct lane **
hash_place(struct lanes *lanes, uint64_t key)
{
	struct lane **p = &lanes->hash[key % LANES_HASH];

	while (*p != NULL && (*p)->key != key)
		p = &(*p)->next_hashed;
	return p;
}

static bool
heap_reserve(struct lanes *lanes)
{
	struct lane **heap;
	size_t cap;

	if (lanes->n_lanes < lanes->heap_cap)
		return true;
	cap = lanes->heap_cap == 0 ? 64 : 2 * lanes->heap_cap;
	heap = reallocarray(lanes->heap, cap, sizeof(*heap));
	if (heap == NULL)
		return false;
	lanes->heap = heap;
	lanes->heap_cap = cap;
	return true;
}

bool
kx_lanes_add(struct lanes *lanes, struct delivery *d)
{
	uint64_t key = lanes->order == KX_ORDER_STRICT ? 0 :
	    d->event.channel;
	struct lane **place = NULL, *lane = NULL;

	d->next = NULL;
	if (lanes->order != KX_ORDER_NONE) {
		place = hash_place(lanes, key);
		lane = *place;
	}
	if (lane != NULL) {
		lane->last->next = d;
		lane->last = d;
	} else {
		if (!heap_reserve(lanes))
			return false;
		lane = place == NULL ? &d->own : malloc(sizeof(*lane));
		if (lane == NULL)
			return false;
		memset(lane, 0, sizeof(*lane));
		lanes->n_lanes++;
		lane->own = place == NULL;
		lane->key = key;
		lane->first = lane->last = d;
		if (place != NULL)
			*place = lane;
		make_ready(lanes, lane);
	}
	d->lane = lane;
	d->newer = NULL;
	d->older = lanes->newest;
	*(lanes->newest == NULL ? &lanes->oldest : &lanes->newest->newer) = d;
	lanes->newest = d;
	lanes->n++;
	lanes->n_bytes += d->size;
	return true;
}

static void
unlink_delivery(struct lanes *lanes, struct delivery *d)
{
	*(d->older == NULL ? &lanes->oldest : &d->older->newer) = d->newer;
	*(d->newer == NULL ? &lanes->newest : &d->newer->older) = d->older;
	lanes->n--;
	lanes->n_bytes -= d->size;
}

static void
free_lane(struct lanes *lanes, struct lane *lane)
{
	lanes->n_lanes--;
	if (lane->own)
		return;
	*hash_place(lanes, lane->key) = lane->next_hashed;
	free(lane);
}

void
kx_lanes_leave(struct lanes *lanes, struct delivery *d)
{
	struct lane *lane = d->lane;

	unlink_delivery(lanes, d);
	lane->first = d->next;
	if (lane->first == NULL)
		free_lane(lanes, lane);
	else
		make_ready(lanes, lane);
}

struct delivery *
kx_lanes_drop(struct lanes *lanes)
{
	struct delivery *d = lanes->oldest;

	lanes->ready_first = NULL;
	lanes->n_ready = lanes->n_waiting = 0;
	if (d == NULL)
		return NULL;
	/* The oldest of all is the first of its lane. */
	unlink_delivery(lanes, d);
	d->lane->first = d->next;
	if (d->next == NULL)
		free_lane(lanes, d->lane);
	return d;
}
