#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2154 # bats sets stderr
# kx-validate: valid events pass untouched, the others are explained.

load helper

# An event that is right; sed on it makes one that is wrong.
good='{"monitor_id":114,"id":"203:1685973361368:4829655691653739","event_id":"4829655691653739","topic":"FaceMatched","module":"KX.Faces","level":1,"start_time":1685973361368,"end_time":1685973369197,"params":{"identities":[{"faces":[{"id":14461,"similarity":0.93269664,"first_name":"Mark","last_name":"Frol"}],"list":{"id":552,"name":"List","level":1}}]},"snapshots":[{"type":"FULLSCREEN","path":"/api/v1/media/snapshot/274-610/3824-1685973361368531712.jpg?ttl=2592000"}],"channel":{"id":274,"channel_type":"STREAM","name":"1-4-09","latitude":13.9,"longitude":17.6,"address":{"country":"USA"}}}'

# finds RULE SED-SCRIPT [SEVERITY [OPTION...]]: the changed event gets that
# finding in that severity, and passes unless it is an error.
finds() {
	local rule=$1 script=$2 severity=${3:-error} event status=0
	shift $(($# < 3 ? $# : 3))
	event=$(sed "$script" <<< "$good")
	[ "$event" != "$good" ] || { echo "sed changed nothing"; return 1; }
	printf '%s\n' "$event" | kx-validate "$@" > out 2> err || status=$?
	grep -q "^kx-validate: (stdin):1:[0-9]*: $severity: .*\[$rule\]\$" err || {
		cat err
		return 1
	}
	if [ "$severity" = error ]; then
		[ "$status" -eq 1 ] && [ ! -s out ]
	else
		[ "$status" -eq 0 ] && [ "$(cat out)" = "$event" ]
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "a valid event passes byte for byte, without a word" {
	printf '%s\n' "$good" > in
	kx-validate in > out 2> err
	cmp in out
	[ ! -s err ]
}

@test "times: the unit is named" {
	finds time-unit 's/"start_time":1685973361368/"start_time":1685973361/'
	grep -q 'in seconds' err
	finds time-unit 's/"start_time":1685973361368/"start_time":1685973361368000/'
	grep -q 'in microseconds' err
	finds time-unit 's/"end_time":1685973369197/"end_time":1685973369197000000/'
	grep -q 'in nanoseconds' err
}

@test "the flat spelling of the channel will do, with a note" {
	sed 's/"channel":{"id":274,"channel_type":"STREAM","name":"1-4-09",/"channel_id":274,"channel_type":"STREAM","channel_name":"1-4-09","channel_latitude":13.9,"channel_longitude":17.6,"channel_address":{"country":"USA"}}/;s/"latitude.*//' <<< "$good" > in
	kx-validate in > out 2> err
	cmp in out
	[ "$(grep -c . err)" -eq 1 ]
	grep -q ' note: .*\[flat-spelling\]$' err
}

@test "what a message points at: line, column, offset, pointer" {
	finds duplicate-key-differs 's/"path":"/"path":"x","path":"/'
	grep -q ': /snapshots/0/path: ' err
	grep -q 'the first is at byte [0-9]* of the record' err
	finds state-alias 's/"faces":.*"last_name":"Frol"/"plates":[{"id":1,"number":"A1","state":"LU","owner_first_name":"N","owner_last_name":"N"/;s/FaceMatched/PlateMatched/;s/KX.Faces/KX.PDD/' warning
	grep -q 'LU is listed as NW' err
	{ echo "$good"; sed 's/0.93269664/7/' <<< "$good"; } > in
	run -1 kx-validate -q --diagnostics=json in
	jq -se --rawfile log in 'map(select(.rule == "similarity-range")) |
	    length == 1 and (.[0] | .line == 2 and .pointer == "/params/identities/0/faces/0/similarity" and
	    $log[.offset:.offset + 1] == "7")' <<< "$output"
}

@test "what is no object is no event" {
	for text in '[]' 1 null '"x"'; do
		run -1 kx-validate --framing=lines <<< "$text"
		[[ $output == *'[not-an-object]'* ]]
	done
}

@test "the vendor's examples, once mended, pass in every profile" {
	local file profile
	for file in "$KX_SRCDIR"/tests/data/good-*.json; do
		for profile in compatible strict envelope; do
			run -0 kx-validate -q --profile="$profile" "$file"
			[[ $output != *error:* ]]
		done
	done
}

@test "the vendor's examples as printed: each typing error is named where it is" {
	local dir=$KX_SRCDIR/tests/data
	run -1 kx-validate -q "$dir/as-documented-face-matched.json"
	[[ $output == *':40:21: error: '*'[string-not-closed]'* ]]
	run -1 kx-validate -q "$dir/as-documented-plate-matched.json"
	[[ $output == *':37:14: error: '*'comma before }'*'[syntax]'* ]]
	run -1 kx-validate -q "$dir/as-documented-other-with-images.json"
	[[ $output == *':11:16: error: '*'[doc-placeholder]'* ]]
	run -1 kx-validate -q "$dir/as-documented-other-without-images.json"
	[[ $output == *'comma before }'*'[syntax]'* ]]
}

@test "an unknown topic gets one note for all its events" {
	sed 's/FaceMatched/LineCrossed/' <<< "$good" > in
	cat in in in > many
	kx-validate many > out 2> err
	cmp many out
	[ "$(grep -c unknown-topic err)" -eq 1 ]
}

@test "--summary: records are passed and rejected ones, in text and JSON" {
	{
		printf '%s\n' "$good" "{" "$good" '{"a":1}' ''
		sed 's/"level":1/"level":9/' <<< "$good"
	} > in
	run -1 kx-validate --summary --rejects=bad in
	[[ $output == *'5  records'* ]]
	[[ $output == *'2  passed'* ]]
	[[ $output == *'3  rejected'* ]]
	[[ $output == *'1  level-range'* ]]
	[ "$(grep -c . bad)" -eq 3 ]
	kx-validate -q --summary --diagnostics=json in 2> err || true
	jq -se '.[-1].summary | .records == 5 and .passed + .rejected == 5 and
	    .rules["level-range"] == 1' err
}

@test "rejects hold what is refused, whole, and give the same findings again" {
	[ -x "$KX_TESTDIR/genlog" ] || skip "genlog is not built"
	"$KX_TESTDIR/genlog" --events=200 --broken -o log
	kx-validate --framing=lines --rejects=bad log > good 2> err || [ $? -eq 1 ]
	# Behind a good line: a byte order mark is one only at the very start.
	{ printf '%s\n' "$good"; cat bad; } |
	    kx-validate --framing=lines -q 2> again || [ $? -eq 1 ]
	[ -s bad ]
	kx-validate -q good
	# Same rules, as often, in the same order (places differ).
	diff <(grep ' error: ' err | sed 's/.*\[/[/') \
	    <(grep ' error: ' again | sed 's/.*\[/[/')
}

@test "every line that the maker of broken logs calls malformed is refused" {
	[ -x "$KX_TESTDIR/genlog" ] || skip "genlog is not built"
	"$KX_TESTDIR/genlog" --events=300 --broken --broken-index=index -o log
	kx-validate -q --framing=lines --diagnostics=json log 2> err || [ $? -eq 1 ]
	jq -r 'select(.severity == "error") | .line' err | sort -nu > refused
	awk -F'\t' '$3 == "malformed" { print $1 }' index | sort -n > want
	[ -s want ]
	[ -z "$(comm -23 <(sort want) <(sort refused))" ]
}

@test "a string that is not closed is reported at its opening quote" {
	printf '%s\n{"type": "FULLSCREEN\n%s\n' "$good" "$good" > in
	for how in auto lines; do
		run -1 --separate-stderr kx-validate --framing=$how in
		[ "${lines[0]}" = "$good" ] && [ "${lines[1]}" = "$good" ]
		[[ $stderr == *':2:10: error: '*'[string-not-closed]'* ]]
	done
	# Where the log ends there it may be a torn write.
	printf '{"type": "FULLSCREEN' > in
	run -1 --separate-stderr kx-validate in
	[[ $stderr == *'[truncated-record]' ]]
}

@test "severities are switched, and refuse or pass accordingly" {
	sed 's/"level":1,"start/"level":7,"start/' <<< "$good" > in
	run -1 kx-validate in
	for option in --warn --note --ignore; do
		kx-validate $option=level-range,syntax in && return 1
		kx-validate $option=id-form,level-range in > out 2> err
		cmp in out
		[ $option != --ignore ] || [ ! -s err ]
	done
	run -1 kx-validate --ignore=level-range --error=level-range in
	run -2 kx-validate --warn=no-such-rule in
	[[ $output == *no-such-rule* ]]
	run -2 kx-validate --ignore=syntax in
	[[ $output == *'always an error'* ]]
	kx-validate --ignore=level-range --list-rules | grep -q '^level-range  *-  *-  *- '
}

@test "--max-errors stops the messages and nothing else" {
	for i in 1 2 3 4 5; do
		sed "s/\"level\":1,\"start/\"level\":7,\"start/;s/203:/$i:/" <<< "$good"
	done > in
	echo "$good" >> in
	run -1 --separate-stderr kx-validate --max-errors=2 --summary --rejects=bad in
	[ "$(grep -c 'level-range\]' <<< "$stderr")" -eq 2 ]
	[[ $stderr == *'3 more findings are not shown'* ]]
	[[ $stderr == *'5  rejected'* ]]
	[[ $stderr == *'5  level-range'* ]]
	[ "$output" = "$good" ]
	[ "$(grep -c . bad)" -eq 5 ]
}

@test "copies and conflicts over several inputs, the same for every -j" {
	plain_events 3000 > a
	{ sed -n 5p a; sed -n '7s/Mark/Mary/p' a; plain_events 4000 | tail -n 1000; } > b
	for j in 1 2 4; do
		kx-validate -j$j --summary a b > out.$j 2> err.$j
	done
	cmp out.1 out.2 && cmp err.1 err.2 && cmp err.1 err.4
	grep -q '^kx-validate: b:1:[0-9]*: note: /id: the same event came before, on line 5 of a \[redelivered\]$' err.1
	grep -q '^kx-validate: b:2:[0-9]*: warning: /id: another event with this id came before, on line 7 of a \[conflict\]$' err.1
	[ "$(grep -c 'redelivered\]\|conflict\]' err.1)" -eq 2 ]
}

@test "a conflict that is an error is refused in its place" {
	plain_events 5 > a
	{
		sed -n 1p a
		echo '{'
		sed -n '1s/Mark/Mary/p' a
		echo 'x'
		sed -n 2p a
	} > in
	for j in 1 3; do
		run -1 kx-validate -j$j --profile=strict --rejects=bad -o out --summary in
		[[ $output == *'3  rejected'* ]]
		cmp <(sed -n 1,2p a) out
		cmp <(sed -n 2,4p in) bad
	done
	# The document's four examples share one id: never more than a warning.
	kx-validate -q --profile=strict "$KX_SRCDIR"/tests/data/good-*.json 2> err
	grep -q ' warning: .*\[conflict\]$' err
}

@test "a captured request: its body is checked in its place" {
	sed 's/.*/{"method":"POST","headers":{},"body":&}/' <<< "$good" > in
	kx-validate in > out 2> err
	cmp in out
	grep -q ' warning: .*\[wrapped-event\]$' err
	sed -i 's/0.93269664/7/' in
	run -1 kx-validate in
	[[ $output == *': /body/params/identities/0/faces/0/similarity: '* ]]
}

@test "--images=skip leaves images alone" {
	sed 's/2592000"/&,"image":"*"/' <<< "$good" > in
	run -1 kx-validate in
	[[ $output == *'[image-base64]'* ]]
	kx-validate --images=skip in > out 2> err
	cmp in out
	[ ! -s err ]
}

@test "--now is a time, and without it none is asked" {
	kx-validate --now=now <<< "$good" 2>&1 > out | grep -q 'expired-reference'
	kx-validate <<< "$good" 2> err
	[ ! -s err ]
	run -2 kx-validate --now=yesterday <<< "$good"
}

@test "very many findings are given in slices, in order, for every -j" {
	# 60,000 records in one chunk, each with several findings.
	yes '{}' | head -n 60000 > in
	for j in 1 2; do
		kx-validate -j$j --summary in > out 2> err.$j || [ $? -eq 1 ]
	done
	cmp err.1 err.2
	[ "$(grep -c '\[channel-missing\]$' err.1)" -eq 60000 ]
	grep -c '' err.1
	grep ': error:' err.1 | cut -d: -f3 | sort -nc
}

@test "of one rule a record has 256 findings at most" {
	printf '{"x":[%s1]}' "$(printf '9007199254740993,%.0s' {1..300})" > in
	kx-validate -q in 2> err || [ $? -eq 1 ]
	[ "$(grep -c 'precision-risk\]$' err)" -eq 256 ]
	[ "$(grep -c 'more of this rule' err)" -eq 1 ]
}

@test "SARIF: what the standard requires, and the place of each finding" {
	{
		echo "$good"
		sed 's/Mark/Ма/;s/"List","level":1/"List","level":9/' <<< "$good"
		echo '{'
	} > 'a log'
	for j in 1 2; do
		run -2 kx-validate -j$j --diagnostics=sarif --summary 'a log' missing -o out
		echo "$output" > sarif.$j
	done
	cmp sarif.1 sarif.2
	jq -e '.version == "2.1.0" and (."$schema" | test("sarif-2.1.0")) and
	    (.runs | length) == 1 and (.runs[0] |
	    .tool.driver.name == "kx-validate" and
	    (.tool.driver.rules | length) > 90 and
	    (.tool.driver.rules | all(.id != "" and
	        .shortDescription.text != "" and
	        (.defaultConfiguration.level | IN("none", "note", "warning", "error")))) and
	    (.invocations[0] | .executionSuccessful == false and .exitCode == 2 and
	        (.toolExecutionNotifications[0].message.text | test("missing"))) and
	    .properties.summary.records == 3)' sarif.1
	jq -e '.runs[0] as $run | $run.results | length >= 3 and all(
	    .message.text != "" and (.level | IN("note", "warning", "error")) and
	    $run.tool.driver.rules[.ruleIndex].id == .ruleId and
	    (.locations[0].physicalLocation | .artifactLocation.uri == "a%20log" and
	        .region.startLine >= 1 and .region.startColumn >= 1))' sarif.1
	# The column counts characters, the offset bytes.
	jq -e --rawfile log 'a log' '.runs[0].results[] |
	    select(.ruleId == "level-range") |
	    .locations[0].physicalLocation.region as $r |
	    ($log | split("\n")[1][$r.startColumn - 1:$r.startColumn] == "9") and
	    .locations[0].logicalLocations[0].fullyQualifiedName ==
	        "/params/identities/0/list/level"' sarif.1
	offset=$(jq '.runs[0].results[] | select(.ruleId == "level-range") |
	    .locations[0].physicalLocation.region.byteOffset' sarif.1)
	[ "$(tail -c +$((offset + 1)) 'a log' | head -c 1)" = 9 ]
	# Of nothing wrong there is a document, too.
	kx-validate -q --diagnostics=sarif 2> none <<< "$good"
	jq -e '.runs[0].results == [] and .runs[0].invocations[0].executionSuccessful' none
}

@test "the broken log of the maker of logs: counts add up, rejects come again" {
	[ -x "$KX_TESTDIR/genlog" ] || skip "genlog is not built"
	"$KX_TESTDIR/genlog" --events=400 --broken -o log
	for profile in compatible strict envelope; do
		for j in 1 2; do
			kx-validate -p $profile -j$j --framing=lines --summary \
			    --diagnostics=json --rejects=bad.$j log > out.$j 2> err.$j ||
			    [ $? -eq 1 ]
		done
		cmp out.1 out.2 && cmp err.1 err.2 && cmp bad.1 bad.2
		tail -n 1 err.1 | jq -e '.summary | .passed + .rejected == .records'
		[ "$(tail -n 1 err.1 | jq .summary.passed)" -eq "$(grep -c '' out.1)" ]
		# Each passed record has no error, each refused one has one.
		jq -r 'select(.severity == "error") | .line' err.1 | sort -nu | wc -l > n
		[ "$(tail -n 1 err.1 | jq .summary.rejected)" -eq "$(cat n)" ]
	done
}

@test "a record with very many identities takes no longer than its length" {
	{
		printf '%s' "${good%%'{"faces"'*}"
		awk 'BEGIN { for (i = 0; i < 100000; i++)
			printf "%s{\"faces\":[{\"id\":%d,\"similarity\":0.5,\"first_name\":\"\",\"last_name\":\"\"}],\"list\":{\"id\":1,\"name\":\"x\",\"level\":1}}", (i ? "," : ""), i }'
		printf '%s\n' "]},${good##*\]\},}" | sed 's/^]},.*/]},"snapshots":[],"channel":{"id":1,"name":"x"}}/'
	} > in
	timeout 20 kx-validate in > out 2> err
	cmp in out
	! grep -q ' error: ' err
}

@test "many openings without an end take no longer than their length" {
	yes '{"a":' | head -c 2000000 >in
	status_is 1 timeout 20 kx-validate -q in
	says err 'in:1025:1: error: .*too-deep'
}
