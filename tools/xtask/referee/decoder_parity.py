"""Decoder parity: our decoder's reading of every frame against that of the broker's own protobuf classes.

`feed/examples/decoder_parity` generates frames by seed, reads each with our decoder and with `prost`, and writes what
was read in one canonical form of bytes. Here the same bytes are built from the SDK's `MarketDataFeedV3_pb2`; a
single bit of difference fails, and so does a frame that one reads and the other refuses, but for the cases named in
`ALLOWED`. The work is split over the processors.
"""

import argparse
import multiprocessing
import os
import secrets
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from google.protobuf.message import DecodeError
from upstox_client.feeder.proto import MarketDataFeedV3_pb2 as pb

LEVELS_MAX, CANDLES_MAX, INTERVAL_BYTES_MAX, KEY_BYTES_MAX, WORD_BYTES_MAX = 30, 4, 7, 40, 24
SEGMENTS = ("NSE_EQ", "NSE_FO", "NSE_COM", "NSE_INDEX", "NCD_FO", "BSE_EQ", "BSE_FO", "BSE_INDEX", "BCD_FO",
            "MCX_FO", "MCX_INDEX")
SEGMENT_NUMBER = {word: number for number, word in enumerate(SEGMENTS)}
PHASES, UNKNOWN_PHASE = range(6), 255
READ = "read"
VERDICTS = (READ, "refused", "group", "wrong wire type", "not UTF-8", "unread", "oversized", "odd entry")
# What ours says, and whether the broker's classes may read the frame (True), may refuse it (False), or either.
ALLOWED = {
    READ: (True,),
    "refused": (False,),
    # Ours refuses what the feed never has; Google's runtime passes over it as unknown.
    "group": (True, False),
    "wrong wire type": (True, False),
    "oversized": (True, False),
    # Ours reads keys as bytes and passes over those that no instrument has.
    "not UTF-8": (False,),
    "unread": (True, False),
    # Google's runtime passes over a map entry that holds more than key and value, or has a foreign wire type.
    "odd entry": (True, False),
}
FRAMES = 1_000_000
I64_MIN, I64_MAX = -(1 << 63), (1 << 63) - 1

pack_head = struct.Struct("<iq").pack
pack_ltpc = struct.Struct("<dqqd?d").pack
pack_counts = struct.Struct("<II").pack
pack_level = struct.Struct("<qdqd").pack
pack_greeks = struct.Struct("<5d").pack
pack_candle = struct.Struct("<4dqq").pack
pack_totals = struct.Struct("<dq4d").pack
pack_auction = struct.Struct("<ddqqq?").pack
pack_feed = struct.Struct("<Bi").pack
pack_u32 = struct.Struct("<I").pack
pack_word = struct.Struct(f"<B{WORD_BYTES_MAX}sq").pack
NO_TOTALS, NO_AUCTION = bytes(48), bytes(41)


def nanoseconds(milliseconds):
    """As our stamps hold it: saturated at 64 bits."""
    return max(I64_MIN, min(I64_MAX, milliseconds * 1_000_000))


def ltpc(message):
    """The last trade, or its absence."""
    if not message.HasField("ltpc"):
        return b"\0"
    return b"\1" + one_ltpc(message.ltpc)


def one_ltpc(trade):
    has = trade.HasField("iep")
    return pack_ltpc(trade.ltp, trade.ltt, trade.ltq, trade.cp, has, trade.iep.value if has else 0.0)


def levels(quotes):
    """The levels that are kept, and how many are not."""
    kept = quotes[:LEVELS_MAX]
    parts = [b"\1", pack_counts(len(kept), len(quotes) - len(kept))]
    parts += [pack_level(quote.bidQ, quote.bidP, quote.askQ, quote.askP) for quote in kept]
    return b"".join(parts)


def greeks(message):
    if not message.HasField("optionGreeks"):
        return b"\0"
    one = message.optionGreeks
    return b"\1" + pack_greeks(one.delta, one.theta, one.gamma, one.vega, one.rho)


def candles(message):
    if not message.HasField("marketOHLC"):
        return b"\0"
    every = message.marketOHLC.ohlc
    kept = every[:CANDLES_MAX]
    parts = [b"\1", pack_counts(len(kept), len(every) - len(kept))]
    for one in kept:
        name = one.interval.encode()[:INTERVAL_BYTES_MAX]
        parts += [bytes((len(name),)), name, pack_candle(one.open, one.high, one.low, one.close, one.vol, one.ts)]
    return b"".join(parts)


def feed(message):
    """One instrument's entry."""
    shape, mode = message.WhichOneof("FeedUnion"), message.requestMode
    if shape is None:
        return pack_feed(0, mode) + b"\0\0\0\0" + NO_TOTALS + NO_AUCTION
    if shape == "ltpc":
        return pack_feed(1, mode) + ltpc(message) + b"\0\0\0" + NO_TOTALS + NO_AUCTION
    if shape == "firstLevelWithGreeks":
        one = message.firstLevelWithGreeks
        book = levels([one.firstDepth]) if one.HasField("firstDepth") else b"\0"
        totals = pack_totals(0.0, one.vtt, one.oi, one.iv, 0.0, 0.0)
        return b"".join((pack_feed(5, mode), ltpc(one), book, greeks(one), b"\0", totals, NO_AUCTION))
    full = message.fullFeed
    inner = full.WhichOneof("FullFeedUnion")
    if inner is None:
        return pack_feed(2, mode) + b"\0\0\0\0" + NO_TOTALS + NO_AUCTION
    if inner == "indexFF":
        one = full.indexFF
        return b"".join((pack_feed(4, mode), ltpc(one), b"\0\0", candles(one), NO_TOTALS, NO_AUCTION))
    one = full.marketFF
    book = levels(one.marketLevel.bidAskQuote) if one.HasField("marketLevel") else b"\0"
    totals = pack_totals(one.atp, one.vtt, one.oi, one.iv, one.tbq, one.tsq)
    auction = pack_auction(one.iep, one.rp, one.ieq, one.iiqTotal, one.iiqM, one.casEligible)
    return b"".join((pack_feed(3, mode), ltpc(one), book, greeks(one), candles(one), totals, auction))


def printable(raw, most):
    return len(raw) <= most and all(0x20 <= byte < 0x7F for byte in raw)


def market(info):
    """The states of the known segments, and the words of both auctions."""
    parts = []
    for segment in SEGMENTS:
        known = segment in info.segmentStatus
        phase = info.segmentStatus[segment] if known else 0
        parts.append(bytes((known, phase if phase in PHASES else UNKNOWN_PHASE)))
    for words in (info.casMarketStatus, info.preOpenSessionStatus):
        found = sorted((SEGMENT_NUMBER[segment], words[segment]) for segment in list(words) if segment in SEGMENT_NUMBER)
        parts.append(bytes((len(found),)))
        for number, status in found:
            raw = status.status.encode()
            word = raw if printable(raw, WORD_BYTES_MAX) else b""
            parts.append(pack_word(number, word, nanoseconds(status.updatedTime)))
    return b"".join(parts)


def canonical(message):
    """All that a frame says, as `canonical.rs` writes it."""
    parts = [pack_head(message.type, nanoseconds(message.currentTs))]
    parts.append(b"\1" + market(message.marketInfo) if message.HasField("marketInfo") else b"\0")
    feeds = message.feeds
    keys = sorted(raw for raw in (key.encode() for key in feeds) if printable(raw, KEY_BYTES_MAX))
    parts.append(pack_u32(len(keys)))
    for raw in keys:
        parts += [bytes((len(raw),)), raw, feed(feeds[raw.decode()])]
    return b"".join(parts)


def records(stream):
    """Frame, verdict and canonical form, one after the other."""
    while head := stream.read(4):
        frame = stream.read(int.from_bytes(head, "little"))
        verdict = VERDICTS[stream.read(1)[0]]
        yield frame, verdict, stream.read(int.from_bytes(stream.read(4), "little"))


def check(task):
    """Counts by verdict, and the first difference in words, of one part of the frames."""
    program, seed, count, real = task
    command = [program, str(seed), str(count)] + ([real] if real else [])
    counts, message = Counter(), pb.FeedResponse()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=1 << 20)
    for index, (frame, verdict, ours) in enumerate(records(process.stdout)):
        try:
            message.ParseFromString(frame)
            reads = True
        except DecodeError:
            reads = False
        counts[verdict, reads] += 1
        wrong = None
        if reads not in ALLOWED[verdict]:
            wrong = f"ours says `{verdict}`, the broker's classes {'read' if reads else 'refuse'} it"
        elif verdict == READ and canonical(message) != ours:
            wrong = f"read differently:\n  ours   {ours.hex()}\n  theirs {canonical(message).hex()}"
        if wrong:
            process.kill()
            return counts, f"seed {seed}, frame {index}: {wrong}\n  frame  {frame.hex()}"
    if process.wait() != 0:
        return counts, f"seed {seed}: the generator ended with {process.returncode}: ours and prost differ"
    return counts, None


def real_messages(root):
    """The recorded messages, if market data is here."""
    folder = Path(os.environ.get("BIJLI_DATA") or root.parent / "shared" / "data")
    found = folder / "upstox-feed/reencoded/live_feed-full_d5-2026-01-23.len32le.pb.zst"
    return found if found.is_file() else None


def decoder_parity(program, count, seed, real, jobs):
    """The counts in words, and the first difference or `None`."""
    seed = seed if seed is not None else secrets.randbits(31)
    share = -(-count // jobs)
    with tempfile.NamedTemporaryFile() as plain:
        if real:
            plain.write(subprocess.run(["zstd", "-dc", real], check=True, capture_output=True).stdout)
            plain.flush()
        tasks = [(program, seed * 64 + job, share, plain.name if real else None) for job in range(jobs)]
        # Begun anew and not forked: the SDK's threads of other parts may hold locks.
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            outcomes = pool.map(check, tasks)
    counts = sum((counts for counts, _ in outcomes), Counter())
    wrong = next((wrong for _, wrong in outcomes if wrong), None)
    parts = (f"{verdict}/{'read' if reads else 'refused'} {number}"
             for (verdict, reads), number in sorted(counts.items()))
    shapes = "real shapes in" if real else "WITHOUT real shapes (no market data)"
    return f"{sum(counts.values())} frames, seed {seed}, {shapes}: {', '.join(parts)}", wrong


def decode(root, program, seed, report):
    """The part of the referee."""
    began, real = time.monotonic(), real_messages(root)
    missing = "there is no market data (BIJLI_DATA)" if not real and os.environ.get("CI") == "true" else ""
    words, wrong = decoder_parity(program, FRAMES, seed, real, multiprocessing.cpu_count())
    report.say(f"decoder: {words}")
    report.row("decoder", "every frame is read alike by ours, prost and the SDK's classes", wrong or missing,
               time.monotonic() - began)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the built example `decoder_parity`")
    parser.add_argument("--count", type=int, default=FRAMES, help="frames")
    parser.add_argument("--seed", type=int, help="default: another one each time")
    parser.add_argument("--real", type=Path, help="real messages to take shapes from, zstd")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count(), help="processes")
    arguments = parser.parse_args()
    words, wrong = decoder_parity(arguments.program, arguments.count, arguments.seed, arguments.real, arguments.jobs)
    print(words)
    if wrong:
        print(f"FAILED: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
