/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of frames: the documented form, and safety whatever an event says.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "kx/snapname.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct kx_hash *hash;
static struct kx_snapname_template usually;
static const uint8_t sum[KX_SHA256_SIZE] = { 0x0f, 0x34, 0x3b, 0x09, 0x31,
	0x12, 0x6a };

static int
setup(void **state)
{
	(void)state;
	return kx_hash_new(KX_SHA256, &hash, NULL) == KX_OK &&
	    kx_snapname_parse(KX_SNAPNAME_DEFAULT, &usually, NULL) == KX_OK ?
	    0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	kx_hash_free(hash);
	return 0;
}

static struct kx_snapname
usual(void)
{
	return (struct kx_snapname){
		.start_time = KX_SPAN("1685973361368"),
		.id = KX_SPAN("203:1691055920965:4829655691653739"),
		.event_id = KX_SPAN("4829655691653739"),
		.type = KX_SPAN("FULLSCREEN"),
		.index = 0,
		.sha256 = sum,
		.ext = "jpg"
	};
}

static void
test_form(void **state)
{
	struct kx_snapname name = usual();
	char out[KX_SNAPNAME_MAX + 1];
	size_t len;

	(void)state;
	len = kx_snapname_make(out, &usually, &name, hash);
	assert_int_equal(len, strlen(out));
	assert_string_equal(out, "1685973361368_203_4829655691653739_00_"
	    "FULLSCREEN_0f343b093112.jpg");
	name.index = 12;
	name.ext = "webp";
	name.type = KX_SPAN("THUMBNAIL");
	name.event_id = KX_SPAN_NULL;	/* then that of the id */
	kx_snapname_make(out, &usually, &name, hash);
	assert_string_equal(out, "1685973361368_203_4829655691653739_12_"
	    "THUMBNAIL_0f343b093112.webp");
	name.start_time = KX_SPAN("1000");
	name.index = UINT32_MAX;
	kx_snapname_make(out, &usually, &name, hash);
	assert_string_equal(out, "0000000001000_203_4829655691653739_"
	    "4294967295_THUMBNAIL_0f343b093112.webp");
	name = (struct kx_snapname){ .sha256 = sum, .ext = "bin" };
	kx_snapname_make(out, &usually, &name, hash);
	assert_string_equal(out,
	    "0000000000000_none_none_00_none_0f343b093112.bin");
}

static void
test_nth(void **state)
{
	char out[KX_SNAPNAME_MAX + 1];

	(void)state;
	assert_int_equal(kx_snapname_nth(out, "a_b.jpg", 2), 9);
	assert_string_equal(out, "a_b_2.jpg");
	kx_snapname_nth(out, "a_b.jpg", UINT32_MAX);
	assert_string_equal(out, "a_b_4294967295.jpg");
}

static void
check_safe(const char *name, size_t len)
{
	size_t i;

	assert_int_equal(strlen(name), len);
	assert_true(len > 0 && len <= KX_SNAPNAME_MAX - 11);
	assert_true(name[0] != '-' && name[0] != '.');
	for (i = 0; i < len; i++)
		assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", name[i]));
	/* One dot: no reserved name before an ending, no double ending. */
	assert_ptr_equal(strchr(name, '.'), strrchr(name, '.'));
}

/* Every hostile text in every place; no two names the same, whatever the
 * case of letters. */
static void
test_hostile(void **state)
{
	static char huge[10000];
	static const struct kx_span hostile[] = {
		KX_SPAN("../../x"), KX_SPAN("/etc/passwd"), KX_SPAN(".."),
		KX_SPAN("-rf"), KX_SPAN("CON"), KX_SPAN("con"),
		KX_SPAN("nul.jpg"), KX_SPAN("a\0b"), KX_SPAN("a\nb"),
		KX_SPAN("\x1b[2J"), KX_SPAN("\xff\xfe"), KX_SPAN("ABC"),
		KX_SPAN("abc"), KX_SPAN("1e5"), KX_SPAN("-5"),
		KX_SPAN("123456789012345678901"), KX_SPAN("fullscreen"),
		KX_SPAN("\xe2\x80\xae"), KX_SPAN("none"), KX_SPAN("%2e%2e"),
		{ huge, sizeof(huge) }
	};
	static char names[4 * N(hostile)][KX_SNAPNAME_MAX + 1];
	char again[KX_SNAPNAME_MAX + 1];
	size_t i, k, n = 0, len;

	(void)state;
	memset(huge, '7', sizeof(huge));
	for (i = 0; i < N(hostile); i++) {
		for (k = 0; k < 4; k++) {
			struct kx_snapname name = usual();

			if (k == 0)
				name.start_time = hostile[i];
			else if (k == 1)
				name.id = hostile[i];
			else if (k == 2)
				name.event_id = hostile[i];
			else
				name.type = hostile[i];
			len = kx_snapname_make(names[n], &usually, &name, hash);
			check_safe(names[n], len);
			kx_snapname_make(again, &usually, &name, hash);
			assert_string_equal(names[n], again);
			n++;
		}
	}
	for (i = 0; i < n; i++) {
		for (k = i + 1; k < n; k++)
			assert_int_not_equal(strcasecmp(names[i], names[k]),
			    0);
	}
}

/* Names that are taken, without regard to case; the same bytes get the same
 * name again, other bytes a number that nobody has. */
static void
test_taken(void **state)
{
	static const struct {
		const char *asked;
		uint8_t bytes;
		enum kx_status status;
		const char *name;
	} rows[] = {
		{ "a.jpg", 1, KX_OK, "a.jpg" },
		{ "a.jpg", 1, KX_EOF, "a.jpg" },
		{ "a.jpg", 2, KX_OK, "a_2.jpg" },
		{ "A.jpg", 3, KX_OK, "A_3.jpg" },
		{ "a.jpg", 2, KX_EOF, "a_2.jpg" },
		{ "a_2.jpg", 2, KX_OK, "a_2_2.jpg" },
		{ "a_4.jpg", 4, KX_OK, "a_4.jpg" },
		{ "a.jpg", 5, KX_OK, "a_5.jpg" },
		{ "A_2_2.JPG", 6, KX_OK, "A_2_2_2.JPG" },
		{ "b.jpg", 1, KX_OK, "b.jpg" }
	};
	struct kx_snapnames names = { { NULL, 0, 0 } };
	char name[KX_SNAPNAME_MAX + 1];
	size_t i;

	(void)state;
	assert_false(kx_snapnames_has(&names, "a.jpg", hash));
	for (i = 0; i < N(rows); i++) {
		const uint8_t bytes[KX_SHA256_SIZE] = { rows[i].bytes };

		memcpy(name, rows[i].asked, strlen(rows[i].asked) + 1);
		assert_int_equal(kx_snapnames_take(&names, name, bytes,
		    hash), rows[i].status);
		assert_string_equal(name, rows[i].name);
	}
	assert_true(kx_snapnames_has(&names, "a_2.jpg", hash));
	assert_false(kx_snapnames_has(&names, "a_6.jpg", hash));
	kx_snapnames_free(&names);
	kx_snapnames_free(&names);
}

/* Twenty thousand frames that ask for one name take no time. */
static void
test_crowd(void **state)
{
	struct kx_snapnames names = { { NULL, 0, 0 } };
	char name[KX_SNAPNAME_MAX + 1], want[40];
	uint32_t i;

	(void)state;
	for (i = 1; i <= 20000; i++) {
		uint8_t bytes[KX_SHA256_SIZE] = { 0 };

		memcpy(bytes, &i, sizeof(i));
		memcpy(name, "x.jpg", sizeof("x.jpg"));
		assert_int_equal(kx_snapnames_take(&names, name, bytes,
		    hash), KX_OK);
		(void)snprintf(want, sizeof(want), i == 1 ? "x.jpg" :
		    "x_%u.jpg", (unsigned)i);
		assert_string_equal(name, want);
	}
	kx_snapnames_free(&names);
}

static void
test_template(void **state)
{
	static const struct {
		const char *text, *name;	/* NULL: refused */
	} rows[] = {
		{ "{start}", "1685973361368.jpg" },
		{ "x-{date}_{time}.{index}", "x-20230605_135601.00.jpg" },
		{ "{channel}-{channel_name}-{topic}", "274-1-4-09-FaceMatched.jpg" },
		{ "{sha256}", "0f343b0931126a0000000000000000000000000000000000"
		    "0000000000000000.jpg" },
		{ "{stamp}_{type}", "1685973361368531712_FULLSCREEN.jpg" },
		{ "con", "con_.jpg" }, { "LPT1", "LPT1_.jpg" },
		{ "nul.{index}", "nul_.00.jpg" }, { "c{index}", "c00.jpg" },
		{ "", NULL }, { ".x", NULL }, { "-x", NULL }, { "a/b", NULL },
		{ "{nosuch}", NULL }, { "{start", NULL }, { "a}", NULL },
		{ "a b", NULL }, { "{sha256}{sha256}", NULL }, { "a\x01", NULL },
		{ "../x", NULL }, { "\xc3\xa9", NULL }
	};
	struct kx_snapname_template by;
	struct kx_snapname name = usual();
	char out[KX_SNAPNAME_MAX + 1];
	struct kx_error err;
	size_t i;

	(void)state;
	name.channel_id = KX_SPAN("274");
	name.channel_name = KX_SPAN("1-4-09");
	name.topic = KX_SPAN("FaceMatched");
	name.stamp = KX_SPAN("1685973361368531712");
	for (i = 0; i < N(rows); i++) {
		if (rows[i].name == NULL) {
			assert_int_equal(kx_snapname_parse(rows[i].text, &by,
			    &err), KX_BAD);
			continue;
		}
		assert_int_equal(kx_snapname_parse(rows[i].text, &by, &err),
		    KX_OK);
		assert_true(kx_snapname_make(out, &by, &name, hash) > 0);
		assert_string_equal(out, rows[i].name);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_nth),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_template)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
