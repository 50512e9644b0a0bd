/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One JSON text (RFC 8259) scanned in one pass into a flat list of nodes.
 *
 * Nothing is copied or converted: a node says where in the text a value
 * stands.  A number stays a span, so an id never passes through a double;
 * a string is found without looking at what is in it twice.
 *
 * The scan is strict: RFC 8259's grammar to the letter, valid UTF-8
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), one
 * text and nothing behind it but white space.  A text that any kernel
 * refuses is looked at again by a plain byte-at-a-time checker, which finds
 * the first fault and words the message; so every kernel gives the same
 * answer, and the fast path need not know how to explain.
 */
#ifndef KX_JSON_H
#define KX_JSON_H

#include "kx/base.h"
#include "kx/buf.h"

struct kx_kernel;

enum kx_json_type {
	KX_JSON_NULL,
	KX_JSON_FALSE,
	KX_JSON_TRUE,
	KX_JSON_NUMBER,
	KX_JSON_STRING,
	KX_JSON_ARRAY,
	KX_JSON_OBJECT
};

/* Bits of kx_json_node.meta beside the type in the low three. */
#define KX_JSON_TYPE_MASK 0x07u
#define KX_JSON_KEY 0x08u	/* a member's name; its value is next */
#define KX_JSON_ESCAPED 0x10u	/* the string holds at least one backslash */

/*
 * Nodes stand in the order of the text: an object's node is followed by
 * name, value, name, value ...; an array's by its elements; each value by
 * all that is inside it.  `next` is the index of the first node behind the
 * whole value, so a value is skipped in one step.
 */
struct kx_json_node {
	uint32_t off;	/* first byte in the text; of a string, its quote */
	uint32_t len;	/* bytes, a string's quotes and all brackets included */
	uint32_t next;
	uint32_t meta;
};

#define KX_JSON_NOTABLE 64
#define KX_JSON_LONG 16

struct kx_json {
	const char *text;		/* what was scanned; the caller's */
	size_t text_len;
	struct kx_json_node *node;	/* node[0] is the text's value */
	uint32_t n_nodes;
	bool high;			/* a byte over 0x7f is in the text */
	/* Strings with escapes and numbers of KX_JSON_LONG bytes and more, in
	 * their order; where there are more than fit, n_notable says so and
	 * only the nodes have them all. */
	uint32_t notable[KX_JSON_NOTABLE];
	uint32_t n_notable;
	/* the rest is the scanner's */
	uint32_t cap_nodes;
	uint32_t *stack;
	uint32_t *index;
	uint32_t *backslash;
	const struct kx_kernel *kernel;
};

/* What kx_json_scan() found wrong: `rule` is a name of rules.def
 * ("syntax", "utf8", "truncated-record", "too-deep" ...). */
struct kx_json_error {
	const char *rule;
	size_t off;		/* byte in the text; its length at its end */
	size_t from;		/* where what was not closed begins: a
				   string's quote, a bracket; else off */
	char message[200];	/* holds no byte of the input that is not ASCII
				   and printable */
};

/* Make a scanner with the kernel (NULL: the best one of this processor).
 * KX_FAIL without memory. */
enum kx_status kx_json_init(struct kx_json *json,
    const struct kx_kernel *kernel) KX_MUST_CHECK;
void kx_json_fini(struct kx_json *json);

/*
 * Scan text[0..len), behind which KX_PADDING bytes are readable.
 * KX_OK: json->node holds the text until the next scan; KX_BAD: it is not
 * one JSON text, and *err (may be NULL) says why; KX_FAIL: no memory.
 */
enum kx_status kx_json_scan(struct kx_json *json, const char *text,
    size_t len, struct kx_json_error *err) KX_MUST_CHECK;

/*
 * The plain checker by itself: KX_OK for one JSON text, KX_BAD and the first
 * fault otherwise.  With `end` not NULL it stops behind the first value and
 * sets *end there (then other texts may follow).  At most KX_MAX_DEPTH deep.
 */
enum kx_status kx_json_check(const char *text, size_t len, size_t *end,
    struct kx_json_error *err) KX_MUST_CHECK;

static inline enum kx_json_type
kx_json_type(const struct kx_json *json, uint32_t i)
{
	return (enum kx_json_type)(json->node[i].meta & KX_JSON_TYPE_MASK);
}

/* What the value at node i is, for messages: "null", "a number" ... */
const char *kx_json_kind(const struct kx_json *json, uint32_t i);

/* The value as it is spelled in the text, quotes and brackets included. */
static inline struct kx_span
kx_json_raw(const struct kx_json *json, uint32_t i)
{
	return (struct kx_span){ json->text + json->node[i].off,
	    json->node[i].len };
}

/* A string's inside as it is spelled: escapes are still escapes. */
static inline struct kx_span
kx_json_str(const struct kx_json *json, uint32_t i)
{
	return (struct kx_span){ json->text + json->node[i].off + 1,
	    json->node[i].len - 2 };
}

/*
 * A string decoded.  Without escapes it is a span of the text; otherwise it
 * is decoded into *scratch (reset first) and lives as long as that is left
 * alone.  A lone surrogate escape becomes U+FFFD; `odd`, if not NULL, is set
 * where one or a NUL came up.  Without memory scratch->failed is set and the
 * span is empty.
 */
struct kx_span kx_json_decode(const struct kx_json *json, uint32_t i,
    struct kx_buf *scratch, bool *odd);

/* The number that four hexadecimal digits spell, as in a scanned \u escape. */
unsigned kx_json_hex4(const char *p);

/* Does the string's decoded value equal `want` (plain UTF-8)? */
bool kx_json_str_eq(const struct kx_json *json, uint32_t i,
    struct kx_span want);

/*
 * The value of the member `name` of the object at node `obj`: its index, or
 * 0 where there is none (0 is the text's own value and never a member).  The
 * last of duplicate names counts, as in jq and most parsers.
 */
uint32_t kx_json_get(const struct kx_json *json, uint32_t obj,
    struct kx_span name);

/*
 * Call `found` for each name in an object that repeats an earlier one, in
 * the order of the text: `first` and `again` are the nodes of the names.
 * Names are compared decoded.  KX_FAIL without memory.
 */
enum kx_status kx_json_duplicates(const struct kx_json *json,
    void (*found)(void *arg, uint32_t first, uint32_t again), void *arg);

/* The JSON Pointer (RFC 6901) of node i, appended to *out.  Walks the text's
 * nodes: for messages, not for loops. */
void kx_json_pointer(const struct kx_json *json, uint32_t i,
    struct kx_buf *out);

#endif
