"""Checks: what each is called, which endpoints it must drive, and what happened when it ran.

A check drives the SDK and asserts meaning through `Trial`. It passes only if every endpoint that it names was
called by the SDK and answered with success while it ran, so that no endpoint is counted unseen.
"""

import time
import traceback
from dataclasses import dataclass

from upstox_client.rest import ApiException

CHECKS = []


class CheckFailed(Exception):
    """What a check found wrong, in words."""


@dataclass(frozen=True)
class Check:
    """A check and the endpoints (`METHOD template`) that it answers for."""

    name: str
    endpoints: tuple
    run: object


@dataclass
class Outcome:
    """How a check ended; `problem` is empty if it passed."""

    check: Check
    problem: str
    seconds: float


def check(*endpoints):
    """Registers a function as a check of these endpoints, in the order of definition."""

    def register(function):
        CHECKS.append(Check(function.__name__, endpoints, function))
        return function

    return register


class Trial:
    """What a check works with: the SDK, the world, and what earlier checks left for later ones.

    A check of a socket puts the endpoints that it reached into `reached`; those of REST are seen by the tap.
    """

    def __init__(self, sdk, world, notes):
        self.sdk = sdk
        self.world = world
        self.notes = notes
        self.reached = set()

    def expect(self, truth, *words):
        """Fails the check unless `truth`."""
        if not truth:
            raise CheckFailed(" ".join(str(word) for word in words))

    def same(self, got, wanted, what):
        """Fails the check unless both are equal."""
        self.expect(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")

    def near(self, got, wanted, what, within=0.01):
        """Fails the check unless two amounts of rupees agree but for rounding."""
        self.expect(abs(got - wanted) <= within + 1e-9, f"{what}: got {got!r}, wanted {wanted!r}")

    def data(self):
        """The `data` of the latest raw answer, which must be a success."""
        answer = self.sdk.last
        self.expect(isinstance(answer, dict), "the answer is no JSON object")
        self.same(answer.get("status"), "success", "status")
        return answer["data"]

    def until(self, probe, what, seconds=15):
        """Asks again until `probe` gives something true, and gives that; simulated time passes meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = probe()
            if found:
                return found
            time.sleep(0.1)
        raise CheckFailed(f"waited {seconds} s in vain: {what}")

    def refused(self, call, statuses, codes):
        """Fails the check unless `call` is refused with one of these HTTP statuses and one of these codes."""
        try:
            call()
        except ApiException as refusal:
            self.expect(refusal.status in statuses, f"refused with HTTP {refusal.status}, wanted one of {statuses}")
        else:
            raise CheckFailed("was not refused")
        self.carries_error(codes)

    def carries_error(self, codes):
        """Fails the check unless the latest answer is an error envelope with one of these codes."""
        answer = self.sdk.last
        self.expect(isinstance(answer, dict), "the refusal is no JSON object")
        self.same(answer.get("status"), "error", "status of the refusal")
        for error in answer["errors"]:
            self.expect(error["errorCode"] in codes, f"code {error['errorCode']}, wanted one of {codes}")
            self.same(error["error_code"], error["errorCode"], "the two spellings of the code")
            self.expect(error["message"], "the refusal has no message")


def run_check(item, sdk, world, notes):
    """Runs one check and judges it."""
    began, first, trial = time.monotonic(), len(sdk.exchanges), Trial(sdk, world, notes)
    problem = ""
    try:
        item.run(trial)
    except CheckFailed as failed:
        problem = str(failed)
    except ApiException as refused:
        problem = f"the SDK raised HTTP {refused.status}: {(refused.body or refused.reason)!r}"[:400]
    except Exception as broken:
        where = traceback.extract_tb(broken.__traceback__)[-1]
        problem = f"{type(broken).__name__}: {broken} at {where.name}:{where.lineno}"
    answered = trial.reached | {exchange.template for exchange in sdk.exchanges[first:] if exchange.status < 400}
    never = [name for name in item.endpoints if name not in answered]
    if not problem and never:
        problem = f"the SDK got no answer from {', '.join(never)}"
    return Outcome(item, problem, time.monotonic() - began)
