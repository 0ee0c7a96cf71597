//! `DESIGN.md` says byte by byte what the code does: each table is built from the code and looked up there.

use bijli_core::codec::{FieldRow, layout_of, shared_layouts};
use bijli_core::record::{PAYLOAD_BYTES_MAX, RECORD_ALIGN_BYTES, RecordKind, SEGMENT_VERSION};
use bijli_core::snapshot::{SNAPSHOT_BYTES, SNAPSHOT_VERSION, layout, layout_hash};

fn design() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/DESIGN.md");
    std::fs::read_to_string(path).expect("DESIGN.md stands beside the manifest")
}

fn table(title: &str, rows: &[FieldRow]) -> String {
    let mut text = format!("{title}\n\n");
    if rows.is_empty() {
        text.push_str("No payload.\n");
        return text;
    }
    text.push_str("| offset | bytes | field | form |\n|---:|---:|---|---|\n");
    for FieldRow {
        name,
        form,
        offset,
        bytes,
    } in rows
    {
        text.push_str(&format!("| {offset} | {bytes} | `{name}` | {form} |\n"));
    }
    text
}

/// Everything that the page must hold, in its order.
fn expected() -> Vec<String> {
    let mut parts = Vec::new();
    for kind in RecordKind::ALL {
        let rows = layout_of(*kind).expect("a known kind");
        let bytes: usize = rows.iter().map(|row| row.bytes).sum();
        let title = format!(
            "#### {} `{}`, version {}, {bytes} bytes",
            kind.get(),
            kind.name(),
            kind.version()
        );
        parts.push(table(&title, &rows));
    }
    for (name, rows) in shared_layouts() {
        let bytes: usize = rows.iter().map(|row| row.bytes).sum();
        parts.push(table(&format!("#### Table `{name}`, {bytes} bytes"), &rows));
    }
    for group in layout() {
        let title = format!(
            "#### Slots `{}`: {} × {} bytes from {}",
            group.name, group.slots, group.slot_bytes, group.offset
        );
        parts.push(table(&title, &group.fields));
    }
    parts.push(format!(
        "Layout hash of version {SNAPSHOT_VERSION}: `{:016x}`; size {SNAPSHOT_BYTES} bytes.",
        layout_hash()
    ));
    parts.push(format!(
        "Version {SEGMENT_VERSION}: records begin at multiples of {RECORD_ALIGN_BYTES} bytes and carry payloads of at \
         most {PAYLOAD_BYTES_MAX} bytes."
    ));
    parts
}

#[test]
fn every_table_of_the_page_is_true() {
    let design = design();
    let missing: Vec<_> = expected()
        .into_iter()
        .filter(|part| !design.contains(part.as_str()))
        .collect();
    assert!(missing.is_empty(), "DESIGN.md lacks:\n\n{}", missing.join("\n"));
}

#[test]
fn the_page_has_no_table_that_the_code_has_not() {
    let headings = design().lines().filter(|line| line.starts_with("#### ")).count();
    let known = expected().iter().filter(|part| part.starts_with("#### ")).count();
    assert_eq!(headings, known);
}
