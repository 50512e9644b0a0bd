# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034
# What the tests of kx-replay share: a receiver that fails on command, events
# with a start time, and looks at what came.

load helper

setup() {
	kx_setup
	RECEIVER=
	OTHERS=()
}

teardown() {
	local pid
	for pid in $RECEIVER "${OTHERS[@]}"; do
		kill "$pid" 2> /dev/null || true
	done
}

# receiver [OPTION]... [ANSWER]...: starts one, and sets URL.
receiver() {
	local options=() tries=0
	while [ "${1:0:2}" = -- ]; do
		options+=("$1" "$2")
		shift 2
	done
	rm -f port
	python3 "$KX_SRCDIR/tests/receiver.py" --journal journal \
		--bodies bodies "${options[@]}" port "$@" 3>&- &
	RECEIVER=$!
	until [ -e port ]; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.05
	done
	URL=http://127.0.0.1:$(<port)/hook
}

# stamped START [NAME [CHANNEL]]: an event with that start time, on a line.
stamped() {
	local channel=
	[ -z "${3-}" ] || channel=', "channel": {"id": '$3'}'
	printf '{"event_id":"%s", "start_time": %s%s}\n' "${2-$1}" "$1" \
		"$channel"
}

# numbered N [FROM]: that many, quickly, of seven cameras, with ids.
numbered() {
	awk -v n="$1" -v from="${2:-1}" 'BEGIN {
		for (i = from; i < from + n; i++) {
			ms = 1700000000000 + i
			printf "{\"id\":\"203:%.0f:%d\",\"event_id\":\"%d\",\"start_time\":%.0f,\"channel\":{\"id\":%d,\"name\":\"c%d\"}}\n", ms, i, i, ms, i % 7, i % 7
		}
	}'
}

requests() {
	if [ -e journal ]; then
		grep -c '"n"' journal || true
	else
		echo 0
	fi
}

# The events that came, in the order in which they did, a line each.
came() {
	jq -r 'select(.n) | .event' journal
}

ms() {
	date +%s%3N
}

# between LEAST N TOO_MUCH
between() {
	[ "$2" -ge "$1" ]
	[ "$2" -lt "$3" ]
}
