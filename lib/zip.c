/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Zip, after APPNOTE.TXT 6.3: section numbers are its.  Little-endian fields
 * go through put16() and its sisters into `head`, which is written in one go.
 */
#include <config.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "kx/buf.h"
#include "kx/time.h"
#include "kx/zip.h"

/* A tenth larger than at 6, in less than half the time, which nothing else can
 * be done in: papers are written last. */
#define LEVEL 3
#define OUT_SIZE ((size_t)64 << 10)
#define MAX32 UINT64_C(0xffffffff)
#define MAX16 UINT64_C(0xffff)
#define NEED 20u		/* 4.4.3: deflate, folders */
#define NEED64 45u		/* Zip64 */
#define UNIX 3u			/* 4.4.2: whose modes those are */
#define BEHIND 0x0008u		/* 4.4.4: bit 3 */
#define EXTRA_TIME 0x5455u	/* Info-ZIP's UT */
#define EXTRA_ZIP64 0x0001u	/* 4.5.3 */

struct kx_zip {
	enum kx_status (*write)(void *arg, struct kx_span bytes,
	    struct kx_error *err);
	void *arg;
	uint64_t off;		/* bytes written */
	uint64_t n;		/* files */
	struct kx_buf table;
	struct kx_buf head;
	/* the file at hand */
	struct kx_zip_file file;
	bool large;		/* its sizes have 64 bits */
	uint64_t file_off, packed, given;
	uint32_t crc32;
	z_stream z;
	bool z_open;
	unsigned char *out;
};

static void
put16(struct kx_buf *buf, uint64_t n)
{
	kx_buf_addc(buf, (char)(n & 255));
	kx_buf_addc(buf, (char)(n >> 8 & 255));
}

static void
put32(struct kx_buf *buf, uint64_t n)
{
	put16(buf, n & MAX16);
	put16(buf, n >> 16 & MAX16);
}

static void
put64(struct kx_buf *buf, uint64_t n)
{
	put32(buf, n & MAX32);
	put32(buf, n >> 32);
}

static enum kx_status
no_memory(struct kx_error *err)
{
	return kx_error_set(err, KX_FAIL, ENOMEM, "cannot write the archive");
}

static enum kx_status
write_out(struct kx_zip *zip, struct kx_span bytes, struct kx_error *err)
{
	zip->off += bytes.len;
	return bytes.len == 0 ? KX_OK : zip->write(zip->arg, bytes, err);
}

static enum kx_status
write_head(struct kx_zip *zip, struct kx_error *err)
{
	enum kx_status status;

	if (kx_buf_failed(&zip->head))
		return no_memory(err);
	status = write_out(zip, kx_buf_span(&zip->head), err);
	zip->head.len = 0;
	return status;
}

struct kx_zip *
kx_zip_new(enum kx_status (*write)(void *arg, struct kx_span bytes,
    struct kx_error *err), void *arg)
{
	struct kx_zip *zip = calloc(1, sizeof(*zip));

	if (zip == NULL)
		return NULL;
	zip->write = write;
	zip->arg = arg;
	return zip;
}

/* What a header in front and one in the table share, from "version needed" to
 * the two sizes (4.3.7, 4.3.12). */
static void
put_common(struct kx_buf *buf, const struct kx_zip *zip, uint64_t packed,
    uint64_t size, uint32_t crc)
{
	struct kx_civil at = { .year = 1980, .month = 1, .day = 1 };

	(void)kx_time_civil(zip->file.mtime * 1000, 0, &at);
	put16(buf, zip->large ? NEED64 : NEED);
	put16(buf, zip->file.deflate ? BEHIND : 0);
	put16(buf, zip->file.deflate ? 8 : 0);
	put16(buf, (uint64_t)(at.hour << 11 | at.minute << 5 |
	    at.second / 2));
	put16(buf, (uint64_t)((at.year - 1980) << 9 | at.month << 5 |
	    at.day));
	put32(buf, crc);
	put32(buf, zip->large ? MAX32 : packed);
	put32(buf, zip->large ? MAX32 : size);
	put16(buf, strlen(zip->file.name));
}

/* The true time, without a zone (4.6.1: Info-ZIP's "extended timestamp"). */
static void
put_time(struct kx_buf *buf, const struct kx_zip *zip)
{
	put16(buf, EXTRA_TIME);
	put16(buf, 5);
	kx_buf_addc(buf, 1);
	put32(buf, (uint64_t)zip->file.mtime);
}

static bool
has_time(const struct kx_zip *zip)
{
	return zip->file.mtime >= 0 && zip->file.mtime <= INT32_MAX;
}

enum kx_status
kx_zip_begin(struct kx_zip *zip, const struct kx_zip_file *file,
    struct kx_error *err)
{
	struct kx_buf *head = &zip->head;
	uint64_t size = file->deflate ? 0 : file->size;

	zip->file = *file;
	zip->file_off = zip->off;
	zip->packed = zip->given = 0;
	zip->crc32 = 0;
	/* Deflate makes what does not shrink longer, by 5 bytes in 16 KiB. */
	zip->large = file->size >= MAX32 - (MAX32 >> 10);
	put32(head, 0x04034b50);
	put_common(head, zip, size, size, file->deflate ? 0 : file->crc32);
	put16(head, (has_time(zip) ? 9 : 0) + (zip->large ? 20 : 0));
	kx_buf_adds(head, file->name);
	if (zip->large) {
		put16(head, EXTRA_ZIP64);
		put16(head, 16);
		put64(head, size);
		put64(head, size);
	}
	if (has_time(zip))
		put_time(head, zip);
	if (file->deflate && zip->out == NULL)
		zip->out = malloc(OUT_SIZE);
	if (file->deflate && zip->out == NULL)
		return no_memory(err);
	if (file->deflate && !zip->z_open) {
		if (deflateInit2(&zip->z, LEVEL, Z_DEFLATED, -MAX_WBITS, 8,
		    Z_DEFAULT_STRATEGY) != Z_OK)
			return no_memory(err);
		zip->z_open = true;
	} else if (file->deflate) {
		(void)deflateReset(&zip->z);
	}
	return write_head(zip, err);
}

static enum kx_status
squeeze(struct kx_zip *zip, struct kx_span bytes, int flush,
    struct kx_error *err)
{
	enum kx_status status = KX_OK;
	const char *p = bytes.ptr;
	size_t len = bytes.len, n;
	int rc;

	do {
		if (zip->z.avail_in == 0 && len > 0) {
			n = len < ((size_t)1 << 30) ? len : (size_t)1 << 30;
			zip->z.next_in = (const Bytef *)p;
			zip->z.avail_in = (uInt)n;
			p += n;
			len -= n;
		}
		zip->z.next_out = zip->out;
		zip->z.avail_out = OUT_SIZE;
		rc = deflate(&zip->z, len > 0 ? Z_NO_FLUSH : flush);
		n = OUT_SIZE - zip->z.avail_out;
		zip->packed += n;
		status = write_out(zip, (struct kx_span){ (char *)zip->out,
		    n }, err);
	} while (status == KX_OK && rc == Z_OK && (len > 0 ||
	    zip->z.avail_out == 0 || flush == Z_FINISH));
	return status;
}

enum kx_status
kx_zip_data(struct kx_zip *zip, struct kx_span bytes, struct kx_error *err)
{
	zip->given += bytes.len;
	if (!zip->file.deflate) {
		zip->packed += bytes.len;
		return write_out(zip, bytes, err);
	}
	if (bytes.len == 0)
		return KX_OK;
	zip->crc32 = (uint32_t)crc32_z(zip->crc32,
	    (const unsigned char *)bytes.ptr, bytes.len);
	return squeeze(zip, bytes, Z_NO_FLUSH, err);
}

/* Its row of the table (4.3.12). */
static void
put_row(struct kx_zip *zip)
{
	struct kx_buf *table = &zip->table;
	bool far = zip->file_off >= MAX32;
	unsigned more = (zip->large ? 16 : 0) + (far ? 8 : 0);

	put32(table, 0x02014b50);
	put16(table, UNIX << 8 | (zip->large || far ? NEED64 : NEED));
	put_common(table, zip, zip->packed, zip->given, zip->crc32);
	put16(table, (has_time(zip) ? 9 : 0) + (more > 0 ? 4 + more : 0));
	put16(table, 0);		/* comment */
	put16(table, 0);		/* disk */
	put16(table, 0);		/* internal attributes */
	put32(table, (uint64_t)0100644 << 16);
	put32(table, far ? MAX32 : zip->file_off);
	kx_buf_adds(table, zip->file.name);
	if (more > 0) {
		put16(table, EXTRA_ZIP64);
		put16(table, more);
	}
	if (zip->large) {
		put64(table, zip->given);
		put64(table, zip->packed);
	}
	if (far)
		put64(table, zip->file_off);
	if (has_time(zip))
		put_time(table, zip);
	zip->n++;
}

enum kx_status
kx_zip_end(struct kx_zip *zip, struct kx_error *err)
{
	enum kx_status status = KX_OK;

	assert(zip->given == zip->file.size);
	if (!zip->file.deflate)
		zip->crc32 = zip->file.crc32;
	else
		status = squeeze(zip, KX_SPAN_NULL, Z_FINISH, err);
	put_row(zip);
	if (kx_buf_failed(&zip->table))
		return no_memory(err);
	if (status != KX_OK || !zip->file.deflate)
		return status;
	put32(&zip->head, 0x08074b50);	/* 4.3.9 */
	put32(&zip->head, zip->crc32);
	if (zip->large) {
		put64(&zip->head, zip->packed);
		put64(&zip->head, zip->given);
	} else {
		put32(&zip->head, zip->packed);
		put32(&zip->head, zip->given);
	}
	return write_head(zip, err);
}

enum kx_status
kx_zip_finish(struct kx_zip *zip, struct kx_error *err)
{
	struct kx_buf *head = &zip->head;
	uint64_t at = zip->off, size = zip->table.len;

	if (write_out(zip, kx_buf_span(&zip->table), err) != KX_OK)
		return KX_FAIL;
	if (zip->n >= MAX16 || at >= MAX32 || size >= MAX32) {
		put32(head, 0x06064b50);	/* 4.3.14 */
		put64(head, 44);
		put16(head, UNIX << 8 | NEED64);
		put16(head, NEED64);
		put32(head, 0);
		put32(head, 0);
		put64(head, zip->n);
		put64(head, zip->n);
		put64(head, size);
		put64(head, at);
		put32(head, 0x07064b50);	/* 4.3.15 */
		put32(head, 0);
		put64(head, at + size);
		put32(head, 1);
	}
	put32(head, 0x06054b50);		/* 4.3.16 */
	put16(head, 0);
	put16(head, 0);
	put16(head, zip->n < MAX16 ? zip->n : MAX16);
	put16(head, zip->n < MAX16 ? zip->n : MAX16);
	put32(head, size < MAX32 ? size : MAX32);
	put32(head, at < MAX32 ? at : MAX32);
	put16(head, 0);
	return write_head(zip, err);
}

void
kx_zip_free(struct kx_zip *zip)
{
	if (zip == NULL)
		return;
	if (zip->z_open)
		(void)deflateEnd(&zip->z);
	free(zip->out);
	kx_buf_free(&zip->table);
	kx_buf_free(&zip->head);
	free(zip);
}
