/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Percentiles: within a 32nd above what sorting would give.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kx/histogram.h"

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
test_percentiles(void **state)
{
	static const double parts[] = { 0, 0.01, 0.5, 0.9, 0.99, 1 };
	static struct kx_histogram h;
	static uint64_t value[10000];
	uint64_t x = 88172645463325252, want, got;
	size_t i, rank;

	(void)state;
	assert_int_equal(kx_histogram_at(&h, .5), 0);
	for (i = 0; i < 10000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* All sizes alike, the greatest too. */
		value[i] = i == 0 ? UINT64_MAX : x >> x % 64;
		kx_histogram_add(&h, value[i]);
	}
	qsort(value, 10000, sizeof(*value), compare);
	assert_int_equal(h.max, UINT64_MAX);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		rank = (size_t)(parts[i] * 10000);
		want = value[rank > 0 ? rank - 1 : 0];
		got = kx_histogram_at(&h, parts[i]);
		assert_true(got >= want);
		assert_true(got - want <= want / 32);
	}
}

static void
test_small(void **state)
{
	static struct kx_histogram h;
	uint64_t i;

	(void)state;
	for (i = 0; i < 64; i++)
		kx_histogram_add(&h, i);
	assert_int_equal(kx_histogram_at(&h, .25), 15);
	assert_int_equal(kx_histogram_at(&h, .5), 31);
	assert_int_equal(kx_histogram_at(&h, 1), 63);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_small),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
