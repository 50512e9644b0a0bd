# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-replay beside others that send requests, to a trivial sink on loopback: a
# part of run.sh, which it is sourced by (KX_BENCH=replay: alone).  All send the
# same events of 1.2 kB; what is printed are events a second.

sink=$KX_TESTDIR/bench/sink
peers=$KX_SRCDIR/tests/peers/node_modules

many=$((2000 * scale)) few=$((400 * scale))
awk -v n="$many" 'BEGIN {
	pad = sprintf("%960s", ""); gsub(/ /, "x", pad)
	for (i = 1; i <= n; i++) {
		ms = 1691055920965 + i
		printf "{\"monitor_id\":114,\"id\":\"203:%.0f:%.0f\",\"event_id\":\"%.0f\",\"topic\":\"FaceMatched\",\"module\":\"KX.Faces\",\"level\":%d,\"start_time\":%.0f,\"params\":{\"identities\":[],\"pad\":\"%s\"},\"channel\":{\"id\":%d,\"name\":\"1-4-09\"}}\n", ms, ms, ms, i % 4, ms, pad, i % 50
	}
}' > events.ndjson
head -n "$few" events.ndjson > few.ndjson
head -n 1 events.ndjson | tr -d '\n' > one.json

rm -f port
"$sink" port > sink.out &
pid=$!
tmpfs=$(mktemp -d -p "$(test -d /dev/shm && echo /dev/shm || echo .)")
trap 'kill $pid 2> /dev/null || true; rm -rf "$tmpfs"' EXIT
until [ -s port ]; do sleep 0.05; done
url=http://127.0.0.1:$(<port)/hook

# Seconds of one run of "$@".
timed() {
	local start=$EPOCHREALTIME
	if ! "$@" > out.txt 2> err.txt; then
		echo "failed: $*" >&2
		head -n 3 err.txt >&2
		return 1
	fi
	awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.6f\n", b - a }'
}

# rate LABEL N COMMAND...: the median of the runs as events a second, in $last.
rate() {
	local label=$1 n=$2 i
	shift 2
	last=$(for ((i = 0; i < runs; i++)); do
		timed "$@"
	done | sort -n | awk -v n="$n" '{ t[NR] = $1 }
		END { if (NR) printf "%.0f", n / t[int((NR + 1) / 2)] }')
	[ -n "$last" ] || return 0
	printf '  %-50s %8d /s\n' "$label" "$last"
}

# in_turns N COMMAND...: as rate() for several without arguments, whose labels
# are in ${label[COMMAND]}; a run of each in turn, for they are compared with
# each other and whatever else the machine does meets all alike.  Their rates
# are in ${rate[COMMAND]}.
declare -A label rate
in_turns() {
	local n=$1 i what
	shift
	rm -f turns
	for ((i = 0; i < runs; i++)); do
		for what; do
			timed "$what" | sed "s/^/$what /" >> turns
		done
	done
	for what; do
		rate[$what]=$(awk -v w="$what" '$1 == w { print $2 }' turns |
			sort -n | awk -v n="$n" '{ t[NR] = $1 }
			END { if (NR) printf "%.0f", n / t[int((NR + 1) / 2)] }')
		[ -n "${rate[$what]}" ] || continue
		printf '  %-50s %8d /s\n' "${label[$what]}" "${rate[$what]}"
	done
}

# bar LABEL A B LEAST: A is LEAST times B.
bar() {
	awk -v l="$1" -v a="$2" -v b="$3" -v least="$4" 'BEGIN {
		if (b == "" || b == 0) exit
		r = a / b
		printf "  %-50s %8.2f x   bar %s: %s\n", l, r, least,
		    (r >= least) ? "met" : "MISSED" }'
}

with_journal() {
	rm -f "$1"
	"${kx32[@]}" --journal="$1" events.ndjson
}
plain() {
	"${kx32[@]}" events.ndjson
}
on_tmpfs() {
	with_journal "$tmpfs/j"
}
on_disk() {
	with_journal journal
}
label=(
	[plain]='kx-replay --order=none --concurrency=32'
	[on_tmpfs]='the same with --journal, on tmpfs'
	[on_disk]='the same with --journal, on this disk'
)

echo
echo "events of $(head -n 1 events.ndjson | wc -c) bytes to a sink on loopback, $(nproc) processors"
kx32=(kx-replay --speed=max --order=none --concurrency=32 --url="$url")
in_turns "$many" plain on_tmpfs on_disk
ours=${rate[plain]}
rate 'kx-replay --order=channel --concurrency=32' "$many" \
	kx-replay --speed=max --order=channel --concurrency=32 --url="$url" events.ndjson
rate 'kx-replay (strict)' "$few" kx-replay --speed=max --url="$url" few.ndjson
strict=$last

curl=
if command -v curl > /dev/null; then
	awk -v url="$url" '{
		gsub(/[\\"]/, "\\\\&")
		if (NR > 1) print "next"
		print "url = \"" url "\""
		print "header = \"Content-Type: application/json\""
		print "data-binary = \"" $0 "\""
		print "output = /dev/null"
	}' few.ndjson > curl.conf
	rate 'curl --parallel --parallel-max 32 -K FILE' "$few" \
		curl -s --parallel --parallel-max 32 -K curl.conf
	curl=$last
fi
cat > client.py <<'PY'
import http.client, sys, urllib.parse
u = urllib.parse.urlsplit(sys.argv[1])
c = http.client.HTTPConnection(u.hostname, u.port)
for line in open(sys.argv[2], "rb"):
    c.request("POST", u.path, line[:-1], {"Content-Type": "application/json"})
    r = c.getresponse()
    r.read()
    assert r.status == 200
PY
rate 'python3 http.client, kept alive, one in flight' "$few" python3 client.py "$url" few.ndjson
python=$last
if [ -d "$peers/undici" ]; then
	cat > client.js <<-'js'
		const { Pool } = require(process.argv[2] + "/undici");
		const fs = require("fs"), rl = require("readline");
		const u = new URL(process.argv[3]);
		const pool = new Pool(u.origin, { connections: 32, pipelining: 1 });
		const lines = fs.readFileSync(process.argv[4]).toString().split("\n");
		lines.pop();
		let next = 0;
		async function worker() {
			while (next < lines.length) {
				const r = await pool.request({ path: u.pathname, method: "POST",
					headers: { "content-type": "application/json" },
					body: lines[next++] });
				await r.body.dump();
			}
		}
		Promise.all(Array.from({ length: 32 }, worker)).then(() => pool.close());
	js
	rate 'node, undici, 32 connections' "$many" node client.js "$peers" "$url" events.ndjson
fi
if [ -x "$peers/.bin/autocannon" ]; then
	rate 'autocannon -c 32, one body' "$many" "$peers/.bin/autocannon" -c 32 -a "$many" \
		-m POST -i one.json -H 'Content-Type: application/json' "$url"
fi
if command -v wrk > /dev/null; then
	cat > wrk.lua <<-'lua'
		wrk.method = "POST"
		wrk.body = io.open("one.json"):read("*a")
		wrk.headers["Content-Type"] = "application/json"
	lua
	wrk -t 2 -c 32 -d 2 -s wrk.lua "$url" | awk '/Requests\/sec/ {
		printf "  %-50s %8d /s\n", "wrk -c 32, one body: the ceiling", $2 }'
fi
bar 'none, as times curl --parallel' "$ours" "$curl" 2.5
bar 'strict, as times http.client' "$strict" "$python" 1
bar 'with a journal on tmpfs, as part of without' "${rate[on_tmpfs]}" "$ours" 0.8
bar 'with a journal on this disk, as part of without' "${rate[on_disk]}" "$ours" 0.8
if [ -x /usr/bin/time ]; then
	for log in few.ndjson events.ndjson; do
		/usr/bin/time -f %M -o peak.txt "${kx32[@]}" "$log" 2> err.txt
		awk -v l="peak memory, $(wc -l < "$log") events" \
			'{ printf "  %-50s %8.1f MiB\n", l, $1 / 1024 }' peak.txt
	done
fi
kill "$pid"
wait "$pid" || true
rm -rf "$tmpfs"
trap - EXIT
