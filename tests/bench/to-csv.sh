# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Part of run.sh: tables, into a file on a file system in memory where there is
# one, for a disk's own speed hides ours.

tables=$(mktemp -d -p "$(test -d /dev/shm && echo /dev/shm || echo .)")
trap 'rm -rf "$tables" "$shm"' EXIT
out=$tables/table.csv
nine=id,event_id,topic,module,level,start_time,channel.id,channel.name,plate.number

# times LABEL SECONDS OURS BAR: a peer beside kx-to-csv.
times() {
	awk -v l="$1" -v t="$2" -v o="$3" -v w="$base" -v b="$4" 'BEGIN {
		printf "  %-50s %8.2f W  kx-to-csv is %.1f times as fast", l, t / w, t / o
		if (b != "-")
			printf "; bar %s: %s", b, (t / o >= b) ? "met" : "MISSED"
		printf "\n"
	}'
}

# duckdb_median LOG [typed]: by way of Node.js; the seconds of the COPY alone,
# for the start of node is not its fault.
duckdb_median() {
	local i
	for ((i = 0; i < runs; i++)); do
		node "$KX_SRCDIR/tests/bench/to-csv-duckdb.mjs" "$1" "$out" \
		    "${@:2}" || return 1
	done | sort -n | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'
}

tables_of() {
	local log=$1 bar=$2 ours
	echo
	echo "tables of $log"
	base=$(out=/dev/null median wc -l "$log")
	awk -v w="$base" 'BEGIN { printf "  W = wc -l = %.1f ms\n", w * 1000 }'
	job 'kx-to-csv' "$bar" kx-to-csv "$log"
	job 'kx-to-csv --rows=snapshot' - kx-to-csv --rows=snapshot "$log"
	job 'kx-to-csv --time=iso --timezone=Europe/Berlin' - \
	    kx-to-csv --time=iso --timezone=Europe/Berlin "$log"
	job 'kx-to-csv --excel' - kx-to-csv --excel "$log"
	job 'kx-to-csv, nine columns' - kx-to-csv --columns="$nine" "$log"
	ours=$last
	if [ -d "$KX_SRCDIR/tests/peers/node_modules/@duckdb/node-api" ] &&
	    have node; then
		last=$(duckdb_median "$log") &&
		    times 'DuckDB COPY, the nine' "$last" "$ours" "$3"
		last=$(duckdb_median "$log" typed) &&
		    times '  told their types' "$last" "$ours" -
	fi
	job 'jq -r @csv, the nine' - jq -r '[.id, .event_id, .topic, .module, .level,
	    .start_time, .channel.id // .channel_id, .channel.name // .channel_name,
	    .params.identities[0].plates[0].number] | @csv' "$log"
	times '  which' "$last" "$ours" "$4"
	if have mlr; then
		# shellcheck disable=SC2016 # Miller's own
		job 'mlr, the nine' - mlr --ijsonl --ocsv put '$* = mapsum({"module": "",
		    "channel.id": "", "channel.name": "", "plate.number": ""}, {
		    "id": $id, "event_id": $event_id, "topic": $topic, "module": $module,
		    "level": $level, "start_time": $start_time, "channel.id": $channel["id"],
		    "channel.name": $channel["name"],
		    "plate.number": $params["identities"][1]["plates"][1]["number"]})' "$log"
	fi
}

tables_of lean.ndjson 7 3 28
tables_of images.ndjson 3 - -
rm -rf "$tables"
out=/dev/null
