/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events without their images, byte for byte.
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

#include "kx/strip.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
test_strip(void **state)
{
	/* NULL: nothing is cut */
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "1", NULL }, { "[]", NULL }, { "{}", NULL },
		{ "[{\"image\":1}]", NULL },
		{ "{\"image\":\"a\"}", NULL },
		{ "{\"snapshots\":{\"image\":1}}", NULL },
		{ "{\"snapshots\":[]}", NULL },
		{ "{\"snapshots\":[{},1,[{\"image\":1}],{\"x\":{\"image\":1}}]}",
		    NULL },
		{ "{\"snapshots\":[{\"image\":\"a\"}]}",
		    "{\"snapshots\":[{}]}" },
		{ "{\"snapshots\":[{ \"image\" : \"a\" }]} ",
		    "{\"snapshots\":[{  }]} " },
		{ "{\"snapshots\":[{\"a\":1,\"image\":\"a\"}]}",
		    "{\"snapshots\":[{\"a\":1}]}" },
		{ "{\"snapshots\":[{\"image\":\"a\", \"a\":1}]}",
		    "{\"snapshots\":[{\"a\":1}]}" },
		{ "{\"snapshots\":[{ \"a\" : 1 , \"image\" : null , \"b\" : 2 }]}",
		    "{\"snapshots\":[{ \"a\" : 1 , \"b\" : 2 }]}" },
		{ "{\"snapshots\":[{\"image\":1,\"image\":2}],\"z\":1.50}",
		    "{\"snapshots\":[{}],\"z\":1.50}" },
		{ "{\"snapshots\":[{\"image\":1,\"a\":0,\"image\":2,\"image\":3}]}",
		    "{\"snapshots\":[{\"a\":0}]}" },
		{ "{\"snapshots\":[{\"im\\u0061ge\":[1,{}],\"a\":0}]}",
		    "{\"snapshots\":[{\"a\":0}]}" },
		{ "{\"a\":{\"snapshots\":[{\"image\":1}]},\"snapshots\":"
		    "[{\"image\":2},{\"image\":3,\"t\":4}],\"snapshots\":"
		    "[{\"image\":5}]}",
		    "{\"a\":{\"snapshots\":[{\"image\":1}]},\"snapshots\":"
		    "[{},{\"t\":4}],\"snapshots\":[{}]}" }
	};
	struct kx_buf text = { 0 }, out = { 0 };
	struct kx_json json;
	size_t i;

	(void)state;
	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	for (i = 0; i < N(cases); i++) {
		kx_buf_reset(&text, 1000);
		kx_buf_adds(&text, cases[i].text);
		assert_int_equal(kx_json_scan(&json, text.ptr, text.len,
		    NULL), KX_OK);
		kx_buf_reset(&out, 1000);
		kx_buf_adds(&out, "before");
		assert_int_equal(kx_strip_images(&json, &out),
		    cases[i].want != NULL);
		kx_buf_addc(&out, '\0');
		assert_string_equal(out.ptr + 6, cases[i].want != NULL ?
		    cases[i].want : "");
	}
	kx_json_fini(&json);
	kx_buf_free(&text);
	kx_buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strip)
	};

	return cmocka_run_group_tests_name("strip", tests, NULL, NULL);
}
