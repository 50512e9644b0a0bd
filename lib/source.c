/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor as a stream of plain bytes.
 *
 * The first bytes decide what the stream is, and no more of them are waited
 * for than that takes: a `{` alone is plain.  Plain input goes from read(2)
 * into the caller's buffer, with nothing between.
 *
 * gzip is unpacked by zlib, since libarchive 3.6.2 does not look at the CRC
 * and the length behind each member: flipped bits in a gzip file come out of
 * it as data.  zlib also hands out what stands before a fault.
 *
 * zstd, xz, bzip2 and lz4 go through libarchive's filters, which were tried
 * with every byte flipped and at every length.  They report what the formats'
 * own checks can find (lz4's legacy frames, and frames made without checksums,
 * hold none), except for one thing: behind a whole member, bzip2 and lz4 take
 * whatever is no further member for the end, so that a damaged header drops
 * the rest of the file; and an lz4 frame that is empty ends everything.  So
 * at each end the bytes that the filter took are counted; where some are left
 * they must be another member, for which a new filter is opened.  A fault
 * costs what the filter has unpacked of its block before it: libarchive hands
 * out a buffer when it is full.  Measured: up to 270 KB with zstd, xz and
 * bzip2, 1.5 MB with lz4's legacy frames.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include "kx/source.h"

#define PACKED ((size_t)128 << 10)	/* packed bytes read at a time */
#define AHEAD ((size_t)64 << 10)	/* unpacked to answer a question */

/* Bytes kept of the packed block before this one: more than a filter looks
 * ahead where a member ends. */
#define KEPT ((size_t)64)

enum kind {
	UNKNOWN,	/* more bytes are needed */
	PLAIN,
	GZIP,
	ZSTD,
	XZ,
	BZIP2,
	LZ4,
	LZ4_LEGACY,
	SKIPPABLE,	/* a frame without data, zstd's or lz4's */
	NOTHING		/* the stream ends here */
};

struct magic {
	enum kind kind;
	unsigned char len;
	unsigned char bytes[6];
	unsigned char mask[6];	/* bits that do not count */
};

static const struct magic magics[] = {
	{ GZIP, 3, { 0x1f, 0x8b, 8 }, { 0 } },
	{ ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd }, { 0 } },
	{ XZ, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, { 0 } },
	{ BZIP2, 3, { 'B', 'Z', 'h' }, { 0 } },
	{ LZ4, 4, { 0x04, 0x22, 0x4d, 0x18 }, { 0 } },
	{ LZ4_LEGACY, 4, { 0x02, 0x21, 0x4c, 0x18 }, { 0 } },
	{ SKIPPABLE, 4, { 0x50, 0x2a, 0x4d, 0x18 }, { 0x0f } },
};

struct kx_source {
	int fd;
	bool owned;		/* fd is closed with the source */
	bool regular;
	bool fd_end;		/* read() has said so */
	enum kind kind;
	uint64_t position, size;
	bool packed;		/* known from the first bytes on */
	void (*tap)(void *arg, const void *ptr, size_t len);
	void *tap_arg;

	/* Packed bytes not yet used: in[in_pos..in_len), behind KEPT bytes
	 * of what came before. */
	unsigned char *in_base, *in;
	size_t in_pos, in_len, in_cap;

	bool failed;		/* `fault` is what every read says */
	struct kx_error fault;

	z_stream z;
	bool z_open;
	bool z_member;		/* a member has begun and not ended */
	bool z_padding;
	char *ahead;		/* unpacked to see whether there is any */
	size_t ahead_pos, ahead_len;

	struct archive *archive;
	uint64_t archive_in;	/* packed bytes that this filter was given */
	const char *block;	/* unpacked, the filter's */
	size_t block_len;
};

static const char *
kind_name(enum kind kind)
{
	switch (kind) {
	case GZIP:
		return "gzip";
	case ZSTD:
		return "zstd";
	case XZ:
		return "xz";
	case BZIP2:
		return "bzip2";
	case LZ4:
	case LZ4_LEGACY:
		return "lz4";
	default:
		return "compressed";
	}
}

/* What begins with p[0..n)?  UNKNOWN as long as more could decide. */
static enum kind
sniff(const unsigned char *p, size_t n, bool end)
{
	const struct magic *m;
	bool possible = false;
	size_t i, k;

	if (n == 0)
		return end ? NOTHING : UNKNOWN;
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		m = &magics[i];
		for (k = 0; k < n && k < m->len; k++)
			if ((p[k] | m->mask[k]) != (m->bytes[k] | m->mask[k]))
				break;
		if (k == m->len)
			return m->kind;
		if (k == n)
			possible = true;
	}
	return possible && !end ? UNKNOWN : PLAIN;
}

static bool
is_ready(const struct kx_source *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	int n;

	if (s->regular || s->fd_end)
		return true;
	do
		n = poll(&p, 1, 0);
	while (n < 0 && errno == EINTR);
	/* An error or a closed other end does not wait either. */
	return n != 0;
}

/* read(2), which waits even where the descriptor does not; 0 or errno. */
static int
read_some(struct kx_source *s, void *buf, size_t len, size_t *got)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	ssize_t n;

	*got = 0;
	if (s->fd_end)
		return 0;
	if (len > SSIZE_MAX)
		len = SSIZE_MAX;
	while ((n = read(s->fd, buf, len)) < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			(void)poll(&p, 1, -1);
		else if (errno != EINTR)
			return errno;
	}
	if (n == 0)
		s->fd_end = true;
	s->position += (uint64_t)n;
	*got = (size_t)n;
	if (s->tap != NULL && s->kind != PLAIN && n > 0)
		s->tap(s->tap_arg, buf, (size_t)n);
	return 0;
}

static enum kx_status
fail(struct kx_source *s, int errnum, const char *what, const char *detail)
{
	s->failed = true;
	return kx_error_set(&s->fault, KX_FATAL, errnum, "%s%s%s", what,
	    detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
}

static enum kx_status
fail_damaged(struct kx_source *s, const char *detail)
{
	char what[40];

	(void)snprintf(what, sizeof(what), "damaged %s data",
	    kind_name(s->kind));
	return fail(s, 0, what, detail);
}

static enum kx_status
fail_cut(struct kx_source *s)
{
	char what[48];

	(void)snprintf(what, sizeof(what), "%s data ends too early",
	    kind_name(s->kind));
	return fail(s, 0, what, NULL);
}

static enum kx_status
fail_behind(struct kx_source *s)
{
	char what[64];

	(void)snprintf(what, sizeof(what),
	    "unknown data behind the %s data", kind_name(s->kind));
	return fail(s, 0, what, NULL);
}

static bool
in_alloc(struct kx_source *s, size_t cap)
{
	if (cap < PACKED)
		cap = PACKED;
	free(s->in_base);
	s->in_base = calloc(1, KEPT + cap);
	s->in_cap = 0;
	if (s->in_base == NULL)
		return false;
	s->in = s->in_base + KEPT;
	s->in_cap = cap;
	return true;
}

/* More packed bytes, when all are used.  *got 0: the end. */
static enum kx_status
refill(struct kx_source *s, size_t *got)
{
	int errnum;

	if (s->in_len >= KEPT)
		memcpy(s->in_base, s->in + s->in_len - KEPT, KEPT);
	else
		memmove(s->in_base, s->in_base + s->in_len, KEPT);
	s->in_pos = s->in_len = 0;
	errnum = read_some(s, s->in, s->in_cap, got);
	if (errnum != 0)
		return fail(s, errnum, "read error", NULL);
	s->in_len = *got;
	return KX_OK;
}

/* Have `want` (few) packed bytes at in_pos, or as many as there are. */
static enum kx_status
look_ahead(struct kx_source *s, size_t want)
{
	size_t got;
	int errnum;

	if (s->in_pos > 0 && s->in_len - s->in_pos < want) {
		/* What is moved over is used up; KEPT bytes of it stay. */
		memmove(s->in_base, s->in_base + s->in_pos,
		    KEPT + s->in_len - s->in_pos);
		s->in_len -= s->in_pos;
		s->in_pos = 0;
	}
	while (s->in_len - s->in_pos < want && !s->fd_end) {
		errnum = read_some(s, s->in + s->in_len,
		    s->in_cap - s->in_len, &got);
		if (errnum != 0)
			return fail(s, errnum, "read error", NULL);
		s->in_len += got;
	}
	return KX_OK;
}

/* What comes next among packed bytes? */
static enum kx_status
sniff_packed(struct kx_source *s, enum kind *kind)
{
	enum kx_status status;
	size_t want = 1;

	for (;;) {
		status = look_ahead(s, want);
		if (status != KX_OK)
			return status;
		*kind = sniff(s->in + s->in_pos, s->in_len - s->in_pos,
		    s->in_len - s->in_pos < want);
		if (*kind != UNKNOWN)
			return KX_OK;
		want = s->in_len - s->in_pos + 1;
	}
}

/*
 * Frames to be skipped, in front of all others: libarchive takes them for
 * zstd's, but they may as well be lz4's.
 */
static enum kx_status
skip_frames(struct kx_source *s)
{
	const unsigned char *p;
	enum kx_status status;
	uint64_t left;
	size_t n;

	while (s->kind == SKIPPABLE) {
		status = look_ahead(s, 8);
		if (status != KX_OK)
			return status;
		if (s->in_len - s->in_pos < 8)
			return fail_cut(s);
		p = s->in + s->in_pos + 4;
		left = (uint64_t)p[0] | (uint64_t)p[1] << 8 |
		    (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
		s->in_pos += 8;
		while (left > 0) {
			if (s->in_pos == s->in_len) {
				status = refill(s, &n);
				if (status != KX_OK)
					return status;
				if (n == 0)
					return fail_cut(s);
			}
			n = s->in_len - s->in_pos;
			if (n > left)
				n = (size_t)left;
			s->in_pos += n;
			left -= n;
		}
		status = sniff_packed(s, &s->kind);
		if (status != KX_OK)
			return status;
	}
	if (s->kind == PLAIN || s->kind == GZIP || s->kind == XZ ||
	    s->kind == BZIP2) {
		s->kind = SKIPPABLE;
		return fail_behind(s);
	}
	return KX_OK;
}

static bool
gzip_open(struct kx_source *s)
{
	/* 15 bits of window, the most there are; 16 asks for gzip alone. */
	if (inflateInit2(&s->z, 15 + 16) != Z_OK)
		return false;
	s->z_open = true;
	return true;
}

/*
 * Unpack into buf.  At least one byte, or the end; with `wait` false, KX_OK
 * and *got 0 where that would have to wait for input.
 */
static enum kx_status
gzip_read(struct kx_source *s, void *buf, size_t len, bool wait, size_t *got)
{
	enum kx_status status = KX_OK;
	size_t n;
	int r;

	if (len > UINT32_MAX)
		len = UINT32_MAX;
	s->z.next_out = buf;
	s->z.avail_out = (uInt)len;
	*got = 0;
	while (status == KX_OK && *got < len) {
		if (s->in_pos == s->in_len) {
			if (*got > 0 || (!wait && !is_ready(s)))
				break;
			status = refill(s, &n);
			if (status == KX_OK && n == 0)
				status = s->z_member ? fail_cut(s) : KX_EOF;
			continue;
		}
		if (!s->z_member) {
			/* Zero bytes may fill the last block, as gzip(1) has
			 * it; nothing may follow them. */
			while (s->in_pos < s->in_len && s->in[s->in_pos] == 0) {
				s->z_padding = true;
				s->in_pos++;
			}
			if (s->in_pos == s->in_len)
				continue;
			if (s->z_padding || s->in[s->in_pos] != 0x1f) {
				status = fail_behind(s);
				break;
			}
			(void)inflateReset(&s->z);
			s->z_member = true;
		}
		s->z.next_in = s->in + s->in_pos;
		s->z.avail_in = (uInt)(s->in_len - s->in_pos);
		r = inflate(&s->z, Z_NO_FLUSH);
		s->in_pos = s->in_len - s->z.avail_in;
		*got = len - s->z.avail_out;
		if (r == Z_STREAM_END)
			s->z_member = false;
		else if (r == Z_MEM_ERROR)
			status = fail(s, ENOMEM, "cannot unpack gzip data",
			    NULL);
		else if (r != Z_OK && r != Z_BUF_ERROR)
			status = fail_damaged(s, s->z.msg);
	}
	/* What stands before a fault is handed out; the fault is kept. */
	return *got > 0 ? KX_OK : status;
}

static la_ssize_t
archive_read_packed(struct archive *a, void *arg, const void **block)
{
	struct kx_source *s = arg;
	size_t got;

	if (s->in_pos == s->in_len && refill(s, &got) != KX_OK) {
		archive_set_error(a, s->fault.errnum, "%s",
		    s->fault.message);
		return ARCHIVE_FATAL;
	}
	*block = s->in + s->in_pos;
	got = s->in_len - s->in_pos;
	s->in_pos = s->in_len;
	s->archive_in += got;
	return (la_ssize_t)got;
}

static enum kx_status
archive_fail(struct kx_source *s)
{
	const char *said = archive_error_string(s->archive);

	if (s->failed)		/* by the callback */
		return KX_FATAL;
	if (archive_errno(s->archive) == ENOMEM)
		return fail(s, ENOMEM, "cannot unpack", kind_name(s->kind));
	return fail_damaged(s, said);
}

static void
archive_shut(struct kx_source *s)
{
	if (s->archive != NULL)
		(void)archive_read_free(s->archive);
	s->archive = NULL;
	s->block = NULL;
	s->block_len = 0;
}

/* A filter for the member that begins at in_pos.  KX_EOF: it is empty. */
static enum kx_status
archive_start(struct kx_source *s)
{
	struct archive_entry *entry;
	int r;

	if (s->kind == LZ4_LEGACY) {
		/* An empty legacy frame is its magic and no more, which
		 * libarchive does not recognise. */
		if (look_ahead(s, 5) != KX_OK)
			return KX_FATAL;
		if (s->in_len - s->in_pos == 4) {
			s->in_pos = s->in_len;
			return KX_EOF;
		}
	}
	s->archive = archive_read_new();
	if (s->archive == NULL)
		return fail(s, ENOMEM, "cannot unpack", kind_name(s->kind));
	s->archive_in = 0;
	r = ARCHIVE_FATAL;
	switch (s->kind) {
	case ZSTD:
		r = archive_read_support_filter_zstd(s->archive);
		break;
	case XZ:
		r = archive_read_support_filter_xz(s->archive);
		break;
	case BZIP2:
		r = archive_read_support_filter_bzip2(s->archive);
		break;
	default:
		r = archive_read_support_filter_lz4(s->archive);
		break;
	}
	/* ARCHIVE_WARN would be an outside program, which we do not run. */
	if (r != ARCHIVE_OK)
		return fail(s, 0, "this libarchive cannot unpack",
		    kind_name(s->kind));
	if (archive_read_support_format_raw(s->archive) != ARCHIVE_OK ||
	    archive_read_support_format_empty(s->archive) != ARCHIVE_OK)
		return archive_fail(s);
	if (archive_read_open(s->archive, s, NULL, archive_read_packed,
	    NULL) != ARCHIVE_OK)
		return archive_fail(s);
	r = archive_read_next_header(s->archive, &entry);
	if (r != ARCHIVE_EOF && r != ARCHIVE_OK)
		return archive_fail(s);
	if (archive_filter_count(s->archive) < 2)
		return fail_damaged(s, "bad header");
	return r == ARCHIVE_EOF ? KX_EOF : KX_OK;
}

/*
 * The filter says that this is the end.  KX_EOF if it is, KX_OK if another
 * member follows and has been opened, KX_FATAL if anything else does.
 */
static enum kx_status
archive_next_member(struct kx_source *s)
{
	enum kx_status status;
	enum kind kind;
	int64_t used;
	uint64_t left;

	for (;;) {
		if (s->archive != NULL) {
			used = archive_filter_bytes(s->archive, -1);
			left = used < 0 ? 0 :
			    s->archive_in - (uint64_t)used;
			archive_shut(s);
			if (left > s->in_pos + KEPT)
				return fail_behind(s);
			/* Bytes of the block before: they are in front of
			 * `in`, where they become part of a longer one. */
			if (left > s->in_pos) {
				size_t more = (size_t)left - s->in_pos;

				if (more > s->in_cap - s->in_len)
					return fail_behind(s);
				memmove(s->in, s->in - more,
				    s->in_len + more);
				s->in_len += more;
				s->in_pos = 0;
			} else {
				s->in_pos -= (size_t)left;
			}
		}
		status = sniff_packed(s, &kind);
		if (status != KX_OK)
			return status;
		if (kind == NOTHING)
			return KX_EOF;
		if (kind == SKIPPABLE && s->kind != XZ && s->kind != BZIP2) {
			enum kind was = s->kind;

			s->kind = kind;
			status = skip_frames(s);
			if (status != KX_OK)
				return status;
			kind = s->kind;
			s->kind = was;
			if (kind == NOTHING)
				return KX_EOF;
		}
		if (kind != s->kind && !(kind == LZ4 &&
		    s->kind == LZ4_LEGACY) && !(kind == LZ4_LEGACY &&
		    s->kind == LZ4))
			return fail_behind(s);
		s->kind = kind;
		status = archive_start(s);
		if (status != KX_EOF)
			return status;
	}
}

/* Begin with the first member that is not empty. */
static enum kx_status
archive_first(struct kx_source *s)
{
	enum kx_status status;

	if (s->kind == SKIPPABLE) {
		status = skip_frames(s);
		if (status != KX_OK)
			return status;
		if (s->kind == NOTHING)
			return KX_EOF;
	}
	status = archive_start(s);
	return status == KX_EOF ? archive_next_member(s) : status;
}

static enum kx_status
archive_read(struct kx_source *s, void *buf, size_t len, size_t *got)
{
	enum kx_status status;
	const void *block;
	int64_t off;
	int r;

	if (s->archive == NULL) {
		status = archive_first(s);
		if (status != KX_OK)
			return status;
	}
	while (s->block_len == 0) {
		r = archive_read_data_block(s->archive, &block,
		    &s->block_len, &off);
		s->block = block;
		if (r == ARCHIVE_OK)
			continue;
		s->block_len = 0;
		if (r != ARCHIVE_EOF)
			return archive_fail(s);
		status = archive_next_member(s);
		if (status != KX_OK)
			return status;
	}
	if (len > s->block_len)
		len = s->block_len;
	memcpy(buf, s->block, len);
	s->block += len;
	s->block_len -= len;
	*got = len;
	return KX_OK;
}

/*
 * The first read, or first few where bytes come singly.  It goes into the
 * caller's buffer, where plain bytes can stay; packed ones, and those that do
 * not tell yet, move to a buffer of ours.
 */
static enum kx_status
first_read(struct kx_source *s, void *buf, size_t len, size_t *got)
{
	unsigned char head[16];
	unsigned char *p = len >= sizeof(head) ? buf : head;
	size_t cap = len >= sizeof(head) ? len : sizeof(head);
	size_t have = 0, n;
	enum kind kind;
	int errnum;

	*got = 0;
	if (s->in_len > 0) {
		memcpy(p, s->in, s->in_len);
		have = s->in_len;
		s->in_len = 0;
	}
	errnum = read_some(s, p + have, cap - have, &n);
	if (errnum != 0)
		return fail(s, errnum, "read error", NULL);
	have += n;
	s->kind = kind = sniff(p, have, n == 0);
	if (kind == NOTHING)
		return KX_EOF;
	s->packed = kind != UNKNOWN && kind != PLAIN;
	if (kind == PLAIN && p == buf) {
		*got = have;
		return KX_OK;
	}
	if (s->in_cap < have && !in_alloc(s, have))
		return fail(s, ENOMEM, "cannot read", NULL);
	memcpy(s->in, p, have);
	s->in_len = have;
	if (kind == PLAIN || kind == UNKNOWN)
		return KX_OK;
	if (kind == GZIP) {
		if (!gzip_open(s))
			return fail(s, ENOMEM, "cannot unpack gzip data",
			    NULL);
		s->z_member = true;
		return KX_OK;
	}
	return KX_OK;
}

enum kx_status
kx_source_read(struct kx_source *s, void *buf, size_t len, size_t *got,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;
	int errnum;

	*got = 0;
	if (len == 0)
		return KX_OK;
	if (s->failed && s->ahead_pos == s->ahead_len)
		goto failed;
	if (s->kind == UNKNOWN) {
		status = first_read(s, buf, len, got);
		if (status == KX_EOF)
			s->kind = NOTHING;
		if (status == KX_FATAL)
			goto failed;
		/* Now that it is known what it is, it may have to be waited
		 * for: the caller asks before. */
		return status;
	}
	switch (s->kind) {
	case NOTHING:
		return KX_EOF;
	case PLAIN:
		if (s->in_pos < s->in_len) {	/* what was sniffed */
			*got = s->in_len - s->in_pos;
			if (*got > len)
				*got = len;
			memcpy(buf, s->in + s->in_pos, *got);
			s->in_pos += *got;
			return KX_OK;
		}
		errnum = read_some(s, buf, len, got);
		if (errnum != 0)
			status = fail(s, errnum, "read error", NULL);
		else
			status = *got > 0 ? KX_OK : KX_EOF;
		break;
	case GZIP:
		if (s->ahead_pos < s->ahead_len) {
			*got = s->ahead_len - s->ahead_pos;
			if (*got > len)
				*got = len;
			memcpy(buf, s->ahead + s->ahead_pos, *got);
			s->ahead_pos += *got;
			return KX_OK;
		}
		status = gzip_read(s, buf, len, true, got);
		break;
	default:
		status = archive_read(s, buf, len, got);
		break;
	}
	if (status == KX_EOF)
		s->kind = NOTHING;
	if (status != KX_FATAL)
		return status;
	*got = 0;
failed:
	if (err != NULL)
		*err = s->fault;
	return KX_FATAL;
}

void
kx_source_tap(struct kx_source *s,
    void (*tap)(void *arg, const void *ptr, size_t len), void *arg)
{
	s->tap = tap;
	s->tap_arg = arg;
}

int
kx_source_fd(const struct kx_source *s)
{
	return s->owned && s->regular ? s->fd : -1;
}

bool
kx_source_is_packed(const struct kx_source *s)
{
	return s->packed;
}

bool
kx_source_would_wait(struct kx_source *s)
{
	enum kx_status status;

	if (s->failed || s->regular || s->kind == NOTHING)
		return false;
	switch (s->kind) {
	case UNKNOWN:
		return !is_ready(s);
	case PLAIN:
		return s->in_pos == s->in_len && !is_ready(s);
	case GZIP:
		/* Packed bytes may be there and yet give none. */
		if (s->ahead_pos < s->ahead_len)
			return false;
		if (s->in_pos == s->in_len && !is_ready(s))
			return true;
		if (s->ahead == NULL &&
		    (s->ahead = malloc(AHEAD)) == NULL)
			return true;
		s->ahead_pos = s->ahead_len = 0;
		status = gzip_read(s, s->ahead, AHEAD, false, &s->ahead_len);
		if (status == KX_EOF)
			s->kind = NOTHING;
		return status == KX_OK && s->ahead_len == 0;
	default:
		/* A filter reads until it has a whole block, and nobody can
		 * say how many packed bytes that takes. */
		return s->block_len == 0;
	}
}

int
kx_source_wait_fd(const struct kx_source *s)
{
	return s->kind == UNKNOWN || s->kind == PLAIN || s->kind == GZIP ?
	    s->fd : -1;
}

enum kx_status
kx_source_open(const char *path, struct kx_source **out,
    struct kx_error *err)
{
	struct kx_source *s;
	struct stat st;
	off_t at;
	int errnum;

	*out = NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open");
	s->fd = STDIN_FILENO;
	if (path != NULL && strcmp(path, "-") != 0) {
		do
			s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		while (s->fd < 0 && errno == EINTR);
		s->owned = true;
	}
	if (s->fd < 0 || fstat(s->fd, &st) != 0) {
		errnum = errno;
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		errnum = EISDIR;
		goto fail;
	}
	s->regular = S_ISREG(st.st_mode);
	if (s->regular) {
		/* Standard input may stand anywhere in its file. */
		at = lseek(s->fd, 0, SEEK_CUR);
		if (at >= 0 && at < st.st_size)
			s->size = (uint64_t)(st.st_size - at);
	}
	*out = s;
	return KX_OK;
fail:
	kx_source_close(s);
	return kx_error_set(err, KX_FAIL, errnum, "cannot open");
}

uint64_t
kx_source_position(const struct kx_source *s)
{
	return s->position;
}

uint64_t
kx_source_size(const struct kx_source *s)
{
	return s->size;
}

void
kx_source_close(struct kx_source *s)
{
	if (s == NULL)
		return;
	archive_shut(s);
	if (s->z_open)
		(void)inflateEnd(&s->z);
	if (s->owned && s->fd >= 0)
		(void)close(s->fd);
	free(s->ahead);
	free(s->in_base);
	free(s);
}
