//! How templates show values.

use std::{
    fmt::{Display, Write},
    time::Duration,
};

use askama::{Result, Values, filters::Safe};

use super::page;
use crate::{host, time::Time};

/// A foreign text, with the characters that can't be seen written out: they could turn what follows.
#[askama::filter_fn]
pub(crate) fn shown(text: impl Display, _: &dyn Values) -> Result<String> {
    Ok(visible(&text.to_string()))
}

/// An id as one piece of a path.
#[askama::filter_fn]
pub(crate) fn segment(id: &str, _: &dyn Values) -> Result<String> {
    Ok(page::segment(id))
}

/// The host of a URL, whose path may be a credential. That it is `https` goes without saying.
#[askama::filter_fn]
pub(crate) fn host_of(url: &str, _: &dyn Values) -> Result<String> {
    let shown = host::shown(url);
    Ok(visible(shown.trim_start_matches("https://").trim_end_matches("/…")))
}

/// A time in microseconds.
#[askama::filter_fn]
pub(crate) fn time(at: &i64, _: &dyn Values) -> Result<Safe<String>> {
    let (machine, people) = (Time(*at).render(), in_words(*at));
    Ok(Safe(format!("<time datetime=\"{machine}\">{people}</time>")))
}

/// A time in microseconds, where its column says that it is UTC.
#[askama::filter_fn]
pub(crate) fn moment(at: &i64, _: &dyn Values) -> Result<Safe<String>> {
    let (machine, people) = (Time(*at).render(), in_words(*at));
    Ok(Safe(format!("<time datetime=\"{machine}\">{}</time>", people.trim_end_matches(" UTC"))))
}

/// A number, its thousands apart.
#[askama::filter_fn]
pub(crate) fn count(number: impl Display, _: &dyn Values) -> Result<String> {
    Ok(grouped(&number.to_string()))
}

/// A time in microseconds, where there can be no markup.
#[askama::filter_fn]
pub(crate) fn time_text(at: &i64, _: &dyn Values) -> Result<String> {
    Ok(in_words(*at))
}

/// A time in seconds.
#[askama::filter_fn]
pub(crate) fn time_of_seconds(at: &i64, _: &dyn Values) -> Result<Safe<String>> {
    let at = Time::from_seconds(*at);
    Ok(Safe(format!("<time datetime=\"{}\">{}</time>", at.render(), in_words(at.0))))
}

/// A span of time.
#[askama::filter_fn]
pub(crate) fn span(span: &Duration, _: &dyn Values) -> Result<String> {
    Ok(span_in_words(*span))
}

/// A text, with the characters that can't be seen written out as `\u{…}`.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unseen(c) {
            true => write!(out, "\\u{{{:04x}}}", u32::from(c)).unwrap_or_default(),
            false => out.push(c),
        }
    }
    out
}

/// Whether a character can't be seen, or turns what follows it.
pub(super) fn is_unseen(c: char) -> bool {
    let turns = matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span in the two largest units that it has.
fn span_in_words(span: Duration) -> String {
    let (seconds, micros) = (span.as_secs(), span.as_micros());
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        1_000_000..60_000_000 => format!("{seconds}.{} s", micros % 1_000_000 / 100_000),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

fn in_words(at: i64) -> String {
    let text = Time(at).render();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let clock = rest.split(['.', 'Z']).next().unwrap_or_default();
    format!("{day} {clock} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adv_94_characters_that_turn_a_text_are_written_out() {
        assert_eq!(visible("paid\u{202E}gpj\u{1b}[2J"), "paid\\u{202e}gpj\\u{001b}[2J");
        assert_eq!(visible("a\n\tb مدفوع"), "a\n\tb مدفوع");
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = ["0", "999", "1000", "65432", "1234567"].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "65,432", "1,234,567"]);
    }

    #[test]
    fn spans_are_shown_in_units_that_people_use() {
        let seconds =
            [59, 60, 3599, 3600, 86_399, 90_000].map(|seconds| span_in_words(Duration::from_secs(seconds)));
        assert_eq!(seconds, ["59.0 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "23 h 59 min", "1 d 1 h"]);
        assert_eq!(
            [1_234, 12_345].map(|micros| span_in_words(Duration::from_micros(micros))),
            ["1.2 ms", "12 ms"]
        );
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(in_words(1_764_000_000_123_456), "2025-11-24 16:00:00 UTC");
    }
}
