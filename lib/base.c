/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error record.  A message that does not fit is cut between characters
 * and marked by three dots, so that what is printed is still text; errno is
 * left as it was, for a caller that sets the record and then cleans up.
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kx/base.h"

enum kx_status
kx_error_set(struct kx_error *err, enum kx_status status, int errnum,
    const char *fmt, ...)
{
	int saved = errno;
	size_t end;
	va_list ap;
	int n;

	if (err == NULL)
		return status;
	err->errnum = errnum;
	err->off = 0;
	va_start(ap, fmt);
	n = vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	if (n < 0) {
		/* Nothing but a format that cannot be had: no memory. */
		memcpy(err->message, "out of memory", 14);
	} else if ((size_t)n >= sizeof(err->message)) {
		end = sizeof(err->message) - 4;
		while (end > 0 && (err->message[end] & 0xc0) == 0x80)
			end--;
		memcpy(err->message + end, "...", 4);
	}
	errno = saved;
	return status;
}
