/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-to-csv: a table of the events of a log.
 *
 * In go records; out goes a header and a row for each event, or for each
 * element of a part of it, RFC 4180.  Workers write the cells straight from
 * the spans of the scanned record into the batch; nothing is allocated for a
 * row.  Cells of jq programs are put in when a chunk is done, for libjq is
 * asked about a whole chunk at a time.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kx/csv.h"
#include "kx/dictionary.h"
#include "kx/event.h"
#include "kx/filter.h"
#include "kx/output.h"
#include "kx/table.h"

#include "cli.h"
#include "run.h"
#include "zone.h"

/* --- settings ----------------------------------------------------------- */

enum {
	OPT_ROWS = CLI_FIRST, OPT_COLUMNS, OPT_LIST_COLUMNS, OPT_PRINT_SQL,
	OPT_DELIMITER, OPT_TSV, OPT_CRLF, OPT_NO_HEADER, OPT_HEADER_ONLY,
	OPT_NULL, OPT_TIME, OPT_TIMEZONE, OPT_GUARD, OPT_EXCEL
};

static const struct cli_option options[] = {
	{ OPT_ROWS, 0, "rows", "event|identity|face|plate|snapshot|tag",
	    "what one row is (event)" },
	{ OPT_COLUMNS, 0, "columns", "LIST",
	    "these columns, in this order: names, and NAME=JQ-EXPR" },
	{ OPT_LIST_COLUMNS, 0, "list-columns", NULL,
	    "print the columns that there are, and exit" },
	{ OPT_PRINT_SQL, 0, "print-sql", "sqlite|postgresql",
	    "print the CREATE TABLE that the table fits, and exit" },
	{ OPT_DELIMITER, 0, "delimiter", "C",
	    "what stands between cells (,)" },
	{ OPT_TSV, 0, "tsv", NULL,
	    "tab-separated values, with \\t \\n \\r \\\\ for quoting" },
	{ OPT_CRLF, 0, "crlf", NULL, "end rows with CR LF" },
	{ OPT_NO_HEADER, 0, "no-header", NULL, "without the row of names" },
	{ OPT_HEADER_ONLY, 0, "header-only", NULL,
	    "the row of names and nothing else; reads no input" },
	{ OPT_NULL, 0, "null", "TEXT",
	    "what stands for a value that is missing (an empty cell)" },
	{ OPT_TIME, 0, "time", "ms|iso",
	    "times as milliseconds since 1970, or ISO 8601 (ms)" },
	{ OPT_TIMEZONE, 0, "timezone", "ZONE",
	    "zone of ISO 8601 times: UTC, +03:00, Europe/Berlin ... (UTC)" },
	{ OPT_GUARD, 0, "guard-formulas", NULL,
	    "make cells harmless that a spreadsheet would run" },
	{ OPT_EXCEL, 0, "excel", NULL,
	    "for spreadsheets: BOM, CR LF, long ids exact, and the guard" },
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
	kx_table_zone *zone;
	const char **programs;	/* of columns, table.n_programs */
	struct kx_filter *jq;	/* NULL without them */
	bool lost;		/* the evaluator is */
	/* what was asked for */
	bool list, no_header, header_only, excel;
	const char *sql;	/* dialect, or NULL */
};

/* --- a record, on a worker ---------------------------------------------- */

/* worker->user */
struct tools {
	struct kx_event event;
	struct kx_table_writer writer;
	struct kx_record *asked;	/* those that wait for libjq */
	size_t n_asked, cap_asked;
	struct kx_buf whole;		/* a batch with their cells put in */
};

/* A record with a million odd elements has nothing more to say than one with a
 * few, and finding the place of each would take all day. */
#define NOTES_MAX 100

/* Where notes about the record at hand go. */
struct place {
	struct run_batch *batch;
	const struct kx_record *record;
	const struct kx_json *json;
	unsigned n_notes;
};

/* batch->user */
struct tally {
	uint64_t lost;		/* records of which no row could be made, and
				   cells of which no program could */
	bool jq_lost;		/* so is all of the batch */
	uint64_t line;
	struct kx_error err;
};

static void
note(void *arg, enum kx_oddity oddity, uint32_t node, const char *name,
    enum kx_type wanted)
{
	struct place *p = arg;
	size_t at = p->json->node[node].off;
	struct kx_span raw = kx_json_raw(p->json, node);
	char number[41] = "";

	if (p->n_notes == NOTES_MAX)
		return;
	if (++p->n_notes == NOTES_MAX) {
		run_finding(p->batch, p->record, p->json, KX_SEV_NOTE,
		    "many-notes", at, node, "this and what else is odd in the "
		    "record is not told of");
		return;
	}
	/* A number says more than that it is one. */
	if (kx_json_type(p->json, node) == KX_JSON_NUMBER &&
	    wanted != KX_TYPE_STR && raw.len < sizeof(number))
		memcpy(number, raw.ptr, raw.len);
	switch (oddity) {
	case KX_ODD_TYPE:
		run_finding(p->batch, p->record, p->json, KX_SEV_NOTE,
		    "wrong-type", at, node,
		    "%s is %s, not %s: its cell is empty", name,
		    number[0] != '\0' ? number : kx_json_kind(p->json, node),
		    kx_type_words(wanted));
		break;
	case KX_ODD_TIME:
		run_finding(p->batch, p->record, p->json, KX_SEV_NOTE,
		    "time-range", at, node,
		    "%s is no time of the years 1 to 9999: its cell is empty",
		    name);
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

static void *
tools_new(void *ctx, unsigned index)
{
	const struct to_csv *t = ctx;
	struct tools *tools;

	(void)index;
	tools = calloc(1, sizeof(*tools));
	if (tools != NULL && kx_table_writer_init(&tools->writer, &t->table,
	    &t->csv, t->zone, note) != KX_OK) {
		free(tools);
		return NULL;
	}
	return tools;
}

static void
tools_free(void *ctx, void *user)
{
	struct tools *tools = user;

	(void)ctx;
	if (tools != NULL) {
		kx_event_fini(&tools->event);
		kx_table_writer_fini(&tools->writer);
		kx_buf_free(&tools->whole);
		free(tools->asked);
	}
	free(tools);
}

static void *
tally_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct tally));
}

static void
tally_free(void *ctx, void *user)
{
	(void)ctx;
	free(user);
}

/* Have libjq asked when the chunk is done. */
static void
ask(const struct to_csv *t, struct run_worker *worker,
    const struct kx_record *rec)
{
	struct tools *tools = worker->user;
	struct kx_record *more;
	size_t cap;

	if (tools->n_asked == tools->cap_asked) {
		cap = tools->cap_asked == 0 ? 256 : 2 * tools->cap_asked;
		more = reallocarray(tools->asked, cap, sizeof(*more));
		if (more == NULL)
			cli_die(ENOMEM, "cannot go on");
		tools->asked = more;
		tools->cap_asked = cap;
	}
	tools->asked[tools->n_asked++] = *rec;
	(void)kx_filter_ask(t->jq, worker->index, &worker->json, rec->line);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *rec)
{
	const struct to_csv *t = ctx;
	struct tools *tools = worker->user;
	struct place place = { batch, rec, &worker->json, 0 };
	struct kx_table_in in = { .event = &tools->event, .line = rec->line,
	    .off = rec->off };

	if (!kx_event_walk(&tools->event, t->schema, &worker->json))
		goto no_memory;
	if (!tools->event.is_object) {
		run_finding(batch, rec, &worker->json, KX_SEV_ERROR,
		    "not-an-object", worker->json.node[0].off, 0,
		    "the record is %s, no object, so it makes no row",
		    kx_json_kind(&worker->json, 0));
		run_reject(batch, rec);
		((struct tally *)batch->user)->lost++;
		return;
	}
	in.source = kx_span_str(batch->file);
	if (t->table.hashes)
		in.record = run_line(&worker->json, rec, &tools->whole);
	kx_table_rows(&tools->writer, &in, &batch->made, &worker->scratch,
	    &place);
	if (worker->scratch.failed || batch->made.failed ||
	    tools->whole.failed)
		goto no_memory;
	if (t->jq != NULL)
		ask(t, worker, rec);
	return;
no_memory:
	batch->no_memory = true;
}

/* --- cells of programs --------------------------------------------------- */

/* The name of the column of a program. */
static const char *
program_column(const struct kx_table *table, size_t program)
{
	size_t i = 0;

	while (table->column[i].program != (int)program)
		i++;
	return table->column[i].name;
}

/* What the programs make of the next event that was asked about. */
static void
take_outputs(const struct to_csv *t, struct run_worker *worker,
    struct run_batch *batch, const struct kx_record *rec)
{
	struct tools *tools = worker->user;
	struct kx_filter_output output;
	struct kx_span message;
	enum kx_status status;

	if (kx_filter_next(t->jq, worker->index, &message) != KX_VERDICT_YES)
		return;
	while ((status = kx_filter_output(t->jq, worker->index, &output)) !=
	    KX_EOF) {
		if (status != KX_OK) {
			((struct tally *)batch->user)->lost++;
			run_finding(batch, rec, NULL, KX_SEV_ERROR,
			    "program-error", 0, 0, "%s: %.*s",
			    program_column(&t->table, output.program),
			    (int)output.text.len, output.text.ptr);
		} else if (kx_table_value(&tools->writer, output.program,
		    output.text, &worker->scratch)) {
			run_finding(batch, rec, NULL, KX_SEV_NOTE,
			    "replaced-character", 0, 0, "%s holds a lone "
			    "surrogate or a NUL: U+FFFD is in its place",
			    program_column(&t->table, output.program));
		}
	}
}

/* Put the cells in; false where libjq was lost. */
static bool
fill(const struct to_csv *t, struct run_worker *worker,
    struct run_batch *batch)
{
	struct tools *tools = worker->user;
	struct tally *tally = batch->user;
	size_t i, lost, before = batch->n_findings;
	struct kx_buf swap;

	kx_buf_reset(&tools->whole, (size_t)4 << 20);
	if (kx_filter_flush(t->jq, worker->index, &lost, &tally->err) !=
	    KX_OK) {
		tally->jq_lost = true;
		tally->line = lost < tools->n_asked ?
		    tools->asked[lost].line : 0;
		return false;
	}
	for (i = 0; i < tools->n_asked; i++) {
		take_outputs(t, worker, batch, &tools->asked[i]);
		kx_table_fill(&tools->writer, &batch->made, &tools->whole);
	}
	kx_table_filled(&tools->writer, &batch->made, &tools->whole);
	if (worker->scratch.failed)
		batch->no_memory = true;
	if (before > 0 && batch->n_findings > before)
		run_sort_findings(batch);
	swap = batch->made;
	batch->made = tools->whole;
	tools->whole = swap;
	return true;
}

static void
end(void *ctx, struct run_worker *worker, struct run_batch *batch)
{
	const struct to_csv *t = ctx;
	struct tools *tools = worker->user;

	if (tools->n_asked > 0 && !fill(t, worker, batch))
		batch->made.len = 0;
	tools->n_asked = 0;
	if (batch->made.len > 0)
		run_made(batch, 0);
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct to_csv *t = ctx;
	struct tally *tally = batch->user;
	struct kx_finding finding = { .severity = KX_SEV_ERROR };

	if (tally->lost > 0)
		cli_raise(CLI_NO);
	tally->lost = 0;
	if (!tally->jq_lost)
		return true;
	finding.file = batch->file;
	finding.line = tally->line;
	finding.message = tally->err.message;
	cli_finding(&finding);
	cli_raise(CLI_TROUBLE);
	t->lost = true;
	return false;
}

/* --- options ------------------------------------------------------------- */

static enum kx_group
rows_named(const char *name)
{
	enum kx_group rows = KX_GROUP_EVENT;

	while (strcmp(kx_group_name(rows), name) != 0)
		rows++;
	return rows;
}

/* One byte that is no part of a value, or `\t'. */
static char
delimiter(const char *arg)
{
	if (!strcmp(arg, "\\t"))
		return '\t';
	if (arg[0] == '\0' || arg[1] != '\0' || (arg[0] & 0x80) ||
	    (arg[0] < ' ' && arg[0] != '\t') || arg[0] == '"' ||
	    arg[0] == 0x7f || (arg[0] >= '0' && arg[0] <= '9') ||
	    ((arg[0] | 0x20) >= 'a' && (arg[0] | 0x20) <= 'z'))
		cli_usage("--delimiter: '%s' is not one ASCII character that "
		    "is no letter, digit or quote", cli_quotes(arg));
	return arg[0];
}

static void
add_program(struct to_csv *t, const struct kx_column_item *item)
{
	const char **more;
	char *copy;

	more = reallocarray(t->programs, t->table.n_programs,
	    sizeof(*more));
	copy = strndup(item->program.ptr, item->program.len);
	if (more == NULL || copy == NULL)
		cli_die(ENOMEM, "the columns");
	t->programs = more;
	more[t->table.n_programs - 1] = copy;
}

static void
add_columns(struct to_csv *t, const char *list)
{
	struct kx_column_item item;
	enum kx_status status;

	while (kx_column_item(&list, &item)) {
		if (item.program.ptr != NULL && item.program.len == 0)
			cli_usage("--columns: '%s' has no program",
			    cli_quote(item.name));
		status = item.program.ptr != NULL ?
		    kx_table_add_program(&t->table, item.name) :
		    kx_table_add(&t->table, item.name);
		if (status == KX_BAD)
			cli_usage("--columns: there is no column '%s' "
			    "(--list-columns names them)",
			    cli_quote(item.name));
		if (status == KX_EOF)
			cli_usage("--columns: '%s' is given twice",
			    cli_quote(item.name));
		if (status != KX_OK)
			cli_die(ENOMEM, "the columns");
		if (item.program.ptr != NULL)
			add_program(t, &item);
	}
	if (list != NULL)
		cli_usage("--columns: a name is missing at '%s'",
		    cli_quotes(list));
}

static void
set_null(struct to_csv *t, const char *null)
{
	if (!kx_csv_may_be_null(&t->csv, kx_span_str(null)))
		cli_usage("--null: '%s' cannot stand for a missing value: it "
		    "would have to be quoted", cli_quotes(null));
	t->csv.null = kx_span_str(null);
}

/* --columns may be given several times, and waits until --time is known. */
struct wishes {
	char **columns;
	size_t n_columns;
	const char *null;
	bool tsv, delimited, iso;
};

static void
set_option(struct to_csv *t, struct wishes *w, int id, char *arg)
{
	switch (id) {
	case OPT_ROWS:
		kx_table_init(&t->table, rows_named(arg));
		break;
	case OPT_COLUMNS:
		w->columns[w->n_columns++] = arg;
		break;
	case OPT_LIST_COLUMNS:
		t->list = true;
		break;
	case OPT_PRINT_SQL:
		t->sql = arg;
		break;
	case OPT_DELIMITER:
		t->csv.delimiter = delimiter(arg);
		w->delimited = true;
		break;
	case OPT_TSV:
		w->tsv = true;
		break;
	case OPT_CRLF:
		t->csv.crlf = true;
		break;
	case OPT_NO_HEADER:
		t->no_header = true;
		break;
	case OPT_HEADER_ONLY:
		t->header_only = true;
		break;
	case OPT_NULL:
		w->null = arg;
		break;
	case OPT_TIME:
		w->iso = !strcmp(arg, "iso");
		break;
	case OPT_TIMEZONE:
		if (!zone_set(arg))
			cli_usage("--timezone: there is no zone '%s'",
			    cli_quotes(arg));
		t->zone = zone_minutes;
		break;
	case OPT_GUARD:
		t->csv.guard = true;
		break;
	case OPT_EXCEL:
		t->excel = true;
		break;
	}
}

/* What the options ask for together. */
static void
settle(struct to_csv *t, const struct wishes *w)
{
	size_t i;

	if (w->tsv && w->delimited)
		cli_usage("--tsv has its own delimiter: not with --delimiter");
	if (w->tsv && t->excel)
		cli_usage("--excel is for CSV: not with --tsv");
	if (t->no_header && t->header_only)
		cli_usage("--no-header and --header-only leave nothing");
	if (w->tsv) {
		t->csv.escapes = true;
		t->csv.delimiter = '\t';
	}
	if (t->excel)
		t->csv.crlf = t->csv.guard = t->csv.exact = true;
	if (w->null != NULL)
		set_null(t, w->null);
	t->table.iso = w->iso;
	for (i = 0; i < w->n_columns; i++)
		add_columns(t, w->columns[i]);
	if (t->table.n == 0 && !t->list &&
	    kx_table_add_default(&t->table) != KX_OK)
		cli_die(ENOMEM, "the columns");
}

static void
parse(struct to_csv *t, int argc, char **argv)
{
	struct wishes w = { .n_columns = 0 };
	char *arg;
	int id;

	cli_start(&tool, argc, argv);
	w.columns = calloc((size_t)argc, sizeof(*w.columns));
	if (w.columns == NULL)
		cli_die(ENOMEM, "cannot start");
	while ((id = cli_next(&arg)) != CLI_END)
		set_option(t, &w, id, arg);
	settle(t, &w);
	free(w.columns);
	if ((t->list || t->sql != NULL || t->header_only) &&
	    cli_operand() < argc)
		cli_usage("'%s': no input is read with --%s",
		    cli_quotes(argv[cli_operand()]), t->list ? "list-columns" :
		    t->sql != NULL ? "print-sql" : "header-only");
}

/* --- main --------------------------------------------------------------- */

/* All that is written before the first row. */
static void
make_head(const struct to_csv *t, struct kx_buf *out)
{
	struct kx_column column;
	size_t i;

	if (t->sql != NULL) {
		kx_dictionary_sql(&t->table, !strcmp(t->sql, "sqlite") ?
		    KX_SQL_SQLITE : KX_SQL_POSTGRESQL, out);
	} else if (t->list) {
		for (i = 0; t->table.n > 0 ? i < t->table.n :
		    kx_column_nth(i, &column); i++) {
			if (t->table.n > 0)
				column = t->table.column[i];
			if (cli.diagnostics == KX_DIAG_JSON)
				kx_dictionary_json(&column, t->table.rows,
				    out);
			else
				kx_dictionary_line(&column, out);
		}
	} else if (!t->no_header) {
		if (t->excel)
			kx_buf_adds(out, "\xef\xbb\xbf");
		kx_table_header(&t->table, &t->csv, out);
	}
	if (kx_buf_failed(out))
		cli_die(ENOMEM, "the header");
}

/* libjq, in processes of its own: before there are threads or open files. */
static void
start_programs(struct to_csv *t)
{
	struct kx_filter_options wanted = { .programs = t->programs,
	    .n_programs = t->table.n_programs };
	const char *mode = getenv("KX_FILTER");
	enum kx_status status;
	struct kx_error err;
	size_t which;

	if (wanted.n_programs == 0)
		return;
	if (mode != NULL && !strcmp(mode, "libjq"))
		wanted.flags |= KX_FILTER_PLAIN;
	status = kx_filter_new(&wanted, &t->jq, &which, &err);
	if (status == KX_OK)
		status = kx_filter_start(t->jq, cli.jobs, cli.kernel, &which,
		    &err);
	if (status == KX_BAD)
		cli_usage("--columns: %s: %s",
		    cli_quotes(program_column(&t->table, which)),
		    err.message);
	if (status != KX_OK)
		cli_die(err.errnum, "%s", err.message);
}

static void
clean_up(struct to_csv *t)
{
	size_t i;

	kx_filter_free(t->jq);
	for (i = 0; i < t->table.n_programs; i++)
		free((void *)(uintptr_t)t->programs[i]);
	free(t->programs);
	kx_schema_free(t->schema);
	kx_table_fini(&t->table);
}

int
main(int argc, char **argv)
{
	static const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = tally_new, .slot_free = tally_free,
		.worker_new = tools_new, .worker_free = tools_free,
		.record = record, .end = end, .finish = finish,
	};
	struct to_csv t = { .csv = { .delimiter = ',' } };
	struct kx_output out;
	struct kx_buf head = { NULL, 0, 0, false };
	struct kx_error err;

	parse(&t, argc, argv);
	make_head(&t, &head);
	t.schema = kx_table_schema(&t.table);
	if (t.schema == NULL)
		cli_die(ENOMEM, "the columns");
	if (!t.list && t.sql == NULL && !t.header_only)
		start_programs(&t);
	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	/* A write that failed fails the commit, which is where it is told. */
	if (kx_output_write(&out, head.ptr, head.len, NULL) == KX_OK &&
	    !t.list && t.sql == NULL && !t.header_only)
		run(&ops, &t, argv + cli_operand(), argc - cli_operand(),
		    &out, NULL);
	if (t.lost)
		cli_output_abort(&out);
	else if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_buf_free(&head);
	clean_up(&t);
	return cli_finish();
}
