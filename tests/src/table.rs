//! The README's table of schemes.

use countersign::{
    Scheme, catalog,
    scheme::{Algorithm, Place, Source, Syntax},
};

/// A Markdown table with a row for each scheme of the catalogue.
#[must_use]
pub fn of_schemes() -> String {
    let head = "| name | provider | signature | algorithm | signed time | body | event id |\n\
                |---|---|---|---|---|---|---|\n";
    catalog::ALL.iter().map(row).fold(head.to_owned(), |table, row| table + &row)
}

fn row(scheme: &Scheme) -> String {
    let cells =
        [scheme.name.to_string(), scheme.title.to_string(), header(scheme), algorithms(scheme), time(scheme)];
    let body = if scheme.covers_body() { "signed" } else { "**not signed**" };
    format!("| {} | {body} | {} |\n", cells.join(" | "), id(scheme))
}

fn header(scheme: &Scheme) -> String {
    if scheme.is_unsigned() {
        return "none".to_owned();
    }
    let name = match &scheme.signature.source {
        Source::Header(name) | Source::Repeated(name) => name.to_string(),
        Source::Numbered(prefix) => format!("{prefix}1, …2"),
        Source::PerKey(names) => names.join(", "),
    };
    match &scheme.signature.syntax {
        Syntax::Authorization(kind) => format!("`{name}: {kind}`"),
        _ => format!("`{name}`"),
    }
}

fn algorithms(scheme: &Scheme) -> String {
    let name = |algorithm: Algorithm| match algorithm {
        Algorithm::Token => "the secret itself".to_owned(),
        Algorithm::None => "**unsigned**".to_owned(),
        other => other.as_str().to_owned(),
    };
    let mut names: Vec<String> = scheme.algorithms().map(name).collect();
    names.dedup();
    names.join(", ")
}

fn time(scheme: &Scheme) -> String {
    match &scheme.timestamp {
        None => "none".to_owned(),
        Some(rule) => match (rule.past, rule.future) {
            (Some(past), Some(future)) if past == future => format!("± {past} s"),
            (Some(past), Some(future)) => format!("− {past} s, + {future} s"),
            (Some(past), None) => format!("− {past} s"),
            (None, _) => "of any age".to_owned(),
        },
    }
}

fn id(scheme: &Scheme) -> String {
    let places: Vec<String> = scheme.event.id.iter().map(|place| format!("`{}`", place.render())).collect();
    let signed = scheme.event.id.iter().all(|place: &Place| scheme.signs(place));
    match places.as_slice() {
        [] => "none".to_owned(),
        _ if signed => places.join(" + "),
        _ => format!("{}, not signed", places.join(" + ")),
    }
}
