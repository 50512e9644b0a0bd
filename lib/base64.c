/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Base64: the decoder around the kernels, and the scalar kernel.
 *
 * A kernel eats whole groups of the plain alphabet and stops at anything
 * else; decode_group() then takes one group apart byte by byte, notes what is
 * odd about it, and the kernel goes on.  So the fast path knows no exception
 * and the slow one is run a few times an image.
 */
#include <config.h>

#include <string.h>

#include "kx/base64.h"
#include "kx/kernel.h"

#include "base64-table.h"

static const uint8_t value_of[128] = { BASE64_TABLE };

/* Two symbols at a time would want a table that does not fit the first-level
 * cache beside the data; this is for processors without a vector kernel. */
void
kx_base64_scalar(const uint8_t *p, size_t len, uint8_t *out, size_t *in_used,
    size_t *out_used)
{
	const uint8_t *start = p, *end = p + (len & ~(size_t)3);
	uint8_t *o = out;
	uint32_t a, b, c, d;

	for (; p < end; p += 4, o += 3) {
		if (KX_UNLIKELY((p[0] | p[1] | p[2] | p[3]) & 0x80))
			break;
		a = value_of[p[0]];
		b = value_of[p[1]];
		c = value_of[p[2]];
		d = value_of[p[3]];
		if (KX_UNLIKELY((a | b | c | d) & 0x80))
			break;
		a = a << 18 | b << 12 | c << 6 | d;
		o[0] = (uint8_t)(a >> 16);
		o[1] = (uint8_t)(a >> 8);
		o[2] = (uint8_t)a;
	}
	*in_used = (size_t)(p - start);
	*out_used = (size_t)(o - out);
}

struct state {
	const uint8_t *p;
	size_t len;
	size_t at;
	uint8_t *out;
	size_t out_len;
	struct kx_base64_result *result;
};

static void
note(struct kx_base64_result *result, enum kx_base64_kind kind, size_t off)
{
	if (result->found & KX_BASE64_BIT(kind))
		return;
	result->found |= KX_BASE64_BIT(kind);
	result->off[kind] = off;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void
skip_space(struct state *s)
{
	for (; s->at < s->len && is_space(s->p[s->at]); s->at++)
		note(s->result, KX_BASE64_SPACE, s->at);
}

/* The offset of the first ellipsis from `at` on; s->len if there is none. */
static size_t
find_ellipsis(const struct state *s, size_t at)
{
	for (; s->len - at >= 3; at++) {
		if (!memcmp(s->p + at, "...", 3) ||
		    !memcmp(s->p + at, "\xe2\x80\xa6", 3))
			return at;
	}
	return s->len;
}

/* The end of decoding at s->at.  An ellipsis later in the text says more
 * about it than the byte that happens to come first. */
static void
stop(struct state *s, enum kx_base64_kind kind)
{
	size_t dots = find_ellipsis(s, s->at);

	if (dots < s->len)
		note(s->result, KX_BASE64_ELIDED, dots);
	if (dots == s->at && dots < s->len)
		return;
	note(s->result, kind, s->at);
	if (kind == KX_BASE64_BAD_CHAR)
		s->result->byte = s->p[s->at];
}

/* The first or last bytes of a group: n symbols are n - 1 bytes. */
static void
emit(struct state *s, const uint8_t *symbol, unsigned n)
{
	uint8_t *o = s->out + s->out_len;

	o[0] = (uint8_t)(symbol[0] << 2 | symbol[1] >> 4);
	if (n > 2)
		o[1] = (uint8_t)(symbol[1] << 4 | symbol[2] >> 2);
	if (n > 3)
		o[2] = (uint8_t)(symbol[2] << 6 | symbol[3]);
	s->out_len += n - 1;
}

/* A group of n symbols that is not whole: the last, at `last`. */
static void
emit_short(struct state *s, const uint8_t *symbol, unsigned n, size_t last)
{
	if (symbol[n - 1] & (n == 2 ? 0x0f : 0x03))
		note(s->result, KX_BASE64_TRAILING_BITS, last);
	emit(s, symbol, n);
}

/* At a `=` behind n symbols of a group: what follows can only be the end. */
static void
take_padding(struct state *s, const uint8_t *symbol, unsigned n, size_t last)
{
	if (n < 2) {
		stop(s, KX_BASE64_BAD_PADDING);
		return;
	}
	s->at++;
	skip_space(s);
	if (n == 2) {
		if (s->at == s->len) {
			note(s->result, KX_BASE64_NO_PADDING, s->len);
		} else if (s->p[s->at] == '=') {
			s->at++;
			skip_space(s);
		}
	}
	if (s->at < s->len) {
		stop(s, s->p[s->at] == '=' ? KX_BASE64_BAD_PADDING :
		    KX_BASE64_AFTER_PADDING);
		return;
	}
	emit_short(s, symbol, n, last);
}

/* One group, byte by byte; true where another may follow. */
static bool
decode_group(struct state *s)
{
	uint8_t symbol[4], c, v;
	unsigned n = 0;
	size_t last = s->at;

	for (;;) {
		skip_space(s);
		if (s->at == s->len)
			break;
		c = s->p[s->at];
		if (c == '=') {
			take_padding(s, symbol, n, last);
			return false;
		}
		v = c < 0x80 ? value_of[c] : XX;
		if (v == XX) {
			if (c != '-' && c != '_') {
				stop(s, KX_BASE64_BAD_CHAR);
				return false;
			}
			note(s->result, KX_BASE64_URL, s->at);
			v = c == '-' ? 62 : 63;
		}
		last = s->at++;
		symbol[n++] = v;
		if (n == 4) {
			emit(s, symbol, 4);
			return true;
		}
	}
	if (n == 1) {
		note(s->result, KX_BASE64_BAD_LENGTH, last);
	} else if (n > 1) {
		note(s->result, KX_BASE64_NO_PADDING, s->len);
		emit_short(s, symbol, n, last);
	}
	return false;
}

enum kx_status
kx_base64_decode(const struct kx_kernel *kernel, struct kx_span text,
    unsigned accept, struct kx_buf *out, struct kx_base64_result *result)
{
	struct state s;
	size_t in_used, out_used;
	bool more = true;

	memset(result, 0, sizeof(*result));
	kx_buf_reset(out, SIZE_MAX);
	if (!kx_buf_reserve(out, kx_base64_bound(text.len) + 64))
		return KX_FAIL;
	s = (struct state){ (const uint8_t *)text.ptr, text.len, 0,
	    (uint8_t *)out->ptr, 0, result };
	while (more && s.at < s.len) {
		(kernel != NULL ? kernel->base64 : kx_base64_scalar)(
		    s.p + s.at, s.len - s.at, s.out + s.out_len, &in_used,
		    &out_used);
		s.at += in_used;
		s.out_len += out_used;
		if (s.at < s.len)
			more = decode_group(&s);
	}
	out->len = s.out_len;
	if (out->len == 0 && !(result->found & ~KX_BASE64_LENIENT))
		note(result, KX_BASE64_EMPTY, 0);
	return result->found & ~(accept & KX_BASE64_LENIENT) ? KX_BAD : KX_OK;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Is `span` the lower-case `word`, whatever the case of its own letters? */
static bool
is_word(struct kx_span span, const char *word)
{
	size_t i;

	if (span.len != strlen(word))
		return false;
	for (i = 0; i < span.len; i++) {
		if (lower(span.ptr[i]) != word[i])
			return false;
	}
	return true;
}

bool
kx_datauri_is(struct kx_span text)
{
	return text.len >= 5 &&
	    is_word((struct kx_span){ text.ptr, 5 }, "data:");
}

/* RFC 6838, 4.2: restricted-name "/" restricted-name. */
static bool
is_media_type(struct kx_span type)
{
	unsigned slashes = 0;
	size_t i;
	char c;

	for (i = 0; i < type.len; i++) {
		c = lower(type.ptr[i]);
		if (c == '/') {
			slashes++;
			if (i == 0 || i + 1 == type.len)
				return false;
		} else if (!((c >= 'a' && c <= 'z') || (c >= '0' &&
		    c <= '9') || (c != '\0' && strchr("!#$&-^_.+", c)))) {
			return false;
		}
	}
	return slashes == 1;
}

static bool
is_base64_token(const char *from, const char *to)
{
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	return is_word((struct kx_span){ from, (size_t)(to - from) },
	    "base64");
}

enum kx_status
kx_datauri_parse(struct kx_span text, struct kx_datauri *uri, size_t *off)
{
	const char *p, *comma, *semi, *next;

	*uri = (struct kx_datauri){ .base64 = false };
	if (off != NULL)
		*off = 0;
	if (!kx_datauri_is(text))
		return KX_BAD;
	p = text.ptr + 5;
	comma = memchr(p, ',', text.len - 5);
	if (comma == NULL) {
		if (off != NULL)
			*off = text.len;
		return KX_BAD;
	}
	semi = memchr(p, ';', (size_t)(comma - p));
	if (semi == NULL)
		semi = comma;
	uri->type = (struct kx_span){ p, (size_t)(semi - p) };
	if (uri->type.len > 0 && !is_media_type(uri->type)) {
		if (off != NULL)
			*off = 5;
		return KX_BAD;
	}
	uri->params = (struct kx_span){ semi, (size_t)(comma - semi) };
	for (; semi < comma; semi = next) {
		next = memchr(semi + 1, ';', (size_t)(comma - semi - 1));
		if (next == NULL)
			next = comma;
		if (!is_base64_token(semi + 1, next))
			continue;
		uri->base64 = true;
		if (next == comma)
			uri->params.len = (size_t)(semi - uri->params.ptr);
	}
	uri->data = (struct kx_span){ comma + 1,
	    text.len - (size_t)(comma + 1 - text.ptr) };
	return KX_OK;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum kx_status
kx_percent_decode(struct kx_span text, struct kx_buf *out, size_t *off)
{
	const char *percent;
	size_t at = 0;
	int hi, lo;

	kx_buf_reset(out, SIZE_MAX);
	if (!kx_buf_reserve(out, text.len))
		return KX_FAIL;
	while (at < text.len) {
		percent = memchr(text.ptr + at, '%', text.len - at);
		if (percent == NULL) {
			kx_buf_add(out, text.ptr + at, text.len - at);
			break;
		}
		kx_buf_add(out, text.ptr + at,
		    (size_t)(percent - text.ptr) - at);
		at = (size_t)(percent - text.ptr);
		if (text.len - at < 3 || (hi = hex_value(percent[1])) < 0 ||
		    (lo = hex_value(percent[2])) < 0) {
			if (off != NULL)
				*off = at;
			return KX_BAD;
		}
		kx_buf_addc(out, (char)(hi << 4 | lo));
		at += 3;
	}
	return kx_buf_failed(out) ? KX_FAIL : KX_OK;
}
