//! Each control of the risk gate, broken alone: just inside passes, one step beyond is denied by its code. A test per
//! control; a property computes every limit again in 128 bits.

mod contracts;
mod edges;
mod property;

use super::*;
use crate::event::FeedState;
use crate::instrument::{InstrumentId, InstrumentKind, SectorId};
use crate::order::Side;
use crate::quantity::Qty;
use crate::strategy::{SCORE_PARTS, Signal, StrategyId};
use crate::text::Text;
use crate::time::DurationNs;

const NOW: TsNs = TsNs::new(1_785_469_500_000_000_000);
const OPEN: TsNs = NOW.plus(DurationNs::from_secs(-3_600));
static NO_ENTRIES: RecentTimes = RecentTimes::NONE;

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
        day: NOW.ist_day(),
        day_is_known: true,
        mode: TradingMode::Active,
        day_loss_latched: false,
        drawdown_latched: false,
        strategy_latched: false,
        session_allows: true,
        session_open: OPEN,
        open_ticks: 3,
        feed: FeedState::Live,
        instrument,
        on_index: false,
        frozen: false,
        quote,
        underlying_ts: TsNs::NEVER,
        busy: false,
        opposing: None,
        last_entry_ts: TsNs::NEVER,
        last_identical_ts: TsNs::NEVER,
        signal_is_used: false,
        paused_until: TsNs::NEVER,
        entry_times: &NO_ENTRIES,
        positions_open: 0,
        unknown_here: 0,
        unknown_total: 0,
        entries_today: 0,
        orders_today: 0,
        trips_today: 0,
        orders_room: 1_000,
        orders_ahead: 0,
        result: Money::ZERO,
        equity: Money::from_rupees(100_000),
        exposures: Exposures::default(),
        delta_value: Money::ZERO,
        margin_need: Money::ZERO,
        margin_available: None,
        held_value: Money::ZERO,
        held_at_risk: Money::ZERO,
    }
}

fn verdict(change: impl FnOnce(&mut EntryFacts<'_>, &mut Enter)) -> Result<(), Denial> {
    verdict_of(instrument(), quote(), |facts, enter, _| change(facts, enter))
}

fn verdict_of(
    instrument: Instrument,
    quote: Quote,
    change: impl FnOnce(&mut EntryFacts<'_>, &mut Enter, &mut Config),
) -> Result<(), Denial> {
    let mut config = Config::default();
    let (mut facts, mut enter) = (facts(&instrument, &quote), enter());
    change(&mut facts, &mut enter, &mut config);
    check_entry(&facts, &enter, &config)
}

fn ago(length: DurationNs) -> TsNs {
    NOW.plus(DurationNs::new(-length.get()))
}

const SECOND: DurationNs = DurationNs::from_secs(1);
const JUST_UNDER: DurationNs = DurationNs::new(1);
