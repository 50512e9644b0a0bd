/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kx-replay: send the events of a log again, in their order and with the gaps
 * between their start times.
 *
 * In go records; out go their bytes as they are: to standard output, a line
 * each, or one POST each to a web hook.  Workers check the records and find
 * their start times; finish(), which gets the chunks in order, keeps the
 * clock, sends, and waits.  While it waits nothing is read beyond the pool's
 * slots, so memory does not depend on the length of the log.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "kx/event.h"
#include "kx/http.h"
#include "kx/output.h"
#include "kx/sched.h"

#include "cli.h"
#include "run.h"

/* --- settings ----------------------------------------------------------- */

#define TIMEOUT_DEFAULT 30.0
#define RETRIES_DEFAULT 5
/* No event waits longer than this for a receiver that asks for it. */
#define RETRY_AFTER_MAX_MS ((int64_t)24 * 3600 * 1000)
/* A wait that the receiver asks for, and that is worth a line of its own. */
#define LONG_WAIT_MS 10000
/* Bytes of an answer that are quoted. */
#define QUOTE_MAX 120

enum { OPT_URL = CLI_FIRST, OPT_SPEED, OPT_TIMEOUT, OPT_RETRIES };

static const struct cli_option options[] = {
	{ OPT_URL, 0, "url", "URL",
	    "POST each event there, http or https (standard output)" },
	{ OPT_SPEED, 0, "speed", "FACTOR",
	    "divide the gaps between start times by FACTOR, or 'max': leave "
	    "none (1)" },
	{ OPT_TIMEOUT, 0, "timeout", "SECONDS",
	    "how long an attempt may take (30)" },
	{ OPT_RETRIES, 0, "retries", "N",
	    "attempts after the first, where one may help (5)" },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "kx-replay",
	.usage = "[OPTION]... [FILE]...",
	.purpose = "Send the events of webhook event logs again, on the clock "
	    "of their start times.",
	.options = options,
	.progress = true,
	.rejects = true,
};

struct replay {
	const char *url;
	double speed;		/* 0: max */
	double timeout;		/* seconds */
	unsigned retries;
	struct kx_sched sched;
	struct kx_http *http;	/* NULL: to standard output */
	struct kx_output out;
	bool failing;		/* the last attempt was no success */
	bool gone;		/* 410: nothing is sent any more */
	uint64_t n_undelivered;	/* tried in vain */
	uint64_t n_unsent;	/* not tried, behind a 410 */
};

/* --- a record, on a worker ---------------------------------------------- */

/* What finish() needs of a record. */
struct item {
	struct kx_record record;
	const char *ptr;	/* its line; NULL: at `off` in batch->made */
	size_t off;
	size_t len;
	int64_t start_ms;
	bool timed;
	/* Of the batch when it was met: what belongs in front of it. */
	size_t rejects_len, n_findings;
};

/* batch->user */
struct items {
	struct item *item;
	size_t n, cap;
};

static void *
items_new(void *ctx)
{
	(void)ctx;
	return calloc(1, sizeof(struct items));
}

static void
items_free(void *ctx, void *user)
{
	struct items *items = user;

	(void)ctx;
	if (items != NULL)
		free(items->item);
	free(items);
}

static struct item *
items_add(struct items *items)
{
	struct item *more;
	size_t cap;

	if (items->n == items->cap) {
		cap = items->cap == 0 ? 64 : items->cap * 2;
		more = reallocarray(items->item, cap, sizeof(*more));
		if (more == NULL)
			return NULL;
		items->item = more;
		items->cap = cap;
	}
	return &items->item[items->n++];
}

static void
record(void *ctx, struct run_worker *worker, struct run_batch *batch,
    const struct kx_record *rec)
{
	const struct kx_json *json = &worker->json;
	struct item *item;
	struct kx_span line;

	(void)ctx;
	item = items_add(batch->user);
	if (item == NULL) {
		batch->no_memory = true;
		return;
	}
	*item = (struct item){ .record = *rec,
	    .rejects_len = batch->rejects.len,
	    .n_findings = batch->n_findings };
	if (kx_json_type(json, 0) == KX_JSON_OBJECT)
		item->timed = kx_value_int(json,
		    kx_json_get(json, 0, KX_SPAN("start_time")),
		    &item->start_ms);
	line = run_line(json, rec, &worker->scratch);
	item->ptr = line.ptr;
	item->len = line.len;
	if (line.ptr == worker->scratch.ptr) {
		/* Made there, and gone with the next record. */
		item->ptr = NULL;
		item->off = batch->made.len;
		kx_buf_addspan(&batch->made, line);
	}
	if (worker->scratch.failed || batch->made.failed) {
		batch->no_memory = true;
		((struct items *)batch->user)->n--;
	}
}

/* --- in order, on the clock --------------------------------------------- */

static bool
to_stdout(struct replay *r, struct kx_span line)
{
	struct kx_span spans[] = { line, KX_SPAN("\n") };
	struct kx_error err;

	if (kx_output_writev(&r->out, spans, 2, &err) == KX_OK)
		return true;
	cli_fail(err.errnum, "%s", err.message);
	return false;
}

static bool
flush(struct replay *r)
{
	struct kx_error err;

	if (r->http != NULL || kx_output_flush(&r->out, &err) == KX_OK)
		return true;
	cli_fail(err.errnum, "%s", err.message);
	return false;
}

static void
say(const struct run_batch *batch, const struct item *item,
    enum kx_severity severity, const char *rule, struct kx_buf *message)
{
	struct kx_finding finding = {
		.severity = severity, .rule = rule, .file = batch->file,
		.line = item->record.line, .column = item->record.column,
		.off = item->record.off,
	};

	kx_buf_addc(message, '\0');
	finding.message = kx_buf_failed(message) ? "not delivered" :
	    message->ptr;
	cli_finding(&finding);
	kx_buf_free(message);
}

/* "status 503: 'the start of the answer'", or why there was no answer. */
static void
add_answer(struct kx_buf *message, const struct kx_http_answer *answer)
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

/* What became of an event that could not be delivered. */
static void
undelivered(struct replay *r, const struct run_batch *batch,
    const struct item *item, const struct kx_http_answer *answer,
    unsigned failed)
{
	struct kx_buf message = { NULL, 0, 0, false };

	r->n_undelivered++;
	cli_raise(CLI_NO);
	kx_buf_adds(&message, "not delivered");
	if (failed > 1)
		kx_buf_addf(&message, " in %u attempts", failed);
	kx_buf_adds(&message, ": ");
	if (answer->retry_after_ms > RETRY_AFTER_MAX_MS)
		kx_buf_adds(&message, "asked to wait for over a day: ");
	add_answer(&message, answer);
	say(batch, item, KX_SEV_ERROR, "not-delivered", &message);
	if (r->gone) {
		kx_buf_adds(&message, "the receiver is gone for good: "
		    "no event after this one is sent");
		say(batch, item, KX_SEV_ERROR, "receiver-gone", &message);
	}
}

/* One line when trouble begins, not one for each attempt of a long night;
 * and one for each wait that somebody at the terminal would wonder about. */
static void
note_trouble(struct replay *r, const struct run_batch *batch,
    const struct item *item, const struct kx_http_answer *answer)
{
	struct kx_buf message = { NULL, 0, 0, false };

	if (r->failing && answer->retry_after_ms < LONG_WAIT_MS)
		return;
	r->failing = true;
	add_answer(&message, answer);
	kx_buf_adds(&message, ": trying again");
	if (answer->retry_after_ms > 0)
		kx_buf_addf(&message, " after %" PRId64 " s, as asked",
		    (answer->retry_after_ms + 999) / 1000);
	say(batch, item, KX_SEV_NOTE, "retry", &message);
}

enum fate { DELIVERED, UNDELIVERED, TROUBLE };

/* Send one event and see it through. */
static enum fate
deliver(struct replay *r, const struct run_batch *batch,
    const struct item *item, struct kx_span line)
{
	struct kx_http_answer answer;
	struct kx_error err;
	uint64_t wait;
	unsigned failed = 0;

	for (;;) {
		if (kx_http_send(r->http, line, NULL, &err) != KX_OK ||
		    kx_http_wait(r->http, -1, &answer, &err) != KX_OK) {
			cli_fail(err.errnum, "%s", err.message);
			return TROUBLE;
		}
		if (answer.outcome == KX_HTTP_DELIVERED) {
			r->failing = false;
			return DELIVERED;
		}
		failed++;
		r->gone = answer.outcome == KX_HTTP_GONE;
		if (answer.outcome != KX_HTTP_AGAIN || failed > r->retries ||
		    answer.retry_after_ms > RETRY_AFTER_MAX_MS) {
			undelivered(r, batch, item, &answer, failed);
			return UNDELIVERED;
		}
		note_trouble(r, batch, item, &answer);
		wait = answer.retry_after_ms > 0 ?
		    (uint64_t)answer.retry_after_ms * 1000000 :
		    kx_sched_backoff(&r->sched, failed);
		kx_sched_wait(kx_sched_add(kx_sched_now(), wait));
	}
}

/*
 * The batch comes with what its malformed records have to say and to reject.
 * Both are put between what becomes of the events, so that messages and the
 * file of rejects have the order of the log, and no message waits for an
 * event behind it.
 */
struct order {
	struct kx_buf old;	/* batch->rejects as it came, once begun */
	size_t taken;		/* of old */
	bool begun;
	size_t said;		/* of batch->findings */
};

static void
say_until(struct order *order, const struct run_batch *batch, size_t n)
{
	for (; order->said < n; order->said++)
		cli_finding(&batch->findings[order->said]);
}

static void
take_until(struct order *order, struct run_batch *batch, size_t end)
{
	struct kx_buf *buf = &batch->rejects;
	const char *from = order->old.ptr + order->taken;

	if (end == order->taken)
		return;
	/* As run_reject(): a line end where the record had none. */
	if (buf->len > 0 && buf->ptr[buf->len - 1] != '\n' &&
	    *from != '\n' && *from != 0x1e)
		kx_buf_addc(buf, '\n');
	kx_buf_add(buf, from, end - order->taken);
	order->taken = end;
}

static void
reject(struct order *order, struct run_batch *batch, const struct item *item)
{
	if (cli.rejects == NULL)
		return;
	if (!order->begun) {
		order->begun = true;
		order->old = batch->rejects;
		batch->rejects = (struct kx_buf){ NULL, 0, 0, false };
	}
	take_until(order, batch, item->rejects_len);
	run_reject(batch, &item->record);
}

static void
order_end(struct order *order, struct run_batch *batch)
{
	say_until(order, batch, batch->n_findings);
	batch->n_findings = 0;
	if (!order->begun)
		return;
	take_until(order, batch, order->old.len);
	kx_buf_free(&order->old);
	if (batch->rejects.failed)
		batch->no_memory = true;
}

/* When it is due, the event is sent.  False: the run cannot go on. */
static bool
replay(struct replay *r, struct run_batch *batch, const struct item *item,
    struct order *order)
{
	struct kx_span line = { item->ptr, item->len };
	enum fate fate;
	uint64_t now, due;

	if (item->ptr == NULL)
		line.ptr = batch->made.ptr + item->off;
	if (r->gone) {
		r->n_unsent++;
		reject(order, batch, item);
		return true;
	}
	now = kx_sched_now();
	due = kx_sched_due(&r->sched, item->timed, item->start_ms, now);
	if (due > now) {
		if (!flush(r))
			return false;
		kx_sched_wait(due);
	}
	if (r->http == NULL)
		return to_stdout(r, line);
	fate = deliver(r, batch, item, line);
	if (fate != DELIVERED)
		reject(order, batch, item);
	return fate != TROUBLE;
}

static bool
finish(void *ctx, struct run_batch *batch)
{
	struct replay *r = ctx;
	struct items *items = batch->user;
	struct order order = { .begun = false };
	bool go_on = true;
	size_t i;

	for (i = 0; i < items->n && go_on; i++) {
		/* Without a place to keep it, what is left is left. */
		if (r->gone && cli.rejects == NULL) {
			batch->n_findings = 0;
			break;
		}
		say_until(&order, batch, items->item[i].n_findings);
		go_on = replay(r, batch, &items->item[i], &order);
	}
	items->n = 0;
	order_end(&order, batch);
	if (go_on)
		go_on = flush(r);
	return go_on && (!r->gone || cli.rejects != NULL);
}

/* --- the end ------------------------------------------------------------ */

static void
closing_notes(const struct replay *r)
{
	if (r->sched.n_early > 0)
		cli_note("%" PRIu64 " %s earlier than the one before, and "
		    "went at once", r->sched.n_early,
		    r->sched.n_early == 1 ? "event was" : "events were");
	if (r->n_undelivered > 0)
		cli_note("%" PRIu64 " %s not delivered", r->n_undelivered,
		    r->n_undelivered == 1 ? "event was" : "events were");
	if (r->n_unsent > 0)
		cli_note("%" PRIu64 " %s not sent, and kept in %s",
		    r->n_unsent, r->n_unsent == 1 ? "event was" :
		    "events were", cli_quotes(cli.rejects));
}

/* --- main --------------------------------------------------------------- */

static void
parse(struct replay *r, int argc, char **argv)
{
	char *arg;
	int id;

	cli_start(&tool, argc, argv);
	while ((id = cli_next(&arg)) != CLI_END) {
		switch (id) {
		case OPT_URL:
			r->url = arg;
			break;
		case OPT_SPEED:
			r->speed = !strcmp(arg, "max") ? 0 :
			    cli_real("--speed", arg, 1e-6, 1e9);
			break;
		case OPT_TIMEOUT:
			r->timeout = cli_real("--timeout", arg, 0.001, 86400);
			break;
		case OPT_RETRIES:
			r->retries = (unsigned)cli_number("--retries", arg, 0,
			    1000000);
			break;
		}
	}
}

static void
open_url(struct replay *r)
{
	const struct kx_http_options http = {
		.url = r->url,
		.agent = "kx-replay/" PACKAGE_VERSION,
		.timeout_ms = (uint64_t)(r->timeout * 1000 + 0.5),
		.flight = 1,
	};
	struct kx_error err;

	/* A connection that the receiver closes is an answer, not the end. */
	(void)signal(SIGPIPE, SIG_IGN);
	switch (kx_http_open(&http, &r->http, &err)) {
	case KX_OK:
		break;
	case KX_BAD:
		cli_usage("--url: %s", err.message);
	default:
		cli_die(err.errnum, "%s", err.message);
	}
}

static uint64_t
seed(void)
{
	uint64_t n;

	/* Early at boot there may be none; the jitter can do without. */
	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		n = kx_sched_now();
	return n;
}

int
main(int argc, char **argv)
{
	static const struct run_ops ops = {
		.malformed_status = CLI_NO,
		.slot_new = items_new,
		.slot_free = items_free,
		.record = record,
		.finish = finish,
	};
	struct replay r = {
		.speed = 1,
		.timeout = TIMEOUT_DEFAULT,
		.retries = RETRIES_DEFAULT,
	};
	struct run_totals totals;
	struct kx_error err;

	parse(&r, argc, argv);
	kx_sched_init(&r.sched, r.speed, seed());
	if (r.url != NULL)
		open_url(&r);
	else if (kx_output_open(&r.out, NULL, KX_OUTPUT_NOSYNC, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	run(&ops, &r, argv + cli_operand(), argc - cli_operand(), NULL,
	    &totals);
	if (r.url == NULL && r.out.failed == 0 &&
	    kx_output_commit(&r.out, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	kx_output_abort(&r.out);
	kx_http_close(r.http);
	closing_notes(&r);
	return cli_finish();
}
