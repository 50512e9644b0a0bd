/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A record taken apart for a bundle.  A frame is decoded once, into a buffer
 * that is kept from one run of records to the next; all else of an event that
 * is not in its text goes into the arena or into `made`, so that a record
 * costs few allocations.  Sums come last, for all records of a run: side by
 * side they take half the time.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kx/extract.h"
#include "kx/frame.h"
#include "kx/page.h"
#include "kx/snapname.h"

#define KEEP_BYTES ((size_t)1 << 20)	/* of a buffer, for the next records */

/* The record at hand. */
struct work {
	struct kx_extractor *x;
	const struct kx_extract_record *record;
	const struct kx_json *json;
	struct kx_extracts *out;
	struct kx_manifest_row base;	/* what all its rows share */
};

void
kx_extracts_reset(struct kx_extracts *extracts)
{
	size_t i;

	for (i = 0; i < extracts->n_bytes; i++)
		kx_buf_reset(&extracts->bytes[i], KEEP_BYTES);
	extracts->n_bytes = extracts->n_items = extracts->n_events = 0;
	kx_buf_reset(&extracts->made, KEEP_BYTES);
	extracts->no_memory = false;
}

void
kx_extracts_fini(struct kx_extracts *extracts)
{
	size_t i;

	for (i = 0; i < extracts->cap_bytes; i++)
		kx_buf_free(&extracts->bytes[i]);
	free(extracts->bytes);
	free(extracts->messages);
	free(extracts->records);
	free(extracts->items);
	free(extracts->events);
	kx_buf_free(&extracts->made);
}

enum kx_status
kx_extractor_init(struct kx_extractor *x,
    const struct kx_extract_wants *wants)
{
	*x = (struct kx_extractor){ .wants = wants };
	return kx_hash_new(KX_SHA256, &x->hash, NULL);
}

void
kx_extractor_fini(struct kx_extractor *x)
{
	kx_event_fini(&x->event);
	kx_hash_free(x->hash);
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

/* A span that lives as long as the arena does. */
static struct kx_span
keep(struct work *w, struct kx_span span)
{
	char *copy = kx_arena_dup(w->record->arena, span);

	if (copy == NULL) {
		w->out->no_memory = true;
		return KX_SPAN_NULL;
	}
	return (struct kx_span){ copy, span.len };
}

/* The text of a string or the spelling of a number; absent for all else. */
static struct kx_span
text_of(struct work *w, uint32_t node)
{
	struct kx_buf *scratch = w->record->scratch;
	struct kx_span text;

	if (!kx_value_text(w->json, node, scratch, &text)) {
		if (kx_buf_failed(scratch))
			w->out->no_memory = true;
		return KX_SPAN_NULL;
	}
	/* What was decoded is in the scratch buffer, the rest in the record. */
	return text.ptr == scratch->ptr ? keep(w, text) : text;
}

static struct kx_span
field(struct work *w, enum kx_field f)
{
	return text_of(w, kx_event_get(&w->x->event, f));
}

static struct kx_extract_item *
item_new(struct work *w)
{
	struct kx_extracts *out = w->out;
	struct kx_extract_item *item;
	void *array = out->items;

	if (!grow(&array, out->n_items, &out->cap_items, sizeof(*item))) {
		out->no_memory = true;
		return NULL;
	}
	out->items = array;
	item = &out->items[out->n_items++];
	*item = (struct kx_extract_item){ .row = w->base };
	return item;
}

/* The next buffer; it counts when there is a frame in it. */
static struct kx_buf *
bytes_new(struct work *w)
{
	struct kx_extracts *out = w->out;
	void *array = out->bytes;

	if (!grow(&array, out->n_bytes, &out->cap_bytes,
	    sizeof(*out->bytes))) {
		out->no_memory = true;
		return NULL;
	}
	out->bytes = array;
	return &out->bytes[out->n_bytes];
}

static void
found(struct work *w, enum kx_severity severity, const char *rule, size_t at,
    uint32_t node, const char *what)
{
	char message[sizeof(((struct kx_frame *)0)->reason) + 16];

	/* An error is what costs the frame. */
	(void)snprintf(message, sizeof(message), "%s%s", what,
	    severity == KX_SEV_ERROR ? ": no frame" : "");
	w->record->found(w->record->arg, severity, rule, at, node, message);
}

/* A snapshot of which nothing more can be told. */
static void
no_snapshot(struct work *w, struct kx_extract_item *item, uint32_t node,
    const char *why)
{
	item->row.state = KX_MANIFEST_UNDECODABLE;
	item->row.reason = kx_span_str(why);
	found(w, KX_SEV_ERROR, "wrong-type", w->json->node[node].off, node,
	    why);
}

static void
add_frame(struct work *w, struct kx_extract_item *item,
    const struct kx_frame *frame, size_t len)
{
	item->bytes = w->out->n_bytes++;
	item->type = frame->image.type;
	item->row.size = len;
	item->row.media_type =
	    kx_span_str(kx_image_media_type(frame->image.type));
	item->row.width = frame->image.width;
	item->row.height = frame->image.height;
}

/* The ending of a path's last part, without the query. */
static struct kx_span
extension_of(struct kx_span path)
{
	const char *query = path.len == 0 ? NULL :
	    memchr(path.ptr, '?', path.len);
	const char *end = query != NULL ? query : path.ptr + path.len, *p;

	for (p = end; p > path.ptr && p[-1] != '/'; p--) {
		if (p[-1] == '.')
			return (struct kx_span){ p, (size_t)(end - p) };
	}
	return KX_SPAN_NULL;
}

/* Bytes, declaration and path each say what the frame is: where they differ,
 * the row says so. */
static void
compare_types(struct work *w, struct kx_extract_item *item,
    const struct kx_frame *frame)
{
	struct kx_span ext = extension_of(item->row.path);
	enum kx_image_type declared, named;
	char text[200];

	declared = kx_image_by_media_type(frame->declared);
	named = kx_image_by_extension(ext);
	if ((frame->declared.len == 0 || declared == frame->image.type) &&
	    (named == KX_IMAGE_UNKNOWN || named == frame->image.type))
		return;
	(void)snprintf(text, sizeof(text), "bytes are %s, %s%s%s",
	    kx_image_media_type(frame->image.type),
	    frame->declared.len == 0 ? "not declared" : "declared as ",
	    frame->declared.len == 0 ? "" :
	    declared == KX_IMAGE_UNKNOWN ? "something else" :
	    kx_image_media_type(declared),
	    named == KX_IMAGE_UNKNOWN ? "" :
	    named == KX_IMAGE_JPEG ? ", named as image/jpeg" :
	    ", named as another image");
	item->row.reason = keep(w, kx_span_str(text));
}

static void
snapshot(struct work *w, uint32_t index, const struct kx_row *snap)
{
	static const enum kx_manifest_state states[] = {
		[KX_FRAME_OK] = KX_MANIFEST_OK,
		[KX_FRAME_MISSING] = KX_MANIFEST_MISSING,
		[KX_FRAME_UNDECODABLE] = KX_MANIFEST_UNDECODABLE,
		[KX_FRAME_NO_MEMORY] = KX_MANIFEST_UNDECODABLE
	};
	const struct kx_extract_wants *wants = w->x->wants;
	struct kx_extract_item *item;
	struct kx_buf *bytes = bytes_new(w);
	struct kx_frame_path path;
	struct kx_frame frame;
	uint32_t image;

	if (wants->type.len > 0 && !kx_span_eq(wants->type,
	    text_of(w, kx_row_get(snap, KX_SNAPSHOT_TYPE))))
		return;
	item = item_new(w);
	if (item == NULL)
		return;
	item->row.is_snapshot = true;
	item->row.index = index;
	item->row.state = states[KX_FRAME_NO_MEMORY];
	if (bytes == NULL)
		return;
	if (kx_json_type(w->json, snap->node) != KX_JSON_OBJECT) {
		no_snapshot(w, item, snap->node, "the snapshot is no object");
		return;
	}
	item->row.type = text_of(w, kx_row_get(snap, KX_SNAPSHOT_TYPE));
	item->row.path = text_of(w, kx_row_get(snap, KX_SNAPSHOT_PATH));
	kx_frame_path(item->row.path, &path);
	item->row.stamp = path.stamp;

	image = kx_row_get(snap, KX_SNAPSHOT_IMAGE);
	kx_frame_decode(w->json, image, wants->kernel, w->record->scratch,
	    bytes, &frame);
	item->row.state = states[frame.state];
	if (frame.state == KX_FRAME_NO_MEMORY) {
		w->out->no_memory = true;
		return;
	}
	if (frame.declared.len > 0)
		item->row.declared_type = keep(w, frame.declared);
	if (frame.reason[0] != '\0')
		item->row.reason = keep(w, kx_span_str(frame.reason));
	if (frame.rule != NULL)
		found(w, frame.state == KX_FRAME_UNDECODABLE ? KX_SEV_ERROR :
		    KX_SEV_WARNING, frame.rule, frame.at, image != 0 ? image :
		    snap->node, frame.reason);
	if (frame.state == KX_FRAME_OK) {
		if (frame.reason[0] == '\0')
			compare_types(w, item, &frame);
		add_frame(w, item, &frame, bytes->len);
	} else {
		item->row.expires = path.expires;
		item->row.expires_ms = path.expires_ms;
	}
}

static void
snapshots(struct work *w)
{
	const struct kx_event *event = &w->x->event;
	const struct kx_rows *rows = &event->rows[KX_GROUP_SNAPSHOT];
	uint32_t list = kx_event_get(event, KX_EVENT_SNAPSHOTS), i;
	struct kx_extract_item *item;

	if (list != 0 && kx_json_type(w->json, list) != KX_JSON_ARRAY &&
	    kx_json_type(w->json, list) != KX_JSON_NULL) {
		item = item_new(w);
		if (item != NULL)
			no_snapshot(w, item, list, "snapshots is no array");
		return;
	}
	for (i = 0; i < rows->n; i++)
		snapshot(w, i, &rows->row[i]);
}

/* What stands in front of the snapshots. */
static bool
begin_event(struct work *w, struct kx_extract_event *event)
{
	const struct kx_extract_record *record = w->record;
	struct kx_extracts *out = w->out;

	event->line = record->line;
	event->ended = record->ended;
	if (record->line.ptr != w->json->text) {
		event->line.ptr = NULL;
		event->line_off = out->made.len;
		kx_buf_addspan(&out->made, record->line);
	}
	event->source = kx_span_str(record->source);
	event->lineno = record->lineno;
	event->has_start = kx_value_int(w->json,
	    kx_event_get(&w->x->event, KX_EVENT_START_TIME),
	    &event->start_ms);

	w->base = (struct kx_manifest_row){
		.source = event->source,
		.line = record->lineno,
		.off = record->off
	};
	w->base.id = field(w, KX_EVENT_ID);
	w->base.event_id = field(w, KX_EVENT_EVENT_ID);
	w->base.channel_id = field(w, KX_EVENT_CHANNEL_ID);
	w->base.channel_name = field(w, KX_EVENT_CHANNEL_NAME);
	w->base.start_time = field(w, KX_EVENT_START_TIME);
	w->base.end_time = field(w, KX_EVENT_END_TIME);
	event->topic = field(w, KX_EVENT_TOPIC);
	return !kx_buf_failed(&out->made);
}

enum kx_status
kx_extract(struct kx_extractor *x, const struct kx_extract_record *record,
    struct kx_extracts *out)
{
	struct work w = { .x = x, .record = record, .json = record->json,
	    .out = out };
	struct kx_extract_event event = { 0 };
	void *array = out->events;

	if (!kx_event_walk(&x->event, x->wants->schema, record->json))
		return KX_FAIL;
	if (!x->event.is_object)
		return KX_BAD;
	if (!begin_event(&w, &event))
		return KX_FAIL;
	event.first = out->n_items;
	snapshots(&w);
	event.n = out->n_items - event.first;
	event.card_off = out->made.len;
	if (x->wants->cards && !kx_page_card(&out->made, &x->event,
	    record->scratch))
		out->no_memory = true;
	event.card_len = out->made.len - event.card_off;
	if (kx_buf_failed(&out->made) || !grow(&array, out->n_events,
	    &out->cap_events, sizeof(event)))
		return KX_FAIL;
	out->events = array;
	out->events[out->n_events++] = event;
	return KX_OK;
}

/* What waits for sums. */
static bool
gather_messages(const struct kx_extract_wants *wants, struct kx_extracts *out,
    size_t *n)
{
	size_t most = out->n_events + out->n_bytes, i, k;
	struct kx_message *m;
	void *more;

	if (most > out->cap_messages) {
		more = reallocarray(out->messages, most, sizeof(*m));
		if (more == NULL)
			return false;
		out->messages = more;
		out->cap_messages = most;
	}
	if (out->n_events > out->cap_records) {
		more = reallocarray(out->records, out->n_events,
		    sizeof(*out->records));
		if (more == NULL)
			return false;
		out->records = more;
		out->cap_records = out->n_events;
	}
	m = out->messages;
	for (i = 0; i < out->n_events; i++) {
		struct kx_extract_event *event = &out->events[i];
		struct kx_span line = event->line;

		if (line.ptr == NULL)
			line.ptr = out->made.ptr + event->line_off;
		*m++ = (struct kx_message){ line, KX_SUM_SHA256,
		    &out->records[i] };
		for (k = 0; k < event->n; k++) {
			struct kx_extract_item *item =
			    &out->items[event->first + k];

			if (item->row.state != KX_MANIFEST_OK)
				continue;
			*m++ = (struct kx_message){
			    kx_buf_span(&out->bytes[item->bytes]),
			    wants->sums, &item->sums };
		}
	}
	*n = (size_t)(m - out->messages);
	return true;
}

static struct kx_span
hex_of(struct kx_arena *arena, const uint8_t sum[KX_SHA256_SIZE])
{
	char *hex = kx_arena_alloc(arena, 2 * KX_SHA256_SIZE + 1);

	if (hex == NULL)
		return KX_SPAN_NULL;
	kx_hex(sum, KX_SHA256_SIZE, hex);
	return (struct kx_span){ hex, 2 * KX_SHA256_SIZE };
}

static bool
name_item(struct kx_extractor *x, struct kx_arena *arena,
    const struct kx_extract_event *event, struct kx_extract_item *item)
{
	const struct kx_manifest_row *row = &item->row;
	const struct kx_snapname parts = {
		.start_time = row->start_time,
		.id = row->id,
		.event_id = row->event_id,
		.channel_id = row->channel_id,
		.channel_name = row->channel_name,
		.topic = event->topic,
		.type = row->type,
		.stamp = row->stamp,
		.index = row->index,
		.sha256 = item->sums.sha256,
		.ext = kx_image_extension(item->type)
	};
	char name[KX_SNAPNAME_MAX + 1];
	size_t len = kx_snapname_make(name, x->wants->names, &parts, x->hash);

	item->row.sha256 = hex_of(arena, item->sums.sha256);
	item->name = kx_arena_dup(arena, (struct kx_span){ name, len });
	return len > 0 && item->row.sha256.ptr != NULL && item->name != NULL;
}

void
kx_extracts_sum(struct kx_extractor *x, struct kx_arena *arena,
    struct kx_extracts *out)
{
	size_t n, i, k;

	if (!gather_messages(x->wants, out, &n) ||
	    kx_sums_many(x->wants->kernel, out->messages, n) != KX_OK) {
		out->no_memory = true;
		return;
	}
	for (i = 0; i < out->n_events; i++) {
		struct kx_extract_event *event = &out->events[i];

		event->record_sha256 = hex_of(arena, out->records[i].sha256);
		if (event->record_sha256.ptr == NULL)
			out->no_memory = true;
		for (k = 0; k < event->n; k++) {
			struct kx_extract_item *item =
			    &out->items[event->first + k];

			item->row.record_sha256 = event->record_sha256;
			if (item->row.state == KX_MANIFEST_OK &&
			    !name_item(x, arena, event, item))
				out->no_memory = true;
		}
	}
}
