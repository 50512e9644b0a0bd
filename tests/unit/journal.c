/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal: whatever order events are recorded in, and wherever the file is
 * cut, what it holds is what was recorded in front of the cut.
 */
#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kx/journal.h"

#define INPUT "file sha256 00 bytes 1"
#define N 3000

static char path[64];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "journal-%ld.tmp", (long)getpid());
	(void)unlink(path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct kx_journal *
must_open(bool read_only)
{
	struct kx_journal *j;
	struct kx_error err;

	assert_int_equal(kx_journal_open(path, INPUT, read_only, &j, &err),
	    KX_OK);
	return j;
}

static off_t
file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void
test_in_order(void **state)
{
	struct kx_journal *j = must_open(false);
	struct kx_error err;
	off_t begin = file_size();
	uint64_t i, one;

	(void)state;
	assert_int_equal(kx_journal_count(j), 0);
	assert_false(kx_journal_has(j, 0));
	for (i = 0; i < N; i++) {
		one = i;
		assert_int_equal(kx_journal_add(j, &one, 1, &err), KX_OK);
	}
	assert_int_equal(kx_journal_sync(j, &err), KX_OK);
	/* What the header promises. */
	assert_int_equal(file_size() - begin, 5 * N);
	kx_journal_close(j);
	j = must_open(false);
	assert_int_equal(kx_journal_count(j), N);
	assert_int_equal(kx_journal_last(j), N - 1);
	for (i = 0; i < N; i++)
		assert_true(kx_journal_has(j, i));
	assert_false(kx_journal_has(j, N));
	/* Back again. */
	assert_true(kx_journal_has(j, 3));
	kx_journal_close(j);
}

/* Records 0 to N-1 but each seventh, shuffled, in groups; then every cut. */
static void
test_any_order_any_cut(void **state)
{
	static uint64_t order[N], ends[N], firsts[N];
	static bool said[N];
	struct kx_journal *j = must_open(false);
	struct kx_error err;
	uint64_t group[64], swap;
	size_t n = 0, i, k, n_groups = 0, size;
	unsigned seed = 7;
	char *copy;
	FILE *f;

	(void)state;
	for (i = 0; i < N; i++)
		if (i % 7 != 0)
			order[n++] = i;
	/* Nearly in order, as answers come. */
	for (i = 0; i + 40 < n; i++) {
		k = i + (seed = seed * 1103515245u + 12345u) / 65536 % 40;
		swap = order[i];
		order[i] = order[k];
		order[k] = swap;
	}
	for (i = 0; i < n;) {
		k = 1 + (seed = seed * 1103515245u + 12345u) / 65536 % 60;
		k = k < n - i ? k : n - i;
		memcpy(group, order + i, k * sizeof(*group));
		assert_int_equal(kx_journal_add(j, group, k, &err), KX_OK);
		i += k;
		firsts[n_groups] = i;
		ends[n_groups++] = (uint64_t)file_size();
	}
	kx_journal_close(j);
	size = (size_t)ends[n_groups - 1];
	copy = malloc(size);
	assert_non_null(copy);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(copy, 1, size, f), size);
	(void)fclose(f);
	for (k = 0; k <= size; k += k < 40 || k + 40 > size ? 1 : 61) {
		size_t whole = 0, count = 0;

		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(copy, 1, k, f), k);
		(void)fclose(f);
		for (i = 0; i < n_groups && ends[i] <= k; i++)
			whole = (size_t)firsts[i];
		memset(said, 0, sizeof(said));
		for (i = 0; i < whole; i++)
			said[order[i]] = true;
		j = must_open(k % 2 == 0);
		/* A group may be several frames, each of which counts. */
		for (i = 0; i < N; i++) {
			assert_true(!said[i] || kx_journal_has(j, i));
			assert_true(i % 7 != 0 || !kx_journal_has(j, i));
			count += kx_journal_has(j, i);
		}
		assert_int_equal(count, kx_journal_count(j));
		assert_in_range(count, whole, whole + 60);
		kx_journal_close(j);
	}
	free(copy);
}

static void
test_checks(void **state)
{
	struct kx_journal *j = must_open(false);
	static const uint8_t a[KX_JOURNAL_CHECK] = "aaaaaaa";
	static const uint8_t b[KX_JOURNAL_CHECK] = "bbbbbbb";
	struct kx_error err;
	uint64_t one = 5;

	(void)state;
	assert_int_equal(kx_journal_check(j, 1, a, true, &err), KX_OK);
	assert_int_equal(kx_journal_check(j, 2, b, false, &err), KX_OK);
	assert_int_equal(kx_journal_check(j, 300, b, true, &err), KX_OK);
	assert_int_equal(kx_journal_add(j, &one, 1, &err), KX_OK);
	kx_journal_close(j);
	j = must_open(false);
	assert_int_equal(kx_journal_check(j, 1, a, true, &err), KX_OK);
	assert_int_equal(kx_journal_check(j, 2, a, true, &err), KX_OK);
	assert_int_equal(kx_journal_check(j, 300, a, true, &err), KX_BAD);
	kx_journal_close(j);
}

static void
test_refusals(void **state)
{
	struct kx_journal *j = must_open(false), *other;
	struct kx_error err;

	(void)state;
	assert_int_equal(kx_journal_open(path, INPUT, false, &other, &err),
	    KX_BAD);
	assert_null(other);
	kx_journal_close(j);
	assert_int_equal(kx_journal_open(path, INPUT "2", false, &other, &err),
	    KX_BAD);
	assert_int_equal(kx_journal_open("no/such", INPUT, false, &other,
	    &err), KX_FAIL);
	assert_int_equal(err.errnum, 2);
	kx_journal_close(NULL);
}

/* A write that fails half-way is the last, and what was written in front of it
 * can still be synced. */
static void
test_torn(void **state)
{
	struct kx_journal *j = must_open(false);
	struct rlimit was, limit;
	struct kx_error err;
	uint64_t one = 7;
	off_t begin;

	(void)state;
	assert_int_equal(kx_journal_add(j, &one, 1, &err), KX_OK);
	begin = file_size();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = (rlim_t)begin + 3;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	one = 8;
	assert_int_equal(kx_journal_add(j, &one, 1, &err), KX_FATAL);
	assert_int_equal(err.errnum, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(file_size(), begin + 3);
	one = 9;
	assert_int_equal(kx_journal_add(j, &one, 1, &err), KX_FATAL);
	assert_int_equal(file_size(), begin + 3);
	assert_int_equal(kx_journal_sync(j, &err), KX_OK);
	kx_journal_close(j);
	j = must_open(false);
	assert_int_equal(kx_journal_count(j), 1);
	assert_true(kx_journal_has(j, 7));
	assert_int_equal(file_size(), begin);
	kx_journal_close(j);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_any_order_any_cut,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checks, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_torn, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
