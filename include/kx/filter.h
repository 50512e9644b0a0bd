/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bridge to libjq: does a record match the programs, and what do they make
 * of it?
 *
 * libjq 1.6 is not safe in threads, and some programs, and want of memory,
 * make it abort.  So it never runs in this process: each worker has a child
 * of its own, an evaluator, forked before any thread exists, and hands it the
 * records of a whole chunk at a time, made of what the programs can reach
 * (kx/program.h).  Where a program is native no child is asked at all, unless
 * for a record on which only libjq's words will do.
 *
 * Programs are of two kinds.  Conditions must all hold: they are run no
 * further than is needed to know.  The programs behind them are run to their
 * end on each record for which the conditions hold, and what they put out is
 * handed on as compact JSON texts, as `jq -c` prints it.  A filter may have
 * either kind, or both; any number of programs, in one pass over the records.
 *
 *   kx_filter_new, kx_filter_start, then on each worker's thread
 *     for each record of a chunk      kx_filter_ask
 *     kx_filter_flush
 *     for each that was LATER         kx_filter_next
 *       where that is YES, until EOF  kx_filter_output
 */
#ifndef KX_FILTER_H
#define KX_FILTER_H

#include "kx/base.h"
#include "kx/json.h"

/* No shortcuts: libjq is given every record, whole.  For tests. */
#define KX_FILTER_PLAIN 0x01u

/* A variable that all programs know: $name, and $ARGS.named.name. */
struct kx_filter_arg {
	const char *name;	/* without `$` */
	struct kx_span json;	/* its value: one JSON text */
};

struct kx_filter_options {
	const char *const *programs;
	size_t n_programs;
	size_t n_conditions;	/* programs[0..n_conditions) must hold, the
				   others put out; n_programs: none does */
	const struct kx_filter_arg *args;	/* live as long as the filter */
	size_t n_args;
	unsigned flags;
};

enum kx_verdict {
	KX_VERDICT_NO,
	KX_VERDICT_YES,		/* each condition had an output that is neither
				   false nor null; it was not run further */
	KX_VERDICT_ERROR,	/* a condition failed on it */
	KX_VERDICT_LATER	/* see kx_filter_next() */
};

struct kx_filter;

/*
 * Read the programs.  KX_BAD: one uses what may not be used here;
 * err->message says what, and *which is its index.  KX_FAIL: no memory.
 */
enum kx_status kx_filter_new(const struct kx_filter_options *options,
    struct kx_filter **out, size_t *which, struct kx_error *err)
    KX_MUST_CHECK;

/*
 * Fork the evaluators and have them compile the programs: before any thread is
 * made and before files are opened that the children should not hold.
 * KX_BAD: a program does not compile, as above with libjq's message.  KX_FAIL:
 * err says why.
 */
enum kx_status kx_filter_start(struct kx_filter *filter, unsigned n_workers,
    const struct kx_kernel *kernel, size_t *which, struct kx_error *err)
    KX_MUST_CHECK;

/*
 * The verdict on a scanned record, by worker `worker` (from 0), which is the
 * only one to use its number; `line` is what input_line_number gives.  LATER:
 * it has been put with those that go to the evaluator; json's text must stay
 * as it is until kx_filter_flush().  Where there are programs that put out,
 * YES and ERROR come later only.
 */
enum kx_verdict kx_filter_ask(struct kx_filter *filter, unsigned worker,
    const struct kx_json *json, uint64_t line);

/*
 * The first integer that the programs can see in a scanned record and libjq
 * takes for a neighbour, as release 1.6 does beyond 2^53: its node, or 0.
 */
uint32_t kx_filter_rounded(const struct kx_filter *filter,
    const struct kx_json *json);

/*
 * Have all records that were LATER evaluated; then kx_filter_next() gives
 * their verdicts in the order in which they were asked.  KX_FATAL: the
 * evaluator is lost, and err says how: there are no verdicts, nor will there
 * be, and *lost is the number of the record that it was lost on, from 0 in the
 * order in which they were asked.
 */
enum kx_status kx_filter_flush(struct kx_filter *filter, unsigned worker,
    size_t *lost, struct kx_error *err) KX_MUST_CHECK;

/* Never LATER.  With ERROR *message is libjq's; it lives until the worker's
 * next flush. */
enum kx_verdict kx_filter_next(struct kx_filter *filter, unsigned worker,
    struct kx_span *message);

struct kx_filter_output {
	size_t program;		/* index into options->programs */
	struct kx_span text;
};

/*
 * What the programs put out for the record that kx_filter_next() said YES of:
 * program by program, in the order in which each put it out.  KX_OK: text is
 * one value, a JSON text without white space between its tokens, behind which
 * KX_PADDING bytes are readable (kx_json_scan() may be given it as it is).
 * KX_BAD: this program failed here, and text says how; the next one goes on.
 * KX_EOF: that was all, and *out is as it was.  Texts live until the worker's
 * next flush.  What is not read is passed by.
 *
 * A program fails that puts out more than 32 MiB and four times the record's
 * length, or something nested deeper than KX_MAX_DEPTH or libjq can print.
 * libjq 1.6 prints the double nearest to each number, with 17 digits.
 */
enum kx_status kx_filter_output(struct kx_filter *filter, unsigned worker,
    struct kx_filter_output *out) KX_MUST_CHECK;

/* End the evaluators and free everything.  NULL is allowed. */
void kx_filter_free(struct kx_filter *filter);

#endif
