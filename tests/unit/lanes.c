/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits behind what: a lane goes on when its first event has ended, and
 * while that is under way or waits its turn others do.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../lib/lanes.h"

#define MOST 3000

static struct lanes lanes;
static struct delivery events[MOST];

static void
begin(enum kx_order order)
{
	memset(events, 0, sizeof(events));
	kx_lanes_init(&lanes, order);
}

/* Event i, of that channel, 10 bytes. */
static void
add(size_t i, uint64_t channel)
{
	events[i].event.ordinal = i;
	events[i].event.channel = channel;
	events[i].size = 10;
	assert_true(kx_lanes_add(&lanes, &events[i]));
}

/* The number of the next that may be sent; -1: none. */
static int
take(void)
{
	struct delivery *d = kx_lanes_take(&lanes);

	return d == NULL ? -1 : (int)d->event.ordinal;
}

static void
leave(size_t i)
{
	kx_lanes_leave(&lanes, &events[i]);
}

static void
end(void)
{
	assert_int_equal(lanes.n, 0);
	assert_int_equal(lanes.n_bytes, 0);
	assert_int_equal(lanes.n_lanes, 0);
	assert_int_equal(lanes.n_ready, 0);
	assert_int_equal(take(), -1);
	assert_null(kx_lanes_drop(&lanes));
	kx_lanes_fini(&lanes);
}

static void
test_strict(void **state)
{
	size_t i;

	(void)state;
	begin(KX_ORDER_STRICT);
	for (i = 0; i < 5; i++)
		add(i, i);
	assert_int_equal(lanes.n, 5);
	assert_int_equal(lanes.n_bytes, 50);
	for (i = 0; i < 5; i++) {
		assert_int_equal(take(), i);
		assert_int_equal(take(), -1);
		leave(i);
	}
	end();
}

static void
test_channel(void **state)
{
	(void)state;
	begin(KX_ORDER_CHANNEL);
	add(0, 7);
	add(1, 7);
	add(2, 8);
	/* 1024 apart: the same place of the hash. */
	add(3, 8 + LANES_HASH);
	assert_int_equal(lanes.n_ready, 3);
	assert_int_equal(take(), 0);
	assert_int_equal(take(), 2);
	assert_int_equal(take(), 3);
	assert_int_equal(take(), -1);
	leave(2);
	assert_int_equal(take(), -1);
	/* Behind one that is under way. */
	add(4, 7);
	leave(0);
	assert_int_equal(take(), 1);
	assert_int_equal(take(), -1);
	/* The lane had gone, and comes again. */
	add(5, 8);
	assert_int_equal(take(), 5);
	leave(5);
	leave(1);
	assert_int_equal(take(), 4);
	leave(4);
	leave(3);
	end();
}

static void
test_none(void **state)
{
	size_t i;

	(void)state;
	begin(KX_ORDER_NONE);
	for (i = 0; i < 4; i++)
		add(i, 7);
	for (i = 0; i < 4; i++)
		assert_int_equal(take(), i);
	leave(2);
	leave(0);
	leave(3);
	leave(1);
	end();
}

/* One that is to be tried again holds its lane back, and no other. */
static void
test_later(void **state)
{
	(void)state;
	begin(KX_ORDER_CHANNEL);
	assert_int_equal(kx_lanes_next_ns(&lanes), UINT64_MAX);
	add(0, 1);
	add(1, 1);
	add(2, 2);
	assert_int_equal(take(), 0);
	kx_lanes_later(&lanes, &events[0], 500);
	assert_int_equal(kx_lanes_next_ns(&lanes), 500);
	assert_int_equal(take(), 2);
	kx_lanes_later(&lanes, &events[2], 400);
	assert_int_equal(kx_lanes_next_ns(&lanes), 400);
	kx_lanes_expire(&lanes, 399);
	assert_int_equal(take(), -1);
	kx_lanes_expire(&lanes, 400);
	assert_int_equal(take(), 2);
	leave(2);
	kx_lanes_expire(&lanes, 1000);
	assert_int_equal(kx_lanes_next_ns(&lanes), UINT64_MAX);
	assert_int_equal(take(), 0);
	leave(0);
	assert_int_equal(take(), 1);
	leave(1);
	end();
}

/* Thousands that wait come back in the order of their times. */
static void
test_heap(void **state)
{
	uint64_t last = 0, at;
	unsigned seed = 5;
	size_t i, n = 0;
	int got;

	(void)state;
	begin(KX_ORDER_NONE);
	for (i = 0; i < MOST; i++)
		add(i, 0);
	for (i = 0; i < MOST; i++) {
		seed = seed * 1103515245u + 12345u;
		assert_int_equal(take(), i);
		kx_lanes_later(&lanes, &events[i], 1 + seed / 65536 % 1000);
	}
	while ((at = kx_lanes_next_ns(&lanes)) != UINT64_MAX) {
		assert_true(at > last);
		last = at;
		kx_lanes_expire(&lanes, at);
		for (; (got = take()) >= 0; n++) {
			assert_int_equal(events[got].own.at_ns, at);
			leave((size_t)got);
		}
	}
	assert_int_equal(n, MOST);
	end();
}

/* At the end all come in the order in which they were added, whatever they
 * were doing. */
static void
test_drop(void **state)
{
	static const enum kx_order orders[] = {
		KX_ORDER_STRICT, KX_ORDER_CHANNEL, KX_ORDER_NONE
	};
	size_t i, k;

	(void)state;
	for (k = 0; k < 3; k++) {
		begin(orders[k]);
		for (i = 0; i < 20; i++)
			add(i, i % 3);
		assert_int_equal(take(), 0);
		if (orders[k] != KX_ORDER_STRICT) {
			assert_int_equal(take(), 1);
			kx_lanes_later(&lanes, &events[1], 7);
			assert_int_equal(take(), 2);
			leave(2);
		}
		for (i = 0; i < 20; i++)
			if (i != 2 || orders[k] == KX_ORDER_STRICT)
				assert_ptr_equal(kx_lanes_drop(&lanes),
				    &events[i]);
		end();
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_channel),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_drop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
