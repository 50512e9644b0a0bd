/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of a bundle, read one after another, out of a directory or out of
 * an archive that is not unpacked to disk.
 *
 * Nothing is trusted: no link is followed, names that lead elsewhere or hold
 * control bytes are refused, and no more than max_size bytes come out in all.
 */
#ifndef KX_UNBUNDLE_H
#define KX_UNBUNDLE_H

#include "kx/base.h"

#define KX_UNBUNDLE_NAME_MAX 4000	/* bytes of a name, folders included */

struct kx_unbundle;

/* Open `path`; a directory or a zip, tar (compressed as kx_source reads it)
 * or 7z, recognised by content.  max_size 0: 200 times the archive's size and
 * 256 MiB; a directory has no limit then. */
enum kx_status kx_unbundle_open(const char *path, uint64_t max_size,
    struct kx_unbundle **out, struct kx_error *err) KX_MUST_CHECK;
bool kx_unbundle_is_archive(const struct kx_unbundle *u);

/*
 * The next file; *name, relative and joined by `/`, is good until the next
 * call.  A directory gives them sorted, an archive as they stand.  KX_EOF: no
 * more.  KX_BAD: the entry is refused, err says which and why, and it can go
 * on.  KX_FATAL: it cannot be read.
 */
enum kx_status kx_unbundle_next(struct kx_unbundle *u, const char **name,
    struct kx_error *err) KX_MUST_CHECK;
/* The next bytes of the file, good until the next call.  KX_EOF: its end;
 * KX_FATAL. */
enum kx_status kx_unbundle_read(struct kx_unbundle *u, struct kx_span *bytes,
    struct kx_error *err) KX_MUST_CHECK;

/* NULL does nothing. */
void kx_unbundle_close(struct kx_unbundle *u);

#endif
