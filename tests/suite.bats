# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154,SC2094,SC2016
# What every tool must do, looped over all five: options, statuses, framings,
# compression, and what happens when reading or writing goes wrong.

load helper

# --- the tools ---

tools=(kx-validate kx-filter kx-to-csv kx-extract-snapshots kx-replay)
# Results on standard output.
writers=(kx-validate kx-filter kx-to-csv kx-replay)
# Pass events on as they are.
passers=(kx-validate kx-filter kx-replay)
# Have -o FILE for one result.
savers=(kx-validate kx-filter kx-to-csv kx-extract-snapshots kx-replay)
# Have --rejects=FILE.
rejecters=(kx-validate kx-filter kx-to-csv kx-extract-snapshots kx-replay)

# main TOOL [ARG]...: its main job.  Pictures go to ./frames.
main() {
	local tool=$1
	shift
	case $tool in
	kx-validate) kx-validate "$@" ;;
	kx-filter) kx-filter "${FILTER:---min-level=0}" "$@" ;;
	kx-to-csv) kx-to-csv "$@" ;;
	kx-extract-snapshots)
		rm -rf frames && kx-extract-snapshots -C frames "$@" ;;
	kx-replay) kx-replay --speed=max "$@" ;;
	esac
}

# save TOOL FILE [ARG]...: the result goes to FILE.
save() {
	local tool=$1 file=$2
	shift 2
	case $tool in
	kx-filter) kx-filter --min-level=0 -o "$file" "$@" ;;
	kx-replay) kx-replay --speed=max -o "$file" "$@" ;;
	*) "$tool" -o "$file" "$@" ;;
	esac
}

# saved TOOL: a name that its -o takes.
saved() {
	case $1 in
	kx-extract-snapshots) echo result.tar ;;
	*) echo result ;;
	esac
}

# The status for a record that cannot be used, when others can.
bad_status() {
	case $1 in
	kx-filter) echo 2 ;;
	*) echo 1 ;;
	esac
}

# The status for an empty input.
empty_status() {
	case $1 in
	kx-filter) echo 1 ;;
	*) echo 0 ;;
	esac
}

# Pictures found, without the manifest, which says where they came from.
pictures() {
	(cd frames && find . -type f ! -name 'manifest*' -exec sha256sum {} + |
		LC_ALL=C sort)
}

# result NAME STATUS TOOL [ARG]...: run; its result to ./NAME, pictures
# included, standard error to ./NAME.err.  Standard input passes through.
result() {
	local name=$1 want=$2 got=0
	shift 2
	main "$@" >"$name" 2>"$name.err" || got=$?
	[ "$1" != kx-extract-snapshots ] || pictures >>"$name"
	[ "$got" -eq "$want" ] || fail "status $got, not $want: $*" \
		"$(head -c 2000 "$name.err")"
}

# The tool was built with AddressSanitizer, which wants memory of its own.
sanitized() {
	grep -q __asan_init "$KX_BUILDDIR/$1"
}

has_option() {
	"$1" --dump-options | cut -f 2 | grep -qx -- "$2"
}

setup() {
	kx_setup
}

teardown() {
	# shellcheck disable=SC2046
	[ -z "$(jobs -p)" ] || kill $(jobs -p) 2>/dev/null || true
}

# --- options ---

@test "--help and --version go to standard output, in 80 columns, status 0" {
	for tool in "${tools[@]}"; do
		for option in --help -h --version -V; do
			status_is 0 "$tool" "$option"
			empty err
			[ -s out ] || fail "$tool $option prints nothing"
			awk -v t="$tool" 'length > 80 { print t ": " $0; bad = 1 }
				END { exit bad }' out >&2
		done
		status_is 0 "$tool" --help
		says out "^Usage: $tool "
		says out '^  -j, --jobs=N '
		says out '--framing=auto\|lines\|seq\|concat'
		status_is 0 "$tool" --version
		says out "^$tool \(kx\) [0-9]+\.[0-9]+"
	done
}

@test "bad usage: one message that names the tool, the way to --help, 2" {
	event 1 >in
	for tool in "${tools[@]}"; do
		for args in --no-such-option -% --jobs --jobs=0 --jobs=1025 \
			--jobs=x --jobs=-1 --jobs= -j --framing=x --framing= \
			--diagnostics=xml --max-record=0 --max-record=1X \
			--max-record=3G --base-line=0 --base-line=1x \
			--base-offset=-1 --base-offset=99999999999999999999 \
			--quiet=yes --progress=maybe --help=x; do
			status_is 2 main "$tool" "$args" in
			empty out
			[ "$(wc -l <err)" -eq 2 ] || fail "$tool $args: $(<err)"
			says err "^$tool: .+"
			says err "^Try '$tool --help' for more information\.$"
		done
	done
}

@test "long options may be abbreviated, operands may come first, -- ends" {
	events 2 >in
	cp in ./--version
	for tool in "${tools[@]}"; do
		result want 0 "$tool" --jobs=1 in
		result got 0 "$tool" in --job=1
		same want got
		result got 0 "$tool" --fram=lines in --diag=text
		same want got
		result got 0 "$tool" --source=x -- --version
		same want got
		status_is 2 main "$tool" --base=1 in
		says err 'any of --base-offset --base-line'
		status_is 0 "$tool" --vers
		says out "^$tool \(kx\)"
	done
}

@test "POSIXLY_CORRECT ends options at the first operand" {
	events 2 >in
	cp in ./--jobs=1
	for tool in "${tools[@]}"; do
		main "$tool" in --source=x >out 2>err
		POSIXLY_CORRECT=1 main "$tool" in --jobs=1 >out 2>err ||
			fail "$tool: $(<err)"
		if [ "$tool" = kx-validate ]; then
			[ "$(wc -l <out)" -eq 4 ] || fail "--jobs=1 was no file"
		fi
	done
}

@test "KX_KERNEL: an unknown one is refused, the others agree" {
	tried=0
	events 5 >in
	printf '{"a":\xff}\n{"b":"\\u12"}\n[1,2\n' >>in
	for tool in "${tools[@]}"; do
		KX_KERNEL=abacus status_is 2 main "$tool" in
		one_line err
		says err "^$tool: .*KX_KERNEL.*abacus"
		empty out
		bad=$(bad_status "$tool")
		KX_KERNEL='' result want "$bad" "$tool" in
		for kernel in scalar avx2 avx512 neon; do
			KX_KERNEL=$kernel kx-validate </dev/null 2>/dev/null ||
				continue
			tried=$((tried + 1))
			KX_KERNEL=$kernel result got "$bad" "$tool" in
			same want got
			same want.err got.err
		done
	done
	[ "$tried" -ge 5 ]
}

@test "-q: errors are still printed; kx-validate -q prints findings alone" {
	event 1 >in
	event 2 | sed 's/"end_time":[0-9]*/"end_time":null/' >>in
	printf '{"a":}\n' >>in
	for tool in "${tools[@]}"; do
		status_is "$(bad_status "$tool")" main "$tool" -q in
		says err "^$tool: in:3:6: error: "
	done
	status_is 1 kx-validate -q in
	empty out
	says err '^kx-validate: in:2:[0-9]+: warning: .*\[end-time-null\]$'
}

# --- input ---

@test "standard input, -, FILE and several files give one output" {
	events 6 >in
	head -n 2 in >a
	tail -n +3 in >b
	: >none
	for tool in "${tools[@]}"; do
		result want 0 "$tool" in
		result got 0 "$tool" <in
		same want got
		result got 0 "$tool" - <in
		same want got
		result got 0 "$tool" a b
		same want got
		result got 0 "$tool" a none - <b
		same want got
		result got 0 "$tool" < <(while IFS= read -r line; do
			printf %s "${line:0:700}"
			sleep 0.01
			printf '%s\n' "${line:700}"
		done <in)
		same want got
	done
}

@test "an empty input is no trouble" {
	: >none
	printf '\n\n' >blank
	printf '\xef\xbb\xbf' >bom
	for tool in "${tools[@]}"; do
		for file in none blank bom /dev/null; do
			result out "$(empty_status "$tool")" "$tool" "$file"
			empty out.err
		done
		if [ "$tool" != kx-to-csv ]; then
			empty out
		fi
	done
}

@test "a missing file is named, the others are read, 2" {
	events 2 >a
	event 3 >b
	cat a b >ab
	for tool in "${tools[@]}"; do
		result want 0 "$tool" ab
		result got 2 "$tool" a 'no such' b
		one_line got.err
		says got.err "^$tool: no such: No such file or directory$"
		same want got
		result got 2 "$tool" a b 'log (2)=[x] > y'
		says got.err "^$tool: log .*: No such file or directory$"
		same want got
	done
}

@test "a directory or an unreadable file as input: a message, 2" {
	mkdir dir
	event 1 >in
	for tool in "${tools[@]}"; do
		result want 0 "$tool" in
		result got 2 "$tool" dir in
		one_line got.err
		says got.err "^$tool: dir: Is a directory$"
		same want got
		status_is 2 main "$tool" <dir
		one_line err
		says err "^$tool: .*stdin.*: Is a directory$"
	done
}

@test "every framing gives the same events" {
	events 4 >in
	sed 's/$/\r/' in >crlf
	printf '\xef\xbb\xbf' | cat - in >bom
	sed 's/$/\n\n \t/' in >blank
	head -c -1 in >unended
	sed 's/^/\x1e/' in >seq
	tr -d '\n' <in >concat
	# Insignificant white space alone is added: no string holds `,', `{', `['.
	sed 's/[{,[]/&\n\t /g' in >pretty
	(echo '['; sed '$!s/$/,/' in; echo ']') >array
	(printf '['; tr '\n' , <in | head -c -1; printf ']') >tight
	for tool in "${tools[@]}"; do
		result want 0 "$tool" in
		empty want.err
		if [[ " ${passers[*]} " = *" $tool "* ]]; then
			same in want
		fi
		for file in crlf bom blank unended seq concat pretty array tight
		do
			result got 0 "$tool" "$file"
			same want got
			empty got.err
			result got 0 "$tool" - <"$file"
			same want got
		done
		for file in crlf bom blank unended; do
			result got 0 "$tool" --framing=lines "$file"
			same want got
		done
		result got 0 "$tool" --framing=seq seq
		same want got
		for file in in concat pretty array tight; do
			result got 0 "$tool" --framing=concat "$file"
			same want got
		done
	done
}

# packed FORMAT: standard input, packed, to standard output.
packed() {
	case $1 in
	gzip) gzip -cn ;;
	zstd) zstd -qc ;;
	xz) xz -c ;;
	bzip2) bzip2 -c ;;
	lz4) lz4 -qc ;;
	esac
}

@test "gzip, zstd, xz, bzip2 and lz4 are read, several members too" {
	events 6 >in
	head -n 3 in >a
	tail -n +4 in >b
	found=0
	for format in gzip zstd xz bzip2 lz4; do
		command -v "$format" >/dev/null || continue
		found=$((found + 1))
		packed $format <in >packed
		(packed $format <a; packed $format <b) >members
		for tool in "${tools[@]}"; do
			result want 0 "$tool" in
			for file in packed members; do
				result got 0 "$tool" "$file"
				same want got
				result got 0 "$tool" <"$file"
				same want got
				result got 0 "$tool" < <(cat "$file")
				same want got
			done
		done
	done
	[ $found -gt 0 ] || skip "no compression program"
}

@test "a compressed file that is cut or damaged: a message, 2" {
	plain_events 200 >in
	event 1 >>in
	event 2 >good
	found=0
	for format in gzip zstd xz bzip2 lz4; do
		command -v "$format" >/dev/null || continue
		found=$((found + 1))
		packed $format <in >packed
		size=$(stat -c %s packed)
		head -c $((size * 2 / 3)) packed >torn
		head -c -1 packed >short
		# A run of bytes in the middle turned over.
		(head -c $((size / 2)) packed
		tail -c +$((size / 2 + 1)) packed | head -c 16 |
			tr '\000-\377' '\200-\377\000-\177'
		tail -c +$((size / 2 + 17)) packed) >damaged
		[ "$(stat -c %s damaged)" -eq "$size" ]
		for tool in "${tools[@]}"; do
			for file in torn short damaged; do
				got=0
				main "$tool" $file good >out 2>err || got=$?
				[ "$got" -eq 2 ] ||
					fail "$tool $format $file: $got"
				says err "^$tool: $file"
			done
			# The file behind it is read all the same.
			if [[ " ${passers[*]} " = *" $tool "* ]]; then
				tail -n 1 out >last
				same good last
			fi
		done
	done
	[ $found -gt 0 ] || skip "no compression program"
}

# --- records that are no events ---

@test "a bad line costs no good one, is named with its place, and is kept" {
	event 1 >g1
	event 2 >g2
	event 3 >g3
	printf '{"a":01}\n' >b1
	printf '{"a":"\xc0\xaf"}\r\n' >b2
	printf '{"a":"\\q"} \n' >b3
	printf '{"a":NaN}\n' >b4
	printf '{} {}\n' >b5
	printf '{"a":"x\0y"}\n' >b6
	cat g1 b1 b2 g2 b3 b4 b5 b6 g3 >in
	cat b1 b2 b3 b4 b5 b6 >bad
	cat g1 g2 g3 >good
	for tool in "${tools[@]}"; do
		result want 0 "$tool" --framing=lines good
		result got "$(bad_status "$tool")" "$tool" --framing=lines \
			--rejects=kept in
		same want got
		same bad kept
		[ "$(wc -l <got.err)" -ge 6 ] || fail "$tool: $(<got.err)"
		for line in 2:6 3:7 5:7 6:6 7:4 8:8; do
			says got.err "^$tool: in:$line: error: .* \[[a-z0-9-]+\]$"
		done
		says_not got.err ' in:[149]:'
	done
}

@test "a torn last line is told apart" {
	event 1 >in
	event 2 | head -c 300 >torn
	cp in want
	cat torn >>in
	for tool in "${tools[@]}"; do
		result good 0 "$tool" want
		result got "$(bad_status "$tool")" "$tool" --rejects=kept in
		same good got
		says got.err "^$tool: in:2:[0-9]+: error: .*\[truncated-record\]$"
		same torn kept
	done
}

@test "an empty rejects file is made where nothing was rejected" {
	event 1 >in
	for tool in "${rejecters[@]}"; do
		echo old >kept
		result out 0 "$tool" --rejects=kept in
		[ -e kept ]
		empty kept
	done
}

@test "--max-record: a longer record is skipped and reported" {
	event 1 >g1
	event 2 >g2
	awk 'BEGIN { printf "{\"a\":\""; for (i = 0; i < 20000; i++)
		printf "0123456789"; print "\"}" }' >long
	cat g1 long g2 >in
	cat g1 g2 >good
	for tool in "${tools[@]}"; do
		for framing in lines concat; do
			result want 0 "$tool" --framing=$framing good
			result got "$(bad_status "$tool")" "$tool" \
				--framing=$framing --max-record=64K \
				--rejects=kept in
			same want got
			[ "$(grep -c 'record-too-long' got.err)" -eq 1 ] ||
				fail "$tool: $(<got.err)"
			says got.err \
				"^$tool: in:2:1: error: .*\[record-too-long\]$"
		done
		result got "$(bad_status "$tool")" "$tool" --framing=lines \
			--max-record=64K --rejects=kept in
		same long kept
		# At its very length it is not too long.
		size=$(($(stat -c %s g1) - 1))
		result got 0 "$tool" --framing=lines --max-record=$size g1
		result got "$(bad_status "$tool")" "$tool" --framing=lines \
			--max-record=$((size - 1)) g1
	done
}

@test "--source, --base-offset and --base-line give a record's place" {
	event 1 >in
	printf '{"a":}\n' >>in
	size=$(event 1 | wc -c)
	for tool in "${tools[@]}"; do
		bad=$(bad_status "$tool")
		status_is "$bad" main "$tool" --source=whole.log \
			--base-offset=10000 --base-line=500 in
		says err "^$tool: whole\.log:501:6: error: "
		status_is "$bad" main "$tool" --source=whole.log \
			--diagnostics=json --base-offset=10000 --base-line=500 in
		jq -e --argjson off $((10000 + size + 5)) 'select(.rule) |
			.file == "whole.log" and .line == 501 and .column == 6
			and .offset == $off' err >/dev/null || fail "$(<err)"
		status_is "$bad" main "$tool" <in
		says err "^$tool: \(stdin\):2:6: error: "
	done
}

@test "--diagnostics=json: an object a line, the same findings" {
	printf '{"a":"\xff"}\n{"b":"\t"}\nnull,\n{"c":"\x1b[31m"}\n' >in
	for tool in "${tools[@]}"; do
		bad=$(bad_status "$tool")
		status_is "$bad" main "$tool" --diagnostics=json in
		cp err json
		jq -e . json >/dev/null || fail "$(<json)"
		[ "$(jq -c . json | wc -l)" -eq "$(wc -l <json)" ]
		main "$tool" in >out 2>text || true
		jq -r 'select(.line) | "\(.tool): \(.file):\(.line):\(.column): \(.severity): \(if .pointer then .pointer + ": " else "" end)\(.message) [\(.rule)]"' \
			json >again
		grep -a ': in:[0-9]' text >found
		same found again
		main "$tool" --diagnostics=json 'no such' >out 2>json || true
		jq -e '.severity == "error" and (.message |
			test("no such: No such file"))' json >/dev/null ||
			fail "$(<json)"
	done
}

@test "no message holds a raw byte of the input or is over 999 bytes" {
	# Escapes, an override of direction, a C1 control, in names and values.
	evil=$'a\e[31m\x9b\u202e\u0085b'
	key=$(head -c 3000 /dev/zero | tr '\0' k)
	{
		printf '{"%s":"%s","%s":1,"level":7,"topic":"%s","a":}\n' \
			"$evil" "$evil" "$key" "$evil"
		printf '{"\u202e%s\u0085":{"%s":{"a":1,"a":2}},"event_id":"\u202e","topic":"\u202e\\u001b[0m","module":"\\u009b","id":"\\n"}\n' \
			"$key" "$key"
		printf '\e[31m{"a":1}\n'
		printf '"\u202e"\n'
		printf '{"topic":"%s"}\n' "$key"
	} >in
	name=$'evil\e[31m\u202e\xff\nname'
	cp in "$name"
	long=$(head -c 240 /dev/zero | tr '\0' '\377')
	cp in "$long"
	for tool in "${tools[@]}"; do
		for form in text json; do
			got=0
			main "$tool" --diagnostics=$form in "$name" "$long" \
				$'missing\e7\n\u202e' "$long/x" \
				>out 2>err || got=$?
			[ "$got" -eq 2 ] || fail "$tool: status $got"
			[ -s err ]
			awk -v t="$tool" 'length > 998 { print t ": long: " $0
				bad = 1 } END { exit bad }' err >&2
			if LC_ALL=C grep -aq $'[\x01-\x09\x0b-\x1f\x7f]' err; then
				fail "control bytes: $tool" "$(cat -v err)"
			fi
			iconv -f UTF-8 -t UTF-8 err >/dev/null ||
				fail "no UTF-8: $tool" "$(cat -v err)"
			for bad in $'\u202e' $'\u0085' $'\u009b'; do
				! grep -Fq "$bad" err || fail "$tool $form"
			done
			if [ $form = json ]; then
				jq -e . err >/dev/null || fail "$(<err)"
			else
				! grep -v "^$tool: " err ||
					fail "$tool: a message in two lines"
			fi
		done
	done
	status_is 2 kx-validate --$'\e[31mx\xff'
	says_not err $'\e|\xff'
}

@test "numbers of any size, and any nesting up to the limit, pass" {
	long=$(head -c 5000 /dev/zero | tr '\0' 7)
	event 1 | sed "s/\"level\":1/&,\"x\":[1e400,-0.0,1E-400,$long,\
9007199254740993,0.1e+0005]/" >in
	event 2 | sed 's/"level":1/&,"x":@/' | awk '{
		for (i = 0; i < 1000; i++) { a = a "["; b = b "]" }
		sub(/@/, a b); print }' >>in
	event 3 >>in
	for tool in "${tools[@]}"; do
		result got 0 "$tool" in
		if [[ " ${passers[*]} " = *" $tool "* ]]; then
			same in got
		fi
	done
	FILTER='.level >= 0' result got 0 kx-filter in
	same in got
}

@test "nesting 100,000 deep on a stack of 256 KiB is reported" {
	! sanitized kx-validate || skip "AddressSanitizer needs more stack"
	event 1 >g1
	event 2 >g2
	for open in '[' '{"a":'; do
		awk -v o="$open" 'BEGIN { for (i = 0; i < 100000; i++)
			printf "%s", o; print "" }' >deep
		close=']'
		[ "$open" = '[' ] || close='1}'
		awk -v o="$open" -v c="$close" 'BEGIN {
			for (i = 0; i < 100000; i++) printf "%s", o
			for (i = 0; i < 100000; i++) {
				printf "%s", c; sub(/^1/, "", c)
			}
			print "" }' >closed
		cat g1 deep closed g2 >in
		for tool in "${tools[@]}"; do
			bad=$(bad_status "$tool")
			result want 0 "$tool" g1 g2
			(ulimit -s 256
			result got "$bad" "$tool" --framing=lines -j 2 in)
			same want got
			says got.err "^$tool: in:3:[0-9]+: error: .*\[too-deep\]$"
			got=0
			(ulimit -s 256
			main "$tool" --framing=concat in >out 2>err) || got=$?
			[ $got -eq "$bad" ] || fail "$tool concat: $got"
		done
	done
}

@test "every -j and every kernel: the same bytes, on a log full of faults" {
	[ -x "$KX_TESTDIR/genlog" ] || skip "genlog was not built"
	"$KX_TESTDIR/genlog" --seed=7 --size=4M --broken -o in
	for tool in "${tools[@]}"; do
		KX_KERNEL=scalar main "$tool" -j 1 --rejects=kept1 in \
			>out1 2>err1 || true
		[ "$tool" != kx-extract-snapshots ] || pictures >>out1
		[ -s err1 ]
		for jobs in 1 2 4 9; do
			main "$tool" -j $jobs --rejects=kept in \
				>out 2>err || true
			[ "$tool" != kx-extract-snapshots ] || pictures >>out
			cmp out1 out
			cmp err1 err
			cmp kept1 kept
		done
	done
}

# --- output ---

@test "/dev/full: one message and 2, for results, --help and --version" {
	event 1 >in
	for tool in "${tools[@]}"; do
		for option in --help --version; do
			got=0
			"$tool" "$option" >/dev/full 2>err || got=$?
			[ $got -eq 2 ] || fail "$tool $option: $got"
			one_line err
			says err "^$tool: .*: No space left on device$"
		done
	done
	plain_events 2000 >many
	for tool in "${writers[@]}"; do
		for file in in many; do
			got=0
			main "$tool" $file >/dev/full 2>err || got=$?
			[ $got -eq 2 ] || fail "$tool $file: $got"
			one_line err
			says err "^$tool: .*: No space left on device$"
		done
	done
	for tool in "${savers[@]}"; do
		[ "$tool" != kx-extract-snapshots ] || continue
		status_is 2 save "$tool" /dev/full in
		one_line err
		says err "^$tool: .*/dev/full: .*No space left on device$"
	done
	for tool in "${rejecters[@]}"; do
		echo '{' >bad
		got=0
		main "$tool" --rejects=/dev/full bad >out 2>err || got=$?
		[ $got -eq 2 ] || fail "$tool --rejects: $got"
		says err "^$tool: .*/dev/full: .*No space left on device$"
	done
}

@test "a closed standard output: one message and 2 where output is due" {
	event 1 >in
	for tool in "${tools[@]}"; do
		for option in --help --version; do
			got=0
			"$tool" "$option" >&- 2>err || got=$?
			[ $got -eq 2 ] || fail "$tool $option: $got"
			one_line err
		done
	done
	for tool in "${writers[@]}"; do
		got=0
		main "$tool" in >&- 2>err || got=$?
		[ $got -eq 2 ] || fail "$tool: $got"
		one_line err
		says err "^$tool: .*: Bad file descriptor$"
	done
	# Nothing is due: no fault.
	for tool in kx-validate kx-filter kx-extract-snapshots kx-replay; do
		got=0
		main "$tool" /dev/null >&- 2>err || got=$?
		[ $got -eq "$(empty_status "$tool")" ] || fail "$tool: $got"
		empty err
	done
	for tool in "${savers[@]}"; do
		file=$(saved "$tool")
		save "$tool" "$file" in
		mv "$file" want
		got=0
		save "$tool" "$file" in >&- 2>err || got=$?
		[ $got -eq 0 ] || fail "$tool -o: $got" "$(<err)"
		empty err
		same want "$file"
	done
}

@test "closed descriptors never divert text into a file" {
	event 1 >in
	printf '{"a":}\n' >>in
	for tool in "${savers[@]}"; do
		bad=$(bad_status "$tool")
		file=$(saved "$tool")
		got=0
		save "$tool" "$file" --rejects=kept in 2>/dev/null || got=$?
		[ $got -eq "$bad" ]
		mv "$file" want
		mv kept want.kept
		for how in 0 1 2 01 02 12 012; do
			got=0
			(
				[[ $how != *0* ]] || exec 0<&-
				[[ $how != *1* ]] || exec 1>&-
				[[ $how != *2* ]] || exec 2>&-
				save "$tool" "$file" --rejects=kept in \
					--progress=always
			) >out 2>err || got=$?
			[ $got -eq "$bad" ] || fail "$tool without $how: $got"
			same want "$file"
			same want.kept kept
			rm "$file" kept
		done
	done
	# A closed standard input cannot be read.
	for tool in "${tools[@]}"; do
		got=0
		main "$tool" <&- >out 2>err || got=$?
		[ $got -eq 2 ] || fail "$tool without input: $got"
		one_line err
	done
}

@test "a reader that goes away ends the tool by SIGPIPE, silently" {
	events 3 >some
	for tool in "${writers[@]}"; do
		timeout 60 env --default-signal=PIPE bash -c '
			tool=$1
			case $tool in
			kx-validate) set -- kx-validate --ignore=redelivered ;;
			kx-filter) set -- kx-filter --min-level=0 ;;
			kx-replay) set -- kx-replay --speed=max ;;
			esac
			while cat some 2>/dev/null; do :; done |
				"$@" 2>err | head -n 1 >out
			echo "${PIPESTATUS[1]}" >status' - "$tool"
		[ "$(<status)" = 141 ] || fail "$tool: $(<status) $(<err)"
		empty err
		one_line out
	done
}

@test "with SIGPIPE ignored: one message and 2" {
	plain_events 2000 >in
	for tool in "${writers[@]}"; do
		(
			trap '' PIPE
			got=0
			main "$tool" in 2>err || got=$?
			echo $got >status
		) | head -n 1 >out
		[ "$(<status)" = 2 ] || fail "$tool: $(<status) $(<err)"
		one_line err
		says err "^$tool: .*: Broken pipe$"
	done
}

@test "a pipe that goes quiet has been answered" {
	for tool in "${writers[@]}"; do
		for jobs in 1 4; do
			rm -f pipe out
			mkfifo pipe
			main "$tool" -j $jobs <pipe >out 2>err 3>&- &
			exec 9>pipe
			for i in 1 2 3; do
				event $i >&9
				want=$i
				[ "$tool" != kx-to-csv ] || want=$((i + 1))
				wait_for 20 eval '[ "$(wc -l <out)" -eq '$want' ]' ||
					fail "$tool -j $jobs: event $i"
			done
			exec 9>&-
			wait $!
		done
	done
	for tool in kx-validate kx-filter; do
		rm -f pipe out
		mkfifo pipe
		main "$tool" <pipe >out 2>err 3>&- &
		exec 9>pipe
		# The first line says that it is a text a line.
		event 1 >&9
		echo '{"a":' >&9
		wait_for 20 test -s err || fail "$tool: no finding"
		exec 9>&-
		wait $! || true
	done
}

@test "-o appears whole or not at all" {
	events 40 >in
	for tool in "${savers[@]}"; do
		mkdir "$tool"
		file=$tool/$(saved "$tool")
		# It replaces what was there, and keeps its permissions.
		echo old >"$file"
		chmod 640 "$file"
		status_is 0 save "$tool" "$file" in
		empty out
		[ -s "$file" ]
		[ "$(head -c 3 "$file")" != old ] || fail "$tool: still old"
		[ "$(stat -c %a "$file")" = 640 ]
		no_leftovers "$tool"
		# A file that may not grow.
		echo old >"$file"
		got=0
		(ulimit -f 8; save "$tool" "$file" in >out 2>err) || got=$?
		[ $got -eq 2 ] || fail "$tool: $got"
		says err "^$tool: .*: File too large$"
		one_line err
		[ "$(<"$file")" = old ] || fail "$tool: not what it was"
		no_leftovers "$tool"
		# A folder that is not there.
		status_is 2 save "$tool" "$tool/none/$(saved "$tool")" in
		one_line err
		says err "^$tool: .*: No such file or directory$"
		# Input that is not all there: what could be used is kept.
		got=0
		save "$tool" "$file" in 'no such' >out 2>err || got=$?
		[ $got -eq 2 ]
		no_leftovers "$tool"
	done
}

@test "SIGINT, SIGTERM and SIGHUP: temporaries gone, nothing final, by signal" {
	events 3 >some
	for tool in "${savers[@]}"; do
		for signal in TERM:143 HUP:129 INT:130; do
			rm -rf dir pipe
			mkdir dir
			mkfifo pipe
			# bash starts background jobs with SIGINT ignored.
			case $tool in
			kx-validate) set -- "$tool" --ignore=redelivered ;;
			kx-filter) set -- "$tool" --min-level=0 ;;
			kx-replay)
				# The first SIGINT lets it end in order.
				[ $signal != INT:130 ] || continue
				set -- "$tool" --speed=max
				;;
			*) set -- "$tool" ;;
			esac
			env --default-signal=INT,TERM,HUP "$@" --rejects=dir/kept \
				-o "dir/$(saved "$tool")" \
				<pipe >out 2>err 3>&- &
			pid=$!
			exec 9>pipe
			cat some some >&9
			wait_for 20 eval \
				'[ -n "$(find dir -name ".kept.??????")" ]'
			[ ! -e "dir/$(saved "$tool")" ]
			kill -"${signal%:*}" $pid
			got=0
			wait $pid || got=$?
			exec 9>&-
			[ $got -eq "${signal#*:}" ] || fail "$tool: $got"
			[ -z "$(ls -A dir)" ] || fail "$tool: $(ls -A dir)"
			empty err
		done
	done
}

@test "a signal to kx-extract-snapshots -C or kx-replay leaves whole files" {
	events 4 >some
	kx-extract-snapshots -C whole some
	for tool in kx-extract-snapshots kx-replay; do
		rm -rf dir pipe
		mkdir dir
		mkfifo pipe
		case $tool in
		kx-replay) set -- "$tool" --speed=max ;;
		*) set -- "$tool" -C dir/frames ;;
		esac
		"$@" --rejects=dir/kept <pipe >out 2>err 3>&- &
		pid=$!
		exec 9>pipe
		cat some >&9
		wait_for 20 eval '[ -n "$(find dir -name ".kept.??????")" ]'
		sleep 0.2
		kill $pid
		got=0
		wait $pid || got=$?
		exec 9>&-
		[ $got -eq 143 ] || fail "$tool: $got"
		[ ! -e dir/kept ]
		no_leftovers dir
		[ ! -d dir/frames ] ||
		for file in dir/frames/*; do
			[ ! -e "$file" ] || same "$file" "whole/${file##*/}"
		done
	done
}

@test "nohup: an ignored SIGHUP stays ignored" {
	event 1 >in
	for tool in "${writers[@]}"; do
		rm -f pipe
		mkfifo pipe
		(trap '' HUP
		case $tool in
		kx-filter) exec kx-filter --min-level=0 ;;
		kx-replay) exec kx-replay --speed=max ;;
		*) exec "$tool" ;;
		esac) <pipe >out 2>err 3>&- &
		pid=$!
		exec 9>pipe
		cat in >&9
		wait_for 20 test -s out
		kill -HUP $pid
		cat in >&9
		exec 9>&-
		wait $pid || fail "$tool: $?"
		[ "$(wc -l <out)" -ge 2 ]
	done
}

# --- long work ---

@test "--progress goes to standard error, by default only to a terminal" {
	plain_events 3000 >in
	for tool in "${tools[@]}"; do
		has_option "$tool" progress || continue
		main "$tool" in >want 2>quiet || [ "$tool" = kx-extract-snapshots ]
		main "$tool" --progress=never in >out 2>err ||
			[ "$tool" = kx-extract-snapshots ]
		same want out
		same quiet err
		for option in --progress --progress=always; do
			main "$tool" $option in >out 2>err ||
				[ "$tool" = kx-extract-snapshots ]
			same want out
			says err '[0-9]'
			[ "$(wc -c <err)" -gt "$(wc -c <quiet)" ]
		done
	done
}

# peak FILE-OF-STATUS COMMAND...: the most memory it had, in KiB.
peak() {
	python3 -c '
import resource, subprocess, sys
with open("/dev/null", "wb") as null:
    status = subprocess.call(sys.argv[1:], stdout=null, stderr=null)
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
' "$@"
}

@test "memory does not grow with the log, from a file or a pipe" {
	! sanitized kx-validate || skip "AddressSanitizer keeps what is freed"
	plain_events 10000 >piece
	cat piece piece >small
	cat small small small small small small small small >large
	for tool in "${writers[@]}"; do
		case $tool in
		kx-filter) set -- "$tool" --min-level=0 -j 2 ;;
		kx-replay) set -- "$tool" --speed=max -j 2 ;;
		*) set -- "$tool" -j 2 ;;
		esac
		read -r status small < <(peak "$@" small)
		[ "$status" -eq 0 ]
		read -r status large < <(peak "$@" large)
		[ "$status" -eq 0 ]
		read -r status piped < <(peak "$@" - <large)
		[ "$status" -eq 0 ]
		[ $((large - small)) -lt 8192 ] ||
			fail "$tool: $small KiB, then $large"
		[ "$large" -lt 65536 ] || fail "$tool: $large KiB"
		[ "$piped" -lt 65536 ] || fail "$tool: $piped KiB from a pipe"
	done
}

@test "little memory: a message and a status, never a crash" {
	! sanitized kx-validate || skip "AddressSanitizer needs memory"
	events 20 >in
	awk 'BEGIN { printf "{\"a\":\""; for (i = 0; i < 2000000; i++)
		printf "0123456789"; print "\"}" }' >>in
	event 1 >>in
	for tool in "${tools[@]}"; do
		# 127: the loader could not even start it.
		for kib in 48000 56000 64000 80000 96000 128000; do
			got=0
			(ulimit -v $kib; main "$tool" -j 1 in >out 2>err) ||
				got=$?
			case $got in
			0 | 1) says_not err 'memory' ;;
			2) says err "^$tool: .*memory" ;;
			127) says err "^$tool: error while loading" ;;
			*) fail "$tool with $kib KiB: $got" "$(<err)" ;;
			esac || fail "$tool with $kib KiB: $got"
		done
	done
}

@test "the worst status wins" {
	event 1 >good
	echo '{' >bad
	for tool in "${tools[@]}"; do
		status_is 0 main "$tool" good
		status_is "$(bad_status "$tool")" main "$tool" good bad
		status_is "$(bad_status "$tool")" main "$tool" bad good
		status_is 2 main "$tool" 'no such' bad good
		status_is 2 main "$tool" bad 'no such' good
	done
	status_is 1 kx-filter --min-level=3 good
	empty err
}

@test "two results in the same file are refused, before anything is read" {
	events 1 >some
	printf 'old\n' >both
	for tool in kx-validate kx-filter kx-to-csv; do
		set -- "$tool"
		[ "$tool" != kx-filter ] || set -- kx-filter --min-level=0
		run -2 "$@" -o both --rejects=./both some
		[[ $output == *"name the same file"* ]] || fail "$output"
		[ "$(cat both)" = old ]
		run -0 "$@" -o /dev/null --rejects=/dev/null some
	done
	run -2 kx-extract-snapshots -o both.zip --rejects=both.zip some
	run -2 kx-extract-snapshots -C dir --manifest=m.csv --rejects=m.csv some
	[ ! -e dir ]
}
