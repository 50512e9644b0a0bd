/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan of a replay: a table of cameras, found by open addressing in an
 * array of indexes that is at most half full.
 */
#include <config.h>

#include <stdlib.h>

#include "kx/plan.h"

#define SLOTS ((size_t)32768)

_Static_assert(2 * KX_PLAN_CAMERAS <= SLOTS, "");

static void
count(struct kx_plan_camera *c, uint64_t bytes, bool timed, int64_t start_ms)
{
	if (c->n_events++ == 0) {
		c->first_ms = INT64_MAX;
		c->last_ms = INT64_MIN;
	}
	c->n_bytes += bytes;
	if (timed && start_ms < c->first_ms)
		c->first_ms = start_ms;
	if (timed && start_ms > c->last_ms)
		c->last_ms = start_ms;
}

static bool
is_id(const struct kx_plan_camera *c, struct kx_span id)
{
	return c->id == NULL ? id.len == 0 :
	    strlen(c->id) == id.len && memcmp(c->id, id.ptr, id.len) == 0;
}

static size_t
slot_of(const struct kx_plan *plan, struct kx_span id)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < id.len; i++)
		h = (h ^ (unsigned char)id.ptr[i]) * UINT64_C(0x100000001b3);
	for (i = (h ^ h >> 32) % SLOTS; plan->hash[i] != 0 &&
	    !is_id(&plan->camera[plan->hash[i] - 1], id); i = (i + 1) % SLOTS)
		continue;
	return i;
}

static bool
copy(char **out, struct kx_span span)
{
	*out = span.len == 0 ? NULL : strndup(span.ptr, span.len);
	return span.len == 0 || *out != NULL;
}

/* The camera's row, made where there is none yet; NULL without memory. */
static struct kx_plan_camera *
find(struct kx_plan *plan, struct kx_span id, struct kx_span name)
{
	struct kx_plan_camera *c;
	size_t slot, cap;

	if (plan->hash == NULL) {
		plan->hash = calloc(SLOTS, sizeof(*plan->hash));
		if (plan->hash == NULL)
			return NULL;
	}
	slot = slot_of(plan, id);
	if (plan->hash[slot] != 0)
		return &plan->camera[plan->hash[slot] - 1];
	if (plan->n_cameras == KX_PLAN_CAMERAS)
		return &plan->rest;
	if (plan->n_cameras == plan->cap) {
		cap = plan->cap == 0 ? 16 : 2 * plan->cap;
		c = reallocarray(plan->camera, cap, sizeof(*c));
		if (c == NULL)
			return NULL;
		plan->camera = c;
		plan->cap = cap;
	}
	c = &plan->camera[plan->n_cameras];
	memset(c, 0, sizeof(*c));
	if (!copy(&c->id, id) || !copy(&c->name, name)) {
		free(c->id);
		return NULL;
	}
	plan->hash[slot] = ++plan->n_cameras;
	return c;
}

bool
kx_plan_add(struct kx_plan *plan, struct kx_span id, struct kx_span name,
    uint64_t bytes, bool timed, int64_t start_ms, uint64_t due_ns)
{
	struct kx_plan_camera *c = find(plan, id, name);

	if (c == NULL)
		return false;
	count(c, bytes, timed, start_ms);
	count(&plan->all, bytes, timed, start_ms);
	if (due_ns > plan->end_ns)
		plan->end_ns = due_ns;
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct kx_plan_camera *x = a, *y = b;

	if (x->n_events != y->n_events)
		return x->n_events < y->n_events ? 1 : -1;
	if (x->id == NULL || y->id == NULL)
		return (x->id == NULL) - (y->id == NULL);
	return strcmp(x->id, y->id);
}

void
kx_plan_sort(struct kx_plan *plan)
{
	if (plan->n_cameras == 0)
		return;
	qsort(plan->camera, plan->n_cameras, sizeof(*plan->camera), compare);
	/* Places have changed: none can be added any more. */
	free(plan->hash);
	plan->hash = NULL;
}

void
kx_plan_free(struct kx_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n_cameras; i++) {
		free(plan->camera[i].id);
		free(plan->camera[i].name);
	}
	free(plan->camera);
	free(plan->hash);
	*plan = (struct kx_plan){ .n_cameras = 0 };
}
