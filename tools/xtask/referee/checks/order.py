"""One order's life: placed, filled, in the book, in its history, in the trades."""

from upstox_client import PlaceOrderRequest, PlaceOrderV3Request

from check import check

V2 = "2.0"
TAG = "referee-1"


def body(trial, kind=PlaceOrderV3Request, **changes):
    """A market order for a share, with changes."""
    fields = {
        "quantity": 10,
        "product": "I",
        "validity": "DAY",
        "price": 0,
        "tag": TAG,
        "instrument_token": trial.world.key,
        "order_type": "MARKET",
        "transaction_type": "BUY",
        "disclosed_quantity": 0,
        "trigger_price": 0,
        "is_amo": False,
    }
    return kind(**(fields | changes))


def last_price(trial, key=None):
    """What the instrument trades at, rupees."""
    trial.sdk.quote_v3.get_ltp(instrument_key=key or trial.world.key)
    (row,) = trial.data().values()
    return row["last_price"]


def far_below(trial):
    """A limit price at which a buy order rests."""
    return trial.world.on_grid(last_price(trial) * 0.93)


def row_of(trial, order_id):
    """The order's row of the book."""
    trial.sdk.order.get_order_book(V2)
    rows = [row for row in trial.data() if row["order_id"] == order_id]
    trial.same(len(rows), 1, f"rows of order {order_id} in the book")
    return rows[0]


def in_status(trial, order_id, status):
    """The order's row once it has this status."""

    def probe():
        row = row_of(trial, order_id)
        refused = row["status"] == "rejected" != status
        trial.expect(not refused, f"order {order_id} was rejected: {row['status_message']}")
        return row if row["status"] == status else None

    return trial.until(probe, f"order {order_id} becomes {status}")


def place(trial, **changes):
    """Places an order by v3 and gives its only id."""
    trial.sdk.order_v3.place_order(body(trial, **changes))
    (order_id,) = trial.data()["order_ids"]
    return order_id


@check("POST /v3/order/place", "GET /v2/order/retrieve-all")
def a_market_order_fills_and_stands_in_the_book(trial):
    """Place v3 and the book."""
    order_id = place(trial)
    trial.expect(len(order_id) == 15 and order_id.isdigit(), "an order id has 15 digits, not", order_id)
    trial.expect(isinstance(trial.sdk.last["metadata"]["latency"], int), "latency is whole milliseconds")
    row = in_status(trial, order_id, "complete")
    trial.same((row["quantity"], row["filled_quantity"], row["pending_quantity"]), (10, 10, 0), "quantities")
    trial.same((row["tag"], row["instrument_token"], row["exchange"]), (TAG, trial.world.key, "NSE"), "identity")
    price = last_price(trial)
    trial.expect(abs(row["average_price"] - price) < price * 0.1, "filled far from the market:", row["average_price"])
    trial.notes["filled"] = order_id


@check("GET /v2/order/details")
def details_equal_the_row_of_the_book(trial):
    """Details of one order."""
    wanted = row_of(trial, trial.notes["filled"])
    trial.sdk.order.get_order_status(order_id=trial.notes["filled"])
    trial.same(trial.data(), wanted, "details")


@check("GET /v2/order/history")
def history_tells_the_way_of_the_order(trial):
    """History by id and by tag."""
    trial.sdk.order.get_order_details(V2, order_id=trial.notes["filled"])
    rows = trial.data()
    words = [row["status"] for row in rows]
    trial.same(words[0], "put order req received", "first status")
    trial.same(words[-1], "complete", "last status")
    trial.expect("open" in words, "the order was never open:", words)
    trial.sdk.order.get_order_details(V2, tag=TAG)
    ids = {row["order_id"] for row in trial.data()}
    trial.expect(trial.notes["filled"] in ids, "the tag does not find the order")


@check("GET /v2/order/trades", "GET /v2/order/trades/get-trades-for-day")
def trades_add_up_to_the_order(trial):
    """Trades of an order and of the day."""
    row = row_of(trial, trial.notes["filled"])
    trial.sdk.order.get_trades_by_order(row["order_id"], V2)
    trades = trial.data()
    trial.same(sum(trade["quantity"] for trade in trades), row["filled_quantity"], "sum of the trades")
    value = sum(trade["quantity"] * trade["average_price"] for trade in trades)
    trial.near(value / row["filled_quantity"], row["average_price"], "average of the trades")
    trial.sdk.order.get_trade_history(V2)
    ids = {trade["trade_id"] for trade in trial.data()}
    trial.expect({trade["trade_id"] for trade in trades} <= ids, "the day's trades lack some of the order's")


@check("POST /v2/order/place")
def the_older_place_call_fills_too(trial):
    """Place v2, which answers one id."""
    trial.sdk.order.place_order(body(trial, PlaceOrderRequest, transaction_type="SELL", quantity=4), V2)
    row = in_status(trial, trial.data()["order_id"], "complete")
    trial.same((row["transaction_type"], row["filled_quantity"]), ("SELL", 4), "the sale")


@check("POST /v3/order/place")
def a_sliced_order_becomes_several(trial):
    """Quantity beyond the freeze quantity, sliced; the children rest and are cancelled."""
    freeze = int(trial.world.share["freeze_quantity"])
    price = far_below(trial)
    wanted = freeze * 2 + 1
    affordable = wanted * price < 50_000_000
    trial.expect(affordable, "the day's freeze quantity is too dear to slice:", freeze)
    trial.sdk.order_v3.place_order(
        body(trial, quantity=wanted, order_type="LIMIT", price=price, slice=True, tag="referee-slice")
    )
    ids = trial.data()["order_ids"]
    trial.same([row_of(trial, order_id)["quantity"] for order_id in ids], [freeze, freeze, 1], "slices")
