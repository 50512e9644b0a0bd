# SPDX-License-Identifier: GPL-3.0-or-later
"""genprograms.py N SEED: N random jq programs, a line each, over the fields of
events as tests/filter.bats makes them.  All compile.  Most are of what
kx-filter answers itself, and of what is just beyond that."""
import random
import sys

n, seed = int(sys.argv[1]), int(sys.argv[2])
r = random.Random(seed)

PATHS = [".topic", ".level", ".start_time", ".event_id", ".id", ".channel.id",
         ".channel.name", ".channel", ".channel.id.id", ".missing", ".snapshots",
         ".snapshots[0].type", ".snapshots[0]", ".params.identities[0].list.level",
         ".params.reliability", ".channel.latitude", ".a.b", ".end_time",
         ".\"topic\"", ".[\"level\"]", ".channel?", ".channel.id?",
         ".channel.name.x?"]
LITERALS = ['"PlateMatched"', '"FaceMatched"', '"Plate\\u004datched"', '""',
            '"Q"', "0", "1", "2", "-1", "2.0", "2e0", "1.5", "3", "274",
            "1685973361368", "1e400", "0.1", "123456789012345", "null", "true",
            "false", '"1-4-09"', "-0", "9007199254740993"]
OPERATORS = ["==", "!=", "<", "<=", ">", ">="]
CALLS = ["length", "type", "not", "tostring", "keys", "first", "last", "any",
         "all", "tojson", "has(\"id\")", "test(\"a\")", "map(.)", ".[]",
         ".[]?", "select(.)", "empty", "error(\"x\")", "add", "min", "sort",
         "ascii_downcase", "tonumber", ".[0]", ".[1:]", "to_entries", "floor",
         "startswith(\"P\")", "contains(\"a\")", ". as $x | $x", "isempty(.)",
         "first(.[]?)", "map(.type?)", "any(.[]?; .)", "path(..)", "@json"]


def value(depth):
    k = r.random()
    if k < .5 or depth <= 0:
        return r.choice(PATHS)
    if k < .7:
        return r.choice(LITERALS)
    if k < .85:
        return "(%s | %s)" % (value(depth - 1), r.choice(CALLS))
    if k < .9:
        return "(%s // %s)" % (value(depth - 1), value(depth - 1))
    if k < .93:
        return "(%s, %s)" % (value(depth - 1), value(depth - 1))
    if k < .95:
        return "[%s]" % value(depth - 1)
    if k < .97:
        return "{a: %s}" % value(depth - 1)
    return "(%s %s %s)" % (value(depth - 1), r.choice("+-*"), value(depth - 1))


def test(depth):
    k = r.random()
    if k < .45 or depth <= 0:
        return "%s %s %s" % (value(depth - 1), r.choice(OPERATORS), value(depth - 1))
    if k < .6:
        return "(%s) and (%s)" % (test(depth - 1), test(depth - 1))
    if k < .7:
        return "(%s) or (%s)" % (test(depth - 1), test(depth - 1))
    if k < .78:
        return "(%s | not)" % test(depth - 1)
    if k < .84:
        return "select(%s)" % test(depth - 1)
    if k < .88:
        return "select(%s) | %s" % (test(depth - 1), test(depth - 1))
    if k < .91:
        return "if %s then %s else %s end" % (test(depth - 1), value(1), value(1))
    if k < .94:
        return "any(%s; %s)" % (value(1), r.choice([".", ". == 2", "not", ".id?"]))
    if k < .96:
        return "try (%s) catch false" % test(depth - 1)
    return value(depth)


for _ in range(n):
    print(test(r.choice([1, 2, 3])))
