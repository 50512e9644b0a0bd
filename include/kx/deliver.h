/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events delivered to a web hook: in the order that is asked for, some of
 * them at a time, each tried again where that can help.
 *
 * An event waits in a lane.  Of a lane one event is under way at a time, and
 * while that waits to be tried again the lane waits too.  In strict order all
 * events share one lane, by channel those of a camera do, and without order
 * each has its own: so a retry holds back what its order demands and no more.
 * Lanes that can go on are served in the order in which they became ready.
 *
 * With a journal no more than `concurrency` events (1 in strict order) can be
 * delivered and not be written there, when the process is ended; and no more
 * than KX_UNSYNCED_MOST besides (none in strict order, one in a lane) written
 * and not on the disk, when power is.
 *
 * Sender threads take events from the lanes, each with its connections; the
 * caller adds events, and is told of those that could not be delivered.
 *
 * Memory: kx_deliver_room() says when events would become too many.  All
 * functions are for one thread, the caller's.
 */
#ifndef KX_DELIVER_H
#define KX_DELIVER_H

#include "kx/base.h"
#include "kx/histogram.h"
#include "kx/http.h"

struct kx_deliver;
struct kx_journal;
struct kx_signer;

#define KX_UNSYNCED_MOST 192

enum kx_order { KX_ORDER_STRICT, KX_ORDER_CHANNEL, KX_ORDER_NONE };

struct kx_deliver_options {
	struct kx_http_options http;	/* .flight is not looked at */
	enum kx_order order;
	unsigned concurrency;	/* events under way; strict order: 1 */
	unsigned retries;	/* attempts after the first */
	int64_t retry_after_max_ms;	/* one that asks for more is final */
	int64_t long_wait_ms;	/* one that asks for this is reported */
	uint64_t random;	/* for the jitter, different in each run */
	struct kx_journal *journal;	/* NULL: none.  An event is delivered
				   when it is in there, and synced. */
	const struct kx_signer *signer;	/* NULL: not signed */
	bool ids;		/* send the id of each, signed or not */
	int notify_fd;		/* an eventfd, written to for an armed caller */
};

/* Where an event stands.  `file` is not copied. */
struct kx_place {
	const char *file;
	uint64_t line, column, off;
};

struct kx_event_in {
	struct kx_span body;
	struct kx_span raw;	/* what is given back with a report */
	struct kx_span id;	/* for webhook-id; no byte that is not
				   printable ASCII */
	uint64_t ordinal;	/* its number in the log, each once */
	uint64_t channel;	/* equal for events of a camera */
	uint64_t due_ns;	/* of CLOCK_MONOTONIC */
	struct kx_place place;
};

enum kx_fate {
	KX_FATE_RETRY,		/* trouble begins, or a long wait: a note */
	KX_FATE_GIVEN_UP,
	KX_FATE_UNSENT		/* behind the end of the run */
};

struct kx_report {
	enum kx_fate fate;
	bool gone;		/* given up by 410, which ends the run */
	unsigned attempts;
	bool too_long;		/* the wait that was asked for */
	uint64_t ordinal;
	struct kx_place place;
	struct kx_span raw;
	/* of the last answer, as in struct kx_http_answer */
	int status;
	int64_t retry_after_ms;
	const char *reason;
	struct kx_span head;
	bool head_cut;
};

struct kx_deliver_stats {
	uint64_t n_delivered;
	uint64_t n_retried;	/* attempts after the first */
	uint64_t n_given_up;
	uint64_t n_bytes;	/* of bodies delivered */
	uint64_t n_flying;	/* under way now: not answered, or with a
				   journal not written there */
	struct kx_histogram latency_ns;	/* of answers, from sending on */
	struct kx_histogram late_ns;	/* first attempts behind their time */
};

/* KX_OK; KX_BAD: as kx_http_open(); KX_FAIL.  Journal, signer and file names
 * outlive *out.  Threads begin here. */
enum kx_status kx_deliver_open(const struct kx_deliver_options *options,
    struct kx_deliver **out, struct kx_error *err) KX_MUST_CHECK;

/* May an event with that many bytes be added?  (It may be all the same.) */
bool kx_deliver_room(struct kx_deliver *d, size_t len);

/* Copies what it is given; it may lie until kx_deliver_flush().  KX_FAIL
 * without memory. */
enum kx_status kx_deliver_add(struct kx_deliver *d,
    const struct kx_event_in *event, struct kx_error *err) KX_MUST_CHECK;

/* Senders are woken for what has been added; kx_deliver_arm() does it too. */
void kx_deliver_flush(struct kx_deliver *d);

/* No event is begun any more; those under way are seen through, the others are
 * reported unsent, in their order, when the last of those has ended. */
void kx_deliver_stop(struct kx_deliver *d);

/* Has nothing been added that is not delivered or reported? */
bool kx_deliver_empty(struct kx_deliver *d);

/* The next report, the caller's until kx_deliver_done(); NULL: none. */
struct kx_report *kx_deliver_report(struct kx_deliver *d);
void kx_deliver_done(struct kx_deliver *d, struct kx_report *report);

/* KX_FATAL once no event can be sent any more for a fault on this side, which
 * err tells: of a system call, of a certificate ... */
enum kx_status kx_deliver_health(struct kx_deliver *d, struct kx_error *err)
    KX_MUST_CHECK;

/* What a caller waits for beside reports and the end of all health. */
#define KX_WANT_ROOM 1u
#define KX_WANT_EMPTY 2u	/* all has been delivered or reported */

/*
 * For a caller that is about to wait: until kx_deliver_disarm(),
 * options.notify_fd is written to, once, when there is what it wants (of room
 * for `len` bytes, twice that).  False: it is there now, and nothing will be
 * written.
 */
bool kx_deliver_arm(struct kx_deliver *d, unsigned want, size_t len)
    KX_MUST_CHECK;
void kx_deliver_disarm(struct kx_deliver *d);

void kx_deliver_stats(struct kx_deliver *d, struct kx_deliver_stats *stats);

/* Events under way are dropped. */
void kx_deliver_close(struct kx_deliver *d);

#endif
