/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes: the one file that knows libcrypto.
 *
 * The functions are those that OpenSSL 3 would rather have called through its
 * EVP_MD_fetch().  That one sets up the whole library, in some hundred
 * allocations, and crashes (3.0) where certain of them fail; these work in
 * the caller's memory, allocate nothing and cannot fail.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "kx/hash.h"

_Static_assert(SHA256_DIGEST_LENGTH == KX_SHA256_SIZE, "");
_Static_assert(SHA512_DIGEST_LENGTH == KX_SHA512_SIZE, "");

struct kx_hash {
	enum kx_hash_kind kind;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	} ctx;
};

enum kx_status
kx_hash_new(enum kx_hash_kind kind, struct kx_hash **out,
    struct kx_error *err)
{
	struct kx_hash *hash = calloc(1, sizeof(*hash));

	*out = hash;
	if (hash == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM,
		    "cannot set up hashes");
	hash->kind = kind;
	return KX_OK;
}

void
kx_hash_free(struct kx_hash *hash)
{
	free(hash);
}

size_t
kx_hash_size(const struct kx_hash *hash)
{
	return hash->kind == KX_SHA512 ? KX_SHA512_SIZE : KX_SHA256_SIZE;
}

static enum kx_status
check(int ok)
{
	return ok == 1 ? KX_OK : KX_FAIL;
}

enum kx_status
kx_hash_begin(struct kx_hash *hash)
{
	return check(hash->kind == KX_SHA512 ?
	    SHA512_Init(&hash->ctx.sha512) : SHA256_Init(&hash->ctx.sha256));
}

enum kx_status
kx_hash_add(struct kx_hash *hash, const void *ptr, size_t len)
{
	if (len == 0)
		return KX_OK;
	return check(hash->kind == KX_SHA512 ?
	    SHA512_Update(&hash->ctx.sha512, ptr, len) :
	    SHA256_Update(&hash->ctx.sha256, ptr, len));
}

enum kx_status
kx_hash_end(struct kx_hash *hash, uint8_t *digest)
{
	enum kx_status status = check(hash->kind == KX_SHA512 ?
	    SHA512_Final(digest, &hash->ctx.sha512) :
	    SHA256_Final(digest, &hash->ctx.sha256));

	if (status != KX_OK)
		memset(digest, 0, kx_hash_size(hash));
	return status;
}

enum kx_status
kx_hash_all(struct kx_hash *hash, const void *ptr, size_t len,
    uint8_t *digest)
{
	if (kx_hash_begin(hash) != KX_OK ||
	    kx_hash_add(hash, ptr, len) != KX_OK) {
		memset(digest, 0, kx_hash_size(hash));
		return KX_FAIL;
	}
	return kx_hash_end(hash, digest);
}

void
kx_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
kx_hex_parse(struct kx_span text, uint8_t *bytes, size_t len)
{
	size_t i;
	int hi, lo;

	if (text.len / 2 != len || text.len % 2 != 0)
		return false;
	for (i = 0; i < len; i++) {
		hi = hex_value(text.ptr[2 * i]);
		lo = hex_value(text.ptr[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
