/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A log read again: the bytes that were seen, or the news that they are no
 * longer there.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kx/relog.h"

#define SIZE ((size_t)3 << 20)

static char bytes[SIZE], got[SIZE];
static size_t n_got, most;

static enum kx_status
take(void *arg, struct kx_span span, struct kx_error *err)
{
	(void)arg;
	if (n_got + span.len > most)
		return kx_error_set(err, KX_FAIL, 0, "enough");
	memcpy(got + n_got, span.ptr, span.len);
	n_got += span.len;
	return KX_OK;
}

/* A file of the bytes, seen in pieces to `end`. */
static FILE *
see(struct kx_relog **log, size_t end)
{
	FILE *f = tmpfile();
	size_t off, n;

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, SIZE, f), SIZE);
	assert_int_equal(fflush(f), 0);
	*log = kx_relog_open(fileno(f));
	assert_non_null(*log);
	for (off = 0; off < end; off += n) {
		n = off * 31 % 70001 + 1;
		if (n > end - off)
			n = end - off;
		kx_relog_see(*log, (struct kx_span){ bytes + off, n });
	}
	return f;
}

static enum kx_status
again(struct kx_relog *log, struct kx_error *err)
{
	const unsigned which = KX_SUM_SHA256 | KX_SUM_SHA512;
	struct kx_sums want, sums;
	enum kx_status status;
	struct kx_digest *d;

	n_got = 0;
	assert_int_equal(kx_digest_new(which, KX_SUM_SHA512, &d, NULL),
	    KX_OK);
	status = kx_relog_read(log, d, take, NULL, err);
	if (status == KX_OK) {
		assert_int_equal(n_got, kx_relog_size(log));
		assert_memory_equal(got, bytes, n_got);
		assert_int_equal(kx_sums_all(&want, which, bytes, n_got),
		    KX_OK);
		assert_int_equal(kx_digest_sums(d, &sums), KX_OK);
		assert_memory_equal(sums.sha256, want.sha256,
		    sizeof(want.sha256));
		assert_memory_equal(sums.sha512, want.sha512,
		    sizeof(want.sha512));
	}
	kx_digest_free(d);
	return status;
}

static void
overwrite(FILE *f, size_t off)
{
	char c = (char)(bytes[off] ^ 1);

	assert_int_equal(pwrite(fileno(f), &c, 1, (off_t)off), 1);
}

static void
test_again(void **state)
{
	static const size_t ends[] = { 0, 1, 63, 64, 65, 262144, 262145,
		SIZE - 1, SIZE };
	struct kx_relog *log;
	struct kx_error err;
	size_t i;
	FILE *f;

	(void)state;
	most = SIZE;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		f = see(&log, ends[i]);
		assert_int_equal(again(log, &err), KX_OK);
		/* It may grow. */
		assert_int_equal(fwrite("more", 1, 4, f), 4);
		assert_int_equal(fflush(f), 0);
		assert_int_equal(again(log, &err), KX_OK);
		if (ends[i] < SIZE)
			overwrite(f, ends[i]);
		assert_int_equal(again(log, &err), KX_OK);
		if (ends[i] > 0) {
			overwrite(f, ends[i] - 1);
			assert_int_equal(again(log, &err), KX_BAD);
			assert_int_equal(ftruncate(fileno(f),
			    (off_t)ends[i] - 1), 0);
			assert_int_equal(again(log, &err), KX_BAD);
		}
		kx_relog_close(log);
		assert_int_equal(fclose(f), 0);
	}
	f = see(&log, SIZE);
	overwrite(f, 0);
	assert_int_equal(again(log, &err), KX_BAD);
	kx_relog_close(log);
	assert_int_equal(fclose(f), 0);
	kx_relog_close(NULL);
}

static void
test_taker(void **state)
{
	struct kx_relog *log;
	struct kx_error err;
	FILE *f = see(&log, SIZE);

	(void)state;
	most = SIZE / 2;
	assert_int_equal(again(log, &err), KX_FAIL);
	assert_string_equal(err.message, "enough");
	most = SIZE;
	kx_relog_close(log);
	assert_int_equal(fclose(f), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_taker),
	};
	size_t i;

	for (i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * i >> 9);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
