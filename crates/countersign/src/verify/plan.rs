//! What a verifier looks for in the headers of a request, worked out when it is built.

use alloc::{string::String, vec::Vec};

use crate::{
    Authenticity, HeaderView, Lookup,
    scheme::{Part, Scheme, Source, Text},
};

/// A scheme in one of its header families, with the headers that it needs.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scheme: Scheme,
    /// The names of the headers that are needed, each once.
    names: Vec<String>,
    /// A bit for each length among them, so that most headers are passed over at a glance.
    lengths: u64,
    /// The place in `names` of each part of the content that is a header.
    pub(super) parts: Vec<Option<usize>>,
    /// The places in `names` of the signature headers, where their names are fixed.
    pub(super) signatures: Vec<usize>,
    /// The places in `names` of the headers that must hold a fixed value.
    pub(super) fixed: Vec<usize>,
    /// The field of the signature header that is part of the content.
    pub(super) field: Option<Text>,
    /// The place in the content of the time.
    pub(super) time: Option<usize>,
    /// Whether the event's id is under the signature.
    pub(crate) signs_id: bool,
    /// Whether it is the fields of a form that are signed.
    pub(super) signs_form: bool,
    /// Whether the signed bytes are known only when the body has ended, or may be one of several.
    pub(super) is_signed_whole: bool,
}

/// The headers that a plan needs, found in one pass over a request's.
pub(super) type Found<'a> = [Lookup<'a>; Scheme::MAX_HEADERS];

impl Plan {
    pub(super) fn new(scheme: Scheme) -> Plan {
        let mut names = Vec::new();
        let mut place_of = |name: &str| {
            let known = names.iter().position(|other: &String| other.eq_ignore_ascii_case(name));
            known.unwrap_or_else(|| {
                names.push(name.to_ascii_lowercase());
                names.len() - 1
            })
        };
        let signatures = match &scheme.signature.source {
            _ if scheme.is_unsigned() => Vec::new(),
            Source::Header(name) => Vec::from([place_of(name)]),
            Source::PerKey(all) => all.iter().map(|name| place_of(name)).collect(),
            Source::Repeated(_) | Source::Numbered(_) => Vec::new(),
        };
        let parts = scheme.content.iter().map(|part| match part {
            Part::Header(name) => Some(place_of(name)),
            _ => None,
        });
        let parts = parts.collect();
        let fixed = scheme.delivery.fixed.iter().map(|fixed| place_of(&fixed.name)).collect();
        let field = scheme.content.iter().find_map(|part| match part {
            Part::Field(name) => Some(name.clone()),
            _ => None,
        });
        let time = scheme.content.iter().position(|part| scheme.is_time(part));
        let lengths = names.iter().fold(0, |lengths, name| lengths | length_bit(name));
        let signs_id = Authenticity::of(&scheme) == Authenticity::Signature
            && scheme.event.id.iter().all(|place| scheme.signs(place));
        let (signs_form, is_signed_whole) = (scheme.signs_form(), scheme.is_signed_whole());
        Plan {
            names,
            lengths,
            parts,
            signatures,
            fixed,
            field,
            time,
            signs_id,
            signs_form,
            is_signed_whole,
            scheme,
        }
    }

    /// Finds the headers that are needed; before it, nothing is found.
    pub(super) fn find<'a>(&self, headers: &'a dyn HeaderView, found: &mut Found<'a>) {
        headers.each(&mut |name, value| {
            if self.lengths & length_bit(name) == 0 {
                return;
            }
            for (found, wanted) in found.iter_mut().zip(&self.names) {
                if same_name(wanted, name) {
                    found.add(value);
                }
            }
        });
    }
}

/// Before anything is found.
pub(super) const NOTHING: Found<'static> = [Lookup::Missing; Scheme::MAX_HEADERS];

/// The bit of a name's length; lengths that are 64 apart share one.
#[inline]
fn length_bit(name: &str) -> u64 {
    1 << (name.len() % 64)
}

/// Whether `name` is `wanted`, which is lower case, as most names are when they get here. A provider's
/// names begin alike, so their ends are looked at first.
#[inline]
fn same_name(wanted: &str, name: &str) -> bool {
    let end = |name: &str| name.as_bytes().last().map(u8::to_ascii_lowercase);
    wanted.len() == name.len()
        && end(wanted) == end(name)
        && (wanted == name || wanted.eq_ignore_ascii_case(name))
}
