/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Times as people give them to options.
 */
#ifndef WHEN_H
#define WHEN_H

#include <stdint.h>

/*
 * The argument of --option as milliseconds since 1970, rounded up where it is
 * finer: plain milliseconds, ISO 8601, or what GNU date -d takes.  What names
 * no zone is in that of TZ.  `yesterday', `today' and `tomorrow' by themselves
 * are the beginning of that day.  Anything else is bad usage.
 */
int64_t when(const char *option, const char *arg);

#endif
