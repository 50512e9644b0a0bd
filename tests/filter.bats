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
		"$KX_TESTDIR/genlog" --seed=5 --events=100 -o more
		"$KX_TESTDIR/genlog" --seed=6 --events=4 --images -o pictures
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
.topic | IN("PlateMatched"; "x")
.level | IN(1, 2)
IN(.level; 2, 3)
any(.level, .topic; . == 2)
all(.level, .start_time; type == "number")
[.level, 1] | any
[.level, true] | all
any
all(.snapshots[]?; .type)
.snapshots | any(.type? == "THUMBNAIL")
.channel | has("id")
.channel | has("name")?
.snapshots | has(1)
"id" | in({"id": 1})
.level as $l | [0, 1, 2] | index($l)
.topic | test("^plate"; "i")
.topic | test("plate"; "ix")
.topic | test("[")
.topic | match("M[a-z]+").string == "Matched"
.topic | match("a"; "g").offset
[.topic | match("t"; "g").offset] | length == 2
.topic | capture("(?<kind>[A-Z][a-z]+)Matched").kind == "Face"
.topic | capture("(?<x>nothing)")
[.topic | scan("[A-Z]")] | length
.topic | sub("Matched"; "") == "Plate"
.topic | gsub("[a-z]"; "") == "PM"
.topic | split("M") | length
.topic | split("a";"g")?
.topic | ascii_upcase | startswith("FACE")
.topic | endswith("Matched")
.topic | ltrimstr("Face") == "Matched"
.topic | rtrimstr("Matched") == "Plate"
.topic | explode | implode == "FaceMatched"
.topic | utf8bytelength > 11
.topic | tostring | length
.topic[0:4] == "Face"
.topic[2:] | length
.topic * 2 | length
.topic + null
.topic | contains("Matched")
.topic | inside("xFaceMatchedx")
.topic | indices("a") | length > 1
.topic | @json | length > 12
.topic | @uri
.topic | @html "<\(.)>" | length
.topic | @sh?
[.topic, .level] | @csv
[.topic, .level] | @tsv
.topic | @base64 | @base64d
.event_id | tonumber > 1691055920965
.event_id | tonumber? // 0 | . % 2 == 0
.level | tostring == "2"
.level % 2 == 0
.level / 0
.level - 1 == 1
.level * 1.5 >= 3
-(.level) < -1
.level | sqrt > 1
.level | pow(.; 2) == 4
.level | floor == 2
.level | fabs?
.level | log
.level | isnan
.level | isinfinite
.level | isnormal
[.level, .start_time] | add
[.level, .start_time] | max
[.level, .topic] | min
[.level, .topic] | sort | .[0]
[.snapshots[]? | .type?] | unique | length
.snapshots | group_by(.type) | length
.snapshots | min_by(.path)?
.snapshots | unique_by(.type) | length
.snapshots | sort_by(.path) | .[0].type
.snapshots | flatten | length
.snapshots | first | .type
.snapshots | last | has("image")
.snapshots | nth(1) | .type?
.snapshots | reverse | length
.snapshots | index({})
.snapshots[-1].type?
.snapshots[.level]
.snapshots | to_entries | length
.snapshots | map(select(.type == "FULLSCREEN")) | length == 1
.snapshots | map_values(.type)?
.snapshots | from_entries?
.snapshots | length as $n | $n > 1
.snapshots | limit(1; .[]?) | .type?
[limit(1; .snapshots[]?)] | length
[first(range(10; 0; -1))] | .[0] == 10
[range(0; 3)] | contains([.[0]])
until(. == null; null)
[while(type == "object"; .channel?)] | length
[recurse(.channel?; . != null)] | length
[recurse(.[]?; . != null)] | length > 30
[.. | strings] | length > 4
[.. | objects | keys[]] | unique | length > 10
[leaf_paths] | length > 20
[paths(type == "number")] | length > 3
paths | tojson | test("image")
walk(if type == "string" then "x" else . end) | .topic?
getpath(["params", "identities", 0, "list", "name"])
getpath(["channel", "name"]) == "1-4-09"
delpaths([["topic"]]) | has("topic")
del(.topic, .level) | length
del(.[0])?
to_entries[]? | select(.key == "level") | .value == 2
with_entries(.value |= type) | .level == "number"
.channel |= (.name // "none") | .channel
.level += 1 | .level == 3
.level //= 7 | .level == 7
(.level, .topic) |= null | .level
.new = 1 | .new
.["a b"] = 1 | ."a b"
setpath(["x"]; 1) | .x
. * {"level": 2} | .level == 2
. + {"level": 9} | .level == 9
{"a": .level} == {"a": 2}
[.level] == [2]
[.level] < [.topic]
{} < .
. == .
.channel == .channel
[.channel] | inside([{"id": 274}])
.params | keys == ["identities", "reliability"]
.params.identities[]?.faces[]? | select(.first_name == "Mark")
.params.identities[]? | .plates[]?.number | test("^2")
[.params.identities[]? | .faces[]?.similarity] | add > 1
.params.identities | map(.list.level) | max >= 2
.params.reliability | tonumber? > 0.9
.params.object.color.value? == "gray"
.params.attributes | .age? > 40 and .gender? == "male"
.channel.tags[]?.name | test("(?i)vip|face")
.channel.latitude > 0 and .channel.longitude > 0
.channel.address | [.[]?] | join(" ") | length > 20
.start_time / 1000 | todate | startswith("2023")
.start_time / 1000 | gmtime | mktime > 0
.start_time / 1000 | strftime("%Y") == "2023"
.start_time / 1000 | gmtime | .[0] == 2023
"2023-06-05T13:56:01Z" | fromdate
"2023-06-05T13:56:01Z" | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime
now > 0
$ENV.HOME | length > 0
$ENV.NO_SUCH_VARIABLE
env | has("PATH")
$ENV.PATH == env.PATH
$__loc__ | .file
input_line_number
input_line_number > 20
tojson | fromjson | .level == 2
fromjson?
"[1]" | fromjson
tojson | contains("PlateMatched")
tostring | length > 600
ascii_downcase?
objects | .topic
arrays | length
strings
numbers
scalars
iterables
booleans
nulls
values
.level | values
type
[.[]?] | map(type) | unique | length
infinite > .start_time
nan < .level
[nan] | sort
splits("x")?
ascii_upcase? // "none"
error("x")?
error({})?
try error({"a": 1}) catch .a
try error catch type
.a.b.c.d.e
.topic.x
.topic.x?
.topic[]?
.topic[0]?
.[0]?
.["level", "topic"]
.[("level", "topic")]
.topic as $t | .level as $l | $t == "FaceMatched" and $l > 1
. as {channel: {id: $i}} | $i == 274
. as {$level} | $level
. as [$a] ?// {topic: $a} | $a
[.snapshots[]? as {type: $t} | $t] | length
reduce (.snapshots[]?.type?) as $t (null; . // $t)
foreach (1, 2, 3) as $x (0; . + $x; select(. == 6))
label $f | foreach (1, 2) as $x (0; . + $x; if . > 1 then break $f else . end)
def f(g): [g] | length; f(.[]?) > 5
def f($a; $b): $a + $b; f(.level; 1)
def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 5 | fac == 120
[.level | select(. > 1), 5] | first > 1
first(empty)
isempty(empty)
[splits("a"; null)?]
limit(3; repeat(1))
limit(0; .topic)
[limit(2; .level, .topic, .id)] | length
getpath(["a", "b"]) // .level
if .level > 1 then . else empty end
if empty then 1 else 2 end
[.level, empty] | length
.level and empty
false and error("x")
true or error("x")
.level == 2 and (.topic | test("a"))
(.level == 2) or (.topic | test("Plate"))
.level == 2 and .nothing.at.all == null and ([.snapshots[]?] | length > 0)
select(.level >= 2) | select(.topic | test("Face"))
select(.topic == "FaceMatched" and (.snapshots | length) > 1) | .channel.name | length > 2
.topic == ("FaceMatched", "PlateMatched")
.level == (.params.identities[0]?.list.level?)
.id | split(":") | length == 3
.id | split(":")[2] == "4829655691653001"
.id | capture("^(?<o>[0-9]+):(?<ms>[0-9]+):") | .ms | tonumber > 1691055920965
.snapshots[]?.path? | capture("-(?<ns>[0-9]{19})")? | .ns | length == 19
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
	mkdir want
	awk '{ for (i = 1; i <= length($2); i++) {
			c = substr($2, i, 1)
			if (c == "k") kept[i] = kept[i] $1 "\n"
			if (c == "e") failed[i] = failed[i] $1 "\n"
			n = i
		} }
		END { for (i = 1; i <= n; i++) {
			printf "%s", kept[i] >("want/" i)
			printf "%s", failed[i] >("want/" i ".failed")
			close("want/" i); close("want/" i ".failed")
		} }' said
	local n=0 want got
	while IFS= read -r program; do
		n=$((n + 1))
		got=0
		# Each evaluator links libjq's builtins: many of them now and then.
		kx-filter -n "-j$((n % 8 > 0 ? 1 : 4))" -e "$program" \
			log >out 2>err || got=$?
		cut -d: -f1 out >kept
		cmp -s kept want/$n || fail "not what jq keeps: $program" \
			"$(diff kept want/$n | head -c 1000)"
		sed -n 's/^[^:]*: [^:]*:\([0-9]*\):.*: error: .*\[program-error\]$/\1/p' \
			err >failed
		cmp -s failed want/$n.failed ||
			fail "not jq's errors: $program" "$(head -3 err)"
		want=1
		[ ! -s out ] || want=0
		[ ! -s want/$n.failed ] || want=2
		[ "$got" -eq "$want" ] ||
			fail "status $got, not $want: $program"
		# Linking builtins takes longer than all else: without
		# KX_FILTER_ALL, of every fourth program.
		[ -n "${KX_FILTER_ALL-}" ] || [ $((n % 4)) -eq 0 ] || continue
		KX_FILTER=libjq kx-filter -n -j1 -e "$program" log >out2 \
			2>err2 || true
		cmp -s out out2 && cmp -s err err2 ||
			fail "differs without shortcuts: $program" \
				"$(diff err err2 | head -5)"
	done < <(programs)
	[ "$n" -ge 300 ]
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
	odd_events | sed '11q' | sed '11d' >log
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

# Outputs of one program a line, as jq -c gives them; numbers of the log are
# such as libjq 1.6 prints as they are spelled.
@test "--transform prints what jq -c prints" {
	command -v jq >/dev/null || skip "no jq"
	{ events 5; event 6 2 PlateMatched; } >log
	local n=0
	while IFS= read -r program; do
		n=$((n + 1))
		[ $((n % 7)) -eq 0 ] || [ -n "${KX_FILTER_ALL-}" ] || continue
		jq -c "$program" log >want 2>want.err || true
		kx-filter -j2 --transform -e "$program" log >out 2>err || true
		cmp -s out want || fail "not what jq puts out: $program" \
			"$(diff out want | head -c 1000)"
		[ "$(grep -c 'program-error' err)" -eq \
			"$(grep -c '^jq: error' want.err)" ] ||
			fail "not jq's errors: $program" "$(cat err want.err)"
	done < <(programs | grep -v '^now')
	status_is 0 kx-filter --transform -e '.level >= 2' -e .level log
	[ "$(tr '\n' ' ' <out)" = '2 3 2 ' ] || fail "$(cat out err)"
}

@test "--transform: statuses, and what goes with it" {
	events 8 >log
	status_is 0 kx-filter --transform false log
	[ "$(sort -u out)" = false ]
	status_is 1 kx-filter --transform empty log
	empty out
	status_is 2 kx-filter --transform '.level, error("x")' log
	[ "$(wc -l <out)" -eq 8 ]
	status_is 0 kx-filter -n -H -m 3 --level=1,2 --transform -e '.level, 0' log
	[ "$(tr '\n' ' ' <out)" = \
		'log:1:1 log:1:0 log:2:2 log:2:0 log:5:1 log:5:0 ' ]
	status_is 0 kx-filter -c --transform '.level | select(. > 1)' log
	[ "$(<out)" = 4 ]
	local option
	for option in -v --strip-images; do
		status_is 2 kx-filter --transform $option . log
		empty out
	done
	status_is 2 kx-filter --transform --level=2 log
}

@test "-e, -f, --arg and --argjson" {
	events 8 >log
	printf '#!/usr/bin/jq -f\n# a level\n.level == $l # the end' >p.jq
	status_is 0 kx-filter -c -f p.jq --argjson l 2 log
	[ "$(<out)" = 2 ]
	status_is 0 kx-filter -c --from-file p.jq --arg l 2 -v log
	[ "$(<out)" = 8 ]
	status_is 0 kx-filter --arg t 'a"\ü' --argjson n '{"x": [1]}' -m 1 \
		--transform '[$t, $n.x[0], $ARGS.named.t, $ARGS.positional]' log
	[ "$(<out)" = '["a\"\\ü",1,"a\"\\ü",[]]' ]
	# Files come behind options too.
	status_is 0 kx-filter -c -e '.level == $l' log --argjson l 2
	[ "$(<out)" = 2 ]
	status_is 2 kx-filter -f none log
	says err '^kx-filter: none: No such file'
	status_is 2 kx-filter . log --argjson l '{"x": 1'
	says err "--argjson l: .* at byte 8"
	status_is 2 kx-filter . log --arg l
	says err "needs two arguments"
	printf '.\0' >nul.jq
	status_is 2 kx-filter -f nul.jq log
	status_is 2 kx-filter '$l' log
	says err 'l is not defined'
}

# What is kept, as line numbers.
kept() {
	local got=0
	kx-filter -n "$@" >out 2>err || got=$?
	[ "$got" -le 1 ] || fail "status $got: $*" "$(cat err)"
	cut -d: -f1 out | tr '\n' ' '
}

@test "criteria about what is inside an event" {
	cat >log <<'END'
{"module":"KX.Faces","monitor_id":114,"params":{"identities":[{"faces":[{"similarity":0.9,"first_name":"Mark","last_name":"Фрол"}],"list":{"id":552,"name":"Staff"}}]},"channel":{"id":274,"name":"1-4-09","latitude":53.9,"longitude":27.5667,"tags":[{"id":170,"name":"Face"}]},"snapshots":[{"image":""},{"image":"x"}]}
{"module":"KX.PDD","monitor_id":115,"params":{"identities":[{"plates":[{"number":"А123ВС-77","state":"RU","owner_first_name":"ÉMILE","owner_last_name":"Straße"}],"list":{"id":3,"name":"VIP"}}]},"channel_id":275,"channel_name":"gate","channel_latitude":54,"channel_longitude":27.5667,"snapshots":[{"image":null}]}
{"params":{"identities":[{"plates":[{"number":"a 123 bc 78","state":"BY"},{"number":"X"}]}]}}
END
	[ "$(kept --module=KX.PDD log)" = '2 ' ]
	[ "$(kept --monitor=1,114 log)" = '1 ' ]
	[ "$(kept --channel=274,gate log)" = '1 2 ' ]
	[ "$(kept --channel=1-4-09 log)" = '1 ' ]
	[ "$(kept --plate=A123BC77 log)" = '2 ' ]
	[ "$(kept --plate='а123вс*' log)" = '2 3 ' ]
	[ "$(kept --plate=x --plate='?123*77' log)" = '2 3 ' ]
	[ "$(kept --state=ru,PL log)" = '2 ' ]
	[ "$(kept --person=ФРОЛ log)" = '1 ' ]
	[ "$(kept --person='mark фр*' log)" = '1 ' ]
	[ "$(kept --person='STRASSE émile' log)" = '2 ' ]
	[ "$(kept --list=552,vip log)" = '1 2 ' ]
	[ "$(kept --tag=face log)" = '1 ' ]
	[ "$(kept --min-similarity=0.9 log)" = '1 ' ]
	[ "$(kept --min-similarity=0.91 log)" = '' ]
	[ "$(kept --near=53.9,27.5667,11km log)" = '1 ' ]
	[ "$(kept --near=53.9,27.5667,11200m log)" = '1 2 ' ]
	[ "$(kept --has-image log)" = '1 ' ]
	[ "$(kept -v --has-image log)" = '2 3 ' ]
	[ "$(kept --plate='*' --list=3 log)" = '2 ' ]
	local option
	for option in --monitor=x --plate='[' --min-similarity=2 --near=1,2 \
		--near=100,0,1km --state= --list=a,,b; do
		status_is 2 kx-filter "$option" log
		says err "^kx-filter: ${option%%=*}: "
	done
}

@test "yesterday, today and tomorrow are days from midnight to midnight" {
	local zone day
	for zone in UTC0 AAA-13 AAA11; do
		export TZ=$zone
		day=$(date -d 'yesterday 00:00' +%s)
		printf '{"start_time":%s}\n' $((day * 1000 - 1)) $((day * 1000)) \
			$((day * 1000 + 43200000)) \
			$(($(date -d 'today 00:00' +%s) * 1000 - 1)) \
			$(($(date -d 'today 00:00' +%s) * 1000)) >log
		[ "$(kept --since=yesterday --until=today log)" = '2 3 4 ' ]
		[ "$(kept --since=Today --until=tomorrow log)" = '5 ' ]
	done
	unset TZ
	# what date(1) knows, to the millisecond
	printf '{"start_time":%s}\n' 1685973361367 1685973361368 >log
	local time
	for time in '@1685973361.368' '2023-06-05 13:56:01.3675 UTC' \
		'5 June 2023 15:56:01.368 +0200' '2023-06-05T13:56:01.368Z'; do
		[ "$(kept --since="$time" log)" = '2 ' ] || fail "$time"
	done
}

@test "-m stops after N, and knows nothing of what is behind" {
	{
		event 1 2
		echo '{'
		event 2 1
		event 3 2
		echo '{'
		echo '{"level":{}}'
		event 4 2
	} >log
	local j program
	for program in '.level == 2' '.level / 2 == 1'; do
		for j in 1 4; do
			status_is 2 kx-filter -j$j -m 2 --rejects=bad "$program" log
			sed -n '1p;4p' log | cmp - out
			one_line err
			says err '^kx-filter: log:2:'
			[ "$(<bad)" = '{' ]
			status_is 0 kx-filter -j$j -m 1 "$program" log
			empty err
			status_is 0 kx-filter -j$j -m 1 -c "$program" log log
			[ "$(<out)" = 1 ]
		done
	done
	status_is 1 kx-filter -m 0 . log
	empty err
	# of an input that does not end
	yes '{"level":1}' | timeout 20 kx-filter -m 3 .level >out
	[ "$(wc -l <out)" -eq 3 ]
	status_is 2 kx-filter -m x . log
}

@test "-n and -H, also with -c" {
	events 4 >'a log'
	status_is 0 kx-filter -n -H --level=2 'a log' - <'a log'
	{ printf 'a log:2:'; sed -n 2p 'a log'; printf '(stdin):2:'
		sed -n 2p 'a log'; } | cmp - out
	status_is 0 kx-filter -H --level=2 'a log'
	{ printf 'a log:'; sed -n 2p 'a log'; } | cmp - out
	status_is 2 kx-filter -c -H --level=2,3 'a log' none /dev/null
	[ "$(tr '\n' ' ' <out)" = 'a log:2 ' ] ||
		[ "$(tr '\n' ' ' <out)" = 'a log:2 /dev/null:0 ' ] ||
		fail "$(cat out)"
	status_is 0 kx-filter -n --base-line=100 --level=2 'a log'
	says out '^101:'
}

@test "--unique keeps the first of redelivered events, in any order of work" {
	events 5 >one
	{ cat one; sed -n 3p one; sed -n '2s/"level":2/"level":3/p' one; } >log
	event 9 >>log
	local j
	for j in 1 4; do
		status_is 0 kx-filter -j$j --unique . log one
		{ cat one; tail -n 1 log; } | cmp - out
		[ "$(wc -l <err)" -eq 1 ]
		says err '^kx-filter: log:7:1: warning: .*event_id.*\[copy-differs\]$'
	done
	status_is 0 kx-filter -c --unique=id . log log
	[ "$(<out)" = 6 ]
	# among the events that match, and none that has no identifier
	status_is 0 kx-filter -c --unique '.level == 3' log
	[ "$(<out)" = 2 ]
	printf '{"a":1}\n{"a":1}\n{"event_id":5}\n{"event_id":"5"}\n{"event_id":"\\u0035"}\n7\n7\n' >log
	[ "$(kept --unique . log)" = '1 2 3 6 7 ' ]
	status_is 2 kx-filter --unique=topic . log
}

@test "--strip-images takes the images and nothing else" {
	make_log
	status_is 0 kx-filter --strip-images . log
	if command -v jq >/dev/null; then
		# jq prints numbers anew, on both sides
		jq -c 'select(.) | if type == "object" and (.snapshots | type) == "array" then
			.snapshots |= map(if type == "object" then
				del(.image) else . end) else . end' log >want
		jq -c . out | cmp - want
	fi
	events 3 >log
	sed 's/,"image":"[^"]*"//' log >want
	status_is 0 kx-filter --strip-images '.level > 0' log
	same out want
	status_is 0 kx-filter --strip-images '.level | tostring' log
	same out want
	# pretty-printed: one line, without the images
	if command -v jq >/dev/null; then
		jq . log >pretty
		status_is 0 kx-filter --strip-images . pretty
		same out want
	fi
}

@test "integers that libjq rounds are not matched in silence" {
	printf '{"event_id":%s}\n' 4829655691653739122 4829655691653739123 \
		4829655691653739124 '"4829655691653739123"' 7 >log
	if [ "$(echo 9007199254740993 | jq '. == 9007199254740992')" != true ]
	then
		[ "$(kept '.event_id == 4829655691653739123' log)" = '2 ' ]
		empty err
		return
	fi
	local how j
	for how in '' libjq; do
		for j in 1 4; do
			export KX_FILTER=$how
			[ "$(kept -j$j '.event_id == 4829655691653739123' log)" = \
				'1 2 3 ' ]
			says err "'.event_id == 4829655691653739123'.*neighbours"
			says err 'log:1:13: warning: /event_id: .*4829655691653739122.*\[rounded-number\]$'
			[ "$(wc -l <err)" -eq 2 ]
			[ "$(kept -j$j '.event_id == "4829655691653739123"' log)" = \
				'4 ' ]
			[ "$(wc -l <err)" -eq 1 ]
			# seen by no program
			[ "$(kept -j$j '.level == null' log)" = '1 2 3 4 5 ' ]
			empty err
		done
	done
	unset KX_FILTER
	status_is 0 kx-filter -c '.s == (1685973361368531712 | tostring)' \
		<<<'{"s":1685973361368531712}' || true
	says err 1685973361368531712
}

@test "help where people go wrong" {
	events 2 >log.ndjson
	cp log.ndjson events
	status_is 2 kx-filter nosuch.ndjson
	says err "'nosuch.ndjson' is neither a program .* nor a file"
	status_is 2 kx-filter log.ndjson log.ndjson
	says err "did you mean 'kx-filter . log.ndjson'"
	status_is 2 kx-filter events
	says err "did you mean 'kx-filter . events'"
	status_is 2 kx-filter --level=2 .level log.ndjson
	says err 'given with -e'
	status_is 2 kx-filter 'level >= 2' log.ndjson
	says err 'written with a dot: .level'
	local program
	for program in '.level = 2' '.topic = "a" and .level > 1' \
		'select(.level = 2)' '.level > 1 or (.topic = "x")' \
		'if .level = 2 then . else empty end'; do
		status_is 0 kx-filter -c "$program" log.ndjson
		says err "'=' assigns.*did you mean '=='"
	done
	for program in '.level == 2' '.level = 2 | .level == 2' '.level |= 2'; do
		kx-filter -c "$program" log.ndjson 2>err
		empty err
	done
	status_is 0 kx-filter --transform '.level = 2' log.ndjson
	empty err
	for program in PlateMatch platematched PlateMatchde Plate; do
		status_is 1 kx-filter --topic=$program log.ndjson
		says err "'$program'.*did you mean 'PlateMatched'"
	done
	status_is 1 kx-filter --topic=CameraOffline,PlateMatched log.ndjson
	empty err
	status_is 2 kx-filter --level=2,9 log.ndjson
	says err "'9' is no level: .*0 to 3"
}

# The programs of tests/genprograms.py over events that are as odd.
@test "random programs: shortcuts change nothing" {
	command -v python3 >/dev/null || skip "no python3"
	{ odd_events; events 4; } >log
	local n=0 got
	python3 "$KX_SRCDIR/tests/genprograms.py" "${KX_FILTER_RANDOM:-40}" \
		"${KX_FILTER_SEED:-1}" >random
	while IFS= read -r program; do
		n=$((n + 1))
		got=0
		kx-filter -n -j1 -e "$program" log >out 2>err || got=$?
		KX_FILTER=libjq kx-filter -n -j1 -e "$program" log >out2 2>err2 ||
			[ $? -eq $got ] || fail "another status: $program"
		cmp -s out out2 && cmp -s err err2 ||
			fail "differs without shortcuts: $program" \
				"$(diff out out2 | head -5)" "$(diff err err2 | head -5)"
	done <random
	[ "$n" -eq "${KX_FILTER_RANDOM:-40}" ]
}

@test "the examples in kx-filter(1) run, and find something" {
	{ event 1 1; event 2 2; event 3 3 PlateMatched; } |
		sed 's/"List"/"Stolen"/' >log.ndjson
	# yesterday's
	event 4 3 | sed "s/\"start_time\":[0-9]*/\"start_time\":$(date -d \
		'yesterday 12:00' +%s)000/; s/,\"image\":\"[^\"]*\"//" >>log.ndjson
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAG/p' "$KX_SRCDIR/cmd/kx-filter.1" |
		sed -n 's/^\.Dl //p' |
		sed 's/\\(dq/"/g; s/^\\ \\ */  /; s/\\e$/\\/; s/^\$ //' >examples
	[ "$(grep -c '^kx-filter' examples)" -ge 10 ]
	sed -e :a -e '/\\$/N; s/\\\n//; ta' examples >commands
	local command
	while IFS= read -r command; do
		status_is 0 bash -c "$command"
		empty err
		[ -s out ] || fail "finds nothing: $command"
	done <commands
}
