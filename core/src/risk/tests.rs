//! Each control of the risk gate, broken alone.

use super::*;
use crate::event::FeedState;
use crate::instrument::{InstrumentId, InstrumentKind, SectorId};
use crate::quantity::Qty;
use crate::strategy::{SCORE_PARTS, Signal, StrategyId};
use crate::text::Text;
use crate::time::{DurationNs, IstDay};

const NOW: TsNs = TsNs::new(1_000_000_000_000);

fn instrument() -> Instrument {
    Instrument {
        id: InstrumentId::new(0),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(0),
        tick: Price::from_paise(5),
        lot: Qty::new(5),
        freeze: Qty::new(1_000),
        prev_close: Price::NONE,
        expiry: IstDay::new(0),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::EMPTY,
        symbol: Text::EMPTY,
    }
}

fn quote() -> Quote {
    Quote {
        ltp: Price::from_paise(10_000),
        ltp_ts: NOW,
        bid: Price::from_paise(9_995),
        ask: Price::from_paise(10_005),
        book_ts: NOW,
        ..Quote::default()
    }
}

fn enter() -> Enter {
    Enter {
        signal: Signal {
            ts: NOW,
            strategy: StrategyId::SPIKE,
            instrument: InstrumentId::new(0),
            side: Side::Buy,
            score_ppm: 900_000,
            parts_ppm: [0; SCORE_PARTS.len()],
            price: Price::from_paise(10_000),
        },
        qty: Qty::new(100),
        limit: Price::from_paise(10_010),
        stop: Price::from_paise(9_510),
        adds: false,
    }
}

fn facts<'a>(instrument: &'a Instrument, quote: &'a Quote) -> EntryFacts<'a> {
    EntryFacts {
        now: NOW,
        mode: TradingMode::Active,
        day_loss_latched: false,
        session_allows: true,
        feed: FeedState::Live,
        instrument,
        frozen: false,
        quote,
        busy: false,
        last_entry_ts: TsNs::NEVER,
        positions_open: 0,
        unknown_here: 0,
        unknown_total: 0,
        entries_today: 0,
        orders_have_room: true,
        exposure_total: Money::ZERO,
        exposure_options: Money::ZERO,
        held_value: Money::ZERO,
        held_at_risk: Money::ZERO,
    }
}

fn verdict(change: impl FnOnce(&mut EntryFacts<'_>, &mut Enter)) -> Result<(), Denial> {
    let (instrument, quote) = (instrument(), quote());
    let (mut facts, mut enter) = (facts(&instrument, &quote), enter());
    change(&mut facts, &mut enter);
    check_entry(&facts, &enter, &Config::default())
}

#[test]
fn a_sound_entry_passes() {
    assert_eq!(verdict(|_, _| {}), Ok(()));
}

#[test]
fn each_permission_is_needed() {
    for (mode, denial) in [
        (TradingMode::Killed, Denial::Killed),
        (TradingMode::Reconciling, Denial::NotReady),
        (TradingMode::Halted, Denial::Halted),
        (TradingMode::ReduceOnly, Denial::ReduceOnly),
        (TradingMode::Paused, Denial::Paused),
    ] {
        assert_eq!(verdict(|facts, _| facts.mode = mode), Err(denial));
    }
    assert_eq!(
        verdict(|facts, _| facts.day_loss_latched = true),
        Err(Denial::DailyLossReached)
    );
    assert_eq!(
        verdict(|facts, _| facts.session_allows = false),
        Err(Denial::SessionClosed)
    );
    assert_eq!(
        verdict(|facts, _| facts.feed = FeedState::Mute),
        Err(Denial::FeedNotLive)
    );
    assert_eq!(
        verdict(|facts, _| facts.frozen = true),
        Err(Denial::InstrumentNotTradable)
    );
}

#[test]
fn an_index_cannot_be_traded() {
    let index = Instrument {
        kind: InstrumentKind::Index,
        ..instrument()
    };
    let quote = quote();
    let refused = check_entry(&facts(&index, &quote), &enter(), &Config::default());
    assert_eq!(refused, Err(Denial::InstrumentNotTradable));
}

#[test]
fn the_moment_must_be_right() {
    let later = NOW.plus(DurationNs::from_secs(121));
    assert_eq!(verdict(|facts, _| facts.now = later), Err(Denial::SignalExpired));
    let soon = NOW.plus(DurationNs::from_secs(4));
    assert_eq!(verdict(|facts, _| facts.now = soon), Err(Denial::QuoteStale));
    let recent = NOW.plus(DurationNs::from_secs(-119));
    assert_eq!(
        verdict(|facts, _| facts.last_entry_ts = recent),
        Err(Denial::Cooldown)
    );
    let old = NOW.plus(DurationNs::from_secs(-120));
    assert_eq!(verdict(|facts, _| facts.last_entry_ts = old), Ok(()));
}

#[test]
fn the_counts_are_bounded() {
    assert_eq!(verdict(|facts, _| facts.busy = true), Err(Denial::InstrumentBusy));
    assert_eq!(
        verdict(|facts, _| facts.unknown_here = 1),
        Err(Denial::UnknownOutstanding)
    );
    assert_eq!(verdict(|facts, _| facts.unknown_total = 1), Ok(()));
    assert_eq!(
        verdict(|facts, _| facts.unknown_total = 2),
        Err(Denial::UnknownOutstanding)
    );
    assert_eq!(
        verdict(|facts, _| facts.positions_open = 3),
        Err(Denial::PositionsMax)
    );
    assert_eq!(verdict(|facts, _| facts.positions_open = 2), Ok(()));
    assert_eq!(
        verdict(|facts, _| facts.entries_today = 100),
        Err(Denial::EntriesPerDayMax)
    );
    assert_eq!(
        verdict(|facts, _| facts.orders_have_room = false),
        Err(Denial::OrdersMax)
    );
}

#[test]
fn the_order_must_be_one_the_exchange_takes() {
    for qty in [0, -5, 7] {
        assert_eq!(
            verdict(|_, enter| enter.qty = Qty::new(qty)),
            Err(Denial::QuantityNotLots)
        );
    }
    assert_eq!(
        verdict(|_, enter| enter.qty = Qty::new(1_005)),
        Err(Denial::FreezeQuantity)
    );
    assert_eq!(
        verdict(|_, enter| enter.limit = Price::from_paise(10_011)),
        Err(Denial::PriceOffTick)
    );
    assert_eq!(
        verdict(|_, enter| enter.limit = Price::NONE),
        Err(Denial::PriceOffTick)
    );
    assert_eq!(
        verdict(|_, enter| enter.limit = Price::from_paise(10_305)),
        Err(Denial::PriceCollar)
    );
    assert_eq!(
        verdict(|_, enter| enter.limit = Price::from_paise(10_300)),
        Ok(())
    );
    assert_eq!(
        verdict(|_, enter| enter.stop = enter.limit),
        Err(Denial::StopOnWrongSide)
    );
    assert_eq!(
        verdict(|_, enter| enter.stop = Price::NONE),
        Err(Denial::StopOnWrongSide)
    );
    assert_eq!(
        verdict(|_, enter| enter.signal.side = Side::Sell),
        Err(Denial::StopOnWrongSide)
    );
}

#[test]
fn the_money_is_bounded() {
    assert_eq!(
        verdict(|_, enter| enter.qty = Qty::new(300)),
        Err(Denial::PositionValue)
    );
    assert_eq!(
        verdict(|_, enter| (enter.qty, enter.stop) = (Qty::new(295), Price::from_paise(5))),
        Err(Denial::PositionRisk)
    );
    let near = Money::from_rupees(60_000);
    assert_eq!(
        verdict(|facts, _| facts.exposure_total = near),
        Err(Denial::TotalExposure)
    );
    let option = Instrument {
        kind: InstrumentKind::Call,
        ..instrument()
    };
    let quote = quote();
    let mut facts = facts(&option, &quote);
    facts.exposure_options = Money::from_rupees(40_000);
    assert_eq!(
        check_entry(&facts, &enter(), &Config::default()),
        Err(Denial::OptionsExposure)
    );
}
