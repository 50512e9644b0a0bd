/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers: limits to the digit, spellings, doubles against strtod().
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/num.h"

static void
test_integers(void **state)
{
	static const char *const bad_u64[] = { "", "-1", "+1", " 1", "1 ",
	    "1.0", "18446744073709551616", "99999999999999999999", "0x1" };
	static const char *const bad_i64[] = { "", "-", "--1", "+1",
	    "9223372036854775808", "-9223372036854775809", "1e1" };
	uint64_t u = 7;
	int64_t s = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_u64) / sizeof(bad_u64[0]); i++)
		assert_false(kx_num_u64(kx_span_str(bad_u64[i]), &u));
	for (i = 0; i < sizeof(bad_i64) / sizeof(bad_i64[0]); i++)
		assert_false(kx_num_i64(kx_span_str(bad_i64[i]), &s));
	assert_false(kx_num_u64(KX_SPAN_NULL, &u));
	assert_int_equal(u, 7);
	assert_int_equal(s, 7);
	assert_true(kx_num_u64(KX_SPAN("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_true(kx_num_i64(KX_SPAN("9223372036854775807"), &s));
	assert_true(s == INT64_MAX);
	assert_true(kx_num_i64(KX_SPAN("-9223372036854775808"), &s));
	assert_true(s == INT64_MIN);
	assert_true(kx_num_i64(KX_SPAN("-007"), &s));
	assert_int_equal(s, -7);
}

#define V KX_NUM_VALID
#define I KX_NUM_INTEGER
#define W KX_NUM_WHOLE
#define F KX_NUM_I64
#define E KX_NUM_EXACT

static void
test_classify(void **state)
{
	static const struct {
		const char *text;
		unsigned want;
		int64_t value;
	} rows[] = {
		{ "0", V | I | W | F | E, 0 },
		{ "-0", V | I | W | F | E, 0 },
		{ "-0.0e5", V | W | F | E, 0 },
		{ "0e-99999999999999999999", V | W | F | E, 0 },
		{ "42", V | I | W | F | E, 42 },
		{ "2.0", V | W | F | E, 2 },
		{ "2.50", V, 0 },
		{ "2.50e1", V | W | F | E, 25 },
		{ "1e3", V | W | F | E, 1000 },
		{ "1E+3", V | W | F | E, 1000 },
		{ "1000e-3", V | W | F | E, 1 },
		{ "1000e-4", V, 0 },
		{ "0.001e3", V | W | F | E, 1 },
		{ "10.01e2", V | W | F | E, 1001 },
		{ "9007199254740992", V | I | W | F | E,
		    INT64_C(9007199254740992) },
		{ "9007199254740993", V | I | W | F,
		    INT64_C(9007199254740993) },
		{ "-9223372036854775808", V | I | W | F, INT64_MIN },
		{ "9223372036854775808", V | I | W, 0 },
		{ "92233720368547758.07e2", V | W | F, INT64_MAX },
		{ "1e19", V | W, 0 },
		{ "1e400", V | W, 0 },
		{ "1e99999999999999999999", V | W, 0 },
		{ "1e-99999999999999999999", V, 0 },
		{ "01", 0, 0 }, { "-01", 0, 0 }, { "", 0, 0 }, { "-", 0, 0 },
		{ "+1", 0, 0 }, { ".5", 0, 0 }, { "5.", 0, 0 },
		{ "5.e1", 0, 0 }, { "1e", 0, 0 }, { "1e+", 0, 0 },
		{ "1e1.5", 0, 0 }, { "1 ", 0, 0 }, { "NaN", 0, 0 },
		{ "Infinity", 0, 0 }, { "0x10", 0, 0 }, { "1,5", 0, 0 },
		{ "1.5.5", 0, 0 }, { "--1", 0, 0 },
	};
	double number;
	int64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (kx_num_classify(kx_span_str(rows[i].text)) !=
		    rows[i].want)
			fail_msg("\"%s\": %#x", rows[i].text,
			    kx_num_classify(kx_span_str(rows[i].text)));
		value = 0;
		assert_int_equal(kx_num_whole(kx_span_str(rows[i].text),
		    &value), (rows[i].want & F) != 0);
		assert_true(value == rows[i].value);
		assert_int_equal(kx_num_double(kx_span_str(rows[i].text),
		    &number), rows[i].want != 0);
	}
}

static void
check_double(const char *text)
{
	double want, got = 7;

	/* The C locale is in force: strtod() is the reference. */
	want = strtod(text, NULL);
	if (!kx_num_double(kx_span_str(text), &got) ||
	    memcmp(&got, &want, sizeof(got)) != 0)
		fail_msg("%.60s: %a, not %a", text, got, want);
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
test_doubles(void **state)
{
	static const char *const texts[] = { "0", "-0", "-0.0", "0.1",
	    "0.93269664", "17.596215903759006", "1e22", "1e23", "1e-22",
	    "123456789012345e22", "123456789012345e-22", "5e-324",
	    "2.4703282292062327e-324", "2.4703282292062328e-324",
	    "1.7976931348623157e308", "1.7976931348623159e308", "1e400",
	    "-1e400", "1e-400", "1e99999999999", "1e-99999999999",
	    "9007199254740993", "9007199254740992.9999", "1.0000000000000002",
	    "8.41e21", "2.2250738585072011e-308", "0.000001e6",
	    "0.0e400", "100000000000000000000000000000e-29" };
	uint64_t seed = 88172645463325252u, bits;
	char text[64];
	double value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_double(texts[i]);
	for (i = 0; i < 100000; i++) {
		bits = next_random(&seed);
		memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		(void)snprintf(text, sizeof(text), "%.*e",
		    (int)(bits % 20), value);
		check_double(text);
		(void)snprintf(text, sizeof(text), "%llu.%03llu",
		    (unsigned long long)(bits >> 40),
		    (unsigned long long)(bits % 1000));
		check_double(text);
	}
}

/* Thousands of digits: the last one may be what decides. */
static void
test_long(void **state)
{
	static const char half[] = "9007199254740993";	/* 2^53 + 1 */
	char text[6000];
	double got;
	size_t i;

	(void)state;
	memset(text, '0', sizeof(text));
	memcpy(text, half, 16);
	text[16] = '.';
	assert_true(kx_num_double((struct kx_span){ text, 5000 }, &got));
	assert_true(got == 9007199254740992.0);
	text[4999] = '1';
	assert_true(kx_num_double((struct kx_span){ text, 5000 }, &got));
	assert_true(got == 9007199254740994.0);
	text[5000] = '\0';
	check_double(text);
	for (i = 0; i < 5000; i++)
		text[i] = (char)('1' + i % 9);
	check_double(text);
	memcpy(text + 5000, "e-4990", 7);
	check_double(text);
	memset(text, '0', 4000);
	memcpy(text, "0.", 2);
	memcpy(text + 4000, "123e4001", 9);
	check_double(text);
	assert_true(kx_num_double(kx_span_str(text), &got));
	assert_true(got == 123);
}

/* A locale with a decimal comma makes no difference. */
static void
test_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "ru_RU.UTF-8",
	    "fr_FR.UTF-8", "de_DE.utf8" };
	double got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (setlocale(LC_ALL, names[i]) != NULL)
			break;
	}
	assert_true(kx_num_double(KX_SPAN("17.596215903759006"), &got));
	assert_true(got > 17.59 && got < 17.6);
	assert_non_null(setlocale(LC_ALL, "C"));
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = {
		{ "0", 0 }, { "123", 123 }, { "5B", 5 }, { "1K", 1024 },
		{ "1k", 1024 }, { "1KiB", 1024 }, { "1Ki", 1024 },
		{ "1KB", 1000 }, { "1kB", 1000 }, { "256M", 256u << 20 },
		{ "2MB", 2000000 }, { "3GiB", (uint64_t)3 << 30 },
		{ "1T", (uint64_t)1 << 40 }, { "1P", (uint64_t)1 << 50 },
		{ "15E", (uint64_t)15 << 60 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const bad[] = { "", "K", "1.5G", "-1", "1X",
	    "1KK", "1KiBs", "1K B", " 1", "1 K", "16E", "0x10",
	    "18446744073709551616", "1BB", "1iB" };
	uint64_t size = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (kx_num_size(kx_span_str(bad[i]), &size))
			fail_msg("\"%s\" is accepted", bad[i]);
	}
	assert_int_equal(size, 7);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!kx_num_size(kx_span_str(good[i].text), &size) ||
		    size != good[i].want)
			fail_msg("\"%s\"", good[i].text);
	}
	assert_false(kx_num_size((struct kx_span){ "1\0", 2 }, &size));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_classify),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_locale),
		cmocka_unit_test(test_sizes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
