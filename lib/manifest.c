/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of a manifest.  A row is laid out once as cells, in column order, and
 * then written in either format, so that the two cannot differ.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "kx/csv.h"
#include "kx/manifest.h"
#include "kx/num.h"
#include "kx/time.h"

enum column {
	NAME, SHA256, SIZE, MEDIA_TYPE, DECLARED_TYPE, WIDTH, HEIGHT, ID,
	EVENT_ID, SNAPSHOT_INDEX, SNAPSHOT_TYPE, SNAPSHOT_PATH, CHANNEL_ID,
	CHANNEL_NAME, START_TIME, END_TIME, PATH_STAMP, SOURCE_FILE,
	SOURCE_LINE, SOURCE_OFFSET, RECORD_SHA256, STATUS, REASON, EXPIRES,
	N_COLUMNS
};

static const char *const names[] = {
	"name", "sha256", "size", "media_type", "declared_type", "width",
	"height", "id", "event_id", "snapshot_index", "snapshot_type",
	"snapshot_path", "channel_id", "channel_name", "start_time",
	"end_time", "path_stamp", "source_file", "source_line",
	"source_offset", "record_sha256", "status", "reason", "expires"
};

_Static_assert(sizeof(names) / sizeof(names[0]) == N_COLUMNS,
    "a name for each column");
_Static_assert(N_COLUMNS == KX_MANIFEST_COLUMNS, "the header knows how many");

static const char *const states[] = {
	"ok", "missing", "undecodable", "malformed"
};

/* Numbers are made into text here. */
struct cells {
	struct kx_span cell[N_COLUMNS];
	bool number[N_COLUMNS];
	char digits[6][20];
	size_t n_digits;
	char time[KX_TIME_SIZE];
};

int
kx_manifest_format_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot == NULL)
		return -1;
	if (!strcasecmp(dot, ".csv"))
		return KX_MANIFEST_CSV;
	if (!strcasecmp(dot, ".ndjson") || !strcasecmp(dot, ".jsonl"))
		return KX_MANIFEST_NDJSON;
	return -1;
}

static void
put_number(struct cells *c, enum column column, uint64_t n)
{
	char *to = c->digits[c->n_digits++];
	size_t i = sizeof(c->digits[0]);

	do {
		to[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	c->cell[column] = (struct kx_span){ to + i,
	    sizeof(c->digits[0]) - i };
	c->number[column] = true;
}

/* A time is a number unless it is spelled as none. */
static void
put_time(struct cells *c, enum column column, struct kx_span text)
{
	c->cell[column] = text;
	c->number[column] = (kx_num_classify(text) & KX_NUM_VALID) != 0;
}

static void
lay_out(struct cells *c, const struct kx_manifest_row *row)
{
	memset(c, 0, sizeof(*c));
	c->cell[NAME] = row->name;
	c->cell[SHA256] = row->sha256;
	if (row->state == KX_MANIFEST_OK)
		put_number(c, SIZE, row->size);
	c->cell[MEDIA_TYPE] = row->media_type;
	c->cell[DECLARED_TYPE] = row->declared_type;
	if (row->width > 0)
		put_number(c, WIDTH, row->width);
	if (row->height > 0)
		put_number(c, HEIGHT, row->height);
	c->cell[ID] = row->id;
	c->cell[EVENT_ID] = row->event_id;
	if (row->is_snapshot)
		put_number(c, SNAPSHOT_INDEX, row->index);
	c->cell[SNAPSHOT_TYPE] = row->type;
	c->cell[SNAPSHOT_PATH] = row->path;
	c->cell[CHANNEL_ID] = row->channel_id;
	c->cell[CHANNEL_NAME] = row->channel_name;
	put_time(c, START_TIME, row->start_time);
	put_time(c, END_TIME, row->end_time);
	c->cell[PATH_STAMP] = row->stamp;
	c->cell[SOURCE_FILE] = row->source;
	put_number(c, SOURCE_LINE, row->line);
	put_number(c, SOURCE_OFFSET, row->off);
	c->cell[RECORD_SHA256] = row->record_sha256;
	c->cell[STATUS] = kx_span_str(states[row->state]);
	c->cell[REASON] = row->reason;
	if (row->expires) {
		size_t n = kx_time_format(row->expires_ms, 0, c->time);

		if (n > 0)
			c->cell[EXPIRES] = (struct kx_span){ c->time, n };
	}
}

void
kx_manifest_begin(struct kx_buf *out, enum kx_manifest_format format)
{
	struct kx_csv csv = { .delimiter = ',' };
	size_t i;

	if (format != KX_MANIFEST_CSV)
		return;
	for (i = 0; i < N_COLUMNS; i++)
		kx_csv_cell(&csv, out, kx_span_str(names[i]));
	kx_csv_end(&csv, out);
}

static void
add_json(struct kx_buf *out, const struct cells *c)
{
	size_t i;

	for (i = 0; i < N_COLUMNS; i++) {
		kx_buf_adds(out, i == 0 ? "{\"" : ",\"");
		kx_buf_adds(out, names[i]);
		kx_buf_adds(out, "\":");
		if (c->cell[i].ptr == NULL) {
			kx_buf_adds(out, "null");
		} else if (c->number[i]) {
			kx_buf_addspan(out, c->cell[i]);
		} else {
			kx_buf_addc(out, '"');
			kx_buf_addjson(out, c->cell[i]);
			kx_buf_addc(out, '"');
		}
	}
	kx_buf_adds(out, "}\n");
}

void
kx_manifest_row(struct kx_buf *out, enum kx_manifest_format format,
    const struct kx_manifest_row *row)
{
	struct kx_csv csv = { .delimiter = ',' };
	struct cells c;
	size_t i;

	lay_out(&c, row);
	if (format == KX_MANIFEST_NDJSON) {
		add_json(out, &c);
		return;
	}
	for (i = 0; i < N_COLUMNS; i++) {
		if (c.cell[i].ptr == NULL)
			kx_csv_null(&csv, out);
		else
			kx_csv_cell(&csv, out, c.cell[i]);
	}
	kx_csv_end(&csv, out);
}

void
kx_manifest_essence_of(struct kx_buf *out,
    const struct kx_span cell[KX_MANIFEST_COLUMNS])
{
	size_t i;

	for (i = 0; i < N_COLUMNS; i++) {
		if (i == NAME || i == SOURCE_FILE || i == SOURCE_LINE ||
		    i == SOURCE_OFFSET || i == REASON)
			continue;
		kx_buf_addc(out, cell[i].ptr == NULL ? '-' : '+');
		kx_buf_addu64(out, cell[i].len);
		kx_buf_addc(out, ':');
		kx_buf_addspan(out, cell[i]);
	}
}

void
kx_manifest_essence(struct kx_buf *out, const struct kx_manifest_row *row)
{
	struct cells c;

	lay_out(&c, row);
	kx_manifest_essence_of(out, c.cell);
}

bool
kx_manifest_is_header(const struct kx_span cell[KX_MANIFEST_COLUMNS])
{
	size_t i;

	for (i = 0; i < N_COLUMNS; i++) {
		if (!kx_span_eq(cell[i], kx_span_str(names[i])))
			return false;
	}
	return true;
}

void
kx_manifest_read(const struct kx_span cell[KX_MANIFEST_COLUMNS],
    struct kx_manifest_read *out)
{
	out->name = cell[NAME];
	out->sha256 = cell[SHA256];
	out->size = cell[SIZE];
	out->status = cell[STATUS];
}
