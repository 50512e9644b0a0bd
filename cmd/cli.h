/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the five programs share and no library may do: options, help,
 * messages, signals, the exit status.
 *
 * A program has one table of options.  getopt_long's arrays, --help, and
 * (by the hidden --dump-options) the completions and the tests that hold the
 * manuals to it are made from that table.
 */
#ifndef CLI_H
#define CLI_H

#include <signal.h>
#include <stdio.h>

#include "kx/base.h"
#include "kx/diag.h"
#include "kx/output.h"
#include "kx/reader.h"

enum {
	CLI_OK = 0,		/* all that was asked was done */
	CLI_NO = 1,		/* the tool worked, the data says no */
	CLI_TROUBLE = 2
};

/* One option.  `arg`: NULL takes none; "FILE", "DIR", "N", ... is what
 * --help calls it; "a|b|c" is a choice and is checked; "[=WHEN]" may be left
 * out; "NAME VALUE" are two, see cli_more().  `id` is the program's, from
 * CLI_FIRST up. */
struct cli_option {
	int id;
	char letter;		/* 0: none */
	const char *name;
	const char *arg;
	const char *help;	/* one line */
	const char *(*offers)(void);	/* what completions offer for an item
				   of a comma-separated list, separated by
				   blanks; NULL: nothing */
};

enum { CLI_END = -1, CLI_FIRST = 1000 };

struct cli_tool {
	const char *name;	/* "kx-filter" */
	const char *usage;	/* operands: "[OPTION]... [FILE]..." */
	const char *purpose;	/* one sentence */
	const struct cli_option *options;	/* ended by id 0 */
	bool progress;		/* takes --progress */
	bool rejects;		/* takes --rejects=FILE */
	bool output;		/* takes -o FILE (a program that gives -o
				   another meaning has it in its own table) */
	const char *quiet;	/* what -q does, for --help: the program looks
				   at cli.quiet.  NULL: warnings and notes are
				   not printed, which is done here */
};

/* What the options that every program has said. */
struct cli_common {
	enum kx_framing framing;
	enum kx_diag_format diagnostics;
	/* Takes what would be said on standard error; not what ends the
	 * program.  NULL: it is said. */
	void (*sink)(const struct kx_finding *finding);
	const char *source;		/* --source, or NULL */
	uint64_t base_off, base_line;
	size_t max_record;
	unsigned jobs;
	bool quiet;
	int progress;			/* -1 auto, 0, 1 */
	const char *output;		/* -o, or NULL: standard output */
	const char *rejects;		/* --rejects, or NULL */
	const struct kx_kernel *kernel;	/* by KX_KERNEL */
};

extern struct cli_common cli;

/* First thing in main(): descriptors 0-2 that are closed are made safe,
 * signals are set, the locale is. */
void cli_start(const struct cli_tool *tool, int argc, char **argv);

/* The next option of the program's own: its id, with its argument in *arg
 * (or NULL); CLI_END when only operands are left, argv[cli_operand()...].
 * Common options are handled, bad usage ends the program with status 2. */
int cli_next(char **arg);
int cli_operand(void);
/* The second argument of an option that takes two. */
char *cli_more(const char *option);

/* Raise the exit status: the worst one wins. */
void cli_raise(int status);
int cli_status(void);

/* "kx-filter: MESSAGE"; cli_fail raises the status to 2 and adds the text of
 * errnum unless that is 0, cli_usage adds the way to --help and ends the
 * program with 2, cli_die ends it too, after removing temporaries, from any
 * thread.  cli_note() says nothing under --quiet, cli_report() always does:
 * for what was asked for. */
void cli_report(const char *fmt, ...) KX_PRINTF(1, 2);
void cli_note(const char *fmt, ...) KX_PRINTF(1, 2);
void cli_fail(int errnum, const char *fmt, ...) KX_PRINTF(2, 3);
void cli_die(int errnum, const char *fmt, ...) KX_PRINTF(2, 3)
    __attribute__((noreturn));
void cli_usage(const char *fmt, ...) KX_PRINTF(1, 2)
    __attribute__((noreturn));

/* Print a finding to standard error; several, by few writes (main thread). */
void cli_finding(const struct kx_finding *finding);
void cli_findings(const struct kx_finding *findings, size_t n);

/* Bytes as they are to standard error, by one write(2). */
void cli_stderr(const void *ptr, size_t len);

/* How far it is: on a terminal the line replaces the one before, and goes
 * when a message comes or line is NULL; elsewhere it is a line of its own. */
void cli_progress(const char *line);

/* Input bytes made fit for a message; lives until the fourth call from now
 * (main thread only). */
const char *cli_quote(struct kx_span span);
const char *cli_quotes(const char *s);

/* A fatal signal (SIGINT, SIGTERM, SIGHUP) removes this file before it ends
 * the program, until cli_temp_remove().  The path is not copied; up to 32 at
 * a time.  Not for children of fork(): their signals remove nothing. */
void cli_temp_add(const char *path);
void cli_temp_remove(const char *path);

/* The first SIGINT sets *flag and writes to the eventfd `fd` instead of ending
 * the program; a second one ends it as ever.  Nothing happens where SIGINT is
 * ignored.  cli_end_by(): end the program by that signal, as cli_finish()'s
 * successor. */
void cli_interrupt(volatile sig_atomic_t *flag, int fd);
void cli_end_by(int sig) __attribute__((noreturn));

/* This file is the result of --option: a second result in the same place is
 * bad usage, for one would be lost.  -o and --rejects are claimed by
 * cli_next(); a program claims what it has beyond them.  NULL, "-" and what is
 * no regular file are nobody's. */
void cli_claim(const char *option, const char *path);

/* kx_output_open(), _commit() and _abort() with the temporary known to the
 * signal handler from when it is there until it is not.  Worker threads must
 * have signals blocked, or one could come between. */
enum kx_status cli_output_open(struct kx_output *out, const char *path,
    unsigned flags, struct kx_error *err) KX_MUST_CHECK;
enum kx_status cli_output_commit(struct kx_output *out,
    struct kx_error *err) KX_MUST_CHECK;
void cli_output_abort(struct kx_output *out);

/* Arguments of options, or cli_usage(). */
uint64_t cli_number(const char *option, const char *arg, uint64_t min,
    uint64_t max);
double cli_real(const char *option, const char *arg, double min, double max);

/* Last thing: close standard output and say so if that fails; the status. */
int cli_finish(void);

#endif
