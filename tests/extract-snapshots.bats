# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-extract-snapshots: every frame, its name, the papers, and what happens to
# them under trouble; checked with the tools that people have.

load helper

setup() {
	kx_setup
	umask 022
	jpg=$KX_SRCDIR/tests/data/frames/gray.jpg
	kx_picture >/dev/null
}

# snap START ID EVENT_ID SNAPSHOTS: an event.
snap() {
	printf '{"id":"%s","event_id":"%s","topic":"FaceMatched","level":2,"start_time":%s,"channel":{"id":274,"name":"Gate \\u00bb1"},"snapshots":[%s]}\n' \
		"$2" "$3" "$1" "$4"
}

# shot TYPE IMAGE: one snapshot.
shot() {
	printf '{"type":"%s","path":"/api/v1/media/snapshot/274-610/3824-1685973361368531712.jpg?ttl=2592000","image":"%s"}' "$1" "$2"
}

# cell ROW COLUMN: of manifest.csv, read by Python; row 1 is the first.
cell() {
	python3 - "${3:-d/manifest.csv}" "$1" "$2" <<'END'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")))
print(rows[int(sys.argv[2]) - 1][sys.argv[3]])
END
}

is() {
	[ "$1" = "$2" ] || fail "got:  $1" "want: $2"
}

# A bag, unpacked in the folder, is right by three judges.
check_bag() {
	(cd "$1" && sha256sum -c --quiet manifest-sha256.txt &&
		sha512sum -c --quiet manifest-sha512.txt &&
		sha256sum -c --quiet tagmanifest-sha256.txt &&
		sha512sum -c --quiet tagmanifest-sha512.txt) || return 1
	python3 - "$1" <<'END'
import os, re, sys
os.chdir(sys.argv[1])
assert open("bagit.txt").read() == \
    "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
info = dict(l.split(": ", 1) for l in open("bag-info.txt").read().splitlines())
files = [os.path.join(d, f) for d, _, fs in os.walk("data") for f in fs]
size = sum(map(os.path.getsize, files))
assert info["Payload-Oxum"] == f"{size}.{len(files)}", info
assert info["Bag-Software-Agent"].startswith("kx-extract-snapshots ")
for alg, digits in ("sha256", 64), ("sha512", 128):
    listed = [re.fullmatch(r"[0-9a-f]{%d}  ([A-Za-z0-9._/-]+)\n" % digits, l)[1]
              for l in open(f"manifest-{alg}.txt")]
    assert sorted(listed) == sorted(files), set(listed) ^ set(files)
    tags = [l.split("  ")[1].strip() for l in open(f"tagmanifest-{alg}.txt")]
    assert tags == ["bagit.txt", "bag-info.txt", "manifest-sha256.txt",
                    "manifest-sha512.txt"], tags
END
}

# --- frames -------------------------------------------------------------------

@test "a directory gets each frame byte for byte, a manifest and hashes" {
	events 5 >log
	status_is 0 kx-extract-snapshots -C d log
	empty out
	empty err
	(cd d && sha256sum -c --quiet manifest-sha256.txt)
	is "$(find d -name '*_FULLSCREEN_*.jpg' | wc -l)" 5
	for f in d/*.jpg; do same "$f" "$jpg"; done
	sum=$(sha256sum <"$jpg" | cut -c1-64)
	ms=1691055921965
	id=4829655691653001
	name=${ms}_203_${id}_00_FULLSCREEN_${sum:0:12}.jpg
	is "$(cell 1 name)" "$name"
	is "$(cell 1 sha256)" "$sum"
	is "$(cell 1 size)" "$(stat -c %s "$jpg")"
	is "$(cell 1 media_type)" image/jpeg
	is "$(cell 1 declared_type)" ''
	is "$(cell 1 id)" "203:$ms:$id"
	is "$(cell 1 event_id)" $id
	is "$(cell 1 snapshot_index)" 0
	is "$(cell 1 snapshot_type)" FULLSCREEN
	is "$(cell 1 channel_id)" 274
	is "$(cell 1 channel_name)" 1-4-09
	is "$(cell 1 start_time)" $ms
	is "$(cell 1 end_time)" $((ms + 500))
	is "$(cell 1 path_stamp)" ${ms}531712
	is "$(cell 1 status)" ok
	is "$(cell 1 expires)" ''
	is "$(cell 3 source_file)" log
	is "$(cell 3 source_line)" 3
	is "$(cell 3 source_offset)" "$(head -2 log | wc -c)"
	is "$(cell 3 record_sha256)" \
		"$(sed -n 3p log | tr -d '\n' | sha256sum | cut -c1-64)"
	is "$(stat -c %Y "d/$name")" $((ms / 1000))
}

@test "the manifest elsewhere, as NDJSON and as CSV, says the same" {
	events 3 >log
	status_is 0 kx-extract-snapshots -C d log
	status_is 0 kx-extract-snapshots -C e --manifest=m.ndjson log
	[ ! -e e/manifest.csv ]
	(cd e && sha256sum -c --quiet manifest-sha256.txt)
	status_is 0 kx-extract-snapshots -C f --manifest=m.csv log
	same m.csv d/manifest.csv
	python3 - <<'END'
import csv, json
a = list(csv.DictReader(open("m.csv", newline="")))
b = [json.loads(l) for l in open("m.ndjson")]
assert len(a) == len(b) == 3
for r, s in zip(a, b):
    assert list(r) == list(s)
    assert list(r.values()) == ["" if v is None else str(v)
                                for v in s.values()]
assert type(b[0]["event_id"]) is str and type(b[0]["size"]) is int
END
}

@test "data URIs; the type is that of the bytes, all three are recorded" {
	{
		snap 1685973361368 1:1685973361368:7 7 \
			"$(shot FULLSCREEN "data:image/png;base64,$KX_PICTURE")"
		snap 1685973361368 1:1685973361368:8 8 \
			"$(shot THUMBNAIL "DATA:;BASE64,$KX_PICTURE")"
		snap 1685973361368 1:1685973361368:9 9 \
			"$(shot THUMBNAIL 'data:image/gif,GIF89a%01%00%01%00%00%00%00%3b')"
		snap 1685973361368 1:1685973361368:10 10 \
			"$(shot THUMBNAIL "${KX_PICTURE//\//\\/}")"
		snap 1685973361368 1:1685973361368:11 11 \
			"$(shot THUMBNAIL AAECAw==)"
	} >log
	status_is 0 kx-extract-snapshots -C d log
	is "$(cell 1 declared_type)" image/png
	is "$(cell 1 media_type)" image/jpeg
	same "d/$(cell 1 name)" "$jpg"
	same "d/$(cell 2 name)" "$jpg"
	case $(cell 3 name) in *.gif) ;; *) fail "no gif" ;; esac
	is "$(cell 3 width)x$(cell 3 height)" 1x1
	same "d/$(cell 4 name)" "$jpg"
	case $(cell 5 name) in *.bin) ;; *) fail "no bin" ;; esac
	is "$(cell 5 media_type)" application/octet-stream
	says err '^kx-extract-snapshots: log:5:[0-9]+: warning: .*\[image-type\]$'
}

@test "departures that leave the bytes certain are decoded, with a warning" {
	url=$(printf %s "$KX_PICTURE" | tr '+/' '-_')
	{
		snap 1 1:1685973361368:1 1 "$(shot FULLSCREEN "${KX_PICTURE%%=*}")"
		snap 2 1:1685973361368:2 2 "$(shot FULLSCREEN "$url")"
		snap 3 1:1685973361368:3 3 \
			"$(shot FULLSCREEN "${KX_PICTURE:0:76}\\n${KX_PICTURE:76}")"
	} >log
	status_is 0 kx-extract-snapshots -C d log
	for i in 1 2 3; do same "d/$(cell $i name)" "$jpg"; done
	says err 'log:3:[0-9]+: warning: .*white space'
}

@test "frames that do not decode: place, row, status 1, and no other is lost" {
	{
		event 1
		snap 1685973361368 1:1685973361368:2 2 \
			"$(shot FULLSCREEN 'AAAA*AAA'),$(shot THUMBNAIL "$KX_PICTURE"),$(shot THUMBNAIL 'iV...II'),$(shot THUMBNAIL AAAAA),{\"type\":\"THUMBNAIL\",\"image\":7},8"
		snap 1685973361368 1:1685973361368:3 3 "$(shot THUMBNAIL 'data:x')"
		printf '{"snapshots":5}\n'
		event 4
	} >log
	status_is 1 kx-extract-snapshots -C d log
	at=$(sed -n 2p log | grep -bo '\*' | head -1 | cut -d: -f1)
	says err "^kx-extract-snapshots: log:2:$((at + 1)): error: /snapshots/0/image: base64, byte 4: 0x2a .*\[image-base64\]"
	says err 'log:2:.*/snapshots/2/image: .*documentation.*\[doc-placeholder\]'
	is "$(find d -name '*.jpg' | wc -l)" 3
	is "$(cell 2 status)" undecodable
	says <(cell 2 reason) 'byte 4'
	is "$(cell 2 name)" ''
	is "$(cell 2 expires)" 2023-07-05T13:56:01.368Z
	is "$(cell 3 status)" ok
	is "$(cell 3 snapshot_index)" 1
	for i in 4 5 6 7 8 9; do is "$(cell $i status)" undecodable; done
	is "$(cell 10 status)" ok
}

@test "frames that are only a path: missing, until when, and status 0" {
	{
		plain_events 2
		snap 1 1:1685973361368:3 3 '{"type":"THUMBNAIL","path":"/x.jpg","image":null}'
		snap 1 1:1685973361368:4 4 '{"type":"THUMBNAIL","path":"/a/1-1685973361368531712.jpg","image":""}'
		snap 1 1:1685973361368:5 5 '{"type":"THUMBNAIL","path":"/a/1-9999999999999999999.jpg?ttl=99999999999999999999"}'
	} >log
	status_is 0 kx-extract-snapshots -C d log
	is "$(cell 1 status)" missing
	is "$(cell 1 path_stamp)" 1691055920966531712
	is "$(cell 1 expires)" 2023-09-02T09:45:20.966Z
	is "$(cell 3 reason)" 'image is null'
	is "$(cell 3 path_stamp)$(cell 3 expires)" ''
	is "$(cell 4 path_stamp)$(cell 4 expires)" 1685973361368531712
	is "$(cell 5 expires)" ''
	is "$(find d -type f | wc -l)" 2
}

@test "malformed records: a row, the reject, status 1, and no other is lost" {
	{ event 1; echo '{"a":1,}'; echo 42; event 2; printf '{"torn'; } >log
	status_is 1 kx-extract-snapshots -C d --rejects=bad log
	is "$(find d -name '*.jpg' | wc -l)" 2
	is "$(cell 2 status)" malformed
	is "$(cell 2 source_line)" 2
	is "$(cell 3 status)" malformed
	is "$(cell 3 source_line)" 3
	is "$(cell 4 status)" ok
	is "$(cell 5 status)" malformed
	is "$(cat bad)" "$(printf '{"a":1,}\n42\n{"torn')"
	(cd d && sha256sum -c --quiet manifest-sha256.txt)
}

# --- names --------------------------------------------------------------------

@test "hostile names lead nowhere and cost no frame" {
	big=$(printf '%010000d' 7)
	n=0
	for bad in '../../x' '/etc/passwd' '..' '-rf' CON nul.jpg 'a\u0000b' \
		'\u001b[2J\n' '\u202e' "$big" 'a,\"b' '<script>alert(1)</script>'; do
		n=$((n + 1))
		printf '{"id":"%s","event_id":"%s","start_time":"%s","topic":"%s","channel":{"id":"%s","name":"%s"},"params":{"identities":[{"faces":[{"first_name":"%s"}],"list":{"name":"%s"}}]},"snapshots":[{"type":"%s","path":"%s","image":"%s"}]}\n' \
			"$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" \
			"$bad" "$bad" "$KX_PICTURE"
	done >log
	mkdir in
	status_is 0 kx-extract-snapshots --bagit -C in/d log
	is "$(find in/d/data/frames -type f | wc -l)" $n
	is "$(find . -type f ! -path './in/d/*' | sort | xargs)" './err ./log ./out'
	find in/d -printf '%f\n' | LC_ALL=C grep -Ev '^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$' &&
		fail 'an unsafe name'
	is "$(find in/d/data/frames -type f -printf '%f\n' | tr "[:upper:]" "[:lower:]" | sort -u | wc -l)" $n
	check_bag in/d
	is "$(grep -c '<script>' in/d/data/index.html)" 1
	says in/d/data/index.html '&lt;script&gt;alert\(1\)'
	LC_ALL=C grep -q $'\x1b' in/d/data/index.html && fail 'an escape'
	status_is 0 kx-extract-snapshots --bagit -o a.zip log
	unzip -tqq a.zip
	cd in && unzip -qq -d z ../a.zip && diff -r d z
}

@test "delivered twice: one file and two rows; other bytes: two files" {
	other=$(base64 -w0 "$KX_SRCDIR/tests/data/frames/face.jpg")
	{
		event 1
		event 1
		event 1 | sed "s|$KX_PICTURE|$other|"
	} >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	is "$(find d -name '*.jpg' | wc -l)" 2
	m=d/data/manifest.csv
	is "$(cell 1 name $m)" "$(cell 2 name $m)"
	[ "$(cell 1 name $m)" != "$(cell 3 name $m)" ]
	is "$(cell 2 source_line $m)" 2
	is "$(cell 2 status $m)" ok
	same d/data/events.ndjson log
	check_bag d
	status_is 0 kx-extract-snapshots -o a.zip log
	unzip -tqq a.zip
}

# --- archives and bags --------------------------------------------------------

@test "archives open in unzip, 7z, bsdtar, tar and Python" {
	events 7 >log
	for kind in zip tar; do
		for bag in '' --bagit; do
			status_is 0 kx-extract-snapshots $bag -o e.$kind log
			empty err
			case $kind in
			zip)
				unzip -tqq e.zip
				python3 -c 'import zipfile
assert zipfile.ZipFile("e.zip").testzip() is None'
				;;
			tar)
				tar -tf e.tar >/dev/null
				python3 -c 'import tarfile
for m in tarfile.open("e.tar"):
    assert (m.uid, m.gid, m.mode, m.uname) == (0, 0, 0o644, ""), m'
				;;
			esac
			! command -v 7z >/dev/null || 7z t e.$kind >/dev/null
			! command -v bsdtar >/dev/null ||
				bsdtar -tf e.$kind >/dev/null
			rm -rf u && mkdir u
			if [ $kind = zip ]; then
				unzip -qq -d u e.zip
			else
				tar -xf e.tar -C u
			fi
			(cd u && sha256sum -c --quiet manifest-sha256.txt)
			[ -z "$bag" ] || check_bag u
			rm -rf d
			status_is 0 kx-extract-snapshots $bag -C d log
			diff -r d u
		done
	done
}

@test "a zip stores frames and says UTC" {
	event 1 >log
	TZ=Asia/Tokyo status_is 0 kx-extract-snapshots -o e.zip log
	python3 - <<'END'
import zipfile
for i in zipfile.ZipFile("e.zip").infolist():
    frame = i.filename.endswith(".jpg")
    assert i.compress_type == (zipfile.ZIP_STORED if frame
                               else zipfile.ZIP_DEFLATED), i
    assert i.date_time == (2023, 8, 3, 9, 45, 20), i
END
}

@test "a bag has the records, the frames, the manifest and a page" {
	{ event 1; printf '\n  \n'; event 2 2 PlateMatched; plain_events 2; } >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	check_bag d
	grep . log | grep -v '^ *$' >want
	same d/data/events.ndjson want
	while read -r line; do
		printf %s "$line" | sha256sum | cut -c1-64
	done <d/data/events.ndjson >sums
	python3 -c '
import csv
for r in csv.DictReader(open("d/data/manifest.csv", newline="")):
    print(r["record_sha256"])' >listed
	same listed sums
	page=d/data/index.html
	is "$(grep -c '^<article' $page)" 4
	is "$(grep -o 'loading="lazy"' $page | wc -l)" 2
	says $page 'Content-Security-Policy'
	says $page 'Mark</bdi> <bdi>Фрол'
	says $page '2222HH7'
	says $page '<dd>high</dd>'
	grep -o 'src="[^"]*"' $page | cut -d'"' -f2 | while read -r f; do
		[ -f "d/data/$f" ] || fail "no $f"
	done
	says d/bag-info.txt '^Bagging-Date: 2023-08-03$'
	SOURCE_DATE_EPOCH=86400 status_is 0 kx-extract-snapshots --bagit -C e log
	says e/bag-info.txt '^Bagging-Date: 1970-01-02$'
	# The manifest may be elsewhere as well.
	status_is 0 kx-extract-snapshots --bagit -C f --manifest=m.csv log
	same m.csv d/data/manifest.csv
	diff -r d f
}

@test "pretty-printed records are one line each in the bag" {
	printf '[{"event_id": "1",\n "start_time": 1685973361368},\n {"event_id": "2"}]' >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	is "$(cat d/data/events.ndjson)" '{"event_id":"1","start_time":1685973361368}
{"event_id": "2"}'
	check_bag d
}

@test "no input: an empty bundle that is valid, and status 0" {
	status_is 0 kx-extract-snapshots -C d </dev/null
	(cd d && sha256sum -c --quiet manifest-sha256.txt)
	status_is 0 kx-extract-snapshots --bagit -C e </dev/null
	check_bag e
	for kind in zip tar; do
		status_is 0 kx-extract-snapshots -o e.$kind </dev/null
		status_is 0 kx-extract-snapshots --bagit -o f.$kind </dev/null
	done
	unzip -tqq e.zip
	unzip -tqq f.zip
}

@test "the same bytes for every -j, zone, language, umask and folder" {
	{ events 30; echo '{'; plain_events 40; event 3; } >log
	mkdir other
	for kind in zip tar; do
		TZ=America/New_York LC_ALL=C status_is 1 kx-extract-snapshots --bagit -j1 -o 1.$kind log
		cp err err1
		(
			umask 077
			cp log other
			cd other
			TZ=Asia/Tokyo LC_ALL=C.UTF-8 status_is 1 kx-extract-snapshots --bagit -j4 \
				-o ../2.$kind log
			cp err ../err2
		)
		same 1.$kind 2.$kind
		same err1 err2
	done
	status_is 1 kx-extract-snapshots --bagit -C d -j1 log
	status_is 1 kx-extract-snapshots --bagit -C e -j4 log
	diff -r d e
	gzip -k log
	status_is 1 kx-extract-snapshots --bagit -C f --source=log log.gz
	diff -r d/data f/data
	says f/bag-info.txt "^Kx-Source: $(sha256sum <log.gz | cut -c1-64)  log\$"
	says d/bag-info.txt "^Kx-Source: $(sha256sum <log | cut -c1-64)  log\$"
	status_is 1 kx-extract-snapshots --bagit -C g --source=log - <log
	diff -r d g
}

# --- trouble ------------------------------------------------------------------

@test "the same command again keeps what is right, and finishes the rest" {
	events 20 >log
	status_is 0 kx-extract-snapshots --bagit -C want log
	status_is 0 kx-extract-snapshots --bagit -C d log
	find d -type f -printf '%i %p\n' | sort >inodes
	status_is 0 kx-extract-snapshots --bagit -C d log
	find d -type f -printf '%i %p\n' | sort >inodes2
	same inodes inodes2
	rm d/bagit.txt d/tagmanifest-sha*.txt d/data/index.html
	find d/data/frames -name '*3_00_*' -delete
	touch d/.kx-partial
	status_is 0 kx-extract-snapshots --bagit -C d log
	diff -r want d
}

@test "kill -9 leaves whole files alone, and the next run finishes" {
	events 20 >some
	for _ in 1 2 3 4 5; do cat some; done |
		awk '{ gsub(/"event_id":"/, "&" NR) } 1' >log
	status_is 0 kx-extract-snapshots --bagit -C want log
	for wait in 0.00 0.01 0.02 0.04; do
		rm -rf d
		# A log that never ends, so that it is killed in the middle.
		mkfifo pipe
		kx-extract-snapshots --bagit -C d --source=log pipe &
		pid=$!
		{ head -50 log; sleep 1; } >pipe &
		feeder=$!
		sleep $wait
		kill -9 $pid
		wait $pid || true
		kill $feeder || true
		rm pipe
		[ ! -e d/manifest-sha256.txt ]
		for f in d/data/frames/*.jpg; do
			[ ! -e "$f" ] || same "$f" "want/data/frames/${f##*/}"
		done
	done
	status_is 0 kx-extract-snapshots --bagit -C d log
	diff -r want d
}

@test "SIGTERM: temporaries gone, no archive, ended by that signal" {
	mkfifo pipe
	for what in '-C d' '-o e.zip' '--bagit -o e.tar'; do
		# shellcheck disable=SC2086
		kx-extract-snapshots $what pipe &
		pid=$!
		{ events 3; sleep 5; } >pipe &
		feeder=$!
		sleep 0.3
		kill -TERM $pid
		got=0
		wait $pid || got=$?
		is $got 143
		kill $feeder || true
	done
	is "$(find . -name '.*' ! -name . | wc -l)" 0
	[ ! -e e.zip ] && [ ! -e e.tar ] && [ ! -e d/manifest.csv ]
}

@test "what is there and differs is never replaced, links are not followed" {
	event 1 >log
	status_is 0 kx-extract-snapshots -C d log
	frame=$(cell 1 name)
	mkdir e other
	echo precious >"e/$frame"
	status_is 2 kx-extract-snapshots -C e log
	one_line err
	is "$(cat "e/$frame")" precious
	rm "e/$frame"
	ln -s ../other/x "e/$frame"
	status_is 2 kx-extract-snapshots -C e log
	mkdir f
	ln -s ../other f/data
	status_is 2 kx-extract-snapshots --bagit -C f log
	is "$(find other | wc -l)" 1
	event 2 >>log
	status_is 2 kx-extract-snapshots -C d log
	says err 'd/manifest.csv'
	# In a bag a stranger would be of the payload.
	status_is 0 kx-extract-snapshots --bagit -C g log
	echo >g/data/frames/stranger
	status_is 2 kx-extract-snapshots --bagit -C g log
	says err 'stranger'
	# A link to a directory is one.
	mkdir real
	ln -s real link
	status_is 0 kx-extract-snapshots -C link log
	[ -e real/manifest.csv ]
}

@test "one process at a time in a directory" {
	mkfifo pipe
	kx-extract-snapshots -C d pipe &
	pid=$!
	exec 7<>pipe
	wait_for 20 test -d d
	sleep 0.2
	status_is 2 kx-extract-snapshots -C d </dev/null
	says err 'another process'
	exec 7>&-
	wait $pid
}

@test "a full disk: the system's text, status 2, nothing half made" {
	events 3 >log
	ln -s /dev/full full.zip
	ln -s /dev/full full.csv
	status_is 2 kx-extract-snapshots -o full.zip log
	one_line err
	says err 'No space left'
	status_is 2 kx-extract-snapshots -C d --manifest=full.csv log
	says err 'No space left'
	(
		ulimit -f 1
		status_is 2 kx-extract-snapshots -C e log
		says err 'e/.*File too large'
		status_is 2 kx-extract-snapshots -o e.tar log
		status_is 2 kx-extract-snapshots --bagit -o f.tar log
	)
	is "$(find . -name '.*' ! -name . | wc -l)" 0
	[ ! -e e.tar ] && [ ! -e f.tar ] && [ ! -e e/manifest.csv ]
}

@test "rejects that cannot be written end the run, and no bundle is made" {
	# More than is gathered before a write.
	{ event 1; head -c 400000 /dev/zero | tr '\0' x; echo; event 2; } >log
	for kind in zip tar; do
		status_is 2 kx-extract-snapshots -o e.$kind --rejects=/dev/full log
		says err '/dev/full: No space left'
		[ ! -e e.$kind ]
		status_is 2 kx-extract-snapshots --bagit -o e.$kind \
			--manifest=m.csv --rejects=/dev/full log
		[ ! -e e.$kind ] && [ ! -e m.csv ]
	done
	status_is 2 kx-extract-snapshots -C d --rejects=/dev/full log
	[ ! -e d/manifest.csv ] && [ ! -e d/manifest-sha256.txt ]
	is "$(find . -name '.*' ! -name . | wc -l)" 0
	# With all records read the bundle is whole.
	{ event 1; echo '{'; event 2; } >log
	status_is 2 kx-extract-snapshots -C f --rejects=/dev/full log
	one_line <(grep -v '\[truncated-record\]\|\[syntax\]' err)
	is "$(find f -name '*.jpg' | wc -l)" 2
	(cd f && sha256sum -c --quiet manifest-sha256.txt)
}

@test "a missing log: the others are read, status 2" {
	event 1 >a
	event 2 >b
	status_is 2 kx-extract-snapshots -C d a nosuch b
	says err '^kx-extract-snapshots: nosuch: '
	is "$(find d -name '*.jpg' | wc -l)" 2
}

@test "usage: what is wrong, what to do, status 2, nothing written" {
	event 1 >log
	while read -r words; do
		# shellcheck disable=SC2086
		status_is 2 kx-extract-snapshots $words log
		says err "^Try 'kx-extract-snapshots --help'"
		empty out
	done <<-END

		-o a.tar.bz2
		-o a
		-o -
		-C d --format=zip
		-C d --info=a:b
		--bagit -C d --info=ab
		--bagit -C d --info=:b
		--bagit -C d --info=Payload-Oxum:1.1
		-C d --type=OTHER
		-C d --name=../x
		-C d --name={nosuch}
		-C d --now=5
		-C d --missing=m.csv --now=yesterday
		-C d -o a.zip
		-C d -C e
		-C d --manifest=m.txt
		-C d --manifest=-
		-C d --missing=m.txt
	END
	status_is 2 kx-extract-snapshots log
	says err '-C DIR.*-o FILE'
	status_is 2 kx-extract-snapshots -C no/such/dir log
	status_is 2 kx-extract-snapshots -C log log
	status_is 2 kx-extract-snapshots -o no/such.zip log
	is "$(find . | sort | xargs)" '. ./err ./log ./out'
}

@test "the manual names every option, and no other" {
	manual=$KX_SRCDIR/cmd/kx-extract-snapshots.1
	kx-extract-snapshots --dump-options | cut -f2 | sort >options
	sed -n 's/^\.It .*Fl Fl \([a-z-]*\).*/\1/p' "$manual" | sort >listed
	same listed options
	! command -v mandoc >/dev/null || mandoc -T lint -W warning "$manual"
}

# --- options ------------------------------------------------------------------

# unpack ARCHIVE: into the empty folder u.
unpack() {
	rm -rf u && mkdir u
	case $1 in
	*.zip) unzip -qq -d u "$1" ;;
	*.7z) 7z x -ou "$1" >/dev/null ;;
	*) tar -xf "$1" -C u ;;
	esac
}

@test "every kind of archive holds what the directory does, and is the same again" {
	{ events 5; plain_events 3; } >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	for kind in zip tar tar.gz tar.xz tar.zst 7z; do
		[ $kind != 7z ] || command -v 7z >/dev/null || continue
		[ $kind != tar.zst ] || command -v zstd >/dev/null || continue
		status_is 0 kx-extract-snapshots --bagit -o e.$kind log
		unpack e.$kind
		diff -r d u
		! command -v 7z >/dev/null || 7z t e.$kind >/dev/null
		! command -v bsdtar >/dev/null || bsdtar -tf e.$kind >/dev/null
		TZ=Asia/Tokyo status_is 0 kx-extract-snapshots --bagit -j1 \
			-o - --format=$kind log
		same out e.$kind
		TZ=America/New_York status_is 0 kx-extract-snapshots --bagit \
			-o other --format=$kind log
		same other e.$kind
	done
	is "$(find . -name '.*' ! -name . | wc -l)" 0
}

@test "a zip is read behind a pipe, for lengths are in front of stored files" {
	command -v bsdtar >/dev/null || skip "no bsdtar"
	events 3 >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	kx-extract-snapshots --bagit -o - --format=zip log >e.zip
	mkdir u
	# shellcheck disable=SC2002 # so that it cannot seek
	cat e.zip | bsdtar -xf - -C u
	diff -r d u
	python3 - <<'END'
import zipfile
z = zipfile.ZipFile("e.zip")
for i in z.infolist():
    assert i.flag_bits == (0 if i.compress_type == zipfile.ZIP_STORED else 8), i
    assert i.external_attr >> 16 == 0o100644, i
END
}

@test "--list prints what would be written, and writes nothing" {
	events 3 >log
	for bag in '' --bagit; do
		status_is 0 kx-extract-snapshots $bag -o e.tar log
		# shellcheck disable=SC2086
		status_is 0 kx-extract-snapshots $bag --list log
		tar -tf e.tar >want
		same out want
	done
	rm e.tar want
	status_is 0 kx-extract-snapshots --list -C d --manifest=m.csv log
	is "$(find . | sort | xargs)" '. ./err ./log ./out'
	snap 1 1:1685973361368:2 2 "$(shot FULLSCREEN '*')" >log
	status_is 1 kx-extract-snapshots --list log
	status_is 2 kx-extract-snapshots --list log >/dev/full || true
	got=0
	kx-extract-snapshots --list log >/dev/full 2>err || got=$?
	is $got 2
}

@test "--type takes snapshots of that type alone, --name names them" {
	{
		snap 1685973361368 1:1685973361368:7 7 \
			"$(shot FULLSCREEN "$KX_PICTURE"),$(shot THUMBNAIL "$KX_PICTURE")"
		snap 1685973361369 1:1685973361368:8 8 "$(shot THUMBNAIL '*')"
	} >log
	status_is 0 kx-extract-snapshots -C d --type=FULLSCREEN log
	is "$(tail -n +2 d/manifest.csv | wc -l)" 1
	status_is 1 kx-extract-snapshots -C e --type=THUMBNAIL \
		--name='cam{channel}-{date}T{time}Z.{index}' log
	is "$(cell 1 name e/manifest.csv)" cam274-20230605T135601Z.01.jpg
	is "$(cell 1 snapshot_index e/manifest.csv)" 1
	# The channel's name is none that may stand in a file's.
	status_is 1 kx-extract-snapshots -C f --name='{channel_name}' log
	says <(cell 1 name f/manifest.csv) '^x[0-9a-f]{12}\.jpg$'
	is "$(cell 1 name f/manifest.csv)" "$(cell 2 name f/manifest.csv)"
	{ event 1; event 2 | sed "s|$KX_PICTURE|$(base64 -w0 "$KX_SRCDIR/tests/data/frames/dot.png")|"
		event 1; } >log
	status_is 0 kx-extract-snapshots -C g --name=Nul log
	is "$(cell 1 name g/manifest.csv)" Nul_.jpg
	is "$(cell 2 name g/manifest.csv)" Nul_.png
	is "$(cell 3 name g/manifest.csv)" Nul_.jpg
	says <(cell 2 reason g/manifest.csv) 'bytes are image/png, not declared, named as image/jpeg'
}

@test "--dedupe keeps one file of equal bytes, and each its row" {
	events 4 >log
	status_is 0 kx-extract-snapshots --bagit --dedupe -C d log
	is "$(find d -name '*.jpg' | wc -l)" 1
	m=d/data/manifest.csv
	is "$(cell 1 name $m)" "$(cell 4 name $m)"
	is "$(cell 4 event_id $m)" 4829655691653004
	check_bag d
	is "$(grep -o '<img [^>]*src="[^"]*"' d/data/index.html | wc -l)" 4
}

@test "--missing sorts by urgency, --now tells what is left" {
	{
		snap 1 1:1685973361368:1 1 '{"type":"THUMBNAIL","path":"/a/1-1685973361368531712.jpg?ttl=100"}'
		snap 1 1:1685973361368:2 2 '{"type":"THUMBNAIL","path":"/x.jpg"}'
		snap 1 1:1685973361368:3 3 '{"type":"THUMBNAIL","path":"/a/1-1685973361368531712.jpg?ttl=50"}'
		snap 1 1:1685973361368:4 4 '{"type":"THUMBNAIL","path":"/a/1-1685973361368531712.jpg?ttl=5","image":"*"}'
		event 5
	} >log
	status_is 1 kx-extract-snapshots -C d --missing=m.csv log
	is "$(for i in 1 2 3 4; do cell $i event_id m.csv; done | xargs)" '4 3 1 2'
	is "$(cell 1 remaining m.csv)$(cell 4 remaining m.csv)" ''
	is "$(wc -l <m.csv)" 5
	status_is 1 kx-extract-snapshots -C d --missing=m.ndjson \
		--now=2023-06-05T13:56:11.368Z log
	python3 - <<'END'
import json
rows = [json.loads(l) for l in open("m.ndjson")]
assert [(r["event_id"], r["remaining"]) for r in rows] == \
    [("3", 40), ("1", 90), ("2", None), ("4", -5)], rows
END
	status_is 1 kx-extract-snapshots -o e.zip --missing=n.ndjson \
		--now=1685973371368 log
	same m.ndjson n.ndjson
}

@test "--info and the logs' hashes stand in bag-info.txt" {
	event 1 >a
	event 2 | gzip >b.gz
	printf '\xef\xbb\xbf' >c
	{ printf '\xef\xbb\xbf'; event 3; printf '\n'; event 4; } | tr -d '\r' >e
	: >empty
	event 6 | tr -d '\n' >f
	status_is 2 kx-extract-snapshots --bagit -C d --info='Case: 12/3' \
		--info='Contact-Name:  Zoë ' a b.gz c nosuch e empty f
	head -n 2 d/bag-info.txt >got
	printf 'Case: 12/3\nContact-Name: Zoë \n' >want
	same got want
	sed -n 's/^Kx-Source: //p' d/bag-info.txt >sums
	is "$(wc -l <sums)" 6
	sha256sum -c --quiet sums
	check_bag d
}

# --- verify -------------------------------------------------------------------

# refused BUNDLE REGEX: it does not verify, and why.
refused() {
	status_is 1 kx-extract-snapshots --verify "$1"
	says err "$2"
	[ -z "${3-}" ] || says out "^FAILED +$3"
}

@test "--verify passes every kind of bundle, and says what it did not check" {
	{ events 4; plain_events 2; echo '{'; event 9; event 9; } >log
	for kind in zip tar tar.gz tar.xz tar.zst 7z; do
		[ $kind != tar.zst ] || command -v zstd >/dev/null || continue
		status_is 1 kx-extract-snapshots --bagit --dedupe -o e.$kind log
		status_is 0 kx-extract-snapshots --verify e.$kind
		empty err
		says out '^ok +archive: '
		says out '^ok +frames and records: 8 records hashed, 8 snapshots'
		says out '^not checked +who made it'
		says_not out FAILED
	done
	for opts in --bagit '--bagit --type=FULLSCREEN' '--bagit --type=THUMBNAIL' \
		'' '--name={topic}' '--bagit --name={topic}'; do
		# shellcheck disable=SC2086
		status_is 1 kx-extract-snapshots $opts -C d log
		status_is 0 kx-extract-snapshots --verify d
		says out '^not checked'
		rm -rf d
	done
	status_is 1 kx-extract-snapshots -C d --manifest=m.csv log
	status_is 0 kx-extract-snapshots --verify d
	says out 'no manifest.csv here'
	# Unpacked, packed again by another, in a folder, in another order.
	status_is 1 kx-extract-snapshots --bagit -C bag log
	tar -cf other.tar bag
	status_is 0 kx-extract-snapshots --verify other.tar
	python3 -c 'import os, zipfile
z = zipfile.ZipFile("other.zip", "w", zipfile.ZIP_DEFLATED)
for d, _, fs in os.walk("bag"):
    for f in sorted(fs, reverse=True):
        z.write(os.path.join(d, f))'
	status_is 0 kx-extract-snapshots --verify other.zip
	# A signature stands beside what it signs.
	echo >bag/tagmanifest-sha256.txt.sig
	status_is 0 kx-extract-snapshots --verify bag
}

@test "--verify finds what was changed, removed and added" {
	{ events 3; plain_events 1; } >log
	status_is 0 kx-extract-snapshots --bagit -C want log
	frame=$(cd want && find data/frames -type f | sort | head -1)
	for change in "printf x >>$frame" "rm $frame" 'touch data/frames/new.jpg' \
		'touch new' 'rm tagmanifest-sha256.txt tagmanifest-sha512.txt' \
		'rm tagmanifest-sha512.txt' 'rm manifest-sha512.txt' \
		'sed -i s/Oxum:./Oxum:/ bag-info.txt' 'rm bagit.txt' \
		'sed -i 1s/^/x/ bagit.txt' 'rm data/manifest.csv' \
		'sed -i 2d manifest-sha256.txt' 'truncate -s 100 data/events.ndjson' \
		'rm data/events.ndjson' 'rm manifest-sha256.txt' \
		'sed -i 2p manifest-sha512.txt' 'ln -s /etc/passwd data/x' \
		'mkfifo data/x' "cp $frame data/FRAMES"; do
		cp -a want d
		(cd d && eval "$change")
		status_is 1 kx-extract-snapshots --verify d
		says out '^FAILED'
		[ -s err ] || fail "nothing is said of: $change"
		rm -rf d
	done
}

# seal: the papers of the bag in the folder, made true again.
seal() {
	(
		cd "$1" || exit
		for n in 256 512; do
			find data -type f | sort | xargs sha${n}sum >manifest-sha$n.txt
		done
		oxum=$(find data -type f -printf '%s\n' | awk '{ s += $1 } END { print s "." NR }')
		sed -i "s/^Payload-Oxum: .*/Payload-Oxum: $oxum/" bag-info.txt
		for n in 256 512; do
			sha${n}sum bagit.txt bag-info.txt manifest-sha256.txt \
				manifest-sha512.txt >tagmanifest-sha$n.txt
		done
	)
}

@test "--verify holds frames against records even where all hashes were made anew" {
	{ events 3; plain_events 1; } >log
	status_is 0 kx-extract-snapshots --bagit -C want log
	frame=$(cd want && find data/frames -type f | sort | head -1)
	old=$(sha256sum <"want/$frame" | cut -c1-64)
	cp -a want d
	seal d
	status_is 0 kx-extract-snapshots --verify d
	# Another picture, with a row to match.
	cp "$KX_SRCDIR/tests/data/frames/face.jpg" "d/$frame"
	new=$(sha256sum <"d/$frame" | cut -c1-64)
	sed -i "2s/$old,[0-9]*/$new,$(stat -c %s "d/$frame")/" d/data/manifest.csv
	seal d
	(cd d && sha256sum -c --quiet manifest-sha256.txt)
	refused d 'snapshot 1 .*not what the records carry' 'frames and records'
	# A name in a record, a row left out, a row's word, a record's copy.
	for change in 's/Mark/Marc/ data/events.ndjson' '2d data/manifest.csv' \
		'3s/FULLSCREEN,/THUMBNAIL,/ data/manifest.csv' \
		'2p data/events.ndjson' '$d data/events.ndjson' \
		'1s/^/[/ data/events.ndjson' '1s/name/nome/ data/manifest.csv' \
		'3s/,ok,/,missing,/ data/manifest.csv'; do
		rm -rf d
		cp -a want d
		(cd d && sed -i "${change% *}" "${change##* }")
		cmp -s "want/${change##* }" "d/${change##* }" && fail "no change: $change"
		seal d
		status_is 1 kx-extract-snapshots --verify d
		says out '^FAILED'
	done
}

@test "--verify says of what it cannot read that it is damaged, or no archive" {
	event 1 >log
	status_is 0 kx-extract-snapshots --bagit -o b.zip log
	head -c 3000 b.zip >cut.zip
	: >empty.zip
	for f in cut.zip empty.zip log; do
		status_is 1 kx-extract-snapshots --verify $f
		says err "$f: no archive, or one that is damaged or cut short"
	done
}

@test "--verify refuses hostile archives, and unpacks nothing" {
	event 1 >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	python3 - <<'END'
import io, os, tarfile, zipfile
def tar(name, *extra):
    t = tarfile.open(name, "w")
    t.add("d", ".", filter=lambda i: i if i.isfile() else None, recursive=False)
    for d, _, fs in os.walk("d"):
        for f in fs:
            p = os.path.join(d, f)
            t.add(p, os.path.relpath(p, "d"))
    for i in extra:
        t.addfile(i, io.BytesIO(b"x" * i.size))
    t.close()
def info(name, type=tarfile.REGTYPE, link="", size=0):
    i = tarfile.TarInfo(name)
    i.type, i.linkname, i.size = type, link, size
    return i
tar("plain.tar")
tar("up.tar", info("../escaped", size=1))
tar("inner.tar", info("data/../../escaped", size=1))
tar("absolute.tar", info("/tmp/kx-escaped", size=1))
tar("link.tar", info("data/l", tarfile.SYMTYPE, "/etc/passwd"))
tar("hard.tar", info("data/h", tarfile.LNKTYPE, "bagit.txt"))
tar("device.tar", info("data/d", tarfile.CHRTYPE))
tar("fifo.tar", info("data/f", tarfile.FIFOTYPE))
tar("twice.tar", info("bagit.txt", size=1))
tar("case.tar", info("BAGIT.TXT", size=1))
tar("control.tar", info("data/a\nb", size=1))
z = zipfile.ZipFile("slash.zip", "w")
for d, _, fs in os.walk("d"):
    for f in fs:
        p = os.path.join(d, f)
        z.write(p, os.path.relpath(p, "d"))
z.writestr("..\\escaped", "x")
z.close()
z = zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED)
z.writestr("bomb", bytes(9000000))
z.close()
END
	status_is 0 kx-extract-snapshots --verify plain.tar
	refused up.tar '\.\./escaped: the name leads elsewhere' archive
	refused inner.tar 'leads elsewhere' archive
	refused absolute.tar 'is absolute' archive
	refused link.tar 'data/l: a symbolic link' archive
	refused hard.tar 'data/h: a hard link' archive
	refused device.tar 'no regular file' archive
	refused fifo.tar 'no regular file' archive
	refused twice.tar 'second one of that name' archive
	refused case.tar 'case of letters' archive
	refused control.tar 'control byte' archive
	refused slash.zip 'leads elsewhere|backslash' archive
	status_is 1 kx-extract-snapshots --verify bomb.zip --max-size=1M
	says err 'more than 1048576 bytes come out of it \(--max-size\)'
	status_is 1 kx-extract-snapshots --verify plain.tar --max-size=1000
	is "$(find . -name '*escaped*' | wc -l)" 0
	[ ! -e /tmp/kx-escaped ]
	head -c 700 plain.tar >cut.tar
	status_is 1 kx-extract-snapshots --verify cut.tar
	echo 'no archive' >none.zip
	status_is 1 kx-extract-snapshots --verify none.zip
	status_is 2 kx-extract-snapshots --verify nosuch.zip
	status_is 2 kx-extract-snapshots --verify /dev/full
	status_is 2 kx-extract-snapshots --verify d log
	status_is 2 kx-extract-snapshots --max-size=5 -C e log
	[ ! -e e ]
}

@test "a bag is signed with ssh-keygen, and a time stamp asked for with openssl" {
	command -v ssh-keygen >/dev/null || skip "no ssh-keygen"
	command -v openssl >/dev/null || skip "no openssl"
	event 1 >log
	status_is 0 kx-extract-snapshots --bagit -C d log
	ssh-keygen -q -t ed25519 -N '' -f key
	printf 'officer@example.org %s\n' "$(cut -d' ' -f1,2 key.pub)" >allowed
	ssh-keygen -q -Y sign -f key -n file d/tagmanifest-sha256.txt
	ssh-keygen -q -Y verify -f allowed -I officer@example.org -n file \
		-s d/tagmanifest-sha256.txt.sig <d/tagmanifest-sha256.txt
	openssl ts -query -data d/tagmanifest-sha256.txt -sha256 -cert \
		-out d/tagmanifest-sha256.txt.tsq
	# The request is about these bytes.
	openssl ts -query -in d/tagmanifest-sha256.txt.tsq -text >text
	sum=$(sha256sum <d/tagmanifest-sha256.txt | cut -c1-64)
	is "$(grep -Eo '^ +00[01]0 - [0-9a-f -]{47}' text | cut -d- -f2- | tr -d ' -' | tr -d '\n')" "$sum"
	status_is 0 kx-extract-snapshots --verify d
	# Anything that changes the bag changes what was signed.
	printf x >>d/tagmanifest-sha256.txt
	ssh-keygen -q -Y verify -f allowed -I officer@example.org -n file \
		-s d/tagmanifest-sha256.txt.sig <d/tagmanifest-sha256.txt &&
		fail 'a changed file has a good signature'
	status_is 1 kx-extract-snapshots --verify d
}

# --- the page, in a browser ---------------------------------------------------

# browse PAGE [OPTION]...: what Chromium makes of it, its DOM on standard
# output; nothing is fetched from anywhere.
browse() {
	local page=$1
	shift
	timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run \
		--disable-background-networking --disable-component-update \
		--disable-sync --user-data-dir="$PWD/profile$((++browsed))" \
		--virtual-time-budget=10000 "$@" --dump-dom \
		"file://${page// /%20}" 2>browser.log
}

# drive DIR: the page's copy with tests/page-test.js, and its title.
drive() {
	python3 - "$1" "$KX_SRCDIR/tests/page-test.js" <<'END'
import re, sys
page = open(sys.argv[1] + "/index.html", encoding="utf-8", newline="").read()
page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
test = open(sys.argv[2]).read()
open(sys.argv[1] + "/driven.html", "w", encoding="utf-8", newline="").write(
    page.replace("</body>", "<script>{" + test + "}</script></body>"))
END
	browse "$PWD/$1/driven.html" | sed -n 's,.*<title>\(.*\)</title>.*,\1,p'
}

@test "the page in a browser: search, filters, keys, and nothing else runs" {
	command -v chromium >/dev/null || skip "no chromium"
	{
		events 8
		event 9 2 PlateMatched
		for bad in '<script>document.title=1</script>' '<img src=x onerror=document.title=1>' \
			'\" onfocus=document.title=1 autofocus x=\"' "' onload='document.title=1" \
			'</title></script><svg onload=document.title=1>' '-->]]>' \
			'javascript:document.title=1' '</style><b>' '&lt;&#0;' '\u202ertl\u0000'; do
			printf '{"id":"%s","event_id":"%s","level":"%s","start_time":1685973361368,"topic":"%s","module":"%s","channel":{"id":"%s","name":"%s","address":{"city":"%s"}},"params":{"identities":[{"faces":[{"first_name":"%s","last_name":"%s","similarity":"%s"}],"plates":[{"number":"%s","state":"%s"}],"list":{"name":"%s","level":"%s"}}]},"snapshots":[{"type":"%s","path":"%s","image":"%s"},{"type":"%s","image":"%s"}]}\n' \
				"$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" \
				"$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$bad" "$KX_PICTURE" "$bad" "$bad"
		done
	} >log
	status_is 1 kx-extract-snapshots --bagit -C d --source='<b>x</b>' log
	browse "$PWD/d/data/index.html" --screenshot="$PWD/shot.png" >dom
	[ -s shot.png ]
	# Its own script has run under the policy, and no other has.
	says dom '19 of 19 events</output>'
	says dom '<title>Events</title>'
	is "$(grep -o '<script' dom | wc -l)" 1
	python3 - d/data/index.html dom <<'END'
import html.parser, sys
class Check(html.parser.HTMLParser):
    cards = 0
    def handle_starttag(self, tag, attrs):
        self.cards += tag == "article"
        assert tag in {"html", "head", "meta", "title", "style", "body", "header",
            "h1", "form", "label", "input", "select", "option", "button", "output",
            "p", "kbd", "main", "article", "h2", "time", "bdi", "dl", "dt", "dd",
            "div", "figure", "a", "img", "figcaption", "br", "code", "footer",
            "script"}, tag
        for name, value in attrs:
            assert not name.startswith("on") and name != "autofocus", (tag, name)
            assert name not in ("src", "href") or ":" not in value, value
for name in sys.argv[1:]:
    check = Check()
    check.feed(open(name, encoding="utf-8").read())
    assert check.cards == 19, check.cards
END
	is "$(drive d/data)" "cards=19 all=19 plate=11 none=0 topic=1 level=2 camera=1 day=10 both=2 j=high jj=5 k=1 slash=q typing=q escape=true reset=19 quick=true scripts=2 broken=0"
}

@test "a log that is the bag's records is not copied twice, whatever comes of it" {
	# Its bytes are taken from the log; where they cease to be its, or the
	# log is changed meanwhile, that is found out.
	events 40 >some
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do cat some; done >a
	{ cat a; printf '\n'; cat some; } >b
	{ cat a; head -c 300 some; } >c
	{ printf '\xef\xbb\xbf'; cat a; } >e
	for log in a b c e; do
		status=0
		[ $log != c ] || status=1
		for kind in zip tar; do
			status_is $status kx-extract-snapshots --bagit -o x.$kind $log
			# The same through a pipe, which has no second time.
			status_is $status kx-extract-snapshots --bagit --source=$log \
				-o y.$kind - < <(cat $log)
			same x.$kind y.$kind
			status_is 0 kx-extract-snapshots --verify x.$kind
		done
	done
	mkfifo pipe
	kx-extract-snapshots --bagit -o z.tar a pipe 2>err &
	pid=$!
	exec 7>pipe	# which waits until the log has been read
	sed -i.bak 1s/Mark/Marc/ a		# another file of that name: no harm
	exec 7>&-
	got=0
	wait $pid || got=$?
	is $got 0
	mv a.bak a
	kx-extract-snapshots --bagit -o w.tar a pipe 2>err &
	pid=$!
	exec 7>pipe	# which waits until the log has been read
	cp a a.was
	printf X | dd of=a bs=1 seek=50 conv=notrunc status=none
	exec 7>&-
	got=0
	wait $pid || got=$?
	is $got 2
	says err 'changed while it was read'
	[ ! -e w.tar ]
	# And where more records follow, for which what is there is copied.
	cp a.was a
	kx-extract-snapshots --bagit -o w.tar a pipe 2>err &
	pid=$!
	exec 7>pipe
	printf Y | dd of=a bs=1 seek=50 conv=notrunc status=none
	cat some >&7
	exec 7>&-
	got=0
	wait $pid || got=$?
	is $got 2
	says err 'changed while it was read'
	[ ! -e w.tar ]
}
