/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sender threads, around one lock.
 *
 * A thread takes from the lanes as many events as it has free connections,
 * lets go of the lock, sends and waits, and comes back with answers.  One that
 * waits can be woken: by an event that became ready while it had connections
 * to spare, and by the end.  An event is under way ("flying") from when it is
 * taken until what became of it is settled.
 *
 * With a journal there are two more steps.  What was delivered is written
 * there by the sender, and stays under way until then: so no more events than
 * `concurrency` can be both delivered and unknown to a run that comes after
 * kill -9.  Then it waits for its sync, which a power cut would need, but not
 * for its place: syncs are a thread's of their own (but in strict order, where
 * all would wait for it), and events go on being sent meanwhile, up to a bound.
 * An event leaves its lane, and counts, when it has been synced; so in an order
 * none is begun before that.
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

#include "kx/sched.h"
#include "kx/sign.h"

#include "deliver-impl.h"

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

/* Memory of events is used again, up to so many of that size: else threads
 * would give back what another one takes, and wait for each other. */
#define SPARES_MOST 256
#define SPARE_SIZE ((size_t)4 << 10)

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

void
kx_deliver_tell(struct kx_deliver *d)
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

void
kx_deliver_die(struct kx_deliver *d, const struct kx_error *err)
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
		kx_deliver_die(d, &err);
		if (fate != KX_FATE_RETRY)
			kx_delivery_free(event);
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
void
kx_deliver_flush_unsent(struct kx_deliver *d)
{
	struct delivery *event;

	if (!d->stopped || d->stats.n_flying + kx_deliver_n_unsynced(d) > 0)
		return;
	while ((event = kx_lanes_drop(&d->lanes)) != NULL)
		report(d, event, KX_FATE_UNSENT, NULL);
}

/* --- threads are woken --------------------------------------------------- */

/* How many more may be under way. */
static size_t
places(const struct kx_deliver *d)
{
	size_t most = d->o.concurrency, n = (size_t)d->stats.n_flying;

	if (kx_deliver_n_unsynced(d) > KX_UNSYNCED_MOST)
		n += kx_deliver_n_unsynced(d) - KX_UNSYNCED_MOST;
	return most > n ? most - n : 0;
}

/* As many as there is work for that they could begin. */
void
kx_deliver_wake(struct kx_deliver *d)
{
	size_t i, n = d->lanes.n_ready, most = places(d);
	struct sender *s;

	d->n_added = 0;
	n = n < most ? n : most;
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
	(void)pthread_cond_broadcast(&d->written);
}

/* --- what became of an event --------------------------------------------- */

/* It goes: to the spare ones, or to be freed without the lock. */
void
kx_deliver_delivered(struct kx_deliver *d, struct delivery *event,
    struct pile *done)
{
	d->stats.n_delivered++;
	d->stats.n_bytes += event->event.body.len;
	kx_lanes_leave(&d->lanes, event);
	if (d->n_spare == SPARES_MOST || event->cap > SPARE_SIZE) {
		kx_pile_put(done, event);
		return;
	}
	event->next_piled = d->spare;
	d->spare = event;
	d->n_spare++;
}

static struct delivery *
take_spare(struct kx_deliver *d)
{
	struct delivery *event = d->spare;

	if (event != NULL) {
		d->spare = event->next_piled;
		d->n_spare--;
	}
	return event;
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

static void
settle(struct sender *s, struct delivery *event,
    const struct kx_http_answer *answer, uint64_t now)
{
	struct kx_deliver *d = s->d;
	struct kx_error err;

	if (answer->status != 0)
		kx_histogram_add(&d->stats.latency_ns, now - event->sent_ns);
	switch (answer->outcome) {
	case KX_HTTP_DELIVERED:
		d->failing = false;
		if (d->o.journal != NULL) {
			kx_pile_put(&d->answered, event);
			return;
		}
		d->stats.n_flying--;
		kx_deliver_delivered(d, event, &s->done);
		return;
	case KX_HTTP_UNABLE:
		(void)kx_error_set(&err, KX_FATAL, 0, "%s", answer->reason);
		kx_deliver_die(d, &err);
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

/* --- a sender's thread --------------------------------------------------- */

/* The header lines that an event has of its own; those of the signature are
 * made anew for each attempt. */
static bool
make_headers(const struct kx_deliver *d, struct delivery *event,
    struct kx_http_request *request)
{
	struct kx_buf *buf = &event->head;
	struct timespec ts;
	size_t at;

	request->headers[0] = event->id_line;
	if (d->o.signer == NULL)
		return true;
	kx_buf_reset(buf, SIZE_MAX);
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	kx_buf_addf(buf, "webhook-timestamp: %" PRId64, (int64_t)ts.tv_sec);
	kx_buf_addc(buf, '\0');
	at = buf->len;
	kx_buf_adds(buf, "webhook-signature: ");
	kx_signer_sign(d->o.signer, event->event.id, (int64_t)ts.tv_sec,
	    request->body, buf);
	kx_buf_addc(buf, '\0');
	if (kx_buf_failed(buf))
		return false;
	request->headers[1] = buf->ptr;
	request->headers[2] = buf->ptr + at;
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
	while (!d->stopped && s->n_flying < s->cap && places(d) > 0 &&
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
	bool wanted;
	uint64_t now;

	/* What it could not take is for others. */
	kx_deliver_wake(d);
	s->sleeping = true;
	wanted = kx_deliver_syncer_wanted(d);
	(void)pthread_mutex_unlock(&d->lock);
	/* One that is woken would wait for the lock at once. */
	if (wanted)
		(void)pthread_cond_signal(&d->written);
	kx_pile_free(&s->done);
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
		settle(s, answer.tag, &answer, now);
	}
	kx_deliver_write_answered(d);
	/* In strict order nothing could be done meanwhile. */
	if (d->unsynced.n > 0 && !d->syncing)
		kx_deliver_sync_some(d);
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
		kx_deliver_die(d, &err);
	}
	while (!d->closing && list != NULL) {
		if (go_round(s, list, &err) != KX_OK) {
			/* What it had under way is lost with it. */
			d->stats.n_flying -= s->n_flying;
			kx_deliver_die(d, &err);
			kx_deliver_tell(d);
			break;
		}
		kx_deliver_flush_unsent(d);
		kx_deliver_tell(d);
	}
	(void)pthread_cond_signal(&d->written);
	(void)pthread_mutex_unlock(&d->lock);
	kx_pile_free(&s->done);
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
		kx_pile_init(&s->done);
		s->cap = (d->o.concurrency + n - 1) / n;
		http.flight = (unsigned)s->cap;
		status = kx_http_open(&http, &s->http, err);
		if (status != KX_OK)
			return status;
		d->n_senders = i + 1;
	}
	if (d->o.journal != NULL) {
		d->ordinals = calloc(d->o.concurrency, sizeof(*d->ordinals));
		if (d->ordinals == NULL)
			return kx_error_set(err, KX_FAIL, ENOMEM,
			    "the journal");
	}
	if (d->o.journal != NULL && d->o.order != KX_ORDER_STRICT) {
		rc = start_thread(&d->syncer, kx_deliver_syncer, d);
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
	pthread_condattr_t attr;
	enum kx_status status;

	*out = NULL;
	if (d == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "the sender");
	d->o = *options;
	if (d->o.order == KX_ORDER_STRICT || d->o.concurrency == 0)
		d->o.concurrency = 1;
	d->reports_end = &d->reports;
	kx_pile_init(&d->answered);
	kx_pile_init(&d->unsynced);
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&d->written, &attr);
	(void)pthread_condattr_destroy(&attr);
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

/* Room for an event with so many bytes; NULL without memory. */
static struct delivery *
new_delivery(struct kx_deliver *d, size_t size)
{
	struct delivery *new = d->at_hand;
	struct kx_buf head = { NULL, 0, 0, false };
	size_t cap = (size | 511) + 1;

	d->at_hand = NULL;
	if (new != NULL && new->cap >= size) {
		cap = new->cap;
		head = new->head;
	} else {
		if (new != NULL)
			kx_delivery_free(new);
		new = malloc(sizeof(*new) + cap);
	}
	if (new != NULL) {
		memset(new, 0, sizeof(*new));
		new->size = size;
		new->cap = cap;
		new->head = head;
	}
	return new;
}

enum kx_status
kx_deliver_add(struct kx_deliver *d, const struct kx_event_in *event,
    struct kx_error *err)
{
	static const struct kx_span name = KX_SPAN("webhook-id: ");
	struct delivery *new;
	const char *raw = event->raw.ptr, *body = event->body.ptr;
	bool within = raw != NULL && body >= raw &&
	    body + event->body.len <= raw + event->raw.len, added;
	bool named = d->o.ids || d->o.signer != NULL;
	char *to;

	new = new_delivery(d, event->raw.len + (within ? 0 : event->body.len) +
	    (named ? name.len + event->id.len + 1 : 0));
	if (new == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "an event");
	new->event = *event;
	to = new->bytes;
	new->event.raw = keep(&to, event->raw);
	if (within)
		new->event.body.ptr = new->event.raw.ptr + (body - raw);
	else
		new->event.body = keep(&to, event->body);
	if (named) {
		new->id_line = keep(&to, name).ptr;
		new->event.id = keep(&to, event->id);
		*to = '\0';
	}
	(void)pthread_mutex_lock(&d->lock);
	added = kx_lanes_add(&d->lanes, new);
	if (added) {
		kx_deliver_flush_unsent(d);
		if (++d->n_added == ADDED_MOST)
			kx_deliver_wake(d);
		d->at_hand = take_spare(d);
	}
	(void)pthread_mutex_unlock(&d->lock);
	if (added)
		return KX_OK;
	kx_delivery_free(new);
	return kx_error_set(err, KX_FAIL, ENOMEM, "an event");
}

void
kx_deliver_flush(struct kx_deliver *d)
{
	(void)pthread_mutex_lock(&d->lock);
	if (d->n_added > 0)
		kx_deliver_wake(d);
	(void)pthread_mutex_unlock(&d->lock);
}

void
kx_deliver_stop(struct kx_deliver *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->stopped = true;
	kx_deliver_flush_unsent(d);
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
		kx_delivery_free(own->delivery);
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
		kx_deliver_wake(d);
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
		kx_delivery_free(event);
	if (d->at_hand != NULL)
		kx_delivery_free(d->at_hand);
	while ((event = take_spare(d)) != NULL)
		kx_delivery_free(event);
	kx_lanes_fini(&d->lanes);
	free(d->ordinals);
	(void)pthread_cond_destroy(&d->written);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}
