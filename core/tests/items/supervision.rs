//! Arbitrary events of start, stop and supervision.

use bijli_core::event::{
    BandReported, ClockDoubt, ClockDoubted, Event, FlatChecked, FundsReported, LatchCarried,
    OrderStreamJudged, StartStepped, SwitchAnswered, SwitchOutcome,
};
use bijli_core::start_steps::{START_STEPS, StepVerdict};
use bijli_core::{InstrumentId, Money, Price};
use proptest::prelude::*;
use proptest::sample::select;

use super::{length, text, ts};

pub(super) fn supervision() -> impl Strategy<Value = Event> {
    use StepVerdict as V;
    let verdict = select(vec![V::Untold, V::Waiting, V::Passed, V::Failed, V::NotNeeded]);
    let doubt = select(vec![ClockDoubt::Stepped, ClockDoubt::StoodStill]);
    let money = || any::<i64>().prop_map(Money::new);
    let outcome = select(vec![
        SwitchOutcome::Done,
        SwitchOutcome::Refused,
        SwitchOutcome::Unknown,
    ]);
    prop_oneof![
        (ts(), money(), money()).prop_map(|(ts, available, used)| Event::FundsReported(FundsReported {
            ts,
            available,
            used
        })),
        (ts(), ts(), any::<[u32; 4]>(), text()).prop_map(|(ts, asked, counts, unlisted_key)| {
            Event::FlatChecked(FlatChecked {
                ts,
                asked,
                open_positions: counts[0],
                unlisted_positions: counts[1],
                unlisted_key,
                live_orders: counts[2],
                foreign_orders: counts[3],
            })
        }),
        (ts(), ts(), any::<u32>(), text()).prop_map(|(ts, since, uid, reason)| Event::LatchCarried(
            LatchCarried {
                ts,
                since,
                uid,
                reason
            }
        )),
        (ts(), any::<bool>())
            .prop_map(|(ts, is_mute)| Event::OrderStreamJudged(OrderStreamJudged { ts, is_mute })),
        (ts(), any::<u32>(), any::<[i64; 2]>()).prop_map(|(ts, id, [lower, upper])| {
            Event::BandReported(BandReported {
                ts,
                instrument: InstrumentId::new(id),
                lower: Price::new(lower),
                upper: Price::new(upper),
            })
        }),
        (ts(), any::<u64>(), any::<u32>(), outcome, text()).prop_map(
            |(ts, command_id, uid, outcome, words)| Event::SwitchAnswered(SwitchAnswered {
                ts,
                command_id,
                uid,
                outcome,
                words,
            })
        ),
        (ts(), doubt, length()).prop_map(|(ts, doubt, length)| Event::ClockDoubted(ClockDoubted {
            ts,
            doubt,
            length
        })),
        (ts(), select(START_STEPS.to_vec()), verdict, text()).prop_map(|(ts, step, verdict, note)| {
            Event::StartStepped(StartStepped {
                ts,
                step,
                verdict,
                note,
            })
        }),
    ]
}
