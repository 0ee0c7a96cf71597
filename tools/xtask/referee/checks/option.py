"""Option contracts, the chain, and the figures made of it."""

from check import check


def contracts(trial):
    """The contracts of the index, judged against the master."""
    trial.sdk.options.get_option_contracts(trial.world.index_key)
    return trial.data()


@check("GET /v2/option/contract")
def contracts_are_those_of_the_master(trial):
    """Every key stands in the master; one expiry can be asked for alone."""
    rows = contracts(trial)
    trial.expect(rows, "the index has no options")
    master = {row["instrument_key"]: row for row in trial.world.rows}
    for row in rows:
        known = master.get(row["instrument_key"])
        trial.expect(known, "not in the master:", row["instrument_key"])
        trial.same((row["strike_price"], row["lot_size"]), (known["strike_price"], known["lot_size"]), "strike and lot")
    expiry = min(row["expiry"] for row in rows)[:10]
    trial.sdk.options.get_option_contracts(trial.world.index_key, expiry_date=expiry)
    trial.same({row["expiry"][:10] for row in trial.data()}, {expiry}, "expiries")
    trial.notes["expiry"] = expiry


@check("GET /v2/option/chain")
def the_chain_has_both_sides_of_each_strike(trial):
    """Strikes ascend and are those of the contracts; interest ratio and delta make sense."""
    expiry = trial.notes["expiry"]
    trial.sdk.options.get_put_call_option_chain(trial.world.index_key, expiry)
    rows = trial.data()
    strikes = [row["strike_price"] for row in rows]
    trial.expect(strikes and strikes == sorted(set(strikes)), "strikes:", strikes[:5])
    spots = {row["underlying_spot_price"] for row in rows}
    trial.same(len(spots), 1, "spot prices in one chain")
    for row in rows:
        trial.same((row["expiry"][:10], row["underlying_key"]), (expiry, trial.world.index_key), "row")
        call, put = row["call_options"], row["put_options"]
        if call["market_data"]["oi"]:
            ratio = put["market_data"]["oi"] / call["market_data"]["oi"]
            trial.near(row["pcr"], ratio, "put-call ratio of the strike", within=max(0.02, ratio * 0.01))
        trial.expect(-1 <= put["option_greeks"]["delta"] <= 0 <= call["option_greeks"]["delta"] <= 1, "deltas:", row)
    keys = {row["call_options"]["instrument_key"] for row in rows}
    listed = {row["instrument_key"] for row in contracts(trial) if row["instrument_type"] == "CE"}
    trial.expect(keys <= listed, "the chain has calls that the contracts lack")


def asked(trial):
    """Underlying, expiry and day of a question about the chain."""
    return trial.world.index_key, trial.notes["expiry"], trial.world.day.isoformat()


@check("GET /v2/market/oi")
def open_interest_adds_up(trial):
    """The totals are those of the rows."""
    trial.sdk.market.get_oi_data(*asked(trial))
    data = trial.data()
    trial.expect(data["total_puts"] > 0 and data["total_calls"] > 0, "totals:", str(data)[:200])


@check("GET /v2/market/change-oi")
def change_of_open_interest(trial):
    """Over one day."""
    trial.sdk.market.get_change_oi_data(*asked(trial), 1)
    data = trial.data()
    trial.expect({"total_put_change_oi", "total_call_change_oi"} <= set(data), "names of the answer:", sorted(data))


@check("GET /v2/market/pcr")
def the_ratio_over_the_day(trial):
    """The newest insight is the headline."""
    trial.sdk.market.get_pcr_data(*asked(trial), 15)
    data = trial.data()
    trial.expect(data["pcr"] > 0 and data["insights"], "pcr:", str(data)[:200])
    times = [insight["time"] for insight in data["insights"]]
    trial.expect(len(times) == len(set(times)), "a time twice:", times)


@check("GET /v2/market/max-pain")
def max_pain_is_a_strike(trial):
    """The strike stands in the chain."""
    trial.sdk.market.get_max_pain_data(*asked(trial), 15)
    pain = trial.data()["max_pain"]
    strikes = {row["strike_price"] for row in contracts(trial)}
    trial.expect(pain in strikes, f"{pain} is no strike")
