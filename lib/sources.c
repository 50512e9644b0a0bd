/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sums of inputs.  Of a plain input, `shared` says that the records' stream
 * has had the very same bytes so far: its state is taken when that ends.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kx/bag.h"
#include "kx/digest.h"
#include "kx/sources.h"

struct input {
	const char *name;
	struct kx_source *source;	/* while it is open */
	bool packed, whole, done;
	uint64_t position;		/* bytes read of it */
	uint64_t size;			/* bytes summed up */
	struct kx_summing sums;		/* packed: as it is read */
	uint8_t sha256[KX_SHA256_SIZE];
};

struct kx_sources {
	struct kx_bundle_stream *records;
	bool threads, failed;
	struct input *input;
	size_t n, cap;
	size_t at;			/* input that chunks come from */
	bool shared;
	struct kx_span chunk;		/* being summed up */
	struct kx_digest *digest;	/* of `at`; NULL: none yet */
};

enum kx_status
kx_sources_new(struct kx_bundle_stream *records, bool threads,
    struct kx_sources **out, struct kx_error *err)
{
	struct kx_sources *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot go on");
	s->records = records;
	s->threads = threads;
	s->shared = true;
	return KX_OK;
}

void
kx_sources_free(struct kx_sources *s)
{
	if (s == NULL)
		return;
	kx_digest_free(s->digest);
	free(s->input);
	free(s);
}

static void
tap(void *arg, const void *ptr, size_t len)
{
	struct kx_sources *s = arg;
	struct input *input = &s->input[s->n - 1];

	if (kx_summing_add(&input->sums, KX_SUM_SHA256, ptr, len) != KX_OK)
		s->failed = true;
}

enum kx_status
kx_sources_opened(struct kx_sources *s, size_t input, const char *name,
    struct kx_source *source)
{
	size_t cap;
	void *more;

	while (s->n <= input) {
		if (s->n == s->cap) {
			cap = s->cap == 0 ? 16 : 2 * s->cap;
			more = reallocarray(s->input, cap, sizeof(*s->input));
			if (more == NULL)
				return KX_FAIL;
			s->input = more;
			s->cap = cap;
		}
		memset(&s->input[s->n++], 0, sizeof(*s->input));
	}
	s->input[input].name = name;
	s->input[input].source = source;
	kx_source_tap(source, tap, s);
	return kx_summing_begin(&s->input[input].sums, KX_SUM_SHA256);
}

void
kx_sources_closing(struct kx_sources *s, size_t n, bool whole)
{
	struct input *input = &s->input[n];

	input->packed = kx_source_is_packed(input->source);
	input->position = kx_source_position(input->source);
	input->whole = whole;
	input->source = NULL;
}

/* The digest of the input at hand, begun where the records are, or anew. */
static bool
want_digest(struct kx_sources *s)
{
	struct kx_summing state;

	if (s->digest != NULL)
		return true;
	if (kx_digest_new(KX_SUM_SHA256, s->threads ? KX_SUM_SHA256 : 0,
	    &s->digest, NULL) != KX_OK)
		return false;
	if (s->shared) {
		kx_bundle_stream_state(s->records, &state);
		kx_digest_resume(s->digest, &state);
	}
	s->shared = false;
	return true;
}

/* The input that chunks came from has no more of them; `records`: the stream
 * of these has ended, with such sums. */
static bool
end_input(struct kx_sources *s, const struct kx_sums *records)
{
	struct input *input = &s->input[s->at];
	struct kx_sums sums;
	bool ok = true;

	if (!input->packed && s->shared && records != NULL) {
		memcpy(input->sha256, records->sha256, KX_SHA256_SIZE);
	} else if (!input->packed) {
		ok = want_digest(s) &&
		    kx_digest_sums(s->digest, &sums) == KX_OK;
		if (ok)
			memcpy(input->sha256, sums.sha256, KX_SHA256_SIZE);
	}
	input->done = true;
	kx_digest_free(s->digest);
	s->digest = NULL;
	s->shared = false;
	return ok;
}

static bool
add(struct kx_sources *s, struct kx_span bytes)
{
	if (!want_digest(s))
		return false;
	s->input[s->at].size += bytes.len;
	s->chunk = bytes;
	kx_digest_add(s->digest, &s->chunk, 1);
	return true;
}

enum kx_status
kx_sources_chunk(struct kx_sources *s, size_t n, uint64_t off,
    struct kx_span bytes, bool same)
{
	struct input *input;

	while (s->at < n) {
		if (!end_input(s, NULL))
			return KX_FAIL;
		s->at++;
	}
	input = &s->input[n];
	if (input->source != NULL)
		input->packed = kx_source_is_packed(input->source);
	if (input->packed) {
		s->shared = false;
		return KX_OK;
	}
	/* A BOM is all that the reader leaves out. */
	if (input->size == 0 && off == 3) {
		if (!add(s, KX_SPAN("\xef\xbb\xbf")))
			return KX_FAIL;
		kx_sources_wait(s);
	}
	if (s->shared && same) {
		input->size += bytes.len;
		return KX_OK;
	}
	return add(s, bytes) ? KX_OK : KX_FAIL;
}

bool
kx_sources_shared(const struct kx_sources *s)
{
	return s->shared;
}

void
kx_sources_wait(struct kx_sources *s)
{
	if (s->digest != NULL)
		kx_digest_wait(s->digest, 0);
}

/* The last word on an input.  False where its sum is not known. */
static bool
conclude(struct kx_sources *s, size_t n)
{
	struct input *input = &s->input[n];
	struct kx_sums sums;

	if (input->packed) {
		if (kx_summing_end(&input->sums, &sums) != KX_OK)
			return false;
		memcpy(input->sha256, sums.sha256, KX_SHA256_SIZE);
		return input->whole;
	}
	/* Nothing but a BOM makes no chunk. */
	if (input->size == 0 && input->position == 3 &&
	    kx_sums_all(&sums, KX_SUM_SHA256, "\xef\xbb\xbf", 3) == KX_OK) {
		memcpy(input->sha256, sums.sha256, KX_SHA256_SIZE);
		return input->whole;
	}
	return input->whole && input->size == input->position;
}

enum kx_status
kx_sources_info(struct kx_sources *s, const struct kx_sums *records,
    struct kx_buf *out)
{
	struct kx_buf line = { NULL, 0, 0, false };
	char hex[2 * KX_SHA256_SIZE + 1];
	size_t i;

	for (; s->at < s->n; s->at++) {
		if (!end_input(s, records))
			return KX_FAIL;
	}
	if (s->failed)
		return KX_FAIL;
	for (i = 0; i < s->n; i++) {
		if (s->input[i].name == NULL)
			continue;	/* could not be opened */
		line.len = 0;
		if (conclude(s, i)) {
			kx_hex(s->input[i].sha256, KX_SHA256_SIZE, hex);
			kx_buf_adds(&line, hex);
		} else {
			kx_buf_adds(&line, "not read to its end");
		}
		kx_buf_adds(&line, "  ");
		kx_buf_adds(&line, s->input[i].name);
		kx_bag_info(out, "Kx-Source", kx_buf_span(&line));
	}
	if (kx_buf_failed(&line))
		out->failed = true;
	kx_buf_free(&line);
	return KX_OK;
}
