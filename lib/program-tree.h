/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the readers of jq programs share: the tree that a program is parsed
 * into, and what is made of it.
 *
 * One file fills each part: program-parse.c the tree, program-reach.c the
 * reach, program-native.c the native form.  Each part is written while the
 * program is made, by one thread, and only read from then on.
 */
#ifndef KX_PROGRAM_TREE_H
#define KX_PROGRAM_TREE_H

#include "kx/arena.h"
#include "kx/program.h"

/* The tree */

enum kind {
	IDENTITY, RECURSE, FIELD, INDEX, ITERATE, STRING, NUMBER, CONST,
	TEMPLATE, FORMAT, OBJECT, ARRAY, NEGATE, PIPE, COMMA, ARITH, COMPARE,
	AND, OR, ELSE, ASSIGN, IF, TRY, AS, REDUCE, LABEL, BREAK, VARIABLE,
	CALL
};

enum compare { EQ, NE, LT, LE, GT, GE };

struct node {
	enum kind kind;
	uint8_t op;		/* COMPARE: enum compare; CONST: 0 null, 1
				   false, 2 true; INDEX: 1 a slice; ASSIGN:
				   1 with `=` */
	bool optional;		/* FIELD, INDEX, ITERATE: with `?` */
	uint32_t a, b, c;	/* parts; 0: none */
	uint32_t next;		/* in a list of arguments */
	struct kx_span text;	/* FIELD, STRING, NUMBER, CALL */
};

/* The native form */

enum op_kind {
	OP_ROOT, OP_PATH, OP_LITERAL, OP_COMPARE, OP_AND, OP_OR, OP_NOT,
	OP_SELECT, OP_THEN
};

struct number {
	bool integer;		/* i, of at most 15 digits; else d */
	int64_t i;
	double d;
};

struct op {
	enum op_kind kind;
	enum compare compare;
	uint32_t a, b;
	int path;		/* OP_PATH, OP_SELECT; -1: the event */
	enum kx_json_type type;	/* OP_LITERAL */
	struct kx_span text;
	struct number number;
};

/* A path is its parent's path and one name more. */
struct path {
	int parent;		/* -1: the event */
	int slot;		/* parent -1: in `pick` */
	struct kx_span name;
	bool optional;
};

enum { MAX_OPS = 256, MAX_PATHS = 64 };

struct kx_program {
	/* the text; what the tree's strings are decoded into */
	struct kx_arena arena;
	char *text;
	const char *refused;
	bool needs_line, tracks_paths, is_function;
	struct kx_span rounded;
	/* the tree */
	struct node *node;	/* [0] is none */
	uint32_t n_nodes, cap_nodes;
	uint32_t top;		/* 0: could not be read */
	/* reach */
	struct kx_reach reach;
	uint64_t puts_out;	/* the parts that its outputs may be, a bit
				   each */
	/* native */
	struct op *op;		/* [0] is none */
	uint32_t n_ops;
	uint32_t native;	/* the whole program */
	uint32_t guard;		/* falsy here: the answer is no */
	struct path path[MAX_PATHS];
	int n_paths;
	struct kx_pick pick;
};

/*
 * Parse program->text into the tree: program->top is its root, or 0 where the
 * text is no UTF-8, no program, or one that is not understood.  False without
 * memory.
 */
bool kx_program_parse(struct kx_program *program);

/* Find the reach of the tree, which has a root: fills program->reach, which is
 * empty, and puts_out. */
void kx_program_find_reach(struct kx_program *program);

/* Make the native form of the tree, which has a root, as far as there is one:
 * fills program->native and guard, in the MAX_OPS of program->op. */
void kx_program_compile(struct kx_program *program);

/* Is n, a CALL, one of the builtin `name`, with arguments or with none? */
static inline bool
is_call(const struct node *n, const char *name, unsigned n_args)
{
	return kx_span_eq(n->text, kx_span_str(name)) &&
	    (n->a != 0) == (n_args != 0);
}

/* Characters of programs */

static inline bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline const char *
name_end(const char *p)
{
	while (is_alpha(*p) || is_digit(*p))
		p++;
	return p;
}

/* Blanks and comments.  A comment that holds a backslash is read differently
 * from one libjq to the next: false. */
static inline bool
skip_blank(const char **pos)
{
	const char *p = *pos;
	bool sure = true;

	for (;;) {
		if (*p == ' ' || *p == '\t' || *p == '\n') {
			p++;
		} else if (*p == '#') {
			for (; *p && *p != '\n' && *p != '\r'; p++)
				if (*p == '\\')
					sure = false;
			if (*p == '\r')
				sure = false;
		} else {
			break;
		}
	}
	*pos = p;
	return sure;
}

#endif
