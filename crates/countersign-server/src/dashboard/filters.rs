//! How templates show values.

use std::fmt::{Display, Write};

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

/// A URL without what may be a credential.
#[askama::filter_fn]
pub(crate) fn host_of(url: &str, _: &dyn Values) -> Result<String> {
    Ok(visible(&host::shown(url)))
}

/// A time in microseconds.
#[askama::filter_fn]
pub(crate) fn time(at: &i64, _: &dyn Values) -> Result<Safe<String>> {
    let (machine, people) = (Time(*at).render(), in_words(*at));
    Ok(Safe(format!("<time datetime=\"{machine}\">{people}</time>")))
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

/// A span in microseconds.
#[askama::filter_fn]
pub(crate) fn span(micros: &u64, _: &dyn Values) -> Result<String> {
    Ok(match *micros {
        micros @ 0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        micros @ 0..1_000_000 => format!("{} ms", micros / 1000),
        micros => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    })
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
    fn times_are_shown_to_the_second() {
        assert_eq!(in_words(1_764_000_000_123_456), "2025-11-24 16:00:00 UTC");
    }
}
