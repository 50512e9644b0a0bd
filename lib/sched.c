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
kx_sched_init(struct kx_sched *sched, double speed, uint64_t seed)
{
	*sched = (struct kx_sched){ .speed = speed, .random = seed };
}

/* ms of the timeline as ns of the clock. */
static uint64_t
scaled(uint64_t ms, double speed)
{
	double ns = (double)ms * NS_PER_MS / speed;

	/* 2^63 ns are 292 years; the comparison also refuses NaN. */
	return ns < 0x1p63 ? (uint64_t)ns : KX_SCHED_NEVER;
}

uint64_t
kx_sched_due(struct kx_sched *sched, bool timed, int64_t start_ms,
    uint64_t now_ns)
{
	bool early;

	if (!timed || start_ms < 0 || start_ms > KX_SCHED_LATEST) {
		sched->n_untimed++;
		return now_ns;
	}
	if (!sched->begun) {
		sched->begun = true;
		sched->begin_ns = now_ns;
		sched->high_ms = sched->last_ms = start_ms;
	}
	early = start_ms < sched->last_ms;
	sched->n_early += early;
	sched->last_ms = start_ms;
	if (start_ms > sched->high_ms) {
		sched->at_ms += (uint64_t)(start_ms - sched->high_ms);
		sched->high_ms = start_ms;
	} else if (start_ms < sched->high_ms) {
		/* Behind the timeline: its instant has been and gone. */
		return now_ns;
	}
	if (sched->speed == 0)
		return now_ns;
	return kx_sched_add(sched->begin_ns,
	    scaled(sched->at_ms, sched->speed));
}

/* SplitMix64 (Steele, Lea, Flood 2014): good enough to spread retries. */
static uint64_t
next_random(struct kx_sched *sched)
{
	uint64_t z = sched->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t
kx_sched_backoff(struct kx_sched *sched, unsigned failed)
{
	uint64_t window = KX_SCHED_BACKOFF_NS;
	unsigned i;

	for (i = 1; i < failed && window < KX_SCHED_BACKOFF_CAP_NS; i++)
		window *= 2;
	if (window > KX_SCHED_BACKOFF_CAP_NS)
		window = KX_SCHED_BACKOFF_CAP_NS;
	return next_random(sched) % (window + 1);
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
