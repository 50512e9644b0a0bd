/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options of kx-validate that name a rule, a profile or a time, and those that
 * print what is known of the rules.
 */
#ifndef RULE_OPTIONS_H
#define RULE_OPTIONS_H

#include "kx/check.h"

/* One of the three names, which cli_next() has looked at. */
enum kx_profile rule_profile(const char *name);

/* RULE,... get a severity in every profile; bad usage for what is no rule, and
 * for less than an error for what is no JSON text. */
void rule_severity(struct kx_check *check, const char *option,
    const char *list, enum kx_severity severity);

/* Milliseconds of --now, or bad usage. */
int64_t rule_now(const char *arg);

/* A kx_rule_severity: `arg` is a struct kx_check. */
enum kx_severity rule_severity_of(const void *arg, enum kx_rule rule,
    enum kx_profile profile);

/* Print on standard output, in the form of cli.diagnostics, and end: the exit
 * status. */
int rule_list(const struct kx_check *check);
int rule_explain(const struct kx_check *check, const char *name);
int rule_schema(const struct kx_check *check);

#endif
