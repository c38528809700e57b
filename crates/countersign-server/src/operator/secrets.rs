//! The secrets of endpoints: made, sealed, shown once, changed.

use std::{fmt, time::Duration};

use countersign::{Keyring, scheme::Text};
use countersign_dispatch::{DEFAULT_OVERLAP, any_sealed, rotate};
use countersign_store::outbox::{Endpoint, EndpointKey, OutboxStore};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::Operator;
use crate::{
    Caller,
    contract::Contract,
    refusal::{Refusal, RefusalKind},
    time::Time,
};

/// A secret that is new, and is shown once.
pub(crate) struct Secret {
    text: Zeroizing<String>,
    /// When it was made, and how it is shown afterwards. What is sealed isn't opened to show its end.
    label: String,
}

/// How a secret is changed.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rotation {
    /// The new secret, where the receiver has it already; one is made, where it is left out.
    #[schema(format = Password)]
    pub(crate) secret: Option<String>,
    /// For how long the old secrets sign beside the new one, in seconds: a day, where it is left out; 30 days at
    /// most. Where the scheme holds one signature alone, as GitHub's does, 0, which it is there where it is left out.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    pub(crate) overlap_seconds: Option<u32>,
}

impl Secret {
    /// The secret that is given, or one that is made (`None` where the scheme signs nothing); and the names of the
    /// headers that the scheme writes.
    pub(super) fn of_scheme(
        scheme: &str,
        given: Option<String>,
        now: i64,
    ) -> Result<(Option<Self>, Vec<Text>), Refusal> {
        let in_scheme = |mistake: String| Refusal::field("scheme", mistake);
        let contract = Contract::of(scheme).map_err(in_scheme)?;
        let field = if given.is_some() { "secret" } else { "scheme" };
        let text = text(&contract, given.map(Zeroizing::new))?;
        let checked = contract.check_secret(text.as_ref().map(|text| text.as_str()));
        checked.map_err(|mistake| Refusal::field(field, mistake))?;
        contract.check_headers().map_err(in_scheme)?;
        Ok((text.map(|text| Secret::new(&contract, text, now)), contract.headers()))
    }

    fn new(contract: &Contract, text: Zeroizing<String>, now: i64) -> Self {
        let label = format!("{} {}", Time(now).render(), contract.hint(&text));
        Secret { text, label }
    }

    /// The text.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }
}

/// Shows no character of the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// How a key is shown to an admin: how it begins by rule, and its last four characters. `None` of a key that
/// wasn't made here.
pub(crate) fn hint(key: &EndpointKey) -> Option<&str> {
    key.label.split_once(' ').map(|(_, hint)| hint).filter(|hint| hint.contains('…'))
}

impl<S: OutboxStore> Operator<S> {
    /// Changes the secret of an endpoint. The old ones sign beside it for a while.
    pub(crate) async fn rotate_secret(
        &self,
        caller: &Caller,
        id: &str,
        rotation: Rotation,
    ) -> Result<(Endpoint, Secret), Refusal> {
        let mut endpoint = self.endpoint_to_change(caller, id).await?;
        let overlap = overlap(has_overlaps(&endpoint), rotation.overlap_seconds)?;
        let (secret, _) = Secret::of_scheme(&endpoint.scheme, rotation.secret, self.now())?;
        let unsigned = || Refusal::new(RefusalKind::Conflict, "the endpoint's scheme signs nothing");
        let secret = secret.ok_or_else(unsigned)?;
        let key = self.seal(&endpoint.id, &secret).await?;
        endpoint.keys = rotate(&endpoint.keys, key, self.now() / 1_000_000, overlap);
        if endpoint.keys.len() > Keyring::MAX_KEYS {
            let detail =
                "too many secrets sign side by side: wait until an overlap is over, or give a shorter one";
            return Err(Refusal::new(RefusalKind::Conflict, detail));
        }
        self.keep(&mut endpoint).await?;
        self.audit(caller, "secret.rotated", id);
        Ok((endpoint, secret))
    }

    /// The key of an endpoint's secret, as the store keeps it: sealed, where there is a sealer. Without one it is
    /// refused beside secrets that are sealed, whichever endpoint's.
    pub(super) async fn seal(&self, endpoint_id: &str, secret: &Secret) -> Result<EndpointKey, Refusal> {
        let failed = |_| Refusal::new(RefusalKind::Internal, "the secret can't be sealed");
        let sealed = match &self.settings().sealer {
            Some(sealer) => sealer.seal(endpoint_id, &secret.label, secret.expose()).map_err(failed)?,
            None if any_sealed(self.store()).await? => {
                return Err(Refusal::new(RefusalKind::Conflict, UNSEALABLE));
            }
            None => secret.expose().to_owned(),
        };
        let label = secret.label.clone();
        Ok(EndpointKey::new(label, sealed))
    }
}

/// The text of a secret, where there is one.
fn text(contract: &Contract, given: Option<Zeroizing<String>>) -> Result<Option<Zeroizing<String>>, Refusal> {
    match given {
        Some(_) if !contract.signs() => {
            Err(Refusal::field("secret", "is not used: the scheme signs nothing"))
        }
        None if !contract.signs() => Ok(None),
        Some(given) => Ok(Some(given)),
        None => contract.generate().map(Some),
    }
}

/// Whether an old secret of the endpoint can sign beside a new one.
pub(crate) fn has_overlaps(endpoint: &Endpoint) -> bool {
    Contract::of(&endpoint.scheme).is_ok_and(|contract| contract.has_overlaps())
}

fn overlap(has_overlaps: bool, seconds: Option<u32>) -> Result<Duration, Refusal> {
    match seconds {
        None if has_overlaps => Ok(DEFAULT_OVERLAP),
        None => Ok(Duration::ZERO),
        Some(1..) if !has_overlaps => Err(Refusal::field(
            "overlap_seconds",
            "is not possible: the scheme has room for one signature. Let the receiver accept a new secret beside the \
             old one, and then give it here with an overlap of 0",
        )),
        Some(seconds) if seconds <= LONGEST_OVERLAP => Ok(Duration::from_secs(seconds.into())),
        Some(_) => Err(Refusal::field("overlap_seconds", "is longer than 30 days")),
    }
}

const UNSEALABLE: &str = "\
    the secrets in this database are sealed, and there is no key here to seal a new one: set COUNTERSIGN_SEAL_KEY where the \
    server, or the command at its database, runs";
const LONGEST_OVERLAP: u32 = 30 * 86_400;
