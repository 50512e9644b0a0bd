/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events to a web hook: requests over HTTP or HTTPS, a given number of them
 * in flight, and what each answer means for the delivery.
 *
 * A request is POST with Content-Type application/json and the body as it is
 * given.  Connections are kept and used again; certificates and host names
 * are verified; redirects are not followed.  The proxy of the environment
 * (http_proxy, https_proxy, all_proxy, no_proxy) is used, except for
 * localhost and loopback addresses.
 *
 * The caller ignores SIGPIPE.  One thread at a time uses a handle.
 */
#ifndef KX_HTTP_H
#define KX_HTTP_H

#include "kx/base.h"

/* Bytes of an answer's content that are kept. */
#define KX_HTTP_HEAD 256

struct kx_http;

struct kx_http_options {
	const char *url;	/* http or https */
	const char *agent;	/* User-Agent */
	uint64_t timeout_ms;	/* for an attempt, connecting included */
	unsigned flight;	/* requests at the same time; at least 1 */
};

enum kx_http_outcome {
	KX_HTTP_DELIVERED,	/* 2xx */
	KX_HTTP_AGAIN,		/* no connection, no answer in time, 408, 425,
				   429, 5xx: may be delivered later */
	KX_HTTP_REFUSED,	/* any other answer, a redirect included, or a
				   certificate that does not hold: final */
	KX_HTTP_GONE		/* 410: no event is wanted any more */
};

struct kx_http_answer {
	void *tag;			/* the request's */
	enum kx_http_outcome outcome;
	int status;			/* 0: no answer came */
	int64_t retry_after_ms;		/* from now; -1: not asked for */
	const char *reason;		/* status 0: why, in words; terminated;
					   may hold bytes of the server's */
	struct kx_span head;		/* the first bytes of its content */
	bool head_cut;			/* there was more of it */
};

/* Options are copied.  KX_OK; KX_BAD: the URL is none, or not one of http or
 * https, and err says so; KX_FAIL: no memory, or no libcurl that can do
 * this. */
enum kx_status kx_http_open(const struct kx_http_options *options,
    struct kx_http **out, struct kx_error *err) KX_MUST_CHECK;

/* Begin a request; not more at a time than `flight`.  The body is not copied
 * and stays until the answer.  KX_FAIL: err says why. */
enum kx_status kx_http_send(struct kx_http *http, struct kx_span body,
    void *tag, struct kx_error *err) KX_MUST_CHECK;

/*
 * Wait for an answer, at most `timeout_ms` (negative: for as long as it
 * takes; each request ends by its own time-out).  KX_OK: *answer is filled,
 * its spans live until the next kx_http_send(); KX_EOF: none came in time, or
 * nothing is in flight; KX_FAIL: err says why.
 */
enum kx_status kx_http_wait(struct kx_http *http, int timeout_ms,
    struct kx_http_answer *answer, struct kx_error *err) KX_MUST_CHECK;

/* Requests in flight are dropped. */
void kx_http_close(struct kx_http *http);

#endif
