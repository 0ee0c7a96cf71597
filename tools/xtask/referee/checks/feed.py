"""Both sockets, opened by the SDK's own streamers, and the calls that lead to them."""

import upstox_client
from upstox_client import GttCancelOrderRequest

from check import check
from stream import Listener, lead_to
from .gtt import entry, placed
from .order import V2, far_below, in_status, place

MARKET = "WS /v3/feed/market-data-feed"
PORTFOLIO = "WS /v2/feed/portfolio-stream-feed"


def leads_to_socket(trial, data):
    """The answer of an authorize call names a socket that can be opened once."""
    uri = data["authorizedRedirectUri"]
    trial.same(data["authorized_redirect_uri"], uri, "the two spellings of the address")
    trial.expect(uri.split("://")[0] in ("ws", "wss") and "code=" in uri, "address:", uri)
    return uri


@check("GET /v3/feed/market-data-feed/authorize")
def the_market_feed_can_be_authorised(trial):
    """Each call gives another address."""
    trial.sdk.websocket.get_market_data_feed_authorize_v3()
    first = leads_to_socket(trial, trial.data())
    trial.sdk.websocket.get_market_data_feed_authorize_v3()
    trial.expect(leads_to_socket(trial, trial.data()) != first, "two calls gave the same address")


@check("GET /v2/feed/portfolio-stream-feed/authorize")
def the_portfolio_stream_can_be_authorised(trial):
    """With kinds of update in the query."""
    trial.sdk.websocket.position_update = True
    trial.sdk.websocket.get_portfolio_stream_feed_authorize(V2)
    leads_to_socket(trial, trial.data())


def redirects(trial, call):
    """The call answers 302 to a socket; the SDK takes a 302 that is not followed for an error."""
    try:
        call()
    except upstox_client.rest.ApiException as answer:
        trial.same(answer.status, 302, "HTTP status")
    trial.same(trial.sdk.exchanges[-1].status, 302, "HTTP status")
    trial.expect(trial.sdk.exchanges[-1].location.startswith("ws"), "location:", trial.sdk.exchanges[-1].location)


@check("GET /v3/feed/market-data-feed", "GET /v2/feed/portfolio-stream-feed")
def the_feeds_redirect_to_their_sockets(trial):
    """A plain request is led on like a handshake."""
    redirects(trial, trial.sdk.websocket.get_market_data_feed_v3)
    redirects(trial, lambda: trial.sdk.websocket.get_portfolio_stream_feed(V2))


def has(key, member):
    """A judge of messages: holds this key in this shape."""
    return lambda message: member in message.get("feeds", {}).get(key, {})


@check(MARKET)
def the_market_feed_serves_every_mode(trial):
    """Market info first; then ltpc, full, option greeks, thirty levels; silence after the unsubscribe."""
    lead_to(trial.sdk.simulator)
    share, other = trial.world.key, trial.world.other_key
    keys = [share, trial.world.index_key]
    with Listener(upstox_client.MarketDataStreamerV3(trial.sdk.client, keys, "ltpc")) as feed:
        info = feed.wait(trial, lambda _: True, "a first message")
        trial.same(info["type"], "market_info", "sort of the first message")
        trial.same(info["marketInfo"]["segmentStatus"]["NSE_EQ"], "NORMAL_OPEN", "state of the segment")
        for key in keys:
            ltpc = feed.wait(trial, has(key, "ltpc"), f"ltpc of {key}")["feeds"][key]["ltpc"]
            trial.expect(ltpc["ltp"] > 0 and ltpc["cp"] > 0, "prices:", ltpc)
        feed.streamer.subscribe([other], "full")
        check_full(trial, feed, other)
        check_index(trial, feed)
        check_mode_change(trial, feed, share)
        check_thirty_levels(trial, feed, other)
        check_silence(trial, feed, share)
    feed.wait_event(trial, "close")
    trial.reached.add(MARKET)


def check_full(trial, feed, key):
    """Five levels, the day's candle and the last whole minute's, volume, average."""

    def whole(message):
        full = message.get("feeds", {}).get(key, {}).get("fullFeed", {}).get("marketFF", {})
        return len(full.get("marketOHLC", {}).get("ohlc", [])) > 1

    full = feed.wait(trial, whole, f"full of {key} with both candles")["feeds"][key]["fullFeed"]["marketFF"]
    levels = full["marketLevel"]["bidAskQuote"]
    trial.same(len(levels), 5, "levels of full")
    trial.expect(levels[0]["bidP"] < levels[0]["askP"], "crossed book:", levels[0])
    intervals = {candle["interval"] for candle in full["marketOHLC"]["ohlc"]}
    trial.same(intervals, {"1d", "I1"}, "candles")
    trial.expect(int(full["vtt"]) > 0 and full["atp"] > 0, "volume and average:", full)


def check_index(trial, feed):
    """An index in full has its own shape."""
    index = trial.world.index_key
    mark = len(feed.messages)
    feed.streamer.change_mode([index], "full")
    message = feed.wait(trial, has(index, "fullFeed"), "full of the index", since=mark)
    trial.expect("indexFF" in message["feeds"][index]["fullFeed"], "an index without indexFF")


def check_mode_change(trial, feed, key):
    """The share goes over to option greeks, which shows the first level."""
    mark = len(feed.messages)
    feed.streamer.change_mode([key], "option_greeks")
    row = feed.wait(trial, has(key, "firstLevelWithGreeks"), f"first level of {key}", since=mark)["feeds"][key]
    trial.expect(row["firstLevelWithGreeks"]["firstDepth"]["bidP"] > 0, "first level:", row)
    trial.same(row["requestMode"], "option_greeks", "mode")


def check_thirty_levels(trial, feed, key):
    """The account of the simulator has the plan that thirty levels need."""
    mark = len(feed.messages)
    feed.streamer.change_mode([key], "full_d30")

    def deep(message):
        row = message.get("feeds", {}).get(key, {})
        return row.get("requestMode") == "full_d30"

    row = feed.wait(trial, deep, f"thirty levels of {key}", since=mark)["feeds"][key]
    trial.same(len(row["fullFeed"]["marketFF"]["marketLevel"]["bidAskQuote"]), 30, "levels of full_d30")


def check_silence(trial, feed, key):
    """After the unsubscribe other keys go on and this one stays silent."""
    feed.streamer.unsubscribe([key])
    index = trial.world.index_key
    for _ in range(3):
        mark = len(feed.messages)
        feed.wait(trial, lambda message: index in message.get("feeds", {}), "the index goes on", since=mark)
    late = [message for message in feed.messages[mark:] if key in message.get("feeds", {})]
    trial.same(late, [], "messages of a key after its unsubscribe")


@check(PORTFOLIO)
def the_portfolio_stream_tells_every_change(trial):
    """An order's states in order, its position, a GTT order, and a holding after a delivery sale."""
    lead_to(trial.sdk.simulator)
    streamer = upstox_client.PortfolioDataStreamer(
        trial.sdk.client, order_update=True, position_update=True, holding_update=True, gtt_update=True
    )
    with Listener(streamer) as stream:
        stream.wait_event(trial, "open")
        order_id = place(trial, tag="referee-stream", quantity=3)
        check_order_updates(trial, stream, order_id)
        position = stream.wait(trial, of_sort("position", instrument_token=trial.world.key), "a position")
        trial.same(position["exchange"], "NSE_EQ", "exchange of a position is a segment here")
        gtt_id = placed(trial, "SINGLE", [entry(far_below(trial))])
        gtt = stream.wait(trial, of_sort("gtt_order", gtt_order_id=gtt_id), "a GTT order")
        trial.same(gtt["rules"][0]["strategy"], "ENTRY", "rule")
        trial.sdk.order_v3.cancel_gtt_order(GttCancelOrderRequest(gtt_order_id=gtt_id))
        held = trial.notes["held"]
        in_status(trial, place(trial, instrument_token=held, product="D", transaction_type="SELL", quantity=1), "complete")
        stream.wait(trial, of_sort("holding", instrument_token=held), "a holding")
    stream.wait_event(trial, "close")
    trial.reached.add(PORTFOLIO)


def of_sort(sort, **fields):
    """A judge of updates: of this type, with these values."""
    return lambda update: update["update_type"] == sort and all(update.get(name) == fields[name] for name in fields)


def check_order_updates(trial, stream, order_id):
    """From received to complete, with the same facts as the book."""
    done = stream.wait(trial, of_sort("order", order_id=order_id, status="complete"), "the order's end")
    words = [update["status"] for update in stream.messages if update.get("order_id") == order_id]
    trial.same(words[0], "put order req received", "first update")
    trial.same((done["filled_quantity"], done["pending_quantity"]), (3, 0), "quantities")
    for old, new in (("user_id", "userId"), ("trading_symbol", "tradingsymbol"), ("instrument_token", "instrument_key")):
        trial.same(done[old], done[new], f"{old} and {new}")
