/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of a table as text.  Whether a cell needs quotes is asked eight bytes
 * at a time; nearly all do not, and are copied as they are.
 */
#include <config.h>

#include <string.h>

#include "kx/csv.h"

#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

/* Not 0 where a byte of `word` is c (a byte above a hit may be one too: only
 * zero or not is of use). */
static uint64_t
has(uint64_t word, char c)
{
	word ^= ONES * (unsigned char)c;
	return (word - ONES) & ~word & TOPS;
}

/* Does one of the four occur in p[0..len)? */
static bool
has_any(const char *p, size_t len, char a, char b, char c, char d)
{
	uint64_t word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if (has(word, a) | has(word, b) | has(word, c) |
		    has(word, d))
			return true;
	}
	for (; len > 0; p++, len--) {
		if (*p == a || *p == b || *p == c || *p == d)
			return true;
	}
	return false;
}

static void
begin(struct kx_csv *csv, struct kx_buf *out)
{
	if (csv->in_row) {
		kx_buf_addc(out, csv->delimiter);
	} else {
		csv->in_row = true;
		csv->row_start = out->len;
	}
}

static void
add_quoted(struct kx_buf *out, struct kx_span text)
{
	const char *p = text.ptr, *end = p + text.len, *quote;

	kx_buf_addc(out, '"');
	while (p < end) {
		quote = memchr(p, '"', (size_t)(end - p));
		if (quote == NULL)
			quote = end - 1;
		kx_buf_add(out, p, (size_t)(quote + 1 - p));
		if (*quote == '"')
			kx_buf_addc(out, '"');
		p = quote + 1;
	}
	kx_buf_addc(out, '"');
}

static void
add_escaped(struct kx_buf *out, struct kx_span text)
{
	size_t i, plain = 0;
	char esc[2] = { '\\', 0 };

	for (i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '\t':
			esc[1] = 't';
			break;
		case '\n':
			esc[1] = 'n';
			break;
		case '\r':
			esc[1] = 'r';
			break;
		case '\\':
			esc[1] = '\\';
			break;
		default:
			continue;
		}
		kx_buf_add(out, text.ptr + plain, i - plain);
		kx_buf_add(out, esc, 2);
		plain = i + 1;
	}
	if (text.len > plain)
		kx_buf_add(out, text.ptr + plain, text.len - plain);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Text as it stands in a cell, behind what is there already. */
static void
add_text(const struct kx_csv *csv, struct kx_buf *out, struct kx_span text)
{
	if (csv->escapes) {
		if (text.len > 0 &&
		    has_any(text.ptr, text.len, '\t', '\n', '\r', '\\'))
			add_escaped(out, text);
		else
			kx_buf_addspan(out, text);
		return;
	}
	if (kx_span_eq(text, csv->null) || (text.len > 0 &&
	    (is_blank(text.ptr[0]) || is_blank(text.ptr[text.len - 1]) ||
	    has_any(text.ptr, text.len, csv->delimiter, '"', '\r', '\n') ||
	    kx_span_eq(text, KX_SPAN("\\.")))))
		add_quoted(out, text);
	else
		kx_buf_addspan(out, text);
}

/* A spreadsheet shows what stands behind the `'`, or both, and runs neither. */
static void
add_guarded(const struct kx_csv *csv, struct kx_buf *out, struct kx_span text)
{
	struct kx_buf guarded = { NULL, 0, 0, false };

	kx_buf_addc(&guarded, '\'');
	kx_buf_addspan(&guarded, text);
	if (kx_buf_failed(&guarded))
		out->failed = true;
	else
		add_text(csv, out, kx_buf_span(&guarded));
	kx_buf_free(&guarded);
}

/* ="text": to a spreadsheet a formula whose value is this text and nothing
 * else.  Quotes are doubled for the formula, and once more for the cell. */
static void
add_formula(struct kx_buf *out, struct kx_span text)
{
	size_t i, plain = 0;

	kx_buf_add(out, "\"=\"\"", 4);
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] != '"')
			continue;
		kx_buf_add(out, text.ptr + plain, i - plain);
		kx_buf_add(out, "\"\"\"\"", 4);
		plain = i + 1;
	}
	kx_buf_add(out, text.ptr + plain, text.len - plain);
	kx_buf_add(out, "\"\"\"", 3);
}

static bool
is_word(struct kx_span text, const char *lower)
{
	size_t i;

	if (text.len != strlen(lower))
		return false;
	for (i = 0; i < text.len; i++) {
		if ((text.ptr[i] | 0x20) != lower[i])
			return false;
	}
	return true;
}

/* The longest literal of a formula, and the digits that a spreadsheet's number
 * holds. */
#define LITERAL_MAX 255
#define EXACT_DIGITS 15

/*
 * Could a spreadsheet take text for a number, a date, a time or a truth?  In
 * some language anything with a digit in it may be a date; text on several
 * lines is nothing but text, and so is long text, unless it is all digits.
 */
static bool
is_convertible(struct kx_span text)
{
	bool digit = false, other = false;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ')
			return false;
		if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
			digit = true;
		else
			other = true;
	}
	if (text.len > LITERAL_MAX)
		return digit && !other;
	return digit || is_word(text, "true") || is_word(text, "false");
}

/* ="..." where that can be, for what would be changed without. */
static void
add_exact(const struct kx_csv *csv, struct kx_buf *out, struct kx_span text)
{
	if (text.len <= LITERAL_MAX)
		add_formula(out, text);
	else
		add_guarded(csv, out, text);
}

void
kx_csv_clean(struct kx_buf *out, struct kx_span text)
{
	const char *p = text.ptr, *end = p + text.len, *nul;

	while (p < end) {
		nul = memchr(p, '\0', (size_t)(end - p));
		kx_buf_add(out, p, (size_t)((nul == NULL ? end : nul) - p));
		if (nul == NULL)
			break;
		kx_buf_add(out, "\xef\xbf\xbd", 3);
		p = nul + 1;
	}
}

bool
kx_csv_may_be_null(const struct kx_csv *csv, struct kx_span text)
{
	if (text.len == 0 || (csv->escapes && kx_span_eq(text,
	    KX_SPAN("\\N"))))
		return true;
	if (memchr(text.ptr, '\0', text.len) != NULL ||
	    is_blank(text.ptr[0]) || is_blank(text.ptr[text.len - 1]) ||
	    has_any(text.ptr, text.len, '\r', '\n', csv->delimiter,
	    csv->escapes ? '\\' : '"'))
		return false;
	return !kx_span_eq(text, KX_SPAN("\\."));
}

void
kx_csv_cell(struct kx_csv *csv, struct kx_buf *out, struct kx_span text)
{
	begin(csv, out);
	if (csv->guard && kx_csv_is_formula(text))
		add_guarded(csv, out, text);
	else if (csv->exact && is_convertible(text))
		add_exact(csv, out, text);
	else
		add_text(csv, out, text);
}

void
kx_csv_plain(struct kx_csv *csv, struct kx_buf *out, struct kx_span text)
{
	begin(csv, out);
	add_text(csv, out, text);
}

void
kx_csv_integer(struct kx_csv *csv, struct kx_buf *out, struct kx_span text)
{
	begin(csv, out);
	if (csv->exact && text.len > EXACT_DIGITS + (*text.ptr == '-'))
		add_exact(csv, out, text);
	else
		add_text(csv, out, text);
}

void
kx_csv_null(struct kx_csv *csv, struct kx_buf *out)
{
	begin(csv, out);
	kx_buf_addspan(out, csv->null);
}

void
kx_csv_hole(struct kx_csv *csv, struct kx_buf *out)
{
	begin(csv, out);
	csv->has_hole = true;
}

void
kx_csv_end(struct kx_csv *csv, struct kx_buf *out)
{
	if (!csv->escapes && csv->in_row && !csv->has_hole &&
	    out->len == csv->row_start)
		kx_buf_add(out, "\"\"", 2);
	if (csv->crlf)
		kx_buf_addc(out, '\r');
	kx_buf_addc(out, '\n');
	csv->in_row = csv->has_hole = false;
}

/* [+-] digits [. digits] [e [+-] digits], the whole of it; a point needs a
 * digit on one side. */
static bool
is_number(const char *p, const char *end)
{
	size_t digits = 0;

	if (p < end && (*p == '+' || *p == '-'))
		p++;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		digits++;
	if (p < end && *p == '.') {
		for (p++; p < end && *p >= '0' && *p <= '9'; p++)
			digits++;
	}
	if (digits == 0)
		return false;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (p == end)
			return false;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
	}
	return p == end;
}

bool
kx_csv_is_formula(struct kx_span text)
{
	/* U+FF1D U+FF0B U+FF0D U+FF20: some programs read them as ASCII. */
	static const char wide[][4] = { "\xef\xbc\x9d", "\xef\xbc\x8b",
	    "\xef\xbc\x8d", "\xef\xbc\xa0" };
	const char *p = text.ptr, *end;
	size_t i;

	if (text.len == 0)
		return false;
	end = p + text.len;
	while (p < end && *p == ' ')
		p++;
	if (p == end)
		return false;
	switch (*p) {
	case '=':
	case '@':
	case '\t':
	case '\r':
	case '\n':
		return true;
	case '+':
	case '-':
		return !is_number(p, end);
	}
	for (i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (end - p >= 3 && !memcmp(p, wide[i], 3))
			return true;
	}
	return false;
}
