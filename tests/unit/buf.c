/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Byte buffers: growth, padding, the sticky failure, JSON escapes.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/buf.h"

static void
check(const struct kx_buf *buf, struct kx_span want)
{
	if (!kx_span_eq(kx_buf_span(buf), want))
		fail_msg("\"%.*s\", not \"%.*s\"", (int)buf->len, buf->ptr,
		    (int)want.len, want.ptr);
}

static void
test_add(void **state)
{
	struct kx_buf buf = { NULL, 0, 0, false };
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		kx_buf_addc(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.len, 100000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(buf.ptr[i], 'a' + i % 26);
	/* The padding is there to be written to. */
	memset(buf.ptr + buf.len, 0, KX_PADDING);
	assert_true(kx_buf_reserve(&buf, 1000000));
	memset(buf.ptr + buf.len, 0, 1000000 + KX_PADDING);
	kx_buf_reset(&buf, SIZE_MAX);
	assert_int_equal(buf.len, 0);
	assert_true(buf.cap >= 1000000);
	kx_buf_reset(&buf, 4096);
	assert_int_equal(buf.cap, 0);
	kx_buf_adds(&buf, "x");
	kx_buf_addspan(&buf, KX_SPAN_NULL);
	kx_buf_addspan(&buf, KX_SPAN("yz"));
	kx_buf_add(&buf, NULL, 0);
	check(&buf, KX_SPAN("xyz"));
	kx_buf_free(&buf);
	assert_null(buf.ptr);
}

static void
test_numbers(void **state)
{
	struct kx_buf buf = { NULL, 0, 0, false };
	char text[1001];

	(void)state;
	kx_buf_addu64(&buf, 0);
	kx_buf_addc(&buf, ' ');
	kx_buf_addu64(&buf, UINT64_MAX);
	check(&buf, KX_SPAN("0 18446744073709551615"));
	kx_buf_reset(&buf, 0);
	memset(text, 'q', 1000);
	text[1000] = '\0';
	kx_buf_addf(&buf, "%s%d%s", text, 42, "");
	kx_buf_addf(&buf, "%s", "");
	assert_int_equal(buf.len, 1002);
	assert_memory_equal(buf.ptr + 998, "qq42", 4);
	kx_buf_free(&buf);
}

static void
test_failure(void **state)
{
	struct kx_buf buf = { NULL, 0, 0, false };

	(void)state;
	kx_buf_adds(&buf, "abc");
	assert_false(kx_buf_reserve(&buf, SIZE_MAX - 2));
	assert_true(kx_buf_failed(&buf));
	kx_buf_adds(&buf, "def");
	kx_buf_addf(&buf, "%d", 1);
	check(&buf, KX_SPAN("abc"));
	assert_false(kx_buf_reserve(&buf, 0));
	kx_buf_reset(&buf, SIZE_MAX);
	assert_false(kx_buf_failed(&buf));
	assert_false(kx_buf_reserve(&buf, PTRDIFF_MAX));
	kx_buf_free(&buf);
	kx_buf_adds(&buf, "ok");
	check(&buf, KX_SPAN("ok"));
	kx_buf_free(&buf);
}

#define FFFD "\xef\xbf\xbd"

static void
test_json(void **state)
{
	static const struct {
		struct kx_span in, out;
	} rows[] = {
		{ KX_SPAN(""), KX_SPAN("") },
		{ KX_SPAN("a\"b\\c/"), KX_SPAN("a\\\"b\\\\c/") },
		{ KX_SPAN("\b\f\n\r\t\0\x1f\x7f"),
		    KX_SPAN("\\b\\f\\n\\r\\t\\u0000\\u001f\x7f") },
		{ KX_SPAN("\xd0\xb9\xe2\x82\xac\xf0\x9f\x98\x80"),
		    KX_SPAN("\xd0\xb9\xe2\x82\xac\xf0\x9f\x98\x80") },
		/* overlong, surrogate, beyond U+10FFFF, stray, cut */
		{ KX_SPAN("\xc0\x80z"), KX_SPAN(FFFD FFFD "z") },
		{ KX_SPAN("\xe0\x9f\xbf"), KX_SPAN(FFFD FFFD FFFD) },
		{ KX_SPAN("\xed\xa0\x80"), KX_SPAN(FFFD FFFD FFFD) },
		{ KX_SPAN("\xf4\x90\x80\x80"), KX_SPAN(FFFD FFFD FFFD FFFD) },
		{ KX_SPAN("\xf0\x8f\xbf\xbf"), KX_SPAN(FFFD FFFD FFFD FFFD) },
		{ KX_SPAN("a\xff\"b"), KX_SPAN("a" FFFD "\\\"b") },
		{ KX_SPAN("\xe2\x82"), KX_SPAN(FFFD FFFD) },
		{ KX_SPAN("\xf4\x8f\xbf\xbf"), KX_SPAN("\xf4\x8f\xbf\xbf") },
	};
	struct kx_buf buf = { NULL, 0, 0, false };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kx_buf_reset(&buf, SIZE_MAX);
		kx_buf_addjson(&buf, rows[i].in);
		check(&buf, rows[i].out);
	}
	kx_buf_free(&buf);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
