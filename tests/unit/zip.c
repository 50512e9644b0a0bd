/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zip: what stands in front of a file, and what beyond 4 GiB and 65,535
 * files, which no other test makes.  The bytes go nowhere but for the headers.
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

#include "kx/zip.h"

#define TAIL 400000

/* The first and the last bytes of what is written. */
struct sink {
	unsigned char head[256];
	size_t head_len;
	unsigned char tail[TAIL];
	size_t tail_len;
	uint64_t size;
	bool refuse;
};

static enum kx_status
take(void *arg, struct kx_span bytes, struct kx_error *err)
{
	struct sink *sink = arg;
	size_t n = sizeof(sink->head) - sink->head_len, keep = bytes.len;

	if (sink->refuse)
		return kx_error_set(err, KX_FAIL, 28, "full");
	if (n > bytes.len)
		n = bytes.len;
	memcpy(sink->head + sink->head_len, bytes.ptr, n);
	sink->head_len += n;
	if (keep > TAIL)
		keep = TAIL;
	if (sink->tail_len + keep > TAIL) {
		n = sink->tail_len + keep - TAIL;
		memmove(sink->tail, sink->tail + n, sink->tail_len - n);
		sink->tail_len -= n;
	}
	memcpy(sink->tail + sink->tail_len, bytes.ptr + bytes.len - keep,
	    keep);
	sink->tail_len += keep;
	sink->size += bytes.len;
	return KX_OK;
}

static uint64_t
le(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static struct sink *
sink_new(void)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	assert_non_null(sink);
	return sink;
}

static void
put(struct kx_zip *zip, const char *name, bool deflate, const char *bytes,
    size_t len)
{
	const struct kx_zip_file file = { .name = name,
	    .mtime = 1685973362, .deflate = deflate, .size = len,
	    .crc32 = 0x12345678 };

	assert_int_equal(kx_zip_begin(zip, &file, NULL), KX_OK);
	assert_int_equal(kx_zip_data(zip, (struct kx_span){ bytes, len },
	    NULL), KX_OK);
	assert_int_equal(kx_zip_end(zip, NULL), KX_OK);
}

static void
test_in_front(void **state)
{
	struct sink *sink = sink_new();
	struct kx_zip *zip = kx_zip_new(take, sink);
	const unsigned char *h = sink->head;

	(void)state;
	assert_non_null(zip);
	put(zip, "stored", false, "hello", 5);
	assert_int_equal(le(h, 4), 0x04034b50);
	assert_int_equal(le(h + 6, 2), 0);		/* no bit 3 */
	assert_int_equal(le(h + 8, 2), 0);		/* stored */
	/* 2023-06-05 13:56:02 UTC, in steps of two seconds */
	assert_int_equal(le(h + 10, 2), 13 << 11 | 56 << 5 | 1);
	assert_int_equal(le(h + 12, 2), 43 << 9 | 6 << 5 | 5);
	assert_int_equal(le(h + 14, 4), 0x12345678);
	assert_int_equal(le(h + 18, 4), 5);
	assert_int_equal(le(h + 22, 4), 5);
	assert_int_equal(le(h + 28, 2), 9);
	assert_int_equal(le(h + 36 + 5, 4), 1685973362);	/* UT */
	assert_memory_equal(h + 36 + 9, "hello", 5);
	assert_int_equal(sink->size, 50);
	put(zip, "text", true, "hello", 5);
	assert_int_equal(le(h + 50 + 6, 2), 8);
	assert_int_equal(le(h + 50 + 8, 2), 8);
	assert_int_equal(le(h + 50 + 14, 4), 0);
	assert_int_equal(kx_zip_finish(zip, NULL), KX_OK);
	assert_int_equal(le(sink->tail + sink->tail_len - 12, 2), 2);
	kx_zip_free(zip);
	kx_zip_free(NULL);
	free(sink);
}

/* 5 GiB in one file, one behind it, and the table that says so. */
static void
test_large(void **state)
{
	const size_t piece = (size_t)64 << 20;
	const uint64_t size = (uint64_t)5 << 30;
	const struct kx_zip_file file = { .name = "big", .mtime = 1685973362,
	    .size = size };
	struct sink *sink = sink_new();
	struct kx_zip *zip = kx_zip_new(take, sink);
	char *bytes = calloc(1, piece);
	const unsigned char *p;
	uint64_t n;

	(void)state;
	assert_non_null(zip);
	assert_non_null(bytes);
	assert_int_equal(kx_zip_begin(zip, &file, NULL), KX_OK);
	p = sink->head;
	assert_int_equal(le(p + 4, 2), 45);
	assert_int_equal(le(p + 18, 4), 0xffffffff);
	assert_int_equal(le(p + 33, 2), 1);		/* Zip64 */
	assert_true(le(p + 37, 8) == size && le(p + 45, 8) == size);
	for (n = 0; n < size; n += piece)
		assert_int_equal(kx_zip_data(zip, (struct kx_span){ bytes,
		    piece }, NULL), KX_OK);
	assert_int_equal(kx_zip_end(zip, NULL), KX_OK);
	put(zip, "far", false, "x", 1);
	n = sink->size;
	assert_int_equal(kx_zip_finish(zip, NULL), KX_OK);
	p = sink->tail + sink->tail_len - 22;
	assert_int_equal(le(p, 4), 0x06054b50);
	assert_int_equal(le(p + 10, 2), 2);
	assert_int_equal(le(p + 16, 4), 0xffffffff);
	p -= 20;
	assert_int_equal(le(p, 4), 0x07064b50);
	assert_true(le(p + 8, 8) == sink->size - 22 - 20 - 56);
	p -= 56;
	assert_int_equal(le(p, 4), 0x06064b50);
	assert_int_equal(le(p + 32, 8), 2);
	assert_true(le(p + 48, 8) == n);
	free(bytes);
	kx_zip_free(zip);
	free(sink);
}

static void
test_many(void **state)
{
	struct sink *sink = sink_new();
	struct kx_zip *zip = kx_zip_new(take, sink);
	const unsigned char *p;
	char name[20];
	int i;

	(void)state;
	assert_non_null(zip);
	for (i = 0; i < 65535; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		put(zip, name, false, "", 0);
	}
	assert_int_equal(kx_zip_finish(zip, NULL), KX_OK);
	p = sink->tail + sink->tail_len - 22;
	assert_int_equal(le(p + 10, 2), 0xffff);
	assert_int_equal(le(p - 20 - 56 + 32, 8), 65535);
	kx_zip_free(zip);
	free(sink);
}

static void
test_refused(void **state)
{
	const struct kx_zip_file file = { .name = "a", .size = 1,
	    .mtime = 1685973362 };
	struct sink *sink = sink_new();
	struct kx_zip *zip = kx_zip_new(take, sink);
	struct kx_error err;

	(void)state;
	assert_non_null(zip);
	sink->refuse = true;
	assert_int_equal(kx_zip_begin(zip, &file, &err), KX_FAIL);
	assert_int_equal(err.errnum, 28);
	assert_int_equal(kx_zip_finish(zip, &err), KX_FAIL);
	kx_zip_free(zip);
	free(sink);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_front),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
