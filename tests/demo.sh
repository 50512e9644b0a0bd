#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job on a sample log, as a user would do it: `make demo'.
# Everything goes into ./demo of the build folder, made anew each time.
# `demo.sh --log' prints the sample log and does nothing else.
set -euo pipefail

# Good events with frames, then events among which each fault that is known
# stands once.
sample_log() {
	"$1/genlog" --seed=7 --events=300 --images
	"$1/genlog" --seed=8 --events=100 --broken
}
if [ "${1-}" = --log ]; then
	sample_log "$KX_TESTDIR"
	exit
fi

tools=$KX_BUILDDIR
PATH=$tools:$PATH
top=$PWD
rm -rf demo
mkdir demo
cd demo

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}
if [ ! -t 1 ] || [ -n "${NO_COLOR:-}" ]; then
	say() { printf '\n%s\n' "$*"; }
fi

# Show a command, then run it; what it prints is part of the demo.
show() {
	printf '$ %s\n' "$1"
	eval "$1"
}

say '1. A log with frames, in which some lines are broken'
sample_log "$top/tests" | zstd -q > log.ndjson.zst
show 'ls -l log.ndjson.zst | cut -d" " -f5-'

say '2. Validate, keep what matters'
printf '%s\n' '$ kx-validate --summary --rejects=bad.ndjson log.ndjson.zst 2> why.txt |' \
    "      kx-filter '.level >= 2' > important.ndjson"
status=0
kx-validate --summary --rejects=bad.ndjson log.ndjson.zst 2> why.txt |
    kx-filter '.level >= 2' > important.ndjson || status=$?
# 1: there were broken records, as there should be.
[ "$status" -le 1 ]
show 'grep -c . important.ndjson'
show 'grep -m 4 " error: " why.txt'
show 'sed -n "/ records$/,/ rejected$/p" why.txt'

say '3. A table'
show 'kx-to-csv important.ndjson > important.csv || test $? = 1'
show 'sed -n "1,4p" important.csv | cut -d, -f1,5,11,13,17'

say '4. An evidence bundle'
show 'kx-extract-snapshots --bagit -o evidence.zip important.ndjson || test $? = 1'
show 'unzip -q -d evidence evidence.zip'
show '(cd evidence && sha256sum -c --quiet manifest-sha256.txt && echo payload intact)'
show '(cd evidence && sha256sum -c --quiet tagmanifest-sha256.txt && echo manifests intact)'
show 'ls evidence/data/frames | sed -n "1,3p"'

say '5. The same events again'
show 'kx-replay --speed=max important.ndjson | cmp - important.ndjson && echo byte for byte'

printf '\nAll of it is in %s\n' "$PWD"
