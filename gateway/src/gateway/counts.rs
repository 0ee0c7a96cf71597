//! What the gateway counts of what should not happen. Left out: what screens show of a good day (the read-out).

/// What the gateway counted, beyond the read-out: each of these should stay zero on a good day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Placements of which not one byte left.
    pub not_sent: u64,
    /// Placements that the written rule declared absent.
    pub presumed_absent: u64,
    /// Entries that grew too old before they left.
    pub entries_expired: u64,
    /// Commands that contradict the day's table; not sent.
    pub gate_refusals: u64,
    /// Cancels and modifies dropped because their order had ended or the token was dead.
    pub changes_dropped: u64,
    /// Rows older than what was known.
    pub rows_stale: u64,
    /// Rows that brought nothing new.
    pub rows_repeated: u64,
    /// Rows that contradict what was known.
    pub contradictions: u64,
    /// Orders whose instrument the day's table does not hold.
    pub orders_unlisted: u64,
    /// Second orders under one tag.
    pub duplicate_tags: u64,
    /// Trade rows that would overfill their order; not told to the engine.
    pub overfills: u64,
    /// Trade rows beyond what the order's row says is filled; they wait for the book.
    pub trades_ahead: u64,
    /// Stream frames of other kinds than orders.
    pub stream_other: u64,
    /// Stream frames that could not be read.
    pub stream_malformed: u64,
    /// Reads that failed.
    pub reads_failed: u64,
    /// Refusals for rate.
    pub rate_refusals: u64,
    /// Replies to requests that nobody waits for.
    pub replies_unexpected: u64,
}
