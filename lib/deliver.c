/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sender threads, around one lock.
 *
 * A thread takes from the lanes as many events as it has free connections,
 * lets go of the lock, sends and waits, and comes back with answers.  One that
 * waits can be woken: by an event that became ready while it had connections
 * to spare, and by the end.  An event is under way ("flying") from when it is
 * taken until what became of it is settled; with a journal that is when it has
 * been written there, so that no more events than `concurrency` can be both
 * delivered and not known to be.
 *
 * The journal has a thread of its own.  It writes all that has been answered
 * since it began the last time, by one write and one sync: the slower the disk,
 * the more events share a sync.
 *
 * Measured with bodies of 1.2 kB on two processors, the receiver on one of
 * them: four threads send half as much again as one, more add nothing.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kx/journal.h"
#include "kx/sched.h"
#include "kx/sign.h"

#include "lanes.h"

#define MAX_SENDERS 4
/* Connections of a thread, before there is another one. */
#define PER_SENDER 4

/* When there is room for more: few that are ready, for they need not wait
 * here; and in all, those behind a retry included, so many bytes. */
#define READY_MOST 512
#define READY_BYTES ((size_t)2 << 20)	/* fewer where they are large */
#define STRICT_MOST 256
/* Events that are added before a sender is woken for them. */
#define ADDED_MOST 32
#define BYTES_MOST ((size_t)8 << 20)
#define BYTES_EACH ((size_t)1 << 20)	/* and this for each under way */

/* How long the journal waits for company. */
#define GATHER_NS 200000

struct sender {
	struct kx_deliver *d;
	struct kx_http *http;
	pthread_t thread;
	bool running;
	bool sleeping;		/* may be woken */
	size_t cap, n_flying;	/* connections, those in use */
};

struct report {
	struct kx_report report;	/* first: it is what is handed out */
	struct report *next;
	struct delivery *delivery;	/* NULL: of a note */
	char reason[300];
	char head[KX_HTTP_HEAD];
};

struct kx_deliver {
	struct kx_deliver_options o;
	pthread_mutex_t lock;
	pthread_cond_t answered;	/* for the journal's thread */
	struct lanes lanes;
	struct kx_deliver_stats stats;
	struct report *reports, **reports_end;
	unsigned n_added;		/* since senders were woken */
	size_t n_held;			/* events that reports hold */
	size_t held_bytes;
	struct delivery *unsynced, **unsynced_end;
	size_t n_unsynced;
	bool failing;			/* the last answer was no success */
	bool stopped;			/* no event is begun */
	bool closing;			/* threads end */
	bool dead;
	struct kx_error fault;
	bool armed;
	unsigned want;			/* beside reports */
	size_t want_len;
	pthread_t syncer;
	bool syncing;			/* it runs */
	size_t n_senders;
	struct sender sender[MAX_SENDERS];
};

static void
free_delivery(struct delivery *event)
{
	kx_buf_free(&event->head);
	free(event);
}

/* --- the caller is told -------------------------------------------------- */

static bool
has_room(const struct kx_deliver *d, size_t len, unsigned divisor)
{
	size_t bytes = BYTES_MOST + d->o.concurrency * BYTES_EACH;

	if (d->lanes.n + d->n_held == 0)
		return true;
	if (d->lanes.n_ready >= READY_MOST / divisor ||
	    (d->lanes.n_ready >= d->o.concurrency &&
	    d->lanes.n_bytes >= READY_BYTES) ||
	    (d->o.order == KX_ORDER_STRICT &&
	    d->lanes.n >= STRICT_MOST / divisor))
		return false;
	return d->lanes.n_bytes + d->held_bytes + len <= bytes / divisor;
}

static void
tell(struct kx_deliver *d)
{
	const uint64_t one = 1;

	if (!d->armed || (d->reports == NULL && !d->dead &&
	    !((d->want & KX_WANT_ROOM) != 0 && has_room(d, d->want_len, 2)) &&
	    !((d->want & KX_WANT_EMPTY) != 0 && d->lanes.n == 0)))
		return;
	d->armed = false;
	/* Full is as good as written. */
	if (write(d->o.notify_fd, &one, sizeof(one)) < 0)
		return;
}

static void
die(struct kx_deliver *d, const struct kx_error *err)
{
	if (!d->dead)
		d->fault = *err;
	d->dead = d->stopped = true;
}

static void
put_report(struct kx_deliver *d, struct report *report)
{
	report->next = NULL;
	*d->reports_end = report;
	d->reports_end = &report->next;
}

/* An event that leaves with a report, or (KX_FATE_RETRY) stays. */
static void
report(struct kx_deliver *d, struct delivery *event, enum kx_fate fate,
    const struct kx_http_answer *answer)
{
	struct report *new = calloc(1, sizeof(*new));
	struct kx_error err;

	if (new == NULL) {
		(void)kx_error_set(&err, KX_FATAL, ENOMEM, "a report");
		die(d, &err);
		if (fate != KX_FATE_RETRY)
			free_delivery(event);
		return;
	}
	new->report.fate = fate;
	new->report.attempts = event->attempts;
	new->report.ordinal = event->event.ordinal;
	new->report.place = event->event.place;
	new->report.retry_after_ms = -1;
	if (answer != NULL) {
		new->report.gone = answer->outcome == KX_HTTP_GONE;
		new->report.too_long = answer->retry_after_ms >
		    d->o.retry_after_max_ms;
		new->report.status = answer->status;
		new->report.retry_after_ms = answer->retry_after_ms;
		new->report.head_cut = answer->head_cut;
		if (answer->head.len > 0)
			memcpy(new->head, answer->head.ptr, answer->head.len);
		new->report.head = (struct kx_span){ new->head,
		    answer->head.len };
		(void)snprintf(new->reason, sizeof(new->reason), "%s",
		    answer->reason == NULL ? "" : answer->reason);
	}
	new->report.reason = new->reason;
	if (fate != KX_FATE_RETRY) {
		new->delivery = event;
		new->report.raw = event->event.raw;
		d->n_held++;
		d->held_bytes += event->size;
	}
	put_report(d, new);
}

/* When the last one has landed, what is left is reported. */
static void
flush_unsent(struct kx_deliver *d)
{
	struct delivery *event;

	if (!d->stopped || d->stats.n_flying > 0)
		return;
	while ((event = kx_lanes_drop(&d->lanes)) != NULL)
		report(d, event, KX_FATE_UNSENT, NULL);
}

/* --- threads are woken --------------------------------------------------- */

/* As many as there is work for that they could begin. */
static void
wake(struct kx_deliver *d)
{
	size_t i, n = d->lanes.n_ready;
	struct sender *s;

	d->n_added = 0;
	if (d->o.concurrency - d->stats.n_flying < n)
		n = d->o.concurrency - (size_t)d->stats.n_flying;
	for (i = 0; i < d->n_senders && n > 0; i++) {
		s = &d->sender[i];
		if (!s->sleeping || s->n_flying == s->cap)
			continue;
		s->sleeping = false;
		kx_http_wake(s->http);
		n -= s->cap - s->n_flying < n ? s->cap - s->n_flying : n;
	}
}

static void
wake_all(struct kx_deliver *d)
{
	size_t i;

	for (i = 0; i < d->n_senders; i++)
		kx_http_wake(d->sender[i].http);
	(void)pthread_cond_broadcast(&d->answered);
}

/* --- what became of an event --------------------------------------------- */

static void
delivered(struct kx_deliver *d, struct delivery *event)
{
	d->stats.n_delivered++;
	d->stats.n_bytes += event->event.body.len;
	d->stats.n_flying--;
	kx_lanes_leave(&d->lanes, event);
	free_delivery(event);
}

static void
give_up(struct kx_deliver *d, struct delivery *event,
    const struct kx_http_answer *answer)
{
	d->stats.n_given_up++;
	d->stats.n_flying--;
	if (answer->outcome == KX_HTTP_GONE)
		d->stopped = true;
	kx_lanes_leave(&d->lanes, event);
	report(d, event, KX_FATE_GIVEN_UP, answer);
}

static void
try_again(struct kx_deliver *d, struct delivery *event,
    const struct kx_http_answer *answer, uint64_t now)
{
	uint64_t wait = answer->retry_after_ms > 0 ?
	    (uint64_t)answer->retry_after_ms * 1000000 :
	    kx_backoff(&d->o.random, event->attempts);

	if (!d->failing || answer->retry_after_ms >= d->o.long_wait_ms)
		report(d, event, KX_FATE_RETRY, answer);
	d->failing = true;
	d->stats.n_flying--;
	kx_lanes_later(&d->lanes, event, kx_sched_add(now, wait));
}

/* Is a sync worth its while?  Where the disk is fast, a few more events make up
 * for the wait; where it is slow there are always enough. */
static bool
enough_to_sync(const struct kx_deliver *d)
{
	return d->n_unsynced >= (d->o.concurrency + 3) / 4 ||
	    d->n_unsynced >= d->stats.n_flying;
}

static void
settle(struct kx_deliver *d, struct delivery *event,
    const struct kx_http_answer *answer, uint64_t now)
{
	struct kx_error err;

	if (answer->status != 0)
		kx_histogram_add(&d->stats.latency_ns, now - event->sent_ns);
	switch (answer->outcome) {
	case KX_HTTP_DELIVERED:
		d->failing = false;
		if (d->o.journal == NULL) {
			delivered(d, event);
			return;
		}
		event->next_unsynced = NULL;
		*d->unsynced_end = event;
		d->unsynced_end = &event->next_unsynced;
		if (++d->n_unsynced == 1 || enough_to_sync(d))
			(void)pthread_cond_signal(&d->answered);
		return;
	case KX_HTTP_UNABLE:
		(void)kx_error_set(&err, KX_FATAL, 0, "%s", answer->reason);
		die(d, &err);
		/* It stays, and is reported unsent. */
		d->stats.n_flying--;
		kx_lanes_later(&d->lanes, event, now);
		return;
	case KX_HTTP_AGAIN:
		if (event->attempts <= d->o.retries &&
		    answer->retry_after_ms <= d->o.retry_after_max_ms) {
			try_again(d, event, answer, now);
			return;
		}
		break;
	default:
		break;
	}
	give_up(d, event, answer);
}

/* --- the journal's thread ------------------------------------------------ */

static void
sync_some(struct kx_deliver *d, struct delivery *list, size_t n,
    uint64_t **ordinals, size_t *cap)
{
	struct delivery *event;
	struct kx_error err;
	enum kx_status status = KX_OK;
	uint64_t *more;
	size_t i = 0;

	if (n > *cap) {
		more = reallocarray(*ordinals, n, sizeof(*more));
		if (more == NULL)
			status = kx_error_set(&err, KX_FATAL, ENOMEM,
			    "the journal");
		else
			*ordinals = more;
		*cap = more != NULL ? n : *cap;
	}
	if (status == KX_OK) {
		for (event = list; event != NULL; event = event->next_unsynced)
			(*ordinals)[i++] = event->event.ordinal;
		status = kx_journal_add(d->o.journal, *ordinals, n, &err);
	}
	(void)pthread_mutex_lock(&d->lock);
	if (status != KX_OK) {
		/* They stay, and are reported unsent. */
		d->stats.n_flying -= n;
		list = NULL;
		die(d, &err);
	}
	while ((event = list) != NULL) {
		list = event->next_unsynced;
		delivered(d, event);
	}
	flush_unsent(d);
	wake(d);
	tell(d);
}

static void
wait_for_more(struct kx_deliver *d)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += GATHER_NS;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	(void)pthread_cond_timedwait(&d->answered, &d->lock, &ts);
}

static void *
syncer(void *arg)
{
	struct kx_deliver *d = arg;
	struct delivery *list;
	uint64_t *ordinals = NULL;
	size_t n, cap = 0;

	(void)pthread_mutex_lock(&d->lock);
	while (!d->closing) {
		if (d->unsynced == NULL) {
			(void)pthread_cond_wait(&d->answered, &d->lock);
			continue;
		}
		if (!enough_to_sync(d))
			wait_for_more(d);
		list = d->unsynced;
		n = d->n_unsynced;
		d->unsynced = NULL;
		d->unsynced_end = &d->unsynced;
		d->n_unsynced = 0;
		(void)pthread_mutex_unlock(&d->lock);
		sync_some(d, list, n, &ordinals, &cap);
	}
	(void)pthread_mutex_unlock(&d->lock);
	free(ordinals);
	return NULL;
}

/* --- a sender's thread --------------------------------------------------- */

/* The header lines that an event has of its own, made anew for each attempt. */
static bool
make_headers(const struct kx_deliver *d, struct delivery *event,
    struct kx_http_request *request)
{
	const struct kx_event_in *in = &event->event;
	struct kx_buf *buf = &event->head;
	size_t at[KX_HTTP_OWN_HEADERS], n = 0, i;
	struct timespec ts;

	if (!d->o.ids && d->o.signer == NULL)
		return true;
	kx_buf_reset(buf, SIZE_MAX);
	at[n++] = buf->len;
	kx_buf_adds(buf, "webhook-id: ");
	kx_buf_addspan(buf, in->id);
	kx_buf_addc(buf, '\0');
	if (d->o.signer != NULL) {
		(void)clock_gettime(CLOCK_REALTIME, &ts);
		at[n++] = buf->len;
		kx_buf_addf(buf, "webhook-timestamp: %" PRId64,
		    (int64_t)ts.tv_sec);
		kx_buf_addc(buf, '\0');
		at[n++] = buf->len;
		kx_buf_adds(buf, "webhook-signature: ");
		kx_signer_sign(d->o.signer, in->id, (int64_t)ts.tv_sec,
		    request->body, buf);
		kx_buf_addc(buf, '\0');
	}
	if (kx_buf_failed(buf))
		return false;
	for (i = 0; i < n; i++)
		request->headers[i] = buf->ptr + at[i];
	return true;
}

static enum kx_status
start(struct sender *s, struct delivery *event, struct kx_error *err)
{
	struct kx_deliver *d = s->d;
	struct kx_http_request request = { .tag = event };

	if (d->o.http.body)
		request.body = event->event.body;
	if (!make_headers(d, event, &request))
		return kx_error_set(err, KX_FATAL, ENOMEM, "a request");
	event->sent_ns = kx_sched_now();
	return kx_http_send(s->http, &request, err);
}

/* As many as there are connections for and concurrency allows, into list[]. */
static size_t
take_some(struct sender *s, struct delivery **list)
{
	struct kx_deliver *d = s->d;
	struct delivery *event;
	uint64_t now = kx_sched_now();
	size_t n = 0;

	kx_lanes_expire(&d->lanes, now);
	while (!d->stopped && s->n_flying < s->cap &&
	    d->stats.n_flying < d->o.concurrency &&
	    (event = kx_lanes_take(&d->lanes)) != NULL) {
		if (event->attempts++ == 0)
			kx_histogram_add(&d->stats.late_ns,
			    now > event->event.due_ns ?
			    now - event->event.due_ns : 0);
		else
			d->stats.n_retried++;
		d->stats.n_flying++;
		s->n_flying++;
		list[n++] = event;
	}
	return n;
}

/* How long it may sleep: until a lane's time comes, if it could take that. */
static int
sleep_ms(const struct sender *s)
{
	uint64_t at = kx_lanes_next_ns(&s->d->lanes), now;

	if (s->d->stopped || s->n_flying == s->cap || at == UINT64_MAX)
		return 60000;
	now = kx_sched_now();
	if (at <= now)
		return 0;
	return at - now > UINT64_C(60000000000) ? 60000 :
	    (int)((at - now + 999999) / 1000000);
}

/* Begin, send, wait and settle once; the lock is held before and behind, and
 * the handle is not used any more when this has failed. */
static enum kx_status
go_round(struct sender *s, struct delivery **list, struct kx_error *err)
{
	struct kx_deliver *d = s->d;
	struct kx_http_answer answer;
	enum kx_status status = KX_OK;
	size_t i, n = take_some(s, list);
	int timeout = sleep_ms(s);
	uint64_t now;

	/* What it could not take is for others. */
	wake(d);
	s->sleeping = true;
	(void)pthread_mutex_unlock(&d->lock);
	for (i = 0; i < n && status == KX_OK; i++)
		status = start(s, list[i], err);
	if (status == KX_OK)
		status = kx_http_step(s->http, timeout, err);
	(void)pthread_mutex_lock(&d->lock);
	s->sleeping = false;
	now = kx_sched_now();
	while (status == KX_OK &&
	    kx_http_answer(s->http, &answer) == KX_OK) {
		s->n_flying--;
		settle(d, answer.tag, &answer, now);
	}
	return status;
}

static void *
sender(void *arg)
{
	struct sender *s = arg;
	struct kx_deliver *d = s->d;
	struct delivery **list = calloc(s->cap, sizeof(*list));
	struct kx_error err;

	(void)pthread_mutex_lock(&d->lock);
	if (list == NULL) {
		(void)kx_error_set(&err, KX_FATAL, ENOMEM, "a sender");
		die(d, &err);
	}
	while (!d->closing && list != NULL) {
		if (go_round(s, list, &err) != KX_OK) {
			/* What it had under way is lost with it. */
			d->stats.n_flying -= s->n_flying;
			die(d, &err);
			tell(d);
			break;
		}
		flush_unsent(d);
		tell(d);
	}
	(void)pthread_mutex_unlock(&d->lock);
	free(list);
	return NULL;
}

/* --- the caller's side --------------------------------------------------- */

/* Threads of the library leave the program's signals alone. */
static int
start_thread(pthread_t *thread, void *(*body)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, body, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static enum kx_status
start_threads(struct kx_deliver *d, struct kx_error *err)
{
	struct kx_http_options http = d->o.http;
	enum kx_status status;
	struct sender *s;
	size_t i, n;
	int rc = 0;

	n = (d->o.concurrency + PER_SENDER - 1) / PER_SENDER;
	n = n > MAX_SENDERS ? MAX_SENDERS : n;
	for (i = 0; i < n; i++) {
		s = &d->sender[i];
		s->d = d;
		s->cap = (d->o.concurrency + n - 1) / n;
		http.flight = (unsigned)s->cap;
		status = kx_http_open(&http, &s->http, err);
		if (status != KX_OK)
			return status;
		d->n_senders = i + 1;
	}
	if (d->o.journal != NULL) {
		rc = start_thread(&d->syncer, syncer, d);
		d->syncing = rc == 0;
	}
	for (i = 0; i < n && rc == 0; i++) {
		rc = start_thread(&d->sender[i].thread, sender,
		    &d->sender[i]);
		d->sender[i].running = rc == 0;
	}
	return rc == 0 ? KX_OK :
	    kx_error_set(err, KX_FAIL, rc, "cannot start a thread");
}

enum kx_status
kx_deliver_open(const struct kx_deliver_options *options,
    struct kx_deliver **out, struct kx_error *err)
{
	struct kx_deliver *d = calloc(1, sizeof(*d));
	enum kx_status status;

	*out = NULL;
	if (d == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "the sender");
	d->o = *options;
	if (d->o.order == KX_ORDER_STRICT || d->o.concurrency == 0)
		d->o.concurrency = 1;
	d->reports_end = &d->reports;
	d->unsynced_end = &d->unsynced;
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_cond_init(&d->answered, NULL);
	kx_lanes_init(&d->lanes, d->o.order);
	status = start_threads(d, err);
	if (status == KX_OK)
		*out = d;
	else
		kx_deliver_close(d);
	return status;
}

bool
kx_deliver_room(struct kx_deliver *d, size_t len)
{
	bool room;

	(void)pthread_mutex_lock(&d->lock);
	room = has_room(d, len, 1);
	(void)pthread_mutex_unlock(&d->lock);
	return room;
}

static struct kx_span
keep(char **to, struct kx_span span)
{
	struct kx_span kept = { *to, span.len };

	if (span.len > 0)
		memcpy(*to, span.ptr, span.len);
	*to += span.len;
	return kept;
}

enum kx_status
kx_deliver_add(struct kx_deliver *d, const struct kx_event_in *event,
    struct kx_error *err)
{
	struct delivery *new;
	const char *raw = event->raw.ptr, *body = event->body.ptr;
	bool within = raw != NULL && body >= raw &&
	    body + event->body.len <= raw + event->raw.len;
	size_t size = event->raw.len + event->id.len +
	    (within ? 0 : event->body.len);
	bool added;
	char *to;

	new = malloc(sizeof(*new) + size);
	if (new == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "an event");
	memset(new, 0, sizeof(*new));
	new->size = size;
	new->event = *event;
	to = new->bytes;
	new->event.raw = keep(&to, event->raw);
	if (within)
		new->event.body.ptr = new->event.raw.ptr + (body - raw);
	else
		new->event.body = keep(&to, event->body);
	new->event.id = keep(&to, event->id);
	(void)pthread_mutex_lock(&d->lock);
	added = kx_lanes_add(&d->lanes, new);
	if (added) {
		flush_unsent(d);
		if (++d->n_added == ADDED_MOST)
			wake(d);
	}
	(void)pthread_mutex_unlock(&d->lock);
	if (added)
		return KX_OK;
	free_delivery(new);
	return kx_error_set(err, KX_FAIL, ENOMEM, "an event");
}

void
kx_deliver_flush(struct kx_deliver *d)
{
	(void)pthread_mutex_lock(&d->lock);
	if (d->n_added > 0)
		wake(d);
	(void)pthread_mutex_unlock(&d->lock);
}

void
kx_deliver_stop(struct kx_deliver *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->stopped = true;
	flush_unsent(d);
	(void)pthread_mutex_unlock(&d->lock);
}

bool
kx_deliver_empty(struct kx_deliver *d)
{
	bool empty;

	(void)pthread_mutex_lock(&d->lock);
	empty = d->lanes.n == 0 && d->reports == NULL;
	(void)pthread_mutex_unlock(&d->lock);
	return empty;
}

struct kx_report *
kx_deliver_report(struct kx_deliver *d)
{
	struct report *first;

	(void)pthread_mutex_lock(&d->lock);
	first = d->reports;
	if (first != NULL) {
		d->reports = first->next;
		if (d->reports == NULL)
			d->reports_end = &d->reports;
	}
	(void)pthread_mutex_unlock(&d->lock);
	return first == NULL ? NULL : &first->report;
}

void
kx_deliver_done(struct kx_deliver *d, struct kx_report *handed)
{
	struct report *own = (struct report *)handed;

	if (own->delivery != NULL) {
		(void)pthread_mutex_lock(&d->lock);
		d->n_held--;
		d->held_bytes -= own->delivery->size;
		(void)pthread_mutex_unlock(&d->lock);
		free_delivery(own->delivery);
	}
	free(own);
}

enum kx_status
kx_deliver_health(struct kx_deliver *d, struct kx_error *err)
{
	enum kx_status status;

	(void)pthread_mutex_lock(&d->lock);
	status = d->dead ? KX_FATAL : KX_OK;
	if (d->dead)
		*err = d->fault;
	(void)pthread_mutex_unlock(&d->lock);
	return status;
}

bool
kx_deliver_arm(struct kx_deliver *d, unsigned want, size_t len)
{
	bool quiet;

	(void)pthread_mutex_lock(&d->lock);
	quiet = d->reports == NULL && !d->dead &&
	    ((want & KX_WANT_ROOM) == 0 || !has_room(d, len, 1)) &&
	    ((want & KX_WANT_EMPTY) == 0 || d->lanes.n > 0);
	if (d->n_added > 0)
		wake(d);
	d->armed = quiet;
	d->want = want;
	d->want_len = len;
	(void)pthread_mutex_unlock(&d->lock);
	return quiet;
}

void
kx_deliver_disarm(struct kx_deliver *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->armed = false;
	(void)pthread_mutex_unlock(&d->lock);
}

void
kx_deliver_stats(struct kx_deliver *d, struct kx_deliver_stats *stats)
{
	(void)pthread_mutex_lock(&d->lock);
	*stats = d->stats;
	(void)pthread_mutex_unlock(&d->lock);
}

void
kx_deliver_close(struct kx_deliver *d)
{
	struct kx_report *left;
	struct delivery *event;
	size_t i;

	if (d == NULL)
		return;
	(void)pthread_mutex_lock(&d->lock);
	d->closing = d->stopped = true;
	wake_all(d);
	(void)pthread_mutex_unlock(&d->lock);
	if (d->syncing)
		(void)pthread_join(d->syncer, NULL);
	for (i = 0; i < d->n_senders; i++) {
		if (d->sender[i].running)
			(void)pthread_join(d->sender[i].thread, NULL);
		kx_http_close(d->sender[i].http);
	}
	while ((left = kx_deliver_report(d)) != NULL)
		kx_deliver_done(d, left);
	while ((event = kx_lanes_drop(&d->lanes)) != NULL)
		free_delivery(event);
	kx_lanes_fini(&d->lanes);
	(void)pthread_cond_destroy(&d->answered);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}
