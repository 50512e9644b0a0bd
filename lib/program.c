/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading jq programs, to know what they can see and what they ask.
 *
 * A program is parsed by jq's own grammar and precedences into a tree.  Two
 * readings of the tree follow, both free to give up anywhere:
 *
 * - reach() runs the program over two kinds of values, "the whole event" (and
 *   the snapshots in it) and "something else".  Where the whole event goes
 *   into anything but a member's name, the reach is everything.
 * - compile() makes, of comparisons between plain paths and literals joined
 *   by and, or, not, select and pipes, a little tree that is evaluated on the
 *   scanned record by libjq's rules: null < false < true < numbers < strings
 *   < arrays < objects; a member that is not there is null; a path through
 *   anything else is an error, and so left to libjq.
 *
 * Cost: a few microseconds a program; an answer is one walk over the event's
 * top level and some ten nanoseconds a comparison, without an allocation.
 */
#include <config.h>

#include <math.h>
#include <stdlib.h>

#include "kx/arena.h"
#include "kx/num.h"
#include "kx/program.h"

/* Deeper programs are not read: the parser is recursive. */
#define MAX_DEPTH 100

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
				   false, 2 true; INDEX: 1 a slice */
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
	struct kx_arena arena;
	char *text;
	const char *refused;
	struct node *node;	/* [0] is none */
	uint32_t n_nodes, cap_nodes;
	uint32_t top;		/* 0: could not be read */
	/* reach */
	bool all;
	bool images;
	struct kx_pick reach;
	/* native */
	struct op *op;		/* [0] is none */
	uint32_t n_ops;
	uint32_t native;	/* the whole program */
	uint32_t guard;		/* falsy here: the answer is no */
	struct path path[MAX_PATHS];
	int n_paths;
	struct kx_pick pick;
};

/* Picking members */

int
kx_pick_add(struct kx_pick *pick, struct kx_span name)
{
	size_t len;
	unsigned i;

	for (i = 0; i < pick->n; i++)
		if (kx_span_eq(pick->name[i], name))
			return (int)i;
	if (pick->n == KX_PICK_MAX)
		return -1;
	pick->name[i] = name;
	pick->n++;
	len = name.len < KX_PICK_LENS ? name.len : KX_PICK_LENS - 1;
	pick->by_len[len] |= UINT32_C(1) << i;
	return (int)i;
}

void
kx_pick_find(const struct kx_pick *pick, const struct kx_json *json,
    uint32_t obj, uint32_t *out)
{
	const struct kx_json_node *key;
	const char *name;
	uint32_t i, end, left;
	unsigned slot;
	size_t len;

	for (slot = 0; slot < pick->n; slot++)
		out[slot] = 0;
	end = json->node[obj].next;
	for (i = obj + 1; i < end; i = json->node[i + 1].next) {
		key = &json->node[i];
		if (KX_UNLIKELY(key->meta & KX_JSON_ESCAPED)) {
			for (slot = 0; slot < pick->n; slot++)
				if (kx_json_str_eq(json, i, pick->name[slot]))
					out[slot] = i + 1;
			continue;
		}
		len = key->len - 2;
		name = json->text + key->off + 1;
		left = pick->by_len[len < KX_PICK_LENS ? len :
		    KX_PICK_LENS - 1];
		for (; left != 0; left &= left - 1) {
			slot = (unsigned)__builtin_ctz(left);
			if (pick->name[slot].len == len && (len == 0 ||
			    (*pick->name[slot].ptr == *name &&
			    !memcmp(pick->name[slot].ptr, name, len))))
				out[slot] = i + 1;
		}
	}
}

/* Tokens */

enum token {
	T_END = 0, T_BAD = 256, T_FIELD, T_NAME, T_VARIABLE, T_NUMBER,
	T_QUOTE, T_FORMAT, T_DOTS, T_EQ, T_NE, T_LE, T_GE, T_ELSE, T_UPDATE
};

struct parser {
	struct kx_program *program;
	const char *pos;	/* behind the token */
	const char *at;		/* the token */
	int token;
	struct kx_span text;	/* of names: without `.`, `$`, `@` */
	unsigned depth;
	bool no_memory;
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
name_end(const char *p)
{
	while (is_alpha(*p) || is_digit(*p))
		p++;
	return p;
}

/* Blanks and comments.  A comment that holds a backslash is read differently
 * from one libjq to the next: false. */
static bool
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

/* The token behind `.`: a field, a dot, two dots. */
static int
next_dot(struct parser *p)
{
	const char *at = p->at;

	if (is_alpha(at[1])) {
		p->pos = name_end(at + 1);
		p->text = (struct kx_span){ at + 1, (size_t)(p->pos - at - 1) };
		return T_FIELD;
	}
	if (is_digit(at[1]))
		return T_BAD;
	if (at[1] == '.') {
		p->pos = at + 2;
		return is_digit(at[2]) || at[2] == '.' ? T_BAD : T_DOTS;
	}
	return '.';
}

/* jq's lexer takes digits and points in any order and lets its JSON parser
 * judge; only what RFC 8259 allows is taken here. */
static int
next_number(struct parser *p)
{
	const char *q = p->at;

	while (is_digit(*q) || *q == '.')
		q++;
	if ((*q == 'e' || *q == 'E') && (is_digit(q[1]) ||
	    ((q[1] == '+' || q[1] == '-') && is_digit(q[2]))))
		for (q += 2; is_digit(*q); )
			q++;
	p->pos = q;
	p->text = (struct kx_span){ p->at, (size_t)(q - p->at) };
	return kx_num_classify(p->text) & KX_NUM_VALID ? T_NUMBER : T_BAD;
}

static int
next_operator(struct parser *p)
{
	const char *at = p->at;
	bool eq = at[1] == '=';

	switch (*at) {
	case '=':
		p->pos += eq;
		return eq ? T_EQ : '=';
	case '!':
		p->pos += eq;
		return eq ? T_NE : T_BAD;
	case '<':
		p->pos += eq;
		return eq ? T_LE : '<';
	case '>':
		p->pos += eq;
		return eq ? T_GE : '>';
	case '/':
		if (at[1] == '/') {
			p->pos += 1 + (at[2] == '=');
			return at[2] == '=' ? T_UPDATE : T_ELSE;
		}
		break;
	case '?':
		/* `?//`, alternative destructuring */
		if (at[1] == '/' && at[2] == '/')
			return T_BAD;
		return '?';
	case '|': case '+': case '-': case '*': case '%':
		break;
	case ',': case ';': case ':':
	case '(': case ')': case '[': case ']': case '{': case '}':
		return *at;
	default:
		return T_BAD;
	}
	p->pos += eq;
	return eq ? T_UPDATE : *at;
}

static void
next(struct parser *p)
{
	char c;

	if (!skip_blank(&p->pos)) {
		p->token = T_BAD;
		return;
	}
	p->at = p->pos;
	c = *p->at;
	if (c == '\0') {
		p->token = T_END;
	} else if (is_alpha(c)) {
		p->pos = name_end(p->at);
		p->text = (struct kx_span){ p->at, (size_t)(p->pos - p->at) };
		/* a::b is a module's */
		p->token = p->pos[0] == ':' && p->pos[1] == ':' ? T_BAD :
		    T_NAME;
	} else if ((c == '$' && is_alpha(p->at[1])) || (c == '@' &&
	    (is_alpha(p->at[1]) || is_digit(p->at[1])))) {
		p->pos = name_end(p->at + 1);
		p->text = (struct kx_span){ p->at + 1,
		    (size_t)(p->pos - p->at - 1) };
		p->token = c == '$' ? T_VARIABLE : T_FORMAT;
	} else if (is_digit(c)) {
		p->token = next_number(p);
	} else if (c == '"') {
		p->pos = p->at + 1;
		p->token = T_QUOTE;
	} else {
		p->pos = p->at + 1;
		p->token = c == '.' ? next_dot(p) : next_operator(p);
	}
}

static bool
is_name(const struct parser *p, const char *name)
{
	return p->token == T_NAME && kx_span_eq(p->text, kx_span_str(name));
}

static bool
is_keyword(struct kx_span name)
{
	static const char *const keywords[] = { "def", "module", "import",
	    "include", "if", "then", "else", "elif", "as", "and", "or", "end",
	    "reduce", "foreach", "try", "catch", "label", "break", "__loc__" };
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (kx_span_eq(name, kx_span_str(keywords[i])))
			return true;
	return false;
}

/* The parser: each function returns a node, or 0 where it gives up. */

static uint32_t parse_pipe(struct parser *);
static uint32_t parse_binary(struct parser *, unsigned);
static uint32_t parse_postfix(struct parser *);
static uint32_t parse_unary(struct parser *);

static uint32_t
make(struct parser *p, enum kind kind, uint32_t a, uint32_t b)
{
	struct kx_program *program = p->program;
	struct node *grown;
	uint32_t cap;

	if (program->n_nodes == program->cap_nodes) {
		cap = program->cap_nodes ? program->cap_nodes * 2 : 64;
		if (cap > 1u << 20)
			return 0;
		grown = realloc(program->node, cap * sizeof(*grown));
		if (grown == NULL) {
			p->no_memory = true;
			return 0;
		}
		program->node = grown;
		program->cap_nodes = cap;
	}
	program->node[program->n_nodes] = (struct node){ .kind = kind, .a = a,
	    .b = b };
	return program->n_nodes++;
}

static uint32_t
make_text(struct parser *p, enum kind kind, uint32_t a, struct kx_span text)
{
	uint32_t n = make(p, kind, a, 0);

	if (n != 0)
		p->program->node[n].text = text;
	return n;
}

static bool
take(struct parser *p, int token)
{
	if (p->token != token)
		return false;
	next(p);
	return true;
}

static bool
take_name(struct parser *p, const char *name)
{
	if (!is_name(p, name))
		return false;
	next(p);
	return true;
}

/* One escape at *pos, behind the backslash, decoded into buf; false for what
 * jq refuses, and for surrogates, which releases take differently. */
static bool
parse_escape(const char **pos, char *buf, size_t *len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *s, *p = *pos;
	unsigned code = 0, i, digit;

	if (*p == '\0')
		return false;
	if (*p != 'u') {
		s = strchr(from, *p);
		if (s == NULL)
			return false;
		buf[(*len)++] = to[s - from];
		*pos = p + 1;
		return true;
	}
	for (i = 1; i <= 4; i++) {
		if (is_digit(p[i]))
			digit = (unsigned)(p[i] - '0');
		else if ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'f')
			digit = (unsigned)((p[i] | 32) - 'a' + 10);
		else
			return false;
		code = code << 4 | digit;
	}
	if (code >= 0xd800 && code <= 0xdfff)
		return false;
	if (code < 0x80) {
		buf[(*len)++] = (char)code;
	} else if (code < 0x800) {
		buf[(*len)++] = (char)(0xc0 | code >> 6);
		buf[(*len)++] = (char)(0x80 | (code & 63));
	} else {
		buf[(*len)++] = (char)(0xe0 | code >> 12);
		buf[(*len)++] = (char)(0x80 | (code >> 6 & 63));
		buf[(*len)++] = (char)(0x80 | (code & 63));
	}
	*pos = p + 5;
	return true;
}

/*
 * A string, whose opening quote was the token.  Decoded it is never longer
 * than it is spelled.  With `\(...)` in it, it becomes a TEMPLATE of what is
 * in the brackets; the rest of such a string says nothing of what it reaches.
 */
static uint32_t
parse_string(struct parser *p)
{
	uint32_t first = 0, last = 0, n;
	const char *pos = p->pos;
	bool template = false;
	size_t len = 0;
	char *buf;

	buf = kx_arena_alloc(&p->program->arena, strlen(pos) + 1);
	if (buf == NULL) {
		p->no_memory = true;
		return 0;
	}
	while (*pos != '"') {
		if (*pos == '\0')
			return 0;
		if (*pos != '\\') {
			buf[len++] = *pos++;
			continue;
		}
		if (*++pos != '(') {
			if (!parse_escape(&pos, buf, &len))
				return 0;
			continue;
		}
		template = true;
		p->pos = pos + 1;
		next(p);
		n = parse_pipe(p);
		if (n == 0 || p->token != ')')
			return 0;
		pos = p->pos;
		if (first == 0)
			first = n;
		else
			p->program->node[last].next = n;
		last = n;
	}
	p->pos = pos + 1;
	next(p);
	if (template)
		return make(p, TEMPLATE, first, 0);
	return make_text(p, STRING, 0, (struct kx_span){ buf, len });
}

/* `$x`, `[p, ...]`, `{a: p, "b": p, $c}`: what is bound is of no interest. */
static bool
parse_pattern(struct parser *p)
{
	bool object = p->token == '{', key;
	uint32_t n;

	if (take(p, T_VARIABLE))
		return true;
	if ((p->token != '[' && !object) || ++p->depth > MAX_DEPTH)
		return false;
	do {
		next(p);
		if (object) {
			key = true;
			if (p->token == T_QUOTE) {
				n = parse_string(p);
				if (n == 0 ||
				    p->program->node[n].kind != STRING)
					return false;
			} else if (take(p, T_VARIABLE)) {
				key = false;
			} else if (!take(p, T_NAME)) {
				return false;
			}
			if (p->token != ':') {
				if (key)
					return false;
				continue;
			}
			next(p);
		}
		if (!parse_pattern(p))
			return false;
	} while (p->token == ',');
	p->depth--;
	return take(p, object ? '}' : ']');
}

/* The value of an object's member: terms joined by pipes. */
static uint32_t
parse_member(struct parser *p)
{
	uint32_t a = parse_unary(p), b;

	if (a == 0 || !take(p, '|'))
		return a;
	b = parse_member(p);
	return b == 0 ? 0 : make(p, PIPE, a, b);
}

/* `{...}` behind its brace: a list of keys that are computed and of values. */
static uint32_t
parse_object(struct parser *p)
{
	uint32_t first = 0, last = 0, n, key, self;
	struct kx_span name;

	if (take(p, '}'))
		return make(p, OBJECT, 0, 0);
	do {
		key = 0;
		n = 0;
		self = make(p, IDENTITY, 0, 0);
		if (self == 0)
			return 0;
		if (p->token == T_NAME) {
			name = p->text;
			next(p);
			if (p->token != ':')
				n = make_text(p, FIELD, self, name);
		} else if (p->token == T_VARIABLE) {
			next(p);
			n = make(p, VARIABLE, 0, 0);
			if (p->token == ':')
				return 0;
		} else if (p->token == T_QUOTE) {
			key = parse_string(p);
			if (key == 0)
				return 0;
			if (p->token != ':') {
				if (p->program->node[key].kind != STRING)
					return 0;
				n = make_text(p, FIELD, self,
				    p->program->node[key].text);
				key = 0;
			}
		} else if (take(p, '(')) {
			key = parse_pipe(p);
			if (key == 0 || !take(p, ')') || p->token != ':')
				return 0;
		}
		if (n == 0) {
			if (!take(p, ':'))
				return 0;
			n = parse_member(p);
		}
		if (n == 0)
			return 0;
		if (key != 0) {
			p->program->node[key].next = n;
			n = key;
		}
		if (first == 0)
			first = n;
		else
			p->program->node[last].next = n;
		last = p->program->node[n].next ? p->program->node[n].next : n;
	} while (take(p, ','));
	if (!take(p, '}'))
		return 0;
	return make(p, OBJECT, first, 0);
}

/* name, name(a; b; ...) */
static uint32_t
parse_call(struct parser *p)
{
	uint32_t call, arg, last = 0;

	if (is_keyword(p->text))
		return 0;
	call = make_text(p, CALL, 0, p->text);
	next(p);
	if (call == 0 || p->token != '(')
		return call;
	do {
		next(p);
		arg = parse_pipe(p);
		if (arg == 0)
			return 0;
		if (last == 0)
			p->program->node[call].a = arg;
		else
			p->program->node[last].next = arg;
		last = arg;
	} while (p->token == ';');
	return take(p, ')') ? call : 0;
}

/* `if` has been taken, or `elif`. */
static uint32_t
parse_if(struct parser *p)
{
	uint32_t a, b, c, n;

	if (++p->depth > MAX_DEPTH)
		return 0;
	a = parse_pipe(p);
	if (a == 0 || !take_name(p, "then"))
		return 0;
	b = parse_pipe(p);
	if (b == 0)
		return 0;
	if (take_name(p, "elif")) {
		c = parse_if(p);
	} else {
		if (take_name(p, "else"))
			c = parse_pipe(p);
		else
			c = make(p, IDENTITY, 0, 0);
		if (!take_name(p, "end"))
			return 0;
	}
	p->depth--;
	if (c == 0)
		return 0;
	n = make(p, IF, a, b);
	if (n != 0)
		p->program->node[n].c = c;
	return n;
}

/* reduce and foreach: SOURCE as PATTERN (init; update; extract) */
static uint32_t
parse_fold(struct parser *p)
{
	uint32_t source, n, part, last = 0;

	source = parse_postfix(p);
	if (source == 0 || !take_name(p, "as") || !parse_pattern(p) ||
	    p->token != '(')
		return 0;
	n = make(p, REDUCE, source, 0);
	do {
		next(p);
		part = parse_pipe(p);
		if (n == 0 || part == 0)
			return 0;
		if (last == 0)
			p->program->node[n].b = part;
		else
			p->program->node[last].next = part;
		last = part;
	} while (p->token == ';');
	return take(p, ')') ? n : 0;
}

static uint32_t
parse_constant(struct parser *p)
{
	static const char *const names[] = { "null", "false", "true" };
	uint8_t i;
	uint32_t n;

	for (i = 0; i < 3; i++) {
		if (!is_name(p, names[i]))
			continue;
		next(p);
		if (p->token == '(')
			return 0;
		n = make(p, CONST, 0, 0);
		if (n != 0)
			p->program->node[n].op = i;
		return n;
	}
	return parse_call(p);
}

static uint32_t
parse_name(struct parser *p)
{
	uint32_t n;

	if (take_name(p, "if"))
		return parse_if(p);
	if (take_name(p, "reduce") || take_name(p, "foreach"))
		return parse_fold(p);
	if (take_name(p, "label")) {
		if (!take(p, T_VARIABLE) || !take(p, '|'))
			return 0;
		n = parse_pipe(p);
		return n == 0 ? 0 : make(p, LABEL, n, 0);
	}
	if (take_name(p, "break"))
		return take(p, T_VARIABLE) ? make(p, BREAK, 0, 0) : 0;
	return parse_constant(p);
}

static uint32_t
parse_primary(struct parser *p)
{
	struct kx_span text = p->text;
	uint32_t n, self;

	switch (p->token) {
	case '.':
	case T_FIELD:
		self = make(p, IDENTITY, 0, 0);
		if (self == 0)
			return 0;
		if (p->token == T_FIELD) {
			n = make_text(p, FIELD, self, text);
			next(p);
			break;
		}
		next(p);
		if (p->token != T_QUOTE)
			return self;
		n = parse_string(p);
		if (n == 0)
			return 0;
		if (p->program->node[n].kind != STRING)
			return make(p, INDEX, self, n);
		n = make_text(p, FIELD, self, p->program->node[n].text);
		break;
	case T_DOTS:
		next(p);
		return make(p, RECURSE, 0, 0);
	case T_NUMBER:
		next(p);
		return make_text(p, NUMBER, 0, text);
	case T_QUOTE:
		return parse_string(p);
	case T_FORMAT:
		next(p);
		if (p->token != T_QUOTE)
			return make(p, FORMAT, 0, 0);
		n = parse_string(p);
		return n;
	case T_VARIABLE:
		next(p);
		return make(p, VARIABLE, 0, 0);
	case T_NAME:
		return parse_name(p);
	case '(':
		next(p);
		n = parse_pipe(p);
		return n != 0 && take(p, ')') ? n : 0;
	case '[':
		next(p);
		if (take(p, ']'))
			return make(p, ARRAY, 0, 0);
		n = parse_pipe(p);
		return n != 0 && take(p, ']') ? make(p, ARRAY, n, 0) : 0;
	case '{':
		next(p);
		return parse_object(p);
	default:
		return 0;
	}
	if (n != 0 && take(p, '?'))
		p->program->node[n].optional = true;
	return n;
}

/* `[]`, `[i]`, `["name"]`, `[i:j]` behind its bracket, on `base`. */
static uint32_t
parse_bracket(struct parser *p, uint32_t base)
{
	uint32_t i = 0, n;

	if (take(p, ']'))
		return make(p, ITERATE, base, 0);
	if (p->token != ':') {
		i = parse_pipe(p);
		if (i == 0)
			return 0;
	}
	if (take(p, ':')) {
		n = make(p, INDEX, base, i);
		if (n == 0)
			return 0;
		p->program->node[n].op = 1;
		if (p->token != ']') {
			p->program->node[n].c = parse_pipe(p);
			if (p->program->node[n].c == 0)
				return 0;
		} else if (i == 0) {
			return 0;
		}
		/* a slice: not by a name, whatever `i` is */
		if (i != 0 && p->program->node[i].kind == STRING)
			return 0;
		return take(p, ']') ? n : 0;
	}
	if (!take(p, ']'))
		return 0;
	if (p->program->node[i].kind == STRING)
		return make_text(p, FIELD, base, p->program->node[i].text);
	return make(p, INDEX, base, i);
}

static uint32_t
parse_postfix(struct parser *p)
{
	uint32_t n = parse_primary(p), s;

	while (n != 0) {
		switch (p->token) {
		case T_FIELD:
			n = make_text(p, FIELD, n, p->text);
			next(p);
			break;
		case '.':
			next(p);
			/* `.a.[0]` is a later jq's: it is left to libjq */
			if (p->token != T_QUOTE)
				return 0;
			s = parse_string(p);
			if (s == 0)
				return 0;
			if (p->program->node[s].kind == STRING)
				n = make_text(p, FIELD, n,
				    p->program->node[s].text);
			else
				n = make(p, INDEX, n, s);
			break;
		case '[':
			next(p);
			n = parse_bracket(p, n);
			break;
		case '?':
			next(p);
			n = make(p, TRY, n, 0);
			continue;
		default:
			return n;
		}
		if (n != 0 && take(p, '?'))
			p->program->node[n].optional = true;
	}
	return 0;
}

/* A term, perhaps with `try` before it, which binds closer than operators. */
static uint32_t
parse_unary(struct parser *p)
{
	uint32_t n, handler = 0;

	if (++p->depth > MAX_DEPTH)
		return 0;
	if (take_name(p, "try")) {
		n = parse_unary(p);
		if (n != 0 && take_name(p, "catch")) {
			handler = parse_unary(p);
			if (handler == 0)
				return 0;
		}
		n = n == 0 ? 0 : make(p, TRY, n, handler);
	} else if (take(p, '-')) {
		n = parse_binary(p, 7);
		n = n == 0 ? 0 : make(p, NEGATE, n, 0);
	} else {
		n = parse_postfix(p);
	}
	p->depth--;
	return n;
}

/* A term, or `TERM as PATTERN | PIPE`. */
static uint32_t
parse_operand(struct parser *p)
{
	uint32_t n = parse_unary(p), body;

	if (n == 0 || !take_name(p, "as"))
		return n;
	if (!parse_pattern(p) || !take(p, '|'))
		return 0;
	body = parse_pipe(p);
	return body == 0 ? 0 : make(p, AS, n, body);
}

/* The level of the binary operator that is the token, 0 loosest; -1: none. */
static int
operator_level(const struct parser *p, enum kind *kind, uint8_t *op)
{
	*op = 0;
	switch (p->token) {
	case ',':
		*kind = COMMA;
		return 0;
	case T_ELSE:
		*kind = ELSE;
		return 1;
	case '=': case T_UPDATE:
		*kind = ASSIGN;
		return 2;
	case T_EQ: case T_NE: case '<': case T_LE: case '>': case T_GE:
		*kind = COMPARE;
		*op = p->token == T_EQ ? EQ : p->token == T_NE ? NE :
		    p->token == '<' ? LT : p->token == T_LE ? LE :
		    p->token == '>' ? GT : GE;
		return 5;
	case '+': case '-':
		*kind = ARITH;
		return 6;
	case '*': case '/': case '%':
		*kind = ARITH;
		return 7;
	default:
		*kind = is_name(p, "or") ? OR : AND;
		return is_name(p, "or") ? 3 : is_name(p, "and") ? 4 : -1;
	}
}

/* Operators of `level` and closer ones; all but `//`, assignments and
 * comparisons group to the left. */
static uint32_t
parse_binary(struct parser *p, unsigned level)
{
	enum kind kind, again;
	uint32_t a, b;
	uint8_t op, dummy;

	if (level > 7)
		return parse_operand(p);
	a = parse_binary(p, level + 1);
	while (a != 0 && operator_level(p, &kind, &op) == (int)level) {
		next(p);
		b = parse_binary(p, kind == ELSE ? level : level + 1);
		if (b == 0)
			return 0;
		a = make(p, kind, a, b);
		if (a != 0)
			p->program->node[a].op = op;
		if ((kind == COMPARE || kind == ASSIGN) &&
		    operator_level(p, &again, &dummy) == (int)level)
			return 0;
	}
	return a;
}

static uint32_t
parse_pipe(struct parser *p)
{
	uint32_t a, b;

	if (++p->depth > MAX_DEPTH)
		return 0;
	a = parse_binary(p, 0);
	if (a != 0 && take(p, '|')) {
		b = parse_pipe(p);
		a = b == 0 ? 0 : make(p, PIPE, a, b);
	}
	p->depth--;
	return a;
}

/* Reach.  What a value may be; none of them: something without interest. */

#define ROOT 1u			/* the event */
#define SNAPSHOTS 2u		/* its member of that name */
#define SNAPSHOT 4u		/* an element of that */

static unsigned reach(struct kx_program *, uint32_t, unsigned);

/* The value goes where it cannot be followed. */
static void
reach_use(struct kx_program *program, unsigned value)
{
	if (value & ROOT)
		program->all = true;
	if (value & (SNAPSHOTS | SNAPSHOT))
		program->images = true;
}

static unsigned
reach_member(struct kx_program *program, unsigned value, struct kx_span name)
{
	unsigned result = 0;

	if (value & ROOT) {
		if (kx_pick_add(&program->reach, name) < 0)
			program->all = true;
		if (kx_span_eq(name, KX_SPAN("snapshots")))
			result |= SNAPSHOTS;
	}
	if ((value & SNAPSHOT) && kx_span_eq(name, KX_SPAN("image")))
		program->images = true;
	return result;
}

static unsigned
reach_each(struct kx_program *program, unsigned value)
{
	reach_use(program, value & ~SNAPSHOTS);
	return value & SNAPSHOTS ? SNAPSHOT : 0;
}

static bool
is_call(const struct node *n, const char *name, unsigned n_args)
{
	return kx_span_eq(n->text, kx_span_str(name)) &&
	    (n->a != 0) == (n_args != 0);
}

static bool
is_one_of(const struct node *n, const char *const *names)
{
	for (; *names != NULL; names++)
		if (kx_span_eq(n->text, kx_span_str(*names)))
			return true;
	return false;
}

/*
 * A call, on `value`.  What a builtin does with an event is known of those
 * that are named here; any other may do anything with it.  A builtin has no
 * other way to the event than its input, so on any other value there is
 * nothing to follow, in its arguments neither.
 */
static unsigned
reach_call(struct kx_program *program, const struct node *n, unsigned value)
{
	/* on the event: without a look into it */
	static const char *const blind[] = { "empty", "not", "type", "now",
	    "env", "infinite", "nan", NULL };
	/* give what their last argument gives, and run the others */
	static const char *const through[] = { "first", "last", "limit",
	    NULL };
	unsigned n_args = 0, inner, result = 0;
	uint32_t arg, args[3] = { 0 };

	if (value == 0)
		return 0;
	for (arg = n->a; arg != 0; arg = program->node[arg].next) {
		if (n_args == 3)
			goto unknown;
		args[n_args++] = arg;
	}
	if (n_args == 0) {
		if (is_one_of(n, blind))
			return 0;
		if (value != SNAPSHOTS)
			goto unknown;
		if (is_call(n, "length", 0) || is_call(n, "any", 0) ||
		    is_call(n, "all", 0))
			return 0;
		if (is_call(n, "first", 0) || is_call(n, "last", 0))
			return SNAPSHOT;
		goto unknown;
	}
	if (n_args == 1 && is_call(n, "select", 1)) {
		reach(program, args[0], value);
		return value;
	}
	if (n_args == 1 && is_call(n, "isempty", 1)) {
		reach(program, args[0], value);
		return 0;
	}
	if (n_args == 1 && is_call(n, "error", 1)) {
		reach_use(program, reach(program, args[0], value));
		return 0;
	}
	if (n_args == 1 && is_call(n, "has", 1) &&
	    program->node[args[0]].kind == STRING && !(value & SNAPSHOTS)) {
		reach_member(program, value, program->node[args[0]].text);
		return 0;
	}
	if ((is_call(n, "any", 1) || is_call(n, "all", 1))) {
		if (n_args == 3)
			goto unknown;
		inner = n_args == 1 ? reach_each(program, value) :
		    reach(program, args[0], value);
		reach(program, args[n_args - 1], inner);
		return 0;
	}
	if (n_args == 1 && is_call(n, "map", 1)) {
		inner = reach_each(program, value);
		reach_use(program, reach(program, args[0], inner));
		return 0;
	}
	if (is_one_of(n, through) && n_args <= 2) {
		if (n_args == 2)
			reach_use(program, reach(program, args[0], value));
		result = reach(program, args[n_args - 1], value);
		return result;
	}
unknown:
	reach_use(program, value);
	return 0;
}

/* All of a list of nodes, each used. */
static void
reach_list(struct kx_program *program, uint32_t n, unsigned value)
{
	for (; n != 0; n = program->node[n].next)
		reach_use(program, reach(program, n, value));
}

/* What node n may give on `value`; records what it sees of the event. */
static unsigned
reach(struct kx_program *program, uint32_t i, unsigned value)
{
	const struct node *n = &program->node[i];
	unsigned inner;

	if (i == 0 || program->all)
		return 0;
	switch (n->kind) {
	case IDENTITY:
		return value;
	case FIELD:
		return reach_member(program, reach(program, n->a, value),
		    n->text);
	case ITERATE:
		return reach_each(program, reach(program, n->a, value));
	case INDEX:
		inner = reach(program, n->a, value);
		if (n->b != 0)
			reach_use(program, reach(program, n->b, value));
		if (n->c != 0)
			reach_use(program, reach(program, n->c, value));
		/* one snapshot; anything else by a name that is computed */
		if (inner == SNAPSHOTS && n->op == 0 &&
		    program->node[n->b].kind == NUMBER)
			return SNAPSHOT;
		reach_use(program, inner);
		return 0;
	case PIPE:
		return reach(program, n->b, reach(program, n->a, value));
	case COMMA:
	case ELSE:
		inner = reach(program, n->a, value);
		return inner | reach(program, n->b, value);
	case AND:
	case OR:
		/* an event is true, and so is a snapshot, whatever is in it */
		reach(program, n->a, value);
		reach(program, n->b, value);
		return 0;
	case IF:
		reach(program, n->a, value);
		inner = reach(program, n->b, value);
		return inner | reach(program, n->c, value);
	case TRY:
		inner = reach(program, n->a, value);
		/* a message holds only what was used */
		return inner | reach(program, n->b, 0);
	case AS:
		reach_use(program, reach(program, n->a, value));
		return reach(program, n->b, value);
	case REDUCE:
		reach_use(program, reach(program, n->a, value));
		reach_use(program, reach(program, n->b, value));
		return 0;
	case LABEL:
		return reach(program, n->a, value);
	case NEGATE:
	case ARRAY:
		reach_use(program, reach(program, n->a, value));
		return 0;
	case ARITH:
	case COMPARE:
		reach_use(program, reach(program, n->a, value));
		reach_use(program, reach(program, n->b, value));
		return 0;
	case OBJECT:
	case TEMPLATE:
		reach_list(program, n->a, value);
		return 0;
	case CALL:
		return reach_call(program, n, value);
	case ASSIGN:
	case RECURSE:
	case FORMAT:
		reach_use(program, value);
		return 0;
	case STRING: case NUMBER: case CONST: case VARIABLE: case BREAK:
		break;
	}
	return 0;
}

/* Native */

enum { PATH_ROOT = -1, PATH_NONE = -2 };

static uint32_t compile(struct kx_program *, uint32_t, int, int *);

static uint32_t
emit(struct kx_program *program, enum op_kind kind, uint32_t a, uint32_t b)
{
	if (program->n_ops == MAX_OPS)
		return 0;
	program->op[program->n_ops] = (struct op){ .kind = kind, .a = a,
	    .b = b, .path = PATH_ROOT };
	return program->n_ops++;
}

static uint32_t
emit_path(struct kx_program *program, int path)
{
	uint32_t i;

	i = emit(program, path == PATH_ROOT ? OP_ROOT : OP_PATH, 0, 0);
	if (i != 0)
		program->op[i].path = path;
	return i;
}

static int
extend(struct kx_program *program, int parent, struct kx_span name,
    bool optional)
{
	struct path *path;
	int slot = -1;

	if (program->n_paths == MAX_PATHS)
		return PATH_NONE;
	if (parent == PATH_ROOT) {
		slot = kx_pick_add(&program->pick, name);
		if (slot < 0)
			return PATH_NONE;
	}
	path = &program->path[program->n_paths];
	*path = (struct path){ .parent = parent, .slot = slot, .name = name,
	    .optional = optional };
	return program->n_paths++;
}

/*
 * A number by its spelling.  False where releases of libjq might differ:
 * from 1.7 on it compares what was not computed by its decimal digits, which
 * is the same for up to 15 of them, and clamps what is beyond a double.
 */
static bool
read_number(struct kx_span text, struct number *out)
{
	const char *p = text.ptr, *end = p + text.len;
	int64_t i = 0;
	bool minus;
	double d;

	minus = p < end && *p == '-';
	if (minus)
		p++;
	if (end - p <= 15) {
		while (p < end && is_digit(*p))
			i = i * 10 + (*p++ - '0');
		if (p == end) {
			out->integer = true;
			out->i = minus ? -i : i;
			out->d = (double)out->i;
			return true;
		}
	}
	out->integer = false;
	if (!kx_num_double(text, &d) || !isfinite(d))
		return false;
#ifdef HAVE_JV_NUMBER_WITH_LITERAL
	if (text.len > 16 || memchr(text.ptr, 'e', text.len) != NULL ||
	    memchr(text.ptr, 'E', text.len) != NULL)
		return false;
#endif
	out->d = d;
	return true;
}

static uint32_t
compile_literal(struct kx_program *program, const struct node *n, bool minus)
{
	uint32_t i = emit(program, OP_LITERAL, 0, 0);
	struct op *op = &program->op[i];

	if (i == 0)
		return 0;
	switch (n->kind) {
	case STRING:
		op->type = KX_JSON_STRING;
		op->text = n->text;
		return i;
	case NUMBER:
		op->type = KX_JSON_NUMBER;
		if (!read_number(n->text, &op->number))
			return 0;
		if (minus) {
			op->number.i = -op->number.i;
			op->number.d = -op->number.d;
		}
		return i;
	case CONST:
		op->type = n->op == 0 ? KX_JSON_NULL : n->op == 1 ?
		    KX_JSON_FALSE : KX_JSON_TRUE;
		return i;
	default:
		return 0;
	}
}

/* `... | not`, and `... | not | not` */
static uint32_t
compile_not(struct kx_program *program, uint32_t op, uint32_t i)
{
	const struct node *n = &program->node[i];

	if (op == 0)
		return 0;
	if (n->kind == PIPE)
		return compile_not(program, compile_not(program, op, n->a),
		    n->b);
	if (n->kind == CALL && is_call(n, "not", 0))
		return emit(program, OP_NOT, op, 0);
	return 0;
}

/* `a | b`, and a member of a's value: b's input is a path, or b is `not`. */
static uint32_t
compile_pipe(struct kx_program *program, const struct node *n, int input,
    int *output)
{
	int path;
	uint32_t a = compile(program, n->a, input, &path), b;

	if (a == 0)
		return 0;
	if (n->kind == FIELD) {
		if (path == PATH_NONE)
			return 0;
		*output = extend(program, path, n->text, n->optional);
		b = *output == PATH_NONE ? 0 : emit_path(program, *output);
	} else if (path == PATH_NONE) {
		*output = PATH_NONE;
		return compile_not(program, a, n->b);
	} else {
		b = compile(program, n->b, path, output);
	}
	if (b == 0 || program->op[a].kind == OP_ROOT ||
	    (n->kind == FIELD && program->op[a].kind == OP_PATH))
		return b;
	/* a may be an error, or give nothing */
	return emit(program, OP_THEN, a, b);
}

/*
 * The op for node i with its input at the path `input`; 0 where it is beyond
 * what is native.  *output: the path whose value it gives, or PATH_NONE.
 */
static uint32_t
compile(struct kx_program *program, uint32_t i, int input, int *output)
{
	const struct node *n = &program->node[i];
	uint32_t a, b, op;
	int path;

	*output = PATH_NONE;
	switch (n->kind) {
	case IDENTITY:
		*output = input;
		return emit_path(program, input);
	case FIELD:
	case PIPE:
		return compile_pipe(program, n, input, output);
	case STRING: case NUMBER: case CONST:
		return compile_literal(program, n, false);
	case NEGATE:
		n = &program->node[n->a];
		return n->kind == NUMBER ? compile_literal(program, n, true) :
		    0;
	case COMPARE: case AND: case OR:
		a = compile(program, n->a, input, &path);
		b = a == 0 ? 0 : compile(program, n->b, input, &path);
		if (b == 0)
			return 0;
		op = emit(program, n->kind == COMPARE ? OP_COMPARE :
		    n->kind == AND ? OP_AND : OP_OR, a, b);
		if (op != 0)
			program->op[op].compare = n->op;
		return op;
	case CALL:
		if (is_call(n, "not", 0)) {
			a = emit_path(program, input);
			return a == 0 ? 0 : emit(program, OP_NOT, a, 0);
		}
		if (!is_call(n, "select", 1) || program->node[n->a].next != 0)
			return 0;
		a = compile(program, n->a, input, &path);
		op = a == 0 ? 0 : emit(program, OP_SELECT, a, 0);
		if (op != 0)
			program->op[op].path = *output = input;
		return op;
	default:
		return 0;
	}
}

/*
 * A native part of the program whose value decides it where it is false,
 * null or nothing; `empty`: by then giving nothing at all, not false.
 */
static uint32_t
compile_guard(struct kx_program *program, uint32_t i, bool empty)
{
	const struct node *n = &program->node[i];
	uint32_t op;
	int path;

	if (!empty) {
		op = compile(program, i, PATH_ROOT, &path);
		if (op != 0)
			return op;
	}
	switch (n->kind) {
	case AND:
		return empty ? 0 : compile_guard(program, n->a, false);
	case PIPE:
		return compile_guard(program, n->a, true);
	case CALL:
		if (is_call(n, "select", 1) && program->node[n->a].next == 0)
			return compile_guard(program, n->a, false);
		return 0;
	default:
		return 0;
	}
}

/* Answering */

struct state {
	const struct kx_program *program;
	const struct kx_json *json;
	struct kx_buf *scratch;
	uint32_t slot[KX_PICK_MAX];
};

/* A value: what is known of it without making it. */
struct value {
	enum { IS_NODE, IS_ROOT, IS_LITERAL, IS_NOTHING, IS_UNSURE } is;
	enum kx_json_type type;
	uint32_t i;		/* node or op; of a missing member 0 */
};

static struct value
value_of_bool(bool truth)
{
	return (struct value){ IS_NODE, truth ? KX_JSON_TRUE : KX_JSON_FALSE,
	    0 };
}

static bool
value_truth(struct value v)
{
	return v.type != KX_JSON_NULL && v.type != KX_JSON_FALSE;
}

static struct value
eval_path(const struct state *s, int i)
{
	const struct path *path;
	struct value v;

	if (i == PATH_ROOT)
		return (struct value){ IS_ROOT, KX_JSON_OBJECT, 0 };
	path = &s->program->path[i];
	v = (struct value){ IS_NODE, KX_JSON_NULL, 0 };
	if (path->parent == PATH_ROOT) {
		v.i = s->slot[path->slot];
	} else {
		v = eval_path(s, path->parent);
		if (v.is != IS_NODE || v.type == KX_JSON_NULL)
			return v;
		if (v.type != KX_JSON_OBJECT) {
			v.is = path->optional ? IS_NOTHING : IS_UNSURE;
			return v;
		}
		v.i = kx_json_get(s->json, v.i, path->name);
	}
	v.type = v.i == 0 ? KX_JSON_NULL : kx_json_type(s->json, v.i);
	return v;
}

static bool
value_number(const struct state *s, struct value v, struct number *out)
{
	if (v.is == IS_LITERAL) {
		*out = s->program->op[v.i].number;
		return true;
	}
	return read_number(kx_json_raw(s->json, v.i), out);
}

/* -1, 0, 1 as a is before, with or behind b; false where it takes libjq. */
static bool
value_order(const struct state *s, struct value a, struct value b, int *order)
{
	struct value *v[2] = { &a, &b };
	struct kx_span text[2] = { KX_SPAN_NULL, KX_SPAN_NULL };
	struct number x, y;
	bool escaped = false;
	size_t len;
	int i;

	if (a.type != b.type) {
		*order = a.type < b.type ? -1 : 1;
		return true;
	}
	switch (a.type) {
	case KX_JSON_NUMBER:
		if (!value_number(s, a, &x) || !value_number(s, b, &y))
			return false;
		if (x.integer && y.integer)
			*order = (x.i > y.i) - (x.i < y.i);
		else
			*order = (x.d > y.d) - (x.d < y.d);
		return true;
	case KX_JSON_STRING:
		for (i = 0; i < 2; i++) {
			if (v[i]->is == IS_LITERAL) {
				text[i] = s->program->op[v[i]->i].text;
			} else if (s->json->node[v[i]->i].meta &
			    KX_JSON_ESCAPED) {
				if (escaped)
					return false;
				escaped = true;
				text[i] = kx_json_decode(s->json, v[i]->i,
				    s->scratch, NULL);
				if (kx_buf_failed(s->scratch))
					return false;
			} else {
				text[i] = kx_json_str(s->json, v[i]->i);
			}
		}
		len = text[0].len < text[1].len ? text[0].len : text[1].len;
		*order = len == 0 ? 0 : memcmp(text[0].ptr, text[1].ptr, len);
		if (*order == 0)
			*order = (text[0].len > text[1].len) -
			    (text[0].len < text[1].len);
		return true;
	case KX_JSON_ARRAY:
	case KX_JSON_OBJECT:
		return false;
	default:
		*order = 0;
		return true;
	}
}

static bool
compare_holds(enum compare compare, int order)
{
	switch (compare) {
	case EQ:
		return order == 0;
	case NE:
		return order != 0;
	case LT:
		return order < 0;
	case LE:
		return order <= 0;
	case GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static struct value
eval(const struct state *s, uint32_t i)
{
	const struct op *op = &s->program->op[i];
	struct value a, b;
	int order;

	switch (op->kind) {
	case OP_ROOT:
	case OP_PATH:
		return eval_path(s, op->path);
	case OP_LITERAL:
		return (struct value){ IS_LITERAL, op->type, i };
	case OP_COMPARE:
		a = eval(s, op->a);
		b = eval(s, op->b);
		if (a.is == IS_UNSURE)
			return a;
		if (b.is == IS_UNSURE || b.is == IS_NOTHING)
			return b;
		if (a.is == IS_NOTHING)
			return a;
		if (!value_order(s, a, b, &order))
			return (struct value){ IS_UNSURE, KX_JSON_NULL, 0 };
		return value_of_bool(compare_holds(op->compare, order));
	default:
		break;
	}
	a = eval(s, op->a);
	if (a.is == IS_NOTHING || a.is == IS_UNSURE)
		return a;
	switch (op->kind) {
	case OP_NOT:
		return value_of_bool(!value_truth(a));
	case OP_SELECT:
		if (!value_truth(a))
			return (struct value){ IS_NOTHING, KX_JSON_NULL, 0 };
		return eval_path(s, op->path);
	case OP_THEN:
		return eval(s, op->b);
	default:
		if (value_truth(a) == (op->kind == OP_OR))
			return value_of_bool(op->kind == OP_OR);
		b = eval(s, op->b);
		if (b.is == IS_NOTHING || b.is == IS_UNSURE)
			return b;
		return value_of_bool(value_truth(b));
	}
}

enum kx_answer
kx_program_answer(const struct kx_program *program, const struct kx_json *json,
    struct kx_buf *scratch)
{
	struct state s;
	struct value v;

	if (program->guard == 0 || kx_json_type(json, 0) != KX_JSON_OBJECT)
		return KX_ANSWER_UNSURE;
	s.program = program;
	s.json = json;
	s.scratch = scratch;
	kx_pick_find(&program->pick, json, 0, s.slot);
	v = eval(&s, program->guard);
	if (v.is == IS_UNSURE)
		return KX_ANSWER_UNSURE;
	if (v.is == IS_NOTHING || !value_truth(v))
		return KX_ANSWER_NO;
	return program->native ? KX_ANSWER_YES : KX_ANSWER_UNSURE;
}

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
 * Find a name that may not be used: as a call or keyword, not as a member's
 * name, a variable or a string.  Tokens are enough to tell, and so it works
 * on programs that the parser does not read.  One that the program defines
 * itself is its own.
 */
static const char *
find_refused(const char *text)
{
	static const char *const names[] = { "input", "inputs",
	    "input_line_number", "input_filename", "halt", "halt_error",
	    "stderr", "import", "include", "modulemeta", "get_search_list" };
	enum { N = sizeof(names) / sizeof(*names), DEEP = 256 };
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
			for (i = 0; i < N; i++)
				if (kx_span_eq(name, kx_span_str(names[i])))
					break;
			/* {input: 1}, {input} */
			if (i < N && depth > 0 && open[depth - 1] == '{' &&
			    (before == '{' || before == ',') &&
			    (*q == ':' || *q == ',' || *q == '}'))
				i = N;
			if (i < N && defining)
				return NULL;
			if (i < N && before != ':' && found == NULL)
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

/* Making one */

static bool
text_is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned more, i, low;

	while (*p != '\0') {
		if (*p < 0x80) {
			p++;
			continue;
		}
		more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		if (*p < 0xc2 || *p > 0xf4)
			return false;
		low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
		if (p[1] < low || (*p == 0xed && p[1] > 0x9f) ||
		    (*p == 0xf4 && p[1] > 0x8f))
			return false;
		for (i = 1; i <= more; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += more + 1;
	}
	return true;
}

enum kx_status
kx_program_new(const char *text, struct kx_program **out)
{
	struct kx_program *program = calloc(1, sizeof(*program));
	struct parser p = { .program = program };
	int path;

	if (program == NULL)
		return KX_FAIL;
	program->text = kx_arena_dup(&program->arena, kx_span_str(text));
	program->op = calloc(MAX_OPS, sizeof(*program->op));
	program->n_ops = 1;
	if (program->text == NULL || program->op == NULL ||
	    (make(&p, IDENTITY, 0, 0) != 0 || p.no_memory))
		goto fail;
	program->refused = find_refused(program->text);
	if (text_is_utf8(text)) {
		p.pos = program->text;
		next(&p);
		program->top = p.token == T_END ? 0 : parse_pipe(&p);
		if (p.no_memory)
			goto fail;
		if (p.token != T_END)
			program->top = 0;
	}
	if (program->top == 0) {
		program->all = program->images = true;
	} else {
		reach(program, program->top, ROOT);
		program->native = compile(program, program->top, PATH_ROOT,
		    &path);
		program->guard = program->native;
		if (program->native == 0)
			program->guard = compile_guard(program, program->top,
			    false);
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
kx_program_native(const struct kx_program *program)
{
	return program->native != 0;
}

bool
kx_program_reach(const struct kx_program *program, struct kx_pick *pick,
    bool *images)
{
	unsigned i;

	if (program->images)
		*images = true;
	if (program->all)
		return false;
	for (i = 0; i < program->reach.n; i++)
		if (kx_pick_add(pick, program->reach.name[i]) < 0)
			return false;
	return true;
}
