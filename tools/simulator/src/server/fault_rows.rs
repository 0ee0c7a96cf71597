//! The rows of the broker's fault table in a script: `{"O10": 1000000}`, or with a length of their own, or with a number
//! of occasions that are struck for sure.
//!
//! Invariant: an id that is not of the table, or a chance above one, changes nothing.

use bijli_core::DurationNs;
use serde_json::{Map, Value, json};

use crate::broker::faults::{FAULTS, Fault, Faults};
use crate::random::PPM;

/// The faults with what a script says of them; `null` switches all off.
pub(super) fn change(faults: Faults, value: &Value) -> Result<Faults, String> {
    if value.is_null() {
        return Ok(Faults::NONE);
    }
    let rows = value
        .as_object()
        .ok_or_else(|| format!("fault cannot be {value}"))?;
    rows.iter().try_fold(faults, |faults, (id, row)| {
        let fault =
            Fault::of_id(id).ok_or_else(|| format!("no fault has the id `{id}`; SIMULATOR.md lists them"))?;
        change_row(faults, fault, row).ok_or_else(|| format!("fault {id} cannot be {row}"))
    })
}

/// A chance in parts per million, or `{"ppm": 1000000, "ms": [10, 20], "first": 2}`.
fn change_row(faults: Faults, fault: Fault, row: &Value) -> Option<Faults> {
    let chance = if row.is_object() { &row["ppm"] } else { row };
    let ppm = u32::try_from(chance.as_u64()?).ok().filter(|ppm| *ppm <= PPM)?;
    let first = row
        .get("first")
        .map_or(Some(0), |count| u32::try_from(count.as_u64()?).ok())?;
    let faults = faults.with(fault, ppm).first(fault, first);
    let Some(span) = row.get("ms") else {
        return Some(faults);
    };
    let end = |place: usize| {
        let ms = span
            .get(place)?
            .as_i64()
            .filter(|ms| (0..=86_400_000).contains(ms))?;
        Some(DurationNs::from_millis(ms))
    };
    let (least, most) = (end(0)?, end(1)?);
    (least <= most).then(|| faults.lasting(fault, least, most))
}

/// The rows that can fire.
pub(super) fn to_json(faults: &Faults) -> Value {
    let can_fire = |fault| faults.ppm(fault) > 0 || faults.first_left(fault) > 0;
    let on = FAULTS.iter().filter(|row| can_fire(row.fault));
    let rows: Map<String, Value> = on
        .map(|row| {
            let (least, most) = faults.span(row.fault);
            let ms = |length: DurationNs| length.get() / 1_000_000;
            let mut told = json!({ "ppm": faults.ppm(row.fault), "ms": [ms(least), ms(most)] });
            if faults.first_left(row.fault) > 0 {
                told["first"] = faults.first_left(row.fault).into();
            }
            (row.id.to_owned(), told)
        })
        .collect();
    Value::Object(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_set_by_id_one_by_one_and_wrong_ones_change_nothing() {
        let script = json!({ "O2": 500_000, "O3": { "ppm": 1_000_000, "ms": [10, 20] } });
        let faults = change(Faults::NONE, &script).expect("sound");
        let told =
            json!({ "O2": { "ppm": 500_000, "ms": [0, 0] }, "O3": { "ppm": 1_000_000, "ms": [10, 20] } });
        assert_eq!(to_json(&faults), told);
        let more = change(faults, &json!({ "O2": 0, "X1": 1 })).expect("sound");
        assert_eq!(more.ppm(Fault::ReplyLost), 0);
        assert_eq!(more.ppm(Fault::ReplyLate), 1_000_000, "what is not named stays");
        let sure = change(Faults::NONE, &json!({ "O4": { "ppm": 0, "first": 2 } })).expect("sound");
        let told = json!({ "O4": { "ppm": 0, "ms": [0, 0], "first": 2 } });
        assert_eq!(to_json(&sure), told);
        assert_eq!(change(more, &Value::Null), Ok(Faults::NONE));
        for (wrong, words) in [
            (
                json!({ "O99": 1 }),
                "no fault has the id `O99`; SIMULATOR.md lists them",
            ),
            (json!({ "O2": 1_000_001 }), "fault O2 cannot be 1000001"),
            (
                json!({ "O3": { "ppm": 1, "ms": [2, 1] } }),
                "fault O3 cannot be {\"ms\":[2,1],\"ppm\":1}",
            ),
            (
                json!({ "O3": { "ppm": 1, "first": -1 } }),
                "fault O3 cannot be {\"first\":-1,\"ppm\":1}",
            ),
            (json!([]), "fault cannot be []"),
        ] {
            assert_eq!(change(faults, &wrong).expect_err("refused"), words);
        }
    }
}
