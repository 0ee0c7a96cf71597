"""Positions, holdings and the change of product."""

from upstox_client import ConvertPositionRequest

from check import check
from .order import V2, in_status, place

SIGNED = ("day_buy_quantity", "overnight_buy_quantity"), ("day_sell_quantity", "overnight_sell_quantity")


def position(trial, product, key):
    """The row of one position, or None."""
    trial.sdk.portfolio.get_positions(V2)
    rows = [row for row in trial.data() if (row["product"], row["instrument_token"]) == (product, key)]
    trial.expect(len(rows) <= 1, "a position has several rows:", rows)
    return rows[0] if rows else None


def bought(trial, key, quantity, product="I"):
    """Buys and waits for the fill; gives the order's row."""
    order_id = place(trial, instrument_token=key, quantity=quantity, product=product, tag="referee-position")
    return in_status(trial, order_id, "complete")


@check("GET /v2/portfolio/short-term-positions")
def a_position_follows_its_trades(trial):
    """Buying 6 and selling 2 moves quantity, sums and averages as it should."""
    key = trial.world.other_key
    before = position(trial, "I", key)
    base = before["quantity"] if before else 0
    row = bought(trial, key, 6)
    order_id = place(trial, instrument_token=key, quantity=2, transaction_type="SELL")
    in_status(trial, order_id, "complete")
    after = position(trial, "I", key)
    trial.same(after["quantity"], base + 4, "net quantity")
    bought_all, sold_all = (sum(after[field] for field in fields) for fields in SIGNED)
    trial.same(after["quantity"], bought_all - sold_all, "net of bought and sold")
    if base == 0:
        trial.near(after["day_buy_price"], row["average_price"], "average of the purchase", within=0.02)
    trial.near(after["pnl"], after["realised"] + after["unrealised"], "pnl as the sum of its parts", within=0.05)


@check("PUT /v2/portfolio/convert-position")
def a_converted_position_moves_to_the_other_product(trial):
    """Two of five go from intraday to delivery."""
    key = trial.world.third_share["instrument_key"]
    bought(trial, key, 5)
    trial.sdk.portfolio.convert_positions(
        ConvertPositionRequest(
            instrument_token=key, new_product="D", old_product="I", transaction_type="BUY", quantity=2
        ),
        V2,
    )
    trial.same(trial.data(), {"status": "complete"}, "answer")
    trial.same(position(trial, "I", key)["quantity"], 3, "what stays intraday")
    trial.same(position(trial, "D", key)["quantity"], 2, "what is delivery now")
    nothing = ConvertPositionRequest(
        instrument_token=key, new_product="D", old_product="I", transaction_type="BUY", quantity=99
    )
    trial.refused(lambda: trial.sdk.portfolio.convert_positions(nothing, V2), (400,), ["UDAPI1035"])


@check("GET /v2/portfolio/long-term-holdings")
def holdings_are_worth_what_they_say(trial):
    """Profit and day change follow from price, average and quantity."""
    trial.sdk.portfolio.get_holdings(V2)
    rows = trial.data()
    trial.expect(rows, "the account holds nothing, so that nothing can be checked")
    for row in rows:
        trial.expect(row["instrument_token"].endswith("|" + row["isin"]), "key and ISIN differ:", row)
        worth = (row["last_price"] - row["average_price"]) * row["quantity"]
        trial.near(row["pnl"], worth, f"profit of {row['trading_symbol']}", within=1)
        change = row["last_price"] - row["close_price"]
        trial.near(row["day_change"], change, f"day change of {row['trading_symbol']}", within=0.05)
    trial.notes["held"] = rows[0]["instrument_token"]


@check("GET /v3/portfolio/mtf-positions")
def margin_funded_positions_stand_apart(trial):
    """Only product MTF is told here."""
    key = trial.world.other_key
    bought(trial, key, 1, product="MTF")
    trial.sdk.portfolio.get_mtf_positions()
    rows = trial.data()
    trial.same({row["product"] for row in rows}, {"MTF"}, "products")
    trial.same([row["quantity"] for row in rows if row["instrument_token"] == key], [1], "quantity")
