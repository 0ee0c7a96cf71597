//! For what a person is called besides the fate of orders: entries that stop by themselves, a position that differs, a feed
//! that is gone or silent on what is held, a token that is dead, an order lane that does not answer.

use bijli_core::command::{Command, Reconcile};
use bijli_core::event::{
    ClockDoubt, ClockDoubted, Controlled, Event, FeedChanged, FeedState, OrderStreamJudged, PositionReported,
    StartStepped, Submission, Verb,
};
use bijli_core::order::BrokerStatus;
use bijli_core::page::PageReason;
use bijli_core::risk::TradingMode;
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, Price, Qty, TsNs};

use crate::house::{House, OTHER, STOCK, only_place};

const SECOND: DurationNs = DurationNs::from_secs(1);

/// Something that happens to a house.
type Cause = (&'static str, fn(&mut House));

fn calls(house: &House) -> u64 {
    house.pages(PageReason::EntriesStopped)
}

fn doubt(house: &mut House, doubt: ClockDoubt) {
    house.tell(Event::ClockDoubted(ClockDoubted {
        ts: house.now,
        doubt,
        length: DurationNs::from_secs(2),
    }));
}

#[test]
fn whatever_stops_entries_calls_a_person_once_and_a_person_s_own_word_does_not() {
    let causes: [Cause; 5] = [
        ("a clock that was set", |house| doubt(house, ClockDoubt::Stepped)),
        ("a standstill", |house| doubt(house, ClockDoubt::StoodStill)),
        ("another process", |house| house.start(9)),
        ("a failed step", |house| {
            house.tell(Event::StartStepped(StartStepped {
                ts: house.now,
                step: StartStep::Token,
                verdict: StepVerdict::Failed,
                note: Text::EMPTY,
            }));
        }),
        ("a position that differs", |house| {
            drop(house.report_position(STOCK, 7))
        }),
    ];
    for (cause, happen) in causes {
        let mut house = House::open();
        assert_eq!(
            (house.engine.state().mode(), calls(&house)),
            (TradingMode::Active, 0)
        );
        happen(&mut house);
        assert_ne!(house.engine.state().mode(), TradingMode::Active, "{cause}");
        assert_eq!(calls(&house), 1, "{cause}");
        house.wait(SECOND);
        assert_eq!(calls(&house), 1, "{cause} is told once");
    }
    for verb in [Verb::Pause, Verb::ReduceOnly, Verb::Flatten, Verb::Kill] {
        let mut house = House::open();
        house.control(verb, 1);
        assert_ne!(house.engine.state().mode(), TradingMode::Active, "{verb:?}");
        assert_eq!(calls(&house), 0, "{verb:?}");
        doubt(&mut house, ClockDoubt::Stepped);
        let is_worse = matches!(verb, Verb::Pause | Verb::Flatten);
        assert_eq!(calls(&house), u64::from(is_worse), "{verb:?}, then a doubt");
    }
}

#[test]
fn a_pause_that_the_process_gave_itself_calls_a_person() {
    let mut house = House::open();
    house.tell(Event::Controlled(Controlled {
        ts: house.now,
        verb: Verb::Pause,
        instrument: None,
        strategy: None,
        uid: 1000,
        command_id: Controlled::OWN_IDS + 7,
        reason: Text::EMPTY,
    }));
    assert_eq!(
        (house.engine.state().mode(), calls(&house)),
        (TradingMode::Paused, 1)
    );
}

#[test]
fn a_position_that_differs_is_told_with_its_instrument() {
    let (mut house, _) = House::bought(STOCK);
    house.report_position(STOCK, 100);
    assert_eq!(house.pages(PageReason::PositionDiffers), 0);
    house.report_position(STOCK, 40);
    let page = *house.engine.state().pages().get(PageReason::PositionDiffers);
    assert_eq!((page.count, page.instrument), (1, Some(STOCK)));
}

/// Seconds after which a person is called for a feed in this state, within ten; `None` = not at all.
fn called_after(house: &mut House, state: FeedState) -> Option<u64> {
    let before = house.pages(PageReason::FeedLost);
    house.tell(Event::FeedChanged(FeedChanged { ts: house.now, state }));
    (1..=10).find(|_| {
        house.wait(SECOND);
        house.pages(PageReason::FeedLost) > before
    })
}

#[test]
fn a_feed_that_is_gone_calls_a_person_within_five_seconds_if_something_is_held() {
    for (state, after) in [
        (FeedState::Down, Some(4)),
        (FeedState::Mute, Some(4)),
        (FeedState::Closed, None),
        (FeedState::Live, None),
    ] {
        let (mut house, _) = House::bought(STOCK);
        assert_eq!(called_after(&mut house, state), after, "{state:?}");
        assert_eq!(
            called_after(&mut House::open(), state),
            None,
            "nothing held: {state:?}"
        );
    }
}

#[test]
fn one_outage_is_told_once_whatever_it_is_called_and_the_next_one_again() {
    let (mut house, _) = House::bought(STOCK);
    assert_eq!(called_after(&mut house, FeedState::Mute), Some(4));
    assert_eq!(called_after(&mut house, FeedState::Down), None);
    let live = FeedChanged {
        ts: house.now,
        state: FeedState::Live,
    };
    house.tell(Event::FeedChanged(live));
    assert_eq!(called_after(&mut house, FeedState::Down), Some(4));
    assert_eq!(house.engine.state().pages().get(PageReason::FeedLost).count, 2);
    assert!(house.engine.state().pages().get(PageReason::FeedLost).first_ts > TsNs::NEVER);
}

#[test]
fn a_token_that_dies_while_it_is_used_calls_a_person_once_and_at_the_next_start_again() {
    let (mut house, _) = House::bought(STOCK);
    for _ in 0..2 {
        house.tell(Event::StartStepped(StartStepped::token_died(house.now)));
        assert_eq!(house.pages(PageReason::TokenDead), 1);
    }
    assert_ne!(house.engine.state().mode(), TradingMode::Active);
    house.start(9);
    house.tell(Event::StartStepped(StartStepped::token_died(house.now)));
    assert_eq!(house.pages(PageReason::TokenDead), 2);
}

/// Seconds after which a person is called for the lane, within ten; `None` = not at all.
fn lane_called_after(house: &mut House) -> Option<u64> {
    let before = house.pages(PageReason::OrderLaneSilent);
    (1..=10).find(|_| {
        house.wait(SECOND);
        house.pages(PageReason::OrderLaneSilent) > before
    })
}

#[test]
fn an_order_without_an_answer_calls_a_person_within_five_seconds_and_once() {
    for given_up in [false, true] {
        let mut house = House::open();
        let place = only_place(&house.wish_to_buy(STOCK));
        if given_up {
            house.resolve(place.intent, Submission::Unknown);
        }
        assert_eq!(lane_called_after(&mut house), Some(4), "given up: {given_up}");
        assert_eq!(lane_called_after(&mut house), None, "it is told once");
        let page = *house.engine.state().pages().get(PageReason::OrderLaneSilent);
        assert_eq!((page.count, page.instrument), (1, Some(STOCK)));
    }
}

#[test]
fn a_change_without_an_effect_calls_a_person_as_an_order_does() {
    let mut house = House::open();
    let place = only_place(&house.wish_to_buy(STOCK));
    house.resolve(place.intent, Submission::Acked);
    house.update(&place, BrokerStatus::Open, 0);
    house.control(Verb::Flatten, 1);
    assert_eq!(lane_called_after(&mut house), Some(4));
}

#[test]
fn an_order_that_falls_silent_after_the_call_is_told_again() {
    let mut house = House::open();
    only_place(&house.wish_to_buy(STOCK));
    house.wait(SECOND);
    only_place(&house.wish_to_buy(OTHER));
    assert_eq!(lane_called_after(&mut house), Some(3), "both are silent then");
    assert_eq!(lane_called_after(&mut house), None);
    let (mut house, _) = House::bought(STOCK);
    assert_eq!(
        lane_called_after(&mut house),
        None,
        "what was answered is not silent"
    );
}

/// Lives `seconds` with a tick of `heard` every five; tells how often somebody was called for a silent position.
fn called_for_silence(house: &mut House, seconds: u64, heard: &[InstrumentId]) -> u64 {
    let before = house.pages(PageReason::PositionUnheard);
    for second in 0..seconds {
        if second % 5 == 0 {
            for instrument in heard {
                house.tick(*instrument, 10_000);
            }
        }
        house.wait(SECOND);
    }
    house.pages(PageReason::PositionUnheard) - before
}

#[test]
fn a_position_whose_own_prices_do_not_come_for_a_minute_calls_a_person_once_for_each_time() {
    let (mut house, _) = House::bought(STOCK);
    assert_eq!(called_for_silence(&mut house, 120, &[STOCK, OTHER]), 0, "heard");
    assert_eq!(called_for_silence(&mut house, 50, &[OTHER]), 0, "not yet");
    assert_eq!(called_for_silence(&mut house, 20, &[OTHER]), 1);
    let page = *house.engine.state().pages().get(PageReason::PositionUnheard);
    assert_eq!(page.instrument, Some(STOCK));
    assert_eq!(called_for_silence(&mut house, 200, &[OTHER]), 0, "it was told");
    assert_eq!(called_for_silence(&mut house, 10, &[STOCK]), 0);
    assert_eq!(called_for_silence(&mut house, 80, &[OTHER]), 1, "the next time");
    assert_eq!(
        called_for_silence(&mut House::open(), 200, &[]),
        0,
        "nothing is held"
    );
}

#[test]
fn prices_have_their_minute_after_a_doubt_of_the_clock_and_a_feed_that_is_gone_is_told_as_such() {
    let (mut house, _) = House::bought(STOCK);
    doubt(&mut house, ClockDoubt::Stepped);
    assert_eq!(called_for_silence(&mut house, 40, &[OTHER]), 0, "not yet");
    assert_eq!(called_for_silence(&mut house, 20, &[OTHER]), 1);
    let (mut house, _) = House::bought(STOCK);
    house.tell(Event::FeedChanged(FeedChanged {
        ts: house.now,
        state: FeedState::Mute,
    }));
    assert_eq!(called_for_silence(&mut house, 100, &[]), 0);
    assert_eq!(house.pages(PageReason::FeedLost), 1);
}

#[test]
fn a_mute_order_stream_calls_a_person_each_time_it_falls_silent_and_stops_nothing() {
    let mut house = House::open();
    let judged = |is_mute: bool, ts| Event::OrderStreamJudged(OrderStreamJudged { ts, is_mute });
    let told = [true, false, true].map(|is_mute| {
        assert_eq!(house.tell(judged(is_mute, house.now)), []);
        house.pages(PageReason::OrderStreamMute)
    });
    assert_eq!(told, [1, 1, 2]);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

/// The seconds in which the broker was asked for its positions, out of `seconds` with a tick of `heard` every five; it
/// answers each question with a price, or with none.
fn asked_for_prices(house: &mut House, seconds: u64, heard: &[InstrumentId], answer: bool) -> Vec<u64> {
    let mut asked = Vec::new();
    for second in 1..=seconds {
        if second % 5 == 0 {
            for instrument in heard {
                house.tick(*instrument, 10_000);
            }
        }
        for command in house.wait(SECOND) {
            assert!(
                matches!(command, Command::Reconcile(Reconcile { flat: false, .. })),
                "{command:?}"
            );
            asked.push(second);
            for instrument in house.engine.state().open_positions().to_vec() {
                house.tell(Event::PositionReported(PositionReported {
                    ts: house.now,
                    instrument,
                    qty: house.engine.state().positions()[instrument.index()].qty,
                    last_price: if answer {
                        Price::from_paise(10_000)
                    } else {
                        Price::NONE
                    },
                }));
            }
        }
    }
    asked
}

#[test]
fn after_a_minute_of_silence_the_broker_is_asked_what_a_position_costs_and_again_while_it_answers() {
    let (mut house, _) = House::bought(STOCK);
    assert_eq!(asked_for_prices(&mut house, 120, &[STOCK], true), [], "heard");
    let asked = asked_for_prices(&mut house, 150, &[OTHER], true);
    assert_eq!(
        asked,
        [59, 89, 119, 149],
        "counted from its last price, a second before"
    );
    let (mut house, _) = House::bought(STOCK);
    assert_eq!(
        asked_for_prices(&mut house, 150, &[OTHER], false),
        [60, 120],
        "it tells none"
    );
}

#[test]
fn a_feed_that_is_gone_is_silent_on_everything_and_one_question_is_for_all() {
    let (mut house, _) = House::bought(STOCK);
    house.tell(Event::PositionReported(PositionReported {
        ts: house.now,
        instrument: OTHER,
        qty: Qty::new(100),
        last_price: Price::NONE,
    }));
    house.tell(Event::FeedChanged(FeedChanged {
        ts: house.now,
        state: FeedState::Down,
    }));
    let asked = asked_for_prices(&mut house, 100, &[], true);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(
        asked_for_prices(&mut House::open(), 200, &[], true),
        [],
        "nothing is held"
    );
}

#[test]
fn before_the_books_of_a_start_are_known_nothing_else_is_asked() {
    let (mut house, _) = House::bought(STOCK);
    house.start(9);
    assert_eq!(asked_for_prices(&mut house, 200, &[], true), []);
}
