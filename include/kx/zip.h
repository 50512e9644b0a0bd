/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A zip archive, written front to back.
 *
 * libarchive (3.6) does not do: it never has a file's CRC before the file, so
 * it sets bit 3 ("length and CRC come behind") for every regular file, and a
 * stored one of that kind has no end that a reader of a stream could find:
 * bsdtar behind a pipe, Java and others refuse it.  Frames are in memory when
 * they are written and what was made bit by bit has been summed up by then,
 * so here a stored file has its CRC and both sizes in front.  Deflated files
 * have them behind, which every reader takes, for deflate says itself where
 * it ends.
 *
 * The same calls give the same bytes: times are UTC (a local time in name
 * only, with the true one beside it where that fits 31 bits), mode 0644, one
 * level of compression.  Beyond 65,534 files or 4 GiB it is Zip64.
 *
 * Memory: the table of contents, about 150 bytes a file.
 */
#ifndef KX_ZIP_H
#define KX_ZIP_H

#include "kx/base.h"

struct kx_zip;

struct kx_zip_file {
	const char *name;
	int64_t mtime;		/* seconds since 1970, within 1980..2107 */
	bool deflate;
	uint64_t size;
	uint32_t crc32;		/* of stored ones */
};

/* `write` takes bytes, all of them or KX_FAIL, which is handed on. */
struct kx_zip *kx_zip_new(enum kx_status (*write)(void *arg,
    struct kx_span bytes, struct kx_error *err), void *arg);

/* Begin a file, give its bytes, exactly file->size of them, and end it. */
enum kx_status kx_zip_begin(struct kx_zip *zip,
    const struct kx_zip_file *file, struct kx_error *err) KX_MUST_CHECK;
enum kx_status kx_zip_data(struct kx_zip *zip, struct kx_span bytes,
    struct kx_error *err) KX_MUST_CHECK;
enum kx_status kx_zip_end(struct kx_zip *zip, struct kx_error *err)
    KX_MUST_CHECK;

/* The table of contents: the archive is whole. */
enum kx_status kx_zip_finish(struct kx_zip *zip, struct kx_error *err)
    KX_MUST_CHECK;
/* NULL does nothing. */
void kx_zip_free(struct kx_zip *zip);

#endif
