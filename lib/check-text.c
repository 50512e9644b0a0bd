/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strings and numbers, wherever they stand: halves of surrogate pairs, NUL,
 * text that was encoded twice, integers that a double would change.
 *
 * Most records have none of what is looked for, and one walk over the nodes
 * finds those few strings and numbers that can.
 */
#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "kx/num.h"

#include "check-impl.h"
#include "digits.h"

/* 2^53 - 1 has 16 digits: shorter integers are not looked at. */
_Static_assert(KX_JSON_LONG <= 16, "2^53 is a long number");

/* What UTF-8's lead bytes of Cyrillic become where they are read as CP1252,
 * and the beginning of its dashes and quotes. */
#define ETH "\xc3\x90"
#define N_TILDE "\xc3\x91"
#define A_EURO "\xc3\xa2\xe2\x82\xac"

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

	while (p < end && (*p == '\\' ||
	    (p = memchr(p, '\\', (size_t)(end - p))) != NULL)) {
		if (p[1] != 'u') {
			p += 2;
			continue;
		}
		/* Below 0x100, or from 0xd000 on: others need no look. */
		if (!(p[2] == '0' && p[3] == '0') && (p[2] | 0x20) != 'd') {
			p += 6;
			continue;
		}
		v = kx_json_hex4(p + 2);
		latin |= v == 0xd0 || v == 0xd1 || v == 0xe2;
		next = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ?
		    kx_json_hex4(p + 8) : 0;
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

/* What a double makes of an integer that is not small, in decimal; false
 * where it is infinite.  The hardware rounds what fits into 64 bits as strtod()
 * would. */
static bool
through_double(struct kx_span digits, char *out, size_t size)
{
	double value;
	uint64_t n;

	if (kx_num_u64(digits, &n) && n < UINT64_C(1) << 63) {
		snprintf(out, size, "%" PRIu64, (uint64_t)(double)n);
		return true;
	}
	if (!kx_num_double(digits, &value) || !isfinite(value))
		return false;
	snprintf(out, size, "%.0f", value);
	return true;
}

/* A number of 16 bytes or more: is it an integer beyond 2^53 - 1? */
static void
check_precision(struct kx_checker *c, uint32_t node)
{
	struct kx_span raw = kx_json_raw(c->json, node), digits = raw;
	bool minus = *raw.ptr == '-';
	char as_double[350];
	uint64_t n;

	digits.ptr += minus;
	digits.len -= minus;
	if (digits.len < KX_JSON_LONG ||
	    kx_digits_within(digits.ptr, digits.len) < digits.len)
		return;
	if (kx_num_u64(digits, &n) && n < UINT64_C(1) << 53)
		return;
	if (!through_double(digits, as_double, sizeof as_double)) {
		kx_check_say(c, KX_RULE_PRECISION_RISK, node, "an integer of "
		    "%zu digits: no double is as large", digits.len);
		return;
	}
	if (kx_span_eq(digits, kx_span_str(as_double)))
		kx_check_say(c, KX_RULE_PRECISION_RISK, node, "an integer "
		    "over 2^53-1: a double holds this one, but not its "
		    "neighbours");
	else
		kx_check_say(c, KX_RULE_PRECISION_RISK, node, "an integer "
		    "over 2^53-1: a double makes %s%.40s%s of it",
		    minus ? "-" : "", as_double,
		    strlen(as_double) > 40 ? "..." : "");
}

/* Every string may be odd: which of them are? */
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

/* Does the record as a whole look as if one were? */
static bool
may_be_odd(const struct kx_json *json)
{
	return is_mojibake((struct kx_span){ json->text, json->text_len });
}

static void
check_node(struct kx_checker *c, uint32_t node)
{
	if ((c->json->node[node].meta & KX_JSON_ESCAPED) != 0)
		check_escapes(c, node);
	else if (kx_json_type(c->json, node) == KX_JSON_NUMBER)
		check_precision(c, node);
}

void
kx_check_texts(struct kx_checker *c)
{
	const struct kx_json *json = c->json;
	uint32_t i;

	if (KX_LIKELY(json->n_notable <= KX_JSON_NOTABLE)) {
		for (i = 0; i < json->n_notable; i++)
			check_node(c, json->notable[i]);
	} else {
		for (i = 0; i < json->n_nodes; i++)
			check_node(c, i);
	}
	if (json->high && rule_is_on(c, KX_RULE_SUSPECT_MOJIBAKE) &&
	    may_be_odd(json))
		check_strings(c);
}
