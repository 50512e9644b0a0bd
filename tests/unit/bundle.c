/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bundles: whole files, nothing replaced, no link followed, the same bytes.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kx/bundle.h"

static char root[] = "/tmp/kx-unit-bundle-XXXXXX";

static int
setup(void **state)
{
	(void)state;
	(void)setenv("TZ", "UTC0", 1);
	return mkdtemp(root) != NULL && chdir(root) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const files[] = { "d/a", "d/x/y/b", "d/x/y/big",
		"d/link", "d/x/y", "d/x", "d/out", "d", "t1.tar", "t2.tar",
		"z.zip", "elsewhere" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)remove(files[i]);
	return chdir("/") == 0 ? rmdir(root) : -1;
}

static void
check_file(const char *path, const char *bytes, size_t len)
{
	char *got = malloc(len + 2);
	FILE *f = fopen(path, "rb");

	assert_non_null(got);
	assert_non_null(f);
	assert_int_equal(fread(got, 1, len + 1, f), len);
	assert_memory_equal(got, bytes, len);
	assert_int_equal(fclose(f), 0);
	free(got);
}

static enum kx_status
open_bundle(const char *path, enum kx_bundle_kind kind,
    struct kx_bundle **out, struct kx_error *err)
{
	const struct kx_bundle_options options = { .kind = kind,
	    .path = path, .sums = KX_SUM_SHA256 | KX_SUM_SHA512 };

	return kx_bundle_open(&options, out, err);
}

static struct kx_bundle *
open_it(const char *path, enum kx_bundle_kind kind)
{
	struct kx_bundle *b;
	struct kx_error err;

	if (open_bundle(path, kind, &b, &err) != KX_OK)
		fail_msg("%s: %s", path, err.message);
	return b;
}

static void
test_kind(void **state)
{
	(void)state;
	assert_int_equal(kx_bundle_kind_of("a.zip"), KX_BUNDLE_ZIP);
	assert_int_equal(kx_bundle_kind_of("b/a.TAR"), KX_BUNDLE_TAR);
	assert_int_equal(kx_bundle_kind_of("a.tar.gz"), KX_BUNDLE_TAR_GZ);
	assert_int_equal(kx_bundle_kind_of("a.txz"), KX_BUNDLE_TAR_XZ);
	assert_int_equal(kx_bundle_kind_of("a.Tar.Zst"), KX_BUNDLE_TAR_ZST);
	assert_int_equal(kx_bundle_kind_of("a.7z"), KX_BUNDLE_7Z);
	assert_int_equal(kx_bundle_kind_of("a.tar.bz2"), -1);
	assert_int_equal(kx_bundle_kind_of("zip"), -1);
	assert_int_equal(kx_bundle_kind_of(""), -1);
}

static void
test_dir(void **state)
{
	struct kx_bundle *b, *other;
	struct kx_error err;
	struct stat before, after;
	int fd;

	(void)state;
	b = open_it("d", KX_BUNDLE_DIR);
	assert_int_equal(open_bundle("d", KX_BUNDLE_DIR, &other, &err),
	    KX_FAIL);	/* locked */
	assert_null(other);
	assert_int_equal(kx_bundle_add(b, "a", 1000000000, 0, KX_SPAN("one"),
	    NULL, &err), KX_OK);
	assert_int_equal(kx_bundle_add(b, "x/y/b", 0, 0, KX_SPAN_NULL, NULL, &err),
	    KX_OK);
	check_file("d/a", "one", 3);
	check_file("d/x/y/b", "", 0);
	assert_int_equal(stat("d/a", &before), 0);
	assert_int_equal(before.st_mtime, 1000000000);
	assert_int_equal(kx_bundle_commit(b, &err), KX_OK);

	/* What a killed run left; equal files stay, others too. */
	fd = open("d/" KX_BUNDLE_TEMP, O_WRONLY | O_CREAT, 0666);
	assert_true(fd >= 0 && close(fd) == 0);
	b = open_it("d", KX_BUNDLE_DIR);
	assert_int_equal(access("d/" KX_BUNDLE_TEMP, F_OK), -1);
	assert_int_equal(kx_bundle_add(b, "a", 5, 0, KX_SPAN("one"), NULL, &err),
	    KX_OK);
	assert_int_equal(stat("d/a", &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(kx_bundle_add(b, "a", 5, 0, KX_SPAN("two"), NULL, &err),
	    KX_FAIL);
	assert_int_equal(err.errnum, EEXIST);
	assert_int_equal(kx_bundle_add(b, "a", 5, 0, KX_SPAN("on"), NULL, &err),
	    KX_FAIL);
	check_file("d/a", "one", 3);
	kx_bundle_abort(b);
	kx_bundle_abort(NULL);
}

static void
test_links(void **state)
{
	struct kx_bundle *b;
	struct kx_error err;

	(void)state;
	assert_int_equal(mkdir("elsewhere", 0777), 0);
	b = open_it("d", KX_BUNDLE_DIR);
	assert_int_equal(symlink("../elsewhere/f", "d/link"), 0);
	assert_int_equal(symlink("../elsewhere", "d/out"), 0);
	assert_int_equal(kx_bundle_add(b, "link", 0, 0, KX_SPAN("one"), NULL, &err),
	    KX_FAIL);
	assert_int_equal(kx_bundle_add(b, "out/f", 0, 0, KX_SPAN("one"),
	    NULL, &err), KX_FAIL);
	/* A folder is no file to be kept. */
	assert_int_equal(kx_bundle_add(b, "x", 0, 0, KX_SPAN("one"), NULL, &err),
	    KX_FAIL);
	kx_bundle_abort(b);
	assert_int_equal(rmdir("elsewhere"), 0);	/* nothing went there */
	assert_int_equal(unlink("d/link"), 0);
	assert_int_equal(unlink("d/out"), 0);
}

/* A stream that stays in memory and one that does not: bytes and hash. */
static void
stream_big(struct kx_bundle *b, const char *name, const char *big,
    size_t len)
{
	uint8_t want[KX_SHA256_SIZE];
	struct kx_sums sums;
	struct kx_bundle_stream *s;
	struct kx_hash *hash;
	struct kx_error err;
	size_t off, step;
	uint64_t size;

	assert_int_equal(kx_bundle_stream_open(b, name, len > 1000000, &s, &err), KX_OK);
	for (off = 0; off < len; off += step) {
		step = 1 + off % 100003;
		if (step > len - off)
			step = len - off;
		assert_int_equal(kx_bundle_stream_write(s, big + off, step,
		    &err), KX_OK);
	}
	assert_int_equal(kx_bundle_stream_size(s), len);
	assert_int_equal(kx_bundle_stream_end(s, 7, KX_BUNDLE_TEXT, &sums,
	    &size, &err), KX_OK);
	assert_int_equal(size, len);
	assert_int_equal(kx_hash_new(KX_SHA256, &hash, NULL), KX_OK);
	assert_int_equal(kx_hash_all(hash, big, len, want), KX_OK);
	assert_memory_equal(sums.sha256, want, sizeof(want));
	kx_hash_free(hash);
}

static void
test_stream(void **state)
{
	static char big[3000000];
	struct kx_bundle *b;
	struct kx_error err;
	size_t i;
	int round;

	(void)state;
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * i >> 7);
	b = open_it("d", KX_BUNDLE_DIR);
	/* Twice: the second time it is there. */
	for (round = 0; round < 2; round++)
		stream_big(b, "x/y/big", big, sizeof(big));
	stream_big(b, "a", "one", 3);
	check_file("d/x/y/big", big, sizeof(big));
	assert_int_equal(kx_bundle_sync(b, &err), KX_OK);
	assert_int_equal(kx_bundle_commit(b, &err), KX_OK);
}

static void
make_archive(const char *path, enum kx_bundle_kind kind)
{
	static char big[700000];
	struct kx_bundle *b = open_it(path, kind);
	struct kx_bundle_stream *s;
	struct kx_error err;

	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(kx_bundle_stream_open(b, "t", false, &s, &err), KX_OK);
	assert_int_equal(kx_bundle_stream_write(s, "t", 1, &err), KX_OK);
	assert_int_equal(kx_bundle_add(b, "a", INT64_MIN, 0, KX_SPAN("one"),
	    NULL, &err), KX_OK);
	assert_int_equal(kx_bundle_add(b, "x/b", INT64_MAX, KX_BUNDLE_TEXT,
	    KX_SPAN_NULL, NULL, &err), KX_OK);
	kx_bundle_stream_drop(s);
	kx_bundle_stream_drop(NULL);
	stream_big(b, "big", big, sizeof(big));
	assert_int_equal(kx_bundle_commit(b, &err), KX_OK);
	assert_int_equal(access(path, F_OK), 0);
}

static void
test_archive(void **state)
{
	static char one[800000];
	size_t len;
	FILE *f;

	(void)state;
	make_archive("t1.tar", KX_BUNDLE_TAR);
	make_archive("z.zip", KX_BUNDLE_ZIP);
	(void)umask(077);
	make_archive("t2.tar", KX_BUNDLE_TAR);
	f = fopen("t1.tar", "rb");
	assert_non_null(f);
	len = fread(one, 1, sizeof(one), f);
	assert_true(len > 700000 && len < sizeof(one));
	assert_int_equal(fclose(f), 0);
	check_file("t2.tar", one, len);
}

static void
test_abort(void **state)
{
	struct kx_bundle *b = open_it("never.zip", KX_BUNDLE_ZIP);
	char temp[200];
	struct kx_error err;

	(void)state;
	assert_true(strlen(kx_bundle_temp(b)) < sizeof(temp));
	memcpy(temp, kx_bundle_temp(b), strlen(kx_bundle_temp(b)) + 1);
	assert_int_equal(access(temp, F_OK), 0);
	assert_int_equal(kx_bundle_add(b, "a", 0, 0, KX_SPAN("one"), NULL, &err),
	    KX_OK);
	kx_bundle_abort(b);
	assert_int_equal(access(temp, F_OK), -1);
	assert_int_equal(access("never.zip", F_OK), -1);
	assert_int_equal(open_bundle("no/such/d", KX_BUNDLE_DIR, &b, &err),
	    KX_FAIL);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(open_bundle("no/such.tar", KX_BUNDLE_TAR, &b,
	    &err), KX_FAIL);
	assert_int_equal(err.errnum, ENOENT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_dir),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_archive),
		cmocka_unit_test(test_abort)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
