/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of rules, made of rules.def.  It is short and looked up by name
 * only for command lines and explanations, so looking is a plain walk.
 */
#include <config.h>

#include "kx/diag.h"

const struct kx_rule_info kx_rule_info[KX_N_RULES] = {
#define KX_RULE(symbol, name, compatible, strict, envelope, summary) \
	[KX_RULE_##symbol] = { name, { KX_SEV_##compatible, KX_SEV_##strict, \
	    KX_SEV_##envelope }, summary },
#include "rules.def"
};

_Static_assert(KX_N_PROFILES == 3, "rules.def has a column a profile");

int
kx_rule_find(struct kx_span name)
{
	int i;

	for (i = 0; i < KX_N_RULES; i++)
		if (kx_span_eq(kx_span_str(kx_rule_info[i].name), name))
			return i;
	return -1;
}
