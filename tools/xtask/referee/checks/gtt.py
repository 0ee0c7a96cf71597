"""Orders that wait for a trigger: placed, read, changed, cancelled."""

from upstox_client import GttCancelOrderRequest, GttModifyOrderRequest, GttPlaceOrderRequest, GttRule

from check import check
from .order import far_below


def entry(price):
    """An entry far below the market."""
    return GttRule(strategy="ENTRY", trigger_type="BELOW", trigger_price=price)


def placed(trial, kind, rules):
    """Places a GTT order for 2 and gives its id."""
    trial.sdk.order_v3.place_gtt_order(
        GttPlaceOrderRequest(
            type=kind,
            quantity=2,
            product="D",
            instrument_token=trial.world.key,
            transaction_type="BUY",
            rules=rules,
        )
    )
    (order_id,) = trial.data()["gtt_order_ids"]
    trial.expect(order_id.startswith("GTT-C"), "a GTT id begins GTT-C, not", order_id)
    return order_id


def read(trial, order_id):
    """The GTT order as the broker tells it, or None if it is told no more."""
    trial.sdk.order_v3.get_gtt_order_details(gtt_order_id=order_id)
    rows = trial.data()
    return rows[0] if rows else None


@check("POST /v3/order/gtt/place", "GET /v3/order/gtt")
def a_single_gtt_waits(trial):
    """One rule; times are microseconds."""
    price = far_below(trial)
    order_id = placed(trial, "SINGLE", [entry(price)])
    row = read(trial, order_id)
    trial.same((row["type"], row["quantity"], row["product"]), ("SINGLE", 2, "D"), "order")
    trial.same((row["exchange"], row["instrument_token"]), ("NSE_EQ", trial.world.key), "instrument")
    (rule,) = row["rules"]
    trial.same((rule["strategy"], rule["trigger_type"]), ("ENTRY", "BELOW"), "rule")
    trial.near(rule["trigger_price"], price, "trigger")
    year_us = 365 * 86_400 * 1_000_000
    trial.expect(row["created_at"] > 10**15, "created_at is not in microseconds:", row["created_at"])
    trial.near(row["expires_at"] - row["created_at"], year_us, "life", within=86_400 * 1_000_000)
    trial.notes["gtt"] = (order_id, price)


@check("POST /v3/order/gtt/place", "GET /v3/order/gtt")
def a_multiple_gtt_has_its_three_rules(trial):
    """Entry, target and stop; all GTT orders are listed without an id."""
    price = far_below(trial)
    target = GttRule(strategy="TARGET", trigger_type="IMMEDIATE", trigger_price=trial.world.on_grid(price * 1.1))
    stop = GttRule(strategy="STOPLOSS", trigger_type="IMMEDIATE", trigger_price=trial.world.on_grid(price * 0.95))
    order_id = placed(trial, "MULTIPLE", [entry(price), target, stop])
    rules = {rule["strategy"]: rule for rule in read(trial, order_id)["rules"]}
    trial.same(set(rules), {"ENTRY", "TARGET", "STOPLOSS"}, "rules")
    trial.same(rules["TARGET"]["transaction_type"], "SELL", "side of the target")
    trial.sdk.order_v3.get_gtt_order_details()
    ids = {row["gtt_order_id"] for row in trial.data()}
    trial.expect({order_id, trial.notes["gtt"][0]} <= ids, "the list lacks an order")


@check("PUT /v3/order/gtt/modify")
def a_gtt_takes_another_trigger(trial):
    """Quantity and trigger change."""
    order_id, price = trial.notes["gtt"]
    lower = trial.world.on_grid(price * 0.98)
    trial.sdk.order_v3.modify_gtt_order(
        GttModifyOrderRequest(type="SINGLE", gtt_order_id=order_id, quantity=3, rules=[entry(lower)])
    )
    trial.same(trial.data()["gtt_order_ids"], [order_id], "id")
    row = read(trial, order_id)
    trial.same(row["quantity"], 3, "quantity")
    trial.near(row["rules"][0]["trigger_price"], lower, "trigger")


@check("DELETE /v3/order/gtt/cancel")
def a_cancelled_gtt_waits_no_more(trial):
    """Cancel carries its id in the body."""
    order_id, _ = trial.notes["gtt"]
    trial.sdk.order_v3.cancel_gtt_order(GttCancelOrderRequest(gtt_order_id=order_id))
    trial.same(trial.data()["gtt_order_ids"], [order_id], "id")
    row = read(trial, order_id)
    waiting = [] if row is None else [rule for rule in row["rules"] if rule["status"] != "CANCELLED"]
    trial.same(waiting, [], "rules that still wait")
