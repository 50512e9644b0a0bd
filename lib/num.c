/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers from text.
 *
 * A JSON number is first taken apart (struct parts): sign, the span of its
 * significant digits and the power of ten that they are times.  Most have at
 * most 15 digits and a small exponent; these become a double by one division
 * or multiplication of two exact doubles, which rounds once and so is right
 * (W. D. Clinger, "How to Read Floating Point Numbers Accurately", PLDI
 * 1990).  The others go through strtod_l() in the C locale.
 */
#include <config.h>

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kx/num.h"

#include "digits.h"

/* Digits that can decide how a double is rounded: 767 and a few; what stands
 * behind them can only say whether the rest is zero. */
#define MOST_DIGITS 800

/* Exponents beyond this are as good as this. */
#define HUGE_EXPONENT 1000000000

struct parts {
	bool negative;
	bool spelled_integer;
	const char *first;	/* first digit that is not 0; NULL: it is 0 */
	const char *last;	/* last digit that is not 0 */
	const char *point;	/* of the text, or NULL */
	int64_t digits;		/* from first to last */
	int64_t exponent;	/* the value is digits times 10 to this */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Any that many digits fit in 64 bits. */
#define SURE_DIGITS 19

/* At most SURE_DIGITS of them, and nothing else. */
static inline bool
short_u64(struct kx_span text, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	if (text.len >= 8)
		return kx_digits_value(text.ptr, text.len, out);
	for (i = 0; i < text.len; i++) {
		if (!is_digit(text.ptr[i]))
			return false;
		n = n * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*out = n;
	return true;
}

bool
kx_num_u64(struct kx_span text, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	if (text.len == 0)
		return false;
	if (KX_LIKELY(text.len <= SURE_DIGITS))
		return short_u64(text, out);
	for (i = 0; i < text.len; i++) {
		if (!is_digit(text.ptr[i]) ||
		    __builtin_mul_overflow(n, UINT64_C(10), &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text.ptr[i] - '0'),
		    &n))
			return false;
	}
	*out = n;
	return true;
}

/* `n` with the sign, where it fits. */
static bool
with_sign(uint64_t n, bool negative, int64_t *out)
{
	if (negative)
		return !__builtin_sub_overflow((int64_t)0, n, out);
	return !__builtin_add_overflow((int64_t)0, n, out);
}

bool
kx_num_i64(struct kx_span text, int64_t *out)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	int64_t value;
	uint64_t n;

	if (negative) {
		text.ptr++;
		text.len--;
	}
	if (!kx_num_u64(text, &n) || !with_sign(n, negative, &value))
		return false;
	*out = value;
	return true;
}

/* Take a number apart; false where it is none. */
static bool
take_apart(struct kx_span text, struct parts *parts)
{
	const char *p = text.ptr, *end, *whole;
	bool down = false;
	int64_t e = 0;

	memset(parts, 0, sizeof(*parts));
	if (text.len == 0)
		return false;
	end = p + text.len;
	if (*p == '-') {
		parts->negative = true;
		p++;
	}
	whole = p;
	while (p < end && is_digit(*p)) {
		if (*p != '0') {
			if (parts->first == NULL)
				parts->first = p;
			parts->last = p;
		}
		p++;
	}
	if (p == whole || (*whole == '0' && p - whole > 1))
		return false;
	parts->spelled_integer = p == end;
	whole = p;		/* where the point is, or would be */
	if (p < end && *p == '.') {
		parts->point = p++;
		if (p == end || !is_digit(*p))
			return false;
		for (; p < end && is_digit(*p); p++) {
			if (*p == '0')
				continue;
			if (parts->first == NULL)
				parts->first = p;
			parts->last = p;
		}
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			down = *p++ == '-';
		if (p == end || !is_digit(*p))
			return false;
		for (; p < end && is_digit(*p); p++) {
			if (e < HUGE_EXPONENT)
				e = e * 10 + (*p - '0');
		}
		if (down)
			e = -e;
	}
	if (p != end)
		return false;
	if (parts->first != NULL) {
		parts->digits = parts->last - parts->first + 1;
		if (parts->point != NULL && parts->first < parts->point &&
		    parts->last > parts->point)
			parts->digits--;
		/* The last digit's own place */
		parts->exponent = e + (parts->last < whole ?
		    whole - parts->last - 1 : whole - parts->last);
	}
	return true;
}

/* The significant digits as an integer: at most 19 of them. */
static uint64_t
joined_digits(const struct parts *parts)
{
	const char *p;
	uint64_t n = 0;

	for (p = parts->first; p <= parts->last; p++) {
		if (*p != '.')
			n = n * 10 + (uint64_t)(*p - '0');
	}
	return n;
}

static bool
whole_value(const struct parts *parts, int64_t *out)
{
	uint64_t n;
	int64_t e;

	if (parts->first == NULL) {
		*out = 0;
		return true;
	}
	if (parts->exponent < 0 || parts->digits > 19 ||
	    parts->exponent > 19)
		return false;
	n = joined_digits(parts);
	for (e = parts->exponent; e > 0; e--) {
		if (__builtin_mul_overflow(n, UINT64_C(10), &n))
			return false;
	}
	return with_sign(n, parts->negative, out);
}

unsigned
kx_num_classify(struct kx_span text)
{
	unsigned found = KX_NUM_VALID;
	struct parts parts;
	int64_t value;

	if (!take_apart(text, &parts))
		return 0;
	if (parts.spelled_integer)
		found |= KX_NUM_INTEGER;
	if (parts.exponent >= 0)
		found |= KX_NUM_WHOLE;
	if (whole_value(&parts, &value)) {
		found |= KX_NUM_I64;
		if (value >= -(INT64_C(1) << 53) &&
		    value <= INT64_C(1) << 53)
			found |= KX_NUM_EXACT;
	}
	return found;
}

bool
kx_num_whole(struct kx_span text, int64_t *out)
{
	struct parts parts;
	int64_t value;
	uint64_t n;

	/* Mostly plain digits, with no zero in front. */
	if (text.len > 0 && text.len < SURE_DIGITS &&
	    (*text.ptr != '0' || text.len == 1) && short_u64(text, &n)) {
		*out = (int64_t)n;
		return true;
	}
	if (!take_apart(text, &parts) || !whole_value(&parts, &value))
		return false;
	*out = value;
	return true;
}

/* The long way: the digits, as many as can matter, and an exponent. */
static double
by_strtod(const struct parts *parts)
{
	char text[MOST_DIGITS + 32];
	int64_t exponent = parts->exponent;
	size_t n = 0;
	const char *p;
	locale_t c;
	double value;

	for (p = parts->first; p <= parts->last && n < MOST_DIGITS; p++) {
		if (*p != '.')
			text[n++] = *p;
	}
	exponent += parts->digits - (int64_t)n;
	if (parts->digits > (int64_t)n) {
		/* The last digit of all is not 0. */
		text[n++] = '1';
		exponent--;
	}
	/* Exponents of the text may be up to HUGE_EXPONENT * 10, and so may
	 * be the digits: both are far beyond what a double tells apart. */
	(void)snprintf(text + n, sizeof(text) - n, "e%lld",
	    (long long)exponent);
	/* The C locale is there without being made: this cannot fail and
	 * takes no memory, but the standard does not say so. */
	c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c == (locale_t)0)
		return NAN;
	value = strtod_l(text, NULL, c);
	freelocale(c);
	return value;
}

bool
kx_num_double(struct kx_span text, double *out)
{
	/* Powers of ten that a double holds exactly */
	static const double power[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6,
	    1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
	    1e18, 1e19, 1e20, 1e21, 1e22 };
	struct parts parts;
	int saved = errno;
	double value;

	if (!take_apart(text, &parts))
		return false;
	if (parts.first == NULL)
		value = 0;
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
	else if (parts.digits <= 15 && parts.exponent >= 0 &&
	    parts.exponent <= 22)
		value = (double)joined_digits(&parts) * power[parts.exponent];
	else if (parts.digits <= 15 && parts.exponent < 0 &&
	    parts.exponent >= -22)
		value = (double)joined_digits(&parts) / power[-parts.exponent];
#endif
	else
		value = by_strtod(&parts);
	*out = parts.negative ? -value : value;
	errno = saved;
	return true;
}

bool
kx_num_size(struct kx_span text, uint64_t *out)
{
	static const char letters[] = "KMGTPE";
	struct kx_span digits = { text.ptr, 0 };
	uint64_t n, unit = 1024;
	const char *at, *p;
	ptrdiff_t power;
	size_t left;
	char c;

	while (digits.len < text.len && is_digit(text.ptr[digits.len]))
		digits.len++;
	if (!kx_num_u64(digits, &n))
		return false;
	p = text.ptr + digits.len;
	left = text.len - digits.len;
	if (left == 1 && (*p == 'B' || *p == 'b'))
		left = 0;
	if (left > 0) {
		c = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
		at = c == '\0' ? NULL : strchr(letters, c);
		if (at == NULL || left > 3)
			return false;
		if (left == 3 && !((p[1] == 'i' || p[1] == 'I') &&
		    (p[2] == 'B' || p[2] == 'b')))
			return false;
		if (left == 2) {
			if (p[1] == 'B' || p[1] == 'b')
				unit = 1000;
			else if (p[1] != 'i' && p[1] != 'I')
				return false;
		}
		for (power = at - letters; power >= 0; power--) {
			if (__builtin_mul_overflow(n, unit, &n))
				return false;
		}
	}
	*out = n;
	return true;
}
