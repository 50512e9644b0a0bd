/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Without a fuzzer: run the entry point over saved inputs, whole and with
 * small changes, so that `make check' covers what fuzzing found.  TAP.
 *
 *   PROGRAM [FILE...]
 *
 * Without a FILE: those of tests/data and tests/fuzz/saved, below $KX_SRCDIR.
 */
#include <config.h>

#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Changes a file is tried with. */
#define CHANGES 200

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

int
main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	uint64_t x = 88172645463325252u;
	int i, change, rc, failed = 0;
	char pattern[4096];
	bool glob_used = argc == 1;
	glob_t found;

	if (argc == 1) {
		const char *top = getenv("KX_SRCDIR") != NULL ?
		    getenv("KX_SRCDIR") : ".";

		snprintf(pattern, sizeof pattern, "%s/tests/data/*.*json",
		    top);
		rc = glob(pattern, 0, NULL, &found);
		snprintf(pattern, sizeof pattern, "%s/tests/fuzz/saved/*",
		    top);
		if (rc != 0 || glob(pattern, GLOB_APPEND, NULL, &found) != 0) {
			printf("1..1\nnot ok 1 - nothing in %s\n", pattern);
			return 1;
		}
		argc = (int)found.gl_pathc;
		argv = found.gl_pathv;
	} else {
		argc--;
		argv++;
	}
	printf("1..%d\n", argc);
	for (i = 0; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t len;

		if (file == NULL) {
			printf("not ok %d - %s\n", i + 1, argv[i]);
			failed = 1;
			continue;
		}
		len = fread(data, 1, sizeof data, file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, len);
		for (change = 0; len > 0 && change < CHANGES; change++) {
			size_t at = next_random(&x) % len;
			uint8_t was = data[at];

			data[at] = (uint8_t)next_random(&x);
			LLVMFuzzerTestOneInput(data, change % 4 == 0 ? at + 1 :
			    len);
			if (change % 8 != 0)
				data[at] = was;
		}
		printf("ok %d - %s\n", i + 1, argv[i]);
	}
	if (glob_used)
		globfree(&found);
	return failed;
}
