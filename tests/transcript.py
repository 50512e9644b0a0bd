#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a transcript that a text shows, and hold it to what really comes.

usage: transcript.py TEXT HEADING

In TEXT, under the heading, an indented line that begins with `$ ' is a command
for bash; the indented lines below it are what it prints, on both streams; `...'
stands for any lines.  All commands run in one shell, in this folder.  Prints
what differs; the status says whether anything did.
"""
import subprocess
import sys


def steps(path, heading):
    """Commands under the heading, each with the lines below it."""
    found, inside = [], False
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("#"):
                inside = line.lstrip("# ") == heading
            elif inside and line.startswith("    $ "):
                found.append((line[6:], []))
            elif inside and line.startswith("    ") and found:
                found[-1][1].append(line[4:])
    return found


def fits(want, got):
    """Do the lines agree, where `...' is any number of them?"""
    if not want:
        return not got
    if want[0] == "...":
        return any(fits(want[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and want[0] == got[0] and fits(want[1:], got[1:])


def main():
    todo = steps(sys.argv[1], sys.argv[2])
    if not todo:
        sys.exit("no command under %s" % sys.argv[2])
    mark = "-- end of a command --"
    script = "".join("%s\nprintf '\\n%s\\n'\n" % (command, mark)
                     for command, _ in todo)
    run = subprocess.run(["bash"], input=script, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=60, check=False)
    parts = run.stdout.split("\n%s\n" % mark)
    failed = False
    for (command, want), part in zip(todo, parts):
        got = part.splitlines()
        if not fits(want, got):
            failed = True
            print("$ %s\n--- shown\n%s\n--- printed\n%s" % (
                command, "\n".join(want), "\n".join(got[:40])))
    if len(parts) != len(todo) + 1:
        failed = True
        print("the shell ended early")
    return failed


sys.exit(main())
