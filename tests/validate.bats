#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2154 # bats sets stderr
# kx-validate: valid events pass untouched, the others are explained.

load helper

# An event that is right; sed on it makes one that is wrong.
good='{"monitor_id":114,"id":"203:1691055920965:4829655691653739","event_id":"4829655691653739","topic":"FaceMatched","module":"KX.Faces","level":1,"start_time":1685973361368,"end_time":1685973369197,"params":{"identities":[]},"snapshots":[{"type":"FULLSCREEN","path":"/p"}],"channel":{"id":274}}'

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

@test "fields that every event has" {
	finds missing-field 's/"monitor_id":114,//'
	finds missing-field 's/"id":"203[^,]*,//'
	finds missing-field 's/"event_id":[^,]*,//'
	finds missing-field 's/"topic":[^,]*,//'
	finds missing-field 's/"module":[^,]*,//'
	finds missing-field 's/"level":1,//'
	finds missing-field 's/"start_time":[^,]*,//'
	finds params-missing 's/"params":{[^}]*},//'
	finds channel-missing 's/,"channel":{[^}]*}//'
}

@test "types that the document shows nowhere" {
	finds wrong-type 's/"monitor_id":114/"monitor_id":"114"/'
	finds wrong-type 's/"id":"203[^,]*/"id":7/'
	finds wrong-type 's/"event_id":"[^,]*"/"event_id":true/'
	finds wrong-type 's/"topic":"FaceMatched"/"topic":null/'
	finds wrong-type 's/"level":1/"level":"1"/'
	finds wrong-type 's/"start_time":1685973361368/"start_time":"1685973361368"/'
	finds wrong-type 's/"start_time":1685973361368/"start_time":1685973361368.0/'
	finds wrong-type 's/"channel":{"id":274}/"channel":274/'
	finds wrong-type 's/"snapshots":\[[^]]*\]/"snapshots":{}/'
	finds params-missing 's/"params":{[^}]*}/"params":[]/'
	finds source-name-type 's/"level"/"source_name":1,"level"/' warning
}

@test "level is 0 to 3" {
	finds level-range 's/"level":1/"level":4/'
	finds level-range 's/"level":1/"level":-1/'
	finds level-range 's/"level":1/"level":1.5/'
	finds level-range 's/"level":1/"level":99999999999999999999/'
	local level
	for level in 0 1 2 3; do
		sed "s/\"level\":1/\"level\":$level/" <<< "$good" | kx-validate -q
	done
}

@test "event_id is digits, as text or as an integer" {
	finds event-id-form 's/"event_id":"4829655691653739"/"event_id":"48x"/'
	finds event-id-form 's/"event_id":"4829655691653739"/"event_id":1.5/'
	finds event-id-form 's/"event_id":"4829655691653739"/"event_id":-5/'
	finds event-id-form 's/"event_id":"4829655691653739"/"event_id":1e3/'
	finds event-id-form 's/"event_id":"4829655691653739"/"event_id":""/'
	finds precision-risk 's/"event_id":"4829655691653739"/"event_id":9007199254740993/' warning
	finds event-id-zeros 's/"event_id":"48/"event_id":"048/' error --profile=strict
	sed 's/"event_id":"\([0-9]*\)"/"event_id":\1/' <<< "$good" > in
	kx-validate in > out 2> err
	cmp in out
	[ ! -s err ]
}

@test "id, topic, module" {
	finds id-form 's/"id":"203:/"id":"/' warning
	finds id-form 's/"id":"203:/"id":"/' error --profile=strict
	finds empty-value 's/FaceMatched//'
	finds empty-value 's/KX.Faces//'
	finds unknown-topic 's/FaceMatched/LineCrossed/' note
	finds unknown-topic 's/FaceMatched/LineCrossed/' warning --profile=strict
	finds unknown-module 's/KX.Faces/KX.Lines/' note
	finds module-quote 's/KX.Faces"/KX.Faces\\""/' warning
}

@test "times: the unit is named, the order is checked" {
	finds time-unit 's/"start_time":1685973361368/"start_time":1685973361/'
	grep -q 'in seconds' err
	finds time-unit 's/"start_time":1685973361368/"start_time":1685973361368000/'
	grep -q 'in microseconds' err
	finds time-unit 's/"end_time":1685973369197/"end_time":1685973369197000000/'
	grep -q 'in nanoseconds' err
	finds time-range 's/"start_time":1685973361368/"start_time":946684799999/' warning
	finds time-range 's/"start_time":1685973361368/"start_time":946684799999/' error -p strict
	finds end-before-start 's/"end_time":1685973369197/"end_time":1685973361367/' warning
	finds end-time-null 's/"end_time":1685973369197/"end_time":null/' warning
	finds long-event 's/"end_time":1685973369197/"end_time":1686073369197/' note
	sed 's/"end_time":[0-9]*,//' <<< "$good" | kx-validate -q
}

@test "snapshots of the two topics" {
	finds snapshots-missing 's/"snapshots":\[[^]]*\],//' warning
	finds snapshots-missing 's/"snapshots":\[[^]]*\],//' error --profile=strict
	finds snapshots-empty 's/"snapshots":\[[^]]*\]/"snapshots":[]/' warning
	sed 's/"snapshots":\[[^]]*\],//;s/FaceMatched/Other/' <<< "$good" > in
	kx-validate in 2> err
	! grep snapshots err
}

@test "the flat spelling of the channel will do" {
	sed 's/"channel":{"id":274}/"channel_id":274/' <<< "$good" > in
	kx-validate in > out 2> err
	cmp in out
	[ ! -s err ]
}

@test "duplicate names at any depth; different values of a known one are an error" {
	finds duplicate-key 's/"level":1/"level":1,"level":1/' warning
	finds duplicate-key 's/"level":1/"x":1,"x":2,"level":1/' warning
	finds duplicate-key-differs 's/"level":1/"level":1,"level":2/'
	finds duplicate-key-differs 's/"level":1/"level":1,"l\\u0065vel":2/'
	finds duplicate-key-differs 's/"path":"\/p"/"path":"\/p","path":"\/q"/'
	grep -q ': /snapshots/0/path: ' err
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
		[[ $stderr == *':2:10: error: '*'[string-not-closed]' ]]
	done
	# Where the log ends there it may be a torn write.
	printf '{"type": "FULLSCREEN' > in
	run -1 --separate-stderr kx-validate in
	[[ $stderr == *'[truncated-record]' ]]
}
