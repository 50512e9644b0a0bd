/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plain JSON checker: one byte at a time, no recursion, no memory.
 *
 * It is the reference for what is JSON (RFC 8259) and UTF-8 (RFC 3629), and
 * the one place where a fault gets its words.  The fast scanner only says no;
 * this says what and where.  It is also how the reader finds the end of a text
 * in a stream of texts.
 *
 * Cost: about a nanosecond a byte; on the fast path it never runs.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>

#include "kx/json.h"

#include "utf8.h"

enum expect {
	EXPECT_VALUE,		/* after `:`, or `,` in an array, or at first */
	EXPECT_ELEMENT,		/* after `[`: a value or `]` */
	EXPECT_MEMBER,		/* after `{`: a name or `}` */
	EXPECT_NAME,		/* after `,` in an object */
	EXPECT_COLON,
	EXPECT_NEXT,		/* after a value: `,` or the closing bracket */
	EXPECT_END		/* after the text */
};

struct check {
	const unsigned char *text;
	size_t len;
	size_t pos;
	struct kx_json_error *err;
};

KX_PRINTF(5, 6) static enum kx_status
fault(struct check *c, const char *rule, size_t off, size_t from,
    const char *fmt, ...)
{
	va_list ap;

	if (c->err != NULL) {
		c->err->rule = rule;
		c->err->off = off;
		c->err->from = from;
		va_start(ap, fmt);
		vsnprintf(c->err->message, sizeof c->err->message, fmt, ap);
		va_end(ap);
	}
	return KX_BAD;
}

static enum kx_status
truncated(struct check *c, size_t from, const char *inside)
{
	return fault(c, "truncated-record", c->len, from,
	    "the text ends inside %s", inside);
}

static bool
is_space(unsigned char b)
{
	return b == ' ' || b == '\t' || b == '\n' || b == '\r';
}

static bool
is_digit(unsigned char b)
{
	return b >= '0' && b <= '9';
}

/* Does a scalar end here: nothing, white space or a structural byte? */
static bool
is_boundary(const struct check *c, size_t pos)
{
	return pos >= c->len || is_space(c->text[pos]) ||
	    memchr(",:[]{}\"", c->text[pos], 7) != NULL;
}

static bool
has(const struct check *c, size_t pos, const char *word)
{
	size_t n = strlen(word);

	return c->len - pos >= n && !memcmp(c->text + pos, word, n);
}

/* Is all that is left a beginning of `word`? */
static bool
is_cut(const struct check *c, size_t pos, const char *word)
{
	size_t n = c->len - pos;

	return n < strlen(word) && !memcmp(c->text + pos, word, n);
}

/* Elision as documents print it: three dots, U+2026, and U+2026 whose UTF-8
 * was read as CP1252 and encoded again. */
static bool
is_elision(const struct check *c, size_t pos)
{
	return has(c, pos, "...") || has(c, pos, "\xe2\x80\xa6") ||
	    has(c, pos, "\xc3\xa2\xe2\x82\xac\xc2\xa6");
}

static enum kx_status
check_escape(struct check *c, size_t open)
{
	size_t at = c->pos;

	if (at + 1 >= c->len)
		return truncated(c, open, "a string");
	if (c->text[at + 1] == 'u') {
		size_t i;

		for (i = at + 2; i < at + 6; i++) {
			unsigned char b;

			if (i >= c->len)
				return truncated(c, open, "a string");
			b = c->text[i];
			if (!is_digit(b) &&
			    !((b | 0x20) >= 'a' && (b | 0x20) <= 'f'))
				return fault(c, "escape", at, at,
				    "\\u needs four hexadecimal digits");
		}
		c->pos += 6;
		return KX_OK;
	}
	if (memchr("\"\\/bfnrt", c->text[at + 1], 8) == NULL) {
		if (c->text[at + 1] == '\n' || c->text[at + 1] == '\r')
			return fault(c, "string-not-closed", open, open,
			    "string not closed before the end of the line");
		return fault(c, "escape", at, at, "unknown escape in a string; "
		    "a backslash itself is written \\\\");
	}
	c->pos += 2;
	return KX_OK;
}

/* A string; pos is at its opening quote, afterwards behind the closing one. */
static enum kx_status
check_string(struct check *c, bool name)
{
	size_t open = c->pos++;

	while (c->pos < c->len) {
		unsigned char b = c->text[c->pos];

		if (b == '"') {
			c->pos++;
			return KX_OK;
		}
		if (b == '\\') {
			enum kx_status status = check_escape(c, open);

			if (status != KX_OK)
				return status;
		} else if (b == '\n' || b == '\r') {
			return fault(c, "string-not-closed", open, open,
			    "string not closed before the end of the line%s",
			    name ? "" : "; is a closing quote and a comma "
			    "missing?");
		} else if (b < 0x20) {
			return fault(c, "control-character", c->pos, c->pos,
			    "control character 0x%02x in a string must be "
			    "written as an escape, \\u%04x", b, b);
		} else if (b < 0x80) {
			c->pos++;
		} else {
			size_t n = kx_utf8_next(c->text + c->pos,
			    c->len - c->pos);

			if (n == 0 && kx_utf8_cut(c->text + c->pos,
			    c->len - c->pos))
				return truncated(c, open, "a string");
			if (n == 0)
				return fault(c, "utf8", c->pos, c->pos,
				    "byte 0x%02x is not valid UTF-8 here", b);
			c->pos += n;
		}
	}
	return truncated(c, open, name ? "a member's name" : "a string");
}

static enum kx_status
check_digits(struct check *c, size_t start, const char *after)
{
	if (c->pos >= c->len)
		return truncated(c, start, "a number");
	if (!is_digit(c->text[c->pos]))
		return fault(c, "number", c->pos, start,
		    "a digit must follow %s in a number", after);
	while (c->pos < c->len && is_digit(c->text[c->pos]))
		c->pos++;
	return KX_OK;
}

static enum kx_status
check_number(struct check *c)
{
	size_t start = c->pos;
	enum kx_status status;

	if (c->text[c->pos] == '-') {
		c->pos++;
		if (has(c, c->pos, "Infinity") || has(c, c->pos, "inf"))
			return fault(c, "number", start, start,
			    "JSON has no infinity");
	}
	if (c->pos < c->len && c->text[c->pos] == '0' && c->pos + 1 < c->len &&
	    is_digit(c->text[c->pos + 1]))
		return fault(c, "number", start, start,
		    "a number must not begin with 0");
	if ((status = check_digits(c, start, "the sign")) != KX_OK)
		return status;
	if (c->pos < c->len && c->text[c->pos] == '.') {
		c->pos++;
		if (is_elision(c, c->pos - 1))
			return fault(c, "doc-placeholder", c->pos - 1,
			    c->pos - 1, "elided value: this is documentation, "
			    "not data");
		status = check_digits(c, start, "the point");
		if (status != KX_OK)
			return status;
	}
	if (c->pos < c->len && (c->text[c->pos] | 0x20) == 'e') {
		c->pos++;
		if (c->pos < c->len && (c->text[c->pos] == '+' ||
		    c->text[c->pos] == '-'))
			c->pos++;
		status = check_digits(c, start, "the exponent mark");
		if (status != KX_OK)
			return status;
	}
	if (!is_boundary(c, c->pos))
		return fault(c, "number", c->pos, start,
		    "a number must end with white space, a comma or a "
		    "bracket");
	return KX_OK;
}

/* What stands where a value should, and is none. */
static enum kx_status
not_a_value(struct check *c, const char *wanted)
{
	static const struct {
		const char *text, *rule, *message;
	} known[] = {
		{ "NaN", "number", "JSON has no NaN; write null" },
		{ "nan", "number", "JSON has no NaN; write null" },
		{ "Infinity", "number", "JSON has no infinity" },
		{ "True", "syntax", "True is written true in JSON" },
		{ "False", "syntax", "False is written false in JSON" },
		{ "None", "syntax", "None is written null in JSON" },
		{ "undefined", "syntax", "JSON has no undefined; write null" },
		{ "\xef\xbb\xbf", "syntax",
		    "a byte order mark may stand at the start of the input "
		    "alone" },
		{ "'", "syntax", "strings stand in double quotes in JSON" },
		{ "//", "syntax", "JSON has no comments" },
		{ "/*", "syntax", "JSON has no comments" },
		{ "+", "number", "a number must not begin with +" },
		{ ".", "number", "a number must not begin with a point" },
	};
	unsigned char b = c->text[c->pos];
	size_t i;

	if (is_elision(c, c->pos))
		return fault(c, "doc-placeholder", c->pos, c->pos,
		    "elided value: this is documentation, not data");
	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (has(c, c->pos, known[i].text))
			return fault(c, known[i].rule, c->pos, c->pos, "%s",
			    known[i].message);
	if (b >= 0x80 && kx_utf8_next(c->text + c->pos, c->len - c->pos) == 0) {
		if (kx_utf8_cut(c->text + c->pos, c->len - c->pos))
			return truncated(c, c->pos, "a character");
		return fault(c, "utf8", c->pos, c->pos,
		    "byte 0x%02x is not valid UTF-8 here", b);
	}
	if (b >= 0x20 && b < 0x7f)
		return fault(c, "syntax", c->pos, c->pos,
		    "%s expected, not '%c'", wanted, b);
	return fault(c, "syntax", c->pos, c->pos,
	    "%s expected, not byte 0x%02x", wanted, b);
}

static enum kx_status
check_word(struct check *c, const char *wanted)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t i;

	for (i = 0; i < 3; i++) {
		if (is_cut(c, c->pos, words[i]))
			return truncated(c, c->pos, "a word");
		if (has(c, c->pos, words[i]) &&
		    is_boundary(c, c->pos + strlen(words[i]))) {
			c->pos += strlen(words[i]);
			return KX_OK;
		}
	}
	return not_a_value(c, wanted);
}

/* A comma that nothing follows is reported where it stands. */
static enum kx_status
trailing_comma(struct check *c, size_t comma, unsigned char close)
{
	return fault(c, "syntax", comma, comma,
	    "comma before %c: remove it, or a %s is missing", close,
	    close == '}' ? "member" : "value");
}

enum kx_status
kx_json_check(const char *text, size_t len, size_t *end,
    struct kx_json_error *err)
{
	struct check check = { (const unsigned char *)text, len, 0, err };
	struct check *c = &check;
	/* One bit a level: is it an object? */
	uint64_t objects[KX_MAX_DEPTH / 64 + 1] = { 0 };
	unsigned depth = 0;
	enum expect expect = EXPECT_VALUE;
	size_t comma = 0;	/* place of the last `,` */
	enum kx_status status;

	for (;;) {
		bool object = depth > 0 &&
		    (objects[(depth - 1) / 64] >> ((depth - 1) % 64) & 1) != 0;
		unsigned char b;

		while (c->pos < len && is_space(c->text[c->pos]))
			c->pos++;
		if (expect == EXPECT_END) {
			if (c->pos == len)
				return KX_OK;
			return fault(c, "trailing-text", c->pos, c->pos,
			    "text behind the end of the JSON text");
		}
		if (c->pos == len) {
			if (depth == 0 && expect == EXPECT_VALUE)
				return truncated(c, len, "white space");
			return truncated(c, len, object ? "an object" :
			    "an array");
		}
		b = c->text[c->pos];
		switch (expect) {
		case EXPECT_NEXT:
			if (b == ',') {
				comma = c->pos++;
				expect = object ? EXPECT_NAME : EXPECT_VALUE;
				continue;
			}
			if (b == (object ? '}' : ']'))
				break;
			if (b == '}' || b == ']')
				return fault(c, "syntax", c->pos, c->pos,
				    "'%c' does not close the %s that is open",
				    b, object ? "object" : "array");
			if (object && b == ':')
				return fault(c, "syntax", c->pos, c->pos,
				    "a second ':'; is a comma missing?");
			return not_a_value(c, object ? "',' or '}'" :
			    "',' or ']'");
		case EXPECT_COLON:
			if (b != ':')
				return not_a_value(c,
				    "':' behind a member's name");
			c->pos++;
			expect = EXPECT_VALUE;
			continue;
		case EXPECT_MEMBER:
		case EXPECT_NAME:
			if (b == '"') {
				status = check_string(c, true);
				if (status != KX_OK)
					return status;
				expect = EXPECT_COLON;
				continue;
			}
			if (b != '}')
				return not_a_value(c,
				    "a member's name in quotes");
			if (expect == EXPECT_NAME)
				return trailing_comma(c, comma, b);
			break;
		case EXPECT_ELEMENT:
		case EXPECT_VALUE:
		case EXPECT_END:
			if (b == ']' && expect == EXPECT_ELEMENT)
				break;
			if (b == ']' && depth > 0 && !object)
				return trailing_comma(c, comma, b);
			if (b == '{' || b == '[') {
				if (depth == KX_MAX_DEPTH)
					return fault(c, "too-deep", c->pos,
					    c->pos, "nested deeper than %d",
					    KX_MAX_DEPTH);
				objects[depth / 64] &=
				    ~(UINT64_C(1) << depth % 64);
				if (b == '{')
					objects[depth / 64] |=
					    UINT64_C(1) << depth % 64;
				depth++;
				c->pos++;
				expect = b == '{' ? EXPECT_MEMBER :
				    EXPECT_ELEMENT;
				continue;
			}
			if (b == '"')
				status = check_string(c, false);
			else if (b == '-' || is_digit(b))
				status = check_number(c);
			else
				status = check_word(c, "a value");
			if (status != KX_OK)
				return status;
			goto value_done;
		}
		/* A bracket closes. */
		c->pos++;
		depth--;
value_done:
		if (depth > 0) {
			expect = EXPECT_NEXT;
			continue;
		}
		if (end != NULL) {
			*end = c->pos;
			return KX_OK;
		}
		expect = EXPECT_END;
	}
}
