/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inputs of a run, each with the SHA-256 of its bytes as they lie on the
 * disk or came through the pipe: what a bag says it was made from, and what
 * sha256sum says of the file.
 *
 * A compressed input is summed up as it is read.  A plain one is in the
 * chunks that the run works on; as long as these are the bag's records byte
 * for byte (the usual log), one sum does for both.
 *
 * Inputs are numbered from 0 and come one after another.  All calls are from
 * one thread.
 */
#ifndef KX_SOURCES_H
#define KX_SOURCES_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/bundle.h"
#include "kx/source.h"

struct kx_sources;

/* `records` is the bag's stream of records; threads: as in kx/digest.h. */
enum kx_status kx_sources_new(struct kx_bundle_stream *records, bool threads,
    struct kx_sources **out, struct kx_error *err) KX_MUST_CHECK;
void kx_sources_free(struct kx_sources *sources);

/* An input was opened, nothing of it read.  The name is not copied. */
enum kx_status kx_sources_opened(struct kx_sources *sources, size_t input,
    const char *name, struct kx_source *source) KX_MUST_CHECK;
/* It has been read, and will be closed; whole: to its end. */
void kx_sources_closing(struct kx_sources *sources, size_t input,
    bool whole);

/* The next chunk of an input, `off` bytes from its start; same: its bytes are
 * those that go to the records next.  The bytes must stay until _wait; before
 * the records get theirs. */
enum kx_status kx_sources_chunk(struct kx_sources *sources, size_t input,
    uint64_t off, struct kx_span bytes, bool same) KX_MUST_CHECK;
/* Are all chunks so far one plain input's, and the records? */
bool kx_sources_shared(const struct kx_sources *sources);
void kx_sources_wait(struct kx_sources *sources);

/* All inputs, each as a line of bag-info.txt.  The stream of records has ended
 * with these sums. */
enum kx_status kx_sources_info(struct kx_sources *sources,
    const struct kx_sums *records, struct kx_buf *out) KX_MUST_CHECK;

#endif
