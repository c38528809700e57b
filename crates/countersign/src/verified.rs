//! The proof that a request is authentic.

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

use serde_core::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{
    Envelope, Error, Event, HeaderView, IdempotencyKey, Lookup, Timestamp, Verifier, idempotency, json,
    mac::sha256,
    scheme::{Algorithm, Place, Scheme},
    verify::signatures::Signatures,
};

/// The proof that a request is authentic, with its body.
///
/// There is no way to make one but by a successful verification, so a function that takes a
/// `Verified` can't be called for a request that nobody checked:
///
/// ```compile_fail
/// let forged = countersign::Verified { evidence: todo!(), body: b"{}", known: Vec::new() };
/// ```
///
/// What authentic means depends on the scheme; see [`authenticity`](Verified::authenticity).
#[derive(Clone)]
pub struct Verified<'a, B = &'a [u8]> {
    evidence: Evidence<'a>,
    body: B,
    /// What stands in places of the body, once they have been [read](Verified::read_id_and_type).
    known: Vec<(Place, Option<String>)>,
}

/// The longest id in bytes that stands in an idempotency key as it is; so does none with a control
/// character, which not every store can keep.
const MAX_ID: usize = 255;

/// What was found out while verifying.
#[derive(Clone)]
pub(crate) struct Evidence<'a> {
    pub(crate) verifier: Cow<'a, Verifier>,
    pub(crate) family: usize,
    pub(crate) key: Option<usize>,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) headers: Headers<'a>,
    /// Path and query, as they arrived; kept where they are signed.
    pub(crate) target: Cow<'a, str>,
}

/// The headers that the event's id, type and time may stand in.
#[derive(Clone)]
pub(crate) enum Headers<'a> {
    /// Those of the request itself, looked at when they are asked for.
    Request { headers: &'a (dyn HeaderView + Sync), signatures: Signatures<'a> },
    /// Copies of the values that stand in places of the scheme.
    Kept(Vec<(Place, String)>),
}

/// What a successful verification proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Authenticity {
    /// The holder of the key signed the content.
    Signature,
    /// The sender knows the shared token. Nothing is signed: body and time could be anyone's who
    /// ever saw such a request.
    Token,
    /// Nothing: anybody could have sent it, and the application said that it accepts that.
    Unsigned,
}

impl Authenticity {
    /// What a request of this scheme proves.
    pub(crate) fn of(scheme: &Scheme) -> Self {
        match scheme.algorithms().next() {
            _ if scheme.is_unsigned() => Authenticity::Unsigned,
            Some(Algorithm::Token) => Authenticity::Token,
            _ => Authenticity::Signature,
        }
    }
}

impl<'a, B> Verified<'a, B> {
    /// The one constructor: called where a key has been found to match, and nowhere else.
    pub(crate) fn new(evidence: Evidence<'a>, body: B) -> Self {
        Verified { evidence, body, known: Vec::new() }
    }

    /// The scheme by which the request was verified.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        self.evidence.verifier.scheme_of(self.evidence.family)
    }

    /// The label of the key that matched: once no request matches the old one any more, a rotation
    /// is finished. `None` where the scheme signs nothing.
    #[must_use]
    pub fn key_label(&self) -> Option<&str> {
        Some(&self.evidence.verifier.keys.entries[self.evidence.key?].label)
    }

    /// The tenant that the matching keys belong to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.evidence.verifier.keys.tenant()
    }

    /// The endpoint at which it was verified, where that has [a name](crate::Verifier::at_endpoint).
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.evidence.verifier.endpoint()
    }

    /// What was proved.
    #[must_use]
    pub fn authenticity(&self) -> Authenticity {
        Authenticity::of(self.scheme())
    }

    /// Whether the signature covers the body.
    #[must_use]
    pub fn covers_body(&self) -> bool {
        self.authenticity() == Authenticity::Signature && self.scheme().covers_body()
    }

    /// The time of sending, where the scheme signs one. It has been checked against the tolerance.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.evidence.timestamp
    }

    /// The body itself.
    #[must_use]
    pub fn into_body(self) -> B {
        self.body
    }

    /// A reference to the body as it was kept.
    #[must_use]
    pub fn body_ref(&self) -> &B {
        &self.body
    }

    /// Whether the event's id is under the signature.
    #[must_use]
    pub fn event_id_is_signed(&self) -> bool {
        self.evidence.verifier.rules.families[self.evidence.family].signs_id
    }

    /// The same without a borrow of the request's headers or of the verifier.
    #[must_use]
    pub fn into_owned(self) -> Verified<'static, B> {
        let event = &self.scheme().event;
        let places = event.id.iter().chain(event.event_type.iter()).chain(&event.time);
        let values = places.filter_map(|place| {
            let value = self.in_headers(place)?;
            Some((place.clone(), value.to_owned()))
        });
        let headers = Headers::Kept(values.collect());
        let signs_target = self.scheme().signs_target();
        let Evidence { verifier, family, key, timestamp, target, .. } = self.evidence;
        let verifier = Cow::Owned(verifier.into_owned());
        let target = if signs_target { Cow::Owned(target.into_owned()) } else { Cow::Borrowed("") };
        let evidence = Evidence { verifier, family, key, timestamp, headers, target };
        Verified { evidence, body: self.body, known: self.known }
    }

    pub(crate) fn key(&self) -> Option<usize> {
        self.evidence.key
    }

    /// The text at a place of the headers, where there is some.
    fn in_headers(&self, place: &Place) -> Option<&str> {
        let text = match (place, &self.evidence.headers) {
            (Place::Json(_), _) => return None,
            (_, Headers::Kept(values)) => {
                return values.iter().find(|(other, _)| other == place).map(|(_, text)| &**text);
            }
            (Place::Header(name), Headers::Request { headers, .. }) => match headers.lookup(name) {
                Lookup::One(value) => value,
                Lookup::Missing | Lookup::Repeated => return None,
            },
            (Place::Field(name), Headers::Request { signatures, .. }) => {
                signatures.field(&self.scheme().signature, name)?
            }
        };
        core::str::from_utf8(text).ok().filter(|text| !text.is_empty())
    }
}

impl<B: AsRef<[u8]>> Verified<'_, B> {
    /// The body, byte for byte as it arrived.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_ref()
    }

    /// Reads the body once for the event's id and type, for those who ask for them more than once. Otherwise it
    /// is read each time that they are asked for, where they stand in it.
    pub fn read_id_and_type(&mut self) {
        let event = &self.scheme().event;
        let places = event.id.iter().chain(event.event_type.iter());
        let (places, pointers): (Vec<&Place>, Vec<&str>) = places.filter_map(in_body).unzip();
        if places.is_empty() {
            return;
        }
        // Where a key stands twice, each place is read by itself: only one of them may be meant.
        let Ok(found) = json::find_all(self.body(), &pointers) else { return };
        let texts = found.into_iter().map(|value| Some(json_text(value)?.into_owned()));
        self.known = places.into_iter().cloned().zip(texts).collect();
    }

    /// The event's id, the same over retries, where the provider sends one.
    ///
    /// # Errors
    /// [`MalformedBody`](crate::ErrorKind::MalformedBody) where the id stands in the body and that is no JSON;
    /// [`DuplicateKey`](crate::ErrorKind::DuplicateKey) where it stands there twice.
    pub fn event_id(&self) -> Result<Option<Cow<'_, str>>, Error> {
        self.joined(&self.scheme().event.id, join_id)
    }

    /// The event type, such as `invoice.paid`, where the provider names one.
    ///
    /// # Errors
    /// As [`event_id`](Verified::event_id).
    pub fn event_type(&self) -> Result<Option<Cow<'_, str>>, Error> {
        self.joined(&self.scheme().event.event_type, join_kind)
    }

    /// The key by which a second delivery of this event is known, at its [endpoint](Verified::endpoint); see
    /// [`idempotency`](crate::idempotency) for what it is made of.
    #[must_use]
    pub fn idempotency_key(&self) -> IdempotencyKey {
        let id = self.event_id().ok().flatten();
        let key = |id: &str, authenticated| {
            let key = IdempotencyKey::new(&self.scheme().name, self.tenant(), id, authenticated);
            self.endpoint().map(|endpoint| key.at_endpoint(endpoint)).unwrap_or(key)
        };
        let id = id.map(|id| match id.len() {
            0..=MAX_ID if !idempotency::has_control(&id) => id,
            _ => Cow::Owned(idempotency::digest_id(&sha256(id.as_bytes()))),
        });
        match id {
            Some(id) if self.event_id_is_signed() => key(&id, true),
            Some(id) if !self.covers_body() || self.evidence.verifier.rules.trust_unsigned_ids => {
                key(&id, false)
            }
            _ => {
                let signed = self.scheme().signed_of_event(&self.evidence.target, self.body());
                key(&idempotency::digest_id(&sha256(&signed)), self.covers_body())
            }
        }
    }

    /// The event, its data not parsed yet.
    ///
    /// # Errors
    /// [`MalformedBody`](crate::ErrorKind::MalformedBody) where the body isn't JSON or has no data where the
    /// scheme says; [`DuplicateKey`](crate::ErrorKind::DuplicateKey) where an object in it holds one key twice.
    pub fn envelope(&self) -> Result<Envelope<'_>, Error> {
        if self.evidence.verifier.rules.strict_json {
            json::check_unique_keys(self.body())?;
        }
        let event = &self.scheme().event;
        let places: Vec<&Place> = event.id.iter().chain(event.event_type.iter()).chain(&event.time).collect();
        let pointers = places.iter().filter_map(|place| Some(in_body(place)?.1));
        let pointers: Vec<&str> = pointers.chain([&*event.data]).collect();
        let mut found = json::find_all(self.body(), &pointers)?.into_iter();
        let values = places.iter().map(|place| match place {
            Place::Json(_) => found.next().and_then(json_text),
            _ => self.in_headers(place).map(Cow::Borrowed),
        });
        let mut id: Vec<_> = values.collect();
        let mut kind = id.split_off(event.id.len());
        let mut time = kind.split_off(event.event_type.len());
        let (id, kind) = (join_id(id.into_iter().collect()), join_kind(kind.into_iter().collect()));
        let data = found.next().flatten().ok_or_else(|| json::nothing_at(&event.data))?;
        Ok(Envelope {
            id,
            event_type: kind,
            time: time.pop().flatten(),
            data,
            body: self.body(),
            data_at: &event.data,
        })
    }

    /// The event, with its data parsed.
    ///
    /// # Errors
    /// As [`envelope`](Verified::envelope); and where the data isn't a `T`.
    pub fn event<T: DeserializeOwned>(&self) -> Result<Event<T>, Error> {
        self.envelope()?.parse()
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// [`MalformedBody`](crate::ErrorKind::MalformedBody) where it isn't a `T`;
    /// [`DuplicateKey`](crate::ErrorKind::DuplicateKey) where an object in it holds one key twice.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match self.evidence.verifier.rules.strict_json {
            true => json::read_json(self.body(), ""),
            false => serde_json::from_slice(self.body()).map_err(|error| json::not_json(&error, self.body())),
        }
    }

    /// The values at `places` as one text; `None` where one is missing.
    fn joined(&self, places: &[Place], join: Join) -> Result<Option<Cow<'_, str>>, Error> {
        match places {
            [place] => self.value(place),
            _ => Ok(join(places.iter().map(|place| self.value(place)).collect::<Result<_, _>>()?)),
        }
    }

    /// The text at a place, where there is some.
    fn value(&self, place: &Place) -> Result<Option<Cow<'_, str>>, Error> {
        match place {
            Place::Json(pointer) => match self.known.iter().find(|(other, _)| other == place) {
                Some((_, text)) => Ok(text.as_deref().map(Cow::Borrowed)),
                None => Ok(json_text(json::find(self.body(), pointer)?)),
            },
            _ => Ok(self.in_headers(place).map(Cow::Borrowed)),
        }
    }
}

/// A place of the body, with its pointer; `None` for one of the headers.
fn in_body(place: &Place) -> Option<(&Place, &str)> {
    match place {
        Place::Json(pointer) => Some((place, pointer)),
        Place::Header(_) | Place::Field(_) => None,
    }
}

/// The text of a value of the body; an empty one is as good as none.
fn json_text(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    value.and_then(json::scalar).filter(|text| !text.is_empty())
}

/// Makes one text of several values.
type Join = fn(Option<Vec<Cow<'_, str>>>) -> Option<Cow<'_, str>>;

/// The id that these values make together; `None` where one is missing or there are none.
fn join_id(values: Option<Vec<Cow<'_, str>>>) -> Option<Cow<'_, str>> {
    one_or(values, |values| idempotency::join(values.iter().map(|value| &**value)))
}

/// The event type that these values make together; `None` where one is missing or there are none.
fn join_kind(values: Option<Vec<Cow<'_, str>>>) -> Option<Cow<'_, str>> {
    one_or(values, |values| values.join("."))
}

fn one_or<'v>(
    values: Option<Vec<Cow<'v, str>>>,
    join: impl FnOnce(&[Cow<'v, str>]) -> String,
) -> Option<Cow<'v, str>> {
    let mut values = values?;
    match values.len() {
        0 | 1 => values.pop(),
        _ => Some(Cow::Owned(join(&values))),
    }
}

impl<B> core::fmt::Debug for Verified<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Verified")
            .field("scheme", &self.scheme().name)
            .field("key", &self.key_label())
            .field("tenant", &self.tenant())
            .finish_non_exhaustive()
    }
}
