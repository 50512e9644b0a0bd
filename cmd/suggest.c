/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words that are near: by the number of letters to put in, take out, change or
 * swap with a neighbour, whatever their case.
 */
#include <config.h>

#include <string.h>

#include "cli.h"
#include "suggest.h"

/* Longer words are near none. */
enum { WORD_MAX = 40 };

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned
distance(struct kx_span a, struct kx_span b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t i, k;
	bool same;

	if (a.len > WORD_MAX || b.len > WORD_MAX)
		return WORD_MAX;
	for (i = 0; i <= a.len; i++)
		d[i][0] = (unsigned)i;
	for (k = 0; k <= b.len; k++)
		d[0][k] = (unsigned)k;
	for (i = 1; i <= a.len; i++) {
		for (k = 1; k <= b.len; k++) {
			same = lower(a.ptr[i - 1]) == lower(b.ptr[k - 1]);
			d[i][k] = least(d[i - 1][k - 1] + !same,
			    1 + least(d[i - 1][k], d[i][k - 1]));
			if (i > 1 && k > 1 &&
			    lower(a.ptr[i - 1]) == lower(b.ptr[k - 2]) &&
			    lower(a.ptr[i - 2]) == lower(b.ptr[k - 1]))
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	}
	return d[a.len][b.len];
}

/* The next of words separated by blanks; empty at the end. */
static struct kx_span
next_word(const char **words)
{
	struct kx_span word;

	*words += strspn(*words, " ");
	word = (struct kx_span){ *words, strcspn(*words, " ") };
	*words += word.len;
	return word;
}

struct kx_span
suggest(struct kx_span word, const char *words, bool *exact)
{
	struct kx_span known, best = KX_SPAN_NULL;
	unsigned d, least_d = 1 + (unsigned)word.len / 3;

	*exact = false;
	while ((known = next_word(&words)).len > 0) {
		if (kx_span_eq(known, word)) {
			*exact = true;
			return known;
		}
		d = distance(word, known);
		/* `Face' for `FaceMatched' */
		if (word.len >= 3 && known.len > word.len &&
		    distance(word, (struct kx_span){ known.ptr, word.len }) ==
		    0)
			d = 1;
		if (d < least_d || (best.len == 0 && d == least_d &&
		    word.len > 2)) {
			least_d = d;
			best = known;
		}
	}
	return best;
}

void
suggest_items(const char *option, const char *list, const char *words)
{
	struct kx_span item, near;
	bool exact;

	for (;; list += item.len + 1) {
		item = (struct kx_span){ list, strcspn(list, ",") };
		near = suggest(item, words, &exact);
		if (!exact && near.len > 0)
			cli_note("--%s: '%s' is not known: did you mean '%s'?",
			    option, cli_quote(item), cli_quote(near));
		if (list[item.len] == '\0')
			return;
	}
}
