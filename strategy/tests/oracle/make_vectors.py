"""Writes bars.txt and expected.txt: a pseudo-random walk of bars and what TA-Lib says of it.

Run with any Python that has the package TA-Lib (0.6 to 0.8): python3 make_vectors.py
The walk is made of integers by SplitMix64, so that the bars are the same everywhere.
"""

import math
from pathlib import Path

import numpy as np
import talib

BARS = 260
MASK = (1 << 64) - 1
HERE = Path(__file__).resolve().parent


def dice(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def walk():
    roll = dice(20260731)
    between = lambda low, high: low + next(roll) % (high - low + 1)
    close, rows = 25_000_000, []
    for index in range(BARS):
        # Every eighth stretch of bars trends, some bars stand still: both branches of each formula are met.
        drift = between(-15_000, 25_000) if index // 32 % 2 else between(-25_000, 15_000)
        opened = close + between(-1, 1) * 500
        close = opened if between(0, 9) == 0 else opened + drift // 500 * 500
        high = max(opened, close) + between(0, 12) * 500
        low = min(opened, close) - between(0, 12) * 500
        rows.append((high, low, close, between(0, 90_000)))
    return rows


def deviation(closes, index, period):
    """Population deviation with exact sums: TA-Lib's STDDEV cancels at prices of this size."""
    window = [int(close) for close in closes[index - period + 1 : index + 1]]
    spread = period * sum(x * x for x in window) - sum(window) ** 2
    return math.sqrt(spread) / period


def main():
    rows = walk()
    high, low, close, volume = (np.array(column, dtype=float) for column in zip(*rows))
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    mean_volume = talib.SMA(volume, 20)
    ratio = np.full(BARS, np.nan)
    ratio[20:] = volume[20:] / mean_volume[19:-1]
    columns = {
        "sma20": talib.SMA(close, 20),
        "sma50": talib.SMA(close, 50),
        "sma200": talib.SMA(close, 200),
        "ema20": talib.EMA(close, 20),
        "rsi14": talib.RSI(close, 14),
        "atr14": talib.ATR(high, low, close, 14),
        "macd": macd,
        "signal": signal,
        "histogram": histogram,
        "roc10": talib.ROC(close, 10),
        "volume_ratio20": ratio,
        "sigma20": np.array([math.nan] * 19 + [deviation(close, i, 20) for i in range(19, BARS)]),
    }
    with open(HERE / "bars.txt", "w") as out:
        out.write("high low close volume\n")
        for row in rows:
            out.write(" ".join(map(str, row)) + "\n")
    with open(HERE / "expected.txt", "w") as out:
        out.write(" ".join(columns) + "\n")
        for values in zip(*columns.values()):
            out.write(" ".join("-" if math.isnan(v) else format(v, ".14g") for v in values) + "\n")


if __name__ == "__main__":
    main()
