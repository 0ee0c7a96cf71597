//! The schema: all tables in the order in which they are written, and the version of it all.
//!
//! Invariant: a table stands after those that it refers to. A change that a reader can notice raises
//! [`VERSION`]; an older database is then made again from its journals, not changed.

use std::fmt::Write;

use super::sheet::{Kind, Table};
use super::{tables_books, tables_changes, tables_day, tables_orders};

/// Version of tables, columns and views.
pub const VERSION: i64 = 2;
/// What marks a database file as ours: `BIJL`.
pub const APPLICATION_ID: i64 = 0x4249_4a4c;
/// Views: old names for people who move over, and the questions that are asked most.
pub const VIEWS: &str = include_str!("views.sql");

/// All tables, each after those that it refers to.
pub const TABLES: [&Table; 15] = [
    &tables_day::SESSIONS,
    &tables_day::INSTRUMENTS,
    &tables_orders::ORDERS,
    &tables_changes::ORDER_CHANGES,
    &tables_books::POSITIONS,
    &tables_orders::TRADES,
    &tables_orders::SIGNALS,
    &tables_orders::DECISIONS,
    &tables_day::DENIALS,
    &tables_day::CONTROLS,
    &tables_day::STATES,
    &tables_changes::STAGES,
    &tables_books::CLOSING,
    &tables_books::EQUITY,
    &tables_day::PERFORMANCE,
];

/// The statement that makes a table.
#[must_use]
pub fn create(table: &'static Table) -> String {
    let mut sql = format!("CREATE TABLE {} (\n", table.name);
    for (name, kind) in table.heads() {
        let required = name == "session_id" || Some(name) == table.key;
        let not_null = if required { " NOT NULL" } else { "" };
        let check = if kind == Kind::Flag {
            format!(" CHECK ({name} IN (0, 1))")
        } else {
            String::new()
        };
        let _ = writeln!(sql, "  {name} {}{not_null}{check},", sql_type(kind));
    }
    let key = table.key.map_or(String::new(), |key| format!(", {key}"));
    let _ = write!(sql, "  PRIMARY KEY (session_id{key})");
    if table.name != "sessions" {
        sql.push_str(",\n  FOREIGN KEY (session_id) REFERENCES sessions (session_id) ON DELETE CASCADE");
    }
    for link in table.links {
        let _ = write!(
            sql,
            ",\n  FOREIGN KEY (session_id, {}) REFERENCES {} (session_id, {}) ON DELETE CASCADE",
            link.column, link.table, link.to
        );
    }
    sql.push_str("\n) WITHOUT ROWID, STRICT;\n");
    for column in table.indexes {
        let _ = writeln!(sql, "CREATE INDEX {0}_by_{1} ON {0} ({1});", table.name, column);
    }
    sql
}

const fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Int | Kind::Money | Kind::Stamp | Kind::Flag => "INTEGER",
        Kind::Real => "REAL",
        Kind::Text => "TEXT",
    }
}

/// The part of the manual that lists every table and column, in Markdown.
#[must_use]
pub fn manual() -> String {
    let mut text = String::new();
    for table in TABLES {
        let key = table.key.map_or(String::new(), |key| format!(", `{key}`"));
        let _ = writeln!(
            text,
            "### `{}`\n\n{} Key: `session_id`{key}.\n",
            table.name, table.about
        );
        text.push_str("| column | type | meaning |\n|---|---|---|\n");
        for column in table.columns {
            let link = table.links.iter().find(|link| link.column == column.name);
            let link = link.map_or(String::new(), |link| format!(" → `{}`", link.table));
            let _ = writeln!(
                text,
                "| `{}` | {} | {}{link} |",
                column.name,
                kind_word(column.kind),
                column.about
            );
        }
        text.push('\n');
    }
    text
}

const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "integer",
        Kind::Money => "money",
        Kind::Stamp => "instant",
        Kind::Flag => "0 or 1",
        Kind::Real => "real",
        Kind::Text => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_say_their_units() {
        let mut tables = BTreeSet::new();
        for table in TABLES {
            assert!(tables.insert(table.name), "{} stands twice", table.name);
            let mut columns = BTreeSet::new();
            for (name, kind) in table.heads() {
                assert!(columns.insert(name), "{}.{name} stands twice", table.name);
                assert_eq!(
                    kind == Kind::Money,
                    name.ends_with("_e4"),
                    "{}.{name}",
                    table.name
                );
                assert!(
                    kind != Kind::Stamp || name.ends_with("_ns"),
                    "{}.{name}",
                    table.name
                );
            }
            let named = table.links.iter().map(|link| link.column).chain(table.key);
            for column in named.chain(table.indexes.iter().copied()) {
                assert!(columns.contains(column), "{} has no {column}", table.name);
            }
            for link in table.links {
                assert!(
                    tables.contains(link.table),
                    "{} comes after {}",
                    link.table,
                    table.name
                );
            }
        }
    }

    #[test]
    fn the_manual_lists_every_table_and_column_as_they_are() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../TRADE_LOG.md");
        let manual_text = std::fs::read_to_string(path).expect("the manual stands in the root");
        assert!(
            manual_text.contains(manual().trim_end()),
            "TRADE_LOG.md must hold this text:\n{}",
            manual()
        );
    }
}
