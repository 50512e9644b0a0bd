#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that kx-to-csv should make, by another way: Python's json, with
numbers kept as they are spelled.

    table.py ROWS COLUMNS LOG    an array of strings a row, as JSON; null is ""
    table.py --csv FILE          the same of a CSV file, without its header
"""
import csv
import datetime
import hashlib
import json
import re
import sys


class Number(str):
    """A number, as spelled."""


def get(value, *path):
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or len(value) <= step:
                return None
        elif not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def length(value):
    return len(value) if isinstance(value, list) else 0


def iso(ms):
    if ms is None:
        return None
    day = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        milliseconds=int(ms))
    return day.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (
        day.microsecond // 1000)


def camera(name, *inside):
    def find(row):
        nested = get(row.event, "channel", name, *inside)
        if nested is not None:
            return nested
        if name not in ("stream_id", "channel_type", "tags"):
            return get(row.event, "channel_" + name, *inside)
        return get(row.event, name, *inside)
    return find


def event(*path):
    return lambda row: get(row.event, *path)


def part(kind, *path):
    return lambda row: get(row.part[kind], *path)


def index(kind):
    return lambda row: row.index[kind] if row.part[kind] is not None else None


def stamp(row):
    found = re.search(r"-(\d{19})\.", get(row.part["snapshot"], "path") or "")
    return found and found.group(1)


def expires(row):
    ttl = re.search(r"[?&]ttl=(\d+)", get(row.part["snapshot"], "path") or "")
    if not stamp(row) or not ttl:
        return None
    return iso(int(stamp(row)) // 1000000 + 1000 * int(ttl.group(1)))


def duration(row):
    start, end = row.event.get("start_time"), row.event.get("end_time")
    return None if start is None or end is None else int(end) - int(start)


def level_name(row):
    return {"0": "low", "1": "normal", "2": "high", "3": "critical"}.get(
        row.event.get("level"))


def has_image(row):
    if row.part["snapshot"] is None:
        return None
    return bool(get(row.part["snapshot"], "image"))


def kind(row):
    if row.part["face"] is not None:
        return "face"
    return "plate" if row.part["plate"] is not None else None


def within(name):
    return lambda row: None if row.part["identity"] is None else length(
        row.part["identity"].get(name))


COLUMNS = {
    "start_iso": lambda row: iso(row.event.get("start_time")),
    "end_iso": lambda row: iso(row.event.get("end_time")),
    "duration_ms": duration,
    "level_name": level_name,
    "origin": lambda row: row.event["id"].split(":")[0],
    "images": lambda row: sum(bool(s.get("image"))
                              for s in row.event.get("snapshots") or []),
    "tags": lambda row: length(camera("tags")(row)),
    "identities": lambda row: length(get(row.event, "params", "identities")),
    "snapshots": lambda row: length(row.event.get("snapshots")),
    "identity.index": index("identity"),
    "identity.kind": kind,
    "identity.faces": within("faces"),
    "identity.plates": within("plates"),
    "snapshot.has_image": has_image,
    "stamp_ns": stamp,
    "expires_iso": expires,
    "line": lambda row: row.line,
    "offset": lambda row: row.offset,
    "record_sha256": lambda row: row.sha256,
    "reliability": event("params", "reliability"),
    "params.eventId": lambda row: get(row.event, "params", "eventId")
                      or row.event.get("eventId"),
    "object.color": event("params", "object", "color", "value"),
    "object.color_reliability": event("params", "object", "color",
                                      "reliability"),
    "object.type": event("params", "object", "object_type", "value"),
    "object.type_reliability": event("params", "object", "object_type",
                                     "reliability"),
    "channel.type": camera("channel_type"),
}
for name in ("monitor_id id event_id topic module source_name level "
             "start_time end_time").split():
    COLUMNS[name] = event(name)
for name in "id stream_id name latitude longitude".split():
    COLUMNS["channel." + name] = camera(name)
for name in "country region county city district street place_info".split():
    COLUMNS["channel.address." + name] = camera("address", name)
for name in "age gender race glasses beard has mask".split():
    COLUMNS["attributes." + name] = event("params", "attributes", name)
for name in "id name level".split():
    COLUMNS["list." + name] = part("identity", "list", name)
for kind_, names in (("face", "id similarity first_name last_name"),
                     ("plate", "id number state owner_first_name "
                      "owner_last_name"),
                     ("snapshot", "type path image"), ("tag", "id name")):
    COLUMNS[kind_ + ".index"] = index(kind_)
    for name in names.split():
        COLUMNS[kind_ + "." + name] = part(kind_, name)


class Row:
    """What a row is about, and what is first beside that."""

    def __init__(self, event_, of, where):
        self.event = event_
        self.part, self.index = {}, {}
        self.line, self.offset, self.sha256 = where
        identities = get(event_, "params", "identities") or []
        at = of.get("identity", 0)
        identity = get(identities, at)
        for name, things in (("identity", identities),
                             ("face", get(identity, "faces")),
                             ("plate", get(identity, "plates")),
                             ("snapshot", event_.get("snapshots")),
                             ("tag", camera("tags")(self))):
            self.index[name] = of.get(name, 0)
            self.part[name] = get(things or [], self.index[name])


def places(event_, rows):
    identities = get(event_, "params", "identities") or []
    if rows == "event":
        return [{}]
    if rows == "identity":
        return [{"identity": i} for i in range(len(identities))]
    if rows in ("face", "plate"):
        return [{"identity": i, rows: k} for i, who in enumerate(identities)
                for k in range(length(who.get(rows + "s")))]
    things = event_.get("snapshots") if rows == "snapshot" else camera(
        "tags")(Row(event_, {}, (0, 0, "")))
    return [{rows: i} for i in range(length(things))]


def cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def table(rows, columns, path):
    offset = 0
    with open(path, "rb") as log:
        for n, line in enumerate(log, 1):
            text = line.rstrip(b"\n")
            event_ = json.loads(text, parse_int=Number, parse_float=Number)
            where = (n, offset, hashlib.sha256(text).hexdigest())
            for place in places(event_, rows):
                row = Row(event_, place, where)
                yield [cell(COLUMNS[name](row)) for name in columns]
            offset += len(line)


if __name__ == "__main__":
    if sys.argv[1] == "--csv":
        csv.field_size_limit(sys.maxsize)
        with open(sys.argv[2], newline="", encoding="utf-8") as f:
            rows_ = csv.reader(f, strict=True)
            next(rows_)
            for cells in rows_:
                print(json.dumps(cells))
    else:
        for cells in table(sys.argv[1], sys.argv[2].split(","), sys.argv[3]):
            print(json.dumps(cells))
