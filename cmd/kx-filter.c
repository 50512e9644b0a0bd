/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-filter: keep the events that match.
 *
 * In: records.  Out: those that meet all criteria and for which all programs
 * have an output that is neither false nor null, byte for byte.  Criteria are
 * read off the scanned record; programs are kx/filter.h's.  A verdict that
 * takes libjq comes at the end of a chunk, and what is kept behind such a
 * record waits for it.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "parse-datetime.h"

#include "kx/event.h"
#include "kx/filter.h"
#include "kx/num.h"
#include "kx/program.h"
#include "kx/time.h"

#include "cli.h"
#include "run.h"

/* Settings and options. */

enum {
	OPT_EXPR = CLI_FIRST, OPT_TOPIC, OPT_LEVEL, OPT_MIN_LEVEL, OPT_SINCE,
	OPT_UNTIL, OPT_INVERT, OPT_COUNT
};

static const struct cli_option options[] = {
	{ OPT_EXPR, 'e', "expression", "EXPR",
	    "jq program that must hold; repeated: all of them" },
	{ OPT_TOPIC, 0, "topic", "LIST", "topic is one of LIST" },
	{ OPT_LEVEL, 0, "level", "LIST",
	    "level is one of LIST: 0-3, low, normal, high, critical" },
	{ OPT_MIN_LEVEL, 0, "min-level", "L", "level is L or higher" },
	{ OPT_SINCE, 0, "since", "TIME", "start_time is TIME or later" },
	{ OPT_UNTIL, 0, "until", "TIME", "start_time is before TIME" },
	{ OPT_INVERT, 'v', "invert-match", NULL,
	    "keep the events that do not match" },
	{ OPT_COUNT, 'c', "count", NULL,
	    "print the number of kept events instead of them" },
	{ 0, 0, NULL, NULL, NULL }
};

static const struct cli_tool tool = {
	.name = "kx-filter",
	.usage = "[OPTION]... [EXPR] [FILE]...",
	.purpose = "Keep the events that match a jq program or criteria.",
	.options = options,
	.progress = true,
	.rejects = true,
	.output = true,
	.quiet = "print no events and no count; stop at the first match"
};

enum { PICK_TOPIC, PICK_LEVEL, PICK_START_TIME };

#define N_LEVELS 4

struct filter {
	/* criteria; any: there are some */
	bool any;
	struct kx_span *topics;
	size_t n_topics;
	unsigned levels;		/* bits; 0: not asked for */
	int min_level;			/* -1: not asked for */
	int64_t since, until;
	bool timed;			/* either of them */
	struct kx_pick pick;
	/* programs */
	const char **exprs;
	size_t n_exprs;
	struct kx_filter *jq;		/* NULL: none are asked */
	bool invert;
	bool print;			/* neither -c nor -q */
	bool files_only;		/* no operand is a program */
	/* results */
	uint64_t kept;
	bool lost;			/* libjq is: the output is not whole */
};

/* What became of one chunk. */
struct tally {
	uint64_t kept, errors;
	bool lost;
	uint64_t line;			/* lost: on this one; 0: unknown */
	struct kx_error err;
};

/* A record behind one that waits for libjq. */
struct waiting {
	struct kx_record record;
	enum kx_verdict verdict;
};

struct queue {
	struct waiting *waiting;
	size_t n, cap;
};

/* One event. */

static bool
topic_matches(const struct filter *filter, const struct kx_json *json,
    uint32_t node)
{
	size_t i;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_STRING)
		return false;
	for (i = 0; i < filter->n_topics; i++) {
		if (json->node[node].meta & KX_JSON_ESCAPED) {
			if (kx_json_str_eq(json, node, filter->topics[i]))
				return true;
		} else if (kx_span_eq(kx_json_str(json, node),
		    filter->topics[i])) {
			return true;
		}
	}
	return false;
}

/* By its value: 2.0 is the level 2, "2" is none. */
static bool
level_matches(const struct filter *filter, const struct kx_json *json,
    uint32_t node)
{
	struct kx_span text;
	double level;
	int i;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_NUMBER)
		return false;
	text = kx_json_raw(json, node);
	if (text.len == 1)
		level = *text.ptr - '0';
	else if (!kx_num_double(text, &level))
		return false;
	if (filter->min_level >= 0 && level < filter->min_level)
		return false;
	if (filter->levels == 0)
		return true;
	for (i = 0; i < N_LEVELS; i++)
		if ((filter->levels & 1u << i) && level == i)
			return true;
	return false;
}

static bool
time_matches(const struct filter *filter, const struct kx_json *json,
    uint32_t node)
{
	struct kx_span text;
	int64_t ms = 0;
	double wide;
	size_t i;

	if (node == 0 || kx_json_type(json, node) != KX_JSON_NUMBER)
		return false;
	text = kx_json_raw(json, node);
	for (i = 0; i < text.len && i < 18 && text.ptr[i] >= '0' &&
	    text.ptr[i] <= '9'; i++)
		ms = ms * 10 + (text.ptr[i] - '0');
	if (i < text.len && !kx_num_whole(text, &ms)) {
		/* a fraction, or beyond 64 bits */
		if (!kx_num_double(text, &wide))
			return false;
		return wide >= (double)filter->since &&
		    wide < (double)filter->until;
	}
	return ms >= filter->since && ms < filter->until;
}

static bool
criteria_match(const struct filter *filter, const struct kx_json *json)
{
	uint32_t found[KX_PICK_MAX];

	if (kx_json_type(json, 0) != KX_JSON_OBJECT)
		return false;
	kx_pick_find(&filter->pick, json, 0, found);
	if (filter->n_topics > 0 &&
	    !topic_matches(filter, json, found[PICK_TOPIC]))
		return false;
	if ((filter->levels != 0 || filter->min_level >= 0) &&
	    !level_matches(filter, json, found[PICK_LEVEL]))
		return false;
	return !filter->timed ||
	    time_matches(filter, json, found[PICK_START_TIME]);
}

static void
settle(const struct filter *filter, struct run_batch *batch,
    const struct kx_record *record, enum kx_verdict verdict)
{
	struct tally *tally = batch->user;

	if ((verdict == KX_VERDICT_YES) == filter->invert)
		return;
	tally->kept++;
	if (filter->print)
		run_pass(batch, record);
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *record)
{
	struct filter *filter = ctx;
	struct queue *queue = worker->user;
	enum kx_verdict verdict = KX_VERDICT_YES;
	struct waiting *grown;
	size_t cap;

	if (filter->any && !criteria_match(filter, &worker->json))
		verdict = KX_VERDICT_NO;
	else if (filter->jq != NULL)
		verdict = kx_filter_ask(filter->jq, worker->index,
		    &worker->json, record->line);
	if (verdict != KX_VERDICT_LATER && queue->n == 0) {
		settle(filter, batch, record, verdict);
		return;
	}
	if (queue->n == queue->cap) {
		cap = queue->cap ? queue->cap * 2 : 64;
		grown = reallocarray(queue->waiting, cap, sizeof(*grown));
		if (grown == NULL)
			cli_die(ENOMEM, "cannot go on");
		queue->waiting = grown;
		queue->cap = cap;
	}
	queue->waiting[queue->n++] = (struct waiting){ *record, verdict };
}

/* Findings of libjq come behind those of the run: put them in the order of
 * the records.  There are few. */
static void
sort_findings(struct run_batch *batch)
{
	struct kx_finding finding;
	size_t i, k;

	for (i = 1; i < batch->n_findings; i++) {
		finding = batch->findings[i];
		for (k = i; k > 0 && batch->findings[k - 1].off >
		    finding.off; k--)
			batch->findings[k] = batch->findings[k - 1];
		batch->findings[k] = finding;
	}
}

/* libjq is gone: nothing more can be said about this chunk's events. */
static void
lose(struct run_batch *batch, const struct queue *queue, size_t lost,
    const struct kx_error *err)
{
	struct tally *tally = batch->user;
	size_t i;

	tally->lost = true;
	tally->err = *err;
	tally->line = 0;
	tally->kept = 0;
	batch->n_pieces = 0;
	for (i = 0; i < queue->n; i++)
		if (queue->waiting[i].verdict == KX_VERDICT_LATER &&
		    lost-- == 0)
			tally->line = queue->waiting[i].record.line;
}

/* The verdicts that were put off. */
static void
end(void *ctx, struct run_worker *worker, struct run_batch *batch)
{
	struct filter *filter = ctx;
	struct queue *queue = worker->user;
	struct tally *tally = batch->user;
	struct kx_span message;
	struct kx_error err;
	struct waiting *w;
	size_t i, lost;

	if (queue->n == 0)
		return;
	if (kx_filter_flush(filter->jq, worker->index, &lost, &err) != KX_OK) {
		lose(batch, queue, lost, &err);
		queue->n = 0;
		return;
	}
	for (i = 0; i < queue->n; i++) {
		w = &queue->waiting[i];
		if (w->verdict == KX_VERDICT_LATER)
			w->verdict = kx_filter_next(filter->jq, worker->index,
			    &message);
		if (w->verdict == KX_VERDICT_ERROR) {
			tally->errors++;
			run_finding(batch, &w->record, NULL, KX_SEV_ERROR,
			    "program-error", 0, 0, "%.*s", (int)message.len,
			    message.ptr);
		}
		settle(filter, batch, &w->record, w->verdict);
	}
	queue->n = 0;
	if (tally->errors > 0 && batch->n_findings > tally->errors)
		sort_findings(batch);
}

static void *
queue_new(void *ctx, unsigned index)
{
	(void)ctx;
	(void)index;
	return calloc(1, sizeof(struct queue));
}

static void
queue_free(void *ctx, void *user)
{
	struct queue *queue = user;

	(void)ctx;
	if (queue != NULL)
		free(queue->waiting);
	free(queue);
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

/* What is said at the end: of a chunk. */

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct filter *filter = ctx;
	struct kx_finding finding = { .severity = KX_SEV_ERROR };
	struct tally *tally = batch->user;
	bool more = true;

	filter->kept += tally->kept;
	if (tally->errors > 0)
		cli_raise(CLI_TROUBLE);
	if (tally->lost) {
		finding.file = batch->file;
		finding.line = tally->line;
		finding.message = tally->err.message;
		cli_finding(&finding);
		cli_raise(CLI_TROUBLE);
		filter->lost = true;
		more = false;
	}
	/* As grep does.  Rejects are to be had whole, though. */
	if (cli.quiet && filter->kept > 0 && cli.rejects == NULL)
		more = false;
	tally->kept = tally->errors = 0;
	tally->lost = false;
	return more;
}

/* Options. */

/* Call add() for each item of a list; an empty one is bad usage. */
static void
each_item(struct filter *filter, const char *option, const char *list,
    void (*add)(struct filter *, const char *, struct kx_span))
{
	const char *end;

	for (;; list = end + 1) {
		end = list + strcspn(list, ",");
		if (end == list)
			cli_usage("--%s: an empty item in the list", option);
		add(filter, option,
		    (struct kx_span){ list, (size_t)(end - list) });
		if (*end == '\0')
			return;
	}
}

static void
add_topic(struct filter *filter, const char *option, struct kx_span item)
{
	struct kx_span *grown = reallocarray(filter->topics,
	    filter->n_topics + 1, sizeof(*grown));

	(void)option;
	if (grown == NULL)
		cli_die(ENOMEM, "cannot start");
	filter->topics = grown;
	grown[filter->n_topics++] = item;
}

static int
level_of(const char *option, struct kx_span item)
{
	int level;

	for (level = 0; level < N_LEVELS; level++)
		if ((item.len == 1 && *item.ptr == '0' + level) ||
		    (strlen(kx_level_name(level)) == item.len &&
		    !strncasecmp(kx_level_name(level), item.ptr, item.len)))
			return level;
	cli_usage("--%s: '%s' is no level: they are 0 to 3, or low, normal, "
	    "high, critical", option, cli_quote(item));
}

static void
add_level(struct filter *filter, const char *option, struct kx_span item)
{
	filter->levels |= 1u << level_of(option, item);
}

/* A time as milliseconds, rounded up.  What has no zone is local time. */
static int64_t
time_of(const char *option, const char *arg)
{
	struct timespec ts;
	struct kx_civil civil;
	struct kx_time parsed;
	struct tm tm = { .tm_isdst = -1 };
	char form[KX_TIME_SIZE];
	time_t seconds;
	int64_t ms;

	if (kx_time_parse(kx_span_str(arg), &parsed)) {
		/* 20230605 is no day, nor are ten digits seconds */
		if (parsed.number && parsed.ms >= 10000000 &&
		    parsed.ms < INT64_C(100000000000) &&
		    kx_time_format(parsed.ms, 0, form) > 0)
			cli_note("--%s: '%s' is taken for milliseconds: %s",
			    option, cli_quotes(arg), form);
		if (parsed.zoned || !kx_time_civil(parsed.ms, 0, &civil))
			return parsed.ms;
		tm.tm_year = civil.year - 1900;
		tm.tm_mon = civil.month - 1;
		tm.tm_mday = civil.day;
		tm.tm_hour = civil.hour;
		tm.tm_min = civil.minute;
		tm.tm_sec = civil.second;
		tm.tm_wday = -1;
		seconds = mktime(&tm);
		if (tm.tm_wday != -1)
			return (int64_t)seconds * 1000 + civil.ms;
	} else if (*arg != '\0' && parse_datetime(&ts, arg, NULL) &&
	    !__builtin_mul_overflow((int64_t)ts.tv_sec, 1000, &ms) &&
	    !__builtin_add_overflow(ms, (ts.tv_nsec + 999999) / 1000000,
	    &ms)) {
		return ms;
	}
	cli_usage("--%s: '%s' is no time: milliseconds since 1970, ISO 8601, "
	    "or what date -d takes", option, cli_quotes(arg));
}

static void
add_expr(struct filter *filter, const char *expr)
{
	const char **grown = reallocarray(filter->exprs, filter->n_exprs + 1,
	    sizeof(*grown));

	if (grown == NULL)
		cli_die(ENOMEM, "cannot start");
	filter->exprs = grown;
	grown[filter->n_exprs++] = expr;
}

static void
set_option(struct filter *filter, int id, char *arg)
{
	switch (id) {
	case OPT_EXPR:
		add_expr(filter, arg);
		return;
	case OPT_INVERT:
		filter->invert = true;
		return;
	case OPT_COUNT:
		filter->print = false;
		return;
	case OPT_TOPIC:
		each_item(filter, "topic", arg, add_topic);
		break;
	case OPT_LEVEL:
		each_item(filter, "level", arg, add_level);
		break;
	case OPT_MIN_LEVEL:
		filter->min_level = level_of("min-level", kx_span_str(arg));
		break;
	case OPT_SINCE:
		filter->since = time_of("since", arg);
		filter->timed = true;
		break;
	case OPT_UNTIL:
		filter->until = time_of("until", arg);
		filter->timed = true;
		break;
	}
	filter->any = true;
}

/* Read the programs and start the evaluators. */
static void
start_programs(struct filter *filter)
{
	const char *mode = getenv("KX_FILTER");
	struct kx_filter_options wanted = { .programs = filter->exprs,
	    .n_programs = filter->n_exprs, .n_conditions = filter->n_exprs };
	enum kx_status status;
	struct kx_error err;
	size_t which;

	if (filter->n_exprs == 0)
		return;
	if (mode != NULL && !strcmp(mode, "libjq"))
		wanted.flags |= KX_FILTER_PLAIN;
	status = kx_filter_new(&wanted, &filter->jq, &which, &err);
	if (status == KX_OK)
		status = kx_filter_start(filter->jq, cli.jobs > 0 ? cli.jobs :
		    1, cli.kernel, &which, &err);
	if (status == KX_BAD)
		cli_die(0, "program '%s': %s",
		    cli_quotes(filter->exprs[which]), err.message);
	if (status != KX_OK)
		cli_die(err.errnum, "%s", err.message);
}

/* The only operand is the program.  Something like log.ndjson even compiles
 * as one, and then standard input would be waited for. */
static void
check_program(const char *expr)
{
	struct stat st;

	if (*expr != '.' && strpbrk(expr, "./") != NULL &&
	    stat(expr, &st) == 0 && S_ISREG(st.st_mode))
		cli_usage("'%s' is a file, and the first operand is the "
		    "program: did you mean 'kx-filter . %s'?",
		    cli_quotes(expr), cli_quotes(expr));
}

/* With a criterion or -e every operand is a file: an easy mistake, and files
 * may have such names. */
static const char *
hint(void *ctx, const char *name)
{
	const struct filter *filter = ctx;

	if (!filter->files_only || strpbrk(name, "=<>|()[]") == NULL)
		return NULL;
	return "taken for a file: a program beside criteria is given with -e";
}

static void
print_count(struct filter *filter, struct kx_output *out)
{
	char line[32];
	struct kx_error err;
	int len = snprintf(line, sizeof(line), "%" PRIu64 "\n", filter->kept);

	if (kx_output_write(out, line, (size_t)len, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
}

int
main(int argc, char **argv)
{
	const struct run_ops ops = {
		.malformed_status = CLI_TROUBLE,
		.slot_new = tally_new, .slot_free = tally_free,
		.worker_new = queue_new, .worker_free = queue_free,
		.record = record, .end = end, .finish = finish, .hint = hint
	};
	static struct filter filter = {
		.min_level = -1, .since = INT64_MIN, .until = INT64_MAX,
		.print = true
	};
	struct kx_output out;
	struct kx_error err;
	bool operand;
	char *arg;
	int id, first;

	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END)
		set_option(&filter, id, arg);
	first = cli_operand();
	operand = filter.n_exprs == 0 && !filter.any;
	if (operand && first == argc)
		cli_usage("no program and no criterion is given");
	if (operand && first + 1 == argc)
		check_program(argv[first]);
	if (operand)
		add_expr(&filter, argv[first++]);
	filter.files_only = !operand;
	(void)kx_pick_add(&filter.pick, KX_SPAN("topic"));
	(void)kx_pick_add(&filter.pick, KX_SPAN("level"));
	(void)kx_pick_add(&filter.pick, KX_SPAN("start_time"));
	start_programs(&filter);

	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	if (cli.quiet)
		filter.print = false;
	run(&ops, &filter, argv + first, argc - first, &out, NULL);
	if (filter.kept == 0)
		cli_raise(CLI_NO);
	if (!filter.print && !cli.quiet && !filter.lost)
		print_count(&filter, &out);
	if (filter.lost)
		cli_output_abort(&out);
	else if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_filter_free(filter.jq);
	free(filter.topics);
	free(filter.exprs);
	return cli_finish();
}
