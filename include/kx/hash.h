/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 and SHA-512 (FIPS 180-4) and HMAC, by libcrypto, and CRC-32 by
 * libdeflate.  A struct kx_hash serves any number of messages, one after the
 * other, on one thread at a time.
 */
#ifndef KX_HASH_H
#define KX_HASH_H

#include "kx/base.h"

enum kx_hash_kind { KX_SHA256, KX_SHA512 };

#define KX_SHA256_SIZE 32
#define KX_SHA512_SIZE 64
#define KX_HASH_MOST 64

struct kx_hash;
struct kx_kernel;

/* KX_OK: *out is the caller's to free; KX_FAIL: no memory. */
enum kx_status kx_hash_new(enum kx_hash_kind kind, struct kx_hash **out,
    struct kx_error *err) KX_MUST_CHECK;
void kx_hash_free(struct kx_hash *hash);

/* Bytes of a digest: 32 or 64. */
size_t kx_hash_size(const struct kx_hash *hash);

/*
 * The digest of one message, into kx_hash_size() bytes: begin, any number of
 * add, end; or all of it in one call.  None of them allocates.  KX_FAIL where
 * libcrypto fails: the digest is then all zeros and of no use.
 */
enum kx_status kx_hash_begin(struct kx_hash *hash) KX_MUST_CHECK;
enum kx_status kx_hash_add(struct kx_hash *hash, const void *ptr, size_t len)
    KX_MUST_CHECK;
enum kx_status kx_hash_end(struct kx_hash *hash, uint8_t *digest)
    KX_MUST_CHECK;
enum kx_status kx_hash_all(struct kx_hash *hash, const void *ptr, size_t len,
    uint8_t *digest) KX_MUST_CHECK;

/* Several of one message: what papers and archives say of a file. */
#define KX_SUM_SHA256 0x01u
#define KX_SUM_SHA512 0x02u
#define KX_SUM_CRC32 0x04u	/* zip's */

struct kx_sums {
	unsigned have;		/* KX_SUM_...: the rest means nothing */
	uint32_t crc32;
	uint8_t sha256[KX_SHA256_SIZE];
	uint8_t sha512[KX_SHA512_SIZE];
};

/* Those of `which`, of all of the message.  KX_FAIL where libcrypto fails. */
enum kx_status kx_sums_all(struct kx_sums *sums, unsigned which,
    const void *ptr, size_t len) KX_MUST_CHECK;

/*
 * The same of many messages: side by side where the kernel can, which takes
 * half the time or less, with the same results.  Each gets the sums of its
 * `which`.  KX_FAIL where libcrypto fails: not all sums are there.
 */
struct kx_message {
	struct kx_span bytes;
	unsigned which;
	struct kx_sums *sums;
};

enum kx_status kx_sums_many(const struct kx_kernel *kernel,
    const struct kx_message *messages, size_t n) KX_MUST_CHECK;

/* The same bit by bit; the state may be copied by assignment.  _end tells
 * the sums of what was added so far, and more may follow. */
struct kx_summing {
	unsigned which;
	uint32_t crc32;
	uint64_t size;
	_Alignas(16) unsigned char sha256[112], sha512[216];
};

enum kx_status kx_summing_begin(struct kx_summing *s, unsigned which)
    KX_MUST_CHECK;
/* Adds to those of `only` (KX_SUM_... of the ones begun): for threads that
 * share the work, each with kinds of its own.  `size` is the caller's who
 * adds to KX_SUM_SHA256. */
enum kx_status kx_summing_add(struct kx_summing *s, unsigned only,
    const void *ptr, size_t len) KX_MUST_CHECK;
enum kx_status kx_summing_end(const struct kx_summing *s,
    struct kx_sums *sums) KX_MUST_CHECK;

/*
 * HMAC (RFC 2104) with SHA-256.  A key is set up once; then any thread may
 * sign with it.  Neither allocates.  KX_FAIL where libcrypto fails.
 */
struct kx_hmac {
	uint64_t inner[16], outer[16];	/* hashes that have begun */
};

enum kx_status kx_hmac_key(struct kx_hmac *hmac, const void *key, size_t len)
    KX_MUST_CHECK;
/* The digest of the pieces, one behind another. */
enum kx_status kx_hmac_sign(const struct kx_hmac *hmac,
    const struct kx_span *pieces, size_t n, uint8_t digest[KX_SHA256_SIZE])
    KX_MUST_CHECK;

/* Lower-case hexadecimal, terminated: out[2 * len + 1]. */
void kx_hex(const uint8_t *bytes, size_t len, char *out);
/* The reverse, exactly `len` bytes, letters in either case; false for any
 * other text. */
bool kx_hex_parse(struct kx_span text, uint8_t *bytes, size_t len);

#endif
