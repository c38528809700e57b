//! Why something failed, as it is kept.

/// At most [`MAX_REASON`] bytes, without NUL, which PostgreSQL can't keep.
pub(crate) fn shortened(reason: &str) -> String {
    let mut text = reason.replace('\0', "");
    text.truncate(text.floor_char_boundary(MAX_REASON));
    text
}

const MAX_REASON: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_two_characters() {
        let cut = shortened(&"é".repeat(600).replacen('é', "x\0", 1));
        assert_eq!(cut.len(), 1_023);
        assert!(cut.starts_with("xé") && cut.ends_with('é'));
    }
}
