/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The work of kx-filter, between its options and its end.
 */
#ifndef FILTER_H
#define FILTER_H

#include "kx/criteria.h"
#include "kx/filter.h"
#include "kx/unique.h"

#include "run.h"

struct filter {
	struct kx_criteria *criteria;	/* NULL: there are none */
	struct kx_filter *jq;		/* NULL: none are asked */
	bool invert, count, strip, transform;
	bool with_line, with_file;
	bool print;			/* neither -c nor -q */
	bool in_order;			/* what is kept depends on what was */
	uint64_t max;			/* kept events that are wanted */
	const char *unique_by;		/* NULL: copies are kept */
	struct kx_unique *unique;
	bool files_only;		/* no operand is a program */
	/* results */
	uint64_t kept;
	bool said_rounded;
	uint64_t *kept_of;		/* -c -H: an entry an input */
	const char **name_of;
	bool lost;			/* libjq is: the output is not whole */
};

/* What run() calls for it; ctx is the struct filter. */
extern const struct run_ops filter_ops;

#endif
