/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Did you mean": words that were nearly right.
 */
#ifndef SUGGEST_H
#define SUGGEST_H

#include "kx/base.h"

/* The word of `words`, which are separated by blanks, that is nearest to this
 * one: the same in another case, or a few letters off, with *exact where it is
 * this very one.  Empty where none is near. */
struct kx_span suggest(struct kx_span word, const char *words, bool *exact);

/* Note each item of a comma-separated list, the argument of --option, that is
 * none of the words but near one.  (They are what is known, not all that there
 * may be.) */
void suggest_items(const char *option, const char *list, const char *words);

#endif
