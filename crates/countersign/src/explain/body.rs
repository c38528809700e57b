//! Bodies as they are easily made another one on the way.

use alloc::{string::String, vec::Vec};

use serde_json::Value;

use super::{BodyChange, JsonStyle, change::Spaces, json::rewrite};

/// The bodies that may have been signed in place of this one, each once.
pub(super) fn variants(body: &[u8]) -> Vec<(BodyChange, Vec<u8>)> {
    let mut all = bytes(body);
    if let Ok(text) = core::str::from_utf8(body) {
        all.extend(texts(text));
        all.extend(json(text));
    }
    all.push((BodyChange::Empty, Vec::new()));
    let mut once: Vec<(BodyChange, Vec<u8>)> = Vec::new();
    for (change, other) in all {
        if other != body && once.iter().all(|(_, known)| *known != other) {
            once.push((change, other));
        }
    }
    once
}

fn bytes(body: &[u8]) -> Vec<(BodyChange, Vec<u8>)> {
    let without_feed = body.strip_suffix(b"\n").unwrap_or(body);
    let without_break = without_feed.strip_suffix(b"\r").unwrap_or(without_feed);
    alloc::vec![
        (BodyChange::WithoutEnd, without_feed.to_vec()),
        (BodyChange::WithoutEnd, without_break.to_vec()),
        (BodyChange::WithoutEnd, body.trim_ascii_end().to_vec()),
        (BodyChange::WithLineFeed, [body, b"\n"].concat()),
        (BodyChange::WithCrLf, [body, b"\r\n"].concat()),
        (BodyChange::WithoutMark, body.strip_prefix(MARK).unwrap_or(body).to_vec()),
    ]
}

fn texts(text: &str) -> Vec<(BodyChange, Vec<u8>)> {
    let line_feeds = text.replace("\r\n", "\n");
    let mut all = alloc::vec![
        (BodyChange::CrLfs, line_feeds.replace('\n', "\r\n").into_bytes()),
        (BodyChange::LineFeeds, line_feeds.into_bytes()),
    ];
    let narrow: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    all.extend(narrow.map(|bytes| (BodyChange::Latin1, bytes)));
    let twice: String = text.bytes().map(char::from).collect();
    all.push((BodyChange::Twice, twice.into_bytes()));
    all
}

fn json(text: &str) -> Vec<(BodyChange, Vec<u8>)> {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let mut all = Vec::new();
    if let Value::String(inner) = &value {
        all.push((BodyChange::Unwrapped, inner.clone().into_bytes()));
    }
    all.extend(styles().map(|style| (BodyChange::Json(style), rewrite(text, style).into_bytes())));
    // A value has its keys in order.
    if let Ok(sorted) = serde_json::to_string(&value) {
        let sorted = |style| (BodyChange::Sorted(style), rewrite(&sorted, style).into_bytes());
        all.extend(
            [Spaces::None, Spaces::One].map(|spaces| sorted(JsonStyle { spaces, ..JsonStyle::default() })),
        );
    }
    all.extend(serde_json::to_vec(text).ok().map(|wrapped| (BodyChange::Wrapped, wrapped)));
    all
}

/// All styles, those that change the least first.
fn styles() -> impl Iterator<Item = JsonStyle> {
    let spaces = [Spaces::Kept, Spaces::None, Spaces::One, Spaces::Lines(2), Spaces::Lines(4)];
    let choices = [None, Some(true), Some(false)];
    let numbers = [false, true].into_iter();
    let slashes = numbers.flat_map(move |short| choices.map(|slashes| (short, slashes)));
    let escaped = slashes.flat_map(move |(short, slashes)| choices.map(|escaped| (short, slashes, escaped)));
    escaped.flat_map(move |(short_numbers, slashes, escaped)| {
        spaces.map(|spaces| JsonStyle { spaces, escaped, slashes, short_numbers })
    })
}

/// The byte order mark, in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn holds(body: &str, signed: &str) -> BodyChange {
        let found = variants(body.as_bytes()).into_iter().find(|(_, other)| other == signed.as_bytes());
        found.unwrap_or_else(|| panic!("{body} is not taken for {signed}")).0
    }

    #[test]
    fn json_is_known_in_the_ways_that_libraries_write_it() {
        let sent = r#"{"b":1.0,"a":["é/x",{}],"n":null}"#;
        for other in [
            "{\"b\": 1.0, \"a\": [\"é/x\", {}], \"n\": null}",
            "{\n  \"b\": 1.0,\n  \"a\": [\n    \"é/x\",\n    {}\n  ],\n  \"n\": null\n}",
            "{\"b\": 1.0, \"a\": [\"\\u00e9/x\", {}], \"n\": null}",
            "{\"b\":1.0,\"a\":[\"\\u00e9\\/x\",{}],\"n\":null}",
            "{\"b\":1,\"a\":[\"é/x\",{}],\"n\":null}",
        ] {
            assert!(matches!(holds(sent, other), BodyChange::Json(_)), "{other}");
            if !other.contains(":1,") {
                assert!(matches!(holds(other, sent), BodyChange::Json(_)), "{other}");
            }
        }
        assert!(matches!(holds(sent, r#"{"a":["é/x",{}],"b":1.0,"n":null}"#), BodyChange::Sorted(_)));
        assert_eq!(holds(r#""{\"a\":1}""#, r#"{"a":1}"#), BodyChange::Unwrapped);
        assert_eq!(holds(r#"{"a":1}"#, r#""{\"a\":1}""#), BodyChange::Wrapped);
    }

    #[test]
    fn what_editors_and_charsets_make_of_a_body_is_known() {
        for (body, signed) in [("{}\n", "{}"), ("{} \r\n", "{}"), ("{}\r\n\n", "{}\r\n"), ("{}\r\n", "{}\r")]
        {
            assert_eq!(holds(body, signed), BodyChange::WithoutEnd);
        }
        assert_eq!(holds("a=1", "a=1\n"), BodyChange::WithLineFeed);
        assert_eq!(holds("a\r\nb", "a\nb"), BodyChange::LineFeeds);
        assert_eq!(holds("a\nb", "a\r\nb"), BodyChange::CrLfs);
        assert_eq!(holds("\u{feff}a=1", "a=1"), BodyChange::WithoutMark);
        assert_eq!(holds("a=é", "a=Ã©"), BodyChange::Twice);
        assert!(variants("é".as_bytes()).contains(&(BodyChange::Latin1, alloc::vec![0xe9])));
        assert_eq!(holds("a=1", ""), BodyChange::Empty);
    }

    #[test]
    fn no_body_is_tried_twice_nor_as_it_is() {
        for body in ["", "{}", r#"{"a":"é/"}"#, "x"] {
            let mut all: Vec<_> = variants(body.as_bytes()).into_iter().map(|(_, other)| other).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!((all.len(), all.contains(&body.as_bytes().to_vec())), (count, false), "{body}");
        }
    }
}
