/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A time zone, by the system's table of them.
 *
 * libc knows one zone at a time, that of the process.  So the process is put
 * into the zone once, before there are threads, and only asked from then on.
 */
#ifndef ZONE_H
#define ZONE_H

#include "kx/base.h"

/* Be in the zone: UTC, Z, an offset (+03:00, -0930, +3), or a name of the
 * system's table (Europe/Berlin).  False where there is no such zone. */
bool zone_set(const char *name);

/* Its minutes east of UTC at an instant; a zone of so long ago that its offset
 * has seconds is cut to the minute.  From any thread. */
int zone_minutes(int64_t ms);

#endif
