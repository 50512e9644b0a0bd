/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times: milliseconds since 1970-01-01T00:00:00Z, in int64_t, and their
 * ISO 8601 form.  The calendar is the proleptic Gregorian one, without leap
 * seconds; no clock, time zone or locale of the system is asked.
 */
#ifndef KX_TIME_H
#define KX_TIME_H

#include "kx/base.h"

/* The times that have a form: years -9999 to 9999, in any zone. */
#define KX_TIME_MIN (INT64_C(-377705116800000) + 86400000)
#define KX_TIME_MAX (INT64_C(253402300799999) - 86400000)

/* "-9999-12-31T23:59:59.999+23:59" and a NUL */
#define KX_TIME_SIZE 32

struct kx_civil {
	int year;		/* astronomical: 0 is 1 BC */
	int month, day;		/* from 1 */
	int hour, minute, second, ms;
	int weekday;		/* 0 is Sunday */
};

/* The civil date and time of `ms` in a zone `zone` minutes east of UTC, less
 * than a day either way.  False outside KX_TIME_MIN and KX_TIME_MAX. */
bool kx_time_civil(int64_t ms, int zone, struct kx_civil *civil);

/* The reverse; fields out of range are carried (month 13 is next January).
 * Years -10000 to 10000. */
int64_t kx_time_from_civil(const struct kx_civil *civil, int zone);

/*
 * 2023-06-05T13:56:01.368Z, or with +03:00 for a zone that is not 0, into
 * out[KX_TIME_SIZE], terminated.  Returns the length; 0 (and "") for a time
 * that has no form.
 */
size_t kx_time_format(int64_t ms, int zone, char out[KX_TIME_SIZE]);

struct kx_time {
	int64_t ms;		/* zoned false: as if the text were UTC */
	bool zoned;		/* a zone was given, or it was a number */
	bool number;		/* plain milliseconds since the epoch */
	bool date_only;
	int zone;		/* minutes east of UTC, 0 if not given */
};

/*
 * Milliseconds since the epoch (`1685973361368`, `-1`), or ISO 8601:
 * YYYY-MM-DD, or with `T` or one blank, hh:mm, :ss and a fraction after `.`
 * or `,` (digits beyond the third are dropped), each but the hour and minute
 * optional; then Z, +hh, +hhmm or +hh:mm, or nothing.  The basic form
 * YYYYMMDDThhmmss too.  24:00 is midnight at the day's end; a second of 60
 * is the next minute's first.  False for anything else: *time is untouched.
 */
bool kx_time_parse(struct kx_span text, struct kx_time *time);

#endif
