"""The check that schemathesis makes of every answer: the broker's definition with the written deviations.

Loaded by schemathesis in a process of its own; what it needed of the list is left in the file `REFEREE_NEEDS`.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import schemathesis

from listed import Listed
from openapi import FIELDS, Judge, OpenApi

JUDGE = Judge(OpenApi(Path(os.environ["REFEREE_DATA"])), Listed("deviations.toml", FIELDS))
STATUSES = Counter()


@schemathesis.check
def broker_definition(_context, response, case):
    """Status, sort and shape of the answer."""
    before = len(JUDGE.problems)
    operation = JUDGE.definition.operation_of(case.method.upper(), urlsplit(response.request.url).path)
    if operation:
        STATUSES[operation, response.status_code] += 1
    sort = response.headers.get("content-type", [""])[0]
    JUDGE.take("fuzz", case.method.upper(), response.request.url, response.status_code, sort, response.text)
    if len(JUDGE.problems) > before:
        new = list(JUDGE.problems)[before:]
        raise AssertionError("; ".join("broken: " + " ".join(finding) for finding in new))


@atexit.register
def leave_needs():
    """Tells the referee which deviations were needed, and how each operation was answered how often."""
    statuses = [[*answered, times] for answered, times in STATUSES.items()]
    left = {"needed": JUDGE.listed.needed, "statuses": statuses}
    Path(os.environ["REFEREE_NEEDS"]).write_text(json.dumps(left), encoding="utf-8")
