/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The clock of a replay: deadlines from one beginning, whatever the order and
 * the size of the start times; waits before a retry within their windows.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kx/sched.h"

#define MS ((uint64_t)1000000)
#define BEGIN ((uint64_t)7000 * MS)

static void
test_gaps(void **state)
{
	struct kx_sched s;

	(void)state;
	kx_sched_init(&s, 1);
	assert_int_equal(kx_sched_due(&s, true, 1685973361368, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 1685973361368, BEGIN + 5),
	    BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 1685973361400, BEGIN + 9),
	    BEGIN + 32 * MS);
	/* Held up for ten seconds: the beginning still counts. */
	assert_int_equal(kx_sched_due(&s, true, 1685973362368,
	    BEGIN + 10000 * MS), BEGIN + 1000 * MS);
	assert_int_equal(s.n_early, 0);
	assert_int_equal(s.n_untimed, 0);
}

static void
test_speed(void **state)
{
	struct kx_sched s;

	(void)state;
	kx_sched_init(&s, 10);
	assert_int_equal(kx_sched_due(&s, true, 0, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 1000, BEGIN),
	    BEGIN + 100 * MS);
	kx_sched_init(&s, 0.5);
	assert_int_equal(kx_sched_due(&s, true, 0, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 1000, BEGIN),
	    BEGIN + 2000 * MS);
	kx_sched_init(&s, 0);
	assert_int_equal(kx_sched_due(&s, true, 0, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 1000, BEGIN + 3), BEGIN + 3);
}

static void
test_order(void **state)
{
	struct kx_sched s;

	(void)state;
	kx_sched_init(&s, 1);
	assert_int_equal(kx_sched_due(&s, true, 1000, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 2000, BEGIN),
	    BEGIN + 1000 * MS);
	/* Back, a little forward while still behind, and past the highest. */
	assert_int_equal(kx_sched_due(&s, true, 500, BEGIN + 1), BEGIN + 1);
	assert_int_equal(kx_sched_due(&s, true, 600, BEGIN + 2), BEGIN + 2);
	assert_int_equal(s.n_early, 1);
	assert_int_equal(kx_sched_due(&s, true, 2100, BEGIN + 3),
	    BEGIN + 1100 * MS);
	assert_int_equal(s.n_early, 1);
	/* Early ones are counted without a clock, too. */
	kx_sched_init(&s, 0);
	(void)kx_sched_due(&s, true, 1000, BEGIN);
	(void)kx_sched_due(&s, true, 999, BEGIN);
	assert_int_equal(s.n_early, 1);
}

static void
test_untimed(void **state)
{
	struct kx_sched s;

	(void)state;
	kx_sched_init(&s, 1);
	assert_int_equal(kx_sched_due(&s, false, 0, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, -1, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, INT64_MIN, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, INT64_MAX, BEGIN), BEGIN);
	/* A nanosecond stamp where milliseconds belong. */
	assert_int_equal(kx_sched_due(&s, true, 1685973361368531712, BEGIN),
	    BEGIN);
	assert_int_equal(s.n_untimed, 5);
	/* They neither begin the timeline nor move it. */
	assert_int_equal(kx_sched_due(&s, true, 0, BEGIN + 1), BEGIN + 1);
	assert_int_equal(kx_sched_due(&s, false, 0, BEGIN + 2), BEGIN + 2);
	assert_int_equal(kx_sched_due(&s, true, 10, BEGIN + 3),
	    BEGIN + 1 + 10 * MS);
	assert_int_equal(s.n_early, 0);
}

static void
test_far(void **state)
{
	struct kx_sched s;

	(void)state;
	kx_sched_init(&s, 1);
	(void)kx_sched_due(&s, true, 0, BEGIN);
	assert_int_equal(kx_sched_due(&s, true, KX_SCHED_LATEST, BEGIN),
	    KX_SCHED_NEVER);
	assert_int_equal(kx_sched_due(&s, true, KX_SCHED_LATEST + 1, BEGIN),
	    BEGIN);
	kx_sched_init(&s, 1e-300);
	(void)kx_sched_due(&s, true, 0, BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 1, BEGIN), KX_SCHED_NEVER);
	assert_int_equal(kx_sched_add(KX_SCHED_NEVER, 1), KX_SCHED_NEVER);
}

static void
test_max_gap(void **state)
{
	struct kx_sched s;

	(void)state;
	kx_sched_init(&s, 2);
	s.max_gap_ms = 1000;
	(void)kx_sched_due(&s, true, 0, BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 400, BEGIN), BEGIN + 200 * MS);
	assert_int_equal(kx_sched_due(&s, true, 9000, BEGIN),
	    BEGIN + 700 * MS);
	assert_int_equal(kx_sched_due(&s, true, 9100, BEGIN),
	    BEGIN + 750 * MS);
	s.max_gap_ms = 0;
	assert_int_equal(kx_sched_due(&s, true, 99999, BEGIN),
	    BEGIN + 750 * MS);
}

static void
test_rate(void **state)
{
	struct kx_sched s;
	uint64_t due = 0;
	unsigned i;

	(void)state;
	kx_sched_init(&s, 1);
	s.rate = 400;
	/* Neither order nor times matter; what is early is counted still. */
	assert_int_equal(kx_sched_due(&s, false, 0, BEGIN), BEGIN);
	assert_int_equal(kx_sched_due(&s, true, 90000, BEGIN + 9),
	    BEGIN + 2500000);
	assert_int_equal(kx_sched_due(&s, true, 5, BEGIN + 99),
	    BEGIN + 5000000);
	assert_int_equal(s.n_early, 1);
	assert_int_equal(s.n_untimed, 1);
	for (i = 3; i <= 4000000; i++)
		due = kx_sched_due(&s, true, 90001, BEGIN);
	assert_int_equal(due, BEGIN + 10000 * 1000 * MS);
}

/* Ten million events, 1 ms apart, sent at thrice the speed. */
static void
test_no_drift(void **state)
{
	struct kx_sched s;
	uint64_t due = 0, want;
	int64_t i;

	(void)state;
	kx_sched_init(&s, 3);
	for (i = 0; i <= 10000000; i++)
		due = kx_sched_due(&s, true, 1685973361368 + i, BEGIN);
	want = BEGIN + 10000000 * MS / 3;
	assert_in_range(due, want - 1, want + 1);
}

static void
test_backoff(void **state)
{
	uint64_t random = 42, window, wait, least, most;
	unsigned failed, i;

	(void)state;
	for (failed = 1; failed < 200; failed++) {
		window = failed > 7 ? KX_SCHED_BACKOFF_CAP_NS :
		    KX_SCHED_BACKOFF_NS << (failed - 1);
		least = KX_SCHED_NEVER;
		most = 0;
		for (i = 0; i < 200; i++) {
			wait = kx_backoff(&random, failed);
			assert_true(wait <= window);
			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		/* The jitter is full. */
		assert_true(least < window / 4);
		assert_true(most > window / 4 * 3);
	}
}

static void
test_wait(void **state)
{
	uint64_t begin, until;

	(void)state;
	begin = kx_sched_now();
	until = begin + 20 * MS;
	kx_sched_wait(until);
	assert_true(kx_sched_now() >= until);
	kx_sched_wait(begin);
	kx_sched_wait(0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_untimed),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_max_gap),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
