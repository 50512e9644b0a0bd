/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Criteria over the fields of an event: is it one of those that are asked for?
 *
 * Of one kind any of the values that were added will do; of several kinds each
 * must be met.  Kinds that look into identities, snapshots or tags are met by
 * any of these, each kind by itself.  A field that is missing, or of another
 * type than fields.def gives it, meets nothing.  Both spellings of a field
 * (`channel.id`, `channel_id`) are found, as kx/event.h finds them.
 */
#ifndef KX_CRITERIA_H
#define KX_CRITERIA_H

#include "kx/base.h"
#include "kx/json.h"

enum kx_criterion {
	KX_CRITERION_TOPIC,	/* LIST, exact */
	KX_CRITERION_MODULE,	/* LIST, exact */
	KX_CRITERION_MONITOR,	/* LIST of numbers */
	KX_CRITERION_CHANNEL,	/* LIST of ids and names, exact */
	KX_CRITERION_LEVEL,	/* LIST of 0-3 and their names */
	KX_CRITERION_MIN_LEVEL,	/* a level */
	KX_CRITERION_PLATE,	/* GLOB, folded as a plate (kx/fold.h) */
	KX_CRITERION_STATE,	/* LIST, folded as names */
	KX_CRITERION_PERSON,	/* GLOB, folded as a name: first name, last
				   name, or both in either order with a blank
				   between; of faces, and of plates' owners */
	KX_CRITERION_LIST,	/* LIST of ids, and of names, folded */
	KX_CRITERION_TAG,	/* LIST of ids, and of names, folded */
	KX_CRITERION_MIN_SIMILARITY,	/* number from 0 to 1 */
	KX_CRITERION_NEAR,	/* LAT,LON,RADIUS: degrees; metres, or with
				   `m` or `km` */
	KX_CRITERION_HAS_IMAGE,	/* no argument: a snapshot whose image is a
				   string and not empty */
	KX_CRITERION_SINCE,	/* a time: kx_criteria_add_time() */
	KX_CRITERION_UNTIL
};

struct kx_criteria;

/* Without any, all objects match.  NULL without memory. */
struct kx_criteria *kx_criteria_new(void);
void kx_criteria_free(struct kx_criteria *criteria);

/*
 * Add what `arg`, which must outlive the criteria, asks for.  A LIST is
 * separated by commas, and none of its items is empty.  KX_BAD: it is no such
 * argument, and err->message says why.  KX_FAIL: no memory.
 */
enum kx_status kx_criteria_add(struct kx_criteria *criteria,
    enum kx_criterion kind, const char *arg, struct kx_error *err)
    KX_MUST_CHECK;

/* start_time from `ms` on, or before it; added again it replaces. */
void kx_criteria_add_time(struct kx_criteria *criteria,
    enum kx_criterion kind, int64_t ms);

/* What one thread needs to match with; NULL without memory. */
struct kx_criteria_state *kx_criteria_state_new(void);
void kx_criteria_state_free(struct kx_criteria_state *state);

/* Does the scanned record meet them all?  Only objects do.  *no_memory is set
 * where it could not be told, and else left alone.  Any number of threads may
 * call it, each with a state of its own. */
bool kx_criteria_match(const struct kx_criteria *criteria,
    struct kx_criteria_state *state, const struct kx_json *json,
    bool *no_memory);

/* Metres between two points on a sphere of the earth's mean radius,
 * 6,371,008.8 m; degrees. */
double kx_great_circle(double lat1, double lon1, double lat2, double lon2);

#endif
