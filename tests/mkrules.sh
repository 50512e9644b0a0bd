#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The part of kx-validate(1) that explains the rules, from what the program
# itself says of them: `make regen' puts it into the manual, docs.bats holds
# the manual to it.
#
# usage: mkrules.sh FOLDER-OF-THE-PROGRAMS [MANUAL]
# With MANUAL its part between the two marks is replaced; else that part is
# printed.
set -euo pipefail

if [ $# -gt 1 ]; then
	made=$(mktemp)
	trap 'rm -f "$made"' EXIT
	{
		sed '/^\.\\" rules: begin/q' "$2"
		"$0" "$1"
		sed -n '/^\.\\" rules: end/,$p' "$2"
	} >"$made"
	cat "$made" >"$2"
	exit
fi

echo '.Bl -tag -width Ds'
"$1/kx-validate" --list-rules --diagnostics=json | jq -r '
def mdoc: gsub("\\\\"; "\\e") |
    gsub("(?<b>[.!?]) (?<n>[A-Z])"; .b + "\n" + .n) |
    split("\n") | map(if test("^[.\u0027]") then "\\&" + . else . end) |
    join("\n");
def word: if . == "none" then "-" else . end;
".It Sy \(.rule)",
("Compatible: \(.severity.compatible | word), strict: \(.severity.strict |
    word), envelope: \(.severity.envelope | word)" +
    {said: "; the schema says it.", beyond: ".", text: "."}[.schema]),
".br",
(.summary | mdoc),
".br",
("The document: " + .document | mdoc),
".br",
("Sent: " + .sent | mdoc),
".br",
("Done: " + .done | mdoc)'
cat <<'end'
.El
.Ss What JSON Schema cannot say
The printed schema holds every rule that is marked above, completely, where it
is an error.
It cannot say the rules about the text itself, which come before any schema,
and these:
end
"$1/kx-validate" --list-rules --diagnostics=json |
	jq -rs 'map(select(.schema == "beyond") | .rule) |
	    (.[:-1][] | ".Sy \(.) ,"), ".Sy \(.[-1]) ."'
