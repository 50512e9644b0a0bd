/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the sender share: deliver.c has the threads that send and
 * the caller's side, deliver-journal.c the way of what was delivered into the
 * journal.  All but the piles is for who holds the lock.
 */
#ifndef KX_DELIVER_IMPL_H
#define KX_DELIVER_IMPL_H

#include <pthread.h>
#include <stdlib.h>

#include "kx/journal.h"

#include "lanes.h"

#define MAX_SENDERS 4

/* Events in the order in which they came. */
struct pile {
	struct delivery *first, **end;
	size_t n;
};

struct sender {
	struct kx_deliver *d;
	struct kx_http *http;
	pthread_t thread;
	bool running;
	bool sleeping;		/* may be woken */
	size_t cap, n_flying;	/* connections, those in use */
	struct pile done;	/* to be freed without the lock */
};

struct report {
	struct kx_report report;	/* first: it is what is handed out */
	struct report *next;
	struct delivery *delivery;	/* NULL: of a note */
	char reason[300];
	char head[KX_HTTP_HEAD];
};

/* What the journal's thread does. */
enum syncer { SYNCER_BUSY, SYNCER_IDLE, SYNCER_GATHERS };

struct kx_deliver {
	struct kx_deliver_options o;
	pthread_mutex_t lock;
	pthread_cond_t written;		/* for the journal's thread */
	struct lanes lanes;
	struct delivery *spare;		/* room for events to come: a stack */
	size_t n_spare;
	struct delivery *at_hand;	/* the same, for the caller's thread */
	struct kx_deliver_stats stats;
	struct report *reports, **reports_end;
	unsigned n_added;		/* since senders were woken */
	size_t n_held;			/* events that reports hold */
	size_t held_bytes;
	/* With a journal: what was delivered, as far as it has come there. */
	struct pile answered;		/* under way still */
	struct pile unsynced;
	size_t n_syncing;
	bool writing;			/* a sender is */
	enum syncer syncer_is;
	uint64_t *ordinals;		/* of the writer, for all under way */
	bool failing;			/* the last answer was no success */
	bool stopped;			/* no event is begun */
	bool closing;			/* threads end */
	bool dead;
	struct kx_error fault;
	bool armed;
	unsigned want;			/* beside reports */
	size_t want_len;
	pthread_t syncer;
	bool syncing;			/* that runs */
	size_t n_senders;
	struct sender sender[MAX_SENDERS];
};

static inline void
kx_delivery_free(struct delivery *event)
{
	kx_buf_free(&event->head);
	free(event);
}

static inline void
kx_pile_init(struct pile *pile)
{
	pile->first = NULL;
	pile->end = &pile->first;
	pile->n = 0;
}

static inline void
kx_pile_put(struct pile *pile, struct delivery *event)
{
	event->next_piled = NULL;
	*pile->end = event;
	pile->end = &event->next_piled;
	pile->n++;
}

static inline struct delivery *
kx_pile_take(struct pile *pile)
{
	struct delivery *event = pile->first;

	if (event != NULL && (pile->first = event->next_piled) == NULL)
		pile->end = &pile->first;
	pile->n -= event != NULL;
	return event;
}

/* `to`, which was empty, has what was in `from`. */
static inline void
kx_pile_move(struct pile *to, struct pile *from)
{
	kx_pile_init(to);
	if (from->n == 0)
		return;
	*to = *from;
	kx_pile_init(from);
}

/* Its events have left the lanes: it takes no lock. */
static inline void
kx_pile_free(struct pile *pile)
{
	struct delivery *event;

	while ((event = kx_pile_take(pile)) != NULL)
		kx_delivery_free(event);
}

/* Written to the journal, and not known to be on the disk. */
static inline size_t
kx_deliver_n_unsynced(const struct kx_deliver *d)
{
	return d->unsynced.n + d->n_syncing;
}

/* deliver.c: no event can be sent any more. */
void kx_deliver_die(struct kx_deliver *d, const struct kx_error *err);
/* The event is done with; it goes to the spare ones, or to *done, to be freed
 * without the lock. */
void kx_deliver_delivered(struct kx_deliver *d, struct delivery *event,
    struct pile *done);
/* When the last one has landed, what is left is reported. */
void kx_deliver_flush_unsent(struct kx_deliver *d);
/* Senders, as many as there is work for. */
void kx_deliver_wake(struct kx_deliver *d);
/* The caller, if it waits for what there is now. */
void kx_deliver_tell(struct kx_deliver *d);

/* deliver-journal.c: write what has been answered, unless another sender does;
 * the lock is let go of meanwhile. */
void kx_deliver_write_answered(struct kx_deliver *d);
/* Sync all that has been written; the lock is let go of meanwhile. */
void kx_deliver_sync_some(struct kx_deliver *d);
/* Is there something that the journal's thread waits for?  Then d->written is
 * to be signalled. */
bool kx_deliver_syncer_wanted(const struct kx_deliver *d);
/* That thread. */
void *kx_deliver_syncer(void *d);

#endif
