//! Writes the JSON of request bodies.
//!
//! Invariants: text is escaped, so nothing from outside can break out of its place; prices are written from their
//! integers, digit by digit, never through a float.

use std::fmt::{Display, Write};

use bijli_core::Price;

use crate::request::Body;

/// Writes one object.
#[derive(Debug)]
pub(super) struct ObjectWriter {
    json: String,
}

impl ObjectWriter {
    pub(super) fn new() -> Self {
        Self { json: "{".to_owned() }
    }

    pub(super) fn text(mut self, name: &'static str, value: &str) -> Self {
        self.name(name);
        push_quoted(&mut self.json, value);
        self
    }

    pub(super) fn number(mut self, name: &'static str, value: impl Display) -> Self {
        self.name(name);
        write!(self.json, "{value}").expect("writing to a String cannot fail");
        self
    }

    pub(super) fn price(self, name: &'static str, value: Price) -> Self {
        self.number(name, value)
    }

    pub(super) fn flag(self, name: &'static str, value: bool) -> Self {
        self.number(name, value)
    }

    /// A member that is already JSON.
    pub(super) fn json(self, name: &'static str, value: &str) -> Self {
        self.number(name, value)
    }

    /// Adds what `add` adds if the value is there.
    pub(super) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    pub(super) fn end(mut self) -> String {
        self.json.push('}');
        self.json
    }

    pub(super) fn body(self) -> Body {
        Body::Json(self.end())
    }

    fn name(&mut self, name: &'static str) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        push_quoted(&mut self.json, name);
        self.json.push(':');
    }
}

/// A list of values that are already JSON.
pub(super) fn list(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    format!("[{}]", values.join(","))
}

/// Adds a JSON string.
pub(super) fn push_quoted(json: &mut String, text: &str) {
    json.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => json.extend(['\\', char]),
            char if u32::from(char) < 0x20 => {
                write!(json, "\\u{:04x}", u32::from(char)).expect("writing to a String cannot fail");
            }
            char => json.push(char),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let hostile = "a\"b\\c\nd\u{1}\u{915}";
        let json = ObjectWriter::new()
            .text("text", hostile)
            .price("price", Price::new(1_015_025))
            .flag("flag", false)
            .maybe(None::<i64>, |object, value| object.number("none", value))
            .json("list", &list(["1".to_owned(), "2".to_owned()].into_iter()))
            .end();
        let read: serde_json::Value = serde_json::from_str(&json).expect("well-formed");
        let expected = serde_json::json!({"text": hostile, "price": 101.5025, "flag": false, "list": [1, 2]});
        assert_eq!(read, expected);
        assert!(json.contains("\"price\":101.5025"));
    }
}
