/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The manifest of a bundle: a row for each snapshot of each event, and for
 * each record that could not be used, whether there is a file or not.
 *
 *   name            path of the file in the bundle
 *   sha256 size     of the frame's bytes
 *   media_type      by signature;  declared_type: by its data URI
 *   width height    pixels
 *   id event_id     of the event, as spelled
 *   snapshot_index  from 0;  snapshot_type, snapshot_path
 *   channel_id channel_name
 *   start_time end_time   milliseconds, as spelled
 *   path_stamp      nanoseconds, the 19 digits of the path
 *   source_file source_line source_offset   where the record stands; of a
 *                   malformed record, where the fault is
 *   record_sha256   of the record's bytes without its line end
 *   status          ok, missing, undecodable, malformed
 *   reason          why not, or what is odd
 *   expires         when the server drops a frame that is not here, UTC
 *
 * In CSV (RFC 4180) what is absent is an empty cell; in NDJSON it is null,
 * numbers are numbers, and ids are strings, for they may exceed 2^53.
 */
#ifndef KX_MANIFEST_H
#define KX_MANIFEST_H

#include "kx/base.h"
#include "kx/buf.h"

enum kx_manifest_format { KX_MANIFEST_CSV, KX_MANIFEST_NDJSON };

enum kx_manifest_state {
	KX_MANIFEST_OK, KX_MANIFEST_MISSING, KX_MANIFEST_UNDECODABLE,
	KX_MANIFEST_MALFORMED
};

/* A span whose pointer is NULL is absent. */
struct kx_manifest_row {
	enum kx_manifest_state state;
	struct kx_span name, sha256;
	uint64_t size;			/* of state OK alone */
	struct kx_span media_type, declared_type;
	uint32_t width, height;		/* 0: absent */
	struct kx_span id, event_id;
	bool is_snapshot;		/* index is meant */
	uint32_t index;
	struct kx_span type, path;
	struct kx_span channel_id, channel_name;
	struct kx_span start_time, end_time;
	struct kx_span stamp;
	struct kx_span source;
	uint64_t line, off;
	struct kx_span record_sha256;
	struct kx_span reason;
	bool expires;
	int64_t expires_ms;
};

/* The format that a file name's suffix asks for (.csv; .ndjson, .jsonl); -1
 * where it asks for none. */
int kx_manifest_format_of(const char *path);

/*
 * The rows of snapshots without a frame, by how soon the server drops it: a
 * list of what to fetch, with the manifest's columns and one more,
 *
 *   remaining       seconds from `now` until `expires`, below 0: gone
 *
 * First what can still be had, soonest first; then what has no time known;
 * then what is gone.  Rows lie in a nameless file in the bundle's folder, 24
 * bytes each in memory.
 */
struct kx_missing;
struct kx_bundle;
struct kx_output;

enum kx_status kx_missing_new(struct kx_bundle *bundle,
    enum kx_manifest_format format, struct kx_missing **out,
    struct kx_error *err) KX_MUST_CHECK;
enum kx_status kx_missing_add(struct kx_missing *missing,
    const struct kx_manifest_row *row, struct kx_error *err) KX_MUST_CHECK;
/* Write them; now NULL: `remaining` is absent, and nothing counts as gone. */
enum kx_status kx_missing_write(struct kx_missing *missing,
    const int64_t *now_ms, struct kx_output *to, struct kx_error *err)
    KX_MUST_CHECK;
void kx_missing_free(struct kx_missing *missing);

/*
 * What of a row the record alone decides (all but name, source_file,
 * source_line, source_offset and reason), in a form of no meaning outside:
 * equal for equal rows.  From a row, or from cells in column order that were
 * read from CSV (ptr NULL: absent).
 */
#define KX_MANIFEST_COLUMNS 24
void kx_manifest_essence(struct kx_buf *out,
    const struct kx_manifest_row *row);
void kx_manifest_essence_of(struct kx_buf *out,
    const struct kx_span cell[KX_MANIFEST_COLUMNS]);
/* Is it the header, and the cells that a reader of the manifest goes by. */
bool kx_manifest_is_header(const struct kx_span cell[KX_MANIFEST_COLUMNS]);
struct kx_manifest_read {
	struct kx_span name, sha256, size, status;
};
void kx_manifest_read(const struct kx_span cell[KX_MANIFEST_COLUMNS],
    struct kx_manifest_read *out);

/* CSV's first line; NDJSON has none. */
void kx_manifest_begin(struct kx_buf *out, enum kx_manifest_format format);
void kx_manifest_row(struct kx_buf *out, enum kx_manifest_format format,
    const struct kx_manifest_row *row);

#endif
