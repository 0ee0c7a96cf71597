//! `bijli snapshot --json`: every slot of the mapped snapshot, raw, with the tables that describe it.
//!
//! The copy is read slot by slot as any reader does, written into a private snapshot of the same layout, and
//! told by that layout's own tables: a field that is new in the layout is here without a line of code.

use std::path::PathBuf;

use bijli_core::latency::STAGES;
use bijli_core::snapshot::{ORDER_SLOTS, SIGNAL_SLOTS, SNAPSHOT_BYTES, SnapshotWriter, layout, layout_hash};
use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};

use crate::dashboard::{Readouts, Sight, SnapshotSource};
use crate::exit_code;
use crate::field_json::fields_json;
use crate::run_dir::RunDir;
use crate::stdout::print_line;

/// Arguments of `snapshot`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print the layout instead of its contents: groups, slots, fields, forms and places.
    #[arg(long)]
    layout: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    if args.layout {
        print(&layout_json(), args.json);
        return exit_code::OK;
    }
    let sight = RunDir::named_or_newest(args.dir.as_deref())
        .map_err(|error| error.to_string())
        .and_then(|run| SnapshotSource::new(run).look().map_err(|error| error.to_string()));
    match sight {
        Ok(sight) => {
            print(&contents_json(&sight), args.json);
            exit_code::OK
        }
        Err(error) => {
            eprintln!("error: {error}");
            exit_code::NO_DATA
        }
    }
}

/// One line for machines, one path a line for people.
fn print(value: &Value, as_json: bool) {
    if as_json {
        print_line(&value.to_string());
    } else {
        let mut lines = Vec::new();
        flatten("", value, &mut lines);
        print_line(&lines.join("\n"));
    }
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| flatten(&join(name), value, lines)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&join(&index.to_string()), item, lines);
            }
        }
        _ => lines.push(format!("{path} = {value}")),
    }
}

fn layout_json() -> Value {
    let groups = layout().into_iter().map(|group| {
        let fields = group
            .fields
            .iter()
            .map(|row| json!({"name": row.name, "form": row.form, "offset": row.offset, "bytes": row.bytes}));
        json!({
            "name": group.name,
            "slots": group.slots,
            "offset": group.offset,
            "slot_bytes": group.slot_bytes,
            "fields": fields.collect::<Vec<_>>(),
        })
    });
    json!({
        "layout_hash": format!("{:016x}", layout_hash()),
        "bytes": SNAPSHOT_BYTES,
        "groups": groups.collect::<Vec<_>>(),
    })
}

fn contents_json(sight: &Sight) -> Value {
    let bytes = private_copy(&sight.readouts);
    let mut slots = Map::new();
    for group in layout() {
        let filled = (0..group.slots).filter_map(|slot| {
            let at = group.offset + slot * group.slot_bytes;
            let slot = bytes.get(at..at + group.slot_bytes)?;
            // The second word of a slot says whether it holds anything.
            (slot[8] == 1).then(|| Value::Object(fields_json(&group.fields, slot)))
        });
        let filled: Vec<Value> = filled.collect();
        let value = match group.name {
            "latency" => stages_json(&sight.readouts, filled),
            _ if group.slots == 1 => filled.into_iter().next().unwrap_or(Value::Null),
            _ => Value::Array(filled),
        };
        slots.insert(group.name.to_owned(), value);
    }
    json!({
        "run_dir": sight.run,
        "layout_hash": format!("{:016x}", layout_hash()),
        "process_alive": sight.writer_alive,
        "taken_ns": sight.taken.get(),
        "doubts": sight.readouts.doubts,
        "slots": slots,
    })
}

/// Latency slots under the names of their stages.
fn stages_json(readouts: &Readouts, filled: Vec<Value>) -> Value {
    let measured = STAGES
        .iter()
        .zip(&readouts.latency)
        .filter(|(_, readout)| readout.is_some());
    Value::Object(
        measured
            .map(|(stage, _)| stage.name().to_owned())
            .zip(filled)
            .collect(),
    )
}

/// The bytes of a snapshot that holds these read-outs.
fn private_copy(readouts: &Readouts) -> Vec<u8> {
    let mut bytes = vec![0; SNAPSHOT_BYTES + 8];
    let start = bytes.as_ptr().align_offset(8);
    let memory = &mut bytes[start..start + SNAPSHOT_BYTES];
    let writer = SnapshotWriter::create(memory).expect("size and alignment were chosen for it");
    writer.put_session(&readouts.session);
    readouts
        .engine
        .iter()
        .for_each(|engine| writer.put_engine(engine));
    readouts.feed.iter().for_each(|feed| writer.put_feed(feed));
    readouts
        .gateway
        .iter()
        .for_each(|gateway| writer.put_gateway(gateway));
    readouts
        .denials
        .iter()
        .for_each(|denials| writer.put_denials(denials));
    readouts
        .supervision
        .iter()
        .for_each(|supervision| writer.put_supervision(supervision));
    for (slot, difference) in readouts.differences.iter().enumerate() {
        writer.put_difference(slot, Some(difference));
    }
    readouts.pages.iter().for_each(|page| writer.put_page(page));
    for (stage, latency) in STAGES.into_iter().zip(readouts.latency) {
        latency
            .iter()
            .for_each(|latency| writer.put_latency(stage, latency));
    }
    for (slot, position) in readouts.positions.iter().enumerate() {
        writer.put_position(slot, position);
    }
    for (number, signal) in readouts.signals.iter().take(SIGNAL_SLOTS).enumerate() {
        writer.put_signal(number, signal);
    }
    for (number, order) in readouts.orders.iter().take(ORDER_SLOTS).enumerate() {
        writer.put_order(number, order);
    }
    bytes[start..start + SNAPSHOT_BYTES].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::sample;

    #[test]
    fn every_slot_that_holds_something_is_told_raw() {
        let json = contents_json(&sample::sight());
        for (key, value) in [
            ("/slots/session/data", json!("Synthetic")),
            ("/slots/session/pid", json!(4_242)),
            ("/slots/engine/unrealised", json!(-1_234_500)),
            ("/slots/engine/kill_latched", json!(false)),
            ("/slots/feed/state", json!("Live")),
            ("/slots/latency/engine/p50", json!(6_400)),
            ("/slots/position/0/symbol", json!("RELIANCE")),
            ("/slots/signal/1/parts_ppm/5", json!(950_000)),
            ("/slots/order/0/state", json!("Open")),
            ("/slots/denial/counts/0", json!(4)),
            ("/slots/page/0/count", json!(3)),
        ] {
            assert_eq!(json.pointer(key), Some(&value), "{key}");
        }
        assert!(json.pointer("/slots/latency/tick_to_order").is_none());
    }

    #[test]
    fn an_empty_slot_is_null_and_the_rest_is_told() {
        let mut sight = sample::sight();
        sight.readouts.engine = None;
        let json = contents_json(&sight);
        assert_eq!(json["slots"]["engine"], Value::Null);
        assert_eq!(json["slots"]["gateway"]["acked"], json!(6));
    }

    #[test]
    fn people_get_one_path_a_line() {
        let mut lines = Vec::new();
        flatten("", &contents_json(&sample::sight()), &mut lines);
        assert!(lines.contains(&"slots.position.0.qty = 20".to_owned()));
    }

    #[test]
    fn the_layout_names_every_field_with_its_form() {
        let json = layout_json();
        let groups = json["groups"].as_array().expect("groups");
        assert!(
            groups
                .iter()
                .all(|group| !group["fields"].as_array().expect("fields").is_empty())
        );
    }
}
