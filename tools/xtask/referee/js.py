"""The broker's JS SDK as a second client: every REST call of `lists/calls.json` against a simulator of its own."""

import json
import os
import subprocess
from pathlib import Path

from listed import FOLDER, Listed
from sdk import Sdk
from simulator import DAY, Simulator
from strict import Findings
from world import World

SCRIPT = Path(__file__).parent / "rest.mjs"
REDIRECT = "http://127.0.0.1/callback"
TIMEOUT_S = 120
# Fewer mean that the table of calls was cut.
CALLS_MIN = 70


def calls():
    """The table of calls and its fixed values."""
    table = json.loads((FOLDER / "calls.json").read_text(encoding="utf-8"))
    return table["calls"], table["values"]


def live_values(simulator, world):
    """What the names in the table stand for on this simulator's day."""
    sdk, fixed = Sdk(simulator, Findings()), calls()[1]
    sdk.quote_v3.get_ltp(instrument_key=world.key)
    (row,) = sdk.last["data"].values()
    price = row["last_price"]
    sdk.options.get_option_contracts(world.index_key)
    contracts = sdk.last["data"]
    sdk.expired.get_expiries(world.index_key)
    expired = max(sdk.last["data"])
    sdk.expired.get_expired_option_contracts(world.index_key, expired)
    return fixed | {
        "share": world.key,
        "other": world.other_key,
        "isin": world.share["isin"],
        "symbol": world.share["trading_symbol"],
        "index": world.index_key,
        "option": contracts[0]["instrument_key"],
        "expiry": min(contract["expiry"] for contract in contracts)[:10],
        "expired": expired,
        "expired_key": sdk.last["data"][0]["instrument_key"],
        "day": world.day.isoformat(),
        "yesterday": world.days_before(1),
        "before": world.days_before(11),
        "year": world.financial_year(),
        "price": price,
        "low": world.on_grid(price * 0.93),
        "lower": world.on_grid(price * 0.92),
        "high": world.on_grid(price * 1.07),
        "client_id": simulator.ready["client_id"],
        "client_secret": simulator.ready["client_secret"],
        "redirect_uri": REDIRECT,
    }


def run_calls(simulator, world, modules):
    """Has the JS SDK make every call; gives its lines, each with name, endpoint, problem and seconds."""
    given = {
        "api": simulator.url("api"),
        "order": simulator.url("order"),
        "token": simulator.token,
        "modules": str(modules),
        "calls": calls()[0],
        "values": live_values(simulator, world),
    }
    environment = os.environ | ({"NODE_EXTRA_CA_CERTS": simulator.ca_file} if simulator.ca_file else {})
    done = subprocess.run(
        ["node", str(SCRIPT)], input=json.dumps(given), text=True, capture_output=True, env=environment, timeout=TIMEOUT_S
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0:
        lines.append({"name": "node", "endpoint": "", "problem": done.stderr[-400:], "seconds": 0})
    return lines


def uncalled(lines, report):
    """Every call of the JS SDK was made, or stands in the written list; gives the lines of calls alone."""
    listed, made = Listed("undriven_js.toml", ("call",)), {line["method"] for line in lines if "method" in line}
    known = {method for line in lines for method in line.get("methods", ())}
    if len(made) < CALLS_MIN:
        report.row("js", "calls", f"{len(made)} made, at least {CALLS_MIN} must be")
    for call in sorted(known - made):
        if not listed.allows(call=call):
            report.row("js", f"call {call}", "the table has no such call of the JS SDK")
    for line in listed.unneeded():
        report.row("js", "undriven", line)
    return [line for line in lines if "name" in line]


def repeat(binary, modules, report):
    """Repeats the REST part with the JS SDK over TLS; every endpoint is counted once."""
    with Simulator(binary, *DAY, plain=False) as simulator:
        lines = run_calls(simulator, World(simulator), modules)
    lines = uncalled(lines, report)
    for line in lines:
        report.row("js", f"{line['name']} ({line['endpoint']})", line["problem"], line["seconds"])
    failed = {line["endpoint"] for line in lines if line["problem"]}
    passed = {line["endpoint"] for line in lines} - failed
    report.say(f"endpoints: {len(passed)} passed, {len(failed)} failed (js)")
