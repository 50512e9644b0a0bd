/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of frames.  A part is copied only where it is of the form that the
 * event document gives it; everything else is replaced by a hash, so there is
 * nothing to escape and nothing to forget.  The longest name has 105 bytes,
 * 20 + 1 + 20 + 1 + 20 + 1 + 10 + 1 + 13 + 1 + 12 + 1 + 4, and 116 with a
 * number behind it.
 */
#include <config.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kx/event.h"
#include "kx/hash.h"
#include "kx/snapname.h"

#define ID_MAX 20		/* digits of an id: the document's limit */
#define START_MIN 13		/* digits: milliseconds until the year 2286 */
#define HASH_DIGITS 12
#define EXT_MAX 4

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
put_ids(char *to, const struct kx_snapname *name, struct kx_hash *hash)
{
	struct kx_span origin, start, third, event_id = name->event_id;

	if (kx_id_parse(name->id, &origin, &start, &third)) {
		if (event_id.len == 0)
			event_id = third;
		to = put_id(to, origin, 0, hash);
	} else if (name->id.len == 0) {
		to = put(to, "none", 4);
	} else {
		to = put_hash(to, name->id, hash);
	}
	if (to == NULL)
		return NULL;
	*to++ = '_';
	return put_id(to, event_id, 0, hash);
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

size_t
kx_snapname_make(char out[KX_SNAPNAME_MAX + 1],
    const struct kx_snapname *name, struct kx_hash *hash)
{
	char hex[2 * KX_SHA256_SIZE + 1];
	size_t ext_len = strlen(name->ext);
	struct kx_span start = name->start_time;
	char *to;

	assert(ext_len > 0 && ext_len <= EXT_MAX);
	if (start.len == 0)
		start = KX_SPAN("0");
	to = put_id(out, start, START_MIN, hash);
	if (to == NULL)
		return 0;
	*to++ = '_';
	to = put_ids(to, name, hash);
	if (to == NULL)
		return 0;
	*to++ = '_';
	to = put_number(to, name->index, 2);
	*to++ = '_';
	to = put_type(to, name->type, hash);
	if (to == NULL)
		return 0;
	*to++ = '_';
	kx_hex(name->sha256, KX_SHA256_SIZE, hex);
	to = put(to, hex, HASH_DIGITS);
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

/*
 * Names that are taken.  Of a name 16 bytes of its SHA-256 are kept: that two
 * names agree in these is no accident that happens, and would do no more than
 * give a frame a number that it does not need.
 */
#define KEY_SIZE 16
#define CAP_MIN 1024		/* a power of two */

struct kx_snapnames_slot {
	uint8_t key[KEY_SIZE];	/* all 0: free */
	uint8_t sha256[KX_SHA256_SIZE];
};

static const uint8_t no_key[KEY_SIZE];

static bool
key_of(const char *name, struct kx_hash *hash, uint8_t key[KEY_SIZE])
{
	uint8_t sum[KX_SHA256_SIZE];

	if (kx_hash_all(hash, name, strlen(name), sum) != KX_OK)
		return false;
	memcpy(key, sum, KEY_SIZE);
	return true;
}

/* Its slot, or the free one where it belongs. */
static size_t
find(const struct kx_snapnames_slot *slot, size_t cap,
    const uint8_t key[KEY_SIZE])
{
	size_t i;

	memcpy(&i, key, sizeof(i));
	for (i &= cap - 1; memcmp(slot[i].key, no_key, KEY_SIZE) != 0 &&
	    memcmp(slot[i].key, key, KEY_SIZE) != 0; i = (i + 1) & (cap - 1))
		continue;
	return i;
}

static bool
grow(struct kx_snapnames *names)
{
	size_t cap = names->cap == 0 ? CAP_MIN : names->cap, i;
	struct kx_snapnames_slot *slot;

	if (names->cap != 0 && __builtin_mul_overflow(cap, (size_t)2, &cap))
		return false;
	slot = calloc(cap, sizeof(*slot));
	if (slot == NULL)
		return false;
	for (i = 0; i < names->cap; i++) {
		const struct kx_snapnames_slot *old = &names->slot[i];

		if (memcmp(old->key, no_key, KEY_SIZE) != 0)
			slot[find(slot, cap, old->key)] = *old;
	}
	free(names->slot);
	names->slot = slot;
	names->cap = cap;
	return true;
}

enum kx_status
kx_snapnames_take(struct kx_snapnames *names, const char *name,
    const uint8_t sha256[KX_SHA256_SIZE], struct kx_hash *hash)
{
	struct kx_snapnames_slot *slot;
	uint8_t key[KEY_SIZE];

	if (!key_of(name, hash, key))
		return KX_FAIL;
	if (names->n >= names->cap / 4 * 3 && !grow(names))
		return KX_FAIL;
	slot = &names->slot[find(names->slot, names->cap, key)];
	if (memcmp(slot->key, no_key, KEY_SIZE) != 0)
		return memcmp(slot->sha256, sha256, KX_SHA256_SIZE) == 0 ?
		    KX_EOF : KX_BAD;
	memcpy(slot->key, key, KEY_SIZE);
	memcpy(slot->sha256, sha256, KX_SHA256_SIZE);
	names->n++;
	return KX_OK;
}

bool
kx_snapnames_has(const struct kx_snapnames *names, const char *name,
    struct kx_hash *hash)
{
	uint8_t key[KEY_SIZE];

	return names->n > 0 && key_of(name, hash, key) &&
	    memcmp(names->slot[find(names->slot, names->cap, key)].key,
	    no_key, KEY_SIZE) != 0;
}

void
kx_snapnames_free(struct kx_snapnames *names)
{
	free(names->slot);
	*names = (struct kx_snapnames){ NULL, 0, 0 };
}
