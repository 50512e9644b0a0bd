/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Identifiers that have come up before.
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

#include "kx/unique.h"

static enum kx_seen
add(struct kx_unique *unique, const char *id, uint64_t digest)
{
	enum kx_seen seen;

	assert_int_equal(kx_unique_add(unique, kx_span_str(id), digest, &seen),
	    KX_OK);
	return seen;
}

static void
test_spellings(void **state)
{
	/* all different, however alike */
	static const char *const ids[] = { "", "0", "00", "1", "01", "-1",
	    "18446744073709551615", "18446744073709551616", "1.0", "a", "a ",
	    "203:1691055920965:4829655691653739" };
	struct kx_unique *unique = kx_unique_new();
	size_t i;

	(void)state;
	assert_non_null(unique);
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		assert_int_equal(add(unique, ids[i], i), KX_SEEN_NEVER);
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		assert_int_equal(add(unique, ids[i], i), KX_SEEN_SAME);
		assert_int_equal(add(unique, ids[i], i + 100), KX_SEEN_OTHER);
		assert_int_equal(add(unique, ids[i], i), KX_SEEN_SAME);
	}
	kx_unique_free(unique);
}

static void
test_many(void **state)
{
	struct kx_unique *unique = kx_unique_new();
	char id[32];
	int i, turn;

	(void)state;
	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < 20000; i++) {
			(void)snprintf(id, sizeof(id), i % 2 ? "%d" : "x%d", i);
			assert_int_equal(add(unique, id, 7), turn == 0 ?
			    KX_SEEN_NEVER : KX_SEEN_SAME);
		}
	kx_unique_free(unique);
	kx_unique_free(NULL);
}

/* Every byte counts, and so does the length. */
static void
test_digest(void **state)
{
	char text[70] = { 0 };
	uint64_t of[71 + 70], d;
	size_t n = 0, i, k;

	(void)state;
	for (i = 0; i <= sizeof(text); i++)
		of[n++] = kx_unique_digest((struct kx_span){ text, i });
	for (i = 0; i < sizeof(text); i++) {
		text[i] = 1;
		of[n++] = kx_unique_digest((struct kx_span){ text,
		    sizeof(text) });
		text[i] = 0;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < i; k++)
			assert_int_not_equal(of[i], of[k]);
	d = kx_unique_digest(KX_SPAN_NULL);
	assert_int_equal(d, of[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_digest)
	};

	return cmocka_run_group_tests_name("unique", tests, NULL, NULL);
}
