/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CSV: what is quoted and what is not, against the bytes expected; every
 * place of a special byte; reading back; formulas.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kx/csv.h"

static void
check_row(struct kx_csv csv, const char *want, int n, ...)
{
	struct kx_buf out = { NULL, 0, 0, false };
	const char *text;
	va_list ap;

	va_start(ap, n);
	for (; n > 0; n--) {
		text = va_arg(ap, const char *);
		if (text == NULL)
			kx_csv_null(&csv, &out);
		else
			kx_csv_cell(&csv, &out, kx_span_str(text));
	}
	va_end(ap);
	kx_csv_end(&csv, &out);
	if (!kx_span_eq(kx_buf_span(&out), kx_span_str(want)))
		fail_msg("[%.*s], not [%s]", (int)out.len, out.ptr, want);
	kx_buf_free(&out);
}

static void
test_rows(void **state)
{
	const struct kx_csv csv = { .delimiter = ',' };
	struct kx_csv other;

	(void)state;
	check_row(csv, "a,b c,0.50\n", 3, "a", "b c", "0.50");
	check_row(csv, "\"a,b\",\"say \"\"hi\"\"\",\"\"\"\"\n", 3, "a,b",
	    "say \"hi\"", "\"");
	check_row(csv, "\"a\nb\",\"c\r\",d\te\n", 3, "a\nb", "c\r", "d\te");
	check_row(csv, "\" a\",\"a \",\"\ta\",\" \"\n", 4, " a", "a ", "\ta",
	    " ");
	check_row(csv, ",\"\",\n", 3, NULL, "", NULL);
	check_row(csv, "\"\"\n", 1, NULL);
	check_row(csv, "\"\"\n", 1, "");
	check_row(csv, "\"\\.\",\\.x\n", 2, "\\.", "\\.x");
	check_row(csv, "\xd0\xb9,a;b\n", 2, "\xd0\xb9", "a;b");
	other = csv;
	other.null = KX_SPAN("NULL");
	other.crlf = true;
	check_row(other, "NULL,\"NULL\",,x\r\n", 4, NULL, "NULL", "", "x");
	check_row(other, "\"\"\r\n", 1, "");
	other = csv;
	other.delimiter = ';';
	check_row(other, "\"a;b\";a,b\n", 2, "a;b", "a,b");
	other.delimiter = '\t';
	check_row(other, "\"a\tb\"\ta,b\n", 2, "a\tb", "a,b");
	other.escapes = true;
	check_row(other, "a\\tb\\\\\\n\\r\t\"q\"\t\t x \n", 4, "a\tb\\\n\r",
	    "\"q\"", "", " x ");
}

/* One cell, as text and as an integer. */
static void
check_cell(struct kx_csv csv, struct kx_span text, const char *as_text,
    const char *as_integer)
{
	struct kx_buf out = { NULL, 0, 0, false };
	struct kx_csv copy = csv;

	kx_csv_cell(&csv, &out, text);
	assert_true(kx_span_eq(kx_buf_span(&out), kx_span_str(as_text)));
	kx_buf_reset(&out, SIZE_MAX);
	if (as_integer != NULL) {
		kx_csv_integer(&copy, &out, text);
		assert_true(kx_span_eq(kx_buf_span(&out),
		    kx_span_str(as_integer)));
	}
	kx_buf_free(&out);
}

static void
test_exact(void **state)
{
	const struct kx_csv csv = { .delimiter = ',', .exact = true,
	    .guard = true };
	char digits[301], want[303];

	(void)state;
	check_cell(csv, KX_SPAN("1-4-09"), "\"=\"\"1-4-09\"\"\"", NULL);
	check_cell(csv, KX_SPAN("a\"5"), "\"=\"\"a\"\"\"\"5\"\"\"", NULL);
	check_cell(csv, KX_SPAN("tRUE"), "\"=\"\"tRUE\"\"\"", NULL);
	check_cell(csv, KX_SPAN("True."), "True.", NULL);
	check_cell(csv, KX_SPAN("a\n5"), "\"a\n5\"", NULL);
	check_cell(csv, KX_SPAN("=A5"), "'=A5", NULL);
	check_cell(csv, KX_SPAN("-"), "'-", NULL);
	check_cell(csv, KX_SPAN("Anna"), "Anna", NULL);
	check_cell(csv, KX_SPAN("123456789012345"),
	    "\"=\"\"123456789012345\"\"\"", "123456789012345");
	check_cell(csv, KX_SPAN("-123456789012345"),
	    "\"=\"\"-123456789012345\"\"\"", "-123456789012345");
	check_cell(csv, KX_SPAN("1234567890123456"),
	    "\"=\"\"1234567890123456\"\"\"",
	    "\"=\"\"1234567890123456\"\"\"");
	memset(digits, '7', 300);
	digits[300] = '\0';
	want[0] = '\'';
	memcpy(want + 1, digits, 301);
	check_cell(csv, kx_span_str(digits), want, want);
	digits[299] = 'x';
	check_cell(csv, kx_span_str(digits), digits, NULL);
}

static void
test_null(void **state)
{
	const struct kx_csv csv = { .delimiter = ';' };
	const struct kx_csv tsv = { .delimiter = '\t', .escapes = true };

	(void)state;
	assert_true(kx_csv_may_be_null(&csv, KX_SPAN("")));
	assert_true(kx_csv_may_be_null(&csv, KX_SPAN("\\N")));
	assert_true(kx_csv_may_be_null(&csv, KX_SPAN("n,a")));
	assert_true(kx_csv_may_be_null(&tsv, KX_SPAN("\\N")));
	assert_true(kx_csv_may_be_null(&tsv, KX_SPAN("\"")));
	assert_false(kx_csv_may_be_null(&csv, KX_SPAN("n;a")));
	assert_false(kx_csv_may_be_null(&csv, KX_SPAN("\"")));
	assert_false(kx_csv_may_be_null(&csv, KX_SPAN("\\.")));
	assert_false(kx_csv_may_be_null(&csv, KX_SPAN("a\0")));
	assert_false(kx_csv_may_be_null(&csv, KX_SPAN("a\r")));
	assert_false(kx_csv_may_be_null(&csv, KX_SPAN(" ")));
	assert_false(kx_csv_may_be_null(&tsv, KX_SPAN("\\n")));
	assert_false(kx_csv_may_be_null(&tsv, KX_SPAN("a\tb")));
}

/* Cells that come later, put in between. */
static void
test_holes(void **state)
{
	struct kx_buf made = { NULL, 0, 0, false }, out = made;
	struct kx_csv csv = { .delimiter = ',' }, inside = csv;
	size_t hole;

	(void)state;
	kx_csv_hole(&csv, &made);
	assert_int_equal(made.len, 0);
	kx_csv_cell(&csv, &made, KX_SPAN("b"));
	kx_csv_hole(&csv, &made);
	hole = made.len;
	kx_csv_end(&csv, &made);
	kx_csv_cell(&inside, &out, KX_SPAN("a,"));
	kx_buf_add(&out, made.ptr, hole);
	inside.in_row = false;
	kx_csv_null(&inside, &out);
	kx_buf_add(&out, made.ptr + hole, made.len - hole);
	assert_true(kx_span_eq(kx_buf_span(&out), KX_SPAN("\"a,\",b,\n")));
	/* Of the next row the length counts again. */
	kx_buf_reset(&made, SIZE_MAX);
	kx_csv_null(&csv, &made);
	kx_csv_end(&csv, &made);
	assert_true(kx_span_eq(kx_buf_span(&made), KX_SPAN("\"\"\n")));
	kx_buf_free(&made);
	kx_buf_free(&out);
}

static void
test_clean(void **state)
{
	struct kx_buf out = { NULL, 0, 0, false };

	(void)state;
	kx_csv_clean(&out, KX_SPAN("\0a\0\0b"));
	assert_true(kx_span_eq(kx_buf_span(&out),
	    KX_SPAN("\xef\xbf\xbd" "a\xef\xbf\xbd\xef\xbf\xbd" "b")));
	kx_buf_reset(&out, SIZE_MAX);
	kx_csv_clean(&out, KX_SPAN("x"));
	kx_csv_clean(&out, KX_SPAN_NULL);
	assert_true(kx_span_eq(kx_buf_span(&out), KX_SPAN("x")));
	kx_buf_free(&out);
}

/* Read one row back as RFC 4180 says; the number of cells. */
static size_t
read_row(const char *p, struct kx_buf *cells, size_t most)
{
	size_t n = 0;

	for (;;) {
		assert_true(n < most);
		kx_buf_reset(&cells[n], SIZE_MAX);
		if (*p == '"') {
			for (p++; *p != '"' || p[1] == '"'; p++) {
				kx_buf_addc(&cells[n], *p);
				p += *p == '"';
			}
			p++;
		} else {
			while (*p != ',' && *p != '\n')
				kx_buf_addc(&cells[n], *p++);
		}
		n++;
		if (*p == '\n')
			return n;
		assert_int_equal(*p++, ',');
	}
}

static void
test_back(void **state)
{
	static const char special[] = { ',', '"', '\n', '\r', ' ', 'x' };
	struct kx_buf out = { NULL, 0, 0, false }, cells[2];
	struct kx_csv csv = { .delimiter = ',' };
	char text[40];
	size_t len, at, i;

	(void)state;
	memset(cells, 0, sizeof(cells));
	for (len = 1; len < sizeof(text); len++) {
		for (at = 0; at < len; at++) {
			for (i = 0; i < sizeof(special); i++) {
				memset(text, 'a', sizeof(text));
				text[at] = special[i];
				text[len - 1 - at] = special[i];
				kx_buf_reset(&out, SIZE_MAX);
				kx_csv_cell(&csv, &out,
				    (struct kx_span){ text, len });
				kx_csv_cell(&csv, &out, KX_SPAN("z"));
				kx_csv_end(&csv, &out);
				assert_int_equal(read_row(out.ptr, cells, 2),
				    2);
				assert_true(kx_span_eq(kx_buf_span(&cells[0]),
				    (struct kx_span){ text, len }));
				assert_int_equal(cells[1].len, 1);
				/* No quotes without need */
				assert_int_equal(out.ptr[0] == '"',
				    special[i] != 'x' && (special[i] != ' ' ||
				    at == 0 || at == len - 1));
			}
		}
	}
	kx_buf_free(&out);
	kx_buf_free(&cells[0]);
	kx_buf_free(&cells[1]);
}

static void
test_formulas(void **state)
{
	static const char *const yes[] = { "=1+1", "+1+1", "-1-1", "@SUM(A1)",
	    "\t=1", "\r=1", "\n", "  =1", "-", "+", "-.", "-1e", "-1e+",
	    "+a", "-1.5.", "\xef\xbc\x9dx", "\xef\xbc\xa0", "=", "-1 " };
	static const char *const no[] = { "", " ", "a", "1", "-1", "+7", "-1.5",
	    "-.5", "+1e-3", "-1E5", "a=b", "1-1", "0.93269664", "'=1",
	    "\xef\xbc", "\xd0\xb9" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!kx_csv_is_formula(kx_span_str(yes[i])))
			fail_msg("\"%s\" is let through", yes[i]);
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (kx_csv_is_formula(kx_span_str(no[i])))
			fail_msg("\"%s\" is taken for a formula", no[i]);
	}
	assert_false(kx_csv_is_formula(KX_SPAN_NULL));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_formulas),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
