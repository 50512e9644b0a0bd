/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a jq program can see of an event.
 *
 * reach() runs the tree over two kinds of values, "the whole event" (and the
 * snapshots in it) and "something else".  Where the whole event goes into
 * anything but a member's name, the reach is everything: that is always
 * right, and the way to give up.
 *
 * Cost: one walk over the tree, once a program.
 */
#include <config.h>

#include "program-tree.h"

/* What a value may be; none of them: something without interest. */

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
	    "env", "infinite", "nan", "input_line_number", NULL };
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

void
kx_program_find_reach(struct kx_program *program)
{
	program->puts_out = reach(program, program->top, ROOT);
}

bool
kx_program_reach(const struct kx_program *program, bool output,
    struct kx_pick *pick, bool *images)
{
	unsigned i, seen = output ? program->puts_out : 0;

	if (program->images || (seen & (SNAPSHOTS | SNAPSHOT)))
		*images = true;
	if (program->all || (seen & ROOT))
		return false;
	for (i = 0; i < program->reach.n; i++)
		if (kx_pick_add(pick, program->reach.name[i]) < 0)
			return false;
	return true;
}
