/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The queue of deliver.c: events in lanes (see include/kx/deliver.h).
 *
 * A lane is ready, flying or waiting: its first event may be taken, is under
 * way, or is to be taken again from some instant on.  A lane without events is
 * gone.  No function but kx_lanes_add() needs memory.
 */
#ifndef KX_LANES_H
#define KX_LANES_H

#include "kx/buf.h"
#include "kx/deliver.h"

struct delivery;

struct lane {
	uint64_t key;
	struct delivery *first, *last;
	struct lane *next_ready;
	struct lane *next_hashed;
	uint64_t at_ns;		/* waiting: until then */
	size_t heap_place;
	bool own;		/* of one event: it lies there, none is added */
};

struct delivery {
	struct delivery *next;			/* in its lane */
	struct delivery *older, *newer;		/* of all */
	struct lane *lane, own;
	/* of deliver.c: */
	struct delivery *next_piled;
	struct kx_event_in event;		/* spans point to bytes[] */
	const char *id_line;			/* a header of its own */
	struct kx_buf head;			/* the others */
	unsigned attempts;
	uint64_t sent_ns;
	size_t size;				/* of what is in bytes[] */
	size_t cap;
	char bytes[];
};

#define LANES_HASH 1024

struct lanes {
	enum kx_order order;
	size_t n;		/* events */
	size_t n_bytes;
	struct delivery *oldest, *newest;
	struct lane *ready_first, *ready_last;
	size_t n_ready;
	struct lane **heap;	/* waiting, the soonest first */
	size_t n_waiting, n_lanes, heap_cap;
	struct lane *hash[LANES_HASH];
};

void kx_lanes_init(struct lanes *lanes, enum kx_order order);
/* All events must have left. */
void kx_lanes_fini(struct lanes *lanes);

/* False without memory; then nothing has changed. */
bool kx_lanes_add(struct lanes *lanes, struct delivery *d) KX_MUST_CHECK;

/* The next event that may be sent, whose lane is flying then; or NULL. */
struct delivery *kx_lanes_take(struct lanes *lanes);

/* A taken event has ended: it leaves, and its lane goes on. */
void kx_lanes_leave(struct lanes *lanes, struct delivery *d);

/* A taken event is to be taken again, not before that instant. */
void kx_lanes_later(struct lanes *lanes, struct delivery *d, uint64_t at_ns);

/* Lanes whose time has come are ready. */
void kx_lanes_expire(struct lanes *lanes, uint64_t now_ns);

/* When the next of them will be; UINT64_MAX: none waits. */
uint64_t kx_lanes_next_ns(const struct lanes *lanes);

/* The oldest event leaves, wherever it was; NULL: there is none.  For the end,
 * when none is flying; lanes are not served behind this. */
struct delivery *kx_lanes_drop(struct lanes *lanes);

#endif
