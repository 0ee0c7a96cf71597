//! The engine rebuilt from what earlier processes of the day left: as it stood, or refused.

use bijli_core::codec::{Checkpoint, CodecError, Item};
use bijli_core::command::Command;
use bijli_core::config::Config;
use bijli_core::driver::{Driver, Journal};
use bijli_core::event::{
    ClockDoubt, ClockDoubted, Controlled, DataKind, Event, ProcessStarted, Reconciled, SessionOpened,
    VenueKind, Verb,
};
use bijli_core::journal::{
    Corruption, Damage, Fault, JournalError, JournalWriter, Past, ReplayFault, find_end, replay_segments,
};
use bijli_core::record::{HeaderFault, RecordKind, SEGMENT_HEADER_BYTES};
use bijli_core::session::{Market, SessionTimes};
use bijli_core::state_hash::StateHasher;
use bijli_core::strategy::{Intents, Signal, Strategy, View};
use bijli_core::text::Text;
use bijli_core::{DurationNs, Engine, TsNs};

use super::items::{header, segment_of};
use super::{LINE, mark_after, mark_file, stored};

/// Wishes nothing.
#[derive(Default, Debug)]
struct Quiet;

impl Strategy for Quiet {
    fn handle(&mut self, _: &View<'_>, _: &Event, _: &mut Intents) {}

    fn hash_into(&self, _: &mut StateHasher) {}

    fn best_signal(&self) -> Option<Signal> {
        None
    }
}

/// A journal as the list of what stands in it.
#[derive(Default)]
struct Items(Vec<Item>);

impl Journal for Items {
    type Error = ();

    fn append(&mut self, item: &Item, _: TsNs) -> Result<(), ()> {
        self.0.push(*item);
        Ok(())
    }
}

fn at(seconds: i64) -> TsNs {
    let open = header(0, 0).day.at(DurationNs::from_hm(10, 0));
    open.plus(DurationNs::from_secs(seconds))
}

fn controlled(verb: Verb, seconds: i64) -> Event {
    Event::Controlled(Controlled {
        strategy: None,
        ts: at(seconds),
        verb,
        instrument: None,
        uid: 1_000,
        command_id: seconds.unsigned_abs(),
        reason: Text::new("test").expect("short text"),
    })
}

/// A day with two questions to the broker, and the state that it ends in.
fn day() -> (Vec<Item>, u64) {
    let day = header(0, 0).day;
    let hours = |market| SessionTimes::of(day, market).expect("a trading day");
    let events = [
        Event::SessionOpened(SessionOpened {
            ts: at(0),
            day,
            data: DataKind::Synthetic,
            venue: VenueKind::Simulated,
            cash: hours(Market::Cash),
            derivatives: hours(Market::Derivatives),
        }),
        Event::Configured(Config::default()),
        Event::ProcessStarted(ProcessStarted { ts: at(0), epoch: 1 }),
        Event::Reconciled(Reconciled {
            ts: at(0),
            broker_orders: 0,
            foreign_orders: 0,
        }),
        Event::ClockDoubted(ClockDoubted {
            ts: at(1),
            doubt: ClockDoubt::StoodStill,
            length: DurationNs::from_secs(60),
        }),
        controlled(Verb::Pause, 2),
        Event::Reconciled(Reconciled {
            ts: at(3),
            broker_orders: 0,
            foreign_orders: 0,
        }),
        controlled(Verb::Kill, 4),
        Event::TimePassed(at(5)),
    ];
    let (mut driver, mut journal) = (Driver::new(Engine::new(Quiet)), Items::default());
    for event in events {
        driver
            .take(&event, &mut journal, |_| {})
            .expect("a list takes all");
    }
    (journal.0, driver.engine().state_hash())
}

fn is_command(item: &Item) -> bool {
    matches!(item, Item::Command(_))
}

/// Numbers of the commands in the journal.
fn command_places(items: &[Item]) -> Vec<usize> {
    (0..items.len()).filter(|n| is_command(&items[*n])).collect()
}

fn segment(items: &[Item]) -> Vec<u8> {
    segment_of(header(0, 0), items, 16_384)
}

fn replayed(segments: &[&[u8]]) -> Result<Past<Quiet>, ReplayFault> {
    replay_segments(segments, None, Quiet)
}

fn fault(items: &[Item]) -> Option<ReplayFault> {
    replayed(&[&segment(items)]).err()
}

#[test]
fn a_day_is_rebuilt_as_it_stood_over_all_its_segments() {
    let (items, state_hash) = day();
    let commands = command_places(&items);
    assert!(commands.len() >= 2, "the day asks for something: {items:?}");
    let first = segment(&items[..5]);
    let second = segment_of(header(1, 5), &items[5..], 16_384);
    let past = replayed(&[&first, &second, &[0; 16_384]]).expect("nothing is damaged");
    let count = items.len() as u64;
    assert_eq!(past.engine.state_hash(), state_hash);
    assert_eq!(
        (past.records, past.next_seq, past.next_segment),
        (count, count, 2)
    );
    assert_eq!((past.last, past.tail_cut), (Some(header(1, 5)), None));
}

#[test]
fn a_day_without_records_is_a_fresh_one() {
    let header_alone = segment(&[]);
    for segments in [&[][..], &[&[0; 4_096][..]], &[&header_alone, &[0; 4_096]]] {
        let past = replayed(segments).expect("nothing to be wrong");
        assert_eq!(past.engine.state_hash(), Engine::new(Quiet).state_hash());
        assert_eq!((past.records, past.next_seq, past.next_segment), (0, 0, 0));
        assert_eq!((past.last, past.tail_cut), (None, None));
        assert_eq!(find_end(segments, None), Ok(None));
    }
}

#[test]
fn a_torn_end_is_left_behind_and_named_for_the_next_segment() {
    let (items, _) = day();
    let (kept, before) = (items.len() - 1, segment(&items[..items.len() - 1]));
    let mut torn = segment(&items);
    let end = find_end(&[&before], None)
        .expect("sound")
        .expect("records")
        .last
        .end_offset;
    torn[end as usize + 9] ^= 1;
    let past = replayed(&[&torn]).expect("a crash does this");
    let cut = past.tail_cut.expect("what lies behind is named");
    assert_eq!((cut.segment, cut.cut_offset), (0, end));
    assert_eq!((past.records, past.next_seq), (kept as u64, kept as u64));
    let sound = replayed(&[&before]).expect("nothing is damaged");
    assert_eq!(past.engine.state_hash(), sound.engine.state_hash());
}

#[test]
fn a_segment_torn_in_its_very_first_record_is_begun_anew() {
    let (items, _) = day();
    let mut first = segment(&items[..5]);
    let cleanly = replayed(&[&first]).expect("nothing is damaged");
    // A power cut, a process that names it, and a second power cut that tears just that record.
    *first.last_mut().expect("bytes") = 0x5A;
    let past = replayed(&[&first]).expect("a crash does this");
    let cut = past.tail_cut.expect("what lies behind is named");
    let opening = [&[Item::TailCut(cut)], &items[5..]].concat();
    let mut torn = segment_of(header(1, 5), &opening, 16_384);
    torn[SEGMENT_HEADER_BYTES + 9] ^= 1;
    let again = replayed(&[&first, &torn]).expect("a power cut does this");
    assert_eq!((again.records, again.next_seq, again.next_segment), (5, 5, 1));
    assert_eq!((again.last, again.tail_cut), (Some(header(0, 0)), Some(cut)));
    assert_eq!(again.engine.state_hash(), cleanly.engine.state_hash());

    // The next process begins it anew; the one after that must read both.
    let next = segment_of(header(1, 5), &opening, 16_384);
    let whole = replayed(&[&first, &next]).expect("every damage is named");
    let sound = replayed(&[&segment(&items)]).expect("nothing is damaged");
    assert_eq!(whole.engine.state_hash(), sound.engine.state_hash());

    let unnamed = segment_of(header(1, 5), &items[5..], 16_384);
    assert!(replayed(&[&first, &unnamed]).is_err());
}

#[test]
fn damage_before_the_end_is_refused() {
    let (items, _) = day();
    let mut first = segment(&items[..5]);
    let second = segment_of(header(1, 5), &items[5..], 16_384);
    // A record that was torn, and no next segment says so.
    let end = find_end(&[&segment(&items[..4])], None)
        .expect("sound")
        .expect("records")
        .last
        .end_offset;
    first[end as usize + 9] ^= 1;
    let Some(ReplayFault::Damaged(damage)) = replayed(&[&first, &second]).err() else {
        panic!("the day was taken for sound");
    };
    assert_eq!((damage.segment, damage.offset, damage.seq), (0, end, 4));

    // The end of the day is torn, but what is wrong is that it does not follow.
    let mut stray = segment_of(header(1, 6), &items[5..], 16_384);
    let last = stray.len() - 1;
    stray[last] = 1;
    let sound = segment(&items[..5]);
    let found = replayed(&[&sound, &stray]).err();
    assert_eq!(
        found,
        Some(ReplayFault::Damaged(Damage {
            segment: 1,
            seq: 5,
            offset: 0,
            fault: Fault::FirstSequence { found: 6 }
        }))
    );
}

#[test]
fn only_damage_at_the_torn_end_is_where_the_day_ends() {
    let (items, _) = day();
    let sound = segment(&items);
    let mut torn = sound.clone();
    *torn.last_mut().expect("bytes") = 1;
    let end_of = |bytes: &[u8]| find_end(&[bytes], None).expect("sound").expect("records");
    let (sound, torn) = (end_of(&sound), end_of(&torn));
    assert_eq!((sound.segments, torn.segments), (1, 1));
    let damage = Damage {
        segment: 0,
        seq: torn.last.next_seq,
        offset: torn.last.end_offset,
        fault: Fault::Day,
    };
    assert!(torn.is_at(&damage));
    assert!(!sound.is_at(&damage), "a clean end legalises nothing");
    assert!(!torn.is_at(&Damage { segment: 1, ..damage }));
    assert!(!torn.is_at(&Damage {
        offset: damage.offset - LINE,
        ..damage
    }));
}

#[test]
fn commands_that_a_killed_process_did_not_come_to_write_are_not_missed() {
    let (items, _) = day();
    let events: Vec<_> = items.iter().filter(|item| !is_command(item)).copied().collect();
    assert_eq!(fault(&events), None);
    assert_eq!(fault(&items), None);
}

#[test]
fn a_command_that_this_program_would_not_give_refuses_the_day() {
    let (items, _) = day();
    for place in command_places(&items) {
        let diverged = Some(ReplayFault::Diverged {
            seq: place as u64 + 1,
        });
        // Twice what was given once.
        let mut twice = items.clone();
        twice.insert(place + 1, items[place]);
        let repeated = fault(&twice);
        assert_eq!(repeated, diverged, "{place}");
    }
    let place = command_places(&items)[0];
    let mut another = items.clone();
    let Item::Command(Command::Reconcile(mut question)) = items[place] else {
        panic!("expected a question, got {:?}", items[place]);
    };
    question.flat = !question.flat;
    another[place] = Item::Command(Command::Reconcile(question));
    assert_eq!(fault(&another), Some(ReplayFault::Diverged { seq: place as u64 }));
}

#[test]
fn a_checkpoint_holds_the_state_of_its_place() {
    let (mut items, state_hash) = day();
    let place = items.len() as u64;
    let checkpoint = |state_hash| {
        Item::Checkpoint(Checkpoint {
            events: 7,
            state_hash,
        })
    };
    items.push(checkpoint(state_hash));
    assert_eq!(fault(&items), None);
    items.pop();
    items.push(checkpoint(state_hash ^ 1));
    assert_eq!(fault(&items), Some(ReplayFault::Diverged { seq: place }));
}

#[test]
fn what_cannot_be_read_refuses_the_day() {
    let (items, _) = day();
    let mut writer = JournalWriter::create(vec![0; 4_096], header(0, 0)).expect("blank memory");
    writer.append_item(&items[0], at(0)).expect("there is room");
    writer
        .append(RecordKind::new(60), at(0), &[1, 2, 3])
        .expect("there is room");
    let found = replayed(&[&writer.into_inner()]).err();
    assert!(
        matches!(found, Some(ReplayFault::Item(CodecError::UnknownKind { .. }))),
        "{found:?}"
    );
    let mut headless = segment(&items);
    headless[3] ^= 1;
    assert_eq!(
        replayed(&[&headless]).err(),
        Some(ReplayFault::Unreadable(JournalError::Header(HeaderFault::Magic)))
    );
}

#[test]
fn a_day_that_lost_what_was_on_the_disk_is_refused_where_its_marks_tell() {
    let (items, _) = day();
    let segment = segment(&items);
    let judged = |file: &[u8]| replay_segments(&[&segment], Some(file), Quiet).err();
    assert_eq!(judged(&mark_file(&[])), None);
    let count = items.len() as u64;
    assert_eq!(judged(&mark_file(&[stored(1, mark_after(count))])), None);
    assert!(matches!(
        judged(&mark_file(&[stored(1, mark_after(count + 1))])),
        Some(ReplayFault::Corrupt(Corruption::BelowMark { .. }))
    ));
}
