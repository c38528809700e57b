//! The fields of a case.
//!
//! They are read one by one, and not by a derived `Deserialize`: the messages of the latter quote the
//! value that they refuse, which can be a secret.

use base64ct::{Base64, Encoding as _};
use countersign::{Keyring, Scheme, catalog};
use serde_json::{Map, Value};

use crate::{input, request, secrets::IGNORED};

/// One line of a batch. Fields that nobody asks for are passed over.
pub(crate) struct Case {
    pub(crate) id: Value,
    number: usize,
    fields: Map<String, Value>,
}

/// Why a case could not be used.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: &'static str,
    pub(crate) why: String,
}

impl Refusal {
    pub(crate) fn new(kind: &'static str, why: impl ToString) -> Self {
        Refusal { kind, why: why.to_string() }
    }

    /// A line that isn't a case.
    pub(crate) fn malformed(why: impl ToString) -> Self {
        Refusal::new("malformed_case", why)
    }

    pub(crate) fn at_line(self, number: usize) -> Self {
        Refusal { why: format!("line {number}: {}", self.why), ..self }
    }
}

impl Case {
    pub(crate) fn parse(line: &[u8], number: usize) -> Result<Case, Refusal> {
        let malformed = |why: String| Err(Refusal::malformed(why).at_line(number));
        match serde_json::from_slice(line) {
            Ok(Value::Object(mut fields)) => {
                let id = fields.remove("id").unwrap_or_default();
                Ok(Case { id, number, fields })
            }
            Ok(_) => malformed("isn't a JSON object".to_owned()),
            Err(error) => malformed(format!("isn't JSON, at column {}", error.column())),
        }
    }

    /// The case's scheme: `own`, or one of the catalogue.
    pub(crate) fn scheme<'s>(&self, own: Option<&'s Scheme>) -> Result<&'s Scheme, Refusal> {
        let name = self.text("scheme")?.ok_or_else(|| self.malformed("`scheme` is missing"))?;
        let known = own.filter(|own| own.name == name).or_else(|| catalog::find(name));
        known.ok_or_else(|| Refusal::new("unknown_scheme", format!("no scheme is called `{name}`")))
    }

    /// The keyring of the case's secrets. An unsigned scheme needs none.
    pub(crate) fn keyring(&self, scheme: &Scheme) -> Result<Keyring, Refusal> {
        let secrets = self.texts("secrets")?.unwrap_or_default();
        let refused = |why: &dyn ToString| Refusal::new("invalid_secret", why.to_string());
        match (scheme.is_unsigned(), secrets.is_empty()) {
            (true, true) => Keyring::accept_unsigned(scheme).map_err(|error| refused(&error)),
            (true, false) => Err(refused(&IGNORED)),
            (false, _) => Keyring::new(scheme, secrets).map_err(|error| refused(&error)),
        }
    }

    /// The body's bytes, from `body` or `body_b64`.
    pub(crate) fn body(&self) -> Result<Vec<u8>, Refusal> {
        match (self.text("body")?, self.text("body_b64")?) {
            (Some(text), None) => Ok(text.as_bytes().to_vec()),
            (None, Some(text)) => {
                Base64::decode_vec(text).map_err(|_| self.malformed("`body_b64` isn't padded base64"))
            }
            (None, None) => Err(self.malformed("`body` or `body_b64` is missing")),
            (Some(_), Some(_)) => Err(self.malformed("`body` and `body_b64` can't both be given")),
        }
    }

    /// Names and values, in order.
    pub(crate) fn headers(&self) -> Result<Vec<(&str, &[u8])>, Refusal> {
        let Some(value) = self.value("headers") else { return Ok(Vec::new()) };
        let headers = value.as_array().and_then(|all| all.iter().map(pair).collect());
        headers.ok_or_else(|| self.malformed("`headers` must be a list of [name, value]"))
    }

    /// The URL, and the path and query that a request to it asks for.
    pub(crate) fn url(&self) -> Result<(Option<&str>, String), Refusal> {
        let url = self.text("url")?;
        let target = url.map(request::target_of).transpose();
        let target = target.map_err(|error| self.malformed(format!("`url`: {error}")))?;
        Ok((url, target.unwrap_or_else(|| "/".to_owned())))
    }

    /// The time of the case; `None` where it is absent or null.
    pub(crate) fn now(&self) -> Result<Option<i64>, Refusal> {
        let integer =
            |value: &Value| value.as_i64().ok_or_else(|| self.malformed("`now` must be whole seconds"));
        self.value("now").map(integer).transpose()
    }

    /// The time of the case, or the real one.
    pub(crate) fn clock(&self) -> Result<i64, Refusal> {
        Ok(self.now()?.unwrap_or_else(input::clock))
    }

    /// A field that may be null, which is not the same as absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The text of a field; `None` where it is absent or null.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.malformed(format!("`{name}` must be a string")))
    }

    /// The configured constants.
    pub(crate) fn config(&self) -> Result<Option<&Map<String, Value>>, Refusal> {
        let Some(value) = self.value("config") else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| self.malformed("`config` must be an object"))
    }

    /// The labels that `config` allows, where it says.
    pub(crate) fn allowed(&self) -> Result<Option<Vec<&str>>, Refusal> {
        let Some(value) = self.config()?.and_then(|config| config.get("allowed_algorithms")) else {
            return Ok(None);
        };
        self.list("config.allowed_algorithms", value).map(Some)
    }

    pub(crate) fn malformed(&self, why: impl ToString) -> Refusal {
        Refusal::malformed(why).at_line(self.number)
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Refusal> {
        self.value(name).map(|value| self.list(name, value)).transpose()
    }

    fn list<'v>(&self, name: &str, value: &'v Value) -> Result<Vec<&'v str>, Refusal> {
        let texts = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
        texts.ok_or_else(|| self.malformed(format!("`{name}` must be a list of strings")))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }
}

fn pair(value: &Value) -> Option<(&str, &[u8])> {
    match value.as_array()?.as_slice() {
        [Value::String(name), Value::String(value)] => Some((name, value.as_bytes())),
        _ => None,
    }
}
