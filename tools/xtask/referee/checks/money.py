"""Funds, margin, charges, profit and loss, and the trades of earlier days."""

from upstox_client import Instrument, MarginRequest

from check import check
from .order import V2, last_price


def is_number(value):
    """Whether a JSON value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@check("GET /v2/user/profile")
def the_profile_names_the_user(trial):
    """The user and what he may trade."""
    trial.sdk.user.get_profile(V2)
    data = trial.data()
    trial.same((data["broker"], data["is_active"]), ("UPSTOX", True), "broker and state")
    trial.expect({"NSE", "NFO"} <= set(data["exchanges"]), "exchanges:", data["exchanges"])
    trial.expect({"I", "D"} <= set(data["products"]), "products:", data["products"])
    trial.expect({"MARKET", "LIMIT", "SL", "SL-M"} <= set(data["order_types"]), "order types:", data["order_types"])
    trial.notes["user"] = data["user_id"]


@check("GET /v2/user/get-funds-and-margin", "GET /v3/user/get-funds-and-margin")
def both_versions_of_the_funds_agree(trial):
    """The older answer holds what the newer tree adds up to."""
    trial.sdk.user.get_user_fund_margin_v3()
    tree = trial.data()["available_to_trade"]
    cash, pledge = tree["cash_available_to_trade"], tree["pledge_available_to_trade"]
    trial.near(tree["total"], cash["total"] + pledge["total"], "total of cash and pledge", within=0.05)
    parts = cash["cash"]
    gained = sum(parts[name] for name in ("opening_balance", "added_today", "withdrawn_today", "amount_from_stock_sale"))
    left = gained - parts["unpaid_charges"] - cash["margin_used"]["total"]
    trial.near(cash["total"], left, "cash less charges and margin", within=0.05)
    held = pledge["margin_from_pledge"]["total"] - pledge["margin_used"]["total"]
    trial.near(pledge["total"], held, "pledge less margin", within=0.05)
    trial.sdk.user.get_user_fund_margin(V2)
    equity = trial.data()["equity"]
    trial.expect(equity["used_margin"] > 0, "positions use no margin")
    trial.near(equity["available_margin"], tree["total"], "available money, older and newer", within=1)
    trial.sdk.user.get_user_fund_margin(V2, segment="SEC")
    trial.expect("equity" in trial.data(), "no funds of the segment asked for")


@check("POST /v2/charges/margin")
def margin_of_several_legs_adds_up(trial):
    """Each leg has its parts; two legs need no more than their sum."""
    legs = [
        Instrument(instrument_key=key, quantity=10, product="D", transaction_type="BUY", price=0)
        for key in (trial.world.key, trial.world.other_key)
    ]
    trial.sdk.charge.post_margin(MarginRequest(instruments=legs))
    data = trial.data()
    trial.same(len(data["margins"]), 2, "legs")
    parts = ("span_margin", "exposure_margin", "equity_margin", "net_buy_premium", "additional_margin")
    for leg in data["margins"]:
        trial.near(leg["total_margin"], sum(leg[part] for part in parts), "total of a leg", within=0.05)
        trial.expect(leg["total_margin"] > 0, "a delivery purchase needs no money")
    total = sum(leg["total_margin"] for leg in data["margins"])
    trial.near(data["required_margin"], total, "required margin", within=0.05)
    trial.expect(data["final_margin"] <= data["required_margin"] + 0.01, "final margin is above the required one")


@check("GET /v2/charges/brokerage")
def charges_add_up(trial):
    """The total is the sum of its parts, in both spellings of the answer."""
    trial.sdk.charge.get_brokerage(trial.world.key, 10, "D", "BUY", last_price(trial), V2)
    charges = trial.data()["charges"]
    parts = [charges["brokerage"], *charges["taxes"].values(), *charges["otherTaxes"].values()]
    trial.near(charges["total"], sum(parts), "total of the charges", within=0.05)
    trial.same(charges["other_charges"], charges["otherTaxes"], "the two spellings of the other charges")
    trial.same(charges["dp_plan"], charges["dpPlan"], "the two spellings of the plan")
    trial.expect(charges["taxes"]["stt"] > 0, "delivery pays no transaction tax")


@check("GET /v2/trade/profit-loss/metadata", "GET /v2/trade/profit-loss/data")
def profit_rows_are_as_many_as_announced(trial):
    """Every page together holds the count of the metadata; amounts follow from averages."""
    year = trial.world.financial_year()
    trial.sdk.profit.get_trade_wise_profit_and_loss_meta_data("EQ", year, V2)
    meta = trial.data()
    trial.same(meta["page_size_limit"], 5000, "page size limit")
    trial.sdk.profit.get_trade_wise_profit_and_loss_data("EQ", year, 1, 5000, V2)
    rows = trial.data()
    trial.same(len(rows), meta["trades_count"], "rows")
    trial.expect(rows, "the account has no closed trade, so that nothing can be checked")
    for row in rows:
        trial.near(row["buy_amount"], row["buy_average"] * row["quantity"], "buy amount", within=1)
        trial.near(row["sell_amount"], row["sell_average"] * row["quantity"], "sell amount", within=1)
    trial.same(trial.sdk.last["metadata"]["page"]["page_number"], 1, "page number")


@check("GET /v2/trade/profit-loss/charges")
def yearly_charges_add_up(trial):
    """The breakdown's total is the sum of its parts."""
    trial.sdk.profit.get_profit_and_loss_charges("EQ", trial.world.financial_year(), V2)
    charges = trial.data()["charges_breakdown"]
    parts = [charges["brokerage"], *charges["taxes"].values(), *charges["charges"].values()]
    trial.expect(all(is_number(part) for part in parts), "a part is no number")
    trial.near(charges["total"], sum(parts), "total", within=0.05)


@check("GET /v2/charges/historical-trades")
def trades_of_earlier_days_are_paged(trial):
    """Amount is price times quantity; pages do not overlap; the page block is right."""
    first, last = trial.world.days_before(60), trial.world.days_before(1)
    trial.sdk.post_trade.get_trades_by_date_range(first, last, 1, 2, segment="EQ")
    rows, page = trial.data(), trial.sdk.last["metaData"]["page"]
    trial.expect(rows, "the account has no earlier trade, so that nothing can be checked")
    trial.expect(len(rows) <= 2, "the page is longer than asked for")
    trial.same((page["page_number"], page["page_size"]), (1, 2), "page")
    trial.same(page["total_pages"], -(-page["total_records"] // 2), "pages")
    for row in rows:
        trial.near(row["amount"], row["price"] * row["quantity"], "amount", within=0.05)
        trial.expect(first <= row["trade_date"] <= last, "a trade outside the days asked for:", row["trade_date"])
        trial.same(row["segment"], "EQ", "segment")
    ids = {row["trade_id"] for row in rows}
    if page["total_pages"] > 1:
        trial.sdk.post_trade.get_trades_by_date_range(first, last, 2, 2, segment="EQ")
        trial.expect(ids.isdisjoint(row["trade_id"] for row in trial.data()), "two pages share a trade")
