//! Texts that people write, and what they may hold.

/// The longest name that can be given, in bytes.
pub(crate) const MAX: usize = 255;

/// The longest text by which something stored is looked for, in bytes: more than PostgreSQL's indexes take.
const MAX_STORED: usize = 4096;

/// Checks a text that is shown to others.
///
/// # Errors
/// One that is empty or too long, or that holds characters that can't be seen: what follows them could be
/// shown in another order than it has.
pub(crate) fn check(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("is empty"),
        _ if text.len() > MAX => Err("is longer than 255 bytes"),
        _ if text.trim() != text => Err("has white space around it"),
        _ if text.contains(is_unseen) => Err("holds a control character"),
        _ => Ok(()),
    }
}

/// Checks a text by which something stored is looked for. The application may have chosen names, past this API,
/// that [`check`] refuses: they are found all the same.
///
/// # Errors
/// One that not every store can keep: an empty one, one of more than 4096 bytes, or one with a NUL.
pub(crate) fn check_stored(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("is empty"),
        _ if text.len() > MAX_STORED => Err("is longer than 4096 bytes"),
        _ if text.contains('\0') => Err("holds a NUL"),
        _ => Ok(()),
    }
}

/// Checks a type of events, as one message has.
///
/// # Errors
/// What no event type is, a pattern such as `invoice.*` among it.
pub(crate) fn check_event_type(kind: &str) -> Result<(), String> {
    check(kind)?;
    match kind.ends_with('*') {
        true => Err("is a pattern: a message has one type, such as `invoice.paid`".to_owned()),
        false => countersign::EventFilter::parse(kind).map(drop).map_err(|error| error.to_string()),
    }
}

/// Control characters, and those that turn the direction of writing.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adv_94_text_that_would_be_shown_in_another_order_is_refused() {
        for text in ["", " a", "a\n", "a\0b", "paid\u{202E}gpj", "\u{2066}x", &"x".repeat(256)] {
            assert!(check(text).is_err(), "{text:?}");
        }
        for text in ["Billing", "Счета", "<img onerror=alert(1)>", "'; drop table --", "مدفوع"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_may_be_stored_is_looked_for_and_a_nul_is_not() {
        for text in [" a", "a\n", "paid\u{202E}gpj", &"x".repeat(4096)] {
            assert_eq!(check_stored(text), Ok(()), "{text:?}");
        }
        for text in ["", "a\0b", &"x".repeat(4097)] {
            assert!(check_stored(text).is_err(), "{text:.40?}");
        }
    }

    #[test]
    fn a_pattern_is_no_event_type() {
        assert!(check_event_type("invoice.*").is_err() && check_event_type("*").is_err());
        assert!(check_event_type("a,b").is_err());
        assert_eq!(check_event_type("/invoice/update/state"), Ok(()));
    }
}
