/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * index.html of a bag: one self-contained page to look at, a card an event.
 *
 * Everything from events is escaped and set apart (<bdi>); the page's policy
 * (Content-Security-Policy) lets nothing run but its own script, by hash, and
 * nothing load but pictures beside it.  No clock or zone is asked: times are
 * UTC.  It reads and prints without a script; that adds search and filters.
 */
#ifndef KX_PAGE_H
#define KX_PAGE_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/event.h"
#include "kx/hash.h"

/* All append to *out, which tells about memory. */

/* False where `hash`, a KX_SHA256 of the caller's, fails. */
bool kx_page_begin(struct kx_buf *out, struct kx_hash *hash) KX_MUST_CHECK;

/* A card up to its frames.  `scratch` is for decoding.  False without
 * memory for that. */
bool kx_page_card(struct kx_buf *out, const struct kx_event *event,
    struct kx_buf *scratch) KX_MUST_CHECK;

struct kx_page_frame {
	const char *href;		/* relative; NULL: there is no file */
	struct kx_span type, sha256;
	uint32_t width, height;		/* 0: not known */
	struct kx_span reason;		/* may be empty */
	bool expires;
	int64_t expires_ms;
};
void kx_page_frame(struct kx_buf *out, const struct kx_page_frame *frame);

/* The end of a card: where its record stands. */
void kx_page_card_end(struct kx_buf *out, struct kx_span source,
    uint64_t line, struct kx_span record_sha256);

struct kx_page_totals {
	uint64_t events, frames, not_here, malformed;
};
void kx_page_end(struct kx_buf *out, const struct kx_page_totals *totals);

#endif
