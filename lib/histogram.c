/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buckets by the power of two of a value and its five bits behind the first.
 * Values below 32 have a bucket each, which is the same formula.
 */
#include <config.h>

#include "kx/histogram.h"

#define BITS 5
#define EACH (1u << BITS)

_Static_assert(KX_HISTOGRAM_BUCKETS == (64 - BITS + 1) * EACH, "");

static unsigned
bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < EACH)
		return (unsigned)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - BITS;
	return (shift + 1) * EACH + (unsigned)(value >> shift) - EACH;
}

/* The greatest value that falls into it. */
static uint64_t
bucket_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < EACH)
		return bucket;
	shift = bucket / EACH - 1;
	return ((uint64_t)(bucket % EACH + EACH) << shift) +
	    (((uint64_t)1 << shift) - 1);
}

void
kx_histogram_add(struct kx_histogram *h, uint64_t value)
{
	h->n++;
	if (value > h->max)
		h->max = value;
	h->bucket[bucket_of(value)]++;
}

uint64_t
kx_histogram_at(const struct kx_histogram *h, double part)
{
	uint64_t sum = 0, end;
	unsigned i;

	for (i = 0; i < KX_HISTOGRAM_BUCKETS; i++) {
		sum += h->bucket[i];
		if (h->bucket[i] > 0 && (double)sum >= part * (double)h->n) {
			end = bucket_end(i);
			return end < h->max ? end : h->max;
		}
	}
	return h->max;
}
