/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as base64: every kernel stops at the same byte with the same
 * output, and what was decoded stands in for what was read.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "kx/image.h"
#include "kx/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct kx_kernel *scalar = kx_kernel_get("scalar");
	const struct kx_kernel *const *k;
	uint8_t *in = malloc(len + KX_PADDING);
	uint8_t *want = malloc(3 * len / 4 + 64);
	uint8_t *got = malloc(3 * len / 4 + 64);
	size_t want_in, want_out, got_in, got_out;

	if (in == NULL || want == NULL || got == NULL)
		abort();
	memcpy(in, data, len);
	memset(in + len, 'A', KX_PADDING);
	scalar->base64(in, len, want, &want_in, &want_out);
	if (want_in > len || want_in % 4 != 0 || want_out != want_in / 4 * 3)
		abort();
	for (k = kx_kernel_all(); *k != NULL; k++) {
		(*k)->base64(in, len, got, &got_in, &got_out);
		if (got_in != want_in || got_out != want_out ||
		    memcmp(got, want, want_out) != 0) {
			fprintf(stderr, "%s disagrees\n", (*k)->name);
			abort();
		}
	}
	free(in);
	free(want);
	free(got);
	return 0;
}
