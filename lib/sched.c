/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clock of a replay.
 *
 * The timeline is kept in whole milliseconds and turned into an instant by
 * one division for each event, so that no error is carried from one event to
 * the next.  A double holds 2^53 ns, which is a hundred days to the
 * nanosecond and thirty years to a tenth of a microsecond.
 */
#include <config.h>

#include <errno.h>
#include <time.h>

#include "kx/sched.h"

#define NS_PER_S ((uint64_t)1000000000)
#define NS_PER_MS 1e6

void
kx_sched_init(struct kx_sched *sched, double speed)
{
	*sched = (struct kx_sched){ .speed = speed, .max_gap_ms = UINT64_MAX };
}

/* As ns of the clock. */
static uint64_t
clipped(double ns)
{
	/* 2^63 ns are 292 years; the comparison also refuses NaN. */
	return ns < 0x1p63 ? (uint64_t)ns : KX_SCHED_NEVER;
}

/* Move the timeline on to an event's start time; false where that lies behind
 * it. */
static bool
move_on(struct kx_sched *sched, int64_t start_ms)
{
	uint64_t gap;

	sched->n_early += start_ms < sched->last_ms;
	sched->last_ms = start_ms;
	if (start_ms < sched->high_ms)
		return false;
	gap = (uint64_t)(start_ms - sched->high_ms);
	sched->at_ms += gap < sched->max_gap_ms ? gap : sched->max_gap_ms;
	sched->high_ms = start_ms;
	return true;
}

uint64_t
kx_sched_due(struct kx_sched *sched, bool timed, int64_t start_ms,
    uint64_t now_ns)
{
	bool usable = timed && start_ms >= 0 && start_ms <= KX_SCHED_LATEST;
	bool ahead = false;

	sched->n_untimed += !usable;
	if (!sched->begun && (usable || sched->rate > 0)) {
		sched->begun = true;
		sched->begin_ns = now_ns;
		sched->high_ms = sched->last_ms = usable ? start_ms : 0;
	}
	if (usable)
		ahead = move_on(sched, start_ms);
	sched->n_events++;
	if (sched->rate > 0)
		return kx_sched_add(sched->begin_ns, clipped(
		    (double)(sched->n_events - 1) * 1e9 / sched->rate));
	/* Behind the timeline its instant has been and gone. */
	if (!ahead || sched->speed == 0)
		return now_ns;
	return kx_sched_add(sched->begin_ns,
	    clipped((double)sched->at_ms * NS_PER_MS / sched->speed));
}

/* SplitMix64 (Steele, Lea, Flood 2014): good enough to spread retries. */
static uint64_t
next_random(uint64_t *random)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t
kx_backoff(uint64_t *random, unsigned failed)
{
	uint64_t window = KX_SCHED_BACKOFF_NS;
	unsigned i;

	for (i = 1; i < failed && window < KX_SCHED_BACKOFF_CAP_NS; i++)
		window *= 2;
	if (window > KX_SCHED_BACKOFF_CAP_NS)
		window = KX_SCHED_BACKOFF_CAP_NS;
	return next_random(random) % (window + 1);
}

uint64_t
kx_sched_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock is one that every kernel has. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void
kx_sched_wait(uint64_t until_ns)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(until_ns / NS_PER_S);
	ts.tv_nsec = (long)(until_ns % NS_PER_S);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	    EINTR)
		continue;
}
