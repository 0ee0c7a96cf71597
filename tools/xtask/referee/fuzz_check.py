"""The check that schemathesis makes of every answer: the broker's definition with the written deviations.

Loaded by schemathesis in a process of its own; what it needed of the list is left in the file `REFEREE_NEEDS`.
"""

import atexit
import json
import os
from pathlib import Path

import schemathesis

from listed import Listed
from openapi import FIELDS, Judge, OpenApi

JUDGE = Judge(OpenApi(Path(os.environ["REFEREE_DATA"])), Listed("deviations.toml", FIELDS))


@schemathesis.check
def broker_definition(_context, response, case):
    """Status, sort and shape of the answer."""
    before = len(JUDGE.problems)
    sort = response.headers.get("content-type", [""])[0]
    JUDGE.take("fuzz", case.method.upper(), response.request.url, response.status_code, sort, response.text)
    if len(JUDGE.problems) > before:
        new = list(JUDGE.problems)[before:]
        raise AssertionError("; ".join("broken: " + " ".join(finding) for finding in new))


@atexit.register
def leave_needs():
    """Tells the referee which deviations were needed."""
    Path(os.environ["REFEREE_NEEDS"]).write_text(json.dumps(JUDGE.listed.needed), encoding="utf-8")
