/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that appears whole or not at all.
 *
 * What is written goes into a new file beside its place, .NAME.XXXXXX with
 * six random letters.  A commit syncs it, closes it, renames it to NAME and
 * syncs the folder; before that, and after any failure, NAME is what it was.
 *
 * Three destinations are written to as they stand, for they cannot be
 * replaced: standard output (NULL or "-"), a descriptor by name (/dev/stdout,
 * /dev/stderr, /dev/fd/N, /proc/self/fd/N), and anything that is there and is
 * no regular file (a FIFO, /dev/null, /dev/full).
 *
 * A symbolic link is followed, as by a shell's `>` or sort -o: the file that
 * it leads to, or would create, is replaced, and the link stays.  A file that
 * is there keeps its permission bits, and is refused with EACCES where this
 * process may not write to it.
 *
 * Errors: messages name the file and what was tried; errnum is errno.  After
 * a failed write every further write and the commit fail in the same way.
 */
#ifndef KX_OUTPUT_H
#define KX_OUTPUT_H

#include "kx/base.h"

/* The place must be free: commit fails with EEXIST rather than replace. */
#define KX_OUTPUT_NEW 0x01u
/* Do not sync: for what can be made again, or is synced otherwise. */
#define KX_OUTPUT_NOSYNC 0x02u

/* Zero-initialised is ended: abort does nothing, writing is an error. */
struct kx_output {
	uint64_t off;		/* bytes taken so far, buffered ones included */
	/* the rest is the module's */
	bool open;
	bool direct;		/* there is no temporary */
	unsigned flags;
	int fd;
	int dir_fd;		/* the folder of the place; -1 if direct */
	char *name;		/* as given, for messages */
	char *temp;		/* path of the temporary; NULL if direct */
	char *temp_base;	/* its last part, in `temp` */
	char *final_base;	/* last part of the final name */
	char *buf;
	size_t buf_len;
	int failed;		/* errno of the first failed write */
};

/*
 * Open `path`; NULL or "-" is standard output.  KX_FAIL: err says why, and
 * *out is ended.  A closed standard output is found out by the first write
 * that reaches it, not here: it is no fault where nothing is due.
 */
enum kx_status kx_output_open(struct kx_output *out, const char *path,
    unsigned flags, struct kx_error *err) KX_MUST_CHECK;

/*
 * Write bytes, or n spans in a row.  Little ones are gathered in a buffer
 * (128 KiB); what is large goes to the file from where it lies, behind what
 * was gathered.  Waits where the destination is a full pipe, a non-blocking
 * one too.
 */
enum kx_status kx_output_write(struct kx_output *out, const void *ptr,
    size_t len, struct kx_error *err) KX_MUST_CHECK;
enum kx_status kx_output_writev(struct kx_output *out,
    const struct kx_span *spans, size_t n, struct kx_error *err)
    KX_MUST_CHECK;

/* Give what was gathered to the system. */
enum kx_status kx_output_flush(struct kx_output *out, struct kx_error *err)
    KX_MUST_CHECK;

/*
 * Finish: flush, fsync, close, rename, fsync of the folder.  Ends *out in any
 * case.  KX_FAIL: nothing was put in place and the temporary is gone, unless
 * the message is about the folder, whose sync comes after the rename.  No
 * fsync is tried twice: after a failure the kernel may have dropped the
 * pages, and a second one would report success.
 */
enum kx_status kx_output_commit(struct kx_output *out, struct kx_error *err)
    KX_MUST_CHECK;

/* Drop it: the temporary is removed, the place stays as it was.  What went to
 * a direct destination cannot be taken back; gathered bytes are dropped. */
void kx_output_abort(struct kx_output *out);

/*
 * The temporary's path, NULL where there is none: for a signal handler to
 * unlink().  It is relative where the path was, and lives until commit or
 * abort; block the signals around these and open, so that the handler always
 * knows what exists.
 */
static inline const char *
kx_output_temp(const struct kx_output *out)
{
	return out->open ? out->temp : NULL;
}

#endif
