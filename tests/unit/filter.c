/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bridge to libjq as a library: conditions and outputs of several programs
 * in one pass, variables, what fails and how.  What programs mean is for
 * filter.bats, beside jq itself.
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

#include "kx/filter.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A filter at work, and what it said: "YES 1:2 1!message;NO;". */
struct bridge {
	struct kx_filter *filter;
	struct kx_json json;
	struct kx_buf texts[8];
	size_t n;
	char said[4096];
};

static void
say(struct bridge *b, const char *what, struct kx_span text)
{
	size_t len = strlen(b->said);

	(void)snprintf(b->said + len, sizeof(b->said) - len, "%s%.*s", what,
	    (int)text.len, text.len == 0 ? "" : text.ptr);
}

static void
bridge_open(struct bridge *b, const struct kx_filter_options *options)
{
	struct kx_error err = { .message = "" };
	size_t which;

	memset(b, 0, sizeof(*b));
	if (kx_filter_new(options, &b->filter, &which, &err) != KX_OK ||
	    kx_filter_start(b->filter, 1, NULL, &which, &err) != KX_OK)
		fail_msg("program %zu: %s", which, err.message);
	assert_int_equal(kx_json_init(&b->json, NULL), KX_OK);
}

static void
bridge_ask(struct bridge *b, const char *text)
{
	struct kx_buf *copy = &b->texts[b->n++];
	enum kx_verdict verdict;

	kx_buf_adds(copy, text);
	assert_int_equal(kx_json_scan(&b->json, copy->ptr, copy->len, NULL),
	    KX_OK);
	verdict = kx_filter_ask(b->filter, 0, &b->json, b->n);
	say(b, verdict == KX_VERDICT_LATER ? "" : verdict == KX_VERDICT_YES ?
	    "yes;" : "no;", KX_SPAN_NULL);
}

static void
say_outputs(struct bridge *b)
{
	static const char *const names[] = { "0", "1", "2", "3" };
	struct kx_filter_output out;
	enum kx_status status;
	struct kx_json json;

	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	while ((status = kx_filter_output(b->filter, 0, &out)) != KX_EOF) {
		assert_in_range(out.program, 0, N(names) - 1);
		say(b, " ", kx_span_str(names[out.program]));
		say(b, status == KX_OK ? ":" : "!", out.text);
		if (status == KX_OK)
			assert_int_equal(kx_json_scan(&json, out.text.ptr,
			    out.text.len, NULL), KX_OK);
	}
	kx_json_fini(&json);
}

static void
bridge_flush(struct bridge *b, size_t n, bool read)
{
	struct kx_span message = KX_SPAN_NULL;
	struct kx_error err;
	size_t lost;

	assert_int_equal(kx_filter_flush(b->filter, 0, &lost, &err), KX_OK);
	for (; n > 0; n--) {
		switch (kx_filter_next(b->filter, 0, &message)) {
		case KX_VERDICT_YES:
			say(b, "YES", KX_SPAN_NULL);
			if (read)
				say_outputs(b);
			break;
		case KX_VERDICT_ERROR:
			say(b, "ERROR ", message);
			break;
		default:
			say(b, "NO", KX_SPAN_NULL);
			break;
		}
		say(b, ";", KX_SPAN_NULL);
	}
	while (b->n > 0)
		kx_buf_free(&b->texts[--b->n]);
}

static void
bridge_close(struct bridge *b, const char *said)
{
	assert_string_equal(b->said, said);
	kx_json_fini(&b->json);
	kx_filter_free(b->filter);
}

static void
test_outputs(void **state)
{
	static const char *const programs[] = { ".a, .b", "[.c[]?]", "empty" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = N(programs) };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"a\": 1, \"b\": {\"x\": [ null ]}, \"c\": [1, 2]}");
	bridge_ask(&b, "{\"a\": false}");
	bridge_ask(&b, "{\"a\":1,\"b\":2,\"c\":[3,{\"d\":{}},null]}");
	bridge_flush(&b, 3, true);
	bridge_ask(&b, "{\"a\": \"\\u0041\\n\"}");
	bridge_flush(&b, 1, true);
	bridge_close(&b, "YES 0:1 0:{\"x\":[null]} 1:[1,2];"
	    "YES 0:false 0:null 1:[];"
	    "YES 0:1 0:2 1:[3,{\"d\":{}},null];"
	    "YES 0:\"A\\n\" 0:null 1:[];");
}

/* Conditions decide, natively where they can; nothing that is not asked for
 * gets in the way of what is. */
static void
test_conditions_and_outputs(void **state)
{
	static const char *const programs[] = { ".a == 1", "(.b | length) > 1",
	    "{b}", ".b | error" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = N(programs), .n_conditions = 2 };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"a\":2,\"b\":[1,2]}");
	bridge_ask(&b, "{\"a\":1,\"b\":[1]}");
	bridge_ask(&b, "{\"a\":1,\"b\":\"xy\"}");
	bridge_ask(&b, "{\"a\":1,\"b\":true}");
	bridge_flush(&b, 3, true);
	bridge_ask(&b, "{\"a\":1,\"b\":\"xyz\"}");
	bridge_ask(&b, "{\"a\":1,\"b\":\"\"}");
	bridge_flush(&b, 2, false);
	bridge_close(&b, "no;NO;YES 2:{\"b\":\"xy\"} 3!xy;"
	    "ERROR boolean (true) has no length;YES;NO;");
}

static void
test_whole_event_is_put_out(void **state)
{
	static const char *const programs[] = { "." };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 1 };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"z\":1,\"snapshots\":[{\"image\":\"i\"}],\"a\":2}");
	bridge_flush(&b, 1, true);
	bridge_close(&b, "YES 0:{\"z\":1,\"snapshots\":[{\"image\":\"i\"}],"
	    "\"a\":2};");
}

static void
test_images_are_put_out(void **state)
{
	static const char *const programs[] = { ".snapshots[0]",
	    "first(.snapshots[])" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 2 };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"z\":1,\"snapshots\":[{\"image\":\"i\"}],\"a\":2}");
	bridge_flush(&b, 1, true);
	bridge_close(&b, "YES 0:{\"image\":\"i\"} 1:{\"image\":\"i\"};");
}

static void
test_variables(void **state)
{
	static const char *const programs[] = { ".a == $want.x",
	    "$name, $ARGS.named.name, ($ARGS.positional | length)" };
	static const struct kx_filter_arg args[] = {
		{ "name", { "\"Mark\"", 6 } },
		{ "want", { "{\"x\":[1]}", 9 } }
	};
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 2, .n_conditions = 1, .args = args, .n_args = 2 };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"a\":[1]}");
	bridge_ask(&b, "{\"a\":1}");
	bridge_flush(&b, 2, true);
	bridge_close(&b, "YES 1:\"Mark\" 1:\"Mark\" 1:0;NO;");
}

static void
test_line(void **state)
{
	static const char *const programs[] = { "input_line_number == 2",
	    "[input_line_number, .a, $__loc__.line] # a comment",
	    "def input_line_number: 7; input_line_number" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 3, .n_conditions = 1 };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"a\":1}");
	bridge_ask(&b, "{\"a\":2}");
	bridge_flush(&b, 2, true);
	bridge_close(&b, "NO;YES 1:[2,2,1] 2:7;");
}

/* What looks the same to the programs is asked once, and its answer is as if
 * it had been asked again. */
static void
test_same_again(void **state)
{
	static const char *const programs[] = { "(.a | length) > 1" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 1, .n_conditions = 1 };
	struct bridge b;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"a\":\"xy\",\"z\":1}");
	bridge_ask(&b, "{\"a\":\"x\"}");
	bridge_ask(&b, "{\"a\":\"xy\",\"z\":2}");
	bridge_ask(&b, "{\"a\":true}");
	bridge_ask(&b, "{\"a\":true,\"z\":2}");
	bridge_ask(&b, "{\"a\":\"x\",\"z\":2}");
	bridge_flush(&b, 6, true);
	bridge_ask(&b, "{\"z\":3,\"a\":\"xy\"}");
	bridge_ask(&b, "{\"a\":\"x\"}");
	bridge_ask(&b, "{\"a\":true}");
	bridge_ask(&b, "{\"a\":[1,2]}");
	bridge_flush(&b, 2, true);
	bridge_close(&b, "YES;NO;YES;ERROR boolean (true) has no length;"
	    "ERROR boolean (true) has no length;NO;"
	    "yes;no;ERROR boolean (true) has no length;YES;");
}

/* Answers that are not for ever are asked for each time. */
static void
test_not_remembered(void **state)
{
	static const char *const programs[][1] = {
		{ "(.a | length) > 1 and now > 0" },
		{ "input_line_number > 0 and (.a | length) > 1" },
		{ "def f: now; f > 0 and (.a | length) > 1" }
	};
	struct kx_filter_options options = { .n_programs = 1,
	    .n_conditions = 1 };
	struct bridge b;
	size_t i;

	(void)state;
	for (i = 0; i < N(programs); i++) {
		options.programs = programs[i];
		bridge_open(&b, &options);
		bridge_ask(&b, "{\"a\":\"xy\"}");
		bridge_flush(&b, 1, true);
		bridge_ask(&b, "{\"a\":\"xy\"}");
		bridge_flush(&b, 1, true);
		bridge_close(&b, "YES;YES;");
	}
}

static void
test_limits(void **state)
{
	static const char *const programs[] = { "repeat(1)",
	    "reduce range(20000) as $i (1; [.])", ".a" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 3 };
	struct kx_filter_output out;
	enum kx_status status;
	struct kx_span message;
	struct kx_error err;
	struct bridge b;
	size_t lost, n = 0;

	(void)state;
	bridge_open(&b, &options);
	bridge_ask(&b, "{\"a\":\"<skipped: too deep>\"}");
	assert_int_equal(kx_filter_flush(b.filter, 0, &lost, &err), KX_OK);
	assert_int_equal(kx_filter_next(b.filter, 0, &message),
	    KX_VERDICT_YES);
	while ((status = kx_filter_output(b.filter, 0, &out)) == KX_OK)
		n++;
	assert_in_range(n, 1 << 20, 32 << 20);
	assert_int_equal(status, KX_BAD);
	assert_int_equal(out.program, 0);
	say(&b, "", out.text);
	say_outputs(&b);
	kx_buf_free(&b.texts[0]);
	bridge_close(&b, "the program puts out too much for one event"
	    " 1!an output is nested too deeply to be printed"
	    " 2:\"<skipped: too deep>\"");
}

static void
test_no_programs(void **state)
{
	static const struct {
		const char *text, *message;
		bool by_libjq;
	} cases[] = {
		{ "input", "input is not available", false },
		{ "nosuch", "nosuch/0 is not defined", true },
		{ ".a |", "syntax error", true },
		{ "$__prog_args", "$__prog_args is not defined", true }
	};
	const char *programs[2] = { ".a", NULL };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 2 };
	struct kx_filter *filter = NULL;
	enum kx_status status;
	struct kx_error err;
	size_t i, which = 0;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		programs[1] = cases[i].text;
		status = kx_filter_new(&options, &filter, &which, &err);
		if (cases[i].by_libjq) {
			assert_int_equal(status, KX_OK);
			status = kx_filter_start(filter, 1, NULL, &which,
			    &err);
			kx_filter_free(filter);
		}
		assert_int_equal(status, KX_BAD);
		assert_int_equal(which, 1);
		assert_non_null(strstr(err.message, cases[i].message));
	}
}

/* One that libjq cannot read, for its depth. */
static void
test_bad_variable(void **state)
{
	static const char *const programs[] = { "$x" };
	struct kx_filter_arg arg = { .name = "x" };
	const struct kx_filter_options options = { .programs = programs,
	    .n_programs = 1, .args = &arg, .n_args = 1 };
	struct kx_filter *filter;
	struct kx_error err;
	size_t which;
	char deep[2 * 12000];

	(void)state;
	memset(deep, '[', sizeof(deep) / 2);
	memset(deep + sizeof(deep) / 2, ']', sizeof(deep) / 2);
	arg.json = (struct kx_span){ deep, sizeof(deep) };
	assert_int_equal(kx_filter_new(&options, &filter, &which, &err),
	    KX_OK);
	assert_int_equal(kx_filter_start(filter, 1, NULL, &which, &err),
	    KX_BAD);
	assert_non_null(strstr(err.message, "depth"));
	kx_filter_free(filter);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outputs),
		cmocka_unit_test(test_conditions_and_outputs),
		cmocka_unit_test(test_whole_event_is_put_out),
		cmocka_unit_test(test_images_are_put_out),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_not_remembered),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_programs),
		cmocka_unit_test(test_bad_variable)
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
