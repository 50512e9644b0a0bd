/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bridge to libjq, this side of it: programs are read, records answered
 * where that is certain, the others made small and sent to an evaluator
 * (filter-jq.h), a child of each worker.
 *
 * An evaluator ends when its socket does, and is killed where its parent is.
 * The number of the record that it is on is in memory that both share: where
 * libjq aborts or runs out of stack, the record can be named.
 *
 * Cost: a text is copied twice through the kernel.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kx/buf.h"
#include "kx/num.h"

#include "filter-jq.h"
#include "filter-memo.h"

/* Texts from here up go to the evaluator from where they lie. */
#define DIRECT_LEN ((size_t)16 << 10)
/* A text that is not copied: it belongs at `off` of the request. */
struct direct {
	size_t off;
	struct kx_span text;
};

/* A record that was asked about. */
struct asked {
	int64_t same;		/* its answer is that of this one; -1 */
	struct memo_entry *entry;	/* where the answer is remembered */
	enum kx_verdict verdict;
	struct kx_span message;
};

struct worker {
	bool greeted;
	int fd;			/* -1: never started, or lost */
	pid_t pid;
	struct asked *asked;
	size_t n_asked, cap_asked, next;	/* next: to be answered */
	size_t n_sent;		/* of those asked about */
	bool flushed;		/* the next one begins a batch */
	uint32_t batch;
	struct memo_entry *memo;
	struct kx_buf request;
	struct direct *direct;
	size_t n_direct, cap_direct;
	struct kx_buf reply;
	size_t reply_pos;
	bool in_outputs;	/* reply_pos is at one, or at their end */
	struct kx_buf scratch;
	bool no_memory;
	struct kx_error lost;
};

struct kx_filter {
	struct kx_evaluator setup;	/* the programs are here */
	bool plain;
	bool native;		/* all programs are, and all conditions */
	bool whole;		/* the evaluators are given everything */
	bool remember;		/* verdicts */
	struct kx_reach reach;
	struct worker *worker;
	unsigned n_workers;
	void *map;
	_Atomic uint32_t *shared;	/* = map: each worker's record */
};

/* Definitions in ~/.jq may give any name, operators' too, another meaning:
 * then nothing is proved by reading a program. */
static bool
has_definitions(void)
{
	const char *home = getenv("HOME");
	struct kx_buf path = { 0 };
	struct stat st;
	bool has = false;

	if (home == NULL || *home == '\0')
		return false;
	kx_buf_addf(&path, "%s/.jq", home);
	kx_buf_addc(&path, '\0');
	/* a folder holds modules, which only `import` reads */
	if (!kx_buf_failed(&path))
		has = stat(path.ptr, &st) == 0 && !S_ISDIR(st.st_mode);
	kx_buf_free(&path);
	return has;
}

/* Read program i: true if it may be used. */
static enum kx_status
add_program(struct kx_filter *filter, size_t i, const char *text,
    struct kx_error *err)
{
	struct kx_program **program = &filter->setup.program[i];
	bool output = i >= filter->setup.n_conditions;
	const char *refused;

	if (kx_program_new(text, program) != KX_OK)
		return kx_error_set(err, KX_FAIL, ENOMEM,
		    "cannot read a program");
	refused = kx_program_refused(*program);
	if (refused != NULL)
		return kx_error_set(err, KX_BAD, 0, "%s is not available: a "
		    "program sees one event at a time, reads nothing else "
		    "and prints nothing", refused);
	if (output || !kx_program_native(*program))
		filter->native = false;
	if (output || !kx_program_is_function(*program))
		filter->remember = false;
	kx_program_reach(*program, output, &filter->reach);
	return KX_OK;
}

enum kx_status
kx_filter_new(const struct kx_filter_options *options,
    struct kx_filter **out, size_t *which, struct kx_error *err)
{
	struct kx_filter *filter = calloc(1, sizeof(*filter));
	enum kx_status status = KX_OK;
	size_t i, n = options->n_programs;

	*which = 0;
	if (filter == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot start");
	filter->setup = (struct kx_evaluator){ .n = n,
	    .n_conditions = options->n_conditions, .args = options->args,
	    .n_args = options->n_args };
	kx_reach_init(&filter->reach);
	filter->setup.redefined = has_definitions();
	if (filter->setup.redefined)
		kx_reach_use(&filter->reach, 0);
	filter->plain = (options->flags & KX_FILTER_PLAIN) ||
	    filter->setup.redefined;
	filter->native = filter->remember = !filter->plain;
	filter->setup.program = calloc(n + 1, sizeof(struct kx_program *));
	if (filter->setup.program == NULL)
		status = kx_error_set(err, KX_FAIL, ENOMEM, "cannot start");
	for (i = 0; i < n && status == KX_OK; i++) {
		*which = i;
		status = add_program(filter, i, options->programs[i], err);
	}
	filter->whole = filter->plain || kx_reach_is_whole(&filter->reach);
	if (status == KX_OK)
		*out = filter;
	else
		kx_filter_free(filter);
	return status;
}

static bool
add_direct(struct worker *w, struct kx_span text)
{
	struct direct *grown;
	size_t cap;

	if (w->n_direct == w->cap_direct) {
		cap = w->cap_direct ? w->cap_direct * 2 : 16;
		grown = reallocarray(w->direct, cap, sizeof(*grown));
		if (grown == NULL)
			return false;
		w->direct = grown;
		w->cap_direct = cap;
	}
	w->direct[w->n_direct++] = (struct direct){ w->request.len, text };
	return true;
}

/* One more that is asked about; NULL without memory. */
static struct asked *
add_asked(struct worker *w)
{
	struct asked *grown;
	size_t cap;

	if (w->flushed) {
		w->flushed = false;
		w->n_asked = w->next = 0;
		w->batch++;
	}
	if (w->n_asked == w->cap_asked) {
		cap = w->cap_asked ? w->cap_asked * 2 : 64;
		grown = reallocarray(w->asked, cap, sizeof(*grown));
		if (grown == NULL) {
			w->no_memory = true;
			return NULL;
		}
		w->asked = grown;
		w->cap_asked = cap;
	}
	w->asked[w->n_asked] = (struct asked){ .same = -1 };
	return &w->asked[w->n_asked++];
}

/* Has this text been answered, or asked about just now?  Then the request that
 * holds it need not be made. */
static enum kx_verdict
recall(struct worker *w, struct kx_span text, bool *known)
{
	struct memo_entry *entry = kx_memo_find(&w->memo, text, known);
	uint32_t batch = w->batch + w->flushed;
	struct asked *asked;

	if (*known && entry->verdict != KX_VERDICT_LATER)
		return (enum kx_verdict)entry->verdict;
	/* one of a batch that was lost, or failed, is asked about again */
	*known = *known && entry->batch == batch;
	asked = add_asked(w);
	if (asked == NULL || entry == NULL)
		return KX_VERDICT_LATER;
	if (*known) {
		asked->same = entry->asked;
	} else {
		asked->entry = entry;
		kx_memo_take(entry, text, batch, (uint32_t)w->n_asked - 1);
	}
	return KX_VERDICT_LATER;
}

/* Put the record with those that go to the evaluator, if it is not known what
 * that would say. */
static enum kx_verdict
enqueue(const struct kx_filter *filter, struct worker *w,
    const struct kx_json *json, size_t held, uint64_t line)
{
	size_t at = w->request.len, from = at + sizeof(struct request);
	struct kx_span text = { json->text, json->text_len };
	struct request request = { .len = (uint32_t)text.len,
	    .held = (uint32_t)held, .line = line };
	enum kx_verdict verdict = KX_VERDICT_LATER;
	bool known = false;

	kx_buf_add(&w->request, &request, sizeof(request));
	if (!filter->whole) {
		kx_reach_reduce(&filter->reach, json, &w->request);
		if (kx_buf_failed(&w->request))
			return KX_VERDICT_LATER;
		text = (struct kx_span){ w->request.ptr + from,
		    w->request.len - from };
		request.len = (uint32_t)text.len;
		memcpy(w->request.ptr + at, &request, sizeof(request));
	}
	if (filter->remember)
		verdict = recall(w, text, &known);
	else
		(void)add_asked(w);
	if (known) {
		w->request.len = at;
		return verdict;
	}
	w->n_sent++;
	if (filter->whole && text.len >= DIRECT_LEN) {
		if (!add_direct(w, text))
			w->no_memory = true;
	} else if (filter->whole) {
		kx_buf_addspan(&w->request, text);
	}
	return KX_VERDICT_LATER;
}

enum kx_verdict
kx_filter_ask(struct kx_filter *filter, unsigned worker,
    const struct kx_json *json, uint64_t line)
{
	const struct kx_evaluator *setup = &filter->setup;
	struct worker *w = &filter->worker[worker];
	enum kx_answer answer;
	size_t i;

	for (i = 0; i < setup->n_conditions && !filter->plain; i++) {
		answer = kx_program_answer(setup->program[i], json,
		    &w->scratch);
		if (answer == KX_ANSWER_NO)
			return KX_VERDICT_NO;
		if (answer == KX_ANSWER_UNSURE)
			break;
	}
	if (i == setup->n)
		return KX_VERDICT_YES;
	return enqueue(filter, w, json, i, line);
}

#ifndef HAVE_JV_NUMBER_WITH_LITERAL
/* An integer that a double does not hold. */
static bool
is_rounded(const struct kx_json *json, uint32_t i)
{
	const struct kx_json_node *node = &json->node[i];
	unsigned is;

	if ((node->meta & KX_JSON_TYPE_MASK) != KX_JSON_NUMBER ||
	    node->len < 16)
		return false;
	is = kx_num_classify(kx_json_raw(json, i));
	return (is & KX_NUM_INTEGER) && !(is & KX_NUM_EXACT);
}
#endif

uint32_t
kx_filter_rounded(const struct kx_filter *filter, const struct kx_json *json)
{
#ifdef HAVE_JV_NUMBER_WITH_LITERAL
	(void)filter;
	(void)json;
	return 0;
#else
	return kx_reach_find(&filter->reach, json, is_rounded);
#endif
}

bool
kx_send_all(int fd, const void *ptr, size_t len)
{
	const char *p = ptr;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static bool
recv_all(int fd, void *ptr, size_t len)
{
	char *p = ptr;
	ssize_t n;

	while (len > 0) {
		n = recv(fd, p, len, 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* Send what has been gathered. */
static bool
send_request(struct worker *w)
{
	const struct request end = { .len = REQUEST_END };
	size_t i, off = 0;

	for (i = 0; i < w->n_direct; i++) {
		if (!kx_send_all(w->fd, w->request.ptr + off,
		    w->direct[i].off - off) ||
		    !kx_send_all(w->fd, w->direct[i].text.ptr,
		    w->direct[i].text.len))
			return false;
		off = w->direct[i].off;
	}
	return kx_send_all(w->fd, w->request.ptr + off, w->request.len - off) &&
	    kx_send_all(w->fd, &end, sizeof(end));
}

/* The evaluator is gone: say how. */
static void
lose(struct worker *w)
{
	int status = 0;
	pid_t pid;

	(void)close(w->fd);
	w->fd = -1;
	do
		pid = waitpid(w->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	w->pid = 0;
	if (pid > 0 && WIFSIGNALED(status))
		(void)kx_error_set(&w->lost, KX_FATAL, 0,
		    "libjq was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (pid > 0 && WEXITSTATUS(status) == EXIT_NO_MEMORY)
		(void)kx_error_set(&w->lost, KX_FATAL, ENOMEM,
		    "libjq has no memory");
	else
		(void)kx_error_set(&w->lost, KX_FATAL, 0,
		    "libjq ended unexpectedly");
}

/* Hear what the evaluator has to say of the programs. */
static enum kx_status
greet(struct worker *w, size_t *which, struct kx_error *err)
{
	struct greeting greeting;
	enum kx_status status;

	if (w->greeted)
		return KX_OK;
	if (!recv_all(w->fd, &greeting, sizeof(greeting))) {
		lose(w);
		*err = w->lost;
		return KX_FAIL;
	}
	*which = greeting.which;
	w->greeted = true;
	if (greeting.status == KX_OK)
		return KX_OK;
	if (!kx_buf_reserve(&w->reply, greeting.len) ||
	    !recv_all(w->fd, w->reply.ptr, greeting.len))
		greeting.len = 0;
	status = kx_error_set(err, KX_BAD, 0, "%.*s",
	    greeting.len == 0 ? 25 : (int)greeting.len,
	    greeting.len == 0 ? "libjq does not compile it" : w->reply.ptr);
	lose(w);
	return status;
}

/* In the child: the other evaluators' sockets are let go. */
static void __attribute__((noreturn))
become_evaluator(const struct kx_filter *filter, struct kx_evaluator *setup,
    unsigned number, int fd)
{
	unsigned i;

	for (i = 0; i <= number; i++)
		(void)close(filter->worker[i].fd);
	setup->fd = fd;
	setup->at = &filter->shared[number];
	kx_evaluator_main(setup);
}

enum kx_status
kx_filter_start(struct kx_filter *filter, unsigned n_workers,
    const struct kx_kernel *kernel, size_t *which, struct kx_error *err)
{
	struct kx_evaluator setup = filter->setup;
	struct worker *w;
	int pair[2];
	unsigned i;
	void *shared;
	enum kx_status status = KX_OK;

	*which = 0;
	setup.lazy = filter->native;
	setup.kernel = kernel;
	setup.parent = getpid();
	filter->worker = calloc(n_workers, sizeof(*filter->worker));
	shared = mmap(NULL, n_workers * sizeof(*filter->shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (filter->worker == NULL || shared == MAP_FAILED) {
		if (shared != MAP_FAILED)
			(void)munmap(shared,
			    n_workers * sizeof(*filter->shared));
		free(filter->worker);
		filter->worker = NULL;
		return kx_error_set(err, KX_FAIL, ENOMEM,
		    "cannot start evaluators");
	}
	filter->map = shared;
	filter->shared = shared;
	filter->n_workers = n_workers;
	for (i = 0; i < n_workers; i++)
		filter->worker[i].fd = -1;
	for (i = 0; i < n_workers; i++) {
		w = &filter->worker[i];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return kx_error_set(err, KX_FAIL, errno,
			    "cannot start evaluators");
		w->fd = pair[0];
		w->pid = fork();
		if (w->pid == 0)
			become_evaluator(filter, &setup, i, pair[1]);
		(void)close(pair[1]);
		if (w->pid < 0) {
			w->pid = 0;
			return kx_error_set(err, KX_FAIL, errno,
			    "cannot start evaluators");
		}
	}
	for (i = 0; i < n_workers && !filter->native && status == KX_OK; i++)
		status = greet(&filter->worker[i], which, err);
	return status;
}

/* The number among those asked about of the nth that was sent. */
static size_t
nth_sent(const struct worker *w, size_t n)
{
	size_t i;

	for (i = 0; i < w->n_asked; i++)
		if (w->asked[i].same < 0 && n-- == 0)
			return i;
	return 0;
}

enum kx_status
kx_filter_flush(struct kx_filter *filter, unsigned worker, size_t *lost,
    struct kx_error *err)
{
	struct worker *w = &filter->worker[worker];
	enum kx_status status = KX_OK;
	uint64_t len;
	size_t which;

	*lost = 0;
	w->reply_pos = 0;
	w->in_outputs = false;
	kx_buf_reset(&w->reply, KEEP_LEN);
	w->flushed = true;
	w->next = 0;
	if (w->n_sent == 0)
		return KX_OK;
	if (w->fd >= 0 && (w->no_memory || kx_buf_failed(&w->request))) {
		status = kx_error_set(err, KX_FATAL, ENOMEM,
		    "cannot ask libjq");
	} else if (w->fd >= 0) {
		if (!send_request(w)) {
			lose(w);
			*lost = nth_sent(w, filter->shared[worker]);
		} else if (greet(w, &which, err) != KX_OK) {
			w->lost = *err;
		} else if (!recv_all(w->fd, &len, sizeof(len))) {
			lose(w);
			*lost = nth_sent(w, filter->shared[worker]);
		} else if (!kx_buf_reserve(&w->reply, len)) {
			status = kx_error_set(err, KX_FATAL, ENOMEM,
			    "cannot hold what libjq says");
		} else if (!recv_all(w->fd, w->reply.ptr, len)) {
			lose(w);
		} else {
			w->reply.len = len;
		}
	}
	if (w->fd < 0) {
		status = KX_FATAL;
		*err = w->lost;
	}
	w->n_sent = 0;
	w->n_direct = 0;
	kx_buf_reset(&w->request, KEEP_LEN);
	return status;
}

/* A length and the text that follows, from the reply. */
static struct kx_span
take_text(struct worker *w)
{
	struct kx_span text;
	uint32_t len;

	memcpy(&len, w->reply.ptr + w->reply_pos, sizeof(len));
	text = (struct kx_span){ w->reply.ptr + w->reply_pos + sizeof(len),
	    len };
	w->reply_pos += sizeof(len) + len;
	return text;
}

enum kx_status
kx_filter_output(struct kx_filter *filter, unsigned worker,
    struct kx_filter_output *out)
{
	struct worker *w = &filter->worker[worker];
	enum reply reply;
	uint32_t program;

	if (!w->in_outputs)
		return KX_EOF;
	reply = (enum reply)w->reply.ptr[w->reply_pos++];
	if (reply == REPLY_END) {
		w->in_outputs = false;
		return KX_EOF;
	}
	memcpy(&program, w->reply.ptr + w->reply_pos, sizeof(program));
	w->reply_pos += sizeof(program);
	out->program = program;
	out->text = take_text(w);
	return reply == REPLY_OUTPUT ? KX_OK : KX_BAD;
}

/* What the evaluator said of one that was sent. */
static void
read_verdict(struct worker *w, struct asked *asked)
{
	asked->verdict = KX_VERDICT_NO;
	if (w->reply_pos == w->reply.len)
		return;
	asked->verdict = (enum kx_verdict)w->reply.ptr[w->reply_pos++];
	if (asked->verdict == KX_VERDICT_ERROR)
		asked->message = take_text(w);
	if (asked->entry == NULL || asked->entry->batch != w->batch ||
	    asked->entry->asked != (uint32_t)(asked - w->asked))
		return;
	if (asked->verdict == KX_VERDICT_ERROR)
		asked->entry->used = 0;
	else
		asked->entry->verdict = (uint8_t)asked->verdict;
}

enum kx_verdict
kx_filter_next(struct kx_filter *filter, unsigned worker,
    struct kx_span *message)
{
	struct worker *w = &filter->worker[worker];
	struct kx_filter_output skipped;
	struct asked *asked;

	while (w->in_outputs)
		(void)!kx_filter_output(filter, worker, &skipped);
	if (w->next == w->n_asked)
		return KX_VERDICT_NO;
	asked = &w->asked[w->next++];
	if (asked->same < 0)
		read_verdict(w, asked);
	else
		*asked = w->asked[asked->same];
	if (asked->verdict == KX_VERDICT_ERROR)
		*message = asked->message;
	w->in_outputs = asked->verdict == KX_VERDICT_YES &&
	    filter->setup.n_conditions < filter->setup.n;
	return asked->verdict;
}

void
kx_filter_free(struct kx_filter *filter)
{
	struct worker *w;
	unsigned i;
	size_t k;

	if (filter == NULL)
		return;
	for (i = 0; i < filter->n_workers; i++) {
		w = &filter->worker[i];
		if (w->fd >= 0)
			(void)close(w->fd);
		/* there is nothing that it could still lose */
		if (w->pid > 0)
			(void)kill(w->pid, SIGKILL);
		while (w->pid > 0 && waitpid(w->pid, NULL, 0) < 0 &&
		    errno == EINTR)
			continue;
		kx_buf_free(&w->request);
		kx_buf_free(&w->reply);
		kx_buf_free(&w->scratch);
		free(w->direct);
		free(w->asked);
		free(w->memo);
	}
	if (filter->map != NULL)
		(void)munmap(filter->map,
		    filter->n_workers * sizeof(*filter->shared));
	free(filter->worker);
	for (k = 0; k < filter->setup.n; k++) {
		if (filter->setup.program != NULL)
			kx_program_free(filter->setup.program[k]);
	}
	free(filter->setup.program);
	free(filter);
}
