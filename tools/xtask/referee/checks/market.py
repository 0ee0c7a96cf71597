"""The state of the market, holidays and hours, and the search for instruments."""

from datetime import date, datetime, timedelta, timezone

from check import check

IST = timezone(timedelta(hours=5, minutes=30))
EXCHANGES = {"NSE", "NFO", "CDS", "BSE", "BFO", "BCD", "MCX", "NSCOM"}


def clock(milliseconds):
    """The time of day in India of an epoch stamp, as HH:MM."""
    return datetime.fromtimestamp(milliseconds / 1000, IST).strftime("%H:%M")


@check("GET /v2/market/status/{exchange}")
def the_market_is_open(trial):
    """State of an exchange by its code; a segment's name is refused."""
    trial.sdk.hours.get_market_status("NSE")
    data = trial.data()
    trial.same((data["exchange"], data["status"]), ("NSE", "NORMAL_OPEN"), "state")
    stamp = datetime.fromtimestamp(data["last_updated"] / 1000, IST)
    trial.same(stamp.date(), trial.world.day, "day of the stamp")
    trial.refused(lambda: trial.sdk.hours.get_market_status("MCX_FO"), (400,), ["UDAPI1089"])


@check("GET /v2/market/holidays")
def holidays_lie_in_the_year(trial):
    """Every holiday has its date, its sort and the exchanges that it shuts."""
    trial.sdk.hours.get_holidays()
    rows = trial.data()
    trial.expect(len(rows) >= 10, "a year has more holidays than", len(rows))
    for row in rows:
        trial.same(date.fromisoformat(row["date"]).year, trial.world.day.year, "year of a holiday")
        trial.expect(set(row["closed_exchanges"]) <= EXCHANGES, "unknown exchange:", row["closed_exchanges"])
        trial.expect(row["description"], "a holiday without a name")
    shut = [row for row in rows if row["holiday_type"] == "TRADING_HOLIDAY" and "NSE" in row["closed_exchanges"]]
    trial.expect(shut, "no day on which the exchange is shut")
    trial.notes["holiday"] = shut[0]["date"]


@check("GET /v2/market/holidays/{date}")
def one_holiday_by_its_date(trial):
    """The same row as in the list; a working day has none."""
    trial.sdk.hours.get_holiday(trial.notes["holiday"])
    trial.same([row["date"] for row in trial.data()], [trial.notes["holiday"]], "dates")
    trial.sdk.hours.get_holiday(trial.world.day.isoformat())
    trial.same(trial.data(), [], "holidays on a trading day")


@check("GET /v2/market/timings/{date}")
def the_exchange_keeps_its_hours(trial):
    """Hours of a trading day in epoch milliseconds."""
    trial.sdk.hours.get_exchange_timings(trial.world.day.isoformat())
    hours = {row["exchange"]: (clock(row["start_time"]), clock(row["end_time"])) for row in trial.data()}
    trial.same(hours["NSE"], ("09:15", "15:30"), "hours of NSE")
    trial.expect(set(hours) <= EXCHANGES, "unknown exchange:", sorted(hours))
    trial.sdk.hours.get_exchange_timings(trial.notes["holiday"])
    trial.expect("NSE" not in {row["exchange"] for row in trial.data()}, "NSE has hours on its holiday")


@check("GET /v2/instruments/search")
def search_finds_a_share_by_its_symbol(trial):
    """By symbol, narrowed by segment, paged."""
    symbol = trial.world.share["trading_symbol"]
    trial.sdk.instruments.search_instrument(symbol, segments="EQ", page_number=1, records=10)
    rows, page = trial.data(), trial.sdk.last["meta_data"]["page"]
    trial.expect(trial.world.key in [row["instrument_key"] for row in rows], symbol, "is not found")
    trial.expect(len(rows) <= 10, "more rows than asked for")
    trial.expect(page["total_records"] >= len(rows), "page:", page)
    trial.same({row["segment"] for row in rows} - {"NSE_EQ", "BSE_EQ"}, set(), "foreign segments")
    trial.sdk.instruments.search_instrument("no such instrument at all")
    trial.same(trial.data(), [], "found for nonsense")
