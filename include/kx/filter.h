/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bridge to libjq: does a record match the programs?
 *
 * libjq 1.6 is not safe in threads, and some programs, and want of memory,
 * make it abort.  So it never runs in this process: each worker has a child
 * of its own, an evaluator, forked before any thread exists, and hands it the
 * records of a whole chunk at a time, made of what the programs can reach
 * (kx/program.h).  Where a program is native no child is asked at all, unless
 * for a record on which only libjq's words will do.
 *
 *   kx_filter_new, kx_filter_start, then on each worker's thread:
 *   kx_filter_ask for each record ... kx_filter_flush, kx_filter_next ...
 */
#ifndef KX_FILTER_H
#define KX_FILTER_H

#include "kx/base.h"
#include "kx/json.h"

/* No shortcuts: libjq is given every record, whole.  For tests. */
#define KX_FILTER_PLAIN 0x01u

enum kx_verdict {
	KX_VERDICT_NO,
	KX_VERDICT_YES,		/* each program had an output that is neither
				   false nor null; it was not run further */
	KX_VERDICT_ERROR,	/* a program failed on it */
	KX_VERDICT_LATER	/* see kx_filter_next() */
};

struct kx_filter;

/*
 * Read the programs, all of which must hold.  KX_BAD: one uses what may not be
 * used here; err->message says what, and *which is its index.  KX_FAIL: no
 * memory.
 */
enum kx_status kx_filter_new(const char *const *programs, size_t n,
    unsigned flags, struct kx_filter **out, size_t *which,
    struct kx_error *err) KX_MUST_CHECK;

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
 * only one to use its number.  LATER: it has been put with those that go to
 * the evaluator; json's text must stay as it is until kx_filter_flush().
 */
enum kx_verdict kx_filter_ask(struct kx_filter *filter, unsigned worker,
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

/* End the evaluators and free everything.  NULL is allowed. */
void kx_filter_free(struct kx_filter *filter);

#endif
