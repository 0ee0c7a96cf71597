//! One line of words for every record of a journal, with symbols and Indian times.

use bijli_core::codec::Item;
use bijli_core::command::Command;
use bijli_core::event::{BandReported, ClockDoubt, Event, OrderUpdated, Tick, Traded};
use bijli_core::order::IntentId;
use bijli_core::record::Record;
use bijli_core::{InstrumentId, Price};

use crate::words;

/// The words of an event of start, stop and supervision; empty for any other.
pub(crate) fn supervision_text(event: &Event) -> String {
    match event {
        Event::FundsReported(funds) => format!(
            "available ₹{}, used ₹{}",
            words::rupees(funds.available),
            words::rupees(funds.used)
        ),
        Event::FlatChecked(checked) => words::flat_text(checked),
        Event::OrderStreamJudged(judged) if judged.is_mute => "the order stream is mute".to_owned(),
        Event::OrderStreamJudged(_) => "the order stream speaks again".to_owned(),
        Event::SwitchAnswered(answered) => format!(
            "broker-switch {} to uid {}: {}",
            words::switch_name(answered.outcome),
            answered.uid,
            answered.words
        ),
        Event::LatchCarried(carried) => format!(
            "killed since {} by uid {}: {}",
            words::stamp_text(carried.since),
            carried.uid,
            carried.reason
        ),
        Event::ClockDoubted(doubted) => {
            let what = match doubted.doubt {
                ClockDoubt::Stepped => "the wall clock was set",
                ClockDoubt::StoodStill => "the process stood still",
            };
            format!("{what}: {} ms", doubted.length.get() / 1_000_000)
        }
        Event::StartStepped(stepped) => {
            format!(
                "{} {}: {}",
                stepped.step.name(),
                stepped.verdict.name(),
                stepped.note
            )
        }
        _ => String::new(),
    }
}

/// Turns records into lines; learns symbols from the instrument table as it passes.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    symbols: Vec<String>,
}

impl Narrator {
    /// Learns what later lines need; call it for every record, told or not.
    pub(super) fn learn(&mut self, item: &Item) {
        if let Item::Event(Event::InstrumentListed(instrument)) = item {
            let index = instrument.id.index();
            if self.symbols.len() <= index {
                self.symbols.resize(index + 1, String::new());
            }
            self.symbols[index] = instrument.symbol.as_str().to_owned();
        }
    }

    /// The whole line of a record: number, time, kind, words.
    #[must_use]
    pub(super) fn line(&self, record: &Record<'_>, item: &Item) -> String {
        let clock = words::clock_text(record.ts);
        format!(
            "{:>9} {clock:<12} {:<16} {}",
            record.seq,
            record.kind.name(),
            self.words(item)
        )
    }

    /// The words of an item.
    #[must_use]
    pub(super) fn words(&self, item: &Item) -> String {
        match item {
            Item::Event(event) => self.event(event),
            Item::Command(command) => self.command(command),
            Item::Checkpoint(mark) => format!("after {} events, state {:016x}", mark.events, mark.state_hash),
            Item::TailCut(cut) => format!(
                "segment {} ends at byte {}, the rest has checksum {:08x}",
                cut.segment, cut.cut_offset, cut.tail_crc
            ),
            Item::DurableMark(mark) => format!(
                "records below {} are on the disk, to byte {} of segment {}; {} exits did not wait",
                mark.next_seq, mark.end_offset, mark.segment, mark.exits_unwaited
            ),
            Item::Closed(mark) => format!("after {} events, state {:016x}", mark.events, mark.state_hash),
        }
    }

    fn symbol(&self, instrument: InstrumentId) -> String {
        match self.symbols.get(instrument.index()) {
            Some(symbol) if !symbol.is_empty() => symbol.clone(),
            Some(_) | None => format!("#{}", instrument.get()),
        }
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::SessionOpened(opened) => format!(
                "{} data {} venue {}, cash closes {}, derivatives {}",
                opened.day,
                opened.data.name(),
                words::venue_name(opened.venue),
                words::second_text(opened.cash.close),
                words::second_text(opened.derivatives.close)
            ),
            Event::Configured(config) => format!(
                "capital ₹{}, {} positions, daily loss {} bps, score from {}",
                words::rupees(config.risk.capital),
                config.risk.positions_max,
                config.risk.daily_loss_bps,
                words::ppm_text(config.strategy.score_min_ppm)
            ),
            Event::InstrumentListed(instrument) => format!(
                "{} = {} ({}), tick {}, lot {}",
                instrument.id.get(),
                instrument.symbol,
                instrument.key,
                instrument.tick,
                instrument.lot
            ),
            Event::ProcessStarted(started) => format!("epoch {}", started.epoch),
            Event::Ticked(tick) => self.tick(tick),
            Event::TimePassed(_) => String::new(),
            Event::FeedChanged(changed) => words::feed_state_name(changed.state).to_owned(),
            Event::IntentResolved(resolved) => format!(
                "{} {} {} {}",
                resolved.intent.tag(),
                words::submission_name(resolved.submission),
                resolved.order_id,
                resolved.code
            ),
            Event::OrderUpdated(update) => self.update(update),
            Event::Traded(trade) => self.trade(trade),
            Event::PositionReported(report) => {
                let (symbol, last) = (self.symbol(report.instrument), price_or_dash(report.last_price));
                format!("{symbol} broker has {} at last {last}", report.qty)
            }
            Event::BandReported(report) => self.band(report),
            Event::Reconciled(reconciled) => format!(
                "{} orders at the broker, {} of them not ours",
                reconciled.broker_orders, reconciled.foreign_orders
            ),
            Event::Controlled(control) => {
                let which = control
                    .instrument
                    .map_or(String::new(), |instrument| self.symbol(instrument));
                let verb = words::verb_name(control.verb);
                let strategy = control
                    .strategy
                    .map_or(String::new(), |strategy| format!(" strategy {}", strategy.name()));
                format!(
                    "{verb} {which}{strategy} by uid {}: {}",
                    control.uid, control.reason
                )
            }
            Event::FundsReported(_)
            | Event::FlatChecked(_)
            | Event::SwitchAnswered(_)
            | Event::LatchCarried(_)
            | Event::ClockDoubted(_)
            | Event::OrderStreamJudged(_)
            | Event::StartStepped(_) => supervision_text(event),
        }
    }

    fn band(&self, report: &BandReported) -> String {
        let (lower, upper) = (price_or_dash(report.lower), price_or_dash(report.upper));
        format!(
            "{} trades from {lower} to {upper}",
            self.symbol(report.instrument)
        )
    }

    fn tick(&self, tick: &Tick) -> String {
        let mut text = format!(
            "{} {} bid {} × {} ask {} × {} volume {}",
            self.symbol(tick.instrument),
            tick.ltp,
            price_or_dash(tick.bid),
            tick.bid_qty,
            price_or_dash(tick.ask),
            tick.ask_qty,
            tick.volume
        );
        for (doubt, name) in words::TICK_DOUBTS {
            if tick.flags.has(doubt) {
                text.push(' ');
                text.push_str(name);
            }
        }
        text
    }

    fn update(&self, update: &OrderUpdated) -> String {
        format!(
            "{} {} {} {} {} {}/{} at {} average {}",
            tag_text(update.intent),
            update.order_id,
            self.symbol(update.instrument),
            words::side_name(update.side),
            words::broker_status_name(update.status),
            update.filled,
            update.qty,
            price_or_dash(update.price),
            price_or_dash(update.average_price)
        )
    }

    fn trade(&self, trade: &Traded) -> String {
        format!(
            "{} {} {} {} {} at {} trade {}",
            tag_text(trade.intent),
            trade.order_id,
            self.symbol(trade.instrument),
            words::side_name(trade.side),
            trade.qty,
            trade.price,
            trade.trade_id
        )
    }

    fn command(&self, command: &Command) -> String {
        match command {
            Command::Place(place) => format!(
                "{} {} {} {} {} {} at {} {}",
                place.intent.tag(),
                words::purpose_name(place.purpose),
                words::side_name(place.side),
                place.qty,
                self.symbol(place.instrument),
                words::order_type_name(place.order_type),
                price_or_dash(place.price),
                words::validity_name(place.validity)
            ),
            Command::Modify(modify) => format!(
                "{} {} to {} {} at {}",
                modify.intent.tag(),
                modify.order_id,
                modify.qty,
                words::order_type_name(modify.order_type),
                price_or_dash(modify.price)
            ),
            Command::Cancel(cancel) => format!("{} {}", cancel.intent.tag(), cancel.order_id),
            Command::CancelForeign(cancel) => format!(
                "{} {} of {}",
                tag_text(None),
                cancel.order_id,
                self.symbol(cancel.instrument)
            ),
            Command::Reconcile(ask) if ask.flat => "is anything open at the broker?".to_owned(),
            Command::Reconcile(_) => String::new(),
            Command::DropEntries(_) => "entries that have not left".to_owned(),
        }
    }
}

fn tag_text(intent: Option<IntentId>) -> String {
    intent.map_or("not-ours".to_owned(), |intent| intent.tag().to_string())
}

fn price_or_dash(price: Price) -> String {
    if price.is_set() {
        price.to_string()
    } else {
        "-".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_core::command::Place;
    use bijli_core::event::TickFlags;
    use bijli_core::instrument::{Instrument, InstrumentKind};
    use bijli_core::order::{OrderType, Purpose, Side, Validity};
    use bijli_core::text::Text;
    use bijli_core::{IstDay, Qty, SectorId, TsNs};

    fn listed() -> Item {
        Item::Event(Event::InstrumentListed(Instrument {
            id: InstrumentId::new(0),
            kind: InstrumentKind::Equity,
            underlying: InstrumentId::new(0),
            tick: Price::from_paise(5),
            lot: Qty::new(1),
            freeze: Qty::new(1_000),
            prev_close: Price::NONE,
            expiry: IstDay::new(0),
            strike: Price::NONE,
            lower_band: Price::NONE,
            upper_band: Price::NONE,
            sector: SectorId::OTHER,
            key: Text::new("NSE_EQ|INE002A01018").expect("fits"),
            symbol: Text::new("RELIANCE").expect("fits"),
        }))
    }

    #[test]
    fn a_tick_is_told_with_its_symbol_book_and_doubts() {
        let mut narrator = Narrator::default();
        let tick = Item::Event(Event::Ticked(Tick {
            ltp: Price::new(15_002_500),
            bid: Price::new(15_002_000),
            bid_qty: Qty::new(40),
            flags: TickFlags::ONE_SIDED.with(TickFlags::SNAPSHOT),
            ..Tick::default()
        }));
        assert!(narrator.words(&tick).starts_with("#0 1500.25"));
        narrator.learn(&listed());
        assert_eq!(
            narrator.words(&tick),
            "RELIANCE 1500.25 bid 1500.20 × 40 ask - × 0 volume 0 SNAPSHOT ONE_SIDED"
        );
    }

    #[test]
    fn a_placement_is_told_with_the_tag_that_the_broker_sees() {
        let mut narrator = Narrator::default();
        narrator.learn(&listed());
        let place = Item::Command(Command::Place(Place {
            ts: TsNs::new(1),
            intent: IntentId::new(1, 2),
            instrument: InstrumentId::new(0),
            side: Side::Buy,
            purpose: Purpose::Entry,
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty: Qty::new(20),
            price: Price::new(15_010_000),
            trigger: Price::NONE,
        }));
        let tag = IntentId::new(1, 2).tag();
        assert_eq!(
            narrator.words(&place),
            format!("{tag} ENTRY BUY 20 RELIANCE LIMIT at 1501.00 DAY")
        );
    }
}
