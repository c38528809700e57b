//! Strict decoding of signatures, into a buffer of fixed size.

use alloc::string::String;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

use crate::scheme::Encoding;

/// The longest signature of any algorithm, in bytes: two numbers of P-256 in DER.
pub(crate) const MAX_SIGNATURE: usize = 72;

/// A decoded signature.
pub(crate) struct Decoded {
    bytes: [u8; MAX_SIGNATURE],
    len: usize,
}

impl Decoded {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Decodes `text`, which must be the one canonical writing of at most [`MAX_SIGNATURE`] bytes:
    /// no white space, no `0x`, no stray padding, no bits set behind the end.
    pub(crate) fn parse(encoding: Encoding, text: &[u8]) -> Option<Decoded> {
        let mut bytes = [0; MAX_SIGNATURE];
        let len = match encoding {
            Encoding::Hex => decode_hex(&LOWER, text, &mut bytes),
            Encoding::HexAnyCase => decode_hex(&ANY_CASE, text, &mut bytes),
            Encoding::Base64 => decode_base64(&STANDARD, unpad(text)?, &mut bytes),
            Encoding::Base64Url => decode_base64(&URL_SAFE, text, &mut bytes),
            Encoding::Raw => None,
        }?;
        Some(Decoded { bytes, len })
    }
}

/// Writes a signature.
pub(crate) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex | Encoding::HexAnyCase => hex::encode(bytes),
        Encoding::Base64 => Base64::encode_string(bytes),
        Encoding::Base64Url => Base64UrlUnpadded::encode_string(bytes),
        Encoding::Raw => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Takes off the padding, which must be there exactly where it is due.
fn unpad(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    (text.len().is_multiple_of(4) && digits.len().div_ceil(4) * 4 == text.len()).then_some(digits)
}

/// Decodes hexadecimal by table; as with base64, the library's decoder costs a tenth of a whole
/// verification of 1 KiB.
fn decode_hex(values: &[u8; 256], text: &[u8], out: &mut [u8; MAX_SIGNATURE]) -> Option<usize> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > out.len() {
        return None;
    }
    let mut seen = 0;
    for ([high, low], byte) in pairs.iter().zip(out.iter_mut()) {
        let [high, low] = [values[usize::from(*high)], values[usize::from(*low)]];
        seen |= high | low;
        *byte = high << 4 | low & 0x0f;
    }
    (seen & NO_DIGIT == 0).then_some(pairs.len())
}

/// Decodes unpadded base64 by table. What arrives in a header is no secret, so it needs no decoder
/// that takes the same time for any text, as secrets do.
fn decode_base64(values: &[u8; 256], text: &[u8], out: &mut [u8; MAX_SIGNATURE]) -> Option<usize> {
    let len = text.len() * 3 / 4;
    if len > out.len() || text.len() % 4 == 1 {
        return None;
    }
    let value = |digit: u8| u32::from(values[usize::from(digit)]);
    let mut seen = 0;
    let (groups, rest) = text.as_chunks::<4>();
    for ([a, b, c, d], bytes) in groups.iter().zip(out.as_chunks_mut::<3>().0) {
        let [a, b, c, d] = [value(*a), value(*b), value(*c), value(*d)];
        seen |= a | b | c | d;
        let [_, x, y, z] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
        *bytes = [x, y, z];
    }
    let tail = &mut out[groups.len() * 3..len];
    let group = rest.iter().fold(0, |group, digit| group << 6 | value(*digit));
    seen |= rest.iter().fold(0, |seen, digit| seen | value(*digit));
    let unused_bits = rest.len() * 6 % 8;
    let whole = (group >> unused_bits).to_be_bytes();
    tail.copy_from_slice(&whole[whole.len() - tail.len()..]);
    let unused = group & ((1 << unused_bits) - 1);
    (seen & u32::from(NO_DIGIT) == 0 && unused == 0).then_some(len)
}

/// The mark of what is no digit.
const NO_DIGIT: u8 = 0x80;

static LOWER: [u8; 256] = values_of(&[b"0123456789abcdef"]);
static ANY_CASE: [u8; 256] = values_of(&[b"0123456789abcdef", b"0123456789ABCDEF"]);
static STANDARD: [u8; 256] =
    values_of(&[b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"]);
static URL_SAFE: [u8; 256] =
    values_of(&[b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]);

/// The value of each byte as a digit of these alphabets.
const fn values_of(alphabets: &[&[u8]]) -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut which = 0;
    while which < alphabets.len() {
        let mut value = 0;
        while value < alphabets[which].len() {
            values[alphabets[which][value] as usize] = value as u8;
            value += 1;
        }
        which += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(encoding: Encoding, text: &str) -> bool {
        Decoded::parse(encoding, text.as_bytes()).is_some()
    }

    #[test]
    fn adv_29_unused_trailing_bits_of_base64_are_refused() {
        assert!(ok(Encoding::Base64, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert!(!ok(Encoding::Base64, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="));
        assert!(ok(Encoding::Base64Url, "tLa470fx7qkLLEcMOcEUFuBbRSkGujyskxrNXcoh0N0"));
        assert!(!ok(Encoding::Base64Url, "tLa470fx7qkLLEcMOcEUFuBbRSkGujyskxrNXcoh0N1"));
    }

    #[test]
    fn adv_30_base64_has_one_coding() {
        for text in ["-_8", "+/8", "+/8=\n", " +/8=", "+/8==", "-_8="] {
            assert!(!ok(Encoding::Base64, text), "{text:?}");
        }
        assert!(ok(Encoding::Base64, "+/8="));
    }

    #[test]
    fn adv_31_hex_is_strict() {
        for text in ["+f", "0xff", "f", "ff ", "FF", "\u{ff26}\u{ff26}", "f\0", "fg"] {
            assert!(!ok(Encoding::Hex, text), "{text:?}");
        }
        assert!(ok(Encoding::HexAnyCase, "FF"));
        assert!(!ok(Encoding::HexAnyCase, "+F"));
    }

    #[test]
    fn base64_is_read_as_by_the_library() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize
        };
        let alphabet = b"AQgw+/-_=zZ09 \n\xff";
        let mut accepted = 0;
        for encoding in [Encoding::Base64, Encoding::Base64Url] {
            for _ in 0..200_000 {
                let text: alloc::vec::Vec<u8> =
                    (0..next() % 12).map(|_| alphabet[next() % alphabet.len()]).collect();
                let mut out = [0; MAX_SIGNATURE];
                let expected = match encoding {
                    Encoding::Base64 => Base64::decode(&text, &mut out).ok().map(<[u8]>::to_vec),
                    _ => Base64UrlUnpadded::decode(&text, &mut out).ok().map(<[u8]>::to_vec),
                };
                let ours = Decoded::parse(encoding, &text).map(|decoded| decoded.as_bytes().to_vec());
                assert_eq!(ours, expected, "{}", text.escape_ascii());
                accepted += usize::from(ours.is_some());
            }
            for len in 0..=MAX_SIGNATURE {
                let bytes: alloc::vec::Vec<u8> = (0..len).map(|_| next().to_le_bytes()[0]).collect();
                let text = encode(encoding, &bytes);
                assert_eq!(Decoded::parse(encoding, text.as_bytes()).expect("canonical").as_bytes(), bytes);
            }
        }
        assert!(accepted > 1_000);
    }

    #[test]
    fn hexadecimal_is_read_as_by_the_library() {
        for first in 0..=255 {
            for second in 0..=255 {
                let text = [first, second];
                let expected = hex::decode(text).ok();
                let ours =
                    Decoded::parse(Encoding::HexAnyCase, &text).map(|decoded| decoded.as_bytes().to_vec());
                assert_eq!(ours, expected, "{}", text.escape_ascii());
                let lower = !text.iter().any(u8::is_ascii_uppercase);
                assert_eq!(Decoded::parse(Encoding::Hex, &text).is_some(), expected.is_some() && lower);
            }
        }
    }

    #[test]
    fn a_signature_longer_than_any_is_refused() {
        assert!(ok(Encoding::Hex, &"ab".repeat(72)));
        assert!(!ok(Encoding::Hex, &"ab".repeat(73)));
        assert!(ok(Encoding::Base64, &"QUJD".repeat(24)));
        assert!(!ok(Encoding::Base64, &"QUJD".repeat(25)));
    }
}
