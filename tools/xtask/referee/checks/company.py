"""News, figures of companies, public issues and mutual funds."""

from upstox_client import IpoApplyRequest, IpoBidRequest

from check import check


@check("GET /v2/news")
def news_of_two_shares(trial):
    """By instrument, paged; and of what the account holds."""
    keys = {trial.world.key, trial.world.other_key}
    trial.sdk.news.get_news("instrument_keys", instrument_keys=",".join(sorted(keys)), page_number=1, page_size=5)
    data = trial.data()
    trial.expect(data and set(data) <= keys, "instruments of the news:", sorted(data))
    for items in data.values():
        trial.expect(all(item["heading"] and item["published_time"] > 10**12 for item in items), "items:", items[:1])
    trial.same(trial.sdk.last["metadata"]["page"]["page_number"], 1, "page")
    for category in ("positions", "holdings"):
        trial.sdk.news.get_news(category)
        trial.expect(isinstance(trial.data(), dict), "news of", category)


def isin(trial):
    """The share's ISIN."""
    return trial.world.share["isin"]


def periods(trial, entries):
    """Every entry has a history with a period each."""
    trial.expect(entries, "no entries")
    for entry in entries:
        trial.expect(entry["history"] and all(item["period"] for item in entry["history"]), "history:", entry)


@check("GET /v2/fundamentals/{isin}/profile")
def the_company_has_a_profile(trial):
    """What it does and its sector."""
    trial.sdk.fundamentals.get_company_profile(isin(trial))
    data = trial.data()
    trial.expect(data["company_profile"] and data["sector"], "profile:", data)


@check("GET /v2/fundamentals/{isin}/balance-sheet")
def the_balance_sheet_has_years(trial):
    """Assets and liabilities by period; the whole statement on demand."""
    trial.sdk.fundamentals.get_balance_sheet(isin(trial), type="consolidated", fs="true")
    data = trial.data()
    trial.same(data["type"].lower(), "consolidated", "type")
    trial.expect(data["history"] and data["full_statement"], "history and statement")


@check("GET /v2/fundamentals/{isin}/cash-flow")
def the_cash_flow_has_periods(trial):
    """Entries by category."""
    trial.sdk.fundamentals.get_cash_flow(isin(trial), type="standalone")
    periods(trial, trial.data()["cash_flow"])


@check("GET /v2/fundamentals/{isin}/income-statement")
def the_income_statement_has_periods(trial):
    """By the quarter."""
    trial.sdk.fundamentals.get_income_statement(isin(trial), type="consolidated", time_period="quarterly")
    data = trial.data()
    trial.same(data["time_period"].lower(), "quarterly", "period")
    periods(trial, data["income_statement"])


@check("GET /v2/fundamentals/{isin}/share-holdings")
def the_owners_are_told(trial):
    """The newest shares of all owners make up the whole."""
    trial.sdk.fundamentals.get_share_holdings(isin(trial))
    rows = trial.data()
    periods(trial, rows)
    trial.near(sum(row["history"][0]["value"] for row in rows), 100, "sum of the shares", within=1)


@check("GET /v2/fundamentals/{isin}/key-ratios")
def ratios_compare_with_the_sector(trial):
    """Names are unique."""
    trial.sdk.fundamentals.get_key_ratios(isin(trial))
    names = [row["name"] for row in trial.data()]
    trial.expect(names and len(names) == len(set(names)), "names:", names)


@check("GET /v2/fundamentals/{isin}/corporate-actions")
def corporate_actions_are_dated(trial):
    """Dividends, splits and the like."""
    trial.sdk.fundamentals.get_corporate_actions(isin(trial))
    trial.expect(all(row["name"] for row in trial.data()), "an action without a name")


@check("GET /v2/fundamentals/{instrument_key}/competitors")
def competitors_are_other_companies(trial):
    """By instrument key, unlike the rest."""
    trial.sdk.fundamentals.get_competitors(trial.world.key)
    keys = [row["instrument_key"] for row in trial.data()]
    trial.expect(keys and trial.world.key not in keys, "competitors:", keys)


@check("GET /v2/ipos", "GET /v2/ipos/{id}")
def public_issues_are_listed(trial):
    """The list and the details of one agree."""
    trial.sdk.ipo.get_ipo_listing(page_number=1, records=10)
    rows = trial.data()
    trial.expect(rows, "no issues")
    trial.expect(trial.sdk.last["meta_data"]["page"]["total_records"] >= len(rows), "page")
    trial.expect(all(row["minimum_price"] <= row["maximum_price"] for row in rows), "price bands")
    trial.sdk.ipo.get_ipo_listing(status="open")
    still_open = trial.data()
    trial.expect(still_open and {row["status"].lower() for row in still_open} == {"open"}, "open issues")
    trial.sdk.ipo.get_ipo_details(still_open[0]["id"])
    details = trial.data()
    trial.same((details["id"], details["symbol"]), (still_open[0]["id"], still_open[0]["symbol"]), "issue")
    trial.notes["issue"] = details


@check("POST /v2/ipos/orders", "GET /v2/ipos/orders", "GET /v2/ipos/orders/{order_id}")
def an_application_for_an_issue_is_kept(trial):
    """Applied, listed, read by its id."""
    issue = trial.notes["issue"]
    bid = IpoBidRequest(quantity=issue["minimum_quantity"], price=issue["maximum_price"])
    trial.sdk.ipo.apply_for_ipo(IpoApplyRequest(id=issue["id"], upi="someone@bank", category="IND", bids=[bid]))
    order_id = trial.data()["order_id"]
    trial.sdk.ipo.get_ipo_orders(page_number=1, records=10)
    trial.expect(order_id in [row["order_id"] for row in trial.data()], "the list lacks the application")
    trial.sdk.ipo.get_ipo_order_by_id(order_id)
    row = trial.data()
    trial.same((row["id"], row["order_id"]), (issue["id"], order_id), "application")
    trial.same(row["bids"][0]["quantity"], issue["minimum_quantity"], "bid")
    trial.notes["application"] = order_id


@check("DELETE /v2/ipos/orders/{order_id}")
def an_application_can_be_withdrawn(trial):
    """Its status tells it."""
    order_id = trial.notes["application"]
    trial.sdk.ipo.cancel_ipo_order(order_id)
    trial.same(trial.data()["order_id"], order_id, "id")
    trial.sdk.ipo.get_ipo_order_by_id(order_id)
    trial.same(trial.data()["status"], "application_deleted", "status")


@check("GET /v2/mf/holdings")
def mutual_funds_are_worth_what_they_say(trial):
    """Profit follows from price, average and quantity."""
    trial.sdk.mutual_fund.get_mutual_fund_holdings()
    rows = trial.data()
    trial.expect(rows, "the account holds no fund")
    for row in rows:
        worth = (row["last_price"] - row["average_price"]) * row["quantity"]
        trial.near(row["pnl"], worth, row["fund"], within=1)


@check("GET /v2/mf/orders", "GET /v2/mf/orders/{order_id}")
def orders_of_funds_are_listed(trial):
    """One by its id is the same as in the list."""
    trial.sdk.mutual_fund.get_mutual_fund_orders(page_number=1, records=10)
    rows = trial.data()
    trial.expect(rows, "no orders of funds")
    trial.sdk.mutual_fund.get_mutual_fund_order(rows[0]["order_id"])
    trial.same(trial.data(), rows[0], "order")


@check("GET /v2/mf/sips")
def plans_of_funds_are_listed(trial):
    """Instalments add up."""
    trial.sdk.mutual_fund.get_mutual_fund_sips(page_number=1, records=10)
    for row in trial.data():
        done = row["completed_instalments"] + row["pending_instalments"]
        trial.same(done, row["instalments"], "instalments")
