/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an answer to the journal: written by the sender that has it, synced by
 * a thread of the journal's own.
 */
#include <config.h>

#include <errno.h>
#include <time.h>

#include "deliver-impl.h"

/*
 * KX_UNSYNCED_MOST events may be written and not be on the disk; a sync begins
 * when three quarters of them have come, or the first has waited for so long.
 * The more share a sync the less it costs, whatever `concurrency` is: with a
 * third of this a journal on a quick disk takes a quarter of the events a
 * second, with this a seventh, and with more no less.
 */
#define SYNC_FROM (KX_UNSYNCED_MOST / 4 * 3)
#define GATHER_NS 2000000

/* What has been answered is written by one sender at a time, and with it what
 * comes meanwhile. */
void
kx_deliver_write_answered(struct kx_deliver *d)
{
	struct delivery *event;
	struct kx_error err;
	enum kx_status status;
	struct pile pile;
	size_t n;

	if (d->writing)
		return;
	d->writing = true;
	while (d->answered.n > 0) {
		kx_pile_move(&pile, &d->answered);
		(void)pthread_mutex_unlock(&d->lock);
		for (event = pile.first, n = 0; event != NULL;
		    event = event->next_piled)
			d->ordinals[n++] = event->event.ordinal;
		status = kx_journal_add(d->o.journal, d->ordinals, n, &err);
		(void)pthread_mutex_lock(&d->lock);
		d->stats.n_flying -= n;
		/* They stay, and are reported unsent. */
		if (status != KX_OK)
			kx_deliver_die(d, &err);
		while (status == KX_OK && (event = kx_pile_take(&pile)) != NULL)
			kx_pile_put(&d->unsynced, event);
	}
	d->writing = false;
}

/* Is a sync worth its while?  Where it is not, more events will come; and none
 * that could be begun waits for it. */
static bool
enough_to_sync(const struct kx_deliver *d)
{
	return d->unsynced.n >= SYNC_FROM ||
	    d->stats.n_flying == 0 || (d->o.order != KX_ORDER_NONE &&
	    d->lanes.n_ready == 0);
}

/* Is there something that its thread waits for? */
bool
kx_deliver_syncer_wanted(const struct kx_deliver *d)
{
	return d->unsynced.n > 0 && (d->syncer_is == SYNCER_IDLE ||
	    (d->syncer_is == SYNCER_GATHERS && enough_to_sync(d)));
}

static void
gather(struct kx_deliver *d)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += GATHER_NS;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	d->syncer_is = SYNCER_GATHERS;
	while (!enough_to_sync(d) && !d->closing &&
	    pthread_cond_timedwait(&d->written, &d->lock, &ts) == 0)
		continue;
	d->syncer_is = SYNCER_BUSY;
}

/* All that has been written is synced. */
void
kx_deliver_sync_some(struct kx_deliver *d)
{
	struct delivery *event;
	struct kx_error err;
	enum kx_status status;
	struct pile pile, done;

	kx_pile_init(&done);
	kx_pile_move(&pile, &d->unsynced);
	d->n_syncing = pile.n;
	(void)pthread_mutex_unlock(&d->lock);
	status = kx_journal_sync(d->o.journal, &err);
	(void)pthread_mutex_lock(&d->lock);
	d->n_syncing = 0;
	/* They stay, and are reported unsent. */
	if (status != KX_OK)
		kx_deliver_die(d, &err);
	while (status == KX_OK && (event = kx_pile_take(&pile)) != NULL)
		kx_deliver_delivered(d, event, &done);
	kx_deliver_flush_unsent(d);
	kx_deliver_wake(d);
	kx_deliver_tell(d);
	(void)pthread_mutex_unlock(&d->lock);
	kx_pile_free(&done);
	(void)pthread_mutex_lock(&d->lock);
}

/* The journal's thread. */
void *
kx_deliver_syncer(void *arg)
{
	struct kx_deliver *d = arg;

	(void)pthread_mutex_lock(&d->lock);
	while (!d->closing || d->unsynced.n > 0) {
		if (d->unsynced.n == 0) {
			d->syncer_is = SYNCER_IDLE;
			(void)pthread_cond_wait(&d->written, &d->lock);
			d->syncer_is = SYNCER_BUSY;
			continue;
		}
		if (!enough_to_sync(d))
			gather(d);
		kx_deliver_sync_some(d);
	}
	(void)pthread_mutex_unlock(&d->lock);
	return NULL;
}
