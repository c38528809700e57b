//! Bodies and commands as text: shown, never run.

use countersign_store::outbox::{Attempt, Endpoint};
use serde_json::value::RawValue;

use super::filters::{is_unseen, visible};

/// A body, as text.
#[derive(Debug)]
pub(super) struct Body {
    /// With line breaks, where it is JSON.
    pub(super) pretty: Option<String>,
    pub(super) raw: String,
    pub(super) bytes: usize,
    /// Whether there is more than is shown.
    pub(super) is_cut: bool,
}

impl Body {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let is_cut = bytes.len() > MOST;
        let json = std::str::from_utf8(bytes).ok().filter(|text| !is_cut && is_json(text));
        // What is mostly brackets would be mostly indentation.
        let room = 4 * bytes.len() + 1024;
        let raw = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]);
        Body {
            pretty: json.map(pretty).filter(|text| text.len() <= room).map(|text| visible(&text)),
            raw: visible(&raw),
            bytes: bytes.len(),
            is_cut,
        }
    }
}

/// The command that sends what an attempt has sent. Headers that hold a secret are not known, and not in it.
pub(super) fn curl(endpoint: &Endpoint, attempt: &Attempt, body: &[u8]) -> String {
    let mut lines = vec![format!("curl --globoff --request POST {}", quote(&endpoint.url))];
    for (name, value) in &attempt.request_headers {
        lines.push(format!("  --header {}", quote(&format!("{name}: {value}"))));
    }
    lines.push(match std::str::from_utf8(body).ok().filter(|text| can_be_pasted(text)) {
        Some(text) => format!("  --data-raw {}", quote(text)),
        None => "  --data-binary @payload.txt".to_owned(),
    });
    visible(&lines.join(" \\\n"))
}

/// A text as one word of a shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether a text does nothing to a terminal, and isn't too long for one.
fn can_be_pasted(text: &str) -> bool {
    text.len() <= 8 << 10 && !text.contains(is_unseen)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Valid JSON with line breaks. Numbers and the order of keys stay as they are, which a parser wouldn't promise.
fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(c) = characters.next() {
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                while characters.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        break_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
}

/// The most bytes of a body that are shown.
const MOST: usize = 64 << 10;
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use countersign_store::outbox::Trigger;

    use super::*;

    #[test]
    fn json_is_broken_into_lines_and_its_values_stay_as_they_are() {
        let json = r#"{"b":1.10,"a":[ ],"c":[1,{"x":"a,b:{\"\\"}],"big":123456789012345678901234567890}"#;
        let shown = pretty(json);
        let expected = "{\n  \"b\": 1.10,\n  \"a\": [],\n  \"c\": [\n    1,\n    {\n      \"x\": \"a,b:{\\\"\\\\\"\n    }\n  ],\n  \"big\": 123456789012345678901234567890\n}";
        assert_eq!(shown, expected);
        assert_eq!(pretty(&shown), shown);
    }

    #[test]
    fn a_body_that_is_deep_or_long_makes_no_page_too_long() {
        let deep = Body::new(&[vec![b'['; 5_000], vec![b']'; 5_000]].concat());
        assert_eq!((deep.pretty, deep.raw.len()), (None, 10_000));
        let long = Body::new(&vec![b'1'; 1 << 20]);
        assert_eq!((long.pretty, long.raw.len(), long.bytes, long.is_cut), (None, MOST, 1 << 20, true));
        assert_eq!(Body::new(b"\xff\x1b{").raw, "\u{FFFD}\\u{001b}{");
    }

    #[test]
    fn adv_94_a_command_holds_its_texts_as_single_words() {
        let endpoint = Endpoint::new("ep_1", "https://example.com/?a='$(id)", "github");
        let mut attempt = Attempt::new(1, 0, Trigger::Schedule);
        attempt.request_headers.push(("x-id".to_owned(), "it's".to_owned()));
        let expected = "curl --globoff --request POST 'https://example.com/?a='\\''$(id)' \\\n  \
             --header 'x-id: it'\\''s' \\\n  --data-raw '@/etc/passwd'";
        assert_eq!(curl(&endpoint, &attempt, b"@/etc/passwd"), expected);
        assert!(curl(&endpoint, &attempt, b"\x1b[2J").ends_with("--data-binary @payload.txt"));
    }
}
