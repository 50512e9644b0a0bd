# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# kx-replay: what a request is (method, body, headers, signature, TLS), the
# orders, the plan and the statistics.

load replay

# Two events with images and without, and what they are without images.
pictures() {
	printf '%s\n' \
		'{"event_id":"1","snapshots":[{"type":"FULLSCREEN","path":"p", "image":"AAAA"},{"image" : "BBBB", "path":"q"}],"z":[1,  2]}' \
		'{"event_id":"2","image":"kept","snapshots":[ { "image":"x\"y" } , {"a":{"image":"kept"},"image":null , "b":1}]}' \
		'{"event_id":"3","snapshots":[]}' > in
	printf '%s\n' \
		'{"event_id":"1","snapshots":[{"type":"FULLSCREEN","path":"p"},{"path":"q"}],"z":[1,  2]}' \
		'{"event_id":"2","image":"kept","snapshots":[ {  } , {"a":{"image":"kept"} , "b":1}]}' \
		'{"event_id":"3","snapshots":[]}' > stripped
}

@test "the eight methods, each with the body that belongs to it" {
	pictures
	for method in POST PUT PATCH OPTIONS; do
		receiver
		kx-replay --speed=max --method=$method --url="$URL" in
		if [ $method = POST ]; then
			cmp in bodies
		else
			cmp stripped bodies
		fi
		[ "$(jq -sr 'map(select(.n)) | map([.method, .headers["content-type"]] |
			join(" ")) | unique[]' journal)" = "$method application/json" ]
		kill "$RECEIVER"
	done
	for method in GET HEAD DELETE TRACE; do
		receiver
		kx-replay --speed=max --method=$method --url="$URL" in
		[ "$(jq -sr 'map(select(.n)) | map([.method, .length,
			(.headers | has("content-type"))] | @csv) | unique[]' \
			journal)" = "\"$method\",0,false" ]
		[ "$(requests)" -eq 3 ]
		kill "$RECEIVER"
	done
}

@test "--body and --snapshots change what is usual" {
	pictures
	for method in GET HEAD DELETE; do
		receiver
		run -0 --separate-stderr kx-replay --speed=max --body=always \
			--method=$method --url="$URL" in
		[[ $stderr == *"a body has no meaning in a $method"* ]]
		cmp stripped bodies
		[ "$(jq -r 'select(.n) | .method' journal | sort -u)" = $method ]
		kill "$RECEIVER"
	done
	receiver
	run -0 --separate-stderr kx-replay --speed=max --body=always \
		--method=TRACE --snapshots=keep --url="$URL" in
	[[ $stderr == *"TRACE never has a body"* ]]
	[ "$(jq -s 'map(select(.n).length) | add' journal)" -eq 0 ]
	kill "$RECEIVER"
	receiver
	kx-replay --speed=max --body=never --url="$URL" in
	[ "$(jq -s 'map(select(.n).length) | add' journal)" -eq 0 ]
	kx-replay --speed=max --snapshots=strip --url="$URL" in
	kx-replay --speed=max --snapshots=keep --method=PUT --url="$URL" in
	{ printf '\n\n\n'; cat stripped in; } | cmp - bodies
	kx-replay --speed=max --snapshots=strip in | cmp - stripped
}

@test "rejects are the original bytes, whatever was sent" {
	pictures
	receiver --then 404
	run -1 kx-replay -q --speed=max --snapshots=strip --url="$URL" \
		--rejects=bad in
	cmp in bad
	run -1 kx-replay -q --speed=max --method=GET --url="$URL" \
		--rejects=bad in
	cmp in bad
}

@test "headers, and secrets from files" {
	stamped 1 > in
	receiver
	printf 'me:pass word\n' > user
	printf 's3cr.t\r\n' > token
	kx-replay --url="$URL" -H 'X-One: 1' --header='X-Two:  zwei ' \
		-H 'Content-Type: text/plain' -H 'User-Agent:' \
		--user-file=user in
	kx-replay --url="$URL" --bearer-file=token in
	run -0 jq -sr 'map(select(.n).headers) | .[0]["x-one"], .[0]["x-two"],
		.[0]["content-type"], (.[0] | has("user-agent")),
		.[0].authorization, .[1].authorization' journal
	[ "${lines[0]}" = 1 ]
	[ "${lines[1]}" = zwei ]
	[ "${lines[2]}" = text/plain ]
	[ "${lines[3]}" = false ]
	[ "${lines[4]}" = "Basic $(printf 'me:pass word' | base64)" ]
	[ "${lines[5]}" = 'Bearer s3cr.t' ]
	: > empty
	for o in -HNoColon -H': x' $'-HA: b\nC: d' '-HContent-Length: 3' \
		'-HTransfer-Encoding: chunked' '-Hwebhook-id: 1' \
		--user-file=none --user-file=token --user-file=empty \
		--bearer-file=empty --bearer-file=. --cacert=none --key=token; do
		run -2 --separate-stderr kx-replay --url="$URL" "$o" in
		[ -n "$stderr" ]
	done
	run -2 --separate-stderr kx-replay --url=http://me:pw@127.0.0.1/ in
	[[ $stderr == *password* ]]
	[[ $stderr != *me:pw* ]]
	[ "$(requests)" -eq 2 ]
}

@test "signatures are those of Standard Webhooks" {
	receiver
	printf 'whsec_%s\n' "$(head -c 32 /dev/urandom | base64)" > one
	{ echo '# the next one'; printf '\n  whsec_%s\n' "$(head -c 24 /dev/urandom | base64)"; } > two
	{
		numbered 3
		printf '{"event_id":7, "s":"\\u0416 Ж"}\n{"id":"a b"}\n[1]\n'
	} > in
	kx-replay --speed=max --url="$URL" --sign=standard-webhooks \
		--secret-file=one --secret-file=two in
	cmp in bodies
	jq -r 'select(.n).headers["webhook-id"]' journal > ids
	[ "$(head -n 4 ids)" = $'203:1700000000001:1\n203:1700000000002:2\n203:1700000000003:3\n7' ]
	[ "$(tail -n 2 ids | grep -cE '^sha256-[0-9a-f]{32}$')" -eq 2 ]
	cp ids first
	kx-replay --speed=max --url="$URL" --sign=standard-webhooks \
		--secret-file=two in
	jq -r 'select(.n).headers["webhook-id"]' journal | tail -n 6 | cmp - first
	command -v openssl > /dev/null || skip "no openssl"
	# By hand: the first one, with the first key.
	jq -sr '.[0].headers | .["webhook-id"] + "." + .["webhook-timestamp"] + "."' \
		journal | tr -d '\n' > signed
	head -n 1 bodies | tr -d '\n' >> signed
	key=$(sed s/whsec_// one | base64 -d | od -An -tx1 | tr -d ' \n')
	mac=$(openssl dgst -sha256 -mac HMAC -macopt hexkey:"$key" -binary signed | base64)
	[[ $(jq -sr '.[0].headers["webhook-signature"]' journal) == "v1,$mac v1,"* ]]
	# And by the implementation that others use.
	peers=$KX_SRCDIR/tests/peers/node_modules
	[ -d "$peers/standardwebhooks" ] || skip "no standardwebhooks"
	head -n 6 bodies > sent
	cat > verify.js <<-'js'
		const { Webhook } = require(process.argv[2] + "/standardwebhooks");
		const fs = require("fs");
		const lines = f => fs.readFileSync(f, "utf8").split("\n").filter(l => l);
		const heads = lines("journal").map(JSON.parse).filter(r => r.n);
		const bodies = lines("bodies");
		const key = f => lines(f).pop().trim();
		let n = 0;
		heads.forEach((h, i) => {
			for (const k of i < 6 ? [key("one"), key("two")] : [key("two")]) {
				new Webhook(k).verify(bodies[i], h.headers);
				n++;
			}
			try {
				new Webhook(key("one")).verify(bodies[i] + " ", h.headers);
				n = NaN;
			} catch (e) { }
		});
		console.log(n);
	js
	run -0 node verify.js "$peers"
	[ "$output" = 18 ]
}

@test "a secret that is none is refused, and not quoted" {
	stamped 1 > in
	receiver
	for key in whsec_c2hvcnQ= 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*' \
		whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1 ''; do
		printf '%s\n' "$key" > secret
		run -2 --separate-stderr kx-replay --url="$URL" \
			--sign=standard-webhooks --secret-file=secret in
		[[ $stderr == *secret* ]]
		[[ $stderr != *MfKQ9* ]]
	done
	run -2 kx-replay --url="$URL" --sign=standard-webhooks in
	run -2 kx-replay --url="$URL" --secret-file=in in
	[ "$(requests)" -eq 0 ]
}

# --- orders ---

@test "in the order of channels a retry holds back its camera alone" {
	receiver --ends yes --match '"a1"=503:2' --match '"b1"=slow:0.5'
	{
		stamped 1 a1 1; stamped 2 b1 2; stamped 3 a2 1; stamped 4 c1 3
		stamped 5 b2 2; stamped 6 c2 3; stamped 7 x; stamped 8 y
	} > in
	kx-replay -q --speed=max --order=channel --concurrency=4 --url="$URL" in
	sort in > want
	sort bodies | cmp - want
	for pair in 'a1 a2' 'b1 b2' 'c1 c2' 'x y' 'c2 a2' 'y a2'; do
		read -r one two <<< "$pair"
		jq -se --arg a "$one" --arg b "$two" 'map(select(.n)) |
			(map(select(.event == $a).n) | max) <
			(map(select(.event == $b).n) | min)' journal
	done
	# a2 came when a1 had been answered for good, b2 after b1's answer.
	jq -se '(map(select(.event == "b1").n)[0]) as $n |
		(map(select(.done == $n))[0].time) <=
		(map(select(.event == "b2"))[0].time)' journal
}

@test "without an order nothing waits for another" {
	receiver --match '"first"=503:2' --match '"slow"=slow:1'
	{ stamped 1 first; stamped 2 slow; numbered 200 10; } > in
	kx-replay -q --speed=max --order=none --concurrency=4 --url="$URL" in
	sort in > want
	sort bodies | cmp - want
	[ "$(came | tail -n 1)" = first ]
	# As many side by side as was said, and no more.
	jq -se 'map(.connection // empty) | unique | length |
		. >= 2 and . <= 4' journal
}

@test "no more events are under way than --concurrency" {
	receiver --ends yes --then slow:0.2
	numbered 30 > in
	kx-replay --speed=max --order=none --concurrency=5 --url="$URL" in
	run -0 jq -sr '[foreach (sort_by(.time)[]) as $r (0;
		if $r.n then . + 1 else . - 1 end)] | max' journal
	[ "$output" -le 5 ]
	[ "$output" -ge 2 ]
	kx-replay --speed=max --order=channel --concurrency=50 --url="$URL" in
	run -0 jq -sr '[foreach (map(select((.n // .done) > 30)) |
		sort_by(.time)[]) as $r (0;
		if $r.n then . + 1 else . - 1 end)] | max' journal
	[ "$output" -le 7 ]
}

@test "in strict order --concurrency changes nothing, and says so" {
	receiver
	numbered 100 > in
	run -0 --separate-stderr kx-replay --speed=max --concurrency=9 \
		--url="$URL" in
	cmp in bodies
	[[ $stderr == *"--concurrency has no effect"* ]]
}

@test "410 ends the run in any order, and all that was not sent is kept" {
	numbered 3000 > in
	for order in channel none; do
		receiver --match '"1500"=410'
		run -1 --separate-stderr kx-replay --speed=max --order=$order \
			--concurrency=8 --url="$URL" --rejects=bad in
		[[ $stderr == *"no event after this one is sent"* ]]
		sort bodies bad | cmp - <(sort in)
		[ "$(wc -l < bad)" -gt 1 ]
		grep -q '"1500"' bad
		kill "$RECEIVER"
	done
}

# --- the clock ---

@test "--max-gap shortens what is longer" {
	{ stamped 0; stamped 300; stamped 900000; stamped 900200; } > in
	t=$(ms)
	kx-replay --max-gap=0.5 in > out
	t=$(($(ms) - t))
	cmp in out
	between 1000 $t 20000
	t=$(ms)
	kx-replay --max-gap=0.25 --speed=0.5 in > out
	t=$(($(ms) - t))
	between 750 $t 20000
}

@test "--rate sends so many a second, whatever the start times" {
	{ numbered 25; stamped 5; stamped 99999999999; } > in
	t=$(ms)
	run -0 --separate-stderr kx-replay --rate=20 in
	t=$(($(ms) - t))
	between 1300 $t 20000
	[ ${#lines[@]} -eq 27 ]
	run -2 kx-replay --rate=5 --speed=2 in
	run -2 kx-replay --rate=5 --max-gap=2 in
}

@test "a quiet pipe does not hold up what is to be tried again" {
	mkfifo pipe
	receiver --match '"1"=503:1'
	{ numbered 2; exec sleep 30; } > pipe 3>&- &
	OTHERS+=($!)
	kx-replay -q --speed=max --order=none --url="$URL" < pipe 3>&- &
	OTHERS+=($!)
	wait_for 20 grep -q '"event": "1", "answer": "200"' journal
}

# --- the plan, the statistics ---

@test "--dry-run prints the plan and sends nothing" {
	receiver
	{ numbered 70; stamped 1700000060001 last 4; echo '{"no":"camera"}'; } > in
	run -0 kx-replay --dry-run --url="$URL" --speed=2 in
	[ "$(requests)" -eq 0 ]
	[[ $output == *"POST http://127.0.0.1:"* ]]
	[[ $output == *$'\nevents    72\n'* ]]
	[[ $output == *$'\nbytes     '"$(($(wc -c < in) - 72))"$'\n'* ]]
	[[ $output == *"2023-11-14T22:13:20.001Z to 2023-11-14T22:14:20.001Z, 0:01:00.000"* ]]
	[[ $output == *$'\nends      0:00:30.000 after the first'* ]]
	grep -E '^ +11 .* 4 c4$' <<< "$output"
	grep -E '^ +1 .* -$' <<< "$output"
	run -0 kx-replay --dry-run --diagnostics=json --method=GET --speed=max \
		--url="$URL" in
	jq -e '.events == 72 and .bytes == 0 and .body == false and
		.seconds == 0 and (.cameras | length) == 8 and
		(.cameras | map(.events) | add) == 72 and
		.cameras[0] == {"id":"4","name":"c4","events":11,"bytes":0,
		"first_ms":1700000000004,"last_ms":1700000060001}' <<< "$output"
	run -0 kx-replay --dry-run in
	[[ $output == "to        standard output"* ]]
	run -0 kx-replay --dry-run --rate=10 --concurrency=4 --order=none in
	[[ $output == *"ends      0:00:07.100 after"* ]]
}

@test "--stats adds up" {
	receiver 500 200 404 200 503 503 200
	numbered 20 > in
	run -1 --separate-stderr kx-replay -q --speed=max --stats --retries=3 \
		--url="$URL" in
	grep -E '^ +19  delivered$' <<< "$stderr"
	grep -E '^ +3  retried$' <<< "$stderr"
	grep -E '^ +1  given up$' <<< "$stderr"
	grep -E '^ +[0-9]+\.[0-9]  events a second, in [0-9.]+ s$' <<< "$stderr"
	grep -E '^ +[0-9.]+  ms latency p50, .* p90, .* p99, .* max$' <<< "$stderr"
	run -0 --separate-stderr kx-replay -q --speed=max --stats \
		--diagnostics=json --url="$URL" in
	jq -e --argjson b $(($(wc -c < in) - 20)) '.delivered == 20 and
		.retried == 0 and .given_up == 0 and .bytes == $b and
		.latency_ms.p50 > 0 and .latency_ms.p50 <= .latency_ms.p90 and
		.latency_ms.p90 <= .latency_ms.p99 and
		.latency_ms.p99 <= .latency_ms.max and .lateness_ms.max >= 0 and
		.events_per_second > 0' <<< "$stderr"
	run -0 --separate-stderr kx-replay -q --speed=max --stats in
	grep -E '^ *20  delivered$' <<< "$stderr"
	says_not <(echo "$stderr") retried
}

@test "how late events leave is told" {
	receiver slow:1
	{ stamped 0; stamped 100; stamped 200; } > in
	run -0 --separate-stderr kx-replay -q --stats --diagnostics=json \
		--url="$URL" in
	jq -e '.lateness_ms.max >= 800 and .lateness_ms.p50 >= 700' <<< "$stderr"
}

@test "progress tells what has been delivered" {
	receiver
	numbered 50 > in
	run -0 --separate-stderr kx-replay --speed=max --progress=always \
		--url="$URL" in
	[[ $stderr == *"50 events"*"; 50 delivered, "*" ms"* ]]
}

# --- TLS and HTTP/2 ---

# A CA, a certificate of it for 127.0.0.1, and one for a client.
certificates() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout ca.key -out ca.pem -days 2 -subj '/CN=test CA' 2> err
	local name
	for name in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-keyout $name.key -out $name.csr -subj /CN=$name 2> err
		openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key \
			-CAcreateserial -days 2 -out $name.pem -extfile <(
			echo subjectAltName=IP:127.0.0.1,DNS:localhost) 2> err
	done
}

# nginx in front of the receiver, with TLS and HTTP/2: sets TLS_URL.
front() {
	local port
	port=$(python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
	mkdir -p ng
	cat > nginx.conf <<-end
		daemon off; master_process off; pid ng/pid; error_log ng/error;
		events { }
		http {
			access_log off;
			client_body_temp_path ng/b; proxy_temp_path ng/p;
			fastcgi_temp_path ng/f; uwsgi_temp_path ng/u;
			scgi_temp_path ng/s;
			client_max_body_size 100m;
			server {
				listen 127.0.0.1:$port ssl http2;
				ssl_certificate server.pem;
				ssl_certificate_key server.key;
				ssl_client_certificate ca.pem;
				ssl_verify_client optional;
				location / {
					proxy_pass ${URL%/hook};
					proxy_http_version 1.1;
					proxy_set_header Connection "";
					proxy_set_header X-Protocol \$server_protocol;
					proxy_set_header X-Client \$ssl_client_verify;
					proxy_set_header X-Number \$connection;
				}
			}
		}
	end
	nginx -p "$PWD" -c nginx.conf -e ng/error 3>&- &
	OTHERS+=($!)
	TLS_URL=https://127.0.0.1:$port/hook
	wait_for 10 bash -c "exec 9<> /dev/tcp/127.0.0.1/$port" 2> /dev/null
}

@test "HTTP/2 over TLS, byte for byte, streams of one connection" {
	command -v nginx > /dev/null || skip "no nginx"
	command -v openssl > /dev/null || skip "no openssl"
	certificates
	receiver
	front
	{ numbered 300; head -c 300000 /dev/zero | tr '\0' A |
		sed 's/^/{"event_id":"big","image":"/; s/$/"}\n/'; } > in
	kx-replay --speed=max --cacert=ca.pem --url="$TLS_URL" in
	cmp in bodies
	kx-replay --speed=max --order=none --concurrency=8 --cacert=ca.pem \
		--cert=client.pem --key=client.key --url="$TLS_URL" in
	sort bodies | cmp - <(sort in in)
	jq -se 'map(select(.n).headers) |
		(map(.["x-protocol"]) | unique == ["HTTP/2.0"]) and
		(.[0]["x-client"] == "NONE") and (.[-1]["x-client"] == "SUCCESS") and
		(map(.["x-number"]) | unique | length) <= 4' journal
}

@test "TLS is verified, unless told otherwise" {
	command -v nginx > /dev/null || skip "no nginx"
	command -v openssl > /dev/null || skip "no openssl"
	certificates
	receiver
	front
	stamped 1 > in
	run -1 --separate-stderr kx-replay --url="$TLS_URL" in
	[[ $stderr == *"not delivered: "*certificate* ]]
	run -1 --separate-stderr kx-replay --cacert=ca.pem \
		--url="${TLS_URL/127.0.0.1/localhost.}" in
	[ "$(requests)" -eq 0 ]
	kx-replay --insecure --url="$TLS_URL" in
	kx-replay --cacert=ca.pem --url="${TLS_URL/127.0.0.1/localhost}" in
	[ "$(requests)" -eq 2 ]
	# What is at fault here ends the run, and is said once.
	numbered 5 > in
	echo nonsense > no.pem
	run -2 --separate-stderr kx-replay --cacert=no.pem --url="$TLS_URL" in
	[ "$(grep -c '^kx-replay: ' <<< "$stderr")" -le 2 ]
	[ "$(requests)" -eq 2 ]
}
