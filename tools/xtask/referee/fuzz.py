"""Generated requests for every operation of the broker's definition: nothing may break, every answer must fit.

`schemathesis` makes the requests; what an answer must be is judged by `fuzz_check.py`, which honours the written
deviations. Calls of the order host go there, and each call that ends the session has a run and a simulator of its
own, lest what follows only meets a dead token. A run proves nothing of an operation that it never reached: each must
have been answered with success, or refused for what was in the request.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from listed import Listed
from simulator import DAY, Simulator

EXAMPLES = 8
TIMEOUT_S = 240
ORDER_HOST = "/order/(place|modify|cancel)$"
ENDS_SESSION = ("/v2/logout$", "/v2/user/ip$", "/v2/user/kill-switch$")
# Refusals that tell what was wrong in the request; 401 and 404 tell that it was not looked at.
UNDERSTOOD = {400, 422}
READING, WRITING = ("GET",), ("POST", "PUT", "DELETE")
# Name, host, paths to leave out, paths to take, methods to leave out.
RUNS = (
    ("api", "api", "|".join((ORDER_HOST, *ENDS_SESSION)), None, ()),
    ("order host", "order", None, ORDER_HOST, ()),
    ("session, reading", "api", None, "|".join(ENDS_SESSION[1:]), WRITING),
    *((f"session {path.rstrip('$')}", "api", None, path, READING) for path in ENDS_SESSION),
)


def fuzz(binary, judge, seed, report):
    """Runs schemathesis; its needs of the deviation list are added to the judge's."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    report.say(f"schemathesis: seed {seed}, {EXAMPLES} examples an operation")
    statuses = Counter()
    for name, *chosen in RUNS:
        with tempfile.TemporaryDirectory(prefix="bijli-fuzz-") as folder:
            began = time.monotonic()
            with Simulator(binary, *DAY, plain=True) as simulator:
                problem = run(simulator, judge, seed, Path(folder), chosen, statuses)
                problem = simulator.death() + problem
            report.row("fuzz", name, problem, time.monotonic() - began)
    reached(statuses, judge, report)


def reached(statuses, judge, report):
    """Every operation was asked for and understood: answered with success, or refused for what was asked."""
    unserved, succeeded = Listed("unserved.toml", ("operation",)), set()
    for operation in sorted(judge.definition.operations):
        found = {status: times for (name, status), times in sorted(statuses.items()) if name == operation}
        succeeded |= {operation for status in found if status < 400}
        if not UNDERSTOOD & set(found) and not any(status < 400 for status in found):
            if not unserved.allows(operation=operation):
                report.row("fuzz", operation, f"never reached, its answers by status: {found or 'none'}")
    report.say(
        f"schemathesis: {statuses.total()} answers, {len(succeeded)} operations with success, of"
        f" {len(judge.definition.operations)}; by status: {by_status(statuses)}"
    )


def by_status(statuses):
    """How many answers had each status, as text."""
    sums = Counter()
    for (_, status), times in statuses.items():
        sums[status] += times
    return ", ".join(f"{status} {times}" for status, times in sorted(sums.items()))


def run(simulator, judge, seed, folder, chosen, statuses):
    """One run of schemathesis; gives what it found wrong and counts answers in `statuses`."""
    host, leave, take, without = chosen
    schema, needs = folder / "definition.json", folder / "needs.json"
    schema.write_text(json.dumps(judge.definition.document), encoding="utf-8")
    words = [str(Path(sys.executable).parent / "schemathesis"), "run", str(schema), "--url", simulator.url(host)]
    words += ["--header", f"Authorization: Bearer {simulator.token}", "--seed", str(seed), "--continue-on-failure"]
    words += ["--checks", "not_a_server_error,broker_definition", "--max-examples", str(EXAMPLES), "--no-color"]
    words += ["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"]
    words += ["--max-redirects", "0", "--workers", "1"]
    words += ["--exclude-path-regex", leave] if leave else []
    words += ["--include-path-regex", take] if take else []
    words += [word for method in without for word in ("--exclude-method", method)]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "fuzz_check", "REFEREE_NEEDS": str(needs)}
    environment |= {"PYTHONPATH": str(Path(__file__).parent), "REFEREE_DATA": str(judge.definition.folder)}
    done = subprocess.run(words, cwd=folder, env=environment, text=True, capture_output=True, timeout=TIMEOUT_S)
    if needs.exists():
        left = json.loads(needs.read_text())
        for place, times in enumerate(left["needed"]):
            judge.listed.needed[place].update(times)
        statuses.update({(operation, status): times for operation, status, times in left["statuses"]})
    if done.returncode == 0 and needs.exists():
        return ""
    return shortened(done.stdout + done.stderr)


def shortened(output):
    """What broke, each kind once."""
    found = re.findall(r"broken: .*|Server error.*|\[5\d\d\].*|stopped responding[^/]*curl.*", output)
    kinds = sorted({line.strip() for line in found})
    return "; ".join(kinds[:40]) or output[-600:]
