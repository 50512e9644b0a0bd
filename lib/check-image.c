/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images, looked at and not trusted: the text is decoded whole, into one
 * buffer that stays in the cache, and the bytes are walked to their end.
 * What the path and a data URI say is compared with what the bytes are.
 */
#include <config.h>

#include "kx/base64.h"
#include "kx/image.h"

#include "check-impl.h"
#include "mix.h"

/* Images of one event that are compared with one another. */
#define REPEAT_MOST 16

struct seen {
	uint64_t digest[REPEAT_MOST];
	size_t len[REPEAT_MOST];
	unsigned n;
};

/* One image on its way. */
struct look {
	uint32_t node;
	size_t base;		/* byte of the record where the text begins */
	bool exact;		/* offsets in the text are the record's */
	struct kx_span declared;	/* media type; empty: none */
};

static size_t
place(const struct look *look, size_t off)
{
	return look->exact ? look->base + off : look->base;
}

/* The departures from RFC 4648 that were found, each by its rule. */
static const struct {
	enum kx_base64_kind kind;
	enum kx_rule rule;
	const char *words;
} departures[] = {
	{ KX_BASE64_ELIDED, KX_RULE_DOC_PLACEHOLDER,
	    "elided: this is documentation, not an image" },
	{ KX_BASE64_BAD_CHAR, KX_RULE_IMAGE_BASE64,
	    "this byte is not base64" },
	{ KX_BASE64_BAD_PADDING, KX_RULE_IMAGE_BASE64,
	    "`=' where none can be" },
	{ KX_BASE64_AFTER_PADDING, KX_RULE_IMAGE_BASE64,
	    "data behind the padding" },
	{ KX_BASE64_BAD_LENGTH, KX_RULE_IMAGE_BASE64,
	    "one symbol is left over: the text is cut" },
	{ KX_BASE64_EMPTY, KX_RULE_IMAGE_EMPTY, "no byte comes of it" },
	{ KX_BASE64_SPACE, KX_RULE_IMAGE_BASE64_FORM, "white space inside" },
	{ KX_BASE64_URL, KX_RULE_IMAGE_BASE64_FORM,
	    "the URL alphabet (`-' and `_')" },
	{ KX_BASE64_TRAILING_BITS, KX_RULE_IMAGE_BASE64_FORM,
	    "spare bits of the last symbol are not 0" },
	{ KX_BASE64_NO_PADDING, KX_RULE_IMAGE_PADDING, "padding is missing" }
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* An ellipsis whose bytes were read as CP1252 and encoded again is one, too,
 * though base64 has never heard of it. */
static bool
is_elided(struct kx_span text, size_t off)
{
	return text.len - off >= 7 &&
	    !memcmp(text.ptr + off, "\xc3\xa2\xe2\x82\xac\xc2\xa6", 7);
}

/* Decode; false where no bytes are certain. */
static bool
decode_base64(struct kx_checker *c, const struct look *look,
    struct kx_span text, size_t off)
{
	struct kx_span data = { text.ptr + off, text.len - off };
	struct kx_base64_result result;
	enum kx_status status;
	size_t i;

	if (data.len / 4 * 3 > KX_CHECK_IMAGE_MAX) {
		kx_check_say(c, KX_RULE_LIMIT, look->node,
		    "an image of more than %zu MiB is not decoded",
		    KX_CHECK_IMAGE_MAX >> 20);
		return false;
	}
	status = kx_base64_decode(c->check->kernel, data, KX_BASE64_LENIENT,
	    &c->image, &result);
	if (status == KX_FAIL) {
		c->no_memory = true;
		return false;
	}
	if (KX_LIKELY(result.found == 0))
		return true;
	if ((result.found & KX_BASE64_BIT(KX_BASE64_BAD_CHAR)) != 0 &&
	    is_elided(data, result.off[KX_BASE64_BAD_CHAR])) {
		result.found = KX_BASE64_BIT(KX_BASE64_ELIDED);
		result.off[KX_BASE64_ELIDED] = result.off[KX_BASE64_BAD_CHAR];
	}
	/* An ellipsis says all that there is to be said. */
	if ((result.found & KX_BASE64_BIT(KX_BASE64_ELIDED)) != 0)
		result.found = KX_BASE64_BIT(KX_BASE64_ELIDED);
	for (i = 0; i < N_OF(departures); i++) {
		enum kx_base64_kind kind = departures[i].kind;
		size_t at = off + result.off[kind];

		if ((result.found & KX_BASE64_BIT(kind)) == 0)
			continue;
		if (kind == KX_BASE64_BAD_CHAR)
			kx_check_say_at(c, departures[i].rule, look->node,
			    place(look, at), "base64, byte %zu: 0x%02x is not "
			    "in the alphabet", result.off[kind], result.byte);
		else
			kx_check_say_at(c, departures[i].rule, look->node,
			    place(look, at), "base64, byte %zu: %s",
			    result.off[kind], departures[i].words);
	}
	return status == KX_OK &&
	    (result.found & KX_BASE64_BIT(KX_BASE64_EMPTY)) == 0 &&
	    (result.found & ~KX_BASE64_LENIENT) == 0;
}

static bool
decode_percent(struct kx_checker *c, const struct look *look,
    struct kx_span text, size_t off)
{
	struct kx_span data = { text.ptr + off, text.len - off };
	size_t at = 0;

	switch (kx_percent_decode(data, &c->image, &at)) {
	case KX_OK:
		break;
	case KX_BAD:
		kx_check_say_at(c, KX_RULE_IMAGE_URI_FORM, look->node,
		    place(look, off + at),
		    "byte %zu: `%%' without two hex digits", off + at);
		return false;
	default:
		c->no_memory = true;
		return false;
	}
	if (c->image.len == 0) {
		kx_check_say_at(c, KX_RULE_IMAGE_EMPTY, look->node,
		    place(look, off), "no byte comes of it");
		return false;
	}
	kx_check_say_at(c, KX_RULE_IMAGE_DATA_URI, look->node,
	    place(look, off), "the data URI is percent-encoded, not base64");
	return true;
}

static bool
decode(struct kx_checker *c, struct look *look, struct kx_span text)
{
	struct kx_datauri uri;
	size_t off = 0;

	if (!kx_datauri_is(text))
		return decode_base64(c, look, text, 0);
	if (kx_datauri_parse(text, &uri, &off) != KX_OK) {
		kx_check_say_at(c, KX_RULE_IMAGE_URI_FORM, look->node,
		    place(look, off), "byte %zu: this is no data URI "
		    "(RFC 2397)", off);
		return false;
	}
	look->declared = uri.type;
	off = (size_t)(uri.data.ptr - text.ptr);
	return uri.base64 ? decode_base64(c, look, text, off) :
	    decode_percent(c, look, text, off);
}

/* What the bytes are, against what is said of them. */
static void
compare_types(struct kx_checker *c, const struct look *look,
    const struct kx_row *row, enum kx_image_type type)
{
	uint32_t node = kx_row_get(row, KX_SNAPSHOT_PATH);
	enum kx_image_type declared;
	struct kx_span path, ending;
	const char *dot, *query;

	if (look->declared.len > 0 &&
	    kx_image_by_media_type(look->declared) != type)
		kx_check_say(c, KX_RULE_IMAGE_DECLARED, look->node,
		    "declared as %.*s, but the bytes are %s",
		    SHOW(look->declared), kx_image_media_type(type));
	if (node == 0 || kx_json_type(c->json, node) != KX_JSON_STRING ||
	    !rule_is_on(c, KX_RULE_IMAGE_EXTENSION))
		return;
	path = kx_check_text(c, node);
	query = path.len == 0 ? NULL : memchr(path.ptr, '?', path.len);
	if (query != NULL)
		path.len = (size_t)(query - path.ptr);
	dot = path.len == 0 ? NULL : memrchr(path.ptr, '.', path.len);
	if (dot == NULL)
		return;
	ending = (struct kx_span){ dot + 1,
	    path.len - (size_t)(dot + 1 - path.ptr) };
	declared = kx_image_by_extension(ending);
	if (declared != type && declared != KX_IMAGE_UNKNOWN)
		kx_check_say(c, KX_RULE_IMAGE_EXTENSION, look->node,
		    "the path ends in .%.*s, but the bytes are %s",
		    SHOW(ending), kx_image_media_type(type));
}

static void
compare_images(struct kx_checker *c, uint32_t node, struct seen *seen)
{
	uint64_t digest;
	unsigned i;

	if (seen->n == REPEAT_MOST || !rule_is_on(c, KX_RULE_IMAGE_REPEATED))
		return;
	digest = kx_mix(c->image.ptr, c->image.len);
	for (i = 0; i < seen->n; i++)
		if (seen->len[i] == c->image.len &&
		    seen->digest[i] == digest) {
			kx_check_say(c, KX_RULE_IMAGE_REPEATED, node,
			    "the same bytes as an image before it");
			return;
		}
	seen->len[seen->n] = c->image.len;
	seen->digest[seen->n++] = digest;
}

static void
check_image(struct kx_checker *c, const struct kx_row *row, uint32_t node,
    struct seen *seen)
{
	struct look look = { .node = node };
	struct kx_image image;
	struct kx_span text;

	look.exact = (c->json->node[node].meta & KX_JSON_ESCAPED) == 0;
	look.base = c->json->node[node].off + (look.exact ? 1 : 0);
	text = kx_json_decode(c->json, node, &c->image_text, NULL);
	if (kx_buf_failed(&c->image_text)) {
		c->no_memory = true;
		return;
	}
	if (text.len == 0) {
		kx_check_say(c, KX_RULE_IMAGE_EMPTY, node, "image is empty");
		return;
	}
	if (!decode(c, &look, text))
		return;
	kx_image_probe(c->image.ptr, c->image.len, &image);
	if (image.type == KX_IMAGE_UNKNOWN) {
		kx_check_say(c, KX_RULE_IMAGE_TYPE, node,
		    "no signature of an image that is known");
		return;
	}
	if (image.state != KX_IMAGE_WHOLE)
		kx_check_say(c, image.state == KX_IMAGE_TRUNCATED ?
		    KX_RULE_IMAGE_TRUNCATED : KX_RULE_IMAGE_DAMAGED, node,
		    "%s: %s", kx_image_media_type(image.type),
		    image.fault == NULL ? "not whole" : image.fault);
	compare_types(c, &look, row, image.type);
	compare_images(c, node, seen);
}

void
kx_check_images(struct kx_checker *c)
{
	const struct kx_rows *rows = &c->event.rows[KX_GROUP_SNAPSHOT];
	struct seen seen = { .n = 0 };
	uint32_t i, node;

	for (i = 0; i < rows->n; i++) {
		node = kx_row_get(&rows->row[i], KX_SNAPSHOT_IMAGE);
		if (node == 0)
			continue;
		switch (kx_json_type(c->json, node)) {
		case KX_JSON_STRING:
			check_image(c, &rows->row[i], node, &seen);
			break;
		case KX_JSON_NULL:
			kx_check_say(c, KX_RULE_IMAGE_EMPTY, node,
			    "image is null");
			break;
		default:
			break;
		}
	}
}
