"""Judges every answer of a run, and the recorded real ones, by the broker's OpenAPI definition."""

import os
import time
from collections import Counter
from urllib.parse import urlsplit

from listed import Listed
from openapi import FIELDS, Judge, OpenApi, data_folder

# Paths that nobody has, asked for by the check that they are refused.
WRONG_PATH = "(wrong path)"


def skipped(report, what):
    """Notes that there is no market data: an error under CI, a line elsewhere that `cargo xtask` repeats at its end."""
    if os.environ.get("CI") == "true":
        report.row("openapi", what, "there is no market data (BIJLI_DATA)")
    else:
        report.say(f"skipped (no market data): {what}")


def judge_answers(root, exchanges, whole, report):
    """Judges `exchanges`, which are those of a `whole` run or of a part; gives the judge, or None without data."""
    began, folder = time.monotonic(), data_folder(root)
    if folder is None:
        skipped(report, "answers judged by the broker's OpenAPI definition, and generated requests")
        return None
    judge = Judge(OpenApi(folder), Listed("deviations.toml", FIELDS))
    for name, method, path, status, body in judge.definition.recorded():
        judge.take(name, method, path, status, "application/json", body)
    proven = sum(1 for times in judge.listed.needed if times)
    judged, unjudged = 0, Counter()
    for exchange in exchanges:
        answer = (exchange.status, exchange.content_type, exchange.body)
        if judge.take("simulator", exchange.method, exchange.url, *answer, template=exchange.template):
            judged += 1
        else:
            unjudged[name_of(exchange)] += 1
    for finding, (source, body) in sorted(judge.problems.items()):
        report.row("openapi", " ".join(finding), f"{source}: {body}")
    if whole:
        unserved(judge, report)
    if exchanges:
        left_out(unjudged, whole, report)
    answers = f"{judged} answers judged, {unjudged.total()} not: those to {len(unjudged)} calls that the definition lacks"
    report.row("openapi", answers, "", time.monotonic() - began)
    report.say(
        f"openapi: {len(judge.seen)} of {len(judge.definition.operations)} operations, {len(judge.listed.entries)}"
        f" listed deviations ({proven} also in recorded real answers), {len(judge.problems)} unexplained"
    )
    return judge


def name_of(exchange):
    """The call of an answer that cannot be judged."""
    if exchange.template:
        return exchange.template
    return WRONG_PATH if exchange.status == 404 else f"{exchange.method} {urlsplit(exchange.url).path}"


def left_out(unjudged, whole, report):
    """Every call whose answers the definition cannot judge stands in the written list."""
    listed = Listed("unjudged.toml", ("call",))
    for call in sorted(unjudged):
        if not listed.allows(call=call):
            report.row("openapi", call, "its answers are judged by nothing")
    for line in listed.unneeded() if whole else ():
        report.row("openapi", "lists", line)


def unserved(judge, report):
    """Every operation of the definition was asked for, or stands in the written list."""
    listed = Listed("unserved.toml", ("operation",))
    for operation in sorted(set(judge.definition.operations) - judge.seen):
        if not listed.allows(operation=operation):
            report.row("openapi", operation, "never asked for")
    for line in listed.unneeded():
        report.row("openapi", "lists", line)
