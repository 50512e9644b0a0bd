# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-replay: the journal, runs that are interrupted, and the manual's night.
#
# KX_KILLS=N: how often a run is killed (default 6).

load replay

@test "what is in the journal is not sent again" {
	receiver --match '"5"=404' --match '"9"=500,500'
	numbered 20 > in
	run -1 --separate-stderr kx-replay --speed=max --retries=1 \
		--journal=j --rejects=bad --url="$URL" in
	{ sed -n '5p;9p' in; } | cmp - bad
	sed '5d;9d' in | cmp - bodies
	run -0 --separate-stderr kx-replay --speed=max --journal=j \
		--url="$URL" in
	[[ $stderr == *"18 events were in the journal"* ]]
	{ sed '5d;9d' in; sed -n '5p;9p' in; } | cmp - bodies
	run -0 kx-replay --speed=max --journal=j --url="$URL" in
	[ "$(requests)" -eq 23 ]
	# Each request has its id.
	[ "$(jq -r 'select(.n) | .headers["webhook-id"]' journal | sort -u | wc -l)" -eq 20 ]
	# The plan leaves them out, and needs no journal to be there.
	run -0 kx-replay --dry-run --journal=j --url="$URL" in
	[[ $output == *"events    0, and 20 in the journal, skipped"* ]]
	run -0 kx-replay --dry-run --journal=none --url="$URL" in
	[[ $output == *"events    20"* ]]
	[ ! -e none ]
}

@test "another input is refused before anything is sent" {
	receiver
	numbered 20 > in
	kx-replay --speed=max --journal=j --url="$URL" in
	n=$(requests)
	cp j before
	sed 's/"20"/"21"/' in > other
	numbered 21 > longer
	for what in other longer '--framing=concat in' '--max-record=1M in' \
		'in in' 'in other' <(cat in); do
		# shellcheck disable=SC2086
		run -2 --separate-stderr kx-replay --speed=max --journal=j \
			--url="$URL" $what
		[[ $stderr == *"--journal: j: it belongs to another input"* ]]
	done
	run -2 kx-replay --speed=max --journal=j --url="$URL" missing
	[ "$(requests)" -eq "$n" ]
	cmp j before
	# The same bytes under another name, and on standard input.
	cp in copy
	kx-replay --speed=max --journal=j --url="$URL" copy
	kx-replay --speed=max --journal=j --url="$URL" < in
	[ "$(requests)" -eq "$n" ]
}

@test "a stream is compared as it comes" {
	receiver
	numbered 1000 > in
	# shellcheck disable=SC2002
	cat in | kx-replay --speed=max --order=none --journal=j --url="$URL"
	[ "$(requests)" -eq 1000 ]
	numbered 1010 > longer
	# shellcheck disable=SC2002
	run -0 bash -c 'cat longer | kx-replay --speed=max --journal=j --url="$1"' - "$URL"
	[ "$(requests)" -eq 1010 ]
	for change in 1 2 100 700; do
		sed "${change}s/c[0-9]/X/" longer > other
		run -2 --separate-stderr bash -c \
			'cat other | kx-replay --speed=max --journal=j --url="$1"' - "$URL"
		[[ $stderr == *"another input"* ]]
	done
	run -2 bash -c 'kx-replay --speed=max --journal=j --url="$1" in' - "$URL"
	[ "$(requests)" -eq 1010 ]
}

@test "a journal that is torn, damaged, in use or none" {
	receiver
	numbered 200 > in
	kx-replay --speed=max --journal=j --url="$URL" in
	cp j whole
	size=$(wc -c < whole)
	head=$(grep -abm 1 '^$' whole | cut -d: -f1)
	# Cut anywhere: what it says is true, what it does not say is sent again.
	for at in 0 5 $((head - 1)) "$head" $((head + 1)) $((head + 2)) \
		$((head + 50)) $((size - 1)); do
		head -c "$at" whole > j
		n=$(requests)
		kx-replay -q --speed=max --journal=j --url="$URL" in
		sent=$(($(requests) - n))
		[ $sent -ge 1 ]
		[ $sent -le 200 ]
		[ "$at" -gt $((head + 1)) ] || [ $sent -eq 200 ]
		kx-replay -q --speed=max --journal=j --url="$URL" in
		[ "$(requests)" -eq $((n + sent)) ]
	done
	# Zeros, which a crash may leave behind the end.
	cp whole j
	head -c 300 /dev/zero >> j
	n=$(requests)
	kx-replay -q --speed=max --journal=j --url="$URL" in
	[ "$(requests)" -eq "$n" ]
	# More than a crash can tear.
	cp whole j
	head -c 100000 /dev/zero >> j
	run -2 --separate-stderr kx-replay --journal=j --url="$URL" in
	[[ $stderr == *"j: it is damaged at byte $size of "* ]]
	cp in j
	run -2 --separate-stderr kx-replay --journal=j --url="$URL" in
	[[ $stderr == *"j: it is no journal"* ]]
	cmp j in
	run -2 kx-replay --journal=. --url="$URL" in
	run -2 kx-replay --journal=no/folder --url="$URL" in
	run -2 kx-replay --journal=/dev/null --url="$URL" in
	run -2 kx-replay --journal=x --rejects=x --url="$URL" in
	[ "$(requests)" -eq "$n" ]
	cp whole j
	exec 8>> j
	flock -n 8
	run -2 --separate-stderr kx-replay --journal=j --url="$URL" in
	[[ $stderr == *"another run is using it"* ]]
}

@test "a journal that cannot be written ends the run" {
	receiver
	numbered 2000 > in
	run -2 --separate-stderr bash -c 'ulimit -f 1
		kx-replay --speed=max --journal=j --url="$1" in' - "$URL"
	[[ $stderr == *"cannot write the journal: File too large"* ]]
	n=$(requests)
	[ "$n" -lt 2000 ]
	# One at a time: at most one was delivered and is not in there.
	kx-replay -q --speed=max --journal=j --url="$URL" in
	[ "$(requests)" -le 2001 ]
	[ "$(sort -u bodies | wc -l)" -eq 2000 ]
}

@test "malformed records keep their numbers" {
	receiver --match '"3"=404'
	{ numbered 2; echo '{"bad'; numbered 2 3; echo 01; numbered 2 5; } > in
	run -1 kx-replay -q --speed=max --journal=j --url="$URL" in
	run -1 kx-replay -q --speed=max --journal=j --url="$URL" in
	[ "$(came | tail -n 1)" = 3 ]
	[ "$(requests)" -eq 7 ]
}

@test "a journal of many events stays small" {
	receiver
	numbered 3000 > in
	kx-replay --speed=max --order=none --journal=j --url="$URL" in
	[ "$(wc -c < j)" -lt 17000 ]
}

# killed ORDER CONCURRENCY [MOST]: kill runs at random instants until one is
# through.  With MOST each is a power cut: of the journal that much is left that
# had been synced, and that many events may be sent again.
killed() {
	local order=$1 concurrency=$2 most=$2 kills=${KX_KILLS:-6} done=0 i
	numbered 1500 > in
	[ $# -eq 2 ] || most=$3 kills=$(((kills + 1) / 2))
	for ((i = 0; i < kills; i++)); do
		rm -f synced
		kx-replay -q --speed=max --order="$order" \
			--concurrency="$concurrency" --journal=j \
			--url="$URL" in 3>&- &
		sleep "0.$(printf %03d $((30 + RANDOM % 150)))"
		kill -9 $! 2> /dev/null || done=$((done + 1))
		wait $! || true
		# Without it nothing was synced that had not been before.
		if [ $# -eq 3 ] && [ -e synced ]; then
			truncate -s "$((10#$(<synced)))" j
		fi
	done
	unset LD_PRELOAD
	kx-replay -q --speed=max --order="$order" \
		--concurrency="$concurrency" --journal=j --url="$URL" in
	came > ids
	[ "$(sort -u ids | wc -l)" -eq 1500 ]
	sort -u bodies | cmp - <(sort in)
	copies=$(($(wc -l < ids) - 1500))
	[ $copies -le $(((kills - done) * most)) ]
	# An event has one webhook-id, however often it came.
	jq -r 'select(.n) | .event + " " + .headers["webhook-id"]' journal |
		sort -u > pairs
	[ "$(wc -l < pairs)" -eq 1500 ]
	n=$(requests)
	kx-replay -q --speed=max --journal=j --url="$URL" in
	[ "$(requests)" -eq "$n" ]
}

# slow_disk MS: each sync takes so long.
slow_disk() {
	[ -z "$KX_SANITIZERS" ] || skip "sanitizers want to be preloaded first"
	[ -f "$KX_TESTDIR/fault/slowdisk.so" ] || skip "no slowdisk.so"
	# LD_PRELOAD takes a blank in a path for the end of it.
	export KX_SYNC_MS=$1 KX_SYNCED=$PWD/synced LD_PRELOAD=slowdisk.so \
		LD_LIBRARY_PATH=$KX_TESTDIR/fault
}

none_overtook() {
	awk '!seen[$0]++' ids | cmp - <(seq 1500)
}

cameras_in_order() {
	local camera
	for camera in 0 3 6; do
		awk -v c=$camera '$0 % 7 == c && !seen[$0]++' ids |
			cmp - <(seq 1500 | awk -v c=$camera '$0 % 7 == c')
	done
}

@test "kill -9 at any instant loses nothing: strict order" {
	receiver
	killed strict 1
	none_overtook
}

@test "kill -9 at any instant loses nothing: side by side" {
	receiver
	killed none 8
}

@test "kill -9 at any instant loses nothing: by channel" {
	receiver
	killed channel 4
	cameras_in_order
}

@test "kill -9 at any instant loses nothing: a slow disk" {
	receiver
	slow_disk 60
	killed none 8
}

@test "a power cut at any instant loses nothing: strict order" {
	receiver
	slow_disk 2
	killed strict 1 1
	none_overtook
}

@test "a power cut at any instant loses nothing: side by side" {
	receiver
	slow_disk 60
	# 8 that were under way, and 192 that waited for a sync.
	killed none 8 200
}

@test "a power cut at any instant loses nothing: by channel" {
	receiver
	slow_disk 5
	# Of a camera one.
	killed channel 4 7
	cameras_in_order
}

@test "a slow disk does not hold up what is sent" {
	receiver
	slow_disk 300
	numbered 150 > in
	# Some share a sync; with two at a time it would be 22 seconds.
	run -0 kx-replay -q --speed=max --order=none --concurrency=2 \
		--journal=j --url="$URL" --stats --diagnostics=json in
	jq -e '.delivered == 150 and .seconds < 15' <<< "$output"
}

@test "a failed sync of the journal ends the run, and is not tried again" {
	[ -z "$KX_SANITIZERS" ] ||
		skip "sanitizers have an allocator of their own"
	[ -f "$KX_TESTDIR/fault/refuse.so" ] || skip "no refuse.so"
	receiver
	numbered 600 > in
	# The header is the first two.  A sixth would have succeeded.
	run -2 --separate-stderr env KX_REFUSE=fsync:5:5 LD_PRELOAD=refuse.so \
		LD_LIBRARY_PATH="$KX_TESTDIR/fault" kx-replay --speed=max \
		--order=none --concurrency=4 --journal=j --stats \
		--url="$URL" in
	[[ $stderr == *"cannot sync the journal: Input/output error"* ]]
	delivered=$(awk '$2 == "delivered" { print $1 }' <<< "$stderr")
	n=$(requests)
	[ "$n" -lt 600 ]
	# What counted is in there, and what did not is sent, if not recorded.
	kx-replay -q --speed=max --journal=j --url="$URL" in
	[ $(($(requests) - n)) -le $((600 - delivered)) ]
	[ "$(sort -u bodies | wc -l)" -eq 600 ]
}

# --- SIGINT ---

# interrupt_at N OPTION...: run, and SIGINT when N requests have come.
interrupt_at() {
	local n=$1
	shift
	# A shell starts what is in the background with SIGINT ignored.
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("kx-replay", sys.argv[1:])' kx-replay "$@" > out 2> err 3>&- &
	pid=$!
	wait_for 20 at_least "$n"
	kill -INT $pid
}

at_least() {
	[ "$(requests)" -ge "$1" ]
}

@test "SIGINT lets what is under way finish, and says how to go on" {
	receiver --match '"4"=slow:1'
	numbered 100 > in
	interrupt_at 4 --speed=max --url="$URL" --rejects=bad in
	status=0
	wait $pid || status=$?
	[ $status -eq 130 ]
	head -n 4 in | cmp - bodies
	grep -E '^ +4  delivered$' err
	grep -F 'interrupted: to go on, begin with in:5' err
	[ -e bad ]
	[ -z "$(find . -name '.bad*')" ]
	[ "$(requests)" -eq 4 ]
	rm bodies
	tail -n +5 in | kx-replay --speed=max --url="$URL"
	[ "$(requests)" -eq 100 ]
}

@test "SIGINT with a journal: the same command goes on" {
	receiver --match '"30"=slow:1' --match '"20"=404'
	numbered 300 > in
	interrupt_at 30 --speed=max --order=none --concurrency=4 --journal=j \
		--rejects=bad --url="$URL" in
	status=0
	wait $pid || status=$?
	[ $status -eq 130 ]
	grep -F 'the same command sends what is not in the journal j' err
	sed -n 20p in | cmp - bad
	[ "$(wc -l < bodies)" -lt 300 ]
	kx-replay -q --speed=max --journal=j --url="$URL" in
	sort bodies | cmp - <(sort in)
}

@test "SIGINT while it waits, for the clock, for input, for a retry" {
	receiver --then 503:60
	{ stamped 0; stamped 600000; } > in
	interrupt_at 1 --url="$URL" in
	status=0
	wait $pid || status=$?
	[ $status -eq 130 ]
	grep -F 'begin with in:1' err
	mkfifo pipe
	sleep 30 > pipe 3>&- &
	OTHERS+=($!)
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("kx-replay", sys.argv[1:])' kx-replay --url="$URL" < pipe 2> err 3>&- &
	pid=$!
	sleep 0.7
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ $status -eq 130 ]
	# To standard output, too.
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("kx-replay", sys.argv[1:])' kx-replay in > out 2> err 3>&- &
	pid=$!
	wait_for 20 [ -s out ]
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ $status -eq 130 ]
	grep -E '^ +1  delivered$' err
	grep -F 'begin with in:2' err
}

@test "a second SIGINT ends it at once" {
	receiver --then hang
	numbered 3 > in
	interrupt_at 1 --url="$URL" --rejects=bad in
	sleep 0.3
	kill -0 $pid
	t=$(ms)
	kill -INT $pid
	status=0
	wait $pid || status=$?
	[ $status -eq 130 ]
	between 0 $(($(ms) - t)) 10000
	[ ! -e bad ]
	[ -z "$(find . -name '.bad*')" ]
}

# --- the manual ---

@test "the night of the manual, as it stands there" {
	receiver --match '"60"=422,422,422,422' --match '"80"=503,503'
	# From an hour before the outage on to an hour behind it.
	awk 'BEGIN { for (i = 1; i <= 200; i++)
		printf "{\"event_id\":\"%d\",\"start_time\":%.0f,\"channel\":{\"id\":%d}}\n",
			i, 1699995600000 + i * 180000, i % 5 }' > log.ndjson
	sed -n '/^\.Ss A night.s outage/,/^\.S[sh] [^A]/s/^\$ //p' \
		"$KX_SRCDIR/cmd/kx-replay.1" > commands
	[ "$(wc -l < commands)" -eq 4 ]
	sed -i "s,http://localhost:8080/hook,$URL," commands
	bash -ec "$(sed -n 1p commands)"
	n=$(wc -l < night.ndjson)
	[ "$n" -eq 160 ]
	run -0 bash -ec "$(sed -n 2p commands)"
	[[ $output == *$'\nevents    160\n'* ]]
	[ "$(requests)" -eq 0 ]
	# Interrupted half-way, then again, then once more for good measure.
	sed -n 3p commands > send
	sed 's/kx-replay/timeout -s KILL 0.15 kx-replay/' send > half
	bash -c "$(<half)" 2> err || true
	run -1 --separate-stderr bash -ec "$(<send)"
	[[ $stderr == *"status 422"* ]]
	grep -E '^ +1  given up$' <<< "$stderr"
	[ "$(wc -l < missed.ndjson)" -eq 1 ]
	grep -q '"60"' missed.ndjson
	sort -u bodies | cmp - <(grep -v '"60"' night.ndjson | sort)
	came > ids
	# The receiver is mended.
	kill "$RECEIVER"
	receiver
	sed -i "s,http://127[^ ]*,$URL," commands
	run -0 bash -ec "$(sed -n 4p commands)"
	cmp bodies missed.ndjson
	for camera in 0 1 2 3 4; do
		awk -v c=$camera '$1 % 5 == c && $1 != 60 && !s[$1]++' ids |
			sort -nc
	done
}
