/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Times.  Milliseconds and ISO 8601 are the library's, with what time zones
 * add; all else is gnulib's parse_datetime(), the one of date(1).
 */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "parse-datetime.h"

#include "kx/time.h"

#include "cli.h"
#include "when.h"

/* Civil time of the zone of TZ; false where mktime() knows no such time. */
static bool
local_ms(const struct kx_civil *civil, int64_t *ms)
{
	struct tm tm = { .tm_isdst = -1, .tm_wday = -1,
	    .tm_year = civil->year - 1900, .tm_mon = civil->month - 1,
	    .tm_mday = civil->day, .tm_hour = civil->hour,
	    .tm_min = civil->minute, .tm_sec = civil->second };
	time_t seconds = mktime(&tm);

	if (tm.tm_wday == -1)
		return false;
	*ms = (int64_t)seconds * 1000 + civil->ms;
	return true;
}

/* A day by itself: date(1) would take the present time of that day, which is
 * nobody's idea of where yesterday begins. */
static const char *
day_alone(const char *arg)
{
	static const char *const days[][2] = {
		{ "yesterday", "yesterday 00:00" }, { "today", "today 00:00" },
		{ "tomorrow", "tomorrow 00:00" }
	};
	size_t i;

	for (i = 0; i < sizeof(days) / sizeof(*days); i++)
		if (!strcasecmp(arg, days[i][0]))
			return days[i][1];
	return arg;
}

int64_t
when(const char *option, const char *arg)
{
	struct timespec ts;
	struct kx_civil civil;
	struct kx_time parsed;
	char form[KX_TIME_SIZE];
	int64_t ms;

	if (kx_time_parse(kx_span_str(arg), &parsed)) {
		/* 20230605 is no day, nor are ten digits seconds */
		if (parsed.number && parsed.ms >= 10000000 &&
		    parsed.ms < INT64_C(100000000000) &&
		    kx_time_format(parsed.ms, 0, form) > 0)
			cli_note("--%s: '%s' is taken for milliseconds: %s",
			    option, cli_quotes(arg), form);
		if (parsed.zoned || !kx_time_civil(parsed.ms, 0, &civil))
			return parsed.ms;
		if (local_ms(&civil, &ms))
			return ms;
	} else if (arg[strspn(arg, " \t")] != '\0' &&
	    parse_datetime(&ts, day_alone(arg), NULL) &&
	    !__builtin_mul_overflow((int64_t)ts.tv_sec, 1000, &ms) &&
	    !__builtin_add_overflow(ms, (ts.tv_nsec + 999999) / 1000000,
	    &ms)) {
		return ms;
	}
	cli_usage("--%s: '%s' is no time: milliseconds since 1970, ISO 8601, "
	    "or what date -d takes", option, cli_quotes(arg));
}
