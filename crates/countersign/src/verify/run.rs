//! Who can have signed a request, and whether one of them did.

use alloc::vec::Vec;

use super::{
    Verifier,
    head::Head,
    signatures::{Entry, entries},
};
use crate::{
    encoding::Decoded,
    keyring::Material,
    mac::{Mac, Tag, same_text},
    scheme::{Algorithm, Signature},
};

/// Who can have made the signatures of a request by one algorithm.
pub(crate) enum Maker<'v> {
    /// The key at this place, by this algorithm, whose fresh tag this is.
    Mac(usize, Algorithm, &'v Mac),
    /// The token at this place.
    Token(usize),
    /// The keys of pairs at these places, by this algorithm: they share one message.
    Asymmetric(Algorithm, Vec<usize>),
}

impl<'v> Maker<'v> {
    /// Gives each key that is valid at `now`, for each algorithm that the request has a signature by.
    #[inline]
    pub(crate) fn each(verifier: &'v Verifier, head: &Head<'_>, now: i64, mut give: impl FnMut(Maker<'v>)) {
        for algorithm in head.algorithms(verifier.scheme()) {
            let fitting = verifier.keys.valid_at(now).filter(|(_, entry)| entry.fits(algorithm));
            if algorithm.is_asymmetric() {
                let keys: Vec<usize> = fitting.map(|(key, _)| key).collect();
                if !keys.is_empty() {
                    give(Maker::Asymmetric(algorithm, keys));
                }
                continue;
            }
            for (key, entry) in fitting {
                give(match entry.mac(algorithm) {
                    Some(mac) => Maker::Mac(key, algorithm, mac),
                    None => Maker::Token(key),
                });
            }
        }
    }

    /// Whether there is any.
    pub(crate) fn is_any(verifier: &'v Verifier, head: &Head<'_>, now: i64) -> bool {
        let mut any = false;
        Maker::each(verifier, head, now, |_| any = true);
        any
    }

    /// The key that made one of the signatures, where all that is signed of the body is at hand.
    #[inline]
    pub(crate) fn find_key(
        self,
        verifier: &Verifier,
        head: &Head<'_>,
        url: &str,
        body: &[u8],
    ) -> Option<usize> {
        let feed = |sink: &mut dyn FnMut(&[u8])| {
            head.content.feed(verifier.scheme_of(head.family), url, body, sink);
        };
        match self {
            Maker::Mac(key, algorithm, mac) => {
                Candidates::new(verifier, head, algorithm).key_of_tag(key, &mac.tag_of(feed))
            }
            Maker::Token(key) => Candidates::new(verifier, head, Algorithm::Token).key_of_token(key),
            Maker::Asymmetric(algorithm, keys) => {
                let mut message = Vec::new();
                feed(&mut |bytes| message.extend_from_slice(bytes));
                Candidates::new(verifier, head, algorithm).key_that_made(&message, keys)
            }
        }
    }
}

/// A [`Maker`] at work on a request whose body is arriving: fed the signed bytes once, however many
/// signatures there are.
pub(crate) enum Run {
    Mac(usize, Algorithm, Mac),
    Token(usize),
    Asymmetric(Algorithm, Vec<usize>, Vec<u8>),
}

impl Run {
    /// Begins with what stands before the body.
    pub(crate) fn begin(maker: Maker<'_>, verifier: &Verifier, head: &Head<'_>) -> Run {
        let mut run = match maker {
            Maker::Mac(key, algorithm, mac) => Run::Mac(key, algorithm, mac.clone()),
            Maker::Token(key) => Run::Token(key),
            Maker::Asymmetric(algorithm, keys) => Run::Asymmetric(algorithm, keys, Vec::new()),
        };
        let scheme = verifier.scheme_of(head.family);
        head.content.feed_before(scheme, &verifier.rules.url, &mut |bytes| run.update(bytes));
        run
    }

    /// Feeds a piece of the body, where that is signed.
    pub(crate) fn feed_body(&mut self, verifier: &Verifier, head: &Head<'_>, bytes: &[u8]) {
        if verifier.scheme_of(head.family).covers_body() {
            self.update(bytes);
        }
    }

    /// Feeds a piece of the signed content.
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Run::Mac(_, _, mac) => mac.update(bytes),
            Run::Token(_) => {}
            Run::Asymmetric(_, _, message) => message.extend_from_slice(bytes),
        }
    }

    /// Feeds what stands behind the body, and gives the key that made one of the signatures.
    pub(crate) fn finish(mut self, verifier: &Verifier, head: &Head<'_>) -> Option<usize> {
        let scheme = verifier.scheme_of(head.family);
        head.content.feed_after(scheme, &verifier.rules.url, &mut |bytes| self.update(bytes));
        match self {
            Run::Mac(key, algorithm, mac) => {
                Candidates::new(verifier, head, algorithm).key_of_tag(key, &mac.finish())
            }
            Run::Token(key) => Candidates::new(verifier, head, Algorithm::Token).key_of_token(key),
            Run::Asymmetric(algorithm, keys, message) => {
                Candidates::new(verifier, head, algorithm).key_that_made(&message, keys)
            }
        }
    }
}

/// The signatures of a request by one algorithm.
struct Candidates<'c> {
    verifier: &'c Verifier,
    head: &'c Head<'c>,
    signature: &'c Signature,
    algorithm: Algorithm,
}

impl<'c> Candidates<'c> {
    #[inline]
    fn new(verifier: &'c Verifier, head: &'c Head<'c>, algorithm: Algorithm) -> Self {
        let signature = &verifier.scheme_of(head.family).signature;
        Candidates { verifier, head, signature, algorithm }
    }

    /// The key, where one of them is its tag.
    #[inline]
    fn key_of_tag(&self, key: usize, tag: &Tag) -> Option<usize> {
        self.any_decoded(key, |bytes| tag.matches(bytes)).then_some(key)
    }

    /// The key, where one of them is its token.
    fn key_of_token(&self, key: usize) -> Option<usize> {
        let Material::Token(token) = &self.verifier.keys.entries[key].material else { return None };
        self.any(key, |text| same_text(token.expose(), text)).then_some(key)
    }

    /// The first of the keys that made one of them over `message`.
    fn key_that_made(&self, message: &[u8], keys: Vec<usize>) -> Option<usize> {
        keys.into_iter().find(|key| {
            let Material::Asymmetric(of_pair) = &self.verifier.keys.entries[*key].material else {
                return false;
            };
            self.any_decoded(*key, |bytes| of_pair.verifies(message, bytes))
        })
    }

    /// Whether one that may be the key's is accepted, as it is written.
    #[inline]
    fn any(&self, key: usize, accepts: impl Fn(&[u8]) -> bool) -> bool {
        let Signature { syntax, versions, .. } = self.signature;
        let may_be_its = |owner: Option<usize>| owner.is_none_or(|owner| owner == key);
        let by_it = |version: usize| versions[version].algorithm == self.algorithm;
        if let Some((owner, version, text)) = self.head.only {
            return may_be_its(owner) && by_it(version) && accepts(text);
        }
        let values = self.head.signatures.values().filter(|(owner, _)| may_be_its(*owner));
        values.flat_map(|(_, value)| entries(syntax, versions, value)).any(|entry| match entry {
            Entry::Signature { version, text } => by_it(version) && accepts(text),
            _ => false,
        })
    }

    /// Whether one that may be the key's is accepted, decoded.
    #[inline]
    fn any_decoded(&self, key: usize, accepts: impl Fn(&[u8]) -> bool) -> bool {
        let encoding = self.signature.encoding;
        self.any(key, |text| {
            Decoded::parse(encoding, text).is_some_and(|candidate| accepts(candidate.as_bytes()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, RequestView, catalog};

    const NOW: i64 = 1_700_000_000;

    /// Nobody asks for it; were it asked for, a tag would not be held against it.
    #[test]
    fn a_signature_is_held_against_its_own_algorithm_alone() {
        let scheme = &catalog::STRIPE;
        let keys = Keyring::new(scheme, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).expect("a key");
        let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
        let headers = [("stripe-signature", alloc::format!("t={NOW},v1={:064}", 0))];
        let request = RequestView { method: "POST", target: "/", headers: &headers };
        let head = Head::read(&verifier, &request, NOW).expect("a head");
        let candidates = |algorithm| Candidates::new(&verifier, &head, algorithm);
        assert!(candidates(Algorithm::HmacSha256).any(0, |_| true));
        assert!(!candidates(Algorithm::HmacSha512).any(0, |_| true));
        assert_eq!(candidates(Algorithm::Token).key_of_token(0), None);
    }
}
