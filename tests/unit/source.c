/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streams of bytes: what is recognised, members one after another, and that
 * no damage goes unnoticed, wherever it is.
 */
#include <config.h>

#include <errno.h>
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

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "kx/buf.h"
#include "kx/source.h"

struct format {
	const char *name;
	int (*filter)(struct archive *);
	size_t magic;	/* bytes without which it is not recognised */
};

static const struct format formats[] = {
	{ "gzip", archive_write_add_filter_gzip, 3 },
	{ "zstd", archive_write_add_filter_zstd, 4 },
	{ "xz", archive_write_add_filter_xz, 6 },
	{ "bzip2", archive_write_add_filter_bzip2, 3 },
	{ "lz4", archive_write_add_filter_lz4, 4 },
};
#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

/* libarchive writes zstd without a checksum: these are two frames that have
 * one, of zstd(1). */
static const char zstd_one[] = "one: 00112233445566778899aabbccddeeff end\n";
static const char zstd_two[] =
    "two: 0f1e2d3c4b5a69788796a5b4c3d2e1f0 again\n";
static const unsigned char zstd_frames[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x51, 0x01, 0x00, 0x6f, 0x6e,
	0x65, 0x3a, 0x20, 0x30, 0x30, 0x31, 0x31, 0x32, 0x32, 0x33, 0x33,
	0x34, 0x34, 0x35, 0x35, 0x36, 0x36, 0x37, 0x37, 0x38, 0x38, 0x39,
	0x39, 0x61, 0x61, 0x62, 0x62, 0x63, 0x63, 0x64, 0x64, 0x65, 0x65,
	0x66, 0x66, 0x20, 0x65, 0x6e, 0x64, 0x0a, 0x5e, 0x9c, 0xd9, 0xe9,
	0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x61, 0x01, 0x00, 0x74, 0x77,
	0x6f, 0x3a, 0x20, 0x30, 0x66, 0x31, 0x65, 0x32, 0x64, 0x33, 0x63,
	0x34, 0x62, 0x35, 0x61, 0x36, 0x39, 0x37, 0x38, 0x38, 0x37, 0x39,
	0x36, 0x61, 0x35, 0x62, 0x34, 0x63, 0x33, 0x64, 0x32, 0x65, 0x31,
	0x66, 0x30, 0x20, 0x61, 0x67, 0x61, 0x69, 0x6e, 0x0a, 0x09, 0xbf,
	0x03, 0xdd,
};

/* And it cannot write an lz4 frame of nothing. */
static const unsigned char lz4_empty[] = {
	0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7, 0x00, 0x00, 0x00, 0x00,
	0x05, 0x5d, 0xcc, 0x02
};

static char path[64] = "kx-unit-source.XXXXXX";

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void
set_file(const char *ptr, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, ptr, len), len);
	(void)close(fd);
}

/* Append `text` to *buf as one member; at most 64 KiB. */
static void
pack(const struct format *format, struct kx_span text, struct kx_buf *buf)
{
	struct archive *a;
	struct archive_entry *entry;
	size_t used = 0;

	if (text.len == 0 && format->filter == archive_write_add_filter_lz4) {
		kx_buf_add(buf, lz4_empty, sizeof(lz4_empty));
		return;
	}
	a = archive_write_new();
	entry = archive_entry_new();
	assert_true(kx_buf_reserve(buf, 1 << 17));
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	assert_int_equal(format->filter(a), ARCHIVE_OK);
	archive_write_set_bytes_per_block(a, 0);
	assert_int_equal(archive_write_open_memory(a, buf->ptr + buf->len,
	    1 << 17, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	if (text.len > 0)
		assert_int_equal(archive_write_data(a, text.ptr, text.len),
		    text.len);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	archive_entry_free(entry);
	buf->len += used;
}

static enum kx_status
read_whole(struct kx_source *source, size_t piece, struct kx_buf *out,
    struct kx_error *err)
{
	enum kx_status status;
	size_t got;

	kx_buf_reset(out, SIZE_MAX);
	do {
		assert_true(kx_buf_reserve(out, piece));
		status = kx_source_read(source, out->ptr + out->len, piece,
		    &got, err);
		out->len += got;
	} while (status == KX_OK);
	/* What is said is said again. */
	assert_int_equal(kx_source_read(source, out->ptr + out->len, piece,
	    &got, err), status);
	return status;
}

static enum kx_status
read_file(size_t piece, struct kx_buf *out)
{
	struct kx_source *source;
	struct kx_error err;
	enum kx_status status;

	assert_int_equal(kx_source_open(path, &source, &err), KX_OK);
	assert_false(kx_source_would_wait(source));
	status = read_whole(source, piece, out, &err);
	if (status == KX_EOF)
		assert_int_equal(kx_source_position(source),
		    kx_source_size(source));
	kx_source_close(source);
	return status;
}

static void
expect(const struct kx_buf *packed, struct kx_span want)
{
	struct kx_buf out = { NULL, 0, 0, false };
	static const size_t pieces[] = { 1, 7, 65536 };
	size_t i;

	set_file(packed->ptr, packed->len);
	for (i = 0; i < 3; i++) {
		assert_int_equal(read_file(pieces[i], &out), KX_EOF);
		assert_true(kx_span_eq(kx_buf_span(&out), want));
	}
	kx_buf_free(&out);
}

/* Text in which nothing compresses by chance. */
static struct kx_span
make_text(struct kx_buf *buf, size_t len, unsigned seed)
{
	size_t i;

	kx_buf_reset(buf, SIZE_MAX);
	for (i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		kx_buf_addc(buf, (char)("0123456789abcdef"[seed >> 28]));
	}
	return kx_buf_span(buf);
}

static void
test_plain(void **state)
{
	static const struct kx_span rows[] = {
		KX_SPAN(""), KX_SPAN("{"), KX_SPAN("{}\n"), KX_SPAN("[1]"),
		KX_SPAN("\x1f"), KX_SPAN("B"), KX_SPAN("BZ"), KX_SPAN("\x28\xb5"),
		KX_SPAN("\xfd" "7zXX\0\0\0"), KX_SPAN("\x1f\x8b\x07 too old")
	};
	struct kx_buf in = { NULL, 0, 0, false };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kx_buf_reset(&in, SIZE_MAX);
		kx_buf_addspan(&in, rows[i]);
		kx_buf_adds(&in, "");
		assert_true(kx_buf_reserve(&in, 1));
		expect(&in, rows[i]);
	}
	kx_buf_free(&in);
}

static void
test_members(void **state)
{
	struct kx_buf text = { NULL, 0, 0, false };
	struct kx_buf in = { NULL, 0, 0, false };
	struct kx_span a, b, both;
	size_t i, k;

	(void)state;
	both = make_text(&text, 40000, 1);
	a = (struct kx_span){ both.ptr, 30000 };
	b = (struct kx_span){ both.ptr + 30000, 10000 };
	for (i = 0; i < N_FORMATS; i++) {
		kx_buf_reset(&in, SIZE_MAX);
		pack(&formats[i], KX_SPAN_NULL, &in);
		expect(&in, KX_SPAN_NULL);
		/* Empty members first, between and last. */
		pack(&formats[i], a, &in);
		pack(&formats[i], KX_SPAN_NULL, &in);
		pack(&formats[i], KX_SPAN_NULL, &in);
		pack(&formats[i], b, &in);
		pack(&formats[i], KX_SPAN_NULL, &in);
		expect(&in, both);
		kx_buf_reset(&in, SIZE_MAX);
		for (k = 0; k < 300; k++)
			pack(&formats[i], (struct kx_span){ both.ptr + k, 1 },
			    &in);
		expect(&in, (struct kx_span){ both.ptr, 300 });
	}
	kx_buf_free(&in);
	kx_buf_free(&text);
}

static void
test_skippable(void **state)
{
	static const char frame[] = "\x5b\x2a\x4d\x18\x05\0\0\0hello";
	static const size_t rows[] = { 1, 4 };	/* zstd, lz4 */
	struct kx_buf in = { NULL, 0, 0, false };
	struct kx_buf out = { NULL, 0, 0, false };
	size_t i, whole;

	(void)state;
	kx_buf_add(&in, frame, 13);
	expect(&in, KX_SPAN_NULL);
	for (i = 0; i < 2; i++) {
		kx_buf_reset(&in, SIZE_MAX);
		kx_buf_add(&in, frame, 13);
		kx_buf_add(&in, frame, 13);
		pack(&formats[rows[i]], KX_SPAN("one"), &in);
		kx_buf_add(&in, frame, 13);
		pack(&formats[rows[i]], KX_SPAN("two"), &in);
		whole = in.len;
		expect(&in, KX_SPAN("onetwo"));
		kx_buf_add(&in, frame, 13);
		expect(&in, KX_SPAN("onetwo"));
		set_file(in.ptr, 20);
		assert_int_equal(read_file(64, &out), KX_FATAL);
		set_file(in.ptr, whole);
	}
	kx_buf_reset(&in, SIZE_MAX);
	kx_buf_add(&in, frame, 13);
	kx_buf_adds(&in, "{}\n");
	set_file(in.ptr, in.len);
	assert_int_equal(read_file(64, &out), KX_FATAL);
	kx_buf_free(&in);
	kx_buf_free(&out);
}

/* lz4's old format, as in Linux images: no checks, blocks of 8 MiB. */
static void
test_lz4_legacy(void **state)
{
	static const char magic[] = "\x02\x21\x4c\x18";
	static const char block[] = "\x04\0\0\0\x30" "abc";
	struct kx_buf in = { NULL, 0, 0, false };

	(void)state;
	kx_buf_add(&in, magic, 4);
	expect(&in, KX_SPAN_NULL);
	kx_buf_add(&in, block, 8);
	expect(&in, KX_SPAN("abc"));
	kx_buf_add(&in, magic, 4);
	kx_buf_add(&in, magic, 4);
	kx_buf_add(&in, block, 8);
	expect(&in, KX_SPAN("abcabc"));
	kx_buf_free(&in);
}

/* Every length but whole members is an error, and what could be read is the
 * beginning of the text. */
static void
test_cut(void **state)
{
	struct kx_buf text = { NULL, 0, 0, false };
	struct kx_buf in = { NULL, 0, 0, false };
	struct kx_buf out = { NULL, 0, 0, false };
	struct kx_span all;
	enum kx_status status;
	size_t i, n, first;

	(void)state;
	all = make_text(&text, 600, 2);
	for (i = 0; i < N_FORMATS; i++) {
		kx_buf_reset(&in, SIZE_MAX);
		pack(&formats[i], (struct kx_span){ all.ptr, 300 }, &in);
		first = in.len;
		pack(&formats[i], (struct kx_span){ all.ptr + 300, 300 },
		    &in);
		for (n = formats[i].magic; n < in.len; n++) {
			set_file(in.ptr, n);
			status = read_file(64, &out);
			if (status != (n == first ? KX_EOF : KX_FATAL))
				fail_msg("%s cut at %zu of %zu is taken",
				    formats[i].name, n, in.len);
			assert_memory_equal(out.ptr, all.ptr, out.len);
			if (i == 0 && n > first)
				assert_true(out.len >= 300);
		}
	}
	kx_buf_free(&in);
	kx_buf_free(&out);
	kx_buf_free(&text);
}

/* A flipped bit anywhere is an error or without effect; behind the first
 * bytes of all, which make it what it is. */
static void
test_damaged(void **state)
{
	struct kx_buf text = { NULL, 0, 0, false };
	struct kx_buf in = { NULL, 0, 0, false };
	struct kx_buf out = { NULL, 0, 0, false };
	struct kx_span all;
	enum kx_status status;
	size_t i, n, b, noticed;

	(void)state;
	for (i = 0; i < N_FORMATS; i++) {
		kx_buf_reset(&in, SIZE_MAX);
		if (i == 1) {
			kx_buf_add(&in, zstd_frames, sizeof(zstd_frames));
			kx_buf_reset(&text, SIZE_MAX);
			kx_buf_adds(&text, zstd_one);
			kx_buf_adds(&text, zstd_two);
			all = kx_buf_span(&text);
		} else {
			all = make_text(&text, 400, 3);
			pack(&formats[i], (struct kx_span){ all.ptr, 200 },
			    &in);
			pack(&formats[i], (struct kx_span){ all.ptr + 200,
			    200 }, &in);
		}
		noticed = 0;
		for (n = formats[i].magic; n < in.len; n++) {
			for (b = n % 5; b < 8; b += 5) {
				in.ptr[n] ^= (char)(1 << b);
				set_file(in.ptr, in.len);
				status = read_file(64, &out);
				if (status == KX_FATAL)
					noticed++;
				else if (!kx_span_eq(kx_buf_span(&out), all))
					fail_msg("%s: bit %zu of byte %zu of "
					    "%zu goes unnoticed",
					    formats[i].name, b, n, in.len);
				in.ptr[n] ^= (char)(1 << b);
			}
		}
		assert_true(noticed > in.len);
	}
	kx_buf_free(&in);
	kx_buf_free(&out);
	kx_buf_free(&text);
}

static void
test_behind(void **state)
{
	struct kx_buf in = { NULL, 0, 0, false };
	struct kx_buf out = { NULL, 0, 0, false };
	size_t i;

	(void)state;
	for (i = 0; i < N_FORMATS; i++) {
		kx_buf_reset(&in, SIZE_MAX);
		pack(&formats[i], KX_SPAN("{}\n"), &in);
		kx_buf_adds(&in, "{}\n");
		set_file(in.ptr, in.len);
		assert_int_equal(read_file(64, &out), KX_FATAL);
		in.len -= 3;
		pack(&formats[(i + 1) % N_FORMATS], KX_SPAN("{}\n"), &in);
		set_file(in.ptr, in.len);
		assert_int_equal(read_file(64, &out), KX_FATAL);
	}
	/* gzip(1) pads with zero bytes on some devices. */
	kx_buf_reset(&in, SIZE_MAX);
	pack(&formats[0], KX_SPAN("{}\n"), &in);
	kx_buf_add(&in, "\0\0\0\0\0\0\0\0", 8);
	expect(&in, KX_SPAN("{}\n"));
	kx_buf_free(&in);
	kx_buf_free(&out);
}

/* Through a pipe byte by byte: nothing more is waited for than is needed. */
static void
test_pipe(void **state)
{
	struct kx_buf in = { NULL, 0, 0, false };
	struct kx_buf out = { NULL, 0, 0, false };
	struct kx_source *source;
	struct kx_error err;
	char name[32];
	size_t i, n, got;
	int fds[2];

	(void)state;
	for (i = 0; i < N_FORMATS + 1; i++) {
		kx_buf_reset(&in, SIZE_MAX);
		kx_buf_reset(&out, SIZE_MAX);
		if (i < N_FORMATS)
			pack(&formats[i], KX_SPAN("{\"a\":1}\n"), &in);
		else
			kx_buf_adds(&in, "{\"a\":1}\n");
		assert_int_equal(pipe(fds), 0);
		(void)snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
		assert_int_equal(kx_source_open(name, &source, &err), KX_OK);
		assert_int_equal(kx_source_size(source), 0);
		assert_true(kx_source_would_wait(source));
		assert_true(kx_buf_reserve(&out, 100));
		for (n = 0; n < in.len; n++) {
			assert_int_equal(write(fds[1], in.ptr + n, 1), 1);
			/* What libarchive unpacks is given at its end. */
			if (i > 0 && i < N_FORMATS)
				continue;
			if (kx_source_would_wait(source))
				continue;
			assert_int_equal(kx_source_read(source, out.ptr +
			    out.len, 100, &got, &err), KX_OK);
			out.len += got;
			if (i == N_FORMATS)
				assert_int_equal(got, 1);
		}
		(void)close(fds[1]);
		do {
			n = (size_t)kx_source_read(source, out.ptr + out.len,
			    100 - out.len, &got, &err);
			out.len += got;
		} while (n == KX_OK);
		assert_int_equal(n, KX_EOF);
		assert_true(kx_span_eq(kx_buf_span(&out),
		    KX_SPAN("{\"a\":1}\n")));
		kx_source_close(source);
		(void)close(fds[0]);
	}
	kx_buf_free(&in);
	kx_buf_free(&out);
}

static void
test_refused(void **state)
{
	struct kx_source *source;
	struct kx_error err;

	(void)state;
	assert_int_equal(kx_source_open(".", &source, &err), KX_FAIL);
	assert_int_equal(err.errnum, EISDIR);
	assert_null(source);
	assert_int_equal(kx_source_open("kx-unit-none/x", &source, &err),
	    KX_FAIL);
	assert_int_equal(err.errnum, ENOENT);
	kx_source_close(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_skippable),
		cmocka_unit_test(test_lz4_legacy),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
