#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Calls that fail: memory that is refused, disks that are full or worn.  Here
# a few places of each kind; KX_FAULT_MOST=0 is all of them, which takes
# minutes (.ci/run does it).

load helper

setup() {
	kx_setup
	[ -z "$KX_SANITIZERS" ] ||
		skip "sanitizers have an allocator of their own"
	refuse=$KX_TESTDIR/fault/refuse.so
	[ -f "$refuse" ] || skip "no refuse.so"
}

# A log that has something for every result: frames, faults, levels.
make_log() {
	if [ -x "$KX_TESTDIR/genlog" ]; then
		"$KX_TESTDIR/genlog" --seed=3 --events=30 --images >log
	else
		events 30 >log
	fi
	echo 'no JSON' >>log
}

# allocations N COMMAND...: how often the command allocates over N events.
allocations() {
	plain_events "$1" >log."$1"
	# LD_PRELOAD takes a blank in a path for the end of it.
	KX_COUNT=$PWD/count LD_PRELOAD=${refuse##*/} \
		LD_LIBRARY_PATH=${refuse%/*} "${@:2}" -j1 log."$1" \
		>/dev/null 2>&1 || [ $? -eq 1 ]
	cat count
}

@test "each call that can fail: a message, a status, whole results" {
	make_log
	"$KX_SRCDIR/tests/fault/walk.py" --most="${KX_FAULT_MOST-4}" "$refuse" \
		"$KX_BUILDDIR" log >out || fail "$(grep -A9 '^not' out)"
	[ "$(grep -c '^ok' out)" -gt 50 ]
}

@test "many events allocate no more often than a few do" {
	for command in kx-validate 'kx-filter --min-level=1' \
		'kx-filter .level>=2' kx-to-csv 'kx-replay --speed=max'; do
		read -ra words <<<"$command"
		few=$(allocations 10 "${words[@]}")
		many=$(allocations 10000 "${words[@]}")
		# Buffers grow to the size of a chunk, and that is all.
		[ "$many" -le $((few + 60)) ] ||
			fail "$command: $few allocations, then $many"
	done
}
