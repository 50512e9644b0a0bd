/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file, a pipe or a descriptor as a stream of plain bytes.
 *
 * gzip, zstd, xz, bzip2 and lz4 are recognised by their first bytes and
 * unpacked on the way (several members or frames included); plain input
 * never passes through a decompressor.  A compressed stream that is cut or
 * damaged is an error, however much of it could be read.
 */
#ifndef KX_SOURCE_H
#define KX_SOURCE_H

#include "kx/base.h"

struct kx_source;

/*
 * Messages do not name the input, which the caller knows; errnum is errno, 0
 * where the data itself is at fault.
 *
 * Open `path`, or standard input where it is NULL or "-".  A directory is
 * refused with EISDIR.  KX_OK: *out is the caller's to close; KX_FAIL: err
 * says why.  Nothing is read yet.
 */
enum kx_status kx_source_open(const char *path, struct kx_source **out,
    struct kx_error *err) KX_MUST_CHECK;

/*
 * Up to `len` bytes into `buf`; waits for input.  KX_OK: *got is above 0, but
 * for the first calls, which may find out how the input is compressed and no
 * more; KX_EOF: the end; KX_FATAL: a read error or damaged compressed data,
 * err says which.
 */
enum kx_status kx_source_read(struct kx_source *source, void *buf,
    size_t len, size_t *got, struct kx_error *err) KX_MUST_CHECK;

/* Would kx_source_read() have to wait?  Exact for plain input and gzip; for
 * the other formats on a pipe it may say yes too often, never no wrongly. */
bool kx_source_would_wait(struct kx_source *source);

/* The descriptor that is readable when kx_source_read(), after
 * kx_source_would_wait() has said yes, can go on; -1: there is none, for
 * bytes that are there already may be enough. */
int kx_source_wait_fd(const struct kx_source *source);

/* Packed bytes read so far, and the size of the input where it is a regular
 * file (else 0): for progress. */
uint64_t kx_source_position(const struct kx_source *source);
uint64_t kx_source_size(const struct kx_source *source);

/* From now on every byte is shown to `tap` as it is read, before it is
 * unpacked.  Those of a plain input may be, and need not: the first ones are.
 * Due before the first read. */
void kx_source_tap(struct kx_source *source,
    void (*tap)(void *arg, const void *ptr, size_t len), void *arg);
/* Is it compressed?  Known when some of it was read. */
bool kx_source_is_packed(const struct kx_source *source);

/* The descriptor of a regular file that was opened by its path, good until the
 * source is closed; -1 for all else. */
int kx_source_fd(const struct kx_source *source);

void kx_source_close(struct kx_source *source);

#endif
