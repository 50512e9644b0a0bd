/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folded names and plates.  No other file knows of libunistring.
 *
 * Plain ASCII, which most texts are, is folded here; anything else by
 * u8_casefold(), some microseconds a text.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "kx/fold.h"

static bool
is_ascii(struct kx_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

/* Between the parts of a plate: blanks, dashes, dots. */
static bool
is_separator(ucs4_t c)
{
	switch (c) {
	case '-': case '_': case '.': case ',': case '/': case 0xb7:
	case 0x2022: case 0x2212:
		return true;
	default:
		return c == '\t' || uc_is_property_white_space(c) ||
		    uc_is_property_dash(c);
	}
}

/* The Latin letter that a plate shows for a folded Cyrillic one, or 0. */
static char
latin_of(ucs4_t c)
{
	switch (c) {
	case 0x430:
		return 'a';
	case 0x432:
		return 'b';
	case 0x435:
		return 'e';
	case 0x43a:
		return 'k';
	case 0x43c:
		return 'm';
	case 0x43d:
		return 'h';
	case 0x43e:
		return 'o';
	case 0x440:
		return 'p';
	case 0x441:
		return 'c';
	case 0x442:
		return 't';
	case 0x443:
		return 'y';
	case 0x445:
		return 'x';
	default:
		return '\0';
	}
}

static void
add_plate(const uint8_t *text, size_t len, struct kx_buf *out)
{
	ucs4_t c;
	int n;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = u8_mbtouc(&c, text, len);
		if (latin_of(c) != '\0')
			kx_buf_addc(out, latin_of(c));
		else if (!is_separator(c))
			kx_buf_add(out, text, (size_t)n);
	}
}

void
kx_fold(enum kx_fold how, struct kx_span text, struct kx_buf *out)
{
	uint8_t space[512], *folded;
	size_t len = sizeof(space), i;
	char c;

	if (text.len == 0)
		return;
	if (is_ascii(text)) {
		for (i = 0; i < text.len; i++) {
			c = text.ptr[i];
			if (c >= 'A' && c <= 'Z')
				c = (char)(c - 'A' + 'a');
			if (how == KX_FOLD_NAME ||
			    !is_separator((unsigned char)c))
				kx_buf_addc(out, c);
		}
		return;
	}
	folded = u8_casefold((const uint8_t *)text.ptr, text.len, NULL,
	    UNINORM_NFC, space, &len);
	if (folded == NULL) {
		out->failed = true;
		return;
	}
	if (how == KX_FOLD_PLATE)
		add_plate(folded, len, out);
	else
		kx_buf_add(out, folded, len);
	if (folded != space)
		free(folded);
}

/* Patterns */

enum kind { LITERAL, ANY_ONE, ANY_RUN, ONE_OF, NONE_OF };

struct range {
	ucs4_t first, last;
};

struct part {
	enum kind kind;
	size_t from, n;		/* LITERAL: bytes of `text`; *_OF: ranges */
};

struct kx_glob {
	struct part *part;
	size_t n_parts;
	struct range *range;
	size_t n_ranges;
	struct kx_buf text;
};

static bool
add_range(struct kx_glob *glob, ucs4_t first, ucs4_t last)
{
	struct range *grown = reallocarray(glob->range, glob->n_ranges + 1,
	    sizeof(*grown));

	if (grown == NULL)
		return false;
	glob->range = grown;
	grown[glob->n_ranges++] = (struct range){ first, last };
	return true;
}

static bool
add_part(struct kx_glob *glob, struct part part)
{
	struct part *grown = reallocarray(glob->part, glob->n_parts + 1,
	    sizeof(*grown));

	if (grown == NULL)
		return false;
	glob->part = grown;
	grown[glob->n_parts++] = part;
	return true;
}

/* A character of a set, folded; one that folds to several, or to none, is
 * taken as it is. */
static ucs4_t
fold_one(enum kx_fold how, const char *p, int n)
{
	struct kx_buf folded = { 0 };
	ucs4_t c = 0;

	kx_fold(how, (struct kx_span){ p, (size_t)n }, &folded);
	if (folded.len == 0 || u8_mbtouc(&c, (uint8_t *)folded.ptr,
	    folded.len) != (int)folded.len)
		(void)u8_mbtouc(&c, (const uint8_t *)p, (size_t)n);
	kx_buf_free(&folded);
	return c;
}

/* The character at *pos of a set, a backslash before it taken off. */
static ucs4_t
take_one(enum kx_fold how, struct kx_span pattern, size_t *pos)
{
	ucs4_t c;
	int n;

	if (pattern.ptr[*pos] == '\\' && *pos + 1 < pattern.len)
		++*pos;
	n = u8_mbtouc(&c, (const uint8_t *)pattern.ptr + *pos,
	    pattern.len - *pos);
	c = fold_one(how, pattern.ptr + *pos, n);
	*pos += (size_t)n;
	return c;
}

/* The set whose bracket is at *pos.  KX_BAD: it has no end. */
static enum kx_status
add_set(struct kx_glob *glob, enum kx_fold how, struct kx_span pattern,
    size_t *pos)
{
	struct part part = { ONE_OF, glob->n_ranges, 0 };
	size_t at = *pos + 1, first;
	ucs4_t low, high;

	if (at < pattern.len && (pattern.ptr[at] == '!' ||
	    pattern.ptr[at] == '^')) {
		part.kind = NONE_OF;
		at++;
	}
	for (first = at; at < pattern.len; ) {
		if (pattern.ptr[at] == ']' && at > first) {
			part.n = glob->n_ranges - part.from;
			*pos = at + 1;
			return add_part(glob, part) ? KX_OK : KX_FAIL;
		}
		low = high = take_one(how, pattern, &at);
		if (at + 1 < pattern.len && pattern.ptr[at] == '-' &&
		    pattern.ptr[at + 1] != ']') {
			at++;
			high = take_one(how, pattern, &at);
		}
		if (!add_range(glob, low, high))
			return KX_FAIL;
	}
	return KX_BAD;
}

/* The characters from *pos on that stand for themselves. */
static bool
add_literal(struct kx_glob *glob, enum kx_fold how, struct kx_span pattern,
    size_t *pos)
{
	struct part part = { LITERAL, glob->text.len, 0 };
	struct kx_buf plain = { 0 };
	size_t at = *pos;

	while (at < pattern.len && strchr("*?[", pattern.ptr[at]) == NULL) {
		if (pattern.ptr[at] == '\\' && at + 1 < pattern.len)
			at++;
		kx_buf_addc(&plain, pattern.ptr[at++]);
	}
	*pos = at;
	kx_fold(how, kx_buf_span(&plain), &glob->text);
	if (kx_buf_failed(&plain))
		glob->text.failed = true;
	kx_buf_free(&plain);
	part.n = glob->text.len - part.from;
	return !kx_buf_failed(&glob->text) &&
	    (part.n == 0 || add_part(glob, part));
}

enum kx_status
kx_glob_new(enum kx_fold how, struct kx_span pattern, struct kx_glob **out,
    struct kx_error *err)
{
	struct kx_glob *glob = calloc(1, sizeof(*glob));
	enum kx_status status = KX_OK;
	size_t pos = 0;
	bool done;

	if (glob == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "no pattern");
	if (pattern.len > 0 &&
	    u8_check((const uint8_t *)pattern.ptr, pattern.len) != NULL)
		status = kx_error_set(err, KX_BAD, 0, "it is not UTF-8");
	while (pos < pattern.len && status == KX_OK) {
		done = true;
		switch (pattern.ptr[pos]) {
		case '*':
			done = add_part(glob, (struct part){ ANY_RUN, 0, 0 });
			pos++;
			break;
		case '?':
			done = add_part(glob, (struct part){ ANY_ONE, 0, 0 });
			pos++;
			break;
		case '[':
			status = add_set(glob, how, pattern, &pos);
			if (status == KX_BAD)
				(void)kx_error_set(err, KX_BAD, 0,
				    "'[' without ']'");
			break;
		default:
			done = add_literal(glob, how, pattern, &pos);
			break;
		}
		if (!done)
			status = KX_FAIL;
	}
	if (status == KX_FAIL)
		(void)kx_error_set(err, KX_FAIL, ENOMEM, "no pattern");
	if (status == KX_BAD && err != NULL)
		err->off = pos;
	if (status == KX_OK)
		*out = glob;
	else
		kx_glob_free(glob);
	return status;
}

void
kx_glob_free(struct kx_glob *glob)
{
	if (glob == NULL)
		return;
	free(glob->part);
	free(glob->range);
	kx_buf_free(&glob->text);
	free(glob);
}

/* Bytes of the text that one part takes at p; -1: it does not match. */
static int
match_part(const struct kx_glob *glob, const struct part *part, const char *p,
    const char *end)
{
	bool in = false;
	ucs4_t c;
	size_t i;
	int n;

	if (part->kind == LITERAL)
		return (size_t)(end - p) >= part->n && !memcmp(p,
		    glob->text.ptr + part->from, part->n) ? (int)part->n : -1;
	if (p == end)
		return -1;
	n = u8_mbtouc(&c, (const uint8_t *)p, (size_t)(end - p));
	if (part->kind == ANY_ONE)
		return n;
	for (i = part->from; i < part->from + part->n && !in; i++)
		in = c >= glob->range[i].first && c <= glob->range[i].last;
	return in == (part->kind == ONE_OF) ? n : -1;
}

/* A `*` takes as little as it can; where the rest does not match, the last
 * one that was met takes a character more. */
bool
kx_glob_match(const struct kx_glob *glob, struct kx_span folded)
{
	const char *p = folded.ptr, *end = p + folded.len, *again = NULL;
	size_t i = 0, star = 0;
	ucs4_t c;
	int n;

	for (;;) {
		if (i < glob->n_parts && glob->part[i].kind == ANY_RUN) {
			star = ++i;
			again = p;
			continue;
		}
		if (i == glob->n_parts && p == end)
			return true;
		n = i < glob->n_parts ? match_part(glob, &glob->part[i], p,
		    end) : -1;
		if (n >= 0) {
			p += n;
			i++;
			continue;
		}
		if (again == NULL || again == end)
			return false;
		again += u8_mbtouc(&c, (const uint8_t *)again,
		    (size_t)(end - again));
		p = again;
		i = star;
	}
}
