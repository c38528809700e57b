//! Who may do what: keys of the API, and what their holders are allowed.

use std::{fmt, sync::Arc};

use countersign_store::api_keys::Scope;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

pub use self::{
    caller::Caller,
    key::{ApiKey, KeyDigest},
};

mod caller;
mod key;
pub(crate) mod stored;

/// The keys that the API lets in whatever its store holds, by their digests: one without keys lets nobody in. Keys that
/// are made while the server runs are the store's: see [`Server::stored_keys`](crate::Server::stored_keys).
///
/// ```
/// use countersign_server::{Access, ApiKey, Scope};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = ApiKey::generate()?;
/// println!("keep this, it isn't shown again: {}", key.expose());
/// println!("put this into the configuration: {}", key.digest());
///
/// let access = Access::new().key("ops", key.digest(), Scope::Admin)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Access {
    entries: Vec<(KeyDigest, Caller)>,
}

impl Access {
    /// Lets nobody in.
    #[must_use]
    pub fn new() -> Self {
        Access::default()
    }

    /// Lets in whoever has the key of this digest. The label tells one key from another in the log.
    ///
    /// # Errors
    /// A label or a digest that is there already.
    pub fn key(
        mut self,
        label: impl Into<Arc<str>>,
        digest: KeyDigest,
        scope: Scope,
    ) -> Result<Self, AccessError> {
        let caller = Caller::new(label, scope);
        if self.has_label(caller.label()) {
            return Err(AccessError::RepeatedLabel);
        }
        if self.entries.iter().any(|(other, _)| *other == digest) {
            return Err(AccessError::RepeatedKey);
        }
        self.entries.push((digest, caller));
        Ok(self)
    }

    /// Whether one of the keys has this label.
    pub(crate) fn has_label(&self, label: &str) -> bool {
        self.entries.iter().any(|(_, caller)| caller.label() == label)
    }

    /// Whose key this text is. Every digest is compared, in constant time.
    pub(crate) fn find(&self, text: &str) -> Option<&Caller> {
        let presented: [u8; 32] = Sha256::digest(text).into();
        let mut place = u32::MAX;
        for (at, (digest, _)) in (0..).zip(&self.entries) {
            let same: Choice = digest.bytes().ct_eq(&presented);
            place.conditional_assign(&at, same);
        }
        self.entries.get(place as usize).map(|(_, caller)| caller)
    }
}

/// Why a key can't be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// Another key has this label.
    RepeatedLabel,
    /// The key is there already.
    RepeatedKey,
    /// The text is no key: `csk_` and 43 characters.
    NotAKey,
    /// The text is no digest: `sha256:` and 64 hexadecimal digits.
    NotADigest,
    /// The operating system gives no random numbers.
    Random,
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccessError::RepeatedLabel => "two keys have one label: give each its own",
            AccessError::RepeatedKey => "a key is there twice: remove one",
            AccessError::NotAKey => {
                "this is no key: one is `csk_` and 43 characters, and is made, not chosen"
            }
            AccessError::NotADigest => {
                "this is no digest of a key: one is `sha256:` and 64 hexadecimal digits"
            }
            AccessError::Random => "the operating system gives no random numbers",
        })
    }
}

impl std::error::Error for AccessError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin(key: &ApiKey) -> Access {
        Access::new().key("ops", key.digest(), Scope::Admin).expect("a key")
    }

    #[test]
    fn adv_97_a_key_is_kept_as_its_digest_and_found_by_its_whole_text() {
        let (key, other) = (ApiKey::generate().expect("a key"), ApiKey::generate().expect("a key"));
        let read = Scope::Read { tenant: None };
        let access = admin(&key).key("reader", other.digest(), read).expect("a key");
        assert_eq!(access.find(key.expose()).map(Caller::label), Some("ops"));
        assert_eq!(access.find(other.expose()).map(Caller::label), Some("reader"));
        let shorter = &key.expose()[..key.expose().len() - 1];
        for wrong in ["", "csk_", shorter, &format!("{}A", key.expose()), &key.digest().to_string()] {
            assert!(access.find(wrong).is_none(), "{wrong}");
        }
        let shown = format!("{access:?}");
        assert!(!shown.contains(&key.expose()[4..]), "{shown}");
    }

    #[test]
    fn adv_98_without_keys_nobody_is_let_in() {
        assert!(Access::new().find("").is_none());
        assert!(Access::new().find(ApiKey::generate().expect("a key").expose()).is_none());
    }

    #[test]
    fn a_label_or_a_key_that_stands_twice_is_refused() {
        let (key, other) = (ApiKey::generate().expect("a key"), ApiKey::generate().expect("a key"));
        let again = admin(&key).key("ops", other.digest(), Scope::Admin);
        assert_eq!(again.map(drop), Err(AccessError::RepeatedLabel));
        let again = admin(&key).key("more", key.digest(), Scope::Admin);
        assert_eq!(again.map(drop), Err(AccessError::RepeatedKey));
    }
}
