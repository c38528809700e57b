//! Bytes of many rows as one parameter, since JSON can't hold them.

/// The bytes of many rows, one after the other.
pub(super) struct Blob(Vec<u8>);

impl Blob {
    /// It begins with a byte of nobody's: `substr` of an empty blob is null.
    pub(super) fn new() -> Self {
        Blob(vec![0])
    }

    /// Adds bytes, and returns where `substr` finds them: their place, from 1, and their number.
    pub(super) fn add(&mut self, bytes: &[u8]) -> (usize, usize) {
        let place = self.0.len() + 1;
        self.0.extend_from_slice(bytes);
        (place, bytes.len())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
