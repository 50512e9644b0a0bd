# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154,SC2094
# What is written down agrees with the programs: option tables with --help,
# manuals and completions; rules.def and fields.def with their manuals.

load helper

tools=(kx-validate kx-filter kx-to-csv kx-extract-snapshots kx-replay)

setup() {
	kx_setup
}

# words TOOL: its options, "--name" and "-x", a line each, sorted.
words() {
	"$1" --dump-options |
		awk -F '\t' '{ print "--" $2; if ($1 != "") print "-" $1 }' |
		sort -u
}

# agrees WHAT A B: two lists are the same, or say where they are not.
agrees() {
	diff "$2" "$3" >difference ||
		fail "$1 ($2 <, $3 >):" "$(<difference)"
}

# value FILE.def MACRO N: the Nth string of each row, with the pieces of a
# string put together.
values() {
	grep -v '^ \*' "$1" | tr '\n' ' ' | sed 's/" *"\([^,]\)/\1/g' |
		grep -o "$2([A-Z0-9_, ]*\"[^\"]*\"[^)]*)" |
		awk -F '"' -v n="$3" '{ print $(2 * n) }'
}

@test "--help has every option, and no other" {
	for tool in "${tools[@]}"; do
		words "$tool" >table
		"$tool" --help |
			sed -nE 's/^  ( -?|-(.),) +--([a-z-]+).*/--\3\n-\2/p' |
			sed '/^-$/d' | sort -u >help
		[ -s help ]
		agrees "$tool --help" table help
	done
}

@test "each manual has every option, and no other" {
	for tool in "${tools[@]}"; do
		manual=$KX_SRCDIR/cmd/$tool.1
		[ -f "$manual" ] || fail "no $tool.1"
		words "$tool" >table
		sed -n 's/^\.It \(.*Fl.*\)/\1/p' "$manual" |
			grep -oE 'Fl (Fl )?[A-Za-z-]+' |
			sed 's/^Fl Fl /--/; s/^Fl /-/' | sort -u >manual
		agrees "$tool.1" table manual
		# One that is talked about is one that there is.
		grep -oE '\bFl Fl [a-z-]+' "$manual" | sed 's/Fl Fl /--/' |
			sort -u | comm -23 - table >unknown
		empty unknown
	done
}

@test "each choice of an option is in its manual" {
	for tool in "${tools[@]}"; do
		"$tool" --dump-options | awk -F '\t' '$3 ~ /[|]/ {
			gsub(/^\[=|\]$/, "", $3); n = split($3, c, "|")
			for (i = 1; i <= n; i++) print $2, c[i] }' >choices
		while read -r option choice; do
			grep -qE "(Cm|Sy|Li|Ar) \"?$choice\b" \
				"$KX_SRCDIR/cmd/$tool.1" ||
				fail "$tool.1: --$option=$choice is missing"
		done <choices
	done
}

@test "kx(7) has the options of every tool" {
	for tool in "${tools[@]}"; do
		words "$tool" >words."$tool"
	done
	cp words.kx-validate table
	for tool in "${tools[@]}"; do
		comm -12 table words."$tool" >common
		mv common table
	done
	sed -n 's/^\.It \(.*Fl.*\)/\1/p' "$KX_SRCDIR/cmd/kx.7" |
		grep -oE 'Fl (Fl )?[A-Za-z-]+' |
		sed 's/^Fl Fl /--/; s/^Fl /-/' | sort -u >manual
	comm -23 table manual >missing
	empty missing
	sort -um words.* | comm -13 - manual >unknown
	empty unknown
}

@test "the completions are what mkcompletions.sh makes" {
	"$KX_SRCDIR/tests/mkcompletions.sh" "$KX_BUILDDIR" made
	for file in made/*/*; do
		cmp "$file" "$KX_SRCDIR/completions/${file#made/}" ||
			fail "${file#made/} is old: run make regen"
	done
	(cd "$KX_SRCDIR/completions" && find . -mindepth 2 -type f) | sort >committed
	(cd made && find . -mindepth 2 -type f) | sort >all
	agrees completions committed all
}

# complete_bash TOOL WORD...: what bash would offer, a line each.
complete_bash() {
	bash --norc -c '
		compopt() { :; }
		. "$1/completions/bash/$2"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		"_${1//-/_}"
		printf "%s\n" "${COMPREPLY[@]}"
	' - "$KX_SRCDIR" "$@"
}

@test "bash completes options, choices and files" {
	touch 'a log' yonder
	for tool in "${tools[@]}"; do
		complete_bash "$tool" --fram >out
		[ "$(<out)" = --framing= ] || fail "$tool: $(<out)"
		complete_bash "$tool" --framing = >out
		[ "$(tr '\n' ' ' <out)" = 'auto lines seq concat ' ]
		complete_bash "$tool" --framing = l >out
		[ "$(<out)" = lines ]
		complete_bash "$tool" --diagnostics j >out
		[ "$(<out)" = json ]
		complete_bash "$tool" 'a' >out
		[ "$(<out)" = 'a log' ] || fail "$tool: $(<out)"
		complete_bash "$tool" --rejects = y >out
		[ "$(<out)" = yonder ]
		complete_bash "$tool" -- --fram >out
		[ -z "$(<out)" ]
	done
}

@test "bash completes topics, levels and states, and each item of a list" {
	complete_bash kx-filter --topic = P >out
	[ "$(<out)" = PlateMatched ]
	complete_bash kx-filter --level = low,hi >out
	[ "$(<out)" = low,high ]
	complete_bash kx-filter --min-level c >out
	[ "$(<out)" = critical ]
	complete_bash kx-filter --state = BY,AZ,UNK >out
	[ "$(<out)" = BY,AZ,UNKNOWN ]
	# all that the field table has
	complete_bash kx-filter --state = '' | sort >out
	tr '\n' ' ' <"$KX_SRCDIR/lib/fields.def" | sed 's/" *"\([^,]\)/\1/g' |
		grep -oE '"plate.state", *"[^"]*", *[A-Z]+, *[A-Z]+, *0, *0, *"[^"]*"' |
		awk -F '"' '{ print $6 }' | tr ' ' '\n' | sort >states
	[ "$(wc -l <states)" -eq 47 ]
	agrees 'completions of --state' states out
	# two words behind one option
	complete_bash kx-filter --arg >out
	[ "$(tr '\n' ' ' <out)" = '--arg --argjson ' ]
	for shell in zsh/_kx-filter fish/kx-filter.fish; do
		for word in PlateMatched critical UNKNOWN; do
			grep -q "$word" "$KX_SRCDIR/completions/$shell"
		done
	done
}

@test "zsh and fish take the completions" {
	for shell in zsh fish; do
		command -v $shell >/dev/null || continue
		found=1
		for file in "$KX_SRCDIR"/completions/"$shell"/*; do
			$shell -n "$file"
		done
	done
	[ -n "${found-}" ] || skip "neither is installed"
}

@test "kx-validate(1) explains every rule as the program does" {
	"$KX_SRCDIR/tests/mkrules.sh" "$KX_BUILDDIR" >rules
	[ "$(grep -c '^\.It Sy' rules)" -gt 90 ]
	sed '1,/^\.\\" rules: begin/d;/^\.\\" rules: end/,$d' \
		"$KX_SRCDIR/cmd/kx-validate.1" >manual
	agrees 'kx-validate.1 (make regen)' rules manual
}

# rules_used TOOL: the names of rules in what makes its findings, in string
# literals: what is passed to run_finding() and its like, or stands in a table.
rules_used() {
	local files=("$KX_SRCDIR/cmd/$1.c")
	[ "$1" != kx-filter ] || files+=("$KX_SRCDIR/cmd/filter.c")
	[ "$1" != kx-extract-snapshots ] ||
		files+=("$KX_SRCDIR/lib/extract.c" "$KX_SRCDIR/lib/frame.c")
	cat "${files[@]}" | tr -s '\t\n' '  ' | sed 's/; /;\n/g; s/}, /},\n/g' |
		grep -E 'KX_SEV_|KX_FRAME_|KX_BASE64_' |
		grep -oE '[,(?:] *"[a-z0-9]+(-[a-z0-9]+)*"' |
		tr -cd 'a-z0-9\n-' | sort -u
}

@test "every rule that a tool names is in rules.def or in its manual" {
	values "$KX_SRCDIR/lib/rules.def" KX_RULE 1 >rules
	[ "$(wc -l <rules)" -gt 20 ]
	for tool in "${tools[@]}"; do
		# Under DIAGNOSTICS, as an item of the list.
		sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh [^D]/p' \
			"$KX_SRCDIR/cmd/$tool.1" | sed -n 's/^\.It Sy //p' |
			tr -d ' ' | tr , '\n' | sort -u >manual."$tool"
		rules_used "$tool" >used."$tool"
		comm -23 used."$tool" manual."$tool" | grep -vxFf rules >unknown ||
			true
		[ ! -s unknown ] || fail "$tool.1 has no" "$(<unknown)"
	done
	# What is looked for is found.
	for word in kx-filter:program-error kx-replay:receiver-gone \
		kx-replay:retry kx-to-csv:replaced-character \
		kx-extract-snapshots:image-empty \
		kx-extract-snapshots:image-base64-form \
		kx-extract-snapshots:image-damaged; do
		grep -qx "${word#*:}" used."${word%:*}" ||
			fail "$word is not found in the source"
	done
	# And no manual explains one that is not made.
	for tool in "${tools[@]}"; do
		comm -13 used."$tool" manual."$tool" >unknown
		[ ! -s unknown ] || fail "$tool.1 explains" "$(<unknown)"
	done
}

@test "kx-event(5) has every field, and no other" {
	values "$KX_SRCDIR/lib/fields.def" KX_FIELD 1 >fields
	[ "$(wc -l <fields)" -gt 40 ]
	sed -n 's/^\.It Va \([a-z][A-Za-z._]*\).*/\1/p' \
		"$KX_SRCDIR/cmd/kx-event.5" >manual
	agrees 'kx-event.5, in the order of fields.def' fields manual
	values "$KX_SRCDIR/lib/fields.def" KX_FIELD 2 |
		sed 's,\*,[],g' >pointers
	while read -r pointer; do
		grep -qF "$pointer" "$KX_SRCDIR/cmd/kx-event.5" ||
			fail "kx-event.5 has no $pointer"
	done <pointers
	values "$KX_SRCDIR/lib/fields.def" KX_ALIAS 1 |
		sed 's,\*,[],g' >aliases
	[ -s aliases ]
	while read -r pointer; do
		grep -qF "$pointer" "$KX_SRCDIR/cmd/kx-event.5" ||
			fail "kx-event.5 has no alias $pointer"
	done <aliases
}

@test "kx-event(5) has every value of every closed set" {
	tr '\n' ' ' <"$KX_SRCDIR/lib/fields.def" | sed 's/" *"\([^,]\)/\1/g' |
		grep -oE 'KX_FIELD\([A-Z]+, [A-Z_]+, *"[^"]*", *"[^"]*", *[A-Z]+, *[A-Z]+, *[-0-9.]+, *[-0-9.]+, *"[^"]+"' |
		awk -F '"' '{ n = split($6, v, " ")
			for (i = 1; i <= n; i++) print $2, v[i] }' >values
	[ "$(wc -l <values)" -gt 70 ]
	while read -r field value; do
		sed -n "/^\.It Va $field\$/,/^\.It Va/p" \
			"$KX_SRCDIR/cmd/kx-event.5" |
			grep -qwF -- "$value" ||
			fail "kx-event.5: $field has no $value"
	done <values
}

@test "the limits in kx(7) are those of base.h" {
	base=$KX_SRCDIR/include/kx/base.h
	depth=$(sed -n 's/^#define KX_MAX_DEPTH \([0-9]*\)$/\1/p' "$base")
	[ "$depth" -gt 0 ]
	grep -qw "$depth" "$KX_SRCDIR/cmd/kx.7"
	grep -q 'KX_MAX_RECORD_DEFAULT ((size_t)256 << 20)' "$base"
	grep -q '256 MiB' "$KX_SRCDIR/cmd/kx.7"
	grep -q 'KX_MAX_RECORD_LIMIT ((size_t)2 << 30)' "$base"
	grep -q '2 GiB' "$KX_SRCDIR/cmd/kx.7"
}

@test "the manuals pass mandoc's lint and name pages that there are" {
	command -v mandoc >/dev/null || skip "mandoc is not installed"
	for page in "$KX_SRCDIR"/cmd/*.[1-8]; do
		mandoc -T lint -W warning "$page" >lint || fail "$(<lint)"
		empty lint
		sed -n 's/^\.Xr \(kx[a-z-]*\) \([0-9]\).*/\1.\2/p' "$page" |
		while read -r other; do
			[ -f "$KX_SRCDIR/cmd/$other" ] ||
				fail "${page##*/} names $other"
		done
	done
}

@test "README's pipeline prints what README shows" {
	[ -x "$KX_TESTDIR/genlog" ] || skip "no genlog"
	"$KX_SRCDIR/tests/demo.sh" --log | zstd -q >log.ndjson.zst
	python3 "$KX_SRCDIR/tests/receiver.py" port 3>&- &
	wait_for 10 test -s port
	sed "s/127.0.0.1:8080/127.0.0.1:$(<port)/" "$KX_SRCDIR/README.md" >README
	"$KX_SRCDIR/tests/transcript.py" README 'A pipeline' >differs ||
		fail "$(<differs)"
	kill %1
}
