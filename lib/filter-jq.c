/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libjq, at arm's length: what an evaluator does.  No other file knows of it.
 *
 * All of this runs in a child (kx/filter.h), compiling included: where memory
 * runs out libjq aborts or worse, and some programs make it do so.  Native
 * programs (kx/program.h) are not compiled until an evaluator meets its first
 * record, for all that they can hold is known to compile: a run that never
 * asks saves the 20 ms that libjq takes to link its builtins.
 *
 * Cost: a text is scanned once more, some 2 GB/s; libjq takes microseconds for
 * each record.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <jv.h>
#include <jq.h>

#include "kx/buf.h"
#include "kx/num.h"

#include "filter-jq.h"

/* Bytes of a request that are read at a time. */
#define READ_LEN ((size_t)256 << 10)
/* Longest message of libjq's that is passed on. */
#define MESSAGE_MAX ((size_t)600)
/* Outputs that are waited for of a program that need not go on. */
#define GIVE_UP_MAX ((size_t)1 << 24)
/* Values less deep than this can be printed by every libjq. */
#define SURE_DEPTH 256
/* The most that a program puts out for an event, beside four times its
 * length. */
#define OUTPUT_MAX ((size_t)32 << 20)

struct open_value {
	jv value;
	jv key;			/* of the member that comes next */
	uint32_t end;		/* node behind it */
};

enum { N_KEYS = 256 };

struct evaluator {
	const struct kx_evaluator *setup;
	jq_state **jq;		/* an entry a program */
	int fd;
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

/* Append one text that a program has to say; frees it. */
static void
put_text(struct evaluator *e, const char *prefix, jv text, size_t max)
{
	size_t prefix_len = strlen(prefix);
	size_t len = (size_t)jv_string_length_bytes(jv_copy(text));
	uint32_t total;

	if (len > max) {
		len = max;
		while (len > 0 &&
		    (jv_string_value(text)[len] & 0xc0) == 0x80)
			len--;
	}
	total = (uint32_t)(prefix_len + len);
	kx_buf_add(&e->out, &total, sizeof(total));
	kx_buf_add(&e->out, prefix, prefix_len);
	kx_buf_add(&e->out, jv_string_value(text), len);
	jv_free(text);
	if (kx_buf_failed(&e->out))
		evaluator_no_memory(NULL);
}

/* Append libjq's message; frees it. */
static void
put_message(struct evaluator *e, jv message)
{
	if (jv_get_kind(message) == JV_KIND_STRING)
		put_text(e, "", message, MESSAGE_MAX);
	else
		put_text(e, "(not a string): ", jv_dump_string(message, 0),
		    MESSAGE_MAX);
}

static void
put_reply(struct evaluator *e, enum reply reply, size_t program)
{
	uint32_t which = (uint32_t)program;

	kx_buf_addc(&e->out, (char)reply);
	kx_buf_add(&e->out, &which, sizeof(which));
}

/* Have program i begin on the event.  One that asks for the line has been
 * compiled to take both. */
static void
start(struct evaluator *e, size_t i, jv value, uint64_t line)
{
	if (kx_program_needs_line(e->setup->program[i]))
		value = JV_ARRAY(value, jv_number((double)line));
	jq_start(e->jq[i], value, 0);
}

/* Program i need not go on, but libjq 1.6 cannot begin again where it keeps
 * track of paths: there it is run to its end.  An end that is too far off is
 * the evaluator's. */
static void
give_up(struct evaluator *e, size_t i)
{
	bool more = e->setup->redefined ||
	    kx_program_tracks_paths(e->setup->program[i]);
	size_t n;
	jv result;

	for (n = 0; more; n++) {
		if (n == GIVE_UP_MAX)
			_exit(EXIT_BROKEN);
		result = jq_next(e->jq[i]);
		more = jv_is_valid(result);
		jv_free(result);
	}
}

/* Has the program an output that is true?  It is run no further than that.
 * *failed is libjq's message, or invalid. */
static bool
holds(struct evaluator *e, size_t i, jv *failed)
{
	jq_state *jq = e->jq[i];
	jv result;

	*failed = jv_invalid();
	for (;;) {
		result = jq_next(jq);
		if (!jv_is_valid(result))
			break;
		if (jv_get_kind(result) != JV_KIND_NULL &&
		    jv_get_kind(result) != JV_KIND_FALSE) {
			jv_free(result);
			give_up(e, i);
			return true;
		}
		jv_free(result);
	}
	if (jv_invalid_has_msg(jv_copy(result)))
		*failed = jv_invalid_get_msg(result);
	else
		jv_free(result);
	return false;
}

/* Not to be read back here; or deeper than some releases of libjq print, which
 * then put something into the text that is no JSON. */
static bool
is_too_deep(jv text)
{
	size_t len = (size_t)jv_string_length_bytes(jv_copy(text));

	return len > 2 * SURE_DEPTH && kx_json_check(jv_string_value(text),
	    len, NULL, NULL) != KX_OK;
}

/* All outputs of program i, which has begun, on an event of `len` bytes. */
static void
put_outputs(struct evaluator *e, size_t i, size_t len)
{
	size_t max = e->out.len + OUTPUT_MAX + 4 * len;
	const char *why;
	jv result, text;

	for (;;) {
		result = jq_next(e->jq[i]);
		if (!jv_is_valid(result))
			break;
		text = jv_dump_string(result, 0);
		why = NULL;
		if (is_too_deep(text))
			why = "an output is nested too deeply to be printed";
		else if (e->out.len + (size_t)jv_string_length_bytes(
		    jv_copy(text)) > max)
			why = "the program puts out too much for one event";
		if (why != NULL) {
			jv_free(text);
			put_reply(e, REPLY_FAILED, i);
			put_text(e, why, jv_string(""), 0);
			give_up(e, i);
			return;
		}
		put_reply(e, REPLY_OUTPUT, i);
		put_text(e, "", text, SIZE_MAX);
	}
	if (jv_invalid_has_msg(jv_copy(result))) {
		put_reply(e, REPLY_FAILED, i);
		put_message(e, jv_invalid_get_msg(result));
	} else {
		jv_free(result);
	}
}

/* Run the programs on the scanned record: conditions up to the first that
 * does not hold. */
static void
evaluate(struct evaluator *e, const struct request *request)
{
	const struct kx_evaluator *setup = e->setup;
	jv value = make_value(e), failed;
	size_t i;

	for (i = request->held; i < setup->n_conditions; i++) {
		start(e, i, jv_copy(value), request->line);
		if (holds(e, i, &failed))
			continue;
		if (jv_is_valid(failed)) {
			kx_buf_addc(&e->out, KX_VERDICT_ERROR);
			put_message(e, failed);
		} else {
			kx_buf_addc(&e->out, KX_VERDICT_NO);
		}
		jv_free(value);
		return;
	}
	kx_buf_addc(&e->out, KX_VERDICT_YES);
	if (i < setup->n) {
		for (; i < setup->n; i++) {
			start(e, i, jv_copy(value), request->line);
			put_outputs(e, i, request->len);
		}
		kx_buf_addc(&e->out, REPLY_END);
	}
	jv_free(value);
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

/* The variables that programs are given: their values by their names, and
 * all of them once more as $ARGS.named. */
static jv
make_args(const struct kx_evaluator *setup)
{
	jv args = jv_object(), value;
	size_t i;

	for (i = 0; i < setup->n_args; i++) {
		value = jv_parse_sized(setup->args[i].json.ptr,
		    (int)setup->args[i].json.len);
		if (!jv_is_valid(value)) {
			jv_free(args);
			return value;
		}
		args = jv_object_set(args, jv_string(setup->args[i].name),
		    value);
	}
	return jv_object_set(args, jv_string("ARGS"), JV_OBJECT(
	    jv_string("positional"), jv_array(),
	    jv_string("named"), jv_copy(args)));
}

/*
 * Compile a program.  libjq counts lines by itself only where it reads the
 * input too: a program that asks for input_line_number is given the line
 * beside the event.  It is compiled as it stands first, for the sake of the
 * messages.
 */
static bool
compile_one(jq_state *jq, const struct kx_program *program, jv args)
{
	const char *text = kx_program_text(program);
	struct kx_buf wrapped = { 0 };
	bool done;

	if (!jq_compile_args(jq, text, jv_copy(args)))
		return false;
	if (!kx_program_needs_line(program))
		return true;
	kx_buf_adds(&wrapped, ".[1] as $__line | .[0] | "
	    "def input_line_number: $__line; ");
	kx_buf_adds(&wrapped, text);
	kx_buf_addc(&wrapped, '\0');
	if (kx_buf_failed(&wrapped))
		evaluator_no_memory(NULL);
	done = jq_compile_args(jq, wrapped.ptr, jv_copy(args));
	kx_buf_free(&wrapped);
	return done;
}

/* Compile the programs and say how it went. */
static void
compile_all(struct evaluator *e)
{
	struct greeting greeting = { .status = KX_OK };
	struct kx_buf said = { 0 };
	size_t i;
	jv args;

	jv_nomem_handler(evaluator_no_memory, NULL);
	args = make_args(e->setup);
	if (!jv_is_valid(args)) {
		on_message(&said, jv_invalid_get_msg(jv_copy(args)));
		greeting.status = KX_BAD;
	}
	for (i = 0; i < e->setup->n && greeting.status == KX_OK; i++) {
		greeting.which = (uint32_t)i;
		e->jq[i] = jq_init();
		if (e->jq[i] == NULL)
			evaluator_no_memory(NULL);
		/* it puts its own in place whenever it runs */
		jq_set_nomem_handler(e->jq[i], evaluator_no_memory, NULL);
		jq_set_error_cb(e->jq[i], on_message, &said);
		if (!compile_one(e->jq[i], e->setup->program[i], args))
			greeting.status = KX_BAD;
		jq_set_error_cb(e->jq[i], NULL, NULL);
	}
	jv_free(args);
	if (kx_buf_failed(&said))
		evaluator_no_memory(NULL);
	greeting.len = greeting.status == KX_OK ? 0 : (uint32_t)said.len;
	if (!kx_send_all(e->fd, &greeting, sizeof(greeting)) ||
	    !kx_send_all(e->fd, said.ptr, greeting.len) ||
	    greeting.status != KX_OK)
		_exit(0);
	kx_buf_free(&said);
}

/* One request.  False at the end of the socket. */
static bool
serve(struct evaluator *e)
{
	struct request request;
	const char *p;
	uint64_t total = 0;
	uint32_t n;

	kx_buf_reset(&e->out, KEEP_LEN);
	kx_buf_add(&e->out, &total, sizeof(total));
	for (n = 0;; n++) {
		p = evaluator_read(e, sizeof(request));
		if (p == NULL)
			return false;
		memcpy(&request, p, sizeof(request));
		if (request.len == REQUEST_END)
			break;
		p = evaluator_read(e, request.len);
		if (p == NULL)
			return false;
		*e->setup->at = n;
		switch (kx_json_scan(&e->json, p, request.len, NULL)) {
		case KX_OK:
			break;
		case KX_BAD:
			_exit(EXIT_BROKEN);
		default:
			evaluator_no_memory(NULL);
		}
		evaluate(e, &request);
	}
	if (kx_buf_failed(&e->out))
		evaluator_no_memory(NULL);
	total = e->out.len - sizeof(total);
	memcpy(e->out.ptr, &total, sizeof(total));
	if (e->in.cap > 4 * READ_LEN && e->in_pos == e->in.len) {
		kx_buf_reset(&e->in, 4 * READ_LEN);
		e->in_pos = 0;
	}
	return kx_send_all(e->fd, e->out.ptr, e->out.len);
}

/*
 * A child's life.  Signals that a terminal sends to all processes are left to
 * the parent, with which the child ends: by its socket, or where a program
 * never comes to an end, by the signal that the system sends for the parent.
 * Standard input and output are let go: who is at their other ends waits for
 * the parent alone.
 */
void
kx_evaluator_main(const struct kx_evaluator *setup)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP };
	struct evaluator e = { .setup = setup, .fd = setup->fd };
	struct sigaction sa = { .sa_handler = SIG_IGN };
	size_t k;
	ssize_t n;
	int null;
	char c;

	for (k = 0; k < sizeof(ignored) / sizeof(*ignored); k++)
		(void)sigaction(ignored[k], &sa, NULL);
#ifdef __linux__
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (getppid() != setup->parent)
		_exit(0);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(EXIT_BROKEN);
	e.open = malloc((KX_MAX_DEPTH + 1) * sizeof(*e.open));
	e.jq = calloc(setup->n + 1, sizeof(jq_state *));
	if (e.open == NULL || e.jq == NULL ||
	    kx_json_init(&e.json, setup->kernel) != KX_OK)
		evaluator_no_memory(NULL);
	for (k = 0; k < N_KEYS; k++)
		e.key[k] = jv_invalid();
	/* Wait for work before compiling: most often none will come. */
	if (setup->lazy) {
		do
			n = recv(e.fd, &c, 1, MSG_PEEK);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			_exit(0);
	}
	compile_all(&e);
	while (serve(&e))
		continue;
	_exit(0);
}
