# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-to-csv: every cell against the event, read back by four readers.

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
	# The table that is expected, from the log by another way: Python's
	# json, with numbers kept as they are spelled.
	cat > cells.py <<'END'
import json, sys

class Number(str):
    pass

def get(value, *path):
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or len(value) <= step:
                return None
        elif not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value

def cell(value):
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

def row(e):
    who = ["params", "identities", 0]
    def camera(name, *inside):
        nested = get(e, "channel", name, *inside)
        flat = get(e, "channel_" + name, *inside)
        return flat if nested is None else nested
    start, end, level = (e.get("start_time"), e.get("end_time"),
                         e.get("level"))
    pictures = [s for s in e.get("snapshots") or [] if s.get("image")]
    return [cell(v) for v in (
        start, end,
        int(end) - int(start) if start and end else None,
        camera("id"), camera("name"), camera("address", "country"),
        camera("address", "city"), camera("address", "street"),
        camera("latitude"), camera("longitude"),
        e.get("topic"), e.get("module"), level,
        ["low", "normal", "high", "critical"][int(level)]
        if level in ("0", "1", "2", "3") else None,
        get(e, *who, "list", "name"), get(e, *who, "list", "level"),
        get(e, *who, "plates", 0, "number"),
        get(e, *who, "plates", 0, "state"),
        get(e, *who, "faces", 0, "first_name"),
        get(e, *who, "faces", 0, "last_name"),
        get(e, "params", "object", "object_type", "value"),
        get(e, "params", "object", "color", "value"),
        get(e, *who, "faces", 0, "similarity"),
        get(e, "params", "reliability"),
        len(get(e, "params", "identities") or []),
        len(e.get("snapshots") or []), len(pictures),
        e.get("monitor_id"), e.get("id"), e.get("event_id"),
        get(e, *who, "faces", 0, "id"), get(e, *who, "plates", 0, "id"),
        get(e, *who, "list", "id"))]

def rows(path):
    with open(path, encoding="utf-8") as log:
        for line in log:
            yield row(json.loads(line, parse_int=Number,
                                 parse_float=Number))

if __name__ == "__main__":
    for cells in rows(sys.argv[1]):
        print(json.dumps(cells))
END
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

@test "every cell of a large log, by Python's csv" {
	genlog --seed=7 --events=5000 -o log
	kx-to-csv log > csv
	python3 - <<'END'
import csv, cells
want = cells.rows("log")
with open("csv", newline="", encoding="utf-8") as f:
    have = csv.reader(f, strict=True)
    assert next(have)[0] == "start_time"
    n = 0
    for row in have:
        expect = next(want)
        assert row == expect, (n, [x for x in zip(row, expect)
                                   if x[0] != x[1]])
        n += 1
    assert n == 5000 and next(want, None) is None
END
}

@test "every cell of a log with pictures" {
	genlog --seed=3 --events=60 --images -o log
	kx-to-csv log > csv
	[ "$(wc -c < csv)" -lt 60000 ]
	python3 - <<'END'
import csv, cells
want = list(cells.rows("log"))
with open("csv", newline="", encoding="utf-8") as f:
    have = list(csv.reader(f, strict=True))[1:]
assert have == want
assert any(row[26] != "0" for row in have)
END
}

@test "every cell, by sqlite3" {
	command -v sqlite3 || skip "no sqlite3"
	genlog --seed=8 --events=1500 -o log
	kx-to-csv log > csv
	sqlite3 db '.import --csv csv event'
	sqlite3 -json db 'SELECT * FROM event' | jq -c '.[] |
		[.[] | tostring]' > have
	python3 cells.py log | jq -c . > want
	cmp have want
}

@test "every cell, by Miller" {
	command -v mlr || skip "no mlr"
	genlog --seed=9 --events=1500 -o log
	kx-to-csv log > csv
	mlr -S --icsv --ojsonl --no-auto-unflatten cat csv | jq -c '[.[] | tostring]' > have
	python3 cells.py log | jq -c . > want
	cmp have want
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

@test "options of another issue are not there" {
	for o in --columns=id --list-columns --no-header --header-only \
		--crlf --delimiter=\; --tsv --time=iso --timezone=UTC \
		--null=x --excel --guard-formulas --print-sql=sqlite \
		--rows=identity --rows=snapshot --rows=tag --rows=; do
		run -2 --separate-stderr kx-to-csv "$o" /dev/null
		[ -z "$output" ]
	done
}

@test "the manual has every option and every column, and no other" {
	kx-to-csv --dump-options | cut -f2 | sort > options
	sed -n 's/^\.It.*Fl Fl \([a-z-]*\).*/\1/p' \
		"$KX_SRCDIR/cmd/kx-to-csv.1" | sort > manual
	diff options manual
	tr , '\n' <<< "$HEADER" | sort > columns
	sed -n '/^\.Ss Columns/,/^\.Ss/s/^\.It Sy //p' \
		"$KX_SRCDIR/cmd/kx-to-csv.1" | sed 's/ , /\n/g' |
		sort > manual
	diff columns manual
}
