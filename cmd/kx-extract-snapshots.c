/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-extract-snapshots: frames out of events, with the papers of a bundle.
 *
 * In go records; out goes a directory or an archive with a file for each
 * frame, a manifest with a row for each snapshot (its frame here or not) and
 * the hashes; as a bag also the records and a page to look at.
 *
 * Workers decode, sniff, hash and lay out everything but names, into memory of
 * the batch; the main thread, in order, takes a name for each frame and puts
 * its bytes into the bundle from where they lie.  Memory is that of the
 * batches and 48 bytes a frame, for its name.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kx/bag.h"
#include "kx/bundle.h"
#include "kx/event.h"
#include "kx/frame.h"
#include "kx/hash.h"
#include "kx/manifest.h"
#include "kx/num.h"
#include "kx/page.h"
#include "kx/snapname.h"

#include "cli.h"
#include "run.h"

/* --- settings ------------------------------------------------------------ */

#define FRAMES_FOLDER "data/frames"
#define PATH_SIZE (sizeof(FRAMES_FOLDER "/") + KX_SNAPNAME_MAX)
#define KEEP_BYTES ((size_t)1 << 20)	/* of a buffer, from batch to batch */

enum { OPT_DIRECTORY = CLI_FIRST, OPT_OUTPUT, OPT_BAGIT, OPT_MANIFEST };

static const struct cli_option options[] = {
	{ OPT_DIRECTORY, 'C', "directory", "DIR",
	    "write files into DIR, which is made where it is missing" },
	{ OPT_OUTPUT, 'o', "output", "FILE",
	    "write an archive, .zip or .tar by the name's suffix" },
	{ OPT_BAGIT, 0, "bagit", NULL,
	    "make it a BagIt bag with the records and a page to look at" },
	{ OPT_MANIFEST, 0, "manifest", "FILE",
	    "write the manifest to FILE: .csv, or .ndjson, .jsonl" },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "kx-extract-snapshots",
	.usage = "-C DIR|-o FILE [OPTION]... [FILE]...",
	.purpose = "Extract the video frames of webhook events, with "
	    "manifest and hashes.",
	.options = options,
	.progress = true,
	.rejects = true,
};

struct extract {
	const char *place;		/* -C or -o */
	enum kx_bundle_kind kind;
	bool bag;
	const char *manifest_path;	/* --manifest, or NULL */
	enum kx_manifest_format manifest_format;

	struct kx_schema *schema;	/* shared by the workers */

	/* the rest is the main thread's */
	struct kx_bundle *bundle;
	struct kx_bundle_stream *manifest;	/* NULL: not in the bundle */
	struct kx_bundle_stream *sums;		/* manifest-sha256.txt */
	struct kx_bundle_stream *records, *page;	/* of a bag */
	struct kx_output manifest_out;		/* --manifest */
	struct kx_hash *hash;
	struct kx_snapnames names;
	struct kx_buf text;			/* a row, a line, a card */
	bool broken;			/* said why: nothing more is written */
	int64_t newest_ms;		/* start of the newest event */
	bool has_newest;
	uint64_t frames_size;		/* of all rows, files or not */
	uint64_t payload_size, payload_files;
	struct kx_page_totals totals;
};

/* --- a record, on a worker ----------------------------------------------- */

/* A snapshot that was looked at.  Spans point into the chunk and its arena. */
struct item {
	struct kx_manifest_row row;
	const char *name;		/* of an OK frame */
	uint8_t sha256[KX_SHA256_SIZE];
	size_t bytes;			/* index of its buffer in the results */
};

/* A record that is an event. */
struct done {
	size_t first, n;		/* items */
	size_t findings, findings_end;	/* its own, in the batch */
	struct kx_span line;		/* ptr NULL: at line_off in `made` */
	size_t line_off;
	size_t card_off, card_len;	/* in `made` */
	struct kx_span source, record_sha256;
	uint64_t lineno;
	bool has_start;
	int64_t start_ms;
};

/* What a worker makes of a chunk: batch->user. */
struct results {
	struct item *items;
	size_t n_items, cap_items;
	struct done *events;
	size_t n_events, cap_events;
	struct kx_buf *bytes;		/* decoded frames */
	size_t n_bytes, cap_bytes;
	struct kx_buf made;
	/* of the record at hand, for all its rows */
	struct kx_manifest_row base;
};

/* worker->user */
struct tools {
	struct kx_event event;
	struct kx_hash *hash;
	struct kx_buf text;
};

static void *
results_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct results));
}

static void
results_free(void *ctx, void *user)
{
	struct results *r = user;
	size_t i;

	(void)ctx;
	if (r == NULL)
		return;
	for (i = 0; i < r->cap_bytes; i++)
		kx_buf_free(&r->bytes[i]);
	free(r->bytes);
	free(r->items);
	free(r->events);
	kx_buf_free(&r->made);
	free(r);
}

static void
results_reset(struct results *r)
{
	size_t i;

	for (i = 0; i < r->n_bytes; i++)
		kx_buf_reset(&r->bytes[i], KEEP_BYTES);
	r->n_bytes = r->n_items = r->n_events = 0;
	kx_buf_reset(&r->made, KEEP_BYTES);
}

static void *
tools_new(void *ctx, unsigned index)
{
	struct tools *t = calloc(1, sizeof(*t));

	(void)ctx;
	(void)index;
	if (t != NULL && kx_hash_new(KX_SHA256, &t->hash, NULL) != KX_OK) {
		free(t);
		return NULL;
	}
	return t;
}

static void
tools_free(void *ctx, void *user)
{
	struct tools *t = user;

	(void)ctx;
	if (t == NULL)
		return;
	kx_event_fini(&t->event);
	kx_hash_free(t->hash);
	kx_buf_free(&t->text);
	free(t);
}

/* Room for one more element of `size` bytes, cleared from the old end on. */
static bool
grow(void **array, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? 16 : *cap * 2, all;
	void *ptr;

	if (n < *cap)
		return true;
	if (__builtin_mul_overflow(more, size, &all))
		return false;
	ptr = realloc(*array, all);
	if (ptr == NULL)
		return false;
	memset((char *)ptr + *cap * size, 0, (more - *cap) * size);
	*array = ptr;
	*cap = more;
	return true;
}

/* A span that lives as long as the batch. */
static struct kx_span
keep(struct run_batch *batch, struct kx_span span)
{
	char *copy = kx_arena_dup(&batch->arena, span);

	if (copy == NULL) {
		batch->no_memory = true;
		return KX_SPAN_NULL;
	}
	return (struct kx_span){ copy, span.len };
}

/* The text of a string or the spelling of a number; absent for all else. */
static struct kx_span
text_of(struct run_worker *worker, struct run_batch *batch, uint32_t node)
{
	struct kx_span text;

	if (!kx_value_text(&worker->json, node, &worker->scratch, &text)) {
		if (worker->scratch.failed)
			batch->no_memory = true;
		return KX_SPAN_NULL;
	}
	/* What was decoded is in the scratch buffer, the rest in the chunk. */
	if (text.ptr == worker->scratch.ptr)
		return keep(batch, text);
	return text;
}

static struct kx_span
keep_hex(struct run_batch *batch, const uint8_t sum[KX_SHA256_SIZE])
{
	char hex[2 * KX_SHA256_SIZE + 1];

	kx_hex(sum, KX_SHA256_SIZE, hex);
	return keep(batch, (struct kx_span){ hex, 2 * KX_SHA256_SIZE });
}

static struct item *
item_new(struct results *r, struct run_batch *batch)
{
	void *array = r->items;
	struct item *item;

	if (!grow(&array, r->n_items, &r->cap_items, sizeof(*item))) {
		batch->no_memory = true;
		return NULL;
	}
	r->items = array;
	item = &r->items[r->n_items++];
	*item = (struct item){ .row = r->base };
	return item;
}

static struct kx_buf *
bytes_new(struct results *r, struct run_batch *batch)
{
	void *array = r->bytes;

	if (!grow(&array, r->n_bytes, &r->cap_bytes, sizeof(*r->bytes))) {
		batch->no_memory = true;
		return NULL;
	}
	r->bytes = array;
	return &r->bytes[r->n_bytes];
}

static void
name_item(struct tools *tools, struct run_batch *batch, struct item *item,
    const struct kx_frame *frame)
{
	const struct kx_manifest_row *row = &item->row;
	const struct kx_snapname parts = {
		.start_time = row->start_time,
		.id = row->id,
		.event_id = row->event_id,
		.type = row->type,
		.index = row->index,
		.sha256 = frame->sha256,
		.ext = kx_image_extension(frame->image.type)
	};
	char name[KX_SNAPNAME_MAX + 1];
	size_t len = kx_snapname_make(name, &parts, tools->hash);

	if (len == 0)
		batch->no_memory = true;
	else
		item->name = keep(batch, (struct kx_span){ name, len }).ptr;
}

/* A snapshot of which nothing more can be told. */
static void
no_snapshot(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record, struct item *item, uint32_t node,
    const char *why)
{
	item->row.state = KX_MANIFEST_UNDECODABLE;
	item->row.reason = kx_span_str(why);
	run_finding(batch, record, &worker->json, KX_SEV_ERROR, "wrong-type",
	    worker->json.node[node].off, node, "%s: no frame", why);
}

static void
say(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record, const struct kx_frame *frame,
    uint32_t node)
{
	if (frame->rule == NULL)
		return;
	if (frame->state == KX_FRAME_UNDECODABLE)
		run_finding(batch, record, &worker->json, KX_SEV_ERROR,
		    frame->rule, frame->at, node, "%s: no frame",
		    frame->reason);
	else
		run_finding(batch, record, &worker->json, KX_SEV_WARNING,
		    frame->rule, frame->at, node, "%s", frame->reason);
}

static void
snapshot(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record, uint32_t index,
    const struct kx_row *snap)
{
	static const enum kx_manifest_state states[] = {
		[KX_FRAME_OK] = KX_MANIFEST_OK,
		[KX_FRAME_MISSING] = KX_MANIFEST_MISSING,
		[KX_FRAME_UNDECODABLE] = KX_MANIFEST_UNDECODABLE,
		[KX_FRAME_NO_MEMORY] = KX_MANIFEST_UNDECODABLE
	};
	struct results *r = batch->user;
	struct tools *tools = worker->user;
	struct item *item = item_new(r, batch);
	struct kx_buf *bytes = bytes_new(r, batch);
	struct kx_frame_path path;
	struct kx_frame frame;
	uint32_t image;

	if (item == NULL || bytes == NULL)
		return;
	item->row.is_snapshot = true;
	item->row.index = index;
	if (kx_json_type(&worker->json, snap->node) != KX_JSON_OBJECT) {
		no_snapshot(worker, batch, record, item, snap->node,
		    "the snapshot is no object");
		return;
	}
	item->row.type = text_of(worker, batch,
	    kx_row_get(snap, KX_SNAPSHOT_TYPE));
	item->row.path = text_of(worker, batch,
	    kx_row_get(snap, KX_SNAPSHOT_PATH));
	kx_frame_path(item->row.path, &path);
	item->row.stamp = path.stamp;

	image = kx_row_get(snap, KX_SNAPSHOT_IMAGE);
	kx_frame_decode(&worker->json, image, cli.kernel, tools->hash,
	    &worker->scratch, bytes, &frame);
	if (frame.state == KX_FRAME_NO_MEMORY) {
		batch->no_memory = true;
		return;
	}
	item->row.state = states[frame.state];
	if (frame.declared.len > 0)
		item->row.declared_type = keep(batch, frame.declared);
	if (frame.reason[0] != '\0')
		item->row.reason = keep(batch, kx_span_str(frame.reason));
	say(worker, batch, record, &frame, image != 0 ? image : snap->node);
	if (frame.state != KX_FRAME_OK) {
		item->row.expires = path.expires;
		item->row.expires_ms = path.expires_ms;
		return;
	}
	item->bytes = r->n_bytes++;
	memcpy(item->sha256, frame.sha256, KX_SHA256_SIZE);
	item->row.sha256 = keep_hex(batch, frame.sha256);
	item->row.size = bytes->len;
	item->row.media_type =
	    kx_span_str(kx_image_media_type(frame.image.type));
	item->row.width = frame.image.width;
	item->row.height = frame.image.height;
	name_item(tools, batch, item, &frame);
}

/* What all rows of a record share. */
static bool
begin_record(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record, struct done *done)
{
	struct results *r = batch->user;
	struct tools *tools = worker->user;
	const struct kx_event *event = &tools->event;
	uint8_t sum[KX_SHA256_SIZE];
	struct kx_span line;

	line = run_line(&worker->json, record, &worker->scratch);
	if (worker->scratch.failed ||
	    kx_hash_all(tools->hash, line.ptr, line.len, sum) != KX_OK)
		return false;
	done->line = line;
	if (line.ptr == worker->scratch.ptr) {
		done->line = (struct kx_span){ NULL, line.len };
		done->line_off = r->made.len;
		kx_buf_addspan(&r->made, line);
	}
	done->record_sha256 = keep_hex(batch, sum);
	done->source = kx_span_str(batch->file);
	done->lineno = record->line;
	done->has_start = kx_value_int(&worker->json,
	    kx_event_get(event, KX_EVENT_START_TIME), &done->start_ms);

	r->base = (struct kx_manifest_row){
		.source = done->source,
		.line = record->line,
		.off = record->off,
		.record_sha256 = done->record_sha256
	};
	r->base.id = text_of(worker, batch,
	    kx_event_get(event, KX_EVENT_ID));
	r->base.event_id = text_of(worker, batch,
	    kx_event_get(event, KX_EVENT_EVENT_ID));
	r->base.channel_id = text_of(worker, batch,
	    kx_event_get(event, KX_EVENT_CHANNEL_ID));
	r->base.channel_name = text_of(worker, batch,
	    kx_event_get(event, KX_EVENT_CHANNEL_NAME));
	r->base.start_time = text_of(worker, batch,
	    kx_event_get(event, KX_EVENT_START_TIME));
	r->base.end_time = text_of(worker, batch,
	    kx_event_get(event, KX_EVENT_END_TIME));
	return !r->made.failed;
}

static void
snapshots(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	const struct kx_event *event =
	    &((struct tools *)worker->user)->event;
	const struct kx_rows *rows = &event->rows[KX_GROUP_SNAPSHOT];
	uint32_t list = kx_event_get(event, KX_EVENT_SNAPSHOTS), i;
	struct item *item;

	if (list != 0 && kx_json_type(&worker->json, list) != KX_JSON_ARRAY &&
	    kx_json_type(&worker->json, list) != KX_JSON_NULL) {
		item = item_new(batch->user, batch);
		if (item != NULL)
			no_snapshot(worker, batch, record, item, list,
			    "snapshots is no array");
		return;
	}
	for (i = 0; i < rows->n; i++)
		snapshot(worker, batch, record, i, &rows->row[i]);
}

static void
no_event(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	/* finish() makes the row of the finding, as for malformed records. */
	run_finding(batch, record, &worker->json, KX_SEV_ERROR,
	    "not-an-object", worker->json.node[0].off, 0,
	    "the record is no JSON object, so it is no event");
	run_reject(batch, record);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	const struct extract *x = ctx;
	struct tools *tools = worker->user;
	struct results *r = batch->user;
	struct done done = { .findings = batch->n_findings };
	void *array;

	if (!kx_event_walk(&tools->event, x->schema, &worker->json)) {
		batch->no_memory = true;
		return;
	}
	if (!tools->event.is_object) {
		no_event(worker, batch, record);
		return;
	}
	if (!begin_record(worker, batch, record, &done)) {
		batch->no_memory = true;
		return;
	}
	done.first = r->n_items;
	snapshots(worker, batch, record);
	done.n = r->n_items - done.first;
	done.card_off = r->made.len;
	if (x->bag && !kx_page_card(&r->made, &tools->event,
	    &worker->scratch))
		batch->no_memory = true;
	done.card_len = r->made.len - done.card_off;
	done.findings_end = batch->n_findings;
	array = r->events;
	if (r->made.failed ||
	    !grow(&array, r->n_events, &r->cap_events, sizeof(done))) {
		batch->no_memory = true;
		return;
	}
	r->events = array;
	r->events[r->n_events++] = done;
}

/* --- a batch, in order, on the main thread ------------------------------- */

static bool
broken(struct extract *x, const struct kx_error *err)
{
	cli_fail(err->errnum, "%s", err->message);
	x->broken = true;
	return false;
}

static bool
no_memory(struct extract *x)
{
	cli_fail(ENOMEM, "cannot go on");
	x->broken = true;
	return false;
}

/* What was gathered in x->text goes to a stream. */
static bool
put_text(struct extract *x, struct kx_bundle_stream *stream)
{
	struct kx_error err;

	if (x->text.failed)
		return no_memory(x);
	if (kx_bundle_stream_write(stream, x->text.ptr, x->text.len,
	    &err) != KX_OK)
		return broken(x, &err);
	kx_buf_reset(&x->text, KEEP_BYTES);
	return true;
}

static bool
put_row(struct extract *x, const struct kx_manifest_row *row)
{
	struct kx_error err;

	if (x->manifest != NULL) {
		kx_manifest_row(&x->text, x->manifest_path == NULL ?
		    x->manifest_format : KX_MANIFEST_CSV, row);
		if (!put_text(x, x->manifest))
			return false;
	}
	if (x->manifest_path == NULL)
		return true;
	kx_manifest_row(&x->text, x->manifest_format, row);
	if (x->text.failed)
		return no_memory(x);
	if (kx_output_writev(&x->manifest_out,
	    &(struct kx_span){ x->text.ptr, x->text.len }, 1, &err) != KX_OK)
		return broken(x, &err);
	kx_buf_reset(&x->text, KEEP_BYTES);
	return true;
}

static bool
put_sum(struct extract *x, const uint8_t sha256[KX_SHA256_SIZE],
    uint64_t size, const char *path)
{
	x->payload_files++;
	x->payload_size += size;
	kx_bag_line(&x->text, sha256, path);
	return put_text(x, x->sums);
}

/* Take a name for the frame and put it in the bundle; `path` receives its
 * place there. */
static bool
put_frame(struct extract *x, struct item *item, struct kx_span bytes,
    int64_t mtime, char path[PATH_SIZE])
{
	size_t prefix = x->bag ? strlen(FRAMES_FOLDER "/") : 0;
	char *name = path + prefix;
	enum kx_status status;
	struct kx_error err;
	uint32_t nth = 1;

	memcpy(path, FRAMES_FOLDER "/", prefix);
	memcpy(name, item->name, strlen(item->name) + 1);
	while ((status = kx_snapnames_take(&x->names, name, item->sha256,
	    x->hash)) == KX_BAD)
		(void)kx_snapname_nth(name, item->name, ++nth);
	if (status == KX_FAIL)
		return no_memory(x);
	item->row.name = kx_span_str(path);
	x->frames_size += bytes.len;
	if (status == KX_EOF) {
		/* The event was delivered twice: one file, two rows. */
		if (item->row.reason.ptr == NULL)
			item->row.reason =
			    KX_SPAN("the same file as an earlier row");
		return true;
	}
	x->totals.frames++;
	if (kx_bundle_add(x->bundle, path, mtime, 0, bytes, &err) != KX_OK)
		return broken(x, &err);
	return put_sum(x, item->sha256, bytes.len, path);
}

static bool
put_item(struct extract *x, struct results *r, const struct done *done,
    struct item *item)
{
	char path[PATH_SIZE];
	struct kx_page_frame frame = { NULL };

	if (item->row.state == KX_MANIFEST_OK) {
		if (!put_frame(x, item, kx_buf_span(&r->bytes[item->bytes]),
		    done->start_ms / 1000, path))
			return false;
		frame.href = path + strlen(KX_BAG_PAYLOAD);
	} else {
		x->totals.not_here++;
		if (item->row.state == KX_MANIFEST_UNDECODABLE)
			cli_raise(CLI_NO);
	}
	if (!put_row(x, &item->row))
		return false;
	if (!x->bag)
		return true;
	frame.type = item->row.type;
	frame.width = item->row.width;
	frame.height = item->row.height;
	frame.reason = item->row.reason;
	frame.expires = item->row.expires;
	frame.expires_ms = item->row.expires_ms;
	kx_page_frame(&x->text, &frame);
	return put_text(x, x->page);
}

static bool
put_event(struct extract *x, struct results *r, const struct done *done)
{
	struct kx_span line = done->line;
	struct kx_error err;
	size_t i;

	x->totals.events++;
	if (done->has_start &&
	    (!x->has_newest || done->start_ms > x->newest_ms)) {
		x->has_newest = true;
		x->newest_ms = done->start_ms;
	}
	if (x->bag) {
		if (line.ptr == NULL)
			line.ptr = r->made.ptr + done->line_off;
		if (kx_bundle_stream_write(x->records, line.ptr, line.len,
		    &err) != KX_OK || kx_bundle_stream_write(x->records, "\n",
		    1, &err) != KX_OK ||
		    kx_bundle_stream_write(x->page, r->made.ptr +
		    done->card_off, done->card_len, &err) != KX_OK)
			return broken(x, &err);
	}
	for (i = 0; i < done->n; i++) {
		if (!put_item(x, r, done, &r->items[done->first + i]))
			return false;
	}
	if (!x->bag)
		return true;
	kx_page_card_end(&x->text, done->source, done->lineno,
	    done->record_sha256);
	return put_text(x, x->page);
}

/* Findings that are no event's are about records that are none. */
static bool
put_malformed(struct extract *x, const struct run_batch *batch, size_t from,
    size_t to)
{
	for (; from < to; from++) {
		const struct kx_finding *f = &batch->findings[from];
		struct kx_manifest_row row = {
			.state = KX_MANIFEST_MALFORMED,
			.source = kx_span_str(f->file),
			.line = f->line,
			.off = f->off,
			.reason = kx_span_str(f->message)
		};

		if (f->severity != KX_SEV_ERROR)
			continue;
		x->totals.malformed++;
		cli_raise(CLI_NO);
		if (!put_row(x, &row))
			return false;
	}
	return true;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct extract *x = ctx;
	struct results *r = batch->user;
	size_t i, findings = 0;
	bool more = !x->broken;

	/* A bundle that lacks what there was no memory for is none. */
	if (more && batch->no_memory)
		more = no_memory(x);
	for (i = 0; more && i < r->n_events; i++) {
		more = put_malformed(x, batch, findings,
		    r->events[i].findings) && put_event(x, r, &r->events[i]);
		findings = r->events[i].findings_end;
	}
	more = more && put_malformed(x, batch, findings, batch->n_findings);
	results_reset(r);
	return more;
}

/* --- the bundle's papers ------------------------------------------------- */

/* When papers are from: the newest event. */
static int64_t
papers_mtime(const struct extract *x)
{
	return x->has_newest ? x->newest_ms / 1000 : 0;
}

/* End a stream; a payload file is listed in manifest-sha256.txt. */
static bool
end_stream(struct extract *x, struct kx_bundle_stream **stream,
    const char *name, unsigned flags)
{
	uint8_t sum[KX_SHA256_SIZE];
	struct kx_error err;
	enum kx_status status;
	uint64_t size;

	if (*stream == NULL)
		return true;
	status = kx_bundle_stream_end(*stream, papers_mtime(x), flags, sum,
	    &size, &err);
	*stream = NULL;
	return status == KX_OK ? put_sum(x, sum, size, name) :
	    broken(x, &err);
}

/* Records that are mostly pictures in base64 would take seconds to shrink by
 * a quarter: they are stored, as the pictures are. */
static unsigned
records_flags(const struct extract *x)
{
	return x->frames_size > kx_bundle_stream_size(x->records) / 4 ? 0 :
	    KX_BUNDLE_TEXT;
}

static bool
sync_bundle(struct extract *x)
{
	struct kx_error err;

	return kx_bundle_sync(x->bundle, &err) == KX_OK || broken(x, &err);
}

/* A tag file: x->text goes into the bundle, its line into `tags`. */
static bool
put_tag(struct extract *x, struct kx_buf *tags, const char *name)
{
	uint8_t sum[KX_SHA256_SIZE];
	struct kx_error err;

	if (x->text.failed || kx_hash_all(x->hash, x->text.ptr, x->text.len,
	    sum) != KX_OK)
		return no_memory(x);
	kx_bag_line(tags, sum, name);
	if (kx_bundle_add(x->bundle, name, papers_mtime(x), KX_BUNDLE_TEXT,
	    kx_buf_span(&x->text), &err) != KX_OK)
		return broken(x, &err);
	kx_buf_reset(&x->text, KEEP_BYTES);
	return true;
}

/* The day of the bag: SOURCE_DATE_EPOCH, else that of the newest event, so
 * that a bag made again is the same bag. */
static void
add_date(struct extract *x)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int64_t seconds;

	if (epoch != NULL && kx_num_i64(kx_span_str(epoch), &seconds) &&
	    seconds >= 0 && seconds <= INT64_MAX / 1000)
		kx_bag_date(&x->text, seconds * 1000);
	else if (x->has_newest)
		kx_bag_date(&x->text, x->newest_ms);
}

static bool
put_bag(struct extract *x)
{
	struct kx_buf tags = { NULL };
	uint8_t sum[KX_SHA256_SIZE];
	struct kx_error err;
	enum kx_status status;
	bool ok;

	kx_bag_declaration(&x->text);
	ok = put_tag(x, &tags, KX_BAG_DECLARATION);
	if (ok) {
		kx_bag_info(&x->text, "Bag-Software-Agent",
		    KX_SPAN("kx-extract-snapshots " PACKAGE_VERSION));
		add_date(x);
		kx_bag_oxum(&x->text, x->payload_size, x->payload_files);
		ok = put_tag(x, &tags, KX_BAG_INFO);
	}
	if (ok) {
		status = kx_bundle_stream_end(x->sums, papers_mtime(x),
		    KX_BUNDLE_TEXT, sum, NULL, &err);
		x->sums = NULL;
		ok = status == KX_OK || broken(x, &err);
		kx_bag_line(&tags, sum, KX_BAG_MANIFEST);
	}
	if (ok && tags.failed)
		ok = no_memory(x);
	if (ok && kx_bundle_add(x->bundle, KX_BAG_TAGMANIFEST,
	    papers_mtime(x), KX_BUNDLE_TEXT, kx_buf_span(&tags),
	    &err) != KX_OK)
		ok = broken(x, &err);
	kx_buf_free(&tags);
	return ok;
}

/* What else is in the folders of a payload makes the bag invalid: it is
 * somebody's, so it is named and left. */
struct stranger {
	const struct extract *x;
	bool frames;
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
	} else if (strlen(name) <= KX_SNAPNAME_MAX) {
		if (kx_snapnames_has(&s->x->names, name, s->x->hash))
			return true;
	}
	memcpy(s->name, name, len);
	s->name[len] = '\0';
	return false;
}

static bool
no_strangers(struct extract *x, const char *folder, bool frames)
{
	struct stranger s = { .x = x, .frames = frames };
	struct kx_error err;

	if (kx_bundle_list(x->bundle, folder, known, &s, &err) != KX_OK)
		return broken(x, &err);
	if (s.name[0] == '\0')
		return true;
	cli_fail(0, "%s/%s/%s is not of this bag, which would be invalid",
	    cli_quotes(x->place), folder, cli_quotes(s.name));
	x->broken = true;
	return false;
}

/* Everything behind the last frame.  Manifests come last, when what they
 * speak of is on the disk. */
static bool
put_papers(struct extract *x)
{
	uint8_t sum[KX_SHA256_SIZE];
	enum kx_status status;
	struct kx_error err;

	if (x->bag) {
		kx_page_end(&x->text, &x->totals);
		if (!put_text(x, x->page) ||
		    !end_stream(x, &x->records, "data/events.ndjson",
		    records_flags(x)) || !end_stream(x, &x->page,
		    "data/index.html", KX_BUNDLE_TEXT) ||
		    !no_strangers(x, "data", false) ||
		    !no_strangers(x, FRAMES_FOLDER, true))
			return false;
	}
	if (!sync_bundle(x) || !end_stream(x, &x->manifest, x->bag ?
	    "data/manifest.csv" : "manifest.csv", KX_BUNDLE_TEXT))
		return false;
	if (x->bag)
		return sync_bundle(x) && put_bag(x);
	status = kx_bundle_stream_end(x->sums, papers_mtime(x),
	    KX_BUNDLE_TEXT, sum, NULL, &err);
	x->sums = NULL;
	return status == KX_OK || broken(x, &err);
}

/* --- open and close ------------------------------------------------------ */

/* No signal comes between a temporary and the handler's knowing of it. */
static void
hold_signals(bool hold)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static bool
open_stream(struct extract *x, const char *name,
    struct kx_bundle_stream **stream)
{
	struct kx_error err;

	return kx_bundle_stream_open(x->bundle, name, stream, &err) == KX_OK ||
	    broken(x, &err);
}

static bool
open_all(struct extract *x)
{
	enum kx_status status;
	struct kx_error err;

	x->schema = kx_schema_new();
	if (x->schema == NULL)
		return no_memory(x);
	if (kx_hash_new(KX_SHA256, &x->hash, &err) != KX_OK)
		return broken(x, &err);
	hold_signals(true);
	status = kx_bundle_open(x->place, x->kind, &x->bundle, &err);
	if (status == KX_OK)
		cli_temp_add(kx_bundle_temp(x->bundle));
	hold_signals(false);
	if (status != KX_OK)
		return broken(x, &err);
	if (x->manifest_path != NULL && cli_output_open(&x->manifest_out,
	    x->manifest_path, 0, &err) != KX_OK)
		return broken(x, &err);
	if (!open_stream(x, KX_BAG_MANIFEST, &x->sums))
		return false;
	if (x->bag) {
		if (!open_stream(x, "data/events.ndjson", &x->records) ||
		    !open_stream(x, "data/index.html", &x->page))
			return false;
		if (!kx_page_begin(&x->text, x->hash))
			return no_memory(x);
		if (!put_text(x, x->page))
			return false;
	}
	if (x->bag || x->manifest_path == NULL) {
		if (!open_stream(x, x->bag ? "data/manifest.csv" :
		    "manifest.csv", &x->manifest))
			return false;
		kx_manifest_begin(&x->text, KX_MANIFEST_CSV);
		if (!put_text(x, x->manifest))
			return false;
	}
	if (x->manifest_path != NULL) {
		kx_manifest_begin(&x->text, x->manifest_format);
		if (x->text.failed)
			return no_memory(x);
		if (kx_output_write(&x->manifest_out, x->text.ptr,
		    x->text.len, &err) != KX_OK)
			return broken(x, &err);
		kx_buf_reset(&x->text, KEEP_BYTES);
	}
	return true;
}

static void
close_all(struct extract *x)
{
	struct kx_error err;

	if (!x->broken)
		(void)put_papers(x);
	kx_bundle_stream_drop(x->manifest);
	kx_bundle_stream_drop(x->sums);
	kx_bundle_stream_drop(x->records);
	kx_bundle_stream_drop(x->page);
	if (x->bundle != NULL) {
		hold_signals(true);
		cli_temp_remove(kx_bundle_temp(x->bundle));
		if (x->broken)
			kx_bundle_abort(x->bundle);
		else if (kx_bundle_commit(x->bundle, &err) != KX_OK)
			(void)broken(x, &err);
		hold_signals(false);
	}
	if (x->manifest_path != NULL) {
		if (x->broken)
			cli_output_abort(&x->manifest_out);
		else if (cli_output_commit(&x->manifest_out, &err) != KX_OK)
			(void)broken(x, &err);
	}
	kx_snapnames_free(&x->names);
	kx_hash_free(x->hash);
	kx_schema_free(x->schema);
	kx_buf_free(&x->text);
}

/* --- main ---------------------------------------------------------------- */

static void
set_place(struct extract *x, const char *place, int kind)
{
	if (x->place != NULL)
		cli_usage("-C DIR and -o FILE: give one of them, once");
	if (*place == '\0')
		cli_usage("the name of the %s is empty",
		    kind == KX_BUNDLE_DIR ? "directory" : "archive");
	if (kind < 0)
		cli_usage("cannot tell what archive %s is: its name must end "
		    "in .zip or .tar", cli_quotes(place));
	x->place = place;
	x->kind = (enum kx_bundle_kind)kind;
}

static void
set_manifest(struct extract *x, const char *path)
{
	int format = kx_manifest_format_of(path);

	if (format < 0)
		cli_usage("cannot tell what format %s is: its name must end "
		    "in .csv, .ndjson or .jsonl", cli_quotes(path));
	x->manifest_path = path;
	x->manifest_format = (enum kx_manifest_format)format;
}

int
main(int argc, char **argv)
{
	static const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = results_new,
		.slot_free = results_free,
		.worker_new = tools_new,
		.worker_free = tools_free,
		.record = record,
		.finish = finish
	};
	struct extract x = { .manifest_format = KX_MANIFEST_CSV };
	struct run_totals totals;
	char *arg;
	int id;

	/* For zip, whose times of day are local ones (kx/bundle.h). */
	if (setenv("TZ", "UTC0", 1) == 0)
		tzset();
	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END) {
		switch (id) {
		case OPT_DIRECTORY:
			set_place(&x, arg, KX_BUNDLE_DIR);
			break;
		case OPT_OUTPUT:
			set_place(&x, arg, kx_bundle_kind_of(arg));
			break;
		case OPT_BAGIT:
			x.bag = true;
			break;
		case OPT_MANIFEST:
			set_manifest(&x, arg);
			break;
		}
	}
	if (x.place == NULL)
		cli_usage("nowhere to write to: give -C DIR for files or "
		    "-o FILE.zip (or .tar) for an archive");
	if (open_all(&x))
		run(&ops, &x, argv + cli_operand(), argc - cli_operand(),
		    NULL, &totals);
	close_all(&x);
	return cli_finish();
}
