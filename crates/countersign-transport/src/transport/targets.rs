//! The URLs that were sent to last, parsed.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    policy::Policy,
    target::{Target, TargetError},
};

/// The URLs that were sent to last, parsed and found permitted by one policy.
#[derive(Default)]
pub(super) struct Targets(Mutex<HashMap<String, Target>>);

/// How many are kept; then all are let go.
const MOST: usize = 10_000;

impl Targets {
    /// As [`Target::parse`].
    pub(super) fn parse(&self, url: &str, policy: &Policy) -> Result<Target, TargetError> {
        if let Some(known) = self.lock().get(url) {
            return Ok(known.clone());
        }
        let target = Target::parse(url, policy)?;
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(url.to_owned(), target.clone());
        Ok(target)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Target>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_once_and_one_that_is_refused_is_not_kept() {
        let (targets, policy) = (Targets::default(), Policy::new());
        for url in ["https://a.example/1", "https://a.example/2", "https://a.example/1"] {
            assert_eq!(targets.parse(url, &policy).expect("a target").expose(), url);
        }
        for _ in 0..2 {
            assert!(targets.parse("https://10.0.0.1/", &policy).is_err());
        }
        assert_eq!(targets.lock().len(), 2);
    }

    #[test]
    fn no_more_are_kept_than_fit() {
        let (targets, policy) = (Targets::default(), Policy::new());
        for number in 0..=MOST {
            targets.parse(&format!("https://a.example/{number}"), &policy).expect("a target");
        }
        assert_eq!(targets.lock().len(), 1);
    }
}
