"""Quotes of every sort. Answers are keyed by segment and trading symbol, and name the key inside."""

from check import check
from world import quote_key
from .order import V2


def rows(trial, *wanted):
    """The answer's rows for these instruments, in order; no others may stand in it."""
    data = trial.data()
    by_key = {row["instrument_token"]: (name, row) for name, row in data.items()}
    trial.same(set(by_key), {row["instrument_key"] for row in wanted}, "instruments of the answer")
    for row in wanted:
        # A derivative's name here is the exchange's compact symbol, which the master does not hold.
        name, known = by_key[row["instrument_key"]][0], quote_key(row)
        is_share = row["segment"].endswith("_EQ")
        trial.expect(name == known if is_share else name.startswith(row["segment"] + ":"), "name of a quote:", name)
    return [by_key[row["instrument_key"]][1] for row in wanted]


def shares(trial):
    """Two shares and their keys in the broker's comma list."""
    pair = (trial.world.share, trial.world.other_share)
    return pair, ",".join(row["instrument_key"] for row in pair)


def holds(trial, candle):
    """A candle's high and low enclose its open and close."""
    inside = candle["low"] <= min(candle["open"], candle["close"])
    trial.expect(inside and max(candle["open"], candle["close"]) <= candle["high"], "no candle:", candle)


@check("GET /v3/market-quote/ltp")
def last_prices_of_two_shares(trial):
    """Price, last quantity, day's volume and yesterday's close; an unknown key is refused or missing."""
    pair, keys = shares(trial)
    trial.sdk.quote_v3.get_ltp(instrument_key=keys)
    for row in rows(trial, *pair):
        trial.expect(row["last_price"] > 0 and row["cp"] > 0, "a price is not positive:", row)
        trial.expect(row["volume"] >= row["ltq"] >= 0, "volume:", row)


@check("GET /v2/market-quote/ltp")
def the_older_last_price(trial):
    """Names its parameter `symbol`."""
    pair, keys = shares(trial)
    trial.sdk.quote.ltp(keys, V2)
    for row in rows(trial, *pair):
        trial.expect(row["last_price"] > 0, "a price is not positive:", row)


@check("GET /v3/market-quote/ohlc")
def candles_in_quotes(trial):
    """The day so far and the minute; the day has no earlier candle."""
    pair, keys = shares(trial)
    for interval in ("1d", "I1"):
        trial.sdk.quote_v3.get_market_quote_ohlc(interval, instrument_key=keys)
        for row in rows(trial, *pair):
            holds(trial, row["live_ohlc"])
            if interval == "I1" and row.get("prev_ohlc"):
                trial.same(row["live_ohlc"]["ts"] - row["prev_ohlc"]["ts"], 60_000, "distance of the minutes")
            trial.expect(row["live_ohlc"]["ts"] > 10**12, "ts is not in milliseconds:", row["live_ohlc"])


@check("GET /v2/market-quote/ohlc")
def the_older_candles_in_quotes(trial):
    """One candle a share."""
    pair, keys = shares(trial)
    trial.sdk.quote.get_market_quote_ohlc(keys, "1d", V2)
    for row in rows(trial, *pair):
        holds(trial, row["ohlc"])
        trial.expect(row["ohlc"]["low"] <= row["last_price"] <= row["ohlc"]["high"], "price outside the day:", row)


def check_full(trial, row):
    """A full quote's depth is ordered and its circuit limits enclose the price."""
    buy, sell = row["depth"]["buy"], row["depth"]["sell"]
    trial.same((len(buy), len(sell)), (5, 5), "levels")
    bids = [level["price"] for level in buy if level["quantity"]]
    asks = [level["price"] for level in sell if level["quantity"]]
    trial.expect(bids == sorted(bids, reverse=True) and asks == sorted(asks), "depth is not best first")
    trial.expect(not bids or not asks or bids[0] < asks[0], "the book is crossed:", bids[:1], asks[:1])
    trial.expect(row["lower_circuit_limit"] < row["last_price"] < row["upper_circuit_limit"], "circuit limits:", row)
    trial.expect(row["timestamp"].endswith("+05:30"), "timestamp:", row["timestamp"])
    trial.expect(row["last_trade_time"].isdigit(), "last_trade_time is milliseconds as text")
    holds(trial, row["ohlc"])


@check("GET /v2/market-quote/quotes")
def the_older_full_quote(trial):
    """Depth, limits, times."""
    pair, keys = shares(trial)
    trial.sdk.quote.get_full_market_quote(keys, V2)
    for row in rows(trial, *pair):
        check_full(trial, row)


@check("GET /v3/market-quote/quotes")
def the_full_quote(trial):
    """The older one's content and more."""
    pair, keys = shares(trial)
    trial.sdk.quote_v3.get_full_market_quote_v3(instrument_key=keys)
    for row in rows(trial, *pair):
        check_full(trial, row)
        trial.expect(row["year_low"] <= row["last_price"] <= row["year_high"], "price outside its year:", row)


@check("GET /v3/market-quote/option-greek")
def greeks_of_an_option(trial):
    """Sensible greeks; volatility is a fraction here."""
    option = trial.world.option
    trial.expect(option, "the day has no option")
    trial.sdk.quote_v3.get_market_quote_option_greek(instrument_key=option["instrument_key"])
    (row,) = rows(trial, option)
    sign = 1 if option["instrument_type"] == "CE" else -1
    trial.expect(0 <= sign * row["delta"] <= 1, "delta:", row["delta"])
    trial.expect(row["gamma"] >= 0 and row["vega"] >= 0, "gamma and vega:", row)
    trial.expect(0 <= row["iv"] < 3, "iv is a fraction:", row["iv"])
