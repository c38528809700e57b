//! Reading a value of the application's own type, and saying why that fails in words that hold no piece of the
//! body: which field is missing or of what type it is, and at which line and column.

use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
};

use serde_core::de::Deserialize;
use serde_json::error::Category;

use super::{check_unique_keys, find};
use crate::{Error, ErrorKind};

/// Reads the value at `pointer` (RFC 6901; empty for the whole body) as a `T`, as strictly as
/// [`Verified::event`](crate::Verified::event): no object of the body may hold one key twice, and a number becomes the
/// one of `T` that is nearest to what is written, whatever its length.
///
/// A [`serde_json::Value`] has room for 64 bits, and keeps an integer beyond as a float: two ids can become one.
/// Read those as `u128`, as [`RawValue`](serde_json::value::RawValue), or with the feature `arbitrary_precision` of
/// `serde_json`.
///
/// For bodies that were verified before and have been stored since. Nothing is verified here.
///
/// # Errors
/// [`ErrorKind::MalformedBody`] where the body isn't JSON, holds nothing at the pointer, or what stands there isn't a
/// `T`; [`ErrorKind::DuplicateKey`] where an object holds one key twice. The error says where and what, and shows
/// nothing of the body.
pub fn read_json<'b, T: Deserialize<'b>>(body: &'b [u8], pointer: &str) -> Result<T, Error> {
    let text = check_unique_keys(body)?;
    match pointer {
        "" => parse(text, body, pointer),
        _ => parse(find(body, pointer)?.ok_or_else(|| nothing_at(pointer))?.get(), body, pointer),
    }
}

/// Parses `text`, which stands at `pointer` of the body.
pub(crate) fn parse<'b, T: Deserialize<'b>>(text: &'b str, body: &[u8], pointer: &str) -> Result<T, Error> {
    let before = || {
        let length = text.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        body.get(..length)
    };
    serde_json::from_str(text).map_err(|error| unreadable(&error, before().unwrap_or_default(), pointer))
}

/// The body holds nothing at the pointer.
pub(crate) fn nothing_at(pointer: &str) -> Error {
    Error::new(ErrorKind::MalformedBody).because(format!("nothing stands at {pointer}"))
}

/// What stands at `pointer`, with `before` in front of it, can't be read.
pub(super) fn unreadable(error: &serde_json::Error, before: &[u8], pointer: &str) -> Error {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    let what = match error.classify() {
        Category::Data => mismatch(message),
        // serde_json's own words, which quote nothing.
        Category::Syntax | Category::Eof | Category::Io => Cow::Borrowed(message),
    };
    let place = if pointer.is_empty() { Cow::Borrowed("") } else { Cow::Owned(format!(" in {pointer}")) };
    let position = position(error, before);
    Error::new(ErrorKind::MalformedBody).because(format!("{what}{place}, {position}"))
}

/// Whether a body that isn't JSON begins as a form does (`application/x-www-form-urlencoded`): with a name, `=` and
/// something behind it, which padded base64 hasn't.
pub(super) fn is_form(body: &[u8]) -> bool {
    let begins_as_json = [&b"true"[..], b"false", b"null", b"["].iter().any(|start| body.starts_with(start))
        || body.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    let of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"*-._+%[]".contains(byte);
    let end = body.iter().position(|byte| !of_a_name(byte)).unwrap_or(body.len());
    let has_value = matches!(body[end..], [b'=', first, ..] if first != b'=' && !first.is_ascii_whitespace());
    !begins_as_json && end > 0 && has_value
}

/// Where in the body a text with `before` in front of it failed: lines from 1, columns in bytes.
pub(super) fn position(error: &serde_json::Error, before: &[u8]) -> String {
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let lines = before.iter().filter(|&&byte| byte == b'\n').count();
    let column = if error.line() == 1 { before.len() - line_start + error.column() } else { error.column() };
    format!("line {} column {column}", lines + error.line())
}

/// What serde says of a value that isn't of the type, without the value: the words that serde and the type itself
/// chose are kept, those of the body are not. What is written in another way could quote anything.
fn mismatch(message: &str) -> Cow<'_, str> {
    const OF_THE_TYPE_ALONE: [&str; 4] =
        ["missing field `", "duplicate field `", "invalid length ", "data did not match any variant of "];
    const BEFORE_A_VALUE: [&str; 4] =
        ["invalid type: ", "invalid value: ", "unknown variant `", "unknown field `"];
    const FOUND: [&str; 8] =
        ["null", "boolean `", "integer `", "floating point `", "string \"", "sequence", "map", "number"];
    if OF_THE_TYPE_ALONE.iter().any(|start| message.starts_with(start)) {
        return Cow::Borrowed(message);
    }
    let read = BEFORE_A_VALUE.iter().find_map(|start| Some((start, message.strip_prefix(start)?)));
    let Some((start, value)) = read else { return Cow::Borrowed("a value that its type refuses") };
    let plain = |text: &'static str| text.trim_end_matches([' ', '`', '"', ':']);
    let what = plain(start);
    let found = FOUND.iter().find(|found| value.starts_with(*found)).map(|found| plain(found));
    // What the type expects stands last, behind the value. Where it expects nothing, a value could pretend that.
    let expects_nothing =
        value.ends_with(", there are no variants") || value.ends_with(", there are no fields");
    let expected =
        value.rsplit_once(", expected ").filter(|_| !expects_nothing).map(|(_, expected)| expected);
    match (found, expected) {
        (Some(found), Some(expected)) => Cow::Owned(format!("{what}: {found}, expected {expected}")),
        (None, Some(expected)) => Cow::Owned(format!("{what}, expected {expected}")),
        (_, None) => Cow::Borrowed(what),
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, vec::Vec};
    use core::fmt;

    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read, and not looked at")]
    struct Invoice {
        amount_paid: u64,
        #[serde(default)]
        state: Option<State>,
        #[serde(default)]
        lines: Vec<BTreeMap<String, u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        Paid,
        Void,
    }

    #[derive(Debug, Deserialize)]
    enum Never {}

    fn reason<T: fmt::Debug + for<'de> Deserialize<'de>>(body: &str, pointer: &str) -> String {
        read_json::<T>(body.as_bytes(), pointer).expect_err(body).to_string()
    }

    #[test]
    fn an_error_says_what_is_wrong_and_where() {
        const START: &str = "malformed_body: the body is authentic, but isn't the JSON that was asked for: ";
        let data = "{\"id\":1,\n \"data\":{\"amount_paid\":5}}";
        assert_eq!(read_json::<Invoice>(data.as_bytes(), "/data").expect("an invoice").amount_paid, 5);
        for (body, why) in [
            ("{}", "missing field `amount_paid` in /data, line 2 column 10"),
            (r#"{"amount_paid":null}"#, "invalid type: null, expected u64 in /data, line 2 column 27"),
            (r#"{"amount_paid":-1}"#, "invalid value: integer, expected u64 in /data, line 2 column 25"),
            (
                r#"{"amount_paid":5,"state":"lost"}"#,
                "unknown variant, expected `paid` or `void` in /data, line 2 column 39",
            ),
            (
                r#"{"amount_paid":5,"tax":1}"#,
                "unknown field, expected one of `amount_paid`, `state`, `lines` in /data, line 2 column 30",
            ),
            (
                "{\"amount_paid\":5,\n\"lines\":[{\"a\":\"x\"}]}",
                "invalid type: string, expected u8 in /data, line 3 column 17",
            ),
        ] {
            let body = format!("{{\"id\":1,\n \"data\":{body}}}");
            assert_eq!(reason::<Invoice>(&body, "/data"), format!("{START}{why}"), "{body}");
        }
        for (body, why) in [
            ("", "EOF while parsing a value, line 1 column 0"),
            ("amount 5", "expected value, line 1 column 1"),
            ("{\"data\":{}", "EOF while parsing an object, line 1 column 10"),
            ("{\"id\":1}", "nothing stands at /data"),
        ] {
            assert_eq!(reason::<Invoice>(body, "/data"), format!("{START}{why}"), "{body}");
        }
        assert_eq!(
            reason::<Invoice>("{\"data\":\n{\"a\":1,\"a\":2}}", "/data"),
            "duplicate_key: the body is authentic, but an object in it holds one key twice: the second at line 2 column 10"
        );
        let no_text = read_json::<String>(b"\"a\xff\"", "").expect_err("no UTF-8").to_string();
        assert_eq!(no_text, format!("{START}no UTF-8 at byte 3"));
    }

    #[test]
    fn a_form_is_told_from_other_texts_that_are_no_json() {
        const TOLD: &str = "malformed_body: the body is authentic, but isn't the JSON that was asked for: the body looks \
                            like a form, not JSON: let the provider send JSON, or read the bytes as a form";
        for body in [
            "payload=%7B%22ref%22%3A%22canary%22%7D",
            "token=canary&team_id=T0&text=a+b",
            "a%20b[c]=canary canary",
            "text=&canary=1",
        ] {
            assert_eq!(reason::<Invoice>(body, ""), TOLD, "{body}");
            assert_eq!(reason::<Invoice>(body, "/data"), TOLD, "{body}");
            let found = find(body.as_bytes(), "/data").expect_err(body);
            assert_eq!(found.to_string(), TOLD, "{body}");
        }
        for body in [
            "",
            "=",
            "canary=",
            "Y2FuYXI==",
            "=canary",
            "canary canary=1",
            "<canary a='b'/>",
            "{canary=1}",
            "[canary]=1",
            "\"canary\"=1",
            "1=canary",
            "-1=canary",
            "null=canary",
            "canary",
        ] {
            let reason = reason::<Invoice>(body, "");
            assert!(!reason.contains("a form") && reason.contains(", line 1 column "), "{body}: {reason}");
            assert!(!reason.contains("canary"), "{reason}");
        }
    }

    #[test]
    fn a_number_is_the_nearest_that_its_type_has() {
        for text in
            ["62.492177953313434", "13.186456452835979", "61.507014117302723", "0.1", "1e23", "5e-324"]
        {
            let body = format!("{{\"amount\":{text}}}");
            let read = read_json::<f64>(body.as_bytes(), "/amount").expect("a number");
            assert_eq!(read, text.parse::<f64>().expect("a number"), "{text}");
        }
        let above = "18446744073709551617";
        assert_eq!(read_json::<u128>(above.as_bytes(), "").expect("a number").to_string(), above);
        assert_eq!(read_json::<&RawValue>(above.as_bytes(), "").expect("a number").get(), above);
    }

    #[test]
    fn an_error_shows_nothing_of_the_body() {
        for pretence in [
            "canary",
            "canary`, expected canary",
            "canary\", expected canary",
            "canary, expected canary",
            "missing field `canary",
            "canary at line 7 column 7",
            ", expected canary, there are no variants",
        ] {
            let text = serde_json::to_string(pretence).expect("a string");
            for body in [
                text.clone(),
                format!("[{text}]"),
                format!("{{{text}:1}}"),
                format!("{{{text}:1,{text}:2}}"),
                format!("{{\"amount_paid\":{text}}}"),
                format!("{{\"amount_paid\":1,\"state\":{text}}}"),
                format!("{{\"amount_paid\":1,\"state\":{{{text}:1}}}}"),
                format!("{{\"amount_paid\":1,\"lines\":[{{{text}:{text}}}]}}"),
                format!("{{\"amount_paid\":1}} {text}"),
                format!("{{\"amount_paid\":{text}"),
            ] {
                let reasons = [
                    reason::<Invoice>(&body, ""),
                    reason::<Never>(&body, ""),
                    reason::<Vec<Never>>(&body, ""),
                    reason::<core::net::IpAddr>(&body, ""),
                    reason::<(Never, u8)>(&format!("{{\"data\":{body}}}"), "/data"),
                ];
                for reason in reasons {
                    assert!(!reason.contains("canary"), "{body}: {reason}");
                }
            }
        }
    }
}
