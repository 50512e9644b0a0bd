/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over the places that a kernel finds, which holds JSON's grammar and
 * writes the nodes.  Each kernel's file includes this behind its own KX_INDEX,
 * so that the walk is compiled for the same processor: numbers and escapes are
 * checked a vector at a time too, and that is a tenth of the whole scan.
 *
 * The walk never looks inside a string.  Places come a window at a time, which
 * bounds their list and keeps it in the first-level cache.
 */
#ifndef KX_JSON_WALK_H
#define KX_JSON_WALK_H

/* gcc would put the four words of a node together in a vector register, which
 * takes longer than all else at a node. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-slp-vectorize")
#endif

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kx/json.h"

#include "json-kernel.h"

_Static_assert(KX_WINDOW % 64 == 0, "windows are whole blocks");

/* The walk's place in the text. */
struct walk {
	struct kx_json *json;
	struct kx_index_state state;
	size_t fed;		/* bytes that the kernel has seen */
	const uint32_t *at;	/* the next place */
	const uint32_t *end;	/* behind the last one */
	const uint32_t *backslash;	/* the next block with a backslash;
					   UINT32_MAX ends the list */
	bool look_always;		/* the list was too long to keep */
	bool ended;		/* the end marks have been added */
	bool no_memory;
};

/* Have at least KX_LOOKAHEAD places ahead, or all that are left and the end
 * marks.  Makes room for the nodes that they can become.  False at the end,
 * and without memory. */
static KX_NOINLINE bool
refill(struct walk *w, uint32_t used)
{
	struct kx_json *json = w->json;
	size_t left = (size_t)(w->end - w->at), marks, n;
	uint32_t from;

	if (w->ended)
		return false;
	memmove(json->index, w->at, left * sizeof *json->index);
	n = left;
	/* A string that is still to be looked at begins at a place that is
	 * left: of the blocks only those from there on matter. */
	w->look_always = false;
	from = left > 0 ? json->index[0] & ~(uint32_t)63 : (uint32_t)w->fed;
	marks = 0;
	for (; *w->backslash != UINT32_MAX; w->backslash++)
		if (*w->backslash >= from)
			json->backslash[marks++] = *w->backslash;
	w->state.backslash = json->backslash + marks;
	while (n < KX_LOOKAHEAD && w->fed < json->text_len) {
		size_t len = json->text_len - w->fed;

		if (len > KX_WINDOW)
			len = KX_WINDOW;
		n += KX_INDEX(&w->state,
		    (const uint8_t *)json->text + w->fed, len,
		    (uint32_t)w->fed, json->index + n);
		w->fed += len;
		if (w->state.backslash > json->backslash + KX_WINDOW / 64) {
			/* A long string full of escapes: no room for another
			 * window's. */
			w->look_always = true;
			w->state.backslash = json->backslash;
		}
	}
	if (w->look_always) {
		json->backslash[0] = 0;
		w->state.backslash = json->backslash + 1;
	}
	*w->state.backslash = UINT32_MAX;
	w->backslash = json->backslash;
	if (w->fed == json->text_len) {
		size_t i;

		/* Marks at the end of the text: no token begins there, and
		 * the walk that used one has gone too far. */
		for (i = 0; i < KX_LOOKAHEAD; i++)
			json->index[n + i] = (uint32_t)json->text_len;
		w->ended = true;
	}
	w->at = json->index;
	w->end = json->index + n;
	if (!kx_json_grow(json, used, n + KX_LOOKAHEAD)) {
		w->no_memory = true;
		return false;
	}
	return true;
}

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 8259, section 6, to the letter. */
static bool
is_number_slow(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p == end || !is_digit(*p))
		return false;
	if (*p == '0' && p + 1 < end && is_digit(p[1]))
		return false;
	while (p < end && is_digit(*p))
		p++;
	if (p < end && *p == '.') {
		p++;
		if (p == end || !is_digit(*p))
			return false;
		while (p < end && is_digit(*p))
			p++;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (p == end || !is_digit(*p))
			return false;
		while (p < end && is_digit(*p))
			p++;
	}
	return p == end;
}

/* The same; integers and plain decimals of up to 32 bytes without a branch a
 * digit.  Reads up to 32 bytes from p. */
static inline bool
is_number(const char *p, size_t len)
{
#ifdef __SSE2__
	const char *start = p;
	size_t n = len;

	if (*p == '-') {
		p++;
		n--;
	}
	if (KX_LIKELY(n - 1 < 32)) {
		const __m128i zero = _mm_set1_epi8('0');
		const __m128i nine = _mm_set1_epi8(9);
		__m128i a = _mm_sub_epi8(
		    _mm_loadu_si128((const __m128i *)p), zero);
		__m128i b = _mm_sub_epi8(
		    _mm_loadu_si128((const __m128i *)(p + 16)), zero);
		uint32_t digits =
		    (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a,
		    _mm_min_epu8(a, nine))) |
		    (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b,
		    _mm_min_epu8(b, nine))) << 16;
		uint32_t others = ~digits &
		    (uint32_t)((UINT64_C(1) << n) - 1);
		unsigned point;

		if (others == 0)
			return *p != '0' || n == 1;
		point = (unsigned)__builtin_ctz(others);
		if ((others & (others - 1)) == 0 && p[point] == '.' &&
		    point > 0 && point < n - 1)
			return *p != '0' || point == 1;
	}
	return is_number_slow(start, start + len);
#else
	return is_number_slow(p, p + len);
#endif
}

/* Is there a backslash in p[0..len)?  32 bytes from p are readable. */
static inline bool
has_backslash(const char *p, size_t len)
{
#ifdef __SSE2__
	if (KX_LIKELY(len < 32)) {
		const __m128i bs = _mm_set1_epi8('\\');
		uint32_t found =
		    (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bs,
		    _mm_loadu_si128((const __m128i *)p))) |
		    (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bs,
		    _mm_loadu_si128((const __m128i *)(p + 16)))) << 16;

		return (found & (uint32_t)((UINT64_C(1) << len) - 1)) != 0;
	}
#endif
	return memchr(p, '\\', len) != NULL;
}

/* Is there a backslash in a block that the string from quote `open` to quote
 * `close` touches?  Blocks that lie behind are dropped. */
static inline bool
may_escape(struct walk *w, size_t open, size_t close)
{
	/* Two end marks are no string; the walk is about to find out. */
	if (close <= open)
		return false;
	if (w->look_always)
		return true;
	while (*w->backslash != UINT32_MAX && *w->backslash + 64 <= open)
		w->backslash++;
	return *w->backslash < close;
}

/* Are the four bytes at p hexadecimal digits?  In each byte of a word bit 7
 * says whether it is over a limit. */
static inline bool
is_hex4(const char *p)
{
	const uint32_t each = 0x01010101, low = 0x7f * each, top = 0x80 * each;
	uint32_t word, digit, letter, no_digit, no_letter;

	memcpy(&word, p, sizeof word);
	digit = word ^ '0' * each;
	letter = (word | 0x20 * each) ^ 0x60 * each;	/* 1 to 6 */
	no_digit = ((digit & low) + (0x80 - 10) * each) | digit;
	no_letter = ((letter & low) + (0x80 - 7) * each) | letter |
	    ~((letter & low) + (0x80 - 1) * each);
	return (no_digit & no_letter & top) == 0;
}

static inline bool
is_escape(char c)
{
	return c == '/' || c == 'n' || c == '"' || c == '\\' || c == 't' ||
	    c == 'r' || c == 'b' || c == 'f';
}

/* Are the escapes of p[0..len), in which there is one, those of RFC 8259,
 * section 7?  Text in another script is all escapes, so the next one is looked
 * for only where it does not follow at once. */
static bool
escapes_ok(const char *p, size_t len)
{
	const char *end = p + len;

	for (;;) {
		if (p == end)
			return true;
		if (*p != '\\') {
			p = memchr(p, '\\', (size_t)(end - p));
			if (p == NULL)
				return true;
		}
		if (end - p >= 6 && p[1] == 'u') {
			if (!is_hex4(p + 2))
				return false;
			p += 6;
		} else {
			if (end - p < 2 || !is_escape(p[1]))
				return false;
			p += 2;
		}
	}
}

/* Is the scalar at `off` this word?  Every other scalar byte up to the next
 * place is the same scalar's, so it is enough to look at the one behind. */
KX_INLINE bool
is_word(const char *text, size_t off, size_t next, const char *word,
    size_t len)
{
	return memcmp(text + off, word, len) == 0 && (next == off + len ||
	    (next > off + len && is_space(text[off + len])));
}

/*
 * The walk.  One function with a label for each state of the grammar: what
 * can follow is where the program is, and costs no variable.  Long for that
 * reason.
 */
static bool
walk(struct walk *w)
{
	struct kx_json *json = w->json;
	const char *text = json->text;
	struct kx_json_node *node;
	uint32_t n = 0;		/* nodes written */
	uint32_t depth = 0;
	uint32_t open = 0;	/* the innermost open container's node */
	size_t off, end;	/* as wide as an address: gcc would widen them
				   by way of a vector register */
	uint32_t flag;
	uint32_t notable = 0;

#define HAVE() \
	do { \
		if (KX_UNLIKELY((size_t)(w->end - at) < KX_LOOKAHEAD) && \
		    !w->ended) { \
			w->at = at; \
			if (!refill(w, n)) \
				return false; \
			at = w->at; \
			node = json->node; \
		} else if (KX_UNLIKELY(at >= w->end)) { \
			return false; \
		} \
	} while (0)
#define NODE(o, l, m) \
	do { \
		node[n].off = (uint32_t)(o); \
		node[n].len = (uint32_t)(l); \
		node[n].meta = (m); \
		node[n].next = n + 1; \
		n++; \
	} while (0)
#define STRING_FLAG(o, e) \
	do { \
		flag = 0; \
		if (KX_UNLIKELY(*w->backslash < (e)) && \
		    may_escape(w, o, e) && \
		    has_backslash(text + (o) + 1, (e) - (o) - 1)) { \
			if (!escapes_ok(text + (o) + 1, (e) - (o) - 1)) \
				return false; \
			flag = KX_JSON_ESCAPED; \
			json->notable[notable % KX_JSON_NOTABLE] = n; \
			notable++; \
		} \
	} while (0)

/* A value; behind a scalar it goes on at `next`, which knows what it is in.
 * Twice in the program, so that a branch is guessed by what it is in, too. */
#define VALUE(next) \
	off = at[0]; \
	if (text[off] == '"') { \
		end = at[1]; \
		STRING_FLAG(off, end); \
		NODE(off, end - off + 1, KX_JSON_STRING | flag); \
		at += 2; \
		goto next; \
	} \
	switch (text[off]) { \
	case '-': \
	case '0': case '1': case '2': case '3': case '4': \
	case '5': case '6': case '7': case '8': case '9': \
		end = at[1]; \
		while (end > off && is_space(text[end - 1])) \
			end--; \
		if (KX_UNLIKELY(!is_number(text + off, end - off))) \
			return false; \
		json->notable[notable % KX_JSON_NOTABLE] = n; \
		notable += end - off >= KX_JSON_LONG; \
		NODE(off, end - off, KX_JSON_NUMBER); \
		at++; \
		goto next; \
	case '{': \
		goto object; \
	case '[': \
		goto array; \
	case 't': \
		if (!is_word(text, off, at[1], "true", 4)) \
			return false; \
		NODE(off, 4, KX_JSON_TRUE); \
		at++; \
		goto next; \
	case 'f': \
		if (!is_word(text, off, at[1], "false", 5)) \
			return false; \
		NODE(off, 5, KX_JSON_FALSE); \
		at++; \
		goto next; \
	case 'n': \
		if (!is_word(text, off, at[1], "null", 4)) \
			return false; \
		NODE(off, 4, KX_JSON_NULL); \
		at++; \
		goto next; \
	default: \
		return false; \
	}

	const uint32_t *at = w->at;

	node = json->node;
	HAVE();
	VALUE(array_next)

object:		/* at a { */
	if (KX_UNLIKELY(depth == KX_MAX_DEPTH))
		return false;
	json->stack[depth++] = open;
	open = n;
	NODE(off, 0, KX_JSON_OBJECT);
	at++;
	HAVE();
	if (text[at[0]] == '}')
		goto close;
member:		/* at a member's name; HAVE() has been asked for it */
	off = at[0];
	end = at[1];
	if (KX_UNLIKELY(text[off] != '"' || text[at[2]] != ':'))
		return false;
	STRING_FLAG(off, end);
	NODE(off, end - off + 1, KX_JSON_STRING | KX_JSON_KEY | flag);
	at += 3;
	VALUE(object_next)
object_next:	/* behind a value in an object */
	HAVE();
	if (KX_LIKELY(text[at[0]] == ',')) {
		at++;
		goto member;
	}
	if (text[at[0]] == '}')
		goto close;
	return false;

array:		/* at a [ */
	if (KX_UNLIKELY(depth == KX_MAX_DEPTH))
		return false;
	json->stack[depth++] = open;
	open = n;
	NODE(off, 0, KX_JSON_ARRAY);
	at++;
	HAVE();
	if (text[at[0]] == ']')
		goto close;
element:
	VALUE(array_next)
array_next:	/* behind a value in an array, or behind the text's only one */
	if (KX_UNLIKELY(depth == 0))
		goto done;
	HAVE();
	if (text[at[0]] == ',') {
		at++;
		goto element;
	}
	if (KX_UNLIKELY(text[at[0]] != ']'))
		return false;

close:		/* at the bracket that closes `open` */
	node[open].len = at[0] - node[open].off + 1;
	node[open].next = n;
	at++;
	open = json->stack[--depth];
	if ((node[open].meta & KX_JSON_TYPE_MASK) == KX_JSON_OBJECT &&
	    KX_LIKELY(depth > 0))
		goto object_next;
	goto array_next;

done:
	/* Nothing may be left: no place, no byte that a kernel has not seen,
	 * no string without an end. */
	if (!w->ended && at == w->end) {
		w->at = at;
		if (!refill(w, n))
			return false;
		at = w->at;
	}
	if (at != w->end || !w->ended)
		return false;
	if (w->state.in_string != 0 || w->state.bad != 0)
		return false;
	json->n_nodes = n;
	json->n_notable = notable;
	return true;
#undef HAVE
#undef NODE
#undef STRING_FLAG
#undef VALUE
}

/* struct kx_kernel.scan of this kernel. */
static inline enum kx_status
walk_text(struct kx_json *json, bool *high)
{
	struct walk w = { .json = json, .backslash = json->backslash,
	    .at = json->index, .end = json->index };
	bool ok;

	json->backslash[0] = UINT32_MAX;
	ok = walk(&w);
	*high = w.state.high != 0;
	return ok ? KX_OK : w.no_memory ? KX_FAIL : KX_BAD;
}

#endif
