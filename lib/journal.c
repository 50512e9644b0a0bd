/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of a replay.
 *
 *   kx-journal 1\n
 *   INPUT\n		what input it belongs to
 *   \n
 *   frame*
 *
 * A frame is a byte with its kind in the top bit and the length of its payload
 * in the others (1 to 127), the payload, and two bytes of check over both.
 * Numbers are varints, seven bits a byte, the lowest first.
 *
 *   runs (0):   pairs of GAP, MORE: from where the run before ended, in this
 *               frame or an earlier one, GAP ordinals on (zigzag: it may go
 *               back) an ordinal and MORE behind it are delivered
 *   check (1):  an ordinal, and eight bytes of digest of all in front of it
 *
 * A crash tears only what was not synced, at the file's end.  So a frame that
 * does not hold is the end, if no more than that is behind it; else the file is
 * damaged.
 *
 * In memory is what it held when it was opened, as a sorted array of ranges: a
 * range for each hole, and holes are events that were given up.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kx/buf.h"
#include "kx/journal.h"

#define MAGIC "kx-journal 1\n"
#define INPUT_MOST 1000
#define PAYLOAD 127
#define CHECK_BIT 0x80u
/* A write is no longer than this, nor are all between two syncs. */
#define WRITE_MOST ((size_t)64 << 10)
#define GONE "the journal has failed before"

struct range {
	uint64_t from, to;	/* to: behind the last */
};

struct check {
	uint64_t ordinal;
	uint8_t digest[KX_JOURNAL_CHECK];
};

struct kx_journal {
	int fd;			/* -1: read only */
	pthread_mutex_t lock;	/* of what follows */
	bool torn;		/* nothing is written any more */
	bool lost;		/* nor synced */
	struct kx_buf out;	/* frames to be written */
	struct kx_buf spare;	/* of kx_journal_add() alone */
	uint64_t cursor;	/* where the last run ended */
	uint64_t checked;	/* the greatest ordinal with a check */
	/* what it held */
	struct range *range;
	size_t n_ranges, cap_ranges;
	size_t at;		/* of kx_journal_has() */
	uint64_t count;
	struct check *check;
	size_t n_checks, cap_checks;
	size_t check_at;
};

/* --- frames -------------------------------------------------------------- */

static uint16_t
sum(const uint8_t *p, size_t len)
{
	uint32_t h = 0x811c9dc5u;	/* FNV-1a, folded */
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x01000193u;
	return (uint16_t)(h >> 16 ^ h);
}

static size_t
put_varint(uint8_t *p, uint64_t n)
{
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		p[len++] = (uint8_t)(n | 0x80);
	p[len++] = (uint8_t)n;
	return len;
}

/* False where there is none before `end`. */
static bool
get_varint(const uint8_t **p, const uint8_t *end, uint64_t *n)
{
	unsigned shift;

	*n = 0;
	for (shift = 0; shift < 64 && *p < end; shift += 7) {
		*n |= (uint64_t)(**p & 0x7f) << shift;
		if (*(*p)++ < 0x80)
			return true;
	}
	return false;
}

static void
put_frame(struct kx_buf *out, unsigned kind, const uint8_t *payload,
    size_t len)
{
	uint8_t frame[PAYLOAD + 3];
	uint16_t check;

	frame[0] = (uint8_t)(kind | len);
	memcpy(frame + 1, payload, len);
	check = sum(frame, len + 1);
	frame[len + 1] = (uint8_t)(check >> 8);
	frame[len + 2] = (uint8_t)check;
	kx_buf_add(out, frame, len + 3);
}

/* --- what it held -------------------------------------------------------- */

static void *
more_room(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 64 : 2 * *cap;

	if (n < *cap)
		return array;
	array = reallocarray(array, want, size);
	if (array != NULL)
		*cap = want;
	return array;
}

/* The first range that ends at `ordinal` or behind it.  Runs come nearly in
 * order, so it is looked for from the end. */
static size_t
find_range(const struct kx_journal *j, uint64_t ordinal)
{
	size_t low = 0, high = j->n_ranges, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (j->range[mid].to < ordinal)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* False without memory. */
static bool
add_range(struct kx_journal *j, uint64_t from, uint64_t to)
{
	size_t i = find_range(j, from), end = i;
	struct range *range;

	/* Those that it touches become one with it. */
	while (end < j->n_ranges && j->range[end].from <= to) {
		if (j->range[end].from < from)
			from = j->range[end].from;
		if (j->range[end].to > to)
			to = j->range[end].to;
		end++;
	}
	if (end == i) {
		range = more_room(j->range, j->n_ranges, &j->cap_ranges,
		    sizeof(*range));
		if (range == NULL)
			return false;
		j->range = range;
		memmove(range + i + 1, range + i,
		    (j->n_ranges - i) * sizeof(*range));
		j->n_ranges++;
	} else if (end > i + 1) {
		memmove(j->range + i + 1, j->range + end,
		    (j->n_ranges - end) * sizeof(*range));
		j->n_ranges -= end - i - 1;
	}
	j->range[i] = (struct range){ from, to };
	return true;
}

/* KX_BAD: no payload of ours. */
static enum kx_status
take_runs(struct kx_journal *j, const uint8_t *p, const uint8_t *end)
{
	uint64_t gap, more, from, to;

	while (p < end) {
		if (!get_varint(&p, end, &gap) || !get_varint(&p, end, &more))
			return KX_BAD;
		from = j->cursor + ((gap >> 1) ^ (0 - (gap & 1)));
		if (__builtin_add_overflow(from, more, &to) ||
		    __builtin_add_overflow(to, UINT64_C(1), &to))
			return KX_BAD;
		if (!add_range(j, from, to))
			return KX_FAIL;
		j->cursor = to;
	}
	return KX_OK;
}

static enum kx_status
take_check(struct kx_journal *j, const uint8_t *p, const uint8_t *end)
{
	struct check *check;
	uint64_t ordinal;

	if (!get_varint(&p, end, &ordinal) || end - p != KX_JOURNAL_CHECK)
		return KX_BAD;
	check = more_room(j->check, j->n_checks, &j->cap_checks,
	    sizeof(*check));
	if (check == NULL)
		return KX_FAIL;
	j->check = check;
	check[j->n_checks].ordinal = ordinal;
	memcpy(check[j->n_checks++].digest, p, KX_JOURNAL_CHECK);
	j->checked = ordinal;
	return KX_OK;
}

/* One frame at p: its length; 0: none that holds; SIZE_MAX: no memory. */
static size_t
take_frame(struct kx_journal *j, const uint8_t *p, size_t left)
{
	size_t len = left > 0 ? p[0] & PAYLOAD : 0;
	enum kx_status status;

	if (len == 0 || len + 3 > left ||
	    sum(p, len + 1) != (uint16_t)(p[len + 1] << 8 | p[len + 2]))
		return 0;
	status = (p[0] & CHECK_BIT) == 0 ?
	    take_runs(j, p + 1, p + 1 + len) :
	    take_check(j, p + 1, p + 1 + len);
	return status == KX_OK ? len + 3 : status == KX_BAD ? 0 : SIZE_MAX;
}

/* --- the file ------------------------------------------------------------ */

static enum kx_status
write_all(struct kx_journal *j, const char *p, size_t len,
    struct kx_error *err)
{
	size_t piece;
	ssize_t n;

	while (len > 0) {
		piece = len > WRITE_MOST ? WRITE_MOST : len;
		n = write(j->fd, p, piece);
		if (n < 0 && errno != EINTR)
			return kx_error_set(err, KX_FATAL, errno,
			    "cannot write the journal");
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return KX_OK;
}

static enum kx_status
sync_file(struct kx_journal *j, struct kx_error *err)
{
	return fdatasync(j->fd) == 0 ? KX_OK : kx_error_set(err, KX_FATAL,
	    errno, "cannot sync the journal");
}

/* The folder's entry of a file that is new. */
static enum kx_status
sync_folder(const char *path, struct kx_error *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	enum kx_status status = KX_OK;
	int fd;

	if (dir == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "the journal");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		status = kx_error_set(err, KX_FAIL, errno,
		    "cannot sync the journal's folder");
	if (fd >= 0)
		(void)close(fd);
	free(dir);
	return status;
}

static enum kx_status
begin(struct kx_journal *j, const char *path, const char *input,
    struct kx_error *err)
{
	struct kx_buf head = { NULL, 0, 0, false };
	enum kx_status status;

	if (j->fd < 0)
		return KX_OK;
	kx_buf_adds(&head, MAGIC);
	kx_buf_adds(&head, input);
	kx_buf_adds(&head, "\n\n");
	if (kx_buf_failed(&head))
		status = kx_error_set(err, KX_FAIL, ENOMEM, "the journal");
	else
		status = write_all(j, head.ptr, head.len, err);
	if (status == KX_OK)
		status = sync_file(j, err);
	kx_buf_free(&head);
	return status == KX_OK ? sync_folder(path, err) : status;
}

/* The length of a header that is ours; 0: it is torn, so nothing had been
 * sent; SIZE_MAX: err says what it is instead. */
static size_t
take_header(const uint8_t *p, size_t len, const char *input,
    struct kx_error *err)
{
	const size_t magic = sizeof(MAGIC) - 1;
	size_t want = strlen(input);
	const uint8_t *end;

	if (memcmp(p, MAGIC, len < magic ? len : magic) != 0)
		goto none;
	if (len <= magic)
		return 0;
	p += magic;
	len -= magic;
	end = memchr(p, '\n', len < INPUT_MOST ? len : INPUT_MOST);
	if (end == NULL && len < INPUT_MOST)
		return 0;
	if (end == NULL)
		goto none;
	if ((size_t)(end - p) != want || memcmp(p, input, want) != 0) {
		(void)kx_error_set(err, KX_BAD, 0,
		    "it belongs to another input, '%.*s', not to '%s'",
		    end - p > 100 ? 100 : (int)(end - p), (const char *)p,
		    input);
		return SIZE_MAX;
	}
	if ((size_t)(end - p) + 1 == len)
		return 0;
	if (end[1] == '\n')
		return magic + want + 2;
none:
	(void)kx_error_set(err, KX_BAD, 0, "it is no journal of kx-replay");
	return SIZE_MAX;
}

/* Everything that holds; *good is how far that goes. */
static enum kx_status
take_all(struct kx_journal *j, const uint8_t *p, size_t len,
    const char *input, size_t *good, struct kx_error *err)
{
	size_t at = take_header(p, len, input, err), n;

	*good = 0;
	if (at == SIZE_MAX)
		return KX_BAD;
	if (at == 0)
		return KX_OK;
	while ((n = take_frame(j, p + at, len - at)) != 0) {
		if (n == SIZE_MAX)
			return kx_error_set(err, KX_FAIL, ENOMEM,
			    "the journal");
		at += n;
	}
	*good = at;
	if (len - at > WRITE_MOST)
		return kx_error_set(err, KX_BAD, 0,
		    "it is damaged at byte %zu of %zu", at, len);
	return KX_OK;
}

/* The whole file, read: some bytes for each sync of the past. */
static enum kx_status
slurp(int fd, struct kx_buf *buf, struct kx_error *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return kx_error_set(err, KX_FAIL, errno, "the journal");
	if (!S_ISREG(st.st_mode))
		return kx_error_set(err, KX_BAD, 0, "it is no regular file");
	do {
		if (!kx_buf_reserve(buf, (size_t)1 << 16))
			return kx_error_set(err, KX_FAIL, ENOMEM,
			    "the journal");
		n = read(fd, buf->ptr + buf->len, (size_t)1 << 16);
		if (n < 0 && errno != EINTR)
			return kx_error_set(err, KX_FAIL, errno,
			    "the journal");
		buf->len += n > 0 ? (size_t)n : 0;
	} while (n != 0);
	return KX_OK;
}

static enum kx_status
resume(struct kx_journal *j, int fd, const char *path, const char *input,
    struct kx_error *err)
{
	struct kx_buf buf = { NULL, 0, 0, false };
	enum kx_status status;
	size_t good = 0, i;

	status = slurp(fd, &buf, err);
	if (status == KX_OK)
		status = take_all(j, (const uint8_t *)buf.ptr, buf.len, input,
		    &good, err);
	if (status == KX_OK && j->fd >= 0 && good < buf.len &&
	    ftruncate(fd, (off_t)good) != 0)
		status = kx_error_set(err, KX_FAIL, errno,
		    "cannot cut off the journal's torn end");
	kx_buf_free(&buf);
	for (i = 0; i < j->n_ranges; i++)
		j->count += j->range[i].to - j->range[i].from;
	return status == KX_OK && good == 0 ? begin(j, path, input, err) :
	    status;
}

enum kx_status
kx_journal_open(const char *path, const char *input, bool read_only,
    struct kx_journal **out, struct kx_error *err)
{
	struct kx_journal *j = calloc(1, sizeof(*j));
	enum kx_status status = KX_OK;
	int fd;

	*out = NULL;
	if (j == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM, "the journal");
	(void)pthread_mutex_init(&j->lock, NULL);
	fd = open(path, read_only ? O_RDONLY | O_CLOEXEC :
	    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	j->fd = read_only ? -1 : fd;
	if (fd < 0 && (!read_only || errno != ENOENT))
		status = kx_error_set(err, KX_FAIL, errno, "cannot open it");
	else if (j->fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
		status = errno == EWOULDBLOCK ? kx_error_set(err, KX_BAD, 0,
		    "another run is using it") :
		    kx_error_set(err, KX_FAIL, errno, "cannot lock it");
	else if (fd >= 0)
		status = resume(j, fd, path, input, err);
	if (fd >= 0 && (read_only || status != KX_OK))
		(void)close(fd);
	if (status == KX_OK) {
		*out = j;
	} else {
		j->fd = -1;
		kx_journal_close(j);
	}
	return status;
}

void
kx_journal_close(struct kx_journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		(void)close(j->fd);
	kx_buf_free(&j->out);
	kx_buf_free(&j->spare);
	(void)pthread_mutex_destroy(&j->lock);
	free(j->range);
	free(j->check);
	free(j);
}

/* --- in use -------------------------------------------------------------- */

uint64_t
kx_journal_count(const struct kx_journal *j)
{
	return j->count;
}

uint64_t
kx_journal_last(const struct kx_journal *j)
{
	return j->n_ranges == 0 ? 0 : j->range[j->n_ranges - 1].to - 1;
}

bool
kx_journal_has(struct kx_journal *j, uint64_t ordinal)
{
	if (j->at > 0 && ordinal < j->range[j->at - 1].to)
		j->at = 0;
	while (j->at < j->n_ranges && j->range[j->at].to <= ordinal)
		j->at++;
	return j->at < j->n_ranges && j->range[j->at].from <= ordinal;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
put_runs(struct kx_journal *j, const uint64_t *ordinals, size_t n)
{
	uint8_t payload[PAYLOAD];
	size_t i, first, len = 0;
	uint64_t gap;

	for (i = 0; i < n;) {
		first = i++;
		while (i < n && ordinals[i] == ordinals[i - 1] + 1)
			i++;
		gap = ordinals[first] - j->cursor;
		gap = gap << 1 ^ (0 - (gap >> 63));
		/* Two varints of ten bytes at most. */
		if (len + 20 > PAYLOAD) {
			put_frame(&j->out, 0, payload, len);
			len = 0;
		}
		len += put_varint(payload + len, gap);
		len += put_varint(payload + len, i - 1 - first);
		j->cursor = ordinals[i - 1] + 1;
	}
	if (len > 0)
		put_frame(&j->out, 0, payload, len);
}

/* For good: behind a torn write another would be damage, and a sync that comes
 * after a failed one says nothing of what that one lost. */
static void
set_failed(struct kx_journal *j, bool lost)
{
	(void)pthread_mutex_lock(&j->lock);
	j->torn = true;
	j->lost = j->lost || lost;
	(void)pthread_mutex_unlock(&j->lock);
}

enum kx_status
kx_journal_add(struct kx_journal *j, uint64_t *ordinals, size_t n,
    struct kx_error *err)
{
	struct kx_buf out;
	enum kx_status status;
	bool torn;

	qsort(ordinals, n, sizeof(*ordinals), compare);
	(void)pthread_mutex_lock(&j->lock);
	torn = j->torn;
	put_runs(j, ordinals, n);
	out = j->out;
	j->out = j->spare;
	(void)pthread_mutex_unlock(&j->lock);
	if (torn)
		status = kx_error_set(err, KX_FATAL, 0, GONE);
	else if (kx_buf_failed(&out))
		status = kx_error_set(err, KX_FATAL, ENOMEM, "the journal");
	else
		status = write_all(j, out.ptr, out.len, err);
	kx_buf_reset(&out, WRITE_MOST);
	j->spare = out;
	if (status != KX_OK)
		set_failed(j, false);
	return status;
}

enum kx_status
kx_journal_sync(struct kx_journal *j, struct kx_error *err)
{
	enum kx_status status;
	bool lost;

	(void)pthread_mutex_lock(&j->lock);
	lost = j->lost;
	(void)pthread_mutex_unlock(&j->lock);
	status = lost ? kx_error_set(err, KX_FATAL, 0, GONE) :
	    sync_file(j, err);
	if (status != KX_OK)
		set_failed(j, true);
	return status;
}

enum kx_status
kx_journal_check(struct kx_journal *j, uint64_t ordinal,
    const uint8_t digest[KX_JOURNAL_CHECK], bool keep, struct kx_error *err)
{
	uint8_t payload[PAYLOAD];
	size_t len;

	while (j->check_at < j->n_checks &&
	    j->check[j->check_at].ordinal < ordinal)
		j->check_at++;
	if (j->check_at < j->n_checks &&
	    j->check[j->check_at].ordinal == ordinal)
		return memcmp(j->check[j->check_at].digest, digest,
		    KX_JOURNAL_CHECK) == 0 ? KX_OK :
		    kx_error_set(err, KX_BAD, 0, "it belongs to another "
		    "input: one of its first %llu records is another",
		    (unsigned long long)ordinal);
	if (!keep || j->fd < 0 || ordinal <= j->checked)
		return KX_OK;
	len = put_varint(payload, ordinal);
	memcpy(payload + len, digest, KX_JOURNAL_CHECK);
	(void)pthread_mutex_lock(&j->lock);
	put_frame(&j->out, CHECK_BIT, payload, len + KX_JOURNAL_CHECK);
	j->checked = ordinal;
	(void)pthread_mutex_unlock(&j->lock);
	return KX_OK;
}
