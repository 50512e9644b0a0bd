/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bundle checked: every hash, nothing missing, nothing added, and of a bag
 * every frame against the record that it came out of.
 *
 * The bundle is read twice (kx/unbundle.h), unpacked to nowhere: once to sum
 * up its files, once to hold what the papers and the records say against that.
 * Memory: about 250 bytes a file and 32 a row of the manifest, and the longest
 * record.
 */
#ifndef KX_VERIFY_H
#define KX_VERIFY_H

#include "kx/base.h"

struct kx_kernel;

enum kx_verify_result { KX_VERIFY_OK, KX_VERIFY_FAILED, KX_VERIFY_NOT_CHECKED };

struct kx_verify_options {
	const char *path;
	uint64_t max_size;	/* 0: by the archive's size */
	size_t max_record;
	const struct kx_kernel *kernel;
	/* A check and what came of it, in words; and, before that, each thing
	 * that is wrong.  Bytes of the bundle in the words are as they came. */
	void (*check)(void *arg, enum kx_verify_result result,
	    const char *words);
	void (*wrong)(void *arg, const char *words);
	void *arg;
};

/* KX_OK: all checks were made, and *failed tells how many did; KX_FAIL: err
 * says why they could not be made; KX_BAD: the same, by the data's fault. */
enum kx_status kx_verify(const struct kx_verify_options *options,
    size_t *failed, struct kx_error *err) KX_MUST_CHECK;

#endif
