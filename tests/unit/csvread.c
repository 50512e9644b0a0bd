/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows read back, whole and cut at every byte.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kx/csvread.h"

/* Rows as text: <..> for a cell, `-' for an absent one, `;' ends a row, `!'
 * is a row that is none. */
static void
row(void *arg, const struct kx_span *cell, size_t n)
{
	struct kx_buf *seen = arg;
	size_t i;

	if (n == 0)
		kx_buf_addc(seen, '!');
	for (i = 0; i < n; i++) {
		if (cell[i].ptr == NULL) {
			kx_buf_addc(seen, '-');
			continue;
		}
		kx_buf_addc(seen, '<');
		kx_buf_addspan(seen, cell[i]);
		kx_buf_addc(seen, '>');
	}
	kx_buf_addc(seen, ';');
}

static const struct {
	const char *csv, *rows;
} cases[] = {
	{ "", "" },
	{ "a,b\n", "<a><b>;" },
	{ "a,b", "<a><b>;" },
	{ "a,,\"\"\r\n,\n", "<a>-<>;--;" },
	{ "\"a,\"\"b\"\"\n\",c\n", "<a,\"b\"\n><c>;" },
	{ "\n\nx\n", "-;-;<x>;" },
	{ "a\"b,c\nd\n", "!;<d>;" },
	{ "\"a\"b\nd\n", "!;<d>;" },
	{ "a\rb\nd\n", "!;<d>;" },
	{ "a,\"b", "!;" },
	{ "a,", "<a>-;" }
};

static void
test_rows(void **state)
{
	size_t i, cut, len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = strlen(cases[i].csv);
		for (cut = 0; cut <= len; cut++) {
			struct kx_csvread csv = { .max_row = 0 };
			struct kx_buf seen = { NULL, 0, 0, false };

			assert_true(kx_csvread_feed(&csv, (struct kx_span){
			    cases[i].csv, cut }, false, row, &seen));
			assert_true(kx_csvread_feed(&csv, (struct kx_span){
			    cases[i].csv + cut, len - cut }, true, row,
			    &seen));
			kx_buf_addc(&seen, '\0');
			assert_string_equal(seen.ptr, cases[i].rows);
			kx_buf_free(&seen);
			kx_csvread_fini(&csv);
		}
	}
}

/* Too many cells, and a row that is too long, are rows that are none. */
static void
test_limits(void **state)
{
	struct kx_csvread csv = { .max_row = 100 };
	struct kx_buf text = { NULL, 0, 0, false };
	struct kx_buf seen = { NULL, 0, 0, false };
	int i;

	(void)state;
	for (i = 0; i < KX_CSVREAD_CELLS; i++)
		kx_buf_adds(&text, ",");
	kx_buf_adds(&text, "\n");
	for (i = 0; i < 101; i++)
		kx_buf_adds(&text, "x");
	kx_buf_adds(&text, "\ny\n");
	assert_true(kx_csvread_feed(&csv, kx_buf_span(&text), true, row,
	    &seen));
	kx_buf_addc(&seen, '\0');
	assert_string_equal(seen.ptr, "!;!;<y>;");
	kx_buf_free(&seen);
	kx_buf_free(&text);
	kx_csvread_fini(&csv);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limits)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
