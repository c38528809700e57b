//! What an endpoint's scheme asks of its secrets and headers.

use base64ct::{Base64, Encoding};
use countersign::{
    Key, Keyring, Message, Scheme, Signer, catalog,
    scheme::{KeyForm, KeyKind, Place, SecretEncoding, Text},
};
use countersign_transport::CustomHeaders;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    refusal::{Refusal, RefusalKind},
    time::Time,
};

/// The scheme of an endpoint, by which its messages are signed.
#[derive(Clone, Debug)]
pub(crate) struct Contract {
    scheme: Scheme,
}

impl Contract {
    /// The scheme of this name in the catalogue, or the one that this TOML describes.
    ///
    /// # Errors
    /// Neither of the two.
    pub(crate) fn of(text: &str) -> Result<Self, String> {
        let scheme = match catalog::find(text) {
            Some(scheme) => scheme.clone(),
            None if text.len() > MAX_TOML => return Err("is longer than 16 KiB".to_owned()),
            None if text.contains('\n') => Scheme::from_toml(text).map_err(|error| error.to_string())?,
            None => return Err("is no scheme of the catalogue, and not one as TOML".to_owned()),
        };
        Ok(Contract { scheme })
    }

    /// Whether there are secrets at all.
    pub(crate) fn signs(&self) -> bool {
        !self.scheme.is_unsigned()
    }

    /// Whether an old secret can sign beside a new one.
    pub(crate) fn has_overlaps(&self) -> bool {
        self.scheme.holds_several_signatures()
    }

    /// Makes a secret of 256 random bits, written as the scheme's provider writes them.
    ///
    /// # Errors
    /// Where the keys come in pairs: the receiver would need the public half, and never the secret one. Where
    /// the operating system gives no random numbers.
    pub(crate) fn generate(&self) -> Result<Zeroizing<String>, Refusal> {
        let no_random =
            |_| Refusal::new(RefusalKind::Internal, "the operating system gives no random numbers");
        let form = self.scheme.key.forms.iter().find(|form| form.kind == KeyKind::Symmetric);
        let form = form.ok_or_else(|| {
            Refusal::field("secret", "is needed: make a pair of keys, and give the secret one")
        })?;
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(no_random)?;
        Ok(write(form, bytes.as_slice()))
    }

    /// Signs a sample with this secret (`None` where the scheme signs nothing).
    ///
    /// # Errors
    /// What is wrong with the secret, or why this build can't sign by the scheme.
    pub(crate) fn check_secret(&self, secret: Option<&str>) -> Result<(), String> {
        let keys = match secret {
            Some(secret) => Keyring::builder(&self.scheme).key(Key::new("it", secret)).build(),
            None => Keyring::accept_unsigned(&self.scheme),
        };
        let keys = keys.map_err(|error| error.to_string())?;
        let signer = Signer::new(&self.scheme, keys).map_err(|error| error.to_string())?;
        let (id, kind) = ("msg_1", "test.webhook");
        let body = self.sample(id, kind, Time(0)).to_string();
        let message = Message {
            event_type: Some(kind),
            url: "https://example.com/",
            ..Message::new(id, body.as_bytes())
        };
        signer.sign(&message, 0).map(drop).map_err(|error| error.to_string())
    }

    /// The names of the headers that the scheme writes, which no endpoint's owner may set.
    pub(crate) fn headers(&self) -> Vec<Text> {
        self.scheme.written_headers()
    }

    /// Checks that a scheme, which may be a caller's own, writes no header that an endpoint's owner may not set.
    ///
    /// # Errors
    /// The header that is in the way.
    pub(crate) fn check_headers(&self) -> Result<(), String> {
        let names = self.headers();
        let headers = names.iter().map(|name| (&**name, "value"));
        CustomHeaders::check(headers, &[]).map(drop).map_err(|error| error.to_string())
    }

    /// How a secret is shown afterwards: how it begins by rule, and its last four characters. Of a short
    /// one, which some schemes allow, nothing is shown.
    pub(crate) fn hint(&self, secret: &str) -> String {
        let prefix = self.scheme.key.forms.iter().find(|form| secret.starts_with(&*form.prefix));
        let prefix = prefix.map_or("", |form| &form.prefix);
        let own = secret[prefix.len()..].chars();
        let last = match own.clone().count() >= LEAST_HINTED {
            true => own.skip(secret[prefix.len()..].chars().count() - 4).collect(),
            false => String::new(),
        };
        format!("{prefix}…{last}")
    }

    /// The body of a test, with id, type and time where receivers by this scheme look for them.
    pub(crate) fn sample(&self, id: &str, kind: &str, now: Time) -> Value {
        let mut body = json!({ "type": kind, "timestamp": now.render(), "data": { "test": true } });
        let event = &self.scheme.event;
        let places = [(&*event.id, id), (&*event.event_type, kind)];
        for (place, value) in
            places.iter().flat_map(|(places, value)| places.iter().map(move |at| (at, value)))
        {
            put(&mut body, place, (*value).into());
        }
        if let Some(place) = &event.time {
            put(&mut body, place, now.render().into());
        }
        body
    }
}

fn write(form: &KeyForm, bytes: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(match form.encoding {
        SecretEncoding::Base64 => Base64::encode_string(bytes),
        SecretEncoding::BasicCredentials => format!("countersign:{}", hex::encode(bytes)),
        SecretEncoding::Text | SecretEncoding::Hex => hex::encode(bytes),
    });
    Zeroizing::new(format!("{}{}", form.prefix, *text))
}

/// Puts a value into a body at a JSON pointer, and objects on the way to it.
fn put(body: &mut Value, place: &Place, value: Value) {
    let Place::Json(pointer) = place else { return };
    let mut at = body;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[name];
    }
    *at = value;
}

/// The longest scheme as TOML.
const MAX_TOML: usize = 16 << 10;
/// The shortest secret whose end is shown.
const LEAST_HINTED: usize = 24;

#[cfg(test)]
mod tests {
    use countersign::scheme::Source;

    use super::*;

    #[test]
    fn a_secret_that_is_made_signs_by_every_scheme_that_this_build_can_sign_by() {
        for scheme in catalog::ALL {
            let contract = Contract::of(&scheme.name).expect("a scheme");
            let is_of_pairs = scheme.key.forms.iter().all(|form| form.kind != KeyKind::Symmetric);
            let secret = contract.signs().then(|| contract.generate()).transpose();
            assert_eq!(secret.is_err(), is_of_pairs, "{}", scheme.name);
            let Ok(secret) = secret else { continue };
            assert_eq!(contract.headers().is_empty(), scheme.is_unsigned(), "{}", scheme.name);
            assert_eq!(contract.check_headers(), Ok(()), "{}", scheme.name);
            if let Err(error) = contract.check_secret(secret.as_ref().map(|secret| secret.as_str())) {
                assert!(error.contains("not built in"), "{}: {error}", scheme.name);
            }
        }
    }

    #[test]
    fn a_scheme_of_ones_own_writes_no_header_that_only_the_sender_may() {
        for name in ["Host", "Metadata-Flavor", "X-Forwarded-For", "Transfer-Encoding", "X_Real_Ip"] {
            let mut scheme = catalog::GITHUB;
            scheme.signature.source = Source::Header(name.into());
            let contract = Contract::of(&scheme.to_toml()).expect("a scheme");
            assert!(contract.check_headers().is_err(), "{name}");
        }
    }

    #[test]
    fn a_hint_shows_the_end_of_a_long_secret_alone() {
        let contract = Contract::of("standard-webhooks").expect("a scheme");
        assert_eq!(contract.hint("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), "whsec_…b7oD");
        assert_eq!(contract.hint("whsec_C2FVsBQIhrscChlQ"), "whsec_…");
        assert_eq!(Contract::of("github").expect("a scheme").hint(&"é".repeat(30)), "…éééé");
    }

    #[test]
    fn a_test_says_its_id_and_type_where_the_scheme_reads_them() {
        let sample =
            |scheme: &str| Contract::of(scheme).expect("a scheme").sample("evt_1", "test.webhook", Time(0));
        assert_eq!(sample("snapbill")["uuid"], "evt_1");
        assert_eq!(sample("snapbill")["body"]["path"], "test.webhook");
        assert_eq!(sample("iptvbp")["id"], "evt_1");
        assert_eq!(sample("iptvbp")["timestamp"], "1970-01-01T00:00:00.000000Z");
        assert_eq!(sample("panel")["event"], "test.webhook");
        assert_eq!(sample("standard-webhooks")["type"], "test.webhook");
    }

    #[test]
    fn what_is_no_scheme_is_refused() {
        for text in ["", "acme", "name = \"x\"\n", &"x\n".repeat(20_000)] {
            assert!(Contract::of(text).is_err());
        }
    }
}
