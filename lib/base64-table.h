/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The alphabet of RFC 4648, section 4, by ASCII code: the symbol's value, or
 * a byte with the top bit set.  For the initialisers of kernels.
 */
#ifndef BASE64_TABLE_H
#define BASE64_TABLE_H

#define XX 0x80
/* clang-format off */
#define BASE64_TABLE \
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, \
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, \
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX, XX, 63, \
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX, \
	XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, \
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX, \
	XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, \
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX
/* clang-format on */

#endif
