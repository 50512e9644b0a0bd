/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-filter: keep the events that match.
 *
 * In: records.  Out: those that meet all criteria and for which all programs
 * have an output that is neither false nor null, byte for byte; or what the
 * last program makes of them.  This is what is asked and what is said at the
 * end; the work is filter.c's.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kx/event.h"

#include "cli.h"
#include "filter.h"
#include "programs.h"
#include "suggest.h"
#include "when.h"

/* Bytes of files that are not worth a second worker. */
#define SHORT ((off_t)64 << 10)

/* Settings and options. */

enum {
	OPT_EXPR = CLI_FIRST, OPT_FROM_FILE, OPT_ARG, OPT_ARGJSON, OPT_INVERT,
	OPT_COUNT, OPT_MAX, OPT_LINE, OPT_FILE, OPT_UNIQUE, OPT_STRIP,
	OPT_TRANSFORM,
	OPT_CRITERION = CLI_FIRST + 100	/* + enum kx_criterion */
};

static const char *
topics(void)
{
	return kx_field_known(KX_EVENT_TOPIC);
}

static const char *
modules(void)
{
	return kx_field_known(KX_EVENT_MODULE);
}

static const char *
levels(void)
{
	return kx_field_known(KX_EVENT_LEVEL);
}

static const char *
states(void)
{
	return kx_field_known(KX_PLATE_STATE);
}

static const struct cli_option options[] = {
	{ OPT_EXPR, 'e', "expression", "EXPR",
	    "jq program that must hold; repeated: all of them" },
	{ OPT_FROM_FILE, 'f', "from-file", "FILE",
	    "the same, read from FILE" },
	{ OPT_ARG, 0, "arg", "NAME VALUE",
	    "$NAME is the string VALUE in programs" },
	{ OPT_ARGJSON, 0, "argjson", "NAME JSON",
	    "$NAME is the value JSON in programs" },
	{ OPT_CRITERION + KX_CRITERION_TOPIC, 0, "topic", "LIST",
	    "topic is one of LIST", topics },
	{ OPT_CRITERION + KX_CRITERION_MODULE, 0, "module", "LIST",
	    "module is one of LIST", modules },
	{ OPT_CRITERION + KX_CRITERION_MONITOR, 0, "monitor", "LIST",
	    "monitor_id is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_CHANNEL, 0, "channel", "LIST",
	    "the camera's id or name is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_LEVEL, 0, "level", "LIST",
	    "level is one of LIST: 0-3, low, normal, high, critical",
	    levels },
	{ OPT_CRITERION + KX_CRITERION_MIN_LEVEL, 0, "min-level", "L",
	    "level is L or higher", levels },
	{ OPT_CRITERION + KX_CRITERION_SINCE, 0, "since", "TIME",
	    "start_time is TIME or later" },
	{ OPT_CRITERION + KX_CRITERION_UNTIL, 0, "until", "TIME",
	    "start_time is before TIME" },
	{ OPT_CRITERION + KX_CRITERION_PLATE, 0, "plate", "GLOB",
	    "a plate's number matches GLOB; look-alikes are one" },
	{ OPT_CRITERION + KX_CRITERION_STATE, 0, "state", "LIST",
	    "a plate's state is one of LIST", states },
	{ OPT_CRITERION + KX_CRITERION_PERSON, 0, "person", "GLOB",
	    "somebody's first, last or whole name matches GLOB" },
	{ OPT_CRITERION + KX_CRITERION_LIST, 0, "list", "LIST",
	    "the id or name of a watch list is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_TAG, 0, "tag", "LIST",
	    "the id or name of a tag of the camera is one of LIST" },
	{ OPT_CRITERION + KX_CRITERION_MIN_SIMILARITY, 0, "min-similarity",
	    "X", "a face is at least so similar, 0 to 1" },
	{ OPT_CRITERION + KX_CRITERION_NEAR, 0, "near", "LAT,LON,RADIUS",
	    "the camera is within RADIUS, in m or km" },
	{ OPT_CRITERION + KX_CRITERION_HAS_IMAGE, 0, "has-image", NULL,
	    "a snapshot carries its image" },
	{ OPT_INVERT, 'v', "invert-match", NULL,
	    "keep the events that do not match" },
	{ OPT_COUNT, 'c', "count", NULL,
	    "print the number of kept events instead of them" },
	{ OPT_MAX, 'm', "max-count", "N", "stop after N kept events" },
	{ OPT_LINE, 'n', "line-number", NULL,
	    "print the event's line number and a colon before it" },
	{ OPT_FILE, 'H', "with-filename", NULL,
	    "print the file's name and a colon before that" },
	{ OPT_UNIQUE, 0, "unique", "[=event_id|id]",
	    "keep the first of the events with one event_id, or id" },
	{ OPT_STRIP, 0, "strip-images", NULL,
	    "pass events on without their image payloads" },
	{ OPT_TRANSFORM, 0, "transform", NULL,
	    "print the last program's outputs instead of the event" },
	{ 0 }
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

/* Options. */

static void
criterion(struct filter *filter, enum kx_criterion kind, const char *name,
    const char *arg)
{
	struct kx_error err;
	enum kx_status status;

	if (filter->criteria == NULL)
		filter->criteria = kx_criteria_new();
	if (filter->criteria == NULL)
		cli_die(ENOMEM, "cannot start");
	if (kind == KX_CRITERION_SINCE || kind == KX_CRITERION_UNTIL) {
		kx_criteria_add_time(filter->criteria, kind, when(name, arg));
		return;
	}
	status = kx_criteria_add(filter->criteria, kind, arg, &err);
	if (status == KX_BAD)
		cli_usage("--%s: %s", name, cli_quotes(err.message));
	if (status != KX_OK)
		cli_die(err.errnum, "cannot start");
	if (kind == KX_CRITERION_TOPIC || kind == KX_CRITERION_MODULE ||
	    kind == KX_CRITERION_STATE)
		suggest_items(name, arg, kind == KX_CRITERION_TOPIC ?
		    topics() : kind == KX_CRITERION_MODULE ? modules() :
		    states());
}

static void
set_option(struct filter *filter, struct programs *programs, int id,
    char *arg)
{
	const struct cli_option *row;

	switch (id) {
	case OPT_EXPR:
		programs_add(programs, arg);
		break;
	case OPT_FROM_FILE:
		programs_add_file(programs, arg);
		break;
	case OPT_ARG:
		programs_arg(programs, "arg", arg, cli_more("arg"),
		    false);
		break;
	case OPT_ARGJSON:
		programs_arg(programs, "argjson", arg,
		    cli_more("argjson"), true);
		break;
	case OPT_INVERT:
		filter->invert = true;
		break;
	case OPT_COUNT:
		filter->count = true;
		break;
	case OPT_MAX:
		filter->max = cli_number("--max-count", arg, 0, UINT64_MAX);
		break;
	case OPT_LINE:
		filter->with_line = true;
		break;
	case OPT_FILE:
		filter->with_file = true;
		break;
	case OPT_UNIQUE:
		filter->unique_by = arg == NULL ? "event_id" : arg;
		break;
	case OPT_STRIP:
		filter->strip = true;
		break;
	case OPT_TRANSFORM:
		filter->transform = true;
		break;
	default:
		for (row = options; row->id != id; row++)
			continue;
		criterion(filter, (enum kx_criterion)(id - OPT_CRITERION),
		    row->name, arg);
		break;
	}
}

/* Options that ask for two different things. */
static void
check_options(const struct filter *filter, const struct programs *programs)
{
	if (!filter->transform)
		return;
	if (programs->n == 0)
		cli_usage("--transform needs a program");
	if (filter->invert)
		cli_usage("--transform prints what a program makes of the "
		    "events that match, -v keeps the others");
	if (filter->strip)
		cli_usage("--strip-images changes the event, and --transform "
		    "prints none");
}

/* The only operand is the program.  Something like log.ndjson even compiles
 * as one, and then standard input would be waited for. */
static void
check_program(const char *expr, bool only)
{
	struct stat st;

	if (*expr != '.' && (only || strpbrk(expr, "./") != NULL) &&
	    stat(expr, &st) == 0 && S_ISREG(st.st_mode))
		cli_usage("'%s' is a file, and the first operand is the "
		    "program: did you mean 'kx-filter . %s'?",
		    cli_quotes(expr), cli_quotes(expr));
}

static void
print_counts(struct filter *filter, struct kx_output *out, int n)
{
	struct kx_buf text = { 0 };
	struct kx_error err;
	int i;

	for (i = 0; i < n && filter->kept_of != NULL; i++) {
		if (filter->name_of[i] == NULL)
			continue;
		kx_buf_addf(&text, "%s:%" PRIu64 "\n", filter->name_of[i],
		    filter->kept_of[i]);
	}
	if (filter->kept_of == NULL)
		kx_buf_addf(&text, "%" PRIu64 "\n", filter->kept);
	if (kx_buf_failed(&text))
		cli_die(ENOMEM, "cannot go on");
	if (kx_output_write(out, text.ptr, text.len, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_buf_free(&text);
}

/* Make ready what the options ask for; n operands are inputs. */
static void
start(struct filter *filter, struct programs *programs, bool operand, int n)
{
	size_t conditions = programs->n - filter->transform;

	check_options(filter, programs);
	if (programs->n > 0)
		filter->jq = programs_start(programs, conditions,
		    operand);
	filter->print = !filter->count && !cli.quiet;
	filter->in_order = filter->max != UINT64_MAX ||
	    filter->unique_by != NULL;
	if (filter->unique_by != NULL)
		filter->unique = kx_unique_new();
	if (filter->count && filter->with_file) {
		filter->kept_of = calloc((size_t)n + 1,
		    sizeof(*filter->kept_of));
		filter->name_of = calloc((size_t)n + 1,
		    sizeof(*filter->name_of));
	}
	if ((filter->unique_by != NULL && filter->unique == NULL) ||
	    (filter->count && filter->with_file &&
	    (filter->kept_of == NULL || filter->name_of == NULL)))
		cli_die(ENOMEM, "cannot start");
}

/* Files that are one chunk together are one worker's work, and a second
 * evaluator would only cost its start: a tenth of so short a run. */
static bool
is_short(char **operands, int n)
{
	struct stat st;
	off_t all = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (stat(operands[i], &st) != 0 || !S_ISREG(st.st_mode))
			return false;
		all += st.st_size;
	}
	/* Packed, they may be a hundred times as long. */
	return n > 0 && all < SHORT;
}

int
main(int argc, char **argv)
{
	static struct filter filter = { .max = UINT64_MAX };
	struct programs programs = { 0 };
	struct kx_output out;
	struct kx_error err;
	bool operand;
	char *arg;
	int id, first;

	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END)
		set_option(&filter, &programs, id, arg);
	first = cli_operand();
	operand = programs.n == 0 && filter.criteria == NULL;
	if (operand && first == argc)
		cli_usage("no program and no criterion is given");
	if (operand) {
		check_program(argv[first], first + 1 == argc);
		programs_add(&programs, argv[first++]);
	}
	filter.files_only = !operand;
	if (is_short(argv + first, argc - first))
		cli.jobs = 1;
	start(&filter, &programs, operand, argc - first);

	if (cli_output_open(&out, cli.output, 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	if (filter.max > 0)
		run(&filter_ops, &filter, argv + first, argc - first, &out,
		    NULL);
	if (filter.kept == 0)
		cli_raise(CLI_NO);
	if (filter.count && !cli.quiet && !filter.lost)
		print_counts(&filter, &out, argc > first ? argc - first : 1);
	if (filter.lost)
		cli_output_abort(&out);
	else if (cli_output_commit(&out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_filter_free(filter.jq);
	kx_criteria_free(filter.criteria);
	kx_unique_free(filter.unique);
	programs_free(&programs);
	free(filter.kept_of);
	free(filter.name_of);
	return cli_finish();
}
