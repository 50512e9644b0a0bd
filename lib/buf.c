/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing byte buffer.  It doubles, so that n bytes added in any pieces
 * cost O(n); the allocation is always KX_PADDING bytes longer than `cap`,
 * which also leaves room for the NUL that vsnprintf() insists upon.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kx/buf.h"

#define SMALLEST 256

static bool
grow(struct kx_buf *buf, size_t want)
{
	size_t cap, all;
	char *ptr;

	cap = buf->cap < SMALLEST ? SMALLEST : buf->cap;
	while (cap < want) {
		if (__builtin_mul_overflow(cap, (size_t)2, &cap)) {
			cap = want;
			break;
		}
	}
	if (__builtin_add_overflow(cap, (size_t)KX_PADDING, &all) ||
	    all > PTRDIFF_MAX)
		goto fail;
	ptr = realloc(buf->ptr, all);
	if (ptr == NULL && cap > want) {
		/* Twice as much is a wish; what is wanted is the need. */
		cap = want;
		all = cap + KX_PADDING;
		ptr = realloc(buf->ptr, all);
	}
	if (ptr == NULL)
		goto fail;
	/* What is read behind the end has no say in any answer, but checkers
	 * of memory cannot know that; a fresh buffer is cheap to clear. */
	if (buf->ptr == NULL)
		memset(ptr, 0, all < 4096 ? all : 4096);
	buf->ptr = ptr;
	buf->cap = cap;
	return true;
fail:
	buf->failed = true;
	return false;
}

bool
kx_buf_grow(struct kx_buf *buf, size_t more)
{
	size_t want;

	if (buf->failed)
		return false;
	if (__builtin_add_overflow(buf->len, more, &want)) {
		buf->failed = true;
		return false;
	}
	return grow(buf, want);
}

void
kx_buf_vaddf(struct kx_buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	if (!kx_buf_reserve(buf, 0))
		return;
	va_copy(again, ap);
	room = buf->cap - buf->len + 1;	/* the NUL goes into the padding */
	n = vsnprintf(buf->ptr + buf->len, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room) {
		if (!kx_buf_reserve(buf, (size_t)n)) {
			va_end(again);
			return;
		}
		room = (size_t)n + 1;
		n = vsnprintf(buf->ptr + buf->len, room, fmt, again);
	}
	va_end(again);
	if (n < 0 || (size_t)n >= room) {
		buf->failed = true;
		return;
	}
	buf->len += (size_t)n;
}

void
kx_buf_addf(struct kx_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kx_buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void
kx_buf_addu64(struct kx_buf *buf, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	kx_buf_add(buf, digits + i, sizeof(digits) - i);
}

/* Length of the UTF-8 character (RFC 3629, 4) that p[0..len) begins with, 0
 * where it begins with none. */
static size_t
utf8_char(const unsigned char *p, size_t len)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len < 2 || (p[1] & 0xc0) != 0x80)
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if (len < 3 || (p[2] & 0xc0) != 0x80)
		return 0;
	if (p[0] < 0xf0) {
		if ((p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (len < 4 || (p[3] & 0xc0) != 0x80 ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

static void
add_escape(struct kx_buf *buf, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char esc[6] = { '\\', 'u', '0', '0', '0', '0' };
	char brief;

	switch (c) {
	case '"':
	case '\\':
		brief = (char)c;
		break;
	case '\b':
		brief = 'b';
		break;
	case '\f':
		brief = 'f';
		break;
	case '\n':
		brief = 'n';
		break;
	case '\r':
		brief = 'r';
		break;
	case '\t':
		brief = 't';
		break;
	default:
		esc[4] = hex[c >> 4];
		esc[5] = hex[c & 15];
		kx_buf_add(buf, esc, 6);
		return;
	}
	esc[1] = brief;
	kx_buf_add(buf, esc, 2);
}

void
kx_buf_addjson(struct kx_buf *buf, struct kx_span span)
{
	const unsigned char *p = (const unsigned char *)span.ptr;
	size_t i = 0, plain = 0, n;

	while (i < span.len) {
		n = 1;
		if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' &&
		    (n = utf8_char(p + i, span.len - i)) != 0) {
			i += n;
			continue;
		}
		kx_buf_add(buf, p + plain, i - plain);
		if (n == 0)
			kx_buf_add(buf, "\xef\xbf\xbd", 3);
		else
			add_escape(buf, p[i]);
		plain = ++i;
	}
	if (i > plain)
		kx_buf_add(buf, p + plain, i - plain);
}

void
kx_buf_reset(struct kx_buf *buf, size_t keep)
{
	if (buf->cap > keep)
		kx_buf_free(buf);
	buf->len = 0;
	buf->failed = false;
}

void
kx_buf_free(struct kx_buf *buf)
{
	free(buf->ptr);
	*buf = (struct kx_buf){ NULL, 0, 0, false };
}
