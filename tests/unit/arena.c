/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arenas: alignment, separate bytes, what a reset keeps.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/arena.h"

static void
test_alloc(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 100, 5000, 70000,
	    3000000 };
	struct kx_arena arena = { NULL, 0 };
	unsigned char *got[400];
	size_t i, k, n = sizeof(sizes) / sizeof(sizes[0]);
	int round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 100; i++) {
			got[i] = kx_arena_alloc(&arena, sizes[i % n]);
			assert_non_null(got[i]);
			assert_int_equal((uintptr_t)got[i] %
			    _Alignof(max_align_t), 0);
			memset(got[i], (int)i, sizes[i % n]);
		}
		for (i = 0; i < 100; i++) {
			for (k = 0; k < sizes[i % n]; k += 999)
				assert_int_equal(got[i][k], i);
		}
		kx_arena_reset(&arena);
	}
	kx_arena_free(&arena);
	kx_arena_free(&arena);
	kx_arena_reset(&arena);
}

static void
test_dup(void **state)
{
	struct kx_arena arena = { NULL, 0 };
	char *a, *b;

	(void)state;
	a = kx_arena_dup(&arena, KX_SPAN("abc"));
	b = kx_arena_dup(&arena, KX_SPAN_NULL);
	assert_string_equal(a, "abc");
	assert_string_equal(b, "");
	kx_arena_free(&arena);
}

static void
test_too_much(void **state)
{
	struct kx_arena arena = { NULL, 0 };

	(void)state;
	assert_null(kx_arena_alloc(&arena, SIZE_MAX));
	assert_null(kx_arena_alloc(&arena, SIZE_MAX - 15));
	assert_null(kx_arena_alloc(&arena, PTRDIFF_MAX));
	assert_null(kx_arena_dup(&arena, (struct kx_span){ "", SIZE_MAX }));
	assert_non_null(kx_arena_alloc(&arena, 10));
	kx_arena_free(&arena);
}

/* A reset must not hold on to the largest record that ever came. */
static void
test_keep(void **state)
{
	struct kx_arena arena = { NULL, 0 };
	struct kx_arena_block *block;

	(void)state;
	assert_non_null(kx_arena_alloc(&arena, 100));
	block = arena.head;
	assert_non_null(kx_arena_alloc(&arena, (size_t)64 << 20));
	assert_ptr_not_equal(arena.head, block);
	kx_arena_reset(&arena);
	assert_ptr_equal(arena.head, block);
	assert_int_equal(arena.used, 0);
	kx_arena_free(&arena);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_keep),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
