/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of rules, made of rules.def.  It is short and looked up by name
 * only for command lines and explanations, so looking is a plain walk.
 */
#include <config.h>

#include "kx/diag.h"

const struct kx_rule_info kx_rule_info[KX_N_RULES] = {
#define KX_RULE(symbol, name, compatible, strict, envelope, schema, \
	summary, document, sent, done) \
	[KX_RULE_##symbol] = { name, { KX_SEV_##compatible, KX_SEV_##strict, \
	    KX_SEV_##envelope }, KX_SCHEMA_##schema, summary, document, sent, \
	    done },
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

/* --- for people and programs ---------------------------------------------- */

static const char *const profile_names[KX_N_PROFILES] = {
	[KX_PROFILE_COMPATIBLE] = "compatible",
	[KX_PROFILE_STRICT] = "strict",
	[KX_PROFILE_ENVELOPE] = "envelope"
};

const char *
kx_profile_name(enum kx_profile profile)
{
	return profile_names[profile];
}

static const char *const schema_names[] = {
	[KX_SCHEMA_SAID] = "said", [KX_SCHEMA_BEYOND] = "beyond",
	[KX_SCHEMA_TEXT] = "text"
};

static void
add_text(struct kx_buf *out, const char *name, const char *text)
{
	kx_buf_addf(out, ",\"%s\":\"", name);
	kx_buf_addjson(out, kx_span_str(text));
	kx_buf_addc(out, '"');
}

void
kx_rule_json(enum kx_rule rule, kx_rule_severity *severity, const void *arg,
    struct kx_buf *out)
{
	const struct kx_rule_info *info = &kx_rule_info[rule];
	int p;

	kx_buf_addf(out, "{\"rule\":\"%s\",\"severity\":{", info->name);
	for (p = 0; p < KX_N_PROFILES; p++)
		kx_buf_addf(out, "%s\"%s\":\"%s\"", p == 0 ? "" : ",",
		    profile_names[p], kx_severity_name(severity(arg, rule,
		    (enum kx_profile)p)));
	kx_buf_addf(out, "},\"schema\":\"%s\"", schema_names[info->schema]);
	add_text(out, "summary", info->summary);
	add_text(out, "document", info->document);
	add_text(out, "sent", info->sent);
	add_text(out, "done", info->done);
	kx_buf_adds(out, "}\n");
}

void
kx_rule_line(enum kx_rule rule, kx_rule_severity *severity, const void *arg,
    struct kx_buf *out)
{
	const struct kx_rule_info *info = &kx_rule_info[rule];
	const char *word;
	int p;

	kx_buf_addf(out, "%-24s", info->name);
	for (p = 0; p < KX_N_PROFILES; p++) {
		word = kx_severity_name(severity(arg, rule,
		    (enum kx_profile)p));
		kx_buf_addf(out, "%-9s", !strcmp(word, "none") ? "-" : word);
	}
	kx_buf_addf(out, "%s\n", info->summary);
}

/* Words up to the 79th column, each line behind `indent` blanks. */
static void
add_wrapped(struct kx_buf *out, const char *text, unsigned indent)
{
	unsigned column = 0;
	size_t n;

	while (*text != '\0') {
		n = strcspn(text, " ");
		if (column > 0 && column + 1 + n > 79) {
			kx_buf_addc(out, '\n');
			column = 0;
		}
		if (column == 0) {
			kx_buf_addf(out, "%*s", (int)indent, "");
			column = indent;
		} else {
			kx_buf_addc(out, ' ');
			column++;
		}
		kx_buf_add(out, text, n);
		column += (unsigned)n;
		text += n;
		text += strspn(text, " ");
	}
	kx_buf_addc(out, '\n');
}

void
kx_rule_explain(enum kx_rule rule, kx_rule_severity *severity,
    const void *arg, struct kx_buf *out)
{
	static const char *const schema[] = {
		[KX_SCHEMA_SAID] = "The printed JSON Schema says it, where it "
		    "is an error.",
		[KX_SCHEMA_BEYOND] = "JSON Schema cannot say it.",
		[KX_SCHEMA_TEXT] = "It is about the text, before any schema "
		    "could be asked; it is always an error."
	};
	const struct kx_rule_info *info = &kx_rule_info[rule];
	const char *word;
	int p;

	kx_buf_addf(out, "%s\n", info->name);
	add_wrapped(out, info->summary, 4);
	for (p = 0; p < KX_N_PROFILES; p++) {
		word = kx_severity_name(severity(arg, rule,
		    (enum kx_profile)p));
		kx_buf_addf(out, "%s%s: %s", p == 0 ? "\n    " : ", ",
		    profile_names[p], !strcmp(word, "none") ? "-" : word);
	}
	kx_buf_adds(out, "\n\nThe document says\n");
	add_wrapped(out, info->document, 4);
	kx_buf_adds(out, "What is sent\n");
	add_wrapped(out, info->sent, 4);
	kx_buf_adds(out, "What is done\n");
	add_wrapped(out, info->done, 4);
	kx_buf_addc(out, '\n');
	add_wrapped(out, schema[info->schema], 0);
}
