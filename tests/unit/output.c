/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Output: whole or not at all, every kind of destination, no leftover.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kx/output.h"

/* The library's fsync(): the `fsync_fails`th call from now on fails. */
static int fsync_fails, fsync_calls;

int
fsync(int fd)
{
	fsync_calls++;
	if (fsync_fails > 0 && --fsync_fails == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static int
setup(void **state)
{
	static char dir[] = "/tmp/kx-output-XXXXXX";

	*state = dir;
	return mkdtemp(dir) == NULL || chdir(dir) != 0 ? -1 : 0;
}

static int
names(void)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			n++;
	}
	(void)closedir(dir);
	return n;
}

static int
teardown(void **state)
{
	return chdir("/") != 0 || rmdir(*state) != 0 ? -1 : 0;
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)),
	    (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static void
holds(const char *path, const char *want, size_t len)
{
	char *text = malloc(len + 1);
	int fd = open(path, O_RDONLY);
	size_t got = 0;
	ssize_t n;

	assert_non_null(text);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	while (got <= len && (n = read(fd, text + got, len + 1 - got)) > 0)
		got += (size_t)n;
	assert_int_equal(got, len);
	assert_memory_equal(text, want, len);
	assert_int_equal(close(fd), 0);
	free(text);
}

static void
test_commit(void **state)
{
	struct kx_output out;
	struct kx_error err;
	struct stat st;
	mode_t mask = umask(027);

	(void)state;
	assert_int_equal(kx_output_open(&out, "a", 0, &err), KX_OK);
	assert_int_equal(strncmp(kx_output_temp(&out), ".a.", 3), 0);
	assert_int_equal(strlen(kx_output_temp(&out)), 9);
	assert_int_equal(kx_output_write(&out, "abc", 3, &err), KX_OK);
	assert_int_equal(kx_output_flush(&out, &err), KX_OK);
	assert_int_equal(access("a", F_OK), -1);
	holds(kx_output_temp(&out), "abc", 3);
	assert_int_equal(kx_output_write(&out, "d", 1, &err), KX_OK);
	assert_int_equal(out.off, 4);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	assert_null(kx_output_temp(&out));
	holds("a", "abcd", 4);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	/* A second end does nothing, a late write is told off. */
	kx_output_abort(&out);
	assert_int_equal(kx_output_write(&out, "x", 1, &err), KX_FAIL);
	assert_int_equal(err.errnum, EBADF);
	assert_int_equal(names(), 1);
	assert_int_equal(unlink("a"), 0);
	(void)umask(mask);
}

static void
test_replace(void **state)
{
	struct kx_output out;
	struct kx_error err;
	struct stat st;

	(void)state;
	put("a", "old");
	assert_int_equal(chmod("a", 0600), 0);
	assert_int_equal(kx_output_open(&out, "./a", 0, &err), KX_OK);
	assert_int_equal(strncmp(kx_output_temp(&out), "./.a.", 5), 0);
	assert_int_equal(kx_output_write(&out, "new!", 4, &err), KX_OK);
	kx_output_abort(&out);
	holds("a", "old", 3);
	assert_int_equal(names(), 1);
	assert_int_equal(kx_output_open(&out, "a", 0, &err), KX_OK);
	assert_int_equal(kx_output_write(&out, "new!", 4, &err), KX_OK);
	holds("a", "old", 3);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	holds("a", "new!", 4);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Only a new one */
	assert_int_equal(kx_output_open(&out, "a", KX_OUTPUT_NEW, &err),
	    KX_FAIL);
	assert_int_equal(err.errnum, EEXIST);
	assert_int_equal(kx_output_open(&out, "b", KX_OUTPUT_NEW, &err),
	    KX_OK);
	put("b", "other");
	assert_int_equal(kx_output_commit(&out, &err), KX_FAIL);
	assert_int_equal(err.errnum, EEXIST);
	holds("b", "other", 5);
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(kx_output_open(&out, "b", KX_OUTPUT_NEW, &err),
	    KX_OK);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	holds("b", "", 0);
	assert_int_equal(names(), 2);
	assert_int_equal(unlink("a"), 0);
	assert_int_equal(unlink("b"), 0);
}

static void
test_links(void **state)
{
	struct kx_output out;
	struct kx_error err;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(symlink("d/two", "one"), 0);
	assert_int_equal(symlink("three", "d/two"), 0);
	/* It leads nowhere yet, then to a file. */
	assert_int_equal(kx_output_open(&out, "one", 0, &err), KX_OK);
	assert_int_equal(strncmp(kx_output_temp(&out), "d/.three.", 9), 0);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	assert_int_equal(kx_output_open(&out, "one", 0, &err), KX_OK);
	assert_int_equal(kx_output_write(&out, "x", 1, &err), KX_OK);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	holds("d/three", "x", 1);
	assert_int_equal(lstat("one", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink("d/three"), 0);
	assert_int_equal(unlink("d/two"), 0);
	assert_int_equal(symlink("../one", "d/two"), 0);
	assert_int_equal(kx_output_open(&out, "one", 0, &err), KX_FAIL);
	assert_int_equal(err.errnum, ELOOP);
	assert_int_equal(kx_output_open(&out, "d", 0, &err), KX_FAIL);
	assert_int_equal(err.errnum, EISDIR);
	assert_int_equal(kx_output_open(&out, "no/such", 0, &err), KX_FAIL);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.message, "cannot open no/such");
	assert_int_equal(kx_output_open(&out, "", 0, &err), KX_FAIL);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(kx_output_open(&out, "d/two/", 0, &err), KX_FAIL);
	assert_int_equal(unlink("d/two"), 0);
	assert_int_equal(unlink("one"), 0);
	assert_int_equal(rmdir("d"), 0);
	assert_int_equal(names(), 0);
}

static void
test_long_name(void **state)
{
	struct kx_output out;
	char name[256];

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	assert_int_equal(kx_output_open(&out, name, 0, NULL), KX_OK);
	assert_int_equal(kx_output_commit(&out, NULL), KX_OK);
	assert_int_equal(unlink(name), 0);
}

/* Sizes around the buffer's and the direct limit, alone and in rows */
static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 32767, 32768, 32769, 3,
	    131071, 131072, 7, 131073, 1000000, 30000, 30000, 30000, 30000,
	    30000, 0, 5 };
	size_t total = 0, i, k, n = sizeof(sizes) / sizeof(sizes[0]);
	struct kx_span spans[200];
	struct kx_output out;
	char *all;

	(void)state;
	for (i = 0; i < n; i++)
		total += sizes[i];
	all = malloc(3 * total);
	assert_non_null(all);
	for (i = 0; i < 3 * total; i++)
		all[i] = (char)(i * 2654435761u >> 13);
	assert_int_equal(kx_output_open(&out, "a", 0, NULL), KX_OK);
	for (i = k = 0; i < n; k += sizes[i++])
		assert_int_equal(kx_output_write(&out, all + k, sizes[i],
		    NULL), KX_OK);
	for (i = 0; i < n; k += sizes[i++])
		spans[i] = (struct kx_span){ all + k, sizes[i] };
	assert_int_equal(kx_output_writev(&out, spans, n, NULL), KX_OK);
	/* More spans than one system call takes */
	for (i = 0; i < 200; i++)
		spans[i] = (struct kx_span){ all + k + i * (total / 200),
		    total / 200 };
	spans[199].len = total - 199 * (total / 200);
	assert_int_equal(kx_output_writev(&out, spans, 200, NULL), KX_OK);
	assert_int_equal(kx_output_writev(&out, NULL, 0, NULL), KX_OK);
	assert_int_equal(kx_output_commit(&out, NULL), KX_OK);
	holds("a", all, 3 * total);
	assert_int_equal(unlink("a"), 0);
	free(all);
}

static void
test_sync(void **state)
{
	struct kx_output out;
	struct kx_error err;
	int fails;

	(void)state;
	put("a", "old");
	for (fails = 0; fails < 3; fails++) {
		fsync_fails = fails;
		fsync_calls = 0;
		assert_int_equal(kx_output_open(&out, "a", 0, &err), KX_OK);
		assert_int_equal(kx_output_write(&out, "new", 3, &err),
		    KX_OK);
		assert_int_equal(kx_output_commit(&out, &err),
		    fails == 0 ? KX_OK : KX_FAIL);
		if (fails == 0)
			put("a", "old");
		else
			assert_int_equal(err.errnum, EIO);
		/* The first is the file's, the second the folder's; none is
		 * tried again. */
		assert_int_equal(fsync_calls, fails == 1 ? 1 : 2);
		assert_string_equal(fails == 1 ? err.message : "cannot sync a",
		    "cannot sync a");
		holds("a", fails == 2 ? "new" : "old", 3);
		assert_int_equal(names(), 1);
	}
	assert_string_equal(err.message, "cannot sync the folder of a");
	fsync_calls = 0;
	assert_int_equal(kx_output_open(&out, "a", KX_OUTPUT_NOSYNC, &err),
	    KX_OK);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	assert_int_equal(fsync_calls, 0);
	assert_int_equal(unlink("a"), 0);
}

/* Destinations that are no regular files are written to as they are. */
static void
test_direct(void **state)
{
	struct kx_output out;
	struct kx_error err;
	struct stat st;
	char text[8];
	int fd;

	(void)state;
	assert_int_equal(kx_output_open(&out, "/dev/full", 0, &err), KX_OK);
	assert_null(kx_output_temp(&out));
	assert_int_equal(kx_output_write(&out, "x", 1, &err), KX_OK);
	assert_int_equal(kx_output_flush(&out, &err), KX_FAIL);
	assert_int_equal(err.errnum, ENOSPC);
	assert_string_equal(err.message, "cannot write to /dev/full");
	assert_int_equal(kx_output_write(&out, "x", 1, &err), KX_FAIL);
	err.errnum = 0;
	assert_int_equal(kx_output_commit(&out, &err), KX_FAIL);
	assert_int_equal(err.errnum, ENOSPC);
	assert_int_equal(kx_output_open(&out, "/dev/null", 0, &err), KX_OK);
	assert_int_equal(kx_output_write(&out, "x", 1, &err), KX_OK);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));

	assert_int_equal(mkfifo("p", 0600), 0);
	fd = open("p", O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(kx_output_open(&out, "p", 0, &err), KX_OK);
	assert_int_equal(kx_output_write(&out, "fifo", 4, &err), KX_OK);
	assert_int_equal(kx_output_commit(&out, &err), KX_OK);
	assert_int_equal(read(fd, text, sizeof(text)), 4);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink("p"), 0);
}

/* Run `body` in a child and take its exit status. */
static int
in_child(int (*body)(void))
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

static int
closed_stdout(void)
{
	struct kx_output out;
	struct kx_error err;

	(void)close(STDOUT_FILENO);
	/* With nothing due it is no fault. */
	if (kx_output_open(&out, "-", 0, &err) != KX_OK ||
	    kx_output_commit(&out, &err) != KX_OK)
		return 1;
	if (kx_output_open(&out, NULL, 0, &err) != KX_OK ||
	    kx_output_write(&out, "x", 1, &err) != KX_OK ||
	    kx_output_commit(&out, &err) != KX_FAIL ||
	    err.errnum != EBADF)
		return 2;
	if (strcmp(err.message, "cannot write to standard output"))
		return 3;
	/* Nor does a file take its place. */
	if (kx_output_open(&out, "a", 0, &err) != KX_OK || out.fd <= 2 ||
	    out.dir_fd <= 2)
		return 4;
	kx_output_abort(&out);
	return 0;
}

static int
named_stdout(void)
{
	struct kx_output out;
	int fd = open("a", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    write(STDOUT_FILENO, "head ", 5) != 5)
		return 1;
	if (kx_output_open(&out, "/dev/stdout", 0, NULL) != KX_OK ||
	    kx_output_write(&out, "body ", 5, NULL) != KX_OK ||
	    kx_output_commit(&out, NULL) != KX_OK)
		return 2;
	if (kx_output_open(&out, "/dev/fd/1", 0, NULL) != KX_OK ||
	    kx_output_write(&out, "tail", 4, NULL) != KX_OK ||
	    kx_output_commit(&out, NULL) != KX_OK)
		return 3;
	return 0;
}

static int
broken_pipe(void)
{
	struct kx_output out;
	struct kx_error err;
	int ends[2];

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0)
		return 1;
	(void)close(ends[0]);
	if (kx_output_open(&out, "-", 0, &err) != KX_OK ||
	    kx_output_write(&out, "x", 1, &err) != KX_OK ||
	    kx_output_flush(&out, &err) != KX_FAIL || err.errnum != EPIPE)
		return 2;
	kx_output_abort(&out);
	return 0;
}

/* A pipe that does not block and is read slowly takes everything. */
static int
slow_pipe(void)
{
	static char text[400000];
	struct kx_output out;
	size_t got = 0;
	ssize_t n;
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0 ||
	    fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		if (dup2(ends[1], STDOUT_FILENO) < 0)
			_exit(1);
		memset(text, 'x', sizeof(text));
		_exit(kx_output_open(&out, "-", 0, NULL) != KX_OK ||
		    kx_output_write(&out, text, sizeof(text), NULL) !=
		    KX_OK || kx_output_commit(&out, NULL) != KX_OK);
	}
	(void)close(ends[1]);
	while ((n = read(ends[0], text, 30000)) > 0) {
		got += (size_t)n;
		(void)usleep(1000);
	}
	return got == sizeof(text) ? 0 : 2;
}

static int
file_limit(void)
{
	struct rlimit limit = { 5000, 5000 };
	struct kx_output out;
	struct kx_error err;
	char text[9000] = "";

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	if (kx_output_open(&out, "a", 0, &err) != KX_OK ||
	    kx_output_write(&out, text, sizeof(text), &err) != KX_OK ||
	    kx_output_commit(&out, &err) != KX_FAIL || err.errnum != EFBIG)
		return 2;
	return 0;
}

static void
test_streams(void **state)
{
	(void)state;
	assert_int_equal(in_child(closed_stdout), 0);
	assert_int_equal(in_child(broken_pipe), 0);
	assert_int_equal(in_child(slow_pipe), 0);
	assert_int_equal(in_child(file_limit), 0);
	assert_int_equal(names(), 0);
	assert_int_equal(in_child(named_stdout), 0);
	holds("a", "head body tail", 14);
	assert_int_equal(unlink("a"), 0);
}

/* Not as root, to whom everything is allowed */
static int
no_permission(void)
{
	struct kx_output out;
	struct kx_error err;
	bool root = geteuid() == 0;

	if (root && (chmod(".", 0777) != 0 || setgid(65534) != 0 ||
	    setuid(65534) != 0))
		return 0;
	if (!root && chmod("a", 0444) != 0)
		return 1;
	if (kx_output_open(&out, "a", 0, &err) != KX_FAIL ||
	    err.errnum != EACCES)
		return 2;
	/* A folder that may be written to, but not read */
	if (mkdir("d", 0300) != 0 ||
	    kx_output_open(&out, "d/x", 0, &err) != KX_OK ||
	    kx_output_commit(&out, &err) != KX_OK)
		return 3;
	return 0;
}

static void
test_permission(void **state)
{
	(void)state;
	put("a", "mine");
	assert_int_equal(in_child(no_permission), 0);
	holds("a", "mine", 4);
	assert_int_equal(unlink("a"), 0);
	(void)unlink("d/x");
	(void)rmdir("d");
	assert_int_equal(names(), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_permission),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
