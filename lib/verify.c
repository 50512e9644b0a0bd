/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verifying.  The first reading makes a table of the files, each with its
 * sums; the second one holds the manifests' lines and rows against it, and
 * takes the records apart again.  Nothing depends on the order of the files,
 * so a bundle that somebody else has packed again is as good as ours.
 *
 * Where all files lie in one folder (as RFC 8493 wants it in an archive), that
 * is taken for the bundle.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kx/bag.h"
#include "kx/csvread.h"
#include "kx/keytab.h"
#include "kx/num.h"
#include "kx/unbundle.h"

#include "verify-impl.h"

#define SMALL_MAX ((size_t)1 << 20)	/* of bagit.txt and bag-info.txt */
#define LINE_BYTES ((size_t)8 << 10)	/* of a manifest */

/* The four kinds of list that hashes stand in. */
enum list { SHA256, SHA512, TAG256, TAG512, N_LISTS };

static const struct {
	const char *name;
	bool tags, long_sum;
} lists[N_LISTS] = {
	[SHA256] = { KX_BAG_MANIFEST, false, false },
	[SHA512] = { KX_BAG_MANIFEST512, false, true },
	[TAG256] = { KX_BAG_TAGMANIFEST, true, false },
	[TAG512] = { KX_BAG_TAGMANIFEST512, true, true }
};

struct file {
	const char *name;	/* in the arena */
	uint64_t size;
	uint8_t sha256[KX_SHA256_SIZE];
	uint8_t sha512[KX_SHA512_SIZE];
	bool listed[N_LISTS];
	bool has_row;
};

/* What a list said, while it is read. */
struct list_state {
	bool there;
	uint64_t n, bad;
};

struct verify {
	const struct kx_verify_options *options;
	size_t failed;
	bool no_memory;
	bool bag;
	struct kx_arena arena;
	struct file *file;
	size_t n, cap;
	size_t prefix;		/* bytes of the one folder, with its `/' */
	struct kx_keytab by_name;	/* to index + 1 */
	struct kx_hash *hash;
	struct kx_buf declaration, info;
	uint64_t size;
	size_t refused, doubles;
	struct list_state list[N_LISTS];
	struct kx_buf line;
	/* rows of the manifest */
	struct kx_csvread csv;
	struct kx_buf text;
	bool header;
	uint64_t n_rows, bad_rows, bad_files, n_frames;
	struct kx_essences rows;
	struct kx_verify_records records;
};

static void wrong(struct verify *v, const char *fmt, ...) KX_PRINTF(2, 3);
static void check(struct verify *v, bool ok, const char *fmt, ...)
    KX_PRINTF(3, 4);

static void
wrong(struct verify *v, const char *fmt, ...)
{
	char words[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	v->options->wrong(v->options->arg, words);
}

static void
check(struct verify *v, bool ok, const char *fmt, ...)
{
	char words[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (!ok)
		v->failed++;
	v->options->check(v->options->arg, ok ? KX_VERIFY_OK :
	    KX_VERIFY_FAILED, words);
}

static void
not_checked(struct verify *v, const char *words)
{
	v->options->check(v->options->arg, KX_VERIFY_NOT_CHECKED, words);
}

static enum kx_status
no_memory(struct kx_error *err)
{
	return kx_error_set(err, KX_FAIL, ENOMEM, "cannot verify");
}

/* --- the first reading ---------------------------------------------------- */

static bool
key_of(struct verify *v, const char *name, bool fold, uint8_t key[KX_KEY_SIZE])
{
	uint8_t sum[KX_SHA256_SIZE];
	size_t i;

	v->text.len = 0;
	kx_buf_adds(&v->text, name);
	for (i = 0; fold && i < v->text.len; i++) {
		if (v->text.ptr[i] >= 'A' && v->text.ptr[i] <= 'Z')
			v->text.ptr[i] = (char)(v->text.ptr[i] + 32);
	}
	/* Folded names are keys of another kind. */
	if (fold)
		kx_buf_addc(&v->text, '\0');
	if (kx_buf_failed(&v->text) || kx_hash_all(v->hash, v->text.ptr,
	    v->text.len, sum) != KX_OK) {
		v->no_memory = true;
		return false;
	}
	memcpy(key, sum, KX_KEY_SIZE);
	return true;
}

static struct file *
find(struct verify *v, const char *name)
{
	uint8_t key[KX_KEY_SIZE];
	uint64_t *at;

	if (!key_of(v, name, false, key))
		return NULL;
	at = kx_keytab_find(&v->by_name, key);
	return at == NULL ? NULL : &v->file[*at - 1];
}

static const char *
base_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash == NULL ? name : slash + 1;
}

/* The two texts that are read in one go; NULL: none of them. */
static struct kx_buf *
small_text(struct verify *v, const char *name)
{
	if (!strcmp(base_of(name), KX_BAG_DECLARATION))
		return &v->declaration;
	if (!strcmp(base_of(name), KX_BAG_INFO))
		return &v->info;
	return NULL;
}

static struct file *
file_new(struct verify *v, const char *name)
{
	struct file *more;
	size_t cap;

	if (v->n == v->cap) {
		cap = v->cap == 0 ? 256 : 2 * v->cap;
		more = reallocarray(v->file, cap, sizeof(*more));
		if (more == NULL)
			return NULL;
		v->file = more;
		v->cap = cap;
	}
	more = &v->file[v->n];
	memset(more, 0, sizeof(*more));
	more->name = kx_arena_dup(&v->arena, kx_span_str(name));
	if (more->name == NULL)
		return NULL;
	v->n++;
	return more;
}

static enum kx_status
sum_up(struct verify *v, struct kx_unbundle *u, struct file *file,
    struct kx_error *err)
{
	struct kx_buf *text = small_text(v, file->name);
	struct kx_summing summing;
	struct kx_span bytes;
	struct kx_sums sums;
	enum kx_status status;

	if (kx_summing_begin(&summing, KX_SUM_SHA256 | KX_SUM_SHA512) !=
	    KX_OK)
		return no_memory(err);
	if (text != NULL)
		text->len = 0;
	while ((status = kx_unbundle_read(u, &bytes, err)) == KX_OK) {
		if (kx_summing_add(&summing, KX_SUM_SHA256 | KX_SUM_SHA512,
		    bytes.ptr, bytes.len) != KX_OK)
			return no_memory(err);
		file->size += bytes.len;
		if (text != NULL && text->len + bytes.len <= SMALL_MAX)
			kx_buf_addspan(text, bytes);
	}
	if (status != KX_EOF)
		return KX_BAD;
	if (kx_summing_end(&summing, &sums) != KX_OK)
		return no_memory(err);
	memcpy(file->sha256, sums.sha256, sizeof(file->sha256));
	memcpy(file->sha512, sums.sha512, sizeof(file->sha512));
	v->size += file->size;
	return KX_OK;
}

static enum kx_status
read_files(struct verify *v, struct kx_unbundle *u, struct kx_error *err)
{
	enum kx_status status;
	const char *name;
	struct file *file;

	while ((status = kx_unbundle_next(u, &name, err)) != KX_EOF) {
		if (status == KX_FATAL)
			return KX_BAD;
		if (status == KX_BAD) {
			v->refused++;
			wrong(v, "%s: refused", err->message);
			continue;
		}
		file = file_new(v, name);
		if (file == NULL)
			return no_memory(err);
		status = sum_up(v, u, file, err);
		if (status != KX_OK)
			return status;
	}
	return KX_OK;
}

/* Where one folder holds everything, among it what makes a bundle. */
static size_t
find_prefix(const struct verify *v)
{
	const char *slash;
	bool found = false;
	size_t len, i;

	if (v->n == 0 || (slash = strchr(v->file[0].name, '/')) == NULL)
		return 0;
	len = (size_t)(slash - v->file[0].name) + 1;
	for (i = 0; i < v->n; i++) {
		const char *name = v->file[i].name;

		if (strncmp(name, v->file[0].name, len) != 0)
			return 0;
		if (!strcmp(name + len, KX_BAG_MANIFEST))
			found = true;
	}
	return found ? len : 0;
}

/* Names to files; those that are there twice, or differ in case alone. */
static bool
index_files(struct verify *v)
{
	uint8_t key[KX_KEY_SIZE];
	uint64_t *at;
	size_t i;
	int fold;

	v->prefix = find_prefix(v);
	for (i = 0; i < v->n; i++) {
		v->file[i].name += v->prefix;
		for (fold = 0; fold < 2; fold++) {
			if (!key_of(v, v->file[i].name, fold, key))
				return false;
			at = kx_keytab_add(&v->by_name, key);
			if (at == NULL)
				return false;
			if (*at > 0) {
				v->doubles++;
				wrong(v, "%.300s: there is %s", v->file[i].name,
				    fold ? "one whose name differs in the "
				    "case of letters alone" :
				    "a second one of that name");
				break;
			}
			*at = i + 1;
		}
	}
	return true;
}

/* --- lines of manifests --------------------------------------------------- */

static void
manifest_line(struct verify *v, enum list list, char *line, size_t len)
{
	const size_t sum_len = lists[list].long_sum ? KX_SHA512_SIZE :
	    KX_SHA256_SIZE;
	struct list_state *state = &v->list[list];
	uint8_t sum[KX_HASH_MOST];
	const char *name;
	struct file *file;

	state->n++;
	line[len] = '\0';
	if (len < 2 * sum_len + 3 || !kx_hex_parse((struct kx_span){ line,
	    2 * sum_len }, sum, sum_len) || line[2 * sum_len] != ' ' ||
	    (line[2 * sum_len + 1] != ' ' && line[2 * sum_len + 1] != '*') ||
	    memchr(line, '\0', len) != NULL) {
		state->bad++;
		wrong(v, "%s:%" PRIu64 ": no hash, two blanks and a path",
		    lists[list].name, state->n);
		return;
	}
	name = line + 2 * sum_len + 2;
	file = find(v, name);
	if (file == NULL) {
		state->bad++;
		wrong(v, "%.300s: missing, %s has it", name,
		    lists[list].name);
		return;
	}
	if (file->listed[list]) {
		state->bad++;
		wrong(v, "%.300s: twice in %s", name, lists[list].name);
	}
	file->listed[list] = true;
	if (memcmp(sum, lists[list].long_sum ? file->sha512 : file->sha256,
	    sum_len) == 0)
		return;
	state->bad++;
	wrong(v, "%.300s: %s differs from %s", name,
	    lists[list].long_sum ? "SHA-512" : "SHA-256", lists[list].name);
}

static void
manifest_feed(struct verify *v, enum list list, struct kx_span bytes,
    bool end)
{
	const char *p = bytes.ptr, *stop = p + bytes.len, *lf;
	struct kx_buf *line = &v->line;
	bool too_long;

	while (p < stop || (end && line->len > 0)) {
		lf = p < stop ? memchr(p, '\n', (size_t)(stop - p)) : NULL;
		too_long = false;
		if (p < stop) {
			size_t n = (size_t)((lf != NULL ? lf : stop) - p);

			/* A line that is too long is no line, whole or
			 * not. */
			if (line->len + n <= LINE_BYTES)
				kx_buf_add(line, p, n);
			else
				too_long = true;
		}
		if (kx_buf_failed(line) || !kx_buf_reserve(line, LINE_BYTES)) {
			v->no_memory = true;
			return;
		}
		if (too_long) {
			line->len = LINE_BYTES;
			memset(line->ptr, '!', line->len);
		}
		p = lf != NULL ? lf + 1 : stop;
		if (lf == NULL && !end)
			return;
		if (line->len > 0 && line->ptr[line->len - 1] == '\r')
			line->len--;
		manifest_line(v, list, line->ptr, line->len);
		line->len = 0;
	}
}

/* --- rows of the manifest ------------------------------------------------- */

/* A row with a file: the two must agree. */
static void
row_file(struct verify *v, const struct kx_manifest_read *row)
{
	uint8_t sum[KX_SHA256_SIZE];
	struct file *file;
	uint64_t size;

	v->line.len = 0;
	kx_buf_addspan(&v->line, row->name);
	kx_buf_addc(&v->line, '\0');
	if (kx_buf_failed(&v->line)) {
		v->no_memory = true;
		return;
	}
	v->n_frames++;
	file = find(v, v->line.ptr);
	if (file != NULL && kx_hex_parse(row->sha256, sum, sizeof(sum)) &&
	    memcmp(sum, file->sha256, sizeof(sum)) == 0 &&
	    kx_num_u64(row->size, &size) && size == file->size) {
		file->has_row = true;
	} else {
		v->bad_files++;
		wrong(v, "%.300s: %s what row %" PRIu64 " of manifest.csv says",
		    v->line.ptr, file == NULL ? "not there," : "not",
		    v->n_rows);
	}
	v->line.len = 0;
}

static void
manifest_row(void *arg, const struct kx_span *cell, size_t n)
{
	struct verify *v = arg;
	struct kx_manifest_read row;

	if (!v->header) {
		v->header = true;
		if (n == KX_MANIFEST_COLUMNS && kx_manifest_is_header(cell))
			return;
		n = 0;
	} else {
		v->n_rows++;
	}
	if (n != KX_MANIFEST_COLUMNS) {
		v->bad_rows++;
		wrong(v, "manifest.csv: row %" PRIu64 " is none of this "
		    "program's", v->n_rows);
		return;
	}
	kx_manifest_read(cell, &row);
	if (kx_span_eq(row.status, KX_SPAN("ok")))
		row_file(v, &row);
	if (!v->bag || kx_span_eq(row.status, KX_SPAN("malformed")))
		return;
	v->text.len = 0;
	kx_manifest_essence_of(&v->text, cell);
	if (!kx_essences_add(&v->rows, &v->text, v->hash))
		v->no_memory = true;
}

/* --- the second reading --------------------------------------------------- */

enum part { NONE, LIST, ROWS, RECORDS };

static enum part
part_of(const struct verify *v, const char *name, enum list *list)
{
	int i;

	for (i = 0; i < N_LISTS; i++) {
		if (!strcmp(name, lists[i].name)) {
			*list = (enum list)i;
			return LIST;
		}
	}
	if (!strcmp(name, v->bag ? "data/manifest.csv" : "manifest.csv"))
		return ROWS;
	if (v->bag && !strcmp(name, "data/events.ndjson"))
		return RECORDS;
	return NONE;
}

static void
feed(struct verify *v, enum part part, enum list list, struct kx_span bytes,
    bool end)
{
	if (part == LIST)
		manifest_feed(v, list, bytes, end);
	else if (part == RECORDS)
		kx_verify_records_feed(&v->records, bytes, end);
	else if (!kx_csvread_feed(&v->csv, bytes, end, manifest_row, v))
		v->no_memory = true;
}

static enum kx_status
read_papers(struct verify *v, struct kx_unbundle *u, struct kx_error *err)
{
	struct kx_span bytes;
	enum kx_status status;
	const char *name;
	enum part part;
	enum list list = SHA256;

	while ((status = kx_unbundle_next(u, &name, err)) != KX_EOF) {
		if (status == KX_FATAL)
			return KX_BAD;
		if (status == KX_BAD || strlen(name) < v->prefix)
			continue;
		part = part_of(v, name + v->prefix, &list);
		if (part == NONE)
			continue;
		if (part == LIST)
			v->list[list].there = true;
		v->line.len = 0;
		while ((status = kx_unbundle_read(u, &bytes, err)) == KX_OK)
			feed(v, part, list, bytes, false);
		if (status != KX_EOF)
			return KX_BAD;
		feed(v, part, list, KX_SPAN_NULL, true);
		if (v->no_memory || v->records.failed)
			return no_memory(err);
	}
	return KX_OK;
}

/* --- what comes of it ----------------------------------------------------- */

/* The value of a label in bag-info.txt, its first. */
static struct kx_span
info_of(const struct verify *v, const char *label)
{
	const char *p = v->info.ptr, *end = p + v->info.len, *lf;
	size_t len = strlen(label);

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		if ((size_t)(lf - p) > len && p[len] == ':' &&
		    !strncasecmp(p, label, len)) {
			for (p += len + 1; p < lf && *p == ' '; p++)
				continue;
			return (struct kx_span){ p, (size_t)(lf - p -
			    (lf > p && lf[-1] == '\r')) };
		}
		if (lf == end)
			break;
	}
	return KX_SPAN_NULL;
}

static bool
is_payload(const char *name)
{
	return !strncmp(name, KX_BAG_PAYLOAD, strlen(KX_BAG_PAYLOAD));
}

/* Signatures and time stamps stand beside what they are of, and cannot be
 * listed in it. */
static bool
is_signature(const char *name)
{
	return !strncmp(name, KX_BAG_TAGMANIFEST ".",
	    strlen(KX_BAG_TAGMANIFEST ".")) && strchr(name, '/') == NULL;
}

static void
check_list(struct verify *v, enum list list)
{
	const struct list_state *state = &v->list[list];

	if (!state->there) {
		wrong(v, "%s: missing", lists[list].name);
		check(v, false, "%s: there is none", lists[list].name);
		return;
	}
	check(v, state->bad == 0, "%s: %" PRIu64 " hashes, %" PRIu64 " wrong",
	    lists[list].name, state->n, state->bad);
}

/* Is the file in each list that it belongs in? */
static bool
is_listed(const struct verify *v, const struct file *file)
{
	if (!v->bag)
		return file->listed[SHA256] ||
		    !strcmp(file->name, KX_BAG_MANIFEST) ||
		    is_signature(file->name);
	if (is_payload(file->name))
		return file->listed[SHA256] && file->listed[SHA512];
	return (file->listed[TAG256] && file->listed[TAG512]) ||
	    !strcmp(file->name, KX_BAG_TAGMANIFEST) ||
	    !strcmp(file->name, KX_BAG_TAGMANIFEST512) ||
	    is_signature(file->name);
}

static void
check_complete(struct verify *v)
{
	size_t i, added = 0;

	for (i = 0; i < v->n; i++) {
		if (is_listed(v, &v->file[i]))
			continue;
		added++;
		wrong(v, "%.300s: in no manifest, or not in all",
		    v->file[i].name);
	}
	check(v, added == 0, "nothing added: %zu of %zu files are not in the "
	    "manifests", added, v->n);
}

static void
check_oxum(struct verify *v)
{
	struct kx_span oxum = info_of(v, "Payload-Oxum");
	uint64_t size = 0, n = 0;
	char want[48];
	size_t i;
	bool ok;

	for (i = 0; i < v->n; i++) {
		if (is_payload(v->file[i].name)) {
			size += v->file[i].size;
			n++;
		}
	}
	(void)snprintf(want, sizeof(want), "%" PRIu64 ".%" PRIu64, size, n);
	ok = kx_span_eq(oxum, kx_span_str(want));
	if (!ok)
		wrong(v, "bag-info.txt: Payload-Oxum is %.*s, the payload's "
		    "%s", (int)(oxum.len < 60 ? oxum.len : 60), oxum.len == 0 ?
		    "" : oxum.ptr, want);
	check(v, ok, "Payload-Oxum: %" PRIu64 " bytes in %" PRIu64 " files",
	    size, n);
}

/* Each row against what the records say, in order. */
static void
check_records(struct verify *v)
{
	const struct kx_verify_records *r = &v->records;
	size_t i, n = v->rows.n < r->rows.n ? v->rows.n : r->rows.n;

	if (r->n_bad > 0)
		wrong(v, "data/events.ndjson:%" PRIu64 ": no event, as %" PRIu64
		    " lines", r->first_bad, r->n_bad);
	for (i = 0; i < n && !memcmp(v->rows.sum[i], r->rows.sum[i], 16); i++)
		continue;
	if (i < n)
		wrong(v, "data/manifest.csv: snapshot %zu (malformed records "
		    "aside) is not what the records carry", i + 1);
	else if (v->rows.n != r->rows.n)
		wrong(v, "data/manifest.csv: %zu rows of snapshots, the "
		    "records have %zu", v->rows.n, r->rows.n);
	check(v, r->n_bad == 0 && i == n && v->rows.n == r->rows.n,
	    "frames and records: %" PRIu64 " records hashed, %zu snapshots "
	    "decoded again and compared with manifest.csv", r->n, r->rows.n);
}

static void
check_rows(struct verify *v)
{
	const char *folder = "data/frames/";
	size_t i, none = 0;

	if (!v->header)
		wrong(v, "manifest.csv: missing or empty");
	for (i = 0; v->bag && i < v->n; i++) {
		if (strncmp(v->file[i].name, folder, strlen(folder)) != 0 ||
		    v->file[i].has_row)
			continue;
		none++;
		wrong(v, "%.300s: manifest.csv has no row of it",
		    v->file[i].name);
	}
	check(v, v->header && v->bad_rows == 0 && v->bad_files == 0 &&
	    none == 0, "manifest.csv: %" PRIu64 " rows, %" PRIu64 " of them "
	    "with a file that is as they say", v->n_rows,
	    v->n_frames - v->bad_files);
}

static void
check_bag(struct verify *v)
{
	const char *want = "BagIt-Version: 1.0\n"
	    "Tag-File-Character-Encoding: UTF-8\n";
	enum list list;

	check(v, kx_span_eq(kx_buf_span(&v->declaration), kx_span_str(want)),
	    "bagit.txt: BagIt 1.0, UTF-8");
	for (list = N_LISTS; list-- > 0; )
		check_list(v, list);
	check_complete(v);
	check_oxum(v);
	check_rows(v);
	check_records(v);
	not_checked(v, "who made it and when: signatures and time stamps of "
	    "tagmanifest-sha256.txt");
	not_checked(v, "where the records are from: the logs (Kx-Source), and "
	    "source_file, source_line, source_offset of manifest.csv");
	not_checked(v, "rows of malformed records, the column reason, and what "
	    "index.html shows");
}

static void
check_plain(struct verify *v)
{
	check_list(v, SHA256);
	check_complete(v);
	/* It may have been written elsewhere. */
	if (v->header)
		check_rows(v);
	else
		not_checked(v, "the manifest: there is no manifest.csv here");
	not_checked(v, "frames against their records, which only a bag has");
	not_checked(v, "who made it and when");
}

static enum kx_status
verify(struct verify *v, struct kx_error *err)
{
	const struct kx_verify_options *o = v->options;
	struct kx_unbundle *u;
	enum kx_status status;
	bool archive;

	if (kx_hash_new(KX_SHA256, &v->hash, err) != KX_OK)
		return KX_FAIL;
	if (kx_unbundle_open(o->path, o->max_size, &u, err) != KX_OK)
		return err->errnum != 0 ? KX_FAIL : KX_BAD;
	archive = kx_unbundle_is_archive(u);
	status = read_files(v, u, err);
	kx_unbundle_close(u);
	if (status != KX_OK)
		return status;
	if (!index_files(v))
		return no_memory(err);
	v->bag = find(v, KX_BAG_DECLARATION) != NULL ||
	    find(v, KX_BAG_TAGMANIFEST) != NULL ||
	    find(v, "data/events.ndjson") != NULL;
	if (!kx_verify_records_init(&v->records, o->kernel, o->max_record,
	    info_of(v, "Kx-Snapshot-Type")))
		return no_memory(err);
	v->csv.max_row = o->max_record;
	if (kx_unbundle_open(o->path, o->max_size, &u, err) != KX_OK)
		return err->errnum != 0 ? KX_FAIL : KX_BAD;
	status = read_papers(v, u, err);
	kx_unbundle_close(u);
	if (status != KX_OK)
		return status;
	check(v, v->refused == 0 && v->doubles == 0, "%s: %zu files, %" PRIu64
	    " bytes, %zu refused, %zu names twice",
	    archive ? "archive" : "directory", v->n, v->size, v->refused,
	    v->doubles);
	if (v->bag)
		check_bag(v);
	else
		check_plain(v);
	return v->no_memory ? no_memory(err) : KX_OK;
}

enum kx_status
kx_verify(const struct kx_verify_options *options, size_t *failed,
    struct kx_error *err)
{
	struct verify v = { .options = options };
	enum kx_status status = verify(&v, err);

	*failed = v.failed;
	kx_verify_records_fini(&v.records);
	kx_csvread_fini(&v.csv);
	kx_hash_free(v.hash);
	kx_keytab_free(&v.by_name);
	kx_arena_free(&v.arena);
	kx_buf_free(&v.declaration);
	kx_buf_free(&v.info);
	kx_buf_free(&v.line);
	kx_buf_free(&v.text);
	free(v.rows.sum);
	free(v.file);
	return status;
}
