/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libjq, at arm's length.  No other file knows of it.
 *
 * libjq only ever runs in evaluators, compiling included: where memory runs
 * out it aborts or worse, and some programs make it do so.  Each evaluator
 * compiles the programs, side by side, and the parent waits for what they say
 * before anything is read.  Native programs (kx/program.h) are not compiled
 * until an evaluator meets its first record, for all that they can hold is
 * known to compile: a run that never asks saves the 20 ms that libjq takes to
 * link its builtins.
 *
 * An evaluator's first words are a struct greeting and a message.
 *
 * A request is a chunk's worth of records, each a length (32 bits) and a JSON
 * text, ended by the length REQUEST_END.  The answer is its own length (64
 * bits) and, for each record, a byte: enum kx_verdict, behind ERROR a length
 * (32 bits) and libjq's message.  Both ends are one program on one machine.
 * The parent reads nothing until it has written all, and the evaluator writes
 * nothing until it has read all: neither can wait for the other for ever.
 *
 * An evaluator ends when its socket does, and is killed where its parent is.
 * The number of the record that it is on is in memory that both share: where
 * libjq aborts or runs out of stack, the record can be named.
 *
 * Cost: a text is copied twice through the kernel and scanned once more, some
 * 2 GB/s; libjq takes microseconds for each record.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <jv.h>
#include <jq.h>

#include "kx/buf.h"
#include "kx/filter.h"
#include "kx/num.h"
#include "kx/program.h"

#define REQUEST_END UINT32_MAX
/* Texts from here up go to the evaluator from where they lie. */
#define DIRECT_LEN ((size_t)16 << 10)
/* Bytes of a request that are read at a time. */
#define READ_LEN ((size_t)256 << 10)
/* Longest message of libjq's that is passed on. */
#define MESSAGE_MAX 600
/* Capacity that is kept from one chunk to the next. */
#define KEEP_LEN ((size_t)1 << 20)

/* Statuses of an evaluator that could not go on. */
enum { EXIT_BROKEN = 3, EXIT_NO_MEMORY = 12 };

/* A text that is not copied: it belongs at `off` of the request. */
struct direct {
	size_t off;
	struct kx_span text;
};

/* What an evaluator says when it has compiled the programs. */
struct greeting {
	enum kx_status status;
	uint32_t which;		/* the program that it is about */
	uint32_t len;		/* of the message that follows */
};

struct worker {
	bool greeted;
	int fd;			/* -1: never started, or lost */
	pid_t pid;
	size_t n_asked;
	struct kx_buf request;
	struct direct *direct;
	size_t n_direct, cap_direct;
	struct kx_buf reply;
	size_t reply_pos;
	struct kx_buf scratch;
	bool no_memory;
	struct kx_error lost;
};

struct kx_filter {
	struct kx_program **program;
	size_t n;
	bool plain;
	bool native;		/* all programs are */
	bool whole;		/* they can see everything */
	bool images;		/* ... the images of snapshots */
	struct kx_pick reach;
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

enum kx_status
kx_filter_new(const char *const *programs, size_t n, unsigned flags,
    struct kx_filter **out, size_t *which, struct kx_error *err)
{
	struct kx_filter *filter = calloc(1, sizeof(*filter));
	enum kx_status status;
	const char *refused;
	size_t i;

	*which = 0;
	if (filter == NULL)
		goto fail;
	filter->n = n;
	filter->plain = (flags & KX_FILTER_PLAIN) || has_definitions();
	filter->native = !filter->plain;
	filter->whole = filter->plain;
	filter->program = calloc(n + 1, sizeof(struct kx_program *));
	if (filter->program == NULL)
		goto fail;
	for (i = 0; i < n; i++) {
		*which = i;
		if (kx_program_new(programs[i], &filter->program[i]) != KX_OK)
			goto fail;
		refused = kx_program_refused(filter->program[i]);
		if (refused != NULL) {
			status = kx_error_set(err, KX_BAD, 0, "%s is not "
			    "available: a program sees one event at a time, "
			    "reads nothing else and prints nothing", refused);
			goto out;
		}
		if (!kx_program_native(filter->program[i]))
			filter->native = false;
		if (!kx_program_reach(filter->program[i], &filter->reach,
		    &filter->images))
			filter->whole = true;
	}
	*out = filter;
	return KX_OK;
out:
	kx_filter_free(filter);
	return status;
fail:
	status = kx_error_set(err, KX_FAIL, ENOMEM, "cannot read a program");
	goto out;
}

/* The evaluator: all below runs in a child, up to "The parent's side". */

struct open_value {
	jv value;
	jv key;			/* of the member that comes next */
	uint32_t end;		/* node behind it */
};

enum { N_KEYS = 256 };

struct evaluator {
	struct kx_filter *filter;
	jq_state **jq;		/* an entry a program */
	int fd;
	_Atomic uint32_t *at;
	struct kx_json json;
	struct kx_buf in, out, scratch;
	size_t in_pos;
	struct open_value *open;
	jv key[N_KEYS];		/* names that came up lately, or invalid */
};

static void __attribute__((noreturn))
evaluator_no_memory(void *arg)
{
	(void)arg;
	_exit(EXIT_NO_MEMORY);
}

/* A member's name: the few that there are need not be made each time. */
static jv
make_key(struct evaluator *e, uint32_t i)
{
	struct kx_span name;
	uint32_t hash = 2166136261u;
	size_t k;
	jv *slot;

	if (e->json.node[i].meta & KX_JSON_ESCAPED) {
		name = kx_json_decode(&e->json, i, &e->scratch, NULL);
		if (kx_buf_failed(&e->scratch))
			evaluator_no_memory(NULL);
		return jv_string_sized(name.ptr, (int)name.len);
	}
	name = kx_json_str(&e->json, i);
	for (k = 0; k < name.len && k < 24; k++)
		hash = (hash ^ (unsigned char)name.ptr[k]) * 16777619u;
	slot = &e->key[(hash ^ hash >> 8) % N_KEYS];
	if (jv_get_kind(*slot) != JV_KIND_STRING ||
	    (size_t)jv_string_length_bytes(jv_copy(*slot)) != name.len ||
	    memcmp(jv_string_value(*slot), name.ptr, name.len)) {
		jv_free(*slot);
		*slot = jv_string_sized(name.ptr, (int)name.len);
	}
	return jv_copy(*slot);
}

static jv
make_number(struct evaluator *e, struct kx_span text)
{
#ifdef HAVE_JV_NUMBER_WITH_LITERAL
	kx_buf_reset(&e->scratch, KEEP_LEN);
	kx_buf_addspan(&e->scratch, text);
	kx_buf_addc(&e->scratch, '\0');
	if (kx_buf_failed(&e->scratch))
		evaluator_no_memory(NULL);
	return jv_number_with_literal(e->scratch.ptr);
#else
	double d = 0;

	(void)e;
	(void)kx_num_double(text, &d);
	return jv_number(d);
#endif
}

static jv
make_scalar(struct evaluator *e, uint32_t i)
{
	struct kx_span text;

	switch (kx_json_type(&e->json, i)) {
	case KX_JSON_NULL:
		return jv_null();
	case KX_JSON_FALSE:
		return jv_false();
	case KX_JSON_TRUE:
		return jv_true();
	case KX_JSON_NUMBER:
		return make_number(e, kx_json_raw(&e->json, i));
	default:
		break;
	}
	if (!(e->json.node[i].meta & KX_JSON_ESCAPED)) {
		text = kx_json_str(&e->json, i);
	} else {
		text = kx_json_decode(&e->json, i, &e->scratch, NULL);
		if (kx_buf_failed(&e->scratch))
			evaluator_no_memory(NULL);
	}
	return jv_string_sized(text.ptr, (int)text.len);
}

/* The scanned text as libjq's value.  Of members of one name the last counts,
 * as in jq.  Not recursive: the nodes stand in the order of the text. */
static jv
make_value(struct evaluator *e)
{
	struct open_value *top = NULL;
	const struct kx_json_node *node;
	uint32_t i;
	jv v;

	for (i = 0;; i++) {
		node = &e->json.node[i];
		if (node->meta & KX_JSON_KEY) {
			top->key = make_key(e, i);
			continue;
		}
		if ((node->meta & KX_JSON_TYPE_MASK) >= KX_JSON_ARRAY) {
			top = top == NULL ? e->open : top + 1;
			top->value = (node->meta & KX_JSON_TYPE_MASK) ==
			    KX_JSON_ARRAY ? jv_array() : jv_object();
			top->key = jv_invalid();
			top->end = node->next;
			if (node->next != i + 1)
				continue;
			v = top->value;
			top = top == e->open ? NULL : top - 1;
		} else {
			v = make_scalar(e, i);
		}
		/* v is done; and perhaps what it stands in, and so on */
		for (;;) {
			if (top == NULL)
				return v;
			if (jv_get_kind(top->value) == JV_KIND_ARRAY)
				top->value = jv_array_append(top->value, v);
			else
				top->value = jv_object_set(top->value,
				    top->key, v);
			if (top->end != i + 1)
				break;
			v = top->value;
			top = top == e->open ? NULL : top - 1;
		}
	}
}

/* Append ERROR and libjq's message; frees it. */
static void
put_error(struct evaluator *e, jv message)
{
	const char *prefix = "";
	size_t len, prefix_len;
	uint32_t total;

	if (jv_get_kind(message) != JV_KIND_STRING) {
		prefix = "(not a string): ";
		message = jv_dump_string(message, 0);
	}
	prefix_len = strlen(prefix);
	len = (size_t)jv_string_length_bytes(jv_copy(message));
	if (len > MESSAGE_MAX) {
		len = MESSAGE_MAX;
		while (len > 0 &&
		    (jv_string_value(message)[len] & 0xc0) == 0x80)
			len--;
	}
	total = (uint32_t)(prefix_len + len);
	kx_buf_addc(&e->out, KX_VERDICT_ERROR);
	kx_buf_add(&e->out, &total, sizeof(total));
	kx_buf_add(&e->out, prefix, prefix_len);
	kx_buf_add(&e->out, jv_string_value(message), len);
	jv_free(message);
}

/* Run the programs on the scanned record.  A program is run up to its first
 * output that is true, programs up to the first that has none. */
static void
evaluate(struct evaluator *e)
{
	jv value = make_value(e), result, message;
	size_t i;

	for (i = 0; i < e->filter->n; i++) {
		jq_start(e->jq[i], jv_copy(value), 0);
		for (;;) {
			result = jq_next(e->jq[i]);
			if (!jv_is_valid(result))
				break;
			if (jv_get_kind(result) != JV_KIND_NULL &&
			    jv_get_kind(result) != JV_KIND_FALSE)
				break;
			jv_free(result);
		}
		if (jv_is_valid(result)) {
			jv_free(result);
			continue;
		}
		if (jv_invalid_has_msg(jv_copy(result))) {
			message = jv_invalid_get_msg(result);
			jv_free(value);
			put_error(e, message);
			return;
		}
		jv_free(result);
		break;
	}
	jv_free(value);
	kx_buf_addc(&e->out, i < e->filter->n ? KX_VERDICT_NO :
	    KX_VERDICT_YES);
}

/* The next n bytes of the request, contiguous; they stay until the next call.
 * NULL at the end of the socket. */
static const char *
evaluator_read(struct evaluator *e, size_t n)
{
	struct kx_buf *in = &e->in;
	ssize_t got;

	if (in->len - e->in_pos < n && e->in_pos > 0) {
		memmove(in->ptr, in->ptr + e->in_pos, in->len - e->in_pos);
		in->len -= e->in_pos;
		e->in_pos = 0;
	}
	while (in->len - e->in_pos < n) {
		if (!kx_buf_reserve(in, n - in->len > READ_LEN ?
		    n - in->len : READ_LEN))
			evaluator_no_memory(NULL);
		got = recv(e->fd, in->ptr + in->len, READ_LEN, 0);
		if (got == 0)
			return NULL;
		if (got < 0 && errno != EINTR)
			return NULL;
		if (got > 0)
			in->len += (size_t)got;
	}
	e->in_pos += n;
	return in->ptr + e->in_pos - n;
}

static bool
send_all(int fd, const void *ptr, size_t len)
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

/* Gather what libjq says: without its name and its count of errors, on one
 * line. */
static void
on_message(void *arg, jv message)
{
	struct kx_buf *out = arg;
	const char *s, *end;

	if (jv_get_kind(message) != JV_KIND_STRING) {
		jv_free(message);
		return;
	}
	s = jv_string_value(message);
	if (!strncmp(s, "jq: error: ", 11))
		s += 11;
	else if (!strncmp(s, "jq: ", 4))
		s += 4;
	end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\n'))
		end--;
	/* "1 compile error" */
	if (end > s && strstr(s, "compile error") == NULL) {
		if (out->len > 0)
			kx_buf_adds(out, "; ");
		for (; s < end; s++)
			kx_buf_addc(out, *s == '\n' ? ' ' : *s);
	}
	jv_free(message);
}

/* Compile the programs and say how it went. */
static void
compile_all(struct evaluator *e)
{
	struct greeting greeting = { .status = KX_OK };
	struct kx_buf said = { 0 };
	size_t i;

	jv_nomem_handler(evaluator_no_memory, NULL);
	for (i = 0; i < e->filter->n && greeting.status == KX_OK; i++) {
		greeting.which = (uint32_t)i;
		e->jq[i] = jq_init();
		if (e->jq[i] == NULL)
			evaluator_no_memory(NULL);
		/* it puts its own in place whenever it runs */
		jq_set_nomem_handler(e->jq[i], evaluator_no_memory, NULL);
		jq_set_error_cb(e->jq[i], on_message, &said);
		if (!jq_compile(e->jq[i],
		    kx_program_text(e->filter->program[i])))
			greeting.status = KX_BAD;
		jq_set_error_cb(e->jq[i], NULL, NULL);
	}
	if (kx_buf_failed(&said))
		evaluator_no_memory(NULL);
	greeting.len = greeting.status == KX_OK ? 0 : (uint32_t)said.len;
	if (!send_all(e->fd, &greeting, sizeof(greeting)) ||
	    !send_all(e->fd, said.ptr, greeting.len) ||
	    greeting.status != KX_OK)
		_exit(0);
	kx_buf_free(&said);
}

/* One request.  False at the end of the socket. */
static bool
serve(struct evaluator *e)
{
	const char *p;
	uint32_t len, n;
	uint64_t total = 0;

	kx_buf_reset(&e->out, KEEP_LEN);
	kx_buf_add(&e->out, &total, sizeof(total));
	for (n = 0;; n++) {
		p = evaluator_read(e, sizeof(len));
		if (p == NULL)
			return false;
		memcpy(&len, p, sizeof(len));
		if (len == REQUEST_END)
			break;
		p = evaluator_read(e, len);
		if (p == NULL)
			return false;
		*e->at = n;
		switch (kx_json_scan(&e->json, p, len, NULL)) {
		case KX_OK:
			break;
		case KX_BAD:
			_exit(EXIT_BROKEN);
		default:
			evaluator_no_memory(NULL);
		}
		evaluate(e);
	}
	if (kx_buf_failed(&e->out))
		evaluator_no_memory(NULL);
	total = e->out.len - sizeof(total);
	memcpy(e->out.ptr, &total, sizeof(total));
	if (e->in.cap > 4 * READ_LEN && e->in_pos == e->in.len) {
		kx_buf_reset(&e->in, 4 * READ_LEN);
		e->in_pos = 0;
	}
	return send_all(e->fd, e->out.ptr, e->out.len);
}

/*
 * A child's life.  Signals that a terminal sends to all processes are left to
 * the parent, with which the child ends: by its socket, or where a program
 * never comes to an end, by the signal that the system sends for the parent.
 * Standard input and output are let go: who is at their other ends waits for
 * the parent alone.
 */
static void __attribute__((noreturn))
evaluator_main(struct kx_filter *filter, unsigned number, int fd,
    pid_t parent, const struct kx_kernel *kernel)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP };
	struct evaluator e = { .filter = filter, .fd = fd,
	    .at = &filter->shared[number] };
	struct sigaction sa = { .sa_handler = SIG_IGN };
	unsigned i;
	size_t k;
	int null;

	for (k = 0; k < sizeof(ignored) / sizeof(*ignored); k++)
		(void)sigaction(ignored[k], &sa, NULL);
#ifdef __linux__
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (getppid() != parent)
		_exit(0);
	for (i = 0; i <= number; i++)
		(void)close(filter->worker[i].fd);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(EXIT_BROKEN);
	e.open = malloc((KX_MAX_DEPTH + 1) * sizeof(*e.open));
	e.jq = calloc(filter->n + 1, sizeof(jq_state *));
	if (e.open == NULL || e.jq == NULL ||
	    kx_json_init(&e.json, kernel) != KX_OK)
		evaluator_no_memory(NULL);
	for (k = 0; k < N_KEYS; k++)
		e.key[k] = jv_invalid();
	/* Wait for work before compiling: most often none will come. */
	if (filter->native) {
		char c;
		ssize_t n;

		do
			n = recv(fd, &c, 1, MSG_PEEK);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			_exit(0);
	}
	compile_all(&e);
	while (serve(&e))
		continue;
	_exit(0);
}

/* The parent's side */

/* A snapshot without its image. */
static void
add_snapshot(struct kx_buf *out, const struct kx_json *json, uint32_t obj)
{
	uint32_t i, end = json->node[obj].next;
	bool more = false;

	kx_buf_addc(out, '{');
	for (i = obj + 1; i < end; i = json->node[i + 1].next) {
		if (kx_json_str_eq(json, i, KX_SPAN("image")))
			continue;
		if (more)
			kx_buf_addc(out, ',');
		more = true;
		kx_buf_addspan(out, kx_json_raw(json, i));
		kx_buf_addc(out, ':');
		kx_buf_addspan(out, kx_json_raw(json, i + 1));
	}
	kx_buf_addc(out, '}');
}

/* An array's elements, where they are objects without their images. */
static void
add_snapshots(struct kx_buf *out, const struct kx_json *json, uint32_t array)
{
	uint32_t i, end = json->node[array].next;

	kx_buf_addc(out, '[');
	for (i = array + 1; i < end; i = json->node[i].next) {
		if (i > array + 1)
			kx_buf_addc(out, ',');
		if (kx_json_type(json, i) == KX_JSON_OBJECT)
			add_snapshot(out, json, i);
		else
			kx_buf_addspan(out, kx_json_raw(json, i));
	}
	kx_buf_addc(out, ']');
}

/* The event made of what the programs can reach, as text. */
static void
add_reduced(const struct kx_filter *filter, struct kx_buf *out,
    const struct kx_json *json)
{
	uint32_t found[KX_PICK_MAX];
	bool more = false;
	unsigned i;

	kx_pick_find(&filter->reach, json, 0, found);
	kx_buf_addc(out, '{');
	for (i = 0; i < filter->reach.n; i++) {
		if (found[i] == 0)
			continue;
		if (more)
			kx_buf_addc(out, ',');
		more = true;
		kx_buf_addspan(out, kx_json_raw(json, found[i] - 1));
		kx_buf_addc(out, ':');
		if (!filter->images &&
		    kx_json_type(json, found[i]) == KX_JSON_ARRAY &&
		    kx_span_eq(filter->reach.name[i], KX_SPAN("snapshots")))
			add_snapshots(out, json, found[i]);
		else
			kx_buf_addspan(out, kx_json_raw(json, found[i]));
	}
	kx_buf_addc(out, '}');
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

/* Put the record with those that go to the evaluator. */
static void
enqueue(const struct kx_filter *filter, struct worker *w,
    const struct kx_json *json)
{
	size_t at = w->request.len;
	struct kx_span text = { json->text, json->text_len };
	uint32_t len = (uint32_t)text.len;

	w->n_asked++;
	kx_buf_add(&w->request, &len, sizeof(len));
	if (!filter->whole && kx_json_type(json, 0) == KX_JSON_OBJECT) {
		add_reduced(filter, &w->request, json);
		if (kx_buf_failed(&w->request))
			return;
		len = (uint32_t)(w->request.len - at - sizeof(len));
		memcpy(w->request.ptr + at, &len, sizeof(len));
	} else if (text.len >= DIRECT_LEN) {
		if (!add_direct(w, text))
			w->no_memory = true;
	} else {
		kx_buf_addspan(&w->request, text);
	}
}

enum kx_verdict
kx_filter_ask(struct kx_filter *filter, unsigned worker,
    const struct kx_json *json)
{
	struct worker *w = &filter->worker[worker];
	enum kx_answer answer;
	size_t i;

	for (i = 0; i < filter->n && !filter->plain; i++) {
		answer = kx_program_answer(filter->program[i], json,
		    &w->scratch);
		if (answer == KX_ANSWER_NO)
			return KX_VERDICT_NO;
		if (answer == KX_ANSWER_UNSURE)
			break;
	}
	if (i == filter->n)
		return KX_VERDICT_YES;
	enqueue(filter, w, json);
	return KX_VERDICT_LATER;
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
	const uint32_t end = REQUEST_END;
	size_t i, off = 0;

	for (i = 0; i < w->n_direct; i++) {
		if (!send_all(w->fd, w->request.ptr + off,
		    w->direct[i].off - off) ||
		    !send_all(w->fd, w->direct[i].text.ptr,
		    w->direct[i].text.len))
			return false;
		off = w->direct[i].off;
	}
	return send_all(w->fd, w->request.ptr + off, w->request.len - off) &&
	    send_all(w->fd, &end, sizeof(end));
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

enum kx_status
kx_filter_start(struct kx_filter *filter, unsigned n_workers,
    const struct kx_kernel *kernel, size_t *which, struct kx_error *err)
{
	pid_t parent = getpid();
	struct worker *w;
	int pair[2];
	unsigned i;
	void *shared;
	enum kx_status status = KX_OK;

	*which = 0;
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
			evaluator_main(filter, i, pair[1], parent, kernel);
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
	kx_buf_reset(&w->reply, KEEP_LEN);
	if (w->n_asked == 0)
		return KX_OK;
	if (w->fd >= 0 && (w->no_memory || kx_buf_failed(&w->request))) {
		status = kx_error_set(err, KX_FATAL, ENOMEM,
		    "cannot ask libjq");
	} else if (w->fd >= 0) {
		if (!send_request(w)) {
			lose(w);
			*lost = filter->shared[worker];
		} else if (greet(w, &which, err) != KX_OK) {
			w->lost = *err;
		} else if (!recv_all(w->fd, &len, sizeof(len))) {
			lose(w);
			*lost = filter->shared[worker];
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
	w->n_asked = 0;
	w->n_direct = 0;
	kx_buf_reset(&w->request, KEEP_LEN);
	return status;
}

enum kx_verdict
kx_filter_next(struct kx_filter *filter, unsigned worker,
    struct kx_span *message)
{
	struct worker *w = &filter->worker[worker];
	const char *p = w->reply.ptr + w->reply_pos;
	uint32_t len;

	if (w->reply_pos == w->reply.len)
		return KX_VERDICT_NO;
	w->reply_pos++;
	if (*p == KX_VERDICT_ERROR) {
		memcpy(&len, p + 1, sizeof(len));
		*message = (struct kx_span){ p + 1 + sizeof(len), len };
		w->reply_pos += sizeof(len) + len;
	}
	return (enum kx_verdict)*p;
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
	}
	if (filter->map != NULL)
		(void)munmap(filter->map,
		    filter->n_workers * sizeof(*filter->shared));
	free(filter->worker);
	for (k = 0; k < filter->n; k++) {
		if (filter->program != NULL)
			kx_program_free(filter->program[k]);
	}
	free(filter->program);
	free(filter);
}
