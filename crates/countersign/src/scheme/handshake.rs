//! How a provider tests that an endpoint is its owner's, and what it expects to be answered.

use super::{List, Place, Text};

/// A request that is not an event but a question, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct Handshake {
    /// What a request must have to be this question: all of these.
    pub when: List<Condition>,
    /// Whether the request carries a signature, which is then verified before it is answered.
    pub signed: bool,
    /// Whether anyone could send it with effect, so that it is answered only while the application
    /// says that it expects it ([`VerifierBuilder::enrolling`](crate::VerifierBuilder::enrolling)).
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "is_false"))]
    pub enrolment: bool,
    /// What must agree with the application's settings before it is answered.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "<[Expectation]>::is_empty"))]
    pub expect: List<Expectation>,
    /// The status of the answer where it doesn't agree.
    #[cfg_attr(feature = "toml", serde(default = "forbidden"))]
    pub refusal: u16,
    /// Where the request carries the secret that signs what follows: the application must store it.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "Option::is_none"))]
    pub secret: Option<Place>,
    /// The answer.
    pub answer: Answer,
}

/// What a request must have to be a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum Condition {
    /// This method.
    Method(Text),
    /// A header that is present.
    HasHeader(Text),
    /// A header that holds this value.
    Header(Text, Text),
    /// A query parameter that is present.
    HasQuery(Text),
    /// A query parameter that holds this value, after decoding.
    Query(Text, Text),
    /// A value at this JSON pointer, of any kind.
    HasJson(Text),
    /// A string, or a number in the same decimal text, at this JSON pointer.
    Json(Text, Text),
    /// A body that begins with this text.
    BodyPrefix(Text),
}

/// A value of the request that must equal one of the application's settings.
///
/// The comparison takes the same time wherever the two differ. In a verifier without that setting
/// the handshake is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct Expectation {
    /// Where the value stands.
    pub value: AnswerValue,
    /// The name of the setting ([`VerifierBuilder::setting`](crate::VerifierBuilder::setting)).
    pub setting: Text,
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The `Content-Type`.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "Option::is_none"))]
    pub content_type: Option<Text>,
    /// Other headers.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "<[AnswerHeader]>::is_empty"))]
    pub headers: List<AnswerHeader>,
    /// The body.
    pub body: AnswerBody,
}

/// A header of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct AnswerHeader {
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: AnswerValue,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum AnswerBody {
    /// None.
    Empty,
    /// One value, as text.
    Text(AnswerValue),
    /// A JSON object of strings.
    Json(List<(Text, AnswerValue)>),
}

/// A value of an answer, or of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum AnswerValue {
    /// Fixed text.
    Fixed(Text),
    /// A query parameter of the request, decoded.
    Query(Text),
    /// A header of the request.
    Header(Text),
    /// A string at a JSON pointer of the request's body.
    Json(Text),
    /// The hexadecimal HMAC-SHA256 of the string at a JSON pointer, keyed with the endpoint's secret.
    HmacSha256OfJson(Text),
}

#[cfg(feature = "toml")]
fn forbidden() -> u16 {
    403
}

#[cfg(feature = "toml")]
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
