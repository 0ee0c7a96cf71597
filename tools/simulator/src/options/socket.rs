//! What is not known for certain about the sockets: handshakes, limits of keys, messages, pings.
//!
//! Source: the broker's API documentation, which leaves these open; defaults are the most likely readings.

use super::table::option_table;
use super::value::option_words;

option_words! {
    /// The body of a refusal that may have none.
    RefusalBody {
        /// The error envelope.
        Envelope = "envelope",
        /// Nothing.
        Empty = "empty",
        /// A page of a gateway in front of the service.
        Html = "html",
    }
    /// What becomes of keys beyond the limit of a subscription.
    OverLimit {
        /// Keys up to the limit are taken, the rest is ignored.
        IgnoreExtra = "ignore_extra",
        /// The whole request is ignored.
        IgnoreRequest = "ignore_request",
        /// The socket is closed with code 1008.
        Close = "close",
    }
    /// Whose keys a limit counts.
    CountedPer {
        /// Of all sockets of the user together.
        User = "user",
        /// Of each socket alone.
        Connection = "connection",
    }
    /// What an entry of a live message holds.
    LiveEntries {
        /// All that its mode holds.
        Full = "full",
        /// Only the blocks that changed; what stayed is left out.
        Partial = "partial",
    }
    /// The type that the message after a subscription bears.
    SnapshotType {
        /// `initial_feed`, as the schema says.
        Initial = "initial_feed",
        /// `live_feed`, as the samples show.
        Live = "live_feed",
    }
    /// What becomes of open sockets when their token dies.
    OnTokenDeath {
        /// They go on.
        Stay = "stay",
        /// They are closed with code 1008.
        Close = "close",
        /// They are cut without a close frame.
        Cut = "cut",
    }
}

option_table! {
    /// The options of sockets and HTTP.
    SocketOptions {
        /// Body of a socket handshake that is refused with 401 or 403.
        handshake_refusal_body: RefusalBody = RefusalBody::Empty,
        /// Market feed sockets that one user may have open (an older note says 1; a Plus plan has 5).
        feed_connections_max: u32 = 2,
        /// Portfolio stream sockets that one user may have open.
        stream_connections_max: u32 = 5,
        /// Whether the account has the Plus plan, which alone may ask for mode full_d30 and for
        /// expired instruments.
        plus_plan: bool = false,
        /// Whose keys the limits of the market feed count.
        keys_counted_per: CountedPer = CountedPer::User,
        /// Keys in mode full_d30 when other modes are used besides; alone it is 50.
        full_d30_keys_mixed_max: u32 = 1500,
        /// What becomes of subscriptions beyond the limit of keys.
        over_limit_keys: OverLimit = OverLimit::IgnoreExtra,
        /// Type of the message that answers a subscription.
        snapshot_type: SnapshotType = SnapshotType::Initial,
        /// Whether entries of live messages hold all of their mode or only what changed.
        live_entries: LiveEntries = LiveEntries::Full,
        /// Whether the feed carries the candle I30 besides 1d and I1.
        feed_candle_i30: bool = false,
        /// Whether market_info is sent again when a segment changes its status. Without it the close is told at the end of
        /// the day, a minute later; with it an engine on simulated time leaves at the close, before the day is over.
        market_info_on_change: bool = false,
        /// Real milliseconds after which an open socket is pinged again (0 never pings); besides, a subscribed
        /// feed socket is pinged after each simulated second, which paces the day.
        ping_period_ms: u32 = 10_000,
        /// What becomes of open sockets when their token dies or is revoked.
        on_token_death: OnTokenDeath = OnTokenDeath::Close,
    }
}
