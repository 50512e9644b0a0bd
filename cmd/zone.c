/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A time zone.  tzset() takes a name that it does not know for UTC, and says
 * nothing: so the name is looked up first, where tzset() will.
 */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kx/num.h"

#include "zone.h"

static bool fixed = true;	/* an offset that is always the same */
static int offset;

/* +hh, +hhmm, +hh:mm, or with `-'; the hours may be one digit. */
static bool
parse_offset(const char *name, int *out)
{
	uint64_t hours, minutes = 0;
	size_t n;

	if (*name != '+' && *name != '-')
		return false;
	n = strspn(name + 1, "0123456789");
	if (n == 4)
		n = 2;
	if (n < 1 || n > 2 ||
	    !kx_num_u64((struct kx_span){ name + 1, n }, &hours))
		return false;
	if (name[1 + n] != '\0') {
		const char *p = name + 1 + n + (name[1 + n] == ':');

		if (strlen(p) != 2 || !kx_num_u64(kx_span_str(p), &minutes))
			return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	*out = (int)(60 * hours + minutes);
	if (*name == '-')
		*out = -*out;
	return true;
}

/* Is it a file of the system's table, and a zone? */
static bool
is_zone(const char *name)
{
	const char *dir = getenv("TZDIR");
	char path[4096], magic[4];
	bool found = false;
	int fd, n;

	if (*name == '\0' || *name == '/' || strstr(name, "..") != NULL)
		return false;
	n = snprintf(path, sizeof(path), "%s/%s",
	    dir != NULL && *dir != '\0' ? dir : "/usr/share/zoneinfo", name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0) {
		found = read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		    !memcmp(magic, "TZif", sizeof(magic));
		(void)close(fd);
	}
	return found;
}

bool
zone_set(const char *name)
{
	if (!strcmp(name, "UTC") || !strcmp(name, "Z")) {
		offset = 0;
		return fixed = true;
	}
	if (parse_offset(name, &offset))
		return fixed = true;
	if (!is_zone(name) || setenv("TZ", name, 1) != 0)
		return false;
	tzset();
	fixed = false;
	return true;
}

int
zone_minutes(int64_t ms)
{
	time_t when = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm tm;

	if (fixed)
		return offset;
	if (localtime_r(&when, &tm) == NULL)
		return 0;
	return (int)(tm.tm_gmtoff / 60);
}
