/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bundles in an archive.  tar and 7z are libarchive's, which writes unblocked
 * through a callback, so that a frame's bytes go from the decoder's memory to
 * write(2); zip is zip.c's, for the reason that stands in kx/zip.h.
 *
 * What is compressed as a whole is so with one thread and levels that are
 * fixed here, for the bytes must be the same anywhere: gzip 6 (no time, no
 * name), xz 2 (17 MB of memory; frames do not shrink at any level), zstd 3.
 * 7z: LZMA2 as xz.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "kx/zip.h"

#include "bundle-impl.h"

struct kx_bundle_archive {
	struct archive *archive;	/* NULL: zip is */
	struct archive_entry *entry;
	struct kx_zip *zip;
	struct kx_output out;
	struct kx_error out_err;	/* why the callback refused */
	bool out_failed;
	char *copy;			/* KX_BUNDLE_COPY bytes, where needed */
};

/* Never fails, for an archive that has failed leaks (libarchive 3.6) when it
 * is freed: what went wrong is kept, and asked for after each call.  From then
 * on, and once the bundle is given up, nothing is written. */
static la_ssize_t
write_block(struct archive *a, void *arg, const void *block, size_t len)
{
	struct kx_bundle_archive *to = arg;

	(void)a;
	if (!to->out_failed &&
	    kx_output_write(&to->out, block, len, &to->out_err) != KX_OK)
		to->out_failed = true;
	return (la_ssize_t)len;
}

static enum kx_status
write_zip(void *arg, struct kx_span bytes, struct kx_error *err)
{
	struct kx_bundle_archive *to = arg;

	return kx_output_write(&to->out, bytes.ptr, bytes.len, err);
}

static enum kx_status
archive_fail(struct kx_bundle *b, struct kx_error *err)
{
	struct kx_bundle_archive *to = b->archive;
	const char *said = archive_error_string(to->archive);
	int errnum = archive_errno(to->archive);

	if (to->out_failed) {
		if (err != NULL)
			*err = to->out_err;
		return KX_FAIL;
	}
	/* libarchive's own codes are no errno, and negative. */
	return kx_error_set(err, KX_FAIL, errnum > 0 ? errnum : 0,
	    "cannot write to %s: %s", b->path,
	    said == NULL ? "libarchive failed" : said);
}

/* The folder in which streams have their files: the archive's, or that for
 * temporaries where the archive is no file. */
static int
folder_of(const struct kx_bundle *b)
{
	const char *slash = strrchr(b->path, '/');
	const char *temp = getenv("TMPDIR");
	char *folder;
	int fd;

	if (kx_output_temp(&b->archive->out) == NULL)
		folder = strdup(temp == NULL || *temp == '\0' ? "/tmp" :
		    temp);
	else if (slash == NULL)
		folder = strdup(".");
	else
		folder = strndup(b->path, (size_t)(slash - b->path) + 1);
	if (folder == NULL)
		return -1;
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return fd;
}

/* Format, filter and their options; those of libarchive's. */
static int
set_format(struct archive *a, enum kx_bundle_kind kind)
{
	int rc;

	rc = kind == KX_BUNDLE_7Z ? archive_write_set_format_7zip(a) :
	    archive_write_set_format_pax_restricted(a);
	if (rc != ARCHIVE_OK)
		return rc;
	switch (kind) {
	case KX_BUNDLE_7Z:
		return archive_write_set_options(a,
		    "7zip:compression=lzma2,7zip:compression-level=2");
	case KX_BUNDLE_TAR_GZ:
		rc = archive_write_add_filter_gzip(a);
		return rc != ARCHIVE_OK ? rc : archive_write_set_options(a,
		    "gzip:!timestamp,gzip:compression-level=6");
	case KX_BUNDLE_TAR_XZ:
		rc = archive_write_add_filter_xz(a);
		return rc != ARCHIVE_OK ? rc : archive_write_set_options(a,
		    "xz:compression-level=2,xz:threads=1");
	case KX_BUNDLE_TAR_ZST:
		/* Without the library it would run a program, which is
		 * ARCHIVE_WARN. */
		rc = archive_write_add_filter_zstd(a);
		return rc != ARCHIVE_OK ? rc : archive_write_set_options(a,
		    "zstd:compression-level=3");
	default:
		return ARCHIVE_OK;
	}
}

static enum kx_status
open_libarchive(struct kx_bundle *b, struct kx_error *err)
{
	struct kx_bundle_archive *to = b->archive;
	int rc;

	to->archive = archive_write_new();
	to->entry = archive_entry_new();
	if (to->archive == NULL || to->entry == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    b->path);
	rc = set_format(to->archive, b->kind);
	if (rc == ARCHIVE_OK)
		rc = archive_write_set_bytes_per_block(to->archive, 0);
	if (rc == ARCHIVE_OK)
		rc = archive_write_open2(to->archive, to, NULL, write_block,
		    NULL, NULL);
	return rc == ARCHIVE_OK ? KX_OK : archive_fail(b, err);
}

enum kx_status
kx_bundle_archive_open(struct kx_bundle *b, struct kx_error *err)
{
	struct kx_bundle_archive *to = calloc(1, sizeof(*to));
	enum kx_status status;

	b->archive = to;
	if (to == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "cannot open %s",
		    b->path);
	status = kx_output_open(&to->out, b->path, 0, err);
	if (status != KX_OK)
		return status;
	b->dir_fd = folder_of(b);
	if (b->dir_fd < 0)
		return kx_error_set(err, KX_FAIL, errno,
		    "cannot open the folder for the parts of %s", b->path);
	if (b->kind != KX_BUNDLE_ZIP)
		return open_libarchive(b, err);
	to->zip = kx_zip_new(write_zip, to);
	return to->zip != NULL ? KX_OK : kx_error_set(err, KX_FAIL, ENOMEM,
	    "cannot open %s", b->path);
}

static enum kx_status
begin(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	struct kx_bundle_archive *to = b->archive;
	struct archive_entry *e = archive_entry_clear(to->entry);

	archive_entry_set_pathname(e, file->name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, (time_t)kx_bundle_clamp(file->mtime), 0);
	archive_entry_set_size(e, (la_int64_t)file->size);
	if (archive_write_header(to->archive, e) != ARCHIVE_OK ||
	    to->out_failed)
		return archive_fail(b, err);
	return KX_OK;
}

static enum kx_status
begin_zip(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	struct kx_zip_file to = {
		.name = file->name,
		.mtime = kx_bundle_clamp(file->mtime),
		.deflate = (file->flags & KX_BUNDLE_TEXT) && file->size > 0,
		.size = file->size
	};
	struct kx_sums sums;

	if (file->sums != NULL && (file->sums->have & KX_SUM_CRC32)) {
		to.crc32 = file->sums->crc32;
	} else if (!to.deflate) {
		/* A stream has its sums. */
		if (kx_sums_all(&sums, KX_SUM_CRC32, file->bytes.ptr,
		    file->bytes.len) != KX_OK)
			return kx_bundle_fail(b, "cannot sum up", file->name,
			    0, err);
		to.crc32 = sums.crc32;
	}
	return kx_zip_begin(b->archive->zip, &to, err);
}

static enum kx_status
put_bytes(struct kx_bundle *b, struct kx_span bytes, struct kx_error *err)
{
	struct kx_bundle_archive *to = b->archive;
	la_ssize_t n;

	if (to->zip != NULL)
		return kx_zip_data(to->zip, bytes, err);
	while (bytes.len > 0) {
		n = archive_write_data(to->archive, bytes.ptr, bytes.len);
		if (n <= 0 || to->out_failed)
			return archive_fail(b, err);
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return KX_OK;
}

static enum kx_status
take_bytes(void *arg, struct kx_span bytes, struct kx_error *err)
{
	return put_bytes(arg, bytes, err);
}

static enum kx_status
put_file(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	char **copy = &b->archive->copy;
	uint64_t off = 0, left;
	ssize_t n;

	if (*copy == NULL)
		*copy = malloc(KX_BUNDLE_COPY);
	if (*copy == NULL)
		return kx_bundle_fail(b, "cannot write", file->name, ENOMEM,
		    err);
	while (off < file->size) {
		left = file->size - off;
		n = kx_bundle_read_at(file->fd, *copy, left < KX_BUNDLE_COPY ?
		    (size_t)left : KX_BUNDLE_COPY, off);
		if (n <= 0)
			return kx_bundle_fail(b, "cannot read again",
			    file->name, n < 0 ? errno : EIO, err);
		if (put_bytes(b, (struct kx_span){ *copy, (size_t)n }, err) !=
		    KX_OK)
			return KX_FAIL;
		off += (uint64_t)n;
	}
	return KX_OK;
}

static enum kx_status
put_content(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	if (file->log != NULL)
		return kx_bundle_read_log(b, file->name, file->log,
		    file->digest, take_bytes, b, err);
	return file->fd >= 0 ? put_file(b, file, err) :
	    put_bytes(b, file->bytes, err);
}

enum kx_status
kx_bundle_archive_put(struct kx_bundle *b, const struct kx_bundle_file *file,
    struct kx_error *err)
{
	struct kx_bundle_archive *to = b->archive;
	enum kx_status status;

	status = to->zip != NULL ? begin_zip(b, file, err) :
	    begin(b, file, err);
	if (status == KX_OK)
		status = put_content(b, file, err);
	if (status != KX_OK)
		return status;
	if (to->zip != NULL)
		return kx_zip_end(to->zip, err);
	if (archive_write_finish_entry(to->archive) != ARCHIVE_OK ||
	    to->out_failed)
		return archive_fail(b, err);
	return KX_OK;
}

enum kx_status
kx_bundle_archive_commit(struct kx_bundle *b, struct kx_error *err)
{
	struct kx_bundle_archive *to = b->archive;
	enum kx_status status;

	if (to->zip != NULL)
		status = kx_zip_finish(to->zip, err);
	else
		status = archive_write_close(to->archive) == ARCHIVE_OK &&
		    !to->out_failed ? KX_OK : archive_fail(b, err);
	if (status == KX_OK)
		return kx_output_commit(&to->out, err);
	kx_bundle_archive_abort(b);
	return status;
}

void
kx_bundle_archive_abort(struct kx_bundle *b)
{
	if (b->archive == NULL)
		return;
	/* Freeing first writes the end of the archive: to nowhere. */
	b->archive->out_failed = true;
	kx_output_abort(&b->archive->out);
}

void
kx_bundle_archive_free(struct kx_bundle *b)
{
	struct kx_bundle_archive *to = b->archive;

	if (to == NULL)
		return;
	to->out_failed = true;
	if (to->archive != NULL)
		(void)archive_write_free(to->archive);
	archive_entry_free(to->entry);
	kx_zip_free(to->zip);
	free(to->copy);
	free(to);
	b->archive = NULL;
}

const char *
kx_bundle_archive_temp(const struct kx_bundle *b)
{
	return b->archive == NULL ? NULL : kx_output_temp(&b->archive->out);
}
