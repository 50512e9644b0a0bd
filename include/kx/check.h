/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an event: every rule of rules.def that one record can
 * break by itself, JSON syntax aside (the scanner has that).  Rules between
 * records are in stream.h.
 *
 * The record is never changed, and all that is wrong with it is said, not the
 * first alone.  Findings come in this order: the envelope, the parts in the
 * order of the field table, what holds between fields, text, repeated names.
 */
#ifndef KX_CHECK_H
#define KX_CHECK_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/diag.h"
#include "kx/event.h"
#include "kx/json.h"

struct kx_kernel;

/* Findings of one rule in one record: beyond these the record's are only
 * counted, and the last one says so.  This bounds memory. */
#define KX_CHECK_MOST 256

/* An image of more bytes is not decoded (limit). */
#define KX_CHECK_IMAGE_MAX ((size_t)32 << 20)

/* What to check by.  Filled by kx_check_init(), then changed as wished before
 * the first checker is made; read-only, shared by all threads after that. */
struct kx_check {
	enum kx_profile profile;
	uint8_t severity[KX_N_PROFILES][KX_N_RULES];	/* enum kx_severity */
	bool images;		/* look into them */
	bool has_now;		/* now_ms is set: expired-reference is asked */
	int64_t now_ms;
	const struct kx_kernel *kernel;	/* for base64; NULL: scalar */
	struct kx_schema *schema;	/* kx_check_fini() frees it */
};

/* The severities of rules.def, compatible, images looked into, no clock.
 * KX_FAIL without memory. */
enum kx_status kx_check_init(struct kx_check *check) KX_MUST_CHECK;
void kx_check_fini(struct kx_check *check);

/*
 * A finding.  off is the byte of the record's text that it is about; node (0:
 * the record itself) gives the pointer.  The message, terminated, lives until
 * the call returns; input bytes in it are as they came.
 */
typedef void kx_check_report(void *arg, enum kx_rule rule,
    enum kx_severity severity, size_t off, uint32_t node,
    const char *message);

/* One a thread. */
struct kx_checker;
/* NULL without memory.  *check must outlive it. */
struct kx_checker *kx_checker_new(const struct kx_check *check);
void kx_checker_free(struct kx_checker *checker);

/* What the rules between records need to know of one. */
struct kx_identity {
	/* An unknown topic or module that is only worth a note: it is reported
	 * by a checker for the first record that has it, and here for the
	 * others.  So the first of a run, whichever checkers see its records
	 * in their order, is always reported. */
	bool topic_again, module_again;
	bool has_id;		/* id is a string */
	struct kx_span id;	/* decoded; lives until the next record */
	uint32_t id_node;
	uint32_t event_id_node;	/* 0: absent, or neither text nor number */
	bool event_id_text;	/* it is a string */
	enum kx_profile profile;	/* whose severities hold for it */
};

/*
 * Check the scanned record.  KX_OK: it has no finding of severity error;
 * KX_BAD: it has; KX_FAIL: no memory, and not all was checked.  *identity
 * (may be NULL) is filled where the result is not KX_FAIL.
 */
enum kx_status kx_checker_run(struct kx_checker *checker,
    const struct kx_json *json, kx_check_report *report, void *arg,
    struct kx_identity *identity) KX_MUST_CHECK;

/* One row of checks.def.  A rule of -1 is none. */
struct kx_field_check {
	enum kx_field field;
	int16_t missing, type, range;
};
extern const struct kx_field_check kx_field_checks[];
extern const size_t kx_n_field_checks;

#endif
