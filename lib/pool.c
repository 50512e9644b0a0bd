/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ordered workers over a ring of slots.
 *
 * Jobs are numbered.  `taken` <= `given`: jobs between them wait for a
 * worker; `finished` <= `given`: jobs between them are being worked on or are
 * done, which the slot's flag says.  One mutex guards all of it: a job is some
 * hundred kilobytes, so that it is taken ten thousand times a second at most.
 *
 * The slot that kx_pool_slot() handed out belongs to no job yet, so all jobs
 * can be drained while it is being filled.
 *
 * The caller is one of the workers: where it would wait for a job it does one
 * itself.  So there are never more threads that want a processor than workers
 * were asked for.  All take the oldest: who took the newest, which is still in
 * the caller's cache, would fill the ring with jobs that are done and leave the
 * others without any.
 *
 * Threads are started when a second job is given while the first is still
 * there: a short input is one job, and done sooner by the caller.
 */
#include <config.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "kx/pool.h"

/* Enough for the scanner, libjq and the C library; the system's default, by
 * `ulimit -s`, may be anything. */
#define STACK ((size_t)1 << 20)

struct slot {
	void *user;
	bool done;
};

struct thread {
	struct kx_pool *pool;
	unsigned index;
	pthread_t id;
};

struct kx_pool {
	const struct kx_pool_ops *ops;
	void *ctx;
	struct slot *slots;
	size_t n_slots;
	struct thread *threads;
	unsigned want;		/* workers, the caller among them */
	unsigned n_threads;	/* running; 0: all is done by the caller */
	pthread_mutex_t mutex;
	pthread_cond_t work;	/* a job was given, or stop was set */
	pthread_cond_t done;	/* the oldest job may be done */
	bool stop;
	/* counts of jobs; `finished` is the caller's thread's */
	uint64_t given, taken, finished;
};

static struct slot *
slot_of(struct kx_pool *pool, uint64_t job)
{
	return &pool->slots[job % pool->n_slots];
}

/* Do the oldest job that waits; the mutex is held before and behind.  False:
 * there is none. */
static bool
do_one(struct kx_pool *pool, unsigned index)
{
	struct slot *slot;

	if (pool->taken == pool->given)
		return false;
	slot = slot_of(pool, pool->taken++);
	pthread_mutex_unlock(&pool->mutex);
	pool->ops->work(pool->ctx, index, slot->user);
	pthread_mutex_lock(&pool->mutex);
	slot->done = true;
	return true;
}

static void *
worker(void *arg)
{
	struct thread *thread = arg;
	struct kx_pool *pool = thread->pool;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->stop) {
		if (do_one(pool, thread->index))
			pthread_cond_signal(&pool->done);
		else
			pthread_cond_wait(&pool->work, &pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/* Start the threads, without any signal: the program's handlers run on the
 * thread that knows what to do.  0 or errno. */
static int
start(struct kx_pool *pool, unsigned n)
{
	pthread_attr_t attr;
	sigset_t all, old;
	size_t stack = STACK;
	int errnum;

	errnum = pthread_attr_init(&attr);
	if (errnum != 0)
		return errnum;
	if (stack < (size_t)PTHREAD_STACK_MIN)
		stack = (size_t)PTHREAD_STACK_MIN;
	(void)pthread_attr_setstacksize(&attr, stack);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool->n_threads < n && errnum == 0) {
		struct thread *thread = &pool->threads[pool->n_threads];

		thread->pool = pool;
		thread->index = pool->n_threads;
		errnum = pthread_create(&thread->id, &attr, worker, thread);
		if (errnum == 0)
			pool->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return errnum;
}

enum kx_status
kx_pool_new(unsigned n_workers, void **slots, size_t n_slots,
    const struct kx_pool_ops *ops, void *ctx, struct kx_pool **out,
    struct kx_error *err)
{
	struct kx_pool *pool;
	size_t i;
	int errnum = ENOMEM;

	*out = NULL;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		goto fail;
	pool->ops = ops;
	pool->ctx = ctx;
	pool->n_slots = n_slots;
	pool->slots = calloc(n_slots, sizeof(*pool->slots));
	if (n_workers > 1)
		pool->threads = calloc(n_workers - 1, sizeof(*pool->threads));
	if (pool->slots == NULL || (n_workers > 1 && pool->threads == NULL))
		goto fail;
	for (i = 0; i < n_slots; i++)
		pool->slots[i].user = slots[i];
	pool->want = n_workers;
	if ((errnum = pthread_mutex_init(&pool->mutex, NULL)) != 0)
		goto fail;
	if ((errnum = pthread_cond_init(&pool->work, NULL)) != 0) {
		pthread_mutex_destroy(&pool->mutex);
		goto fail;
	}
	if ((errnum = pthread_cond_init(&pool->done, NULL)) != 0) {
		pthread_cond_destroy(&pool->work);
		pthread_mutex_destroy(&pool->mutex);
		goto fail;
	}
	*out = pool;
	return KX_OK;
fail:
	if (pool != NULL) {
		free(pool->threads);
		free(pool->slots);
		free(pool);
	}
	return kx_error_set(err, KX_FAIL, errnum, "cannot start workers");
}

/* The oldest job, if there is one, is finished; with `wait` false only if it
 * is done.  Was it? */
static bool
finish_oldest(struct kx_pool *pool, bool wait)
{
	struct slot *slot;
	bool done;

	if (pool->finished == pool->given)
		return false;
	slot = slot_of(pool, pool->finished);
	pthread_mutex_lock(&pool->mutex);
	while (wait && !slot->done)
		if (!do_one(pool, pool->n_threads))
			pthread_cond_wait(&pool->done, &pool->mutex);
	done = slot->done;
	slot->done = false;
	pthread_mutex_unlock(&pool->mutex);
	if (!done)
		return false;
	pool->finished++;
	pool->ops->finish(pool->ctx, slot->user);
	return true;
}

void *
kx_pool_slot(struct kx_pool *pool)
{
	if (pool->given - pool->finished == pool->n_slots)
		(void)finish_oldest(pool, true);
	return slot_of(pool, pool->given)->user;
}

void
kx_pool_submit(struct kx_pool *pool)
{
	/* A first job starts no thread.  Fewer than were asked for do the same
	 * work. */
	if (pool->n_threads == 0 && pool->want > 1 &&
	    pool->given > pool->finished &&
	    start(pool, pool->want - 1) != 0 && pool->n_threads == 0)
		pool->want = 1;
	pthread_mutex_lock(&pool->mutex);
	pool->given++;
	pthread_cond_signal(&pool->work);
	if (pool->want <= 1)
		(void)do_one(pool, 0);
	pthread_mutex_unlock(&pool->mutex);
}

void
kx_pool_poll(struct kx_pool *pool)
{
	while (finish_oldest(pool, false))
		;
}

void
kx_pool_drain(struct kx_pool *pool)
{
	while (finish_oldest(pool, true))
		;
}

void
kx_pool_free(struct kx_pool *pool)
{
	unsigned i;

	if (pool == NULL)
		return;
	if (pool->n_threads > 0) {
		pthread_mutex_lock(&pool->mutex);
		pool->stop = true;
		pthread_cond_broadcast(&pool->work);
		pthread_mutex_unlock(&pool->mutex);
		for (i = 0; i < pool->n_threads; i++)
			pthread_join(pool->threads[i].id, NULL);
	}
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->threads);
	free(pool->slots);
	free(pool);
}
