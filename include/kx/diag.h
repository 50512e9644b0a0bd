/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings: what is said about a record, and how it is worded.
 *
 * A finding is made where the record is worked on and printed by the program,
 * in order, as text or JSON.  The names and default severities are rules.def's.
 */
#ifndef KX_DIAG_H
#define KX_DIAG_H

#include "kx/arena.h"
#include "kx/base.h"
#include "kx/buf.h"

enum kx_severity {
	KX_SEV_NONE, KX_SEV_NOTE, KX_SEV_WARNING, KX_SEV_ERROR
};

enum kx_profile {
	KX_PROFILE_COMPATIBLE, KX_PROFILE_STRICT, KX_PROFILE_ENVELOPE,
	KX_N_PROFILES
};

enum kx_rule {
#define KX_RULE(symbol, ...) KX_RULE_##symbol,
#include "../../lib/rules.def"
	KX_N_RULES
};

/* Can JSON Schema say the rule?  TEXT: what it is about is no JSON. */
enum kx_rule_schema { KX_SCHEMA_SAID, KX_SCHEMA_BEYOND, KX_SCHEMA_TEXT };

struct kx_rule_info {
	const char *name;
	enum kx_severity severity[KX_N_PROFILES];
	enum kx_rule_schema schema;
	const char *summary;	/* one sentence */
	const char *document;	/* what the event document says */
	const char *sent;	/* what is sent */
	const char *done;	/* what is done about it */
};

extern const struct kx_rule_info kx_rule_info[KX_N_RULES];

/* The rule of that name; -1 where there is none. */
int kx_rule_find(struct kx_span name);

const char *kx_profile_name(enum kx_profile profile);

/* The severity that a rule has where it may have been switched. */
typedef enum kx_severity kx_rule_severity(const void *arg, enum kx_rule rule,
    enum kx_profile profile);

/* Append a rule: as a line of a table (name, severity in each profile, what
 * is wrong), as one JSON object a line, or as a page that explains it. */
void kx_rule_line(enum kx_rule rule, kx_rule_severity *severity,
    const void *arg, struct kx_buf *out);
void kx_rule_json(enum kx_rule rule, kx_rule_severity *severity,
    const void *arg, struct kx_buf *out);
void kx_rule_explain(enum kx_rule rule, kx_rule_severity *severity,
    const void *arg, struct kx_buf *out);

struct kx_finding {
	enum kx_severity severity;
	const char *rule;	/* name; NULL: none is printed */
	const char *file;	/* as given; terminated, lives with the run */
	uint64_t line;		/* from 1; 0: not about a place in a file */
	uint64_t column;	/* bytes, from 1; 0: the whole line */
	uint64_t off;		/* bytes from the start of the stream */
	const char *pointer;	/* JSON Pointer, or NULL */
	const char *message;	/* input bytes in it are as they came */
	uint64_t characters;	/* the column in code points; 0: not counted */
};

/* KX_DIAG_SARIF is sarif.h's; kx_diag_format() takes it for TEXT. */
enum kx_diag_format { KX_DIAG_TEXT, KX_DIAG_JSON, KX_DIAG_SARIF };

/*
 * Append one finding, ended by LF and under 1,000 bytes, as
 *   TOOL: FILE:LINE:COLUMN: error: POINTER: MESSAGE [RULE]
 * (GNU Coding Standards, "Formatting Error Messages"), or as one JSON object
 * of "tool", "file", "line", "column", "offset", "severity", "pointer", "rule"
 * and "message".  What is not known is left out; without a file the text has
 * no severity either: `TOOL: MESSAGE'.  What is too long is cut and ends with
 * "...".  Control bytes, bytes that are not valid UTF-8, and characters that
 * turn the writing direction or cannot be seen are escaped.
 */
void kx_diag_format(const struct kx_finding *finding, const char *tool,
    enum kx_diag_format format, struct kx_buf *out);

/* Bytes for a terminal, at most `max`: as they are where printable UTF-8, else
 * \xNN, \uNNNN or \UNNNNNNNN; ended by "..." where they do not fit. */
void kx_diag_quote(struct kx_buf *out, struct kx_span span, size_t max);

const char *kx_severity_name(enum kx_severity severity);

#endif
