# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Part of run.sh: frames and bundles, on a file system in memory where there is
# one, for a disk's own speed hides ours.  Times are multiples of D, that of
# `openssl dgst -sha256' on the log.

echo
echo "frames of images.ndjson; here W stands for D = openssl dgst -sha256"
base=$(median openssl dgst -sha256 images.ndjson)
awk -v d="$base" 'BEGIN { printf "  D = %.1f ms\n", d * 1000 }'

# The frames alone, hashed, as somebody would write it.
cat > frames.py <<'PY'
import base64, hashlib, os, sys
try:
    import orjson as json
except ImportError:
    import json
to = sys.argv[1]
os.mkdir(to)
sums = open(to + "/manifest-sha256.txt", "w")
for n, line in enumerate(open(sys.argv[2], "rb")):
    try:
        e = json.loads(line)
    except ValueError:
        continue
    for i, s in enumerate(e.get("snapshots") or ()):
        image = s.get("image")
        if not image:
            continue
        if image.startswith("data:"):
            image = image.split(",", 1)[1]
        try:
            frame = base64.b64decode(image)
        except ValueError:
            continue
        name = "%06d_%02d.jpg" % (n, i)
        with open(to + "/" + name, "wb") as f:
            f.write(frame)
        sums.write(hashlib.sha256(frame).hexdigest() + "  " + name + "\n")
PY

job 'sha256sum' - sha256sum images.ndjson
job 'kx-extract-snapshots -C DIR' 1.7 \
    job_frames kx-extract-snapshots -C "$shm/x" images.ndjson
ours=$last
job 'kx-extract-snapshots --bagit -o .tar' 4 \
    job_frames kx-extract-snapshots --bagit -o "$shm/x.tar" images.ndjson
job 'kx-extract-snapshots --bagit -o .zip' 4 \
    job_frames kx-extract-snapshots --bagit -o "$shm/x.zip" images.ndjson
job 'kx-extract-snapshots --verify .zip' - \
    kx-extract-snapshots --verify "$shm/x.zip"
job 'kx-extract-snapshots --bagit -C DIR' - \
    job_frames kx-extract-snapshots --bagit -C "$shm/x" images.ndjson
job 'kx-extract-snapshots --list' - kx-extract-snapshots --list images.ndjson
if have python3; then
	job "${py:-python3} frames.py, frames alone" - \
	    job_frames "${py:-python3}" frames.py "$shm/x" images.ndjson
	awk -v a="$last" -v b="$ours" 'BEGIN {
		r = a / b
		printf "  -C DIR is %.1f times as fast; bar 2.5: %s\n", r,
		    (r >= 2.5) ? "met" : "MISSED" }'
fi
rm -rf "$shm"/x*
