/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan of a replay: sums over all and over each camera, their order, and
 * cameras beyond what is held.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/plan.h"

static void
add(struct kx_plan *plan, const char *id, const char *name, uint64_t bytes,
    int64_t start_ms, uint64_t due_ns)
{
	assert_true(kx_plan_add(plan, (struct kx_span){ id, strlen(id) },
	    (struct kx_span){ name, strlen(name) }, bytes, start_ms >= 0,
	    start_ms, due_ns));
}

static void
is(const struct kx_plan_camera *c, uint64_t events, uint64_t bytes,
    int64_t first, int64_t last)
{
	assert_int_equal(c->n_events, events);
	assert_int_equal(c->n_bytes, bytes);
	assert_int_equal(c->first_ms, first);
	assert_int_equal(c->last_ms, last);
}

static void
test_sums(void **state)
{
	struct kx_plan plan = { .n_cameras = 0 };

	(void)state;
	add(&plan, "9", "gate", 100, 5000, 0);
	add(&plan, "8", "yard", 10, 4000, 7);
	add(&plan, "9", "gate, renamed", 1, 6000, 9);
	/* Not in order, and without a time. */
	add(&plan, "9", "", 1000, 3000, 9);
	add(&plan, "", "", 20000, -1, 8);
	is(&plan.all, 5, 21111, 3000, 6000);
	assert_int_equal(plan.end_ns, 9);
	assert_int_equal(plan.n_cameras, 3);
	kx_plan_sort(&plan);
	assert_string_equal(plan.camera[0].id, "9");
	/* The name that came first. */
	assert_string_equal(plan.camera[0].name, "gate");
	is(&plan.camera[0], 3, 1101, 3000, 6000);
	/* As many events: by id, and without one last. */
	assert_string_equal(plan.camera[1].id, "8");
	is(&plan.camera[1], 1, 10, 4000, 4000);
	assert_null(plan.camera[2].id);
	assert_null(plan.camera[2].name);
	is(&plan.camera[2], 1, 20000, INT64_MAX, INT64_MIN);
	assert_int_equal(plan.rest.n_events, 0);
	kx_plan_free(&plan);
	assert_int_equal(plan.n_cameras, 0);
	kx_plan_free(&plan);
}

static void
test_nothing(void **state)
{
	struct kx_plan plan = { .n_cameras = 0 };

	(void)state;
	kx_plan_sort(&plan);
	assert_int_equal(plan.all.n_events, 0);
	kx_plan_free(&plan);
}

/* Camera i sends i % 3 + 1 events of a byte; the last hundred find no room. */
static void
test_too_many(void **state)
{
	struct kx_plan plan = { .n_cameras = 0 };
	uint64_t sum = 0, last = UINT64_MAX;
	char id[16];
	size_t i, k;

	(void)state;
	for (k = 0; k < 3; k++)
		for (i = 0; i < KX_PLAN_CAMERAS + 100; i++) {
			(void)snprintf(id, sizeof(id), "%zu", i);
			if (k <= i % 3)
				add(&plan, id, "n", 1, (int64_t)i, i);
		}
	assert_int_equal(plan.n_cameras, KX_PLAN_CAMERAS);
	kx_plan_sort(&plan);
	for (i = 0; i < plan.n_cameras; i++) {
		sum += plan.camera[i].n_events;
		assert_true(plan.camera[i].n_events <= last);
		last = plan.camera[i].n_events;
		assert_int_equal(plan.camera[i].n_events,
		    strtoul(plan.camera[i].id, NULL, 10) % 3 + 1);
	}
	assert_int_equal(sum + plan.rest.n_events, plan.all.n_events);
	assert_int_equal(plan.all.n_bytes, plan.all.n_events);
	assert_int_equal(plan.rest.first_ms, KX_PLAN_CAMERAS);
	assert_int_equal(plan.rest.last_ms, KX_PLAN_CAMERAS + 99);
	kx_plan_free(&plan);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_too_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
