#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The printed JSON Schema and kx-validate say the same of every event, by the
# word of validators that others wrote.

load helper
load rules

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	make_corpus
	export KX_CORPUS=$BATS_FILE_TMPDIR/corpus
}

setup() {
	kx_setup
	ln -s "$KX_CORPUS" corpus
}

peers=$KX_SRCDIR/tests/peers/node_modules

# A Python that has jsonschema for this draft.
find_python() {
	local py
	for py in python3 /usr/bin/python3; do
		if "$py" -c 'import jsonschema; jsonschema.Draft202012Validator' \
			2>/dev/null; then
			echo "$py"
			return
		fi
	done
}

# Events of all kinds, a line each: every fixture, a log with every fault that
# the maker of logs knows, and a sound one.
make_corpus() {
	local event breaks near file
	make_events
	{
		cat F P O
		while IFS=$'\t' read -r _ _ _ event breaks near; do
			[[ $event != R && $breaks != *@BIG:* ]] || continue
			made "$event" "$breaks"
			made "$event" "$near"
		done < <(rule_rows)
		for file in "$KX_SRCDIR"/tests/data/*.json; do
			jq -c . "$file" 2>/dev/null || true
		done
		if [ -x "$KX_TESTDIR/genlog" ]; then
			"$KX_TESTDIR/genlog" --seed=3 --events=300 --broken
			echo
			"$KX_TESTDIR/genlog" --seed=4 --events="${KX_AGREE_EVENTS:-200}"
		fi
	} >corpus
}

# verdicts PROFILE: of the corpus' lines, those that kx-validate refuses for a
# rule that the schema says (bad), and those that are compared (asked).  Not
# compared is what two parsers read differently: what is no JSON text, names
# that stand twice, integers that a double cannot hold or that JSON Schema
# takes for integers and kx does not.
verdicts() {
	kx-validate -q --framing=lines -p "$1" --diagnostics=json \
		--images=skip corpus 2>found || [ $? -eq 1 ]
	kx-validate --list-rules --diagnostics=json >rules
	jq -rn --slurpfile rules rules '
		($rules | map({key: .rule, value: .schema}) | from_entries) as $s |
		inputs | select(.rule != null) |
		select(.severity == "error" and $s[.rule] == "said") | .line' \
		found | sort -nu >bad
	jq -rn --slurpfile rules rules '
		($rules | map({key: .rule, value: .schema}) | from_entries) as $s |
		inputs | select(.rule != null) |
		select($s[.rule] == "text" or
		    (.rule | test("^duplicate-key|^integer-spelling")) or
		    (.rule == "precision-risk" and (.message | test("no double")))) |
		.line' found | sort -nu >skipped
	# Blank lines and a byte order mark are none of a parser's business.
	grep -avn '^[[:space:]]*{' corpus | cut -d: -f1 | sort -nu - skipped |
		sort -u >not_asked
	seq "$(grep -c '' corpus)" | sort | comm -23 - not_asked >asked
	sort bad | comm -12 - asked >ours
}

# compare NAME PROFILE: ./theirs has the lines that the other one refuses.
compare() {
	sort theirs | comm -12 - asked >yours
	[ -s ours ] || fail "$2: nothing is refused"
	diff ours yours >difference || fail "$1, $2: kx-validate <, $1 >" \
		"$(head -n 5 difference)" "$(sed -n 's/^[<>] //p' difference |
		head -n 3 | while read -r n; do
			sed -n "${n}p" corpus | head -c 1500
			grep "\"line\":$n," found
		done)"
}

@test "ajv refuses what kx-validate refuses, event by event" {
	command -v node >/dev/null || skip "no node"
	[ -d "$peers/ajv" ] || skip "no ajv (bootstrap --peers)"
	[ "$(grep -c '' corpus)" -gt 300 ]
	for profile in compatible strict envelope; do
		kx-validate --print-schema=$profile >schema.json
		node "$KX_SRCDIR/tests/agree.mjs" "$peers" schema.json corpus >theirs
		verdicts $profile
		compare ajv $profile
	done
}

@test "python3-jsonschema refuses what kx-validate refuses, event by event" {
	py=$(find_python)
	[ -n "$py" ] || skip "no python3-jsonschema"
	for profile in compatible strict envelope; do
		kx-validate --print-schema=$profile >schema.json
		"$py" "$KX_SRCDIR/tests/agree.py" schema.json corpus >theirs
		verdicts $profile
		compare jsonschema $profile
	done
}

@test "the schema follows the severities that are in force" {
	kx-validate --print-schema >a
	kx-validate --print-schema=compatible >b
	same a b
	kx-validate --profile=strict --print-schema >a
	kx-validate --print-schema=strict >b
	same a b
	kx-validate --print-schema --error=age-range >a
	jq -e '.. | objects | select(has("age")) | .age.maximum == 99' a
	kx-validate --print-schema --ignore=coordinate-range >a
	[ -z "$(jq '.. | objects | select(has("latitude")) |
		.latitude.maximum // empty' a)" ]
	for profile in compatible strict envelope; do
		kx-validate --print-schema=$profile | jq -e \
			'."$schema" == "https://json-schema.org/draft/2020-12/schema"'
	done
}
