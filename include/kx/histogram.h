/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Durations counted into buckets, so that percentiles of any number of them
 * take the same memory.  A bucket is at most a 32nd wide of what is in it:
 * a percentile is that exact.  The greatest is kept as it is.
 */
#ifndef KX_HISTOGRAM_H
#define KX_HISTOGRAM_H

#include "kx/base.h"

/* 32 buckets for each power of two of uint64_t. */
#define KX_HISTOGRAM_BUCKETS 1920

/* Zero-initialised is empty and valid. */
struct kx_histogram {
	uint64_t n;
	uint64_t max;
	uint64_t bucket[KX_HISTOGRAM_BUCKETS];
};

void kx_histogram_add(struct kx_histogram *h, uint64_t value);

/* The least value that at least `part` (0 to 1) of all do not exceed, rounded
 * up to the end of its bucket, and at most `max`; 0 where there is none. */
uint64_t kx_histogram_at(const struct kx_histogram *h, double part);

#endif
