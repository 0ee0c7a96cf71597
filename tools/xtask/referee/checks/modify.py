"""Resting orders changed and cancelled, by both versions of the calls."""

from upstox_client import ModifyOrderRequest

from check import check
from .order import V2, far_below, in_status, place, row_of


def resting(trial):
    """A limit order that rests; its id and price."""
    price = far_below(trial)
    order_id = place(trial, order_type="LIMIT", price=price, tag="referee-rest")
    in_status(trial, order_id, "open")
    return order_id, price


def change(trial, order_id, price):
    """What turns a resting order into one for 7 at another price."""
    return ModifyOrderRequest(
        quantity=7,
        validity="DAY",
        price=trial.world.on_grid(price * 0.99),
        order_id=order_id,
        order_type="LIMIT",
        disclosed_quantity=0,
        trigger_price=0,
    )


def shows_change(trial, order_id, wanted):
    """The row once it holds the changed price and quantity."""

    def probe():
        row = row_of(trial, order_id)
        return row["status"] == "open" and (row["quantity"], row["price"]) == (wanted.quantity, wanted.price)

    trial.until(probe, f"order {order_id} shows its change")
    trial.same(row_of(trial, order_id)["order_request_id"], "2", "request counter after one change")


@check("PUT /v3/order/modify")
def a_modified_order_keeps_its_id(trial):
    """Modify v3."""
    order_id, price = resting(trial)
    wanted = change(trial, order_id, price)
    trial.sdk.order_v3.modify_order(wanted)
    trial.same(trial.data()["order_id"], order_id, "id")
    shows_change(trial, order_id, wanted)
    trial.notes["rest v3"] = order_id


@check("DELETE /v3/order/cancel")
def a_cancelled_order_ends(trial):
    """Cancel v3; a second cancel is refused."""
    order_id = trial.notes["rest v3"]
    trial.sdk.order_v3.cancel_order(order_id)
    trial.same(trial.data()["order_id"], order_id, "id")
    row = in_status(trial, order_id, "cancelled")
    trial.same((row["filled_quantity"], row["pending_quantity"]), (0, 0), "quantities after the cancel")
    trial.refused(lambda: trial.sdk.order_v3.cancel_order(order_id), (400,), ["UDAPI100040"])


@check("PUT /v2/order/modify")
def the_older_modify_call_works(trial):
    """Modify v2."""
    order_id, price = resting(trial)
    wanted = change(trial, order_id, price)
    trial.sdk.order.modify_order(wanted, V2)
    trial.same(trial.data()["order_id"], order_id, "id")
    shows_change(trial, order_id, wanted)
    trial.notes["rest v2"] = order_id


@check("DELETE /v2/order/cancel")
def the_older_cancel_call_works(trial):
    """Cancel v2."""
    trial.sdk.order.cancel_order(trial.notes["rest v2"], V2)
    in_status(trial, trial.notes["rest v2"], "cancelled")


@check("POST /v3/order/place", "DELETE /v3/order/cancel")
def a_stop_order_waits_for_its_trigger(trial):
    """A stop-loss order far above the market waits, named as such."""
    price = far_below(trial)
    trigger = trial.world.on_grid(price / 0.93 * 1.06)
    order_id = place(
        trial, order_type="SL", trigger_price=trigger, price=trial.world.on_grid(trigger * 1.005), tag="referee-stop"
    )
    row = in_status(trial, order_id, "trigger pending")
    trial.near(row["trigger_price"], trigger, "trigger")
    trial.sdk.order_v3.cancel_order(order_id)
    in_status(trial, order_id, "cancelled")
