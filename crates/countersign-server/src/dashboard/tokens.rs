//! Random texts that stand for something for a while, of which only the SHA-256 is kept.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{AccessError, time};

/// Tokens of one kind, each with what it stands for.
pub(super) struct Tokens<T> {
    life: Duration,
    most: usize,
    known: Mutex<HashMap<[u8; 32], Entry<T>>>,
}

struct Entry<T> {
    value: T,
    until: i64,
}

impl<T: Clone> Tokens<T> {
    /// Tokens that live for so long. Where there are `most`, a new one takes the place of the oldest.
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Tokens { life, most, known: Mutex::default() }
    }

    /// For how long a token lives.
    pub(super) fn life(&self) -> Duration {
        self.life
    }

    /// Makes a token of 256 random bits, at `now` in microseconds.
    ///
    /// # Errors
    /// [`AccessError::Random`].
    pub(super) fn issue(&self, value: T, now: i64) -> Result<Zeroizing<String>, AccessError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| AccessError::Random)?;
        let text = Zeroizing::new(Base64UrlUnpadded::encode_string(bytes.as_slice()));
        let mut known = self.lock();
        known.retain(|_, entry| entry.until > now);
        if known.len() >= self.most {
            let oldest = known.iter().min_by_key(|(_, entry)| entry.until).map(|(digest, _)| *digest);
            oldest.and_then(|digest| known.remove(&digest));
        }
        let until = now.saturating_add(time::micros(self.life));
        known.insert(digest(&text), Entry { value, until });
        Ok(text)
    }

    /// What a token stands for, while it lives.
    pub(super) fn find(&self, text: &str, now: i64) -> Option<T> {
        let known = self.lock();
        known.get(&digest(text)).filter(|entry| entry.until > now).map(|entry| entry.value.clone())
    }

    /// What a token stands for, if it lives; it ends with this.
    pub(super) fn take(&self, text: &str, now: i64) -> Option<T> {
        self.lock().remove(&digest(text)).filter(|entry| entry.until > now).map(|entry| entry.value)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry<T>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens<u8> {
        Tokens::new(Duration::from_secs(10), 2)
    }

    #[test]
    fn a_token_is_256_random_bits_and_is_kept_as_its_digest() {
        let tokens = tokens();
        let (one, other) = (tokens.issue(1, 0).expect("random"), tokens.issue(2, 0).expect("random"));
        assert_eq!((one.len(), other.len(), *one == *other), (43, 43, false));
        assert!(tokens.lock().contains_key(&digest(&one)));
        assert_eq!(
            (tokens.find(&one, 0), tokens.find(&other, 0), tokens.find("", 0)),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn a_token_ends_with_its_time_or_when_it_is_taken() {
        let tokens = tokens();
        let one = tokens.issue(1, 0).expect("random");
        assert_eq!((tokens.find(&one, 9_999_999), tokens.find(&one, 10_000_000)), (Some(1), None));
        assert_eq!((tokens.take(&one, 0), tokens.take(&one, 0), tokens.find(&one, 0)), (Some(1), None, None));
        let late = tokens.issue(1, 0).expect("random");
        assert_eq!(tokens.take(&late, 10_000_000), None);
    }

    #[test]
    fn one_token_too_many_ends_the_oldest() {
        let tokens = tokens();
        let made = [0, 1, 2].map(|now| tokens.issue(0, now).expect("random"));
        assert_eq!(made.map(|text| tokens.find(&text, 2).is_some()), [false, true, true]);
    }
}
