/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes: the one file that knows libcrypto.  CRC-32 is libdeflate's, which
 * takes a third of the time that zlib's does.
 *
 * The functions are those that OpenSSL 3 would rather have called through its
 * EVP_MD_fetch().  That one sets up the whole library, in some hundred
 * allocations, and crashes (3.0) where certain of them fail; these work in
 * the caller's memory, allocate nothing and cannot fail.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <openssl/sha.h>

#include "kx/hash.h"
#include "kx/kernel.h"

_Static_assert(SHA256_DIGEST_LENGTH == KX_SHA256_SIZE, "");
_Static_assert(SHA512_DIGEST_LENGTH == KX_SHA512_SIZE, "");

struct kx_hash {
	enum kx_hash_kind kind;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	} ctx;
};

enum kx_status
kx_hash_new(enum kx_hash_kind kind, struct kx_hash **out,
    struct kx_error *err)
{
	struct kx_hash *hash = calloc(1, sizeof(*hash));

	*out = hash;
	if (hash == NULL)
		return kx_error_set(err, KX_FAIL, ENOMEM,
		    "cannot set up hashes");
	hash->kind = kind;
	return KX_OK;
}

void
kx_hash_free(struct kx_hash *hash)
{
	free(hash);
}

size_t
kx_hash_size(const struct kx_hash *hash)
{
	return hash->kind == KX_SHA512 ? KX_SHA512_SIZE : KX_SHA256_SIZE;
}

static enum kx_status
check(int ok)
{
	return ok == 1 ? KX_OK : KX_FAIL;
}

enum kx_status
kx_hash_begin(struct kx_hash *hash)
{
	return check(hash->kind == KX_SHA512 ?
	    SHA512_Init(&hash->ctx.sha512) : SHA256_Init(&hash->ctx.sha256));
}

enum kx_status
kx_hash_add(struct kx_hash *hash, const void *ptr, size_t len)
{
	if (len == 0)
		return KX_OK;
	return check(hash->kind == KX_SHA512 ?
	    SHA512_Update(&hash->ctx.sha512, ptr, len) :
	    SHA256_Update(&hash->ctx.sha256, ptr, len));
}

enum kx_status
kx_hash_end(struct kx_hash *hash, uint8_t *digest)
{
	enum kx_status status = check(hash->kind == KX_SHA512 ?
	    SHA512_Final(digest, &hash->ctx.sha512) :
	    SHA256_Final(digest, &hash->ctx.sha256));

	if (status != KX_OK)
		memset(digest, 0, kx_hash_size(hash));
	return status;
}

enum kx_status
kx_hash_all(struct kx_hash *hash, const void *ptr, size_t len,
    uint8_t *digest)
{
	if (kx_hash_begin(hash) != KX_OK ||
	    kx_hash_add(hash, ptr, len) != KX_OK) {
		memset(digest, 0, kx_hash_size(hash));
		return KX_FAIL;
	}
	return kx_hash_end(hash, digest);
}

/*
 * Sums.  The states lie in bytes of the caller's: no type of libcrypto shows
 * in the header, and a state is copied with what it is part of.
 */

_Static_assert(sizeof(SHA256_CTX) <=
    sizeof(((struct kx_summing *)0)->sha256), "");
_Static_assert(sizeof(SHA512_CTX) <=
    sizeof(((struct kx_summing *)0)->sha512), "");

static SHA256_CTX *
sha256_of(struct kx_summing *s)
{
	return (SHA256_CTX *)(void *)s->sha256;
}

static SHA512_CTX *
sha512_of(struct kx_summing *s)
{
	return (SHA512_CTX *)(void *)s->sha512;
}

enum kx_status
kx_summing_begin(struct kx_summing *s, unsigned which)
{
	int ok = 1;

	memset(s, 0, sizeof(*s));
	s->which = which;
	if (which & KX_SUM_SHA256)
		ok &= SHA256_Init(sha256_of(s));
	if (which & KX_SUM_SHA512)
		ok &= SHA512_Init(sha512_of(s));
	return check(ok);
}

enum kx_status
kx_summing_add(struct kx_summing *s, unsigned only, const void *ptr,
    size_t len)
{
	int ok = 1;

	if (len == 0)
		return KX_OK;
	only &= s->which;
	if (only & KX_SUM_SHA256) {
		ok &= SHA256_Update(sha256_of(s), ptr, len);
		s->size += len;
	}
	if (only & KX_SUM_SHA512)
		ok &= SHA512_Update(sha512_of(s), ptr, len);
	if (only & KX_SUM_CRC32)
		s->crc32 = libdeflate_crc32(s->crc32, ptr, len);
	return check(ok);
}

enum kx_status
kx_summing_end(const struct kx_summing *s, struct kx_sums *sums)
{
	struct kx_summing copy = *s;
	int ok = 1;

	memset(sums, 0, sizeof(*sums));
	if (s->which & KX_SUM_SHA256)
		ok &= SHA256_Final(sums->sha256, sha256_of(&copy));
	if (s->which & KX_SUM_SHA512)
		ok &= SHA512_Final(sums->sha512, sha512_of(&copy));
	sums->crc32 = s->crc32;
	sums->have = ok == 1 ? s->which : 0;
	return check(ok);
}

enum kx_status
kx_sums_all(struct kx_sums *sums, unsigned which, const void *ptr,
    size_t len)
{
	struct kx_summing s;

	sums->have = 0;
	if (kx_summing_begin(&s, which) != KX_OK ||
	    kx_summing_add(&s, which, ptr, len) != KX_OK)
		return KX_FAIL;
	return kx_summing_end(&s, sums);
}

/*
 * Many messages.  Their whole blocks go through the lanes of a kernel, as long
 * as enough of these have some; what is left of a message then, its last bytes
 * at least, is libcrypto's, which goes on from the words of the lane.
 */

union state {
	uint32_t sha256[8][KX_SHA256_LANES];
	uint64_t sha512[8][KX_SHA512_LANES];
};

/* A hash in lanes: `least` of them are faster than one message after
 * another. */
struct family {
	unsigned which;
	size_t lanes, least, block;
	void (*begin)(union state *state, size_t lane);
	void (*blocks)(const struct kx_kernel *kernel, union state *state,
	    const uint8_t *const *p, size_t blocks);
	/* The sum of a message of which `done` bytes have gone through. */
	int (*end)(const union state *state, size_t lane, size_t done,
	    const struct kx_message *m);
};

static void
begin_sha256(union state *state, size_t lane)
{
	SHA256_CTX ctx;
	size_t i;

	(void)SHA256_Init(&ctx);
	for (i = 0; i < 8; i++)
		state->sha256[i][lane] = ctx.h[i];
}

static void
blocks_sha256(const struct kx_kernel *kernel, union state *state,
    const uint8_t *const *p, size_t blocks)
{
	kernel->sha256(state->sha256, p, blocks);
}

static int
end_sha256(const union state *state, size_t lane, size_t done,
    const struct kx_message *m)
{
	SHA256_CTX ctx;
	size_t i;

	if (SHA256_Init(&ctx) != 1)
		return 0;
	for (i = 0; i < 8; i++)
		ctx.h[i] = state->sha256[i][lane];
	ctx.Nl = (SHA_LONG)((uint64_t)done << 3);
	ctx.Nh = (SHA_LONG)((uint64_t)done >> 29);
	return (done == m->bytes.len || SHA256_Update(&ctx, m->bytes.ptr +
	    done, m->bytes.len - done) == 1) &&
	    SHA256_Final(m->sums->sha256, &ctx) == 1;
}

static void
begin_sha512(union state *state, size_t lane)
{
	SHA512_CTX ctx;
	size_t i;

	(void)SHA512_Init(&ctx);
	for (i = 0; i < 8; i++)
		state->sha512[i][lane] = ctx.h[i];
}

static void
blocks_sha512(const struct kx_kernel *kernel, union state *state,
    const uint8_t *const *p, size_t blocks)
{
	kernel->sha512(state->sha512, p, blocks);
}

static int
end_sha512(const union state *state, size_t lane, size_t done,
    const struct kx_message *m)
{
	SHA512_CTX ctx;
	size_t i;

	if (SHA512_Init(&ctx) != 1)
		return 0;
	for (i = 0; i < 8; i++)
		ctx.h[i] = state->sha512[i][lane];
	ctx.Nl = (SHA_LONG64)done << 3;
	ctx.Nh = (SHA_LONG64)((uint64_t)done >> 61);
	return (done == m->bytes.len || SHA512_Update(&ctx, m->bytes.ptr +
	    done, m->bytes.len - done) == 1) &&
	    SHA512_Final(m->sums->sha512, &ctx) == 1;
}

static const struct family sha256 = { KX_SUM_SHA256, KX_SHA256_LANES, 2,
	SHA256_CBLOCK, begin_sha256, blocks_sha256, end_sha256 };
static const struct family sha512 = { KX_SUM_SHA512, KX_SHA512_LANES, 3,
	SHA512_CBLOCK, begin_sha512, blocks_sha512, end_sha512 };

#define MOST_LANES KX_SHA512_LANES

struct lanes {
	const struct family *f;
	union state state;
	size_t n;			/* that have a message */
	const struct kx_message *m[MOST_LANES];
	const uint8_t *p[MOST_LANES];	/* what is next of it */
	size_t left[MOST_LANES];	/* blocks */
	int ok;
};

static void
end_lane(struct lanes *l, size_t lane)
{
	const struct kx_message *m = l->m[lane];

	l->ok &= l->f->end(&l->state, lane, (size_t)(l->p[lane] -
	    (const uint8_t *)m->bytes.ptr), m);
	l->m[lane] = NULL;
	l->n--;
}

/* Give a free lane the next message that has a block for it. */
static void
fill_lane(struct lanes *l, size_t lane, const struct kx_message **next,
    const struct kx_message *end)
{
	while (l->m[lane] == NULL && *next < end) {
		const struct kx_message *m = (*next)++;

		if (!(m->which & l->f->which))
			continue;
		l->m[lane] = m;
		l->p[lane] = (const uint8_t *)m->bytes.ptr;
		l->left[lane] = m->bytes.len / l->f->block;
		l->n++;
		l->f->begin(&l->state, lane);
		if (l->left[lane] == 0)
			end_lane(l, lane);
	}
}

/* All lanes as far as the shortest goes.  One without a message reads what
 * another does, to no end. */
static void
step_lanes(struct lanes *l, const struct kx_kernel *kernel)
{
	const uint8_t *p[MOST_LANES], *any = NULL;
	size_t blocks = SIZE_MAX, i;

	for (i = 0; i < l->f->lanes; i++) {
		if (l->m[i] == NULL)
			continue;
		any = l->p[i];
		if (l->left[i] < blocks)
			blocks = l->left[i];
	}
	for (i = 0; i < l->f->lanes; i++)
		p[i] = l->m[i] == NULL ? any : l->p[i];
	l->f->blocks(kernel, &l->state, p, blocks);
	for (i = 0; i < l->f->lanes; i++) {
		if (l->m[i] == NULL)
			continue;
		l->p[i] += blocks * l->f->block;
		l->left[i] -= blocks;
		if (l->left[i] == 0)
			end_lane(l, i);
	}
}

static bool
side_by_side(const struct kx_kernel *kernel, const struct family *f,
    const struct kx_message *m, size_t n)
{
	const struct kx_message *end = m + n;
	struct lanes l = { .f = f, .ok = 1 };
	size_t i;

	for (;;) {
		for (i = 0; i < f->lanes; i++)
			fill_lane(&l, i, &m, end);
		if (l.n < f->least)
			break;
		step_lanes(&l, kernel);
	}
	for (i = 0; i < f->lanes; i++) {
		if (l.m[i] != NULL)
			end_lane(&l, i);
	}
	return l.ok == 1;
}

enum kx_status
kx_sums_many(const struct kx_kernel *kernel, const struct kx_message *m,
    size_t n)
{
	unsigned lanes = 0;
	bool ok = true;
	size_t i;

	if (kernel != NULL && kernel->sha256 != NULL)
		lanes |= KX_SUM_SHA256;
	if (kernel != NULL && kernel->sha512 != NULL)
		lanes |= KX_SUM_SHA512;
	for (i = 0; i < n; i++) {
		if (kx_sums_all(m[i].sums, m[i].which & ~lanes, m[i].bytes.ptr,
		    m[i].bytes.len) != KX_OK)
			return KX_FAIL;
	}
	if (lanes & KX_SUM_SHA256)
		ok = side_by_side(kernel, &sha256, m, n);
	if (lanes & KX_SUM_SHA512)
		ok = side_by_side(kernel, &sha512, m, n) && ok;
	for (i = 0; i < n; i++)
		m[i].sums->have = ok ? m[i].which : 0;
	return ok ? KX_OK : KX_FAIL;
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct kx_hmac *)0)->inner), "");

enum kx_status
kx_hmac_key(struct kx_hmac *hmac, const void *key, size_t len)
{
	unsigned char pad[SHA256_CBLOCK] = { 0 };
	SHA256_CTX ctx;
	int ok = 1;
	size_t i;

	memset(hmac, 0, sizeof(*hmac));
	if (len > sizeof(pad))
		ok = SHA256_Init(&ctx) && SHA256_Update(&ctx, key, len) &&
		    SHA256_Final(pad, &ctx);
	else
		memcpy(pad, key, len);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	ok = ok && SHA256_Init(&ctx) && SHA256_Update(&ctx, pad, sizeof(pad));
	memcpy(hmac->inner, &ctx, sizeof(ctx));
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	ok = ok && SHA256_Init(&ctx) && SHA256_Update(&ctx, pad, sizeof(pad));
	memcpy(hmac->outer, &ctx, sizeof(ctx));
	explicit_bzero(pad, sizeof(pad));
	return check(ok);
}

enum kx_status
kx_hmac_sign(const struct kx_hmac *hmac, const struct kx_span *pieces,
    size_t n, uint8_t digest[KX_SHA256_SIZE])
{
	SHA256_CTX ctx;
	int ok = 1;
	size_t i;

	memcpy(&ctx, hmac->inner, sizeof(ctx));
	for (i = 0; i < n && ok; i++)
		if (pieces[i].len > 0)
			ok = SHA256_Update(&ctx, pieces[i].ptr, pieces[i].len);
	ok = ok && SHA256_Final(digest, &ctx);
	memcpy(&ctx, hmac->outer, sizeof(ctx));
	ok = ok && SHA256_Update(&ctx, digest, KX_SHA256_SIZE) &&
	    SHA256_Final(digest, &ctx);
	if (!ok)
		memset(digest, 0, KX_SHA256_SIZE);
	return check(ok);
}

void
kx_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
kx_hex_parse(struct kx_span text, uint8_t *bytes, size_t len)
{
	size_t i;
	int hi, lo;

	if (text.len / 2 != len || text.len % 2 != 0)
		return false;
	for (i = 0; i < len; i++) {
		hi = hex_value(text.ptr[2 * i]);
		lo = hex_value(text.ptr[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
