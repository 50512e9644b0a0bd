/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records taken apart a second time: what they carry is worked out by the
 * same code that made the bundle, from the records as they now lie in it, and
 * kept as one short hash a row.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "verify-impl.h"

bool
kx_essences_add(struct kx_essences *list, const struct kx_buf *text,
    struct kx_hash *hash)
{
	uint8_t sum[KX_SHA256_SIZE];
	size_t cap;
	void *more;

	if (kx_buf_failed(text) ||
	    kx_hash_all(hash, text->ptr, text->len, sum) != KX_OK)
		return false;
	if (list->n == list->cap) {
		cap = list->cap == 0 ? 1024 : 2 * list->cap;
		more = reallocarray(list->sum, cap, sizeof(*list->sum));
		if (more == NULL)
			return false;
		list->sum = more;
		list->cap = cap;
	}
	memcpy(list->sum[list->n++], sum, sizeof(*list->sum));
	return true;
}

bool
kx_verify_records_init(struct kx_verify_records *r,
    const struct kx_kernel *kernel, size_t max_record, struct kx_span type)
{
	memset(r, 0, sizeof(*r));
	r->max_record = max_record;
	r->schema = kx_schema_new();
	if (r->schema == NULL || kx_snapname_parse(KX_SNAPNAME_DEFAULT,
	    &r->names, NULL) != KX_OK)
		return false;
	r->wants = (struct kx_extract_wants){ .schema = r->schema,
	    .kernel = kernel, .names = &r->names, .sums = KX_SUM_SHA256,
	    .type = type };
	if (kx_json_init(&r->json, kernel) != KX_OK)
		return false;
	r->ready = true;
	return kx_extractor_init(&r->extractor, &r->wants) == KX_OK;
}

void
kx_verify_records_fini(struct kx_verify_records *r)
{
	if (r->ready) {
		kx_extractor_fini(&r->extractor);
		kx_json_fini(&r->json);
	}
	kx_extracts_fini(&r->extracts);
	kx_schema_free(r->schema);
	kx_arena_free(&r->arena);
	kx_buf_free(&r->scratch);
	kx_buf_free(&r->line);
	kx_buf_free(&r->text);
	free(r->rows.sum);
}

/* What is odd about a frame was said when the bundle was made. */
static void
found(void *arg, enum kx_severity severity, const char *rule, size_t at,
    uint32_t node, const char *message)
{
	(void)arg;
	(void)severity;
	(void)rule;
	(void)at;
	(void)node;
	(void)message;
}

static void
bad_line(struct kx_verify_records *r)
{
	if (r->n_bad++ == 0)
		r->first_bad = r->n;
}

static void
add_rows(struct kx_verify_records *r)
{
	size_t i;

	for (i = 0; i < r->extracts.n_items; i++) {
		r->text.len = 0;
		kx_manifest_essence(&r->text, &r->extracts.items[i].row);
		if (!kx_essences_add(&r->rows, &r->text, r->extractor.hash))
			r->failed = true;
	}
}

static void
do_line(struct kx_verify_records *r)
{
	const struct kx_extract_record job = {
		.json = &r->json,
		.line = kx_buf_span(&r->line),
		.source = "",
		.arena = &r->arena,
		.scratch = &r->scratch,
		.found = found
	};
	struct kx_json_error fault;
	enum kx_status status;

	r->n++;
	status = kx_json_scan(&r->json, r->line.ptr, r->line.len, &fault);
	if (status == KX_OK)
		status = kx_extract(&r->extractor, &job, &r->extracts);
	if (status == KX_OK)
		kx_extracts_sum(&r->extractor, &r->arena, &r->extracts);
	if (status == KX_OK)
		add_rows(r);
	else if (status == KX_BAD)
		bad_line(r);
	if (status == KX_FAIL || r->extracts.no_memory)
		r->failed = true;
	kx_extracts_reset(&r->extracts);
	kx_arena_reset(&r->arena);
	kx_buf_reset(&r->scratch, (size_t)1 << 20);
	kx_buf_reset(&r->line, (size_t)4 << 20);
}

static void
end_line(struct kx_verify_records *r)
{
	if (r->skipping) {
		r->n++;
		bad_line(r);
		r->skipping = false;
		kx_buf_reset(&r->line, (size_t)4 << 20);
	} else {
		do_line(r);
	}
}

void
kx_verify_records_feed(struct kx_verify_records *r, struct kx_span bytes,
    bool end)
{
	const char *p = bytes.ptr, *stop = p + bytes.len, *lf;

	while (p < stop && !r->failed) {
		lf = memchr(p, '\n', (size_t)(stop - p));
		if (lf == NULL)
			lf = stop;
		if (r->line.len + (size_t)(lf - p) > r->max_record)
			r->skipping = true;
		else
			kx_buf_add(&r->line, p, (size_t)(lf - p));
		if (kx_buf_failed(&r->line))
			r->failed = true;
		else if (lf < stop)
			end_line(r);
		p = lf < stop ? lf + 1 : stop;
	}
	if (end && !r->failed && (r->line.len > 0 || r->skipping))
		end_line(r);
}
