/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File names of frames: the same wherever and however often they are made,
 * and safe whatever an event says.
 *
 * A name is made by a template: letters, digits, `_', `.' and `-' as they
 * are, fields in braces.  The ending, by what the bytes are, is always added.
 *
 *   {start}    start of the event in milliseconds, 13 digits at least, so
 *              that names sort by time; all 0 where the event has none
 *   {date} {time}   the same as YYYYMMDD and hhmmss, UTC
 *   {origin}   first number of the event's id
 *   {event_id} the event's event_id, else the last number of its id
 *   {channel} {channel_name} {topic}   of the event
 *   {index}    of the snapshot in the event, from 00, as in JSON Pointers
 *   {type}     FULLSCREEN or THUMBNAIL
 *   {stamp}    the 19 digits of the snapshot's path
 *   {sha} {sha256}   the first 12 hex digits of the SHA-256 of the frame's
 *              bytes; all 64
 *
 * Ids are runs of at most 20 digits, names of a channel or topic at most 32
 * of [A-Za-z0-9_-] that begin with a letter or digit.  What is not so is
 * input from a network that means something else: `x` and the first 12 hex
 * digits of the SHA-256 of its text stand for it.  What is absent is `none`.
 *
 * So a name begins with a letter or digit, holds [A-Za-z0-9._-] alone, has at
 * most KX_SNAPNAME_MAX bytes and is no device's (CON.jpg); kx_snapnames sees
 * to it that no two differ in the case of letters alone.
 */
#ifndef KX_SNAPNAME_H
#define KX_SNAPNAME_H

#include "kx/base.h"
#include "kx/hash.h"
#include "kx/keytab.h"

#define KX_SNAPNAME_MAX 120
#define KX_SNAPNAME_PARTS 32
#define KX_SNAPNAME_DEFAULT \
    "{start}_{origin}_{event_id}_{index}_{type}_{sha}"

struct kx_snapname_template {
	size_t n;
	struct kx_snapname_part {
		int field;		/* -1: the text */
		struct kx_span text;	/* of what was parsed */
	} part[KX_SNAPNAME_PARTS];
};

/* KX_BAD: err says what is wrong with the template.  It holds parts of
 * `text`, which must outlive it. */
enum kx_status kx_snapname_parse(const char *text,
    struct kx_snapname_template *out, struct kx_error *err) KX_MUST_CHECK;

/* Decoded texts; empty where the event has none.  start_time may be spelled
 * as a number or a string. */
struct kx_snapname {
	struct kx_span start_time;
	struct kx_span id;
	struct kx_span event_id;
	struct kx_span channel_id, channel_name, topic;
	struct kx_span type, stamp;
	uint32_t index;
	const uint8_t *sha256;		/* 32 bytes, of the frame */
	const char *ext;		/* without the dot */
};

/*
 * Write the name, terminated, and return its length; 0 where `hash`, a
 * KX_SHA256 of the caller's, fails.
 */
size_t kx_snapname_make(char out[KX_SNAPNAME_MAX + 1],
    const struct kx_snapname_template *by, const struct kx_snapname *name,
    struct kx_hash *hash);

/*
 * The name for a frame whose bytes are not those of the file that has the
 * name already: _NTH before the dot, nth from 2 up.
 */
size_t kx_snapname_nth(char out[KX_SNAPNAME_MAX + 1], const char *name,
    uint32_t nth);

/* The names that are taken, and by what bytes; two keys a name. */
struct kx_snapnames {
	struct kx_keytab tab;
};

/*
 * Take `name` for the bytes with that hash, or the next one that is free:
 * _2, _3 and so on.  KX_OK: the file is to be made; KX_EOF: the same bytes
 * have asked for this name before, and have `name` as it is now; KX_FAIL: no
 * memory.  `hash` is a KX_SHA256 of the caller's.
 */
enum kx_status kx_snapnames_take(struct kx_snapnames *names,
    char name[KX_SNAPNAME_MAX + 1], const uint8_t sha256[KX_SHA256_SIZE],
    struct kx_hash *hash) KX_MUST_CHECK;
/* Is it taken?  False too where the hash fails. */
bool kx_snapnames_has(const struct kx_snapnames *names, const char *name,
    struct kx_hash *hash);
void kx_snapnames_free(struct kx_snapnames *names);

#endif
