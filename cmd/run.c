/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of the five programs.  The main thread reads, and finishes chunks
 * in their order; workers do the rest.  Messages, output and rejects are
 * written by the main thread alone, which is why they are the same bytes for
 * every number of workers.
 *
 * What goes out of a chunk are pieces of it as they lie: neighbours that are
 * all passed on are one piece and one write.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kx/kernel.h"
#include "kx/pool.h"

#include "run.h"

/* Capacity that buffers keep from one chunk to the next; what one huge record
 * needed beyond it is given back. */
#define KEEP ((size_t)4 << 20)

/* Findings of a chunk, about, that are held at a time where slices are
 * possible: a few MB. */
#define SLICE 8192

/* Bytes of a JSON pointer that are kept: more than a message shows. */
#define POINTER_MOST 1000

#define PROGRESS_MS 200		/* between two lines, on a terminal */
#define PROGRESS_LOG_MS 1000	/* elsewhere */

#define RS 0x1e

struct run {
	const struct run_ops *ops;
	void *ctx;
	struct kx_output *out;
	struct kx_output rejects;
	bool rejects_torn;	/* the last reject has no line end */
	struct kx_pool *pool;
	struct run_worker *workers;
	unsigned n_workers;
	struct run_batch *batches;
	struct run_batch extra;		/* without a chunk */
	void **slots;
	size_t n_batches;
	struct run_totals totals;
	bool stop;		/* no more is wanted */
	bool failed;		/* a write did */
	bool said_no_memory;
	/* progress */
	bool show;
	uint64_t interval_ms, shown_ms, begun_ms;
	uint64_t size;		/* of all inputs that have one; 0: unknown */
	uint64_t done;		/* packed bytes of the inputs before */
	const struct kx_source *source;
};

/* --- for workers ---------------------------------------------------------- */

/* Room for one more in an array of the batch; the new array, or NULL. */
static void *
more_room(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want;

	if (n < *cap)
		return array;
	want = *cap == 0 ? 16 : 2 * *cap;
	array = reallocarray(array, want, size);
	if (array != NULL)
		*cap = want;
	return array;
}

static void
add_piece(struct run_batch *batch, const char *ptr, size_t off, size_t len)
{
	struct run_piece *last, *pieces;

	if (len == 0)
		return;
	if (batch->n_pieces > 0) {
		last = &batch->pieces[batch->n_pieces - 1];
		if (ptr != NULL ? last->ptr != NULL &&
		    last->ptr + last->len == ptr : last->ptr == NULL &&
		    last->off + last->len == off) {
			last->len += len;
			return;
		}
	}
	pieces = more_room(batch->pieces, batch->n_pieces,
	    &batch->cap_pieces, sizeof(*pieces));
	if (pieces == NULL) {
		batch->no_memory = true;
		return;
	}
	batch->pieces = pieces;
	pieces[batch->n_pieces++] = (struct run_piece){ ptr, off, len };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Append a JSON text without the white space between its tokens. */
static void
add_compact(struct kx_buf *buf, struct kx_span text)
{
	const char *p = text.ptr, *end = p + text.len, *from;

	if (!kx_buf_reserve(buf, text.len))
		return;
	while (p < end) {
		from = p;
		if (*p == '"') {
			for (p++; *p != '"'; p++)
				if (*p == '\\')
					p++;
			p++;
		} else {
			while (p < end && *p != '"' && !is_blank(*p))
				p++;
		}
		kx_buf_add(buf, from, (size_t)(p - from));
		while (p < end && is_blank(*p))
			p++;
	}
}

/* May it stand on a line as it is? */
static bool
is_line(const struct kx_record *record)
{
	return !record->multiline || (memchr(record->text.ptr, '\n',
	    record->text.len) == NULL && memchr(record->text.ptr, '\r',
	    record->text.len) == NULL);
}

void
run_pass(struct run_batch *batch, const struct kx_record *record)
{
	size_t len = record->text.len, from;

	if (!is_line(record)) {
		from = batch->made.len;
		add_compact(&batch->made, record->text);
		kx_buf_addc(&batch->made, '\n');
		run_made(batch, from);
	} else if (record->raw.ptr == record->text.ptr &&
	    record->raw.len == len + 1 && record->raw.ptr[len] == '\n') {
		add_piece(batch, record->raw.ptr, 0, len + 1);
	} else {
		add_piece(batch, record->text.ptr, 0, len);
		add_piece(batch, "\n", 0, 1);
	}
}

/*
 * Rejects stand in the file byte for byte.  A record that has no line end (the
 * last of its input, or an element of an array) is given one when another
 * follows, unless that begins with an RS: so the file is itself a log that can
 * be read, and of one torn record it is an exact copy.
 */
void
run_reject(struct run_batch *batch, const struct kx_record *record)
{
	struct kx_buf *buf = &batch->rejects;

	if (cli.rejects == NULL || record->raw.len == 0)
		return;
	if (buf->len > 0 && buf->ptr[buf->len - 1] != '\n' &&
	    record->raw.ptr[0] != RS)
		kx_buf_addc(buf, '\n');
	kx_buf_addspan(buf, record->raw);
}

void
run_made_range(struct run_batch *batch, size_t from, size_t len)
{
	if (kx_buf_failed(&batch->made))
		batch->no_memory = true;
	else
		add_piece(batch, NULL, from, len);
}

void
run_made(struct run_batch *batch, size_t from)
{
	run_made_range(batch, from, batch->made.len - from);
}

void
run_make_line(struct run_batch *batch, const struct kx_record *record,
    struct kx_span line)
{
	if (is_line(record))
		kx_buf_addspan(&batch->made, line);
	else
		add_compact(&batch->made, line);
	kx_buf_addc(&batch->made, '\n');
}

/* By insertion: there are few, and most stand where they should. */
void
run_sort_findings(struct run_batch *batch)
{
	struct kx_finding finding;
	size_t i, k;

	for (i = 1; i < batch->n_findings; i++) {
		finding = batch->findings[i];
		for (k = i; k > 0 && batch->findings[k - 1].off >
		    finding.off; k--)
			batch->findings[k] = batch->findings[k - 1];
		batch->findings[k] = finding;
	}
}

void
run_truncate(struct run_batch *batch, const struct kx_record *record)
{
	uint64_t end = record->off + record->text.len;
	size_t i, n = 0;

	for (i = 0; i < batch->n_findings; i++)
		if (batch->findings[i].off < end)
			batch->findings[n++] = batch->findings[i];
	batch->n_findings = n;
	for (n = 0; n < batch->n_malformed && batch->marks[n].off < end; n++)
		continue;
	if (n < batch->n_malformed)
		batch->rejects.len = batch->marks[n].rejects_len;
	batch->n_malformed = n;
}

struct kx_span
run_line(const struct kx_json *json, const struct kx_record *record,
    struct kx_buf *scratch)
{
	(void)json;
	if (is_line(record))
		return record->text;
	kx_buf_reset(scratch, KEEP);
	add_compact(scratch, record->text);
	return kx_buf_failed(scratch) ? KX_SPAN_NULL : kx_buf_span(scratch);
}

/* Line and column of byte `at` of the record's text. */
static void
find_place(struct kx_finding *finding, const struct kx_record *record,
    size_t at)
{
	const char *p = record->text.ptr, *end = p + at, *found;

	finding->line = record->line;
	finding->column = record->column + at;
	finding->off = record->off + at;
	while (record->multiline &&
	    (found = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p = found + 1;
		finding->line++;
		finding->column = (uint64_t)(end - p) + 1;
	}
	if (cli.diagnostics != KX_DIAG_SARIF)
		return;
	/* Of what stands before the record on its line no more is known than
	 * that it is there. */
	for (finding->characters = finding->column; p < end; p++)
		finding->characters -= ((unsigned char)*p & 0xc0) == 0x80;
}

static void
add_finding(struct run_batch *batch, const struct kx_finding *finding)
{
	struct kx_finding *findings = more_room(batch->findings,
	    batch->n_findings, &batch->cap_findings, sizeof(*findings));

	if (findings == NULL) {
		batch->no_memory = true;
		return;
	}
	batch->findings = findings;
	findings[batch->n_findings++] = *finding;
}

static void
add_message(struct run_batch *batch, const struct kx_record *record,
    enum kx_severity severity, const char *rule, size_t at,
    const char *pointer, const char *fmt, va_list ap)
{
	struct kx_finding finding = { .severity = severity, .rule = rule,
	    .file = batch->file, .pointer = pointer };
	char message[1000];
	int n;

	find_place(&finding, record, at);
	if (!strcmp(fmt, "%s")) {
		/* Worded already, as it mostly is where there are many. */
		finding.message = kx_arena_dup(&batch->arena,
		    kx_span_str(va_arg(ap, const char *)));
	} else {
		n = vsnprintf(message, sizeof(message), fmt, ap);
		if (n < 0)
			message[0] = '\0';
		finding.message = kx_arena_dup(&batch->arena,
		    kx_span_str(message));
	}
	if (finding.message == NULL)
		batch->no_memory = true;
	else
		add_finding(batch, &finding);
}

void
run_finding(struct run_batch *batch, const struct kx_record *record,
    const struct kx_json *json, enum kx_severity severity, const char *rule,
    size_t at, uint32_t node, const char *fmt, ...)
{
	const char *copy = NULL;
	struct kx_span span;
	va_list ap;

	if (node != 0) {
		kx_buf_reset(&batch->pointer, KEEP);
		kx_json_pointer(json, node, &batch->pointer);
		span = kx_buf_span(&batch->pointer);
		if (span.len > POINTER_MOST)
			span.len = POINTER_MOST;
		if (!kx_buf_failed(&batch->pointer))
			copy = kx_arena_dup(&batch->arena, span);
		if (copy == NULL)
			batch->no_memory = true;
	}
	va_start(ap, fmt);
	add_message(batch, record, severity, rule, at, copy, fmt, ap);
	va_end(ap);
}

void
run_finding_at(struct run_batch *batch, const struct kx_record *record,
    enum kx_severity severity, const char *rule, size_t at,
    const char *pointer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_message(batch, record, severity, rule, at, pointer, fmt, ap);
	va_end(ap);
}

KX_PRINTF(5, 6) static void
malformed(struct run_batch *batch, const struct kx_record *record,
    const char *rule, size_t at, const char *fmt, ...)
{
	struct run_mark *marks = more_room(batch->marks, batch->n_malformed,
	    &batch->cap_marks, sizeof(*marks));
	va_list ap;

	if (marks == NULL) {
		batch->no_memory = true;
		return;
	}
	batch->marks = marks;
	marks[batch->n_malformed++] = (struct run_mark){ record->off,
	    batch->rejects.len };
	va_start(ap, fmt);
	add_message(batch, record, KX_SEV_ERROR, rule, at, NULL, fmt, ap);
	va_end(ap);
	run_reject(batch, record);
}

/* A record that is no JSON text.  One that ends too early was torn only where
 * the stream ends there too. */
static void
refuse(struct run_batch *batch, const struct kx_record *record,
    const struct kx_json_error *fault)
{
	const char *rule = fault->rule;

	if (record->text.len == 0) {
		if (record->unended)
			malformed(batch, record, "truncated-record", 0,
			    "the stream ends inside an array");
		else
			malformed(batch, record, "syntax", 0,
			    "',' or ']' expected behind an array's element");
		return;
	}
	if (!record->unended && !strcmp(rule, "truncated-record")) {
		/* What is open is named where it begins: a quote is more to
		 * look for than the end of a long line. */
		if (fault->from < record->text.len &&
		    record->text.ptr[fault->from] == '"') {
			malformed(batch, record, "string-not-closed",
			    fault->from, "string not closed before the end "
			    "of the line");
			return;
		}
		rule = "syntax";
	}
	malformed(batch, record, rule, fault->off, "%s", fault->message);
}

/* A number or literal in a sequence that no white space follows may have been
 * longer (RFC 7464, 2.4). */
static bool
is_doubtful(const struct kx_json *json, const struct kx_record *record)
{
	return record->unended && record->raw.ptr[0] == RS &&
	    kx_json_type(json, 0) <= KX_JSON_NUMBER &&
	    !is_blank(record->raw.ptr[record->raw.len - 1]);
}

static void
do_record(struct run *run, struct run_worker *worker,
    struct run_batch *batch, struct kx_record *record)
{
	struct kx_json_error fault;
	struct kx_record rest;

again:
	batch->n_records++;
	if (record->overlong) {
		malformed(batch, record, "record-too-long", 0,
		    "record of more than %zu bytes (--max-record)",
		    batch->chunk.max_record);
		return;
	}
	switch (kx_json_scan(&worker->json, record->text.ptr,
	    record->text.len, &fault)) {
	case KX_OK:
		if (is_doubtful(&worker->json, record))
			malformed(batch, record, "truncated-record",
			    record->text.len,
			    "the text may have been cut here");
		else
			run->ops->record(run->ctx, worker, batch, record);
		break;
	case KX_BAD:
		if (kx_record_split(record, &rest)) {
			/* Once more, and this time it is a text. */
			batch->n_records--;
			do_record(run, worker, batch, record);
			*record = rest;
			goto again;
		}
		refuse(batch, record, &fault);
		break;
	default:
		batch->no_memory = true;
		run_reject(batch, record);
		break;
	}
}

/* A piece of a record that is passed by; it goes to --rejects from where it
 * lies. */
static void
do_overlong(struct run_batch *batch)
{
	const struct kx_chunk *chunk = &batch->chunk;
	struct kx_record place = {
		.text = { chunk->buf.ptr, 0 }, .off = chunk->off,
		.line = chunk->line, .column = chunk->column + 1
	};

	if (chunk->overlong_first) {
		batch->n_records++;
		if (chunk->framing == KX_FRAMING_SEQ &&
		    chunk->buf.ptr[0] == RS) {
			place.off++;
			place.column++;
		}
		/* That memory was refused is no word on the record. */
		if (chunk->refused)
			batch->no_memory = true;
		else
			malformed(batch, &place, "record-too-long", 0,
			    "record of more than %zu bytes (--max-record)",
			    chunk->max_record);
	}
}

/* What a huge record made the scanner hold is given back. */
static void
shrink_worker(struct run_worker *worker, struct run_batch *batch)
{
	kx_buf_reset(&worker->scratch, KEEP);
	if (batch->chunk.buf.len <= 2 * KEEP)
		return;
	kx_json_fini(&worker->json);
	if (kx_json_init(&worker->json, cli.kernel) != KX_OK)
		cli_die(ENOMEM, "cannot go on");
}

/* Records of the chunk, to its end or until there is much to say of them. */
static void
do_records(struct run *run, struct run_worker *worker,
    struct run_batch *batch)
{
	struct kx_record record;

	batch->paused = false;
	while (kx_chunk_next(&batch->chunk, &record) == KX_OK) {
		do_record(run, worker, batch, &record);
		if (run->ops->slices && batch->n_findings >= SLICE) {
			batch->paused = true;
			break;
		}
	}
}

static void
work_with(struct run *run, struct run_worker *worker,
    struct run_batch *batch)
{
	if (batch->chunk.overlong)
		do_overlong(batch);
	else
		do_records(run, worker, batch);
	if (run->ops->end != NULL)
		run->ops->end(run->ctx, worker, batch);
	if (kx_buf_failed(&batch->made) || kx_buf_failed(&batch->rejects))
		batch->no_memory = true;
	shrink_worker(worker, batch);
}

static void
work(void *ctx, unsigned index, void *slot)
{
	struct run *run = ctx;

	work_with(run, &run->workers[index], slot);
}

/* --- progress ------------------------------------------------------------- */

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
add_size(struct kx_buf *buf, double n)
{
	static const char units[] = "kMGTP";
	size_t i = 0;

	if (n < 1000) {
		kx_buf_addf(buf, "%.0f B", n);
		return;
	}
	for (n /= 1000; n >= 999.5 && units[i + 1] != '\0'; n /= 1000)
		i++;
	kx_buf_addf(buf, n < 9.95 ? "%.1f %cB" : "%.0f %cB", n, units[i]);
}

static void
show_progress(struct run *run, bool force)
{
	char space[256 + KX_PADDING];
	struct kx_buf line = { space, 0, 256, false };
	uint64_t now, took, at, left;

	if (!run->show)
		return;
	now = now_ms();
	if (!force && now - run->shown_ms < run->interval_ms)
		return;
	run->shown_ms = now;
	took = now - run->begun_ms;
	at = run->done +
	    (run->source != NULL ? kx_source_position(run->source) : 0);
	add_size(&line, (double)run->totals.bytes);
	kx_buf_addf(&line, ", %" PRIu64 " events", run->totals.records);
	if (took > 0) {
		kx_buf_adds(&line, ", ");
		add_size(&line, (double)run->totals.bytes * 1000 /
		    (double)took);
		kx_buf_adds(&line, "/s");
	}
	if (run->size > 0 && at > 0 && at <= run->size) {
		left = (uint64_t)((double)(run->size - at) * (double)took /
		    (double)at / 1000 + 0.5);
		kx_buf_addf(&line, ", %.0f%%, ETA %" PRIu64 ":%02" PRIu64
		    ":%02" PRIu64, 100.0 * (double)at / (double)run->size,
		    left / 3600, left / 60 % 60, left % 60);
	}
	if (run->ops->progress != NULL)
		run->ops->progress(run->ctx, &line);
	kx_buf_addc(&line, '\0');
	cli_progress(line.ptr);
}

void
run_tick(struct run *run)
{
	show_progress(run, false);
}

/* --- the main thread ------------------------------------------------------ */

/* The output remembers, and its commit says what happened: one message. */
static void
output_failed(struct run *run)
{
	cli_raise(CLI_TROUBLE);
	run->stop = run->failed = true;
}

static void
rejects_failed(struct run *run, const struct kx_error *err)
{
	cli_fail(err->errnum, "%s", err->message);
	run->stop = run->failed = true;
}

static void
write_pieces(struct run *run, const struct run_batch *batch)
{
	struct kx_span spans[64];
	size_t i, n = 0;

	for (i = 0; i < batch->n_pieces; i++) {
		const struct run_piece *piece = &batch->pieces[i];

		spans[n].ptr = piece->ptr != NULL ? piece->ptr :
		    batch->made.ptr + piece->off;
		spans[n++].len = piece->len;
		if (n < 64 && i + 1 < batch->n_pieces)
			continue;
		if (kx_output_writev(run->out, spans, n, NULL) != KX_OK) {
			output_failed(run);
			return;
		}
		n = 0;
	}
}

static void
write_rejects(struct run *run, const struct run_batch *batch)
{
	const struct kx_buf *buf = batch->chunk.overlong ?
	    &batch->chunk.buf : &batch->rejects;
	enum kx_status status = KX_OK;
	struct kx_error err;

	if (buf->len == 0 || cli.rejects == NULL)
		return;
	if (run->rejects_torn && buf->ptr[0] != RS &&
	    !(batch->chunk.overlong && !batch->chunk.overlong_first))
		status = kx_output_write(&run->rejects, "\n", 1, &err);
	if (status == KX_OK)
		status = kx_output_write(&run->rejects, buf->ptr, buf->len,
		    &err);
	if (status != KX_OK)
		rejects_failed(run, &err);
	run->rejects_torn = buf->ptr[buf->len - 1] != '\n';
}

/* What was made of the records so far; the chunk stays. */
static void
empty_results(struct run_batch *batch)
{
	batch->n_pieces = batch->n_findings = 0;
	batch->n_records = batch->n_malformed = 0;
	batch->no_memory = false;
	kx_buf_reset(&batch->made, KEEP);
	kx_buf_reset(&batch->rejects, KEEP);
	kx_arena_reset(&batch->arena);
}

static void
empty_batch(struct run_batch *batch)
{
	empty_results(batch);
	batch->paused = false;
	kx_buf_reset(&batch->chunk.buf, KEEP);
}

static void
say_no_memory(const struct run_batch *batch)
{
	const struct kx_chunk *chunk = &batch->chunk;

	if (chunk->refused)
		cli_fail(ENOMEM, "%s:%" PRIu64 ": a record of more than %zu "
		    "bytes is skipped", cli_quotes(batch->file), chunk->line,
		    chunk->buf.len);
	else
		cli_fail(ENOMEM, "%s: not every record could be handled",
		    cli_quotes(batch->file));
}

/* What a batch has to say, in its order. */
static void
write_batch(struct run *run, const struct run_batch *batch)
{
	/* Results first: a reader that has gone away ends the program before
	 * it says anything. */
	if (run->out != NULL)
		write_pieces(run, batch);
	cli_findings(batch->findings, batch->n_findings);
	write_rejects(run, batch);
	if (batch->no_memory && !run->said_no_memory) {
		say_no_memory(batch);
		run->said_no_memory = true;
	}
}

static void
finish_results(struct run *run, struct run_batch *batch)
{
	bool more = true;

	if (run->ops->finish != NULL)
		more = run->ops->finish(run->ctx, batch);
	run->totals.records += batch->n_records;
	run->totals.malformed += batch->n_malformed;
	if (batch->n_malformed > 0)
		cli_raise(run->ops->malformed_status);
	write_batch(run, batch);
	if (!more)
		run->stop = true;
	empty_results(batch);
}

/* The main thread's own worker, made when a chunk is left to it. */
static struct run_worker *
own_worker(struct run *run)
{
	struct run_worker *worker = &run->workers[run->n_workers];

	if (worker->json.node != NULL)
		return worker;
	worker->index = run->n_workers;
	if (kx_json_init(&worker->json, cli.kernel) != KX_OK ||
	    (run->ops->worker_new != NULL && (worker->user =
	    run->ops->worker_new(run->ctx, worker->index)) == NULL))
		cli_die(ENOMEM, "cannot go on");
	return worker;
}

static void
finish(void *ctx, void *slot)
{
	struct run *run = ctx;
	struct run_batch *batch = slot;

	if (!run->stop) {
		run->totals.bytes += batch->chunk.buf.len;
		finish_results(run, batch);
		while (batch->paused && !run->stop) {
			work_with(run, own_worker(run), batch);
			finish_results(run, batch);
		}
	}
	empty_batch(batch);
}

static void
program_waits(struct run *run)
{
	int fd = run->source == NULL ? -1 :
	    kx_source_wait_fd(run->source);

	if (!run->ops->wait(run->ctx, &run->extra, fd))
		run->stop = true;
	write_batch(run, &run->extra);
	empty_batch(&run->extra);
}

/* Input is about to be waited for: what has been read is answered first. */
static bool
idle(void *arg)
{
	struct run *run = arg;
	struct kx_error err;

	kx_pool_drain(run->pool);
	if (!run->stop && run->ops->wait != NULL)
		program_waits(run);
	if (!run->stop && run->out != NULL &&
	    kx_output_flush(run->out, NULL) != KX_OK)
		output_failed(run);
	if (!run->stop && cli.rejects != NULL &&
	    kx_output_flush(&run->rejects, &err) != KX_OK)
		rejects_failed(run, &err);
	show_progress(run, false);
	return !run->stop;
}

/* True where it was read to its end. */
static bool
read_input(struct run *run, struct kx_source *source, const char *file,
    unsigned input)
{
	const struct kx_reader_options options = {
		.framing = cli.framing, .max_record = cli.max_record,
		.base_off = cli.base_off, .base_line = cli.base_line,
		.kernel = cli.kernel, .idle = idle, .idle_arg = run
	};
	enum kx_status status = KX_FATAL;
	struct kx_reader *reader;
	struct run_batch *batch;
	struct kx_error err;

	if (kx_reader_open(source, &options, &reader, &err) != KX_OK)
		goto fail;
	do {
		batch = kx_pool_slot(run->pool);
		if (run->stop)
			break;
		batch->file = file;
		batch->input = input;
		status = kx_reader_next(reader, &batch->chunk, &err);
		if (run->stop)
			break;
		if (status != KX_EOF && (batch->chunk.buf.len > 0 ||
		    batch->chunk.n_cuts > 0 || batch->chunk.overlong))
			kx_pool_submit(run->pool);
		kx_pool_poll(run->pool);
		show_progress(run, false);
	} while ((status == KX_OK || status == KX_FAIL) && !run->stop);
	kx_reader_close(reader);
	if (status != KX_FATAL)
		return status == KX_EOF;
fail:
	/* Behind what was found in front of it. */
	kx_pool_drain(run->pool);
	if (!run->stop)
		cli_fail(err.errnum, "%s: %s", cli_quotes(file), err.message);
	return false;
}

static bool
is_stdin(const char *name)
{
	return name == NULL || !strcmp(name, "-");
}

static void
cannot_open(const struct run *run, const char *file, int errnum)
{
	const char *hint = errnum != ENOENT || run->ops->hint == NULL ?
	    NULL : run->ops->hint(run->ctx, file);

	if (hint == NULL)
		cli_fail(errnum, "%s", cli_quotes(file));
	else
		cli_fail(errnum, "%s (%s)", cli_quotes(file), hint);
}

static void
read_inputs(struct run *run, char **operands, int n)
{
	struct kx_source *source;
	struct kx_error err;
	const char *name, *file;
	bool whole;
	int i;

	for (i = 0; i < (n > 0 ? n : 1) && !run->stop; i++) {
		name = n > 0 ? operands[i] : NULL;
		file = is_stdin(name) ? "(stdin)" : name;
		if (kx_source_open(name, &source, &err) != KX_OK) {
			kx_pool_drain(run->pool);
			if (!run->stop)
				cannot_open(run, file, err.errnum);
			continue;
		}
		run->source = source;
		if (cli.source != NULL)
			file = cli.source;
		if (run->ops->opened != NULL)
			run->ops->opened(run->ctx, (unsigned)i, file, source);
		whole = read_input(run, source, file, (unsigned)i);
		if (run->ops->closing != NULL)
			run->ops->closing(run->ctx, (unsigned)i, whole);
		run->source = NULL;
		run->done += kx_source_position(source);
		kx_source_close(source);
	}
	kx_pool_drain(run->pool);
}

static void
start_progress(struct run *run, char **operands, int n)
{
	bool tty = isatty(STDERR_FILENO) != 0;
	struct stat st;
	int i;

	run->show = cli.progress > 0 || (cli.progress < 0 && tty);
	if (!run->show)
		return;
	run->interval_ms = tty ? PROGRESS_MS : PROGRESS_LOG_MS;
	run->begun_ms = run->shown_ms = now_ms();
	for (i = 0; i < (n > 0 ? n : 1); i++) {
		const char *name = n > 0 ? operands[i] : NULL;

		if ((is_stdin(name) ? fstat(STDIN_FILENO, &st) :
		    stat(name, &st)) != 0)
			continue;
		if (!S_ISREG(st.st_mode)) {
			run->size = 0;	/* no telling */
			break;
		}
		run->size += (uint64_t)st.st_size;
	}
}

/* The signals that remove temporaries wait while one comes or goes. */
static void
hold_signals(bool hold)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void
open_rejects(struct run *run)
{
	enum kx_status status;
	struct kx_error err;

	if (cli.rejects == NULL)
		return;
	hold_signals(true);
	status = kx_output_open(&run->rejects, cli.rejects, 0, &err);
	if (status == KX_OK)
		cli_temp_add(kx_output_temp(&run->rejects));
	hold_signals(false);
	if (status != KX_OK)
		cli_die(err.errnum, "%s", err.message);
}

/* A run that a failed write has ended leaves no file of rejects, which would
 * not have all of them. */
static void
close_rejects(struct run *run)
{
	struct kx_error err;

	if (cli.rejects == NULL)
		return;
	hold_signals(true);
	cli_temp_remove(kx_output_temp(&run->rejects));
	if (run->failed)
		kx_output_abort(&run->rejects);
	else if (kx_output_commit(&run->rejects, &err) != KX_OK)
		cli_fail(err.errnum, "%s", err.message);
	hold_signals(false);
}

static void
set_up(struct run *run)
{
	static const struct kx_pool_ops pool_ops = { work, finish };
	const struct run_ops *ops = run->ops;
	struct kx_error err;
	size_t i;

	run->n_workers = ops->serial || cli.jobs < 2 ? 1 : cli.jobs;
	run->n_batches = run->n_workers > 1 ? 2 * run->n_workers + 2 : 1;
	run->workers = calloc(run->n_workers + 1, sizeof(*run->workers));
	run->batches = calloc(run->n_batches, sizeof(*run->batches));
	run->slots = calloc(run->n_batches, sizeof(*run->slots));
	if (run->workers == NULL || run->batches == NULL ||
	    run->slots == NULL)
		cli_die(ENOMEM, "cannot start");
	for (i = 0; i < run->n_workers; i++) {
		run->workers[i].index = (unsigned)i;
		if (kx_json_init(&run->workers[i].json, cli.kernel) != KX_OK)
			cli_die(ENOMEM, "cannot start");
		if (ops->worker_new != NULL &&
		    (run->workers[i].user = ops->worker_new(run->ctx,
		    (unsigned)i)) == NULL)
			cli_die(ENOMEM, "cannot start");
	}
	for (i = 0; i < run->n_batches; i++) {
		kx_chunk_init(&run->batches[i].chunk);
		if (ops->slot_new != NULL && (run->batches[i].user =
		    ops->slot_new(run->ctx)) == NULL)
			cli_die(ENOMEM, "cannot start");
		run->batches[i].run = run;
		run->slots[i] = &run->batches[i];
	}
	kx_chunk_init(&run->extra.chunk);
	run->extra.run = run;
	if (kx_pool_new(run->n_workers, run->slots, run->n_batches, &pool_ops,
	    run, &run->pool, &err) != KX_OK)
		cli_die(err.errnum, "%s", err.message);
}

static void
free_batch(struct run_batch *batch)
{
	kx_chunk_fini(&batch->chunk);
	kx_buf_free(&batch->made);
	kx_buf_free(&batch->rejects);
	kx_buf_free(&batch->pointer);
	kx_arena_free(&batch->arena);
	free(batch->pieces);
	free(batch->findings);
	free(batch->marks);
}

static void
tear_down(struct run *run)
{
	const struct run_ops *ops = run->ops;
	size_t i;

	kx_pool_free(run->pool);
	for (i = 0; i <= run->n_workers; i++) {
		if (run->workers[i].json.node == NULL)
			continue;
		if (ops->worker_free != NULL)
			ops->worker_free(run->ctx, run->workers[i].user);
		kx_json_fini(&run->workers[i].json);
		kx_buf_free(&run->workers[i].scratch);
	}
	for (i = 0; i < run->n_batches; i++) {
		if (ops->slot_free != NULL)
			ops->slot_free(run->ctx, run->batches[i].user);
		free_batch(&run->batches[i]);
	}
	free_batch(&run->extra);
	free(run->workers);
	free(run->batches);
	free(run->slots);
}

void
run(const struct run_ops *ops, void *ctx, char **operands, int n,
    struct kx_output *out, struct run_totals *totals)
{
	struct run self = { .ops = ops, .ctx = ctx, .out = out };

	open_rejects(&self);
	set_up(&self);
	start_progress(&self, operands, n);
	read_inputs(&self, operands, n);
	if (ops->last != NULL) {
		ops->last(ctx, &self.extra);
		write_batch(&self, &self.extra);
		empty_batch(&self.extra);
	}
	/* On a terminal the last line goes; elsewhere it is the sum. */
	if (self.show && self.interval_ms == PROGRESS_LOG_MS)
		show_progress(&self, true);
	else if (self.show)
		cli_progress(NULL);
	close_rejects(&self);
	self.totals.stopped = self.failed;
	if (totals != NULL)
		*totals = self.totals;
	tear_down(&self);
}
