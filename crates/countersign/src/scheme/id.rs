//! What an identifier in the signed content may be, for whoever signs it and whoever verifies it.

use super::Scheme;

impl Scheme {
    /// Whether a signed header can be an identifier: no delimiter, so that no byte can move from it to
    /// its neighbour in the signed content.
    #[inline]
    pub(crate) fn is_id(&self, value: &[u8]) -> bool {
        let allowed = if self.delivery.strict_ids { &STRICT } else { &VISIBLE };
        let good = value.iter().fold(true, |good, byte| good & allowed[usize::from(*byte)]);
        (1..=255).contains(&value.len()) && good
    }
}

/// Letters, digits, `-` and `_`.
static STRICT: [bool; 256] = bytes_like(true);
/// All visible ASCII characters.
static VISIBLE: [bool; 256] = bytes_like(false);

const fn bytes_like(strict: bool) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !strict || byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        byte += 1;
    }
    table
}
