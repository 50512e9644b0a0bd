/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A round is what one kx_digest_add() gave.  Rounds are numbered and lie in a
 * ring; each thread works through all of them for its own kinds of sum.  A
 * round is some hundred kilobytes, so that the handing over costs nothing
 * beside it.
 */
#include <config.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "kx/digest.h"

#define THREADS_FROM ((uint64_t)1 << 20)	/* bytes in all */
#define STACK ((size_t)256 << 10)
#define N_THREADS 2

/* CRC-32 is a tenth of the work of SHA-256, and goes with it. */
static const unsigned shares[N_THREADS] = {
	KX_SUM_SHA256 | KX_SUM_CRC32, KX_SUM_SHA512
};

struct digest_thread {
	struct kx_digest *digest;
	unsigned share;
	uint64_t done;		/* rounds */
	pthread_t id;
};

struct round {
	const struct kx_span *spans;
	size_t n;
};

struct kx_digest {
	struct kx_summing sums;
	unsigned beside;	/* kinds that are to have threads */
	bool failed;
	uint64_t size;
	/* guarded by the mutex */
	struct round ring[KX_DIGEST_AHEAD];
	uint64_t given;		/* rounds */
	bool stop;
	unsigned n_threads;
	struct digest_thread thread[N_THREADS];
	pthread_mutex_t mutex;
	pthread_cond_t work, done;
};

static bool
sum_up(struct kx_digest *d, unsigned share, const struct kx_span *spans,
    size_t n)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < n; i++) {
		if (kx_summing_add(&d->sums, share, spans[i].ptr,
		    spans[i].len) != KX_OK)
			ok = false;
	}
	return ok;
}

static void *
work(void *arg)
{
	struct digest_thread *thread = arg;
	struct kx_digest *d = thread->digest;
	struct round round;
	bool ok;

	pthread_mutex_lock(&d->mutex);
	for (;;) {
		while (!d->stop && thread->done == d->given)
			pthread_cond_wait(&d->work, &d->mutex);
		if (thread->done == d->given)
			break;
		round = d->ring[thread->done % KX_DIGEST_AHEAD];
		pthread_mutex_unlock(&d->mutex);
		ok = sum_up(d, thread->share, round.spans, round.n);
		pthread_mutex_lock(&d->mutex);
		if (!ok)
			d->failed = true;
		thread->done++;
		pthread_cond_signal(&d->done);
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

/* A thread for each share of what is asked for, without signals.  Where one
 * cannot be had there are none. */
static void
start(struct kx_digest *d)
{
	pthread_attr_t attr;
	sigset_t all, old;
	unsigned beside = d->beside;
	size_t i;

	d->beside = 0;
	if (pthread_attr_init(&attr) != 0)
		return;
	(void)pthread_attr_setstacksize(&attr,
	    STACK > (size_t)PTHREAD_STACK_MIN ? STACK :
	    (size_t)PTHREAD_STACK_MIN);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < N_THREADS; i++) {
		struct digest_thread *thread = &d->thread[d->n_threads];

		thread->digest = d;
		thread->share = shares[i] & d->sums.which & beside;
		thread->done = 0;
		if (thread->share == 0)
			continue;
		if (pthread_create(&thread->id, &attr, work, thread) != 0)
			break;
		d->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

static void
stop(struct kx_digest *d)
{
	pthread_mutex_lock(&d->mutex);
	d->stop = true;
	pthread_cond_broadcast(&d->work);
	pthread_mutex_unlock(&d->mutex);
	while (d->n_threads > 0)
		pthread_join(d->thread[--d->n_threads].id, NULL);
	d->stop = false;
}

/* The shares that no thread has. */
static unsigned
own_share(const struct kx_digest *d)
{
	unsigned share = d->sums.which, i;

	for (i = 0; i < d->n_threads; i++)
		share &= ~d->thread[i].share;
	return share;
}

enum kx_status
kx_digest_new(unsigned which, unsigned beside, struct kx_digest **out,
    struct kx_error *err)
{
	struct kx_digest *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (d == NULL || kx_summing_begin(&d->sums, which) != KX_OK) {
		free(d);
		return kx_error_set(err, KX_FAIL, ENOMEM,
		    "cannot set up hashes");
	}
	d->beside = beside;
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->work, NULL);
	pthread_cond_init(&d->done, NULL);
	*out = d;
	return KX_OK;
}

void
kx_digest_add(struct kx_digest *d, const struct kx_span *spans, size_t n)
{
	unsigned mine;
	size_t i;

	for (i = 0; i < n; i++)
		d->size += spans[i].len;
	if (d->beside != 0 && d->size >= THREADS_FROM)
		start(d);
	if (d->n_threads > 0) {
		kx_digest_wait(d, KX_DIGEST_AHEAD - 1);
		pthread_mutex_lock(&d->mutex);
		d->ring[d->given++ % KX_DIGEST_AHEAD] =
		    (struct round){ spans, n };
		pthread_cond_broadcast(&d->work);
		pthread_mutex_unlock(&d->mutex);
	}
	mine = own_share(d);
	if (mine != 0 && !sum_up(d, mine, spans, n)) {
		pthread_mutex_lock(&d->mutex);
		d->failed = true;
		pthread_mutex_unlock(&d->mutex);
	}
}

/* Rounds that some thread is not done with. */
static uint64_t
pending(const struct kx_digest *d)
{
	uint64_t most = 0;
	unsigned i;

	for (i = 0; i < d->n_threads; i++) {
		if (d->given - d->thread[i].done > most)
			most = d->given - d->thread[i].done;
	}
	return most;
}

void
kx_digest_wait(struct kx_digest *d, size_t left)
{
	pthread_mutex_lock(&d->mutex);
	while (pending(d) > left)
		pthread_cond_wait(&d->done, &d->mutex);
	pthread_mutex_unlock(&d->mutex);
}

enum kx_status
kx_digest_sums(struct kx_digest *d, struct kx_sums *sums)
{
	kx_digest_wait(d, 0);
	if (d->failed)
		return KX_FAIL;
	return kx_summing_end(&d->sums, sums);
}

void
kx_digest_state(struct kx_digest *d, struct kx_summing *state)
{
	kx_digest_wait(d, 0);
	*state = d->sums;
}

void
kx_digest_resume(struct kx_digest *d, const struct kx_summing *state)
{
	unsigned which = d->sums.which;

	d->sums = *state;
	d->sums.which = which & state->which;
}

void
kx_digest_free(struct kx_digest *d)
{
	if (d == NULL)
		return;
	kx_digest_wait(d, 0);
	stop(d);
	pthread_cond_destroy(&d->work);
	pthread_cond_destroy(&d->done);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}
