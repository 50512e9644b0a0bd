# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-validate beside two validators of JSON Schema that others wrote, which are
# given the schema that it prints.  KX_BENCH=validate runs these rows alone.

# shellcheck disable=SC2034 # one_run() reads it
out=/dev/null
peers=$KX_SRCDIR/tests/peers/node_modules

# other LABEL COMMAND...: a row of a peer; $best is the time of the best one.
other() {
	local label=$1
	shift
	last=
	job "$label" - "$@"
	[ -z "$last" ] || best=$(awk -v a="$last" -v b="$best" \
		'BEGIN { print (b == "" || a < b) ? a : b }')
}

# bench_validate LOG BAR BAR-WITHOUT-IMAGES TIMES: TIMES is how much faster than
# the better of the two we mean to be.
bench_validate() {
	local log=$1 bar=$2 skip=$3 times=$4 ours best='' jsonschema
	echo
	echo "kx-validate, $log"
	base=$(median wc -l "$log")
	awk -v w="$base" 'BEGIN { printf "  W = wc -l = %.1f ms\n", w * 1000 }'
	job 'kx-validate' "$bar" kx-validate "$log"
	ours=$last
	job 'kx-validate -j1' - kx-validate -j1 "$log"
	if [ "$skip" != - ]; then
		job 'kx-validate --images=skip' "$skip" \
		    kx-validate --images=skip "$log"
	fi
	job 'kx-validate --profile=strict' - kx-validate --profile=strict "$log"
	kx-validate --print-schema > schema.json
	if have node && [ -d "$peers/ajv" ]; then
		other '  ajv with the printed schema' node \
		    "$KX_SRCDIR/tests/bench/ajv.mjs" "$peers" schema.json "$log"
	fi
	jsonschema=$peers/.bin/jsonschema
	if [ -x "$jsonschema" ]; then
		# It goes by the ending, and that of what a link points to.
		ln -f "$log" instances.jsonl
		other '  jsonschema (sourcemeta)' \
		    "$jsonschema" validate schema.json instances.jsonl
		other '  jsonschema --fast (sourcemeta)' \
		    "$jsonschema" validate --fast schema.json instances.jsonl
		rm -f instances.jsonl
	fi
	[ -z "$best" ] || awk -v a="$best" -v b="$ours" -v t="$times" 'BEGIN {
		r = a / b
		printf "  kx-validate is %.1f times as fast as the faster of them; " \
		    "bar %s: %s\n", r, t, (r >= t) ? "met" : "MISSED" }'
}

bench_validate lean.ndjson 5 - 10
bench_validate images.ndjson 4 2.5 2
