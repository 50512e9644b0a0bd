/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A frame out of a snapshot: the value of `image` decoded and looked at, and
 * what the snapshot's `path` tells.  Nothing is believed: what a frame is, its
 * bytes say.
 */
#ifndef KX_FRAME_H
#define KX_FRAME_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/image.h"
#include "kx/json.h"

struct kx_kernel;

enum kx_frame_state {
	KX_FRAME_OK,		/* the bytes are those that were meant */
	KX_FRAME_MISSING,	/* the event does not carry the frame */
	KX_FRAME_UNDECODABLE,	/* it carries something that is no frame */
	KX_FRAME_NO_MEMORY
};

struct kx_frame {
	enum kx_frame_state state;
	/* What is to be said: of an OK frame a departure from the format that
	 * leaves the bytes certain, or an image that is cut or damaged; else
	 * why there is none.  Printable ASCII; "" is nothing. */
	char reason[200];
	const char *rule;	/* name of the finding; NULL: none is due */
	size_t at;		/* byte of the record's text it is about */
	/* Media type that a data URI declares, as spelled; empty if none.  In
	 * the record's text or in the scratch buffer. */
	struct kx_span declared;
	/* OK only */
	struct kx_image image;
};

/*
 * Decode node `image` (0: the snapshot has none) of the scanned text into
 * *out, whose content is replaced.  Base64 is taken with every departure that
 * leaves its bytes certain (line ends inside, no padding, the URL alphabet,
 * stray bits at its end), and data URIs in base64 or percent-encoded.
 */
void kx_frame_decode(const struct kx_json *json, uint32_t image,
    const struct kx_kernel *kernel, struct kx_buf *scratch,
    struct kx_buf *out, struct kx_frame *frame);

/* What the path of a snapshot tells (.../OBJECT-STAMP.jpg?ttl=SECONDS). */
struct kx_frame_path {
	struct kx_span stamp;	/* 19 digits, ns since 1970; empty if none */
	bool expires;		/* expires_ms is known */
	int64_t expires_ms;	/* the server drops the frame: stamp + ttl */
};

void kx_frame_path(struct kx_span path, struct kx_frame_path *out);

#endif
