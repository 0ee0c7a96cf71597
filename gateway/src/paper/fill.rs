//! The matching rule of the paper venue and of the broker simulator: one order against the top of one book.
//!
//! Assumptions, all on the pessimistic side (listed again on [`WorkingOrder`]):
//! no fill is better than the book of its moment; displayed quantity is spent and comes back only when the
//! recorded side changes; an order that has rested fills at its own price, never at a better touch; a trade
//! print alone fills nothing. Left out: queue position at the touch, market impact on later books, auctions.
//! Source of the stop rule: a stop is released by the last traded price (reference C3, exchange rule).

use bijli_core::event::Tick;
use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::{Price, Qty};

/// Levels that a market order may sweep in one book: the touch and four ticks beyond it.
pub const LEVELS_MAX: i64 = 5;

/// The recorded top of book of one instrument at one moment. [`Price::NONE`] marks an absent side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Best bid.
    pub bid: Price,
    /// Best ask.
    pub ask: Price,
    /// Quantity displayed at the bid.
    pub bid_qty: Qty,
    /// Quantity displayed at the ask.
    pub ask_qty: Qty,
    /// Last traded price: releases stops, fills nothing.
    pub ltp: Price,
}

impl Book {
    /// The book of a tick; `None` when the tick's own flags say that its book may not price an order.
    #[must_use]
    pub fn of(tick: &Tick) -> Option<Self> {
        tick.flags.has_sound_book().then_some(Self {
            bid: tick.bid,
            ask: tick.ask,
            bid_qty: tick.bid_qty,
            ask_qty: tick.ask_qty,
            ltp: tick.ltp,
        })
    }

    /// Price and displayed quantity that an order of `side` would meet.
    const fn opposite(&self, side: Side) -> (Price, Qty) {
        match side {
            Side::Buy => (self.ask, self.ask_qty),
            Side::Sell => (self.bid, self.bid_qty),
        }
    }
}

/// What is left of one displayed side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Displayed {
    price: Price,
    qty: Qty,
    left: Qty,
    level: i64,
}

impl Displayed {
    /// A side that did not change keeps what was taken from it; a changed one is new.
    fn refresh(&mut self, price: Price, qty: Qty) {
        if self.price != price || self.qty != qty {
            *self = Self {
                price,
                qty,
                left: qty,
                level: 0,
            };
        }
    }
}

/// The displayed quantity of one instrument that our own fills have not yet spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Liquidity {
    book: Book,
    for_buys: Displayed,
    for_sells: Displayed,
}

impl Liquidity {
    /// Takes the next recorded book in. A side with unchanged price and quantity stays spent.
    pub fn refresh(&mut self, book: Book) {
        self.for_buys.refresh(book.ask, book.ask_qty);
        self.for_sells.refresh(book.bid, book.bid_qty);
        self.book = book;
    }

    /// The recorded book that stands now.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }
}

/// One fill of a working order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Quantity; positive.
    pub qty: Qty,
    /// Price; on the tick grid when the recorded book is.
    pub price: Price,
}

/// Where an order stands once [`match_order`] has no more fills for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is left to fill.
    Filled,
    /// Works on, perhaps partly filled.
    Resting,
    /// A stop that the last price has not released.
    AwaitingTrigger,
    /// Immediate-or-cancel: the rest is cancelled.
    Expired,
}

/// An order at the venue.
///
/// Assumptions:
/// - a limit order that is marketable on arrival fills at the opposite touch, at most the displayed quantity;
/// - what does not fill on arrival rests, and fills only when the opposite touch reaches its price, at its own
///   price (not the touch), at most the displayed quantity;
/// - a market order fills at the touch, then one tick worse per level; each level holds what the touch
///   displayed; after [`LEVELS_MAX`] levels it waits for a new book;
/// - a stop is released when the last price reaches its trigger, then counts as arriving at that moment;
/// - immediate-or-cancel gives up its rest after the first book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkingOrder {
    /// Buy or sell.
    pub side: Side,
    /// Total quantity.
    pub qty: Qty,
    /// Filled so far.
    pub filled: Qty,
    /// How it is priced.
    pub order_type: OrderType,
    /// Limit price; [`Price::NONE`] for market orders.
    pub price: Price,
    /// Trigger price of stops; [`Price::NONE`] otherwise.
    pub trigger: Price,
    /// How long it lives.
    pub validity: Validity,
    released: bool,
    rested: bool,
}

impl WorkingOrder {
    /// An order that has just arrived. `qty` must be positive, limit orders need a price, stops a trigger.
    ///
    /// # Panics
    /// When one of these does not hold: the venue's entry checks refuse such orders first.
    #[must_use]
    pub fn new(
        side: Side,
        qty: Qty,
        order_type: OrderType,
        validity: Validity,
        price: Price,
        trigger: Price,
    ) -> Self {
        assert!(qty.get() > 0, "an order has a positive quantity");
        let limited = matches!(order_type, OrderType::Limit | OrderType::StopLimit);
        let stop = matches!(order_type, OrderType::StopLimit | OrderType::StopMarket);
        assert!(price.is_set() || !limited, "a limit order has a price");
        assert!(trigger.is_set() || !stop, "a stop order has a trigger");
        Self {
            side,
            qty,
            filled: Qty::ZERO,
            order_type,
            price,
            trigger,
            validity,
            released: !stop,
            rested: false,
        }
    }

    /// Quantity not filled yet.
    #[must_use]
    pub fn remaining(&self) -> Qty {
        self.qty
            .minus(self.filled)
            .expect("filled never exceeds quantity, both are small")
    }

    /// Changes price and total quantity; the order arrives anew. `false`, and nothing changes, when `qty` is
    /// not above what is filled.
    pub fn modify(&mut self, qty: Qty, price: Price) -> bool {
        if qty <= self.filled {
            return false;
        }
        self.qty = qty;
        self.price = price;
        self.rested = false;
        true
    }

    /// Changes how an order that has not been released, or is a plain one, is priced: a stop may become a limit or
    /// market order, or get another trigger. Price and quantity follow by [`WorkingOrder::modify`].
    ///
    /// # Panics
    /// When the new type is a stop without a trigger: the venue's entry checks refuse such changes first.
    pub fn retype(&mut self, order_type: OrderType, trigger: Price) {
        let stop = matches!(order_type, OrderType::StopLimit | OrderType::StopMarket);
        assert!(trigger.is_set() || !stop, "a stop order has a trigger");
        let was_stop = matches!(self.order_type, OrderType::StopLimit | OrderType::StopMarket);
        // A stop that the market has released stays released.
        self.released = !stop || (was_stop && self.released);
        self.order_type = order_type;
        self.trigger = trigger;
    }

    /// Where the order stands; asked after [`match_order`] returned `None`.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.remaining().is_zero() {
            Standing::Filled
        } else if !self.released {
            Standing::AwaitingTrigger
        } else if matches!(self.validity, Validity::Ioc) && self.rested {
            Standing::Expired
        } else {
            Standing::Resting
        }
    }

    /// Whether the last price has released the stop; always true for other orders.
    fn release(&mut self, ltp: Price) -> bool {
        let reached = match self.side {
            Side::Buy => ltp >= self.trigger,
            Side::Sell => ltp <= self.trigger,
        };
        self.released = self.released || (ltp.is_set() && reached);
        self.released
    }

    const fn is_limited(&self) -> bool {
        matches!(self.order_type, OrderType::Limit | OrderType::StopLimit)
    }
}

/// The next fill of `order` in the book as far as `liquidity` still shows it; call until `None`, then ask
/// [`WorkingOrder::standing`]. `tick` is the price step of the instrument.
///
/// The order's `filled` and the displayed quantity are already updated when a fill is returned.
pub fn match_order(order: &mut WorkingOrder, liquidity: &mut Liquidity, tick: Price) -> Option<Fill> {
    assert!(tick.is_set(), "a tick size is positive");
    if order.remaining().is_zero() || !order.release(liquidity.book.ltp) {
        return None;
    }
    let (touch, _) = liquidity.book.opposite(order.side);
    let side = match order.side {
        Side::Buy => &mut liquidity.for_buys,
        Side::Sell => &mut liquidity.for_sells,
    };
    let fill = if order.is_limited() {
        limit_fill(order, touch, side)
    } else {
        market_fill(order, side, tick)
    };
    let Some(fill) = fill else {
        order.rested = true;
        return None;
    };
    side.left = side.left.minus(fill.qty).expect("a fill takes what is displayed");
    order.filled = order.filled.plus(fill.qty).expect("a fill is at most the rest");
    assert!(fill.qty.get() > 0, "a fill is positive");
    assert!(order.filled <= order.qty, "fills never exceed the order");
    assert!(
        !is_better(order.side, fill.price, touch),
        "a fill is never better than the book"
    );
    Some(fill)
}

fn limit_fill(order: &WorkingOrder, touch: Price, side: &Displayed) -> Option<Fill> {
    let reached = touch.is_set() && !is_better(order.side, order.price, touch);
    let qty = order.remaining().min(side.left);
    // A market order that swept deeper has moved the touch; what is left lies beyond this price.
    if !reached || qty.get() <= 0 || side.level > 0 {
        return None;
    }
    let price = if order.rested { order.price } else { touch };
    Some(Fill { qty, price })
}

fn market_fill(order: &WorkingOrder, side: &mut Displayed, tick: Price) -> Option<Fill> {
    if !side.price.is_set() || side.qty.get() <= 0 {
        return None;
    }
    if side.left.get() <= 0 && side.level + 1 < LEVELS_MAX {
        side.level += 1;
        side.left = side.qty;
    }
    let price = Price::new(side.price.get() + order.side.sign() * side.level * tick.get());
    let qty = order.remaining().min(side.left);
    (qty.get() > 0 && price.is_set()).then_some(Fill { qty, price })
}

/// Whether `price` is better for an order of `side` than `than`.
fn is_better(side: Side, price: Price, than: Price) -> bool {
    match side {
        Side::Buy => price < than,
        Side::Sell => price > than,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TICK: Price = Price::from_paise(5);

    fn book(bid_paise: i64, bid_qty: i64, ask_paise: i64, ask_qty: i64) -> Book {
        Book {
            bid: Price::from_paise(bid_paise),
            ask: Price::from_paise(ask_paise),
            bid_qty: Qty::new(bid_qty),
            ask_qty: Qty::new(ask_qty),
            ltp: Price::from_paise(bid_paise),
        }
    }

    fn limit(side: Side, qty: i64, paise: i64, validity: Validity) -> WorkingOrder {
        let price = Price::from_paise(paise);
        WorkingOrder::new(
            side,
            Qty::new(qty),
            OrderType::Limit,
            validity,
            price,
            Price::NONE,
        )
    }

    fn market(side: Side, qty: i64) -> WorkingOrder {
        WorkingOrder::new(
            side,
            Qty::new(qty),
            OrderType::Market,
            Validity::Day,
            Price::NONE,
            Price::NONE,
        )
    }

    fn fills(order: &mut WorkingOrder, liquidity: &mut Liquidity, book: Book) -> Vec<(i64, i64)> {
        liquidity.refresh(book);
        std::iter::from_fn(|| match_order(order, liquidity, TICK))
            .map(|fill| (fill.qty.get(), fill.price.get() / 100))
            .collect()
    }

    #[test]
    fn a_marketable_limit_takes_the_touch_and_its_rest_fills_at_its_own_price() {
        let mut order = limit(Side::Buy, 100, 10_020, Validity::Day);
        let mut liquidity = Liquidity::default();
        let first = fills(&mut order, &mut liquidity, book(10_000, 50, 10_005, 60));
        assert_eq!(first, [(60, 10_005)]);
        let unchanged = fills(&mut order, &mut liquidity, book(10_000, 50, 10_005, 60));
        assert_eq!(unchanged, []);
        let refilled = fills(&mut order, &mut liquidity, book(10_000, 50, 10_010, 500));
        assert_eq!(refilled, [(40, 10_020)]);
        assert_eq!(order.standing(), Standing::Filled);
    }

    #[test]
    fn a_resting_limit_waits_until_the_touch_reaches_it() {
        let mut order = limit(Side::Sell, 10, 10_050, Validity::Day);
        let mut liquidity = Liquidity::default();
        assert_eq!(
            fills(&mut order, &mut liquidity, book(10_045, 50, 10_055, 60)),
            []
        );
        assert_eq!(order.standing(), Standing::Resting);
        assert_eq!(
            fills(&mut order, &mut liquidity, book(10_060, 4, 10_065, 60)),
            [(4, 10_050)]
        );
        assert_eq!(
            fills(&mut order, &mut liquidity, book(10_050, 50, 10_065, 60)),
            [(6, 10_050)]
        );
    }

    #[test]
    fn a_market_order_pays_one_tick_more_per_level_and_stops_after_the_last() {
        let mut order = market(Side::Buy, 60);
        let mut liquidity = Liquidity::default();
        let taken = fills(&mut order, &mut liquidity, book(10_000, 10, 10_005, 10));
        let expected = [
            (10, 10_005),
            (10, 10_010),
            (10, 10_015),
            (10, 10_020),
            (10, 10_025),
        ];
        assert_eq!(taken, expected);
        assert_eq!(order.standing(), Standing::Resting);
    }

    #[test]
    fn immediate_or_cancel_gives_up_its_rest() {
        let mut order = limit(Side::Buy, 100, 10_005, Validity::Ioc);
        let mut liquidity = Liquidity::default();
        assert_eq!(
            fills(&mut order, &mut liquidity, book(10_000, 50, 10_005, 60)),
            [(60, 10_005)]
        );
        assert_eq!(order.standing(), Standing::Expired);
    }

    #[test]
    fn a_stop_waits_for_the_last_price() {
        let trigger = Price::from_paise(9_990);
        let qty = Qty::new(5);
        let (kind, day) = (OrderType::StopMarket, Validity::Day);
        let mut order = WorkingOrder::new(Side::Sell, qty, kind, day, Price::NONE, trigger);
        let mut liquidity = Liquidity::default();
        assert_eq!(
            fills(&mut order, &mut liquidity, book(10_000, 50, 10_005, 60)),
            []
        );
        assert_eq!(order.standing(), Standing::AwaitingTrigger);
        assert_eq!(
            fills(&mut order, &mut liquidity, book(9_985, 50, 9_990, 60)),
            [(5, 9_985)]
        );
    }

    #[test]
    fn two_orders_share_one_displayed_quantity() {
        let mut first = limit(Side::Buy, 40, 10_005, Validity::Day);
        let mut second = limit(Side::Buy, 40, 10_005, Validity::Day);
        let mut liquidity = Liquidity::default();
        let at = book(10_000, 50, 10_005, 60);
        assert_eq!(fills(&mut first, &mut liquidity, at), [(40, 10_005)]);
        assert_eq!(fills(&mut second, &mut liquidity, at), [(20, 10_005)]);
    }

    fn any_order() -> impl Strategy<Value = WorkingOrder> {
        let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
        let kind = prop_oneof![
            Just(OrderType::Limit),
            Just(OrderType::Market),
            Just(OrderType::StopLimit),
            Just(OrderType::StopMarket)
        ];
        let validity = prop_oneof![Just(Validity::Day), Just(Validity::Ioc)];
        (side, 1..500_i64, kind, validity, 1..60_i64, 1..60_i64).prop_map(
            |(side, qty, kind, life, at, trigger)| {
                let price = Price::from_paise(5 * at);
                WorkingOrder::new(
                    side,
                    Qty::new(qty),
                    kind,
                    life,
                    price,
                    Price::from_paise(5 * trigger),
                )
            },
        )
    }

    proptest! {
        #[test]
        fn no_fill_is_better_than_its_book_and_no_order_overfills(
            mut order in any_order(),
            books in prop::collection::vec((0..60_i64, 0..60_i64, 0..80_i64, 0..80_i64, 0..60_i64), 1..30),
        ) {
            let mut liquidity = Liquidity::default();
            let mut filled = 0;
            for (bid, ask, bid_qty, ask_qty, ltp) in books {
                let at = |ticks: i64| Price::from_paise(5 * ticks);
                let (bid_qty, ask_qty) = (Qty::new(bid_qty), Qty::new(ask_qty));
                let book = Book { bid: at(bid), ask: at(ask), bid_qty, ask_qty, ltp: at(ltp) };
                liquidity.refresh(book);
                while let Some(fill) = match_order(&mut order, &mut liquidity, TICK) {
                    filled += fill.qty.get();
                    match order.side {
                        Side::Buy => prop_assert!(book.ask.is_set() && fill.price >= book.ask),
                        Side::Sell => prop_assert!(book.bid.is_set() && fill.price <= book.bid),
                    }
                    if matches!(order.order_type, OrderType::Limit | OrderType::StopLimit) {
                        prop_assert!(!is_better(order.side, order.price, fill.price));
                    }
                }
                prop_assert_eq!(order.filled.get(), filled);
                prop_assert!(filled <= order.qty.get());
            }
        }
    }
}
