/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ends of texts that stand one behind another.
 *
 * Strings and brackets are followed through every byte, which finds the end
 * of a text that is whole.  One that is torn is recovered from at a line that
 * begins with a bracket, an RS, or a line end in a string.  Where that is in
 * doubt the plain checker is asked, while a text goes on at twice the length
 * of the last time: so the cost stays in proportion to the bytes.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "kx/json.h"
#include "reader-concat.h"

enum step {
	STEP_MORE,	/* nothing more to look at */
	STEP_END,	/* the text is whole */
	STEP_BREAK,	/* a line end in a string */
	STEP_SUSPECT,	/* a bracket in the first column */
	STEP_RS		/* an RS in the first column */
};

/* The next byte that matters in a string: quote, backslash, line end. */
static size_t
skip_string(const char *p, size_t pos, size_t len)
{
	size_t n, stop = len - pos < 16 ? len : pos + 16;
	const char *found;

	for (; pos < stop; pos++)
		if (p[pos] == '"' || p[pos] == '\\' || p[pos] == LF)
			return pos;
	while (pos < len) {
		stop = n = len - pos < 1024 ? len - pos : 1024;
		if ((found = memchr(p + pos, '"', n)) != NULL)
			n = (size_t)(found - p) - pos;
		if ((found = memchr(p + pos, '\\', n)) != NULL)
			n = (size_t)(found - p) - pos;
		if ((found = memchr(p + pos, LF, n)) != NULL)
			n = (size_t)(found - p) - pos;
		pos += n;
		if (n < stop)
			break;
	}
	return pos;
}

/* In a string: STEP_END behind its closing quote, or MORE, or BREAK. */
static enum step
track_string(struct track *t, const char *p, size_t len)
{
	while (t->pos < len) {
		if (t->escaped && p[t->pos] != LF) {
			t->escaped = false;
			t->pos++;
			continue;
		}
		t->pos = skip_string(p, t->pos, len);
		if (t->pos == len)
			break;
		if (p[t->pos] == '\\') {
			t->escaped = true;
			t->pos++;
			continue;
		}
		t->quoted = t->escaped = false;
		if (p[t->pos] == LF)
			return STEP_BREAK;
		t->pos++;
		return STEP_END;
	}
	return STEP_MORE;
}

/* Follow a text in brackets through p[t->pos..len). */
static enum step
track_brackets(struct track *t, const char *p, size_t len)
{
	enum step step;

	while (t->pos < len) {
		if (t->quoted) {
			step = track_string(t, p, len);
			if (step != STEP_END)
				return step;
			continue;
		}
		switch (p[t->pos]) {
		case LF:
			t->line_start = true;
			t->pos++;
			continue;
		case '"':
			t->quoted = true;
			break;
		case RS:
			if (t->line_start)
				return STEP_RS;
			break;
		case '{':
		case '[':
			if (t->line_start)
				return STEP_SUSPECT;
			t->depth++;
			break;
		case '}':
		case ']':
			if (--t->depth == 0) {
				t->pos++;
				return STEP_END;
			}
			break;
		default:
			break;
		}
		t->line_start = false;
		t->pos++;
	}
	return STEP_MORE;
}

bool
kx_track_cut(struct kx_chunk *chunk, size_t begin, size_t end)
{
	uint32_t *cut;
	size_t cap;

	/* What is over the limit with its blanks would be so in pieces. */
	if (end - begin <= chunk->max_record + SLACK)
		while (end > begin && is_blank(chunk->buf.ptr[end - 1]))
			end--;
	if (chunk->n_cuts == chunk->cap_cuts) {
		cap = chunk->cap_cuts == 0 ? 64 : 2 * chunk->cap_cuts;
		cut = reallocarray(chunk->cut, cap, 2 * sizeof(*cut));
		if (cut == NULL)
			return false;
		chunk->cut = cut;
		chunk->cap_cuts = cap;
	}
	chunk->cut[2 * chunk->n_cuts] = (uint32_t)begin;
	chunk->cut[2 * chunk->n_cuts + 1] = (uint32_t)end;
	chunk->n_cuts++;
	return true;
}

/* The text that is being followed ends at `end`; the next thing in an open
 * array is `then`. */
static bool
end_text(struct track *t, struct kx_chunk *chunk, size_t end,
    enum array then)
{
	t->in = IN_NONE;
	t->pos = end;
	if (t->array != ARRAY_NONE)
		t->array = then;
	/* Of a record over the limit the beginning is long gone. */
	return chunk->overlong || kx_track_cut(chunk, t->begin, end);
}

/* The same, by the end of the stream. */
static bool
tear_text(struct track *t, struct kx_chunk *chunk)
{
	chunk->torn = true;
	return end_text(t, chunk, chunk->buf.len, ARRAY_ANY);
}

/* What the bytes up to `end` are: perhaps the beginning of a JSON text, none,
 * or none alone for being too deep. */
enum beginning { MAY_BE, FAULTY, DEEP };

static enum beginning
look_at(struct track *t, const char *p, size_t end)
{
	struct kx_json_error err;

	if (end - t->begin > t->checked)
		t->checked = end - t->begin;
	if (kx_json_check(p + t->begin, end - t->begin, NULL, &err) ==
	    KX_OK || strcmp(err.rule, "truncated-record") == 0)
		return MAY_BE;
	return strcmp(err.rule, "too-deep") == 0 ? DEEP : FAULTY;
}

/* Between texts: pass separators and begin the next text, if it is there. */
static bool
scan_between(struct track *t, struct kx_chunk *chunk)
{
	const char *p = chunk->buf.ptr;
	bool sound = true;
	size_t at;

	at = t->pos = skip_blank(p, t->pos, chunk->buf.len);
	if (at == chunk->buf.len)
		return true;
	if (t->array != ARRAY_NONE) {
		if (p[at] == ',' && t->array != ARRAY_COMMA &&
		    t->array != ARRAY_FIRST) {
			t->array = ARRAY_COMMA;
			t->pos++;
			return true;
		}
		if (p[at] == ']') {
			/* Behind a comma it is reported, in its place. */
			if (t->array == ARRAY_COMMA)
				sound = kx_track_cut(chunk, at, at + 1);
			t->array = ARRAY_NONE;
			t->pos++;
			return sound;
		}
		if (t->array == ARRAY_VALUE)	/* a comma is missing */
			sound = kx_track_cut(chunk, at, at);
	} else if (p[at] == '[') {
		t->array = ARRAY_FIRST;
		t->pos++;
		return true;
	}
	t->begin = at;
	t->depth = 0;
	t->quoted = t->escaped = t->line_start = t->broken = t->over = false;
	t->suspect = t->checked = 0;
	if (p[at] == '{' || p[at] == '[') {
		t->in = IN_BRACKETS;
	} else if (p[at] == '"') {
		t->in = IN_STRING;
		t->quoted = true;
		t->pos++;
	} else if (memchr("]},:\x1e", p[at], 5) != NULL) {
		t->in = IN_JUNK;
		t->pos++;
	} else {
		t->in = IN_WORD;
	}
	return sound;
}

/*
 * In brackets.  Every decision is taken at its place in the data, and of a
 * record over the limit only on the bytes up to the limit: so it is the same
 * whether the rest is in the buffer, will be, or never was as a whole.
 */
static bool
scan_brackets(struct track *t, struct kx_chunk *chunk, bool last)
{
	const char *p = chunk->buf.ptr;
	size_t len = chunk->buf.len;
	size_t limit = chunk->max_record + SLACK + 1;
	bool doubted = t->suspect > 0 && !t->over;
	enum beginning found = MAY_BE;
	bool tear = false;

	if (!t->over && len - t->begin > limit)
		len = t->begin + limit;
	switch (track_brackets(t, p, len)) {
	case STEP_MORE:
		if (!t->over && len - t->begin == limit) {
			t->over = true;
			tear = doubted && look_at(t, p, len) == FAULTY;
		} else if (last && len == chunk->buf.len) {
			tear = doubted;
			if (!tear)
				return tear_text(t, chunk);
		}
		break;
	case STEP_END:
		tear = doubted && look_at(t, p, t->pos) == FAULTY;
		if (!tear)
			return end_text(t, chunk, t->pos, ARRAY_VALUE);
		break;
	case STEP_BREAK:
		t->broken = true;
		tear = doubted;
		break;
	case STEP_RS:
		tear = doubted;
		if (!tear)
			return end_text(t, chunk, t->pos, ARRAY_ANY);
		break;
	case STEP_SUSPECT:
		if (t->broken)
			return end_text(t, chunk, t->pos, ARRAY_ANY);
		if (!t->over) {
			if (t->suspect == 0)
				t->suspect = t->pos - t->begin;
			if (t->pos - t->begin >= 2 * t->checked)
				found = look_at(t, p, t->pos + 1);
			/* Nothing whole is among so many openings, and to
			 * begin again behind the first would take a thousand
			 * times as long. */
			if (found == DEEP)
				return end_text(t, chunk, t->pos, ARRAY_ANY);
			tear = found == FAULTY;
		}
		t->line_start = false;
		t->depth++;
		t->pos++;
		break;
	}
	if (tear)
		return end_text(t, chunk, t->begin + t->suspect, ARRAY_ANY);
	return true;
}

/* A number or a literal, up to what cannot belong to it. */
static bool
scan_word(struct track *t, struct kx_chunk *chunk, bool last)
{
	const char *p = chunk->buf.ptr;
	size_t len = chunk->buf.len, limit = chunk->max_record + SLACK + 1;

	while (t->pos < len && t->pos - t->begin < limit &&
	    !is_blank(p[t->pos]) &&
	    memchr("{}[],:\"\x1e", p[t->pos], 8) == NULL)
		t->pos++;
	if (t->pos - t->begin == limit) {
		t->in = IN_JUNK;
		return true;
	}
	if (t->pos == len && !last)
		return true;
	if (kx_json_check(p + t->begin, t->pos - t->begin, NULL, NULL) ==
	    KX_OK)
		return end_text(t, chunk, t->pos, ARRAY_VALUE);
	t->in = IN_JUNK;
	return true;
}

static bool
scan_junk(struct track *t, struct kx_chunk *chunk, bool last)
{
	const char *p = chunk->buf.ptr;
	size_t len = chunk->buf.len;

	while (t->pos < len && p[t->pos] != LF && p[t->pos] != '{' &&
	    p[t->pos] != '[' && p[t->pos] != RS &&
	    !(t->array != ARRAY_NONE && (p[t->pos] == ',' ||
	    p[t->pos] == ']')))
		t->pos++;
	if (t->pos == len)
		return !last || tear_text(t, chunk);
	return end_text(t, chunk, t->pos, ARRAY_ANY);
}

static bool
scan_string(struct track *t, struct kx_chunk *chunk, bool last)
{
	switch (track_string(t, chunk->buf.ptr, chunk->buf.len)) {
	case STEP_END:
		return end_text(t, chunk, t->pos, ARRAY_VALUE);
	case STEP_BREAK:
		return end_text(t, chunk, t->pos, ARRAY_ANY);
	default:
		return !last || tear_text(t, chunk);
	}
}

bool
kx_track_scan(struct track *t, struct kx_chunk *chunk, bool last)
{
	bool sound = true;

	while (sound && chunk->n_cuts < CUTS_MOST &&
	    (t->pos < chunk->buf.len || (last && t->in != IN_NONE)) &&
	    !(chunk->overlong && t->in == IN_NONE)) {
		switch (t->in) {
		case IN_NONE:
			sound = scan_between(t, chunk);
			break;
		case IN_BRACKETS:
			sound = scan_brackets(t, chunk, last);
			break;
		case IN_STRING:
			sound = scan_string(t, chunk, last);
			break;
		case IN_WORD:
			sound = scan_word(t, chunk, last);
			break;
		case IN_JUNK:
			sound = scan_junk(t, chunk, last);
			break;
		}
	}
	return sound;
}
