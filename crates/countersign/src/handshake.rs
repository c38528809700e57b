//! Answering a provider's test of an endpoint.
//!
//! Which requests are such tests, what must be checked and what is owed is [data of the
//! scheme](crate::scheme::Handshake). This module reads the request by it and puts the answer
//! together; an adapter sends it. Echoed text leaves as the scheme's content type says, never as
//! HTML.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use crate::{
    Error, ErrorKind, Lookup, RequestView, Verified, Verifier, json,
    keyring::{Keyring, Material},
    mac::same_text,
    scheme::{AnswerBody, AnswerValue, Condition, Handshake, Place},
};

/// What an authentic request is.
pub enum Outcome<'a, B = &'a [u8]> {
    /// An event, for the application.
    Event(Verified<'a, B>),
    /// A test of the endpoint, which is to be answered and not given to the application.
    Handshake(Greeting),
}

impl<B> core::fmt::Debug for Outcome<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Outcome::Event(verified) => f.debug_tuple("Event").field(verified).finish(),
            Outcome::Handshake(greeting) => f.debug_tuple("Handshake").field(greeting).finish(),
        }
    }
}

/// A handshake and the answer that is owed.
#[derive(Clone)]
pub struct Greeting {
    /// The status of the answer.
    pub status: u16,
    /// Its headers, `Content-Type` among them.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
    /// The secret that signs what follows, where the request handed it over
    /// ([`VerifierBuilder::enrolling`](crate::VerifierBuilder::enrolling)): the application must
    /// store it.
    pub secret: Option<String>,
}

impl Greeting {
    /// The answer's `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        let is_it = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
        self.headers.iter().find(is_it).map(|(_, value)| &**value)
    }

    /// Whether the request, by its method, query and headers, can be a handshake without signature.
    pub(crate) fn may_come_unsigned(verifier: &Verifier, request: &RequestView<'_>) -> bool {
        let context = Context { verifier, request, body: None };
        unsigned(verifier).any(|handshake| handshake.when.iter().all(|c| context.may_hold(c)))
    }

    /// The answer to a handshake without signature, where the request is one.
    pub(crate) fn unsigned(
        verifier: &Verifier,
        request: &RequestView<'_>,
        body: &[u8],
    ) -> Result<Option<Greeting>, Error> {
        let context = Context { verifier, request, body: Some(body) };
        let found = unsigned(verifier).find(|handshake| handshake.when.iter().all(|c| context.holds(c)));
        found.map(|handshake| context.greet(handshake, None)).transpose()
    }

    /// The answer to a signed handshake, where the request that the key at place `key` signed is one.
    pub(crate) fn signed(
        verifier: &Verifier,
        request: &RequestView<'_>,
        body: &[u8],
        key: Option<usize>,
    ) -> Result<Option<Greeting>, Error> {
        let context = Context { verifier, request, body: Some(body) };
        let handshakes = &verifier.scheme().handshakes;
        let mut signed = handshakes.iter().filter(|handshake| handshake.signed);
        let found = signed.find(|handshake| handshake.when.iter().all(|c| context.holds(c)));
        found.map(|handshake| context.greet(handshake, key)).transpose()
    }
}

impl core::fmt::Debug for Greeting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Greeting").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The handshakes that need no signature and are answered now.
fn unsigned(verifier: &Verifier) -> impl Iterator<Item = &Handshake> {
    let enrolling = verifier.rules.enrolling;
    let handshakes = verifier.scheme().handshakes.iter();
    handshakes.filter(move |handshake| !handshake.signed && (enrolling || !handshake.enrolment))
}

/// A request that a handshake is looked for in.
struct Context<'c> {
    verifier: &'c Verifier,
    request: &'c RequestView<'c>,
    /// `None` as long as it has not arrived.
    body: Option<&'c [u8]>,
}

impl Context<'_> {
    /// Whether the condition can hold once the body has arrived.
    fn may_hold(&self, condition: &Condition) -> bool {
        let on_body =
            matches!(condition, Condition::HasJson(_) | Condition::Json(..) | Condition::BodyPrefix(_));
        on_body || self.holds(condition)
    }

    fn holds(&self, condition: &Condition) -> bool {
        let json = |pointer: &str| self.body.and_then(|body| json::find(body, pointer).ok().flatten());
        match condition {
            Condition::Method(method) => self.request.method == *method,
            Condition::HasHeader(name) => self.header(name).is_some(),
            Condition::Header(name, value) => self.header(name).as_deref() == Some(value),
            Condition::HasQuery(name) => self.query(name).is_some(),
            Condition::Query(name, value) => self.query(name).as_deref() == Some(value),
            Condition::HasJson(pointer) => json(pointer).is_some(),
            Condition::Json(pointer, value) => json(pointer).and_then(json::scalar).as_deref() == Some(value),
            Condition::BodyPrefix(prefix) => {
                self.body.is_some_and(|body| body.starts_with(prefix.as_bytes()))
            }
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        match self.request.headers.lookup(name) {
            Lookup::One(value) => String::from_utf8(value.to_vec()).ok(),
            _ => None,
        }
    }

    fn query(&self, name: &str) -> Option<String> {
        self.request.query(name).and_then(percent_decode)
    }

    /// Puts the answer together. `key` is the place of the key that signed the request.
    fn greet(&self, handshake: &Handshake, key: Option<usize>) -> Result<Greeting, Error> {
        for expectation in handshake.expect.iter() {
            let settings = self.verifier.rules.settings.iter();
            let setting =
                settings.filter(|(name, _)| *name == expectation.setting).map(|(_, value)| value).next();
            let agrees = match (setting, self.value(&expectation.value, key)) {
                (Some(setting), Some(value)) => same_text(setting.expose(), value.as_bytes()),
                _ => false,
            };
            if !agrees {
                let refused = Error::new(ErrorKind::HandshakeRefused).at(expectation.setting.clone());
                let refused = refused.with_status(handshake.refusal);
                return Err(match setting {
                    Some(_) => refused,
                    None => refused.because(format!(
                        "the verifier has no such setting: give it by `.setting(\"{}\", …)` when it is built",
                        expectation.setting
                    )),
                });
            }
        }
        let value = |value: &AnswerValue| {
            let missing =
                || Error::new(ErrorKind::MalformedBody).because("it holds no value for the handshake");
            self.value(value, key).ok_or_else(missing)
        };
        let answer = &handshake.answer;
        let content_type = answer
            .content_type
            .iter()
            .map(|text| Ok((String::from("Content-Type"), text.clone().into_owned())));
        let others =
            answer.headers.iter().map(|header| Ok((header.name.clone().into_owned(), value(&header.value)?)));
        let headers = content_type.chain(others).collect::<Result<_, Error>>()?;
        let body = match &answer.body {
            AnswerBody::Empty => String::new(),
            AnswerBody::Text(text) => value(text)?,
            AnswerBody::Json(members) => {
                let member = |(name, text): &(Cow<'static, str>, AnswerValue)| {
                    Ok(format!("{}:{}", json_string(name), json_string(&value(text)?)))
                };
                let members: Vec<_> = members.iter().map(member).collect::<Result<_, Error>>()?;
                format!("{{{}}}", members.join(","))
            }
        };
        let secret = handshake.secret.as_ref().and_then(|place| self.place(place));
        Ok(Greeting { status: answer.status, headers, body, secret })
    }

    fn value(&self, value: &AnswerValue, key: Option<usize>) -> Option<String> {
        match value {
            AnswerValue::Fixed(text) => Some(text.clone().into_owned()),
            AnswerValue::Query(name) => self.query(name),
            AnswerValue::Header(name) => self.header(name),
            AnswerValue::Json(pointer) => self.json(pointer),
            AnswerValue::HmacSha256OfJson(pointer) => {
                hmac_sha256(&self.verifier.keys, key, self.json(pointer)?.as_bytes())
            }
        }
    }

    fn place(&self, place: &Place) -> Option<String> {
        match place {
            Place::Header(name) => self.header(name),
            Place::Json(pointer) => self.json(pointer),
            Place::Field(_) => None,
        }
    }

    fn json(&self, pointer: &str) -> Option<String> {
        let text = json::text(self.body?, pointer).ok()?;
        text.map(Cow::into_owned)
    }
}

fn hmac_sha256(keys: &Keyring, key: Option<usize>, text: &[u8]) -> Option<String> {
    let Material::Symmetric { hmac_sha256, .. } = &keys.entries.get(key?)?.material else { return None };
    let mut mac = hmac_sha256.clone()?;
    mac.update(text);
    Some(hex::encode(mac.finish().to_vec()))
}

/// A JSON string. Serialising text can't fail.
fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Decodes a query value: percent-escapes, and `+` for a space.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut byte = [0];
                hex::decode_to_slice(rest.get(..2)?, &mut byte).ok()?;
                bytes.push(byte[0]);
                rest = &rest[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}
