/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records out of streams: each framing, what `auto` makes of an input, what
 * becomes of broken records and of their neighbours.  Every input is read as
 * a file, byte by byte, and cut in two at every place: always the same.
 */
#include <config.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kx/json.h"
#include "kx/reader.h"

/* A pipe that is written to each time the reader would have to wait. */
struct feed {
	int fd;
	struct kx_span rest;
	size_t next;		/* bytes of the next write */
	size_t then;		/* and of all that follow */
	bool stop;		/* give up instead */
};

static bool
feed(void *arg)
{
	struct feed *f = arg;
	size_t n = f->next < f->rest.len ? f->next : f->rest.len;

	if (f->stop)
		return false;
	f->next = f->then;
	if (n > 0)
		assert_int_equal(write(f->fd, f->rest.ptr, n), n);
	f->rest.ptr += n;
	f->rest.len -= n;
	if (f->rest.len == 0 && f->fd >= 0) {
		(void)close(f->fd);
		f->fd = -1;
	}
	return true;
}

/* What each record is described by: a letter for its state, its place, and
 * its text.
 *   = JSON   ! none   ~ none, and it may have been torn   > over the limit */
static void
describe(struct kx_buf *out, const struct kx_record *record)
{
	struct kx_json_error err;
	char state = '=';

	if (record->overlong)
		state = '>';
	else if (kx_json_check(record->text.ptr, record->text.len, NULL,
	    &err) != KX_OK)
		state = record->unended &&
		    !strcmp(err.rule, "truncated-record") ? '~' : '!';
	kx_buf_addf(out, "%c%llu,%llu:%llu ", state,
	    (unsigned long long)record->off,
	    (unsigned long long)record->line,
	    (unsigned long long)record->column);
	kx_buf_addspan(out, record->overlong ? record->raw : record->text);
	kx_buf_addc(out, '|');
}

static void
read_all(struct kx_reader *reader, struct kx_buf *out,
    enum kx_framing *framing)
{
	struct kx_chunk chunk;
	struct kx_record record;
	enum kx_status status;
	struct kx_error err;

	kx_chunk_init(&chunk);
	while ((status = kx_reader_next(reader, &chunk, &err)) == KX_OK) {
		*framing = chunk.framing;
		if (chunk.overlong) {
			bool rs = chunk.overlong_first &&
			    chunk.buf.ptr[0] == 0x1e;

			if (chunk.overlong_first)
				kx_buf_addf(out, ">%llu,%llu:%llu ",
				    (unsigned long long)chunk.off + rs,
				    (unsigned long long)chunk.line,
				    (unsigned long long)chunk.column + 1 +
				    rs);
			kx_buf_addspan(out, kx_buf_span(&chunk.buf));
			if (chunk.overlong_last)
				kx_buf_addc(out, '|');
			continue;
		}
		while (kx_chunk_next(&chunk, &record) == KX_OK)
			describe(out, &record);
	}
	assert_int_equal(status, KX_EOF);
	kx_chunk_fini(&chunk);
}

/* Describe `in`, given as `first` bytes and then pieces of `then`; as a
 * regular file where `then` is 0. */
static void
run(struct kx_span in, size_t first, size_t then, enum kx_framing framing,
    size_t max_record, struct kx_buf *out, enum kx_framing *found)
{
	char path[64] = "kx-unit-reader.XXXXXX";
	struct feed f = { .fd = -1, .rest = in, .next = first, .then = then };
	struct kx_reader_options options = {
		.framing = framing, .max_record = max_record,
		.idle = feed, .idle_arg = &f
	};
	struct kx_source *source;
	struct kx_reader *reader;
	struct kx_error err;
	int fds[2] = { -1, -1 }, fd;

	if (then == 0) {
		fd = mkstemp(path);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, in.ptr, in.len), in.len);
		(void)close(fd);
	} else {
		assert_int_equal(pipe(fds), 0);
		f.fd = fds[1];
		(void)snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	}
	assert_int_equal(kx_source_open(path, &source, &err), KX_OK);
	if (then == 0)
		(void)unlink(path);
	assert_int_equal(kx_reader_open(source, &options, &reader, &err),
	    KX_OK);
	kx_buf_reset(out, SIZE_MAX);
	*found = KX_FRAMING_AUTO;
	read_all(reader, out, found);
	kx_reader_close(reader);
	kx_source_close(source);
	if (f.fd >= 0)
		(void)close(f.fd);
	if (fds[0] >= 0)
		(void)close(fds[0]);
}

static void
check_as(struct kx_span in, enum kx_framing framing, enum kx_framing want_as,
    size_t max_record, struct kx_span want)
{
	struct kx_buf out = { NULL, 0, 0, false };
	enum kx_framing found;
	size_t i;

	for (i = 0; i <= in.len + 1; i++) {
		if (i == 0)
			run(in, in.len, 0, framing, max_record, &out, &found);
		else
			run(in, i <= in.len ? i : 1, i <= in.len ? in.len : 1,
			    framing, max_record, &out, &found);
		if (!kx_span_eq(kx_buf_span(&out), want))
			fail_msg("cut at %zu: [%.*s], not [%.*s]", i,
			    (int)out.len, out.ptr, (int)want.len, want.ptr);
		if (want.len > 0 && found != want_as)
			fail_msg("cut at %zu: framing %d, not %d, of %.*s", i,
			    (int)found, (int)want_as, (int)in.len, in.ptr);
	}
	kx_buf_free(&out);
}

static void
check(enum kx_framing framing, const char *in, const char *want)
{
	check_as(kx_span_str(in), KX_FRAMING_AUTO, framing, 0,
	    kx_span_str(want));
	check_as(kx_span_str(in), framing, framing, 0, kx_span_str(want));
}

#define LINES KX_FRAMING_LINES
#define SEQ KX_FRAMING_SEQ
#define CONCAT KX_FRAMING_CONCAT

static void
test_lines(void **state)
{
	(void)state;
	check(LINES, "", "");
	check(LINES, "\n \r\n\n", "");
	check(LINES, "{}\n{\"a\":1}\n", "=0,1:1 {}|=3,2:1 {\"a\":1}|");
	check(LINES, "\xef\xbb\xbf{}\r\n\r\n[1]", "=3,1:1 {}|=9,3:1 [1]|");
	check(LINES, "{}\n{\"a\":", "=0,1:1 {}|~3,2:1 {\"a\":|");
	check(LINES, "{\"a\":\n{}\n", "!0,1:1 {\"a\":|=6,2:1 {}|");
	check(LINES, "{\"a\":1,\"b\n{\"c\":2}\n{}",
	    "!0,1:1 {\"a\":1,\"b|=10,2:1 {\"c\":2}|=18,3:1 {}|");
	check(LINES, "Nov 24 host x: {}\n{}\n",
	    "!0,1:1 Nov 24 host x: {}|=18,2:1 {}|");
	check(LINES, "{} x\n{}\n", "!0,1:1 {} x|=5,2:1 {}|");
}

static void
test_framing_is_kept(void **state)
{
	(void)state;
	/* Two texts on a line are one bad line where lines are asked for. */
	check_as(KX_SPAN("{} {}\n{}\n"), LINES, LINES, 0,
	    KX_SPAN("!0,1:1 {} {}|=6,2:1 {}|"));
	check_as(KX_SPAN("[{},{}]\n"), LINES, LINES, 0,
	    KX_SPAN("=0,1:1 [{},{}]|"));
}

static void
test_seq(void **state)
{
	(void)state;
	check(SEQ, "\x1e{}\n\x1e{\"a\":\n1}\n", "=1,1:2 {}|=5,2:2 {\"a\":\n1}|");
	check(SEQ, "\x1e{\n\x1e{}\n\x1e{\"a", "!1,1:2 {|=4,2:2 {}|~8,3:2 {\"a|");
	check(SEQ, "\x1e\x1e\n\x1e[]", "=4,2:2 []|");
}

static void
test_concat(void **state)
{
	(void)state;
	check(CONCAT, "{}{\"a\":1}", "=0,1:1 {}|=2,1:3 {\"a\":1}|");
	check(CONCAT, "{\n\"a\": \"}\\\"\"\n}\n {\n}",
	    "=0,1:1 {\n\"a\": \"}\\\"\"\n}|=16,4:2 {\n}|");
	check(CONCAT, "{\"a\":[\n{\"b\":1},\n{\"c\":2}\n]}\n{}",
	    "=0,1:1 {\"a\":[\n{\"b\":1},\n{\"c\":2}\n]}|=27,5:1 {}|");
	check_as(KX_SPAN("1 true\"x\"null -2"), CONCAT, CONCAT, 0,
	    KX_SPAN("=0,1:1 1|=2,1:3 true|=6,1:7 \"x\"|=9,1:10 null|"
	    "=14,1:15 -2|"));
}

static void
test_array(void **state)
{
	(void)state;
	check(CONCAT, "[]", "");
	check(CONCAT, "[{},\n {\"a\":[1,2]}, 3]\n",
	    "=1,1:2 {}|=6,2:2 {\"a\":[1,2]}|=19,2:15 3|");
	check(CONCAT, "[{}][{}] {}", "=1,1:2 {}|=5,1:6 {}|=9,1:10 {}|");
	check(CONCAT, "[[1],[]]", "=1,1:2 [1]|=5,1:6 []|");
	/* Never repaired in silence. */
	check(CONCAT, "[{} {}]", "=1,1:2 {}|!4,1:5 |=4,1:5 {}|");
	check(CONCAT, "[{},]", "=1,1:2 {}|!4,1:5 ]|");
	check(CONCAT, "[,{}]", "!1,1:2 ,|=2,1:3 {}|");
	check(CONCAT, "[{},,{}]", "=1,1:2 {}|!4,1:5 ,|=5,1:6 {}|");
	check(CONCAT, "[{},{}", "=1,1:2 {}|=4,1:5 {}|~6,1:7 |");
	check(CONCAT, "[nul,{}]", "!1,1:2 nul|=5,1:6 {}|");
	check(CONCAT, "[\n{\"a\":1,\n{\"b\":2}\n]",
	    "!2,2:1 {\"a\":1,|=10,3:1 {\"b\":2}|");
}

static void
test_neighbours(void **state)
{
	(void)state;
	/* As the vendor prints it: a string without its closing quote. */
	check(CONCAT, "{\n \"t\": \"FULL\n \"p\": \"x\"\n}\n{\n\"a\": 1\n}\n",
	    "!0,1:1 {\n \"t\": \"FULL\n \"p\": \"x\"\n}|"
	    "=26,5:1 {\n\"a\": 1\n}|");
	check(CONCAT, "{\n\"a\": 1,\n}{}\n", "!0,1:1 {\n\"a\": 1,\n}|=11,3:2 {}|");
	check(CONCAT, "{\n\"a\": \"x\n{\n\"b\": 2}\n",
	    "!0,1:1 {\n\"a\": \"x|=10,3:1 {\n\"b\": 2}|");
	check(CONCAT, "{\n\"a\":\n{\"b\":2}\n{\"c\":3}\n",
	    "!0,1:1 {\n\"a\":|=7,3:1 {\"b\":2}|=15,4:1 {\"c\":3}|");
	check(CONCAT, "{}{}\n}\nx y\n{}",
	    "=0,1:1 {}|=2,1:3 {}|!5,2:1 }|!7,3:1 x y|=11,4:1 {}|");
	check(CONCAT, "{}{\n\"a\": 1", "=0,1:1 {}|~2,1:3 {\n\"a\": 1|");
	check(CONCAT, "{}{\"a\":\n\x1e{\"b\":1}\n",
	    "=0,1:1 {}|!2,1:3 {\"a\":|!8,2:1 \x1e|=9,2:2 {\"b\":1}|");
}

static void
test_limit(void **state)
{
	(void)state;
	/* The limit is on the text: eight bytes are carried, nine are not. */
	check_as(KX_SPAN("[1,2,34]\r\n[1,2,345]\n{}\n[1,2,3456789]\n1"), LINES,
	    LINES, 8, KX_SPAN("=0,1:1 [1,2,34]|>10,2:1 [1,2,345]\n|"
	    "=20,3:1 {}|>23,4:1 [1,2,3456789]\n|=37,5:1 1|"));
	check_as(KX_SPAN("123456789012345678901234567890"), LINES, LINES, 8,
	    KX_SPAN(">0,1:1 123456789012345678901234567890|"));
	check_as(KX_SPAN("\x1e[1,2,34]\n\x1e[1,2,345,67\n,8]\n\x1e[]\n"), SEQ,
	    SEQ, 8, KX_SPAN("=1,1:2 [1,2,34]|>11,2:2 \x1e[1,2,345,67\n,8]\n|"
	    "=28,4:2 []|"));
}

static void
test_limit_concat(void **state)
{
	static const char in[] =
	    "{\"a\":12345678901234567890}{}[\n[1,2,3,4,5,6,7,8,9],3]";
	struct kx_buf out = { NULL, 0, 0, false };
	enum kx_framing found;
	struct kx_span span = KX_SPAN(in);
	size_t i;

	(void)state;
	/* Whether the line end of a long text counts as its own depends on
	 * what is at hand, but nothing else does. */
	for (i = 0; i <= span.len; i++) {
		run(span, i == 0 ? span.len : i, i == 0 ? 0 : span.len,
		    CONCAT, 10, &out, &found);
		assert_true(kx_span_eq(kx_buf_span(&out),
		    KX_SPAN(">0,1:1 {\"a\":12345678901234567890}|"
		    "=26,1:27 {}|>30,2:1 [1,2,3,4,5,6,7,8,9]|=50,2:21 3|")));
	}
	kx_buf_free(&out);
}

/* Long records and many chunks: nothing is lost, numbers are right. */
static void
test_large(void **state)
{
	struct kx_buf in = { NULL, 0, 0, false };
	char path[] = "kx-unit-reader.XXXXXX";
	const struct kx_reader_options options = {
		.base_off = 1000, .base_line = 77
	};
	struct kx_source *source;
	struct kx_reader *reader;
	struct kx_chunk chunk;
	struct kx_record record;
	struct kx_error err;
	size_t i, k, n, pos = 0, chunks = 0;
	int fd;

	(void)state;
	for (i = 0; i < 60; i++) {
		n = i % 7 == 0 ? 3000000 : i * 1000;
		kx_buf_addf(&in, "{\"n\":%zu,\"x\":\"", i);
		for (k = 0; k < n; k++)
			kx_buf_addc(&in, 'A');
		kx_buf_adds(&in, "\"}\n");
	}
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, in.ptr, in.len), in.len);
	(void)close(fd);
	assert_int_equal(kx_source_open(path, &source, &err), KX_OK);
	(void)unlink(path);
	assert_int_equal(kx_reader_open(source, &options, &reader, &err),
	    KX_OK);
	kx_chunk_init(&chunk);
	i = 0;
	while (kx_reader_next(reader, &chunk, &err) == KX_OK) {
		chunks++;
		while (kx_chunk_next(&chunk, &record) == KX_OK) {
			assert_int_equal(record.off, 1000 + pos);
			assert_int_equal(record.line, 77 + i);
			assert_memory_equal(record.raw.ptr, in.ptr + pos,
			    record.raw.len);
			pos += record.raw.len;
			i++;
		}
	}
	assert_int_equal(i, 60);
	assert_int_equal(pos, in.len);
	assert_in_range(chunks, 9, 60);
	kx_chunk_fini(&chunk);
	kx_reader_close(reader);
	kx_source_close(source);
	kx_buf_free(&in);
}

/* What is whole is handed out before more is waited for. */
static void
test_quiet(void **state)
{
	static const struct {
		enum kx_framing framing;
		const char *in, *want;
	} rows[] = {
		{ KX_FRAMING_AUTO, "{}\n{\"a", "=0,1:1 {}|" },
		{ LINES, "{}\n", "=0,1:1 {}|" },
		{ KX_FRAMING_AUTO, "\x1e{\n}\n", "=1,1:2 {\n}|" },
		{ KX_FRAMING_AUTO, "{}{\"a\":1}{", "=0,1:1 {}|=2,1:3 {\"a\":1}|" },
		{ KX_FRAMING_AUTO, "[{},", "=1,1:2 {}|" },
		{ CONCAT, "{\n}", "=0,1:1 {\n}|" },
	};
	struct kx_buf out = { NULL, 0, 0, false };
	struct kx_source *source;
	struct kx_reader *reader;
	struct kx_record record;
	struct kx_chunk chunk;
	struct kx_error err;
	char path[32];
	size_t i;
	int fds[2];

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct feed f = { .fd = -1, .stop = true };
		struct kx_reader_options options = {
			.framing = rows[i].framing, .idle = feed,
			.idle_arg = &f
		};

		assert_int_equal(pipe(fds), 0);
		(void)snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
		assert_int_equal(kx_source_open(path, &source, &err), KX_OK);
		assert_int_equal(kx_reader_open(source, &options, &reader,
		    &err), KX_OK);
		assert_true(kx_reader_would_wait(reader));
		assert_int_equal(write(fds[1], rows[i].in,
		    strlen(rows[i].in)), strlen(rows[i].in));
		assert_false(kx_reader_would_wait(reader));
		kx_chunk_init(&chunk);
		kx_buf_reset(&out, SIZE_MAX);
		assert_int_equal(kx_reader_next(reader, &chunk, &err), KX_OK);
		while (kx_chunk_next(&chunk, &record) == KX_OK)
			describe(&out, &record);
		if (!kx_span_eq(kx_buf_span(&out), kx_span_str(rows[i].want)))
			fail_msg("%s: [%.*s]", rows[i].in, (int)out.len,
			    out.ptr);
		kx_chunk_fini(&chunk);
		kx_reader_close(reader);
		kx_source_close(source);
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	kx_buf_free(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_framing_is_kept),
		cmocka_unit_test(test_seq),
		cmocka_unit_test(test_concat),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_concat),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_quiet),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
