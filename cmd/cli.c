/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options, help, messages, signals and the exit status of the five programs.
 *
 * The program's table and the common one below are put into one list, the
 * program's rows first; where both have a name or a letter, the program's
 * counts.  Everything else (getopt_long's arrays, --help, --dump-options) is
 * read off that list.
 *
 * A message is made on the stack and written by one write(2): it costs no
 * memory, so it can be said that there is none, and messages of programs that
 * share a terminal do not run into one another.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kx/kernel.h"

#include "cli.h"

#define MAX_ROWS 128
#define MAX_TEMPS 32
#define MAX_JOBS 1024
#define HELP_COLUMN 28
#define HELP_WIDTH 79
/* Room for what kx_diag_format() makes (under 1,000 bytes) and one line. */
#define MESSAGE_MAX 1280
/* Bytes of many messages that go out by one write. */
#define MANY_MAX 65536

struct cli_common cli = {
	.framing = KX_FRAMING_AUTO,
	.diagnostics = KX_DIAG_TEXT,
	.base_line = 1,
	.max_record = KX_MAX_RECORD_DEFAULT,
	.progress = -1,
};

enum {
	OPT_OUTPUT = 1, OPT_REJECTS, OPT_FRAMING, OPT_MAX_RECORD, OPT_SOURCE,
	OPT_BASE_OFFSET, OPT_BASE_LINE, OPT_JOBS, OPT_PROGRESS,
	OPT_DIAGNOSTICS, OPT_QUIET, OPT_HELP, OPT_VERSION
};

static const struct cli_option common[] = {
	{ OPT_OUTPUT, 'o', "output", "FILE",
	    "write to FILE, which appears whole or not at all" },
	{ OPT_REJECTS, 0, "rejects", "FILE",
	    "keep the records that could not be used, byte for byte" },
	{ OPT_FRAMING, 0, "framing", "auto|lines|seq|concat",
	    "how records follow one another (auto): a text a line, RFC 7464, "
	    "or texts in a row" },
	{ OPT_MAX_RECORD, 0, "max-record", "SIZE",
	    "longest record that is looked at (256M)" },
	{ OPT_SOURCE, 0, "source", "NAME",
	    "name of the input in messages and manifests" },
	{ OPT_BASE_OFFSET, 0, "base-offset", "N",
	    "byte offset at which the input begins in a larger log (0)" },
	{ OPT_BASE_LINE, 0, "base-line", "N",
	    "line number at which it begins there (1)" },
	{ OPT_JOBS, 'j', "jobs", "N",
	    "work on N processors (all that are to be had)" },
	{ OPT_PROGRESS, 0, "progress", "[=auto|always|never]",
	    "show how far it is on standard error (auto: on a terminal)" },
	{ OPT_DIAGNOSTICS, 0, "diagnostics", "text|json",
	    "form of messages on standard error (text)" },
	{ OPT_QUIET, 'q', "quiet", NULL,
	    "do not print warnings and notes" },
	{ OPT_HELP, 'h', "help", NULL, "print this help" },
	{ OPT_VERSION, 'V', "version", NULL, "print the version" },
	{ 0 }
};

static struct {
	const struct cli_tool *tool;
	int argc;
	char **argv;
	struct cli_option row[MAX_ROWS];
	size_t n_rows, n_own;
	struct option longs[MAX_ROWS + 1];
	char shorts[3 * MAX_ROWS + 2];
	atomic_int status;
	pid_t pid;
	bool finished;		/* standard output is closed */
	bool progress_shown;	/* a line on the terminal that is to go */
} self;

/* Read by the signal handler: only lock-free atomics. */
static const char *_Atomic temps[MAX_TEMPS];
static sigset_t fatal_signals;

/* --- messages ------------------------------------------------------------ */

void
cli_stderr(const void *ptr, size_t len)
{
	const char *p = ptr;
	struct pollfd wait = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	while (len > 0) {
		n = write(STDERR_FILENO, p, len);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			(void)poll(&wait, 1, -1);
		} else if (errno != EINTR) {
			return;	/* nobody is left to tell; the status does */
		}
	}
}

static void
say(const struct kx_finding *finding, const char *more)
{
	char space[MESSAGE_MAX + KX_PADDING];
	struct kx_buf out = { space, 0, MESSAGE_MAX, false };
	const char *name;
	int saved = errno;

	if (cli.sink != NULL) {
		cli.sink(finding);
		errno = saved;
		return;
	}
	name = self.tool != NULL ? self.tool->name : "kx";
	if (self.progress_shown)
		kx_buf_adds(&out, "\r\033[K");
	kx_diag_format(finding, name, cli.diagnostics, &out);
	if (more != NULL && cli.diagnostics == KX_DIAG_TEXT)
		kx_buf_addf(&out, "Try '%s %s' for more information.\n", name,
		    more);
	cli_stderr(out.ptr, out.len);
	self.progress_shown = false;
	errno = saved;
}

static void
vsay(enum kx_severity severity, int errnum, const char *more, const char *fmt,
    va_list ap) KX_PRINTF(4, 0);

static void
vsay(enum kx_severity severity, int errnum, const char *more, const char *fmt,
    va_list ap)
{
	char text[MESSAGE_MAX], reason[160], space[MESSAGE_MAX + KX_PADDING];
	struct kx_finding finding = { .severity = severity, .message = text };
	struct kx_buf whole = { space, 0, MESSAGE_MAX, false };

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	if (errnum != 0) {
		/* The reason matters most: it is not what is cut. */
		kx_diag_quote(&whole, kx_span_str(text), MESSAGE_MAX / 2);
		kx_buf_addf(&whole, ": %s",
		    strerror_r(errnum, reason, sizeof(reason)));
		kx_buf_addc(&whole, '\0');
		finding.message = whole.ptr;
	}
	say(&finding, more);
}

void
cli_note(const char *fmt, ...)
{
	va_list ap;

	if (cli.quiet && self.tool->quiet == NULL)
		return;
	va_start(ap, fmt);
	vsay(KX_SEV_NOTE, 0, NULL, fmt, ap);
	va_end(ap);
}

void
cli_report(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(KX_SEV_NOTE, 0, NULL, fmt, ap);
	va_end(ap);
}

void
cli_fail(int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(KX_SEV_ERROR, errnum, NULL, fmt, ap);
	va_end(ap);
	cli_raise(CLI_TROUBLE);
}

/* From any thread, so without what exit() runs: no other thread is stopped. */
static void __attribute__((noreturn))
end_now(void)
{
	size_t i;
	const char *path;

	for (i = 0; i < MAX_TEMPS; i++) {
		path = atomic_exchange(&temps[i], NULL);
		if (path != NULL && getpid() == self.pid)
			(void)unlink(path);
	}
	_exit(CLI_TROUBLE);
}

/*
 * A library that ends the program: libarchive calls exit(1) where memory is
 * refused.  That is trouble like any other.
 */
static void
on_exit_of_others(void)
{
	if (self.finished || getpid() != self.pid)
		return;
	cli_fail(0, "a library gave up, for want of memory");
	end_now();
}

void
cli_die(int errnum, const char *fmt, ...)
{
	va_list ap;

	cli.sink = NULL;
	va_start(ap, fmt);
	vsay(KX_SEV_ERROR, errnum, NULL, fmt, ap);
	va_end(ap);
	end_now();
}

void
cli_usage(const char *fmt, ...)
{
	va_list ap;

	cli.sink = NULL;
	va_start(ap, fmt);
	vsay(KX_SEV_ERROR, 0, "--help", fmt, ap);
	va_end(ap);
	end_now();
}

void
cli_finding(const struct kx_finding *finding)
{
	if (cli.quiet && self.tool->quiet == NULL &&
	    finding->severity < KX_SEV_ERROR)
		return;
	say(finding, NULL);
}

/* As cli_finding() of each, with as few writes as go. */
void
cli_findings(const struct kx_finding *findings, size_t n)
{
	static char space[MANY_MAX + MESSAGE_MAX + KX_PADDING];
	struct kx_buf out = { space, 0, MANY_MAX + MESSAGE_MAX, false };
	size_t i;

	if (self.progress_shown && n > 0) {
		cli_stderr("\r\033[K", 4);
		self.progress_shown = false;
	}
	for (i = 0; i < n; i++) {
		if (cli.quiet && self.tool->quiet == NULL &&
		    findings[i].severity < KX_SEV_ERROR)
			continue;
		if (cli.sink != NULL) {
			cli.sink(&findings[i]);
			continue;
		}
		kx_diag_format(&findings[i], self.tool->name, cli.diagnostics,
		    &out);
		if (out.len >= MANY_MAX) {
			cli_stderr(out.ptr, out.len);
			out.len = 0;
		}
	}
	cli_stderr(out.ptr, out.len);
}

void
cli_progress(const char *line)
{
	char space[MESSAGE_MAX + KX_PADDING];
	struct kx_buf out = { space, 0, MESSAGE_MAX, false };

	if (isatty(STDERR_FILENO)) {
		if (line == NULL && !self.progress_shown)
			return;
		kx_buf_adds(&out, "\r\033[K");
		self.progress_shown = line != NULL;
		if (line != NULL)
			kx_diag_quote(&out, kx_span_str(line), 1000);
	} else if (line != NULL) {
		kx_buf_addf(&out, "%s: ", self.tool->name);
		kx_diag_quote(&out, kx_span_str(line), 1000);
		kx_buf_addc(&out, '\n');
	}
	cli_stderr(out.ptr, out.len);
}

const char *
cli_quote(struct kx_span span)
{
	static struct {
		char space[256 + KX_PADDING];
	} ring[4];
	static unsigned next;
	struct kx_buf out = { ring[next % 4].space, 0, 256, false };

	next++;
	kx_diag_quote(&out, span, 250);
	kx_buf_addc(&out, '\0');
	return out.ptr;
}

const char *
cli_quotes(const char *s)
{
	return cli_quote(kx_span_str(s));
}

/* --- the exit status ----------------------------------------------------- */

void
cli_raise(int status)
{
	int old = atomic_load(&self.status);

	while (old < status &&
	    !atomic_compare_exchange_weak(&self.status, &old, status))
		continue;
}

int
cli_status(void)
{
	return atomic_load(&self.status);
}

int
cli_finish(void)
{
	bool failed;
	int errnum = 0;

	cli_progress(NULL);
	if (self.finished)
		return cli_status();
	self.finished = true;
	/* The flag alone tells of an earlier failure, whose errno is gone. */
	failed = ferror(stdout) != 0;
	if (fflush(stdout) != 0)
		errnum = errno;
	/* With nothing due it may have been closed by who wrote to it. */
	if (fclose(stdout) != 0 && errnum == 0 && errno != EBADF)
		errnum = errno;
	if (errnum != 0 || failed)
		cli_fail(errnum, "cannot write to standard output");
	return cli_status();
}

/* --- signals and temporaries --------------------------------------------- */

/* Ends the process by the signal that came: SA_RESETHAND has put the default
 * back, and what is raised here waits until the handler returns. */
static void
on_fatal(int sig)
{
	const char *path;
	size_t i;

	/* A child of fork() has a copy of the table, but not the files. */
	if (getpid() == self.pid) {
		for (i = 0; i < MAX_TEMPS; i++) {
			path = atomic_load(&temps[i]);
			if (path != NULL)
				(void)unlink(path);
		}
	}
	(void)raise(sig);
}

static struct {
	volatile sig_atomic_t *flag;
	int fd;
} interrupt;

static void
on_first(int sig)
{
	struct sigaction sa = { .sa_handler = on_fatal };
	const uint64_t one = 1;
	int saved = errno;

	*interrupt.flag = 1;
	sa.sa_mask = fatal_signals;
	sa.sa_flags = SA_RESETHAND;
	(void)sigaction(sig, &sa, NULL);
	if (write(interrupt.fd, &one, sizeof(one)) < 0)
		errno = 0;	/* full: it will be read */
	errno = saved;
}

void
cli_interrupt(volatile sig_atomic_t *flag, int fd)
{
	struct sigaction sa = { .sa_handler = on_first }, old;

	interrupt.flag = flag;
	interrupt.fd = fd;
	sa.sa_mask = fatal_signals;
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		(void)sigaction(SIGINT, &sa, NULL);
}

void
cli_end_by(int sig)
{
	sigset_t set;

	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(sig);
	_exit(CLI_TROUBLE);
}

static void
catch_signals(void)
{
	static const int fatal[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_fatal }, old;
	size_t i;

	(void)sigemptyset(&fatal_signals);
	for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		(void)sigaddset(&fatal_signals, fatal[i]);
	sa.sa_mask = fatal_signals;
	sa.sa_flags = SA_RESETHAND;
	for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (sigaction(fatal[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			(void)sigaction(fatal[i], &sa, NULL);
	/* A file that may not grow is a write that fails, not a death that
	 * leaves a temporary behind. */
	(void)signal(SIGXFSZ, SIG_IGN);
}

void
cli_temp_add(const char *path)
{
	const char *none;
	size_t i;

	if (path == NULL)
		return;
	for (i = 0; i < MAX_TEMPS; i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&temps[i], &none, path))
			return;
	}
}

void
cli_temp_remove(const char *path)
{
	const char *same;
	size_t i;

	if (path == NULL)
		return;
	for (i = 0; i < MAX_TEMPS; i++) {
		same = path;
		if (atomic_compare_exchange_strong(&temps[i], &same, NULL))
			return;
	}
}

/* Is there a regular file, or nothing, at path?  Of the folder that it is in
 * (or would be in) *dir gets the number. */
static bool
is_place(const char *path, struct stat *dir, const char **base)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *parent;
	bool ok;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return false;
	*base = slash == NULL ? path : slash + 1;
	parent = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	ok = parent != NULL && stat(parent, dir) == 0;
	free(parent);
	return ok;
}

void
cli_claim(const char *option, const char *path)
{
	static struct {
		const char *option, *base;
		struct stat dir;
	} claims[4];
	static size_t n;
	struct stat dir;
	const char *base;
	size_t i;

	if (path == NULL || !strcmp(path, "-") ||
	    !is_place(path, &dir, &base))
		return;
	for (i = 0; i < n; i++)
		if (claims[i].dir.st_dev == dir.st_dev &&
		    claims[i].dir.st_ino == dir.st_ino &&
		    !strcmp(claims[i].base, base))
			cli_usage("--%s and --%s name the same file, %s",
			    claims[i].option, option, cli_quotes(path));
	if (n < sizeof claims / sizeof claims[0]) {
		claims[n].option = option;
		claims[n].base = base;
		claims[n++].dir = dir;
	}
}

enum kx_status
cli_output_open(struct kx_output *out, const char *path, unsigned flags,
    struct kx_error *err)
{
	enum kx_status status;
	sigset_t old;

	(void)pthread_sigmask(SIG_BLOCK, &fatal_signals, &old);
	status = kx_output_open(out, path, flags, err);
	if (status == KX_OK)
		cli_temp_add(kx_output_temp(out));
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return status;
}

enum kx_status
cli_output_commit(struct kx_output *out, struct kx_error *err)
{
	enum kx_status status;
	sigset_t old;
	const char *temp;

	/* The flush may wait for a reader: a signal must reach it. */
	if (kx_output_flush(out, err) != KX_OK) {
		cli_output_abort(out);
		return KX_FAIL;
	}
	(void)pthread_sigmask(SIG_BLOCK, &fatal_signals, &old);
	temp = kx_output_temp(out);
	cli_temp_remove(temp);
	status = kx_output_commit(out, err);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return status;
}

void
cli_output_abort(struct kx_output *out)
{
	sigset_t old;

	(void)pthread_sigmask(SIG_BLOCK, &fatal_signals, &old);
	cli_temp_remove(kx_output_temp(out));
	kx_output_abort(out);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* --- the start ----------------------------------------------------------- */

/*
 * A closed 0, 1 or 2 is opened the wrong way round, so that no file of ours
 * lands there and what is read or written fails as it would have (EBADF).
 */
static void
fill_descriptors(void)
{
	int fd, got;

	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		got = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
		if (got < 0)
			got = open("/", O_RDONLY | O_DIRECTORY);
		if (got != fd)
			_exit(CLI_TROUBLE);
	}
}

static unsigned
processors(void)
{
	cpu_set_t set;
	long n;

	/* Fails where there are more processors than the set has bits. */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return n > MAX_JOBS ? MAX_JOBS : (unsigned)n;
}

static bool
wanted(const struct cli_tool *tool, int id)
{
	switch (id) {
	case OPT_OUTPUT:
		return tool->output;
	case OPT_REJECTS:
		return tool->rejects;
	case OPT_PROGRESS:
		return tool->progress;
	default:
		return true;
	}
}

static bool
optional(const struct cli_option *row)
{
	return row->arg != NULL && row->arg[0] == '[';
}

static void
add_row(const struct cli_option *row)
{
	struct cli_option *own = &self.row[self.n_rows];
	size_t i;

	*own = *row;
	if (row->id == OPT_QUIET && self.tool->quiet != NULL)
		own->help = self.tool->quiet;
	for (i = 0; i < self.n_own; i++) {
		if (strcmp(self.row[i].name, row->name) == 0)
			return;
		if (self.row[i].letter == row->letter)
			own->letter = 0;
	}
	if (self.n_rows + 1 < MAX_ROWS)
		self.n_rows++;
}

static void
make_arrays(const struct cli_tool *tool)
{
	const struct cli_option *row;
	struct option *o;
	char *s = self.shorts;
	size_t i;

	for (row = tool->options; row->id != 0; row++)
		add_row(row);
	self.n_own = self.n_rows;
	for (row = common; row->id != 0; row++)
		if (wanted(tool, row->id))
			add_row(row);

	*s++ = ':';	/* tell a missing argument from an unknown option */
	for (i = 0; i < self.n_rows; i++) {
		row = &self.row[i];
		o = &self.longs[i];
		o->name = row->name;
		o->has_arg = row->arg == NULL ? no_argument :
		    optional(row) ? optional_argument : required_argument;
		o->flag = NULL;
		o->val = 256 + (int)i;
		if (row->letter == 0)
			continue;
		*s++ = row->letter;
		if (row->arg != NULL)
			*s++ = ':';
		if (optional(row))
			*s++ = ':';
	}
	*s = '\0';
}

void
cli_start(const struct cli_tool *tool, int argc, char **argv)
{
	fill_descriptors();
	self.tool = tool;
	self.argc = argc;
	self.argv = argv;
	self.pid = getpid();
	catch_signals();
	if (atexit(on_exit_of_others) != 0)
		cli_die(ENOMEM, "cannot start");
	/* No setlocale(): what is printed is the same everywhere, text is UTF-8
	 * whatever the locale, and loading one takes as long as filtering a
	 * thousand events. */
	cli.jobs = processors();
	make_arrays(tool);
}

/* --- arguments ----------------------------------------------------------- */

/* Decimal digits up to *end; false where there are none or too many. */
static bool
digits(const char *s, uint64_t *n, const char **end)
{
	uint64_t v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	*n = v;
	*end = s;
	return true;
}

uint64_t
cli_number(const char *option, const char *arg, uint64_t min, uint64_t max)
{
	const char *end;
	uint64_t n;

	if (!digits(arg, &n, &end) || *end != '\0' || n < min || n > max) {
		if (max == UINT64_MAX)
			cli_usage("%s: '%s' is not a number from %llu up",
			    option, cli_quotes(arg), (unsigned long long)min);
		cli_usage("%s: '%s' is not a number from %llu to %llu", option,
		    cli_quotes(arg), (unsigned long long)min,
		    (unsigned long long)max);
	}
	return n;
}

double
cli_real(const char *option, const char *arg, double min, double max)
{
	char *end;
	double x;

	/* strtod() knows more spellings than a user should have to. */
	if (arg[0] == '\0' || arg[strspn(arg, "0123456789.eE+-")] != '\0')
		goto bad;
	x = strtod(arg, &end);
	if (*end != '\0' || !(x >= min && x <= max))
		goto bad;
	return x;
bad:
	cli_usage("%s: '%s' is not a number from %g to %g", option,
	    cli_quotes(arg), min, max);
}

/* Bytes: digits, then K, M or G (1024s; also KiB ...) or KB, MB, GB (1000s). */
static uint64_t
size_arg(const char *option, const char *arg, uint64_t min, uint64_t max)
{
	static const char letters[] = "KMG";
	const char *end, *p;
	uint64_t n, unit = 1024;

	if (!digits(arg, &n, &end))
		goto bad;
	if (*end != '\0') {
		p = strchr(letters, *end == 'k' ? 'K' : *end);
		if (p == NULL)
			goto bad;
		end++;
		if (strcmp(end, "B") == 0)
			unit = 1000;
		else if (*end != '\0' && strcmp(end, "iB") != 0)
			goto bad;
		for (; p >= letters; p--)
			if (__builtin_mul_overflow(n, unit, &n))
				goto bad;
	}
	if (n < min || n > max)
		goto bad;
	return n;
bad:
	cli_usage("%s: '%s' is not a size from %llu to %llu bytes "
	    "(64K, 256M, 1G ...)", option, cli_quotes(arg),
	    (unsigned long long)min, (unsigned long long)max);
}

/* The place of `arg` among "a|b|c", where it is checked; the program's own
 * choices are checked too, and compared by the program. */
static int
choice(const struct cli_option *row, const char *arg)
{
	const char *p = row->arg;
	size_t len;
	int i;

	if (p[0] == '[')
		p += 2;
	for (i = 0; ; i++) {
		len = strcspn(p, "|]");
		if (strlen(arg) == len && strncmp(p, arg, len) == 0)
			return i;
		if (p[len] != '|')
			break;
		p += len + 1;
	}
	p = row->arg + (optional(row) ? 2 : 0);
	cli_usage("--%s: '%s' is none of %.*s", row->name, cli_quotes(arg),
	    (int)strcspn(p, "]"), p);
}

/* --- help ---------------------------------------------------------------- */

/* Words from column `at` on, which `from` has reached already. */
static void
put_words(const char *words, size_t from, size_t at)
{
	size_t len, col = from;
	bool first = true;

	while (*words != '\0') {
		len = strcspn(words, " ");
		if (!first && col + 1 + len > HELP_WIDTH) {
			printf("\n%*s", (int)at, "");
			col = at;
		} else if (!first) {
			putchar(' ');
			col++;
		}
		printf("%.*s", (int)len, words);
		col += len;
		first = false;
		words += len;
		words += strspn(words, " ");
	}
	putchar('\n');
}

static void
put_row(const struct cli_option *row)
{
	size_t col;

	if (row->letter != 0)
		printf("  -%c, --%s", row->letter, row->name);
	else
		printf("      --%s", row->name);
	col = 8 + strlen(row->name);
	if (row->arg != NULL) {
		printf("%s%s", optional(row) ? "" :
		    strchr(row->arg, ' ') != NULL ? " " : "=", row->arg);
		col += strlen(row->arg) + !optional(row);
	}
	if (col + 2 > HELP_COLUMN) {
		putchar('\n');
		col = 0;
	}
	printf("%*s", (int)(HELP_COLUMN - col), "");
	put_words(row->help, HELP_COLUMN, HELP_COLUMN);
}

static void __attribute__((noreturn))
print_help(void)
{
	size_t i;

	printf("Usage: %s %s\n", self.tool->name, self.tool->usage);
	put_words(self.tool->purpose, 0, 0);
	if (self.n_own > 0)
		printf("\nOptions:\n");
	for (i = 0; i < self.n_rows; i++) {
		if (i == self.n_own)
			printf("\nOptions of every kx tool:\n");
		put_row(&self.row[i]);
	}
	printf("\nExit status: 0 all was done, 1 the data says no, "
	    "2 trouble.\n"
	    "Manuals: %s(1), kx(7).\n", self.tool->name);
	exit(cli_finish());
}

static void __attribute__((noreturn))
print_version(void)
{
	printf("%s (%s) %s\n"
	    "License GPLv3+: GNU GPL version 3 or later "
	    "<https://gnu.org/licenses/gpl.html>.\n"
	    "This is free software: you are free to change and "
	    "redistribute it.\n"
	    "There is NO WARRANTY, to the extent permitted by law.\n",
	    self.tool->name, PACKAGE_NAME, PACKAGE_VERSION);
	exit(cli_finish());
}

static void __attribute__((noreturn))
dump_options(void)
{
	const struct cli_option *row;
	size_t i;

	for (i = 0; i < self.n_rows; i++) {
		row = &self.row[i];
		if (row->letter != 0)
			putchar(row->letter);
		printf("\t%s\t%s\t%s\t%s\n", row->name,
		    row->arg != NULL ? row->arg : "", row->help,
		    row->offers != NULL ? row->offers() : "");
	}
	exit(cli_finish());
}

/* --- options ------------------------------------------------------------- */

static void
do_common(const struct cli_option *row, const char *arg)
{
	char option[32];

	(void)snprintf(option, sizeof(option), "--%s", row->name);
	switch (row->id) {
	case OPT_OUTPUT:
		cli.output = arg;
		break;
	case OPT_REJECTS:
		cli.rejects = arg;
		break;
	case OPT_FRAMING:
		cli.framing = (enum kx_framing)choice(row, arg);
		break;
	case OPT_MAX_RECORD:
		cli.max_record = (size_t)size_arg(option, arg, 1,
		    KX_MAX_RECORD_LIMIT);
		break;
	case OPT_SOURCE:
		cli.source = arg;
		break;
	case OPT_BASE_OFFSET:
		cli.base_off = cli_number(option, arg, 0, INT64_MAX);
		break;
	case OPT_BASE_LINE:
		cli.base_line = cli_number(option, arg, 1, INT64_MAX);
		break;
	case OPT_JOBS:
		cli.jobs = (unsigned)cli_number(option, arg, 1, MAX_JOBS);
		break;
	case OPT_PROGRESS:
		/* auto, always, never */
		cli.progress = arg == NULL ? 1 :
		    (int[]){ -1, 1, 0 }[choice(row, arg)];
		break;
	case OPT_DIAGNOSTICS:
		cli.diagnostics = (enum kx_diag_format)choice(row, arg);
		break;
	case OPT_QUIET:
		cli.quiet = true;
		break;
	case OPT_HELP:
		print_help();
	case OPT_VERSION:
		print_version();
	}
}

/* What getopt_long() did not like about `given`. */
static void __attribute__((noreturn))
bad_option(const char *given, int c)
{
	char names[200] = "";
	size_t i, len, used = 0, n = 0;
	int room;

	if (optopt >= 256) {
		if (c == ':')
			cli_usage("option '--%s' needs an argument",
			    self.row[optopt - 256].name);
		cli_usage("option '--%s' takes no argument",
		    self.row[optopt - 256].name);
	}
	if (optopt != 0) {
		if (c == ':')
			cli_usage("option '-%c' needs an argument", optopt);
		cli_usage("unknown option '-%s'", cli_quote((struct kx_span){
		    (char[]){ (char)optopt }, 1 }));
	}
	given += 2;
	len = strcspn(given, "=");
	for (i = 0; i < self.n_rows; i++) {
		if (strncmp(self.row[i].name, given, len) != 0)
			continue;
		n++;
		room = (int)(sizeof(names) - used);
		if (snprintf(names + used, (size_t)room, " --%s",
		    self.row[i].name) < room)
			used += strlen(names + used);
		else
			names[used] = '\0';
	}
	if (n > 1)
		cli_usage("option '--%s' could be any of%s",
		    cli_quote((struct kx_span){ given, len }), names);
	cli_usage("unknown option '--%s'",
	    cli_quote((struct kx_span){ given, len }));
}

static void
choose_kernel(void)
{
	const char *name = getenv("KX_KERNEL");

	cli.kernel = kx_kernel_get(name);
	if (cli.kernel == NULL)
		cli_die(0, "KX_KERNEL: this program or processor has no "
		    "kernel '%s'", name != NULL ? cli_quotes(name) : "");
}

static const struct cli_option *
find_row(int c)
{
	size_t i;

	if (c >= 256)
		return &self.row[c - 256];
	for (i = 0; i < self.n_rows; i++)
		if (self.row[i].letter == c)
			return &self.row[i];
	return NULL;
}

int
cli_next(char **arg)
{
	const struct cli_option *row;
	int c;

	/* Whole and first, so that it makes no abbreviation ambiguous. */
	if (optind == 1 && self.argc == 2 &&
	    strcmp(self.argv[1], "--dump-options") == 0)
		dump_options();
	opterr = 0;
	for (;;) {
		c = getopt_long(self.argc, self.argv, self.shorts, self.longs,
		    NULL);
		if (c == -1) {
			if (cli.kernel == NULL)
				choose_kernel();
			cli_claim("output", cli.output);
			cli_claim("rejects", cli.rejects);
			return CLI_END;
		}
		row = c == '?' || c == ':' ? NULL : find_row(c);
		if (row == NULL)
			bad_option(self.argv[optind - 1], c);
		if (row >= self.row + self.n_own) {
			do_common(row, optarg);
			continue;
		}
		if (optarg != NULL && strchr(row->arg, '|') != NULL)
			(void)choice(row, optarg);
		*arg = optarg;
		return row->id;
	}
}

char *
cli_more(const char *option)
{
	if (optind >= self.argc)
		cli_usage("option '--%s' needs two arguments", option);
	return self.argv[optind++];
}

int
cli_operand(void)
{
	return optind < self.argc ? optind : self.argc;
}
