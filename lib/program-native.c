/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jq programs that need no libjq.
 *
 * compile() makes, of comparisons between plain paths and literals joined by
 * and, or, not, select and pipes, a little tree that is evaluated on the
 * scanned record by libjq's rules: null < false < true < numbers < strings <
 * arrays < objects; a member that is not there is null; a path through
 * anything else is an error, and so left to libjq.
 *
 * Cost: an answer is one walk over the event's top level and some ten
 * nanoseconds a comparison, without an allocation.
 */
#include <config.h>

#include <math.h>
#include <string.h>

#include "kx/num.h"
#include "program-tree.h"

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

void
kx_program_compile(struct kx_program *program)
{
	int path;

	program->native = compile(program, program->top, PATH_ROOT, &path);
	program->guard = program->native;
	if (program->native == 0)
		program->guard = compile_guard(program, program->top, false);
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

bool
kx_program_native(const struct kx_program *program)
{
	return program->native != 0;
}
