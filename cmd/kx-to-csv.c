/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-to-csv: a table of the events of a log.
 *
 * In go records; out goes a header and a row for each event, RFC 4180.
 * Workers write the cells straight from the spans of the scanned record into
 * the batch; nothing is allocated for a row.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kx/csv.h"
#include "kx/event.h"
#include "kx/output.h"
#include "kx/table.h"

#include "cli.h"
#include "run.h"

/* --- settings ----------------------------------------------------------- */

enum { OPT_ROWS = CLI_FIRST };

static const struct cli_option options[] = {
	{ OPT_ROWS, 0, "rows", "event", "what one row is (event)" },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "kx-to-csv",
	.usage = "[OPTION]... [FILE]...",
	.purpose = "Make a table (CSV) of the events of webhook event logs.",
	.options = options,
	.progress = true,
	.rejects = true,
	.output = true,
};

struct to_csv {
	struct kx_table table;
	struct kx_csv csv;	/* how a row is written; workers copy it */
	struct kx_schema *schema;
};

/* --- a record, on a worker ---------------------------------------------- */

/* worker->user */
struct tools {
	struct kx_event event;
	struct kx_csv csv;
};

/* Where notes about the row at hand go. */
struct place {
	struct run_batch *batch;
	const struct kx_record *record;
	const struct kx_json *json;
};

static void *
tools_new(void *ctx, unsigned index)
{
	const struct to_csv *t = ctx;
	struct tools *tools;

	(void)index;
	tools = calloc(1, sizeof(*tools));
	if (tools != NULL)
		tools->csv = t->csv;
	return tools;
}

static void
tools_free(void *ctx, void *user)
{
	struct tools *tools = user;

	(void)ctx;
	if (tools != NULL)
		kx_event_fini(&tools->event);
	free(tools);
}

/* batch->user: records of which no row could be made. */
static void *
count_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(uint64_t));
}

static void
count_free(void *ctx, void *user)
{
	(void)ctx;
	free(user);
}

static void
note(void *arg, enum kx_oddity oddity, uint32_t node, const char *name,
    enum kx_type wanted)
{
	const struct place *p = arg;
	size_t at = p->json->node[node].off;
	struct kx_span raw;
	char number[41];

	switch (oddity) {
	case KX_ODD_TYPE:
		/* A number says more than that it is one. */
		raw = kx_json_raw(p->json, node);
		number[0] = '\0';
		if (kx_json_type(p->json, node) == KX_JSON_NUMBER &&
		    wanted != KX_TYPE_STR && raw.len < sizeof(number)) {
			memcpy(number, raw.ptr, raw.len);
			number[raw.len] = '\0';
		}
		run_finding(p->batch, p->record, p->json, KX_SEV_NOTE,
		    "wrong-type", at, node,
		    "%s is %s, not %s: its cell is empty", name,
		    number[0] != '\0' ? number : kx_json_kind(p->json, node),
		    kx_type_words(wanted));
		break;
	case KX_ODD_INSIDE:
		run_finding(p->batch, p->record, p->json, KX_SEV_NOTE,
		    "wrong-type", at, node,
		    "%s is %s, not %s: its columns are empty", name,
		    kx_json_kind(p->json, node), kx_type_words(wanted));
		break;
	case KX_ODD_TEXT:
		run_finding(p->batch, p->record, p->json, KX_SEV_NOTE,
		    "replaced-character", at, node,
		    "%s holds a lone surrogate or a NUL: U+FFFD is in its "
		    "place", name);
		break;
	}
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *rec)
{
	const struct to_csv *t = ctx;
	struct tools *tools = worker->user;
	struct kx_event *event = &tools->event;
	struct place place = { batch, rec, &worker->json };

	if (!kx_event_walk(event, t->schema, &worker->json))
		goto no_memory;
	if (!event->is_object) {
		run_finding(batch, rec, &worker->json, KX_SEV_ERROR,
		    "not-an-object", worker->json.node[0].off, 0,
		    "the record is %s, no object, so it makes no row",
		    kx_json_kind(&worker->json, 0));
		run_reject(batch, rec);
		++*(uint64_t *)batch->user;
		return;
	}
	kx_table_row(&t->table, event, &tools->csv, &batch->made,
	    &worker->scratch, note, &place);
	if (!worker->scratch.failed && !batch->made.failed)
		return;
no_memory:
	batch->no_memory = true;
}

static void
end(void *ctx, struct run_worker *worker, struct run_batch *batch)
{
	(void)ctx;
	(void)worker;
	if (batch->made.len > 0)
		run_made(batch, 0);
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	uint64_t *lost = batch->user;

	(void)ctx;
	if (*lost > 0)
		cli_raise(CLI_NO);
	*lost = 0;
	return true;
}

/* --- main --------------------------------------------------------------- */

static void
parse(int argc, char **argv)
{
	char *arg;
	int id;

	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END) {
		if (id == OPT_ROWS && strcmp(arg, "event") != 0)
			cli_usage("--rows: '%s' is not event",
			    cli_quotes(arg));
	}
}

int
main(int argc, char **argv)
{
	static const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = count_new,
		.slot_free = count_free,
		.worker_new = tools_new,
		.worker_free = tools_free,
		.record = record,
		.end = end,
		.finish = finish,
	};
	struct to_csv t = { .csv = { .delimiter = ',' } };
	struct kx_output out;
	struct kx_buf header = { NULL, 0, 0, false };
	struct run_totals totals;
	struct kx_error err;

	parse(argc, argv);
	kx_table_init(&t.table, KX_TABLE_EVENT);
	t.schema = kx_schema_new();
	if (t.schema == NULL || kx_table_add_default(&t.table) != KX_OK)
		cli_die(ENOMEM, "the columns");
	kx_table_header(&t.table, &t.csv, &header);
	if (kx_buf_failed(&header))
		cli_die(ENOMEM, "the header");
	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	/* A write that failed fails the commit, which is where it is told. */
	if (kx_output_write(&out, header.ptr, header.len, NULL) == KX_OK)
		run(&ops, &t, argv + cli_operand(), argc - cli_operand(),
		    &out, &totals);
	if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_buf_free(&header);
	kx_schema_free(t.schema);
	kx_table_fini(&t.table);
	return cli_finish();
}
