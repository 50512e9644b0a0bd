/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames.  The text is decoded straight from the record, unless it holds a
 * JSON escape (`\/`), which few writers make; one pass each for base64 and the
 * walk over the image, while the bytes are in the cache.
 */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kx/base64.h"
#include "kx/frame.h"
#include "kx/num.h"
#include "kx/time.h"

#define STAMP_DIGITS 19

static void say(struct kx_frame *frame, enum kx_frame_state state,
    const char *rule, size_t at, const char *fmt, ...) KX_PRINTF(5, 6);

static void
say(struct kx_frame *frame, enum kx_frame_state state, const char *rule,
    size_t at, const char *fmt, ...)
{
	va_list ap;

	frame->state = state;
	frame->rule = rule;
	frame->at = at;
	va_start(ap, fmt);
	(void)vsnprintf(frame->reason, sizeof(frame->reason), fmt, ap);
	va_end(ap);
}

/* What is said of each departure from RFC 4648, in the order in which the
 * worst comes first. */
static const struct departure {
	enum kx_base64_kind kind;
	const char *rule;
	const char *words;
} departures[] = {
	{ KX_BASE64_ELIDED, "doc-placeholder",
	    "elided: this is documentation, not an image" },
	{ KX_BASE64_BAD_CHAR, "image-base64", "this byte is not base64" },
	{ KX_BASE64_BAD_PADDING, "image-base64", "`=' where none can be" },
	{ KX_BASE64_AFTER_PADDING, "image-base64", "data behind the padding" },
	{ KX_BASE64_BAD_LENGTH, "image-base64",
	    "one symbol is left over: the text is cut" },
	{ KX_BASE64_EMPTY, "image-empty", "no byte comes of it" },
	{ KX_BASE64_SPACE, "image-base64-form", "white space inside" },
	{ KX_BASE64_URL, "image-base64-form",
	    "the URL alphabet (`-' and `_')" },
	{ KX_BASE64_TRAILING_BITS, "image-base64-form",
	    "spare bits of the last symbol are not 0" },
	{ KX_BASE64_NO_PADDING, "image-base64-form", "padding is missing" }
};

#define N_DEPARTURES (sizeof(departures) / sizeof(departures[0]))

static const struct departure *
worst(const struct kx_base64_result *result)
{
	size_t i;

	for (i = 0; i < N_DEPARTURES; i++) {
		if (result->found & KX_BASE64_BIT(departures[i].kind))
			return &departures[i];
	}
	return NULL;
}

/* `base` is where the base64 begins in the record's text; exact only where
 * nothing was escaped. */
static void
decode_base64(struct kx_span text, const struct kx_kernel *kernel,
    size_t base, bool exact, struct kx_buf *out, struct kx_frame *frame)
{
	struct kx_base64_result result;
	const struct departure *d;
	enum kx_status status;
	size_t off, at;

	status = kx_base64_decode(kernel, text, KX_BASE64_LENIENT, out,
	    &result);
	if (status == KX_FAIL) {
		frame->state = KX_FRAME_NO_MEMORY;
		return;
	}
	d = worst(&result);
	if (d == NULL)
		return;
	off = result.off[d->kind];
	at = exact ? base + off : base;
	if (status == KX_OK && d->kind == KX_BASE64_EMPTY)
		say(frame, KX_FRAME_MISSING, d->rule, base, "%s", d->words);
	else if (d->kind == KX_BASE64_BAD_CHAR)
		say(frame, KX_FRAME_UNDECODABLE, d->rule, at,
		    "base64, byte %zu: 0x%02x is not in the alphabet", off,
		    result.byte);
	else
		say(frame, status == KX_OK ? KX_FRAME_OK :
		    KX_FRAME_UNDECODABLE, d->rule, at, "base64, byte %zu: %s",
		    off, d->words);
}

static void
decode_uri(struct kx_span text, const struct kx_kernel *kernel, size_t base,
    bool exact, struct kx_buf *out, struct kx_frame *frame)
{
	struct kx_datauri uri;
	size_t off = 0;

	if (kx_datauri_parse(text, &uri, &off) != KX_OK) {
		say(frame, KX_FRAME_UNDECODABLE, "image-data-uri",
		    exact ? base + off : base,
		    "byte %zu: this is no data URI (RFC 2397)", off);
		return;
	}
	frame->declared = uri.type;
	off = (size_t)(uri.data.ptr - text.ptr);
	if (uri.base64) {
		decode_base64(uri.data, kernel, base + off, exact, out, frame);
		return;
	}
	base += off;
	switch (kx_percent_decode(uri.data, out, &off)) {
	case KX_OK:
		if (out->len == 0)
			say(frame, KX_FRAME_MISSING, "image-empty", base,
			    "no byte comes of it");
		else
			say(frame, KX_FRAME_OK, "image-data-uri", base,
			    "the data URI is percent-encoded, not base64");
		break;
	case KX_BAD:
		say(frame, KX_FRAME_UNDECODABLE, "image-data-uri",
		    exact ? base + off : base,
		    "byte %zu: `%%' without two hex digits", off);
		break;
	default:
		frame->state = KX_FRAME_NO_MEMORY;
		break;
	}
}

/* What the bytes are. */
static void
look(const struct kx_buf *out, size_t base, struct kx_frame *frame)
{
	kx_image_probe(out->ptr, out->len, &frame->image);
	/* What was wrong with the text is said first: it came first. */
	if (frame->rule != NULL)
		return;
	if (frame->image.type == KX_IMAGE_UNKNOWN)
		say(frame, KX_FRAME_OK, "image-type", base,
		    "no signature of an image that is known");
	else if (frame->image.state != KX_IMAGE_WHOLE)
		say(frame, KX_FRAME_OK,
		    frame->image.state == KX_IMAGE_TRUNCATED ?
		    "image-truncated" : "image-damaged", base, "%s: %s",
		    kx_image_media_type(frame->image.type),
		    frame->image.fault == NULL ? "not whole" :
		    frame->image.fault);
}

void
kx_frame_decode(const struct kx_json *json, uint32_t image,
    const struct kx_kernel *kernel, struct kx_buf *scratch,
    struct kx_buf *out, struct kx_frame *frame)
{
	struct kx_span text;
	size_t base;
	bool exact;

	memset(frame, 0, sizeof(*frame));
	out->len = 0;
	if (image == 0) {
		say(frame, KX_FRAME_MISSING, NULL, 0,
		    "the event has only its path");
		return;
	}
	base = json->node[image].off;
	if (kx_json_type(json, image) == KX_JSON_NULL) {
		say(frame, KX_FRAME_MISSING, "image-empty", base,
		    "image is null");
		return;
	}
	if (kx_json_type(json, image) != KX_JSON_STRING) {
		say(frame, KX_FRAME_UNDECODABLE, "wrong-type", base,
		    "image is no string");
		return;
	}
	exact = !(json->node[image].meta & KX_JSON_ESCAPED);
	text = kx_json_decode(json, image, scratch, NULL);
	if (scratch->failed) {
		frame->state = KX_FRAME_NO_MEMORY;
		return;
	}
	if (exact)
		base++;		/* behind the quote */
	if (text.len == 0)
		say(frame, KX_FRAME_MISSING, "image-empty", base,
		    "image is empty");
	else if (kx_datauri_is(text))
		decode_uri(text, kernel, base, exact, out, frame);
	else
		decode_base64(text, kernel, base, exact, out, frame);
	if (frame->state == KX_FRAME_OK)
		look(out, base, frame);
	else
		out->len = 0;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of `ttl` in a query, exactly spelled; empty if none. */
static struct kx_span
find_ttl(const char *p, const char *end)
{
	const char *next;

	for (; p < end; p = next + 1) {
		next = memchr(p, '&', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if (next - p > 4 && !memcmp(p, "ttl=", 4))
			return (struct kx_span){ p + 4,
			    (size_t)(next - p - 4) };
		if (next == end)
			break;
	}
	return KX_SPAN_NULL;
}

void
kx_frame_path(struct kx_span path, struct kx_frame_path *out)
{
	const char *end, *query, *p;
	struct kx_span ttl;
	int64_t ms, seconds;

	*out = (struct kx_frame_path){ KX_SPAN_NULL, false, 0 };
	if (path.len == 0)
		return;
	end = path.ptr + path.len;
	query = memchr(path.ptr, '?', path.len);
	if (query == NULL)
		query = end;
	/* Back over the ending to the digits, and over these to the `-'. */
	for (p = query; p > path.ptr && p[-1] != '.'; p--) {
		if (p[-1] == '/')
			return;
	}
	if (p - path.ptr <= STAMP_DIGITS + 1)
		return;
	p--;
	out->stamp = (struct kx_span){ p - STAMP_DIGITS, STAMP_DIGITS };
	for (; p > out->stamp.ptr && digit(p[-1]); p--)
		continue;
	if (p != out->stamp.ptr || p[-1] != '-' ||
	    !kx_num_i64(out->stamp, &ms)) {
		out->stamp = KX_SPAN_NULL;
		return;
	}
	ms /= 1000000;
	if (query == end)
		return;
	ttl = find_ttl(query + 1, end);
	out->expires = ttl.len > 0 && digit(ttl.ptr[0]) &&
	    kx_num_i64(ttl, &seconds) &&
	    !__builtin_mul_overflow(seconds, INT64_C(1000), &seconds) &&
	    !__builtin_add_overflow(ms, seconds, &out->expires_ms) &&
	    out->expires_ms <= KX_TIME_MAX;
}
