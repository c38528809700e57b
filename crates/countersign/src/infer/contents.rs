//! What may be signed.

use alloc::{borrow::ToOwned, vec::Vec};
use core::slice;

use super::{
    seen::{Seen, time_format},
    signatures::Field,
};
use crate::{
    explain::joined::joined,
    scheme::{Part, Place, TimeFormat},
};

/// What may be signed, with the time that is under it.
pub(super) type Content = (Vec<Part>, Option<(Place, TimeFormat)>);

/// The body alone and with what stands beside it, the simplest first.
pub(super) fn contents(seen: &Seen, fields: &[Field], has_url: bool) -> Vec<Content> {
    let mut all = Vec::new();
    let ids: Vec<Part> = seen.ids().map(|name| Part::Header(name.to_owned().into())).collect();
    let addresses = if has_url { ADDRESSES } else { &[] };
    for pieces in [&[Part::Body][..]].iter().chain(addresses) {
        all.push((pieces.to_vec(), None));
        all.extend(
            ids.iter().flat_map(|id| joined(slice::from_ref(id), pieces)).map(|content| (content, None)),
        );
    }
    for (time, place, format) in times(seen, fields) {
        let timed = |content| (content, Some((place.clone(), format)));
        for pieces in [&[Part::Body][..]].iter().chain(addresses) {
            let alone = joined(slice::from_ref(&time), pieces);
            let with_ids = ids.iter().filter(|id| **id != time).flat_map(|id| {
                let (id, time) = (id.clone(), time.clone());
                joined(&[id.clone(), time.clone()], pieces).into_iter().chain(joined(&[time, id], pieces))
            });
            all.extend(alone.into_iter().chain(with_ids).map(timed));
        }
        all.push(timed(alloc::vec![
            Part::Literal("v0:".into()),
            time,
            Part::Literal(":".into()),
            Part::Body
        ]));
    }
    all
}

/// The times that stand beside the body: in a header, or in a field of the signature's.
fn times<'s>(seen: &'s Seen, fields: &'s [Field]) -> impl Iterator<Item = (Part, Place, TimeFormat)> + 's {
    let fields = fields.iter().filter_map(|(name, value)| Some((name.clone(), time_format(value)?)));
    let of_fields =
        fields.map(|(name, format)| (Part::Field(name.clone().into()), Place::Field(name.into()), format));
    let headers = seen.times().map(|(name, format)| (name.to_owned(), format));
    of_fields.chain(
        headers.map(|(name, format)| (Part::Header(name.clone().into()), Place::Header(name.into()), format)),
    )
}

/// What schemes sign that sign a URL.
const ADDRESSES: &[&[Part]] = &[
    &[Part::RequestUrl, Part::Body],
    &[Part::ConfiguredUrl, Part::Body],
    &[Part::Method, Part::RequestUrl, Part::Body],
    &[Part::Method, Part::ConfiguredUrl, Part::Body],
];
