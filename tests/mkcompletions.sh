#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# mkcompletions.sh PROGRAMS COMPLETIONS: write the completions of bash, zsh and
# fish into the folder COMPLETIONS, from what the programs in the folder
# PROGRAMS say of their options (--dump-options: letter, name, argument, help,
# offers; an argument is FILE, DIR, a|b|c, [=a|b|c], two with a blank between
# them, or something that only the user knows; offers are words for it, of a
# LIST for each of its items).  `make regen' runs it; the results are committed.
set -eu

if [ $# -ne 2 ]; then
	echo "usage: $0 PROGRAMS COMPLETIONS" >&2
	exit 2
fi
programs=$1
to=$2
tab=$(printf '\t')

# What all three awk programs begin with.
# shellcheck disable=SC2016
common='
BEGIN { FS = "\t"; name = tool; gsub(/-/, "_", name) }
# "a|b|c" and "[=a|b|c]" as "a b c"; "" where there is no choice.
function choices(arg) {
	if (arg !~ /[|]/)
		return ""
	gsub(/^\[=|\]$/, "", arg)
	gsub(/[|]/, " ", arg)
	return arg
}
function optional(arg) { return arg ~ /^\[/ }
function two(arg) { return arg ~ /^[A-Z]+ [A-Z]+$/ }
'

# shellcheck disable=SC2016
bash_awk=$common'
function add(list, word) { return list == "" ? word : list " " word }
{
	both = $1 == "" ? "--" $2 : "-" $1 "|--" $2
	if ($1 != "")
		words = add(words, "-" $1)
	words = add(words, "--" $2 ($3 == "" || optional($3) || two($3) ? \
	    "" : "="))
	if (optional($3))
		words = add(words, "--" $2 "=")
	if ($3 == "")
		next
	if (optional($3))
		cases = cases "\t--" $2 "=)\n"
	else
		cases = cases "\t" both "|--" $2 "=)\n"
	if (choices($3) != "")
		cases = cases "\t\tmapfile -t COMPREPLY < <(compgen -W \\\n" \
		    "\t\t\t\047" choices($3) "\047 -- \"$cur\")\n"
	else if ($5 != "" && $3 == "LIST")
		cases = cases "\t\tcompopt -o nospace\n" \
		    "\t\tmapfile -t COMPREPLY < <(compgen -P \"$before\" -W \\\n" \
		    "\t\t\t\047" $5 "\047 -- \"${cur##*,}\")\n"
	else if ($5 != "")
		cases = cases "\t\tmapfile -t COMPREPLY < <(compgen -W \\\n" \
		    "\t\t\t\047" $5 "\047 -- \"$cur\")\n"
	else if ($3 == "FILE" || $3 == "DIR")
		cases = cases "\t\tcompopt -o filenames\n" \
		    "\t\tmapfile -t COMPREPLY < <(compgen " \
		    ($3 == "DIR" ? "-d" : "-f") " -- \"$cur\")\n"
	else
		cases = cases "\t\t# what only the user knows\n"
	cases = cases "\t\treturn ;;\n"
}
END {
	print "# shellcheck shell=bash"
	print "# " tool ": made by tests/mkcompletions.sh; edit the program."
	print "_" name "() {"
	print "\tlocal cur=${COMP_WORDS[COMP_CWORD]} option=\047\047 word i"
	print "\tCOMPREPLY=()"
	print "\t# bash takes --name=value for three words."
	print "\tif [[ $cur == = ]]; then"
	print "\t\toption=${COMP_WORDS[COMP_CWORD - 1]}="
	print "\t\tcur=\047\047"
	print "\telif ((COMP_CWORD > 1)) &&"
	print "\t\t[[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then"
	print "\t\toption=${COMP_WORDS[COMP_CWORD - 2]}="
	print "\telse"
	print "\t\toption=${COMP_WORDS[COMP_CWORD - 1]}"
	print "\tfi"
	print "\tfor ((i = 1; i < COMP_CWORD; i++)); do"
	print "\t\tword=${COMP_WORDS[i]}"
	print "\t\t[[ $word != -- ]] || option=--"
	print "\tdone"
	if (cases ~ /\$before/) {
		print "\t# Of a list, the items before the last."
		print "\tlocal before=${cur%\"${cur##*,}\"}"
	}
	print "\tcase $option in"
	printf "%s", cases
	print "\tesac"
	print "\tif [[ $cur == -* && $option != -- ]]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -W \\"
	print "\t\t\t\047" words "\047 -- \"$cur\")"
	print "\t\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace"
	print "\telse"
	print "\t\tcompopt -o filenames"
	print "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"
	print "\tfi"
	print "}"
	print "complete -F _" name " " tool
}'

# shellcheck disable=SC2016
zsh_awk=$common'
BEGIN {
	print "#compdef " tool
	print "# Made by tests/mkcompletions.sh; edit the program."
	print "_arguments -s -S \\"
}
{
	help = $4
	gsub(/\047/, "\047\\\047\047", help)
	gsub(/\[/, "\\[", help)
	gsub(/\]/, "\\]", help)
	gsub(/:/, "\\:", help)
	if ($3 == "")
		what = ""
	else if (choices($3) != "")
		what = (optional($3) ? "::" : ":") $2 ":(" choices($3) ")"
	else if ($5 != "" && $3 == "LIST")
		what = ":" $3 ":_sequence compadd - " $5
	else if ($5 != "")
		what = ":" $3 ":(" $5 ")"
	else if (two($3))
		what = ":" substr($3, 1, index($3, " ") - 1) ": :" \
		    substr($3, index($3, " ") + 1) ": "
	else if ($3 == "FILE")
		what = ":" $3 ":_files"
	else if ($3 == "DIR")
		what = ":" $3 ":_files -/"
	else
		what = ":" $3 ": "
	join = $3 == "" || two($3) ? "" : optional($3) ? "=-" : "="
	if ($1 == "")
		printf "  \047--%s%s[%s]%s\047 \\\n", $2, join, help, what
	else
		printf "  \047(-%s --%s)\047{-%s%s,--%s%s}\047[%s]%s\047 \\\n", \
		    $1, $2, $1, $3 == "" ? "" : "+", $2, join, help, what
}
END { print "  \047*:FILE:_files\047" }'

# shellcheck disable=SC2016
fish_awk=$common'
BEGIN { print "# " tool ": made by tests/mkcompletions.sh; edit the program." }
{
	help = $4
	gsub(/[\\\047]/, "\\\\&", help)
	printf "complete -c %s%s -l %s", tool, $1 == "" ? "" : " -s " $1, $2
	if (choices($3) != "")
		printf " %s -a \047%s\047", optional($3) ? "-f" : "-x", choices($3)
	else if ($5 != "" && $3 == "LIST")
		printf " -x -a \047(__fish_append , %s)\047", $5
	else if ($5 != "")
		printf " -x -a \047%s\047", $5
	else if ($3 == "FILE")
		printf " -r -F"
	else if ($3 == "DIR")
		printf " -x -a \047(__fish_complete_directories)\047"
	else if ($3 != "")
		printf " -x"
	printf " -d \047%s\047\n", help
}'

mkdir -p "$to/bash" "$to/zsh" "$to/fish"
for tool in kx-validate kx-extract-snapshots kx-filter kx-to-csv kx-replay; do
	options=$("$programs/$tool" --dump-options)
	case $options in
	*"$tab"*) ;;
	*)
		echo "$0: $tool says nothing of its options" >&2
		exit 1
		;;
	esac
	printf '%s\n' "$options" |
		awk -v tool="$tool" "$bash_awk" >"$to/bash/$tool"
	printf '%s\n' "$options" |
		awk -v tool="$tool" "$zsh_awk" >"$to/zsh/_$tool"
	printf '%s\n' "$options" |
		awk -v tool="$tool" "$fish_awk" >"$to/fish/$tool.fish"
done
