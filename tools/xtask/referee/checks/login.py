"""Login, and what ends a session: kill switch, change of address, logout. Each takes the token with it."""

from urllib.parse import parse_qs, urlsplit

from upstox_client import IndieUserTokenRequest, KillSwitchSegmentUpdateRequest, UpdateUserIpRequest
from upstox_client.rest import ApiException

from check import check
from .order import V2

STATE = "referee state"
# The simulated application takes any redirect address on loopback; nothing listens there.
REDIRECT = "http://127.0.0.1/callback"
SEGMENTS = {"NSE_EQ", "BSE_EQ", "NSE_FO", "BSE_FO", "NCD_FO", "BCD_FO", "MCX_FO", "NSE_COM"}


def application(trial):
    """Key, secret and redirect address of the simulated application."""
    ready = trial.sdk.simulator.ready
    return ready["client_id"], ready["client_secret"], REDIRECT


def code_of_dialog(trial):
    """Goes through the login dialog, which in the simulator is answered at once."""
    key, _, redirect = application(trial)
    try:
        trial.sdk.login.authorize(key, redirect, V2, state=STATE)
    except ApiException as answer:
        trial.same(answer.status, 302, "HTTP status of the dialog")
    location = trial.sdk.exchanges[-1].location
    trial.expect(location and location.startswith(redirect), "the dialog leads to", location)
    query = parse_qs(urlsplit(location).query)
    trial.same(query["state"], [STATE], "state")
    return query["code"][0]


def exchange(trial, code):
    """Exchanges a code."""
    key, secret, redirect = application(trial)
    trial.sdk.login.token(
        V2, code=code, client_id=key, client_secret=secret, redirect_uri=redirect, grant_type="authorization_code"
    )
    return trial.sdk.last


def log_in(trial):
    """Gets a new token and uses it from now on."""
    trial.sdk.client.configuration.access_token = exchange(trial, code_of_dialog(trial))["access_token"]
    trial.sdk.user.get_profile(V2)
    trial.data()


def is_dead(trial):
    """The token that was good before is refused."""
    trial.refused(lambda: trial.sdk.user.get_profile(V2), (401,), ["UDAPI100050"])


@check("GET /v2/login/authorization/dialog", "POST /v2/login/authorization/token")
def a_code_is_exchanged_once(trial):
    """Dialog, exchange; the answer has no envelope; the code is spent, and a foreign application is refused."""
    code = code_of_dialog(trial)
    answer = exchange(trial, code)
    trial.same(answer["user_id"], trial.notes["user"], "user")
    trial.expect("status" not in answer and answer["access_token"], "the answer:", sorted(answer))
    trial.sdk.client.configuration.access_token = answer["access_token"]
    trial.sdk.user.get_profile(V2)
    trial.refused(lambda: exchange(trial, code), (400, 401), ["UDAPI100057"])
    foreign = application(trial)[2]
    trial.refused(lambda: trial.sdk.login.authorize("no-such-key", foreign, V2), (400, 401), ["UDAPI100068"])


@check("POST /v3/login/auth/token/request/{client_id}")
def a_token_can_be_asked_for(trial):
    """The expiry is the next 03:30 in India, as milliseconds in text."""
    key, secret, _ = application(trial)
    trial.sdk.login.init_token_request_for_indie_user(IndieUserTokenRequest(client_secret=secret), key)
    data = trial.data()
    expiry_s = int(data["authorization_expiry"]) // 1000
    trial.same((expiry_s + 19_800) % 86_400, 12_600, "second of the day at which it expires")
    trial.expect(data["notifier_url"].startswith("http"), "notifier:", data["notifier_url"])
    wrong = IndieUserTokenRequest(client_secret="wrong")
    trial.refused(lambda: trial.sdk.login.init_token_request_for_indie_user(wrong, key), (400, 401), ["UDAPI100069", "UDAPI100016"])


@check("GET /v2/user/kill-switch", "POST /v2/user/kill-switch")
def the_kill_switch_shuts_a_segment(trial):
    """All segments are told; a change takes the token with it."""
    trial.sdk.user.get_kill_switch()
    before = {row["segment"]: row for row in trial.data()}
    trial.same(set(before), SEGMENTS, "segments")
    trial.expect(all(not row["kill_switch_enabled"] for row in before.values()), "a kill switch is on")
    trial.sdk.user.update_kill_switch([KillSwitchSegmentUpdateRequest(segment="BCD_FO", action="DISABLE")])
    after = {row["segment"]: row for row in trial.data()}
    trial.expect(after["BCD_FO"]["kill_switch_enabled"], "the switch stayed off")
    trial.same({name for name in after if after[name] != before[name]}, {"BCD_FO"}, "changed segments")
    is_dead(trial)
    log_in(trial)


@check("GET /v2/user/ip", "PUT /v2/user/ip")
def addresses_change_once_a_week(trial):
    """The change takes the token with it; the second address may be left out (the JS SDK names both)."""
    trial.sdk.user.get_user_ips()
    trial.expect({"primary_ip", "secondary_ip"} <= set(trial.data()), "names:", sorted(trial.data()))
    addresses = UpdateUserIpRequest(primary_ip="127.0.0.1")
    trial.sdk.user.update_user_ip(addresses)
    data = trial.data()
    trial.same((data["primary_ip"], data["secondary_ip"]), ("127.0.0.1", None), "addresses")
    trial.same(data["access_tokens_invalidated"], True, "word on the tokens")
    is_dead(trial)
    log_in(trial)


@check("DELETE /v2/logout")
def logout_kills_the_token(trial):
    """The last call of the session."""
    trial.sdk.login.logout(V2)
    trial.same(trial.data(), True, "answer")
    is_dead(trial)
