/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The field table holds together, and the walk finds what it names.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/event.h"

static const char text[] =
    "{\"monitor_id\":114,\"id\":\"203:1691055920965:4829655691653739\","
    "\"event_id\":\"4829655691653739\",\"topic\":\"FaceMatched\","
    "\"level\":1,\"unknown\":{\"topic\":\"x\",\"channel\":{\"id\":9}},"
    "\"params\":{\"identities\":["
    "{\"faces\":[{\"id\":1,\"similarity\":0.5},{\"id\":2}],"
    "\"list\":{\"id\":7,\"name\":\"List\"}},"
    "{\"list\":{\"id\":8},\"plates\":[{\"number\":\"A1\"}]}],"
    "\"object\":{\"color\":{\"value\":\"gray\",\"reliability\":\"0.9\"}}},"
    "\"snapshots\":[{\"type\":\"FULLSCREEN\",\"path\":\"/p\"},3,"
    "{\"image\":\"aGk=\"}],"
    "\"channel_id\":5,\"channel\":{\"name\":\"n\",\"\\u0069d\":274},"
    "\"channel_address\":{\"city\":\"Miami\"},"
    "\"tags\":[{\"id\":170,\"name\":\"Face\"}]}";

static struct kx_schema *schema;
static struct kx_json json;
static struct kx_event event;
static char padded[sizeof text + KX_PADDING];

static int
setup(void **state)
{
	(void)state;
	memcpy(padded, text, sizeof text);
	schema = kx_schema_new();
	return schema == NULL || kx_json_init(&json, NULL) != KX_OK ||
	    kx_json_scan(&json, padded, sizeof text - 1, NULL) != KX_OK ||
	    !kx_event_walk(&event, schema, &json);
}

static int
teardown(void **state)
{
	(void)state;
	kx_event_fini(&event);
	kx_json_fini(&json);
	kx_schema_free(schema);
	return 0;
}

/* Every group stands in one run, small enough for a row; every column is
 * found by its name and no name stands twice. */
static void
test_table(void **state)
{
	int f, g;

	(void)state;
	for (f = 0; f < KX_N_FIELDS; f++) {
		enum kx_group group = kx_field_info[f].group;

		assert_int_equal(
		    kx_field_find(kx_span_str(kx_field_info[f].column)), f);
		assert_true(kx_field_info[f].pointer[0] == '/');
		if (group != KX_GROUP_EVENT)
			assert_in_range(f - kx_group_first(group), 0, 4);
	}
	for (g = 0; g < KX_N_GROUPS; g++) {
		f = (int)kx_group_first((enum kx_group)g);
		assert_int_equal(kx_field_info[f].group, g);
		while (--f >= 0 && g != KX_GROUP_EVENT)
			assert_int_not_equal(kx_field_info[f].group, g);
	}
	assert_int_equal(kx_field_find(KX_SPAN("nonsense")), -1);
}

static void
expect(enum kx_field f, uint32_t node, const char *raw)
{
	struct kx_span got;

	if (raw == NULL) {
		assert_int_equal(node, 0);
		return;
	}
	if (node == 0)
		fail_msg("%s not found", kx_field_info[f].column);
	got = kx_json_raw(&json, node);
	assert_int_equal(got.len, strlen(raw));
	assert_memory_equal(got.ptr, raw, got.len);
}

static void
test_walk(void **state)
{
	const struct kx_rows *rows = event.rows;

	(void)state;
	assert_true(event.is_object);
	expect(KX_EVENT_MONITOR_ID,
	    kx_event_get(&event, KX_EVENT_MONITOR_ID), "114");
	expect(KX_EVENT_TOPIC, kx_event_get(&event, KX_EVENT_TOPIC),
	    "\"FaceMatched\"");
	expect(KX_EVENT_COLOR, kx_event_get(&event, KX_EVENT_COLOR),
	    "\"gray\"");
	/* Both spellings: the nested one counts, the flat one is kept. */
	expect(KX_EVENT_CHANNEL_ID,
	    kx_event_get(&event, KX_EVENT_CHANNEL_ID), "274");
	expect(KX_EVENT_CHANNEL_ID, event.flat[KX_EVENT_CHANNEL_ID], "5");
	expect(KX_EVENT_CITY, kx_event_get(&event, KX_EVENT_CITY),
	    "\"Miami\"");
	expect(KX_EVENT_END_TIME, kx_event_get(&event, KX_EVENT_END_TIME),
	    NULL);

	assert_int_equal(rows[KX_GROUP_IDENTITY].n, 2);
	assert_int_equal(rows[KX_GROUP_FACE].n, 2);
	assert_int_equal(rows[KX_GROUP_PLATE].n, 1);
	assert_int_equal(rows[KX_GROUP_SNAPSHOT].n, 3);
	assert_int_equal(rows[KX_GROUP_TAG].n, 1);
	expect(KX_IDENTITY_LIST_ID, kx_row_get(
	    &rows[KX_GROUP_IDENTITY].row[1], KX_IDENTITY_LIST_ID), "8");
	expect(KX_FACE_ID, kx_row_get(&rows[KX_GROUP_FACE].row[1],
	    KX_FACE_ID), "2");
	assert_int_equal(rows[KX_GROUP_FACE].row[1].identity, 0);
	assert_int_equal(rows[KX_GROUP_PLATE].row[0].identity, 1);
	expect(KX_SNAPSHOT_IMAGE, kx_row_get(&rows[KX_GROUP_SNAPSHOT].row[2],
	    KX_SNAPSHOT_IMAGE), "\"aGk=\"");
	expect(KX_SNAPSHOT_TYPE, kx_row_get(&rows[KX_GROUP_SNAPSHOT].row[1],
	    KX_SNAPSHOT_TYPE), NULL);
}

/* A name that stands twice counts as its last value, arrays too. */
static void
test_repeated(void **state)
{
	static char twice[128 + KX_PADDING] =
	    "{\"snapshots\":[{\"type\":\"a\"},{}],\"level\":1,"
	    "\"snapshots\":[{\"type\":\"b\"}],\"level\":2}";
	struct kx_json j;
	struct kx_event e = { 0 };
	int64_t level;

	(void)state;
	assert_int_equal(kx_json_init(&j, NULL), KX_OK);
	assert_int_equal(kx_json_scan(&j, twice, strlen(twice), NULL), KX_OK);
	assert_true(kx_event_walk(&e, schema, &j));
	assert_int_equal(e.rows[KX_GROUP_SNAPSHOT].n, 1);
	assert_true(kx_json_str_eq(&j, kx_row_get(
	    &e.rows[KX_GROUP_SNAPSHOT].row[0], KX_SNAPSHOT_TYPE),
	    KX_SPAN("b")));
	assert_true(kx_value_int(&j, kx_event_get(&e, KX_EVENT_LEVEL),
	    &level));
	assert_int_equal(level, 2);
	kx_event_fini(&e);
	kx_json_fini(&j);
}

static void
test_id(void **state)
{
	static const char *const no[] = {
		"", "1", "1:2", "1:1691055920965:", ":1691055920965:1",
		"01:1691055920965:1", "1:169105592096:1", "1:1691055920965:1 ",
		"1:1691055920965:123456789012345678901", "1:1691055920965:x"
	};
	struct kx_span origin, start, id;
	size_t i;

	(void)state;
	assert_true(kx_id_parse(KX_SPAN("203:1691055920965:4829655691653739"),
	    &origin, &start, &id));
	assert_true(kx_span_eq(origin, KX_SPAN("203")));
	assert_true(kx_span_eq(start, KX_SPAN("1691055920965")));
	assert_true(kx_span_eq(id, KX_SPAN("4829655691653739")));
	assert_true(kx_id_parse(KX_SPAN("0:1691055920965:0"), &origin, &start,
	    &id));
	for (i = 0; i < sizeof no / sizeof no[0]; i++)
		assert_false(kx_id_parse(kx_span_str(no[i]), &origin, &start,
		    &id));
}

/* What is offered for a field are its values, or what is known of them; the
 * names of levels are those that messages have. */
static void
test_known(void **state)
{
	char levels[64] = "";
	int i;

	(void)state;
	for (i = 0; kx_level_name(i) != NULL; i++)
		(void)snprintf(levels + strlen(levels),
		    sizeof(levels) - strlen(levels), "%s%s", i > 0 ? " " : "",
		    kx_level_name(i));
	assert_string_equal(kx_field_known(KX_EVENT_LEVEL), levels);
	assert_string_equal(kx_field_known(KX_PLATE_STATE),
	    kx_field_info[KX_PLATE_STATE].values);
	assert_string_equal(kx_field_known(KX_EVENT_ID), "");
	assert_non_null(strstr(kx_field_known(KX_EVENT_TOPIC),
	    "PlateMatched"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_id),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
