/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Identifiers that have come up: two tables with open addressing, one of
 * numbers and one of texts, each entry a key and a digest.  A key is compared
 * whole, so no two identifiers are ever taken for one.
 *
 * Where an entry goes depends on a number drawn at the start: a log cannot be
 * made to pile them up.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "kx/arena.h"
#include "kx/num.h"
#include "kx/unique.h"

struct entry {
	uint64_t key;		/* a number, or the address of a text with its
				   length (a size_t) before it */
	uint64_t digest;	/* 0: the entry is free */
};

struct entries {
	struct entry *entry;
	size_t cap, n;		/* cap: a power of two, or 0 */
};

struct kx_unique {
	struct entries numbers, texts;
	struct kx_arena arena;
	uint64_t seed;
};

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
digest(struct kx_span text, uint64_t seed)
{
	static const uint64_t odd[3] = { 0x9e3779b97f4a7c15u,
	    0xd6e8feb86659fd93u, 0xa0761d6478bd642fu };
	uint64_t h = mix(seed ^ odd[0], text.len ^ odd[1]), a, b;
	const char *p = text.ptr;
	size_t left = text.len;
	uint64_t last[2] = { 0, 0 };

	for (; left > 16; p += 16, left -= 16) {
		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 8);
		h = mix(h ^ a ^ odd[1], b ^ odd[2]);
	}
	if (left > 0)
		memcpy(last, p, left);
	return mix(h ^ last[0] ^ odd[1], last[1] ^ odd[2]);
}

uint64_t
kx_unique_digest(struct kx_span text)
{
	return digest(text, 0);
}

struct kx_unique *
kx_unique_new(void)
{
	struct kx_unique *unique = calloc(1, sizeof(*unique));

	if (unique != NULL && getrandom(&unique->seed,
	    sizeof(unique->seed), GRND_NONBLOCK) < 0)
		unique->seed = (uint64_t)time(NULL);
	return unique;
}

void
kx_unique_free(struct kx_unique *unique)
{
	if (unique == NULL)
		return;
	free(unique->numbers.entry);
	free(unique->texts.entry);
	kx_arena_free(&unique->arena);
	free(unique);
}

static struct kx_span
text_of(uint64_t key)
{
	const char *p = (const char *)(uintptr_t)key;
	struct kx_span text;

	memcpy(&text.len, p, sizeof(text.len));
	text.ptr = p + sizeof(text.len);
	return text;
}

static uint64_t
hash_number(const struct kx_unique *unique, uint64_t number)
{
	return mix(number ^ unique->seed, 0x9e3779b97f4a7c15u);
}

/* Where an entry with this hash may begin to be looked for. */
static size_t
hash_of(const struct kx_unique *unique, const struct entries *entries,
    uint64_t key)
{
	return entries == &unique->numbers ? hash_number(unique, key) :
	    digest(text_of(key), unique->seed);
}

/* Room for one more, with a quarter to spare. */
static bool
grow(const struct kx_unique *unique, struct entries *entries)
{
	size_t cap = entries->cap == 0 ? 1024 : 2 * entries->cap, i, k;
	struct entry *old = entries->entry, *grown;

	if (entries->n + entries->n / 3 < entries->cap)
		return true;
	grown = calloc(cap, sizeof(*grown));
	if (grown == NULL)
		return false;
	for (i = 0; i < entries->cap; i++) {
		if (old[i].digest == 0)
			continue;
		k = hash_of(unique, entries, old[i].key) & (cap - 1);
		while (grown[k].digest != 0)
			k = (k + 1) & (cap - 1);
		grown[k] = old[i];
	}
	free(old);
	entries->entry = grown;
	entries->cap = cap;
	return true;
}

/* A decimal number in the only way to write it. */
static bool
is_number(struct kx_span id, uint64_t *number)
{
	return kx_num_u64(id, number) && (id.len == 1 || *id.ptr != '0');
}

static bool
keep_text(struct kx_unique *unique, struct kx_span id, uint64_t *key)
{
	char *copy = kx_arena_alloc(&unique->arena, sizeof(id.len) + id.len);

	if (copy == NULL)
		return false;
	memcpy(copy, &id.len, sizeof(id.len));
	if (id.len > 0)
		memcpy(copy + sizeof(id.len), id.ptr, id.len);
	*key = (uint64_t)(uintptr_t)copy;
	return true;
}

enum kx_status
kx_unique_add(struct kx_unique *unique, struct kx_span id, uint64_t digest_,
    enum kx_seen *seen)
{
	uint64_t number = 0, wanted = digest_ == 0 ? 1 : digest_;
	bool is_text = !is_number(id, &number);
	struct entries *entries = is_text ? &unique->texts :
	    &unique->numbers;
	struct entry *entry;
	size_t k;

	if (!grow(unique, entries))
		return KX_FAIL;
	k = is_text ? digest(id, unique->seed) : hash_number(unique, number);
	for (;; k++) {
		entry = &entries->entry[k & (entries->cap - 1)];
		if (entry->digest == 0)
			break;
		if (is_text ? kx_span_eq(text_of(entry->key), id) :
		    entry->key == number) {
			*seen = entry->digest == wanted ? KX_SEEN_SAME :
			    KX_SEEN_OTHER;
			return KX_OK;
		}
	}
	if (is_text && !keep_text(unique, id, &number))
		return KX_FAIL;
	*entry = (struct entry){ number, wanted };
	entries->n++;
	*seen = KX_SEEN_NEVER;
	return KX_OK;
}
