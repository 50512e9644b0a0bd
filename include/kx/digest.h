/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sums of a long stream, worked out beside what its bytes are otherwise
 * needed for: a thread for each kind of sum, for one stream's hash cannot be
 * split.
 *
 * The caller adds bytes, does something else with them, and waits before they
 * go.  One thread at a time calls these.
 */
#ifndef KX_DIGEST_H
#define KX_DIGEST_H

#include "kx/base.h"
#include "kx/hash.h"

struct kx_digest;

/* Begin with no bytes.  Kinds of `beside` (KX_SUM_...) get threads when there
 * is enough to do; the others, and all where none can be had, are the
 * caller's, in kx_digest_add().  KX_FAIL: no memory. */
enum kx_status kx_digest_new(unsigned which, unsigned beside,
    struct kx_digest **out, struct kx_error *err) KX_MUST_CHECK;

/* Add n spans in a row.  They, and the array, are read until a wait says that
 * they no longer are.  Waits itself while KX_DIGEST_AHEAD adds are not done. */
#define KX_DIGEST_AHEAD 4
void kx_digest_add(struct kx_digest *digest, const struct kx_span *spans,
    size_t n);
/* Until all adds but the last `left` are done. */
void kx_digest_wait(struct kx_digest *digest, size_t left);

/* Of what was added so far; waits.  KX_FAIL where libcrypto failed. */
enum kx_status kx_digest_sums(struct kx_digest *digest,
    struct kx_sums *sums) KX_MUST_CHECK;
/* The state as it is now, for sums that go another way from here; waits. */
void kx_digest_state(struct kx_digest *digest, struct kx_summing *state);

/* Go on from such a state, before anything was added. */
void kx_digest_resume(struct kx_digest *digest,
    const struct kx_summing *state);

/* NULL does nothing. */
void kx_digest_free(struct kx_digest *digest);

#endif
