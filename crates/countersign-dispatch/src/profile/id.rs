//! Ids of events, made by chance.

use std::fmt::Write;

use super::ProfileError;

/// An id such as `evt_0f8fad5bd9cb469fa16570867728950e`.
pub(super) fn event() -> Result<String, ProfileError> {
    Ok(format!("evt_{}", hex(&random()?)))
}

/// A UUID of version 4 (RFC 9562 §5.4).
pub(super) fn uuid() -> Result<String, ProfileError> {
    let mut bytes = random()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    Ok([&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-"))
}

fn random() -> Result<[u8; 16], ProfileError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ProfileError::random())?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_made_twice() {
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| event().expect("an id")).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 36 && id.starts_with("evt_")));
    }

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        for uuid in (0..1000).map(|_| uuid().expect("a UUID")) {
            let parts: Vec<_> = uuid.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
        }
    }
}
