/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Base64: every kernel of this processor against a plain reference, at every
 * length, alignment and place of a fault; the departures, by kind and offset;
 * data URIs.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/base64.h"
#include "kx/kernel.h"

#define MOST 300

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The contract of kx_kernel.base64, in the plainest way. */
static void
reference(const uint8_t *p, size_t len, uint8_t *out, size_t *in_used,
    size_t *out_used)
{
	size_t i, k, o = 0;
	const char *at;
	uint32_t bits;

	for (i = 0; i + 4 <= len; i += 4) {
		bits = 0;
		for (k = 0; k < 4; k++) {
			at = p[i + k] == 0 ? NULL : strchr(alphabet, p[i + k]);
			if (at == NULL)
				goto end;
			bits = bits << 6 | (uint32_t)(at - alphabet);
		}
		for (k = 0; k < 3; k++)
			out[o++] = (uint8_t)(bits >> (16 - 8 * k));
	}
end:
	*in_used = i;
	*out_used = o;
}

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void
fill(uint8_t *p, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)alphabet[next_random(&seed) % 64];
}

/* The text in a block of its own, so that a checker sees a read behind it. */
static void
compare(const struct kx_kernel *kernel, const uint8_t *text, size_t len,
    size_t align)
{
	uint8_t want[MOST], *in, *out;
	size_t want_in, want_out, got_in, got_out, room = 3 * len / 4 + 64;

	in = malloc(align + len > 0 ? align + len : 1);
	out = malloc(room);
	assert_non_null(in);
	assert_non_null(out);
	memcpy(in + align, text, len);
	reference(text, len, want, &want_in, &want_out);
	kernel->base64(in + align, len, out, &got_in, &got_out);
	if (got_in != want_in || got_out != want_out ||
	    memcmp(out, want, want_out) != 0)
		fail_msg("%s: length %zu, alignment %zu: %zu of %zu in, "
		    "%zu of %zu out", kernel->name, len, align, got_in,
		    want_in, got_out, want_out);
	free(in);
	free(out);
}

static void
test_lengths(void **state)
{
	const struct kx_kernel *const *k;
	uint8_t text[MOST];
	size_t len, align;

	(void)state;
	for (k = kx_kernel_all(); *k != NULL; k++) {
		for (len = 0; len <= MOST; len++) {
			for (align = 0; align < 8; align++) {
				fill(text, len, (uint32_t)(len * 64 + align));
				compare(*k, text, len, align);
			}
		}
	}
}

static void
test_every_byte(void **state)
{
	const struct kx_kernel *const *k;
	uint8_t text[MOST];
	unsigned byte, at;

	(void)state;
	for (k = kx_kernel_all(); *k != NULL; k++) {
		for (byte = 0; byte < 256; byte++) {
			for (at = 0; at < 132; at++) {
				fill(text, 132, byte);
				text[at] = (uint8_t)byte;
				compare(*k, text, 132, at & 3);
			}
		}
	}
}

static void
test_faults(void **state)
{
	static const uint8_t odd[] = { '=', '-', '\n', 0, 0x80, 0xff, '.' };
	const struct kx_kernel *const *k;
	uint8_t text[MOST];
	size_t len, at;

	(void)state;
	for (k = kx_kernel_all(); *k != NULL; k++) {
		for (len = 1; len <= MOST; len += len < 70 ? 1 : 23) {
			for (at = 0; at < len; at++) {
				fill(text, len, (uint32_t)(len + at));
				text[at] = odd[at % sizeof(odd)];
				compare(*k, text, len, at & 7);
			}
		}
	}
}

#define BIT(kind) KX_BASE64_BIT(KX_BASE64_##kind)

static const struct {
	const char *text;
	const char *bytes;
	unsigned found;
	unsigned kind;		/* whose offset is ... */
	size_t off;
} departures[] = {
	/* RFC 4648, section 10 */
	{ "Zg==", "f", 0, 0, 0 },
	{ "Zm8=", "fo", 0, 0, 0 },
	{ "Zm9v", "foo", 0, 0, 0 },
	{ "Zm9vYg==", "foob", 0, 0, 0 },
	{ "Zm9vYmE=", "fooba", 0, 0, 0 },
	{ "Zm9vYmFy", "foobar", 0, 0, 0 },
	{ "", "", BIT(EMPTY), KX_BASE64_EMPTY, 0 },
	{ "\n ", "", BIT(EMPTY) | BIT(SPACE), KX_BASE64_SPACE, 0 },
	{ "Zg", "f", BIT(NO_PADDING), KX_BASE64_NO_PADDING, 2 },
	{ "Zg=", "f", BIT(NO_PADDING), KX_BASE64_NO_PADDING, 3 },
	{ "Zm8", "fo", BIT(NO_PADDING), KX_BASE64_NO_PADDING, 3 },
	{ "Zh==", "f", BIT(TRAILING_BITS), KX_BASE64_TRAILING_BITS, 1 },
	{ "Zm9=", "fo", BIT(TRAILING_BITS), KX_BASE64_TRAILING_BITS, 2 },
	{ "Zm9vZm9", "foofo", BIT(TRAILING_BITS) | BIT(NO_PADDING),
	    KX_BASE64_TRAILING_BITS, 6 },
	{ "Zm\r\n9v", "foo", BIT(SPACE), KX_BASE64_SPACE, 2 },
	{ "Zm9v\n", "foo", BIT(SPACE), KX_BASE64_SPACE, 4 },
	{ "Zg= =\t", "f", BIT(SPACE), KX_BASE64_SPACE, 3 },
	{ "Zm8= ", "fo", BIT(SPACE), KX_BASE64_SPACE, 4 },
	{ "Zm9v-_-_", "foo\xfb\xff\xbf", BIT(URL), KX_BASE64_URL, 4 },
	{ "Zm9v+_", "foo\xfb", BIT(URL) | BIT(NO_PADDING) |
	    BIT(TRAILING_BITS), KX_BASE64_URL, 5 },
	{ "Zm9vZ", "foo", BIT(BAD_LENGTH), KX_BASE64_BAD_LENGTH, 4 },
	{ "Z", "", BIT(BAD_LENGTH), KX_BASE64_BAD_LENGTH, 0 },
	{ "Zm9v!m9v", "foo", BIT(BAD_CHAR), KX_BASE64_BAD_CHAR, 4 },
	{ "Zm9vZm%v", "foo", BIT(BAD_CHAR), KX_BASE64_BAD_CHAR, 6 },
	{ "Zm9v=", "foo", BIT(BAD_PADDING), KX_BASE64_BAD_PADDING, 4 },
	{ "Zm9vZ===", "foo", BIT(BAD_PADDING), KX_BASE64_BAD_PADDING, 5 },
	{ "Zg===", "", BIT(BAD_PADDING), KX_BASE64_BAD_PADDING, 4 },
	{ "=", "", BIT(BAD_PADDING), KX_BASE64_BAD_PADDING, 0 },
	{ "Zg==Zg==", "", BIT(AFTER_PADDING), KX_BASE64_AFTER_PADDING, 4 },
	{ "Zg=g", "", BIT(AFTER_PADDING), KX_BASE64_AFTER_PADDING, 3 },
	{ "Zm8=\nZ", "", BIT(AFTER_PADDING) | BIT(SPACE),
	    KX_BASE64_AFTER_PADDING, 5 },
	{ "Zm9vZm...", "foo", BIT(ELIDED), KX_BASE64_ELIDED, 6 },
	{ "Zm9v\xe2\x80\xa6", "foo", BIT(ELIDED), KX_BASE64_ELIDED, 4 },
	{ "Zm9v<base64...>", "foo", BIT(ELIDED) | BIT(BAD_CHAR),
	    KX_BASE64_ELIDED, 11 },
	{ "Zm9v..", "foo", BIT(BAD_CHAR), KX_BASE64_BAD_CHAR, 4 },
};

static void
test_departures(void **state)
{
	const struct kx_kernel *const *k;
	struct kx_base64_result result;
	struct kx_buf out = { NULL, 0, 0, false };
	enum kx_status want, got;
	size_t i, n = sizeof(departures) / sizeof(departures[0]);

	(void)state;
	for (k = kx_kernel_all(); *k != NULL; k++) {
		for (i = 0; i < n; i++) {
			got = kx_base64_decode(*k,
			    kx_span_str(departures[i].text), 0, &out,
			    &result);
			want = departures[i].found == 0 ? KX_OK : KX_BAD;
			if (got != want ||
			    result.found != departures[i].found ||
			    (want == KX_BAD &&
			    result.off[departures[i].kind] !=
			    departures[i].off) ||
			    !kx_span_eq(kx_buf_span(&out),
			    kx_span_str(departures[i].bytes)))
				fail_msg("%s: \"%s\": %#x at %zu",
				    (*k)->name, departures[i].text,
				    result.found,
				    result.off[departures[i].kind]);
			/* Whoever accepts a kind gets the bytes. */
			want = departures[i].found & ~KX_BASE64_LENIENT ?
			    KX_BAD : KX_OK;
			got = kx_base64_decode(*k,
			    kx_span_str(departures[i].text), ~0u, &out,
			    &result);
			assert_int_equal(got, want);
		}
	}
	got = kx_base64_decode(NULL, KX_SPAN("Zm9v!m9v"), 0, &out, &result);
	assert_int_equal(got, KX_BAD);
	assert_int_equal(result.byte, '!');
	kx_buf_free(&out);
}

/* Breaking lines changes nothing but the one bit, wherever they break. */
static void
test_lines(void **state)
{
	const struct kx_kernel *const *k;
	struct kx_buf out = { NULL, 0, 0, false };
	struct kx_base64_result result;
	uint8_t text[MOST], want[MOST], broken[3 * MOST];
	size_t used, want_len, width, i, n;

	(void)state;
	fill(text, MOST, 7);
	reference(text, MOST, want, &used, &want_len);
	for (k = kx_kernel_all(); *k != NULL; k++) {
		for (width = 1; width < MOST; width++) {
			for (i = n = 0; i < MOST; i++) {
				if (i > 0 && i % width == 0) {
					broken[n++] = '\r';
					broken[n++] = '\n';
				}
				broken[n++] = text[i];
			}
			assert_int_equal(kx_base64_decode(*k,
			    (struct kx_span){ (const char *)broken, n },
			    BIT(SPACE), &out, &result), KX_OK);
			assert_int_equal(result.found, BIT(SPACE));
			assert_int_equal(result.off[KX_BASE64_SPACE], width);
			assert_int_equal(out.len, want_len);
			assert_memory_equal(out.ptr, want, want_len);
		}
	}
	kx_buf_free(&out);
}

static void
check_uri(const char *text, const char *type, const char *params,
    bool base64, const char *data)
{
	struct kx_datauri uri;

	assert_int_equal(kx_datauri_parse(kx_span_str(text), &uri, NULL),
	    KX_OK);
	assert_true(kx_span_eq(uri.type, kx_span_str(type)));
	assert_true(kx_span_eq(uri.params, kx_span_str(params)));
	assert_int_equal(uri.base64, base64);
	assert_true(kx_span_eq(uri.data, kx_span_str(data)));
}

static void
test_datauri(void **state)
{
	struct kx_datauri uri;
	size_t off;

	(void)state;
	check_uri("data:image/png;base64,iVBO", "image/png", "", true, "iVBO");
	check_uri("DATA:Image/JPEG;BASE64,/9j/", "Image/JPEG", "", true,
	    "/9j/");
	check_uri("data:image/jpeg;name=a.jpg;base64,", "image/jpeg",
	    ";name=a.jpg", true, "");
	check_uri("data:;base64,AA,A", "", "", true, "AA,A");
	check_uri("data:,a%20b", "", "", false, "a%20b");
	check_uri("data:image/svg+xml;charset=utf-8,x", "image/svg+xml",
	    ";charset=utf-8", false, "x");
	check_uri("data:image/png; base64 ,x", "image/png", "", true, "x");
	check_uri("data:image/png;base64;q=1,x", "image/png", ";base64;q=1",
	    true, "x");
	check_uri("data:image/png;base64x,x", "image/png", ";base64x", false,
	    "x");
	assert_int_equal(kx_datauri_parse(KX_SPAN("iVBO"), &uri, &off),
	    KX_BAD);
	assert_int_equal(off, 0);
	assert_int_equal(kx_datauri_parse(KX_SPAN("data:image/png;base64"),
	    &uri, &off), KX_BAD);
	assert_int_equal(off, 21);
	assert_int_equal(kx_datauri_parse(KX_SPAN("data:a/b/c,"), &uri,
	    &off), KX_BAD);
	assert_int_equal(off, 5);
	assert_int_equal(kx_datauri_parse(KX_SPAN("data"), &uri, NULL),
	    KX_BAD);
	assert_int_equal(kx_datauri_parse(KX_SPAN_NULL, &uri, NULL), KX_BAD);
}

static void
test_percent(void **state)
{
	struct kx_buf out = { NULL, 0, 0, false };
	size_t off = 0;

	(void)state;
	assert_int_equal(kx_percent_decode(KX_SPAN("a%2Fb%00%fF"), &out,
	    &off), KX_OK);
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.ptr, "a/b\0\xff", 5);
	assert_int_equal(kx_percent_decode(KX_SPAN("abc%2"), &out, &off),
	    KX_BAD);
	assert_int_equal(off, 3);
	assert_int_equal(kx_percent_decode(KX_SPAN("%zz"), &out, &off),
	    KX_BAD);
	assert_int_equal(off, 0);
	assert_int_equal(kx_percent_decode(KX_SPAN_NULL, &out, &off), KX_OK);
	kx_buf_free(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_departures),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_datauri),
		cmocka_unit_test(test_percent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
