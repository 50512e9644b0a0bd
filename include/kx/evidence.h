/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames and their papers, put into a bundle in the order of the records:
 *
 *   frames, manifest.csv, manifest-sha256.txt
 *
 * or, as a bag (RFC 8493), data/frames/, data/events.ndjson, data/index.html,
 * data/manifest.csv and the tag files.
 *
 * Papers grow beside the frames and are put in their places at the end, the
 * manifests last, when what they speak of is on the disk.  Memory: that of
 * kx_snapnames, 48 bytes a frame.
 *
 * After KX_FAIL it can only be closed, and the bundle only be aborted.
 */
#ifndef KX_EVIDENCE_H
#define KX_EVIDENCE_H

#include "kx/base.h"
#include "kx/bundle.h"
#include "kx/extract.h"
#include "kx/manifest.h"
#include "kx/output.h"

struct kx_evidence_options {
	struct kx_bundle *bundle;	/* the caller's to commit or abort */
	const char *place;		/* its path, for messages */
	/* The manifest as a file of its own, the caller's to commit or abort;
	 * NULL: in the bundle.  A bag has one in any case. */
	struct kx_output *manifest;
	enum kx_manifest_format format;	/* of `manifest` */
	bool bag;
	/* of a bag */
	struct kx_span agent;		/* Bag-Software-Agent */
	bool has_date;			/* else the day of the newest event, */
	int64_t date_ms;		/* so that it is the same bag again */
};

struct kx_evidence_totals {
	uint64_t events;
	uint64_t frames;	/* files */
	uint64_t missing, undecodable;	/* snapshots without one */
	uint64_t malformed;	/* records that are no events */
};

struct kx_evidence;

/* Begin the papers.  *options is copied, what it points to must outlive the
 * result.  *out is to be closed after KX_FAIL too, and may be NULL then. */
enum kx_status kx_evidence_open(const struct kx_evidence_options *options,
    struct kx_evidence **out, struct kx_error *err) KX_MUST_CHECK;

/* The frames, rows, record and card of extracts->events[i]. */
enum kx_status kx_evidence_event(struct kx_evidence *evidence,
    struct kx_extracts *extracts, size_t i, struct kx_error *err)
    KX_MUST_CHECK;

/* The row of a record that is no event, by what was found in it. */
enum kx_status kx_evidence_malformed(struct kx_evidence *evidence,
    const struct kx_finding *finding, struct kx_error *err) KX_MUST_CHECK;

/* Put the papers in their places.  In a bag's directory nothing may be that is
 * not of the bag: it would be invalid, so that is KX_FAIL. */
enum kx_status kx_evidence_finish(struct kx_evidence *evidence,
    struct kx_error *err) KX_MUST_CHECK;

const struct kx_evidence_totals *kx_evidence_totals(
    const struct kx_evidence *evidence);

/* Free it, before the bundle goes; papers that are not in their places are
 * dropped.  NULL does nothing. */
void kx_evidence_close(struct kx_evidence *evidence);

#endif
