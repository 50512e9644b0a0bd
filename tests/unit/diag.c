/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Findings: the bytes of both forms; every byte and every code point of
 * interest escaped or not; the length, whatever comes in; no allocation; the
 * table of rules.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/diag.h"

static const struct kx_finding full = {
	KX_SEV_ERROR, "level-range", "a.ndjson", 12, 34, 5678, "/level",
	"level is 7"
};

static void
check(const struct kx_finding *finding, enum kx_diag_format format,
    const char *want)
{
	struct kx_buf out = { NULL, 0, 0, false };

	kx_buf_addc(&out, '>');	/* it appends */
	kx_diag_format(finding, "kx-x", format, &out);
	assert_false(kx_buf_failed(&out));
	if (out.len != strlen(want) + 1 || out.ptr[0] != '>' ||
	    memcmp(out.ptr + 1, want, out.len - 1) != 0)
		fail_msg("[%.*s], not [>%s]", (int)out.len, out.ptr, want);
	kx_buf_free(&out);
}

static void
test_forms(void **state)
{
	struct kx_finding f = full;

	(void)state;
	check(&f, KX_DIAG_TEXT, "kx-x: a.ndjson:12:34: error: /level: "
	    "level is 7 [level-range]\n");
	check(&f, KX_DIAG_JSON, "{\"tool\":\"kx-x\",\"file\":\"a.ndjson\","
	    "\"line\":12,\"column\":34,\"offset\":5678,"
	    "\"severity\":\"error\",\"pointer\":\"/level\","
	    "\"rule\":\"level-range\",\"message\":\"level is 7\"}\n");
	f.column = 0;
	f.pointer = NULL;
	f.severity = KX_SEV_WARNING;
	check(&f, KX_DIAG_TEXT,
	    "kx-x: a.ndjson:12: warning: level is 7 [level-range]\n");
	f.rule = NULL;
	f.line = 0;
	f.severity = KX_SEV_NOTE;
	check(&f, KX_DIAG_TEXT, "kx-x: a.ndjson: note: level is 7\n");
	f.file = NULL;
	check(&f, KX_DIAG_TEXT, "kx-x: level is 7\n");
	check(&f, KX_DIAG_JSON, "{\"tool\":\"kx-x\",\"severity\":\"note\","
	    "\"message\":\"level is 7\"}\n");
	f.message = "";
	check(&f, KX_DIAG_TEXT, "kx-x: \n");
}

static void
check_quote(const char *bytes, size_t len, size_t max, const char *want)
{
	struct kx_buf out = { NULL, 0, 0, false };

	kx_diag_quote(&out, (struct kx_span){ bytes, len }, max);
	if (!kx_span_eq(kx_buf_span(&out), kx_span_str(want)))
		fail_msg("[%.*s], not [%s]", (int)out.len, out.ptr, want);
	assert_true(out.len <= max);
	kx_buf_free(&out);
}

#define QUOTE(bytes, want) check_quote(bytes, sizeof(bytes) - 1, 1000, want)

static void
test_quote(void **state)
{
	(void)state;
	QUOTE("", "");
	QUOTE("plain \"text\" \\ ~", "plain \"text\" \\ ~");
	QUOTE("a\0b\n\x1b[0m\x7f", "a\\x00b\\x0a\\x1b[0m\\x7f");
	/* Cyrillic, a joiner in Persian, an emoji. */
	QUOTE("\xd0\x96 \xe2\x80\x8c \xf0\x9f\x98\x80",
	    "\xd0\x96 \xe2\x80\x8c \xf0\x9f\x98\x80");
	/* C1, the soft hyphen, and what is next to it. */
	QUOTE("\xc2\x80\xc2\x9f\xc2\xa0\xc2\xad\xc2\xae",
	    "\\u0080\\u009f\xc2\xa0\\u00ad\xc2\xae");
	/* Directions and separators. */
	QUOTE("\xe2\x80\x8e\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa9\xd8\x9c",
	    "\\u200e\\u2028\\u202e\\u2069\\u061c");
	QUOTE("\xef\xbb\xbf\xef\xbf\xbd\xef\xbf\xbf",
	    "\\ufeff\xef\xbf\xbd\\uffff");
	QUOTE("\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf", "\\U000e0001\\U0010ffff");
	/* No UTF-8: overlong, a surrogate, too high, cut, alone. */
	QUOTE("\xc0\xaf", "\\xc0\\xaf");
	QUOTE("\xed\xa0\x80", "\\xed\\xa0\\x80");
	QUOTE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	QUOTE("\xe2\x82", "\\xe2\\x82");
	QUOTE("\x80z", "\\x80z");
}

static void
test_cut(void **state)
{
	(void)state;
	check_quote("abcdef", 6, 6, "abcdef");
	check_quote("abcdefg", 7, 6, "abc...");
	check_quote("abc\xff", 4, 7, "abc\\xff");
	check_quote("abc\xff" "d", 5, 7, "abc...");
	check_quote("\xd0\x96\xd0\x96\xd0\x96", 6, 5, "\xd0\x96...");
	check_quote("\xd0\x96\xd0\x96\xd0\x96", 6, 4, "...");
	check_quote("abc", 3, 3, "abc");
	check_quote("abcd", 4, 3, "...");
	check_quote("abcd", 4, 2, "..");
	check_quote("abcd", 4, 0, "");
}

static void
test_json_escapes(void **state)
{
	struct kx_finding f = { KX_SEV_ERROR, NULL, NULL, 0, 0, 0, NULL,
	    "\"\\\x1b\xff\xe2\x80\xae\xf3\xa0\x80\x81\xd0\x96" };

	(void)state;
	check(&f, KX_DIAG_JSON, "{\"tool\":\"kx-x\",\"severity\":\"error\","
	    "\"message\":\"\\\"\\\\\\u001b\\\\xff\\u202e\\udb40\\udc01"
	    "\xd0\x96\"}\n");
}

/* Whatever is too long, in whatever bytes: one line under 1,000 bytes, its
 * rule at its end, and not a byte allocated where there is room for it. */
static void
test_length(void **state)
{
	static const char *const units[] = {
		"x", "\x01", "\xff", "\"", "\xd0\x96", "\xf3\xa0\x80\x81"
	};
	char space[1000 + KX_PADDING], *huge;
	enum kx_diag_format format;
	struct kx_finding f = full;
	struct kx_buf out;
	size_t i, j, n;
	unsigned which;

	(void)state;
	huge = malloc(5001);
	assert_non_null(huge);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		n = strlen(units[i]);
		for (j = 0; j + n <= 5000; j += n)
			memcpy(huge + j, units[i], n);
		huge[j] = '\0';
		for (which = 1; which < 16; which++) {
			f.file = which & 1 ? huge : full.file;
			f.pointer = which & 2 ? huge : full.pointer;
			f.message = which & 4 ? huge : full.message;
			f.line = f.column = f.off = which & 8 ? UINT64_MAX : 1;
			for (format = KX_DIAG_TEXT; format <= KX_DIAG_JSON;
			    format++) {
				out = (struct kx_buf){ space, 0, 1000, false };
				kx_diag_format(&f, "kx-extract-snapshots",
				    format, &out);
				assert_ptr_equal(out.ptr, space);
				assert_false(out.failed);
				assert_in_range(out.len, 1, 999);
				assert_int_equal(out.ptr[out.len - 1], '\n');
				assert_ptr_equal(memchr(out.ptr, '\n',
				    out.len), out.ptr + out.len - 1);
				if (format == KX_DIAG_TEXT)
					assert_memory_equal(out.ptr + out.len -
					    15, " [level-range]\n", 15);
			}
		}
	}
	free(huge);
}

static void
test_rules(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < KX_N_RULES; i++) {
		const struct kx_rule_info *rule = &kx_rule_info[i];

		assert_int_equal(kx_rule_find(kx_span_str(rule->name)), i);
		assert_int_equal(strspn(rule->name,
		    "abcdefghijklmnopqrstuvwxyz0123456789-"),
		    strlen(rule->name));
		j = (int)strlen(rule->summary);
		assert_true(j > 1 && rule->summary[j - 1] == '.');
		/* Nothing is milder by the table than as it is sent. */
		assert_true(rule->severity[KX_PROFILE_STRICT] >=
		    rule->severity[KX_PROFILE_COMPATIBLE]);
		assert_true(rule->severity[KX_PROFILE_ENVELOPE] <=
		    rule->severity[KX_PROFILE_STRICT]);
	}
	assert_int_equal(kx_rule_find(KX_SPAN("syntax")), KX_RULE_SYNTAX);
	assert_int_equal(kx_rule_find(KX_SPAN("synta")), -1);
	assert_int_equal(kx_rule_find(KX_SPAN_NULL), -1);
	assert_string_equal(kx_severity_name(KX_SEV_WARNING), "warning");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_rules)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
