/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jq programs as options give them: from arguments and files, with variables.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "kx/filter.h"

/* Zero-initialised is empty. */
struct programs {
	const char **text;
	size_t n;
	struct kx_filter_arg *args;
	size_t n_args;
	void **owned;		/* what is to be freed */
	size_t n_owned;
};

/* `text` is not copied. */
void programs_add(struct programs *programs, const char *text);
/* All of a file is one program.  Ends the program where it cannot be read. */
void programs_add_file(struct programs *programs, const char *path);
/* $name: the string `value`, or with `json` the value that it is the text of;
 * bad usage where it is none. */
void programs_arg(struct programs *programs, const char *option,
    const char *name, const char *value, bool json);

/*
 * Read the programs, of which the first n_conditions are conditions, and start
 * the evaluators, one for each of cli.jobs.  Whatever is wrong ends the
 * program, with libjq's message and what it may come from.  `operand`: the
 * first program is the first operand, which may have been meant for a file.
 * KX_FILTER=libjq in the environment turns shortcuts off.
 */
struct kx_filter *programs_start(struct programs *programs,
    size_t n_conditions, bool operand);

void programs_free(struct programs *programs);

#endif
