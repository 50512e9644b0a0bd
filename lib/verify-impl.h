/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of verify.c share: rows of the manifest held against the
 * records.
 */
#ifndef KX_VERIFY_IMPL_H
#define KX_VERIFY_IMPL_H

#include "kx/buf.h"
#include "kx/extract.h"
#include "kx/json.h"
#include "kx/kernel.h"
#include "kx/manifest.h"
#include "kx/verify.h"

/* Essences of rows, 16 bytes of their hashes each. */
struct kx_essences {
	uint8_t (*sum)[16];
	size_t n, cap;
};

bool kx_essences_add(struct kx_essences *list, const struct kx_buf *text,
    struct kx_hash *hash);

/* The records of a bag, taken apart again as they come. */
struct kx_verify_records {
	struct kx_json json;
	struct kx_schema *schema;
	struct kx_snapname_template names;
	struct kx_extract_wants wants;
	struct kx_extractor extractor;
	struct kx_extracts extracts;
	struct kx_arena arena;
	struct kx_buf scratch, line, text;
	size_t max_record;
	bool skipping;		/* a line that is too long */
	bool ready;
	uint64_t n;		/* lines */
	uint64_t first_bad;	/* number of the first that is no event; 0 */
	uint64_t n_bad;
	struct kx_essences rows;
	bool failed;		/* no memory */
};

/* type: snapshots of which alone the bag is; empty: all.  False without
 * memory; _fini is due in any case. */
bool kx_verify_records_init(struct kx_verify_records *r,
    const struct kx_kernel *kernel, size_t max_record, struct kx_span type);
void kx_verify_records_feed(struct kx_verify_records *r,
    struct kx_span bytes, bool end);
void kx_verify_records_fini(struct kx_verify_records *r);

#endif
