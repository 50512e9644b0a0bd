/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Criteria, one by one: arguments that are none, and events at the edges.
 */
#include <config.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/criteria.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const char event[] =
    "{\"monitor_id\":114,\"topic\":\"FaceMatched\",\"module\":\"KX.Faces\","
    "\"level\":2,\"start_time\":1685973361368,\"params\":{\"identities\":["
    "{\"faces\":[{\"id\":1,\"similarity\":0.5,\"first_name\":\"Mark\","
    "\"last_name\":\"\\u0424\\u0440\\u043e\\u043b\"},"
    "{\"similarity\":\"0.75\",\"first_name\":\"Only\"}],"
    "\"list\":{\"id\":552,\"name\":\"Staff, day\"}},"
    "{\"plates\":[{\"number\":\"2222\\u041dH-7\",\"state\":\"BY\","
    "\"owner_first_name\":\"Sergey\",\"owner_last_name\":\"Ivanov\"}],"
    "\"list\":{\"id\":3,\"name\":\"GSM\"}}]},"
    "\"snapshots\":[{\"image\":\"\"},{\"image\":null},7,{\"image\":\"x\"}],"
    "\"channel\":{\"id\":274,\"name\":\"1-4-09\",\"latitude\":53.9,"
    "\"longitude\":\"27.5667\",\"tags\":[{\"id\":170,\"name\":\"Face\"}]}}";

/* All that the table above means the other way: nothing but criteria that are
 * not met. */
static const char other[] =
    "{\"monitor_id\":\"x\",\"topic\":7,\"module\":null,\"level\":\"2\","
    "\"start_time\":\"1685973361368\",\"params\":{\"identities\":[{}]},"
    "\"snapshots\":[{\"image\":[]}],\"channel_id\":275,"
    "\"channel_name\":\"a\\u0062c\",\"channel_latitude\":-90}";

static bool
meets(enum kx_criterion kind, const char *arg, const char *text)
{
	struct kx_criteria *criteria = kx_criteria_new();
	struct kx_criteria_state *state = kx_criteria_state_new();
	struct kx_error err = { .message = "" };
	bool no_memory = false, met;
	struct kx_buf buf = { 0 };
	struct kx_json json;

	if (kx_criteria_add(criteria, kind, arg, &err) != KX_OK)
		fail_msg("%s: %s", arg, err.message);
	kx_buf_adds(&buf, text);
	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	assert_int_equal(kx_json_scan(&json, buf.ptr, buf.len, NULL), KX_OK);
	met = kx_criteria_match(criteria, state, &json, &no_memory);
	assert_false(no_memory);
	kx_json_fini(&json);
	kx_buf_free(&buf);
	kx_criteria_state_free(state);
	kx_criteria_free(criteria);
	return met;
}

static void
test_each(void **state)
{
	static const struct {
		enum kx_criterion kind;
		const char *arg;
		bool met;
	} cases[] = {
		{ KX_CRITERION_TOPIC, "x,FaceMatched", true },
		{ KX_CRITERION_TOPIC, "facematched", false },
		{ KX_CRITERION_MODULE, "KX.PDD,KX.Faces", true },
		{ KX_CRITERION_MODULE, "KX", false },
		{ KX_CRITERION_MONITOR, "113,114", true },
		{ KX_CRITERION_MONITOR, "11", false },
		{ KX_CRITERION_CHANNEL, "274", true },
		{ KX_CRITERION_CHANNEL, "1-4-09", true },
		{ KX_CRITERION_CHANNEL, "1-4-0,27", false },
		{ KX_CRITERION_LEVEL, "NORMAL,high", true },
		{ KX_CRITERION_LEVEL, "0,3", false },
		{ KX_CRITERION_MIN_LEVEL, "2", true },
		{ KX_CRITERION_MIN_LEVEL, "critical", false },
		{ KX_CRITERION_PLATE, "2222hh7", true },
		{ KX_CRITERION_PLATE, "2222 НН 7", true },
		{ KX_CRITERION_PLATE, "2222??7", true },
		{ KX_CRITERION_PLATE, "222", false },
		{ KX_CRITERION_STATE, "pl,by", true },
		{ KX_CRITERION_STATE, "PL", false },
		{ KX_CRITERION_PERSON, "mark", true },
		{ KX_CRITERION_PERSON, "фрол", true },
		{ KX_CRITERION_PERSON, "MARK ФРОЛ", true },
		{ KX_CRITERION_PERSON, "фрол mark", true },
		{ KX_CRITERION_PERSON, "only", true },
		{ KX_CRITERION_PERSON, "only only", false },
		{ KX_CRITERION_PERSON, "iv*", true },
		{ KX_CRITERION_PERSON, "mar", false },
		{ KX_CRITERION_LIST, "552", true },
		{ KX_CRITERION_LIST, "x,gsm", true },
		{ KX_CRITERION_LIST, "55", false },
		{ KX_CRITERION_TAG, "face", true },
		{ KX_CRITERION_TAG, "170", true },
		{ KX_CRITERION_TAG, "Fac", false },
		{ KX_CRITERION_MIN_SIMILARITY, "0.75", true },
		{ KX_CRITERION_MIN_SIMILARITY, "0.76", false },
		{ KX_CRITERION_NEAR, "53.9,27.5667,0", true },
		{ KX_CRITERION_NEAR, "53.9,27.5667,1m", true },
		{ KX_CRITERION_NEAR, "54,27.5667,11.2km", true },
		{ KX_CRITERION_NEAR, "54,27.5667,11119", false },
		{ KX_CRITERION_NEAR, "54,27.5667,11120", true },
		{ KX_CRITERION_HAS_IMAGE, NULL, true }
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		if (meets(cases[i].kind, cases[i].arg, event) != cases[i].met)
			fail_msg("kind %d, %s", (int)cases[i].kind,
			    cases[i].arg);
		assert_false(meets(cases[i].kind, cases[i].arg, other));
		assert_false(meets(cases[i].kind, cases[i].arg, "{}"));
		assert_false(meets(cases[i].kind, cases[i].arg, "[]"));
	}
	/* the flat spelling */
	assert_true(meets(KX_CRITERION_CHANNEL, "275", other));
	assert_true(meets(KX_CRITERION_CHANNEL, "abc", other));
	assert_false(meets(KX_CRITERION_NEAR, "-90,0,1", other));
}

static void
test_several(void **state)
{
	struct kx_criteria *criteria = kx_criteria_new();
	struct kx_criteria_state *st = kx_criteria_state_new();
	struct kx_buf buf = { 0 };
	struct kx_json json;
	bool no_memory = false;

	(void)state;
	kx_buf_adds(&buf, event);
	assert_int_equal(kx_json_init(&json, NULL), KX_OK);
	assert_int_equal(kx_json_scan(&json, buf.ptr, buf.len, NULL), KX_OK);
	assert_true(kx_criteria_match(criteria, st, &json, &no_memory));
	/* any of one kind */
	assert_int_equal(kx_criteria_add(criteria, KX_CRITERION_PLATE, "no",
	    NULL), KX_OK);
	assert_false(kx_criteria_match(criteria, st, &json, &no_memory));
	assert_int_equal(kx_criteria_add(criteria, KX_CRITERION_PLATE, "2*",
	    NULL), KX_OK);
	assert_true(kx_criteria_match(criteria, st, &json, &no_memory));
	/* each kind */
	kx_criteria_add_time(criteria, KX_CRITERION_SINCE, 1685973361368);
	kx_criteria_add_time(criteria, KX_CRITERION_UNTIL, 1685973361369);
	assert_true(kx_criteria_match(criteria, st, &json, &no_memory));
	kx_criteria_add_time(criteria, KX_CRITERION_UNTIL, 1685973361368);
	assert_false(kx_criteria_match(criteria, st, &json, &no_memory));
	kx_criteria_free(criteria);
	kx_criteria_free(NULL);
	kx_criteria_state_free(st);
	kx_json_fini(&json);
	kx_buf_free(&buf);
}

static void
test_bad_arguments(void **state)
{
	static const struct {
		enum kx_criterion kind;
		const char *arg, *word;
	} cases[] = {
		{ KX_CRITERION_TOPIC, "", "empty" },
		{ KX_CRITERION_TAG, "a,,b", "empty" },
		{ KX_CRITERION_LIST, "a,", "empty" },
		{ KX_CRITERION_MONITOR, "1,x", "'x'" },
		{ KX_CRITERION_LEVEL, "2,9", "'9'" },
		{ KX_CRITERION_LEVEL, "lo", "'lo'" },
		{ KX_CRITERION_MIN_LEVEL, "1,2", "'1,2'" },
		{ KX_CRITERION_MIN_LEVEL, "", "''" },
		{ KX_CRITERION_PLATE, "[a", "]" },
		{ KX_CRITERION_MIN_SIMILARITY, "1.1", "'1.1'" },
		{ KX_CRITERION_MIN_SIMILARITY, "high", "'high'" },
		{ KX_CRITERION_NEAR, "1,2", "LAT,LON,RADIUS" },
		{ KX_CRITERION_NEAR, "1,2,3,4", "LAT,LON,RADIUS" },
		{ KX_CRITERION_NEAR, "91,2,3", "latitude" },
		{ KX_CRITERION_NEAR, "1,181,3", "longitude" },
		{ KX_CRITERION_NEAR, "1,2,-3", "'-3'" },
		{ KX_CRITERION_NEAR, "1,2,3mi", "'3mi'" },
		{ KX_CRITERION_NEAR, "1,2,km", "'km'" }
	};
	struct kx_criteria *criteria = kx_criteria_new();
	struct kx_error err;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(kx_criteria_add(criteria, cases[i].kind,
		    cases[i].arg, &err), KX_BAD);
		if (strstr(err.message, cases[i].word) == NULL)
			fail_msg("%s: %s", cases[i].arg, err.message);
	}
	kx_criteria_free(criteria);
}

/* Lengths that can be known without the formula. */
static void
test_great_circle(void **state)
{
	const double quarter = 3.14159265358979323846 / 2 * 6371008.8;

	(void)state;
	assert_true(kx_great_circle(10, 20, 10, 20) == 0);
	assert_true(fabs(kx_great_circle(0, 0, 0, 90) - quarter) < 1e-3);
	assert_true(fabs(kx_great_circle(-90, 5, 90, 70) - 2 * quarter) <
	    1e-3);
	assert_true(fabs(kx_great_circle(0, 179.5, 0, -179.5) -
	    quarter / 90) < 1e-3);
	assert_true(fabs(kx_great_circle(45, 0, -45, 180) - 2 * quarter) <
	    1e-1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_great_circle)
	};

	return cmocka_run_group_tests_name("criteria", tests, NULL, NULL);
}
