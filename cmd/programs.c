/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jq programs from the command line, and help where one goes wrong: a file
 * that was taken for a program, a field without its dot, `=` for `==`, an
 * integer that libjq rounds.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kx/event.h"
#include "kx/program.h"

#include "cli.h"
#include "programs.h"

/* Programs of files; nobody writes a longer one. */
#define FILE_MAX ((size_t)16 << 20)

static void *
grow(void *array, size_t n, size_t size)
{
	void *grown = reallocarray(array, n + 1, size);

	if (grown == NULL)
		cli_die(ENOMEM, "cannot start");
	return grown;
}

static void
own(struct programs *programs, void *memory)
{
	programs->owned = grow(programs->owned, programs->n_owned,
	    sizeof(*programs->owned));
	programs->owned[programs->n_owned++] = memory;
}

void
programs_add(struct programs *programs, const char *text)
{
	programs->text = grow(programs->text, programs->n,
	    sizeof(*programs->text));
	programs->text[programs->n++] = text;
}

void
programs_add_file(struct programs *programs, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct kx_buf text = { 0 };
	ssize_t n = fd < 0 ? -1 : 0;

	while (fd >= 0) {
		if (!kx_buf_reserve(&text, 1 << 16))
			cli_die(ENOMEM, "%s", cli_quotes(path));
		n = read(fd, text.ptr + text.len, 1 << 16);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || text.len > FILE_MAX)
			break;
		text.len += (size_t)n;
	}
	if (n < 0)
		cli_die(errno, "%s", cli_quotes(path));
	(void)close(fd);
	if (text.len > FILE_MAX)
		cli_die(EFBIG, "%s", cli_quotes(path));
	if (memchr(text.ptr, '\0', text.len) != NULL)
		cli_die(0, "%s: a program holds no NUL", cli_quotes(path));
	kx_buf_addc(&text, '\0');
	if (kx_buf_failed(&text))
		cli_die(ENOMEM, "%s", cli_quotes(path));
	own(programs, text.ptr);
	programs_add(programs, text.ptr);
}

void
programs_arg(struct programs *programs, const char *option, const char *name,
    const char *value, bool json)
{
	struct kx_json_error fault;
	struct kx_buf text = { 0 };

	if (json) {
		kx_buf_adds(&text, value);
	} else {
		kx_buf_addc(&text, '"');
		kx_buf_addjson(&text, kx_span_str(value));
		kx_buf_addc(&text, '"');
	}
	if (kx_buf_failed(&text))
		cli_die(ENOMEM, "cannot start");
	if (kx_json_check(text.ptr, text.len, NULL, &fault) != KX_OK)
		cli_usage("--%s %s: '%s' is no JSON: at byte %zu, %s", option,
		    cli_quotes(name), cli_quotes(value), fault.off + 1,
		    fault.message);
	own(programs, text.ptr);
	programs->args = grow(programs->args, programs->n_args,
	    sizeof(*programs->args));
	programs->args[programs->n_args++] = (struct kx_filter_arg){ name,
	    kx_buf_span(&text) };
}

/* The field that a name in libjq's "NAME/0 is not defined" may have meant. */
static const char *
field_meant(const char *message, char *name, size_t size)
{
	size_t len = strcspn(message, "/");

	if (strncmp(message + len, "/0 is not defined", 17) || len >= size)
		return NULL;
	memcpy(name, message, len);
	name[len] = '\0';
	return kx_field_find((struct kx_span){ message, len }) >= 0 ? name :
	    NULL;
}

/* A program that does not compile. */
static void __attribute__((noreturn))
refuse(const char *text, bool operand, const char *message)
{
	char name[64];
	const char *field = field_meant(message, name, sizeof(name));
	struct stat st;

	if (operand && stat(text, &st) == 0)
		cli_usage("'%s' is a file, and the first operand is the "
		    "program: did you mean 'kx-filter . %s'?",
		    cli_quotes(text), cli_quotes(text));
	if (field != NULL)
		cli_die(0, "program '%s': %s (a field is written with a dot: "
		    ".%s)", cli_quotes(text), message, field);
	if (operand && strpbrk(text, " |=<>()[]{}\"") == NULL)
		cli_usage("'%s' is neither a program (%s) nor a file",
		    cli_quotes(text), message);
	cli_die(0, "program '%s': %s", cli_quotes(text), message);
}

/* What compiles, and is hardly meant. */
static void
advise(const char *text, bool condition)
{
	struct kx_program *program;
	struct kx_span number;

	if (kx_program_new(text, &program) != KX_OK)
		cli_die(ENOMEM, "cannot start");
	if (condition && kx_program_assigns(program))
		cli_note("program '%s': '=' assigns, and what it gives is "
		    "true: did you mean '=='?", cli_quotes(text));
	number = kx_program_rounded(program);
	if (number.len > 0)
		cli_note("program '%s': to libjq 1.6 %s is the same as its "
		    "neighbours, for it holds numbers as doubles",
		    cli_quotes(text), cli_quote(number));
	kx_program_free(program);
}

struct kx_filter *
programs_start(struct programs *programs, size_t n_conditions, bool operand)
{
	const char *mode = getenv("KX_FILTER");
	struct kx_filter_options options = { .programs = programs->text,
	    .n_programs = programs->n, .n_conditions = n_conditions,
	    .args = programs->args, .n_args = programs->n_args };
	struct kx_filter *filter = NULL;
	enum kx_status status;
	struct kx_error err;
	size_t which, i;

	if (mode != NULL && !strcmp(mode, "libjq"))
		options.flags |= KX_FILTER_PLAIN;
	status = kx_filter_new(&options, &filter, &which, &err);
	if (status == KX_OK)
		status = kx_filter_start(filter, cli.jobs > 0 ? cli.jobs : 1,
		    cli.kernel, &which, &err);
	if (status == KX_BAD)
		refuse(programs->text[which], operand && which == 0,
		    err.message);
	if (status != KX_OK)
		cli_die(err.errnum, "%s", err.message);
	for (i = 0; i < programs->n; i++)
		advise(programs->text[i], i < n_conditions);
	return filter;
}

void
programs_free(struct programs *programs)
{
	size_t i;

	for (i = 0; i < programs->n_owned; i++)
		free(programs->owned[i]);
	free(programs->owned);
	free(programs->text);
	free(programs->args);
}
