# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# kx-filter: what is kept is what jq would keep, byte for byte.

load helper

setup() {
	kx_setup
	export HOME=$PWD
}

# Events whose spelling is a trap: names twice, names and values with escapes,
# numbers of every form, values of the wrong kind, snapshots that are none.
odd_events() {
	cat <<'END'
{"topic":"PlateMatched","level":2,"start_time":1685973361368,"channel":{"id":274,"name":"A"},"snapshots":[{"type":"FULLSCREEN","image":"AAAA"},{"type":"THUMBNAIL"}]}
{"topic":"Plate\u004datched","level":2.0,"start_time":1685973361369,"channel":{"id":275,"name":"\u041a"},"snapshots":[]}
{ "topic" : "FaceMatched" , "level" : 2e0 , "level" : 1 , "snapshots" : [ {"image":"B","image":null} ] }
{"t\u006fpic":"FaceMatched","level":"2","start_time":"1685973361368","channel":"none"}
{"topic":null,"level":-0,"channel":null,"snapshots":null}
{"topic":["PlateMatched"],"level":[2],"channel":[{"id":274}],"snapshots":{"type":"FULLSCREEN"}}
{"topic":{"a":1},"level":{"a":2},"channel":{"id":{"id":1}},"snapshots":"image"}
{"topic":true,"level":false,"channel":true,"snapshots":[1,"a",[{"image":"C"}],null]}
{"topic":"","level":1e400,"start_time":1.685973361368e12,"id":"","snapshots":[{}]}
{"topic":"Plate\nMatched","level":-1e400,"start_time":0.5,"id":"\ud83d\ude00"}
{"topic":"PlateMatched ","level":100000000000000000000,"event_id":4829655691653739123}
{"topic":"platematched","level":3,"event_id":4829655691653739124,"id":"😀"}
{"level":0.1,"event_id":"4829655691653739123","channel":{"id":274.0,"name":""}}
{"level":123456789012345,"event_id":9007199254740993,"channel":{"name":null}}
{}
{"topic":"Пр\u0438вет","level":1,"image":"x","channel":{"channel":{"channel":{"id":0}}}}
{"topic":"\u0000","level":2,"snapshots":[{"type":"FULLSCREEN","path":"/a"},{"im\u0061ge":"D"}]}
[1,2]
"text"
null
false
7
END
}

# The log that programs are compared on.
make_log() {
	odd_events >log
	events 6 >>log
	if [ -x "$KX_TESTDIR/genlog" ]; then
		"$KX_TESTDIR/genlog" --seed=5 --events=300 -o more
		"$KX_TESTDIR/genlog" --seed=6 --events=20 --images -o pictures
		cat more pictures >>log
	fi
}

programs() {
	cat <<'END'
.
.topic
.topic=="PlateMatched" and .level>=2
.topic == "PlateMatched" or .topic == "FaceMatched" | not
select(.topic == "PlateMatched")
select(.level >= 2) | .start_time > 1685973361368
select(.level > 1 and (.topic | startswith("Plate")))
.level == 2
.level != 2
.level < 2
.level <= -0
.level > 1.5
.level >= "2"
.level == "2"
.level > false
.level < null
.level == 1e2
.event_id == 4829655691653739123
.event_id == "4829655691653739123"
.topic < "Q"
.topic == ""
.topic == "Plate\nMatched"
.topic == "Plate\u004datched"
.topic == "Привет"
.id == "😀"
.missing
.missing == null
.missing.deeper.still == null
.channel.id == 274
.channel.id?
.channel.id.id?
.channel | .id == 274
.channel | select(.id == 274) | .name
."topic" == "FaceMatched"
.["topic"] != "FaceMatched"
.channel["name"] == .channel.name
.level == .level
.start_time <= .end_time
.snapshots == .snapshots
true
null
"x"
1 == 1.0
.level == -1
(.level | not) == false
.level and .topic and .channel
.nothing or .level
(.topic == "PlateMatched") == (.level == 2)
.snapshots | length
.snapshots | length > 1
.snapshots[]?.type
.snapshots[]?.image
.snapshots[0].type?
any(.snapshots[]?; .type? == "FULLSCREEN")
any(.snapshots[]?; has("image")?)
all(.snapshots[]?; .type? != "THUMBNAIL")
[.snapshots[]? | .path?] | length
.snapshots | map(.type)
.snapshots | tojson | length > 60
.snapshots[1:] | length
first(.snapshots[]?) | keys
.params.identities[0].list.level >= 2
.params.identities[]?.list.name
[.params.identities[]?.list.name] | any(test("^l"; "i"))
any(.params.identities[]?.faces[]?; .similarity > 0.9)
.params.identities | map(.list.id) | contains([552])
.params.identities as $i | $i | length
.topic | test("Plate")
.topic | ascii_downcase == "platematched"
.topic | IN("PlateMatched", "x")
.level | . > 1 and . < 3
[.level, .topic] | tojson | length > 20
{level, t: .topic} | .level == 2
if .level == 2 then .topic else empty end
if .level then .channel elif .topic then 1 else false end
try .channel.id catch .
try error("x") catch . == "x"
(.channel.id)? // "none"
.topic // .level
.level // empty
.level + 1
.level * 2 > 3
-.level
"\(.topic)-\(.level)" | length > 14
"\(.)" | length > 200
@base64 "\(.topic)"
tojson | length > 500
keys | length > 5
length
has("topic")
to_entries | length
with_entries(select(.value == 2)) | length
[.[]?] | length > 8
[paths] | length > 30
.. | numbers | . == 274
[..] | length
map(.)?
del(.snapshots) | tojson | test("image")
. as $e | $e.level
. as {topic: $t, level: $l} | $t
reduce .[]? as $x (0; . + 1)
reduce .snapshots[]? as $x (0; . + 1) | . > 1
[foreach .snapshots[]? as $s (0; . + 1; .)] | length
label $out | .snapshots[]? | ., break $out
limit(1; .topic, .level)
first(.level, .topic)
isempty(.snapshots[]?)
[limit(0; .level)] | length
def f(x): x | .id; f(.channel)
def f: .topic; f == "PlateMatched"
getpath(["channel", "id"])
path(.topic)
.level |= 5 | .level == 5
.a = .topic | .a
error
error(.topic)
error(null)
.level | error
type == "object"
.start_time | todate?
.start_time / 1000 | floor
$ENV | length
env.HOME | length
$__loc__.line
input_line_number % 2 == 0
[input_line_number, .level] | tojson | test("1")
splits("a")?
not
empty
.level, .topic
(.level, .topic) | not
END
}

# What jq does not compile.
no_programs() {
	cat <<'END'
.topic,
.topic | | .level
.topic == "x
nosuch(1)
.level == 1 == 2
{
END
}

# jq's word on each program and each event of ./log, to ./said: a line an event
# with its line number and a letter a program: k kept, e an error before
# anything true, - neither.  One jq for all programs, as starting it costs more
# than running it.  (error(null) is no error where nothing catches it.)
reference() {
	{
		echo '"\(input_line_number) \([empty'
		while IFS= read -r program; do
			printf ', reduce (try ((%s\n) |
				if . then "k" else empty end)
				catch if . == null then empty else "e" end)
				as $o ("-"; if . == "-" then $o else . end)\n' \
				"$program"
		done < <(programs)
		echo '] | add)"'
	} >all.jq
	jq -rf all.jq log >said
}

@test "programs keep what jq keeps, with shortcuts and without" {
	command -v jq >/dev/null || skip "no jq"
	make_log
	reference
	[ "$(wc -l <said)" -eq "$(wc -l <log)" ]
	local n=0 want got how
	while IFS= read -r program; do
		n=$((n + 1))
		awk -v n=$n 'NR == FNR { got[$1] = substr($2, n, 1); next }
			got[FNR] == "k" { print >"want" }
			got[FNR] == "e" { print FNR >"want.lines" }
			BEGIN { printf "" >"want"; printf "" >"want.lines" }' \
			said log
		got=0
		kx-filter -j1 -e "$program" log >out 2>err || got=$?
		cmp -s out want || fail "not what jq keeps: $program" \
			"$(diff out want | head -c 1000)"
		grep ': error: .*\[program-error\]$' err |
			cut -d: -f3 >err.lines || true
		cmp -s err.lines want.lines ||
			fail "not jq's errors: $program" "$(head -3 err)"
		want=1
		[ ! -s out ] || want=0
		[ ! -s err ] || want=2
		[ "$got" -eq "$want" ] ||
			fail "status $got, not $want: $program"
		# Each evaluator links libjq's builtins: many of them now and then.
		for how in "-j1 libjq" "-j$((n % 8 > 0 ? 2 : 4)) "; do
			KX_FILTER=${how#* } kx-filter "${how% *}" \
				-e "$program" log >out2 2>err2 || true
			cmp -s out out2 && cmp -s err err2 ||
				fail "differs with $how: $program"
		done
	done < <(programs)
	[ "$n" -ge 100 ]
}

@test "what jq does not compile is no program" {
	command -v jq >/dev/null || skip "no jq"
	local got n=0
	while IFS= read -r program; do
		n=$((n + 1))
		got=0
		jq -n "$program" >out 2>&1 || got=$?
		[ "$got" -eq 3 ] || fail "jq compiles: $program"
		status_is 2 kx-filter -e "$program" /dev/null
		empty out
	done < <(no_programs)
	[ "$n" -ge 6 ]
}

@test "a missing file whose name looks like a program costs no other" {
	events 3 >log
	local name
	for name in 'x==1' '.level > 2' 'a|b' 'f(1)' '[2]'; do
		status_is 2 kx-filter --min-level=0 log "$name"
		same out log
		one_line err
		says err '^kx-filter: .* \(.*given with -e\): No such file or directory$'
		status_is 2 kx-filter -e . "$name" log
		same out log
		# The first operand was the program: this is no second one.
		status_is 2 kx-filter . "$name" log
		same out log
		says_not err 'given with'
	done
	cp log 'x==1'
	status_is 0 kx-filter --min-level=0 'x==1'
	same out log
}

@test "kept events are their own bytes, and -v keeps exactly the others" {
	make_log
	local program
	for program in '.level >= 2' '.topic | test("a")' '.channel.id.x' .; do
		kx-filter -e "$program" log >kept 2>/dev/null || true
		kx-filter -v -e "$program" log >others 2>/dev/null || true
		sort kept others >both
		sort log | cmp - both || fail "no partition: $program"
	done
}

@test "several programs must all hold, and one that does not ends it" {
	odd_events | head -17 >log
	status_is 0 kx-filter -e '.topic == "PlateMatched"' -e '.level == 2' log
	[ "$(wc -l <out)" -eq 2 ]
	# the second is not run on what the first has dropped
	status_is 1 kx-filter -e '.level == 7' -e '.topic.x == 5' log
	empty err
	status_is 2 kx-filter -e '.topic.x == 5' -e '.level == 7' log
	says err '\[program-error\]'
}

@test "a program is run no further than its first true output" {
	echo '{"a":1}' >log
	status_is 0 kx-filter '.a, error("x")' log
	empty err
	status_is 2 kx-filter 'false, error("x")' log
	says err '^kx-filter: log:1:1: error: x \[program-error\]$'
	empty out
}

@test "--topic" {
	odd_events >log
	status_is 0 kx-filter --topic=PlateMatched log
	head -2 log | cmp - out
	status_is 0 kx-filter --topic=none,FaceMatched --topic=Привет log
	sed -n '3p;4p;16p' log | cmp - out
	status_is 1 kx-filter --topic=platematche log
	status_is 2 kx-filter --topic= log
	status_is 2 kx-filter --topic=a,,b log
}

@test "--level and --min-level" {
	odd_events >log
	status_is 0 kx-filter --level=2 log
	sed -n '1p;2p;17p' log | cmp - out
	status_is 0 kx-filter --level=Normal,critical log
	sed -n '3p;12p;16p' log | cmp - out
	status_is 0 kx-filter --level=low log
	sed -n 5p log | cmp - out
	status_is 0 kx-filter -c --min-level=high log
	[ "$(cat out)" -eq 7 ]
	status_is 0 kx-filter -c --min-level=0 log
	[ "$(cat out)" -eq 11 ]
	status_is 0 kx-filter --level=0,3 --min-level=1 log
	sed -n 12p log | cmp - out
	status_is 2 kx-filter --level=2,9 log
	says err "'9'.*critical"
	status_is 2 kx-filter --min-level=1,2 log
}

@test "--since is inclusive, --until is not, in every spelling of a time" {
	odd_events >log
	status_is 0 kx-filter --since=1685973361368 log
	sed -n '1p;2p;9p' log | cmp - out
	status_is 0 kx-filter --since=1685973361369 --until=1685973361370 log
	sed -n 2p log | cmp - out
	status_is 0 kx-filter --until=1685973361368 log
	sed -n 10p log | cmp - out
	local time
	for time in 2023-06-05T13:56:01.369Z 20230605T165601.369+0300 \
		'2023-06-05 13:56:01.369 UTC' '5 Jun 2023 13:56:01.369 +0000'; do
		status_is 0 kx-filter -c --since="$time" log
		[ "$(cat out)" -eq 1 ] || fail "$time"
	done
	for time in '2023-06-05T16:56:01.369' 'June 5, 2023 4:56:01.369pm'; do
		TZ=UTC-3 kx-filter -c --since="$time" log >out
		[ "$(cat out)" -eq 1 ] || fail "$time"
	done
	printf '{"start_time":%s000}\n' "$(date -d '90 minutes ago' +%s)" \
		"$(date -d '3 days ago' +%s)" >new
	status_is 0 kx-filter -c --since='2 hours ago' --until=tomorrow new
	[ "$(cat out)" -eq 1 ]
	status_is 0 kx-filter --until=20230605 log
	says err 'milliseconds: 1970-01-01'
	for time in '' nonsense 2023-13-01 2023-06-05T25:00; do
		status_is 2 kx-filter --since="$time" log
	done
}

@test "criteria and programs together; criteria never start libjq" {
	events 8 >log
	status_is 0 kx-filter --min-level=2 -e '.channel.id == 274' log
	grep -E '"level":[23],"start' log | cmp - out
	if command -v strace >/dev/null &&
		ASAN_OPTIONS=detect_leaks=0 strace -f -o trace true; then
		ASAN_OPTIONS=detect_leaks=0 strace -f -o trace \
			kx-filter -c --topic=FaceMatched log
		! grep -Eq 'socketpair|fork' trace
	fi
}

@test "-c counts and -q is silent; both tell by their status" {
	events 9 >log
	status_is 0 kx-filter -c '.level == 1' log log
	[ "$(cat out)" = 6 ]
	status_is 1 kx-filter -c '.level == 5' log
	[ "$(cat out)" = 0 ]
	status_is 0 kx-filter -q '.level == 1' log
	empty out
	status_is 1 kx-filter -q '.level == 5' log
	status_is 0 kx-filter -q -c '.level == 1' log
	empty out
	# ends at the first match, of an input that does not
	yes '{"level":1}' | timeout 20 kx-filter -q '.level == 1'
	printf '{\n{"level":1}\n' >bad
	status_is 2 kx-filter -q '.level == 1' bad
	says err '^kx-filter: bad:1:'
}

@test "a malformed record is in neither part, and goes to --rejects" {
	{ event 1 2; echo '{"level":2'; event 2 2; echo '{"level":02}'; } >log
	status_is 2 kx-filter --rejects=bad '.level == 2' log
	sed -n '1p;3p' log | cmp - out
	sed -n '2p;4p' log | cmp - bad
	status_is 2 kx-filter -v '.level == 2' log
	empty out
}

@test "errors and malformed records are reported in the order of the lines" {
	{
		for _ in 1 2 3 4 5; do
			echo '{"level":2,"a":"x"}'
			echo '{'
			echo '{"level":2,"a":{"b":1}}'
		done
	} >log
	local j
	for j in 1 4; do
		status_is 2 kx-filter -j$j .a.b log
		cut -d: -f3 err | tr '\n' ' ' >places
		[ "$(cat places)" = '1 2 4 5 7 8 10 11 13 14 ' ]
		[ "$(wc -l <out)" -eq 5 ]
	done
}

@test "what does not compile says why, before anything is read" {
	status_is 2 kx-filter '.level ==' /nonexistent
	one_line err
	says err 'syntax error'
	status_is 2 kx-filter -e .level -e 'nosuch(1)' /nonexistent
	says err 'nosuch/1 is not defined'
	status_is 2 kx-filter
	says err '--help'
	event 1 >log.ndjson
	status_is 2 kx-filter log.ndjson
	says err 'did you mean'
	status_is 2 kx-filter --level=2 '.topic == "a"' log.ndjson
	says err 'given with -e\): No such file or directory$'
	local name
	for name in input inputs halt stderr 'import "a" as a; 1' \
		input_filename; do
		status_is 2 kx-filter "$name" log.ndjson
		says err 'not available'
	done
	status_is 0 kx-filter 'def input: .; input | {input: 1}' log.ndjson
}

@test "definitions in ~/.jq count, for what would be a shortcut too" {
	echo 'def select(f): empty;' >.jq
	event 1 2 >log
	command -v jq >/dev/null || skip "no jq"
	local want=0 got=0
	[ -n "$(jq -c 'select(.level == 2)' log)" ] || want=1
	kx-filter 'select(.level == 2)' log >out || got=$?
	[ "$got" -eq "$want" ]
}

@test "a lost libjq is trouble, and leaves no file" {
	event 1 2 >log
	mkfifo in
	kx-filter -j1 -o result '.level | tostring == "2"' in >out 2>err &
	local pid=$! child
	exec 7>in
	wait_for 10 pgrep -P "$pid" >/dev/null
	child=$(pgrep -P "$pid")
	kill -KILL "$child"
	cat log >&7
	exec 7>&-
	local got=0
	wait "$pid" || got=$?
	[ "$got" -eq 2 ]
	says err '^kx-filter: in:?.*: error: libjq was ended by signal 9'
	[ ! -e result ]
	no_leftovers .
}

@test "evaluators end with their parent, also inside a program that does not" {
	event 1 2 >log
	local signal pid
	for signal in TERM KILL INT; do
		# a job of a shell without job control ignores SIGINT; and
		# should the test fail, it must not run for ever
		perl -e '$SIG{INT} = "DEFAULT"; alarm 60; exec @ARGV' \
			kx-filter -j2 'last(repeat(1))' log >out 2>err &
		pid=$!
		wait_for 10 pgrep -P "$pid" >/dev/null
		sleep 0.2
		pgrep -P "$pid" >children
		kill -"$signal" "$pid"
		! wait "$pid"
		gone() {
			local c
			while read -r c; do
				! kill -0 "$c" 2>/dev/null || return 1
			done <children
		}
		wait_for 10 gone
	done
}

@test "an event shows at once behind a pipe that goes quiet" {
	mkfifo in
	local program
	for program in '.level == 2' '.level | tostring == "2"'; do
		: >out
		kx-filter -j2 "$program" <in >out &
		exec 7>in
		event 1 2 >&7
		wait_for 10 test -s out
		exec 7>&-
		wait $!
	done
}

@test "deep and wide events, on a small stack" {
	python3 - >log <<'END' || skip "no python3"
print('{"a":%s,"b":%s}' % ('[' * 1000 + ']' * 1000, '{"a":' * 1000 + '1' + '}' * 1000))
print('{"b":[%s]}' % ','.join(['1'] * 300000))
print('{%s}' % ','.join('"k%d":%d' % (i % 999, i) for i in range(50000)))
END
	(
		ulimit -s 256
		kx-filter -c 'tojson | length > 10' log
		kx-filter -c '.b == .b and (.a | tojson | length > 1)' log
		kx-filter -c '.k7 == 49957' log
	) >out
	[ "$(tr '\n' ' ' <out)" = '3 3 1 ' ]
}
