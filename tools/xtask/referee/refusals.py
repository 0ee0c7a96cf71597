"""What must be refused, and how: wrong names of old documents, dead tokens, bad input.

Codes where the broker's documents name several are given as a set; messages are never compared.
"""

from upstox_client import ApiGatewayErrorResponse, PlaceOrderRequest
from upstox_client.rest import ApiException

from check import CheckFailed, Trial
from checks.order import V2, body, far_below

# Paths that a third-party document names and that do not exist at the broker.
WRONG_PATHS = (
    ("POST", "/orders/v3/regular/create"),
    ("POST", "/orders/v3/bracket/create"),
    ("GET", "/orders/details"),
    ("GET", "/trades/historical"),
    ("GET", "/portfolio/trades/p-and-l"),
    ("GET", "/market-status"),
    ("GET", "/market-holidays"),
    ("GET", "/user/brokerage"),
    ("GET", "/user/margin"),
    ("GET", "/auth/logout"),
    ("POST", "/orders/exit/all"),
    ("GET", "/market-quote/candles/v3/NSE_EQ%7CINE002A01018/minutes/1"),
    ("GET", "/feed/market-data-feed/authorize/v3"),
    ("GET", "/option/expiry"),
    ("GET", "/option/contract/pc"),
    ("GET", "/market-quote/instruments"),
)


def wrong_paths(sdk, world):
    """Each wrong path, with and without a version in front, on both hosts; gives the problems found."""
    trial, problems = Trial(sdk, world, {}), []
    for method, path in WRONG_PATHS:
        for target in (path, f"/v2{path}"):
            for host in ("api", "order"):
                answer = sdk.raw(method, target, host)
                try:
                    trial.same(answer.status, 404, "HTTP status")
                    trial.carries_error(["UDAPI10000"])
                except CheckFailed as failed:
                    problems.append(f"{method} {target} ({host}): {failed}")
    return problems


def bad_calls(trial):
    """Calls that must be refused: what it is, the call, the HTTP statuses and codes that may stand in the answer."""
    sdk, share = trial.sdk, trial.world.key
    price = far_below(trial)
    unknown = "260101000000000"
    place = sdk.order_v3.place_order
    keys = {"UDAPI100011", "UDAPI1087"}
    return (
        ("no quantity", lambda: place(body(trial, quantity=0)), (400,), {"UDAPI1052"}),
        ("limit without price", lambda: place(body(trial, order_type="LIMIT")), (400,), {"UDAPI1008", "UDAPI1029"}),
        ("stop without trigger", lambda: place(body(trial, order_type="SL-M")), (400,), {"UDAPI1036", "UDAPI1032"}),
        ("long tag", lambda: place(body(trial, tag="x" * 41)), (400,), {"UDAPI1119"}),
        ("unknown share", lambda: place(body(trial, instrument_token="NSE_EQ|INE000X00000")), (400,), keys),
        ("v2 no quantity", lambda: sdk.order.place_order(body(trial, PlaceOrderRequest, quantity=0), V2), (400,), {"UDAPI1052"}),
        ("little disclosed", lambda: place(
            body(trial, order_type="LIMIT", price=price, quantity=100, disclosed_quantity=1)), (400,), {"UDAPI1039"}),
        ("details of nothing", lambda: sdk.order.get_order_status(order_id=unknown), (400,), {"UDAPI100010"}),
        ("cancel of nothing", lambda: sdk.order_v3.cancel_order(unknown), (400,), {"UDAPI100010"}),
        ("order id with signs", lambda: sdk.order_v3.cancel_order("a$b"), (400,), {"UDAPI1010"}),
        ("price of nothing", lambda: sdk.quote_v3.get_ltp(instrument_key="NSE_EQ|INE000X00000"), (400,), keys),
        ("price without key", lambda: sdk.quote_v3.get_ltp(), (400,), {"UDAPI1009", "UDAPI1026", "UDAPI100036", "UDAPI100011"}),
        ("candles of nothing", lambda: sdk.history_v3.get_historical_candle_data(
            "NSE_EQ|INE000X00000", "days", "1", trial.world.days_before(1)), (400,), keys),
        ("discontinued feed", lambda: sdk.websocket.get_market_data_feed(V2), (404,), {"UDAPI10000"}),
        ("its authorize", lambda: sdk.websocket.get_market_data_feed_authorize(V2), (404,), {"UDAPI10000"}),
        ("candles up to no date", lambda: sdk.history_v3.get_historical_candle_data(
            share, "days", "1", "yesterday"), (400,), {"UDAPI1088", "UDAPI1015"}),
    )


def refused_calls(sdk, world):
    """Makes the calls that must be refused; gives the problems found."""
    trial, problems = Trial(sdk, world, {}), []
    for name, call, statuses, codes in bad_calls(trial):
        try:
            trial.refused(call, statuses, codes)
            sdk.client.deserialize(_Body(sdk.exchanges[-1].body), ApiGatewayErrorResponse)
        except (CheckFailed, ApiException, KeyError, TypeError) as failed:
            problems.append(f"{name}: {type(failed).__name__}: {failed}")
    return problems


class _Body:
    """An answer's body in the shape that the SDK's reader takes."""

    def __init__(self, data):
        self.data = data
