"""Request parity: for the same call and arguments, what our client sends equals what the Python SDK sends.

Both sides make every call of `lists/calls.json` and `lists/shapes.json` with its fixed values against one simulator
each, which records what arrives; ours are made by the example `every_call` of the gateway. Compared are method, host,
decoded path, each parameter of the query, the headers that matter, and the body as JSON or form, key by key. Answers
do not matter here.
"""

import inspect
import json
import re
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import upstox_client
from upstox_client.rest import ApiException

from js import calls
from listed import FOLDER, Listed
from sdk import Sdk
from simulator import DAY, Simulator
from strict import Findings

FIELDS = ("call", "part", "sdk", "ours")
HEADERS = ("authorization", "content-type", "accept", "x-algo-name", "api-version")
ALGO = "parity-check"
TIMEOUT_S = 120


def compare(binary, example, report):
    """Makes every call on both sides and compares; every difference is in the written list or a failure."""
    began, table = time.monotonic(), filled_calls()
    theirs = recorded(binary, lambda simulator: sdk_calls(simulator, table))
    ours = recorded(binary, lambda simulator: our_calls(simulator, example, table))
    listed, count = Listed("parity.toml", FIELDS), {"equal": 0, "listed": 0, "unexplained": 0}
    for name in theirs:
        count[judge(name, theirs[name], ours.get(name), listed, report)] += 1
    for line in listed.unneeded():
        report.row("parity", "list", line)
    report.row("parity", f"{len(table)} calls of both clients", "", time.monotonic() - began)
    report.say(
        f"parity: {count['equal']} calls equal, {count['listed']} with listed differences,"
        f" {count['unexplained']} unexplained"
    )


def judge(name, theirs, ours, listed, report):
    """Compares one call; gives the word under which it is counted."""
    if ours is None:
        return "listed" if listed.allows(call=name, part="call", sdk="made", ours="never made") else missed(name, report)
    found = {part: values for part, *values in differences(theirs, ours)}
    word = "listed" if found else "equal"
    for part, (sdk, own) in found.items():
        if not listed.allows(call=name, part=part, sdk=sdk, ours=own):
            report.row("parity", f"{name}: {part}", f"SDK {sdk}, ours {own}")
            word = "unexplained"
    return word


def differences(theirs, ours):
    """Each part that differs with what both sides send; parameters and keys of an object each for itself."""
    for part in theirs:
        sides = [theirs[part], ours[part]]
        if sides[0] == sides[1]:
            continue
        if part == "query":
            sides = [{name: [v for n, v in side if n == name] for name, _ in side} for side in sides]
        if all(isinstance(side, dict) for side in sides):
            for name in sorted({*sides[0], *sides[1]}):
                values = [shown(side.get(name, "none")) for side in sides]
                if values[0] != values[1]:
                    yield f"{part}.{name}", *values
        else:
            yield part, shown(sides[0]), shown(sides[1])


def missed(name, report):
    """Notes a call that our client cannot make."""
    report.row("parity", name, "our client never makes this call")
    return "unexplained"


def shown(value):
    """A part of a request as text, the same for equal parts."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def filled_calls():
    """The table of calls with its fixed values in place of their names."""
    table, values = calls()
    table = table + json.loads((FOLDER / "shapes.json").read_text(encoding="utf-8"))["calls"]

    def filled(part):
        if isinstance(part, str) and re.fullmatch(r"\$\w+", part):
            return values[part[1:]]
        if isinstance(part, str):
            return re.sub(r"\$(\w+)", lambda name: str(values[name[1]]), part)
        if isinstance(part, list):
            return [filled(item) for item in part]
        if isinstance(part, dict):
            return {name: filled(value) for name, value in part.items()}
        return part

    return [
        {
            "name": call["name"],
            "call": call["call"],
            "args": filled(call.get("args", [])),
            "options": filled(call.get("options", {})),
            "model": call.get("model"),
        }
        for call in table
    ]


def recorded(binary, make):
    """Has `make` send calls to a simulator of its own; gives each call's request by the call's name."""
    with Simulator(binary, *DAY, "--record-requests", plain=False) as simulator:
        simulator.forget_requests()
        names = make(simulator)
        requests = [request for request in simulator.requests() if request["method"] != "WS"]
    if len(requests) != len(names):
        raise RuntimeError(f"{len(names)} calls were made and {len(requests)} requests recorded")
    return {name: comparable(request, simulator.token) for name, request in zip(names, requests)}


def comparable(request, token):
    """The parts of a recorded request that must agree."""
    path, _, query = request["target"].partition("?")
    parts = {
        "method": request["method"],
        "host": request["host"],
        "path": unquote(path),
        "query": sorted(parse_qsl(query, keep_blank_values=True)),
        "body": body_of(request),
    }
    for name in HEADERS:
        value = request["headers"].get(name, "none").partition(";")[0]
        parts[name] = value.replace(token, "TOKEN")
    if parts["body"] == "none":
        # The SDK names the sort of a body that is not there; what names nothing does not matter.
        parts["content-type"] = "none"
    return parts


def body_of(request):
    """A body as JSON or as the pairs of a form; `none` without one."""
    text = request["body"]
    if not text:
        return "none"
    if request["headers"].get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return sorted(parse_qsl(text, keep_blank_values=True))
    return json.loads(text)


def sdk_calls(simulator, table):
    """Makes every call with the Python SDK; gives their names in order."""
    sdk = Sdk(simulator, Findings())
    for call in table:
        area, name = call["call"].split(".")
        api = getattr(upstox_client, area)(sdk.client)
        method, options = getattr(api, name), dict(call["options"])
        if takes_algo_name(api, name):
            options["algo_name"] = ALGO
        try:
            method(*modelled(call), **options)
        except (ApiException, ValueError):
            pass  # What the simulator says to a call with invented ids is of no interest here.
    return [call["name"] for call in table]


def modelled(call):
    """The arguments; a call that names a model has its bodies made of it, as a user of the SDK would make them."""
    if not call["model"]:
        return call["args"]
    body = call["args"][0]
    model = getattr(upstox_client, call["model"])

    def made(fields):
        rules = {"rules": [upstox_client.GttRule(**rule) for rule in fields["rules"]]} if "rules" in fields else {}
        return model(**fields | rules)

    return [[made(line) for line in body] if isinstance(body, list) else made(body)]


def takes_algo_name(api, name):
    """Whether a call of the SDK knows the argument; its signature does not tell."""
    source = inspect.getsource(type(api)).partition(f"def {name}_with_http_info")[2]
    return "'algo_name'" in source.partition("\n    def ")[0]


def our_calls(simulator, example, table):
    """Makes every call with our client; gives the names of those that it can make, in order."""
    given = {
        "api_url": simulator.url("api"),
        "order_url": simulator.url("order"),
        "token": simulator.token,
        "extra_root_pem": Path(simulator.ca_file).read_text(encoding="ascii"),
        "algo_name": ALGO,
        "calls": table,
    }
    done = subprocess.run([str(example)], input=json.dumps(given), text=True, capture_output=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeError(f"every_call failed: {done.stderr[-400:]}")
    return done.stdout.splitlines()
