/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules between records: what is a copy and what a conflict, how long an id is
 * remembered, and the digest.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kx/stream.h"

static struct kx_stream_answer
add(struct kx_stream *stream, const char *id, const char *bytes,
    uint64_t line, unsigned input)
{
	struct kx_stream_note note = {
		.id = kx_stream_digest(kx_span_str(id)),
		.bytes = kx_stream_digest(kx_span_str(bytes)), .line = line
	};
	struct kx_stream_answer answer;

	kx_stream_prefetch(stream, &note);
	assert_int_equal(kx_stream_add(stream, &note, input, &answer), KX_OK);
	return answer;
}

static void
test_kinds(void **state)
{
	struct kx_stream *stream = kx_stream_new(KX_STREAM_MOST);
	struct kx_stream_answer answer;

	(void)state;
	assert_non_null(stream);
	assert_int_equal(add(stream, "a", "1", 1, 0).kind, KX_STREAM_NEW);
	assert_int_equal(add(stream, "b", "1", 2, 0).kind, KX_STREAM_NEW);
	answer = add(stream, "a", "1", 3, 1);
	assert_int_equal(answer.kind, KX_STREAM_COPY);
	assert_int_equal(answer.line, 1);
	assert_int_equal(answer.input, 0);
	/* All are held to the first. */
	answer = add(stream, "a", "2", 4, 1);
	assert_int_equal(answer.kind, KX_STREAM_CONFLICT);
	assert_int_equal(answer.line, 1);
	assert_int_equal(add(stream, "a", "1", 5, 1).kind, KX_STREAM_COPY);
	kx_stream_free(stream);
	kx_stream_free(NULL);
}

/* At least `most` ids are remembered, at most twice as many. */
static void
test_bound(void **state)
{
	const unsigned most = 1000, n = 5300;
	struct kx_stream *stream = kx_stream_new(most);
	char id[20];
	unsigned i, back;

	(void)state;
	assert_non_null(stream);
	for (i = 0; i < n; i++) {
		snprintf(id, sizeof id, "%u", i);
		assert_int_equal(add(stream, id, id, i, 0).kind,
		    KX_STREAM_NEW);
		if (i >= most) {
			back = i - most + 1;
			snprintf(id, sizeof id, "%u", back);
			assert_int_equal(add(stream, id, id, i, 0).kind,
			    KX_STREAM_COPY);
		}
	}
	snprintf(id, sizeof id, "%u", n - 2 * most - 1);
	assert_int_equal(add(stream, id, id, n, 0).kind, KX_STREAM_NEW);
	kx_stream_free(stream);
}

static void
test_mixed(void **state)
{
	struct kx_stream *stream = kx_stream_new(10);
	struct kx_stream_note note = { .has_event_id = true,
	    .event_id_text = true };
	struct kx_stream_note none = { .has_event_id = false };
	struct kx_stream_answer answer;
	unsigned i;

	(void)state;
	assert_non_null(stream);
	for (i = 0; i < 5; i++) {
		note.event_id_text = i < 2 || i == 4;
		assert_int_equal(kx_stream_add(stream, &none, 0, &answer),
		    KX_OK);
		assert_false(answer.mixed);
		assert_int_equal(kx_stream_add(stream, &note, 0, &answer),
		    KX_OK);
		/* Said once. */
		assert_int_equal(answer.mixed, i == 2);
		assert_int_equal(answer.kind, KX_STREAM_NEW);
	}
	kx_stream_free(stream);
}

/* Each byte and the length count, at every length around a step of it. */
static void
test_digest(void **state)
{
	char text[200];
	uint64_t whole, other;
	size_t len, i;

	(void)state;
	for (i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7);
	for (len = 0; len < sizeof text; len++) {
		whole = kx_stream_digest((struct kx_span){ text, len });
		assert_true(whole != 0);
		for (i = 0; i < len; i++) {
			text[i] ^= 1;
			other = kx_stream_digest((struct kx_span){ text,
			    len });
			text[i] ^= 1;
			assert_true(other != whole);
		}
		text[len] = '\0';
		other = kx_stream_digest((struct kx_span){ text, len + 1 });
		text[len] = (char)(len * 7);
		assert_true(len + 1 > sizeof text || other != whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_bound),
		cmocka_unit_test(test_mixed), cmocka_unit_test(test_digest)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
