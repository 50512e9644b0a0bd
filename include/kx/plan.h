/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a replay would do: events, their span and bytes, when the last would
 * leave, and the same for each camera.  Memory is bounded: cameras beyond
 * KX_PLAN_CAMERAS are added up as one.
 */
#ifndef KX_PLAN_H
#define KX_PLAN_H

#include "kx/base.h"

#define KX_PLAN_CAMERAS 10000

struct kx_plan_camera {
	char *id, *name;	/* terminated; NULL: the event has none */
	uint64_t n_events, n_bytes;
	int64_t first_ms, last_ms;	/* start times; last < first: none */
};

/* Zero-initialised is empty and valid. */
struct kx_plan {
	struct kx_plan_camera all;	/* without id and name */
	struct kx_plan_camera rest;	/* of too many cameras */
	uint64_t end_ns;		/* the last one is due, from 0 */
	struct kx_plan_camera *camera;	/* as they came */
	size_t n_cameras;
	size_t *hash;			/* the rest is the module's */
	size_t cap;
};

/* An event: its camera as spelled (empty: none), bytes to be sent, start time
 * (`timed`) and when it is due.  False without memory. */
bool kx_plan_add(struct kx_plan *plan, struct kx_span id,
    struct kx_span name, uint64_t bytes, bool timed, int64_t start_ms,
    uint64_t due_ns) KX_MUST_CHECK;

/* Cameras by the number of their events, the most first. */
void kx_plan_sort(struct kx_plan *plan);

void kx_plan_free(struct kx_plan *plan);

#endif
