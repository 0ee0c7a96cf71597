//! Every bound of the system, checked against the others at compile time.

/// Instruments of one day's table that an engine can hold.
pub const INSTRUMENTS_MAX: usize = 131_072;
/// Orders of one day, ours and foreign ones.
pub const ORDERS_PER_DAY_MAX: usize = 8_192;
/// Of these, orders that entries may never use.
pub const ORDERS_KEPT_FOR_EXITS: usize = 2_048;
/// Orders that may be live at one moment.
pub const ORDERS_LIVE_MAX: usize = 256;
/// Trades of one day for which room is kept from the start; more are taken in, at the price of an allocation.
pub const TRADES_PER_DAY_USUAL: usize = 4 * ORDERS_PER_DAY_MAX;
/// Modifies that a broker allows of one order; the next change is a cancel and a new order.
pub const MODIFIES_PER_ORDER_MAX: u8 = 25;
/// Orders that one wish may be cut into at the freeze quantity at one time. Of an exit the rest follows as these fill; an
/// entry that needs more is denied.
pub const SLICES_MAX: usize = 10;
/// Positions that may be open at one moment, adopted ones included.
pub const POSITIONS_MAX: usize = 64;
/// Commands that one event can cause: every live order cancelled, every position closed.
pub const COMMANDS_PER_EVENT_MAX: usize = ORDERS_LIVE_MAX + POSITIONS_MAX;
/// Intents that a strategy can raise on one event.
pub const INTENTS_PER_EVENT_MAX: usize = POSITIONS_MAX + 16;
/// Order calls in any rolling second; the broker's limit is ten.
pub const ORDER_CALLS_PER_S_MAX: u32 = 8;
/// Of these, calls kept free for exits and cancels.
pub const ORDER_CALLS_RESERVED_FOR_EXITS: u32 = 3;
/// The broker's own limit of order calls per second.
pub const BROKER_ORDER_CALLS_PER_S: u32 = 10;
/// Slots of the ring from feed to engine.
pub const TICK_RING_SLOTS: usize = 8_192;
/// Slots of the rings between engine and gateway; they must never fill.
pub const ORDER_RING_SLOTS: usize = 4_096;
/// Largest frame accepted from a socket.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest record of the journal, header included.
pub const RECORD_BYTES_MAX: usize = 1_024;

const _: () = assert!(ORDER_CALLS_PER_S_MAX < BROKER_ORDER_CALLS_PER_S);
const _: () = assert!(ORDER_CALLS_RESERVED_FOR_EXITS < ORDER_CALLS_PER_S_MAX);
const _: () = assert!(ORDER_RING_SLOTS > COMMANDS_PER_EVENT_MAX);
const _: () = assert!(ORDERS_LIVE_MAX <= ORDERS_PER_DAY_MAX);
const _: () = assert!(ORDERS_KEPT_FOR_EXITS < ORDERS_PER_DAY_MAX && POSITIONS_MAX < ORDERS_LIVE_MAX);
const _: () = assert!(INTENTS_PER_EVENT_MAX >= POSITIONS_MAX);
const _: () = assert!(TICK_RING_SLOTS.is_power_of_two());
