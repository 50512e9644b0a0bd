/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashes: the examples of FIPS 180-4, in one piece and in many; hex.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kx/hash.h"
#include "kx/kernel.h"

static const char two_blocks[] =
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

static void
check(enum kx_hash_kind kind, const char *text, const char *want)
{
	struct kx_hash *hash;
	uint8_t digest[KX_HASH_MOST];
	char hex[2 * KX_HASH_MOST + 1];
	size_t len = strlen(text), i, size;
	int round;

	assert_int_equal(kx_hash_new(kind, &hash, NULL), KX_OK);
	size = kx_hash_size(hash);
	assert_int_equal(size, strlen(want) / 2);
	/* One handle, message after message */
	for (round = 0; round < 3; round++) {
		memset(digest, 0xaa, sizeof(digest));
		assert_int_equal(kx_hash_all(hash, text, len, digest), KX_OK);
		kx_hex(digest, size, hex);
		assert_string_equal(hex, want);
		if (size < sizeof(digest))
			assert_int_equal(digest[size], 0xaa);
		assert_int_equal(kx_hash_begin(hash), KX_OK);
		for (i = 0; i < len; i++)
			assert_int_equal(kx_hash_add(hash, text + i, 1),
			    KX_OK);
		assert_int_equal(kx_hash_add(hash, NULL, 0), KX_OK);
		assert_int_equal(kx_hash_end(hash, digest), KX_OK);
		kx_hex(digest, size, hex);
		assert_string_equal(hex, want);
		/* One that was begun and left changes nothing. */
		assert_int_equal(kx_hash_begin(hash), KX_OK);
		assert_int_equal(kx_hash_add(hash, "x", 1), KX_OK);
	}
	kx_hash_free(hash);
}

static void
test_sha256(void **state)
{
	(void)state;
	check(KX_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	check(KX_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	check(KX_SHA256, two_blocks, "248d6a61d20638b8e5c026930c3e6039"
	    "a33ce45964ff2167f6ecedd419db06c1");
}

static void
test_sha512(void **state)
{
	(void)state;
	check(KX_SHA512, "abc", "ddaf35a193617abacc417349ae204131"
	    "12e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
	    "454d4423643ce80e2a9ac94fa54ca49f");
}

/* RFC 4231, cases 1, 2, 6 and 7; the message in two pieces. */
static void
check_hmac(const void *key, size_t key_len, const char *text,
    const char *want)
{
	struct kx_hmac hmac;
	uint8_t digest[KX_SHA256_SIZE];
	char hex[2 * KX_SHA256_SIZE + 1];
	struct kx_span pieces[] = { { text, 3 }, KX_SPAN_NULL,
	    { text + 3, strlen(text) - 3 } };
	int round;

	assert_int_equal(kx_hmac_key(&hmac, key, key_len), KX_OK);
	for (round = 0; round < 2; round++) {
		assert_int_equal(kx_hmac_sign(&hmac, pieces, 3, digest),
		    KX_OK);
		kx_hex(digest, sizeof(digest), hex);
		assert_string_equal(hex, want);
	}
}

static void
test_hmac(void **state)
{
	unsigned char key[131];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	check_hmac(key, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	check_hmac("Jefe", 4, "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	check_hmac(key, 131, "Test Using Larger Than Block-Size Key - "
	    "Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
	check_hmac(key, 131, "This is a test using a larger than block-size "
	    "key and a larger than block-size data. The key needs to be "
	    "hashed before being used by the HMAC algorithm.",
	    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void
test_hex(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x0f, 0xa0, 0xff };
	uint8_t back[4];
	char hex[9];

	(void)state;
	kx_hex(bytes, 4, hex);
	assert_string_equal(hex, "000fa0ff");
	assert_true(kx_hex_parse(KX_SPAN("000FA0ff"), back, 4));
	assert_memory_equal(back, bytes, 4);
	assert_false(kx_hex_parse(KX_SPAN("000fa0f"), back, 4));
	assert_false(kx_hex_parse(KX_SPAN("000fa0ff0"), back, 4));
	assert_false(kx_hex_parse(KX_SPAN("000fa0fg"), back, 4));
	assert_false(kx_hex_parse(KX_SPAN("000fa0"), back, 4));
	kx_hex(bytes, 0, hex);
	assert_string_equal(hex, "");
	kx_hash_free(NULL);
}

/* Lengths around every edge of a block, and some long ones. */
static size_t
some_length(unsigned n)
{
	static const size_t edges[] = { 0, 1, 55, 56, 63, 64, 65, 111, 112,
		119, 120, 127, 128, 129, 191, 192, 255, 256, 257, 4096 };

	return n % 3 == 0 ? n * 7919 % 30011 :
	    edges[n % (sizeof(edges) / sizeof(edges[0]))];
}

/* Each message by itself is what all together are to be, whatever lanes there
 * are and however many messages. */
static void
check_many(const struct kx_kernel *kernel, const char *bytes, size_t n,
    unsigned seed)
{
	struct kx_message m[40] = { { .which = 0 } };
	struct kx_sums got[40], want;
	size_t i;

	for (i = 0; i < n; i++) {
		m[i] = (struct kx_message){ { bytes + (seed + i) % 97,
		    some_length(seed * 31 + (unsigned)i) },
		    seed % 5 == 0 ? 7 : (seed + (unsigned)i * 3) % 8,
		    &got[i] };
		memset(&got[i], 0xaa, sizeof(got[i]));
	}
	assert_int_equal(kx_sums_many(kernel, m, n), KX_OK);
	for (i = 0; i < n; i++) {
		assert_int_equal(kx_sums_all(&want, m[i].which,
		    m[i].bytes.ptr, m[i].bytes.len), KX_OK);
		assert_int_equal(got[i].have, m[i].which);
		if (m[i].which & KX_SUM_CRC32)
			assert_int_equal(got[i].crc32, want.crc32);
		if (m[i].which & KX_SUM_SHA256)
			assert_memory_equal(got[i].sha256, want.sha256,
			    sizeof(want.sha256));
		if (m[i].which & KX_SUM_SHA512)
			assert_memory_equal(got[i].sha512, want.sha512,
			    sizeof(want.sha512));
	}
}

static void
test_many(void **state)
{
	const struct kx_kernel *const *k;
	char *bytes = malloc(32768);
	unsigned seed;
	size_t n;

	(void)state;
	assert_non_null(bytes);
	for (n = 0; n < 32768; n++)
		bytes[n] = (char)(n * n >> 5);
	for (k = kx_kernel_all(); ; k++) {
		for (seed = 0; seed < 60; seed++)
			check_many(*k, bytes, seed % 41, seed);
		for (n = 0; n < 20; n++)
			check_many(*k, bytes, n, 5 * (unsigned)n);
		if (*k == NULL)
			break;
	}
	free(bytes);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_sha512),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
