/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scanner against the plain checker, with every kernel: texts that are
 * JSON and texts that are not, and thousands of random changes of them.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kx/json.h"
#include "kx/kernel.h"

static const char *const good[] = {
	"{}", "[]", "null", "true", "false", "0", "-0", "1e9", "1E+9", "1.5e-3",
	"\"\"", "\"a\"", " [ ] ", "{\"a\":1}", "{\"a\":[1,2,{\"b\":null}]}",
	"[[],{},[{}]]", "\"\\u00e9\\ud83d\\ude00\"", "\"\\\\\"", "\"\\\"\"",
	"\"\\/\\b\\f\\n\\r\\t\"", "[\"\\\\\\\\\",\"x\"]", "\t\r\n 1 \n",
	"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
	"[0.1,-0.1,10,100.001,12345678901234567890123456789012345]",
	"[17.596215903759006,13.90930437837479]", "\"\\ud800\"", "\"\\u0000\"",
	"{\"a\":\"{[,:]}\",\"b\":\"\\\"\"}", "\"\x7f\"",
	"[1 ,2 , 3\n]", "{ \"a\" : true , \"b\" : false }",
};

static const struct {
	const char *text;
	const char *rule;
	size_t off;
} bad[] = {
	{ "", "truncated-record", 0 },
	{ " ", "truncated-record", 1 },
	{ "{", "truncated-record", 1 },
	{ "[1", "truncated-record", 2 },
	{ "[1,", "truncated-record", 3 },
	{ "{\"a", "truncated-record", 3 },
	{ "{\"a\"", "truncated-record", 4 },
	{ "{\"a\":", "truncated-record", 5 },
	{ "{\"a\":1", "truncated-record", 6 },
	{ "tru", "truncated-record", 3 },
	{ "-", "truncated-record", 1 },
	{ "1.", "truncated-record", 2 },
	{ "1e", "truncated-record", 2 },
	{ "\"\\u12", "truncated-record", 5 },
	{ "\"\xe2\x82", "truncated-record", 3 },
	{ "01", "number", 0 },
	{ "-01", "number", 0 },
	{ "+1", "number", 0 },
	{ ".5", "number", 0 },
	{ "1.e5", "number", 2 },
	{ "1x", "number", 1 },
	{ "1.5.5", "number", 3 },
	{ "--1", "number", 1 },
	{ "NaN", "number", 0 },
	{ "Infinity", "number", 0 },
	{ "-Infinity", "number", 0 },
	{ "True", "syntax", 0 },
	{ "nul", "truncated-record", 3 },
	{ "nulll", "syntax", 0 },
	{ "truex", "syntax", 0 },
	{ "[1,]", "syntax", 2 },
	{ "{\"a\":1,}", "syntax", 6 },
	{ "{\"a\":{\"b\":1,\n},\"c\":2}", "syntax", 11 },
	{ "{\"a\" 1}", "syntax", 5 },
	{ "{\"a\":1 \"b\":2}", "syntax", 7 },
	{ "{1:2}", "syntax", 1 },
	{ "{a:2}", "syntax", 1 },
	{ "{\"a\":1]", "syntax", 6 },
	{ "[1}", "syntax", 2 },
	{ "[,1]", "syntax", 1 },
	{ "{,}", "syntax", 1 },
	{ "]", "syntax", 0 },
	{ "[1 2]", "syntax", 3 },
	{ "1 2", "trailing-text", 2 },
	{ "{}{}", "trailing-text", 2 },
	{ "{} x", "trailing-text", 3 },
	{ "[]]", "trailing-text", 2 },
	{ "\"a\x01\"", "control-character", 2 },
	{ "\"a\tb\"", "control-character", 2 },
	{ "{\"a\":\"b\n\"c\":1}", "string-not-closed", 5 },
	{ "\"\\x\"", "escape", 1 },
	{ "\"\\u12g4\"", "escape", 1 },
	{ "\"\\u\"\"\"\"\"", "escape", 1 },
	{ "\\\"a\"", "syntax", 0 },
	{ "[\"a\"\\]", "syntax", 4 },
	{ "\"\xff\"", "utf8", 1 },
	{ "\"\xc0\x80\"", "utf8", 1 },
	{ "\"\xe0\x80\x80\"", "utf8", 1 },
	{ "\"\xed\xa0\x80\"", "utf8", 1 },
	{ "\"\xf4\x90\x80\x80\"", "utf8", 1 },
	{ "\"\xf5\x80\x80\x80\"", "utf8", 1 },
	{ "\"a\x80\"", "utf8", 2 },
	{ "\xef\xbb\xbf{}", "syntax", 0 },
	{ "{\"a\":{...}}", "doc-placeholder", 6 },
	{ "{\"a\":...}", "doc-placeholder", 5 },
	{ "'a'", "syntax", 0 },
	{ "{\"a\":1 // x\n}", "syntax", 7 },
	{ "{\"a\":undefined}", "syntax", 5 },
	{ "\"a\"\"b\"", "trailing-text", 3 },
	{ "[\"a\"\"b\"]", "syntax", 4 },
	{ "[true\"b\"]", "syntax", 5 },
	{ "\x01", "syntax", 0 },
	{ "{\"a\":1\x01}", "number", 6 },
};

static char *
padded(const char *text, size_t len)
{
	char *p = malloc(len + KX_PADDING);

	assert_non_null(p);
	memcpy(p, text, len);
	/* What stands behind a text must not matter. */
	memset(p + len, '}', KX_PADDING);
	return p;
}

/* The scanner says what the checker says, and spells the text. */
static void
agree(const char *text, size_t len)
{
	const struct kx_kernel *const *k;
	enum kx_status want = kx_json_check(text, len, NULL, NULL);

	for (k = kx_kernel_all(); *k != NULL; k++) {
		struct kx_json json;
		enum kx_status got;

		assert_int_equal(kx_json_init(&json, *k), KX_OK);
		got = kx_json_scan(&json, text, len, NULL);
		if (got != want)
			print_error("%s: %.*s\n", (*k)->name, (int)len, text);
		assert_int_equal(got, want);
		kx_json_fini(&json);
	}
}

static void
test_good(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		char *p = padded(good[i], strlen(good[i]));

		if (kx_json_check(p, strlen(good[i]), NULL, NULL) != KX_OK)
			print_error("%s\n", good[i]);
		assert_int_equal(kx_json_check(p, strlen(good[i]), NULL, NULL),
		    KX_OK);
		agree(p, strlen(good[i]));
		free(p);
	}
}

static void
test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t len = strlen(bad[i].text);
		char *p = padded(bad[i].text, len);
		struct kx_json json;
		struct kx_json_error err;

		assert_int_equal(kx_json_init(&json, NULL), KX_OK);
		assert_int_equal(kx_json_scan(&json, p, len, &err), KX_BAD);
		if (strcmp(err.rule, bad[i].rule) != 0 || err.off != bad[i].off)
			print_error("%s: %s at %zu: %s\n", bad[i].text, err.rule,
			    err.off, err.message);
		assert_string_equal(err.rule, bad[i].rule);
		assert_int_equal(err.off, bad[i].off);
		kx_json_fini(&json);
		agree(p, len);
		free(p);
	}
}

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Long enough for several windows: pieces of everything, then changed. */
static void
test_random(void **state)
{
	static const char bytes[] = "{}[]:,\"\\ \n\t0123456789.eE+-tfnulrase"
	    "\x01\x7f\x80\xc3\xa9\xe2\xff";
	uint64_t x = 88172645463325252u;
	int round;

	(void)state;
	for (round = 0; round < 3000; round++) {
		size_t want = 1 + next_random(&x) % (round % 100 == 0 ? 70000 :
		    300), len = 0, i, changes;
		char *p = malloc(want + 400 + KX_PADDING);

		assert_non_null(p);
		p[len++] = '[';
		while (len < want) {
			const char *piece =
			    good[next_random(&x) % (sizeof good /
			    sizeof good[0])];

			if (len > 1)
				p[len++] = ',';
			memcpy(p + len, piece, strlen(piece));
			len += strlen(piece);
			if (next_random(&x) % 40 == 0 && want > 20000) {
				p[len++] = ',';
				p[len++] = '"';
				i = next_random(&x) % 300;
				memset(p + len, 'A', i);
				len += i;
				p[len++] = '"';
			}
			if (len + 400 > want + 400)
				break;
		}
		p[len++] = ']';
		memset(p + len, '"', KX_PADDING);
		assert_int_equal(kx_json_check(p, len, NULL, NULL), KX_OK);
		agree(p, len);
		for (changes = 0; changes < 4; changes++) {
			p[next_random(&x) % len] =
			    bytes[next_random(&x) % (sizeof bytes - 1)];
			agree(p, len);
		}
		agree(p, next_random(&x) % len);
		free(p);
	}
}

/* Strings of escapes and nothing else, longer than a window, next to ones
 * without: which of them hold escapes, and is each escape looked at? */
static void
test_long_escapes(void **state)
{
	const size_t n = 40000;
	const struct kx_kernel *const *k;
	char *p = malloc(2 * n + 64 + KX_PADDING);
	size_t len = 0, i;

	(void)state;
	assert_non_null(p);
	memcpy(p, "[\"a\",\"", 6);
	len = 6;
	for (i = 0; i < n; i++, len += 2)
		memcpy(p + len, "\\/", 2);
	memcpy(p + len, "\",\"b\",\"\\n\"]", 11);
	len += 11;
	memset(p + len, ' ', KX_PADDING);
	for (k = kx_kernel_all(); *k != NULL; k++) {
		struct kx_json json;

		assert_int_equal(kx_json_init(&json, *k), KX_OK);
		assert_int_equal(kx_json_scan(&json, p, len, NULL), KX_OK);
		assert_int_equal(json.n_nodes, 5);
		assert_false(json.node[1].meta & KX_JSON_ESCAPED);
		assert_true(json.node[2].meta & KX_JSON_ESCAPED);
		assert_false(json.node[3].meta & KX_JSON_ESCAPED);
		assert_true(json.node[4].meta & KX_JSON_ESCAPED);
		kx_json_fini(&json);
	}
	agree(p, len);
	for (i = 7; i < 2 * n; i += 9973 * 2) {
		p[i] = 'q';
		agree(p, len);
		p[i] = '/';
	}
	free(p);
}

/* Every kernel's UTF-8 against the reference, over all sequences of four
 * bytes that are near a limit, at places around the end of a block. */
/* Four bytes behind \u: each byte in each place, beside others. */
static void
test_hexadecimal(void **state)
{
	static const char beside[] = "09afAFgG@`/:";
	char *text = padded("\"\\u0000\"", 8);
	int place, byte;
	size_t i;

	(void)state;
	for (place = 0; place < 4; place++)
		for (byte = 0; byte < 256; byte++)
			for (i = 0; i < sizeof(beside) - 1; i++) {
				memset(text + 3, 'b', 4);
				text[3 + (place + 1) % 4] = beside[i];
				text[3 + place] = (char)byte;
				agree(text, 8);
			}
	free(text);
}

static void
test_utf8(void **state)
{
	static const unsigned char near[] = {
		0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
		0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1,
		0xf3, 0xf4, 0xf5, 0xff
	};
	const struct kx_kernel *const *k;
	const struct kx_kernel *scalar = kx_kernel_get("scalar");
	unsigned char text[128 + KX_PADDING];
	uint32_t i;

	(void)state;
	memset(text, 'a', sizeof text);
	for (i = 0; i < 24 * 24 * 24 * 24; i++) {
		size_t at = 58 + i % 9, len = i % 3 == 0 ? at + 4 : 128;
		bool want;

		text[at] = near[i % 24];
		text[at + 1] = near[i / 24 % 24];
		text[at + 2] = near[i / 576 % 24];
		text[at + 3] = near[i / 13824];
		want = scalar->utf8(text, len);
		for (k = kx_kernel_all(); *k != NULL; k++)
			if ((*k)->utf8(text, len) != want)
				fail_msg("%s: %02x %02x %02x %02x at %zu",
				    (*k)->name, text[at], text[at + 1],
				    text[at + 2], text[at + 3], at);
		memset(text + at, 'a', 4);
	}
}

static void
test_depth(void **state)
{
	size_t n;

	(void)state;
	for (n = KX_MAX_DEPTH - 1; n <= KX_MAX_DEPTH + 1; n++) {
		char *p = malloc(2 * n + KX_PADDING);
		struct kx_json json;
		struct kx_json_error err;

		assert_non_null(p);
		memset(p, '[', n);
		memset(p + n, ']', n + KX_PADDING);
		assert_int_equal(kx_json_init(&json, NULL), KX_OK);
		if (n <= KX_MAX_DEPTH) {
			assert_int_equal(kx_json_scan(&json, p, 2 * n, &err),
			    KX_OK);
			assert_int_equal(json.n_nodes, n);
		} else {
			assert_int_equal(kx_json_scan(&json, p, 2 * n, &err),
			    KX_BAD);
			assert_string_equal(err.rule, "too-deep");
		}
		kx_json_fini(&json);
		free(p);
	}
}

static void
test_values(void **state)
{
	static const char text[] = "{\"a\":1,\"b\\u0063\":\"x\\ny\\ud83d"
	    "\\ude00\\ud800\",\"a\":[10,{\"d/~\":null}],\"long\":\"z\"}";
	struct kx_json json;
	struct kx_buf scratch = { 0 }, out = { 0 };
	uint32_t a, s;
	bool odd = false;
	char *p = padded(text, sizeof text - 1);

	(void)state;
	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	assert_int_equal(kx_json_scan(&json, p, sizeof text - 1, NULL), KX_OK);
	assert_int_equal(json.node[0].len, sizeof text - 1);
	a = kx_json_get(&json, 0, KX_SPAN("a"));
	assert_int_equal(kx_json_type(&json, a), KX_JSON_ARRAY);
	s = kx_json_get(&json, 0, KX_SPAN("bc"));
	assert_true(s != 0);
	assert_true(kx_span_eq(kx_json_decode(&json, s, &scratch, &odd),
	    KX_SPAN("x\ny\xf0\x9f\x98\x80\xef\xbf\xbd")));
	assert_true(odd);
	assert_true(kx_json_str_eq(&json, s,
	    KX_SPAN("x\ny\xf0\x9f\x98\x80\xef\xbf\xbd")));
	assert_false(kx_json_str_eq(&json, s, KX_SPAN("x\ny")));
	assert_int_equal(kx_json_get(&json, 0, KX_SPAN("none")), 0);
	/* a, its elements 10 and {, the name, null */
	kx_json_pointer(&json, a + 4, &out);
	assert_true(kx_span_eq(kx_buf_span(&out), KX_SPAN("/a/1/d~1~0")));
	kx_buf_free(&out);
	kx_buf_free(&scratch);
	kx_json_fini(&json);
	free(p);
}

static void
count(void *arg, uint32_t first, uint32_t again)
{
	(void)first;
	(void)again;
	++*(int *)arg;
}

static void
test_duplicates(void **state)
{
	static const struct {
		const char *text;
		int n;
	} cases[] = {
		{ "{\"a\":1,\"b\":2}", 0 },
		{ "{\"a\":1,\"a\":2}", 1 },
		{ "{\"a\":1,\"\\u0061\":2,\"a\":3}", 2 },
		{ "{\"a\":{\"a\":1},\"b\":[{\"c\":1,\"c\":1}]}", 1 },
		{ "{\"\":1,\"\":2}", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kx_json json;
		char *p = padded(cases[i].text, strlen(cases[i].text));
		int n = 0;

		assert_int_equal(kx_json_init(&json, NULL), KX_OK);
		assert_int_equal(kx_json_scan(&json, p, strlen(cases[i].text),
		    NULL), KX_OK);
		assert_int_equal(kx_json_duplicates(&json, count, &n), KX_OK);
		assert_int_equal(n, cases[i].n);
		kx_json_fini(&json);
		free(p);
	}
}

static void
test_check_end(void **state)
{
	size_t end = 0;

	(void)state;
	assert_int_equal(kx_json_check("{} {}", 5, &end, NULL), KX_OK);
	assert_int_equal(end, 2);
	assert_int_equal(kx_json_check(" [1] x", 6, &end, NULL), KX_OK);
	assert_int_equal(end, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_long_escapes),
		cmocka_unit_test(test_hexadecimal),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_check_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
