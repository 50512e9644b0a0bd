/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames and their papers, put into a bundle in the order of the records:
 *
 *   frames, manifest.csv, manifest-sha256.txt
 *
 * or, as a bag (RFC 8493), data/frames/, data/events.ndjson, data/index.html,
 * data/manifest.csv and the tag files, with SHA-256 and SHA-512 of each.
 *
 * Papers grow beside the frames and are put in their places at the end, the
 * manifests last, when what they speak of is on the disk.  Memory: that of
 * kx_snapnames, about 100 bytes a frame, and with `dedupe` as much again.
 *
 * A batch is begun, its events and what is malformed follow in order, and it
 * is ended.  After KX_FAIL evidence can only be closed, and the bundle only be
 * aborted.
 */
#ifndef KX_EVIDENCE_H
#define KX_EVIDENCE_H

#include "kx/base.h"
#include "kx/bundle.h"
#include "kx/extract.h"
#include "kx/manifest.h"
#include "kx/output.h"
#include "kx/source.h"

struct kx_evidence_options {
	struct kx_bundle *bundle;	/* the caller's to commit or abort */
	const char *place;		/* its path, for messages */
	/* The manifest as a file of its own, the caller's to commit or abort;
	 * NULL: in the bundle.  A bag has one in any case. */
	struct kx_output *manifest;
	enum kx_manifest_format format;	/* of `manifest` */
	/* What is missing, by urgency; NULL: not wanted. */
	struct kx_output *missing;
	enum kx_manifest_format missing_format;
	const int64_t *now_ms;		/* for `remaining`; NULL: none */
	bool dedupe;			/* equal bytes are one file */
	bool threads;			/* as many as help */
	bool bag;
	/* of a bag */
	struct kx_span info;		/* lines of bag-info.txt, in front */
	struct kx_span agent;		/* Bag-Software-Agent */
	struct kx_span type;		/* snapshots of this type alone */
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

/* An input was opened, or read as far as it goes: kx/sources.h. */
enum kx_status kx_evidence_opened(struct kx_evidence *evidence, size_t input,
    const char *name, struct kx_source *source) KX_MUST_CHECK;
void kx_evidence_closing(struct kx_evidence *evidence, size_t input,
    bool whole);

/* The next run of records: what came of them, the input that they are of,
 * and the bytes in which they lie, `off` from its start.  All of that must
 * stay until the batch is ended. */
enum kx_status kx_evidence_batch(struct kx_evidence *evidence,
    const struct kx_extracts *extracts, size_t input, uint64_t off,
    struct kx_span bytes, struct kx_error *err) KX_MUST_CHECK;
void kx_evidence_batch_end(struct kx_evidence *evidence);

/* The frames, rows and card of extracts->events[i]. */
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
