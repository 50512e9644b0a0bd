/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a record has for a bundle: its frames decoded, looked at, hashed and
 * named, a manifest row for each snapshot, and its card for the page of a
 * bag.  All that can be known without the records before it; what cannot (has
 * somebody the name already?) is kx/evidence.h's.
 */
#ifndef KX_EXTRACT_H
#define KX_EXTRACT_H

#include "kx/arena.h"
#include "kx/base.h"
#include "kx/buf.h"
#include "kx/diag.h"
#include "kx/event.h"
#include "kx/hash.h"
#include "kx/image.h"
#include "kx/json.h"
#include "kx/manifest.h"
#include "kx/snapname.h"

struct kx_kernel;

/* A snapshot that was looked at. */
struct kx_extract_item {
	struct kx_manifest_row row;	/* but the name */
	/* of row.state KX_MANIFEST_OK: */
	size_t bytes;			/* index in kx_extracts.bytes */
	enum kx_image_type type;
	struct kx_sums sums;
	const char *name;		/* of its file, without a folder */
};

/* A record that is an event. */
struct kx_extract_event {
	size_t first, n;		/* items */
	struct kx_span line;		/* ptr NULL: at line_off in `made` */
	size_t line_off;
	bool ended;			/* an LF stands behind line.ptr */
	size_t card_off, card_len;	/* in `made` */
	struct kx_span source, topic, record_sha256;
	uint64_t lineno;
	bool has_start;
	int64_t start_ms;
	size_t findings, findings_end;	/* the caller's to use */
};

/* The events of a run of records.  Zero-initialised is empty.  Spans point
 * into the records and into the arena that was given with them. */
struct kx_extracts {
	struct kx_message *messages;	/* to be summed up */
	size_t cap_messages;
	struct kx_sums *records;	/* of each event's line */
	size_t cap_records;
	struct kx_extract_item *items;
	size_t n_items, cap_items;
	struct kx_extract_event *events;
	size_t n_events, cap_events;
	struct kx_buf *bytes;		/* decoded frames */
	size_t n_bytes, cap_bytes;
	struct kx_buf made;
	bool no_memory;			/* something was dropped */
};

/* Empty it for the next records; what large ones needed is given back. */
void kx_extracts_reset(struct kx_extracts *extracts);
void kx_extracts_fini(struct kx_extracts *extracts);

/* What is wanted of all records; the caller's, shared by the threads. */
struct kx_extract_wants {
	const struct kx_schema *schema;
	const struct kx_kernel *kernel;
	const struct kx_snapname_template *names;
	unsigned sums;			/* KX_SUM_... of a frame */
	bool cards;			/* for a bag's page */
	struct kx_span type;		/* snapshots of this type alone; empty:
					   all */
};

/* A thread's tools. */
struct kx_extractor {
	const struct kx_extract_wants *wants;
	struct kx_event event;
	struct kx_hash *hash;
};

/* KX_FAIL: no memory, or no SHA-256; *x can be finished in any case. */
enum kx_status kx_extractor_init(struct kx_extractor *x,
    const struct kx_extract_wants *wants) KX_MUST_CHECK;
void kx_extractor_fini(struct kx_extractor *x);

/* A record, and where it stands. */
struct kx_extract_record {
	const struct kx_json *json;	/* scanned */
	struct kx_span line;		/* the record as one line without LF: of
					   the scanned text, or copied */
	bool ended;			/* an LF stands behind it */
	const char *source;		/* lives as long as the results */
	uint64_t lineno, off;
	struct kx_arena *arena;		/* for what has to be decoded */
	struct kx_buf *scratch;
	/* Called for each finding, at byte `at` of the text; node 0: none.
	 * The message is good for the call. */
	void (*found)(void *arg, enum kx_severity severity, const char *rule,
	    size_t at, uint32_t node, const char *message);
	void *arg;
};

/*
 * Take the record apart; what comes of it is the last of out->events.  KX_BAD:
 * it is no object, so no event, and nothing was said; KX_FAIL: no memory, and
 * it is not there.  Where memory was wanting for a part of it, KX_OK and
 * out->no_memory.
 */
enum kx_status kx_extract(struct kx_extractor *x,
    const struct kx_extract_record *record, struct kx_extracts *out)
    KX_MUST_CHECK;

/* Sum up what the records and frames are, side by side, and name the frames:
 * what was taken apart lacks that until then.  Once, behind the last record,
 * all of which must still be there; without memory, out->no_memory. */
void kx_extracts_sum(struct kx_extractor *x, struct kx_arena *arena,
    struct kx_extracts *out);

#endif
