"""What the simulated day holds, read from the instrument master that the simulator serves.

Prices are rupees as the broker writes them; ticks in the master are paise.
"""

import gzip
import json
from datetime import date, timedelta


class World:
    """The instruments that the checks trade and ask about; it begins when they trade."""

    def __init__(self, simulator):
        master_url = simulator.ready["master_url"].replace("NSE.json.gz", "complete.json.gz")
        rows = json.loads(gzip.decompress(simulator.fetch(master_url)))
        self.rows = rows
        self.day = date.fromisoformat(simulator.ready["day"])
        shares = [row for row in rows if row["segment"] == "NSE_EQ" and row["instrument_type"] == "EQ"]
        self.share, self.other_share, self.third_share = shares[0], shares[1], shares[2]
        options = [row for row in rows if row["instrument_type"] in ("CE", "PE")]
        self.option = options[0] if options else None
        held = {row["underlying_key"] for row in options}
        indices = [row for row in rows if row["segment"] == "NSE_INDEX"]
        with_options = [row for row in indices if row["instrument_key"] in held]
        self.index = (with_options or indices)[0]
        simulator.wait_for_trades([row["instrument_key"] for row in shares[:3]])

    @property
    def key(self):
        """The key of the share that most checks use."""
        return self.share["instrument_key"]

    @property
    def other_key(self):
        """The key of another share."""
        return self.other_share["instrument_key"]

    @property
    def index_key(self):
        """The key of an index, one with options if there is any."""
        return self.index["instrument_key"]

    def days_before(self, count):
        """The date so many days before the simulated day, as the broker writes it."""
        return (self.day - timedelta(days=count)).isoformat()

    def financial_year(self):
        """The financial year of the simulated day in the broker's four digits."""
        first = self.day.year if self.day.month >= 4 else self.day.year - 1
        return f"{first % 100:02}{(first + 1) % 100:02}"

    def on_grid(self, rupees):
        """The price moved down to the grid of the share."""
        tick = self.share["tick_size"]
        return round(int(rupees * 100 / tick + 1e-6) * tick / 100, 2)


def quote_key(row):
    """The name under which a quote answer holds an instrument: segment, colon, trading symbol."""
    return f"{row['segment']}:{row['trading_symbol']}"
