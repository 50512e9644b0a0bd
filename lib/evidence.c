/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The papers of a bundle.  Each is a stream of the bundle; a line for one of
 * them is made in `text`, which is empty between calls.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kx/bag.h"
#include "kx/evidence.h"
#include "kx/keytab.h"
#include "kx/page.h"
#include "kx/snapname.h"
#include "kx/sources.h"

#define FRAMES_FOLDER "data/frames"
#define PATH_SIZE (sizeof(FRAMES_FOLDER "/") + KX_SNAPNAME_MAX)
#define KEEP_BYTES ((size_t)1 << 20)	/* of `text`, from line to line */

struct kx_evidence {
	struct kx_evidence_options options;
	struct kx_bundle *bundle;
	bool bag;
	struct kx_bundle_stream *manifest;	/* NULL: not in the bundle */
	/* manifest-sha256.txt; of a bag, manifest-sha512.txt */
	struct kx_bundle_stream *sums, *sums512;
	struct kx_bundle_stream *records, *page;	/* of a bag */
	struct kx_missing *missing;
	struct kx_sources *sources;		/* of a bag */
	struct kx_buf source_lines;		/* what became of them */
	struct kx_hash *hash;
	struct kx_snapnames names;
	/* dedupe: bytes to one more than where their path is in `paths` */
	struct kx_keytab seen;
	struct kx_buf paths;
	struct kx_span *spans;			/* of a batch's records */
	size_t n_spans, cap_spans;
	struct kx_buf text;
	bool has_newest;
	int64_t newest_ms;		/* start of the newest event */
	uint64_t frames_size;		/* of all rows, files or not */
	uint64_t payload_size, payload_files;
	struct kx_evidence_totals totals;
};

static enum kx_status
no_memory(struct kx_error *err)
{
	return kx_error_set(err, KX_FAIL, ENOMEM, "cannot go on");
}

/* What was gathered in e->text goes to a stream. */
static enum kx_status
put_text(struct kx_evidence *e, struct kx_bundle_stream *stream,
    struct kx_error *err)
{
	enum kx_status status;

	if (kx_buf_failed(&e->text))
		return no_memory(err);
	status = kx_bundle_stream_write(stream, e->text.ptr, e->text.len,
	    err);
	kx_buf_reset(&e->text, KEEP_BYTES);
	return status;
}

/* And here to the manifest that is a file of its own. */
static enum kx_status
put_text_out(struct kx_evidence *e, struct kx_error *err)
{
	enum kx_status status;

	if (kx_buf_failed(&e->text))
		return no_memory(err);
	status = kx_output_write(e->options.manifest, e->text.ptr,
	    e->text.len, err);
	kx_buf_reset(&e->text, KEEP_BYTES);
	return status;
}

static enum kx_status
put_row(struct kx_evidence *e, const struct kx_manifest_row *row,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;

	if (e->manifest != NULL) {
		kx_manifest_row(&e->text, KX_MANIFEST_CSV, row);
		status = put_text(e, e->manifest, err);
	}
	if (status != KX_OK || e->options.manifest == NULL)
		return status;
	kx_manifest_row(&e->text, e->options.format, row);
	return put_text_out(e, err);
}

static enum kx_status
put_sum(struct kx_evidence *e, const struct kx_sums *sums, uint64_t size,
    const char *path, struct kx_error *err)
{
	enum kx_status status;

	e->payload_files++;
	e->payload_size += size;
	kx_bag_line(&e->text, sums->sha256, KX_SHA256_SIZE, path);
	status = put_text(e, e->sums, err);
	if (status != KX_OK || e->sums512 == NULL)
		return status;
	kx_bag_line(&e->text, sums->sha512, KX_SHA512_SIZE, path);
	return put_text(e, e->sums512, err);
}

/* --- batches -------------------------------------------------------------- */

static bool
add_span(struct kx_evidence *e, struct kx_span span)
{
	struct kx_span *last = e->n_spans == 0 ? NULL :
	    &e->spans[e->n_spans - 1];
	size_t cap;

	if (last != NULL && last->ptr + last->len == span.ptr) {
		last->len += span.len;
		return true;
	}
	if (e->n_spans == e->cap_spans) {
		cap = e->cap_spans == 0 ? 64 : 2 * e->cap_spans;
		last = reallocarray(e->spans, cap, sizeof(*last));
		if (last == NULL)
			return false;
		e->spans = last;
		e->cap_spans = cap;
	}
	e->spans[e->n_spans++] = span;
	return true;
}

/* The batch's records as they go into the bag, each with an LF. */
static bool
gather_records(struct kx_evidence *e, const struct kx_extracts *extracts)
{
	static const struct kx_span lf = { "\n", 1 };
	size_t i;

	e->n_spans = 0;
	for (i = 0; i < extracts->n_events; i++) {
		const struct kx_extract_event *event = &extracts->events[i];
		struct kx_span line = event->line;

		if (line.ptr == NULL)
			line.ptr = extracts->made.ptr + event->line_off;
		if (event->ended)
			line.len++;
		if (!add_span(e, line) || (!event->ended && !add_span(e, lf)))
			return false;
	}
	return true;
}

enum kx_status
kx_evidence_batch(struct kx_evidence *e, const struct kx_extracts *extracts,
    size_t input, uint64_t off, struct kx_span bytes, struct kx_error *err)
{
	enum kx_status status = KX_OK;
	bool same, refer;

	if (!e->bag)
		return KX_OK;
	if (!gather_records(e, extracts))
		return no_memory(err);
	same = e->n_spans == 1 && e->spans[0].ptr == bytes.ptr &&
	    e->spans[0].len == bytes.len;
	/* The log has these bytes too, and nothing else. */
	refer = same && input == 0 && kx_sources_shared(e->sources) &&
	    off == kx_bundle_stream_size(e->records);
	if (!refer)
		status = kx_bundle_stream_part(e->records, err);
	if (status != KX_OK)
		return status;
	if (kx_sources_chunk(e->sources, input, off,
	    bytes, same) != KX_OK)
		return no_memory(err);
	if (refer)
		return kx_bundle_stream_refer(e->records, e->spans,
		    e->n_spans, err);
	return kx_bundle_stream_writev(e->records, e->spans, e->n_spans, err);
}

void
kx_evidence_batch_end(struct kx_evidence *e)
{
	if (e->sources != NULL)
		kx_sources_wait(e->sources);
	if (e->records != NULL)
		kx_bundle_stream_wait(e->records);
}

enum kx_status
kx_evidence_opened(struct kx_evidence *e, size_t input, const char *name,
    struct kx_source *source)
{
	if (e->sources == NULL)
		return KX_OK;
	/* Records that are the log's bytes need not be kept twice. */
	if (input == 0 && kx_source_fd(source) >= 0)
		kx_bundle_stream_log(e->records, kx_source_fd(source));
	return kx_sources_opened(e->sources, input, name, source);
}

void
kx_evidence_closing(struct kx_evidence *e, size_t input, bool whole)
{
	if (e->sources != NULL)
		kx_sources_closing(e->sources, input, whole);
}

/* --- events --------------------------------------------------------------- */

/* Does a file hold these bytes already?  Its path then, or *path is kept for
 * those that follow. */
static enum kx_status
look_up(struct kx_evidence *e, const struct kx_sums *sums,
    char path[PATH_SIZE], struct kx_error *err)
{
	uint64_t *found = kx_keytab_add(&e->seen, sums->sha256);
	const char *first;

	if (found == NULL)
		return no_memory(err);
	if (*found > 0) {
		first = e->paths.ptr + (*found - 1);
		memcpy(path, first, strlen(first) + 1);
		return KX_EOF;
	}
	*found = e->paths.len + 1;
	return KX_OK;
}

/* Take a name for the frame; KX_EOF: there is a file with its bytes. */
static enum kx_status
take_name(struct kx_evidence *e, const struct kx_extract_item *item,
    char path[PATH_SIZE], struct kx_error *err)
{
	size_t prefix = e->bag ? strlen(FRAMES_FOLDER "/") : 0;
	enum kx_status status = KX_OK;

	if (e->options.dedupe)
		status = look_up(e, &item->sums, path, err);
	if (status != KX_OK)
		return status;
	memcpy(path, FRAMES_FOLDER "/", prefix);
	memcpy(path + prefix, item->name, strlen(item->name) + 1);
	status = kx_snapnames_take(&e->names, path + prefix,
	    item->sums.sha256, e->hash);
	if (status == KX_FAIL)
		return no_memory(err);
	if (e->options.dedupe)
		kx_buf_add(&e->paths, path, strlen(path) + 1);
	return kx_buf_failed(&e->paths) ? no_memory(err) : status;
}

/* Put the frame in the bundle; `path` receives its place there. */
static enum kx_status
put_frame(struct kx_evidence *e, struct kx_extract_item *item,
    struct kx_span bytes, int64_t mtime, char path[PATH_SIZE],
    struct kx_error *err)
{
	enum kx_status status = take_name(e, item, path, err);

	if (status == KX_FAIL)
		return status;
	item->row.name = kx_span_str(path);
	e->frames_size += bytes.len;
	if (status == KX_EOF) {
		/* The event was delivered twice: one file, two rows. */
		if (item->row.reason.ptr == NULL)
			item->row.reason =
			    KX_SPAN("the same file as an earlier row");
		return KX_OK;
	}
	e->totals.frames++;
	status = kx_bundle_add(e->bundle, path, mtime, 0, bytes, &item->sums,
	    err);
	return status != KX_OK ? status :
	    put_sum(e, &item->sums, bytes.len, path, err);
}

static enum kx_status
put_item(struct kx_evidence *e, const struct kx_extracts *extracts,
    const struct kx_extract_event *event, struct kx_extract_item *item,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;
	char path[PATH_SIZE];
	struct kx_page_frame frame = { .href = NULL };

	if (item->row.state == KX_MANIFEST_OK) {
		status = put_frame(e, item,
		    kx_buf_span(&extracts->bytes[item->bytes]),
		    event->start_ms / 1000, path, err);
		frame.href = path + strlen(KX_BAG_PAYLOAD);
	} else if (item->row.state == KX_MANIFEST_MISSING) {
		e->totals.missing++;
	} else {
		e->totals.undecodable++;
	}
	if (status == KX_OK)
		status = put_row(e, &item->row, err);
	if (status == KX_OK && e->missing != NULL &&
	    item->row.state != KX_MANIFEST_OK)
		status = kx_missing_add(e->missing, &item->row, err);
	if (status != KX_OK || !e->bag)
		return status;
	frame.sha256 = item->row.sha256;
	frame.type = item->row.type;
	frame.width = item->row.width;
	frame.height = item->row.height;
	frame.reason = item->row.reason;
	frame.expires = item->row.expires;
	frame.expires_ms = item->row.expires_ms;
	kx_page_frame(&e->text, &frame);
	return put_text(e, e->page, err);
}

enum kx_status
kx_evidence_event(struct kx_evidence *e, struct kx_extracts *extracts,
    size_t i, struct kx_error *err)
{
	const struct kx_extract_event *event = &extracts->events[i];
	enum kx_status status = KX_OK;
	size_t k;

	e->totals.events++;
	if (event->has_start &&
	    (!e->has_newest || event->start_ms > e->newest_ms)) {
		e->has_newest = true;
		e->newest_ms = event->start_ms;
	}
	if (e->bag)
		status = kx_bundle_stream_write(e->page, extracts->made.ptr +
		    event->card_off, event->card_len, err);
	for (k = 0; status == KX_OK && k < event->n; k++)
		status = put_item(e, extracts, event,
		    &extracts->items[event->first + k], err);
	if (status != KX_OK || !e->bag)
		return status;
	kx_page_card_end(&e->text, event->source, event->lineno,
	    event->record_sha256);
	return put_text(e, e->page, err);
}

enum kx_status
kx_evidence_malformed(struct kx_evidence *e,
    const struct kx_finding *finding, struct kx_error *err)
{
	const struct kx_manifest_row row = {
		.state = KX_MANIFEST_MALFORMED,
		.source = kx_span_str(finding->file),
		.line = finding->line,
		.off = finding->off,
		.reason = kx_span_str(finding->message)
	};

	e->totals.malformed++;
	return put_row(e, &row, err);
}

/* --- the end -------------------------------------------------------------- */

/* When papers are from: the newest event. */
static int64_t
papers_mtime(const struct kx_evidence *e)
{
	return e->has_newest ? e->newest_ms / 1000 : 0;
}

/* End a stream; a payload file (it has a name) is listed in
 * manifest-sha256.txt. */
static enum kx_status
end_stream(struct kx_evidence *e, struct kx_bundle_stream **stream,
    const char *name, unsigned flags, struct kx_sums *sums,
    struct kx_error *err)
{
	enum kx_status status;
	uint64_t size;

	if (*stream == NULL)
		return KX_OK;
	status = kx_bundle_stream_end(*stream, papers_mtime(e), flags, sums,
	    &size, err);
	*stream = NULL;
	return status != KX_OK || name == NULL ? status :
	    put_sum(e, sums, size, name, err);
}

/* Records that are mostly pictures in base64 would take seconds to shrink by
 * a quarter: they are stored, as the pictures are. */
static unsigned
records_flags(const struct kx_evidence *e)
{
	return e->frames_size > kx_bundle_stream_size(e->records) / 4 ? 0 :
	    KX_BUNDLE_TEXT;
}

/* The texts of both tag manifests. */
struct tags {
	struct kx_buf sha256, sha512;
};

static void
tag_line(struct tags *tags, const struct kx_sums *sums, const char *name)
{
	kx_bag_line(&tags->sha256, sums->sha256, KX_SHA256_SIZE, name);
	kx_bag_line(&tags->sha512, sums->sha512, KX_SHA512_SIZE, name);
}

/* A tag file: e->text goes into the bundle, its lines into `tags`. */
static enum kx_status
put_tag(struct kx_evidence *e, struct tags *tags, const char *name,
    struct kx_error *err)
{
	enum kx_status status;
	struct kx_sums sums;

	if (kx_buf_failed(&e->text) || kx_sums_all(&sums, KX_SUM_SHA256 |
	    KX_SUM_SHA512, e->text.ptr, e->text.len) != KX_OK)
		return no_memory(err);
	tag_line(tags, &sums, name);
	status = kx_bundle_add(e->bundle, name, papers_mtime(e),
	    KX_BUNDLE_TEXT, kx_buf_span(&e->text), NULL, err);
	kx_buf_reset(&e->text, KEEP_BYTES);
	return status;
}

static enum kx_status
put_info(struct kx_evidence *e, struct tags *tags, struct kx_error *err)
{
	kx_buf_addspan(&e->text, e->options.info);
	kx_bag_info(&e->text, "Bag-Software-Agent", e->options.agent);
	if (e->options.has_date)
		kx_bag_date(&e->text, e->options.date_ms);
	else if (e->has_newest)
		kx_bag_date(&e->text, e->newest_ms);
	kx_bag_oxum(&e->text, e->payload_size, e->payload_files);
	if (e->options.type.len > 0)
		kx_bag_info(&e->text, "Kx-Snapshot-Type", e->options.type);
	kx_buf_addspan(&e->text, kx_buf_span(&e->source_lines));
	return put_tag(e, tags, KX_BAG_INFO, err);
}

static enum kx_status
put_manifests(struct kx_evidence *e, struct tags *tags, struct kx_error *err)
{
	enum kx_status status;
	struct kx_sums sums;

	status = end_stream(e, &e->sums, NULL, KX_BUNDLE_TEXT, &sums, err);
	if (status != KX_OK)
		return status;
	tag_line(tags, &sums, KX_BAG_MANIFEST);
	status = end_stream(e, &e->sums512, NULL, KX_BUNDLE_TEXT, &sums, err);
	if (status == KX_OK)
		tag_line(tags, &sums, KX_BAG_MANIFEST512);
	return status;
}

static enum kx_status
put_tags(struct kx_evidence *e, struct tags *tags, struct kx_error *err)
{
	enum kx_status status;

	kx_bag_declaration(&e->text);
	status = put_tag(e, tags, KX_BAG_DECLARATION, err);
	if (status == KX_OK)
		status = put_info(e, tags, err);
	if (status == KX_OK)
		status = put_manifests(e, tags, err);
	if (status != KX_OK)
		return status;
	if (kx_buf_failed(&tags->sha256) || kx_buf_failed(&tags->sha512))
		return no_memory(err);
	status = kx_bundle_add(e->bundle, KX_BAG_TAGMANIFEST512,
	    papers_mtime(e), KX_BUNDLE_TEXT, kx_buf_span(&tags->sha512), NULL,
	    err);
	return status != KX_OK ? status : kx_bundle_add(e->bundle,
	    KX_BAG_TAGMANIFEST, papers_mtime(e), KX_BUNDLE_TEXT,
	    kx_buf_span(&tags->sha256), NULL, err);
}

/* What else is in the folders of a payload makes the bag invalid: it is
 * somebody's, so it is named and left. */
struct stranger {
	const struct kx_evidence *e;
	bool frames;
	uint64_t n;
	char name[256];
};

static bool
known(void *arg, const char *name)
{
	static const char *const ours[] = {
		"frames", "events.ndjson", "index.html", "manifest.csv"
	};
	struct stranger *s = arg;
	size_t len = strlen(name), i;

	if (len >= sizeof(s->name))
		len = sizeof(s->name) - 1;
	if (!s->frames) {
		for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
			if (!strcmp(name, ours[i]))
				return true;
		}
	} else if (strlen(name) <= KX_SNAPNAME_MAX &&
	    kx_snapnames_has(&s->e->names, name, s->e->hash) &&
	    ++s->n <= s->e->totals.frames) {
		/* More than there are: one differs in case alone. */
		return true;
	}
	memcpy(s->name, name, len);
	s->name[len] = '\0';
	return false;
}

static enum kx_status
no_strangers(struct kx_evidence *e, const char *folder, bool frames,
    struct kx_error *err)
{
	struct stranger s = { .e = e, .frames = frames };
	enum kx_status status;

	status = kx_bundle_list(e->bundle, folder, known, &s, err);
	if (status != KX_OK || s.name[0] == '\0')
		return status;
	return kx_error_set(err, KX_FAIL, 0,
	    "%s/%s/%s is not of this bag, which would be invalid",
	    e->options.place, folder, s.name);
}

/* The payload of a bag that is no frame and no manifest. */
static enum kx_status
end_payload(struct kx_evidence *e, struct kx_error *err)
{
	const struct kx_page_totals totals = {
		.events = e->totals.events,
		.frames = e->totals.frames,
		.not_here = e->totals.missing + e->totals.undecodable,
		.malformed = e->totals.malformed
	};
	struct kx_sums sum;
	enum kx_status status;

	kx_page_end(&e->text, &totals);
	status = put_text(e, e->page, err);
	if (status == KX_OK)
		status = end_stream(e, &e->records, "data/events.ndjson",
		    records_flags(e), &sum, err);
	if (status == KX_OK && (kx_sources_info(e->sources, &sum,
	    &e->source_lines) != KX_OK || kx_buf_failed(&e->source_lines)))
		return no_memory(err);
	if (status == KX_OK)
		status = end_stream(e, &e->page, "data/index.html",
		    KX_BUNDLE_TEXT, &sum, err);
	if (status == KX_OK)
		status = no_strangers(e, "data", false, err);
	if (status == KX_OK)
		status = no_strangers(e, FRAMES_FOLDER, true, err);
	return status;
}

enum kx_status
kx_evidence_finish(struct kx_evidence *e, struct kx_error *err)
{
	struct tags tags = { .sha256 = { .ptr = NULL } };
	enum kx_status status = KX_OK;
	struct kx_sums sums;

	if (e->missing != NULL)
		status = kx_missing_write(e->missing, e->options.now_ms,
		    e->options.missing, err);
	if (status == KX_OK && e->bag)
		status = end_payload(e, err);
	if (status == KX_OK)
		status = kx_bundle_sync(e->bundle, err);
	if (status == KX_OK)
		status = end_stream(e, &e->manifest, e->bag ?
		    "data/manifest.csv" : "manifest.csv", KX_BUNDLE_TEXT,
		    &sums, err);
	if (status != KX_OK)
		return status;
	if (!e->bag)
		return end_stream(e, &e->sums, NULL, KX_BUNDLE_TEXT, &sums,
		    err);
	status = kx_bundle_sync(e->bundle, err);
	if (status == KX_OK)
		status = put_tags(e, &tags, err);
	kx_buf_free(&tags.sha256);
	kx_buf_free(&tags.sha512);
	return status;
}

/* --- open and close ------------------------------------------------------- */

/* Begin the files that only a bag has. */
static enum kx_status
open_bag(struct kx_evidence *e, struct kx_error *err)
{
	enum kx_status status;

	status = kx_bundle_stream_open(e->bundle, "data/events.ndjson",
	    e->options.threads, &e->records, err);
	if (status == KX_OK)
		status = kx_bundle_stream_open(e->bundle, "data/index.html",
		    false, &e->page, err);
	if (status == KX_OK)
		status = kx_bundle_stream_open(e->bundle, KX_BAG_MANIFEST512,
		    false, &e->sums512, err);
	if (status == KX_OK)
		status = kx_sources_new(e->records, e->options.threads,
		    &e->sources, err);
	if (status != KX_OK)
		return status;
	if (!kx_page_begin(&e->text, e->hash))
		return no_memory(err);
	return put_text(e, e->page, err);
}

static enum kx_status
open_manifests(struct kx_evidence *e, struct kx_error *err)
{
	enum kx_status status = KX_OK;

	if (e->bag || e->options.manifest == NULL) {
		status = kx_bundle_stream_open(e->bundle, e->bag ?
		    "data/manifest.csv" : "manifest.csv", false, &e->manifest,
		    err);
		if (status != KX_OK)
			return status;
		kx_manifest_begin(&e->text, KX_MANIFEST_CSV);
		status = put_text(e, e->manifest, err);
	}
	if (status != KX_OK || e->options.manifest == NULL)
		return status;
	kx_manifest_begin(&e->text, e->options.format);
	return put_text_out(e, err);
}

enum kx_status
kx_evidence_open(const struct kx_evidence_options *options,
    struct kx_evidence **out, struct kx_error *err)
{
	struct kx_evidence *e = calloc(1, sizeof(*e));
	enum kx_status status;

	*out = e;
	if (e == NULL)
		return no_memory(err);
	e->options = *options;
	e->bundle = options->bundle;
	e->bag = options->bag;
	status = kx_hash_new(KX_SHA256, &e->hash, err);
	if (status == KX_OK)
		status = kx_bundle_stream_open(e->bundle, KX_BAG_MANIFEST,
		    false, &e->sums, err);
	if (status == KX_OK && e->bag)
		status = open_bag(e, err);
	if (status == KX_OK && options->missing != NULL)
		status = kx_missing_new(e->bundle, options->missing_format,
		    &e->missing, err);
	return status != KX_OK ? status : open_manifests(e, err);
}

const struct kx_evidence_totals *
kx_evidence_totals(const struct kx_evidence *e)
{
	return &e->totals;
}

void
kx_evidence_close(struct kx_evidence *e)
{
	if (e == NULL)
		return;
	kx_bundle_stream_drop(e->manifest);
	kx_bundle_stream_drop(e->sums);
	kx_bundle_stream_drop(e->records);
	kx_bundle_stream_drop(e->page);
	kx_bundle_stream_drop(e->sums512);
	kx_sources_free(e->sources);
	kx_buf_free(&e->source_lines);
	kx_missing_free(e->missing);
	kx_snapnames_free(&e->names);
	kx_keytab_free(&e->seen);
	kx_buf_free(&e->paths);
	free(e->spans);
	kx_hash_free(e->hash);
	kx_buf_free(&e->text);
	free(e);
}
