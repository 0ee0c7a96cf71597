"""Calls on many orders at once: multi place, cancel all, exit all, and their partial answers."""

from upstox_client import MultiOrderRequest

from check import check
from .order import V2, body, far_below, in_status, row_of

TAG = "referee-many"


def line(trial, name, price, **changes):
    """One line of a multi order."""
    fields = {"correlation_id": name, "slice": False, "order_type": "LIMIT", "price": price, "tag": TAG}
    return body(trial, MultiOrderRequest, **(fields | changes))


@check("POST /v2/order/multi/place")
def several_orders_go_in_at_once(trial):
    """All lines good."""
    price = far_below(trial)
    trial.sdk.order.place_multi_order([line(trial, "one", price), line(trial, "two", price, quantity=3)])
    rows = trial.data()
    trial.same([row["correlation_id"] for row in rows], ["one", "two"], "correlation ids")
    trial.same(trial.sdk.last["summary"], {"total": 2, "success": 2, "error": 0, "payload_error": 0}, "summary")
    for row, quantity in zip(rows, (10, 3)):
        trial.same(in_status(trial, row["order_id"], "open")["quantity"], quantity, "quantity")


@check("POST /v2/order/multi/place")
def a_bad_line_fails_alone(trial):
    """One line of two is refused by the instrument's rules; the other goes in."""
    price = far_below(trial)
    bad = line(trial, "bad", price, instrument_token="NSE_EQ|INE000X00000")
    trial.sdk.order.place_multi_order([line(trial, "good", price), bad])
    answer = trial.sdk.last
    trial.same(trial.sdk.exchanges[-1].status, 207, "HTTP status")
    trial.same(answer["status"], "partial_success", "status")
    trial.same([row["correlation_id"] for row in answer["data"]], ["good"], "orders that went in")
    trial.same([row["correlation_id"] for row in answer["errors"]], ["bad"], "lines that did not")
    trial.same((answer["summary"]["success"], answer["summary"]["error"]), (1, 1), "summary")


@check("DELETE /v2/order/multi/cancel")
def cancel_all_takes_what_is_open(trial):
    """By tag; then nothing is left to cancel."""
    trial.sdk.order.get_order_book(V2)
    waiting = {row["order_id"] for row in trial.data() if row["tag"] == TAG and row["status"] == "open"}
    trial.expect(waiting, "no open order to cancel")
    trial.sdk.order.cancel_multi_order(tag=TAG)
    trial.same(set(trial.data()["order_ids"]), waiting, "cancelled orders")
    trial.same(trial.sdk.last["summary"]["success"], len(waiting), "summary")
    for order_id in waiting:
        in_status(trial, order_id, "cancelled")
    trial.refused(lambda: trial.sdk.order.cancel_multi_order(tag=TAG), (400,), ["UDAPI1109"])


@check("POST /v2/order/positions/exit", "GET /v2/portfolio/short-term-positions")
def exit_all_flattens_the_account(trial):
    """Every intraday position ends at zero by orders that the answer names; a second exit has nothing to do."""
    trial.sdk.order.exit_positions()
    for order_id in trial.data()["order_ids"]:
        trial.expect(row_of(trial, order_id)["order_type"] in ("MARKET", "LIMIT"), "an exit of another order type")

    def flat():
        trial.sdk.portfolio.get_positions(V2)
        return all(row["quantity"] == 0 for row in trial.data() if row["product"] == "I")

    trial.until(flat, "positions are flat")
    trial.refused(lambda: trial.sdk.order.exit_positions(), (400,), ["UDAPI1111"])
