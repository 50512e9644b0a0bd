/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings as a SARIF 2.1.0 log (OASIS Standard, 27 March 2020), for editors
 * and CI systems that show them: one run, written as it goes.
 *
 *   kx_sarif_begin, any number of kx_sarif_result, kx_sarif_end
 *
 * give one JSON document.  A place has the line, the column in characters, the
 * byte offset, and the JSON pointer as a logical location.
 */
#ifndef KX_SARIF_H
#define KX_SARIF_H

#include "kx/buf.h"
#include "kx/diag.h"

struct kx_sarif {
	bool begun;		/* a result has been written */
	/* messages that are about no record, for the end */
	struct kx_buf notes;
	unsigned n_notes;
};

/* Messages that are kept; of more, none is. */
#define KX_SARIF_NOTES 100

/* Append the head of the document: the tool and all its rules. */
void kx_sarif_begin(struct kx_sarif *sarif, const char *tool,
    const char *version, kx_rule_severity *severity, const void *arg,
    enum kx_profile profile, struct kx_buf *out);

/* Append a finding; one without a place in a file is kept for the end. */
void kx_sarif_result(struct kx_sarif *sarif, const struct kx_finding *finding,
    struct kx_buf *out);

/* Append the end: what was kept, the exit status, and `properties`, a JSON
 * object or NULL.  Frees what *sarif holds. */
void kx_sarif_end(struct kx_sarif *sarif, int status, const char *properties,
    struct kx_buf *out);

#endif
