/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signatures of web hooks as Standard Webhooks has them: HMAC with SHA-256
 * over the id, the time and the body, by one or several keys.
 */
#ifndef KX_SIGN_H
#define KX_SIGN_H

#include "kx/base.h"
#include "kx/buf.h"

struct kx_signer;

/* Without keys.  NULL without memory. */
struct kx_signer *kx_signer_new(void);
void kx_signer_free(struct kx_signer *signer);

/* A key more: base64 of 24 to 64 bytes, with `whsec_` in front or without.
 * KX_BAD: it is none, and err says why without quoting it; KX_FAIL. */
enum kx_status kx_signer_add(struct kx_signer *signer, struct kx_span text,
    struct kx_error *err) KX_MUST_CHECK;

size_t kx_signer_keys(const struct kx_signer *signer);

/* Append `v1,BASE64`, one for each key, with blanks between.  From any thread
 * once all keys are there. */
void kx_signer_sign(const struct kx_signer *signer, struct kx_span id,
    int64_t timestamp_s, struct kx_span body, struct kx_buf *out);

#endif
