/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of frames.  A part is copied only where it is of the form that the
 * event document gives it; everything else is replaced by a hash, so there is
 * nothing to escape and nothing to forget.  How long a template's names can
 * get is known when it is parsed; a number behind one has at most 11 bytes,
 * the ending 5.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kx/event.h"
#include "kx/hash.h"
#include "kx/num.h"
#include "kx/snapname.h"
#include "kx/time.h"

#define ID_MAX 20		/* digits of an id: the document's limit */
#define WORD_MAX 32
#define START_MIN 13		/* digits: milliseconds until the year 2286 */
#define HASH_DIGITS 12
#define EXT_MAX 4
#define NTH_MAX 11		/* "_4294967295" */
#define DEVICE_MAX 1		/* `_' behind a device's name */

enum field {
	START, DATE, TIME, ORIGIN, EVENT_ID, CHANNEL, CHANNEL_NAME, TOPIC,
	INDEX, TYPE, STAMP, SHA, SHA256, N_FIELDS
};

static const struct {
	const char *name;
	size_t max;		/* bytes */
} fields[N_FIELDS] = {
	[START] = { "start", ID_MAX },
	[DATE] = { "date", 8 },
	[TIME] = { "time", 6 },
	[ORIGIN] = { "origin", ID_MAX },
	[EVENT_ID] = { "event_id", ID_MAX },
	[CHANNEL] = { "channel", ID_MAX },
	[CHANNEL_NAME] = { "channel_name", WORD_MAX },
	[TOPIC] = { "topic", WORD_MAX },
	[INDEX] = { "index", 10 },
	[TYPE] = { "type", 1 + HASH_DIGITS },
	[STAMP] = { "stamp", 19 },
	[SHA] = { "sha", HASH_DIGITS },
	[SHA256] = { "sha256", 64 }
};

/* --- templates ------------------------------------------------------------ */

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

static int
find_field(struct kx_span name)
{
	int i;

	for (i = 0; i < N_FIELDS; i++) {
		if (kx_span_eq(name, kx_span_str(fields[i].name)))
			return i;
	}
	return -1;
}

/* One part from p on; the end of it, or NULL and *err. */
static const char *
parse_part(const char *p, struct kx_snapname_part *part, struct kx_error *err)
{
	const char *end = p;

	if (*p == '{') {
		end = strchr(p, '}');
		part->text = end == NULL ? KX_SPAN_NULL :
		    (struct kx_span){ p + 1, (size_t)(end - p - 1) };
		part->field = end == NULL ? -1 : find_field(part->text);
		if (part->field >= 0)
			return end + 1;
		(void)kx_error_set(err, KX_BAD, 0, end == NULL ?
		    "a brace is not closed" : "{%.*s} is no field",
		    (int)(part->text.len < 40 ? part->text.len : 40),
		    part->text.ptr);
		return NULL;
	}
	while (is_alnum(*end) || *end == '_' || *end == '.' || *end == '-')
		end++;
	part->field = -1;
	part->text = (struct kx_span){ p, (size_t)(end - p) };
	if (end > p)
		return end;
	(void)kx_error_set(err, KX_BAD, 0, "byte %s is none of A-Z a-z 0-9 "
	    "_ . - and braces", *p == '/' ? "'/'" : *p == ' ' ? "' '" :
	    "in it");
	return NULL;
}

enum kx_status
kx_snapname_parse(const char *text, struct kx_snapname_template *out,
    struct kx_error *err)
{
	const size_t most = KX_SNAPNAME_MAX - NTH_MAX - DEVICE_MAX - 1 -
	    EXT_MAX;
	const char *p = text;
	size_t max = 0;

	out->n = 0;
	if (*p == '\0' || (*p != '{' && !is_alnum(*p)))
		return kx_error_set(err, KX_BAD, 0, "it must begin with a "
		    "letter, a digit or a field");
	while (*p != '\0') {
		struct kx_snapname_part *part = &out->part[out->n];

		if (out->n == KX_SNAPNAME_PARTS)
			return kx_error_set(err, KX_BAD, 0,
			    "more than %d parts", KX_SNAPNAME_PARTS);
		p = parse_part(p, part, err);
		if (p == NULL)
			return KX_BAD;
		max += part->field < 0 ? part->text.len :
		    fields[part->field].max;
		out->n++;
	}
	if (max > most)
		return kx_error_set(err, KX_BAD, 0, "names could have %zu "
		    "bytes, %zu are allowed", max, most);
	return KX_OK;
}

/* --- names ---------------------------------------------------------------- */

static bool
is_digits(struct kx_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	}
	return text.len > 0;
}

static char *
put(char *to, const char *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

/* NULL where the hash fails. */
static char *
put_hash(char *to, struct kx_span text, struct kx_hash *hash)
{
	char hex[2 * KX_SHA256_SIZE + 1];
	uint8_t sum[KX_SHA256_SIZE];

	if (kx_hash_all(hash, text.ptr, text.len, sum) != KX_OK)
		return NULL;
	kx_hex(sum, sizeof(sum), hex);
	*to++ = 'x';
	return put(to, hex, HASH_DIGITS);
}

/* A part that is a run of digits, filled up with zeros to `least`. */
static char *
put_id(char *to, struct kx_span text, size_t least, struct kx_hash *hash)
{
	if (text.len == 0)
		return put(to, "none", 4);
	if (!is_digits(text) || text.len > ID_MAX)
		return put_hash(to, text, hash);
	for (; least > text.len; least--)
		*to++ = '0';
	return put(to, text.ptr, text.len);
}

static char *
put_number(char *to, uint32_t n, unsigned least)
{
	char digits[10];
	unsigned i = 0;

	do {
		digits[i++] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0 || i < least);
	while (i > 0)
		*to++ = digits[--i];
	return to;
}

/* The origin is the id's first number; an id of another form is hashed as a
 * whole, so that events which differ only there get different names. */
static char *
put_origin(char *to, const struct kx_snapname *name, struct kx_hash *hash)
{
	struct kx_span origin, start, third;

	if (kx_id_parse(name->id, &origin, &start, &third))
		return put_id(to, origin, 0, hash);
	return name->id.len == 0 ? put(to, "none", 4) :
	    put_hash(to, name->id, hash);
}

static char *
put_event_id(char *to, const struct kx_snapname *name, struct kx_hash *hash)
{
	struct kx_span origin, start, id = name->event_id;

	if (id.len == 0 && !kx_id_parse(name->id, &origin, &start, &id))
		id = KX_SPAN_NULL;
	return put_id(to, id, 0, hash);
}

static char *
put_type(char *to, struct kx_span type, struct kx_hash *hash)
{
	if (type.len == 0)
		return put(to, "none", 4);
	if (kx_span_eq(type, KX_SPAN("FULLSCREEN")) ||
	    kx_span_eq(type, KX_SPAN("THUMBNAIL")))
		return put(to, type.ptr, type.len);
	return put_hash(to, type, hash);
}

static char *
put_word(char *to, struct kx_span text, struct kx_hash *hash)
{
	size_t i;

	if (text.len == 0)
		return put(to, "none", 4);
	if (text.len > WORD_MAX || !is_alnum(text.ptr[0]))
		return put_hash(to, text, hash);
	for (i = 0; i < text.len; i++) {
		if (!is_alnum(text.ptr[i]) && text.ptr[i] != '_' &&
		    text.ptr[i] != '-')
			return put_hash(to, text, hash);
	}
	return put(to, text.ptr, text.len);
}

static char *
put_day(char *to, struct kx_span start, bool date)
{
	struct kx_civil at;
	int64_t ms;

	if (!kx_num_i64(start, &ms) || !kx_time_civil(ms, 0, &at) ||
	    at.year < 0 || at.year > 9999)
		return put(to, "none", 4);
	if (date) {
		to = put_number(to, (uint32_t)at.year, 4);
		to = put_number(to, (uint32_t)at.month, 2);
		return put_number(to, (uint32_t)at.day, 2);
	}
	to = put_number(to, (uint32_t)at.hour, 2);
	to = put_number(to, (uint32_t)at.minute, 2);
	return put_number(to, (uint32_t)at.second, 2);
}

/* NULL where the hash fails. */
static char *
put_field(char *to, enum field field, const struct kx_snapname *name,
    struct kx_hash *hash)
{
	char hex[2 * KX_SHA256_SIZE + 1];

	switch (field) {
	case START:
		return put_id(to, name->start_time.len == 0 ? KX_SPAN("0") :
		    name->start_time, START_MIN, hash);
	case DATE:
	case TIME:
		return put_day(to, name->start_time, field == DATE);
	case ORIGIN:
		return put_origin(to, name, hash);
	case EVENT_ID:
		return put_event_id(to, name, hash);
	case CHANNEL:
		return put_id(to, name->channel_id, 0, hash);
	case CHANNEL_NAME:
		return put_word(to, name->channel_name, hash);
	case TOPIC:
		return put_word(to, name->topic, hash);
	case INDEX:
		return put_number(to, name->index, 2);
	case TYPE:
		return put_type(to, name->type, hash);
	case STAMP:
		return put_id(to, name->stamp, 0, hash);
	default:
		kx_hex(name->sha256, KX_SHA256_SIZE, hex);
		return put(to, hex, fields[field].max);
	}
}

/* Names that mean a device on some systems, whatever their ending. */
static bool
is_device(const char *name, size_t len)
{
	static const char *const devices[] = { "con", "prn", "aux", "nul",
		"conin$", "conout$" };
	const char *dot = memchr(name, '.', len);
	size_t i;

	if (dot != NULL)
		len = (size_t)(dot - name);
	if (len == 4 && name[3] >= '0' && name[3] <= '9' &&
	    (!strncasecmp(name, "com", 3) || !strncasecmp(name, "lpt", 3)))
		return true;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (len == strlen(devices[i]) &&
		    !strncasecmp(name, devices[i], len))
			return true;
	}
	return false;
}

size_t
kx_snapname_make(char out[KX_SNAPNAME_MAX + 1],
    const struct kx_snapname_template *by, const struct kx_snapname *name,
    struct kx_hash *hash)
{
	size_t ext_len = strlen(name->ext), i;
	char *to = out, *dot;

	assert(ext_len > 0 && ext_len <= EXT_MAX);
	for (i = 0; i < by->n && to != NULL; i++) {
		const struct kx_snapname_part *part = &by->part[i];

		to = part->field < 0 ? put(to, part->text.ptr,
		    part->text.len) :
		    put_field(to, (enum field)part->field, name, hash);
	}
	if (to == NULL)
		return 0;
	if (is_device(out, (size_t)(to - out))) {
		dot = memchr(out, '.', (size_t)(to - out));
		if (dot == NULL)
			dot = to;
		memmove(dot + 1, dot, (size_t)(to - dot));
		*dot = '_';
		to++;
	}
	*to++ = '.';
	to = put(to, name->ext, ext_len);
	*to = '\0';
	return (size_t)(to - out);
}

size_t
kx_snapname_nth(char out[KX_SNAPNAME_MAX + 1], const char *name,
    uint32_t nth)
{
	const char *dot = strrchr(name, '.');
	char *to;

	assert(dot != NULL && strlen(name) + 11 <= KX_SNAPNAME_MAX);
	to = put(out, name, (size_t)(dot - name));
	*to++ = '_';
	to = put_number(to, nth, 1);
	to = put(to, dot, strlen(dot));
	*to = '\0';
	return (size_t)(to - out);
}

/* --- names that are taken ------------------------------------------------- */

/*
 * Two kinds of key: a name, without regard to case, whose number is how often
 * it was asked for by different bytes; and a name with bytes, whose number is
 * which of those they were.
 */
static bool
key_of(const char *name, const uint8_t *sha256, struct kx_hash *hash,
    uint8_t key[KX_KEY_SIZE])
{
	char text[KX_SNAPNAME_MAX + 1 + KX_SHA256_SIZE];
	uint8_t sum[KX_SHA256_SIZE];
	size_t len = strlen(name), i;

	assert(len <= KX_SNAPNAME_MAX);
	for (i = 0; i < len; i++)
		text[i] = name[i] >= 'A' && name[i] <= 'Z' ?
		    (char)(name[i] - 'A' + 'a') : name[i];
	text[len++] = '\0';
	if (sha256 != NULL) {
		memcpy(text + len, sha256, KX_SHA256_SIZE);
		len += KX_SHA256_SIZE;
	}
	if (kx_hash_all(hash, text, len, sum) != KX_OK)
		return false;
	memcpy(key, sum, KX_KEY_SIZE);
	return true;
}

/* The first of NAME, NAME_2, ... from `nth` on that nobody has. */
static bool
next_free(struct kx_snapnames *names, const char *name, uint32_t *nth,
    char out[KX_SNAPNAME_MAX + 1], struct kx_hash *hash)
{
	uint8_t key[KX_KEY_SIZE];
	uint64_t *taken;

	for (;; ++*nth) {
		if (*nth == 1)
			memcpy(out, name, strlen(name) + 1);
		else
			(void)kx_snapname_nth(out, name, *nth);
		if (!key_of(out, NULL, hash, key))
			return false;
		taken = kx_keytab_add(&names->tab, key);
		if (taken == NULL)
			return false;
		if (*taken == 0) {
			*taken = 1;
			return true;
		}
	}
}

enum kx_status
kx_snapnames_take(struct kx_snapnames *names, char name[KX_SNAPNAME_MAX + 1],
    const uint8_t sha256[KX_SHA256_SIZE], struct kx_hash *hash)
{
	uint8_t key[KX_KEY_SIZE], with[KX_KEY_SIZE];
	char out[KX_SNAPNAME_MAX + 1];
	uint64_t *number;
	uint32_t nth;

	if (!key_of(name, NULL, hash, key) ||
	    !key_of(name, sha256, hash, with))
		return KX_FAIL;
	number = kx_keytab_find(&names->tab, with);
	if (number != NULL) {
		if (*number > 1) {
			(void)kx_snapname_nth(out, name, (uint32_t)*number);
			memcpy(name, out, strlen(out) + 1);
		}
		return KX_EOF;
	}
	number = kx_keytab_find(&names->tab, key);
	nth = number == NULL ? 1 : (uint32_t)*number + 1;
	if (!next_free(names, name, &nth, out, hash))
		return KX_FAIL;
	number = kx_keytab_add(&names->tab, key);
	if (number == NULL)
		return KX_FAIL;
	*number = nth;
	number = kx_keytab_add(&names->tab, with);
	if (number == NULL)
		return KX_FAIL;
	*number = nth;
	memcpy(name, out, strlen(out) + 1);
	return KX_OK;
}

bool
kx_snapnames_has(const struct kx_snapnames *names, const char *name,
    struct kx_hash *hash)
{
	uint8_t key[KX_KEY_SIZE];

	return key_of(name, NULL, hash, key) &&
	    kx_keytab_find(&names->tab, key) != NULL;
}

void
kx_snapnames_free(struct kx_snapnames *names)
{
	kx_keytab_free(&names->tab);
}
