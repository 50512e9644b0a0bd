/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cells of columns that no field has.
 */
#include <config.h>

#include "kx/frame.h"
#include "kx/hash.h"
#include "kx/time.h"

#include "table-cell.h"

/* A zone keeps its offset for a quarter of an hour, but for where it changes:
 * it is asked at both ends. */
#define SLOT_MS INT64_C(900000)

/* 0001-01-01T00:00:00Z, less a day for the zone, and the like at the end of
 * 9999: what databases and languages have. */
#define YEAR_1 (INT64_C(-62135596800000) + 86400000)
#define YEAR_9999 KX_TIME_MAX

static int
zone_at(struct kx_table_writer *w, int64_t ms)
{
	int64_t from;
	int zone;

	if (w->zone == NULL)
		return 0;
	if (ms >= w->zone_from && ms < w->zone_to)
		return w->zone_minutes;
	from = ms - (ms % SLOT_MS + SLOT_MS) % SLOT_MS;
	zone = w->zone(from);
	if (w->zone(from + SLOT_MS - 1) != zone)
		return w->zone(ms);
	w->zone_from = from;
	w->zone_to = from + SLOT_MS;
	w->zone_minutes = zone;
	return zone;
}

void
kx_table_add_time(const struct maker *m, int64_t ms, uint32_t node,
    const struct kx_column *column)
{
	char text[KX_TIME_SIZE + WORD] = "";
	size_t len;

	if (ms < YEAR_1 || ms > YEAR_9999) {
		if (m->fresh[column->group])
			m->writer->note(m->arg, KX_ODD_TIME, node,
			    column->name, KX_TYPE_TIME);
		add_null(m);
		return;
	}
	len = kx_time_format(ms, zone_at(m->writer, ms), text);
	add_plain(m, (struct kx_span){ text, len });
}

void
kx_table_add_instant(const struct maker *m, uint32_t node,
    const struct kx_column *column)
{
	int64_t ms;

	if (is_absent(m, node)) {
		add_null(m);
	} else if (integer(m, node, &ms)) {
		kx_table_add_time(m, ms, node, column);
	} else {
		if (m->fresh[column->group])
			m->writer->note(m->arg,
			    kx_json_type(m->json, node) == KX_JSON_NUMBER &&
			    is_integer(kx_json_raw(m->json, node)) ?
			    KX_ODD_TIME : KX_ODD_TYPE, node, column->name,
			    KX_TYPE_TIME);
		add_null(m);
	}
}

/* A value that a cell is derived from is of the wrong type: said here where
 * it has no column of its own, which would. */
static void
check_source(const struct maker *m, enum kx_field f)
{
	uint32_t node = kx_event_get(m->event, f);
	int64_t n;

	if (!m->table->has[f] && m->fresh[KX_GROUP_EVENT] &&
	    !is_absent(m, node) && !integer(m, node, &n))
		m->writer->note(m->arg, KX_ODD_TYPE, node,
		    kx_field_info[f].column, kx_field_info[f].type);
}

static void
add_duration(const struct maker *m)
{
	int64_t start, end, n;

	if (integer(m, kx_event_get(m->event, KX_EVENT_START_TIME), &start) &&
	    integer(m, kx_event_get(m->event, KX_EVENT_END_TIME), &end)) {
		if (__builtin_sub_overflow(end, start, &n))
			add_null(m);
		else
			add_number(m, n);
		return;
	}
	check_source(m, KX_EVENT_START_TIME);
	check_source(m, KX_EVENT_END_TIME);
	add_null(m);
}

static void
add_level_name(const struct maker *m)
{
	const char *name;
	int64_t n;

	if (integer(m, kx_event_get(m->event, KX_EVENT_LEVEL), &n) &&
	    (name = kx_level_name(n)) != NULL) {
		kx_csv_cell(m->csv, m->out, kx_span_str(name));
		return;
	}
	check_source(m, KX_EVENT_LEVEL);
	add_null(m);
}

static void
add_origin(const struct maker *m)
{
	uint32_t node = kx_event_get(m->event, KX_EVENT_ID);
	struct kx_span origin, ms, event_id;

	if (node != 0 && kx_json_type(m->json, node) == KX_JSON_STRING &&
	    kx_id_parse(kx_json_str(m->json, node), &origin, &ms, &event_id))
		add_cell(m, origin);
	else
		add_null(m);
}

static bool
has_image(const struct maker *m, const struct kx_row *snapshot)
{
	uint32_t node = kx_row_get(snapshot, KX_SNAPSHOT_IMAGE);

	return node != 0 && kx_json_type(m->json, node) == KX_JSON_STRING &&
	    kx_json_str(m->json, node).len > 0;
}

static void
add_images(const struct maker *m)
{
	const struct kx_rows *rows = &m->event->rows[KX_GROUP_SNAPSHOT];
	uint32_t node = kx_event_get(m->event, KX_EVENT_SNAPSHOTS), i;
	int64_t n = 0;

	if (!is_absent(m, node) &&
	    kx_json_type(m->json, node) != KX_JSON_ARRAY) {
		add_null(m);
		return;
	}
	for (i = 0; i < rows->n; i++)
		n += has_image(m, &rows->row[i]);
	add_number(m, n);
}

/* How many of a group are in the identity of the row. */
static void
add_found(const struct maker *m, enum kx_group group)
{
	if (m->part[KX_GROUP_IDENTITY] == NULL)
		add_null(m);
	else
		add_number(m, m->found[group]);
}

static void
add_kind(const struct maker *m)
{
	if (m->part[KX_GROUP_FACE] != NULL)
		kx_csv_cell(m->csv, m->out, KX_SPAN("face"));
	else if (m->part[KX_GROUP_PLATE] != NULL)
		kx_csv_cell(m->csv, m->out, KX_SPAN("plate"));
	else
		add_null(m);
}

static void
add_index(const struct maker *m, enum kx_group group)
{
	if (m->part[group] == NULL)
		add_null(m);
	else
		add_number(m, m->index[group]);
}

/* What the path of the snapshot tells. */
static void
add_from_path(const struct maker *m, const struct kx_column *column)
{
	uint32_t node = m->node[KX_GROUP_SNAPSHOT][KX_SNAPSHOT_PATH -
	    KX_SNAPSHOT_TYPE];
	struct kx_frame_path path = { KX_SPAN_NULL, false, 0 };

	if (node != 0 && kx_json_type(m->json, node) == KX_JSON_STRING)
		kx_frame_path(kx_json_decode(m->json, node, m->scratch, NULL),
		    &path);
	if (column->derived == KX_DERIVED_STAMP_NS && path.stamp.len > 0)
		add_integer(m, path.stamp);
	else if (column->derived == KX_DERIVED_EXPIRES_ISO && path.expires)
		kx_table_add_time(m, path.expires_ms, node, column);
	else
		add_null(m);
}

static void
add_sha256(const struct maker *m)
{
	char hex[2 * KX_SHA256_SIZE + 1 + WORD] = "";
	uint8_t sum[KX_SHA256_SIZE];

	if (kx_hash_all(m->writer->hash, m->in->record.ptr, m->in->record.len,
	    sum) != KX_OK) {
		m->scratch->failed = true;
		return;
	}
	kx_hex(sum, sizeof(sum), hex);
	add_cell(m, (struct kx_span){ hex, 2 * sizeof(sum) });
}

void
kx_table_add_derived(const struct maker *m, const struct kx_column *column)
{
	switch ((enum kx_derived)column->derived) {
	case KX_DERIVED_START_ISO:
		kx_table_add_instant(m, kx_event_get(m->event,
		    KX_EVENT_START_TIME), column);
		return;
	case KX_DERIVED_END_ISO:
		kx_table_add_instant(m, kx_event_get(m->event,
		    KX_EVENT_END_TIME), column);
		return;
	case KX_DERIVED_DURATION_MS:
		add_duration(m);
		return;
	case KX_DERIVED_LEVEL_NAME:
		add_level_name(m);
		return;
	case KX_DERIVED_ORIGIN:
		add_origin(m);
		return;
	case KX_DERIVED_IMAGES:
		add_images(m);
		return;
	case KX_DERIVED_TAGS:
		add_number(m, m->event->rows[KX_GROUP_TAG].n);
		return;
	case KX_DERIVED_IDENTITY_INDEX:
	case KX_DERIVED_FACE_INDEX:
	case KX_DERIVED_PLATE_INDEX:
	case KX_DERIVED_SNAPSHOT_INDEX:
	case KX_DERIVED_TAG_INDEX:
		add_index(m, column->group);
		return;
	case KX_DERIVED_IDENTITY_KIND:
		add_kind(m);
		return;
	case KX_DERIVED_IDENTITY_FACES:
		add_found(m, KX_GROUP_FACE);
		return;
	case KX_DERIVED_IDENTITY_PLATES:
		add_found(m, KX_GROUP_PLATE);
		return;
	case KX_DERIVED_HAS_IMAGE:
		if (m->part[KX_GROUP_SNAPSHOT] == NULL)
			add_null(m);
		else if (has_image(m, m->part[KX_GROUP_SNAPSHOT]))
			kx_csv_plain(m->csv, m->out, KX_SPAN("true"));
		else
			kx_csv_plain(m->csv, m->out, KX_SPAN("false"));
		return;
	case KX_DERIVED_STAMP_NS:
	case KX_DERIVED_EXPIRES_ISO:
		add_from_path(m, column);
		return;
	case KX_DERIVED_SOURCE:
		kx_csv_cell(m->csv, m->out, m->in->source);
		return;
	case KX_DERIVED_LINE:
		add_number(m, (int64_t)m->in->line);
		return;
	case KX_DERIVED_OFFSET:
		add_number(m, (int64_t)m->in->off);
		return;
	case KX_DERIVED_RECORD_SHA256:
		add_sha256(m);
		return;
	case KX_N_DERIVED:
		break;
	}
	add_null(m);
}
