/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sender, on libcurl's multi interface: the only file that knows libcurl.
 *
 * Each request that may be in flight has an easy handle which is set up once;
 * a request changes its body and the head of its list of headers, which is
 * made of nodes that lie in the flight.  The connections belong to the multi
 * handle, so any request may use any idle one.
 *
 * An answer counts when its header is whole, whatever becomes of its content:
 * a receiver that has said 2xx has the event, and a second copy because the
 * rest of a greeting got lost would help nobody.  The content is read, so
 * that the connection can be used again, up to a limit; its first bytes are
 * kept for messages.
 *
 * When a kept connection turns out to be closed before anything was answered,
 * libcurl opens another and sends the request again by itself: a server may
 * close an idle connection at any time, and this is no failed attempt.
 *
 * Cost: some 15 microseconds of processor a request of 1 kB, the system calls
 * for its bytes included.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "kx/http.h"

/* More content than this and the connection is closed instead. */
#define CONTENT_MAX ((uint64_t)1 << 20)
/* Bodies over 64 KiB are sent in pieces of this size. */
#define UPLOAD_PIECE (512L << 10)

struct flight {
	CURL *easy;
	bool busy;
	struct flight *next_free;
	void *tag;
	struct curl_slist own[KX_HTTP_OWN_HEADERS];
	/* of the answer */
	int status;		/* of the header being read */
	bool whole;		/* it ended, and is not an interim one */
	bool head_only;		/* nothing follows it, libcurl waits for it */
	int64_t retry_after_ms;
	uint64_t content;
	size_t head_len;
	char head[KX_HTTP_HEAD];
	char reason[CURL_ERROR_SIZE];
};

struct kx_http {
	CURLM *multi;
	struct curl_slist *headers;
	bool global;
	bool body;
	int n_busy;
	size_t n_flights;
	struct flight *free;
	struct flight flight[];
};

/* --- the URL ------------------------------------------------------------ */

/* The part of url into out, which stays empty where there is none. */
static bool
url_part(CURLU *url, CURLUPart which, char *out, size_t size)
{
	char *part = NULL;
	CURLUcode rc;

	out[0] = '\0';
	rc = curl_url_get(url, which, &part, 0);
	if (rc == CURLUE_OUT_OF_MEMORY)
		return false;
	if (rc == CURLUE_OK)
		(void)snprintf(out, size, "%s", part);
	curl_free(part);
	return true;
}

/* KX_OK for a URL that can be sent to; *loopback: its host is this machine. */
static enum kx_status
url_check(const char *text, bool *loopback, struct kx_error *err)
{
	char scheme[32], host[300], *part = NULL;
	enum kx_status status = KX_OK;
	CURLU *url;
	CURLUcode rc;
	size_t len;

	url = curl_url();
	if (url == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "URL");
	rc = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	if (rc == CURLUE_OUT_OF_MEMORY) {
		status = kx_error_set(err, KX_FAIL, ENOMEM, "URL");
	} else if (rc != CURLUE_OK) {
		status = kx_error_set(err, KX_BAD, 0,
		    "'%s' is no URL like http://HOST[:PORT]/[PATH] (%s)",
		    text, curl_url_strerror(rc));
	} else if (!url_part(url, CURLUPART_SCHEME, scheme, sizeof(scheme)) ||
	    !url_part(url, CURLUPART_HOST, host, sizeof(host))) {
		status = kx_error_set(err, KX_FAIL, ENOMEM, "URL");
	} else if (strcasecmp(scheme, "http") != 0 &&
	    strcasecmp(scheme, "https") != 0) {
		status = kx_error_set(err, KX_BAD, 0,
		    "'%s': http and https alone can be sent to, not %s",
		    text, scheme);
	} else if (host[0] == '\0') {
		status = kx_error_set(err, KX_BAD, 0,
		    "'%s' is a URL without a host", text);
	} else if (curl_url_get(url, CURLUPART_PASSWORD, &part, 0) ==
	    CURLUE_OK) {
		curl_free(part);
		status = kx_error_set(err, KX_BAD, 0,
		    "a URL is no place for a password, everybody on this "
		    "machine can see it");
	} else {
		len = strlen(host);
		*loopback = !strcasecmp(host, "localhost") ||
		    (len > 10 && !strcasecmp(host + len - 10, ".localhost")) ||
		    !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
	}
	curl_url_cleanup(url);
	return status;
}

/* --- the answer --------------------------------------------------------- */

/*
 * Retry-After (RFC 9110, 10.2.3): a number of seconds, or a date in any of
 * the three forms of 5.6.7.  Milliseconds from now; -1: neither.
 */
static int64_t
retry_after(const char *value, size_t len)
{
	struct timespec now;
	char copy[64];
	int64_t n = 0, now_ms;
	time_t date;
	size_t i;

	while (len > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", value[len - 1]) != NULL)
		len--;
	if (len == 0)
		return -1;
	for (i = 0; i < len && value[i] >= '0' && value[i] <= '9'; i++) {
		if (__builtin_mul_overflow(n, (int64_t)10, &n) ||
		    __builtin_add_overflow(n, value[i] - '0', &n))
			return INT64_MAX;
	}
	if (i == len)
		return __builtin_mul_overflow(n, (int64_t)1000, &n) ?
		    INT64_MAX : n;
	if (len >= sizeof(copy))
		return -1;
	memcpy(copy, value, len);
	copy[len] = '\0';
	date = curl_getdate(copy, NULL);
	if (date == -1)
		return -1;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (__builtin_mul_overflow((int64_t)date, (int64_t)1000, &n) ||
	    __builtin_sub_overflow(n, now_ms, &n))
		return INT64_MAX;
	return n < 0 ? 0 : n;
}

/* A line of a header, its end included: the status line first, and in the end
 * the empty one.  Interim answers (1xx) come the same way. */
static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	static const char name[] = "Retry-After:";
	struct flight *flight = arg;
	size_t len = size * n, i;

	if (flight->whole)
		return len;	/* a trailer */
	if (len > 5 && !memcmp(line, "HTTP/", 5)) {
		flight->status = 0;
		flight->retry_after_ms = -1;
		for (i = 5; i < len && line[i] != ' '; i++)
			continue;
		for (i++; i < len && line[i] >= '0' && line[i] <= '9' &&
		    flight->status < 1000; i++)
			flight->status = flight->status * 10 + line[i] - '0';
	} else if (line[0] == '\r' || line[0] == '\n') {
		flight->whole = flight->status >= 200;
		/* Ends the transfer, and the connection. */
		if (flight->whole && flight->head_only)
			return 0;
	} else if (len >= sizeof(name) &&
	    !strncasecmp(line, name, sizeof(name) - 1)) {
		flight->retry_after_ms = retry_after(line + sizeof(name) - 1,
		    len - (sizeof(name) - 1));
	}
	return len;
}

static size_t
on_content(char *ptr, size_t size, size_t n, void *arg)
{
	struct flight *flight = arg;
	size_t len = size * n, take = sizeof(flight->head) - flight->head_len;

	if (take > len)
		take = len;
	memcpy(flight->head + flight->head_len, ptr, take);
	flight->head_len += take;
	flight->content += len;
	return flight->content > CONTENT_MAX ? 0 : len;
}

static enum kx_http_outcome
outcome_of_status(int status)
{
	if (status >= 200 && status < 300)
		return KX_HTTP_DELIVERED;
	if (status == 410)
		return KX_HTTP_GONE;
	if (status == 408 || status == 425 || status == 429 ||
	    (status >= 500 && status < 600))
		return KX_HTTP_AGAIN;
	return KX_HTTP_REFUSED;
}

/* What of libcurl's failures no second attempt can mend.  Bytes that are no
 * HTTP are not among them: the receiver may just not be up yet. */
static enum kx_http_outcome
outcome_of_failure(CURLcode code)
{
	switch (code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_NOT_BUILT_IN:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	/* Also how libcurl says that an answer's header is over its limit of
	 * 100 kB: that is the receiver's doing, and an answer is final. */
	case CURLE_OUT_OF_MEMORY:
		return KX_HTTP_REFUSED;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
		return KX_HTTP_UNABLE;
	default:
		return KX_HTTP_AGAIN;
	}
}

static void
fill_answer(struct flight *flight, CURLcode code,
    struct kx_http_answer *answer)
{
	*answer = (struct kx_http_answer){ .tag = flight->tag };
	if (flight->whole) {
		answer->outcome = outcome_of_status(flight->status);
		answer->status = flight->status;
		answer->retry_after_ms = flight->retry_after_ms;
		answer->head = (struct kx_span){ flight->head,
		    flight->head_len };
		answer->head_cut = flight->content > flight->head_len;
		return;
	}
	answer->outcome = outcome_of_failure(code);
	answer->retry_after_ms = -1;
	if (flight->reason[0] == '\0')
		(void)snprintf(flight->reason, sizeof(flight->reason), "%s",
		    code == CURLE_OK ?
		    "the connection ended inside the answer's header" :
		    code == CURLE_OUT_OF_MEMORY ?
		    "the answer's header is too long, or memory was refused" :
		    curl_easy_strerror(code));
	answer->reason = flight->reason;
}

/* --- requests ----------------------------------------------------------- */

#define SET(option, value) do { \
		if (rc == CURLE_OK) \
			rc = curl_easy_setopt(easy, option, value); \
	} while (0)

/*
 * libcurl knows methods by what they do with a body: POST sends one, GET none,
 * and "no body" says that none follows the answer's header, either way.
 * Everything else is the name.  So a HEAD with a body is a POST by that name,
 * which is ended behind the header (head_only).
 */
static CURLcode
set_method(CURL *easy, const struct kx_http_options *o)
{
	bool post = o->body || strcmp(o->method, "POST") == 0;
	CURLcode rc = CURLE_OK;

	if (post) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
	} else if (strcmp(o->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else {
		SET(CURLOPT_HTTPGET, 1L);
	}
	SET(CURLOPT_CUSTOMREQUEST, o->method);
	return rc;
}

static CURLcode
set_tls(CURL *easy, const struct kx_http_options *o)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_SSL_VERIFYPEER, o->insecure ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, o->insecure ? 0L : 2L);
	if (o->cacert != NULL)
		SET(CURLOPT_CAINFO, o->cacert);
	if (o->cert != NULL)
		SET(CURLOPT_SSLCERT, o->cert);
	if (o->key != NULL)
		SET(CURLOPT_SSLKEY, o->key);
	return rc;
}

static CURLcode
set_up(struct flight *flight, const struct kx_http_options *o,
    struct curl_slist *headers, bool loopback)
{
	CURL *easy = flight->easy;
	CURLcode rc = CURLE_OK;

	flight->head_only = o->body && strcmp(o->method, "HEAD") == 0;
	SET(CURLOPT_URL, o->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_USERAGENT, o->agent);
	SET(CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_PIECE);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, flight);
	SET(CURLOPT_WRITEFUNCTION, on_content);
	SET(CURLOPT_WRITEDATA, flight);
	SET(CURLOPT_ERRORBUFFER, flight->reason);
	SET(CURLOPT_PRIVATE, flight);
	/* Streams of one connection, where the server has HTTP/2. */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	if (strncasecmp(o->url, "https", 5) == 0)
		SET(CURLOPT_PIPEWAIT, 1L);
	if (o->user != NULL) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERPWD, o->user);
	}
	if (loopback)
		SET(CURLOPT_PROXY, "");
	if (rc == CURLE_OK)
		rc = set_tls(easy, o);
	return rc == CURLE_OK ? set_method(easy, o) : rc;
}
#undef SET

/* Is the header of that line named so? */
static bool
is_named(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(line, name, len) == 0 &&
	    (line[len] == ':' || line[len] == ';');
}

const char *
kx_http_header_fault(const char *line)
{
	static const char other[] = "!#$%&'*+-.^_`|~";	/* RFC 9110, 5.6.2 */
	static const char *const refused[] = {
		"Content-Length", "Transfer-Encoding", "Connection", "Upgrade",
		"TE", "Trailer", "Expect"
	};
	const char *p = line;
	size_t i;

	while ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
	    (*p >= 'A' && *p <= 'Z') || (*p != '\0' && strchr(other, *p) !=
	    NULL))
		p++;
	if (p == line || *p != ':')
		return "is no header line like 'Name: value'";
	for (p++; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return "holds a control character";
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (is_named(line, refused[i]))
			return "is about how the request is sent, which is "
			    "not the caller's";
	return NULL;
}

static bool
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more == NULL)
		return false;
	*list = more;
	return true;
}

/* "Expect:" alone takes the header away: nobody is asked first whether a body
 * would be welcome, which costs a round trip.  So does "Content-Type:" where
 * there is no body.  False without memory. */
static bool
make_headers(struct kx_http *http, const struct kx_http_options *o)
{
	const char *type = o->body ? "Content-Type: application/json" :
	    "Content-Type:";
	size_t i;

	for (i = 0; i < o->n_headers; i++) {
		if (is_named(o->headers[i], "Content-Type"))
			type = NULL;
		if (!add_header(&http->headers, o->headers[i]))
			return false;
	}
	return (type == NULL || add_header(&http->headers, type)) &&
	    add_header(&http->headers, "Expect:");
}

enum kx_status
kx_http_open(const struct kx_http_options *options, struct kx_http **out,
    struct kx_error *err)
{
	struct kx_http *http;
	enum kx_status status;
	bool loopback = false;
	CURLcode rc;
	size_t size, i;

	*out = NULL;
	if (__builtin_mul_overflow((size_t)options->flight,
	    sizeof(struct flight), &size) ||
	    __builtin_add_overflow(size, sizeof(*http), &size))
		return kx_error_set(err, KX_FAIL, ENOMEM, "requests");
	http = calloc(1, size);
	if (http == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "requests");
	rc = curl_global_init(CURL_GLOBAL_DEFAULT);
	if (rc != CURLE_OK) {
		free(http);
		return kx_error_set(err, KX_FAIL, 0, "libcurl: %s",
		    curl_easy_strerror(rc));
	}
	http->global = true;
	status = url_check(options->url, &loopback, err);
	if (status != KX_OK)
		goto fail;
	http->body = options->body;
	http->multi = curl_multi_init();
	if (http->multi == NULL || !make_headers(http, options))
		goto no_memory;
	for (i = 0; i < options->flight; i++) {
		http->flight[i].easy = curl_easy_init();
		if (http->flight[i].easy == NULL)
			goto no_memory;
		http->n_flights = i + 1;
		http->flight[i].next_free = http->free;
		http->free = &http->flight[i];
		rc = set_up(&http->flight[i], options, http->headers,
		    loopback);
		if (rc == CURLE_OUT_OF_MEMORY)
			goto no_memory;
		if (rc != CURLE_OK) {
			status = kx_error_set(err, KX_FAIL, 0,
			    "libcurl: %s", curl_easy_strerror(rc));
			goto fail;
		}
	}
	*out = http;
	return KX_OK;
no_memory:
	status = kx_error_set(err, KX_FAIL, ENOMEM, "libcurl");
fail:
	kx_http_close(http);
	return status;
}

static enum kx_status
multi_fail(CURLMcode rc, struct kx_error *err)
{
	return kx_error_set(err, KX_FAIL,
	    rc == CURLM_OUT_OF_MEMORY ? ENOMEM : 0, "libcurl: %s",
	    curl_multi_strerror(rc));
}

/* The request's own headers, in front of those that all have. */
static struct curl_slist *
link_headers(struct flight *flight, const struct kx_http_request *request,
    struct curl_slist *rest)
{
	struct curl_slist *first = rest;
	size_t i, n = 0;

	while (n < KX_HTTP_OWN_HEADERS && request->headers[n] != NULL)
		n++;
	for (i = n; i-- > 0;) {
		/* libcurl reads the lines and leaves them alone. */
		flight->own[i].data = (char *)(uintptr_t)request->headers[i];
		flight->own[i].next = first;
		first = &flight->own[i];
	}
	return first;
}

enum kx_status
kx_http_send(struct kx_http *http, const struct kx_http_request *request,
    struct kx_error *err)
{
	struct flight *flight = http->free;
	struct kx_span body = request->body;
	CURLMcode rc;

	if (flight == NULL)
		return kx_error_set(err, KX_FAIL, 0,
		    "more requests at a time than %zu", http->n_flights);
	flight->tag = request->tag;
	flight->status = 0;
	flight->whole = false;
	flight->retry_after_ms = -1;
	flight->content = 0;
	flight->head_len = 0;
	flight->reason[0] = '\0';
	/* Numbers and pointers alone: these cannot fail. */
	if (http->body) {
		(void)curl_easy_setopt(flight->easy, CURLOPT_POSTFIELDS,
		    body.len > 0 ? body.ptr : "");
		(void)curl_easy_setopt(flight->easy,
		    CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	}
	(void)curl_easy_setopt(flight->easy, CURLOPT_HTTPHEADER,
	    link_headers(flight, request, http->headers));
	rc = curl_multi_add_handle(http->multi, flight->easy);
	if (rc != CURLM_OK)
		return multi_fail(rc, err);
	http->free = flight->next_free;
	flight->busy = true;
	http->n_busy++;
	return KX_OK;
}

enum kx_status
kx_http_answer(struct kx_http *http, struct kx_http_answer *answer)
{
	struct flight *flight = NULL;
	CURLMsg *msg;
	CURLcode code;
	int left;

	do {
		msg = curl_multi_info_read(http->multi, &left);
		if (msg == NULL)
			return KX_EOF;
	} while (msg->msg != CURLMSG_DONE);
	/* msg does not outlive the handle's leaving. */
	code = msg->data.result;
	(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &flight);
	(void)curl_multi_remove_handle(http->multi, flight->easy);
	flight->busy = false;
	http->n_busy--;
	flight->next_free = http->free;
	http->free = flight;
	fill_answer(flight, code, answer);
	return KX_OK;
}

enum kx_status
kx_http_step(struct kx_http *http, int timeout_ms, struct kx_error *err)
{
	CURLMcode rc;
	int running;

	rc = curl_multi_perform(http->multi, &running);
	/* Where fewer are running than are busy there are answers. */
	if (rc == CURLM_OK && timeout_ms != 0 && running == http->n_busy) {
		rc = curl_multi_poll(http->multi, NULL, 0, timeout_ms, NULL);
		if (rc == CURLM_OK)
			rc = curl_multi_perform(http->multi, &running);
	}
	return rc == CURLM_OK ? KX_OK : multi_fail(rc, err);
}

void
kx_http_wake(struct kx_http *http)
{
	/* Fails where one has been asked for already. */
	(void)curl_multi_wakeup(http->multi);
}

void
kx_http_close(struct kx_http *http)
{
	struct flight *flight;
	size_t i;

	if (http == NULL)
		return;
	for (i = 0; i < http->n_flights; i++) {
		flight = &http->flight[i];
		if (flight->busy)
			(void)curl_multi_remove_handle(http->multi,
			    flight->easy);
		curl_easy_cleanup(flight->easy);
	}
	if (http->multi != NULL)
		(void)curl_multi_cleanup(http->multi);
	curl_slist_free_all(http->headers);
	if (http->global)
		curl_global_cleanup();
	free(http);
}
