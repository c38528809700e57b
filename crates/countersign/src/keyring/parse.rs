//! From the text of a secret to key bytes.

use alloc::vec::Vec;

use base64ct::{Base64Unpadded, Encoding as _};
use zeroize::Zeroizing;

use super::KeyErrorKind;
use crate::{
    scheme::{KeyForm, KeyKind, KeyRule, SecretEncoding},
    secret::Secret,
};

/// Reads the text of a secret. Nothing is trimmed: a stray line break would make another key.
pub(super) fn parse(rule: &KeyRule, text: &str) -> Result<(KeyKind, SecretEncoding, Secret), KeyErrorKind> {
    if text.is_empty() {
        return Err(KeyErrorKind::Empty);
    }
    if text.chars().all(char::is_whitespace) {
        return Err(KeyErrorKind::Blank);
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(KeyErrorKind::SurroundingSpace);
    }
    let form =
        rule.forms.iter().find(|form| text.starts_with(&*form.prefix)).ok_or(KeyErrorKind::UnknownForm)?;
    let rest = &text[form.prefix.len()..];
    if rest.is_empty() {
        return Err(KeyErrorKind::PrefixOnly);
    }
    let bytes = decode(form, if form.keep_prefix { text } else { rest })?;
    let secret = Secret::new(bytes);
    check_strength(rule, form, secret.expose())?;
    Ok((form.kind, form.encoding, secret))
}

fn decode(form: &KeyForm, text: &str) -> Result<Vec<u8>, KeyErrorKind> {
    match form.encoding {
        SecretEncoding::Text if is_other_key(text) => Err(KeyErrorKind::WrongKind),
        SecretEncoding::Text => Ok(text.as_bytes().to_vec()),
        SecretEncoding::Hex | SecretEncoding::Base64 if text.starts_with(PEM) => Err(KeyErrorKind::Pem),
        SecretEncoding::Hex => decode_hex(text).ok_or(KeyErrorKind::Undecodable),
        SecretEncoding::Base64 => decode_base64(text).ok_or(KeyErrorKind::Undecodable),
        SecretEncoding::BasicCredentials => match text.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Ok(text.as_bytes().to_vec())
            }
            _ => Err(KeyErrorKind::Undecodable),
        },
    }
}

/// Decodes into room made at once: a vector that grows leaves pieces of the secret behind.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Zeroizing::new(alloc::vec![0; text.len() / 2]);
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(core::mem::take(&mut *bytes))
}

/// Decodes a secret as widely used libraries do: padded or not, and whatever the bits behind its last
/// byte are. Signatures are never read so.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut digits = Zeroizing::new(digits.as_bytes().to_vec());
    let unused_bits = match digits.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => 0,
    };
    let last = digits.last_mut()?;
    let value = BASE64_ALPHABET.iter().position(|digit| digit == last)?;
    *last = BASE64_ALPHABET[value & !unused_bits];
    Base64Unpadded::decode_vec(core::str::from_utf8(&digits).ok()?).ok()
}

const BASE64_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Whether a text is plainly the key of another scheme or the public half of one: used as the text
/// of an HMAC key it would make a secret out of what everybody knows.
fn is_other_key(text: &str) -> bool {
    ["whpk_", "whsk_", PEM].iter().any(|prefix| text.starts_with(prefix))
}

/// What a key in PEM begins with (RFC 7468 §2).
const PEM: &str = "-----BEGIN ";

fn check_strength(rule: &KeyRule, form: &KeyForm, bytes: &[u8]) -> Result<(), KeyErrorKind> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(KeyErrorKind::Weak);
    }
    let prefix = if form.keep_prefix { form.prefix.len() } else { 0 };
    let own = bytes.len() - prefix;
    match form.kind {
        KeyKind::Symmetric if own < usize::from(rule.min_bytes) => Err(KeyErrorKind::TooShort),
        KeyKind::Symmetric if own > usize::from(rule.max_bytes) => Err(KeyErrorKind::TooLong),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

    use super::*;

    #[test]
    fn base64_is_read_padded_or_not_whatever_its_unused_bits_are() {
        for (bytes, texts) in [("A", ["QQ==", "QQ", "QR=="]), ("AB", ["QUI=", "QUI", "QUJ="])] {
            for text in texts {
                assert_eq!(decode_base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
            }
        }
        assert_eq!(decode_base64("QUJD").as_deref(), Some(b"ABC".as_slice()));
        for text in ["", "Q", "QQ=", "Q===", "QUJD====", "====", "QQ==QQ", "Q Q=", "QUJ-"] {
            assert_eq!(decode_base64(text), None, "{text}");
        }
    }

    #[test]
    fn the_length_that_is_limited_is_that_behind_the_prefix() {
        const FORMS: &[KeyForm] = &[KeyForm::text_with_prefix("key_")];
        let rule = KeyRule { max_bytes: 6, ..KeyRule::of(FORMS).min(4) };
        let kind = |text: &str| parse(&rule, text).err();
        assert_eq!(kind("key_abc"), Some(KeyErrorKind::TooShort));
        assert_eq!(kind("key_abcd"), None);
        assert_eq!(kind("key_abcdef"), None);
        assert_eq!(kind("key_abcdefg"), Some(KeyErrorKind::TooLong));
    }

    #[test]
    fn credentials_have_a_user_and_a_password() {
        let form = KeyForm::new("", SecretEncoding::BasicCredentials, KeyKind::Symmetric);
        let rule = KeyRule { forms: Cow::Owned(alloc::vec![form]), ..KeyRule::TEXT.min(1) };
        assert!(parse(&rule, "user:password").is_ok());
        for text in ["user", "user:", ":password", ":"] {
            assert_eq!(parse(&rule, text).err(), Some(KeyErrorKind::Undecodable), "{text}");
        }
    }
}
