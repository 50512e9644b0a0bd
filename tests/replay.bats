# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-replay: the clock, and delivery against a receiver that fails on command.

load replay

# --- to standard output ---

@test "events go to standard output as they are" {
	printf '\xef\xbb\xbf{"b":1, "a":"\\u0041\\/ Ж", "n":1.50e+01}\r\n' > in
	printf '\n{"x":[1,  2]}\n["no event"]\n7' >> in
	printf '{"b":1, "a":"\\u0041\\/ Ж", "n":1.50e+01}\n' > want
	printf '{"x":[1,  2]}\n["no event"]\n7\n' >> want
	kx-replay --speed=max in > out
	cmp out want
	kx-replay < in > out
	cmp out want
}

@test "a malformed record costs itself alone, and status 1" {
	printf '{"a":1}\n{"a":01}\n{"a":3}\n{"a"' > in
	run -1 --separate-stderr kx-replay --speed=max --rejects=bad in
	[ "$output" = $'{"a":1}\n{"a":3}' ]
	printf '{"a":01}\n{"a"' | cmp - bad
	[[ $stderr == *"in:2:"* ]]
	[[ $stderr == *"[truncated-record]"* ]]
}

@test "a text of several lines leaves as one" {
	printf '{\n  "a" : [ 1, "x  y" ]\n}\n{"b":2}{"c":3}' > in
	run -0 kx-replay --speed=max --framing=concat in
	[ "$output" = $'{"a":[1,"x  y"]}\n{"b":2}\n{"c":3}' ]
	printf '\x1e{"a":\n1}\n\x1e{"b":2}\n' > seq
	run -0 kx-replay --speed=max seq
	[ "$output" = $'{"a":1}\n{"b":2}' ]
}

@test "gaps are those of the start times" {
	{ stamped 1700000000000; stamped 1700000000600; stamped 1700000001500; } > in
	# the clock starts with the first event, which may be seen late
	kx-replay in | while read -r _; do ms; done > stamps
	mapfile -t at < stamps
	[ ${#at[@]} -eq 3 ]
	between 250 $((at[1] - at[0])) 5000
	between 1100 $((at[2] - at[0])) 8000
}

@test "--speed divides the gaps" {
	{ stamped 1700000000000; stamped 1700000006000; } > in
	t=$(ms)
	kx-replay --speed=10 in
	t=$(($(ms) - t))
	between 600 $t 5900
	stamped 1700000060000 >> in
	t=$(ms)
	kx-replay --speed=max in
	kx-replay --speed=1e6 in
	t=$(($(ms) - t))
	[ $t -lt 20000 ]
	{ stamped 0; stamped 300; } > in
	t=$(ms)
	kx-replay --speed=0.5 in
	t=$(($(ms) - t))
	between 600 $t 8000
}

@test "an event is written when it is due, not when the next one is" {
	{ stamped 0; stamped 60000; } > in
	kx-replay in > out 3>&- &
	pid=$!
	for _ in {1..400}; do
		[ ! -s out ] || break
		sleep 0.05
	done
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ $status -eq 143 ]
	[ "$(wc -l < out)" -eq 1 ]
}

@test "what was read whole is sent before more is waited for" {
	mkfifo pipe
	: > out
	{ stamped 0; stamped 1; printf '{"half'; exec sleep 60; } > pipe 3>&- &
	pid=$!
	timeout 20 kx-replay < pipe > out 3>&- &
	replay=$!
	for _ in {1..400}; do
		[ "$(wc -l < out)" -lt 2 ] || break
		sleep 0.05
	done
	kill $pid $replay
	[ "$(wc -l < out)" -eq 2 ]
}

@test "earlier events go at once, and are counted" {
	{ stamped 5000; stamped 1000; stamped 2000; stamped 900; stamped 5300; } > in
	t=$(ms)
	run -0 --separate-stderr kx-replay in
	t=$(($(ms) - t))
	[ ${#lines[@]} -eq 5 ]
	between 300 $t 3900
	[[ $stderr == *"2 events were earlier than the one before"* ]]
	run -0 --separate-stderr kx-replay -q in
	[ -z "$stderr" ]
	run -0 --separate-stderr kx-replay --speed=max in
	[[ $stderr == *"2 events were earlier"* ]]
}

@test "events without a usable start time go at once" {
	{
		stamped 1700000000000
		for t in null true '"soon"' -5 1.5 1e300 '[]' \
			1700000000000000 1700000000000000000 \
			99999999999999999999999; do
			stamped "$t" x
		done
		echo '{}'
		stamped 1700000000200
	} > in
	t=$(ms)
	run -0 --separate-stderr kx-replay in
	t=$(($(ms) - t))
	[ ${#lines[@]} -eq 13 ]
	[ -z "$stderr" ]
	between 200 $t 20000
}

@test "output and order are the same for every -j" {
	awk 'BEGIN { for (i = 0; i < 20000; i++)
		printf "{\"start_time\":%d,\"event_id\":\"%d\"}\n", i, i * 7919
	}' > in
	for j in 1 2 4; do
		kx-replay -j $j --speed=max in > out
		cmp out in
	done
}

@test "a full disk is said so" {
	stamped 1 > in
	run -2 --separate-stderr bash -c 'kx-replay in > /dev/full'
	[[ $stderr == *"cannot write to standard output: No space left"* ]]
}

# --- usage ---

@test "bad usage is told and nothing is sent" {
	stamped 1 > in
	for o in --speed=0 --speed=-1 --speed=fast --speed= --speed=nan \
		--timeout=0 --timeout=x --retries=-1 --retries=1.5 \
		--retries= --method=PUT --concurrency=2 \
		--journal=x --order=none --body=always -HA:b --insecure \
		--rate=0 --max-gap=-1 --order=any --method=CONNECT \
		--sign=x --snapshots=x --concurrency=0; do
		run -2 --separate-stderr kx-replay $o in
		[ -z "$output" ]
		[[ $stderr == kx-replay:* ]]
	done
}

@test "--url is http or https with a host" {
	stamped 1 > in
	for url in '' localhost:80/ 127.0.0.1:80 //host/ http:// \
		ftp://host/x file:///etc/passwd gopher://host/ smtp://host \
		'http://ho st/' 'http://host:99999/' 'http://[::1' \
		$'http://host/\n' javascript:alert; do
		run -2 --separate-stderr kx-replay --url="$url" in
		[ -z "$output" ]
		[[ $stderr == "kx-replay: --url: "* ]]
	done
	run -2 --separate-stderr kx-replay --url=ftp://host/x in
	[[ $stderr == *"http and https alone"* ]]
}

# --- delivery ---

@test "events are posted byte for byte, in order, over one connection" {
	for ((i = 0; i < 500; i++)); do
		printf '{"start_time":%d, "s":"\\u0416 Ж \\/", "n":%d.50}\n' \
			$i $i
	done > in
	head -c 300000 /dev/zero | tr '\0' A > big
	printf '{"image":"%s"}\n' "$(<big)" >> in
	receiver
	run -0 kx-replay --speed=max --url="$URL" in
	[ -z "$output" ]
	cmp in bodies
	[ "$(requests)" -eq 501 ]
	[ "$(jq -s 'map(.connection) | unique | length' journal)" -eq 1 ]
	run -0 jq -sr 'map([.method, .target, .headers["content-type"],
		(.headers | has("expect")),
		(.headers["content-length"] | tonumber) == .length] | @csv) |
		unique[]' journal
	[ "$output" = '"POST","/hook","application/json",false,true' ]
	[[ $(jq -r '.headers["user-agent"]' journal | head -n 1) == kx-replay/* ]]
}

@test "a text of several lines is posted as one" {
	printf '{\n  "a" : 1\n}\n{"b" :\n2}' > in
	receiver
	kx-replay --framing=concat --url="$URL" in
	printf '{"a":1}\n{"b":2}\n' | cmp - bodies
}

@test "CRLF and a missing last line end are not part of a body" {
	printf '{"a":1}\r\n{"b":2}' > in
	receiver 204 299
	kx-replay --url="$URL" in
	printf '{"a":1}\n{"b":2}\n' | cmp - bodies
}

@test "requests keep the clock" {
	{ stamped 0; stamped 600; stamped 1200; } > in
	receiver
	kx-replay --url="$URL" in
	run -0 jq -s '(.[2].time - .[0].time) | . >= 0.8 and . < 10' journal
	[ "$output" = true ]
}

@test "other answers are final" {
	receiver 300 301 302 303 304 307 308 400 401 403 404 405 406 409 411 \
		412 413 415 418 422 426 428 431 451 499 600 999
	for ((i = 1; i <= 27; i++)); do
		stamped $i
	done > in
	stamped 28 > last
	run -1 --separate-stderr kx-replay --speed=max --url="$URL" \
		--rejects=bad in last
	cmp in bad
	cmp last bodies
	[ "$(requests)" -eq 28 ]
	[ "$(grep -c 'not-delivered' <<< "$stderr")" -eq 27 ]
	[[ ${stderr_lines[1]} == "kx-replay: in:2:1: error: not delivered: "* ]]
	[[ ${stderr_lines[1]} == *"status 301: 'the receiver says 301'"* ]]
	[[ $stderr == *"27 events were not delivered"* ]]
}

@test "what may pass is tried again" {
	receiver 408 200 425 200 429 200 500 200 501 200 502 200 503 200 \
		504 200 599 200 close 200 reset 200 garbage 200
	for ((i = 1; i <= 12; i++)); do
		stamped $i
	done > in
	run -0 --separate-stderr kx-replay --speed=max --url="$URL" \
		--rejects=bad in
	cmp in bodies
	[ -e bad ]
	[ ! -s bad ]
	[ "$(requests)" -ge 24 ]
	[[ $stderr == *"in:1:1: note: status 408"*"trying again [retry]"* ]]
}

@test "an event is sent again before the next one" {
	receiver 500 503 200
	{ stamped 1; stamped 2; } > in
	kx-replay --speed=max -q --url="$URL" in
	cmp in bodies
	sums=$(while read -r l; do
		printf %s "$l" | sha256sum | cut -d' ' -f1
	done < in)
	a=${sums%$'\n'*} b=${sums#*$'\n'}
	[ "$(jq -r .sha256 journal | tr '\n' ' ')" = "$a $a $a $b " ]
}

@test "--retries bounds the attempts" {
	receiver --then 503
	stamped 1 > in
	run -1 --separate-stderr kx-replay --url="$URL" --retries=2 \
		--rejects=bad in
	[ "$(requests)" -eq 3 ]
	cmp in bad
	[[ $stderr == *"in:1:1: error: not delivered in 3 attempts: "* ]]
	[[ $stderr == *"status 503: 'the receiver says 503' [not-delivered]"* ]]
	run -1 --separate-stderr kx-replay --url="$URL" --retries=0 in
	[ "$(requests)" -eq 4 ]
	[[ $stderr == *"not delivered: status 503"* ]]
}

@test "an event that is given up does not hold up the next" {
	receiver 500 500 200 404 200
	{ stamped 1; stamped 2; stamped 3; stamped 4; } > in
	run -1 kx-replay --speed=max -q --url="$URL" --retries=1 \
		--rejects=bad in
	{ stamped 2; stamped 4; } | cmp - bodies
	{ stamped 1; stamped 3; } | cmp - bad
	kx-replay --speed=max --url="$URL" bad
	{ stamped 2; stamped 4; stamped 1; stamped 3; } | cmp - bodies
}

@test "Retry-After is obeyed in seconds and as a date" {
	receiver 429:1 200 503:date:1 200 503:date:-60 200 429:nonsense 200
	{ stamped 1; stamped 2; stamped 3; stamped 4; } > in
	run -0 --separate-stderr kx-replay --speed=max --url="$URL" in
	[[ $stderr == *"in:1:1: note: status 429"*"trying again after 1 s"* ]]
	cmp in bodies
	run -0 jq -s '(.[1].time - .[0].time >= 0.99) and
		(.[3].time - .[2].time >= 0.99) and
		(.[5].time - .[4].time < 5) and
		(.[7].time - .[6].time < 5)' journal
	[ "$output" = true ]
}

@test "a wait of more than a day is final" {
	receiver 503:99999999999999999999 200
	{ stamped 1; stamped 2; } > in
	run -1 --separate-stderr kx-replay --speed=max --url="$URL" in
	stamped 2 | cmp - bodies
	[[ $stderr == *"in:1:1: error: not delivered: asked to wait"* ]]
}

@test "no answer in time" {
	receiver hang slow:0.1
	{ stamped 1; stamped 2; } > in
	run -1 --separate-stderr kx-replay --speed=max --url="$URL" \
		--timeout=1.5 --retries=0 in
	stamped 2 | cmp - bodies
	[[ $stderr == *"in:1:1: error: not delivered: "*"timed out"* ]]
	run -0 jq -s '.[1].time - .[0].time | . >= 1.4 and . < 10' journal
	[ "$output" = true ]
}

@test "odd ends: interim answers, torn content, closed connections" {
	receiver early torn gone-quiet 200 gone-quiet 200
	for i in 1 2 3 4 5 6; do stamped $i; done > in
	run -0 --separate-stderr kx-replay --speed=max --url="$URL" in
	[ -z "$stderr" ]
	cmp in bodies
	[ "$(requests)" -eq 6 ]
}

@test "410 ends the run" {
	receiver 200 410
	{ stamped 1; stamped 2; stamped 3; echo '{"bad'; stamped 4; } > in
	run -1 --separate-stderr kx-replay --speed=max --url="$URL" in
	[ "$(requests)" -eq 2 ]
	stamped 1 | cmp - bodies
	[[ $stderr == *"in:2:1: error: not delivered: status 410"* ]]
	[[ $stderr == *"in:2:1: error: "*"no event after this one is sent"* ]]
	[[ $stderr != *in:4:* ]]
}

@test "410 with --rejects keeps all that was not delivered" {
	receiver 200 410
	{ stamped 1; stamped 2; echo '{"bad'; stamped 3; } > in
	stamped 4 > rest
	run -1 --separate-stderr kx-replay --url="$URL" --rejects=bad in rest
	[ "$(requests)" -eq 2 ]
	{ stamped 2; echo '{"bad'; stamped 3; stamped 4; } | cmp - bad
	[[ $stderr == *"2 events were not sent"* ]]
}

@test "rejects keep the order of the log and every byte" {
	receiver 200 404 200 404 200
	{
		printf '{"a":1}\n01\n{"a" : 2}\r\n{"a":3}\n\n{"a"\n'
		printf '{"a":"\\u0041"}\n{"a":5}\nNaN'
	} > in
	run -1 kx-replay -q --url="$URL" --rejects=bad in
	{
		printf '01\n{"a" : 2}\r\n{"a"\n{"a":"\\u0041"}\nNaN'
	} > want
	cmp want bad
	printf '{"a":1}\n{"a":3}\n{"a":5}\n' | cmp - bodies
}

@test "bytes of an answer reach a message escaped and few" {
	receiver '400=\x1b[31mred\x00\xff\n' "404=$(printf 'x%.0s' {1..5000})"
	{ stamped 1; stamped 2; } > in
	run -1 --separate-stderr kx-replay --url="$URL" in
	[[ $stderr == *'[31mred'* ]]
	[[ $stderr != *$'\e'* ]]
	while read -r l; do
		[ ${#l} -lt 1000 ]
	done <<< "$stderr"
	[[ $stderr == *"xxx...'"* ]]
	run -1 --separate-stderr kx-replay --diagnostics=json \
		--url="$URL" --retries=0 <(printf '{"a":01}\n')
	jq -e '.message' <<< "$stderr"
	kill "$RECEIVER"
	rm port
	receiver '400=\x1b[31mred\x00\xff\n'
	run -1 --separate-stderr kx-replay --diagnostics=json -q \
		--url="$URL" in
	jq -e 'select(.line == 1) | .message | test("status 400")' \
		<<< "${stderr_lines[0]}"
}

@test "nobody there" {
	receiver
	kill "$RECEIVER"
	wait "$RECEIVER" || true
	RECEIVER=
	stamped 1 > in
	run -1 --separate-stderr kx-replay --retries=1 --url="$URL" \
		--rejects=bad in
	[[ $stderr == *"in:1:1: error: not delivered in 2 attempts: "* ]]
	cmp in bad
}

@test "a host that does not resolve" {
	stamped 1 > in
	run -1 --separate-stderr kx-replay --retries=0 --timeout=20 \
		--url=http://no-such-host.invalid/ in
	[[ $stderr == *"not delivered: "*"no-such-host.invalid"* ]]
}

@test "proxies of the environment are not for loopback" {
	receiver
	stamped 1 > in
	http_proxy=http://127.0.0.1:1/ all_proxy=http://127.0.0.1:1/ \
		kx-replay --retries=0 --url="$URL" in
	cmp in bodies
}

@test "a certificate that does not hold is refused, once" {
	command -v openssl || skip "no openssl"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert \
		-days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2> /dev/null
	cat key cert > both
	# Somebody else's; the system may trust nobody at all.
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key \
		-out other -days 2 -subj /CN=other 2> /dev/null
	receiver --certificate both
	stamped 1 > in
	run -1 --separate-stderr kx-replay --cacert=other \
		--url="https${URL#http}" in
	[[ $stderr == *"in:1:1: error: not delivered: "*certificate* ]]
	[ "$(requests)" -eq 0 ]
	run -1 kx-replay --cacert=other --retries=0 \
		--url="https${URL#http}" in
	[ "$(requests)" -eq 0 ]
}

@test "a signal while it waits ends it, and leaves no file" {
	{ stamped 0; stamped 600000; } > in
	receiver
	kx-replay --url="$URL" --rejects=bad in 3>&- &
	pid=$!
	for _ in {1..400}; do
		[ "$(requests)" -eq 0 ] || break
		sleep 0.05
	done
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ $status -eq 143 ]
	[ ! -e bad ]
	[ -z "$(find . -name '.bad*')" ]
}

@test "nothing is sent for an empty log" {
	receiver
	: > in
	run -0 --separate-stderr kx-replay --url="$URL" in
	[ -z "$output$stderr" ]
	[ "$(requests)" -eq 0 ]
}

@test "the manual has every option, and no other" {
	kx-replay --dump-options | cut -f2 | sort > options
	grep '^\.It ' "$KX_SRCDIR/cmd/kx-replay.1" | grep -o 'Fl Fl [a-z-]*' |
		cut -d ' ' -f 3 | sort > manual
	diff options manual
}

@test "a header that is too long, or cut, costs its own event and is named" {
	{ stamped 1 a; stamped 2 b; stamped 3 c; } > in
	receiver long-header cut
	run -1 --separate-stderr kx-replay --speed=max --retries=0 \
	    --rejects=bad --url="$URL" in
	[[ $stderr == *"in:1:1: error: "*"header is too long"*"[not-delivered]"* ]]
	[[ $stderr == *"in:2:1: error: "*"inside the answer's header"*"[not-delivered]"* ]]
	cmp bad <(head -n 2 in)
	cmp bodies <(tail -n 1 in | tr -d '\n'; echo)
}

@test "-o: a file that is whole, or is not there when it is interrupted" {
	events 3 >in
	status_is 0 kx-replay --speed=max -o sent in
	same sent in
	status_is 2 kx-replay --speed=max -o sent --url=http://127.0.0.1:9/ in
	says err '--output'
	status_is 2 kx-replay --dry-run -o sent in
	rm sent
	mkfifo pipe
	env --default-signal=INT kx-replay --speed=max -o sent pipe \
		>out 2>err 3>&- &
	pid=$!
	exec 9>pipe
	cat in >&9
	wait_for 20 eval '[ -n "$(find . -name ".sent.??????")" ]'
	kill -INT $pid
	got=0
	wait $pid || got=$?
	exec 9>&-
	[ $got -eq 130 ] || fail "$got"
	says err 'interrupted: sent is not written'
	[ ! -e sent ]
	no_leftovers .
}
