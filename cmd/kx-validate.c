/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-validate: pass the valid events on, explain the others.
 *
 * In: records.  Out: those that are sound, byte for byte; on standard error,
 * what is wrong with each of the others and where.  run.c checks that a record
 * is one JSON text, lib/check*.c what one record can break by itself, and
 * verdict.c, in order on the main thread, what holds between records.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kx/check.h"
#include "kx/sarif.h"

#include "cli.h"
#include "rule-options.h"
#include "run.h"
#include "verdict.h"

/* Settings and options. */

enum {
	OPT_PROFILE = CLI_FIRST, OPT_ERROR, OPT_WARN, OPT_NOTE, OPT_IGNORE,
	OPT_IMAGES, OPT_NOW, OPT_MAX_ERRORS, OPT_SUMMARY, OPT_LIST_RULES,
	OPT_EXPLAIN, OPT_PRINT_SCHEMA, OPT_DIAGNOSTICS
};

static const struct cli_option options[] = {
	{ OPT_PROFILE, 'p', "profile", "compatible|strict|envelope",
	    "rules to hold events to (compatible)" },
	{ OPT_ERROR, 0, "error", "RULE,...",
	    "refuse events that break one of these rules" },
	{ OPT_WARN, 0, "warn", "RULE,...", "report these as warnings" },
	{ OPT_NOTE, 0, "note", "RULE,...", "report these as notes" },
	{ OPT_IGNORE, 0, "ignore", "RULE,...", "do not report these" },
	{ OPT_IMAGES, 0, "images", "check|skip",
	    "look into images, or leave them alone (check)" },
	{ OPT_NOW, 0, "now", "TIME",
	    "check references against this time: milliseconds, ISO 8601 or "
	    "now" },
	{ OPT_MAX_ERRORS, 0, "max-errors", "N",
	    "report nothing more after N errors; reading goes on" },
	{ OPT_SUMMARY, 0, "summary", NULL,
	    "print counts at the end, on standard error" },
	{ OPT_LIST_RULES, 0, "list-rules", NULL,
	    "print each rule with its severities and exit" },
	{ OPT_EXPLAIN, 0, "explain", "RULE",
	    "print what is behind a rule and exit" },
	{ OPT_PRINT_SCHEMA, 0, "print-schema", "[=compatible|strict|envelope]",
	    "print the rules as a JSON Schema (2020-12) and exit" },
	{ OPT_DIAGNOSTICS, 0, "diagnostics", "text|json|sarif",
	    "form of messages on standard error (text)" },
	{ 0, 0, NULL, NULL, NULL }
};

static const struct cli_tool tool = {
	.name = "kx-validate",
	.usage = "[OPTION]... [FILE]...",
	.purpose = "Pass the valid events on, explain the others.",
	.options = options,
	.progress = true,
	.rejects = true,
	.output = true,
	.quiet = "do not pass events on, print findings alone"
};

/* Distinct notes that are given once and counted after that; beyond these
 * the rest is only counted. */
#define ONCE_MAX 64

#define ASKED_MOST 64

struct validate {
	struct kx_check check;
	struct verdicts verdicts;
	uint64_t max_errors;	/* 0: no end */
	uint64_t errors, hidden;
	uint64_t passed, rejected;
	uint64_t count[KX_N_RULES];
	struct {
		const char *name;
		int rule;
	} asked[ASKED_MOST];	/* by name, as it lies in memory */
	char *once[ONCE_MAX];
	size_t n_once;
};

/* One event, on a worker's thread. */

struct place {
	struct run_batch *batch;
	const struct kx_record *record;
	const struct kx_json *json;
};

static void
report(void *arg, enum kx_rule rule, enum kx_severity severity, size_t off,
    uint32_t node, const char *message)
{
	const struct place *place = arg;

	run_finding(place->batch, place->record, place->json, severity,
	    kx_rule_info[rule].name, off, node, "%s", message);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	struct place place = { batch, record, &worker->json };
	struct validate *validate = ctx;
	struct kx_identity identity = { .has_id = false };
	struct verdict_note *note = verdict_begin(batch, record);

	if (note == NULL)
		run_reject(batch, record);
	else
		verdict_note(&validate->verdicts, note, batch, &worker->json,
		    &identity, kx_checker_run(worker->user, &worker->json,
		    report, &place, &identity));
}

static void *
checker_new(void *ctx, unsigned index)
{
	struct validate *validate = ctx;

	(void)index;
	return kx_checker_new(&validate->check);
}

static void
checker_free(void *ctx, void *user)
{
	(void)ctx;
	kx_checker_free(user);
}

/* Topics and modules are open sets, so an unknown one is worth a note, but
 * one a name and not one an event: has this been said? */
static bool
said_before(struct validate *validate, const struct kx_finding *finding)
{
	size_t i;

	if (finding->severity != KX_SEV_NOTE ||
	    (finding->rule != kx_rule_info[KX_RULE_UNKNOWN_TOPIC].name &&
	    finding->rule != kx_rule_info[KX_RULE_UNKNOWN_MODULE].name))
		return false;
	for (i = 0; i < validate->n_once; i++)
		if (!strcmp(validate->once[i], finding->message))
			return true;
	if (validate->n_once == ONCE_MAX)
		return true;
	validate->once[validate->n_once] = strdup(finding->message);
	if (validate->once[validate->n_once] != NULL)
		validate->n_once++;
	return false;
}

static void
count(struct validate *validate, const char *rule)
{
	unsigned k = (unsigned)((uintptr_t)rule / 8 % ASKED_MOST);

	/* Mostly one of a few that have been asked for. */
	if (validate->asked[k].name != rule) {
		validate->asked[k].name = rule;
		validate->asked[k].rule = kx_rule_find(kx_span_str(rule));
	}
	if (validate->asked[k].rule >= 0)
		validate->count[validate->asked[k].rule]++;
}

/* Is it to be printed? */
static bool
is_shown(struct validate *validate, const struct kx_finding *finding)
{
	count(validate, finding->rule);
	if (said_before(validate, finding))
		return false;
	if (validate->max_errors > 0 &&
	    validate->errors >= validate->max_errors) {
		validate->hidden++;
		return false;
	}
	validate->errors += finding->severity == KX_SEV_ERROR;
	return true;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct validate *validate = ctx;
	struct verdict_counts counts;
	size_t i, kept = 0;

	verdict_all(&validate->verdicts, batch, &counts);
	validate->passed += counts.passed;
	validate->rejected += counts.rejected + batch->n_malformed;
	validate->count[KX_RULE_UNKNOWN_TOPIC] += counts.topics_again;
	validate->count[KX_RULE_UNKNOWN_MODULE] += counts.modules_again;
	if (counts.rejected > 0)
		cli_raise(CLI_NO);
	for (i = 0; i < batch->n_findings; i++)
		if (is_shown(validate, &batch->findings[i]))
			batch->findings[kept++] = batch->findings[i];
	batch->n_findings = kept;
	return true;
}

/* Findings as one SARIF document. */

static struct {
	struct kx_sarif log;
	struct kx_buf out;
} sarif;

#define SARIF_FLUSH 65536

static void
sarif_flush(void)
{
	if (kx_buf_failed(&sarif.out))
		cli_die(ENOMEM, "cannot go on");
	cli_stderr(sarif.out.ptr, sarif.out.len);
	sarif.out.len = 0;
}

static void
sarif_sink(const struct kx_finding *finding)
{
	kx_sarif_result(&sarif.log, finding, &sarif.out);
	if (sarif.out.len >= SARIF_FLUSH)
		sarif_flush();
}

static void
sarif_begin(const struct kx_check *check)
{
	kx_sarif_begin(&sarif.log, tool.name, PACKAGE_VERSION, rule_severity_of,
	    check, check->profile, &sarif.out);
	cli.sink = sarif_sink;
}

static void
sarif_end(int status, const char *properties)
{
	kx_sarif_end(&sarif.log, status, properties, &sarif.out);
	cli.sink = NULL;
	sarif_flush();
	kx_buf_free(&sarif.out);
}

/* The end. */

/* The counts, as a JSON object. */
static void
count_json(const struct validate *validate, const struct run_totals *totals,
    struct kx_buf *out)
{
	int r;

	kx_buf_addf(out, "{\"records\":%" PRIu64 ",\"passed\":%" PRIu64
	    ",\"rejected\":%" PRIu64 ",\"rules\":{", totals->records,
	    validate->passed, validate->rejected);
	for (r = 0; r < KX_N_RULES; r++)
		if (validate->count[r] > 0)
			kx_buf_addf(out, "%s\"%s\":%" PRIu64,
			    out->ptr[out->len - 1] == '{' ? "" : ",",
			    kx_rule_info[r].name, validate->count[r]);
	kx_buf_adds(out, "}}");
}

static void
count_text(const struct validate *validate, const struct run_totals *totals,
    struct kx_buf *out)
{
	int r;

	kx_buf_addf(out, "%10" PRIu64 "  records\n%10" PRIu64 "  passed\n%10"
	    PRIu64 "  rejected\n", totals->records, validate->passed,
	    validate->rejected);
	for (r = 0; r < KX_N_RULES; r++)
		if (validate->count[r] > 0)
			kx_buf_addf(out, "%10" PRIu64 "  %s\n",
			    validate->count[r], kx_rule_info[r].name);
}

/* In the form of the messages; that of SARIF is a property of the run. */
static void
summary(const struct validate *validate, const struct run_totals *totals,
    struct kx_buf *out)
{
	if (cli.diagnostics == KX_DIAG_TEXT) {
		count_text(validate, totals, out);
		return;
	}
	kx_buf_adds(out, cli.diagnostics == KX_DIAG_SARIF ? "{\"summary\":" :
	    "{\"tool\":\"kx-validate\",\"summary\":");
	count_json(validate, totals, out);
	kx_buf_adds(out, cli.diagnostics == KX_DIAG_SARIF ? "}" : "}\n");
}

/* Standard output is closed, and the status known. */
static int
end(const struct kx_buf *counts)
{
	int status = cli_finish();

	if (kx_buf_failed(counts))
		cli_die(ENOMEM, "cannot count");
	if (cli.diagnostics == KX_DIAG_SARIF)
		sarif_end(status, counts->len > 0 ? counts->ptr : NULL);
	else
		cli_stderr(counts->ptr, counts->len);
	return status;
}

int
main(int argc, char **argv)
{
	const struct run_ops ops = {
		.malformed_status = CLI_NO, .slices = true,
		.slot_new = verdict_slot_new, .slot_free = verdict_slot_free,
		.worker_new = checker_new, .worker_free = checker_free,
		.record = record, .finish = finish
	};
	static struct validate validate;
	struct kx_check *check = &validate.check;
	struct run_totals totals = { 0 };
	const char *explained = NULL, *schema = NULL;
	struct kx_buf counts = { 0 };
	struct kx_output out;
	struct kx_error err;
	bool want_summary = false, want_list = false, want_schema = false;
	char *arg;
	int id, status;

	cli_start(&tool, argc, argv);
	if (kx_check_init(check) != KX_OK)
		cli_die(0, "not enough memory");
	while ((id = cli_next(&arg)) != CLI_END) {
		switch (id) {
		case OPT_PROFILE:
			check->profile = rule_profile(arg);
			break;
		case OPT_ERROR:
			rule_severity(check, "--error", arg, KX_SEV_ERROR);
			break;
		case OPT_WARN:
			rule_severity(check, "--warn", arg, KX_SEV_WARNING);
			break;
		case OPT_NOTE:
			rule_severity(check, "--note", arg, KX_SEV_NOTE);
			break;
		case OPT_IGNORE:
			rule_severity(check, "--ignore", arg, KX_SEV_NONE);
			break;
		case OPT_IMAGES:
			check->images = *arg == 'c';
			break;
		case OPT_NOW:
			check->now_ms = rule_now(arg);
			check->has_now = true;
			break;
		case OPT_MAX_ERRORS:
			validate.max_errors = cli_number("--max-errors", arg,
			    1, INT64_MAX);
			break;
		case OPT_SUMMARY:
			want_summary = true;
			break;
		case OPT_LIST_RULES:
			want_list = true;
			break;
		case OPT_EXPLAIN:
			explained = arg;
			break;
		case OPT_DIAGNOSTICS:
			cli.diagnostics = *arg == 't' ? KX_DIAG_TEXT :
			    *arg == 'j' ? KX_DIAG_JSON : KX_DIAG_SARIF;
			break;
		case OPT_PRINT_SCHEMA:
			if (arg != NULL)
				schema = arg;
			want_schema = true;
			break;
		}
	}
	if (want_list)
		return rule_list(check);
	if (explained != NULL)
		return rule_explain(check, explained);
	if (schema != NULL)
		check->profile = rule_profile(schema);
	if (want_schema)
		return rule_schema(check);
	check->kernel = cli.kernel;
	if (!verdict_init(&validate.verdicts, check))
		cli_die(0, "not enough memory");
	/* By --source all inputs have one name. */
	if (cli.source == NULL) {
		validate.verdicts.inputs = argv + cli_operand();
		validate.verdicts.n_inputs = (unsigned)(argc - cli_operand());
	}
	if (cli.diagnostics == KX_DIAG_SARIF)
		sarif_begin(check);
	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	run(&ops, &validate, argv + cli_operand(), argc - cli_operand(), &out,
	    &totals);
	if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	if (validate.hidden > 0)
		cli_report("%" PRIu64 " more findings are not shown "
		    "(--max-errors)", validate.hidden);
	if (want_summary)
		summary(&validate, &totals, &counts);
	kx_buf_addc(&counts, '\0');	/* not of its length */
	counts.len--;
	while (validate.n_once > 0)
		free(validate.once[--validate.n_once]);
	verdict_fini(&validate.verdicts);
	status = end(&counts);
	kx_buf_free(&counts);
	kx_check_fini(check);
	return status;
}
