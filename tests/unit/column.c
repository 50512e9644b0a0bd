/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The catalogue of columns holds together; lists of columns are taken apart,
 * programs in them left whole.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kx/column.h"

static void
test_catalogue(void **state)
{
	struct kx_column column, other;
	const char *const *name;
	size_t i, k;
	int rows;

	(void)state;
	for (i = 0; kx_column_nth(i, &column); i++) {
		assert_true(column.name[0] != '\0');
		assert_true(column.meaning[0] != '\0');
		assert_non_null(column.unit);
		assert_int_equal((column.field >= 0) + (column.derived >= 0),
		    1);
		/* Each is found by its name, and no two share one. */
		assert_true(kx_column_find(kx_span_str(column.name), &other));
		assert_int_equal(other.field, column.field);
		assert_int_equal(other.derived, column.derived);
		for (k = 0; k < i; k++) {
			assert_true(kx_column_nth(k, &other));
			assert_string_not_equal(other.name, column.name);
		}
	}
	assert_int_equal(i, KX_N_FIELDS + KX_N_DERIVED);
	for (rows = 0; rows < KX_N_GROUPS; rows++) {
		name = kx_column_defaults((enum kx_group)rows);
		for (; *name != NULL; name++)
			assert_true(kx_column_find(kx_span_str(*name),
			    &other));
		assert_non_null(kx_group_name((enum kx_group)rows));
	}
	assert_false(kx_column_find(KX_SPAN("nosuch"), &other));
	assert_false(kx_column_find(KX_SPAN(""), &other));
	assert_false(kx_column_find(KX_SPAN("ID"), &other));
}

/* Take a list apart: "name|program;" for each, then where it stopped. */
static void
check_list(const char *list, const char *want)
{
	struct kx_column_item item;
	struct kx_buf got = { NULL, 0, 0, false };

	while (kx_column_item(&list, &item)) {
		kx_buf_addspan(&got, item.name);
		if (item.program.ptr != NULL) {
			kx_buf_addc(&got, '|');
			kx_buf_addspan(&got, item.program);
		}
		kx_buf_addc(&got, ';');
	}
	if (list != NULL)
		kx_buf_addf(&got, "!%s", list);
	if (!kx_span_eq(kx_buf_span(&got), kx_span_str(want)))
		fail_msg("[%.*s], not [%s]", (int)got.len,
		    got.ptr == NULL ? "" : got.ptr, want);
	kx_buf_free(&got);
}

static void
test_lists(void **state)
{
	(void)state;
	check_list("a", "a;");
	check_list(" a , b.c ", "a;b.c;");
	check_list("a,,b", "a;!,b");
	check_list("a,", "a;!");
	check_list("", "!");
	check_list("=x", "!=x");
	check_list("a=.x", "a|.x;");
	check_list("a =.x==1,b", "a|.x==1;b;");
	check_list("a=,b", "a|;b;");
	check_list("a=[1,2],b", "a|[1,2];b;");
	check_list("a=f(1;(2,3)),b={x:1,y:2}", "a|f(1;(2,3));b|{x:1,y:2};");
	check_list("a=\",\",b", "a|\",\";b;");
	check_list("a=\"\\\",\",b", "a|\"\\\",\";b;");
	check_list("a=\"\\(\"),\"+(1,2|tostring)),\",b",
	    "a|\"\\(\"),\"+(1,2|tostring)),\";b;");
	check_list("a=\"\\\\\",b", "a|\"\\\\\";b;");
	/* What is never closed goes on to the end, as libjq will say. */
	check_list("a=(1,b", "a|(1,b;");
	check_list("a=\",b", "a|\",b;");
	check_list("a=\"\\(\",b", "a|\"\\(\",b;");
	check_list("a=\"\\", "a|\"\\;");
	check_list("a=],b", "a|];b;");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_lists),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
