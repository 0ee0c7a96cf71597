"""Drives every endpoint with the Python SDK over one transport, and judges how it went.
"""

import time

import checks  # noqa: F401 - registers the checks
from check import CHECKS, run_check
from listed import Listed
from refusals import refused_calls, wrong_paths
from sdk import Sdk, all_calls
from simulator import DAY, Simulator
from strict import Findings
from world import World

# Fewer on a full run mean that checks were lost, not that the broker has fewer.
ENDPOINTS_MIN = 70


def drive(binary, plain, only, report):
    """Runs the checks whose name or endpoint holds `only`; gives everything that the SDK exchanged."""
    mode = "plain" if plain else "tls"
    chosen = [item for item in CHECKS if only in f"{item.name} {' '.join(item.endpoints)}"]
    if not chosen:
        report.row(mode, f"--only {only}", "no check has this text in its name or endpoints")
        return []
    findings = Findings()
    with Simulator(binary, *DAY, plain=plain) as simulator:
        sdk, notes, world = Sdk(simulator, findings), {}, World(simulator)
        outcomes = list(run_in_order(chosen, sdk, world, notes))
        report.row(mode, "the simulator serves to the end", simulator.death())
    for outcome in outcomes:
        name = f"{outcome.check.name} ({', '.join(outcome.check.endpoints)})"
        report.row(mode, name, outcome.problem, outcome.seconds)
    exchanges, driven = sdk.exchanges, sdk.methods
    if not only:
        refused = refuse(binary, plain, findings, report)
        exchanges, driven = exchanges + refused.exchanges, driven | refused.methods
        undriven(driven, mode, report)
    strict(findings, mode, only, report)
    passed = count(outcomes, mode, report)
    if not only and passed < ENDPOINTS_MIN:
        report.row(mode, "endpoints", f"{passed} passed, at least {ENDPOINTS_MIN} must")
    return exchanges


def run_in_order(chosen, sdk, world, notes):
    """Outcomes of the chosen checks; those before them in the same files run too, for the notes they leave."""
    last = {item.run.__module__: place for place, item in enumerate(CHECKS) if item in chosen}
    for place, item in enumerate(CHECKS):
        if place <= last.get(item.run.__module__, -1):
            outcome = run_check(item, sdk, world, notes)
            if item in chosen:
                yield outcome


def refuse(binary, plain, findings, report):
    """Makes the calls that must be refused; gives the SDK's client that made them."""
    with Simulator(binary, *DAY, plain=plain) as simulator:
        sdk, world = Sdk(simulator, findings), World(simulator)
        for name, part in (("wrong paths", wrong_paths), ("refusals", refused_calls)):
            began = time.monotonic()
            problems = part(sdk, world)
            report.row("plain" if plain else "tls", name, "; ".join(problems), time.monotonic() - began)
    return sdk


def count(outcomes, mode, report):
    """Says and gives how many distinct endpoints passed: those of which no check failed."""
    failed = {name for outcome in outcomes if outcome.problem for name in outcome.check.endpoints}
    passed = {name for outcome in outcomes for name in outcome.check.endpoints} - failed
    report.say(f"endpoints: {len(passed)} passed, {len(failed)} failed ({mode})")
    return len(passed)


def strict(findings, mode, only, report):
    """Judges the differences from the SDK's models against the written list."""
    quirks = Listed("quirks.toml", ("kind", "model", "key"))
    for (kind, model, key), call in sorted(findings.seen.items()):
        if not quirks.allows(kind=kind, model=model, key=key):
            report.row(mode, f"strict {model}", f"{kind} key `{key}`, first seen in {call}")
    if not only:
        for line in quirks.unneeded():
            report.row(mode, "strict", line)


def undriven(driven, mode, report):
    """Every call of the SDK was made, or stands in the written list."""
    listed = Listed("undriven.toml", ("call",))
    for call in sorted(all_calls() - driven):
        if not listed.allows(call=call):
            report.row(mode, f"call {call}", "no check makes this call of the SDK")
    for line in listed.unneeded():
        report.row(mode, "undriven", line)
