/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules on the command line, and rules printed.
 */
#include <config.h>

#include <string.h>
#include <time.h>

#include "kx/jsonschema.h"
#include "kx/time.h"

#include "cli.h"
#include "rule-options.h"

enum kx_severity
rule_severity_of(const void *arg, enum kx_rule rule,
    enum kx_profile profile)
{
	const struct kx_check *check = arg;

	return (enum kx_severity)check->severity[profile][rule];
}

static int
find_rule(const char *option, struct kx_span name)
{
	int rule = kx_rule_find(name);

	if (rule < 0)
		cli_usage("%s: there is no rule '%s' (--list-rules has all)",
		    option, cli_quote(name));
	return rule;
}

/* Of one of the three; cli_next() has looked. */
enum kx_profile
rule_profile(const char *name)
{
	return *name == 'c' ? KX_PROFILE_COMPATIBLE :
	    *name == 's' ? KX_PROFILE_STRICT : KX_PROFILE_ENVELOPE;
}

/* RULE,... get a severity in every profile. */
void
rule_severity(struct kx_check *check, const char *option, const char *list,
    enum kx_severity severity)
{
	struct kx_span name;
	int rule, p;

	for (; *list != '\0'; list += name.len + (list[name.len] == ',')) {
		name = (struct kx_span){ list, strcspn(list, ",") };
		rule = find_rule(option, name);
		if (kx_rule_info[rule].schema == KX_SCHEMA_TEXT &&
		    severity != KX_SEV_ERROR)
			cli_usage("%s: %s is always an error, for the record "
			    "is no JSON text", option,
			    kx_rule_info[rule].name);
		for (p = 0; p < KX_N_PROFILES; p++)
			check->severity[p][rule] = (uint8_t)severity;
	}
}

int64_t
rule_now(const char *arg)
{
	struct timespec now;
	struct kx_time when;

	if (!strcmp(arg, "now")) {
		(void)clock_gettime(CLOCK_REALTIME, &now);
		return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	}
	if (!kx_time_parse(kx_span_str(arg), &when))
		cli_usage("--now: '%s' is no time (milliseconds, ISO 8601 or "
		    "now)", cli_quotes(arg));
	return when.ms;
}

static int
print_and_finish(struct kx_buf *out)
{
	if (kx_buf_failed(out))
		cli_die(0, "not enough memory");
	fwrite(out->ptr, 1, out->len, stdout);
	kx_buf_free(out);
	return cli_finish();
}

int
rule_list(const struct kx_check *check)
{
	struct kx_buf out = { 0 };
	int r;

	if (cli.diagnostics != KX_DIAG_JSON)
		kx_buf_addf(&out, "%-24s%-11s%-9s%-9s\n", "rule", "compatible",
		    "strict", "envelope");
	for (r = 0; r < KX_N_RULES; r++)
		(cli.diagnostics == KX_DIAG_JSON ? kx_rule_json :
		    kx_rule_line)((enum kx_rule)r, rule_severity_of, check,
		    &out);
	return print_and_finish(&out);
}

int
rule_explain(const struct kx_check *check, const char *name)
{
	int rule = find_rule("--explain", kx_span_str(name));
	struct kx_buf out = { 0 };

	(cli.diagnostics == KX_DIAG_JSON ? kx_rule_json : kx_rule_explain)(
	    (enum kx_rule)rule, rule_severity_of, check, &out);
	return print_and_finish(&out);
}

int
rule_schema(const struct kx_check *check)
{
	struct kx_buf out = { 0 };

	kx_jsonschema(check, &out);
	return print_and_finish(&out);
}
