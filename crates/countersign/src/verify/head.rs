//! What the headers of a request say, read once, before any byte of the body.

use alloc::{format, string::String};

use super::{
    Verifier,
    plan::{Found, NOTHING, Plan},
    signatures::{Entry, Signatures, entries, first_name, is_field},
};
use crate::{
    Error, ErrorKind, Lookup, RequestView, Timestamp,
    content::Content,
    json,
    scheme::{Algorithm, Part, Place, Scheme},
};

/// What the headers of a request say.
pub(crate) struct Head<'a> {
    /// The place of the header family among the verifier's plans.
    pub(crate) family: usize,
    pub(crate) signatures: Signatures<'a>,
    /// The versions of which the request holds a signature, a bit each.
    versions: u8,
    /// The signature with its version and the key that it belongs to, where there is one alone, as
    /// there mostly is: then the header isn't read a second time.
    pub(crate) only: Option<(Option<usize>, usize, &'a [u8])>,
    /// The field of the signature header that is part of the content.
    field: Lookup<'a>,
    pub(crate) content: Content<'a>,
    pub(crate) timestamp: Option<Timestamp>,
}

impl<'a> Head<'a> {
    /// Reads the headers: the method, the fixed headers, the signatures, the signed headers and the
    /// time. What they show to be wrong is refused here, before the body is read.
    pub(crate) fn read(verifier: &Verifier, request: &RequestView<'a>, now: i64) -> Result<Head<'a>, Error> {
        let mut found = NOTHING;
        let family = choose_family(verifier, request, &mut found);
        let plan = &verifier.rules.families[family];
        let scheme = &plan.scheme;
        if !scheme.allows_method(request.method) {
            return Err(Error::new(ErrorKind::MethodNotAllowed).at(String::from(request.method)));
        }
        check_fixed_headers(plan, &found)?;
        let limit = verifier.rules.limits.signatures;
        let signatures = match scheme.is_unsigned() {
            true => Signatures::None,
            false => Signatures::read(plan, &found, request.headers, limit)?,
        };
        let values = [b"".as_slice(); Scheme::MAX_PARTS];
        let content = Content { method: request.method, target: request.target, values };
        let mut head = Head {
            family,
            signatures,
            versions: 0,
            only: None,
            field: Lookup::Missing,
            content,
            timestamp: None,
        };
        head.read_signatures(verifier, plan)?;
        head.read_content(plan, &found)?;
        head.read_time(verifier, plan, now)?;
        Ok(head)
    }

    /// Counts the signatures and notes their versions.
    fn read_signatures(&mut self, verifier: &Verifier, plan: &Plan) -> Result<(), Error> {
        if plan.scheme.is_unsigned() {
            return Ok(());
        }
        let limits = &verifier.rules.limits;
        let signature = &plan.scheme.signature;
        let error = |kind| Error::header(kind, first_name(&signature.source));
        let (mut signatures, mut by_public_key, mut fields) = (0, 0, 0);
        for (owner, value) in self.signatures.values() {
            if value.len() > limits.header_bytes {
                let (bytes, limit) = (value.len(), limits.header_bytes);
                return Err(error(ErrorKind::HeaderTooLarge)
                    .because(format!("{bytes} bytes, and {limit} are allowed")));
            }
            for entry in entries(&signature.syntax, &signature.versions, value) {
                match entry {
                    Entry::Signature { version, text } => {
                        self.only = (signatures == 0).then_some((owner, version, text));
                        signatures += 1;
                        by_public_key += usize::from(signature.versions[version].algorithm.is_asymmetric());
                        self.versions |= 1 << version;
                    }
                    Entry::Field { index, label, text } => {
                        fields += 1;
                        if plan
                            .field
                            .as_ref()
                            .is_some_and(|name| is_field(&signature.syntax, index, label, name))
                        {
                            self.field.add(text);
                        }
                    }
                    Entry::Malformed => {}
                }
            }
        }
        match signatures {
            0 if fields > usize::from(plan.field.is_some()) => Err(error(ErrorKind::UnsupportedVersion)),
            0 => Err(error(ErrorKind::MalformedHeader)),
            _ if signatures > limits.signatures => {
                let allowed = limits.signatures;
                Err(error(ErrorKind::TooManySignatures)
                    .because(format!("{signatures}, and {allowed} are allowed")))
            }
            _ if by_public_key > limits.public_key_signatures => {
                let allowed = limits.public_key_signatures;
                let counts = format!("{by_public_key} that a public key verifies, and {allowed} are allowed");
                Err(error(ErrorKind::TooManySignatures).because(counts))
            }
            _ => Ok(()),
        }
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
    fn read_content(&mut self, plan: &Plan, found: &Found<'a>) -> Result<(), Error> {
        for (index, part) in plan.scheme.content.iter().enumerate() {
            let (name, value) = match (part, plan.parts[index]) {
                (Part::Header(name), Some(place)) => (name, required(name, found[place])?),
                (Part::Field(name), _) => match self.field {
                    Lookup::One(text) if !text.is_empty() => (name, text),
                    _ => {
                        let header = first_name(&plan.scheme.signature.source);
                        return Err(Error::header(ErrorKind::MalformedHeader, header));
                    }
                },
                _ => continue,
            };
            if plan.time != Some(index) && !plan.scheme.is_id(value) {
                return Err(Error::header(ErrorKind::MalformedHeader, name));
            }
            self.content.values[index] = value;
        }
        Ok(())
    }

    /// Reads and checks the time, where it stands in a header or a field.
    fn read_time(&mut self, verifier: &Verifier, plan: &Plan, now: i64) -> Result<(), Error> {
        let (Some(rule), Some(part)) = (&plan.scheme.timestamp, plan.time) else { return Ok(()) };
        let time = Timestamp::parse_bytes(rule.format, self.content.values[part]);
        let time = time.ok_or_else(|| Error::new(ErrorKind::InvalidTimestamp).at(rule.at.render()))?;
        verifier.rules.tolerance.check(rule, time, Timestamp::from_unix_seconds(now))?;
        self.timestamp = Some(time);
        Ok(())
    }

    /// Reads and checks the time, where it stands in the body: only once the body is authentic.
    pub(crate) fn read_time_in_body(
        &mut self,
        verifier: &Verifier,
        body: &[u8],
        now: i64,
    ) -> Result<(), Error> {
        let Some(rule) = &verifier.scheme_of(self.family).timestamp else { return Ok(()) };
        let Place::Json(pointer) = &rule.at else { return Ok(()) };
        let text = json::text(body, pointer)?;
        let time = text.and_then(|text| Timestamp::parse(rule.format, &text));
        let time = time.ok_or_else(|| Error::new(ErrorKind::InvalidTimestamp).at(rule.at.render()))?;
        verifier.rules.tolerance.check(rule, time, Timestamp::from_unix_seconds(now))?;
        self.timestamp = Some(time);
        Ok(())
    }
}

/// The first family whose signature header is there, or the first of all; and its headers.
fn choose_family<'a>(verifier: &Verifier, request: &RequestView<'a>, found: &mut Found<'a>) -> usize {
    let plans = &verifier.rules.families;
    for (family, plan) in plans.iter().enumerate() {
        plan.find(request.headers, found);
        let signature = plan.signatures.first().map(|place| found[*place]);
        if plans.len() == 1 || signature.is_some_and(|signature| signature != Lookup::Missing) {
            return family;
        }
        *found = NOTHING;
    }
    plans[0].find(request.headers, found);
    0
}

fn check_fixed_headers(plan: &Plan, found: &Found<'_>) -> Result<(), Error> {
    for (fixed, place) in plan.scheme.delivery.fixed.iter().zip(&plan.fixed) {
        match found[*place] {
            Lookup::One(value) if value == fixed.value.as_bytes() => {}
            Lookup::One(_) => return Err(Error::header(ErrorKind::UnsupportedVersion, &fixed.name)),
            Lookup::Missing if fixed.optional => {}
            other => return required(&fixed.name, other).map(|_| ()),
        }
    }
    Ok(())
}

/// The value of a header that must stand once and hold something.
pub(super) fn required<'a>(name: &str, found: Lookup<'a>) -> Result<&'a [u8], Error> {
    match found {
        Lookup::One(value) if !value.trim_ascii().is_empty() => Ok(value),
        Lookup::One(_) | Lookup::Missing => Err(Error::header(ErrorKind::MissingHeader, name)),
        Lookup::Repeated => Err(Error::header(ErrorKind::DuplicateHeader, name)),
    }
}
