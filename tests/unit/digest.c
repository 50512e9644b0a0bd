/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sums beside: the same with threads and without, for any pieces.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/digest.h"

#define ALL (KX_SUM_SHA256 | KX_SUM_SHA512 | KX_SUM_CRC32)
#define SIZE ((size_t)4 << 20)

static void
check_same(const struct kx_sums *a, const struct kx_sums *b)
{
	assert_int_equal(a->have, b->have);
	assert_int_equal(a->crc32, b->crc32);
	assert_memory_equal(a->sha256, b->sha256, sizeof(a->sha256));
	assert_memory_equal(a->sha512, b->sha512, sizeof(a->sha512));
}

static void
test_threads(void **state)
{
	char *bytes = malloc(SIZE);
	struct kx_sums want, got;
	struct kx_digest *d;
	struct kx_span spans[3];
	size_t i, n, off;
	int threads;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * i >> 9);
	assert_int_equal(kx_sums_all(&want, ALL, bytes, SIZE), KX_OK);
	for (threads = 0; threads < 2; threads++) {
		assert_int_equal(kx_digest_new(ALL, threads ? ALL : 0, &d,
		    NULL), KX_OK);
		for (off = 0; off < SIZE; ) {
			for (i = 0; i < 3; i++) {
				n = (off * 7 + i) % 300007;
				if (n > SIZE - off)
					n = SIZE - off;
				spans[i] = (struct kx_span){ bytes + off, n };
				off += n;
			}
			kx_digest_add(d, spans, 3);
			kx_digest_wait(d, 0);
		}
		assert_int_equal(kx_digest_sums(d, &got), KX_OK);
		check_same(&got, &want);
		kx_digest_free(d);
	}
	free(bytes);
	kx_digest_free(NULL);
}

/* As many adds ahead as there are, whoever has which kinds; a buffer that the
 * wait gives back is written over. */
static void
test_ahead(void **state)
{
	static const unsigned beside[] = { 0, KX_SUM_SHA256, KX_SUM_SHA512,
		ALL };
	enum { PIECE = 100003 };
	char *bytes = malloc(SIZE), *ring = malloc(KX_DIGEST_AHEAD * PIECE);
	struct kx_span span[KX_DIGEST_AHEAD];
	struct kx_sums want, got;
	struct kx_digest *d;
	size_t i, k, n, off;

	(void)state;
	assert_non_null(bytes);
	assert_non_null(ring);
	for (i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * i >> 7);
	assert_int_equal(kx_sums_all(&want, ALL, bytes, SIZE), KX_OK);
	for (i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		assert_int_equal(kx_digest_new(ALL, beside[i], &d, NULL),
		    KX_OK);
		for (k = off = 0; off < SIZE; off += n, k++) {
			n = SIZE - off < PIECE ? SIZE - off : PIECE;
			kx_digest_wait(d, KX_DIGEST_AHEAD - 1);
			span[k % KX_DIGEST_AHEAD] = (struct kx_span){ ring +
			    k % KX_DIGEST_AHEAD * PIECE, n };
			memcpy(ring + k % KX_DIGEST_AHEAD * PIECE,
			    bytes + off, n);
			kx_digest_add(d, &span[k % KX_DIGEST_AHEAD], 1);
		}
		assert_int_equal(kx_digest_sums(d, &got), KX_OK);
		check_same(&got, &want);
		kx_digest_free(d);
	}
	free(ring);
	free(bytes);
}

/* A state that is taken over goes on where it was; what it was taken from
 * goes its own way. */
static void
test_resume(void **state)
{
	const struct kx_span ab = { "ab", 2 }, c = { "c", 1 }, d = { "d", 1 };
	struct kx_digest *one, *two;
	struct kx_summing at;
	struct kx_sums sums, want;

	(void)state;
	assert_int_equal(kx_digest_new(ALL, 0, &one, NULL), KX_OK);
	assert_int_equal(kx_digest_new(KX_SUM_SHA256, false, &two, NULL),
	    KX_OK);
	kx_digest_add(one, &ab, 1);
	kx_digest_state(one, &at);
	kx_digest_resume(two, &at);
	kx_digest_add(one, &d, 1);
	kx_digest_add(two, &c, 1);
	assert_int_equal(kx_digest_sums(two, &sums), KX_OK);
	assert_int_equal(kx_sums_all(&want, KX_SUM_SHA256, "abc", 3), KX_OK);
	assert_int_equal(sums.have, KX_SUM_SHA256);
	assert_memory_equal(sums.sha256, want.sha256, sizeof(want.sha256));
	assert_int_equal(kx_digest_sums(one, &sums), KX_OK);
	assert_int_equal(kx_sums_all(&want, ALL, "abd", 3), KX_OK);
	check_same(&sums, &want);
	kx_digest_free(one);
	kx_digest_free(two);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_resume)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
