//! Strict decoding of signatures, into a buffer of fixed size.

use alloc::string::String;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

use crate::scheme::Encoding;

/// The longest signature of any algorithm, in bytes.
pub(crate) const MAX_SIGNATURE: usize = 64;

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
            Encoding::Hex if text.iter().any(u8::is_ascii_uppercase) => None,
            Encoding::Hex | Encoding::HexAnyCase => {
                let len = text.len() / 2;
                hex::decode_to_slice(text, bytes.get_mut(..len)?).ok().map(|()| len)
            }
            Encoding::Base64 => Base64::decode(text, &mut bytes).ok().map(<[u8]>::len),
            Encoding::Base64Url => Base64UrlUnpadded::decode(text, &mut bytes).ok().map(<[u8]>::len),
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
    fn a_signature_longer_than_any_is_refused() {
        assert!(ok(Encoding::Hex, &"ab".repeat(64)));
        assert!(!ok(Encoding::Hex, &"ab".repeat(65)));
        assert!(!ok(Encoding::Base64, &"QUJD".repeat(22)));
    }
}
