/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times.  A year is taken to begin in March, so that the leap day is its
 * last; 400 such years are always 146097 days, and all division is of numbers
 * that are not negative.
 */
#include <config.h>

#include <string.h>

#include "kx/num.h"
#include "kx/time.h"

#define DAY_MS INT64_C(86400000)
#define ERA_DAYS 146097			/* days in 400 years */
#define CENTURY_DAYS 36524		/* less the fourth one's leap day */
#define EPOCH_DAYS 719468		/* 0000-03-01 to 1970-01-01 */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool
kx_time_civil(int64_t ms, int zone, struct kx_civil *civil)
{
	int64_t days, era, rest, century, four, year, month;

	if (ms < KX_TIME_MIN || ms > KX_TIME_MAX || zone <= -1440 ||
	    zone >= 1440)
		return false;
	ms += (int64_t)zone * 60000;
	days = floor_div(ms, DAY_MS);
	ms -= days * DAY_MS;
	civil->hour = (int)(ms / 3600000);
	civil->minute = (int)(ms / 60000 % 60);
	civil->second = (int)(ms / 1000 % 60);
	civil->ms = (int)(ms % 1000);
	civil->weekday = (int)(days + 4 - floor_div(days + 4, 7) * 7);

	days += EPOCH_DAYS;
	era = floor_div(days, ERA_DAYS);
	rest = days - era * ERA_DAYS;
	/* The last day of an era, of four years and of four centuries is the
	 * one that division by the usual length would give to the next. */
	century = rest / CENTURY_DAYS < 3 ? rest / CENTURY_DAYS : 3;
	rest -= century * CENTURY_DAYS;
	four = rest / 1461;
	rest -= four * 1461;
	year = rest / 365 < 3 ? rest / 365 : 3;
	rest -= year * 365;
	year += era * 400 + century * 100 + four * 4;
	/* Five months from March on are 153 days, 31 and 30 in turn. */
	month = (5 * rest + 2) / 153;
	civil->day = (int)(rest - (153 * month + 2) / 5 + 1);
	month += month < 10 ? 3 : -9;
	civil->month = (int)month;
	civil->year = (int)(year + (month <= 2));
	return true;
}

static int64_t
days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t era, carry;

	carry = floor_div(month - 1, 12);
	year += carry;
	month -= carry * 12;
	year -= month <= 2;
	month += month <= 2 ? 9 : -3;
	era = floor_div(year, 400);
	year -= era * 400;
	return era * ERA_DAYS + year * 365 + year / 4 - year / 100 +
	    (153 * month + 2) / 5 + day - 1 - EPOCH_DAYS;
}

int64_t
kx_time_from_civil(const struct kx_civil *civil, int zone)
{
	int64_t ms;

	ms = days_from_civil(civil->year, civil->month, civil->day) * DAY_MS;
	ms += (int64_t)civil->hour * 3600000 + (int64_t)civil->minute * 60000;
	ms += (int64_t)civil->second * 1000 + civil->ms;
	return ms - (int64_t)zone * 60000;
}

static char *
put(char *p, int n, int digits)
{
	int i;

	for (i = digits - 1; i >= 0; i--) {
		p[i] = (char)('0' + n % 10);
		n /= 10;
	}
	return p + digits;
}

size_t
kx_time_format(int64_t ms, int zone, char out[KX_TIME_SIZE])
{
	struct kx_civil civil;
	char *p = out;

	if (!kx_time_civil(ms, zone, &civil)) {
		*out = '\0';
		return 0;
	}
	if (civil.year < 0) {
		*p++ = '-';
		civil.year = -civil.year;
	}
	p = put(p, civil.year, 4);
	*p++ = '-';
	p = put(p, civil.month, 2);
	*p++ = '-';
	p = put(p, civil.day, 2);
	*p++ = 'T';
	p = put(p, civil.hour, 2);
	*p++ = ':';
	p = put(p, civil.minute, 2);
	*p++ = ':';
	p = put(p, civil.second, 2);
	*p++ = '.';
	p = put(p, civil.ms, 3);
	if (zone == 0) {
		*p++ = 'Z';
	} else {
		*p++ = zone < 0 ? '-' : '+';
		if (zone < 0)
			zone = -zone;
		p = put(p, zone / 60, 2);
		*p++ = ':';
		p = put(p, zone % 60, 2);
	}
	*p = '\0';
	return (size_t)(p - out);
}

/* Exactly `digits` digits at *p, and *p behind them. */
static bool
get(const char **p, const char *end, int digits, int *out)
{
	int n = 0;

	if (end - *p < digits)
		return false;
	for (; digits > 0; digits--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		n = n * 10 + (**p - '0');
	}
	*out = n;
	return true;
}

static bool
get_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

static int
month_days(int year, int month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ?
		    29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 :
	    31;
}

/* hh:mm[:ss[.fff]], or without colons. */
static bool
get_clock(const char **p, const char *end, bool colons, struct kx_civil *out)
{
	bool seconds;
	int scale;

	if (!get(p, end, 2, &out->hour) ||
	    (colons && !get_char(p, end, ':')) ||
	    !get(p, end, 2, &out->minute))
		return false;
	seconds = colons ? get_char(p, end, ':') :
	    *p < end && **p >= '0' && **p <= '9';
	if (seconds && !get(p, end, 2, &out->second))
		return false;
	if (seconds && (get_char(p, end, '.') || get_char(p, end, ','))) {
		if (*p == end || **p < '0' || **p > '9')
			return false;
		for (scale = 100; *p < end && **p >= '0' && **p <= '9';
		    (*p)++, scale /= 10)
			out->ms += (**p - '0') * scale;
	}
	if (out->minute > 59 || out->second > 60)
		return false;
	return out->hour < 24 || (out->hour == 24 && out->minute == 0 &&
	    out->second == 0 && out->ms == 0);
}

static bool
get_zone(const char **p, const char *end, struct kx_time *time)
{
	int sign, hours, minutes = 0;

	if (*p == end)
		return true;
	time->zoned = true;
	if (get_char(p, end, 'Z') || get_char(p, end, 'z'))
		return true;
	if (**p != '+' && **p != '-')
		return false;
	sign = *(*p)++ == '-' ? -1 : 1;
	if (!get(p, end, 2, &hours))
		return false;
	if (*p < end) {
		(void)get_char(p, end, ':');
		if (!get(p, end, 2, &minutes))
			return false;
	}
	time->zone = sign * (hours * 60 + minutes);
	return hours < 24 && minutes < 60;
}

bool
kx_time_parse(struct kx_span text, struct kx_time *time)
{
	const char *p = text.ptr, *end;
	struct kx_time got = { .ms = 0 };
	struct kx_civil civil = { .hour = 0 };
	bool colons;

	if (kx_num_i64(text, &got.ms)) {
		got.zoned = got.number = true;
		*time = got;
		return true;
	}
	if (text.len == 0)
		return false;
	end = p + text.len;
	if (!get(&p, end, 4, &civil.year))
		return false;
	colons = get_char(&p, end, '-');
	if (!get(&p, end, 2, &civil.month) ||
	    (colons && !get_char(&p, end, '-')) ||
	    !get(&p, end, 2, &civil.day))
		return false;
	if (civil.month < 1 || civil.month > 12 || civil.day < 1 ||
	    civil.day > month_days(civil.year, civil.month))
		return false;
	if (p == end) {
		got.date_only = true;
	} else {
		if (*p != 'T' && *p != 't' && *p != ' ')
			return false;
		p++;
		if (!get_clock(&p, end, colons, &civil) ||
		    !get_zone(&p, end, &got) || p != end)
			return false;
	}
	got.ms = kx_time_from_civil(&civil, got.zone);
	*time = got;
	return true;
}
