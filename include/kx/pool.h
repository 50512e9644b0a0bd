/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ordered workers: jobs are worked on side by side and finished in the order
 * in which they were given, by the thread that gave them.  So what a program
 * writes is the same bytes for every number of workers.
 *
 * The caller's thread is one of the workers: it works where it would wait.
 *
 * A job is a slot of the caller's, reused in turn: memory does not grow with
 * the input.  With one worker, and for a first job that nothing follows,
 * there are no threads.
 */
#ifndef KX_POOL_H
#define KX_POOL_H

#include "kx/base.h"

struct kx_pool;

struct kx_pool_ops {
	/* On a worker's thread, or on the caller's from within the calls below;
	 * `worker` counts from 0.  One at a time for each worker. */
	void (*work)(void *ctx, unsigned worker, void *slot);
	/* On the caller's thread, in order, from within the calls below. */
	void (*finish)(void *ctx, void *slot);
};

/* `slots` are n_slots pointers of the caller's, at least 1; best 2 a worker
 * and 2 more.  KX_FAIL without memory. */
enum kx_status kx_pool_new(unsigned n_workers, void **slots, size_t n_slots,
    const struct kx_pool_ops *ops, void *ctx, struct kx_pool **out,
    struct kx_error *err) KX_MUST_CHECK;

/* A slot to fill; where all are in use the oldest job is waited for and
 * finished first. */
void *kx_pool_slot(struct kx_pool *pool);
/* Give the slot that kx_pool_slot() handed out to the workers. */
void kx_pool_submit(struct kx_pool *pool);
/* Finish what is done, without waiting. */
void kx_pool_poll(struct kx_pool *pool);
/* Wait for all jobs and finish them. */
void kx_pool_drain(struct kx_pool *pool);
/* Stop the workers; jobs that are not finished are dropped. */
void kx_pool_free(struct kx_pool *pool);

#endif
