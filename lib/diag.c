/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A finding as a line of text or as a JSON object.
 *
 * Nothing that is printed can be longer than LINE_MAX_LEN, whatever comes in:
 * each part has a share of the line, counted in bytes as they are printed, and
 * what does not fit is cut between characters and ends with three dots.  The
 * message gets what the other parts leave, and the rule is never cut off.
 *
 * Cost: a few hundred bytes copied; no allocation where *out has 1,000 bytes
 * of room, so that running out of memory can be reported too.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kx/diag.h"

#include "utf8.h"

#define LINE_MAX_LEN 999	/* LF included */
#define TOOL_MAX 40
#define FILE_MAX 360
#define POINTER_MAX 200
#define RULE_MAX 60

static const char *const names[] = {
	[KX_SEV_NONE] = "none",
	[KX_SEV_NOTE] = "note",
	[KX_SEV_WARNING] = "warning",
	[KX_SEV_ERROR] = "error"
};

const char *
kx_severity_name(enum kx_severity severity)
{
	return names[severity];
}

/* The code point of a valid character of n bytes, n > 1. */
static uint32_t
code_point(const unsigned char *p, size_t n)
{
	uint32_t cp = p[0] & (0xffu >> (n + 1));
	size_t i;

	for (i = 1; i < n; i++)
		cp = cp << 6 | (p[i] & 0x3f);
	return cp;
}

/*
 * What a terminal, or a reader's eye, takes for something else: C1 controls,
 * marks and overrides of writing direction, line and paragraph separators,
 * invisible operators, the byte order mark, annotations, tags.
 */
static bool
is_deceptive(uint32_t cp)
{
	return cp <= 0x9f || cp == 0xad || cp == 0x61c || cp == 0x180e ||
	    cp == 0x200b || cp == 0x200e || cp == 0x200f ||
	    (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) ||
	    cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb) ||
	    (cp & 0xfffe) == 0xfffe || (cp >= 0xe0000 && cp <= 0xe0fff);
}

/* One character, or one byte that belongs to none, as it is printed; the
 * bytes of `p` that were used.  *piece has room for 16. */
static size_t
encode(const unsigned char *p, size_t len, bool json, char *piece, int *size)
{
	size_t n = kx_utf8_next(p, len);
	uint32_t cp;

	if (n == 0) {
		*size = snprintf(piece, 16, "%s\\x%02x", json ? "\\" : "",
		    p[0]);
		return 1;
	}
	if (n > 1) {
		cp = code_point(p, n);
		if (!is_deceptive(cp)) {
			memcpy(piece, p, n);
			*size = (int)n;
		} else if (cp <= 0xffff) {
			*size = snprintf(piece, 16, "\\u%04" PRIx32, cp);
		} else if (json) {
			*size = snprintf(piece, 16, "\\u%04" PRIx32
			    "\\u%04" PRIx32, 0xd7c0 + (cp >> 10),
			    0xdc00 + (cp & 0x3ff));
		} else {
			*size = snprintf(piece, 16, "\\U%08" PRIx32, cp);
		}
	} else if (p[0] < 0x20 || p[0] == 0x7f) {
		*size = snprintf(piece, 16, json ? "\\u%04x" : "\\x%02x",
		    (unsigned)p[0]);
	} else {
		*size = 0;
		if (json && (p[0] == '"' || p[0] == '\\'))
			piece[(*size)++] = '\\';
		piece[(*size)++] = (char)p[0];
	}
	return n;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is one of eight bytes over 0x7e or below 0x20, or in JSON to be escaped?  By
 * what a subtraction borrows from bit 7; a yes may be wrong, a no never is. */
static bool
may_be_odd(uint64_t word, bool json)
{
	uint64_t odd = word | (word - EACH(0x20)) | (word + EACH(0x01));

	if (json)
		odd |= ((word ^ EACH('"')) - EACH(1)) |
		    ((word ^ EACH('\\')) - EACH(1));
	return (odd & EACH(0x80)) != 0;
}

/* Bytes at p, up to len, that are printed as they are. */
static size_t
plain_run(const unsigned char *p, size_t len, bool json)
{
	uint64_t word;
	size_t n = 0;

	for (; len - n >= sizeof word; n += sizeof word) {
		memcpy(&word, p + n, sizeof word);
		if (may_be_odd(word, json))
			break;
	}
	while (n < len && p[n] >= 0x20 && p[n] < 0x7f &&
	    !(json && (p[n] == '"' || p[n] == '\\')))
		n++;
	return n;
}

/* Append the span in at most `max` bytes. */
static void
add_escaped(struct kx_buf *out, struct kx_span span, size_t max, bool json)
{
	const unsigned char *p = (const unsigned char *)span.ptr;
	size_t start = out->len, fits = out->len, i = 0, used;
	char piece[16];
	int size;

	/* Mostly all of it is plain, and fits. */
	i = plain_run(p, span.len, json);
	if (i + 3 <= max) {
		kx_buf_add(out, p, i);
		fits = out->len;
	} else {
		i = 0;
	}
	while (i < span.len) {
		used = encode(p + i, span.len - i, json, piece, &size);
		if (out->len - start + (size_t)size > max) {
			if (out->failed)
				return;
			out->len = fits;
			kx_buf_add(out, "...", max < 3 ? max : 3);
			return;
		}
		kx_buf_add(out, piece, (size_t)size);
		i += used;
		/* The last place where the dots could still follow. */
		if (out->len - start + 3 <= max)
			fits = out->len;
	}
}

void
kx_diag_quote(struct kx_buf *out, struct kx_span span, size_t max)
{
	add_escaped(out, span, max, false);
}

static struct kx_span
span_of(const char *s)
{
	return s != NULL ? kx_span_str(s) : KX_SPAN_NULL;
}

/* What is left of the line that began at `start`, with `tail` bytes kept. */
static size_t
room(const struct kx_buf *out, size_t start, size_t tail)
{
	size_t used = out->len - start + tail;

	return used < LINE_MAX_LEN ? LINE_MAX_LEN - used : 0;
}

static void
format_text(const struct kx_finding *f, const char *tool, struct kx_buf *out)
{
	size_t start = out->len;
	struct kx_span rule = span_of(f->rule);

	if (rule.len > RULE_MAX)
		rule.len = RULE_MAX;
	add_escaped(out, span_of(tool), TOOL_MAX, false);
	kx_buf_adds(out, ": ");
	if (f->file != NULL) {
		add_escaped(out, span_of(f->file), FILE_MAX, false);
		if (f->line > 0) {
			kx_buf_addc(out, ':');
			kx_buf_addu64(out, f->line);
		}
		if (f->line > 0 && f->column > 0) {
			kx_buf_addc(out, ':');
			kx_buf_addu64(out, f->column);
		}
		kx_buf_adds(out, ": ");
		if (f->severity != KX_SEV_NONE) {
			kx_buf_adds(out, kx_severity_name(f->severity));
			kx_buf_adds(out, ": ");
		}
	}
	if (f->pointer != NULL && f->pointer[0] != '\0') {
		add_escaped(out, span_of(f->pointer), POINTER_MAX, false);
		kx_buf_adds(out, ": ");
	}
	/* " [", "]" and LF. */
	add_escaped(out, span_of(f->message),
	    room(out, start, rule.len > 0 ? rule.len + 4 : 1), false);
	if (rule.len > 0) {
		kx_buf_adds(out, " [");
		add_escaped(out, rule, RULE_MAX, false);
		kx_buf_addc(out, ']');
	}
	kx_buf_addc(out, '\n');
}

static void
add_member(struct kx_buf *out, const char *name, const char *value, size_t max)
{
	kx_buf_addf(out, ",\"%s\":\"", name);
	add_escaped(out, span_of(value), max, true);
	kx_buf_addc(out, '"');
}

static void
format_json(const struct kx_finding *f, const char *tool, struct kx_buf *out)
{
	size_t start = out->len;

	kx_buf_adds(out, "{\"tool\":\"");
	add_escaped(out, span_of(tool), TOOL_MAX, true);
	kx_buf_addc(out, '"');
	if (f->file != NULL)
		add_member(out, "file", f->file, FILE_MAX);
	if (f->line > 0) {
		kx_buf_addf(out, ",\"line\":%" PRIu64, f->line);
		if (f->column > 0)
			kx_buf_addf(out, ",\"column\":%" PRIu64, f->column);
		kx_buf_addf(out, ",\"offset\":%" PRIu64, f->off);
	}
	if (f->severity != KX_SEV_NONE)
		add_member(out, "severity", kx_severity_name(f->severity), 10);
	if (f->pointer != NULL)
		add_member(out, "pointer", f->pointer, POINTER_MAX);
	if (f->rule != NULL)
		add_member(out, "rule", f->rule, RULE_MAX);
	/* `,"message":"`, `"}` and LF. */
	add_member(out, "message", f->message, room(out, start, 12 + 3));
	kx_buf_adds(out, "}\n");
}

void
kx_diag_format(const struct kx_finding *finding, const char *tool,
    enum kx_diag_format format, struct kx_buf *out)
{
	if (format == KX_DIAG_JSON)
		format_json(finding, tool, out);
	else
		format_text(finding, tool, out);
}
