/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File names of frames: the same wherever and however often they are made,
 * and safe whatever an event says.
 *
 *   START_ORIGIN_EVENTID_NN_TYPE_SHA12.EXT
 *   1685973361368_203_4829655691653739_00_FULLSCREEN_0f343b0931126a20.jpg
 *
 * START   start of the event in milliseconds, 13 digits at least, so that
 *         names sort by time; all 0 where the event has none
 * ORIGIN  first number of the event's id
 * EVENTID the event's event_id, else the last number of its id
 * NN      index of the snapshot in the event, from 00, as in JSON Pointers
 * TYPE    FULLSCREEN or THUMBNAIL
 * SHA12   the first 12 hex digits of the SHA-256 of the frame's bytes
 * EXT     by what the bytes are: jpg, png, gif, webp, bmp; else bin
 *
 * Ids are runs of digits.  One that is not (or is longer than 20) is input
 * from a network that means something else: `x` and the first 12 hex digits
 * of the SHA-256 of its text stand for it.  What is absent is `none`.
 *
 * So a name begins with a digit or `x`, holds [A-Za-z0-9._] alone, has at
 * most KX_SNAPNAME_MAX bytes, and no two names differ in the case of letters
 * alone.
 */
#ifndef KX_SNAPNAME_H
#define KX_SNAPNAME_H

#include "kx/base.h"
#include "kx/hash.h"

#define KX_SNAPNAME_MAX 120

/* Decoded texts; empty where the event has none.  start_time may be spelled
 * as a number or a string. */
struct kx_snapname {
	struct kx_span start_time;
	struct kx_span id;
	struct kx_span event_id;
	struct kx_span type;
	uint32_t index;
	const uint8_t *sha256;		/* 32 bytes, of the frame */
	const char *ext;		/* without the dot */
};

/*
 * Write the name, terminated, and return its length; 0 where `hash`, a
 * KX_SHA256 of the caller's, fails.
 */
size_t kx_snapname_make(char out[KX_SNAPNAME_MAX + 1],
    const struct kx_snapname *name, struct kx_hash *hash);

/*
 * The name for a frame whose bytes are not those of the file that has the
 * name already (two frames of one event, at one index, of one type, whose
 * hashes begin alike): _NTH before the dot, nth from 2 up.
 */
size_t kx_snapname_nth(char out[KX_SNAPNAME_MAX + 1], const char *name,
    uint32_t nth);

/*
 * The names that are taken, and by what bytes.  Zero-initialised is empty.
 * 48 bytes a name, in a table at most three quarters full.
 */
struct kx_snapnames {
	struct kx_snapnames_slot *slot;
	size_t n, cap;
};

/*
 * Take `name` for the bytes with that hash.  KX_OK: it was free; KX_EOF: the
 * same bytes have it; KX_BAD: others have; KX_FAIL: no memory.  `hash` is a
 * KX_SHA256 of the caller's.
 */
enum kx_status kx_snapnames_take(struct kx_snapnames *names,
    const char *name, const uint8_t sha256[KX_SHA256_SIZE],
    struct kx_hash *hash) KX_MUST_CHECK;
/* Is it taken?  False too where the hash fails. */
bool kx_snapnames_has(const struct kx_snapnames *names, const char *name,
    struct kx_hash *hash);
void kx_snapnames_free(struct kx_snapnames *names);

#endif
