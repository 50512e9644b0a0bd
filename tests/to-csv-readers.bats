# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-to-csv: every cell of every table, as Python, SQLite, PostgreSQL, Miller
# and LibreOffice read it, against the event; and a table made of pieces.

load helper

KINDS='event identity face plate snapshot tag'

setup() {
	kx_setup
	table=$KX_SRCDIR/tests/table.py
}

genlog() {
	[ -x "$KX_TESTDIR/genlog" ] || skip "no genlog"
	"$KX_TESTDIR/genlog" "$@"
}

# names ROWS: the default columns.
names() {
	kx-to-csv --rows="$1" --header-only
}

# want ROWS COLUMNS LOG: into ./want, and how many rows that is.
want() {
	python3 "$table" "$@" | jq -c . > want
	[ -s want ]
}

@test "every cell of every table, by Python's csv" {
	genlog --seed=7 --events=2500 -o log
	for rows in $KINDS; do
		kx-to-csv --rows=$rows log > csv
		python3 "$table" --csv csv | jq -c . > have
		want $rows "$(names $rows)" log
		same have want
	done
}

@test "every column that there is, of a log with pictures" {
	genlog --seed=3 --events=40 --images -o log
	kx-to-csv log > csv
	[ "$(wc -c < csv)" -lt 40000 ]
	all=$(python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True
import table; print(",".join(table.COLUMNS))' "$KX_SRCDIR/tests")
	kx-to-csv --list-columns | cut -f1 | grep -vxE 'source|params|channel|channel.address' |
		sort > names
	tr , '\n' <<< "$all" | sort | cmp - names
	for rows in $KINDS; do
		kx-to-csv --rows=$rows --columns="$all" log > csv
		python3 "$table" --csv csv | jq -c . > have
		want $rows "$all" log
		same have want
	done
}

@test "every cell, by sqlite3" {
	command -v sqlite3 || skip "no sqlite3"
	genlog --seed=8 --events=800 -o log
	for rows in $KINDS; do
		kx-to-csv --rows=$rows log > csv
		sqlite3 text.db ".import --csv csv $rows"
		sqlite3 -json text.db "SELECT * FROM $rows" | jq -c '.[] | [.[] | tostring]' > have
		want $rows "$(names $rows)" log
		same have want
	done
}

@test "--print-sql=sqlite: numbers are numbers, nothing is NULL, tables join" {
	command -v sqlite3 || skip "no sqlite3"
	genlog --seed=8 --events=800 -o log
	for rows in event face snapshot; do
		kx-to-csv --rows=$rows --print-sql=sqlite | sqlite3 log.db
		kx-to-csv --rows=$rows --no-header log > csv
		sqlite3 log.db ".import --csv csv $rows"
		python3 - $rows <<'END'
import csv, json, sqlite3, sys
have = list(sqlite3.connect("log.db").execute("SELECT * FROM " + sys.argv[1]))
with open("csv", newline="", encoding="utf-8") as f:
    want = list(csv.reader(f))
assert len(have) == len(want) > 100
for a, b in zip(have, want):
    for x, y in zip(a, b):
        assert (x is None and y == "") or (isinstance(x, str) and x == y) \
            or (isinstance(x, int) and str(x) == y) \
            or (isinstance(x, float) and x == float(y)), (x, y)
END
	done
	[ "$(sqlite3 log.db 'SELECT count(*) FROM event WHERE "level" > 1')" = \
		"$(jq 'select(.level > 1) | 1' log | wc -l)" ]
	[ "$(sqlite3 log.db 'SELECT count(*) FROM snapshot WHERE id IN (SELECT id FROM event)')" = \
		"$(jq '.snapshots[]? | 1' log | wc -l)" ]
}

@test "every cell, by Miller, as CSV and as TSV" {
	command -v mlr || skip "no mlr"
	genlog --seed=9 --events=800 -o log
	for rows in $KINDS; do
		want $rows "$(names $rows)" log
		for format in csv tsv; do
			tsv=()
			[ $format = csv ] || tsv=(--tsv)
			kx-to-csv "${tsv[@]}" --rows=$rows log > table
			mlr -S --i$format --ojsonl --no-auto-unflatten cat table |
				jq -c '[.[] | tostring]' > have
			same have want
		done
	done
}

# examples REGEX: lines of the manual's EXAMPLES that match, as they are typed.
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAG/s/^\(\.Dl \)\{0,1\}\$ //p' \
		"$KX_SRCDIR/cmd/kx-to-csv.1" |
		sed 's/\\(dq/"/g; s/\\e/\\/g' | grep -E -- "$1"
}

@test "the manual's examples" {
	for tool in sqlite3 mlr zstd; do
		command -v $tool || skip "no $tool"
	done
	genlog --seed=14 --events=300 -o log.ndjson
	zstd -q log.ndjson
	examples . | grep -v -e psql -e parallel > commands
	[ "$(wc -l < commands)" -ge 10 ]
	while read -r command; do
		echo "\$ $command"
		bash -eo pipefail -c "$command" < /dev/null
	done < commands > out
	[ "$(wc -l < night.csv)" -gt 50 ]
	grep -qc '^id,level,plates$' out
	[ "$(sqlite3 log.db 'SELECT count(*) FROM event')" -eq 300 ]
	# What the join found is what the last query put out.
	[ "$(sqlite3 log.db 'SELECT count(*) FROM face f JOIN event e USING (id)')" -gt 50 ]
	grep -q '|' out
	grep -q '^channel.name  *count$' out
	if command -v parallel; then
		export HOME=$PWD
		mkdir -p .parallel && touch .parallel/will-cite
		while read -r command; do
			bash -eo pipefail -c "$command"
		done < <(examples 'header-only|parallel')
		kx-to-csv log.ndjson | cmp - log.csv
	fi
}

# A server of our own, on a socket in the work folder.
postgres_start() {
	local bin
	for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(dirname "$(command -v initdb)")"; do
		[ -x "$bin/initdb" ] && [ -x "$bin/postgres" ] && break
		bin=
	done
	[ -n "$bin" ] && command -v psql || skip "no PostgreSQL"
	as=()
	# Short, for a socket, and open to another user.
	pg=$(mktemp -d /tmp/kxpg.XXXXXX)
	if [ "$(id -u)" = 0 ]; then
		id postgres > /dev/null || skip "no user for PostgreSQL"
		command -v setpriv || skip "no setpriv"
		chown postgres "$pg"
		as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	fi
	export PGHOST=$pg PGDATABASE=postgres PGUSER=kx
	(cd "$pg" && "${as[@]}" "$bin/initdb" -D "$pg/data" -U kx -A trust -E UTF8 \
		--no-locale --no-sync > log 2>&1) || { cat "$pg/log"; return 1; }
	(cd "$pg" && exec "${as[@]}" "$bin/postgres" -D "$pg/data" -k "$pg" \
		-c listen_addresses= -c fsync=off -c shared_buffers=16MB \
		>> "$pg/log" 2>&1 3>&-) &
	server=$!
	wait_for 30 psql -q -o /dev/null -c 'SELECT 1'
}

teardown() {
	[ -z "${server-}" ] || { kill -QUIT "$server"; wait "$server" || true; }
	[ -z "${pg-}" ] || rm -rf "$pg"
}

@test "every cell, by PostgreSQL's COPY ... CSV HEADER, and by its text format" {
	genlog --seed=10 --events=600 -o log
	cat >> log <<'END'
{"id":"odd","event_id":98765432109876543210987654321098765432109,"topic":"\\.","module":"a\n\\.\nb","channel":{"name":"","latitude":1e-400},"level":123456789012345678901234567890}
END
	postgres_start
	for rows in $KINDS; do
		kx-to-csv --rows=$rows log > csv
		# A file of the server's own, for psql looks at lines itself.
		install -m 644 csv "$pg/csv"
		{
			kx-to-csv --rows=$rows --print-sql=postgresql
			echo "COPY $rows FROM '$pg/csv' (FORMAT csv, HEADER MATCH);"
			echo "COPY (SELECT * FROM $rows) TO STDOUT (FORMAT csv, HEADER);"
		} | psql -q > back
		kx-to-csv --list-columns --columns="$(names $rows)" | cut -f2 > types
		python3 - <<'END'
import collections, csv, datetime, decimal
def time(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00").replace("+00:00", "+00").replace(
            "+00", "+00:00"))
def read(name, convert):
    with open(name, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f, strict=True))
    return rows[0], collections.Counter(
        tuple(x and convert[t](x) for x, t in zip(row, types))
        for row in rows[1:])
types = open("types").read().split()
number = decimal.Decimal
convert = {"integer": number, "number": number, "text": str, "time": time,
           "boolean": lambda x: x[:1]}
# The server keeps rows in no order of ours.
want, have = read("csv", convert), read("back", convert)
assert want == have and sum(want[1].values()) > 100, (want[1] - have[1],
                                                      have[1] - want[1])
END
	done
	# Missing values and empty strings are told apart, in both formats.
	psql -q -c 'COPY (SELECT * FROM event) TO STDOUT (FORMAT csv, HEADER)' | sort > back
	psql -q -c 'TRUNCATE event'
	kx-to-csv --tsv --null='\N' --no-header log | psql -q -c 'COPY event FROM STDIN'
	psql -q -c 'COPY (SELECT * FROM event) TO STDOUT (FORMAT csv, HEADER)' |
		sort | cmp - back
	[ "$(psql -At -c 'SELECT "channel.name" IS NULL, "object.type" IS NULL FROM event WHERE id = '"'odd'")" = 'f|t' ]
	kx-to-csv --time=iso --columns=id,start_time --print-sql=postgresql |
		sed 's/"event"/iso/' | psql -q
	kx-to-csv --time=iso --timezone=+03:00 --columns=id,start_time log |
		psql -q -c 'COPY iso FROM STDIN (FORMAT csv, HEADER)'
	[ "$(psql -At -c 'SELECT count(*) FROM iso JOIN event USING (id)
		WHERE extract(epoch FROM iso.start_time) * 1000 = event.start_time')" -ge 600 ]
	# The manual's examples.
	psql -q -c 'DROP TABLE event'
	grep -v '"odd"' log > log.ndjson
	while read -r command; do
		bash -eo pipefail -c "$command"
	done < <(examples psql | grep -v tsv) > /dev/null
	[ "$(psql -At -c 'SELECT count(*) FROM event')" -eq 600 ]
	cp log log.ndjson
	bash -eo pipefail -c "$(examples 'psql.*|tsv' | grep tsv)" > /dev/null
	[ "$(psql -At -c 'SELECT count(*) FROM event')" -eq 1201 ]
}

@test "--excel, by LibreOffice: ids, names and plates as sent, numbers as numbers" {
	command -v soffice || skip "no LibreOffice"
	cat > in <<'END'
{"event_id":"4829655691653739","id":"203:1691055920965:4829655691653739","start_time":1691055920965,"monitor_id":12345678901234567890,"topic":"=1+1","module":"@SUM(A1:A9)","source_name":"TRUE","level":-1,"channel":{"id":274,"name":"1-4-09","latitude":-12.3,"longitude":17.596215903759006,"address":{"country":"Straße \"5\", Köln","city":"a\nb","street":"+49 221","county":"-12.3","region":"007"}},"params":{"identities":[{"plates":[{"number":"2222E77","owner_last_name":"-"}]}]}}
END
	c=event_id,id,start_time,monitor_id,topic,module,source_name,level
	c+=,channel.name,channel.latitude,channel.longitude
	c+=,channel.address.country,channel.address.city,channel.address.street
	c+=,channel.address.county,channel.address.region,plate.number
	c+=,plate.owner_last_name
	kx-to-csv --excel --columns=$c -o t.csv in
	[ "$(head -c 3 t.csv)" = $'\xef\xbb\xbf' ]
	[ "$(tr -cd '\r' < t.csv | wc -c)" -eq 2 ]
	timeout 120 soffice --headless -env:UserInstallation="file://$BATS_TEST_TMPDIR/profile" \
		--infilter='Text - txt - csv (StarCalc):44,34,UTF8,1' --convert-to fods t.csv > log 2>&1 3>&- || { cat log; false; }
	python3 - <<'END'
import xml.etree.ElementTree as E
o = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
rows = []
for row in E.parse("t.fods").iter(o % "table" + "table-row"):
    cells = []
    for cell in row.iter(o % "table" + "table-cell"):
        kind = cell.get(o % "office" + "value-type")
        text = "\n".join("".join(p.itertext())
                         for p in cell.iter(o % "text" + "p"))
        value = cell.get(o % "office" + "value")
        formula = cell.get(o % "table" + "formula", "")
        assert formula == "" or formula.startswith('of:="'), formula
        cells.append((kind, float(value) if kind == "float" else text))
    rows.append(cells)
names = [text for _, text in rows[0]]
have = dict(zip(names, rows[1]))
want = {
    "event_id": ("string", "4829655691653739"),
    "id": ("string", "203:1691055920965:4829655691653739"),
    "start_time": ("float", 1691055920965.0),
    "monitor_id": ("string", "12345678901234567890"),
    "topic": ("string", "'=1+1"),
    "module": ("string", "'@SUM(A1:A9)"),
    "source_name": ("string", "TRUE"),
    "level": ("float", -1.0),
    "channel.name": ("string", "1-4-09"),
    "channel.latitude": ("float", -12.3),
    "channel.longitude": ("float", 17.596215903759006),
    "channel.address.country": ("string", 'Straße "5", Köln'),
    "channel.address.city": ("string", "a\nb"),
    "channel.address.street": ("string", "'+49 221"),
    "channel.address.county": ("string", "-12.3"),
    "channel.address.region": ("string", "007"),
    "plate.number": ("string", "2222E77"),
    "plate.owner_last_name": ("string", "'-"),
}
# LibreOffice itself writes 15 digits.
assert abs(have["channel.longitude"][1] - want["channel.longitude"][1]) < 1e-12
have["channel.longitude"] = want["channel.longitude"]
for name in want:
    assert have[name] == want[name], (name, have[name], want[name])
assert list(want) == names[:len(want)]
END
}

@test "a table made of pieces has the same bytes" {
	genlog --seed=11 --events=4000 -o log
	kx-to-csv log > whole
	kx-to-csv --header-only > pieces
	if command -v parallel; then
		HOME=$PWD parallel --will-cite -k --block 100k --pipepart -a log \
			kx-to-csv --no-header >> pieces
		cmp whole pieces
		kx-to-csv --header-only > pieces
	fi
	split -C 150000 log piece.
	for piece in piece.*; do
		kx-to-csv --no-header "$piece" >> pieces
	done
	cmp whole pieces
	kx-to-csv --excel --header-only > pieces
	kx-to-csv --excel --no-header log >> pieces
	kx-to-csv --excel log | cmp - pieces
}

@test "a column alone is what it is among all others" {
	genlog --seed=13 --events=60 -o log
	kx-to-csv --list-columns | cut -f1 > names
	for rows in event snapshot; do
		kx-to-csv --rows=$rows --columns="$(paste -sd, names)" log > csv
		while read -r name; do
			kx-to-csv --rows=$rows --columns="$name" log > "alone.$name" 2> err
		done < names
		python3 - <<'END'
import csv
def read(name):
    with open(name, newline="", encoding="utf-8") as f:
        return list(csv.reader(f, strict=True))
columns = list(zip(*read("csv")))
for column in columns:
    alone = [row[0] for row in read("alone." + column[0])]
    assert list(column) == alone, column[0]
assert len(columns) > 75 and len(columns[0]) > 20
END
	done
}
