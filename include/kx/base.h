/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every module of libkx shares: spans, statuses, the error record, and
 * the limits that the manual documents.
 *
 * The library prints nothing, never exits, and keeps no global that changes.
 * A status answers one question, "may I go on?"; what went wrong and where
 * is in struct kx_error.
 */
#ifndef KX_BASE_H
#define KX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Readable (not meaningful) bytes that must follow any buffer that is handed
 * to a scanner or kernel, so that whole vectors can be loaded at its end. */
#define KX_PADDING 128

/* Longest record by default (--max-record), and the most it can be set to:
 * positions within a record are held in 32 bits. */
#define KX_MAX_RECORD_DEFAULT ((size_t)256 << 20)
#define KX_MAX_RECORD_LIMIT ((size_t)2 << 30)

/* Deepest nesting of arrays and objects in a record.  Documented in kx(7);
 * kept on the heap, so that a small stack does not matter. */
#define KX_MAX_DEPTH 1024

#if defined(__GNUC__)
#define KX_MUST_CHECK __attribute__((warn_unused_result))
#define KX_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define KX_LIKELY(x) __builtin_expect(!!(x), 1)
#define KX_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define KX_INLINE static inline __attribute__((always_inline))
#define KX_NOINLINE __attribute__((noinline))
/* Called where something is odd: what leads there is put out of the way. */
#define KX_COLD __attribute__((cold))
#else
#define KX_MUST_CHECK
#define KX_PRINTF(f, a)
#define KX_LIKELY(x) (x)
#define KX_UNLIKELY(x) (x)
#define KX_INLINE static inline
#define KX_NOINLINE
#define KX_COLD
#endif

enum kx_status {
	KX_OK = 0,	/* done; go on */
	KX_EOF,		/* nothing more will come */
	KX_BAD,		/* this piece of data is refused; the stream is sound */
	KX_FAIL,	/* this call failed; the handle lives */
	KX_FATAL	/* the handle can only be closed */
};

/* A run of bytes that belongs to somebody else.  Not terminated; empty may
 * be NULL.  It lives as long as what it points into, which each function
 * that hands one out names. */
struct kx_span {
	const char *ptr;
	size_t len;
};

#define KX_SPAN(literal) ((struct kx_span){ (literal), sizeof(literal) - 1 })
#define KX_SPAN_NULL ((struct kx_span){ NULL, 0 })

static inline struct kx_span
kx_span_str(const char *s)
{
	return (struct kx_span){ s, strlen(s) };
}

static inline bool
kx_span_eq(struct kx_span a, struct kx_span b)
{
	/* By the length of b, which is mostly the literal. */
	return a.len == b.len && (b.len == 0 || !memcmp(a.ptr, b.ptr, b.len));
}

/* What a failed call has to say.  `message` is whole and terminated; bytes
 * from the input in it are as they came, whoever prints it must escape them.
 * `errnum` is 0 where no system call failed. */
struct kx_error {
	int errnum;
	uint64_t off;		/* bytes from the start of what was given */
	char message[240];
};

/* Fill *err (which may be NULL) and return status. */
enum kx_status kx_error_set(struct kx_error *err, enum kx_status status,
    int errnum, const char *fmt, ...) KX_PRINTF(4, 5);

#endif
