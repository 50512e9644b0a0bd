/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows are kept as they will be written, less their end; what is sorted are
 * their places.  Rows of one time keep their order.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kx/manifest.h"
#include "kx/output.h"

#include "bundle-impl.h"

#define GATHER ((size_t)256 << 10)

struct place {
	int64_t expires_ms;	/* INT64_MAX: not known */
	uint64_t off;
	uint32_t len;
	uint32_t rank;		/* 0 to be had, 1 unknown, 2 gone */
};

struct kx_missing {
	struct kx_bundle *bundle;
	enum kx_manifest_format format;
	struct place *place;
	size_t n, cap;
	int fd;
	uint64_t off;		/* bytes that went to fd */
	struct kx_buf text;
};

enum kx_status
kx_missing_new(struct kx_bundle *bundle, enum kx_manifest_format format,
    struct kx_missing **out, struct kx_error *err)
{
	struct kx_missing *m = calloc(1, sizeof(*m));

	*out = m;
	if (m == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot go on");
	m->bundle = bundle;
	m->format = format;
	m->fd = -1;
	return KX_OK;
}

void
kx_missing_free(struct kx_missing *m)
{
	if (m == NULL)
		return;
	kx_bundle_close_fd(&m->fd);
	kx_buf_free(&m->text);
	free(m->place);
	free(m);
}

static enum kx_status
spill(struct kx_missing *m, struct kx_error *err)
{
	if (m->fd < 0)
		m->fd = kx_bundle_nameless(m->bundle);
	if (m->fd < 0 || kx_bundle_write_all(m->fd, m->text.ptr,
	    m->text.len) != 0)
		return kx_error_set(err, KX_FAIL, errno,
		    "cannot keep the list of missing frames");
	m->off += m->text.len;
	m->text.len = 0;
	return KX_OK;
}

enum kx_status
kx_missing_add(struct kx_missing *m, const struct kx_manifest_row *row,
    struct kx_error *err)
{
	struct place *place;
	size_t from, cap;

	if (m->text.len >= GATHER && spill(m, err) != KX_OK)
		return KX_FAIL;
	if (m->n == m->cap) {
		cap = m->cap == 0 ? 256 : 2 * m->cap;
		place = reallocarray(m->place, cap, sizeof(*place));
		if (place == NULL)
			return kx_error_set(err, KX_FAIL, ENOMEM,
			    "cannot go on");
		m->place = place;
		m->cap = cap;
	}
	from = m->text.len;
	kx_manifest_row(&m->text, m->format, row);
	if (kx_buf_failed(&m->text) || m->text.len - from > UINT32_MAX)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot go on");
	m->text.len -= m->format == KX_MANIFEST_NDJSON ? 2 : 1;
	place = &m->place[m->n++];
	place->expires_ms = row->expires ? row->expires_ms : INT64_MAX;
	place->off = m->off + from;
	place->len = (uint32_t)(m->text.len - from);
	return KX_OK;
}

static int
by_urgency(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->expires_ms != y->expires_ms)
		return x->expires_ms < y->expires_ms ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static bool
read_row(const struct kx_missing *m, const struct place *place,
    struct kx_buf *to)
{
	to->len = 0;
	if (!kx_buf_reserve(to, place->len)) {
		errno = ENOMEM;
		return false;
	}
	to->len = place->len;
	if (place->off >= m->off) {
		memcpy(to->ptr, m->text.ptr + (place->off - m->off),
		    place->len);
		return true;
	}
	if (kx_bundle_read_at(m->fd, to->ptr, place->len, place->off) ==
	    (ssize_t)place->len)
		return true;
	if (errno == 0)
		errno = EIO;
	return false;
}

/* The row's end, with the last column. */
static void
end_row(const struct kx_missing *m, const struct place *place,
    const int64_t *now_ms, struct kx_buf *row)
{
	bool known = now_ms != NULL && place->expires_ms != INT64_MAX;
	int64_t left = 0;

	if (known && __builtin_sub_overflow(place->expires_ms, *now_ms,
	    &left))
		known = false;
	/* Rounded down: what is left is not less than that. */
	left = left / 1000 - (left % 1000 < 0);
	kx_buf_adds(row, m->format == KX_MANIFEST_NDJSON ?
	    ",\"remaining\":" : ",");
	if (known)
		kx_buf_addf(row, "%" PRId64, left);
	else if (m->format == KX_MANIFEST_NDJSON)
		kx_buf_adds(row, "null");
	kx_buf_adds(row, m->format == KX_MANIFEST_NDJSON ? "}\n" : "\n");
}

static enum kx_status
write_rows(const struct kx_missing *m, const int64_t *now_ms,
    struct kx_output *to, struct kx_buf *row, struct kx_error *err)
{
	enum kx_status status;
	size_t i;

	kx_manifest_begin(row, m->format);
	if (row->len > 0) {
		row->len--;
		kx_buf_adds(row, ",remaining\n");
	}
	status = kx_output_write(to, row->ptr, row->len, err);
	for (i = 0; status == KX_OK && i < m->n; i++) {
		errno = 0;
		if (!read_row(m, &m->place[i], row))
			return kx_error_set(err, KX_FAIL, errno,
			    "cannot read the list of missing frames");
		end_row(m, &m->place[i], now_ms, row);
		if (kx_buf_failed(row))
			return kx_error_set(err, KX_FAIL, ENOMEM,
			    "cannot go on");
		status = kx_output_write(to, row->ptr, row->len, err);
	}
	return status;
}

enum kx_status
kx_missing_write(struct kx_missing *m, const int64_t *now_ms,
    struct kx_output *to, struct kx_error *err)
{
	struct kx_buf row = { NULL, 0, 0, false };
	enum kx_status status;
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct place *place = &m->place[i];

		place->rank = place->expires_ms == INT64_MAX ? 1 :
		    now_ms != NULL && place->expires_ms <= *now_ms ? 2 : 0;
	}
	if (m->n > 0)
		qsort(m->place, m->n, sizeof(*m->place), by_urgency);
	status = write_rows(m, now_ms, to, &row, err);
	kx_buf_free(&row);
	return status;
}
