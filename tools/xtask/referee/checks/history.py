"""Candles of past days and of today, newest first, in every version and unit."""

from datetime import datetime

from check import check
from .order import V2


def candles(trial, between=None, apart_s=None):
    """The candles of the answer, judged: order, prices, zone, and the days that were asked for."""
    found = trial.data()["candles"]
    trial.expect(found, "no candles")
    stamps = [datetime.fromisoformat(candle[0]) for candle in found]
    trial.expect(all(stamp.utcoffset().total_seconds() == 19_800 for stamp in stamps), "zone is not +05:30")
    trial.same(stamps, sorted(set(stamps), reverse=True), "order of the candles")
    for _, opened, high, low, close, volume, interest in found:
        trial.expect(0 < low <= min(opened, close) <= max(opened, close) <= high, "prices of a candle")
        trial.expect(volume >= 0 and interest >= 0, "volume and interest")
    if between:
        days = {stamp.date().isoformat() for stamp in stamps}
        trial.expect(between[0] <= min(days) and max(days) <= between[1], "days outside:", min(days), max(days))
    if apart_s:
        gaps = {(newer - older).total_seconds() for newer, older in zip(stamps, stamps[1:]) if newer.date() == older.date()}
        trial.expect(all(gap % apart_s == 0 for gap in gaps), "distances of the candles:", sorted(gaps)[:5])
    return found


def span(trial, days):
    """First and last day of so many days that end yesterday."""
    return trial.world.days_before(days), trial.world.days_before(1)


@check("GET /v3/historical-candle/{instrumentKey}/{unit}/{interval}/{to_date}/{from_date}")
def candles_between_two_days(trial):
    """Minutes and days; five minutes are made of the minutes inside them."""
    first, last = span(trial, 10)
    call = trial.sdk.history_v3.get_historical_candle_data1
    call(trial.world.key, "minutes", "5", last, first)
    fives = candles(trial, (first, last), apart_s=300)
    call(trial.world.key, "minutes", "1", last, first)
    ones = candles(trial, (first, last), apart_s=60)
    inside = [one for one in ones if one[0][:15] == fives[0][0][:15] and int(one[0][15]) // 5 == int(fives[0][0][15]) // 5]
    trial.same(sum(one[5] for one in inside), fives[0][5], "volume of the newest five minutes")
    trial.same(max(one[2] for one in inside), fives[0][2], "high of the newest five minutes")
    call(trial.world.key, "days", "1", last, first)
    candles(trial, (first, last))


@check("GET /v3/historical-candle/{instrumentKey}/{unit}/{interval}/{to_date}")
def candles_up_to_a_day(trial):
    """Weeks, without a first day."""
    trial.sdk.history_v3.get_historical_candle_data(trial.world.key, "weeks", "1", trial.world.days_before(1))
    candles(trial)


@check("GET /v3/historical-candle/intraday/{instrumentKey}/{unit}/{interval}")
def candles_of_today(trial):
    """Only today; the newest closes at the last price or before it."""
    trial.sdk.history_v3.get_intra_day_candle_data(trial.world.key, "minutes", "1")
    today = trial.world.day.isoformat()
    candles(trial, (today, today), apart_s=60)


@check("GET /v2/historical-candle/{instrumentKey}/{interval}/{to_date}/{from_date}")
def the_older_candles_between_two_days(trial):
    """The same days as the newer call tells."""
    first, last = span(trial, 10)
    trial.sdk.history.get_historical_candle_data1(trial.world.key, "day", last, first, V2)
    older = candles(trial, (first, last))
    trial.sdk.history_v3.get_historical_candle_data1(trial.world.key, "days", "1", last, first)
    trial.same(sorted(trial.data()["candles"]), sorted(older), "days, older and newer call")


@check("GET /v2/historical-candle/{instrumentKey}/{interval}/{to_date}")
def the_older_candles_up_to_a_day(trial):
    """Thirty minutes."""
    trial.sdk.history.get_historical_candle_data(trial.world.key, "30minute", trial.world.days_before(1), V2)
    candles(trial, apart_s=1800)


@check("GET /v2/historical-candle/intraday/{instrumentKey}/{interval}")
def the_older_candles_of_today(trial):
    """Minutes of today."""
    trial.sdk.history.get_intra_day_candle_data(trial.world.key, "1minute", V2)
    today = trial.world.day.isoformat()
    candles(trial, (today, today), apart_s=60)


@check("GET /v2/expired-instruments/expiries")
def expiries_that_have_passed(trial):
    """Dates before today, in order."""
    trial.sdk.expired.get_expiries(trial.world.index_key)
    days = trial.data()
    trial.expect(days and max(days) <= trial.world.day.isoformat(), "expiries:", days[:3])
    trial.notes["expired"] = max(days)


@check("GET /v2/expired-instruments/option/contract")
def options_that_have_expired(trial):
    """All of the expiry that was asked for."""
    trial.sdk.expired.get_expired_option_contracts(trial.world.index_key, trial.notes["expired"])
    rows = trial.data()
    trial.expect(rows, "no expired options")
    trial.same({row["expiry"][:10] for row in rows}, {trial.notes["expired"]}, "expiries")
    trial.same({row["instrument_type"] for row in rows}, {"CE", "PE"}, "sorts")
    trial.notes["expired key"] = rows[0]["instrument_key"]


@check("GET /v2/expired-instruments/future/contract")
def futures_that_have_expired(trial):
    """The future of the same underlying."""
    trial.sdk.expired.get_expired_future_contracts(trial.world.index_key, trial.notes["expired"])
    rows = trial.data()
    trial.expect(all(row["instrument_type"] == "FUT" for row in rows), "not only futures")
    trial.same({row["underlying_key"] for row in rows} - {trial.world.index_key}, set(), "underlyings")


@check(
    "GET /v2/expired-instruments/historical-candle/{expired_instrument_key}/{interval}/{to_date}/{from_date}",
)
def candles_of_an_expired_option(trial):
    """By the key with its date."""
    day = trial.notes["expired"]
    key = trial.notes["expired key"]
    trial.expect(key.count("|") == 2, "an expired key has three parts, not", key)
    trial.sdk.expired.get_expired_historical_candle_data(key, "5minute", day, day)
    candles(trial, (day, day), apart_s=300)
