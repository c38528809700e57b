//! Why a request was refused, for people: offline, never in a request's way.
//!
//! [`explain`] takes a request that was refused, with the secret, and tries what is usually wrong: a body that was
//! written anew on its way, a secret that was read in another form, another hash or encoding, another header, another
//! separator, the address of a proxy, a clock. What it finds is said in sentences, each with what to do.
//!
//! ```
//! use countersign::{Keyring, Message, RequestView, Signer, catalog, explain::{Case, Finding, explain}};
//!
//! let secret = "a secret of some length";
//! let signer = Signer::new(&catalog::IPTVBP, Keyring::new(&catalog::IPTVBP, [secret])?)?;
//! let sent = signer.sign(&Message::new("evt_1", br#"{"id":"evt_1","type":"invoice.paid"}"#), 1_700_000_000)?;
//!
//! let case = Case {
//!     scheme: &catalog::IPTVBP,
//!     secrets: &[secret],
//!     request: RequestView::post(&sent.headers),
//!     // Something parsed the JSON and wrote it anew before it was verified.
//!     body: br#"{"id": "evt_1", "type": "invoice.paid"}"#,
//!     url: None,
//!     now: 1_700_000_000,
//! };
//! let Finding::Changed(changes) = explain(&case) else { panic!("a near miss") };
//! assert!(changes[0].to_string().contains("without spaces"), "{}", changes[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//! Nothing that it finds is a proof: no way leads from a [`Finding`] to a [`Verified`](crate::Verified). It tries
//! thousands of keys and bodies, so it isn't for requests that anybody can send.

use alloc::vec::Vec;
use core::fmt;

use self::trial::Trial;
pub use self::{
    change::{BodyChange, Change, JsonStyle, SecretChange, Spaces},
    hint::{Hint, hints},
};
use crate::{RequestView, Scheme, Tolerance};

mod body;
mod change;
mod hint;
pub(crate) mod joined;
mod json;
pub(crate) mod secret;
mod senders;
pub(crate) mod trial;
mod url;
mod variants;

/// A request that was refused, and what it was judged by.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The scheme.
    pub scheme: &'a Scheme,
    /// The secrets, as they are configured.
    pub secrets: &'a [&'a str],
    /// The request without its body.
    pub request: RequestView<'a>,
    /// The body, as it was verified.
    pub body: &'a [u8],
    /// The endpoint's URL as it is registered with the provider, for schemes that sign it.
    pub url: Option<&'a str>,
    /// The receiver's clock, in Unix seconds.
    pub now: i64,
}

/// Shows no secret, and no byte of the body.
impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("scheme", &self.scheme.name)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What [`explain`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The request is valid as it is.
    Valid,
    /// It would be valid if all of these were otherwise: the fewest that were found.
    Changed(Vec<Change>),
    /// None of what is usually wrong makes it valid: where a signature was compared, it is another secret, or another
    /// body. What the request shows by itself, [`hints`] tells.
    Unknown,
}

/// Tries what is usually wrong, one thing at a time and then two together.
#[must_use]
pub fn explain(case: &Case<'_>) -> Finding {
    let trial = Trial::new(case);
    if trial.is_valid(case.now, Tolerance::default()) {
        return Finding::Valid;
    }
    let found = alone(&trial).or_else(|| one(&trial)).or_else(|| two(&trial));
    found.map_or(Finding::Unknown, |(mut changes, found)| {
        changes.extend(found.clock(case.now));
        Finding::Changed(changes)
    })
}

/// What was found: changes, and the trial that is valid with them but for its age.
type Found<'a> = Option<(Vec<Change>, Trial<'a>)>;

/// Nothing but the clock.
fn alone<'a>(trial: &Trial<'a>) -> Found<'a> {
    trial.is_authentic().then(|| (Vec::new(), trial.clone()))
}

fn one<'a>(trial: &Trial<'a>) -> Found<'a> {
    let found = variants::all(trial).chain(variants::schemes(trial)).find(|(_, trial)| trial.is_authentic());
    found.map(|(change, trial)| (alloc::vec![change], trial))
}

fn two<'a>(trial: &Trial<'a>) -> Found<'a> {
    if trial.body.len() > MAX_FOR_TWO {
        return None;
    }
    variants::all(trial).find_map(|(first, changed)| {
        let mut others = variants::after(&first, &changed);
        let (second, trial) = others.find(|(_, trial)| trial.is_authentic())?;
        Some((alloc::vec![first, second], trial))
    })
}

/// The largest body in bytes of which two changes are tried together, which are some thousands.
const MAX_FOR_TWO: usize = 64 * 1024;
