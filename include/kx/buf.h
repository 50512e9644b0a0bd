/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing byte buffer on the heap.  Zero-initialised is empty and valid.
 * A failed append sets `failed`, drops what was being added and makes every
 * further append a no-op: a writer of many small pieces checks once, at the
 * end, with kx_buf_failed().
 */
#ifndef KX_BUF_H
#define KX_BUF_H

#include <stdarg.h>

#include "kx/base.h"

struct kx_buf {
	char *ptr;	/* KX_PADDING bytes behind `len` are readable */
	size_t len;
	size_t cap;
	bool failed;
};

/* kx_buf_reserve() where there is no room yet, or no memory was before. */
bool kx_buf_grow(struct kx_buf *buf, size_t more);

/* Room for `more` bytes at the end (plus KX_PADDING); false without memory.
 * This and the additions are made of little pieces all over, so they are
 * here. */
static inline bool
kx_buf_reserve(struct kx_buf *buf, size_t more)
{
	if (KX_LIKELY(buf->ptr != NULL && more <= buf->cap - buf->len &&
	    !buf->failed))
		return true;
	return kx_buf_grow(buf, more);
}

static inline void
kx_buf_add(struct kx_buf *buf, const void *ptr, size_t len)
{
	if (len == 0 || !kx_buf_reserve(buf, len))
		return;
	memcpy(buf->ptr + buf->len, ptr, len);
	buf->len += len;
}

static inline void
kx_buf_addc(struct kx_buf *buf, char c)
{
	if (kx_buf_reserve(buf, 1))
		buf->ptr[buf->len++] = c;
}

static inline void
kx_buf_adds(struct kx_buf *buf, const char *s)
{
	kx_buf_add(buf, s, strlen(s));
}

static inline void
kx_buf_addspan(struct kx_buf *buf, struct kx_span span)
{
	kx_buf_add(buf, span.ptr, span.len);
}

void kx_buf_addf(struct kx_buf *buf, const char *fmt, ...) KX_PRINTF(2, 3);
void kx_buf_vaddf(struct kx_buf *buf, const char *fmt, va_list ap)
    KX_PRINTF(2, 0);
/* Decimal, without the cost of printf. */
void kx_buf_addu64(struct kx_buf *buf, uint64_t n);
/* `span` as the inside of a JSON string (RFC 8259, 7): `"`, `\` and control
 * bytes escaped; a byte that is not part of valid UTF-8 becomes U+FFFD. */
void kx_buf_addjson(struct kx_buf *buf, struct kx_span span);
/* Empty it; capacity over `keep` bytes is given back. */
void kx_buf_reset(struct kx_buf *buf, size_t keep);
void kx_buf_free(struct kx_buf *buf);

static inline bool
kx_buf_failed(const struct kx_buf *buf)
{
	return buf->failed;
}

static inline struct kx_span
kx_buf_span(const struct kx_buf *buf)
{
	return (struct kx_span){ buf->ptr, buf->len };
}

#endif
