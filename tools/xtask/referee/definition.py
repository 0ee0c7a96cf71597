"""Judges every answer of a run, and the recorded real ones, by the broker's OpenAPI definition."""

import os
import time

from listed import Listed
from openapi import FIELDS, Judge, OpenApi, data_folder


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
    for exchange in exchanges:
        answer = (exchange.status, exchange.content_type, exchange.body)
        judge.take("simulator", exchange.method, exchange.url, *answer, template=exchange.template)
    for finding, (source, body) in sorted(judge.problems.items()):
        report.row("openapi", " ".join(finding), f"{source}: {body}")
    if whole:
        unserved(judge, report)
    report.row("openapi", f"{len(exchanges)} answers judged", "", time.monotonic() - began)
    report.say(
        f"openapi: {len(judge.seen)} of {len(judge.definition.operations)} operations, {len(judge.listed.entries)}"
        f" listed deviations ({proven} also in recorded real answers), {len(judge.problems)} unexplained"
    )
    return judge


def unserved(judge, report):
    """Every operation of the definition was asked for, or stands in the written list."""
    listed = Listed("unserved.toml", ("operation",))
    for operation in sorted(set(judge.definition.operations) - judge.seen):
        if not listed.allows(operation=operation):
            report.row("openapi", operation, "never asked for")
    for line in listed.unneeded():
        report.row("openapi", "lists", line)
