"""The referee: the broker's own SDKs as clients of our simulator, and its OpenAPI definition as their judge.

Run by `cargo xtask referee`, which installs what stands in `requirements.txt` and builds the simulator. Exit code
0 if nothing failed, else 1. The facts that the checks assert are those of the broker's API documentation.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from decoder_parity import decode
from definition import judge_answers
from drive import drive
from fuzz import fuzz
from js import repeat
from parity import compare
from report import Report

ROOT = Path(__file__).resolve().parents[3]
MODES = ("plain", "tls")
PARTS = ("endpoints", "js", "parity", "decoder", "fuzz")
# Those whose answers are judged by the definition.
JUDGED = ("endpoints", "fuzz")


def main():
    """Runs the parts that were asked for."""
    arguments = parsed()
    began, report, exchanges = time.monotonic(), Report(arguments.json), []
    if "endpoints" in arguments.part:
        for mode in arguments.mode:
            exchanges += drive(arguments.binary, mode == "plain", arguments.only, report)
    if "js" in arguments.part and not arguments.only:
        repeat(arguments.binary, arguments.node_modules, report)
    if "parity" in arguments.part and not arguments.only:
        compare(arguments.binary, arguments.example, report)
    if "decoder" in arguments.part and not arguments.only:
        decode(ROOT, arguments.frames, arguments.seed, report)
    whole = not arguments.only and set(JUDGED) <= set(arguments.part) and set(MODES) <= set(arguments.mode)
    judge = judge_answers(ROOT, exchanges, whole, report)
    if "fuzz" in arguments.part and not arguments.only and judge:
        fuzz(arguments.binary, judge, arguments.seed, report)
    if whole and judge:
        for line in judge.listed.unneeded():
            report.row("openapi", "lists", line)
    return report.finish(began)


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="the program that serves `sim`")
    parser.add_argument("--example", type=Path, required=True, help="the program that makes our client's calls")
    parser.add_argument("--frames", type=Path, required=True, help="the program that writes frames as we read them")
    parser.add_argument("--node-modules", type=Path, required=True, help="where the JS SDK is installed")
    parser.add_argument("--only", default="", help="checks whose name or endpoint holds this text, and no other part")
    parser.add_argument("--part", action="append", choices=PARTS, help="a part of the whole; default: all")
    parser.add_argument("--mode", action="append", choices=MODES, help="transport of the checks; default: both")
    parser.add_argument("--seed", type=int, help="of the generated requests and frames; default: another one each time")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    arguments = parser.parse_args()
    arguments.mode = arguments.mode or list(MODES)
    arguments.part = arguments.part or list(PARTS)
    return arguments


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The SDK's socket threads are no daemons; the referee is done and does not wait for them.
    os._exit(code)
