/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-replay: send the events of a log again, in their order and with the gaps
 * between their start times.
 *
 * In go records; out go their bytes as they are: to standard output, a line
 * each, or a request each to a web hook.  Workers check the records and find
 * what is needed of them; finish(), which gets the chunks in order, keeps the
 * clock and hands each event to the senders (lib/deliver.c) when it is due.
 * These report what they could not deliver; the main thread says so and keeps
 * the rejects.  Whenever it waits (for the clock, for room, for input) it waits
 * for reports and for an interruption too.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "kx/hash.h"
#include "kx/journal.h"
#include "kx/output.h"

#include "cli.h"
#include "replay.h"
#include "run.h"

/* No event waits longer than this for a receiver that asks for it. */
#define RETRY_AFTER_MAX_MS ((int64_t)24 * 3600 * 1000)
/* A wait that the receiver asks for, and that is worth a line of its own. */
#define LONG_WAIT_MS 10000
/* Bytes of an answer that are quoted. */
#define QUOTE_MAX 120
/* Progress is shown while it waits. */
#define TICK_NS ((uint64_t)200 * 1000 * 1000)
/* Records between two checks of a stream, once there are so many. */
#define CHECK_EACH 256

struct replay {
	struct replay_settings s;
	struct kx_sched sched;
	struct kx_deliver *deliver;	/* NULL: to standard output */
	struct kx_output out;
	struct kx_plan plan;
	struct kx_journal *journal;
	bool read_on;		/* rejects are wanted of what is not sent */
	int notify_fd;
	uint64_t base;		/* records in the chunks before */
	bool gone;		/* 410: nothing is sent any more */
	bool stopping;		/* by a signal, or a fault on this side */
	bool failed;		/* the latter */
	/* of a stream's journal */
	struct kx_hash *hash;
	uint64_t n_hashed;
	/* the first event that was not sent */
	bool has_unsent;
	uint64_t unsent_ordinal;
	struct kx_place unsent;
	/* sums */
	struct replay_sums sums;
	uint64_t begun_ns;
};

static volatile sig_atomic_t interrupted;

/* --- a record, on a worker ---------------------------------------------- */

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *rec)
{
	replay_item(&((struct replay *)ctx)->s, worker, batch, rec);
}

/* --- what is said --------------------------------------------------------- */

static void
say(const struct kx_place *place, enum kx_severity severity,
    const char *rule, struct kx_buf *message)
{
	struct kx_finding finding = {
		.severity = severity, .rule = rule, .file = place->file,
		.line = place->line, .column = place->column,
		.off = place->off,
	};

	kx_buf_addc(message, '\0');
	finding.message = kx_buf_failed(message) ? "not delivered" :
	    message->ptr;
	cli_finding(&finding);
	kx_buf_free(message);
}

/* "status 503: 'the start of the answer'", or why there was no answer. */
static void
add_answer(struct kx_buf *message, const struct kx_report *answer)
{
	size_t len = answer->head.len;
	bool cut = answer->head_cut;

	if (answer->status == 0) {
		kx_diag_quote(message, kx_span_str(answer->reason), 300);
		return;
	}
	kx_buf_addf(message, "status %d", answer->status);
	if (len > QUOTE_MAX) {
		for (len = QUOTE_MAX; len > QUOTE_MAX - 4 &&
		    (answer->head.ptr[len] & 0xc0) == 0x80; len--)
			continue;
		cut = true;
	}
	while (!cut && len > 0 && strchr(" \t\r\n",
	    answer->head.ptr[len - 1]) != NULL)
		len--;
	if (len == 0)
		return;
	kx_buf_adds(message, ": '");
	kx_diag_quote(message, (struct kx_span){ answer->head.ptr, len },
	    4 * QUOTE_MAX);
	kx_buf_adds(message, cut ? "...'" : "'");
}

static void
given_up(struct replay *r, const struct kx_report *report)
{
	struct kx_buf message = { NULL, 0, 0, false };

	cli_raise(CLI_NO);
	kx_buf_adds(&message, "not delivered");
	if (report->attempts > 1)
		kx_buf_addf(&message, " in %u attempts", report->attempts);
	kx_buf_adds(&message, ": ");
	if (report->too_long)
		kx_buf_adds(&message, "asked to wait for over a day: ");
	add_answer(&message, report);
	say(&report->place, KX_SEV_ERROR, "not-delivered", &message);
	if (report->gone && !r->gone) {
		r->gone = true;
		kx_buf_adds(&message, "the receiver is gone for good: "
		    "no event after this one is sent");
		say(&report->place, KX_SEV_ERROR, "receiver-gone", &message);
	}
}

/* One line when trouble begins, not one for each attempt of a long night;
 * and one for each wait that somebody at the terminal would wonder about. */
static void
trouble(const struct kx_report *report)
{
	struct kx_buf message = { NULL, 0, 0, false };

	add_answer(&message, report);
	kx_buf_adds(&message, ": trying again");
	if (report->retry_after_ms > 0)
		kx_buf_addf(&message, " after %" PRId64 " s, as asked",
		    (report->retry_after_ms + 999) / 1000);
	say(&report->place, KX_SEV_NOTE, "retry", &message);
}

static void
reject(struct run_batch *batch, struct kx_span raw)
{
	const struct kx_record record = { .raw = raw };

	run_reject(batch, &record);
	if (kx_buf_failed(&batch->rejects))
		batch->no_memory = true;
}

/* An event that nobody has tried to send, or not to the end. */
static void
unsent(struct replay *r, const struct kx_place *place, uint64_t ordinal)
{
	r->sums.n_unsent++;
	if (!r->has_unsent || ordinal < r->unsent_ordinal) {
		r->has_unsent = true;
		r->unsent_ordinal = ordinal;
		r->unsent = *place;
	}
}

static void
take_reports(struct replay *r, struct run_batch *batch)
{
	struct kx_report *report;

	if (r->deliver == NULL)
		return;
	while ((report = kx_deliver_report(r->deliver)) != NULL) {
		switch (report->fate) {
		case KX_FATE_RETRY:
			trouble(report);
			break;
		case KX_FATE_GIVEN_UP:
			given_up(r, report);
			reject(batch, report->raw);
			break;
		case KX_FATE_UNSENT:
			unsent(r, &report->place, report->ordinal);
			if (!r->stopping)
				reject(batch, report->raw);
			break;
		}
		kx_deliver_done(r->deliver, report);
	}
}

/* --- waiting -------------------------------------------------------------- */

/* False once nothing more is to be sent, for a signal or a fault. */
static bool
may_go_on(struct replay *r)
{
	struct kx_error err;

	if (interrupted && !r->stopping) {
		r->stopping = true;
		if (r->deliver != NULL)
			kx_deliver_stop(r->deliver);
	}
	if (r->deliver != NULL && !r->failed &&
	    kx_deliver_health(r->deliver, &err) != KX_OK) {
		cli_fail(err.errnum, "%s", err.message);
		r->stopping = r->failed = true;
	}
	return !r->stopping;
}

/* Until that instant, a notice, or fd; true: fd is readable. */
static bool
doze(struct replay *r, struct run_batch *batch, uint64_t until, int fd)
{
	struct pollfd p[2] = {
		{ .fd = r->notify_fd, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	uint64_t now = kx_sched_now(), ns, sink;
	struct timespec ts;
	ssize_t n;

	ns = until > now ? until - now : 0;
	ns = ns > TICK_NS ? TICK_NS : ns;
	ts.tv_sec = 0;
	ts.tv_nsec = (long)ns;
	if (ppoll(p, fd < 0 ? 1 : 2, &ts, NULL) < 0)
		return false;
	if (p[0].revents != 0) {
		n = read(r->notify_fd, &sink, sizeof(sink));
		(void)n;
	}
	run_tick(batch->run);
	return fd >= 0 && p[1].revents != 0;
}

/*
 * Until that instant, or what is wanted of the senders (for `len` bytes) is
 * there, or fd is readable; reports are taken as they come.  False: the run
 * does not go on.
 */
static bool
wait_for(struct replay *r, struct run_batch *batch, uint64_t until,
    unsigned want, size_t len, int fd)
{
	bool armed;

	for (;;) {
		take_reports(r, batch);
		if (!may_go_on(r))
			return false;
		if (kx_sched_now() >= until ||
		    ((want & KX_WANT_ROOM) != 0 &&
		    kx_deliver_room(r->deliver, len)) ||
		    ((want & KX_WANT_EMPTY) != 0 &&
		    kx_deliver_empty(r->deliver)))
			return true;
		armed = r->deliver == NULL ||
		    kx_deliver_arm(r->deliver, want, len);
		if (armed && doze(r, batch, until, fd))
			until = 0;
		if (r->deliver != NULL)
			kx_deliver_disarm(r->deliver);
	}
}

/* --- in order, on the clock --------------------------------------------- */

static bool
output_failed(struct replay *r, const struct kx_error *err)
{
	cli_fail(err->errnum, "%s", err->message);
	r->failed = r->stopping = true;
	return false;
}

static bool
flush(struct replay *r)
{
	struct kx_error err;

	if (r->deliver != NULL || r->s.dry_run ||
	    kx_output_flush(&r->out, &err) == KX_OK)
		return true;
	return output_failed(r, &err);
}

static bool
to_stdout(struct replay *r, struct kx_span line, uint64_t due)
{
	struct kx_span spans[] = { line, KX_SPAN("\n") };
	uint64_t now = kx_sched_now();
	struct kx_error err;

	if (kx_output_writev(&r->out, spans, 2, &err) != KX_OK)
		return output_failed(r, &err);
	r->sums.s.n_delivered++;
	r->sums.s.n_bytes += line.len;
	kx_histogram_add(&r->sums.s.late_ns, now > due ? now - due : 0);
	return true;
}

static bool
to_senders(struct replay *r, struct run_batch *batch,
    const struct replay_item *item, const struct kx_place *place, uint64_t due)
{
	struct kx_event_in in = {
		.body = replay_bytes(batch, &item->body),
		.id = replay_bytes(batch, &item->id),
		.ordinal = r->base + item->number,
		.channel = item->channel, .due_ns = due, .place = *place,
	};
	struct kx_error err;
	size_t len;

	if (cli.rejects != NULL)
		in.raw = item->record.raw;
	len = in.body.len + in.raw.len + in.id.len;
	if (!kx_deliver_room(r->deliver, len) && !wait_for(r, batch,
	    KX_SCHED_NEVER, KX_WANT_ROOM, len, -1)) {
		unsent(r, place, in.ordinal);
		return false;
	}
	if (kx_deliver_add(r->deliver, &in, &err) != KX_OK)
		return output_failed(r, &err);
	return true;
}

/* When it is due, the event is sent.  False: the run cannot go on. */
static bool
replay(struct replay *r, struct run_batch *batch,
    const struct replay_item *item)
{
	const struct kx_place place = { batch->file, item->record.line,
	    item->record.column, item->record.off };
	uint64_t ordinal = r->base + item->number, now, due;

	if (r->journal != NULL && kx_journal_has(r->journal, ordinal)) {
		r->sums.n_skipped++;
		return true;
	}
	if (r->gone) {
		unsent(r, &place, ordinal);
		reject(batch, item->record.raw);
		return true;
	}
	now = r->s.dry_run ? 0 : kx_sched_now();
	due = kx_sched_due(&r->sched, item->timed, item->start_ms, now);
	if (r->s.dry_run) {
		if (!kx_plan_add(&r->plan, item->camera, item->name,
		    r->s.body ? item->body.len : 0, item->timed,
		    item->start_ms, due))
			batch->no_memory = true;
		return true;
	}
	if (due > now) {
		if (!flush(r))
			return false;
		if (!wait_for(r, batch, due, 0, 0, -1)) {
			unsent(r, &place, ordinal);
			return false;
		}
	} else if (!may_go_on(r)) {
		unsent(r, &place, ordinal);
		return false;
	}
	if (r->deliver == NULL)
		return to_stdout(r, replay_bytes(batch, &item->body), due);
	return to_senders(r, batch, item, &place, due);
}

/*
 * The batch comes with what its malformed records have to say and to reject.
 * In strict order both are put between what becomes of the events, so that
 * messages and the file of rejects have the order of the log.
 */
struct order {
	struct kx_buf old;	/* batch->rejects as it came */
	size_t taken;		/* of old */
	size_t said;		/* of batch->findings */
};

static void
catch_up(struct replay *r, struct order *order, struct run_batch *batch,
    size_t n_findings, size_t rejects_len)
{
	struct kx_buf *buf = &batch->rejects;
	const char *from = order->old.ptr + order->taken;

	if (n_findings == order->said && rejects_len == order->taken)
		return;
	if (r->deliver != NULL && r->s.order == KX_ORDER_STRICT)
		(void)wait_for(r, batch, KX_SCHED_NEVER, KX_WANT_EMPTY, 0, -1);
	/* Without a place to keep it, what is left is left. */
	if (r->gone && cli.rejects == NULL)
		return;
	for (; order->said < n_findings; order->said++)
		cli_finding(&batch->findings[order->said]);
	if (rejects_len == order->taken)
		return;
	/* As run_reject(): a line end where the record had none. */
	if (buf->len > 0 && buf->ptr[buf->len - 1] != '\n' &&
	    *from != '\n' && *from != 0x1e)
		kx_buf_addc(buf, '\n');
	kx_buf_add(buf, from, rejects_len - order->taken);
	order->taken = rejects_len;
}

/* The records of a stream are what they were: the first few, and then each 256
 * of them, are compared before any of the chunk is sent. */
static bool
check_stream(struct replay *r, const struct replay_items *items)
{
	uint8_t digest[KX_SHA256_SIZE];
	struct kx_error err;
	size_t i;

	for (i = 0; i < items->n; i++) {
		if (kx_hash_add(r->hash, items->item[i].record.text.ptr,
		    items->item[i].record.text.len) != KX_OK ||
		    kx_hash_add(r->hash, "\n", 1) != KX_OK)
			cli_die(0, "libcrypto failed");
		r->n_hashed++;
		if (r->n_hashed % CHECK_EACH != 0 && (r->n_hashed >
		    CHECK_EACH || (r->n_hashed & (r->n_hashed - 1)) != 0))
			continue;
		if (kx_hash_end(r->hash, digest) != KX_OK ||
		    kx_hash_begin(r->hash) != KX_OK ||
		    kx_hash_add(r->hash, digest, sizeof(digest)) != KX_OK)
			cli_die(0, "libcrypto failed");
		if (kx_journal_check(r->journal, r->n_hashed, digest,
		    !r->s.dry_run, &err) != KX_OK) {
			cli_fail(0, "--journal: %s: %s",
			    cli_quotes(r->s.journal), err.message);
			r->failed = r->stopping = true;
			if (r->deliver != NULL)
				kx_deliver_stop(r->deliver);
			return false;
		}
	}
	return true;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct replay *r = ctx;
	struct replay_items *items = batch->user;
	struct order order = { .old = batch->rejects };
	bool go_on = true;
	size_t i;

	batch->rejects = (struct kx_buf){ NULL, 0, 0, false };
	if (r->hash != NULL)
		go_on = check_stream(r, items);
	for (i = 0; i < items->n && go_on; i++) {
		take_reports(r, batch);
		catch_up(r, &order, batch, items->item[i].n_findings,
		    items->item[i].rejects_len);
		if (r->gone && cli.rejects == NULL)
			break;
		go_on = replay(r, batch, &items->item[i]);
	}
	items->n = 0;
	r->base += batch->n_records;
	if (go_on)
		catch_up(r, &order, batch, batch->n_findings, order.old.len);
	batch->n_findings = 0;
	if (order.old.failed || batch->rejects.failed)
		batch->no_memory = true;
	kx_buf_free(&order.old);
	take_reports(r, batch);
	if (r->deliver != NULL)
		kx_deliver_flush(r->deliver);
	if (go_on)
		go_on = flush(r) && may_go_on(r);
	return go_on && (!r->gone || cli.rejects != NULL);
}

static bool
wait_input(void *ctx, struct run_batch *batch, int fd)
{
	struct replay *r = ctx;

	if (!flush(r))
		return false;
	take_reports(r, batch);
	if (fd < 0)
		return may_go_on(r);
	return wait_for(r, batch, KX_SCHED_NEVER, 0, 0, fd) &&
	    (!r->gone || cli.rejects != NULL);
}

/* All that is under way comes to its end. */
static void
last(void *ctx, struct run_batch *batch)
{
	struct replay *r = ctx;

	if (r->deliver == NULL)
		return;
	while (!wait_for(r, batch, KX_SCHED_NEVER, KX_WANT_EMPTY, 0, -1)) {
		if (r->failed || kx_deliver_empty(r->deliver))
			break;
		if (kx_deliver_arm(r->deliver, KX_WANT_EMPTY, 0))
			(void)doze(r, batch, KX_SCHED_NEVER, -1);
		kx_deliver_disarm(r->deliver);
	}
	take_reports(r, batch);
}

static void
progress(void *ctx, struct kx_buf *line)
{
	struct replay *r = ctx;
	struct kx_deliver_stats *s = &r->sums.s;

	if (r->deliver != NULL)
		kx_deliver_stats(r->deliver, s);
	kx_buf_addf(line, "; %" PRIu64 " delivered", s->n_delivered);
	if (s->n_retried > 0)
		kx_buf_addf(line, ", %" PRIu64 " retried", s->n_retried);
	if (s->n_given_up > 0)
		kx_buf_addf(line, ", %" PRIu64 " given up", s->n_given_up);
	if (s->latency_ns.n > 0)
		kx_buf_addf(line, ", %.1f ms", (double)kx_histogram_at(
		    &s->latency_ns, .5) / 1e6);
}

/* --- the end ------------------------------------------------------------ */

static void
how_to_resume(const struct replay *r)
{
	const char *why = interrupted ? "interrupted" : "ended early";

	/* A failed write to standard output has been told. */
	if (!r->stopping || r->s.dry_run || (!interrupted && !r->sums.http))
		return;
	if (cli.output != NULL)
		cli_report("%s: %s is not written", why,
		    cli_quotes(cli.output));
	else if (r->journal != NULL)
		cli_report("%s: the same command sends what is not in the "
		    "journal %s", why, cli_quotes(r->s.journal));
	else if (r->has_unsent)
		cli_report("%s: to go on, begin with %s:%" PRIu64 "%s", why,
		    cli_quotes(r->unsent.file), r->unsent.line,
		    r->s.order == KX_ORDER_STRICT ? "" :
		    " (some behind it have been delivered: a journal would "
		    "know)");
	else
		cli_report("%s: all that had been read was sent", why);
}

static void
closing_notes(const struct replay *r)
{
	const struct replay_sums *sums = &r->sums;

	if (sums->n_early > 0)
		cli_note("%" PRIu64 " %s earlier than the one before, and "
		    "went at once", sums->n_early,
		    sums->n_early == 1 ? "event was" : "events were");
	if (sums->n_skipped > 0 && !r->s.dry_run)
		cli_note("%" PRIu64 " %s in the journal, and not sent again",
		    sums->n_skipped, sums->n_skipped == 1 ? "event was" :
		    "events were");
	if (sums->s.n_given_up > 0)
		cli_note("%" PRIu64 " %s not delivered", sums->s.n_given_up,
		    sums->s.n_given_up == 1 ? "event was" : "events were");
	if (r->gone && sums->n_unsent > 0)
		cli_note("%" PRIu64 " %s not sent%s%s", sums->n_unsent,
		    sums->n_unsent == 1 ? "event was" : "events were",
		    cli.rejects == NULL ? "" : ", and kept in ",
		    cli.rejects == NULL ? "" : cli_quotes(cli.rejects));
}

/* --- main --------------------------------------------------------------- */

static uint64_t
seed(void)
{
	uint64_t n;

	/* Early at boot there may be none; the jitter can do without. */
	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		n = kx_sched_now();
	return n;
}

static void
open_journal(struct replay *r, char **operands, int n)
{
	struct kx_error err;
	char input[300];
	bool stream;

	replay_identify(operands, n, input, sizeof(input), &stream);
	if (kx_journal_open(r->s.journal, input, r->s.dry_run, &r->journal,
	    &err) != KX_OK)
		cli_die(err.errnum, "--journal: %s: %s",
		    cli_quotes(r->s.journal), err.message);
	if (stream && (kx_hash_new(KX_SHA256, &r->hash, &err) != KX_OK ||
	    kx_hash_begin(r->hash) != KX_OK))
		cli_die(ENOMEM, "--journal");
}

static void
open_senders(struct replay *r)
{
	const struct kx_deliver_options options = {
		.http = {
			.url = r->s.url,
			.agent = "kx-replay/" PACKAGE_VERSION,
			.method = r->s.method, .body = r->s.body,
			.headers = r->s.headers, .n_headers = r->s.n_headers,
			.user = r->s.user, .cacert = r->s.cacert,
			.cert = r->s.cert, .key = r->s.key,
			.insecure = r->s.insecure,
			.timeout_ms = (uint64_t)(r->s.timeout * 1000 + 0.5),
		},
		.order = r->s.order, .concurrency = r->s.concurrency,
		.retries = r->s.retries,
		.retry_after_max_ms = RETRY_AFTER_MAX_MS,
		.long_wait_ms = LONG_WAIT_MS,
		.random = seed(), .journal = r->journal,
		.signer = r->s.signer, .ids = r->journal != NULL,
		.notify_fd = r->notify_fd,
	};
	struct kx_error err;

	/* A connection that the receiver closes is an answer, not the end. */
	(void)signal(SIGPIPE, SIG_IGN);
	switch (kx_deliver_open(&options, &r->deliver, &err)) {
	case KX_OK:
		break;
	case KX_BAD:
		cli_usage("--url: %s", err.message);
	default:
		cli_die(err.errnum, "%s", err.message);
	}
}

static void
set_up(struct replay *r, char **operands, int n)
{
	struct kx_error err;

	r->notify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->notify_fd < 0)
		cli_die(errno, "cannot start");
	kx_sched_init(&r->sched, r->s.speed);
	r->sched.rate = r->s.rate;
	if (r->s.max_gap >= 0 && r->s.speed > 0 &&
	    r->s.max_gap * r->s.speed < 1e15)
		r->sched.max_gap_ms = (uint64_t)(r->s.max_gap * 1000 *
		    r->s.speed + 0.5);
	if (r->s.journal != NULL)
		open_journal(r, operands, n);
	if (r->s.dry_run)
		return;
	cli_interrupt(&interrupted, r->notify_fd);
	if (r->s.url != NULL)
		open_senders(r);
	else if (cli_output_open(&r->out, cli.output,
	    cli.output == NULL ? KX_OUTPUT_NOSYNC : 0, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	r->begun_ns = kx_sched_now();
}

static void
tear_down(struct replay *r)
{
	/* What was interrupted is no whole file. */
	bool whole = cli.output == NULL || !r->stopping;
	struct kx_error err;

	r->sums.seconds = (double)(kx_sched_now() - r->begun_ns) / 1e9;
	r->sums.n_early = r->sched.n_early;
	r->sums.http = r->deliver != NULL;
	if (r->deliver != NULL)
		kx_deliver_stats(r->deliver, &r->sums.s);
	else if (!r->s.dry_run && r->out.failed == 0 && whole &&
	    cli_output_commit(&r->out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	cli_output_abort(&r->out);
	kx_deliver_close(r->deliver);
	kx_journal_close(r->journal);
	kx_hash_free(r->hash);
}

int
main(int argc, char **argv)
{
	static const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = replay_items_new,
		.slot_free = replay_items_free,
		.record = record,
		.finish = finish,
		.wait = wait_input,
		.last = last,
		.progress = progress,
	};
	static struct replay r;
	int status;

	replay_parse(&r.s, argc, argv);
	argv += cli_operand();
	argc -= cli_operand();
	set_up(&r, argv, argc);
	run(&ops, &r, argv, argc, NULL, NULL);
	tear_down(&r);
	if (r.s.dry_run) {
		kx_plan_sort(&r.plan);
		replay_plan(&r.s, &r.plan, r.sums.n_skipped);
	} else if (r.s.stats || interrupted) {
		replay_statistics(&r.sums);
	}
	closing_notes(&r);
	how_to_resume(&r);
	kx_plan_free(&r.plan);
	replay_forget(&r.s);
	status = cli_finish();
	if (interrupted)
		cli_end_by(SIGINT);
	return status;
}
