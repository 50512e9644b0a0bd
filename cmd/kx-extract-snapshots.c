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
 * (kx/evidence.h).  Memory is that of the batches and 48 bytes a frame, for
 * its name.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "kx/bundle.h"
#include "kx/evidence.h"
#include "kx/extract.h"
#include "kx/num.h"

#include "cli.h"
#include "run.h"

/* --- settings ------------------------------------------------------------ */

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
	struct kx_output manifest;	/* --manifest */
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
	if (extractor != NULL && kx_extractor_init(extractor, x->schema,
	    cli.kernel, x->bag) != KX_OK) {
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
	enum kx_status status;

	hold_signals(true);
	status = kx_bundle_open(x->place, x->kind, &x->bundle, err);
	if (status == KX_OK)
		cli_temp_add(kx_bundle_temp(x->bundle));
	hold_signals(false);
	return status;
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
		.format = x->manifest_format,
		.bag = x->bag,
		.agent = KX_SPAN("kx-extract-snapshots " PACKAGE_VERSION)
	};
	enum kx_status status;
	struct kx_error err;

	x->schema = kx_schema_new();
	if (x->schema == NULL)
		cli_die(ENOMEM, "cannot start");
	status = open_bundle(x, &err);
	if (status == KX_OK && x->manifest_path != NULL) {
		status = cli_output_open(&x->manifest, x->manifest_path, 0,
		    &err);
		to.manifest = &x->manifest;
	}
	to.bundle = x->bundle;
	to.has_date = set_date(&to.date_ms);
	if (status == KX_OK)
		status = kx_evidence_open(&to, &x->evidence, &err);
	if (status != KX_OK)
		broken(x, &err);
	return status == KX_OK;
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
	if (x->manifest_path != NULL) {
		if (x->broken)
			cli_output_abort(&x->manifest);
		else if (cli_output_commit(&x->manifest, &err) != KX_OK)
			broken(x, &err);
	}
	kx_schema_free(x->schema);
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
		.slot_new = extracts_new,
		.slot_free = extracts_free,
		.worker_new = extractor_new,
		.worker_free = extractor_free,
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
	if (x.kind != KX_BUNDLE_DIR)
		cli_claim("output", x.place);
	cli_claim("manifest", x.manifest_path);
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
