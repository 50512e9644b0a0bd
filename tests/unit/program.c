/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading jq programs: what they reach, what is native, what is refused, and
 * answers by hand.  That the answers are libjq's is filter.bats's to show.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/program.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct kx_program *
program_of(const char *text)
{
	struct kx_program *program;

	assert_int_equal(kx_program_new(text, &program), KX_OK);
	assert_string_equal(kx_program_text(program), text);
	return program;
}

/* Can an image of a snapshot be seen? */
static bool
sees_images(const struct kx_reach *reach, int snapshots)
{
	int each = reach->part[snapshots].each, i;

	if (reach->part[snapshots].whole)
		return true;
	if (each < 0)
		return false;
	if (reach->part[each].whole || reach->part[each].each >= 0)
		return true;
	for (i = reach->part[each].first; i >= 0; i = reach->part[i].next)
		if (kx_span_eq(reach->part[i].name, KX_SPAN("image")))
			return true;
	return false;
}

/* The names at the top of the reach, `+` where images are in it; "*" is
 * everything. */
static void
reach_of(const char *text, char *out, size_t size)
{
	struct kx_program *program = program_of(text);
	struct kx_reach reach;
	bool images = false;
	size_t len = 0;
	int i;

	out[0] = '\0';
	kx_reach_init(&reach);
	kx_program_reach(program, false, &reach);
	if (kx_reach_is_whole(&reach)) {
		(void)snprintf(out, size, "*");
	} else {
		for (i = reach.part[0].first; i >= 0;
		    i = reach.part[i].next) {
			len += (size_t)snprintf(out + len, size - len, "%s%.*s",
			    len > 0 ? " " : "", (int)reach.part[i].name.len,
			    reach.part[i].name.ptr);
			if (kx_span_eq(reach.part[i].name,
			    KX_SPAN("snapshots")))
				images |= sees_images(&reach, i);
		}
		if (images)
			(void)snprintf(out + len, size - len, "+");
	}
	kx_program_free(program);
}

static void
test_reach(void **state)
{
	static const struct {
		const char *text, *reach;
	} cases[] = {
		{ "", "*" }, { "(", "*" }, { ".a b", "*" }, { ".a ==", "*" },
		{ ".", "" }, { "true", "" }, { "1 + 2", "" }, { "empty", "" },
		{ ".a", "a" }, { ".a.b", "a" }, { ".a | .b", "a" },
		{ ". | .a", "a" }, { ".\"a b\"", "a b" }, { ".[\"a\"]", "a" },
		{ ".\"\\u0061\\n\"", "a\n" }, { ".a?", "a" }, { ".a[0].b", "a" },
		{ ".a[]?.b", "a" }, { ".a[.b]", "a b" }, { ".a[.b:.c]", "a b c" },
		{ ".a == .b", "a b" }, { ".a + .b * -.c", "a b c" },
		{ ".a // .b", "a b" }, { "[.a, .b]", "a b" },
		{ "{a, \"b\": .c, (.d): 1}", "a c d" }, { "{\"e\"}", "e" },
		{ "\"x\\(.a)y\\(.b | .c)\"", "a b" },
		{ "@base64 \"\\(.a)\"", "a" },
		{ "if .a then .b elif .c then .d else .e end", "a b c d e" },
		{ "if .a then .b else . end | .z", "a b z" },
		{ "try .a catch .b", "a" }, { "(.a, .b) | .c", "a b" },
		{ ".a as $x | .b == $x", "a b" },
		{ ".a as [$x, {y: $z}] | .b", "a b" },
		{ "reduce .a[] as $x (.b; . + .c)", "a b" },
		{ "foreach .a[] as $x (0; .q; .r)", "a" },
		{ "label $f | .a | ., break $f", "a" },
		{ "select(.a) | .b", "a b" }, { "select(.a > 1 and .b)", "a b" },
		{ "any(.a[]; .b)", "a" }, { "all(.a, .b; .c)", "a b" },
		{ ".a | map(.b) | length", "a" }, { "has(\"a\")", "a" },
		{ "first(.a, .b)", "a b" }, { "limit(.n; .a)", "n a" },
		{ "isempty(.a)", "a" }, { "error(.a)", "a" },
		{ ".a | test(\"x\"; \"i\")", "a" }, { ".a | .. | .b?", "a" },
		{ ".a | . as $x | tojson", "a" }, { "[.a[]?.b] | any(test(\"c\"))",
		"a" },
		{ "$ENV.HOME == .a", "a" }, { "# all of it\n.a", "a" },
		{ "# twice \\\n.a", "*" }, { ".a |= 1", "*" }, { ".a = 1", "*" },
		{ ".a | .b |= 1", "a" }, { "..", "*" }, { ".[]", "*" },
		{ ".[.a]", "*" }, { "keys", "*" }, { "length", "*" },
		{ "tojson", "*" }, { "@json", "*" }, { "[.]", "*" },
		{ "{a: .}", "*" }, { ". == 1", "*" }, { ". as $x | 1", "*" },
		{ "\"\\(.)\"", "*" }, { "map(.a)", "*" }, { "any(.a)", "*" },
		{ "del(.a)", "*" }, { "path(.a)", "*" }, { "error", "*" },
		{ "def f: .a; f", "*" }, { "(.a, .) | length", "*" },
		{ "if .a then . else .b end | keys", "*" },
		{ "select(.a) | keys", "*" }, { "first(.) | tojson", "*" },
		{ "try error(.) catch .", "*" }, { ".a ?// .b", "*" },
		{ "reduce .a as $x (.; 1)", "*" }, { "m::f", "*" },
		/* images */
		{ ".snapshots", "snapshots" }, { ".snapshots | length",
		"snapshots" }, { ".snapshots[].type", "snapshots" },
		{ ".snapshots[0] | .path", "snapshots" },
		{ ".snapshots | map(.type) | length", "snapshots" },
		{ "any(.snapshots[]; .type == \"T\")", "snapshots" },
		{ ".snapshots | any(.type == \"T\")", "snapshots" },
		{ ".snapshots | first | has(\"path\")", "snapshots" },
		{ ".snapshots[] | select(.type) | .path", "snapshots" },
		{ ".snapshots[].image", "snapshots+" },
		{ ".snapshots[] | has(\"image\")", "snapshots+" },
		{ ".snapshots[] | length", "snapshots+" },
		{ ".snapshots | tojson", "snapshots+" },
		{ ".snapshots | map(.)", "snapshots+" },
		{ "[.snapshots[]]", "snapshots+" },
		{ ".snapshots[1:]", "snapshots+" },
		{ ".snapshots[] as $s | 1", "snapshots+" },
		{ ".snapshots == []", "snapshots+" },
		{ ".snapshots[] | .[\"image\"]", "snapshots+" }
	};
	char reach[200];
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		reach_of(cases[i].text, reach, sizeof(reach));
		if (strcmp(reach, cases[i].reach))
			fail_msg("%s reaches '%s', not '%s'", cases[i].text,
			    reach, cases[i].reach);
	}
}

/* An event that is cut down to what a program can see. */
static void
test_reduce(void **state)
{
	static const char event[] = "{\"a\":{\"b\":[{\"c\":1,\"d\":\"x\"},7],"
	    "\"e\":\"text\"}, \"a\" : {\"b\":null},\"f\":[[1],{\"c\":2}],"
	    "\"\\u0067\":{\"h\":{\"i\":1}},\"k\":true}";
	static const struct {
		const char *text;
		bool output;
		const char *reduced;
	} cases[] = {
		{ "1", false, "{}" }, { ".", true, event }, { "keys", false, event },
		{ ".a", false, "{\"a\":{},\"a\":{}}" },
		{ ".a", true, "{\"a\":{\"b\":[{\"c\":1,\"d\":\"x\"},7],"
		    "\"e\":\"text\"},\"a\":{\"b\":null}}" },
		{ ".a.b[]?.c", false,
		    "{\"a\":{\"b\":[{\"c\":1},7]},\"a\":{\"b\":null}}" },
		{ ".a.b[0]", false, "{\"a\":{\"b\":[{},7]},\"a\":{\"b\":null}}" },
		{ ".a.b[-1].d", false,
		    "{\"a\":{\"b\":[{\"d\":\"x\"},7]},\"a\":{\"b\":null}}" },
		{ ".a.e | test(\"x\")", false,
		    "{\"a\":{\"e\":\"text\"},\"a\":{}}" },
		{ ".f | length", false, "{\"f\":[[],{}]}" },
		{ ".f | any", false, "{\"f\":[[],{}]}" },
		{ ".f[][]", false, "{\"f\":[[1],{\"c\":2}]}" },
		{ ".g.h", false, "{\"\\u0067\":{\"h\":{}}}" },
		{ ".g.h == .k", false, "{\"\\u0067\":{\"h\":{\"i\":1}},\"k\":true}" },
		{ ".f[1] | (.c, .[])", false, "{\"f\":[[1],{\"c\":2}]}" },
		{ ".a | has(\"b\")", false,
		    "{\"a\":{\"b\":[]},\"a\":{\"b\":null}}" },
		{ "{k, x: .g}", true,
		    "{\"\\u0067\":{\"h\":{\"i\":1}},\"k\":true}" },
		{ "if .a.e then .k else .f end", true,
		    "{\"a\":{\"e\":\"text\"},\"a\":{},\"f\":[[1],{\"c\":2}],"
		    "\"k\":true}" }
	};
	char padded[sizeof event + KX_PADDING];
	struct kx_program *program;
	struct kx_buf out = { 0 };
	struct kx_reach reach;
	struct kx_json json;
	size_t i;

	(void)state;
	memcpy(padded, event, sizeof event);
	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	assert_int_equal(kx_json_scan(&json, padded, sizeof event - 1, NULL),
	    KX_OK);
	for (i = 0; i < N(cases); i++) {
		program = program_of(cases[i].text);
		kx_reach_init(&reach);
		kx_program_reach(program, cases[i].output, &reach);
		kx_buf_reset(&out, 1000);
		kx_reach_reduce(&reach, &json, &out);
		kx_buf_addc(&out, '\0');
		if (strcmp(out.ptr, cases[i].reduced))
			fail_msg("%s: %s", cases[i].text, out.ptr);
		kx_program_free(program);
	}
	kx_buf_free(&out);
	kx_json_fini(&json);
}

static void
test_reach_many(void **state)
{
	struct kx_program *program;
	struct kx_reach reach;
	char text[800] = "1";
	int i;

	(void)state;
	for (i = 1; i < KX_REACH_MAX; i++)
		(void)snprintf(text + strlen(text), sizeof(text) -
		    strlen(text), ",.a%d", i);
	program = program_of(text);
	kx_reach_init(&reach);
	kx_program_reach(program, false, &reach);
	assert_false(kx_reach_is_whole(&reach));
	assert_int_equal(reach.n, KX_REACH_MAX);
	kx_program_free(program);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    ",.b");
	program = program_of(text);
	kx_reach_init(&reach);
	kx_program_reach(program, false, &reach);
	assert_true(kx_reach_is_whole(&reach));
	kx_program_free(program);
}

static void
test_native(void **state)
{
	static const char *const yes[] = { ".a", ".", "1", "\"x\"", "null",
	    ".a == 1", ".a==\"x\" and .b>=2 or .c|not", "(.a)", "select(.a)",
	    "select(.a == 1) | .b", ".a | .b == 1", ".a|not|not",
	    ".a.b?.c? != -1.5e3", ".\"a b\" < \"\\u00e9\"", ".a == .b",
	    ".[\"a\"]", "# x\n.a", "(.a == 1) == true", ".a|select(.b)|.c" };
	static const char *const no[] = { "", ".a == 1 == 2", ".a = 1",
	    ".a[0]", ".a[]", "..", ".a, .b", ".a + 1", ".a // 1", "not(1)",
	    ".a == 01", ".a == 1e400", ".a == .5", ".a == \"\\ud800\"",
	    ".a == \"\\q\"", "\"\\(1)\"", "true(1)", ".a == - .b", "$x",
	    ".a and", "(.a", ".a)", ".a == \"x", "if .a then 1 else 2 end",
	    ".a.[\"b\"]", "(.a)?", ".a??", "select(.a; .b)", "(1) | .a",
	    ".a == \"\xff\"", "try .a" };
	struct kx_program *program;
	size_t i;

	(void)state;
	for (i = 0; i < N(yes); i++) {
		program = program_of(yes[i]);
		if (!kx_program_native(program))
			fail_msg("not native: %s", yes[i]);
		kx_program_free(program);
	}
	for (i = 0; i < N(no); i++) {
		program = program_of(no[i]);
		if (kx_program_native(program))
			fail_msg("native: %s", no[i]);
		kx_program_free(program);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "input", "input" }, { "[inputs]", "inputs" },
		{ ".a | halt", "halt" }, { "halt_error(1)", "halt_error" },
		{ "import \"a\" as a; .", "import" },
		{ "include \"a\"; .", "include" }, { "{a: input}", "input" },
		{ "{(input): 1}", "input" }, { "\"\\(input)\"", "input" },
		{ "\"a\\(\"b\\(stderr)\")\"", "stderr" },
		{ ".input", NULL }, { ".a.input", NULL }, { "\"input\"", NULL },
		{ "$input", NULL }, { "{input: 1}", NULL }, { "{input}", NULL },
		{ "{a, input}", NULL }, { "# input\n.", NULL },
		{ "inputs_", NULL }, { "def input: 1; input", NULL },
		{ "\"\\\\\" | input", "input" }, { "\"\\\"input\"", NULL },
		{ "\"unclosed input", NULL }, { "]]})) .", NULL }
	};
	struct kx_program *program;
	const char *name;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		program = program_of(cases[i].text);
		name = kx_program_refused(program);
		if (cases[i].name == NULL ? name != NULL : name == NULL ||
		    strcmp(name, cases[i].name))
			fail_msg("%s: refused %s", cases[i].text,
			    name != NULL ? name : "nothing");
		kx_program_free(program);
	}
}

static void
test_answers(void **state)
{
	static const char event[] = "{\"s\": \"P\\u006cate\", \"n\": 2.0, "
	    "\"t\": true, \"z\": null, \"d\": 1, \"o\": {\"k\": {\"l\": 3}}, "
	    "\"a\": [1], \"d\": \"last\", \"big\": 123456789012345, "
	    "\"\\u0065\": -0, \"empty\": \"\", \"\": 7}";
	static const struct {
		const char *text;
		char answer;
	} cases[] = {
		{ ".", 'y' }, { ".s == \"Plate\"", 'y' }, { ".s < \"Platf\"",
		'y' }, { ".s > \"Plat\"", 'y' }, { ".n == 2", 'y' },
		{ ".n >= 2.5", 'n' }, { ".t", 'y' }, { ".z", 'n' },
		{ ".missing", 'n' }, { ".missing == null", 'y' },
		{ ".missing.deeper == .z", 'y' }, { ".d == \"last\"", 'y' },
		{ ".o.k.l == 3", 'y' }, { ".o | .k | .l > 2", 'y' },
		{ ".o.k == 1", 'n' }, { ".o.k > \"x\"", 'y' },
		{ ".o == .o", '?' }, { ".a == \"x\"", 'n' }, { ".s.x", '?' },
		{ ".s.x?", 'n' }, { ".t or .s.x", 'y' }, { ".z and .s.x", 'n' },
		{ ".s.x? or true", 'n' }, { "true or .s.x?", 'y' },
		{ ".e == 0", 'y' }, { ".big == 123456789012345", 'y' },
		{ ".empty == \"\"", 'y' }, { ".\"\" == 7", 'y' },
		{ ".z < false and false < true and true < 0 and 0 < \"\" and "
		"\"\" < .a and .a < .o", 'y' }, { "null == false", 'n' },
		{ "select(.n > 1) | .z", 'n' }, { "select(.n > 1) | .t", 'y' },
		{ "select(.z)", 'n' }, { ".t | not", 'n' },
		{ "(.t | not) == false", 'y' },
		/* the front of what is not native */
		{ ".n > 5 and (.s | test(\"x\"))", 'n' },
		{ ".n > 1 and (.s | test(\"x\"))", '?' },
		{ "select(.n > 5) | keys", 'n' },
		{ "select(.n > 5 and (keys | length > 1)) | .[]", 'n' },
		{ ".z | length", '?' }, { "(.z and keys) | not", '?' },
		{ "keys and .z", '?' }, { ".z or keys", '?' }
	};
	static const char marks[] = "ny?";
	struct kx_program *program;
	struct kx_buf scratch = { 0 }, text = { 0 };
	struct kx_json json;
	enum kx_answer answer;
	size_t i;

	(void)state;
	kx_buf_adds(&text, event);
	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	assert_int_equal(kx_json_scan(&json, text.ptr, text.len, NULL), KX_OK);
	for (i = 0; i < N(cases); i++) {
		program = program_of(cases[i].text);
		answer = kx_program_answer(program, &json, &scratch);
		if (marks[answer] != cases[i].answer)
			fail_msg("%s: %c, not %c", cases[i].text,
			    marks[answer], cases[i].answer);
		kx_program_free(program);
	}
	/* what is no object is libjq's */
	kx_buf_reset(&text, 0);
	kx_buf_adds(&text, "[1]");
	assert_int_equal(kx_json_scan(&json, text.ptr, text.len, NULL), KX_OK);
	program = program_of(".");
	assert_int_equal(kx_program_answer(program, &json, &scratch),
	    KX_ANSWER_UNSURE);
	kx_program_free(program);
	kx_json_fini(&json);
	kx_buf_free(&text);
	kx_buf_free(&scratch);
}

/* Deep programs are given up on, not followed down the stack. */
static void
test_deep(void **state)
{
	static const char *const opens[] = { "(", "[", "{a:", "-", "try ",
	    "\"\\(", ".a|", "if ", ". as [", "first(" };
	struct kx_program *program;
	struct kx_buf text = { 0 };
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < N(opens); i++) {
		kx_buf_reset(&text, SIZE_MAX);
		for (k = 0; k < 100000; k++)
			kx_buf_adds(&text, opens[i]);
		kx_buf_addc(&text, '\0');
		assert_false(kx_buf_failed(&text));
		program = program_of(text.ptr);
		assert_false(kx_program_native(program));
		kx_program_free(program);
	}
	kx_buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_reach_many),
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_deep)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
