/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kx-replay keeps of a record until it is due: its bytes as they are sent,
 * its id, its camera and its start time.  All of this runs on workers.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/event.h"
#include "kx/hash.h"
#include "kx/strip.h"

#include "replay.h"

/* The longest id that a header is given. */
#define ID_MOST 255

void *
replay_items_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct replay_items));
}

void
replay_items_free(void *ctx, void *user)
{
	struct replay_items *items = user;

	(void)ctx;
	if (items != NULL)
		free(items->item);
	free(items);
}

static struct replay_item *
items_add(struct replay_items *items)
{
	struct replay_item *more;
	size_t cap;

	if (items->n == items->cap) {
		cap = items->cap == 0 ? 64 : items->cap * 2;
		more = reallocarray(items->item, cap, sizeof(*more));
		if (more == NULL)
			return NULL;
		items->item = more;
		items->cap = cap;
	}
	return &items->item[items->n++];
}

struct kx_span
replay_bytes(const struct run_batch *batch, const struct replay_piece *piece)
{
	return (struct kx_span){ piece->ptr != NULL ? piece->ptr :
	    batch->made.ptr + piece->off, piece->len };
}

static struct replay_piece
made_piece(const struct run_batch *batch, size_t from)
{
	return (struct replay_piece){ .off = from,
	    .len = batch->made.len - from };
}

/* The event as it is sent: its own bytes, or what is made of them. */
static struct replay_piece
find_body(struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *rec, bool strip)
{
	struct kx_record record = *rec;
	struct kx_buf stripped = { NULL, 0, 0, false };
	struct replay_piece body;
	struct kx_span line;
	size_t from = batch->made.len;

	if (strip && kx_strip_images(&worker->json, &stripped))
		record.text = kx_buf_span(&stripped);
	line = run_line(&worker->json, &record, &worker->scratch);
	body = (struct replay_piece){ .ptr = line.ptr, .len = line.len };
	/* Made there, and gone with the next record. */
	if (line.ptr == worker->scratch.ptr || line.ptr == stripped.ptr) {
		kx_buf_addspan(&batch->made, line);
		body = made_piece(batch, from);
	}
	if (worker->scratch.failed || kx_buf_failed(&stripped))
		batch->no_memory = true;
	kx_buf_free(&stripped);
	return body;
}

/* May it stand in webhook-id, whose parts are joined by points when signed? */
static bool
is_id(struct kx_span id)
{
	size_t i;

	for (i = 0; i < id.len; i++)
		if (id.ptr[i] <= ' ' || id.ptr[i] > '~' || id.ptr[i] == '.')
			return false;
	return id.len > 0 && id.len <= ID_MOST;
}

static bool
member_id(const struct kx_json *json, struct kx_span name,
    struct replay_piece *id)
{
	uint32_t node = kx_json_get(json, 0, name);
	struct kx_span text = KX_SPAN_NULL;

	if (node != 0 && kx_json_type(json, node) == KX_JSON_STRING)
		text = kx_json_str(json, node);
	else if (node != 0 && kx_json_type(json, node) == KX_JSON_NUMBER)
		text = kx_json_raw(json, node);
	if (!is_id(text) || memchr(text.ptr, '\\', text.len) != NULL)
		return false;
	*id = (struct replay_piece){ .ptr = text.ptr, .len = text.len };
	return true;
}

/* The event's id, its event_id, or the hash of its bytes: whatever it is, it is
 * the same the next time. */
static struct replay_piece
find_id(struct run_worker *worker, struct run_batch *batch)
{
	const struct kx_json *json = &worker->json;
	char hex[2 * KX_SHA256_SIZE + 1];
	uint8_t digest[KX_SHA256_SIZE];
	size_t from = batch->made.len;
	struct kx_hash *hash;
	struct replay_piece id;

	if (kx_json_type(json, 0) == KX_JSON_OBJECT &&
	    (member_id(json, KX_SPAN("id"), &id) ||
	    member_id(json, KX_SPAN("event_id"), &id)))
		return id;
	if (kx_hash_new(KX_SHA256, &hash, NULL) != KX_OK ||
	    kx_hash_all(hash, json->text, json->text_len, digest) != KX_OK) {
		batch->no_memory = true;
	} else {
		kx_hex(digest, sizeof(digest), hex);
		kx_buf_adds(&batch->made, "sha256-");
		kx_buf_add(&batch->made, hex, 32);
	}
	kx_hash_free(hash);
	return made_piece(batch, from);
}

static struct kx_span
scalar(const struct kx_json *json, uint32_t node)
{
	if (node == 0 || kx_json_type(json, node) > KX_JSON_STRING)
		return KX_SPAN_NULL;
	return kx_json_type(json, node) == KX_JSON_STRING ?
	    kx_json_str(json, node) : kx_json_raw(json, node);
}

/* The camera, by its id as it is spelled, nested or flat. */
static void
find_channel(const struct kx_json *json, struct replay_item *item)
{
	uint32_t channel = kx_json_get(json, 0, KX_SPAN("channel"));
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	if (channel != 0 && kx_json_type(json, channel) == KX_JSON_OBJECT) {
		item->camera = scalar(json, kx_json_get(json, channel,
		    KX_SPAN("id")));
		item->name = scalar(json, kx_json_get(json, channel,
		    KX_SPAN("name")));
	}
	if (item->camera.len == 0) {
		item->camera = scalar(json, kx_json_get(json, 0,
		    KX_SPAN("channel_id")));
		item->name = scalar(json, kx_json_get(json, 0,
		    KX_SPAN("channel_name")));
	}
	for (i = 0; i < item->camera.len; i++)
		h = (h ^ (unsigned char)item->camera.ptr[i]) *
		    UINT64_C(0x100000001b3);
	item->channel = h;
}

void
replay_item(const struct replay_settings *s, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *rec)
{
	const struct kx_json *json = &worker->json;
	struct replay_item *item;

	item = items_add(batch->user);
	if (item == NULL) {
		batch->no_memory = true;
		return;
	}
	*item = (struct replay_item){ .record = *rec,
	    .number = batch->n_records - 1,
	    .rejects_len = batch->rejects.len,
	    .n_findings = batch->n_findings };
	if (kx_json_type(json, 0) == KX_JSON_OBJECT) {
		item->timed = kx_value_int(json,
		    kx_json_get(json, 0, KX_SPAN("start_time")),
		    &item->start_ms);
		if (s->order == KX_ORDER_CHANNEL || s->dry_run)
			find_channel(json, item);
	}
	if (s->body)
		item->body = find_body(worker, batch, rec, s->strip);
	if (s->journal != NULL || s->signer != NULL)
		item->id = find_id(worker, batch);
	if (batch->no_memory || batch->made.failed) {
		batch->no_memory = true;
		((struct replay_items *)batch->user)->n--;
	}
}
