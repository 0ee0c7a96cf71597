//! Faults that come by themselves, drawn each simulated minute: other people's orders, purges, halts, dead tokens.
//!
//! Invariant: what they do to orders and positions goes the same way as everybody's and stands in the ledger.

use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::{DurationNs, Price, Qty, TsNs};

use super::Broker;
use super::faults::Fault;
use super::order::{Origin, Product, Status, Ticket, Trade};

/// Trades of so long ago may be withdrawn.
const BUST_WITHIN: DurationNs = DurationNs::from_secs(1_800);

impl Broker {
    /// Lets the minutes pass that have come since.
    pub(super) fn pass_minutes(&mut self, now: TsNs) {
        let minute = self.dice.faults().minute().get();
        self.episodes.clock = self.episodes.clock.max(now);
        loop {
            let next = *self
                .episodes
                .next_minute
                .get_or_insert_with(|| TsNs::new((now.get().div_euclid(minute) + 1) * minute));
            if next > now {
                return;
            }
            self.episodes.next_minute = Some(TsNs::new(next.get() + minute));
            self.strike_minute(now);
        }
    }

    fn strike_minute(&mut self, now: TsNs) {
        if self.listings.iter().any(|listing| listing.times.is_open(now)) {
            self.strike_market(now);
        } else if self.dice.fires(Fault::BookCleared) {
            self.episodes.cleared = self.orders.len();
        }
        if self.dice.fires(Fault::TokenExpires) {
            let dies = now.plus(self.dice.lasts(Fault::TokenExpires));
            self.account.expire_all_at(dies);
        }
        if self.dice.fires(Fault::TokenRevoked) {
            self.account.revoke_all();
        }
    }

    fn strike_market(&mut self, now: TsNs) {
        if self.dice.rolls(Fault::ExternalOrder) {
            self.place_for_somebody(now);
        }
        if self.dice.rolls(Fault::BrokerSquareOff) {
            self.square_one_off(now);
        }
        if self.dice.rolls(Fault::Purge) && self.purge(now) {
            self.dice.count(Fault::Purge);
        }
        if self.dice.fires(Fault::MarketHalt) {
            let length = self.dice.lasts(Fault::MarketHalt);
            self.episodes.halted.begin(now, length);
            self.purge(now);
        }
        if self.dice.fires(Fault::MarginRaised) {
            let length = self.dice.lasts(Fault::MarginRaised);
            self.episodes.margin_raised.begin(now, length);
            self.episodes.margin_bps = self.dice.between(Fault::MarginRaised, 12_000, 20_000);
        }
        if self.dice.rolls(Fault::TradeBust) {
            self.bust(now);
        }
    }

    /// Somebody else's order: one lot at the last price, in an instrument of the client's if he has any.
    fn place_for_somebody(&mut self, now: TsNs) {
        let used = self.orders.iter().map(|order| order.ticket.instrument);
        let mut known: Vec<u32> = used.filter(|id| self.can_trade(now, *id)).collect();
        let wants_used = self.dice.between(Fault::ExternalOrder, 0, 1) == 0;
        if known.is_empty() || !wants_used {
            let ids = 0..self.listings.len() as u32;
            known = ids.filter(|id| self.can_trade(now, *id)).collect();
        }
        if known.is_empty() {
            return;
        }
        self.dice.count(Fault::ExternalOrder);
        let choice = self.dice.between(Fault::ExternalOrder, 0, known.len() as i64 - 1);
        let buys = self.dice.between(Fault::ExternalOrder, 0, 1) == 0;
        let listing = self.listing(known[choice as usize]);
        let ticket = Ticket {
            instrument: known[choice as usize],
            side: if buys { Side::Buy } else { Side::Sell },
            product: Product::Intraday,
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty: listing.instrument.lot,
            disclosed: Qty::ZERO,
            price: listing.ltp,
            trigger: Price::NONE,
            tag: None,
            is_amo: false,
        };
        self.enter(now, ticket, Origin::External);
    }

    fn can_trade(&self, now: TsNs, instrument: u32) -> bool {
        let listing = self.listing(instrument);
        let on_grid = listing.ltp.is_set() && listing.ltp.is_on_tick(listing.instrument.tick);
        on_grid && listing.instrument.kind.is_tradable() && listing.times.is_open(now)
    }

    fn square_one_off(&mut self, now: TsNs) {
        let open = self.open_positions(now, |_| true);
        if open.is_empty() {
            return;
        }
        self.dice.count(Fault::BrokerSquareOff);
        let choice = self
            .dice
            .between(Fault::BrokerSquareOff, 0, open.len() as i64 - 1);
        let cancels = self.dice.between(Fault::BrokerSquareOff, 0, 1) == 0;
        self.square_off(now, open[choice as usize], cancels);
    }

    /// Closes the intraday positions whose hour has come, if the options name one.
    pub(super) fn square_off_at_hour(&mut self, now: TsNs) {
        let Some(hour) = self.settings.options.intraday_square_off else {
            return;
        };
        let at = DurationNs::from_hm(i64::from(hour / 100), i64::from(hour % 100));
        if self.is_squared_off || now < self.day.at(at) {
            return;
        }
        self.is_squared_off = true;
        for index in 0..self.orders.len() {
            let order = &self.orders[index];
            if !order.is_told_finished() && order.ticket.product == Product::Intraday {
                self.end(now, index, Status::Cancelled);
            }
        }
        for position in self.open_positions(now, |product| product == Product::Intraday) {
            self.square_off(now, position, false);
        }
    }

    fn open_positions(&self, now: TsNs, wanted: impl Fn(Product) -> bool) -> Vec<(u32, Product, Qty)> {
        self.ledger
            .holdings()
            .map(|(instrument, product, holding)| (instrument, product, holding.position.qty))
            .filter(|(instrument, product, qty)| {
                !qty.is_zero() && wanted(*product) && self.can_trade(now, *instrument)
            })
            .collect()
    }

    fn square_off(&mut self, now: TsNs, (instrument, product, qty): (u32, Product, Qty), cancels: bool) {
        for index in 0..self.orders.len() {
            let order = &self.orders[index];
            if cancels && !order.is_told_finished() && order.ticket.instrument == instrument {
                self.end(now, index, Status::Cancelled);
            }
        }
        let ticket = Ticket {
            instrument,
            side: if qty.get() > 0 { Side::Sell } else { Side::Buy },
            product,
            order_type: OrderType::Market,
            validity: Validity::Day,
            qty: qty.abs(),
            disclosed: Qty::ZERO,
            price: Price::NONE,
            trigger: Price::NONE,
            tag: None,
            is_amo: false,
        };
        self.enter(now, ticket, Origin::Broker);
    }

    /// The exchange cancels what it works; whether there was anything.
    fn purge(&mut self, now: TsNs) -> bool {
        let mut is_struck = false;
        for index in 0..self.orders.len() {
            let order = &mut self.orders[index];
            if order.working.is_some() && !order.status.is_final() {
                order.message = Some("Exchange: pending orders were purged".to_owned());
                self.end(now, index, Status::Cancelled);
                is_struck = true;
            }
        }
        is_struck
    }

    /// The exchange withdraws a recent trade: its position is as if it had never been.
    fn bust(&mut self, now: TsNs) {
        let recent: Vec<usize> = (0..self.ledger.trades.len())
            .filter(|place| now.since(self.ledger.trades[*place].ts) <= BUST_WITHIN)
            .collect();
        if recent.is_empty() || self.ledger.has_converted() {
            return;
        }
        self.dice.count(Fault::TradeBust);
        let choice = self.dice.between(Fault::TradeBust, 0, recent.len() as i64 - 1);
        let orders = &self.orders;
        let booked_under = |trade: &Trade| trade.booked_under(orders);
        let withdrawn = self.ledger.withdraw(recent[choice as usize], booked_under);
        let (instrument, product, _) = withdrawn.booked_under(orders);
        self.tell_position(instrument, product);
    }

    /// No fault from now on: what lasts ends, and what waits arrives.
    pub fn heal(&mut self, now: TsNs) {
        self.dice.set_faults(super::faults::Faults::NONE);
        self.episodes.end();
        self.errands.hasten(now.plus(self.settings.exchange_delay));
        self.advance(now);
    }

    /// Whether the market stands still.
    #[must_use]
    pub fn is_halted(&self, now: TsNs) -> bool {
        self.episodes.halted.is_on(now)
    }
}
