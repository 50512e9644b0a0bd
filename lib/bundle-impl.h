/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of bundle.c share: a bundle, and the calls by which it
 * reaches its directory or archive.  Contracts are those of kx/bundle.h.
 */
#ifndef KX_BUNDLE_IMPL_H
#define KX_BUNDLE_IMPL_H

#include <sys/types.h>

#include "kx/bundle.h"
#include "kx/relog.h"

struct kx_bundle_archive;

struct kx_bundle {
	enum kx_bundle_kind kind;
	char *path;			/* as given, for messages */
	unsigned sums;			/* of streams */
	int dir_fd;			/* DIR, or where streams have their
					   files; -1: none */
	/* directory */
	char *temp_path;
	char *folder;			/* last one used below DIR, and its */
	int folder_fd;			/* descriptor; -1: none */
	/* archive */
	struct kx_bundle_archive *archive;
	/* listing */
	struct kx_output *list;
};

/* A file from memory or, where `fd` is not -1, the first `size` bytes of that
 * file or, where there is a `log`, what was seen of that, whose sums go into
 * `digest` (what zip wants to know before is in `sums`). */
struct kx_bundle_file {
	const char *name;
	int64_t mtime;
	unsigned flags;
	struct kx_span bytes;
	int fd;
	uint64_t size;
	const struct kx_sums *sums;
	const struct kx_relog *log;
	struct kx_digest *digest;
};

#define KX_BUNDLE_COPY ((size_t)256 << 10)	/* bytes copied at a time */

/* bundle.c */
enum kx_status kx_bundle_fail(const struct kx_bundle *b, const char *what,
    const char *name, int errnum, struct kx_error *err);
int64_t kx_bundle_clamp(int64_t mtime);
/* All of it; -1 and errno. */
int kx_bundle_write_all(int fd, const char *p, size_t len);
/* As much of len bytes at off as there is; -1 and errno. */
ssize_t kx_bundle_read_at(int fd, char *to, size_t len, uint64_t off);
void kx_bundle_close_fd(int *fd);
/* As kx_relog_read(), with words for KX_BAD. */
enum kx_status kx_bundle_read_log(const struct kx_bundle *b,
    const char *name, const struct kx_relog *log, struct kx_digest *digest,
    enum kx_status (*take)(void *arg, struct kx_span bytes,
    struct kx_error *err), void *arg, struct kx_error *err);
/* A file without a name where this bundle has its temporaries; -1 and
 * errno. */
int kx_bundle_nameless(const struct kx_bundle *b);

/* bundle-dir.c */
enum kx_status kx_bundle_dir_open(struct kx_bundle *b, struct kx_error *err);
enum kx_status kx_bundle_dir_put(struct kx_bundle *b,
    const struct kx_bundle_file *file, struct kx_error *err);
/* The folder that `name` is in, made where it is missing: a descriptor that
 * the bundle keeps, -1 and errno; *base is the name's last part. */
int kx_bundle_dir_folder(struct kx_bundle *b, const char *name,
    const char **base);

/* bundle-archive.c */
enum kx_status kx_bundle_archive_open(struct kx_bundle *b,
    struct kx_error *err);
enum kx_status kx_bundle_archive_put(struct kx_bundle *b,
    const struct kx_bundle_file *file, struct kx_error *err);
/* Finish it, or drop it; kx_bundle_archive_free() is due in both cases. */
enum kx_status kx_bundle_archive_commit(struct kx_bundle *b,
    struct kx_error *err);
void kx_bundle_archive_abort(struct kx_bundle *b);
void kx_bundle_archive_free(struct kx_bundle *b);
const char *kx_bundle_archive_temp(const struct kx_bundle *b);

#endif
