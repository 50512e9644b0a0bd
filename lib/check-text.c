/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strings and numbers, wherever they stand: halves of surrogate pairs, NUL,
 * text that was encoded twice, integers that a double would change.
 *
 * Most records have none of what is looked for, and one walk over the nodes
 * finds those few strings and numbers that can.
 */
#include <config.h>

#include <math.h>
#include <stdio.h>

#include "kx/num.h"

#include "check-impl.h"

/* 2^53 - 1 has 16 digits. */
#define LONG_INTEGER 16

/* What UTF-8's lead bytes of Cyrillic become where they are read as CP1252,
 * and the beginning of its dashes and quotes. */
#define ETH "\xc3\x90"
#define N_TILDE "\xc3\x91"
#define A_EURO "\xc3\xa2\xe2\x82\xac"

static unsigned
hex4(const char *p)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' :
		    (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* Does the text look as if it had been encoded twice? */
static bool
is_mojibake(struct kx_span s)
{
	const char *p = s.ptr, *end = p + s.len;
	unsigned pairs = 0;

	while (end - p >= 4 &&
	    (p = memchr(p, 0xc3, (size_t)(end - p))) != NULL) {
		if (end - p < 4)
			break;
		/* A letter of this kind is followed by another character that
		 * is not ASCII: its other half. */
		if ((!memcmp(p, ETH, 2) || !memcmp(p, N_TILDE, 2)) &&
		    (p[2] & 0x80) != 0)
			pairs++;
		if (pairs >= 2 || (end - p >= 5 && !memcmp(p, A_EURO, 5)))
			return true;
		p += 2;
	}
	return false;
}

static void
check_mojibake(struct kx_checker *c, uint32_t node, struct kx_span text)
{
	if (is_mojibake(text))
		kx_check_say(c, KX_RULE_SUSPECT_MOJIBAKE, node, "this looks "
		    "like UTF-8 that was read as CP1252 and encoded again");
}

/* The escapes of a string: each that gives no character, or NUL. */
static void
check_escapes(struct kx_checker *c, uint32_t node)
{
	struct kx_span s = kx_json_str(c->json, node);
	const char *p = s.ptr, *end = p + s.len;
	bool latin = false;
	unsigned v, next;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (p[1] != 'u') {
			p += 2;
			continue;
		}
		v = hex4(p + 2);
		latin |= v == 0xd0 || v == 0xd1 || v == 0xe2;
		next = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ?
		    hex4(p + 8) : 0;
		if (v >= 0xd800 && v < 0xdc00 && next >= 0xdc00 &&
		    next < 0xe000) {
			p += 12;
			continue;
		}
		if (v >= 0xd800 && v < 0xe000)
			kx_check_say_at(c, KX_RULE_LONE_SURROGATE, node,
			    (size_t)(p - c->json->text), "half of a surrogate "
			    "pair: \\u%.4s is no character", p + 2);
		else if (v == 0)
			kx_check_say_at(c, KX_RULE_NUL_IN_STRING, node,
			    (size_t)(p - c->json->text),
			    "the character NUL in a string");
		p += 6;
	}
	if (latin)
		check_mojibake(c, node, kx_check_text(c, node));
}

/* An integer of 16 digits or more. */
static void
check_precision(struct kx_checker *c, uint32_t node)
{
	struct kx_span raw = kx_json_raw(c->json, node);
	unsigned class = kx_num_classify(raw);
	char as_double[350];
	double value;
	int64_t n;

	if ((class & KX_NUM_INTEGER) == 0)
		return;
	/* KX_NUM_EXACT lets 2^53 itself pass. */
	if ((class & KX_NUM_EXACT) != 0 && kx_num_whole(raw, &n) &&
	    n < INT64_C(1) << 53 && n > -(INT64_C(1) << 53))
		return;
	if (!kx_num_double(raw, &value) || !isfinite(value)) {
		kx_check_say(c, KX_RULE_PRECISION_RISK, node, "an integer of "
		    "%zu digits: no double is as large", raw.len);
		return;
	}
	snprintf(as_double, sizeof as_double, "%.0f", value);
	if (kx_span_eq(raw, kx_span_str(as_double)))
		kx_check_say(c, KX_RULE_PRECISION_RISK, node, "an integer "
		    "over 2^53-1: a double holds this one, but not its "
		    "neighbours");
	else
		kx_check_say(c, KX_RULE_PRECISION_RISK, node, "an integer "
		    "over 2^53-1: a double makes %.40s%s of it", as_double,
		    strlen(as_double) > 40 ? "..." : "");
}

/* Where the record has a byte over 0x7f, every string may be odd. */
static void
check_strings(struct kx_checker *c)
{
	const struct kx_json_node *node = c->json->node;
	uint32_t i, n = c->json->n_nodes;

	for (i = 0; i < n; i++)
		if ((node[i].meta & (KX_JSON_TYPE_MASK | KX_JSON_ESCAPED)) ==
		    KX_JSON_STRING)
			check_mojibake(c, i, kx_json_str(c->json, i));
}

void
kx_check_texts(struct kx_checker *c)
{
	const struct kx_json_node *node = c->json->node;
	uint32_t i, n = c->json->n_nodes;

	for (i = 0; i < n; i++) {
		if (KX_UNLIKELY((node[i].meta & KX_JSON_ESCAPED) != 0))
			check_escapes(c, i);
		else if (KX_UNLIKELY((node[i].meta & KX_JSON_TYPE_MASK) ==
		    KX_JSON_NUMBER && node[i].len >= LONG_INTEGER))
			check_precision(c, i);
	}
	if (c->json->high && rule_is_on(c, KX_RULE_SUSPECT_MOJIBAKE))
		check_strings(c);
}
