/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A jq program, and all that is known of it.
 *
 * The text is parsed into a tree (program-parse.c).  Two readings of the tree
 * follow, both free to give up anywhere: what it can see of an event
 * (program-reach.c), and what can be answered without libjq
 * (program-native.c).  What a program may not use at all is found here, in its
 * tokens.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/arena.h"
#include "kx/num.h"
#include "program-tree.h"

/* What is refused */

/* Skip the text of a string, from behind its quote or an interpolation's
 * bracket, to behind its end or the next interpolation's `\(`: true there. */
static bool
skip_string(const char **pos)
{
	const char *p = *pos;

	while (*p != '\0' && *p != '"') {
		if (*p == '\\' && p[1] != '\0') {
			if (p[1] == '(') {
				*pos = p + 2;
				return true;
			}
			p++;
		}
		p++;
	}
	*pos = *p == '"' ? p + 1 : p;
	return false;
}

/*
 * Find one of n names: as a call or keyword, not as a member's name, a
 * variable or a string.  Tokens are enough to tell, and so it works on
 * programs that the parser does not read.  One that the program defines itself
 * is its own.
 */
static const char *
find_name(const char *text, const char *const *names, size_t n)
{
	enum { DEEP = 256 };
	const char *found = NULL, *p = text, *q;
	char open[DEEP], before = '\0';
	struct kx_span name;
	size_t depth = 0, i;
	bool defining = false;

	for (;;) {
		(void)skip_blank(&p);
		if (*p == '\0' || depth == DEEP)
			return found;
		if (is_alpha(*p)) {
			q = name_end(p);
			name = (struct kx_span){ p, (size_t)(q - p) };
			p = q;
			(void)skip_blank(&q);
			for (i = 0; i < n; i++)
				if (kx_span_eq(name, kx_span_str(names[i])))
					break;
			/* {input: 1}, {input} */
			if (i < n && depth > 0 && open[depth - 1] == '{' &&
			    (before == '{' || before == ',') &&
			    (*q == ':' || *q == ',' || *q == '}'))
				i = n;
			if (i < n && defining)
				return NULL;
			if (i < n && before != ':' && found == NULL)
				found = names[i];
			defining = kx_span_eq(name, KX_SPAN("def"));
			before = 'a';
			continue;
		}
		defining = false;
		before = *p;
		switch (*p++) {
		case '"':
			if (skip_string(&p))
				open[depth++] = '"';
			break;
		case '(': case '[': case '{':
			open[depth++] = p[-1];
			break;
		case ')':
			if (depth > 0 && open[depth - 1] == '"' &&
			    skip_string(&p))
				break;
			/* fall through */
		case ']': case '}':
			if (depth > 0)
				depth--;
			break;
		case '.': case '$': case '@':
			p = name_end(p);
			break;
		case ':':
			/* `a::b` is a module's, `a: b` is not */
			if (*p == ':')
				p++;
			else
				before = ';';
			break;
		default:
			break;
		}
	}
}

#ifndef HAVE_JV_NUMBER_WITH_LITERAL
/* An integer among the tokens that is beyond 2^53.  What stands in a string is
 * text. */
static struct kx_span
find_rounded(const char *text)
{
	const char *p = text, *end;
	struct kx_span number;
	unsigned is;

	for (;; p++) {
		(void)skip_blank(&p);
		if (*p == '\0')
			return KX_SPAN_NULL;
		if (is_alpha(*p) || *p == '$' || *p == '@') {
			p = name_end(p + 1) - 1;
			continue;
		}
		if (*p == '"') {
			while (p[1] != '\0' && p[1] != '"')
				p += 1 + (p[1] == '\\' && p[2] != '\0');
			p += p[1] == '"';
			continue;
		}
		if (!is_digit(*p))
			continue;
		for (end = p; is_digit(*end) || *end == '.'; end++)
			continue;
		if ((*end | 32) == 'e')
			for (end += 1 + (end[1] == '-' || end[1] == '+');
			    is_digit(*end); end++)
				continue;
		number = (struct kx_span){ p, (size_t)(end - p) };
		is = kx_num_classify(number);
		if ((is & KX_NUM_INTEGER) && !(is & KX_NUM_EXACT))
			return number;
		p = end - 1;
	}
}
#endif

/* What may not be used, and what has to be provided for. */
static void
look_for_names(struct kx_program *program)
{
	static const char *const refused[] = { "input", "inputs",
	    "input_filename", "halt", "halt_error", "stderr", "import",
	    "include", "modulemeta", "get_search_list" };
	static const char *const line[] = { "input_line_number" };
	static const char *const paths[] = { "path", "paths", "leaf_paths",
	    "tostream", "pick" };
	static const char *const def[] = { "def" };
	static const char *const clock[] = { "now" };

	program->refused = find_name(program->text, refused,
	    sizeof(refused) / sizeof(*refused));
	program->needs_line = find_name(program->text, line, 1) != NULL;
	program->tracks_paths = find_name(program->text, paths,
	    sizeof(paths) / sizeof(*paths)) != NULL ||
	    find_name(program->text, def, 1) != NULL;
	program->is_function = !program->needs_line &&
	    find_name(program->text, def, 1) == NULL &&
	    find_name(program->text, clock, 1) == NULL;
#ifndef HAVE_JV_NUMBER_WITH_LITERAL
	program->rounded = find_rounded(program->text);
#endif
}

/* Making one */

enum kx_status
kx_program_new(const char *text, struct kx_program **out)
{
	struct kx_program *program = calloc(1, sizeof(*program));

	if (program == NULL)
		return KX_FAIL;
	program->text = kx_arena_dup(&program->arena, kx_span_str(text));
	program->op = calloc(MAX_OPS, sizeof(*program->op));
	program->n_ops = 1;
	kx_reach_init(&program->reach);
	if (program->text == NULL || program->op == NULL)
		goto fail;
	look_for_names(program);
	if (!kx_program_parse(program))
		goto fail;
	if (program->top == 0) {
		kx_reach_use(&program->reach, 0);
	} else {
		kx_program_find_reach(program);
		kx_program_compile(program);
	}
	*out = program;
	return KX_OK;
fail:
	kx_program_free(program);
	return KX_FAIL;
}

void
kx_program_free(struct kx_program *program)
{
	if (program == NULL)
		return;
	kx_arena_free(&program->arena);
	free(program->node);
	free(program->op);
	free(program);
}

const char *
kx_program_text(const struct kx_program *program)
{
	return program->text;
}

const char *
kx_program_refused(const struct kx_program *program)
{
	return program->refused;
}

bool
kx_program_needs_line(const struct kx_program *program)
{
	return program->needs_line;
}

struct kx_span
kx_program_rounded(const struct kx_program *program)
{
	return program->rounded;
}

/* Does node i, whose truth is asked for, come from an assignment? */
static bool
assigns(const struct kx_program *program, uint32_t i)
{
	const struct node *n = &program->node[i];

	switch (n->kind) {
	case ASSIGN:
		return n->op == 1;
	case AND: case OR:
		return assigns(program, n->a) || assigns(program, n->b);
	case PIPE:
		return assigns(program, n->b) ||
		    (program->node[n->b].kind == CALL &&
		    is_call(&program->node[n->b], "not", 0) &&
		    assigns(program, n->a));
	case CALL:
		return is_call(n, "select", 1) && assigns(program, n->a);
	case IF:
		return assigns(program, n->a);
	default:
		return false;
	}
}

bool
kx_program_assigns(const struct kx_program *program)
{
	return program->top != 0 && assigns(program, program->top);
}

bool
kx_program_tracks_paths(const struct kx_program *program)
{
	return program->tracks_paths;
}

bool
kx_program_is_function(const struct kx_program *program)
{
	return program->is_function;
}
