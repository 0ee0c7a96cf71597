//! The codec through its public face: what goes in comes out, anything else is refused by name.

mod items;

use bijli_core::codec::{CodecError, Item, decode, encode, layout_of};
use bijli_core::event::{Event, Tick};
use bijli_core::record::{PAYLOAD_BYTES_MAX, RecordKind, record_bytes};
use bijli_core::{Instrument, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use proptest::prelude::*;

fn encoded(item: &Item) -> (RecordKind, Vec<u8>) {
    let mut payload = [0xAA; PAYLOAD_BYTES_MAX];
    let (kind, count) = encode(item, &mut payload);
    assert!(
        payload[count..].iter().all(|byte| *byte == 0xAA),
        "bytes behind the payload are left alone"
    );
    (kind, payload[..count].to_vec())
}

#[test]
fn a_tick_fills_two_cache_lines_exactly() {
    let (kind, payload) = encoded(&Item::Event(Event::Ticked(Tick::default())));
    assert_eq!(
        (kind, payload.len(), record_bytes(payload.len())),
        (RecordKind::TICKED, 96, 128)
    );
}

#[test]
fn a_payload_of_an_unknown_kind_version_or_length_is_refused_by_name() {
    let kind = RecordKind::PROCESS_STARTED;
    let read = |kind, version, payload: &[u8]| decode(kind, version, TsNs::NEVER, payload);
    assert_eq!(
        read(RecordKind::new(999), 1, &[]),
        Err(CodecError::UnknownKind {
            kind: RecordKind::new(999)
        })
    );
    assert_eq!(
        read(kind, 2, &[0; 4]),
        Err(CodecError::UnknownVersion { kind, version: 2 })
    );
    assert_eq!(
        read(kind, 1, &[0; 5]),
        Err(CodecError::Length {
            kind,
            expected: 4,
            found: 5
        })
    );
}

#[test]
fn a_field_without_a_valid_value_is_named_with_its_place() {
    let instrument = Item::Event(Event::InstrumentListed(Instrument {
        id: InstrumentId::new(1),
        kind: bijli_core::instrument::InstrumentKind::Call,
        underlying: InstrumentId::new(0),
        tick: Price::new(500),
        lot: Qty::new(75),
        freeze: Qty::new(1_800),
        prev_close: Price::NONE,
        expiry: IstDay::new(20_000),
        strike: Price::new(1),
        lower_band: Price::new(7),
        upper_band: Price::new(8),
        sector: SectorId::new(9),
        key: Default::default(),
        symbol: Default::default(),
    }));
    for (offset, byte, field) in [
        (52, 5, "kind"),
        (51, 0x7f, "expiry"),
        (53, b'\n', "key"),
        (95, b'x', "symbol"),
    ] {
        let (kind, mut payload) = encoded(&instrument);
        payload[offset] = byte;
        let refused = decode(kind, kind.version(), TsNs::NEVER, &payload).expect_err("the byte is not valid");
        let rows = layout_of(kind).expect("a known kind");
        let row = rows
            .iter()
            .rfind(|row| row.offset <= offset)
            .expect("offsets begin at zero");
        assert_eq!(
            (refused, row.name),
            (
                CodecError::Value {
                    kind,
                    field,
                    offset: row.offset
                },
                field
            )
        );
        assert!(refused.to_string().contains(field));
    }
}

#[test]
fn an_absent_option_has_one_form_only() {
    let kind = RecordKind::CONTROLLED;
    let mut payload = vec![0; 60];
    assert!(decode(kind, kind.version(), TsNs::NEVER, &payload).is_ok());
    payload[57] = 1;
    assert_eq!(
        decode(kind, kind.version(), TsNs::NEVER, &payload),
        Err(CodecError::Value {
            kind,
            field: "instrument",
            offset: 53
        })
    );
}

#[test]
fn every_kind_has_a_table_without_gaps() {
    for kind in RecordKind::ALL {
        let mut end = 0;
        for row in layout_of(*kind).expect("a known kind") {
            assert_eq!(row.offset, end, "{} of {}", row.name, kind.name());
            end += row.bytes;
        }
        assert!(end <= PAYLOAD_BYTES_MAX);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_encoded_decodes_to_an_equal_item(item in items::item(), stamp in any::<i64>()) {
        let (kind, payload) = encoded(&item);
        let ts = item.own_ts().unwrap_or(TsNs::new(stamp));
        prop_assert_eq!(decode(kind, kind.version(), ts, &payload), Ok(item));
    }

    #[test]
    fn decoding_any_bytes_never_panics_and_what_decodes_has_those_bytes(
        number in 0u16..140,
        version in 0u8..3,
        mut payload in prop::collection::vec(any::<u8>(), 0..200),
        fits in any::<bool>(),
    ) {
        let kind = RecordKind::new(number);
        if let (true, Some(rows)) = (fits, layout_of(kind)) {
            payload.resize(rows.iter().map(|row| row.bytes).sum(), 1);
        }
        if let Ok(item) = decode(kind, version, TsNs::new(5), &payload) {
            prop_assert_eq!(encoded(&item), (kind, payload));
        }
    }

    #[test]
    fn a_payload_with_one_byte_changed_never_decodes_to_the_same_item(
        item in items::item(),
        place in any::<prop::sample::Index>(),
        change in 1u8..,
    ) {
        let (kind, mut payload) = encoded(&item);
        if !payload.is_empty() {
            let place = place.index(payload.len());
            payload[place] ^= change;
            let ts = item.own_ts().unwrap_or_default();
            prop_assert_ne!(decode(kind, kind.version(), ts, &payload), Ok(item));
        }
    }
}
