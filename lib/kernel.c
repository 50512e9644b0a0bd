/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which kernels this build has and this processor can run.
 */
#include <config.h>

#include "kx/kernel.h"

#include "json-kernel.h"

#ifdef KX_HAVE_AVX512
#include <cpuid.h>
#endif

#define KERNEL(name, ...) { #name, kx_scan_##name, kx_utf8_##name, \
	kx_lines_##name, kx_base64_##name, __VA_ARGS__ }

#ifdef KX_HAVE_AVX512
static const struct kx_kernel avx512 = KERNEL(avx512, kx_sha256_avx512,
    kx_sha512_avx512);

/* Not every compiler's __builtin_cpu_supports() knows the SHA extensions; all
 * processors with VBMI2 have them. */
static bool
has_sha(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
	    (ebx & bit_SHA);
}
#endif
#ifdef KX_HAVE_AVX2
static const struct kx_kernel avx2 = KERNEL(avx2, NULL, NULL);
#endif
#ifdef KX_HAVE_NEON
static const struct kx_kernel neon = KERNEL(neon, NULL, NULL);
#endif
static const struct kx_kernel scalar = KERNEL(scalar, NULL, NULL);

/* Every build's list, best first. */
static const struct kx_kernel *const all[] = {
#ifdef KX_HAVE_AVX512
	&avx512,
#endif
#ifdef KX_HAVE_AVX2
	&avx2,
#endif
#ifdef KX_HAVE_NEON
	&neon,
#endif
	&scalar,
	NULL
};

/* The kernels are ordered so that a processor that runs one runs all behind
 * it: the first that runs begins the list of those that do. */
const struct kx_kernel *const *
kx_kernel_all(void)
{
	const struct kx_kernel *const *k = all;

#ifdef KX_HAVE_AVX512
	if (!(__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512vbmi") &&
	    __builtin_cpu_supports("avx512vbmi2") &&
	    __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	    __builtin_cpu_supports("bmi2") &&
	    __builtin_cpu_supports("pclmul") && has_sha()))
		k++;
	else
		return k;
#endif
#ifdef KX_HAVE_AVX2
	if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	    __builtin_cpu_supports("bmi2") &&
	    __builtin_cpu_supports("popcnt") &&
	    __builtin_cpu_supports("pclmul")))
		k++;
#endif
	return k;
}

const struct kx_kernel *
kx_kernel_get(const char *name)
{
	const struct kx_kernel *const *k = kx_kernel_all();

	if (name == NULL || *name == '\0')
		return *k;
	for (; *k != NULL; k++)
		if (!strcmp((*k)->name, name))
			return *k;
	return NULL;
}
