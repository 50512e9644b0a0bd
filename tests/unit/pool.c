/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ordered workers: jobs are finished in order, each once, whatever the number
 * of workers and slots; a slot that is being filled is nobody's job yet.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "kx/pool.h"

#define MOST 16
#define JOBS 500

struct job {
	unsigned number;
	unsigned result;
};

struct state {
	unsigned n_workers;
	unsigned finished;
	bool bad_worker;
};

static void
work(void *ctx, unsigned worker, void *slot)
{
	struct state *state = ctx;
	struct job *job = slot;

	if (worker >= state->n_workers)
		state->bad_worker = true;
	/* Some take longer, so that later ones overtake them. */
	if (job->number % 7 == 0)
		(void)usleep(500);
	job->result = job->number * 3 + 1;
}

static void
finish(void *ctx, void *slot)
{
	struct state *state = ctx;
	struct job *job = slot;

	assert_int_equal(job->number, state->finished);
	assert_int_equal(job->result, job->number * 3 + 1);
	state->finished++;
}

static const struct kx_pool_ops ops = { work, finish };

static void
run(unsigned n_workers, size_t n_slots, bool poll, bool drain)
{
	struct state state = { .n_workers = n_workers > 0 ? n_workers : 1 };
	struct job jobs[MOST] = { { 0, 0 } }, *job;
	void *slots[MOST];
	struct kx_pool *pool;
	struct kx_error err;
	unsigned i;

	for (i = 0; i < MOST; i++)
		slots[i] = &jobs[i];
	assert_int_equal(kx_pool_new(n_workers, slots, n_slots, &ops, &state,
	    &pool, &err), KX_OK);
	for (i = 0; i < JOBS; i++) {
		job = kx_pool_slot(pool);
		job->number = i;
		job->result = 0;
		if (drain && i % 50 == 0) {
			kx_pool_drain(pool);
			assert_int_equal(state.finished, i);
			assert_int_equal(job->number, i);
		}
		kx_pool_submit(pool);
		if (poll)
			kx_pool_poll(pool);
	}
	kx_pool_drain(pool);
	assert_int_equal(state.finished, JOBS);
	assert_false(state.bad_worker);
	kx_pool_drain(pool);
	kx_pool_free(pool);
}

static void
test_order(void **state)
{
	static const unsigned workers[] = { 0, 1, 2, 3, 8 };
	size_t i, slots;

	(void)state;
	for (i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
		for (slots = 1; slots <= MOST; slots *= 2)
			run(workers[i], slots, i % 2 == 0, slots != 4);
}

static void
test_dropped(void **state)
{
	struct state mine = { .n_workers = 2 };
	struct job jobs[4] = { { 0, 0 } }, *job;
	void *slots[4] = { &jobs[0], &jobs[1], &jobs[2], &jobs[3] };
	struct kx_pool *pool;
	struct kx_error err;
	unsigned i;

	(void)state;
	assert_int_equal(kx_pool_new(2, slots, 4, &ops, &mine, &pool, &err),
	    KX_OK);
	for (i = 0; i < 4; i++) {
		job = kx_pool_slot(pool);
		job->number = i * 7;
		kx_pool_submit(pool);
	}
	kx_pool_free(pool);
	assert_int_equal(mine.finished, 0);
	kx_pool_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_dropped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
