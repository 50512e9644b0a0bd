/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bundle: named files put into a directory or into an archive, through one
 * interface.
 *
 * In a directory each file appears whole or not at all: it is made under the
 * one temporary name KX_BUNDLE_TEMP (or under none) and then linked or renamed
 * to its place.  Nothing is replaced: a file that is there already and holds
 * the same bytes is left alone, so that the same call sequence finishes what
 * an interrupted one began; any other is an error (EEXIST).  No symbolic link
 * below the directory is followed.  One process at a time: the directory is
 * locked.
 *
 * An archive is a kx_output: a file appears whole at the commit, or not at
 * all.  The same calls give the same bytes: owner and group 0, mode 0644,
 * times as given, fixed levels of compression and one thread, nothing of the
 * clock, the zone or the locale.
 *
 * A listing is a bundle that goes nowhere: the name of each file is written
 * to a kx_output as a line, in the order in which an archive would have them.
 *
 * Names are relative, parts joined by `/`, made of [A-Za-z0-9._-], and the
 * caller's responsibility; each is used once.  Times are seconds since 1970
 * and are brought into 1980..2106, which is what zip can say.
 *
 * Memory: a directory, a tar, next to nothing; zip and 7z keep a table of
 * contents of about 150 bytes a file (7z: 400).  Disk: streams that are not
 * done lie in nameless files beside the archive (in $TMPDIR or /tmp where it
 * goes to standard output); 7z, whose table stands in front, is made by
 * libarchive in a nameless file in $TMPDIR or /tmp, as large as the archive.
 *
 * After KX_FAIL a bundle can only be aborted.
 */
#ifndef KX_BUNDLE_H
#define KX_BUNDLE_H

#include "kx/base.h"
#include "kx/hash.h"
#include "kx/output.h"

enum kx_bundle_kind {
	KX_BUNDLE_DIR, KX_BUNDLE_LIST, KX_BUNDLE_ZIP, KX_BUNDLE_TAR,
	KX_BUNDLE_TAR_GZ, KX_BUNDLE_TAR_XZ, KX_BUNDLE_TAR_ZST, KX_BUNDLE_7Z
};

/* Text: compressed where the archive can (in zip; pictures do not shrink). */
#define KX_BUNDLE_TEXT 0x01u

#define KX_BUNDLE_TEMP ".kx-partial"

struct kx_bundle;
struct kx_bundle_stream;

/* The kind of archive that a file name's suffix asks for (.zip, .tar, .tar.gz
 * or .tgz, .tar.xz or .txz, .tar.zst or .tzst, .7z, in any case of letters);
 * -1 where it asks for none. */
int kx_bundle_kind_of(const char *path);

/* The sums that a bundle of this kind needs of its files by itself. */
unsigned kx_bundle_needs(enum kx_bundle_kind kind);

struct kx_bundle_options {
	enum kx_bundle_kind kind;
	/* The directory, which is made where it is missing (its parent must
	 * exist); the archive, "-" for standard output. */
	const char *path;
	struct kx_output *list;		/* KX_BUNDLE_LIST: the caller's */
	unsigned sums;			/* KX_SUM_...: of each stream */
};

enum kx_status kx_bundle_open(const struct kx_bundle_options *options,
    struct kx_bundle **out, struct kx_error *err) KX_MUST_CHECK;

/* One file, whole.  The bytes go to the system from where they lie.  Of
 * `sums` (may be NULL) those that the kind needs spare their being worked out
 * here. */
enum kx_status kx_bundle_add(struct kx_bundle *bundle, const char *name,
    int64_t mtime, unsigned flags, struct kx_span bytes,
    const struct kx_sums *sums, struct kx_error *err) KX_MUST_CHECK;

/*
 * A file made bit by bit, beside others: a little in memory, the rest in a
 * nameless file, until it is ended and so put in its place.  The name must
 * outlive the stream.  beside: its sums are worked out on threads of their
 * own (kx/digest.h).
 */
enum kx_status kx_bundle_stream_open(struct kx_bundle *bundle,
    const char *name, bool beside, struct kx_bundle_stream **out,
    struct kx_error *err) KX_MUST_CHECK;
enum kx_status kx_bundle_stream_write(struct kx_bundle_stream *stream,
    const void *ptr, size_t len, struct kx_error *err) KX_MUST_CHECK;
/* n spans in a row.  They, and the array, must stay until _wait. */
enum kx_status kx_bundle_stream_writev(struct kx_bundle_stream *stream,
    const struct kx_span *spans, size_t n, struct kx_error *err)
    KX_MUST_CHECK;
/*
 * Where the bytes of a stream are also those of a file that somebody has, from
 * its start, they are taken from there when the stream ends, rather than from
 * a temporary of the same size, and summed up then; not in a directory, which
 * has no use for that.  _log names the file before it is read (fd is
 * duplicated), _refer does for _writev as long as what is written lies there,
 * and _part ends that, as _writev does; the two are the same as _writev and
 * nothing where there is no such file.  A file that was changed meanwhile (that
 * it has grown is no harm) is KX_FAIL in _part and _end.
 */
void kx_bundle_stream_log(struct kx_bundle_stream *stream, int fd);
enum kx_status kx_bundle_stream_refer(struct kx_bundle_stream *stream,
    const struct kx_span *spans, size_t n, struct kx_error *err)
    KX_MUST_CHECK;
enum kx_status kx_bundle_stream_part(struct kx_bundle_stream *stream,
    struct kx_error *err) KX_MUST_CHECK;
void kx_bundle_stream_wait(struct kx_bundle_stream *stream);
/* Bytes written so far. */
uint64_t kx_bundle_stream_size(const struct kx_bundle_stream *stream);
/* The state of its sums; nothing lies in a log (_part). */
void kx_bundle_stream_state(struct kx_bundle_stream *stream,
    struct kx_summing *state);
/* Put it in the bundle; `sums` and `size` (may be NULL) are of its bytes.
 * The stream is freed in any case. */
enum kx_status kx_bundle_stream_end(struct kx_bundle_stream *stream,
    int64_t mtime, unsigned flags, struct kx_sums *sums, uint64_t *size,
    struct kx_error *err) KX_MUST_CHECK;
/* Drop it; NULL does nothing. */
void kx_bundle_stream_drop(struct kx_bundle_stream *stream);

/* All files so far are on the disk when this returns, so that what follows
 * (a manifest) speaks of what is there.  Nothing to do in an archive, which
 * is synced as a whole. */
enum kx_status kx_bundle_sync(struct kx_bundle *bundle,
    struct kx_error *err) KX_MUST_CHECK;

/*
 * For a bundle in a directory: call `found` with the name of everything in
 * folder `name` ("" is the top), `.` and `..` aside; false
 * from it ends the listing.  An archive has nothing that was not put there,
 * and a folder that is not there is empty.
 */
enum kx_status kx_bundle_list(struct kx_bundle *bundle, const char *name,
    bool (*found)(void *arg, const char *name), void *arg,
    struct kx_error *err) KX_MUST_CHECK;

/* Sync, finish, and free the bundle in any case. */
enum kx_status kx_bundle_commit(struct kx_bundle *bundle,
    struct kx_error *err) KX_MUST_CHECK;
/* Free it: an archive is as if it had never been begun, whole files stay in a
 * directory.  NULL does nothing. */
void kx_bundle_abort(struct kx_bundle *bundle);

/* What a signal handler must unlink(), or NULL: lives until the end. */
const char *kx_bundle_temp(const struct kx_bundle *bundle);

#endif
