/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a jq program can see of an event.
 *
 * reach() runs the tree over places in the event: a value is the set of parts
 * (kx/reach.h) that it may be, a bit each, or something of no interest.  Where
 * a part goes into anything that is not followed, all of it can be seen: that
 * is always right, and the way to give up.
 *
 * Cost: one walk over the tree, once a program.
 */
#include <config.h>

#include "program-tree.h"

#define ROOT 1u

static uint64_t reach(struct kx_program *, uint32_t, uint64_t);

/* The lowest part of a set, taken out of it. */
static int
take_part(uint64_t *value)
{
	int part = __builtin_ctzll(*value);

	*value &= *value - 1;
	return part;
}

/* The value goes where it cannot be followed. */
static void
reach_use(struct kx_program *program, uint64_t value)
{
	while (value != 0)
		kx_reach_use(&program->reach, take_part(&value));
}

static uint64_t
reach_member(struct kx_program *program, uint64_t value, struct kx_span name)
{
	uint64_t result = 0;
	int part;

	while (value != 0) {
		part = kx_reach_member(&program->reach, take_part(&value),
		    name);
		if (part >= 0)
			result |= UINT64_C(1) << part;
	}
	return result;
}

/* Each element, and each member: of the event itself that is everything. */
static uint64_t
reach_each(struct kx_program *program, uint64_t value)
{
	uint64_t result = 0;
	int part;

	reach_use(program, value & ROOT);
	value &= ~(uint64_t)ROOT;
	while (value != 0) {
		part = kx_reach_each(&program->reach, take_part(&value));
		if (part >= 0)
			result |= UINT64_C(1) << part;
	}
	return result;
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
static uint64_t
reach_call(struct kx_program *program, const struct node *n, uint64_t value)
{
	/* on the event: without a look into it */
	static const char *const blind[] = { "empty", "not", "type", "now",
	    "env", "infinite", "nan", "input_line_number", NULL };
	/* give what their last argument gives, and run the others */
	static const char *const through[] = { "first", "last", "limit",
	    NULL };
	/* how many there are, and whether the first and last are true */
	static const char *const outside[] = { "length", "any", "all", NULL };
	unsigned n_args = 0;
	uint64_t inner;
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
		if (is_one_of(n, outside)) {
			(void)reach_each(program, value);
			return 0;
		}
		if (is_call(n, "first", 0) || is_call(n, "last", 0))
			return reach_each(program, value);
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
	    program->node[args[0]].kind == STRING) {
		(void)reach_member(program, value, program->node[args[0]].text);
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
		return reach(program, args[n_args - 1], value);
	}
unknown:
	reach_use(program, value);
	return 0;
}

/* A number, perhaps from the end. */
static bool
is_index(const struct kx_program *program, uint32_t i)
{
	const struct node *n = &program->node[i];

	return n->kind == NUMBER || (n->kind == NEGATE &&
	    program->node[n->a].kind == NUMBER);
}

/* All of a list of nodes, each used. */
static void
reach_list(struct kx_program *program, uint32_t n, uint64_t value)
{
	for (; n != 0; n = program->node[n].next)
		reach_use(program, reach(program, n, value));
}

/* What node n may give on `value`; records what it sees of the event. */
static uint64_t
reach(struct kx_program *program, uint32_t i, uint64_t value)
{
	const struct node *n = &program->node[i];
	uint64_t inner;

	if (i == 0 || kx_reach_is_whole(&program->reach))
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
		/* one element; anything else by a name that is computed */
		if (n->op == 0 && is_index(program, n->b))
			return reach_each(program, inner);
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
		/* an object is true, and so is an array, whatever is in it */
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

void
kx_program_find_reach(struct kx_program *program)
{
	program->puts_out = reach(program, program->top, ROOT);
}

void
kx_program_reach(const struct kx_program *program, bool output,
    struct kx_reach *out)
{
	struct kx_reach own = program->reach;
	uint64_t value = output ? program->puts_out : 0;

	while (value != 0)
		kx_reach_use(&own, take_part(&value));
	kx_reach_merge(out, &own);
}
