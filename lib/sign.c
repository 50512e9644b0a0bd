/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard Webhooks: what is signed is "ID.TIMESTAMP.BODY"; the signature is
 * "v1,", then the digest in base64.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kx/base64.h"
#include "kx/hash.h"
#include "kx/sign.h"

#define KEY_LEAST 24
#define KEY_MOST 64

struct kx_signer {
	struct kx_hmac *key;
	size_t n;
};

struct kx_signer *
kx_signer_new(void)
{
	return calloc(1, sizeof(struct kx_signer));
}

void
kx_signer_free(struct kx_signer *signer)
{
	if (signer == NULL)
		return;
	if (signer->n > 0)
		explicit_bzero(signer->key, signer->n * sizeof(*signer->key));
	free(signer->key);
	free(signer);
}

size_t
kx_signer_keys(const struct kx_signer *signer)
{
	return signer->n;
}

/* Of a digest's 32 bytes, ended by NUL. */
static void
encode(const uint8_t digest[KX_SHA256_SIZE], char text[45])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits;
	size_t i;

	for (i = 0; i < KX_SHA256_SIZE; i += 3) {
		/* The last group is two bytes. */
		bits = (uint32_t)digest[i] << 16 |
		    (uint32_t)digest[i + 1] << 8;
		if (i + 2 < KX_SHA256_SIZE)
			bits |= digest[i + 2];
		*text++ = alphabet[bits >> 18];
		*text++ = alphabet[bits >> 12 & 63];
		*text++ = alphabet[bits >> 6 & 63];
		*text++ = i + 2 < KX_SHA256_SIZE ? alphabet[bits & 63] : '=';
	}
	*text = '\0';
}

enum kx_status
kx_signer_add(struct kx_signer *signer, struct kx_span text,
    struct kx_error *err)
{
	const struct kx_span prefix = KX_SPAN("whsec_");
	struct kx_base64_result result;
	struct kx_buf key = { NULL, 0, 0, false };
	struct kx_hmac *more;
	enum kx_status status;

	if (text.len >= prefix.len &&
	    memcmp(text.ptr, prefix.ptr, prefix.len) == 0) {
		text.ptr += prefix.len;
		text.len -= prefix.len;
	}
	/* Strictly: one that is mistyped must not become another key. */
	status = kx_base64_decode(NULL, text, 0, &key, &result);
	if (status == KX_BAD || (status == KX_OK &&
	    (key.len < KEY_LEAST || key.len > KEY_MOST))) {
		status = kx_error_set(err, KX_BAD, 0, "no key: whsec_ and the "
		    "base64 of %d to %d bytes are expected", KEY_LEAST,
		    KEY_MOST);
		goto out;
	}
	more = status != KX_OK ? NULL :
	    reallocarray(signer->key, signer->n + 1, sizeof(*more));
	if (more == NULL) {
		status = kx_error_set(err, KX_FAIL, ENOMEM, "a key");
		goto out;
	}
	signer->key = more;
	status = kx_hmac_key(&more[signer->n], key.ptr, key.len);
	if (status == KX_OK)
		signer->n++;
	else
		(void)kx_error_set(err, KX_FAIL, 0, "libcrypto failed");
out:
	if (key.ptr != NULL)
		explicit_bzero(key.ptr, key.cap);
	kx_buf_free(&key);
	return status;
}

void
kx_signer_sign(const struct kx_signer *signer, struct kx_span id,
    int64_t timestamp_s, struct kx_span body, struct kx_buf *out)
{
	char stamp[32], text[45];
	uint8_t digest[KX_SHA256_SIZE];
	struct kx_span pieces[3] = { id, { stamp, 0 }, body };
	size_t i;

	pieces[1].len = (size_t)snprintf(stamp, sizeof(stamp),
	    ".%" PRId64 ".", timestamp_s);
	for (i = 0; i < signer->n; i++) {
		if (kx_hmac_sign(&signer->key[i], pieces, 3, digest) !=
		    KX_OK) {
			out->failed = true;
			return;
		}
		kx_buf_adds(out, i == 0 ? "v1," : " v1,");
		encode(digest, text);
		kx_buf_adds(out, text);
	}
}
