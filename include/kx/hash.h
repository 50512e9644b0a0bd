/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 and SHA-512 (FIPS 180-4), by libcrypto.  A struct kx_hash serves any
 * number of messages, one after the other, on one thread at a time.
 */
#ifndef KX_HASH_H
#define KX_HASH_H

#include "kx/base.h"

enum kx_hash_kind { KX_SHA256, KX_SHA512 };

#define KX_SHA256_SIZE 32
#define KX_SHA512_SIZE 64
#define KX_HASH_MOST 64

struct kx_hash;

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

/* Lower-case hexadecimal, terminated: out[2 * len + 1]. */
void kx_hex(const uint8_t *bytes, size_t len, char *out);
/* The reverse, exactly `len` bytes, letters in either case; false for any
 * other text. */
bool kx_hex_parse(struct kx_span text, uint8_t *bytes, size_t len);

#endif
