/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules as a JSON Schema (draft 2020-12), made from the tables: fields.def
 * for types, limits and values, checks.def for the rules they come under, and
 * the severities in force.  It refuses an event where a rule that rules.def
 * calls SAID is an error, and for no other reason.
 */
#ifndef KX_JSONSCHEMA_H
#define KX_JSONSCHEMA_H

#include "kx/check.h"

/* Append the schema of the check's profile, ended by LF. */
void kx_jsonschema(const struct kx_check *check, struct kx_buf *out);

#endif
