/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cells of programs, which are known only when the rows of a whole batch have
 * been made: these have holes, and are copied with the cells put in.
 */
#include <config.h>

#include <string.h>

#include "kx/table.h"

/* What one output looks like in its cell. */
static struct kx_span
value_text(struct kx_table_writer *w, struct kx_span json,
    struct kx_buf *scratch, bool *odd)
{
	/* Nearly all strings have no escapes: no need for a scan. */
	if (json.ptr[0] != '"' || memchr(json.ptr, '\\', json.len) == NULL)
		return json.ptr[0] != '"' ? json : (struct kx_span){
		    json.ptr + 1, json.len - 2 };
	if (kx_json_scan(&w->value_json, json.ptr, json.len, NULL) != KX_OK) {
		scratch->failed = true;
		return KX_SPAN_NULL;
	}
	return kx_json_decode(&w->value_json, 0, scratch, odd);
}

bool
kx_table_value(struct kx_table_writer *writer, size_t program,
    struct kx_span json, struct kx_buf *scratch)
{
	struct kx_table_value *value = &writer->value[program];
	struct kx_span text;
	bool odd = false;

	if (kx_span_eq(json, KX_SPAN("null")))
		return false;
	if (value->n++ > 0)
		kx_buf_addc(&value->text, '\n');
	text = value_text(writer, json, scratch, &odd);
	value->is_text |= value->n > 1 || json.ptr[0] == '"' ||
	    json.ptr[0] == '[' || json.ptr[0] == '{';
	kx_csv_clean(&value->text, text);
	return odd;
}

void
kx_table_fill(struct kx_table_writer *writer, const struct kx_buf *made,
    struct kx_buf *out)
{
	const struct kx_table_hole *hole;
	struct kx_table_value *value;
	struct kx_csv csv = writer->csv;
	size_t i;

	while (writer->next_hole < writer->n_holes) {
		hole = &writer->hole[writer->next_hole];
		if (hole->event != writer->next_event)
			break;
		writer->next_hole++;
		kx_buf_add(out, made->ptr + writer->copied,
		    hole->at - writer->copied);
		writer->copied = hole->at;
		value = &writer->value[hole->program];
		csv.in_row = false;
		if (kx_buf_failed(&value->text))
			out->failed = true;
		else if (value->n > 0 && value->is_text)
			kx_csv_cell(&csv, out, kx_buf_span(&value->text));
		else if (value->n > 0)
			kx_csv_plain(&csv, out, kx_buf_span(&value->text));
		else if (writer->table->n == 1 && !csv.escapes &&
		    csv.null.len == 0)
			kx_buf_add(out, "\"\"", 2);
		else
			kx_csv_null(&csv, out);
	}
	for (i = 0; i < writer->table->n_programs; i++) {
		value = &writer->value[i];
		kx_buf_reset(&value->text, (size_t)1 << 16);
		value->n = 0;
		value->is_text = false;
	}
	writer->next_event++;
}

void
kx_table_filled(struct kx_table_writer *writer, const struct kx_buf *made,
    struct kx_buf *out)
{
	kx_buf_add(out, made->ptr + writer->copied,
	    made->len - writer->copied);
	writer->n_holes = writer->next_hole = writer->copied = 0;
	writer->n_events = writer->next_event = 0;
}
