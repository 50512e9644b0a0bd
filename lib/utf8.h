/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UTF-8 as RFC 3629, section 4, has it: no overlong forms, no surrogates,
 * nothing above U+10FFFF.
 */
#ifndef KX_UTF8_H
#define KX_UTF8_H

#include "kx/base.h"

/* Bytes of the character at p (len > 0), 0 where it is none. */
static inline size_t
kx_utf8_next(const unsigned char *p, size_t len)
{
	unsigned char a = p[0];

	if (a < 0x80)
		return 1;
	if (a < 0xc2)
		return 0;
	if (a < 0xe0)
		return len >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (a < 0xf0) {
		if (len < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
		    (a == 0xe0 && p[1] < 0xa0) || (a == 0xed && p[1] >= 0xa0))
			return 0;
		return 3;
	}
	if (a > 0xf4 || len < 4 || (p[1] & 0xc0) != 0x80 ||
	    (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80 ||
	    (a == 0xf0 && p[1] < 0x90) || (a == 0xf4 && p[1] >= 0x90))
		return 0;
	return 4;
}

/* Is p[0..len) a proper beginning of a character, cut short? */
static inline bool
kx_utf8_cut(const unsigned char *p, size_t len)
{
	unsigned char a;
	size_t need, i;

	if (len == 0 || len > 3)
		return false;
	a = p[0];
	need = a >= 0xc2 && a < 0xe0 ? 2 : a >= 0xe0 && a < 0xf0 ? 3 :
	    a >= 0xf0 && a < 0xf5 ? 4 : 0;
	if (len >= need)
		return false;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	if (len >= 2 && ((a == 0xe0 && p[1] < 0xa0) ||
	    (a == 0xed && p[1] >= 0xa0) || (a == 0xf0 && p[1] < 0x90) ||
	    (a == 0xf4 && p[1] >= 0x90)))
		return false;
	return true;
}

#endif
