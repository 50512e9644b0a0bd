#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2154 # bats sets stderr
# Each rule of rules.def, both ways: tests/data/rules.tsv has what breaks it
# and what comes close and does not.

load helper

setup() {
	kx_setup
}

# the pictures of the table's scripts
pictures() {
	local dir=$KX_SRCDIR/tests/data/frames
	jpg=$(base64 -w0 "$dir/gray.jpg")
	jpg2=$(base64 -w0 "$dir/dot.jpg")
	png=$(base64 -w0 "$dir/dot.png")
	jpgcut=$(head -c -2 "$dir/gray.jpg" | base64 -w0)
	pngcut=$(head -c -12 "$dir/dot.png" | base64 -w0)
	# A byte of the header chunk: its CRC does not match any more.
	pngbad=$({ head -c 19 "$dir/dot.png"; printf '\007'
		tail -c +21 "$dir/dot.png"; } | base64 -w0)
}

# fill TEXT: with its tokens filled in, in $filled.
fill() {
	filled=$1
	[[ $filled != *@* ]] || fill_tokens
}

fill_tokens() {
	local n before
	while [[ $filled =~ @PAD:([0-9]+)@ ]]; do
		n=${BASH_REMATCH[1]}
		printf -v before '%*s' "$n" ''
		filled=${filled/"@PAD:$n@"/${before// /A}}
	done
	while [[ $filled =~ @DEEP:([0-9]+)@ ]]; do
		n=${BASH_REMATCH[1]}
		printf -v before '%*s' "$n" ''
		filled=${filled/"@DEEP:$n@"/${before// /[}${before// /]}}
	done
	filled=${filled//@JPG@/$jpg} filled=${filled//@JPG2@/$jpg2}
	filled=${filled//@PNG@/$png} filled=${filled//@JPGCUT@/$jpgcut}
	filled=${filled//@PNGCUT@/$pngcut} filled=${filled//@PNGBAD@/$pngbad}
}

# The events, in F, P and O: nothing is wrong with them.
make_events() {
	local head tail
	pictures
	head='{"monitor_id":114,"id":"203:1685973361368:4829655691653739","event_id":"4829655691653739","topic":'
	tail='"snapshots":[{"type":"FULLSCREEN","path":"/api/v1/media/snapshot/274-610/3824-1685973361368531712.jpg?ttl=2592000","image":"@JPG@"},{"type":"THUMBNAIL","path":"/api/v1/media/snapshot/274-610/thumbnail/3824-1685973364548186624.jpg?ttl=2592000","image":"@JPG2@"}],"channel":{"id":274,"channel_type":"STREAM","name":"1-4-09","latitude":13.90930437837479,"longitude":17.596215903759006,"address":{"country":"USA","region":"A region","city":"Miami","place_info":"32"},"tags":[{"id":170,"name":"Face"}]}}'
	fill "$head"'"FaceMatched","module":"KX.Faces","level":1,"start_time":1685973361368,"end_time":1685973369197,"params":{"identities":[{"faces":[{"id":14461,"similarity":0.93269664,"first_name":"Mark","last_name":"Frol"}],"list":{"id":552,"name":"List","level":1}}],"attributes":{"age":44,"gender":"male","race":"caucasian","glasses":true,"beard":true,"has":false,"mask":false}},'"$tail"
	printf '%s\n' "$filled" >F
	fill "$head"'"PlateMatched","module":"KX.PDD","level":2,"start_time":1685973361368,"end_time":1685973369197,"params":{"identities":[{"plates":[{"id":186177,"number":"2222HH7","state":"BY","owner_first_name":"Sergey","owner_last_name":"Ivanov"}],"list":{"id":3,"name":"GSM","level":2}}],"object":{"color":{"value":"gray","reliability":0.98652285},"object_type":{"value":"car","reliability":0.99994373}},"reliability":0.9884001},'"$tail"
	printf '%s\n' "$filled" >P
	fill "$head"'"LineCrossed","module":"KX.Perimeter","source_name":"x","level":1,"start_time":1685973361368,"end_time":1685973369197,"params":{},'"$tail"
	printf '%s\n' "$filled" >O
}

# big: @BIG:N@ of the input becomes N letters, which no script could hold.
big() {
	local text n
	text=$(cat)
	if [[ $text =~ @BIG:([0-9]+)@ ]]; then
		n=${BASH_REMATCH[1]}
		printf '%s' "${text%"@BIG:$n@"*}"
		head -c "$n" /dev/zero | tr '\0' A
		text=${text#*"@BIG:$n@"}
	fi
	printf '%s\n' "$text"
}

# made EVENT SCRIPT >FILE: the changed event, or the record itself.
made() {
	fill "$2"
	if [ "$1" = R ]; then
		printf '%b' "$filled"
	else
		# sed's own file, for a script may be longer than an argument.
		printf '%s\n' "$filled" >script
		LC_ALL=C sed -f script "$1" | big
	fi
}

rows() {
	grep -v '^#' "$KX_SRCDIR/tests/data/rules.tsv"
}

@test "the events that are changed are good, in every profile" {
	make_events
	for event in F P; do
		status_is 0 kx-validate "$event"
		same "$event" out
		empty err
		status_is 0 kx-validate -pstrict "$event"
		same "$event" out
	done
	status_is 0 kx-validate -penvelope O
	same O out
}

@test "each rule: what breaks it is found, what comes close is not" {
	local rule options severity event breaks near n=0 status
	make_events
	while IFS=$'\t' read -r rule options severity event breaks near; do
		n=$((n + 1))
		[ -n "$near" ] || fail "row $n, $rule, is short"
		[ "$options" != - ] || options=
		made "$event" "$breaks" >broken
		made "$event" "$near" >close
		if [ "$event" != R ]; then
			! cmp -s broken "$event" ||
				fail "$rule: nothing is changed by $breaks"
			! cmp -s close "$event" ||
				fail "$rule: nothing is changed by $near"
		fi
		status=0
		# shellcheck disable=SC2086 # none or one
		kx-validate $options --rejects=rejects broken >out 2>err ||
			status=$?
		grep -aq "^kx-validate: broken:[0-9:]* $severity: .*\[$rule\]\$" \
			err || fail "$rule ($options): not found by: $breaks" \
			"$(head -c 2000 err)"
		# In is passed and rejected together, and only an error rejects.
		if [ "$severity" = error ]; then
			[ "$status" -eq 1 ] && [ -s rejects ] ||
				fail "$rule: not refused"
		fi
		if ! grep -aq ' error: ' err; then
			[ "$status" -eq 0 ] || fail "$rule: status $status"
			[ ! -s rejects ]
			same broken out
		fi
		# shellcheck disable=SC2086
		kx-validate -q $options close 2>err || [ $? -eq 1 ]
		! grep -aq "\[$rule\]\$" err ||
			fail "$rule ($options): found in what only comes close: $near" \
			"$(head -c 2000 err)"
	done < <(rows)
	[ "$n" -gt 150 ]
}

@test "no rule without what breaks it, and none that is not" {
	kx-validate --list-rules --diagnostics=json | jq -r .rule | sort >rules
	rows | cut -f1 | sort -u >tried
	diff rules tried >difference || fail "$(<difference)"
	# A severity that is tried is that of the table, where no option says
	# otherwise.
	kx-validate --list-rules --diagnostics=json |
		jq -r '[.rule, .severity.compatible, .severity.strict,
		    .severity.envelope] | @tsv' >severities
	rows | while IFS=$'\t' read -r rule options severity event _; do
		column=2
		[ "$options" != -pstrict ] || column=3
		[ "$event" != O ] || column=4
		awk -F'\t' -v r="$rule" -v c="$column" -v s="$severity" \
			'$1 == r { exit !($c == s || $4 == s) }' severities ||
			fail "$rule $options: $severity"
	done
}

@test "each rule has what is behind it, in text and in JSON" {
	kx-validate --list-rules --diagnostics=json >rules
	jq -se 'all(.summary != "" and (.document | length) > 2 and
	    (.sent | length) > 2 and (.done | length) > 9)' rules
	jq -r .rule rules | while read -r rule; do
		kx-validate --explain="$rule" >out
		[ "$(head -n 1 out)" = "$rule" ] || fail "$rule: $(<out)"
		says out '^The document says$'
		says out '^What is sent$'
		says out '^What is done$'
		awk 'length > 80 { exit 1 }' out || fail "$rule: a long line"
	done
	kx-validate --explain=level-range --diagnostics=json | jq -e \
		'.rule == "level-range" and .severity.strict == "error"'
	status_is 2 kx-validate --explain=levels
	says err 'no rule .levels.'
}
