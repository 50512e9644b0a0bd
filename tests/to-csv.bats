# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-to-csv: what is in a cell, and what the options do.

load helper

HEADER=start_time,end_time,duration_ms,channel.id,channel.name
HEADER+=,channel.address.country,channel.address.city,channel.address.street
HEADER+=,channel.latitude,channel.longitude,topic,module,level,level_name
HEADER+=,list.name,list.level,plate.number,plate.state,face.first_name
HEADER+=,face.last_name,object.type,object.color,face.similarity,reliability
HEADER+=,identities,snapshots,images,monitor_id,id,event_id,face.id,plate.id
HEADER+=,list.id

setup() {
	kx_setup
}

genlog() {
	[ -x "$KX_TESTDIR/genlog" ] || skip "no genlog"
	"$KX_TESTDIR/genlog" "$@"
}

# column NAME FILE: the cells of a column, a JSON string a line.
column() {
	python3 - "$@" <<'END'
import csv, json, sys
with open(sys.argv[2], newline="", encoding="utf-8") as f:
    for row in csv.DictReader(f):
        print(json.dumps(row[sys.argv[1]]))
END
}

@test "the header is there, whatever comes" {
	: > empty
	run -0 kx-to-csv empty
	[ "$output" = "$HEADER" ]
	run -0 kx-to-csv --rows=event < /dev/null
	[ "$output" = "$HEADER" ]
	printf '\n\n' > blank
	run -0 kx-to-csv blank
	[ "$output" = "$HEADER" ]
	echo '{}' > in
	run -0 kx-to-csv in
	[ "${lines[0]}" = "$HEADER" ]
	[ "${lines[1]}" = ',,,,,,,,,,,,,,,,,,,,,,,,0,0,0,,,,,,' ]
	[ ${#lines[@]} -eq 2 ]
}

@test "texts and keys, by jq" {
	genlog --seed=10 --events=2000 -o log
	kx-to-csv log > csv
	# What jq reads without loss: strings and small integers.
	while read -r name path; do
		column "$name" csv > have
		jq -c "$path"' | if . == null then "" else tostring end' \
			log > want
		jq -c . have | cmp - want
	done <<'END'
topic .topic
id .id
level .level
monitor_id .monitor_id
channel.name .channel.name//.channel_name
channel.address.city .channel.address.city//.channel_address.city
list.name .params.identities[0].list.name
plate.number .params.identities[0].plates[0].number
face.last_name .params.identities[0].faces[0].last_name
identities .params.identities|length
snapshots .snapshots|length
END
}

@test "numbers and identifiers are as they are spelled" {
	cat > in <<'END'
{"event_id":98765432109876543210,"channel":{"latitude":-12.30,"longitude":17.5962159037590061234567890e+0},"monitor_id":-0,"start_time":123456789012345678901234567890,"params":{"reliability":"0.98","identities":[{"faces":[{"similarity":1E-2}]}]}}
{"event_id":"007"}
END
	run -0 kx-to-csv in
	[[ ${lines[1]} == 123456789012345678901234567890,,,* ]]
	[[ ${lines[1]} == *,-12.30,17.5962159037590061234567890e+0,* ]]
	[[ ${lines[1]} == *,1E-2,0.98,* ]]
	[[ ${lines[1]} == *,-0,,98765432109876543210,* ]]
	[[ ${lines[2]} == *,007,,, ]]
}

@test "text is decoded; quotes, commas, line breaks and blanks are kept" {
	cat > in <<'END'
{"channel":{"name":"a \"b\", c\r\nd\te"},"topic":"\u0416\ud83d\ude00\/","module":" x","id":""}
END
	run -0 kx-to-csv in
	column channel.name <(kx-to-csv in) > have
	printf '%s\n' '"a \"b\", c\r\nd\te"' | cmp - have
	[[ $output == *$',"a ""b"", c\r\nd\te",'* ]]
	[[ $output == *',Ж😀/," x",'* ]]
	[[ $output == *',"",,,,' ]]
}

@test "lone surrogates and NULs become U+FFFD, with a note" {
	cat > in <<'END'
{"topic":"a\ud800b","module":"\u0000c\u0000","id":"\udc00\u0000"}
END
	run -0 --separate-stderr kx-to-csv in
	[[ ${lines[1]} == *,$'a\xef\xbf\xbdb,\xef\xbf\xbdc\xef\xbf\xbd',* ]]
	[[ ${lines[1]} == *,$'\xef\xbf\xbd\xef\xbf\xbd',* ]]
	[ ${#stderr_lines[@]} -eq 3 ]
	[[ ${stderr_lines[0]} == "kx-to-csv: in:1:"*": note: /"* ]]
	run -0 --separate-stderr kx-to-csv -q in
	[ -z "$stderr" ]
}

@test "a wrong type is an empty cell and a note with its place" {
	cat > in <<'END'
{"start_time":"1685973361368","end_time":1.5,"level":"2","topic":7,"event_id":1.5e3,"id":{},"monitor_id":true,"params":{"reliability":"high","identities":{}},"snapshots":5,"channel":{"latitude":"1","id":[1],"name":null}}
END
	run -0 --separate-stderr kx-to-csv in
	[ "${lines[1]}" = ',,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,' ]
	[ "$(grep -c '\[wrong-type\]$' <<< "$stderr")" -eq 12 ]
	[ ${#stderr_lines[@]} -eq 12 ]
	[[ ${stderr_lines[0]} == "kx-to-csv: in:1:15: note: /start_time: start_time is a string, not an integer: its cell is empty [wrong-type]" ]]
	[[ $stderr == *"end_time is 1.5, not an integer"* ]]
}

@test "what should hold columns and does not is noted" {
	cat > in <<'END'
{"channel":"x","params":[]}
{"channel":{"address":1},"params":{"object":2,"identities":[3]}}
{"params":{"object":{"color":"red","object_type":false},"identities":[{"list":[],"faces":1,"plates":"x"}]}}
{"params":{"identities":[{"list":{"id":1},"faces":[5]},7]}}
{"channel":null,"params":null,"snapshots":null,"end_time":null}
END
	run -0 --separate-stderr kx-to-csv in
	for place in 1:12 1:25 2:23 2:45 2:61 3:30 3:50 3:79 3:90 3:101 4:52; do
		[[ $stderr == *"in:$place: note: "* ]]
	done
	[ ${#stderr_lines[@]} -eq 11 ]
	[ ${#lines[@]} -eq 6 ]
	[ "${lines[5]}" = ',,,,,,,,,,,,,,,,,,,,,,,,0,0,0,,,,,,' ]
}

@test "the first identity fills its columns, and no other" {
	cat > in <<'END'
{"params":{"identities":[{"list":{"name":"A"}},{"plates":[{"number":"B"}],"list":{"name":"C"}}]}}
{"params":{"identities":[{"faces":[{"id":1},{"id":2}],"plates":[{"id":3}]}]}}
END
	run -0 kx-to-csv in
	[ "${lines[1]}" = ',,,,,,,,,,,,,,A,,,,,,,,,,2,0,0,,,,,,' ]
	[ "${lines[2]}" = ',,,,,,,,,,,,,,,,,,,,,,,,1,0,0,,,,1,3,' ]
}

@test "both spellings of the camera; the nested one counts" {
	cat > in <<'END'
{"channel_id":1,"channel_name":"n","channel_latitude":1.0,"channel_longitude":2.0,"channel_address":{"country":"c","city":"t","street":"s"}}
{"channel":{"id":3},"channel_id":4}
END
	run -0 kx-to-csv in
	[[ ${lines[1]} == ,,,1,n,c,t,s,1.0,2.0,,* ]]
	[[ ${lines[2]} == ,,,3,,* ]]
}

@test "durations are exact, and none where there is none" {
	cat > in <<'END'
{"start_time":1685973361368,"end_time":1685973364548}
{"start_time":10,"end_time":3}
{"start_time":-9223372036854775808,"end_time":1}
{"start_time":1}
END
	run -0 kx-to-csv in
	[[ ${lines[1]} == 1685973361368,1685973364548,3180,* ]]
	[[ ${lines[2]} == 10,3,-7,* ]]
	[[ ${lines[3]} == -9223372036854775808,1,,* ]]
	[[ ${lines[4]} == 1,,,* ]]
}

@test "levels in words" {
	for l in 0 1 2 3 4 -1 10; do echo "{\"level\":$l}"; done > in
	kx-to-csv in | cut -d, -f13,14 > have
	printf 'level,level_name\n0,low\n1,normal\n2,high\n3,critical\n4,\n' |
		cat - <(printf -- '-1,\n10,\n') | cmp - have
}

@test "a record that is no event costs one row and status 1" {
	printf '{"id":"a"}\n{"id":}\n[1]\n"x"\n{"id":"b"}\n{"id' > in
	run -1 --separate-stderr kx-to-csv --rejects=bad in
	[ ${#lines[@]} -eq 3 ]
	[[ ${lines[1]} == *,a,,,, ]]
	[[ ${lines[2]} == *,b,,,, ]]
	printf '{"id":}\n[1]\n"x"\n{"id' | cmp - bad
	[[ $stderr == *"in:2:"* ]]
	[[ $stderr == *"in:3:1: error: "*"[not-an-object]"* ]]
	[[ $stderr == *"[truncated-record]"* ]]
	[ ${#stderr_lines[@]} -eq 4 ]
}

@test "the table and the messages are the same for every -j" {
	genlog --seed=11 --events=8000 --broken -o log
	run -1 kx-to-csv -j1 --rejects=bad1 log
	kx-to-csv -j1 log > one 2> err1 || true
	kx-to-csv -j4 --rejects=bad4 log > four 2> err4 || true
	cmp one four
	cmp err1 err4
	cmp bad1 bad4
}

@test "-o writes the whole table or nothing" {
	echo '{"id":"a"}' > in
	kx-to-csv -o out.csv in
	kx-to-csv in | cmp - out.csv
	run -2 kx-to-csv -o nowhere/out.csv in
	run -2 --separate-stderr bash -c 'kx-to-csv in > /dev/full'
	[[ $stderr == *"No space left on device"* ]]
}

@test "what was read whole is written before more is waited for" {
	mkfifo pipe
	: > out
	{ echo '{"id":"a"}'; exec sleep 60; } > pipe 3>&- &
	pid=$!
	timeout 20 kx-to-csv < pipe > out 3>&- &
	tool=$!
	for _ in {1..400}; do
		[ "$(wc -l < out)" -lt 2 ] || break
		sleep 0.05
	done
	kill $pid $tool
	[ "$(wc -l < out)" -eq 2 ]
}

# columns ROWS: what --list-columns has, a name a line.
columns() {
	kx-to-csv --list-columns --rows="$1" | cut -f1
}

@test "every field and every derived column can be had, in any table" {
	event 1 > in
	columns event > all
	[ "$(wc -l < all)" -gt 75 ]
	sort all | uniq -d > twice
	empty twice
	for rows in event identity face plate snapshot tag; do
		columns $rows | cmp - all
		kx-to-csv --rows=$rows --columns="$(paste -sd, all)" in > out
		head -n 1 out | tr , '\n' | cmp - all
		# The defaults are among them, with the keys.
		kx-to-csv --rows=$rows --header-only | tr , '\n' > default
		sort default | comm -23 - <(sort all) > unknown
		empty unknown
		[ "$(grep -cx -e id -e event_id -e start_time default)" -eq 3 ]
	done
}

@test "--list-columns: name, type, unit, meaning; JSON has the rest" {
	kx-to-csv --list-columns > list
	awk -F '\t' 'NF != 4 || $1 == "" || $2 !~ /^(integer|number|text|boolean|time|json)$/ ||
		$3 == "" || $4 == ""' list > wrong
	empty wrong
	grep -qx $'start_time\tinteger\tms\tstart of the event' list
	kx-to-csv --list-columns --time=iso --columns=start_time > iso
	grep -qx $'start_time\ttime\t-\tstart of the event' iso
	[ "$(wc -l < iso)" -eq 1 ]
	kx-to-csv --list-columns --diagnostics=json > json
	jq -r '[.name, .type, .unit // "-", .meaning] | join("\t")' json | cmp - list
	[ "$(jq -c 'select(.name == "level") | [.pointer, .values, .required, .default]' json)" = \
		'["/level",[0,1,2,3],true,true]' ]
	[ "$(jq -c 'select(.name == "channel.latitude") | [.minimum, .maximum]' json)" = '[-90,90]' ]
	kx-to-csv --header-only --rows=tag | tr , '\n' | sort > default
	kx-to-csv --list-columns --rows=tag --diagnostics=json |
		jq -r 'select(.default) | .name' | sort | cmp - default
	run -2 kx-to-csv --list-columns in
}

@test "--columns: names and programs, in the order given" {
	event 1 1 PlateMatched > in
	event 2 2 >> in
	run -0 kx-to-csv --columns=level,id --columns=' topic , plate.number' in
	[ "${lines[0]}" = level,id,topic,plate.number ]
	[[ ${lines[1]} == 1,203:*,PlateMatched,2222HH7 ]]
	[[ ${lines[2]} == 2,203:*,FaceMatched, ]]
	for list in nosuch id,id id,ID 'id,,' ,id '' =.a 'a=' 'a=.b,a=.c' 'a=(' \
		'a=input' 'a="b' ; do
		run -2 --separate-stderr kx-to-csv --columns="$list" in
		[ -z "$output" ]
		[ ${#stderr_lines[@]} -le 2 ]
	done
}

@test "what programs put out: text, numbers, JSON, nothing, several, errors" {
	cat > in <<'END'
{"s":"a,\"b\"\n\u0416\ud83d\ude00","n":1.50,"b":true,"z":null,"o":{"a":[1,"x"]},"e":""}
{"s":5}
{"nul":"x\u0000y"}
END
	run -0 kx-to-csv --columns='s=.s,n=.n,b=.b,z=.z,o=.o,e=.e,two=(.n,.b)' in
	[ "$output" = 's,n,b,z,o,e,two
"a,""b""
Ж😀",1.5,true,,"{""a"":[1,""x""]}","","1.5
true"
5,,,,,,
,,,,,,' ]
	run -0 --separate-stderr kx-to-csv --columns='n=.nul' in
	[ "${lines[3]}" = $'x\xef\xbf\xbdy' ]
	[[ $stderr == "kx-to-csv: in:3:1: note: n holds "*"[replaced-character]" ]]
	# One that fails costs its cell; the others and the order stay.
	run -1 --separate-stderr kx-to-csv --columns='id,x=.s+1,y=.n' in
	[ "${lines[1]}" = ,,1.5 ]
	[ "${lines[2]}" = ,6, ]
	[[ ${stderr_lines[0]} == "kx-to-csv: in:1:1: error: x: "*"[program-error]" ]]
	[ ${#stderr_lines[@]} -eq 1 ]
	# A single empty cell is a row all the same.
	run -0 kx-to-csv --columns='x=.nosuch' --no-header in
	[ "$output" = $'""\n""\n""' ]
	# Commas, brackets and strings of a program are its own.
	run -0 kx-to-csv --no-header --columns='a=[1,2]|join(","),b="x,\("y,z"),)",id' <<< '{"id":"i"}'
	[ "$output" = '"1,2","x,y,z,)",i' ]
	# In rows of parts the event is the input, and each row has the cell.
	run -0 kx-to-csv --no-header --rows=tag --columns='tag.name,n=.n' \
		<<< '{"n":7,"channel":{"tags":[{"name":"a"},{"name":"b"}]}}'
	[ "$output" = $'a,7\nb,7' ]
}

@test "programs: the table and the messages are the same for every -j" {
	genlog --seed=12 --events=6000 --broken -o log
	for j in 1 4; do
		kx-to-csv -j$j --columns='id,level,n=.params.identities|length,x=.snapshots[].type,c=.channel.id' \
			log > out$j 2> err$j || [ $? -eq 1 ]
	done
	cmp out1 out4
	cmp err1 err4
	grep -q program-error err1
	grep -v program-error err1 | grep -q wrong-type
	kx-to-csv --columns='id,level' log 2> /dev/null | wc -l > rows || true
	kx-to-csv --columns='id,level,x=.id' log > out 2> /dev/null || true
	python3 - <<'END'
import csv
with open("out", newline="") as f:
    rows = list(csv.reader(f))
assert len(rows) > 4000
assert sum(r[0] != r[2] for r in rows[1:]) < 200
END
}

@test "a row of each kind has the event's keys, and its own place" {
	cat > in <<'END'
{"id":"a","event_id":"1","params":{"identities":[{"faces":[{"id":1},{"id":2}],"list":{"id":8}},{"plates":[{"id":3}],"list":{"id":9}},{}]},"snapshots":[{"path":"/x/1-1685973361368531712.jpg?ttl=60","image":"AA"},{"path":"p","image":""}],"channel":{"tags":[{"id":4},{"id":5}]}}
{"id":"b"}
END
	rows() {
		kx-to-csv --no-header --rows="$1" --columns="id,event_id,$2" in
	}
	[ "$(rows identity identity.index,identity.kind,identity.faces,identity.plates,face.id,plate.id,list.id)" = \
		$'a,1,0,face,2,0,1,,8\na,1,1,plate,0,1,,3,9\na,1,2,,0,0,,,' ]
	[ "$(rows face identity.index,face.index,face.id,list.id,plate.id)" = \
		$'a,1,0,0,1,8,\na,1,0,1,2,8,' ]
	[ "$(rows plate identity.index,plate.index,plate.id,list.id)" = a,1,1,0,3,9 ]
	[ "$(rows snapshot snapshot.index,snapshot.has_image,stamp_ns,expires_iso,face.id)" = \
		$'a,1,0,true,1685973361368531712,2023-06-05T13:57:01.368Z,1\na,1,1,false,,,1' ]
	[ "$(rows tag tag.index,tag.id)" = $'a,1,0,4\na,1,1,5' ]
	[ "$(rows event tag.id,snapshot.path,face.id,images,tags)" = \
		$'a,1,4,/x/1-1685973361368531712.jpg?ttl=60,1,1,2\nb,,,,,0,0' ]
}

@test "odd parts: a note each, once, and the rows that there are" {
	cat > in <<'END'
{"id":"a","start_time":"x","snapshots":[{"type":1},7,{"type":"T"}],"channel":{"tags":5}}
{"id":"b","snapshots":{},"params":{"identities":[3,{"faces":"x"},{"faces":[4]}]}}
END
	run -0 --separate-stderr kx-to-csv --rows=snapshot --columns=id,start_time,snapshot.index,snapshot.type in
	[ "$output" = $'id,start_time,snapshot.index,snapshot.type\na,,0,\na,,1,\na,,2,T' ]
	for place in 1:24 1:49 1:52 2:23; do
		[[ $stderr == *"in:$place: note: "* ]]
	done
	[ ${#stderr_lines[@]} -eq 4 ]
	run -0 --separate-stderr kx-to-csv --rows=tag --columns=id,tag.name in
	[ "$output" = id,tag.name ]
	[[ $stderr == "kx-to-csv: in:1:"*"channel.tags is a number, not an array"* ]]
	[ ${#stderr_lines[@]} -eq 1 ]
	run -0 --separate-stderr kx-to-csv --rows=face --columns=id,identity.index,face.id in
	[ "$output" = $'id,identity.index,face.id\nb,2,' ]
	[ ${#stderr_lines[@]} -eq 3 ]
	run -0 --separate-stderr kx-to-csv --columns=id in
	[ ${#stderr_lines[@]} -eq 0 ]
}

@test "parts in their tens of thousands, and odd ones, take no time" {
	python3 - <<'END'
import json
n = 40000
for name, e in (
    ("sound", {"params": {"identities": [
        {"faces": [{"id": i}, {"id": -i}], "plates": [{"id": i}]} for i in range(n)]},
        "snapshots": [{"path": "p"}] * n, "channel": {"tags": [{"id": 1}] * n}}),
    ("one", {"params": {"identities": [{"faces": [{"id": i} for i in range(n)]}]}}),
    ("odd", {"params": {"identities": [5] * n}, "snapshots": [[]] * n,
             "channel": {"tags": ["x"] * n}})):
    with open(name, "w") as f:
        f.write(json.dumps(e) + "\n")
END
	c=identity.index,identity.faces,face.index,face.id,plate.index,list.id,snapshot.type,tag.name
	for rows in identity face snapshot tag; do
		for log in sound one odd; do
			timeout 20 kx-to-csv --rows=$rows --columns=$c $log > $log.csv 2> $log.err
		done
		[ "$(wc -l < sound.csv)" -gt 40000 ]
	done
	kx-to-csv --rows=face --columns=face.index,face.id one | sed 1d > have
	seq 0 39999 | sed 's/.*/&,&/' | cmp - have
	[ "$(wc -l < odd.err)" -eq 100 ]
	grep -q '\[many-notes\]$' odd.err
}

@test "delimiters, line ends, headers and what stands for nothing" {
	echo '{"id":"a;b","topic":"c,d","level":3,"channel":{"name":"NULL"}}' > in
	t() { kx-to-csv --columns=id,topic,level,module,channel.name "$@" in; }
	[ "$(t --delimiter=\; --no-header)" = '"a;b";c,d;3;;NULL' ]
	[ "$(t --delimiter=\| --null=NULL --no-header)" = 'a;b|c,d|3|NULL|"NULL"' ]
	[ "$(t --delimiter='\t' --no-header)" = $'a;b\tc,d\t3\t\tNULL' ]
	[ "$(t --null=3 --no-header)" = 'a;b,"c,d","3",3,NULL' ]
	[ "$(t --crlf | od -An -c | tr -d ' \n')" = \
		'id,topic,level,module,channel.name\r\na;b,"c,d",3,,NULL\r\n' ]
	[ "$(kx-to-csv --header-only --columns=id,level)" = id,level ]
	for bad in --delimiter= --delimiter=ab --delimiter=a --delimiter=7 --delimiter=\" \
		--delimiter=é --null=a,b --null=\" --null=$'a\n' --null=' x' --time=s \
		--timezone=Nowhere/Town --timezone=../etc/passwd --timezone= --timezone=+25:00 \
		--timezone=+3:0 --rows= --rows=events --print-sql=oracle; do
		run -2 --separate-stderr kx-to-csv "$bad" in
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
	run -2 kx-to-csv --tsv --null=$'a\tb' in
	run -2 kx-to-csv --tsv --delimiter=, in
	run -2 kx-to-csv --tsv --excel in
	run -2 kx-to-csv --no-header --header-only
	run -2 kx-to-csv --header-only in
}

@test "--tsv escapes what it must, and \\N is no value" {
	cat > in <<'END'
{"id":"a\tb\nc\rd\\e","topic":"\\N","module":"","level":1}
END
	run -0 kx-to-csv --tsv --null='\N' --columns=id,topic,module,level,source_name in
	[ "${lines[0]}" = $'id\ttopic\tmodule\tlevel\tsource_name' ]
	[ "${lines[1]}" = $'a\\tb\\nc\\rd\\\\e\t\\\\N\t\t1\t\\N' ]
}

@test "times: ISO 8601, zones with their summer, offsets, and their limits" {
	cat > in <<'END'
{"start_time":1685973361368,"end_time":1704067199999}
{"start_time":-62135596800001,"end_time":253402300800000}
{"start_time":-1,"end_time":1e3}
{"start_time":99999999999999999999}
END
	t() { kx-to-csv -q --columns=start_time,end_time,start_iso --no-header "$@" in; }
	[ "$(t | head -n 1)" = 1685973361368,1704067199999,2023-06-05T13:56:01.368Z ]
	run -0 t --time=iso
	[ "${lines[0]}" = 2023-06-05T13:56:01.368Z,2023-12-31T23:59:59.999Z,2023-06-05T13:56:01.368Z ]
	[ "${lines[1]}" = ,, ]
	[ "${lines[2]}" = 1969-12-31T23:59:59.999Z,,1969-12-31T23:59:59.999Z ]
	[ "${lines[3]}" = ,, ]
	[ "$(TZ=Asia/Tokyo t --time=iso)" = "$output" ]
	[ "$(t --time=iso --timezone=+05:45 | head -n 1 | cut -d, -f1)" = 2023-06-05T19:41:01.368+05:45 ]
	[ "$(t --time=iso --timezone=-3 | head -n 1 | cut -d, -f1)" = 2023-06-05T10:56:01.368-03:00 ]
	run -0 --separate-stderr kx-to-csv --time=iso in
	[ "$(grep -c '\[time-range\]$' <<< "$stderr")" -eq 3 ]
	[ "$(grep -c '\[wrong-type\]$' <<< "$stderr")" -eq 1 ]
}

@test "times in a zone are those of Python, through every change" {
	python3 -c 'import zoneinfo; zoneinfo.ZoneInfo("Europe/Berlin")' || skip "no time zones"
	python3 - <<'END'
import json
with open("in", "w") as f:
    for ms in range(0, 2556057600000, 997 * 3600 * 1000):
        f.write(json.dumps({"start_time": ms}) + "\n")
    # Berlin, 2023: the last and the first moments of summer time.
    for ms in (1679792399999, 1679792400000, 1698541199999, 1698541200000):
        f.write(json.dumps({"start_time": ms}) + "\n")
END
	for zone in Europe/Berlin America/St_Johns Australia/Lord_Howe Asia/Kathmandu; do
		kx-to-csv --no-header --columns=start_iso --timezone=$zone in > have
		python3 - $zone > want <<'END'
import datetime, json, sys, zoneinfo
zone = zoneinfo.ZoneInfo(sys.argv[1])
for line in open("in"):
    ms = json.loads(line)["start_time"]
    t = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    t = t.replace(microsecond=ms % 1000 * 1000).astimezone(zone)
    print(t.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
END
		same have want
	done
}

@test "--guard-formulas: what would run does not, numbers stay numbers" {
	cat > in <<'END'
{"topic":"=1+1","module":"@SUM(A1)","source_name":"-12.3","level":-1,"channel":{"name":" +a","latitude":-12.3},"event_id":"-5","id":"\t=1"}
{"topic":"\uff1d1","module":"\rx","source_name":"a=b","channel":{"name":"-","latitude":-1e-3},"event_id":"+7","id":"=\"a\",b"}
END
	c=topic,module,source_name,level,channel.name,channel.latitude,event_id,id
	run -0 kx-to-csv --no-header --guard-formulas --columns=$c in
	[ "${lines[0]}" = "'=1+1,'@SUM(A1),-12.3,-1,' +a,-12.3,-5,'"$'\t=1' ]
	[ "${lines[1]}" = $'\'\uff1d1,"\'\rx",a=b,,\'-,-0.001,+7,"\'=""a"",b"' ] ||
		[ "${lines[1]}" = $'\'\uff1d1,"\'\rx",a=b,,\'-,-1e-3,+7,"\'=""a"",b"' ]
	# Off by default: what is loaded is what was sent.
	run -0 kx-to-csv --no-header --columns=topic in
	[ "${lines[0]}" = =1+1 ]
	# Names of programs' columns are guarded too.
	[ "$(kx-to-csv --guard-formulas --header-only --columns='@x=.a')" = "'@x" ]
}

@test "provenance points into the whole log" {
	event 1 > log
	event 2 >> log
	event 3 >> log
	kx-to-csv --columns=source,line,offset,record_sha256 log > whole
	head -n 1 log > a
	tail -n +2 log > b
	{ kx-to-csv --header-only --columns=source,line,offset,record_sha256
	  for piece in a b; do
		offset=0 line=1
		[ $piece = a ] || offset=$(wc -c < a) line=2
		kx-to-csv --no-header --columns=source,line,offset,record_sha256 \
			--source=log --base-offset=$offset --base-line=$line $piece
	  done; } > pieces
	cmp whole pieces
	kx-extract-snapshots -C frames log > /dev/null
	python3 - <<'END'
import csv
ours = [r["record_sha256"] for r in csv.DictReader(open("whole"))]
theirs = [r["record_sha256"] for r in csv.DictReader(open("frames/manifest.csv"))]
assert ours == theirs and len(ours) == 3, (ours, theirs)
END
	# Of a text on several lines, that of its one line, as a manifest has it.
	jq . log | kx-to-csv --columns=record_sha256 > pretty
	kx-to-csv --columns=record_sha256 <(jq -c . log) | cmp - pretty
}

@test "the manual has every derived column, and the tables of --print-sql" {
	manual=$KX_SRCDIR/cmd/kx-to-csv.1
	kx-to-csv --list-columns --diagnostics=json |
		jq -r 'select(.pointer == null) | .name' | sort > derived
	sed -n '/^\.Ss Columns/,/^\.Ss/s/^\.It Sy //p' "$manual" |
		sed 's/ , /\n/g' | sort | diff derived -
	for rows in event identity face plate snapshot tag; do
		kx-to-csv --rows=$rows --print-sql=postgresql > want
		sed -n "/^CREATE TABLE \"$rows\" (\$/,/^);/p" "$manual" |
			sed '/TEXT/,$d' > have
		head -n "$(wc -l < want)" have | cmp - want
	done
	kx-to-csv --columns=id,level --print-sql=sqlite > want
	sed -n '/^CREATE TABLE/,/^END;/p' "$manual" |
		tail -n "$(wc -l < want)" | cmp - want
}
