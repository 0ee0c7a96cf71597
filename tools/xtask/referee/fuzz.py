"""Generated requests for every operation of the broker's definition: nothing may break, every answer must fit.

`schemathesis` makes the requests; what an answer must be is judged by `fuzz_check.py`, which honours the written
deviations. Calls of the order host go there, and calls that end the session come last and by themselves.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from simulator import DAY, Simulator

EXAMPLES = 8
TIMEOUT_S = 240
ORDER_HOST = "/order/(place|modify|cancel)$"
ENDS_SESSION = "/v2/logout$|/v2/user/ip$|/v2/user/kill-switch$"
NOT_SERVED = "/v2/feed/market-data-feed"
# Name, host, what to leave out, what to take.
RUNS = (
    ("api", "api", f"{ORDER_HOST}|{ENDS_SESSION}|{NOT_SERVED}", None),
    ("order host", "order", None, ORDER_HOST),
    ("session", "api", None, ENDS_SESSION),
)


def fuzz(binary, judge, seed, report):
    """Runs schemathesis; its needs of the deviation list are added to the judge's."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    report.say(f"schemathesis: seed {seed}, {EXAMPLES} examples an operation")
    for name, host, leave, take in RUNS:
        with tempfile.TemporaryDirectory(prefix="bijli-fuzz-") as folder:
            began = time.monotonic()
            with Simulator(binary, *DAY, plain=True) as simulator:
                problem = run(simulator, judge, seed, Path(folder), (host, leave, take))
                problem = simulator.death() + problem
            report.row("fuzz", name, problem, time.monotonic() - began)


def run(simulator, judge, seed, folder, chosen):
    """One run of schemathesis; gives what it found wrong."""
    host, leave, take = chosen
    schema, needs = folder / "definition.json", folder / "needs.json"
    schema.write_text(json.dumps(judge.definition.document), encoding="utf-8")
    words = [str(Path(sys.executable).parent / "schemathesis"), "run", str(schema), "--url", simulator.url(host)]
    words += ["--header", f"Authorization: Bearer {simulator.token}", "--seed", str(seed), "--continue-on-failure"]
    words += ["--checks", "not_a_server_error,broker_definition", "--max-examples", str(EXAMPLES), "--no-color"]
    words += ["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"]
    words += ["--max-redirects", "0", "--workers", "1"]
    words += ["--exclude-path-regex", leave] if leave else []
    words += ["--include-path-regex", take] if take else []
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "fuzz_check", "REFEREE_NEEDS": str(needs)}
    environment |= {"PYTHONPATH": str(Path(__file__).parent), "REFEREE_DATA": str(judge.definition.folder)}
    done = subprocess.run(words, cwd=folder, env=environment, text=True, capture_output=True, timeout=TIMEOUT_S)
    if needs.exists():
        for place, times in enumerate(json.loads(needs.read_text())):
            judge.listed.needed[place] += times
    if done.returncode == 0 and needs.exists():
        return ""
    return shortened(done.stdout + done.stderr)


def shortened(output):
    """What broke, each kind once."""
    found = re.findall(r"broken: .*|Server error.*|\[5\d\d\].*|stopped responding[^/]*curl.*", output)
    kinds = sorted({line.strip() for line in found})
    return "; ".join(kinds[:40]) or output[-600:]
