//! Fixed layouts as JSON, field by field, straight from the tables that describe them.
//!
//! The tables are the codec's own ([`layout_of`], the snapshot's `layout`), so a new field appears here by
//! itself. Values stay raw: prices and money in 1/10 000 rupee, times in nanoseconds; enums and texts by name.

use bijli_core::codec::{FieldRow, layout_of, shared_layouts};
use bijli_core::record::Record;
use serde_json::{Map, Value, json};

/// Bytes of one element of the array fields, by field name: their form says only `array`.
const ARRAY_ELEMENT_BYTES: [(&str, usize); 2] = [("parts_ppm", 4), ("counts", 8)];

/// The payload of a record by its table; empty for a kind without one.
#[must_use]
pub fn payload_json(record: &Record<'_>) -> Value {
    Value::Object(layout_of(record.kind).map_or(Map::new(), |rows| fields_json(&rows, record.payload)))
}

/// Every field of a table; one that reaches beyond `bytes` is null.
#[must_use]
pub fn fields_json(rows: &[FieldRow], bytes: &[u8]) -> Map<String, Value> {
    rows.iter()
        .map(|row| {
            let place = bytes.get(row.offset..row.offset + row.bytes);
            let value = place.map_or(Value::Null, |place| value_json(row, place));
            (row.name.to_owned(), value)
        })
        .collect()
}

fn value_json(row: &FieldRow, place: &[u8]) -> Value {
    if let Some(table) = row
        .form
        .strip_prefix("table `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        let known = shared_layouts().into_iter().find(|(name, _)| *name == table);
        return known.map_or(Value::Null, |(_, rows)| Value::Object(fields_json(&rows, place)));
    }
    match row.form {
        "u8, 0 or 1" => json!(place[0] == 1),
        "ASCII, zero-padded" => {
            let used = place.iter().position(|byte| *byte == 0).unwrap_or(place.len());
            json!(String::from_utf8_lossy(&place[..used]))
        }
        "u8 presence, then value or zeros" if place[0] == 0 => Value::Null,
        "u8 presence, then value or zeros" => json!(unsigned(&place[1..])),
        "array" => {
            let known = ARRAY_ELEMENT_BYTES.iter().find(|(name, _)| *name == row.name);
            let element_bytes = known.map_or(1, |(_, bytes)| *bytes);
            json!(place.chunks(element_bytes).map(unsigned).collect::<Vec<u64>>())
        }
        form if form.starts_with("u8, `") => named_case(form, place[0]),
        form if form.starts_with('i') => json!(signed(place)),
        _ => json!(unsigned(place)),
    }
}

/// The name of a case in a form such as ``u8, `Side`: Buy=0 Sell=1``; the number if it has none.
fn named_case(form: &str, number: u8) -> Value {
    let wanted = number.to_string();
    let mut cases = form.split([' ', ',']).filter_map(|word| word.split_once('='));
    cases
        .find(|(_, case)| *case == wanted)
        .map_or(json!(number), |(name, _)| json!(name))
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn signed(bytes: &[u8]) -> i64 {
    let unused_bits = 64 - 8 * bytes.len().min(8) as u32;
    (unsigned(bytes) << unused_bits) as i64 >> unused_bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_core::codec::{Item, encode};
    use bijli_core::command::Place;
    use bijli_core::event::{FeedChanged, FeedState, Tick, Traded};
    use bijli_core::order::{IntentId, OrderType, Purpose, Side, Validity};
    use bijli_core::record::PAYLOAD_BYTES_MAX;
    use bijli_core::text::Text;
    use bijli_core::{Command, Event, InstrumentId, Price, Qty, TsNs};

    fn json_of(item: &Item) -> Value {
        let mut payload = [0; PAYLOAD_BYTES_MAX];
        let (kind, bytes) = encode(item, &mut payload);
        let rows = layout_of(kind).expect("every kind that is written has a table");
        Value::Object(fields_json(&rows, &payload[..bytes]))
    }

    #[test]
    fn numbers_keep_their_signs_and_enums_their_names() {
        let tick = Tick {
            bid: Price::new(-5),
            delta_ppm: -42,
            volume: Qty::new(1 << 40),
            ..Tick::default()
        };
        let json = json_of(&Item::Event(Event::Ticked(tick)));
        assert_eq!((&json["bid"], &json["delta_ppm"]), (&json!(-5), &json!(-42)));
        assert_eq!(json["volume"], json!(1_u64 << 40));
        let feed = FeedChanged {
            ts: TsNs::new(1),
            state: FeedState::Mute,
        };
        assert_eq!(json_of(&Item::Event(Event::FeedChanged(feed)))["state"], "Mute");
    }

    #[test]
    fn options_and_texts_are_read_as_such() {
        let mut trade = Traded {
            ts: TsNs::new(1),
            intent: Some(IntentId::new(1, 7)),
            order_id: Text::new("250731000001").expect("fits"),
            trade_id: Text::EMPTY,
            instrument: InstrumentId::new(3),
            side: Side::Sell,
            qty: Qty::new(20),
            price: Price::new(15_000_000),
        };
        let json = json_of(&Item::Event(Event::Traded(trade)));
        assert_eq!(json["intent"], json!(IntentId::new(1, 7).get()));
        assert_eq!(
            (&json["order_id"], &json["trade_id"]),
            (&json!("250731000001"), &json!(""))
        );
        trade.intent = None;
        assert_eq!(json_of(&Item::Event(Event::Traded(trade)))["intent"], Value::Null);
    }

    #[test]
    fn nested_tables_are_objects_and_every_case_has_a_name() {
        let json = json_of(&Item::Event(Event::Configured(
            bijli_core::config::Config::default(),
        )));
        assert_eq!(json["risk"]["positions_max"], json!(3));
        let place = Place {
            ts: TsNs::new(1),
            intent: IntentId::new(1, 1),
            instrument: InstrumentId::new(0),
            side: Side::Buy,
            purpose: Purpose::Exit,
            order_type: OrderType::StopLimit,
            validity: Validity::Ioc,
            qty: Qty::new(1),
            price: Price::new(1),
            trigger: Price::NONE,
        };
        let json = json_of(&Item::Command(Command::Place(place)));
        assert_eq!(
            (&json["order_type"], &json["validity"]),
            (&json!("StopLimit"), &json!("Ioc"))
        );
    }
}
