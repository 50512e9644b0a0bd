#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The arm64 kernels, cross-compiled and run by an emulator: the entry points of
# the fuzzers, which compare each kernel with the scalar one, over the saved
# inputs.  TAP; skipped where the compiler or the emulator is missing.
set -euo pipefail

src=${KX_SRCDIR:-$(cd -- "$(dirname -- "$0")/.." && pwd)}
cc=aarch64-linux-gnu-gcc
for program in "$cc" qemu-aarch64; do
	if ! command -v "$program" > /dev/null; then
		echo "1..0 # SKIP $program is not installed"
		exit 0
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '#define KX_HAVE_NEON 1' > "$work/config.h"
lib=("$src"/lib/{json,json-error,json-scalar,json-neon,kernel,base,buf}.c
    "$src"/lib/{base64,base64-neon,event,num}.c)

echo '1..2'
n=0
for target in json base64; do
	n=$((n + 1))
	if "$cc" -static -O2 -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror \
	    -I"$work" -I"$src/include" -I"$src/lib" \
	    "$src/tests/fuzz/$target.c" "$src/tests/fuzz/main.c" "${lib[@]}" \
	    -o "$work/$target" &&
	    qemu-aarch64 "$work/$target" "$src"/tests/data/*.*json \
	    > "$work/out" 2>&1; then
		echo "ok $n - $target on arm64"
	else
		sed 's/^/# /' "$work/out"
		echo "not ok $n - $target on arm64"
	fi
done
