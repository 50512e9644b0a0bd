/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Error records: whole, terminated, cut between characters.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "kx/base.h"

static void
test_set(void **state)
{
	struct kx_error err = { .off = 7 };

	(void)state;
	errno = EAGAIN;
	assert_int_equal(kx_error_set(&err, KX_FATAL, ENOSPC, "%s %d", "x",
	    5), KX_FATAL);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(err.errnum, ENOSPC);
	assert_int_equal(err.off, 0);
	assert_string_equal(err.message, "x 5");
	assert_int_equal(kx_error_set(NULL, KX_BAD, 0, "%s", ""), KX_BAD);
}

static void
test_cut(void **state)
{
	size_t lead, len, room = sizeof(((struct kx_error *)0)->message);
	struct kx_error err;
	char text[600];

	(void)state;
	/* Two-byte characters, at both parities, and a text that just fits */
	for (lead = 0; lead < 2; lead++) {
		memset(text, 'a', lead);
		for (len = lead; len < 500; len += 2)
			memcpy(text + len, "\xd0\xb9", 2);
		text[len] = '\0';
		(void)kx_error_set(&err, KX_BAD, 0, "%s", text);
		len = strlen(err.message);
		assert_true(len < room && len > room - 6);
		assert_string_equal(err.message + len - 3, "...");
		assert_int_equal((len - 3 - lead) % 2, 0);
	}
	memset(text, 'a', room - 1);
	text[room - 1] = '\0';
	(void)kx_error_set(&err, KX_BAD, 0, "%s", text);
	assert_string_equal(err.message, text);
}

static void
test_spans(void **state)
{
	(void)state;
	assert_true(kx_span_eq(KX_SPAN_NULL, KX_SPAN("")));
	assert_true(kx_span_eq(KX_SPAN("ab"), kx_span_str("ab")));
	assert_false(kx_span_eq(KX_SPAN("ab"), KX_SPAN("abc")));
	assert_false(kx_span_eq(KX_SPAN("ab"), KX_SPAN("ac")));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_spans),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
