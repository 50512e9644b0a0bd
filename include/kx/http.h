/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to a web hook over HTTP or HTTPS, a given number of them in
 * flight, and what each answer means for the delivery.
 *
 * Connections are kept and used again, HTTP/2 is used where a server offers
 * it; certificates and host names are verified; redirects are not followed.
 * The proxy of the environment (http_proxy, https_proxy, all_proxy, no_proxy)
 * is used, except for localhost and loopback addresses.
 *
 * The caller ignores SIGPIPE.  One thread at a time uses a handle; only
 * kx_http_wake() may be called from others.
 */
#ifndef KX_HTTP_H
#define KX_HTTP_H

#include "kx/base.h"

/* Bytes of an answer's content that are kept. */
#define KX_HTTP_HEAD 256

struct kx_http;

/* Header lines that a request may have of its own. */
#define KX_HTTP_OWN_HEADERS 3

struct kx_http_options {
	const char *url;	/* http or https */
	const char *agent;	/* User-Agent */
	const char *method;	/* "POST" ... */
	bool body;		/* requests have one, of application/json */
	const char *const *headers;	/* "Name: value", for each request */
	size_t n_headers;
	const char *user;	/* NAME:PASSWORD, or NULL */
	const char *cacert;	/* PEM file instead of the system's, or NULL */
	const char *cert, *key;	/* PEM files of the client's own, or NULL */
	bool insecure;		/* certificates are not looked at */
	uint64_t timeout_ms;	/* for an attempt, connecting included */
	unsigned flight;	/* requests at the same time; at least 1 */
};

struct kx_http_request {
	struct kx_span body;
	void *tag;		/* comes back with the answer */
	/* Its own header lines, terminated; NULL behind the last. */
	const char *headers[KX_HTTP_OWN_HEADERS];
};

enum kx_http_outcome {
	KX_HTTP_DELIVERED,	/* 2xx */
	KX_HTTP_AGAIN,		/* no connection, no answer in time, 408, 425,
				   429, 5xx: may be delivered later */
	KX_HTTP_REFUSED,	/* any other answer, a redirect included, or a
				   certificate that does not hold: final */
	KX_HTTP_GONE,		/* 410: no event is wanted any more */
	KX_HTTP_UNABLE		/* this side is at fault (a key that cannot be
				   read ...): no request can be sent */
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

/* Is `line` a header line that a request may be given: "Name: value", and not
 * of those that frame it?  If not, what is wrong, in words; else NULL. */
const char *kx_http_header_fault(const char *line);

/* Take up a request; not more at a time than `flight`.  Its body and headers
 * are not copied and stay until the answer.  It is sent by the next
 * kx_http_step().  KX_FAIL: err says why. */
enum kx_status kx_http_send(struct kx_http *http,
    const struct kx_http_request *request, struct kx_error *err)
    KX_MUST_CHECK;

/* Send and receive what can be; where that brings no answer, wait for one, at
 * most `timeout_ms`, or for kx_http_wake(), and do so once more.  KX_FAIL: err
 * says why. */
enum kx_status kx_http_step(struct kx_http *http, int timeout_ms,
    struct kx_error *err) KX_MUST_CHECK;

/* The next answer that has come: KX_OK, and its spans live until the next
 * kx_http_send(); or KX_EOF. */
enum kx_status kx_http_answer(struct kx_http *http,
    struct kx_http_answer *answer);

/* End the waiting of kx_http_step(), that of the next call if there is none.
 * From any thread. */
void kx_http_wake(struct kx_http *http);

/* Requests in flight are dropped. */
void kx_http_close(struct kx_http *http);

#endif
