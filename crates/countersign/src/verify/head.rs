//! What the headers of a request say, read once, before any byte of the body.

use alloc::{borrow::Cow, string::String};

use super::{
    Verifier,
    signatures::{Entry, Signatures, entries, first_name, is_field},
};
use crate::{
    Error, ErrorKind, HeaderView, Lookup, RequestView, Timestamp,
    content::{Content, MAX_PARTS},
    json,
    scheme::{Algorithm, EventRule, Part, Place, Scheme},
};

/// Values that stand in headers or fields, at the places of an id or a type.
pub(crate) type Found<'a> = [Option<Cow<'a, str>>; EventRule::MAX_PLACES];

/// What the headers of a request say.
pub(crate) struct Head<'a> {
    /// The place of the header family in the verifier's list.
    pub(crate) family: usize,
    pub(crate) signatures: Signatures<'a>,
    /// The versions of which the request holds a signature, a bit each.
    pub(crate) versions: u8,
    pub(crate) content: Content<'a>,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) id: Found<'a>,
    pub(crate) kind: Found<'a>,
    pub(crate) time: Option<Cow<'a, str>>,
}

impl<'a> Head<'a> {
    /// Reads the headers: the method, the fixed headers, the signatures, the signed headers and the
    /// time. What they show to be wrong is refused here, before the body is read.
    pub(crate) fn read(verifier: &Verifier, request: &RequestView<'a>, now: i64) -> Result<Head<'a>, Error> {
        let family = choose_family(verifier, request.headers);
        let scheme = &verifier.rules.families[family];
        if !scheme.allows_method(request.method) {
            return Err(Error::new(ErrorKind::MethodNotAllowed).at(String::from(request.method)));
        }
        check_fixed_headers(scheme, request.headers)?;
        let limits = &verifier.rules.limits;
        let signatures = match scheme.is_unsigned() {
            true => Signatures::None,
            false => Signatures::read(&scheme.signature.source, request.headers, limits.signatures)?,
        };
        let mut head = Head {
            family,
            signatures,
            versions: 0,
            content: Content {
                method: request.method,
                target: request.target,
                values: [b"".as_slice(); MAX_PARTS],
            },
            timestamp: None,
            id: [const { None }; EventRule::MAX_PLACES],
            kind: [const { None }; EventRule::MAX_PLACES],
            time: None,
        };
        head.read_signatures(verifier, scheme)?;
        head.read_content(scheme, request.headers)?;
        head.read_time(verifier, scheme, request.headers, now)?;
        head.read_event(scheme, request.headers);
        Ok(head)
    }

    /// Counts the signatures and notes their versions.
    fn read_signatures(&mut self, verifier: &Verifier, scheme: &Scheme) -> Result<(), Error> {
        if scheme.is_unsigned() {
            return Ok(());
        }
        let limits = &verifier.rules.limits;
        let name = || first_name(&scheme.signature.source);
        let (mut signatures, mut labels) = (0, 0);
        for (_, value) in self.signatures.values() {
            if value.len() > limits.header_bytes {
                return Err(Error::header(ErrorKind::HeaderTooLarge, name()));
            }
            for entry in entries(&scheme.signature.syntax, &scheme.signature.versions, value) {
                match entry {
                    Entry::Signature { version, .. } => {
                        signatures += 1;
                        self.versions |= 1 << version;
                    }
                    Entry::Field { .. } => labels += 1,
                    Entry::Malformed => {}
                }
            }
        }
        match signatures {
            0 if labels > 0 && !self.holds_fields(scheme) => {
                Err(Error::header(ErrorKind::UnsupportedVersion, name()))
            }
            0 => Err(Error::header(ErrorKind::MalformedHeader, name())),
            _ if signatures > limits.signatures => Err(Error::header(ErrorKind::TooManySignatures, name())),
            _ => Ok(()),
        }
    }

    /// Whether every field of the header is one that the content uses: then what is missing is the
    /// signature, not the support of its version.
    fn holds_fields(&self, scheme: &Scheme) -> bool {
        let fields = scheme.content.iter().filter_map(|part| match part {
            Part::Field(name) => Some(name),
            _ => None,
        });
        fields.count() > 0
    }

    /// The algorithms of which the request holds a signature, each once.
    pub(crate) fn algorithms<'s>(&self, scheme: &'s Scheme) -> impl Iterator<Item = Algorithm> + use<'s> {
        let (present, versions) = (self.versions, &*scheme.signature.versions);
        let is_present = move |index: usize| present & (1 << index) != 0;
        versions.iter().enumerate().filter_map(move |(index, version)| {
            let earlier = versions[..index].iter().enumerate();
            let mut same = earlier.filter(|(_, other)| other.algorithm == version.algorithm);
            let first = is_present(index) && !same.any(|(index, _)| is_present(index));
            first.then_some(version.algorithm)
        })
    }

    /// Takes the value of each part of the content that is a header or a field.
    fn read_content(&mut self, scheme: &Scheme, headers: &'a dyn HeaderView) -> Result<(), Error> {
        for (index, part) in scheme.content.iter().enumerate() {
            let (name, value, is_time) = match part {
                Part::Header(name) => (name, header(headers, name)?, is_time_header(scheme, name)),
                Part::Field(name) => (name, self.field(scheme, name)?, is_time_field(scheme, name)),
                _ => continue,
            };
            if !is_time && !is_id(scheme, value) {
                return Err(Error::header(ErrorKind::MalformedHeader, name));
            }
            self.content.values[index] = value;
        }
        Ok(())
    }

    /// The one value of a field of the signature header.
    fn field(&self, scheme: &Scheme, name: &str) -> Result<&'a [u8], Error> {
        let syntax = &scheme.signature.syntax;
        let error = |kind| Err(Error::header(kind, first_name(&scheme.signature.source)));
        let values = self.signatures.values();
        let fields = values.flat_map(|(_, value)| entries(syntax, &scheme.signature.versions, value));
        let mut named = fields.filter_map(|entry| match entry {
            Entry::Field { index, label, text } if is_field(syntax, index, label, name) => Some(text),
            _ => None,
        });
        let found = named.next();
        if named.next().is_some() {
            return error(ErrorKind::MalformedHeader);
        }
        found.filter(|text| !text.is_empty()).map_or_else(|| error(ErrorKind::MalformedHeader), Ok)
    }

    /// Reads and checks the time, where it stands in a header or a field.
    fn read_time(
        &mut self,
        verifier: &Verifier,
        scheme: &Scheme,
        headers: &'a dyn HeaderView,
        now: i64,
    ) -> Result<(), Error> {
        let Some(rule) = &scheme.timestamp else { return Ok(()) };
        let (name, value) = match &rule.at {
            Place::Header(name) => (name, header(headers, name)?),
            Place::Field(name) => (name, self.field(scheme, name)?),
            Place::Json(_) => return Ok(()),
        };
        let text = core::str::from_utf8(value).ok();
        let time = text.and_then(|text| Timestamp::parse(rule.format, text));
        let time = time.ok_or_else(|| Error::header(ErrorKind::InvalidTimestamp, name))?;
        verifier.rules.tolerance.check(rule, time, Timestamp::from_unix_seconds(now))?;
        self.timestamp = Some(time);
        Ok(())
    }

    /// Reads and checks the time, where it stands in the body: only once the body is authentic.
    pub(crate) fn read_time_in_body(
        &mut self,
        verifier: &Verifier,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(rule) = &verifier.rules.families[self.family].timestamp else { return Ok(()) };
        let Place::Json(pointer) = &rule.at else { return Ok(()) };
        let text = json::text(body, pointer)?;
        let time = text.and_then(|text| Timestamp::parse(rule.format, &text));
        let time = time.ok_or_else(|| Error::header(ErrorKind::InvalidTimestamp, pointer))?;
        verifier.rules.tolerance.check(rule, time, now)?;
        self.timestamp = Some(time);
        Ok(())
    }

    /// Takes the id, type and time of the event from the headers. They need not be there.
    fn read_event(&mut self, scheme: &Scheme, headers: &'a dyn HeaderView) {
        let read = |place: &Place| match place {
            Place::Header(name) => match headers.lookup(name) {
                Lookup::One(value) => core::str::from_utf8(value).ok().filter(|text| !text.is_empty()),
                _ => None,
            },
            Place::Field(name) => {
                self.field(scheme, name).ok().and_then(|text| core::str::from_utf8(text).ok())
            }
            Place::Json(_) => None,
        };
        let mut id = [const { None }; EventRule::MAX_PLACES];
        let mut kind = [const { None }; EventRule::MAX_PLACES];
        for (slot, place) in id.iter_mut().zip(scheme.event.id.iter()) {
            *slot = read(place).map(Cow::Borrowed);
        }
        for (slot, place) in kind.iter_mut().zip(scheme.event.kind.iter()) {
            *slot = read(place).map(Cow::Borrowed);
        }
        let time = scheme.event.time.as_ref().and_then(read).map(Cow::Borrowed);
        (self.id, self.kind, self.time) = (id, kind, time);
    }

    /// The same without the request's borrowed headers, of which only the event's values are kept.
    pub(crate) fn into_owned(self) -> Head<'static> {
        let owned = |found: Found<'a>| found.map(|value| value.map(|text| Cow::Owned(text.into_owned())));
        Head {
            family: self.family,
            signatures: Signatures::None,
            versions: self.versions,
            content: Content { method: "", target: "", values: [b"".as_slice(); MAX_PARTS] },
            timestamp: self.timestamp,
            id: owned(self.id),
            kind: owned(self.kind),
            time: self.time.map(|text| Cow::Owned(text.into_owned())),
        }
    }
}

impl Head<'static> {
    /// A copy of an owned head.
    pub(crate) fn clone_owned(&self) -> Self {
        Head {
            signatures: Signatures::None,
            id: self.id.clone(),
            kind: self.kind.clone(),
            time: self.time.clone(),
            ..*self
        }
    }
}

/// The family whose signature header is there; the first where none is.
fn choose_family(verifier: &Verifier, headers: &dyn HeaderView) -> usize {
    let present = |scheme: &Scheme| headers.lookup(first_name(&scheme.signature.source)) != Lookup::Missing;
    match verifier.rules.families.as_slice() {
        [_] => 0,
        families => families.iter().position(present).unwrap_or(0),
    }
}

fn check_fixed_headers(scheme: &Scheme, headers: &dyn HeaderView) -> Result<(), Error> {
    for fixed in scheme.delivery.fixed.iter() {
        match headers.lookup(&fixed.name) {
            Lookup::One(value) if value == fixed.value.as_bytes() => {}
            Lookup::One(_) => return Err(Error::header(ErrorKind::UnsupportedVersion, &fixed.name)),
            Lookup::Repeated => return Err(Error::header(ErrorKind::DuplicateHeader, &fixed.name)),
            Lookup::Missing if fixed.optional => {}
            Lookup::Missing => return Err(Error::header(ErrorKind::MissingHeader, &fixed.name)),
        }
    }
    Ok(())
}

/// The value of a header that must stand once and hold something.
fn header<'a>(headers: &'a dyn HeaderView, name: &str) -> Result<&'a [u8], Error> {
    match headers.lookup(name) {
        Lookup::One(value) if !value.trim_ascii().is_empty() => Ok(value),
        Lookup::One(_) | Lookup::Missing => Err(Error::header(ErrorKind::MissingHeader, name)),
        Lookup::Repeated => Err(Error::header(ErrorKind::DuplicateHeader, name)),
    }
}

fn is_time_header(scheme: &Scheme, name: &str) -> bool {
    let at = scheme.timestamp.as_ref().map(|rule| &rule.at);
    matches!(at, Some(Place::Header(time)) if time.eq_ignore_ascii_case(name))
}

fn is_time_field(scheme: &Scheme, name: &str) -> bool {
    let at = scheme.timestamp.as_ref().map(|rule| &rule.at);
    matches!(at, Some(Place::Field(time)) if time == name)
}

/// Whether a signed header can be an identifier: no delimiter, so that no byte can move from it to
/// its neighbour in the signed content.
fn is_id(scheme: &Scheme, value: &[u8]) -> bool {
    let allowed = |byte: &u8| match scheme.delivery.strict_ids {
        true => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        false => byte.is_ascii_graphic(),
    };
    (1..=255).contains(&value.len()) && value.iter().all(allowed)
}
