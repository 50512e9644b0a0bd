/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-extract-snapshots: frames out of events, with the papers of a bundle.
 *
 * In go records; out goes a directory or an archive with a file for each
 * frame, a manifest with a row for each snapshot (its frame here or not) and
 * the hashes; as a bag also the records and a page to look at.
 *
 * Workers take records apart (kx/extract.h) into memory of the batch; the main
 * thread, in order, puts what came of them into the bundle from where it lies
 * (kx/evidence.h).  Memory is that of the batches and some 100 bytes a frame.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "kx/bag.h"
#include "kx/bundle.h"
#include "kx/evidence.h"
#include "kx/extract.h"
#include "kx/num.h"
#include "kx/snapname.h"
#include "kx/time.h"
#include "kx/verify.h"

#include "cli.h"
#include "run.h"

#define FORMATS "zip|tar|tar.gz|tar.xz|tar.zst|7z"

/* --- settings ------------------------------------------------------------ */

enum {
	OPT_DIRECTORY = CLI_FIRST, OPT_OUTPUT, OPT_FORMAT, OPT_LIST,
	OPT_BAGIT, OPT_INFO, OPT_TYPE, OPT_NAME, OPT_DEDUPE, OPT_MANIFEST,
	OPT_MISSING, OPT_NOW, OPT_VERIFY, OPT_MAX_SIZE
};

static const struct cli_option options[] = {
	{ OPT_DIRECTORY, 'C', "directory", "DIR",
	    "write files into DIR, which is made where it is missing" },
	{ OPT_OUTPUT, 'o', "output", "FILE",
	    "write an archive, its kind by the suffix; - is standard output" },
	{ OPT_FORMAT, 0, "format", FORMATS,
	    "kind of the archive, whatever the suffix" },
	{ OPT_LIST, 0, "list", NULL,
	    "write nothing, print the names of the files that would be" },
	{ OPT_BAGIT, 0, "bagit", NULL,
	    "make it a BagIt bag with the records and a page to look at" },
	{ OPT_INFO, 0, "info", "LABEL: VALUE",
	    "a line for bag-info.txt: a case number, a contact (repeatable)" },
	{ OPT_TYPE, 0, "type", "FULLSCREEN|THUMBNAIL",
	    "snapshots of this type alone" },
	{ OPT_NAME, 0, "name", "TEMPLATE",
	    "names of frames (" KX_SNAPNAME_DEFAULT ")" },
	{ OPT_DEDUPE, 0, "dedupe", NULL,
	    "frames of the same bytes are one file" },
	{ OPT_MANIFEST, 0, "manifest", "FILE",
	    "write the manifest to FILE: .csv, or .ndjson, .jsonl" },
	{ OPT_MISSING, 0, "missing", "FILE",
	    "write what is missing to FILE, most urgent first" },
	{ OPT_NOW, 0, "now", "TIME",
	    "how long that can still be had is counted from TIME" },
	{ OPT_VERIFY, 0, "verify", "BUNDLE",
	    "check a bundle, a directory or an archive, and write nothing" },
	{ OPT_MAX_SIZE, 0, "max-size", "SIZE",
	    "most bytes that may come out of it (200 times its size)" },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "kx-extract-snapshots",
	.usage = "-C DIR|-o FILE|--list [OPTION]... [FILE]...",
	.purpose = "Extract the video frames of webhook events, with "
	    "manifest and hashes.",
	.options = options,
	.progress = true,
	.rejects = true,
};

/* A file beside the bundle, by rows. */
struct rows_file {
	const char *path;		/* NULL: not wanted */
	enum kx_manifest_format format;
	struct kx_output out;
};

struct extract {
	const char *place;		/* -C or -o */
	int kind;			/* -1: not known yet */
	bool list, bag, dedupe;
	struct rows_file manifest, missing;
	bool has_now;
	int64_t now_ms;
	const char *verify;		/* --verify */
	uint64_t max_size;
	struct kx_buf info;

	/* shared by the workers */
	struct kx_snapname_template names;
	struct kx_extract_wants wants;

	/* the rest is the main thread's */
	struct kx_schema *schema;
	struct kx_output listing;
	struct kx_bundle *bundle;
	struct kx_evidence *evidence;
	bool broken;			/* said why: nothing more is written */
};

static void
broken(struct extract *x, const struct kx_error *err)
{
	cli_fail(err->errnum, "%s", err->message);
	x->broken = true;
}

/* --- a record, on a worker ----------------------------------------------- */

static void *
extracts_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct kx_extracts));
}

static void
extracts_free(void *ctx, void *user)
{
	(void)ctx;
	if (user != NULL)
		kx_extracts_fini(user);
	free(user);
}

static void
extractor_free(void *ctx, void *user)
{
	(void)ctx;
	if (user != NULL)
		kx_extractor_fini(user);
	free(user);
}

static void *
extractor_new(void *ctx, unsigned index)
{
	const struct extract *x = ctx;
	struct kx_extractor *extractor = calloc(1, sizeof(*extractor));

	(void)index;
	if (extractor != NULL &&
	    kx_extractor_init(extractor, &x->wants) != KX_OK) {
		extractor_free(ctx, extractor);
		return NULL;
	}
	return extractor;
}

/* Where a finding belongs. */
struct about {
	struct run_worker *worker;
	struct run_batch *batch;
	const struct kx_record *record;
};

static void
found(void *arg, enum kx_severity severity, const char *rule, size_t at,
    uint32_t node, const char *message)
{
	const struct about *about = arg;

	run_finding(about->batch, about->record, &about->worker->json,
	    severity, rule, at, node, "%s", message);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	struct about about = { worker, batch, record };
	struct kx_extracts *extracts = batch->user;
	size_t findings = batch->n_findings;
	const struct kx_extract_record job = {
		.json = &worker->json,
		.line = run_line(&worker->json, record, &worker->scratch),
		.ended = record->raw.ptr == record->text.ptr &&
		    record->raw.len == record->text.len + 1 &&
		    record->raw.ptr[record->text.len] == '\n',
		.source = batch->file,
		.lineno = record->line,
		.off = record->off,
		.arena = &batch->arena,
		.scratch = &worker->scratch,
		.found = found,
		.arg = &about
	};
	struct kx_extract_event *event;

	(void)ctx;
	if (kx_buf_failed(&worker->scratch)) {
		batch->no_memory = true;
		return;
	}
	switch (kx_extract(worker->user, &job, extracts)) {
	case KX_OK:
		event = &extracts->events[extracts->n_events - 1];
		event->findings = findings;
		event->findings_end = batch->n_findings;
		break;
	case KX_BAD:
		/* put_malformed() makes the row of the finding, as for
		 * records that are no JSON. */
		run_finding(batch, record, &worker->json, KX_SEV_ERROR,
		    "not-an-object", worker->json.node[0].off, 0,
		    "the record is no JSON object, so it is no event");
		run_reject(batch, record);
		break;
	default:
		batch->no_memory = true;
		break;
	}
	if (extracts->no_memory)
		batch->no_memory = true;
}

static void
end(void *ctx, struct run_worker *worker, struct run_batch *batch)
{
	struct kx_extracts *extracts = batch->user;

	(void)ctx;
	kx_extracts_sum(worker->user, &batch->arena, extracts);
	if (extracts->no_memory)
		batch->no_memory = true;
}

/* --- a batch, in order, on the main thread ------------------------------- */

/* Findings that are no event's are about records that are none. */
static enum kx_status
put_malformed(struct extract *x, const struct run_batch *batch, size_t from,
    size_t to, struct kx_error *err)
{
	enum kx_status status = KX_OK;

	for (; status == KX_OK && from < to; from++) {
		if (batch->findings[from].severity == KX_SEV_ERROR)
			status = kx_evidence_malformed(x->evidence,
			    &batch->findings[from], err);
	}
	return status;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct extract *x = ctx;
	struct kx_extracts *extracts = batch->user;
	enum kx_status status = KX_OK;
	struct kx_error err;
	size_t i, findings = 0;

	/* A bundle that lacks what there was no memory for is none: run() says
	 * so. */
	if (batch->no_memory)
		x->broken = true;
	if (!x->broken)
		status = kx_evidence_batch(x->evidence, extracts,
		    batch->input, batch->chunk.off - cli.base_off,
		    kx_buf_span(&batch->chunk.buf), &err);
	for (i = 0; !x->broken && status == KX_OK &&
	    i < extracts->n_events; i++) {
		status = put_malformed(x, batch, findings,
		    extracts->events[i].findings, &err);
		if (status == KX_OK)
			status = kx_evidence_event(x->evidence, extracts, i,
			    &err);
		findings = extracts->events[i].findings_end;
	}
	if (!x->broken && status == KX_OK)
		status = put_malformed(x, batch, findings, batch->n_findings,
		    &err);
	if (x->evidence != NULL)
		kx_evidence_batch_end(x->evidence);
	if (status != KX_OK)
		broken(x, &err);
	kx_extracts_reset(extracts);
	/* Rejects are to be had whole, whatever became of the bundle. */
	return !x->broken || cli.rejects != NULL;
}

/* --- the bundle ---------------------------------------------------------- */

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

static enum kx_status
open_bundle(struct extract *x, struct kx_error *err)
{
	const struct kx_bundle_options to = {
		.kind = (enum kx_bundle_kind)x->kind,
		.path = x->place,
		.list = &x->listing,
		.sums = KX_SUM_SHA256 | (x->bag ? KX_SUM_SHA512 : 0)
	};
	enum kx_status status;

	hold_signals(true);
	status = kx_bundle_open(&to, &x->bundle, err);
	if (status == KX_OK)
		cli_temp_add(kx_bundle_temp(x->bundle));
	hold_signals(false);
	return status;
}

static enum kx_status
open_rows(struct rows_file *rows, struct kx_error *err)
{
	return rows->path == NULL ? KX_OK :
	    cli_output_open(&rows->out, rows->path, 0, err);
}

static void
close_rows(struct extract *x, struct rows_file *rows)
{
	struct kx_error err;

	if (rows->path == NULL)
		return;
	if (x->broken)
		cli_output_abort(&rows->out);
	else if (cli_output_commit(&rows->out, &err) != KX_OK)
		broken(x, &err);
}

/* SOURCE_DATE_EPOCH is the day of a bag that is to be made again. */
static bool
set_date(int64_t *ms)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int64_t seconds;

	if (epoch == NULL || !kx_num_i64(kx_span_str(epoch), &seconds) ||
	    seconds < 0 || seconds > INT64_MAX / 1000)
		return false;
	*ms = seconds * 1000;
	return true;
}

static bool
open_all(struct extract *x)
{
	struct kx_evidence_options to = {
		.place = x->place,
		.format = x->manifest.format,
		.missing_format = x->missing.format,
		.now_ms = x->has_now ? &x->now_ms : NULL,
		.dedupe = x->dedupe,
		.threads = cli.jobs > 1,
		.bag = x->bag,
		.info = kx_buf_span(&x->info),
		.agent = KX_SPAN("kx-extract-snapshots " PACKAGE_VERSION),
		.type = x->wants.type
	};
	enum kx_status status = KX_OK;
	struct kx_error err;

	x->schema = kx_schema_new();
	if (x->schema == NULL)
		cli_die(ENOMEM, "cannot start");
	x->wants.schema = x->schema;
	x->wants.kernel = cli.kernel;
	x->wants.names = &x->names;
	x->wants.cards = x->bag;
	x->wants.sums = KX_SUM_SHA256 | (x->bag ? KX_SUM_SHA512 : 0) |
	    kx_bundle_needs((enum kx_bundle_kind)x->kind);
	if (x->list)
		status = cli_output_open(&x->listing, NULL, 0, &err);
	if (status == KX_OK)
		status = open_bundle(x, &err);
	if (status == KX_OK)
		status = open_rows(&x->manifest, &err);
	if (status == KX_OK)
		status = open_rows(&x->missing, &err);
	if (x->manifest.path != NULL)
		to.manifest = &x->manifest.out;
	if (x->missing.path != NULL)
		to.missing = &x->missing.out;
	to.bundle = x->bundle;
	to.has_date = set_date(&to.date_ms);
	if (status == KX_OK)
		status = kx_evidence_open(&to, &x->evidence, &err);
	if (status != KX_OK)
		broken(x, &err);
	return status == KX_OK;
}

static void
opened(void *ctx, unsigned input, const char *file, struct kx_source *source)
{
	struct extract *x = ctx;

	if (kx_evidence_opened(x->evidence, input, file, source) != KX_OK)
		cli_die(ENOMEM, "cannot go on");
}

static void
closing(void *ctx, unsigned input, bool whole)
{
	struct extract *x = ctx;

	kx_evidence_closing(x->evidence, input, whole);
}

static void
close_all(struct extract *x)
{
	const struct kx_evidence_totals *totals;
	struct kx_error err;

	if (!x->broken) {
		totals = kx_evidence_totals(x->evidence);
		if (totals->undecodable > 0 || totals->malformed > 0)
			cli_raise(CLI_NO);
		if (kx_evidence_finish(x->evidence, &err) != KX_OK)
			broken(x, &err);
	}
	kx_evidence_close(x->evidence);
	if (x->bundle != NULL) {
		hold_signals(true);
		cli_temp_remove(kx_bundle_temp(x->bundle));
		if (x->broken)
			kx_bundle_abort(x->bundle);
		else if (kx_bundle_commit(x->bundle, &err) != KX_OK)
			broken(x, &err);
		hold_signals(false);
	}
	close_rows(x, &x->manifest);
	close_rows(x, &x->missing);
	if (x->list && !x->broken &&
	    cli_output_commit(&x->listing, &err) != KX_OK)
		broken(x, &err);
	else if (x->list)
		cli_output_abort(&x->listing);
	kx_schema_free(x->schema);
	kx_buf_free(&x->info);
}

/* --- --verify ------------------------------------------------------------ */

static void
checked(void *arg, enum kx_verify_result result, const char *words)
{
	static const char *const results[] = {
		[KX_VERIFY_OK] = "ok           ",
		[KX_VERIFY_FAILED] = "FAILED       ",
		[KX_VERIFY_NOT_CHECKED] = "not checked  "
	};
	struct kx_output *out = arg;
	struct kx_buf line = { NULL, 0, 0, false };

	kx_buf_adds(&line, results[result]);
	kx_diag_quote(&line, kx_span_str(words), 400);
	kx_buf_addc(&line, '\n');
	/* The commit says that it failed. */
	(void)!kx_output_write(out, line.ptr, line.len, NULL);
	kx_buf_free(&line);
}

static void
found_wrong(void *arg, const char *words)
{
	(void)arg;
	cli_report("%s", cli_quotes(words));
}

static void
verify(const struct extract *x)
{
	struct kx_output out;
	const struct kx_verify_options how = {
		.path = x->verify,
		.max_size = x->max_size,
		.max_record = cli.max_record,
		.kernel = cli.kernel,
		.check = checked,
		.wrong = found_wrong,
		.arg = &out
	};
	enum kx_status status;
	struct kx_error err;
	size_t failed;

	if (cli_output_open(&out, NULL, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	status = kx_verify(&how, &failed, &err);
	if (status == KX_OK && failed > 0)
		cli_raise(CLI_NO);
	if (status == KX_BAD) {
		cli_report("%s", cli_quotes(err.message));
		cli_raise(CLI_NO);
	}
	if (status == KX_FAIL)
		cli_fail(err.errnum, "%s", cli_quotes(err.message));
	if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
}

/* --- main ---------------------------------------------------------------- */

static void
set_place(struct extract *x, const char *place, bool dir)
{
	if (x->place != NULL)
		cli_usage("-C DIR and -o FILE: give one of them, once");
	if (*place == '\0')
		cli_usage("the name of the %s is empty",
		    dir ? "directory" : "archive");
	x->place = place;
	x->kind = dir ? KX_BUNDLE_DIR : -1;
}

/* The kind that --format names, or the suffix of -o. */
static void
set_kind(struct extract *x, const char *format)
{
	char suffix[16];

	if (format != NULL) {
		if (x->kind == KX_BUNDLE_DIR)
			cli_usage("--format is for -o, not for -C");
		(void)snprintf(suffix, sizeof(suffix), ".%s", format);
		x->kind = kx_bundle_kind_of(suffix);
	} else if (x->kind < 0 && x->place != NULL) {
		x->kind = kx_bundle_kind_of(x->place);
	}
	if (x->list) {
		x->kind = KX_BUNDLE_LIST;
		return;
	}
	if (x->place == NULL)
		cli_usage("nowhere to write to: give -C DIR for files or "
		    "-o FILE.zip (or another) for an archive");
	if (x->kind < 0 && !strcmp(x->place, "-"))
		cli_usage("-o - needs --format: " FORMATS);
	if (x->kind < 0)
		cli_usage("cannot tell what archive %s is: its name must end "
		    "in .zip, .tar, .tar.gz, .tar.xz, .tar.zst or .7z, or "
		    "give --format", cli_quotes(x->place));
	if (x->kind != KX_BUNDLE_DIR)
		cli_claim("output", x->place);
}

static void
set_rows(struct rows_file *rows, const char *path)
{
	int format = kx_manifest_format_of(path);

	if (format < 0)
		cli_usage("cannot tell what format %s is: its name must end "
		    "in .csv, .ndjson or .jsonl", cli_quotes(path));
	rows->path = path;
	rows->format = (enum kx_manifest_format)format;
}

static void
add_info(struct extract *x, const char *text)
{
	struct kx_span label, value;
	const char *wrong = kx_bag_info_parse(text, &label, &value);

	if (wrong != NULL)
		cli_usage("--info %s: %s", cli_quotes(text), wrong);
	kx_buf_addspan(&x->info, label);
	kx_bag_info(&x->info, "", value);
	if (kx_buf_failed(&x->info))
		cli_die(ENOMEM, "cannot start");
}

static void
set_now(struct extract *x, const char *arg)
{
	struct kx_time at;

	if (!kx_time_parse(kx_span_str(arg), &at) ||
	    (!at.zoned && !at.date_only))
		cli_usage("--now: '%s' is no time: milliseconds since 1970, "
		    "or ISO 8601 with a zone", cli_quotes(arg));
	x->has_now = true;
	x->now_ms = at.ms;
}

static void
set_names(struct extract *x, const char *arg)
{
	struct kx_error err;

	if (kx_snapname_parse(arg, &x->names, &err) != KX_OK)
		cli_usage("--name=%s: %s", cli_quotes(arg), err.message);
}

/* Options that only mean something with others. */
static void
check(struct extract *x)
{
	if (x->info.len > 0 && !x->bag)
		cli_usage("--info is for --bagit");
	if (x->has_now && x->missing.path == NULL)
		cli_usage("--now is for --missing");
	cli_claim("manifest", x->manifest.path);
	cli_claim("missing", x->missing.path);
	if (!x->list)
		return;
	/* Nothing is written. */
	x->manifest.path = x->missing.path = cli.rejects = NULL;
}

int
main(int argc, char **argv)
{
	static const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = extracts_new,
		.slot_free = extracts_free,
		.worker_new = extractor_new,
		.worker_free = extractor_free,
		.record = record,
		.end = end,
		.finish = finish,
		.opened = opened,
		.closing = closing
	};
	struct extract x = { .kind = -1 };
	const char *format = NULL;
	struct run_totals totals;
	char *arg;
	int id;

	cli_start(&tool, argc, argv);
	set_names(&x, KX_SNAPNAME_DEFAULT);
	while ((id = cli_next(&arg)) != CLI_END) {
		switch (id) {
		case OPT_DIRECTORY:
		case OPT_OUTPUT:
			set_place(&x, arg, id == OPT_DIRECTORY);
			break;
		case OPT_FORMAT:
			format = arg;
			break;
		case OPT_LIST:
			x.list = true;
			break;
		case OPT_BAGIT:
			x.bag = true;
			break;
		case OPT_INFO:
			add_info(&x, arg);
			break;
		case OPT_TYPE:
			x.wants.type = kx_span_str(arg);
			break;
		case OPT_NAME:
			set_names(&x, arg);
			break;
		case OPT_DEDUPE:
			x.dedupe = true;
			break;
		case OPT_MANIFEST:
			set_rows(&x.manifest, arg);
			break;
		case OPT_MISSING:
			set_rows(&x.missing, arg);
			break;
		case OPT_NOW:
			set_now(&x, arg);
			break;
		case OPT_VERIFY:
			x.verify = arg;
			break;
		case OPT_MAX_SIZE:
			if (!kx_num_size(kx_span_str(arg), &x.max_size) ||
			    x.max_size == 0)
				cli_usage("--max-size: '%s' is no size",
				    cli_quotes(arg));
			break;
		}
	}
	if (x.verify != NULL) {
		if (x.place != NULL || x.list || cli_operand() < argc)
			cli_usage("--verify reads one bundle, and writes "
			    "nothing");
		verify(&x);
		return cli_finish();
	}
	if (x.max_size > 0)
		cli_usage("--max-size is for --verify");
	set_kind(&x, format);
	check(&x);
	if (open_all(&x)) {
		run(&ops, &x, argv + cli_operand(), argc - cli_operand(),
		    NULL, &totals);
		/* A failed write ended it: not every record is there. */
		if (totals.stopped)
			x.broken = true;
	}
	close_all(&x);
	return cli_finish();
}
