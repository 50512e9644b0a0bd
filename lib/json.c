/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scanner: from the places that a kernel found to a list of nodes.
 *
 * A kernel looks at every byte, 64 at a time, and names the places of
 * brackets, commas, colons, both quotes of each string, and the first byte of
 * each other scalar; json-walk.h walks those places.  This file has what does
 * not depend on the processor: memory, and the use of nodes.
 *
 * The walk accepts or refuses and no more.  What it refuses, json-error.c
 * explains.
 *
 * Cost: about half a microsecond for an event of 1 kB; the speed of memory
 * for the images in it.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "kx/json.h"
#include "kx/kernel.h"

#include "json-kernel.h"

/* Nodes at first: an event without images has about 170. */
#define NODES_MIN 1024

enum kx_status
kx_json_init(struct kx_json *json, const struct kx_kernel *kernel)
{
	memset(json, 0, sizeof *json);
	json->kernel = kernel != NULL ? kernel : kx_kernel_get(NULL);
	json->cap_nodes = NODES_MIN;
	json->node = malloc(json->cap_nodes * sizeof *json->node);
	json->stack = malloc((KX_MAX_DEPTH + 1) * sizeof *json->stack);
	/* A window of places, those left of the one before, the end marks,
	 * and what a kernel may write too far. */
	json->index = malloc((KX_WINDOW + 2 * KX_LOOKAHEAD + 64 + 64) *
	    sizeof *json->index);
	/* A window's blocks, those left of the one before, and the end. */
	json->backslash = malloc((2 * KX_WINDOW / 64 + 2) *
	    sizeof *json->backslash);
	if (json->node == NULL || json->stack == NULL ||
	    json->index == NULL || json->backslash == NULL) {
		kx_json_fini(json);
		return KX_FAIL;
	}
	return KX_OK;
}

void
kx_json_fini(struct kx_json *json)
{
	free(json->node);
	free(json->stack);
	free(json->index);
	free(json->backslash);
	memset(json, 0, sizeof *json);
}

bool
kx_json_grow(struct kx_json *json, uint32_t used, size_t more)
{
	size_t want = (size_t)used + more, cap = json->cap_nodes;
	struct kx_json_node *node;

	if (want <= cap)
		return true;
	while (cap < want)
		cap *= 2;
	if (cap > UINT32_MAX)
		return false;
	node = realloc(json->node, cap * sizeof *node);
	if (node == NULL)
		return false;
	json->node = node;
	json->cap_nodes = (uint32_t)cap;
	return true;
}

enum kx_status
kx_json_scan(struct kx_json *json, const char *text, size_t len,
    struct kx_json_error *err)
{
	enum kx_status status = KX_BAD;
	bool high = false;

	json->text = text;
	json->text_len = len;
	json->n_nodes = 0;
	if (KX_LIKELY(len <= KX_MAX_RECORD_LIMIT))
		status = json->kernel->scan(json, &high);
	json->high = high;
	if (KX_LIKELY(status == KX_OK && (!high ||
	    json->kernel->utf8((const uint8_t *)text, len))))
		return KX_OK;
	json->n_nodes = 0;
	if (status == KX_FAIL)
		return KX_FAIL;
	if (kx_json_check(text, len, NULL, err) == KX_OK && err != NULL) {
		/* The two disagree: a defect of ours, which the tests look
		 * for.  Refusing is the safe answer. */
		err->rule = "syntax";
		err->off = err->from = 0;
		snprintf(err->message, sizeof err->message, "internal error: "
		    "the scanner refuses what the checker accepts");
	}
	return KX_BAD;
}

const char *
kx_json_kind(const struct kx_json *json, uint32_t i)
{
	static const char *const kinds[] = {
		[KX_JSON_NULL] = "null", [KX_JSON_FALSE] = "false",
		[KX_JSON_TRUE] = "true", [KX_JSON_NUMBER] = "a number",
		[KX_JSON_STRING] = "a string", [KX_JSON_ARRAY] = "an array",
		[KX_JSON_OBJECT] = "an object"
	};

	return kinds[kx_json_type(json, i)];
}

unsigned
kx_json_hex4(const char *p)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' :
		    (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* UTF-8 of c; its length. */
static size_t
encode_utf8(uint32_t c, char b[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, k;

	if (n == 1) {
		b[0] = (char)c;
		return 1;
	}
	for (k = n - 1; k > 0; k--, c >>= 6)
		b[k] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)((0xf0 << (4 - n) & 0xff) | c);
	return n;
}

/* The character that the checked escape at p stands for, as UTF-8; *p is
 * moved behind it.  A surrogate without its partner becomes U+FFFD. */
static size_t
decode_escape(const char **p, const char *end, char b[4], bool *odd)
{
	static const char plain[] = "\"\\/bfnrt", value[] = "\"\\/\b\f\n\r\t";
	const char *q = *p;
	uint32_t c, low;

	if (q[1] != 'u') {
		b[0] = value[strchr(plain, q[1]) - plain];
		*p = q + 2;
		return 1;
	}
	c = kx_json_hex4(q + 2);
	q += 6;
	low = c >= 0xd800 && c < 0xdc00 && end - q >= 6 && q[0] == '\\' &&
	    q[1] == 'u' ? kx_json_hex4(q + 2) : 0;
	if (low >= 0xdc00 && low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		q += 6;
	} else if (c >= 0xd800 && c < 0xe000) {
		c = 0xfffd;
		*odd = true;
	} else if (c == 0) {
		*odd = true;
	}
	*p = q;
	return encode_utf8(c, b);
}

struct kx_span
kx_json_decode(const struct kx_json *json, uint32_t i,
    struct kx_buf *scratch, bool *odd)
{
	struct kx_span s = kx_json_str(json, i);
	const char *p = s.ptr, *end = s.ptr + s.len, *bs;
	bool ignored;

	if ((json->node[i].meta & KX_JSON_ESCAPED) == 0)
		return s;
	kx_buf_reset(scratch, SIZE_MAX);
	if (!kx_buf_reserve(scratch, s.len))
		return KX_SPAN_NULL;
	while ((bs = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		char b[4];
		size_t n;

		kx_buf_add(scratch, p, (size_t)(bs - p));
		n = decode_escape(&bs, end, b, odd != NULL ? odd : &ignored);
		kx_buf_add(scratch, b, n);
		p = bs;
	}
	kx_buf_add(scratch, p, (size_t)(end - p));
	return kx_buf_failed(scratch) ? KX_SPAN_NULL : kx_buf_span(scratch);
}

/* Compare a string with escapes, decoding as it goes. */
static bool
escaped_eq(struct kx_span s, struct kx_span want)
{
	const char *p = s.ptr, *end = s.ptr + s.len;
	size_t at = 0;
	bool ignored;

	while (p < end) {
		char b[4];
		size_t n = 1;

		if (*p == '\\')
			n = decode_escape(&p, end, b, &ignored);
		else
			b[0] = *p++;
		if (want.len - at < n || memcmp(want.ptr + at, b, n) != 0)
			return false;
		at += n;
	}
	return at == want.len;
}

bool
kx_json_str_eq(const struct kx_json *json, uint32_t i, struct kx_span want)
{
	struct kx_span s = kx_json_str(json, i);

	if (KX_UNLIKELY((json->node[i].meta & KX_JSON_ESCAPED) != 0))
		return escaped_eq(s, want);
	return kx_span_eq(s, want);
}

uint32_t
kx_json_get(const struct kx_json *json, uint32_t obj, struct kx_span name)
{
	const struct kx_json_node *node = json->node;
	uint32_t i = obj + 1, end = node[obj].next, found = 0;

	if ((node[obj].meta & KX_JSON_TYPE_MASK) != KX_JSON_OBJECT)
		return 0;
	while (i < end) {
		if ((node[i].len == name.len + 2 ||
		    (node[i].meta & KX_JSON_ESCAPED) != 0) &&
		    kx_json_str_eq(json, i, name))
			found = i + 1;
		i = node[i + 1].next;
	}
	return found;
}

/* A number that equal names share: by it most names are seen to differ. */
static uint32_t
name_hash(const struct kx_json *json, uint32_t i, struct kx_buf *scratch)
{
	struct kx_span s = kx_json_decode(json, i, scratch, NULL);
	uint32_t h = 2166136261u;
	size_t k;

	for (k = 0; k < s.len; k++)
		h = (h ^ (unsigned char)s.ptr[k]) * 16777619u;
	return h;
}

static bool
names_equal(const struct kx_json *json, uint32_t a, uint32_t b,
    struct kx_buf *scratch)
{
	return kx_json_str_eq(json, b, kx_json_decode(json, a, scratch, NULL));
}

/* Names of a small object, each with those before it; false where one has
 * escapes, and a table must be asked. */
#define FEW_NAMES 16
static bool
duplicates_in_few(const struct kx_json *json, uint32_t obj,
    void (*found)(void *, uint32_t, uint32_t), void *arg)
{
	const struct kx_json_node *node = json->node;
	uint32_t names[FEW_NAMES], i, end = node[obj].next;
	unsigned n = 0, k;

	for (i = obj + 1; i < end; i = node[i + 1].next)
		if ((node[i].meta & KX_JSON_ESCAPED) != 0)
			return false;
	for (i = obj + 1; i < end; i = node[i + 1].next) {
		for (k = 0; k < n; k++)
			if (node[names[k]].len == node[i].len &&
			    kx_span_eq(kx_json_str(json, names[k]),
			    kx_json_str(json, i)))
				break;
		if (k < n)
			found(arg, names[k], i);
		else
			names[n++] = i;
	}
	return true;
}

/* The names of one object through a table: `slots` holds node indexes, 0 is
 * free. */
static bool
duplicates_in(const struct kx_json *json, uint32_t obj, uint32_t **slots,
    size_t *cap, struct kx_buf *scratch,
    void (*found)(void *, uint32_t, uint32_t), void *arg)
{
	const struct kx_json_node *node = json->node;
	uint32_t i, end = node[obj].next;
	size_t n = 0, want = 16, mask;

	for (i = obj + 1; i < end; i = node[i + 1].next)
		n++;
	if (n <= FEW_NAMES && duplicates_in_few(json, obj, found, arg))
		return true;
	while (want < 2 * n)
		want *= 2;
	if (want > *cap) {
		uint32_t *more = realloc(*slots, want * sizeof *more);

		if (more == NULL)
			return false;
		*slots = more;
		*cap = want;
	}
	memset(*slots, 0, want * sizeof **slots);
	mask = want - 1;
	for (i = obj + 1; i < end; i = node[i + 1].next) {
		size_t k = name_hash(json, i, scratch) & mask;

		while ((*slots)[k] != 0 &&
		    !names_equal(json, (*slots)[k], i, scratch))
			k = (k + 1) & mask;
		if ((*slots)[k] != 0)
			found(arg, (*slots)[k], i);
		else
			(*slots)[k] = i;
		if (kx_buf_failed(scratch))
			return false;
	}
	return true;
}

enum kx_status
kx_json_duplicates(const struct kx_json *json,
    void (*found)(void *arg, uint32_t first, uint32_t again), void *arg)
{
	struct kx_buf scratch = { 0 };
	uint32_t *slots = NULL, i;
	size_t cap = 0;
	bool ok = true;

	for (i = 0; ok && i < json->n_nodes; i++)
		if (kx_json_type(json, i) == KX_JSON_OBJECT &&
		    json->node[i].next - i > 4)
			ok = duplicates_in(json, i, &slots, &cap, &scratch,
			    found, arg);
	free(slots);
	kx_buf_free(&scratch);
	return ok ? KX_OK : KX_FAIL;
}

void
kx_json_pointer(const struct kx_json *json, uint32_t want,
    struct kx_buf *out)
{
	const struct kx_json_node *node = json->node;
	struct kx_buf scratch = { 0 };
	uint32_t at = 0;

	/* A name stands for its value. */
	if (want < json->n_nodes && (node[want].meta & KX_JSON_KEY) != 0)
		want++;
	/* From the top into whichever value holds the node. */
	while (at != want && at < json->n_nodes) {
		bool object = kx_json_type(json, at) == KX_JSON_OBJECT;
		uint32_t i = at + 1, end = node[at].next;
		uint64_t element = 0;

		while (i < end) {
			uint32_t value = object ? i + 1 : i;

			if (want >= value && want < node[value].next)
				break;
			i = node[value].next;
			element++;
		}
		if (i >= end)
			break;
		kx_buf_addc(out, '/');
		if (object) {
			struct kx_span s = kx_json_decode(json, i, &scratch,
			    NULL);
			size_t k;

			/* RFC 6901, section 3. */
			for (k = 0; k < s.len; k++) {
				if (KX_LIKELY(s.ptr[k] != '~' &&
				    s.ptr[k] != '/'))
					continue;
				kx_buf_add(out, s.ptr, k);
				kx_buf_adds(out, s.ptr[k] == '~' ? "~0" : "~1");
				s.ptr += k + 1;
				s.len -= k + 1;
				k = (size_t)-1;
			}
			kx_buf_addspan(out, s);
			at = i + 1;
		} else {
			kx_buf_addu64(out, element);
			at = i;
		}
	}
	kx_buf_free(&scratch);
}
