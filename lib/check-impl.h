/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the checker share: one record on its way through the
 * rules.  check.c has the envelope and the order of things, check-look.c and
 * check-field.c have fields by the table, check-event.c the parts of an event
 * and what holds between them, check-path.c the path of a snapshot,
 * check-image.c its image, check-text.c strings and numbers wherever they
 * stand.
 */
#ifndef KX_CHECK_IMPL_H
#define KX_CHECK_IMPL_H

#include "kx/check.h"

/* Unknown topics and modules that a checker remembers. */
#define NOTED_MOST 64

/* More than there are rows in checks.def. */
#define N_CHECKS_MOST 64

struct kx_checker {
	const struct kx_check *check;
	struct kx_event event;
	const struct kx_json *json;
	uint32_t root;			/* the event's node */
	enum kx_profile profile;	/* whose severities hold */
	const uint8_t *severity;	/* that row of the check's */
	bool bad, no_memory;
	kx_check_report *report;
	void *arg;
	struct kx_buf scratch;		/* a string decoded for a moment */
	struct kx_buf id_text, event_id_text;	/* decoded, for the record */
	struct kx_buf image_text, image;
	struct kx_looks *looks;
	uint32_t said[KX_N_RULES];	/* findings of this record */
	bool many;			/* some said[] is not 0 */
	uint64_t noted[NOTED_MOST];	/* digests of names that were noted */
	unsigned n_noted;
	bool topic_again, module_again;
	/* what cross-field rules look at; spans live for the record */
	bool has_id_parts, has_event_id, has_start, has_end;
	struct kx_span id, id_origin, id_ms, id_event, event_id;
	int64_t start_ms, end_ms;
	bool faces, plates;		/* the topic is one of the two */
};

/* What the path of a snapshot says; spans of the text given. */
struct path_parts {
	struct kx_span channel, stream, stamp, ttl;
};

static inline bool
rule_is_on(const struct kx_checker *c, enum kx_rule rule)
{
	return c->severity[rule] != KX_SEV_NONE;
}

/* Report rule at byte off of the record, or at the node's own place. */
void kx_check_say_at(struct kx_checker *c, enum kx_rule rule, uint32_t node,
    size_t off, const char *fmt, ...) KX_PRINTF(5, 6) KX_COLD;
void kx_check_say(struct kx_checker *c, enum kx_rule rule, uint32_t node,
    const char *fmt, ...) KX_PRINTF(4, 5) KX_COLD;

/* Bytes of the input for a message: at most 60 of them. */
#define SHOW(span) (int)((span).len < 60 ? (span).len : 60), \
	(span).len == 0 ? "" : (span).ptr

struct kx_span kx_check_decode(struct kx_checker *c, uint32_t node);

/* A string's value, decoded where it must be; lives until the next call. */
static inline struct kx_span
kx_check_text(struct kx_checker *c, uint32_t node)
{
	if (KX_LIKELY((c->json->node[node].meta & KX_JSON_ESCAPED) == 0))
		return kx_json_str(c->json, node);
	return kx_check_decode(c, node);
}

/* A number spelled as an integer.  A whole number that is spelled otherwise
 * gets its own finding and *odd is set. */
bool kx_check_integer(struct kx_checker *c, enum kx_field f, uint32_t node,
    bool *odd);

/* check-look.c: all fields of an event, or of a row, that are checked by the
 * table alone, in the check's own profile.  NULL without memory. */
struct kx_looks *kx_looks_new(const struct kx_check *check);
void kx_looks_free(struct kx_looks *looks);
void kx_check_event_fields(struct kx_checker *c);
void kx_check_row_fields(struct kx_checker *c, enum kx_group group,
    const struct kx_row *row);

/* check-field.c: a value that is there, and one that is missed by a rule that
 * is on. */
void kx_check_field(struct kx_checker *c, const struct kx_field_check *check,
    uint32_t node);
void kx_check_field_missing(struct kx_checker *c,
    const struct kx_field_check *check);
void kx_check_row_missing(struct kx_checker *c,
    const struct kx_field_check *check, const struct kx_row *row);
/* Has the text an ellipsis of the document? */
bool kx_check_elided(struct kx_span text);

/* check-event.c */
void kx_check_parts(struct kx_checker *c);

/* check-path.c */
bool kx_path_parse(struct kx_span path, struct path_parts *parts);

/* check-image.c */
void kx_check_images(struct kx_checker *c);

/* check-text.c */
void kx_check_texts(struct kx_checker *c);

#endif
