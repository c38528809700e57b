//! JSON written in another style, its keys in the order that they have.

use alloc::{format, string::String};

use super::{JsonStyle, change::Spaces};

/// Writes JSON, which `text` must be, in a style.
pub(super) fn rewrite(text: &str, style: JsonStyle) -> String {
    let mut writer = Writer { out: String::with_capacity(text.len()), style, depth: 0 };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_len(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ if first.is_ascii_whitespace() => rest.len() - rest.trim_ascii_start().len(),
            _ => rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        writer.token(token, after.trim_ascii_start().chars().next());
        rest = after;
    }
    writer.out
}

/// The length of the string at the beginning of a text, with its quotation marks.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

struct Writer {
    out: String,
    style: JsonStyle,
    depth: usize,
}

impl Writer {
    /// Writes a token, behind which `next` comes.
    fn token(&mut self, token: &str, next: Option<char>) {
        match token {
            "{" | "[" => {
                self.out.push_str(token);
                if !matches!(next, Some('}' | ']')) {
                    self.depth += 1;
                    self.line();
                }
            }
            "}" | "]" => {
                if !self.out.ends_with(['{', '[']) {
                    self.depth = self.depth.saturating_sub(1);
                    self.line();
                }
                self.out.push_str(token);
            }
            "," => {
                self.out.push(',');
                match self.style.spaces {
                    Spaces::One => self.out.push(' '),
                    _ => self.line(),
                }
            }
            ":" => {
                let spaced = matches!(self.style.spaces, Spaces::One | Spaces::Lines(_));
                self.out.push_str(if spaced { ": " } else { ":" });
            }
            _ if token.starts_with('"') => self.string(&token[1..token.len() - 1]),
            _ if token.trim_ascii().is_empty() => {
                if self.style.spaces == Spaces::Kept {
                    self.out.push_str(token);
                }
            }
            _ => self.scalar(token),
        }
    }

    /// Begins a line, where there are any.
    fn line(&mut self) {
        if let Spaces::Lines(indent) = self.style.spaces {
            let width = self.depth * usize::from(indent);
            self.out.push_str(&format!("\n{:width$}", ""));
        }
    }

    /// Writes a number or a word.
    fn scalar(&mut self, token: &str) {
        let number: Option<f64> = token.parse().ok().filter(|_| token.contains(['.', 'e', 'E']));
        match number.filter(|number| self.style.short_numbers && (1e-6..1e21).contains(&number.abs())) {
            Some(number) => self.out.push_str(&format!("{number}")),
            None => self.out.push_str(token),
        }
    }

    /// Writes what stands between a string's quotation marks.
    fn string(&mut self, mut rest: &str) {
        self.out.push('"');
        while let Some(c) = rest.chars().next() {
            let (length, meant) = if c == '\\' { escape(rest) } else { (c.len_utf8(), Some(c)) };
            let (written, after) = rest.split_at(length);
            self.char(written, meant);
            rest = after;
        }
        self.out.push('"');
    }

    /// Writes a character that was written as `written`.
    fn char(&mut self, written: &str, meant: Option<char>) {
        match (meant, self.style.slashes, self.style.escaped) {
            (Some('/'), Some(true), _) => self.out.push_str("\\/"),
            (Some('/'), Some(false), _) => self.out.push('/'),
            (Some(c), _, Some(true)) if !c.is_ascii() => {
                let mut units = [0; 2];
                c.encode_utf16(&mut units)
                    .iter()
                    .for_each(|unit| self.out.push_str(&format!("\\u{unit:04x}")));
            }
            (Some(c), _, Some(false)) if !c.is_ascii() => self.out.push(c),
            _ => self.out.push_str(written),
        }
    }
}

/// The length of the escape at the beginning of a text, and the character that it stands for, where there is another
/// way to write it.
fn escape(text: &str) -> (usize, Option<char>) {
    match text.as_bytes().get(1) {
        Some(b'/') => (2, Some('/')),
        Some(b'u') => unicode_escape(text),
        _ => (2, None),
    }
}

/// The same of an escape by UTF-16, of which one character may take two.
fn unicode_escape(text: &str) -> (usize, Option<char>) {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let units = unit(text).into_iter().chain(text.get(6..).and_then(unit));
    let c = char::decode_utf16(units).next().and_then(Result::ok);
    (if c.is_some_and(|c| c.len_utf16() == 2) { 12 } else { 6 }, c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        r#"{ "a" : [ 1.50, -2e3, "\"\\\/\u00e9\ud83d\ude00" ] , "b":{}, "c/" : [ ], "é":true }"#;

    #[test]
    fn nothing_changes_where_nothing_is_asked_for() {
        assert_eq!(rewrite(TEXT, JsonStyle::default()), TEXT);
    }

    #[test]
    fn each_style_changes_what_it_names_alone() {
        let none = JsonStyle { spaces: Spaces::None, ..JsonStyle::default() };
        for (style, written) in [
            (none, r#"{"a":[1.50,-2e3,"\"\\\/\u00e9\ud83d\ude00"],"b":{},"c/":[],"é":true}"#),
            (
                JsonStyle { escaped: Some(false), slashes: Some(false), ..none },
                r#"{"a":[1.50,-2e3,"\"\\/é😀"],"b":{},"c/":[],"é":true}"#,
            ),
            (
                JsonStyle { escaped: Some(true), slashes: Some(true), short_numbers: true, ..none },
                r#"{"a":[1.5,-2000,"\"\\\/\u00e9\ud83d\ude00"],"b":{},"c\/":[],"\u00e9":true}"#,
            ),
        ] {
            assert_eq!(rewrite(TEXT, style), written);
        }
        let lines = JsonStyle { spaces: Spaces::Lines(2), ..none };
        assert_eq!(
            rewrite(r#"{"a":[1,{}],"b":[]}"#, lines),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"
        );
    }

    #[test]
    fn what_is_written_means_the_same() {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        for spaces in [Spaces::Kept, Spaces::None, Spaces::One, Spaces::Lines(4)] {
            for escaped in [None, Some(true), Some(false)] {
                let style = JsonStyle { spaces, escaped, slashes: escaped, short_numbers: false };
                assert_eq!(value(&rewrite(TEXT, style)), value(TEXT), "{style:?}");
            }
        }
    }
}
