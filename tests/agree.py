# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a log python3-jsonschema refuses by a schema: one number a
line.

usage: python3 agree.py SCHEMA LOG
"""
import json
import sys

import jsonschema

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
with open(sys.argv[1], encoding="utf-8") as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
with open(sys.argv[2], "rb") as f:
    for number, line in enumerate(f, 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not validator.is_valid(value):
            print(number)
