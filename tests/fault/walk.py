#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let one call after another of each tool fail, and look at what is left.

usage: walk.py [--most=N] REFUSE.SO BUILDDIR LOG [CASE...]

For each case and each kind of call (memory, read, write, fsync, close, open,
rename) the first call fails, then the second, until the tool makes no such
call any more.  With --most=N no more than N places of each kind, spread over
all that there are.  Each run must end

  - by itself, within 20 s, with status 0, 1 or 2, never by a signal;
  - with 2 only behind a message of its own, each line of it under 1,000 bytes
    (where memory for the message itself is refused, any text will do);
  - with the status of the undisturbed run only if every result is the same
    (but that status may be 2 itself, where the log has faults);
  - with no temporary left; a result that is there under its name is closed and
    sound: an archive opens, a frame is the whole frame, and lines are whole
    lines, although some may be missing where memory or input was refused.

Prints TAP, a line a case and kind.
"""
import errno
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

KINDS = {
    "malloc": [errno.ENOMEM],
    "read": [errno.EIO],
    "write": [errno.ENOSPC],
    "fsync": [errno.EIO],
    "close": [errno.EIO],
    "open": [errno.EMFILE],
    "rename": [errno.EIO],
}

# Name, words; LOG is the log.
CASES = [
    ("validate", ["kx-validate", "--summary", "--rejects=bad", "-o", "good",
                  "LOG"]),
    ("validate-stdout", ["kx-validate", "LOG"]),
    ("filter", ["kx-filter", "--min-level=1", "-o", "kept", "LOG"]),
    ("filter-native", ["kx-filter", ".level >= 2", "LOG"]),
    ("filter-libjq", ["kx-filter", "-o", "kept",
                      '.topic | test("^face"; "i")', "LOG"]),
    ("to-csv", ["kx-to-csv", "-o", "table", "LOG"]),
    ("to-csv-jq", ["kx-to-csv", "--rows=snapshot", "-o", "table",
                   "--columns=id,record_sha256,snapshot.index,n=.id|ascii_downcase",
                   "LOG"]),
    ("frames", ["kx-extract-snapshots", "-C", "frames", "LOG"]),
    ("bag", ["kx-extract-snapshots", "--bagit", "-o", "bag.zip", "LOG"]),
    ("replay", ["kx-replay", "--speed=max", "-o", "sent", "LOG"]),
]
# So many calls that only some are tried, whatever --most says.
MANY = {"filter-libjq": 150, "to-csv-jq": 150}


def snapshot(folder):
    """What files hold, by name."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = f.read()
    return found


class Walk:
    def __init__(self, lib, builddir, log):
        self.lib, self.builddir, self.log = lib, builddir, log
        with open(log, "rb") as f:
            self.lines = set(f.read().splitlines(True))
        self.work = tempfile.mkdtemp(prefix="kx walk ")
        self.mark = os.path.join(self.work, "refused")

    def run(self, words, refuse=None):
        """Status, stdout, stderr, results, and whether a call was refused."""
        folder = os.path.join(self.work, "run")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        env = dict(os.environ, LC_ALL="C.UTF-8")
        if refuse:
            # LD_PRELOAD takes a blank in a path for the end of it.
            env.update(LD_PRELOAD=os.path.basename(self.lib),
                       LD_LIBRARY_PATH=os.path.dirname(self.lib),
                       KX_REFUSE=refuse, KX_REFUSED=self.mark)
            if os.path.exists(self.mark):
                os.unlink(self.mark)
        words = [self.log if w == "LOG" else w for w in words]
        words[0] = os.path.join(self.builddir, words[0])
        p = subprocess.run(words, cwd=folder, env=env, timeout=20,
                           stdin=subprocess.DEVNULL, capture_output=True)
        return (p.returncode, p.stdout, p.stderr, snapshot(folder),
                refuse is not None and os.path.exists(self.mark))

    def calls(self, words, kind):
        """How many calls of a kind there are: doubled, then halved."""
        def reached(n):
            return self.run(words, "%s:%d:0" % (kind, n))[4]
        low, high = 0, 1
        while reached(high):
            low, high = high, 2 * high
        while high - low > 1:
            mid = (low + high) // 2
            low, high = (mid, high) if reached(mid) else (low, mid)
        return low

    def checked(self, path, data, files):
        """Is each hash of a manifest that of its file?"""
        top = os.path.dirname(path)
        for line in data.decode().splitlines():
            want, name = line.split("  ", 1)
            got = files.get(os.path.join(top, name))
            if got is None or hashlib.sha256(got).hexdigest() != want:
                return "%s: not so: %s" % (path, line)
        return None

    def sound(self, path, data, want, files=None):
        """Is a result whole in itself, or the reason why not."""
        if data == want:
            return None
        if path.endswith(".zip"):
            try:
                bad = zipfile.ZipFile(io.BytesIO(data)).testzip()
            except zipfile.BadZipFile as e:
                return "%s: %s" % (path, e)
            return bad and "%s: %s is damaged" % (path, bad)
        if path.endswith((".jpg", ".png")):
            return "not the whole frame: %s" % path
        if os.path.basename(path).startswith("manifest-sha"):
            return self.checked(path, data, files)
        known = set(want.splitlines(True)) | self.lines
        for line in data.splitlines(True):
            # A list of frames says of one that was not written that it is
            # missing, which the whole list does not.
            if line not in known and not path.endswith(".csv"):
                return "%s: no whole line: %r" % (path, line[:80])
        return None

    def look(self, case, got, want, kind):
        """What is wrong with a disturbed run, or None."""
        name, words = case
        status, out, err, files, _ = got
        if status not in (0, 1, 2):
            return "status %d" % status
        if status == 2:
            lines = err.split(b"\n")
            own = words[0].encode() + b":"
            if not any(l.startswith(own) for l in lines) and not (
                    kind == "malloc" and err.strip()):
                return "status 2 without a message: %r" % err[:200]
            if any(len(l) > 999 for l in lines):
                return "a message of over 999 bytes"
        elif status != want[0]:
            return "status %d instead of %d" % (status, want[0])
        elif out != want[1] or files != want[3]:
            return "status %d, but other results: %s" % (status, ", ".join(
                p for p in sorted(set(files) | set(want[3]))
                if files.get(p) != want[3].get(p)) or "standard output")
        for path, data in files.items():
            if path not in want[3]:
                return "left behind: %s" % path
            fault = self.sound(path, data, want[3][path], files)
            if fault:
                return fault
        if want[1].startswith(out):
            return None
        return self.sound("standard output", out, want[1])

    def case(self, case, kind, most):
        """Walk one kind of call; the faults found, and the places tried."""
        name, words = case
        want = self.run(words)
        assert want[0] in (0, 1, 2) and want[2] or not want[0], (name, want[0], want[2][:300])
        n = self.calls(words, kind)
        assert n > 0 or kind != "malloc", "%s is not preloaded" % self.lib
        most = min(most, MANY.get(name, most))
        step = max(1, -(-n // most)) if most else 1
        faults = []
        tried = 0
        for at in range(1, n + 1, step):
            for e in KINDS[kind]:
                refuse = "%s:%d:%d" % (kind, at, e)
                tried += 1
                try:
                    got = self.run(words, refuse)
                except subprocess.TimeoutExpired:
                    faults.append("%s: hangs" % refuse)
                    continue
                fault = self.look(case, got, want, kind)
                if fault:
                    faults.append("%s: %s" % (refuse, fault))
        return faults, tried, n


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--most=")]
    most = [int(a[7:]) for a in sys.argv[1:] if a.startswith("--most=")]
    most = most[0] if most else 1000000
    lib, builddir, log = (os.path.abspath(a) for a in args[:3])
    wanted = args[3:]
    walk = Walk(lib, builddir, log)
    failed = False
    number = 0
    try:
        for case in CASES:
            if wanted and case[0] not in wanted:
                continue
            for kind in KINDS:
                faults, tried, n = walk.case(case, kind, most)
                number += 1
                print("%sok %d %s: %s refused at %d of %d" % (
                    "not " if faults else "", number, case[0], kind, tried,
                    n), flush=True)
                for fault in faults[:10]:
                    print("# %s" % fault)
                failed |= bool(faults)
    finally:
        shutil.rmtree(walk.work, ignore_errors=True)
    print("1..%d" % number)
    return 1 if failed else 0


sys.exit(main())
