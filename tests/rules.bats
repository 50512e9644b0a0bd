#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2154 # bats sets stderr
# Each rule of rules.def, both ways: tests/data/rules.tsv has what breaks it
# and what comes close and does not.

load helper
load rules

setup() {
	kx_setup
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
	done < <(rule_rows)
	[ "$n" -gt 150 ]
}

@test "no rule without what breaks it, and none that is not" {
	kx-validate --list-rules --diagnostics=json | jq -r .rule | sort >rules
	rule_rows | cut -f1 | sort -u >tried
	diff rules tried >difference || fail "$(<difference)"
	# A severity that is tried is that of the table, where no option says
	# otherwise.
	kx-validate --list-rules --diagnostics=json |
		jq -r '[.rule, .severity.compatible, .severity.strict,
		    .severity.envelope] | @tsv' >severities
	rule_rows | while IFS=$'\t' read -r rule options severity event _; do
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
