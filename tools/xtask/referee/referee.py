"""The referee: the broker's own SDKs as clients of our simulator, and its OpenAPI definition as their judge.

Run by `cargo xtask referee`, which installs what stands in `requirements.txt` and builds the simulator. Exit code
0 if nothing failed, else 1. The facts that the checks assert are those of the broker's API documentation.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import checks  # noqa: F401 - registers the checks
from check import CHECKS, run_check
from listed import Listed
from refusals import refused_calls, wrong_paths
from sdk import Sdk, all_calls
from simulator import Simulator
from strict import Findings
from world import World

MODES = {"plain": True, "tls": False}
# One real second is so many simulated ones: orders fill soon, and the day does not end under the checks.
SPEED = "10"


class Report:
    """What is printed, and whether anything failed."""

    def __init__(self, as_json):
        self.as_json = as_json
        self.rows = []
        self.failures = []

    def row(self, part, name, problem, seconds=0.0):
        """One line of the table."""
        self.rows.append({"part": part, "name": name, "problem": problem, "seconds": round(seconds, 3)})
        if problem:
            self.failures.append(f"{part}: {name}: {problem}")
        if not self.as_json:
            word = "FAILED" if problem else "passed"
            print(f"{part:<8} {word:<6} {seconds:6.2f}s  {name}" + (f"\n         {problem}" if problem else ""))
            sys.stdout.flush()

    def say(self, line):
        """A line beside the table."""
        if not self.as_json:
            print(line)
            sys.stdout.flush()

    def finish(self, began):
        """Prints the end; gives the exit code."""
        if self.as_json:
            print(json.dumps({"rows": self.rows, "failures": self.failures}))
        else:
            for line in self.failures:
                print(f"FAILED {line[:160]}")
            print(f"referee: {len(self.failures)} failures in {time.monotonic() - began:.1f} s")
        return 1 if self.failures else 0


def main():
    """Runs the parts that were asked for."""
    arguments = parsed()
    began = time.monotonic()
    report = Report(arguments.json)
    for mode in arguments.mode:
        endpoints(arguments, mode, report)
    return report.finish(began)


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="the program that serves `sim`")
    parser.add_argument("--node-modules", type=Path, help="where the packages of the JS SDK are installed")
    parser.add_argument("--only", default="", help="checks whose name or endpoint holds this text")
    parser.add_argument("--mode", action="append", choices=MODES, help="transport; default: both")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    arguments = parser.parse_args()
    arguments.mode = arguments.mode or list(MODES)
    return arguments


def endpoints(arguments, mode, report):
    """Drives every endpoint with the Python SDK over one transport."""
    chosen = [item for item in CHECKS if arguments.only in f"{item.name} {' '.join(item.endpoints)}"]
    findings = Findings()
    with Simulator(arguments.binary, "--speed", SPEED, "--instruments", "20", plain=MODES[mode]) as simulator:
        sdk, world, notes = Sdk(simulator, findings), World(simulator), {}
        outcomes = [run_check(item, sdk, world, notes) for item in needed(chosen)]
        for outcome in outcomes:
            report.row(mode, f"{outcome.check.name} ({', '.join(outcome.check.endpoints)})", outcome.problem, outcome.seconds)
    with Simulator(arguments.binary, "--speed", SPEED, "--instruments", "20", plain=MODES[mode]) as simulator:
        refusing = Sdk(simulator, findings)
        if not arguments.only:
            for name, part in (("wrong paths", wrong_paths), ("refusals", refused_calls)):
                began = time.monotonic()
                report.row(mode, name, "; ".join(part(refusing, World(simulator))), time.monotonic() - began)
    strict(arguments, mode, findings, report)
    if not arguments.only:
        driven = sdk.methods | refusing.methods
        undriven(driven, mode, report)
    passed = {name for outcome in outcomes if not outcome.problem for name in outcome.check.endpoints}
    failed = {name for outcome in outcomes if outcome.problem for name in outcome.check.endpoints}
    report.say(f"endpoints: {len(passed - failed)} passed, {len(failed)} failed ({mode})")


def needed(chosen):
    """The chosen checks and those before them in the same files, on whose notes they may build."""
    last = {item.run.__module__: place for place, item in enumerate(CHECKS) if item in chosen}
    return [item for place, item in enumerate(CHECKS) if place <= last.get(item.run.__module__, -1)]


def strict(arguments, mode, findings, report):
    """Judges the differences from the SDK's models against the written list."""
    quirks = Listed("quirks.toml", ("kind", "model", "key"))
    for (kind, model, key), call in sorted(findings.seen.items()):
        if not quirks.allows(kind=kind, model=model, key=key):
            report.row(mode, f"strict {model}", f"{kind} key `{key}`, first seen in {call}")
    if not arguments.only:
        for line in quirks.unneeded():
            report.row(mode, "strict", line)


def undriven(driven, mode, report):
    """Every call of the SDK was made, or stands in the written list."""
    listed = Listed("undriven.toml", ("call",))
    for call in sorted(all_calls()):
        if call in driven:
            continue
        if not listed.allows(call=call):
            report.row(mode, f"call {call}", "no check makes this call of the SDK")
    for line in listed.unneeded():
        report.row(mode, "undriven", line)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The SDK's socket threads are no daemons; the referee is done and does not wait for them.
    os._exit(code)
