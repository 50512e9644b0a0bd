/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jq programs into trees.
 *
 * A program is parsed by jq's own grammar and precedences.  What releases of
 * jq read differently, and definitions and modules, are given up on: then
 * there is no tree, and only libjq knows the program.
 *
 * Cost: a few microseconds a program.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/num.h"
#include "program-tree.h"

/* Deeper programs are not read: the parser is recursive. */
#define MAX_DEPTH 100

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
		*op = p->token == '=';
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

bool
kx_program_parse(struct kx_program *program)
{
	struct parser p = { .program = program };

	if (make(&p, IDENTITY, 0, 0) != 0 || p.no_memory)
		return false;
	if (text_is_utf8(program->text)) {
		p.pos = program->text;
		next(&p);
		program->top = p.token == T_END ? 0 : parse_pipe(&p);
		if (p.no_memory)
			return false;
		if (p.token != T_END)
			program->top = 0;
	}
	return true;
}
