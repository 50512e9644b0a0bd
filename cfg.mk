# SPDX-License-Identifier: GPL-3.0-or-later
# make syntax-check: what we hold ourselves to, as rules.  Each sc_ rule prints
# the lines that offend; `ok NAME' or `not ok NAME' follows, and any `not ok'
# makes the whole fail.  For GNU make and bash, in a checkout or in an unpacked
# release.

srcdir ?= .
builddir ?= .
CC ?= cc
SHELL = bash
.ONESHELL:
export LC_ALL = C.UTF-8

rules := $(sort $(shell sed -n 's/^\(sc_[a-z_0-9]*\):.*/\1/p' \
  '$(srcdir)/cfg.mk'))

syntax-check:
	@fails=0
	for rule in $(rules); do
	  out=$$($(MAKE) -s --no-print-directory -f '$(srcdir)/cfg.mk' \
	    srcdir='$(srcdir)' builddir='$(builddir)' CC='$(CC)' $$rule 2>&1)
	  rc=$$?
	  if test $$rc = 0 && test -z "$$out"
	  then echo "ok $$rule"
	  else fails=1; printf '%s\n' "$$out"; echo "not ok $$rule"; fi
	done
	exit $$fails
.PHONY: syntax-check $(rules)

# Blank comments and the contents of literals, keeping lines and columns; each
# line is led by file and number.
define code_awk
{
	out = ""; n = length($$0); i = 1
	while (i <= n) {
		c = substr($$0, i, 1); d = substr($$0, i, 2)
		if (in_comment) {
			if (d == "*/") { in_comment = 0; out = out "  "; i += 2 }
			else { out = out " "; i++ }
		} else if (d == "/*") {
			in_comment = 1; out = out "  "; i += 2
		} else if (d == "//") {
			i = n + 1
		} else if (c == "\"" || c == "\047") {
			q = c; out = out q; i++
			while (i <= n && (c = substr($$0, i, 1)) != q) {
				if (c == "\\") { out = out " "; i++ }
				out = out " "; i++
			}
			out = out q; i++
		} else { out = out c; i++ }
	}
	print FILENAME ":" FNR ": " (/^[ \t]*#[ \t]*include/ ? $$0 : out)
}
endef
export code_awk

# What the rules share.  files REGEX: the files of the tree whose names match,
# what git knows or would add, or all where there is no git.  each REGEX
# FUNCTION: call it for each file.  code FILE: without comments and literals.
# show FILE: name the file on each line of grep -n.
define prelude
cd '$(srcdir)' || exit
files()
{
	if test -e .git; then
		git ls-files --cached --others --exclude-standard
	else
		find . -type f | sed 's,^\./,,'
	fi | grep -v -E -e '^(lib/gnulib|build-aux|autom4te.cache)/' \
	    -e '^(configure|aclocal.m4|config.h.in|Makefile.in|Makefile)~?$$' |
	grep -E -e "$$1" | sort -u
}
each()
{
	files "$$1" | while IFS= read -r f; do
		test ! -f "$$f" || "$$2" "$$f"
	done
	true
}
code() { awk "$$code_awk" "$$1"; }
show() { sed "s,^,$$1:,"; }
c_files='^(lib|cmd|include|tests)/.*\.(c|h|def)$$'
our_c='^(lib|cmd|include)/.*\.(c|h|def)$$'
lib_c='^(lib|include)/.*\.(c|h|def)$$'
manuals='^cmd/.*\.[1-8]$$'
scripts='\.(sh|bash|bats|py|mk|ac|am)$$|^(bootstrap(\.conf)?|\.ci/run)$$'
ours="$$c_files|$$manuals|$$scripts|^\.clang-format$$"
texts="$$ours|\.md$$|^NEWS$$"
endef

# --- files ----------------------------------------------------------------

# The licence, in the first line (the second, after #!).
sc_spdx:
	@$(prelude)
	check() {
		case $$1 in
		lib/*.[ch] | lib/*.def | include/*) want=LGPL-2.1-or-later ;;
		tests/data/* | tests/regress/*) return ;;
		*) want=GPL-3.0-or-later ;;
		esac
		sed 2q "$$1" | grep -q "SPDX-License-Identifier: $$want" ||
			echo "$$1: no SPDX line for $$want"
	}
	each "$$ours" check

sc_trailing_blanks:
	@$(prelude)
	check() {
		case $$1 in tests/data/* | tests/regress/*) return ;; esac
		grep -n -E '[[:blank:]]$$' "$$1" | show "$$1"
		test -z "$$(tail -c 1 "$$1")" || echo "$$1: no newline at its end"
		test -n "$$(tail -n 1 "$$1")" || echo "$$1: empty line at its end"
	}
	each "$$texts" check

# Tables of test cases may be wider than code.
sc_columns:
	@$(prelude)
	check() {
		case $$1 in tests/*) most=100 ;; *) most=80 ;; esac
		expand "$$1" | grep -n -E "^.{$$most}." | show "$$1"
	}
	each '^(lib|cmd|include|tests)/.*\.[ch]$$' check

sc_tabs:
	@$(prelude)
	check() { grep -n '^        ' "$$1" | show "$$1"; }
	each "$$our_c" check

sc_executable:
	@$(prelude)
	check() {
		if test "$$(head -c 2 "$$1")" = '#!'; then
			test -x "$$1" || echo "$$1: has #!, is not executable"
		else
			test ! -x "$$1" || echo "$$1: executable without #!"
		fi
	}
	each '\.sh$$|^(bootstrap|\.ci/run)$$' check

# Work that is not done belongs in an issue; a path of one machine, nowhere.
sc_leftovers:
	@$(prelude)
	check() {
		test "$$1" != cfg.mk || return
		grep -n -w -E 'TODO|FIXME|XXX' "$$1" | show "$$1"
		grep -n -E '[.][.]/shared|(^|[^[:alnum:]_.])/(work|home)/' "$$1" |
			show "$$1"
	}
	each "$$texts" check

# A file that no local.mk names is neither built nor run nor released.
sc_listed:
	@$(prelude)
	check() {
		case $$1 in
		tests/data/* | tests/regress/*) return ;;
		cmd/kx-*.c | tests/unit/*.c | tests/fuzz/*.c) name=$${1%.c} ;;
		*) name=$$1 ;;
		esac
		cat ./*/local.mk | grep -q -F -- "$$name" ||
			echo "$$1: in no local.mk"
	}
	each "$$c_files|^tests/[^/]*\.bats$$|$$manuals" check

# --- C --------------------------------------------------------------------

sc_config_first:
	@$(prelude)
	check() {
		grep -m 1 '^#include' "$$1" | grep -q '<config.h>' ||
			echo "$$1: <config.h> is not the first include"
	}
	each '^(lib|cmd)/.*\.c$$' check

# Functions that overflow, are not safe in threads, or run what they are told.
sc_refused_functions:
	@$(prelude)
	names='strcpy|stpcpy|strcat|sprintf|vsprintf|strncpy|strncat|strtok|gets'
	names+='|atoi|atol|atoll|atof|gmtime|localtime|ctime|asctime'
	names+='|system|popen|mktemp|tmpnam|tempnam|alloca|longjmp'
	check() {
		code "$$1" |
		    grep -E "(^|[^_[:alnum:]])($$names)[[:blank:]]*\("
	}
	each "$$c_files" check

# Integers are read in num.c alone, where they are checked.
sc_strtol:
	@$(prelude)
	names='strto(u?l|u?ll|[iu]max)|sscanf'
	check() {
		test "$$1" != lib/num.c || return
		code "$$1" |
		    grep -E "(^|[^_[:alnum:]])($$names)[[:blank:]]*\("
	}
	each "$$our_c" check

# The library prints nothing and ends nobody's process.
sc_lib_silent:
	@$(prelude)
	names='exit|abort|perror|printf|vprintf|puts|putchar|err|errx|verr|warn'
	names+='|warnx|getopt|getopt_long'
	check() {
		code "$$1" | grep -E -e "(^|[^_.>[:alnum:]])($$names)[[:blank:]]*\(" \
		    -e '(^|[^_[:alnum:]])std(err|out)([^_[:alnum:]]|$$)'
	}
	each "$$lib_c" check

# No static that can change, in a function or outside.
sc_lib_statics:
	@$(prelude)
	types='unsigned|signed|struct|enum|bool|char|int|long|size_t|ssize_t|FILE'
	types+='|u?int[0-9]+_t|_Thread_local|volatile|_Atomic'
	check() {
		code "$$1" | grep -E \
		    "^[^:]*:[0-9]*:[[:blank:]]*static[[:blank:]]+($$types)[[:blank:]*][^(]*[;=]"
	}
	each "$$lib_c" check

# The same, asked of the objects where there are any: nothing in a section
# that can be written.  (Sanitizers add sections of their own.)
sc_lib_data:
	@cd '$(builddir)' && test -f lib/libkx.a || exit 0
	! nm lib/libkx*.a 2>/dev/null |
	    grep -q -E '__(asan|ubsan|sanitizer|gcov)' || exit 0
	! objdump -t lib/libkx*.a | grep -E \
	    '[[:blank:]]\.(data|bss|tdata|tbss)(\.[^r][^[:blank:]]*)?[[:blank:]]+0*[1-9a-f][0-9a-f]*[[:blank:]]'

sc_headers_alone:
	@$(prelude)
	check() {
		echo "#include \"$${1#include/}\"" | $(CC) -std=gnu17 -Wall \
		    -Wextra -Werror -Iinclude -fsyntax-only -x c -
	}
	each '^include/kx/.*\.h$$' check

sc_header_guards:
	@$(prelude)
	check() {
		g=KX_$$(basename "$$1" .h | tr a-z- A-Z_)_H
		grep -q "^#ifndef $$g$$" "$$1" && grep -q "^#define $$g$$" "$$1" ||
			echo "$$1: no guard $$g"
	}
	each '^include/kx/.*\.h$$' check

# --- layers ---------------------------------------------------------------

# lib/ includes its own files and those of include/: nothing of gnulib or cmd/.
# The headers name no foreign library and no config.h.
sc_lib_includes:
	@$(prelude)
	check() {
		code "$$1" | sed -n 's/.*#[[:blank:]]*include[[:blank:]]*"\(.*\)".*/\1/p' |
		while IFS= read -r h; do
			test -f "include/$$h" || test -f "lib/$$h" ||
			    test -f "$$(dirname "$$1")/$$h" ||
				echo "$$1: \"$$h\" is not the library's"
		done
		case $$1 in include/*)
			code "$$1" | grep -E \
			    'include[[:blank:]]*<(archive|curl/|jq|jv|openssl/|zlib|libdeflate|config)'
		esac
	}
	each "$$lib_c" check

# A module includes its own level and those below it.  Whatever is not named
# here is at the top.  kernel.c is the table of what json and base64 define.
level_0 = base
level_1 = arena buf num time base64 fold image pool output kernel utf8 digits \
  namekey
level_2 = source reader json
level_3 = event fields
define layers_awk
function put(list, level,  a, n, i)
{
	n = split(list, a, " ")
	for (i = 1; i <= n; i++)
		rank[a[i]] = level
}
function module(name)
{
	sub(/.*\//, "", name); sub(/\..*/, "", name); sub(/-.*/, "", name)
	return name
}
function level(name) { return name in rank ? rank[name] : 4 }
BEGIN { put(l0, 0); put(l1, 1); put(l2, 2); put(l3, 3) }
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($$0, part, "\""); h = module(part[2]); m = module(FILENAME)
	if (part[2] !~ /\.def$$/ && FILENAME != "lib/kernel.c" &&
	    level(h) > level(m))
		print FILENAME ":" FNR ": " m " is below " h
}
endef
export layers_awk
sc_layers:
	@$(prelude)
	check() {
		awk -v l0='$(level_0)' -v l1='$(level_1)' -v l2='$(level_2)' \
		    -v l3='$(level_3)' "$$layers_awk" "$$1"
	}
	each "$$lib_c" check

# A foreign library touches the files named here.
sc_foreign:
	@$(prelude)
	check() {
		while read -r header homes; do
			case " $$homes " in *" $$1 "*) continue ;; esac
			code "$$1" |
			    grep -E "#[[:blank:]]*include[[:blank:]]*<$$header"
		done <<-'end'
			archive lib/source.c lib/bundle-archive.c lib/unbundle.c
			jq lib/filter-jq.c
			jv lib/filter-jq.c
			curl/ lib/http.c
			openssl/ lib/hash.c
			uni(case|ctype|norm|str) lib/fold.c
			zlib lib/source.c lib/zip.c lib/image.c
			libdeflate lib/hash.c
		end
	}
	each '^(lib|cmd|include)/.*\.[ch]$$' check
