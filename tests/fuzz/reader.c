/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a stream: in every framing, a pipe that dribbles gives the same
 * records at the same places as a file that is there whole; they stand in the
 * stream in order, and no byte of a line belongs to two of them.
 */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kx/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is remembered of a record. */
struct place {
	uint64_t off, line, column, hash;
	size_t len;
	unsigned flags;
};

struct places {
	struct place *place;
	size_t n, cap;
	bool fatal;
};

/* A pipe and what is still to be written to it. */
struct dribble {
	const uint8_t *data;
	size_t len;
	uint64_t random;
	int fd;
};

static bool
feed(void *arg)
{
	struct dribble *d = arg;
	size_t n;

	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	n = 1 + (d->random % 8 == 0 ? d->random / 8 % 4096 :
	    d->random / 8 % 16);
	if (n > d->len)
		n = d->len;
	if (n > 0 && write(d->fd, d->data, n) != (ssize_t)n)
		abort();
	d->data += n;
	d->len -= n;
	if (d->len == 0 && d->fd >= 0) {
		close(d->fd);
		d->fd = -1;
	}
	return true;
}

static uint64_t
hash(struct kx_span s)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
	return h;
}

static void
add(struct places *all, struct place place)
{
	if (all->n == all->cap) {
		all->cap = all->cap == 0 ? 64 : 2 * all->cap;
		all->place = realloc(all->place,
		    all->cap * sizeof *all->place);
		if (all->place == NULL)
			abort();
	}
	all->place[all->n++] = place;
}

static void
add_record(struct places *all, const struct kx_record *record)
{
	add(all, (struct place){ record->off, record->line, record->column,
	    hash(record->text), record->text.len,
	    (unsigned)record->unended | (unsigned)record->multiline << 1 });
}

static void
keep_chunk(struct places *all, struct kx_chunk *chunk)
{
	struct kx_record record, rest;
	uint64_t rs;

	/* A record over the limit comes in pieces, or whole where it was there
	 * at once; its place is the same. */
	if (chunk->overlong) {
		rs = chunk->framing == KX_FRAMING_SEQ &&
		    chunk->buf.len > 0 && chunk->buf.ptr[0] == 0x1e;
		if (chunk->overlong_first)
			add(all, (struct place){ .off = chunk->off + rs,
			    .line = chunk->line, .column = chunk->column + 1 +
			    rs, .flags = 4 });
		return;
	}
	while (kx_chunk_next(chunk, &record) == KX_OK) {
		const char *begin = chunk->buf.ptr;

		if (record.text.len > 0 && (record.text.ptr < begin ||
		    record.text.ptr + record.text.len >
		    begin + chunk->buf.len))
			abort();
		if (record.overlong) {
			add(all, (struct place){ .off = record.off,
			    .line = record.line, .column = record.column,
			    .flags = 4 });
			continue;
		}
		while (kx_record_split(&record, &rest)) {
			add_record(all, &record);
			record = rest;
		}
		add_record(all, &record);
	}
}

static struct places
read_all(int fd, struct kx_reader_options options)
{
	struct places all = { 0 };
	struct kx_source *source;
	struct kx_reader *reader;
	struct kx_chunk chunk;
	struct kx_error err;
	enum kx_status status;
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (kx_source_open(path, &source, &err) != KX_OK)
		abort();
	if (kx_reader_open(source, &options, &reader, &err) != KX_OK)
		abort();
	kx_chunk_init(&chunk);
	do {
		status = kx_reader_next(reader, &chunk, &err);
		if (status != KX_EOF)
			keep_chunk(&all, &chunk);
	} while (status == KX_OK || status == KX_FAIL);
	all.fatal = status == KX_FATAL;
	kx_chunk_fini(&chunk);
	kx_reader_close(reader);
	kx_source_close(source);
	return all;
}

static bool
is_any_overlong(const struct places *all)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if ((all->place[i].flags & 4) != 0)
			return true;
	return false;
}

static void
check(const struct places *file, const struct places *pipe, bool seq)
{
	size_t i;

	/* What is missing in front of a record stands where that begins. */
	for (i = 1; i < file->n; i++)
		if (file->place[i].off <= file->place[i - 1].off &&
		    (file->place[i].off < file->place[i - 1].off ||
		    file->place[i - 1].len > 0))
			abort();
	/* Of damaged compressed input a file may give more than a pipe, and
	 * what follows a text of a sequence on later lines may be over the
	 * limit with it in a file, or without it in a pipe. */
	if (file->fatal != pipe->fatal)
		abort();
	if (file->fatal || (seq && is_any_overlong(file)))
		return;
	if (file->n != pipe->n)
		abort();
	for (i = 0; i < file->n; i++) {
		const struct place *a = &file->place[i];
		const struct place *b = &pipe->place[i];

		if (a->off != b->off || a->line != b->line ||
		    a->column != b->column || a->hash != b->hash ||
		    a->len != b->len || a->flags != b->flags)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t limits[] = { 0, 40 };
	unsigned framing, limit;
	int file = memfd_create("stream", MFD_CLOEXEC);

	if (file < 0 || (len > 0 && write(file, data, len) != (ssize_t)len))
		abort();
	for (framing = KX_FRAMING_AUTO; framing <= KX_FRAMING_CONCAT;
	    framing++)
		for (limit = 0; limit < 2; limit++) {
			struct kx_reader_options options = {
				.framing = (enum kx_framing)framing,
				.max_record = limits[limit],
				.base_off = 1000, .base_line = 10
			};
			struct dribble d = { data, len, len + 88172645463325u,
			    -1 };
			struct places whole, parts;
			int ends[2];

			whole = read_all(file, options);
			if (pipe2(ends, O_CLOEXEC) != 0)
				abort();
			d.fd = ends[1];
			options.idle = feed;
			options.idle_arg = &d;
			parts = read_all(ends[0], options);
			if (d.fd >= 0)
				close(d.fd);
			close(ends[0]);
			check(&whole, &parts,
			    options.framing == KX_FRAMING_SEQ || (len > 0 &&
			    memchr(data, 0x1e, len) != NULL));
			free(whole.place);
			free(parts.place);
		}
	close(file);
	return 0;
}
