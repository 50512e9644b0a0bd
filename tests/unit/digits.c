/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Digits by eights against digits one by one, and short names by two words
 * against memcmp().
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/digits.h"
#include "../../lib/namekey.h"

/* Bytes of every kind with n digits in front. */
static void
fill(char *text, size_t size, size_t n)
{
	size_t i;

	for (i = 0; i < size; i++)
		text[i] = (char)(i < n ? '0' + rand() % 10 : rand());
}

/* Digits in front, and the number that they all spell if there are no others
 * and it fits. */
static size_t
count_plain(const char *text, size_t len, uint64_t *value, bool *fits)
{
	size_t i;

	*value = 0;
	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		*value = *value * 10 + (uint64_t)(text[i] - '0');
	*fits = i == len && len >= 1 && len <= 19;
	return i;
}

static void
test_digits(void **state)
{
	uint64_t want, got;
	char text[64];
	size_t len, n;
	bool fits;
	int i;

	(void)state;
	srand(1);
	for (i = 0; i < 200000; i++) {
		len = (size_t)(rand() % 24);
		fill(text, sizeof(text), len);
		if (len > 0 && i % 3 == 0)
			text[(size_t)rand() % len] = (char)rand();
		n = count_plain(text, len, &want, &fits);
		assert_int_equal(kx_digits_count(text, len), n);
		assert_int_equal(kx_digits_within(text, len), n);
		assert_int_equal(kx_digits_value(text, len, &got), fits);
		if (fits)
			assert_true(got == want);
	}
	/* Each byte beside each digit, where a carry would be. */
	for (i = 0; i < 256 * 256; i++) {
		memset(text, '7', 8);
		text[3] = (char)(i >> 8);
		text[4] = (char)i;
		assert_int_equal(kx_digits_count(text, 8),
		    count_plain(text, 8, &want, &fits));
		assert_int_equal(kx_digits_value(text, 8, &got), fits);
	}
}

/* No byte behind the text: a checker of memory sees it. */
static void
test_within(void **state)
{
	size_t len;
	char *text;

	(void)state;
	for (len = 1; len < 40; len++) {
		text = malloc(len);
		assert_non_null(text);
		memset(text, '5', len);
		assert_int_equal(kx_digits_within(text, len), len);
		free(text);
	}
}

static void
test_keys(void **state)
{
	struct kx_key a, b;
	char x[64], y[64];
	uint32_t n, m;
	int i;

	(void)state;
	srand(2);
	for (i = 0; i < 100000; i++) {
		fill(x, sizeof(x), 0);
		memcpy(y, x, sizeof(y));
		n = m = 1 + (uint32_t)(rand() % KX_KEY_WHOLE);
		/* What is behind the name is nothing to it. */
		y[n + (uint32_t)rand() % 8] ^= 0x55;
		if (i % 3 == 1)
			y[(uint32_t)rand() % n] ^= 1;
		if (i % 3 == 2)
			m = (uint32_t)(rand() % (KX_KEY_WHOLE + 1));
		a = kx_key_of(x, n);
		b = kx_key_of(y, m);
		assert_int_equal(kx_key_eq(&a, &b),
		    n == m && memcmp(x, y, n) == 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
