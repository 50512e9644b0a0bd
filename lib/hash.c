/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes: the one file that knows libcrypto.  EVP_sha256() would have the
 * algorithm looked up, under a lock, for every message; a fetched one is
 * there.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "kx/hash.h"

struct kx_hash {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	size_t size;
};

enum kx_status
kx_hash_new(enum kx_hash_kind kind, struct kx_hash **out,
    struct kx_error *err)
{
	const char *name = kind == KX_SHA512 ? "SHA512" : "SHA256";
	struct kx_hash *hash;
	int errnum = ENOMEM;

	*out = NULL;
	hash = calloc(1, sizeof(*hash));
	if (hash == NULL)
		goto fail;
	hash->size = kind == KX_SHA512 ? KX_SHA512_SIZE : KX_SHA256_SIZE;
	hash->md = EVP_MD_fetch(NULL, name, NULL);
	if (hash->md == NULL) {
		/* What it says on its stack is not always about memory. */
		if (ERR_GET_REASON(ERR_peek_last_error()) !=
		    ERR_R_MALLOC_FAILURE)
			errnum = 0;
		goto fail;
	}
	hash->ctx = EVP_MD_CTX_new();
	if (hash->ctx == NULL)
		goto fail;
	*out = hash;
	return KX_OK;
fail:
	ERR_clear_error();
	kx_hash_free(hash);
	return kx_error_set(err, KX_FAIL, errnum, "cannot set up %s", name);
}

void
kx_hash_free(struct kx_hash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->ctx);
	EVP_MD_free(hash->md);
	free(hash);
}

size_t
kx_hash_size(const struct kx_hash *hash)
{
	return hash->size;
}

static enum kx_status
check(int ok)
{
	if (ok == 1)
		return KX_OK;
	ERR_clear_error();
	return KX_FAIL;
}

enum kx_status
kx_hash_begin(struct kx_hash *hash)
{
	return check(EVP_DigestInit_ex2(hash->ctx, hash->md, NULL));
}

enum kx_status
kx_hash_add(struct kx_hash *hash, const void *ptr, size_t len)
{
	if (len == 0)
		return KX_OK;
	return check(EVP_DigestUpdate(hash->ctx, ptr, len));
}

enum kx_status
kx_hash_end(struct kx_hash *hash, uint8_t *digest)
{
	uint8_t full[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	enum kx_status status;

	status = check(EVP_DigestFinal_ex(hash->ctx, full, &len));
	if (status == KX_OK && len != hash->size)
		status = KX_FAIL;
	if (status == KX_OK)
		memcpy(digest, full, hash->size);
	else
		memset(digest, 0, hash->size);
	return status;
}

enum kx_status
kx_hash_all(struct kx_hash *hash, const void *ptr, size_t len,
    uint8_t *digest)
{
	if (kx_hash_begin(hash) != KX_OK ||
	    kx_hash_add(hash, ptr, len) != KX_OK) {
		memset(digest, 0, hash->size);
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
