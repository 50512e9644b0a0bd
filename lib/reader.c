/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records out of a stream of bytes.
 *
 * Whatever is read goes into the chunk that is being filled; bytes behind the
 * last whole record are carried over to the next chunk.  So that little has
 * to be carried where records are large, the chunk grows with what was
 * carried last (up to CHUNK_MOST).
 *
 * What is handed out does not depend on how the input came in: every
 * decision is taken at a place in the data, never at the end of a read.
 *
 * LINES costs one count of line ends a byte; SEQ one search more.  CONCAT is
 * followed through every byte (reader-concat.h).
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kx/json.h"
#include "kx/kernel.h"
#include "kx/reader.h"
#include "reader-concat.h"

#define CHUNK_MOST ((size_t)2 << 20)
#define CARRY_KEPT ((size_t)4 << 20)	/* capacity kept for the next time */

struct kx_reader {
	struct kx_source *source;
	const struct kx_kernel *kernel;
	bool (*idle)(void *arg);
	void *idle_arg;
	enum kx_framing framing;
	size_t max_record;
	struct kx_buf carry;	/* read and not handed out */
	size_t known;		/* bytes of it that hold no record's end */
	uint64_t off, line;	/* of its first byte */
	uint64_t column;	/* bytes of the line in front of it */
	bool begun;		/* any BOM is behind us */
	bool end;		/* of the source */
	bool fatal;
	bool overlong;		/* in the middle of such a record */
	struct kx_error fault;
	struct track track;
};

/* More bytes behind buf->len, at most `most`, for which there is room. */
static enum kx_status
fill(struct kx_reader *r, struct kx_buf *buf, size_t most)
{
	enum kx_status status;
	size_t got;

	if (r->fatal)
		return KX_FATAL;
	if (r->end)
		return KX_EOF;
	if (r->idle != NULL && kx_source_would_wait(r->source) &&
	    !r->idle(r->idle_arg)) {
		r->end = true;
		return KX_EOF;
	}
	status = kx_source_read(r->source, buf->ptr + buf->len, most, &got,
	    &r->fault);
	buf->len += got;
	if (status == KX_EOF)
		r->end = true;
	else if (status != KX_OK)
		r->fatal = true;
	return status;
}

static enum kx_status
fail_memory(struct kx_reader *r)
{
	r->fatal = true;
	return kx_error_set(&r->fault, KX_FATAL, ENOMEM, "cannot read");
}

/* Bytes [from..buf->len) go to the next chunk. */
static bool
carry_over(struct kx_reader *r, struct kx_buf *buf, size_t from)
{
	kx_buf_reset(&r->carry, CARRY_KEPT);
	kx_buf_add(&r->carry, buf->ptr + from, buf->len - from);
	buf->len = from;
	return !kx_buf_failed(&r->carry);
}

/* Begin a chunk with what was carried over; the size to fill it to. */
static bool
start_chunk(struct kx_reader *r, struct kx_chunk *chunk, size_t *target)
{
	struct kx_buf *buf = &chunk->buf;
	size_t want = KX_CHUNK;

	kx_buf_reset(buf, CARRY_KEPT);
	chunk->off = r->off;
	chunk->line = r->line;
	chunk->column = r->column;
	chunk->framing = r->framing;
	chunk->max_record = r->max_record;
	chunk->last = chunk->torn = false;
	chunk->overlong = chunk->overlong_first = chunk->overlong_last =
	    chunk->refused = false;
	chunk->n_cuts = 0;
	while (want < 4 * r->known && want < CHUNK_MOST)
		want *= 2;
	*target = want;
	if (r->carry.len >= want) {
		/* Much of it: the buffers change places, not the bytes. */
		struct kx_buf other = *buf;

		*buf = r->carry;
		r->carry = other;
		return true;
	}
	if (!kx_buf_reserve(buf, want))
		return false;
	kx_buf_add(buf, r->carry.ptr, r->carry.len);
	r->carry.len = 0;
	return true;
}

/* The chunk is done: count on. */
static void
finish_chunk(struct kx_reader *r, struct kx_chunk *chunk, uint64_t lines)
{
	const char *found;

	chunk->last = r->end && r->carry.len == 0 && !r->overlong;
	r->off += chunk->buf.len;
	r->line += lines;
	r->column += chunk->buf.len;
	if (lines > 0) {
		found = memrchr(chunk->buf.ptr, LF, chunk->buf.len);
		r->column = (size_t)(chunk->buf.ptr + chunk->buf.len -
		    found) - 1;
	}
	kx_chunk_rewind(chunk);
}

static uint64_t
count_lines(const struct kx_reader *r, const struct kx_buf *buf)
{
	size_t last;

	return r->kernel->lines((const uint8_t *)buf->ptr, buf->len, &last);
}

/*
 * Room for more of a record that fills the chunk: twice as much, but not
 * more than shows that it is over the limit.  KX_FAIL: no memory.
 */
static enum kx_status
grow(struct kx_reader *r, struct kx_buf *buf, size_t *target)
{
	size_t most = r->max_record + SLACK + 1;

	if (buf->len < *target)
		return KX_OK;
	*target = buf->len > most / 2 ? most : 2 * buf->len;
	if (*target <= buf->len)
		*target = buf->len + 1;
	if (kx_buf_reserve(buf, *target - buf->len))
		return KX_OK;
	buf->failed = false;
	return kx_error_set(&r->fault, KX_FAIL, ENOMEM,
	    "a record of more than %zu bytes is skipped", buf->len);
}

/* All that is in the chunk is the first piece of a record too long, or of one
 * for which memory was refused. */
static void
begin_overlong(struct kx_reader *r, struct kx_chunk *chunk, bool refused)
{
	chunk->overlong = chunk->overlong_first = true;
	chunk->refused = refused;
	r->overlong = true;
}

/* Fill with lines.  *lines: how many line ends are handed out. */
static enum kx_status
next_lines(struct kx_reader *r, struct kx_chunk *chunk, size_t target,
    uint64_t *lines)
{
	struct kx_buf *buf = &chunk->buf;
	size_t pos = r->known, end = 0, last;
	enum kx_status status = KX_OK;

	*lines = 0;
	r->known = 0;
	for (;;) {
		if (pos < buf->len) {
			*lines += r->kernel->lines((uint8_t *)buf->ptr + pos,
			    buf->len - pos, &last);
			if (last != 0)
				end = pos + last;
			pos = buf->len;
		}
		if (end > 0 && (buf->len >= target ||
		    kx_source_would_wait(r->source)))
			break;
		if (end == 0) {
			if (buf->len > r->max_record + SLACK) {
				begin_overlong(r, chunk, false);
				return KX_OK;
			}
			status = grow(r, buf, &target);
			if (status == KX_FAIL) {
				begin_overlong(r, chunk, true);
				return KX_FAIL;
			}
		}
		status = fill(r, buf, target - buf->len);
		if (status == KX_EOF)
			return KX_OK;
		if (status != KX_OK) {
			buf->len = end;	/* the rest is torn */
			return status;
		}
	}
	if (!carry_over(r, buf, end))
		return fail_memory(r);
	r->known = r->carry.len;
	return KX_OK;
}

/* The rest of a record over the limit, in LINES and SEQ: to `ender`, which
 * belongs to it in LINES alone. */
static enum kx_status
next_overlong(struct kx_reader *r, struct kx_chunk *chunk, size_t target)
{
	struct kx_buf *buf = &chunk->buf;
	bool line = r->framing == KX_FRAMING_LINES;
	enum kx_status status = KX_OK;
	const char *found;
	size_t end;

	chunk->overlong = true;
	if (buf->len == 0)
		status = fill(r, buf, target);
	if (status == KX_FATAL)
		return status;
	found = buf->len == 0 ? NULL :
	    memchr(buf->ptr, line ? LF : RS, buf->len);
	if (found == NULL && status != KX_EOF)
		return KX_OK;
	chunk->overlong_last = true;
	r->overlong = false;
	if (found == NULL)
		return KX_OK;
	end = (size_t)(found - buf->ptr) + (line ? 1 : 0);
	return carry_over(r, buf, end) ? KX_OK : fail_memory(r);
}

/* Last RS in p[from..len), or len. */
static size_t
last_rs(const char *p, size_t from, size_t len)
{
	const char *found = len > from ? memrchr(p + from, RS, len - from) :
	    NULL;

	return found == NULL ? len : (size_t)(found - p);
}

/* Is the one record p[0..len) of a sequence whole, so that it need not wait
 * for the RS of the next?  Only what ends in a line end can be. */
static bool
is_whole(struct kx_reader *r, const char *p, size_t len)
{
	if (len == 0 || p[len - 1] != LF || len < r->known + r->known / 8)
		return false;
	r->known = len;
	return kx_json_check(p + (p[0] == RS), len - (p[0] == RS), NULL,
	    NULL) == KX_OK;
}

/*
 * Fill with records of a sequence.  An RS begins each; one at the end of the
 * buffer ends the one before.  A record that is a whole text and ended by LF
 * is handed out before its successor's RS is waited for: what stands between
 * the two, if it is not blank, is then a (bad) record by itself.
 */
static enum kx_status
next_seq(struct kx_reader *r, struct kx_chunk *chunk, size_t target,
    uint64_t *lines)
{
	struct kx_buf *buf = &chunk->buf;
	size_t pos = r->known > 0 ? r->known : 1, end = 0, at;
	enum kx_status status = KX_OK;

	r->known = 0;
	for (;;) {
		at = last_rs(buf->ptr, pos, buf->len);
		if (at < buf->len)
			end = at;
		if (pos < buf->len)
			pos = buf->len;
		if (end > 0 && buf->len >= target)
			break;
		if (kx_source_would_wait(r->source)) {
			if (is_whole(r, buf->ptr + end, buf->len - end))
				end = buf->len;
			if (end > 0)
				break;
		}
		if (end == 0) {
			if (buf->len > r->max_record + SLACK)
				status = KX_BAD;
			else
				status = grow(r, buf, &target);
			if (status != KX_OK) {
				begin_overlong(r, chunk, status == KX_FAIL);
				*lines = count_lines(r, buf);
				return status == KX_BAD ? KX_OK : status;
			}
		}
		status = fill(r, buf, target - buf->len);
		if (status == KX_EOF) {
			*lines = count_lines(r, buf);
			return KX_OK;
		}
		if (status != KX_OK) {
			buf->len = end;
			*lines = count_lines(r, buf);
			return status;
		}
	}
	if (!carry_over(r, buf, end))
		return fail_memory(r);
	*lines = count_lines(r, buf);
	r->known = r->carry.len;
	return KX_OK;
}

/* Hand out buf[0..end) and carry the rest over. */
static enum kx_status
emit_texts(struct kx_reader *r, struct kx_chunk *chunk, size_t end,
    uint64_t *lines)
{
	struct track *t = &r->track;

	if (!carry_over(r, &chunk->buf, end))
		return fail_memory(r);
	t->begin = t->begin > end ? t->begin - end : 0;
	t->pos -= end;
	r->known = r->carry.len;
	*lines = count_lines(r, &chunk->buf);
	return KX_OK;
}

static enum kx_status
next_texts(struct kx_reader *r, struct kx_chunk *chunk, size_t target,
    uint64_t *lines)
{
	struct kx_buf *buf = &chunk->buf;
	struct track *t = &r->track;
	enum kx_status status = KX_OK;
	size_t done;

	chunk->overlong = r->overlong;
	for (;;) {
		if (!kx_track_scan(&r->track, chunk, r->end))
			return fail_memory(r);
		if (r->overlong) {
			if (t->in == IN_NONE && (buf->len > 0 || r->end)) {
				chunk->overlong_last = true;
				r->overlong = false;
				return emit_texts(r, chunk, t->pos, lines);
			}
			if (buf->len > 0) {
				/* Nothing of it is needed any more. */
				t->pos = buf->len;
				return emit_texts(r, chunk, buf->len, lines);
			}
		}
		done = t->in == IN_NONE ? t->pos : t->begin;
		if (chunk->n_cuts >= CUTS_MOST)
			break;
		if (r->end) {
			if (t->array != ARRAY_NONE) {
				chunk->torn = true;
				if (!kx_track_cut(chunk, buf->len, buf->len))
					return fail_memory(r);
			}
			t->array = ARRAY_NONE;
			break;
		}
		if (done > 0 && (buf->len >= target || (chunk->n_cuts > 0 &&
		    kx_source_would_wait(r->source))))
			break;
		if (done == 0 && !r->overlong && buf->len > 0) {
			if (buf->len > r->max_record + SLACK)
				status = KX_BAD;
			else
				status = grow(r, buf, &target);
			/* That a comma is missing in front of it goes first. */
			if (status != KX_OK && chunk->n_cuts > 0)
				break;
			if (status != KX_OK) {
				begin_overlong(r, chunk, status == KX_FAIL);
				t->over = true;
				(void)emit_texts(r, chunk, buf->len, lines);
				return status == KX_BAD ? KX_OK : status;
			}
		}
		status = fill(r, buf, target - buf->len);
		if (status == KX_FATAL) {
			buf->len = done;
			*lines = count_lines(r, buf);
			return status;
		}
	}
	return emit_texts(r, chunk, done, lines);
}

/* One byte of a text that follows another. */
static bool
is_another(const char *p, size_t at, size_t len)
{
	return at < len && (p[at] == '{' || p[at] == '[');
}

static bool
is_cut_short(enum kx_status status, const struct kx_json_error *err)
{
	return status != KX_OK && strcmp(err->rule, "truncated-record") == 0;
}

/*
 * The first line is the beginning of a text: is it pretty-printed, or was the
 * line torn?  It may go on where its next byte is one that JSON allows there;
 * but a next line that is a text by itself had better stay one.
 */
static enum kx_framing
detect_more(const char *p, size_t start, size_t lf, size_t len, bool end,
    size_t limit)
{
	struct kx_json_error err;
	enum kx_status status;
	const char *found;
	size_t next, stop;

	next = skip_blank(p, lf, len);
	if (next == len)
		return end || next - lf > KX_CHUNK ? KX_FRAMING_LINES :
		    KX_FRAMING_AUTO;
	status = kx_json_check(p + start, next + 1 - start, NULL, &err);
	if (status != KX_OK && !is_cut_short(status, &err))
		return KX_FRAMING_LINES;
	if (!is_another(p, next, len))
		return KX_FRAMING_CONCAT;
	found = memchr(p + next, LF, len - next);
	if (found == NULL && !end && len - next <= limit)
		return KX_FRAMING_AUTO;
	stop = found == NULL ? len : (size_t)(found - p);
	return kx_json_check(p + next, stop - next, NULL, NULL) == KX_OK ?
	    KX_FRAMING_LINES : KX_FRAMING_CONCAT;
}

/* The framing of a stream that begins with p[0..len); AUTO where more is
 * needed to tell, which is never so at the end. */
static enum kx_framing
detect(const char *p, size_t len, bool end, size_t limit)
{
	struct kx_json_error err;
	enum kx_status status;
	const char *found;
	size_t start, stop, behind;
	bool over;

	start = skip_blank(p, 0, len);
	if (start > KX_CHUNK || (start == len && end))
		return KX_FRAMING_LINES;
	if (start == len)
		return KX_FRAMING_AUTO;
	if (p[start] == RS)
		return KX_FRAMING_SEQ;
	if (p[start] == '[')
		return KX_FRAMING_CONCAT;
	found = memchr(p + start, LF, len - start);
	stop = found == NULL ? len : (size_t)(found - p);
	/* Whether more of a line is there than matters must not matter. */
	over = stop - start > limit;
	if (over)
		stop = start + limit;
	status = kx_json_check(p + start, stop - start, &behind, &err);
	if (status == KX_OK) {
		behind = skip_blank(p, start + behind, stop);
		if (is_another(p, behind, stop))
			return KX_FRAMING_CONCAT;
		return over || found != NULL || end || behind < stop ?
		    KX_FRAMING_LINES : KX_FRAMING_AUTO;
	}
	if (over || !is_cut_short(status, &err))
		return KX_FRAMING_LINES;
	if (found == NULL)
		return end ? KX_FRAMING_LINES : KX_FRAMING_AUTO;
	return detect_more(p, start, stop, len, end, limit);
}

/* Before the first chunk: drop a BOM, decide on the framing. */
static enum kx_status
begin(struct kx_reader *r)
{
	static const unsigned char bom[3] = { 0xef, 0xbb, 0xbf };
	struct kx_buf *buf = &r->carry;
	size_t limit = r->max_record + SLACK, from, tried = 0;
	enum kx_status status = KX_OK;

	do {
		if (!kx_buf_reserve(buf, KX_CHUNK))
			return fail_memory(r);
		status = fill(r, buf, KX_CHUNK);
	} while (status == KX_OK && buf->len < 3 &&
	    !memcmp(buf->ptr, bom, buf->len));
	if (buf->len >= 3 && !memcmp(buf->ptr, bom, 3)) {
		buf->len -= 3;
		memmove(buf->ptr, buf->ptr + 3, buf->len);
		r->off += 3;
	}
	from = 0;
	while (r->framing == KX_FRAMING_AUTO) {
		/* Trying costs time: only with a new line end, or much more
		 * than before. */
		if (status != KX_OK || buf->len - tried > tried / 8 ||
		    memchr(buf->ptr + from, LF, buf->len - from) != NULL) {
			tried = buf->len;
			r->framing = detect(buf->ptr, buf->len,
			    status != KX_OK, limit);
			if (r->framing != KX_FRAMING_AUTO)
				break;
		}
		from = buf->len;
		if (!kx_buf_reserve(buf, KX_CHUNK))
			return fail_memory(r);
		status = fill(r, buf, KX_CHUNK);
	}
	r->begun = true;
	return KX_OK;
}

enum kx_status
kx_reader_next(struct kx_reader *r, struct kx_chunk *chunk,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;
	uint64_t lines = 0;
	size_t target;

	chunk->buf.len = 0;
	chunk->n_cuts = 0;
	chunk->overlong = false;
	kx_chunk_rewind(chunk);
	if (!r->begun)
		status = begin(r);
	if (status == KX_OK && r->end && r->carry.len == 0 && !r->overlong &&
	    r->track.array == ARRAY_NONE)
		return KX_EOF;
	if (status == KX_OK && !start_chunk(r, chunk, &target))
		status = fail_memory(r);
	if (status == KX_OK) {
		if (r->framing == KX_FRAMING_CONCAT)
			status = next_texts(r, chunk, target, &lines);
		else if (r->overlong)
			status = next_overlong(r, chunk, target);
		else if (r->framing == KX_FRAMING_SEQ)
			status = next_seq(r, chunk, target, &lines);
		else
			status = next_lines(r, chunk, target, &lines);
		if (chunk->overlong && r->framing != KX_FRAMING_CONCAT)
			lines = count_lines(r, &chunk->buf);
		finish_chunk(r, chunk, lines);
	}
	if (status == KX_OK && chunk->buf.len == 0 && chunk->n_cuts == 0 &&
	    !chunk->overlong)
		return KX_EOF;
	if (status != KX_OK && err != NULL)
		*err = r->fault;
	return status;
}

bool
kx_reader_would_wait(struct kx_reader *r)
{
	return !r->end && !r->fatal && kx_source_would_wait(r->source);
}

enum kx_status
kx_reader_open(struct kx_source *source,
    const struct kx_reader_options *options, struct kx_reader **out,
    struct kx_error *err)
{
	struct kx_reader *r;

	*out = NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot read");
	r->source = source;
	r->kernel = options->kernel != NULL ? options->kernel :
	    kx_kernel_get(NULL);
	r->idle = options->idle;
	r->idle_arg = options->idle_arg;
	r->framing = options->framing;
	r->max_record = options->max_record != 0 ? options->max_record :
	    KX_MAX_RECORD_DEFAULT;
	if (r->max_record > KX_MAX_RECORD_LIMIT)
		r->max_record = KX_MAX_RECORD_LIMIT;
	r->off = options->base_off;
	r->line = options->base_line != 0 ? options->base_line : 1;
	*out = r;
	return KX_OK;
}

void
kx_reader_close(struct kx_reader *r)
{
	if (r == NULL)
		return;
	kx_buf_free(&r->carry);
	free(r);
}

void
kx_chunk_init(struct kx_chunk *chunk)
{
	memset(chunk, 0, sizeof(*chunk));
}

void
kx_chunk_fini(struct kx_chunk *chunk)
{
	kx_buf_free(&chunk->buf);
	free(chunk->cut);
	kx_chunk_init(chunk);
}

void
kx_chunk_rewind(struct kx_chunk *chunk)
{
	chunk->pos = chunk->cut_pos = chunk->line_from = 0;
	chunk->line_pos = chunk->line;
	chunk->line_begin = -(int64_t)chunk->column;
}

/* Fill *record with text [begin, end) and raw [raw_begin, raw_end). */
static enum kx_status
set_record(struct kx_chunk *chunk, struct kx_record *record, size_t begin,
    size_t end, size_t raw_begin, size_t raw_end)
{
	const char *p = chunk->buf.ptr;

	record->text = (struct kx_span){ p + begin, end - begin };
	record->raw = (struct kx_span){ p + raw_begin, raw_end - raw_begin };
	record->off = chunk->off + begin;
	record->line = chunk->line_pos;
	record->column = 1;
	if (chunk->framing != KX_FRAMING_LINES)
		record->column = (uint64_t)((int64_t)begin -
		    chunk->line_begin) + 1;
	record->unended = raw_end == raw_begin || p[raw_end - 1] != LF;
	record->multiline = chunk->framing != KX_FRAMING_LINES;
	record->overlong = record->text.len > chunk->max_record;
	return KX_OK;
}

/* The end of the text [begin, end) without its line end. */
static size_t
strip_line_end(const char *p, size_t begin, size_t end)
{
	if (end > begin && p[end - 1] == LF)
		end--;
	if (end > begin && p[end - 1] == '\r')
		end--;
	return end;
}

/* chunk->line_pos is made the line of buf.ptr[at]. */
static void
advance_line(struct kx_chunk *chunk, size_t at)
{
	const char *p = chunk->buf.ptr, *found;

	while (chunk->line_from < at && (found = memchr(p + chunk->line_from,
	    LF, at - chunk->line_from)) != NULL) {
		chunk->line_pos++;
		chunk->line_from = (size_t)(found - p) + 1;
		chunk->line_begin = (int64_t)chunk->line_from;
	}
	chunk->line_from = at;
}

static enum kx_status
chunk_next_cut(struct kx_chunk *chunk, struct kx_record *record)
{
	const char *p = chunk->buf.ptr;
	size_t begin, end, raw;

	if (chunk->cut_pos == chunk->n_cuts)
		return KX_EOF;
	begin = chunk->cut[2 * chunk->cut_pos];
	end = chunk->cut[2 * chunk->cut_pos + 1];
	chunk->cut_pos++;
	/* The line end is the record's if nothing else stands between. */
	raw = end;
	while (end > begin && raw < chunk->buf.len && is_blank(p[raw]) &&
	    p[raw++] != LF)
		;
	if (raw > end && p[raw - 1] != LF)
		raw = end;
	advance_line(chunk, begin);
	(void)set_record(chunk, record, begin, end, begin, raw);
	/* Texts need no line end. */
	record->unended = chunk->torn && chunk->cut_pos == chunk->n_cuts;
	return KX_OK;
}

enum kx_status
kx_chunk_next(struct kx_chunk *chunk, struct kx_record *record)
{
	const char *p = chunk->buf.ptr, *found;
	size_t len = chunk->buf.len, begin, from, end, stop;
	bool seq = chunk->framing == KX_FRAMING_SEQ;

	if (chunk->framing == KX_FRAMING_CONCAT)
		return chunk_next_cut(chunk, record);
	while (chunk->pos < len) {
		begin = from = chunk->pos;
		if (seq) {
			advance_line(chunk, begin);
			from = begin + (p[begin] == RS);
			found = memchr(p + from, RS, len - from);
			end = found == NULL ? len : (size_t)(found - p);
		} else {
			found = memchr(p + from, LF, len - from);
			end = found == NULL ? len : (size_t)(found - p) + 1;
		}
		chunk->pos = end;
		stop = strip_line_end(p, from, end);
		/* More blanks than a record may have bytes are none that
		 * are passed over: in pieces, they could not be known. */
		if (skip_blank(p, from, stop) < stop ||
		    stop - from > chunk->max_record) {
			set_record(chunk, record, from, stop, begin, end);
			if (!seq)
				chunk->line_pos++;
			return KX_OK;
		}
		if (!seq)
			chunk->line_pos++;
	}
	return KX_EOF;
}

bool
kx_record_split(struct kx_record *record, struct kx_record *rest)
{
	struct kx_span text = record->text;
	const char *p = text.ptr, *end = p + text.len;
	const char *raw_end = record->raw.ptr + record->raw.len, *q;
	size_t at;

	if (record->overlong || !record->multiline ||
	    kx_json_check(p, text.len, &at, NULL) != KX_OK)
		return false;
	while (at < text.len && is_blank(p[at]) && p[at] != LF)
		at++;
	if (at == text.len || p[at] != LF ||
	    skip_blank(p, at, text.len) == text.len)
		return false;
	*rest = *record;
	rest->text = (struct kx_span){ p + at + 1, text.len - at - 1 };
	rest->raw = (struct kx_span){ rest->text.ptr,
	    (size_t)(raw_end - rest->text.ptr) };
	rest->off += at + 1;
	rest->column = 1;
	for (q = p; (q = memchr(q, LF, (size_t)(end - q))) != NULL &&
	    q <= p + at; q++)
		rest->line++;
	record->text.len = strip_line_end(p, 0, at + 1);
	record->raw.len = (size_t)(rest->raw.ptr - record->raw.ptr);
	record->unended = false;
	return true;
}
