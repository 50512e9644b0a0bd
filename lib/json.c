/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scanner: from the places that a kernel found to a list of nodes.
 *
 * A kernel looks at every byte, 64 at a time, and names the places of
 * brackets, commas, colons, both quotes of each string, and the first byte of
 * each other scalar.  This file walks those places, so it never looks inside a
 * string; it holds the grammar, checks numbers and words, and writes nodes.
 * Places come a window at a time, which bounds their list and keeps it in the
 * first-level cache.
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
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kx/json.h"
#include "kx/kernel.h"

/* Bytes whose places are asked for at a time.  A multiple of 64. */
#define WINDOW ((size_t)16 << 10)

/* Places that may be read behind the last one: the most that one step of the
 * walk looks at.  That is a comma, a name's quotes, a colon, a value's quotes
 * or a value and what is behind it. */
#define LOOKAHEAD 8

/* Nodes at first: an event without images has about 170. */
#define NODES_MIN 1024

_Static_assert(WINDOW % 64 == 0, "windows are whole blocks");

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
	json->index = malloc((WINDOW + 2 * LOOKAHEAD + 64 + 64) *
	    sizeof *json->index);
	/* A window's blocks, those left of the one before, and the end. */
	json->backslash = malloc((2 * WINDOW / 64 + 2) *
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

static bool
grow_nodes(struct kx_json *json, uint32_t used, size_t more)
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

/* Have at least LOOKAHEAD places ahead, or all that are left and the end
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
	while (n < LOOKAHEAD && w->fed < json->text_len) {
		size_t len = json->text_len - w->fed;

		if (len > WINDOW)
			len = WINDOW;
		n += json->kernel->index(&w->state,
		    (const uint8_t *)json->text + w->fed, len,
		    (uint32_t)w->fed, json->index + n);
		w->fed += len;
		if (w->state.backslash > json->backslash + WINDOW / 64) {
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
		for (i = 0; i < LOOKAHEAD; i++)
			json->index[n + i] = (uint32_t)json->text_len;
		w->ended = true;
	}
	w->at = json->index;
	w->end = json->index + n;
	if (!grow_nodes(json, used, n + LOOKAHEAD)) {
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
may_escape(struct walk *w, uint32_t open, uint32_t close)
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

static inline bool
is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Are the escapes of p[0..len), in which there is one, those of RFC 8259,
 * section 7? */
static bool
escapes_ok(const char *p, size_t len)
{
	const char *end = p + len;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (end - p < 2)
			return false;
		if (p[1] == 'u') {
			if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) ||
			    !is_hex(p[4]) || !is_hex(p[5]))
				return false;
			p += 6;
		} else if (memchr("\"\\/bfnrt", p[1], 8) != NULL) {
			p += 2;
		} else {
			return false;
		}
	}
	return true;
}

/* Is the scalar at `off` this word?  Every other scalar byte up to the next
 * place is the same scalar's, so it is enough to look at the one behind. */
KX_INLINE bool
is_word(const char *text, uint32_t off, uint32_t next, const char *word,
    uint32_t len)
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
	uint32_t off, end, flag;

#define HAVE() \
	do { \
		if (KX_UNLIKELY((size_t)(w->end - at) < LOOKAHEAD) && \
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
		node[n].off = (o); \
		node[n].len = (l); \
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
		} \
	} while (0)

/* A value; behind a scalar it goes on at `next`, which knows what it is in.
 * Twice in the program, so that a branch is guessed by what it is in, too. */
#define VALUE(next) \
	off = at[0]; \
	switch (text[off]) { \
	case '"': \
		end = at[1]; \
		STRING_FLAG(off, end); \
		NODE(off, end - off + 1, KX_JSON_STRING | flag); \
		at += 2; \
		goto next; \
	case '-': \
	case '0': case '1': case '2': case '3': case '4': \
	case '5': case '6': case '7': case '8': case '9': \
		end = at[1]; \
		while (end > off && is_space(text[end - 1])) \
			end--; \
		if (KX_UNLIKELY(!is_number(text + off, end - off))) \
			return false; \
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
	return true;
#undef HAVE
#undef NODE
#undef STRING_FLAG
#undef VALUE
}

enum kx_status
kx_json_scan(struct kx_json *json, const char *text, size_t len,
    struct kx_json_error *err)
{
	struct walk w = { .json = json, .at = json->index, .end = json->index,
	    .backslash = json->backslash };

	json->backslash[0] = UINT32_MAX;
	json->text = text;
	json->text_len = len;
	json->n_nodes = 0;
	if (KX_LIKELY(len <= KX_MAX_RECORD_LIMIT && walk(&w) &&
	    (w.state.high == 0 ||
	    json->kernel->utf8((const uint8_t *)text, len))))
		return KX_OK;
	json->n_nodes = 0;
	if (w.no_memory)
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

static unsigned
hex4(const char *p)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(is_digit(p[i]) ? p[i] - '0' :
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
	uint32_t c;

	if (q[1] != 'u') {
		b[0] = value[strchr(plain, q[1]) - plain];
		*p = q + 2;
		return 1;
	}
	c = hex4(q + 2);
	q += 6;
	if (c >= 0xd800 && c < 0xdc00 && end - q >= 6 && q[0] == '\\' &&
	    q[1] == 'u' && hex4(q + 2) >= 0xdc00 && hex4(q + 2) < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (hex4(q + 2) - 0xdc00);
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
				if (s.ptr[k] == '~')
					kx_buf_adds(out, "~0");
				else if (s.ptr[k] == '/')
					kx_buf_adds(out, "~1");
				else
					kx_buf_addc(out, s.ptr[k]);
			}
			at = i + 1;
		} else {
			kx_buf_addu64(out, element);
			at = i;
		}
	}
	kx_buf_free(&scratch);
}
