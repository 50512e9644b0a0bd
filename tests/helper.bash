# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the .bats files share: where things are, a folder to work in, small
# events, and the words for what is looked for.
#
# KX_BUILDDIR (the folder of the programs), KX_TESTDIR (that of what is built
# for tests) and KX_SRCDIR (the sources) come from the makefile; by hand:
#   KX_BUILDDIR=$PWD/cmd KX_SRCDIR=$PWD bats tests

bats_require_minimum_version 1.5.0

: "${KX_BUILDDIR:?the folder of the programs}"
: "${KX_SRCDIR:?the folder of the sources}"
KX_TESTDIR=${KX_TESTDIR:-$KX_BUILDDIR/../tests}
export KX_BUILDDIR KX_SRCDIR KX_TESTDIR
PATH=$KX_BUILDDIR:$PATH
unset KX_KERNEL POSIXLY_CORRECT TZ
export LC_ALL=C.UTF-8

# In setup(): an empty folder, with blanks in its name, to work in.
kx_setup() {
	cd "$BATS_TEST_TMPDIR" && mkdir -p 'a work folder' &&
		cd 'a work folder' || return 1
}

# A picture as base64.
kx_picture() {
	[ -n "${KX_PICTURE-}" ] ||
		KX_PICTURE=$(base64 -w0 "$KX_SRCDIR/tests/data/frames/gray.jpg")
	printf %s "$KX_PICTURE"
}

# event N [LEVEL [TOPIC]]: a valid event with a picture, on one line.
event() {
	local n=$1 level=${2:-1} topic=${3:-FaceMatched} module=KX.Faces
	local ms=$((1691055920965 + n * 1000)) id=$((4829655691653000 + n))
	local found extra=
	found='"faces":[{"id":14461,"similarity":0.93269664,"first_name":"Mark","last_name":"Фрол"}]'
	if [ "$topic" = PlateMatched ]; then
		module=KX.PDD
		extra=',"reliability":"0.9884001"'
		found='"plates":[{"id":186177,"number":"2222HH7","state":"BY","owner_first_name":"Sergey","owner_last_name":"Ivanov"}]'
	fi
	kx_picture >/dev/null
	printf '{"monitor_id":114,"id":"203:%s:%s","event_id":"%s","topic":"%s","module":"%s","level":%s,"start_time":%s,"end_time":%s,"params":{"identities":[{%s,"list":{"id":552,"name":"List","level":1}}]%s},"snapshots":[{"type":"FULLSCREEN","path":"/api/v1/media/snapshot/274-610/3824-%s531712.jpg?ttl=2592000","image":"%s"}],"channel":{"id":274,"channel_type":"STREAM","name":"1-4-09","latitude":13.90930437837479,"longitude":17.596215903759006,"address":{"country":"USA","city":"Miami"},"tags":[{"id":170,"name":"Face"}]}}\n' \
		"$ms" "$id" "$id" "$topic" "$module" "$level" "$ms" "$((ms + 500))" \
		"$found" "$extra" "$ms" "$KX_PICTURE"
}

# events N: that many.
events() {
	local i
	for ((i = 1; i <= $1; i++)); do
		event "$i" $((i % 4))
	done
}

# plain_events N: many, quickly, without pictures.
plain_events() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++) {
			ms = 1691055920965 + i
			id = 4829655691650000 + i
			printf "{\"monitor_id\":114,\"id\":\"203:%.0f:%.0f\",\"event_id\":\"%.0f\",\"topic\":\"FaceMatched\",\"module\":\"KX.Faces\",\"level\":%d,\"start_time\":%.0f,\"params\":{\"identities\":[{\"faces\":[{\"id\":14461,\"similarity\":0.93,\"first_name\":\"Mark\",\"last_name\":\"Frol\"}],\"list\":{\"id\":552,\"name\":\"List\",\"level\":1}}]},\"snapshots\":[{\"type\":\"THUMBNAIL\",\"path\":\"/api/v1/media/snapshot/274-610/thumbnail/3824-%.0f531712.jpg?ttl=2592000\"}],\"channel\":{\"id\":274,\"channel_type\":\"STREAM\",\"name\":\"1-4-09\",\"latitude\":13.9,\"longitude\":17.6,\"address\":{\"country\":\"USA\"}}}\n", ms, id, id, i % 4, ms, ms
		}
	}'
}

# fail WORDS: end the test and say why.
fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# status_is N COMMAND...: run with standard output to ./out and standard error
# to ./err, and hold the status to N.
status_is() {
	local want=$1 got=0
	shift
	"$@" >out 2>err || got=$?
	[ "$got" -eq "$want" ] || fail "status $got, not $want: $*" \
		"--- standard error" "$(head -c 2000 err)"
}

# same A B: two files have the same bytes.
same() {
	cmp "$1" "$2" || fail "$1 differs from $2" "$(diff "$1" "$2" | head -c 1000)"
}

# empty FILE: nothing is in it.
empty() {
	[ ! -s "$1" ] || fail "$1 is not empty:" "$(head -c 2000 "$1")"
}

# one_line FILE: exactly one whole line is in it.
one_line() {
	if [ "$(wc -l <"$1")" -ne 1 ] || [ -n "$(tail -c 1 "$1")" ]; then
		fail "$1 is not one line:" "$(head -c 2000 "$1")"
	fi
}

# says FILE REGEX: a line of FILE matches.
says() {
	grep -Eaq -- "$2" "$1" ||
		fail "$1 has no line like: $2" "$(head -c 2000 "$1")"
}

# says_not FILE REGEX
says_not() {
	! grep -Eaq -- "$2" "$1" ||
		fail "$1 has a line like: $2" "$(grep -Ea -- "$2" "$1" | head -c 2000)"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local i n=$(($1 * 20))
	shift
	for ((i = 0; i < n; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	fail "waited in vain for: $*"
}

# no_leftovers DIR: no temporary of ours in it.
no_leftovers() {
	local found extra=
	found=$(find "$1" -name '.*.??????' -print)
	[ -z "$found" ] || fail "left behind: $found"
}
