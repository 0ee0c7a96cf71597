//! Intents: what we wanted, whether it reached the wire, and what became of it.
//!
//! Invariants: one intent has one tag and reaches the wire at most once (asserted); how a placement ended may
//! change only along [`IntentTable::resolve`]'s table; `Unknown` ends only by the order being found or by the
//! written rule of absence, never by time alone, and even then its signal stays spent. Left out: orders, which
//! have their own table. Rule 4 of `ARCHITECTURE.md`.

use std::collections::BTreeMap;

use bijli_core::command::Place;
use bijli_core::event::Submission;
use bijli_core::order::{BrokerOrderId, IntentId};
use bijli_core::planted::{Bug, planted};
use bijli_core::{DurationNs, TsNs};

/// Complete reads without the order that the rule of absence asks for.
pub const ABSENT_READS_MIN: u32 = 5;
/// Time that these reads must span.
pub const ABSENT_SPAN_MIN: DurationNs = DurationNs::from_secs(60);
/// First pause before a tag lookup; each further one doubles.
const LOOKUP_FIRST: DurationNs = DurationNs::from_millis(250);
/// Longest pause between tag lookups.
const LOOKUP_MAX: DurationNs = DurationNs::from_secs(15);

/// Where an intent stands between the engine and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits in our queue; nothing was written.
    Queued,
    /// On the wire; no reply yet.
    InFlight,
    /// Ended one way or another.
    Resolved(Submission),
}

/// The search for an order that may or may not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Inquiry {
    /// When the doubt began: only reads asked after it are evidence.
    since: TsNs,
    lookups: u32,
    next_lookup: TsNs,
    absent_reads: u32,
    first_absent: TsNs,
    last_absent: TsNs,
}

/// One intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What was asked; `None` for an intent adopted from the broker or from recovery.
    pub place: Option<Place>,
    /// Where it stands.
    pub stage: Stage,
    /// The broker's id, once known.
    pub order_id: Option<BrokerOrderId>,
    /// How often it reached the wire in this process: 0 or 1.
    pub wire_count: u32,
    inquiry: Inquiry,
}

/// All intents of the day.
#[derive(Debug, Default)]
pub struct IntentTable {
    intents: BTreeMap<IntentId, Intent>,
    unknown: Vec<IntentId>,
}

impl IntentTable {
    /// One intent.
    #[must_use]
    pub fn get(&self, id: IntentId) -> Option<&Intent> {
        self.intents.get(&id)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.intents.len()
    }

    /// Intents whose fate is unknown, oldest doubt first.
    #[must_use]
    pub fn unknown(&self) -> &[IntentId] {
        &self.unknown
    }

    /// Takes a new placement in.
    ///
    /// # Panics
    /// When the intent was seen before: an intent is placed once in its life.
    pub fn queue(&mut self, place: &Place) {
        let intent = Intent {
            place: Some(*place),
            stage: Stage::Queued,
            order_id: None,
            wire_count: 0,
            inquiry: Inquiry::default(),
        };
        let former = self.intents.insert(place.intent, intent);
        assert!(former.is_none(), "an intent is placed once in its life");
    }

    /// Marks the intent as written to the wire, before the first byte is.
    ///
    /// # Panics
    /// When it was written before, or does not wait in the queue.
    pub fn mark_sent(&mut self, id: IntentId) {
        let intent = self
            .intents
            .get_mut(&id)
            .expect("only queued intents are sent, and they are in the table");
        assert_eq!(intent.stage, Stage::Queued, "only a queued intent is sent");
        assert_eq!(intent.wire_count, 0, "an intent reaches the wire at most once");
        intent.stage = Stage::InFlight;
        intent.wire_count = 1;
    }

    /// Remembers an intent of an earlier process or one that only the broker knew; never placed again from here.
    pub fn remember(&mut self, now: TsNs, id: IntentId, order_id: Option<BrokerOrderId>) {
        let submission = if order_id.is_some() {
            Submission::Acked
        } else {
            Submission::Unknown
        };
        let intent = self.intents.entry(id).or_insert(Intent {
            place: None,
            stage: Stage::Resolved(submission),
            order_id,
            wire_count: 0,
            inquiry: Inquiry::default(),
        });
        intent.order_id = intent.order_id.or(order_id);
        let is_unknown = intent.stage == Stage::Resolved(Submission::Unknown);
        if is_unknown && !self.unknown.contains(&id) && !planted(Bug::NoInquiryAfterRestart) {
            self.begin_inquiry(now, id);
        }
    }

    /// Moves an intent to how its placement ended; `false`, and nothing changes, when that cannot follow.
    pub fn resolve(&mut self, now: TsNs, id: IntentId, submission: Submission) -> bool {
        let Some(intent) = self.intents.get_mut(&id) else {
            return false;
        };
        use Submission as S;
        let legal = match intent.stage {
            Stage::Queued => matches!(submission, S::NotSent),
            Stage::InFlight => !matches!(submission, S::PresumedAbsent),
            Stage::Resolved(S::Unknown) => matches!(submission, S::Acked | S::PresumedAbsent),
            Stage::Resolved(S::PresumedAbsent) => matches!(submission, S::Acked),
            Stage::Resolved(S::Acked | S::Refused | S::NotSent) => false,
        };
        if !legal {
            return false;
        }
        intent.stage = Stage::Resolved(submission);
        self.unknown.retain(|unknown| *unknown != id);
        if submission == S::Unknown {
            self.begin_inquiry(now, id);
        }
        true
    }

    /// Notes the broker's id of an intent; `false` when another id is known already: two orders, one tag.
    pub fn identify(&mut self, id: IntentId, order_id: BrokerOrderId) -> bool {
        let Some(intent) = self.intents.get_mut(&id) else {
            return false;
        };
        *intent.order_id.get_or_insert(order_id) == order_id
    }

    /// When the next tag lookup is due.
    #[must_use]
    pub fn next_lookup(&self) -> Option<(TsNs, IntentId)> {
        self.unknown
            .iter()
            .map(|id| (self.intents[id].inquiry.next_lookup, *id))
            .min()
    }

    /// A lookup goes out: the next one comes after 0.25, 0.5, 1, 2, 4, … up to 15 s.
    pub fn note_lookup(&mut self, now: TsNs, id: IntentId) {
        if let Some(intent) = self.intents.get_mut(&id) {
            let inquiry = &mut intent.inquiry;
            let pause = LOOKUP_FIRST.get() << (inquiry.lookups + 1).min(8);
            inquiry.lookups += 1;
            inquiry.next_lookup = now.plus(DurationNs::new(pause.min(LOOKUP_MAX.get())));
        }
    }

    /// A complete, positively controlled read that was asked at `asked` does not hold the order. Tells whether
    /// the rule of absence is met now: five such reads over a minute.
    pub fn note_absent(&mut self, asked: TsNs, id: IntentId) -> bool {
        let Some(intent) = self.intents.get_mut(&id) else {
            return false;
        };
        let inquiry = &mut intent.inquiry;
        if asked < inquiry.since {
            return false;
        }
        if inquiry.absent_reads == 0 {
            inquiry.first_absent = asked;
        }
        inquiry.absent_reads = inquiry.absent_reads.saturating_add(1);
        inquiry.last_absent = asked;
        inquiry.absent_reads >= ABSENT_READS_MIN
            && (inquiry.last_absent.since(inquiry.first_absent) >= ABSENT_SPAN_MIN
                || planted(Bug::AbsentWithoutMinute))
    }

    /// The evidence so far is worth nothing: the stream was down, or positions moved without an explanation.
    pub fn forget_absence(&mut self) {
        for id in &self.unknown {
            let intent = self
                .intents
                .get_mut(id)
                .expect("unknown intents are in the table");
            intent.inquiry.absent_reads = 0;
        }
    }

    fn begin_inquiry(&mut self, now: TsNs, id: IntentId) {
        let intent = self.intents.get_mut(&id).expect("the caller found it");
        intent.inquiry = Inquiry {
            since: now,
            next_lookup: now.plus(LOOKUP_FIRST),
            ..Inquiry::default()
        };
        self.unknown.push(id);
    }
}

#[cfg(test)]
mod tests {
    use bijli_core::order::{OrderType, Purpose, Side, Validity};
    use bijli_core::{InstrumentId, Price, Qty};

    use super::*;

    fn at(ms: i64) -> TsNs {
        TsNs::new(1_700_000_000_000_000_000).plus(DurationNs::from_millis(ms))
    }

    fn id(sequence: u32) -> IntentId {
        IntentId::new(1, sequence)
    }

    fn place(sequence: u32) -> Place {
        Place {
            ts: at(0),
            intent: id(sequence),
            instrument: InstrumentId::new(0),
            side: Side::Buy,
            purpose: Purpose::Entry,
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty: Qty::new(1),
            price: Price::from_paise(100),
            trigger: Price::NONE,
        }
    }

    fn table(stage: Stage) -> IntentTable {
        let mut table = IntentTable::default();
        table.queue(&place(1));
        if stage != Stage::Queued {
            table.mark_sent(id(1));
        }
        if let Stage::Resolved(submission) = stage {
            if submission == Submission::PresumedAbsent {
                assert!(table.resolve(at(0), id(1), Submission::Unknown));
            }
            assert!(table.resolve(at(0), id(1), submission));
        }
        table
    }

    #[test]
    fn a_placement_ends_only_along_the_table() {
        use Submission as S;
        let all = [S::Acked, S::Refused, S::NotSent, S::Unknown, S::PresumedAbsent];
        let rows: [(Stage, &[S]); 7] = [
            (Stage::Queued, &[S::NotSent]),
            (Stage::InFlight, &[S::Acked, S::Refused, S::NotSent, S::Unknown]),
            (Stage::Resolved(S::Unknown), &[S::Acked, S::PresumedAbsent]),
            (Stage::Resolved(S::PresumedAbsent), &[S::Acked]),
            (Stage::Resolved(S::Acked), &[]),
            (Stage::Resolved(S::Refused), &[]),
            (Stage::Resolved(S::NotSent), &[]),
        ];
        for (stage, allowed) in rows {
            for submission in all {
                let moved = table(stage).resolve(at(0), id(1), submission);
                assert_eq!(
                    moved,
                    allowed.contains(&submission),
                    "{stage:?} -> {submission:?}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "an intent is placed once in its life")]
    fn an_intent_is_never_placed_twice() {
        table(Stage::Resolved(Submission::Unknown)).queue(&place(1));
    }

    #[test]
    #[should_panic(expected = "only a queued intent is sent")]
    fn an_intent_never_reaches_the_wire_twice() {
        table(Stage::Resolved(Submission::Unknown)).mark_sent(id(1));
    }

    #[test]
    fn lookups_come_at_growing_pauses() {
        let mut table = table(Stage::Resolved(Submission::Unknown));
        let mut due = Vec::new();
        for _ in 0..9 {
            let (ts, found) = table.next_lookup().expect("one intent is unknown");
            due.push(ts.since(at(0)).get() / 1_000_000);
            table.note_lookup(ts, found);
        }
        let expected = [250, 750, 1_750, 3_750, 7_750, 15_750, 30_750, 45_750, 60_750];
        assert_eq!(due, expected);
    }

    #[test]
    fn absence_needs_five_reads_and_a_minute() {
        let reads = |times: &[i64]| {
            let mut table = table(Stage::Resolved(Submission::Unknown));
            let mut met = false;
            for ms in times {
                met = table.note_absent(at(*ms), id(1));
            }
            met
        };
        assert!(!reads(&[0, 10, 20, 30, 40, 50, 59_999]));
        assert!(!reads(&[0, 20_000, 40_000, 60_000]));
        assert!(reads(&[0, 15_000, 30_000, 45_000, 60_000]));
        assert!(!reads(&[-60_000, 0, 1, 2, 3, 4]));
    }

    #[test]
    fn evidence_of_absence_can_be_thrown_away() {
        let mut table = table(Stage::Resolved(Submission::Unknown));
        for ms in [0, 20_000, 40_000, 50_000] {
            assert!(!table.note_absent(at(ms), id(1)));
        }
        table.forget_absence();
        assert!(!table.note_absent(at(60_000), id(1)));
    }

    #[test]
    fn two_orders_under_one_tag_are_noticed() {
        let mut table = table(Stage::Resolved(Submission::Unknown));
        let (first, second) = (BrokerOrderId::new("1"), BrokerOrderId::new("2"));
        assert!(table.identify(id(1), first.expect("short")));
        assert!(table.identify(id(1), first.expect("short")));
        assert!(!table.identify(id(1), second.expect("short")));
    }

    #[test]
    fn a_recovered_intent_without_an_order_id_is_unknown_at_once() {
        let mut table = IntentTable::default();
        table.remember(at(0), id(1), None);
        table.remember(at(0), id(2), BrokerOrderId::new("2"));
        assert_eq!(table.unknown(), [id(1)]);
        assert_eq!(table.next_lookup(), Some((at(250), id(1))));
    }
}
