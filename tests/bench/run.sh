#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast the tools are beside others on this machine: `make bench'.
#
# Makes two logs (200 MB without images, 400 MB with), warms the cache, and
# prints for each job the median of five runs as a multiple of `wc -l' on the
# same log in the same run, with its peak memory.  Peers that are not
# installed are left out.  A bar that an issue set stands behind its job.
#
# KX_BENCH_RUNS=N    runs of a job (default 5)
# KX_BENCH_SCALE=N   logs of N percent of the size (default 100)
# KX_BENCH=PART      that part alone: to-csv
set -euo pipefail

PATH=$KX_BUILDDIR:$PATH
runs=${KX_BENCH_RUNS:-5}
scale=${KX_BENCH_SCALE:-100}
genlog=$PWD/tests/genlog
mkdir -p bench
cd bench

make_log() {
	local name=$1 bytes=$2
	shift 2
	if [ ! -s "$name" ] || [ "$(cat "$name.size" 2>/dev/null)" != "$bytes" ]; then
		"$genlog" --seed=1 --size="$bytes" "$@" -o "$name"
		echo "$bytes" > "$name.size"
	fi
	cat "$name" > /dev/null
}
make_log lean.ndjson "$((2000000 * scale))"
make_log images.ndjson "$((4000000 * scale))" --images
head -n 1 lean.ndjson > one.ndjson

# Seconds of one run of "$@", output to $out; 0 and 1 are good statuses.
out=/dev/null
one_run() {
	local start end status=0
	if [ "$1" = job_frames ]; then	# what the last run wrote goes first
		shift
		rm -rf "$shm"/x*
	fi
	start=$EPOCHREALTIME
	"$@" > "$out" 2> err.txt || status=$?
	end=$EPOCHREALTIME
	if [ "$status" -gt 1 ]; then
		echo "failed with $status: $*" >&2
		head -n 3 err.txt >&2
		return 1
	fi
	awk -v a="$start" -v b="$end" 'BEGIN { printf "%.6f\n", b - a }'
}

median() {
	local i
	for ((i = 0; i < runs; i++)); do
		one_run "$@"
	done | sort -n | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'
}

# Peak memory of one run in MiB, where GNU time is there.
peak() {
	if [ "$1" = job_frames ]; then
		shift
		rm -rf "$shm"/x*
	fi
	if [ -x /usr/bin/time ]; then
		/usr/bin/time -f %M -o peak.txt "$@" > /dev/null 2>&1 || true
		tail -n 1 peak.txt | awk '{ printf "%.0f MiB", $1 / 1024 }'
	fi
}

base=1
# job LABEL BAR COMMAND...: a row of the table; BAR is the most times `wc -l'
# that is asked for, or -.
job() {
	local label=$1 bar=$2 time
	shift 2
	time=$(median "$@") || return 0
	last=$time
	awk -v l="$label" -v t="$time" -v w="$base" -v b="$bar" -v m="$(peak "$@")" 'BEGIN {
		r = t / w
		printf "  %-50s %8.2f W  %9s", l, r, m
		if (b != "-")
			printf "   bar %s W: %s", b, (r <= b) ? "met" : "MISSED"
		printf "\n"
	}'
}
have() {
	command -v "$1" > /dev/null
}

python_orjson() {
	local py
	for py in python3 /usr/bin/python3; do
		if "$py" -c 'import orjson' 2> /dev/null; then
			echo "$py"
			return
		fi
	done
}
py=$(python_orjson)
cat > peer.py <<'PY'
import sys, orjson
w = sys.stdout.buffer.write
for line in open(sys.argv[1], "rb"):
    e = orjson.loads(line)
    if e.get("topic") == "PlateMatched" and (e.get("level") or 0) >= 2:
        w(line)
PY

expr='.topic=="PlateMatched" and .level>=2'
# One that only libjq can run, and one of which no two events are the same.
names='[.params.identities[]?.list.name] | any(test("^sto";"i"))'
ids='.id | test("77$")'
shm=$(mktemp -d -p "$(test -d /dev/shm && echo /dev/shm || echo .)")
trap 'rm -rf "$shm"' EXIT
table() {
	local log=$1 crit=$2 native=$3 jqtimes=$4 ours
	echo
	echo "$log: $(wc -c < "$log") bytes, $(wc -l < "$log") records"
	base=$(median wc -l "$log")
	awk -v w="$base" 'BEGIN { printf "  W = wc -l = %.1f ms\n", w * 1000 }'
	job 'cat' - cat "$log"
	job 'kx-filter -c --topic --min-level' "$crit" \
	    kx-filter -c --topic=PlateMatched --min-level=2 "$log"
	out=$shm/printed
	job 'kx-filter --topic --min-level, to a file' 5 \
	    kx-filter --topic=PlateMatched --min-level=2 "$log"
	job 'kx-filter --min-level=0, every event, to a file' - \
	    kx-filter --min-level=0 "$log"
	out=/dev/null
	rm -f "$shm/printed"
	job "kx-filter '$expr'" "$native" kx-filter "$expr" "$log"
	job "  the same, libjq alone (KX_FILTER=libjq)" - \
	    env KX_FILTER=libjq kx-filter "$expr" "$log"
	job "jq -c 'select($expr)'" - jq -c "select($expr)" "$log"
	job "kx-filter '$names'" - kx-filter "$names" "$log"
	ours=$last
	job "jq -c 'select($names)'" - jq -c "select($names)" "$log"
	awk -v a="$last" -v b="$ours" -v t="$jqtimes" 'BEGIN {
		r = a / b
		word = (r >= t) ? "met" : "MISSED"
		printf "  kx-filter is %.1f times as fast as jq on that; bar %s: %s\n",
		    r, t, word }'
	# All that differs from one event to the next.
	job "kx-filter '$ids'" - kx-filter "$ids" "$log"
	job "jq -c 'select($ids)'" - jq -c "select($ids)" "$log"
	job 'kx-filter --person' - kx-filter -c --person='ma*' "$log"
	job "kx-filter --transform '{id, level}'" - \
	    kx-filter --transform '{id, level}' "$log"
	job "jq -c '{id, level}'" - jq -c '{id, level}' "$log"
	if have gojq; then
		job 'gojq' - gojq -c "select($expr)" "$log"
	fi
	if have mlr; then
		job 'mlr filter' - mlr --ijsonl --ojsonl filter \
		    "\$topic==\"PlateMatched\" && \$level>=2" "$log"
	fi
	if have duckdb; then
		job 'duckdb' - duckdb -c "copy (select * from read_json_objects('$log') where json->>'topic'='PlateMatched' and cast(json->>'level' as int)>=2) to '/dev/null' (format csv)"
	fi
	if [ -n "$py" ]; then
		job 'python3 with orjson' - "$py" peer.py "$log"
	fi
	job 'kx-replay --speed=max' - kx-replay --speed=max "$log"
}

if [ -n "${KX_BENCH-}" ]; then
	# shellcheck source=/dev/null
	. "$KX_SRCDIR/tests/bench/$KX_BENCH.sh"
	exit
fi

table lean.ndjson 3 4 6
table images.ndjson 2.5 2.5 15

# shellcheck source=tests/bench/to-csv.sh
. "$KX_SRCDIR/tests/bench/to-csv.sh"
# shellcheck source=tests/bench/validate.sh
. "$KX_SRCDIR/tests/bench/validate.sh"
# shellcheck source=tests/bench/replay.sh
. "$KX_SRCDIR/tests/bench/replay.sh"

# shellcheck source=tests/bench/extract.sh
. "$KX_SRCDIR/tests/bench/extract.sh"

echo
echo "start to finish on one line"
while read -r bar what; do
	read -ra words <<< "$what"
	awk -v l="$what" -v t="$(median "${words[@]}")" -v b="$bar" 'BEGIN {
		printf "  %-50s %8.2f ms", l, t * 1000
		if (b != "-")
			printf "   bar %s ms: %s", b, (t * 1000 < b) ? "met" : "MISSED"
		printf "\n" }'
done << 'END'
5 kx-filter --topic=X one.ndjson
5 kx-filter .level>=2 one.ndjson
40 kx-filter .level|tostring=="2" one.ndjson
- jq -c . one.ndjson
- true
END

echo
echo "peak memory of kx-filter -c --topic=PlateMatched over images.ndjson"
printf '  file %s' "$(peak kx-filter -c --topic=PlateMatched images.ndjson)"
# shellcheck disable=SC2016 # the inner shell expands them
printf ', stdin %s\n' "$(peak sh -c 'cat images.ndjson | kx-filter -c --topic=PlateMatched')"
