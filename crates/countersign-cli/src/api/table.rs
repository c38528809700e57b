//! What was answered, as tables that people read.

use serde_json::{Map, Value};

use crate::output;

/// What stands in a cell: of this thing, under this column.
pub(super) type Cell = fn(&Value, &str) -> String;

/// A table of a list's rows, with these fields as its columns.
pub(crate) fn rows(items: &Value, fields: &[&str]) -> String {
    rows_of(items, fields, field)
}

/// A table of a list's rows, with what `cell` says under these columns.
pub(super) fn rows_of(items: &Value, columns: &[&str], cell: Cell) -> String {
    let mut table = output::table();
    table.set_header(columns.iter().map(|column| column.to_uppercase().replace('_', " ")));
    for item in items.as_array().into_iter().flatten() {
        table.add_row(columns.iter().map(|column| cell(item, column)));
    }
    output::lines(table)
}

/// A field as it is.
pub(super) fn field(item: &Value, field: &str) -> String {
    text(&item[field])
}

/// A table of one thing, a field a line, those first by which it is known. A list of things has a line for each.
pub(crate) fn fields(thing: &Value) -> String {
    let mut table = output::table();
    let given = thing.as_object();
    let first = FIRST.iter().filter_map(|name| given?.get_key_value(*name));
    let rest = given.into_iter().flatten().filter(|(name, _)| !FIRST.contains(&name.as_str()));
    for (name, value) in first.chain(rest) {
        for (inner, text) in lines(name, value) {
            table.add_row([format!("{name}{inner}").replace('_', " "), text]);
        }
    }
    output::lines(table)
}

/// The lines of a field: what its name goes on with, and what stands there.
fn lines(name: &str, value: &Value) -> Vec<(String, String)> {
    let things = |values: &Vec<Value>| !values.is_empty() && values.iter().all(Value::is_object);
    match value {
        _ if name == "payload" => vec![(String::new(), text(value))],
        Value::Object(inner) => {
            inner.iter().map(|(name, value)| (format!(": {name}"), text(value))).collect()
        }
        Value::Array(values) if things(values) => {
            values.iter().filter_map(Value::as_object).map(|thing| (String::new(), line(thing))).collect()
        }
        _ => vec![(String::new(), text(value))],
    }
}

/// A thing in one line, without what it doesn't have, unless it has nothing.
fn line(thing: &Map<String, Value>) -> String {
    let has_nothing = thing.values().all(Value::is_null);
    let shown = thing.iter().filter(|(_, value)| has_nothing || !value.is_null());
    let parts = shown.map(|(name, value)| format!("{}: {}", name.replace('_', " "), text(value)));
    parts.collect::<Vec<_>>().join(", ")
}

/// A value as a cell of a table shows it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => output::printable(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => output::printable(&other.to_string()),
    }
}

/// The fields by which a thing is known, and what is shown once.
const FIRST: [&str; 4] = ["id", "url", "scheme", "secret"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_thing_is_known_by_stands_first_and_a_list_has_a_line_for_each() {
        let endpoint = json!({
            "channels": [],
            "health": { "failures": 0 },
            "id": "ep_1",
            "scheme": "stripe",
            "secret": "whsec_1",
            "secrets": [
                { "hint": "whsec_…b7oD", "valid_until": null },
                { "hint": "whsec_…PotS", "valid_until": "2026-11-21" },
                { "valid_until": null },
            ],
            "url": "https://example.com/",
        });
        assert_eq!(
            fields(&endpoint),
            "id                ep_1\n\
             url               https://example.com/\n\
             scheme            stripe\n\
             secret            whsec_1\n\
             channels          -\n\
             health: failures  0\n\
             secrets           hint: whsec_…b7oD\n\
             secrets           hint: whsec_…PotS, valid until: 2026-11-21\n\
             secrets           valid until: -\n"
        );
    }
}
