/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Times: every day of 20,000 years there and back, known instants, what is
 * accepted and what is not.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kx/time.h"

#define DAY INT64_C(86400000)

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A calendar that is counted, not reckoned, against the one that is. */
static void
test_every_day(void **state)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
	    31, 30, 31 };
	struct kx_civil want = { -9999, 1, 2, 0, 0, 0, 0, 0 }, got;
	int64_t ms;

	(void)state;
	want.weekday = -1;
	for (ms = KX_TIME_MIN; ms <= KX_TIME_MAX; ms += DAY) {
		assert_true(kx_time_civil(ms, 0, &got));
		if (want.weekday < 0)
			want.weekday = got.weekday;
		if (memcmp(&got, &want, sizeof(got)) != 0)
			fail_msg("%d-%d-%d %d, not %d-%d-%d %d", got.year,
			    got.month, got.day, got.weekday, want.year,
			    want.month, want.day, want.weekday);
		if (kx_time_from_civil(&want, 0) != ms)
			fail_msg("%d-%d-%d", want.year, want.month, want.day);
		want.weekday = (want.weekday + 1) % 7;
		if (++want.day > lengths[want.month - 1] +
		    (want.month == 2 && is_leap(want.year))) {
			want.day = 1;
			if (++want.month > 12) {
				want.month = 1;
				want.year++;
			}
		}
	}
	assert_int_equal(want.year, 9999);
	assert_int_equal(want.month, 12);
	assert_int_equal(want.day, 31);
}

static void
check_format(int64_t ms, int zone, const char *want)
{
	char text[KX_TIME_SIZE];
	struct kx_time time;
	size_t len;

	len = kx_time_format(ms, zone, text);
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	if (len == 0 || *want == '-')
		return;
	assert_true(kx_time_parse(kx_span_str(text), &time));
	assert_int_equal(time.ms, ms);
	assert_int_equal(time.zone, zone);
	assert_true(time.zoned && !time.number && !time.date_only);
}

static void
test_format(void **state)
{
	(void)state;
	check_format(0, 0, "1970-01-01T00:00:00.000Z");
	check_format(-1, 0, "1969-12-31T23:59:59.999Z");
	check_format(INT64_C(1685973361368), 0, "2023-06-05T13:56:01.368Z");
	check_format(INT64_C(1685973361368), 180,
	    "2023-06-05T16:56:01.368+03:00");
	check_format(INT64_C(1685973361368), -570,
	    "2023-06-05T04:26:01.368-09:30");
	check_format(INT64_C(951782400000), 0, "2000-02-29T00:00:00.000Z");
	check_format(INT64_C(-2203977600000), 0, "1900-02-28T00:00:00.000Z");
	check_format(INT64_C(-62167219200001), 0,
	    "-0001-12-31T23:59:59.999Z");
	check_format(KX_TIME_MIN, -1439, "-9999-01-01T00:01:00.000-23:59");
	check_format(KX_TIME_MAX, 1439, "9999-12-31T23:58:59.999+23:59");
	check_format(KX_TIME_MAX + 1, 0, "");
	check_format(KX_TIME_MIN - 1, 0, "");
	check_format(INT64_MAX, 0, "");
	check_format(INT64_MIN, 0, "");
	check_format(0, 1440, "");
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		bool zoned;
	} good[] = {
		{ "0", 0, true },
		{ "1685973361368", INT64_C(1685973361368), true },
		{ "-5", -5, true },
		{ "20230605", 20230605, true },
		{ "1970-01-02", DAY, false },
		{ "1970-01-01T01:02", 3720000, false },
		{ "1970-01-01 01:02:03", 3723000, false },
		{ "1970-01-01t01:02:03.5z", 3723500, true },
		{ "1970-01-01T01:02:03,04Z", 3723040, true },
		{ "1970-01-01T01:02:03.9999999Z", 3723999, true },
		{ "1970-01-01T01:02:03+01", 123000, true },
		{ "1970-01-01T01:02:03+0100", 123000, true },
		{ "1970-01-01T01:02:03-01:00", 7323000, true },
		{ "19700101T010203", 3723000, false },
		{ "19700101T010203.25+0100", 123250, true },
		{ "19700101T0102", 3720000, false },
		{ "1970-01-01T24:00", DAY, false },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000), true },
		{ "2000-02-29", INT64_C(951782400000), false },
	};
	static const char *const bad[] = { "", "-", "+5", "x", "1e3",
	    "1.5", "9223372036854775808", "2023-06", "2023-6-5",
	    "2023-13-01", "2023-00-01", "2023-02-29", "1900-02-29",
	    "2023-04-31", "2023-06-05T", "2023-06-05T1", "2023-06-05T24:01",
	    "2023-06-05T25:00", "2023-06-05T10:60", "2023-06-05T10:00:61",
	    "2023-06-05T10:00:00.", "2023-06-05T10:00:00.Z",
	    "2023-06-05T10:00Zx", "2023-06-05T10:00+1",
	    "2023-06-05T10:00+24:00", "2023-06-05T10:00+10:60",
	    "2023-06-05T10:00+", "2023-06-05 10:00 ", "2023-06-05  10:00",
	    " 2023-06-05", "20230605T1", "2023-0605", "202306-05",
	    "2023-06-05Z", "20230605T10:00", "2023-06-05T1000",
	    "2023-06-05T10:00:00+01:0" };
	struct kx_time time = { .ms = 42 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (kx_time_parse(kx_span_str(bad[i]), &time))
			fail_msg("\"%s\" is accepted", bad[i]);
	}
	assert_false(kx_time_parse(KX_SPAN_NULL, &time));
	assert_int_equal(time.ms, 42);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!kx_time_parse(kx_span_str(good[i].text), &time) ||
		    time.ms != good[i].ms || time.zoned != good[i].zoned)
			fail_msg("\"%s\": %lld", good[i].text,
			    (long long)time.ms);
	}
	assert_true(time.date_only);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
