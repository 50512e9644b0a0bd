/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clock of a replay: when each event is due, and how long to wait before
 * a failed one is tried again.
 *
 * Events lie on a timeline of recorded start times that only goes forward.
 * The first of them stands for the instant at which it was ready; every other
 * is due at that instant plus its distance on the timeline, divided by the
 * speed.  With a rate it is the count of events that is divided instead.
 * Nothing is added up from sleeps, so a long replay does not drift, and one
 * that was held up catches up.
 *
 * Instants are nanoseconds of CLOCK_MONOTONIC: a change of the wall clock
 * moves nothing.
 */
#ifndef KX_SCHED_H
#define KX_SCHED_H

#include "kx/base.h"

/* The latest start time that is taken for one, in ms: the end of the year
 * 9999.  Microseconds and nanoseconds of this age are above it. */
#define KX_SCHED_LATEST INT64_C(253402300799999)

/* The first window of kx_backoff(), and the widest. */
#define KX_SCHED_BACKOFF_NS ((uint64_t)500 * 1000 * 1000)
#define KX_SCHED_BACKOFF_CAP_NS ((uint64_t)60 * 1000 * 1000 * 1000)

/* An instant that never comes. */
#define KX_SCHED_NEVER UINT64_MAX

struct kx_sched {
	uint64_t n_early;	/* earlier than the timed one before them */
	uint64_t n_untimed;	/* without a usable start time */
	uint64_t n_events;	/* all that were asked about */
	/* What the caller may set behind kx_sched_init(). */
	double rate;		/* events a second, whatever their times; 0:
				   their times count */
	uint64_t max_gap_ms;	/* a longer gap on the timeline is taken for
				   this; UINT64_MAX: none is */
	/* the rest is the module's */
	double speed;		/* 0: as fast as can be */
	bool begun;
	uint64_t begin_ns;	/* what the first timed event stands for */
	int64_t high_ms;	/* the latest start time so far */
	int64_t last_ms;	/* that of the timed event before */
	uint64_t at_ms;		/* high_ms on the timeline, from 0 */
};

/* `speed` is the factor on the recorded gaps, 0 for no clock at all. */
void kx_sched_init(struct kx_sched *sched, double speed);

/*
 * The instant at which the next event, in the order of the log, is due.
 * `timed` says whether it has a start time; one that is negative or above
 * KX_SCHED_LATEST is none.  `now_ns` is what kx_sched_now() says.  An event
 * without a start time, one earlier than the one before it, and every event
 * when there is no clock, is due now.  The result may lie in the past.
 */
uint64_t kx_sched_due(struct kx_sched *sched, bool timed, int64_t start_ms,
    uint64_t now_ns);

/*
 * How long to wait, in ns, before an attempt that follows `failed` failures
 * in a row (from 1): a random part of a window that doubles each time, from
 * KX_SCHED_BACKOFF_NS to KX_SCHED_BACKOFF_CAP_NS.  The jitter is full, so that
 * many senders that failed together do not come back together.  *random is
 * the state of the jitter, at first any number that differs from run to run.
 */
uint64_t kx_backoff(uint64_t *random, unsigned failed);

/* The monotonic clock. */
uint64_t kx_sched_now(void);

/* Sleep until that instant; signals that are caught do not cut it short. */
void kx_sched_wait(uint64_t until_ns);

/* a + b, KX_SCHED_NEVER where that is too much. */
static inline uint64_t
kx_sched_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? KX_SCHED_NEVER : sum;
}

#endif
