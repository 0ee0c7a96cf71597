"""Flows of institutions and lists made by the broker."""

from check import check


@check("GET /v2/market/fii")
def foreign_institutions(trial):
    """Cash market by the day."""
    trial.sdk.market.get_fii_data("NSE_EQ|CASH", "1D")
    trial.expect(trial.data(), "empty answer")


@check("GET /v2/market/dii")
def domestic_institutions(trial):
    """Cash market by the month."""
    trial.sdk.market.get_dii_data("NSE_EQ|CASH", "1M")
    trial.expect(trial.data(), "empty answer")


def listed(trial, asset_type=None):
    """Judges a smart list's page; gives its rows."""
    data = trial.data()
    trial.same(data["page_number"], 1, "page")
    trial.expect(len(data["smartlist"]) <= data["page_size"], "more rows than the page holds")
    trial.expect(data["smartlist"], "empty list")
    if asset_type:
        trial.same(data["asset_type"], asset_type, "asset type")
    return data["smartlist"]


def changes_follow(trial, rows):
    """The change of a price is the price less its close."""
    for row in rows:
        price = row["price"]
        trial.near(price["change_abs"], price["current"] - price["close_price"], "change", within=0.02)


@check("GET /v2/market/smartlist/options")
def smart_list_of_options(trial):
    """Index options by activity."""
    trial.sdk.market.get_smartlist_options(asset_type="INDEX", category="TOP_TRADED", page_number=1, page_size=5)
    changes_follow(trial, listed(trial, "INDEX"))


@check("GET /v2/market/smartlist/futures")
def smart_list_of_futures(trial):
    """Stock futures by activity."""
    trial.sdk.market.get_smartlist_futures(asset_type="STOCK", category="TOP_TRADED", page_number=1, page_size=5)
    changes_follow(trial, listed(trial, "STOCK"))


@check("GET /v2/market/smartlist/mtf")
def smart_list_of_margin_funding(trial):
    """Shares with margin funding."""
    trial.sdk.market.get_smartlist_mtf(page_number=1, page_size=5)
    listed(trial)
