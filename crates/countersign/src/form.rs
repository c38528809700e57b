//! The fields of a form, as they are signed.

use alloc::{borrow::Cow, format, vec::Vec};

use memchr::{memchr, memchr_iter};
use percent_encoding::percent_decode;

use crate::{Error, ErrorKind};

/// The fields of an `application/x-www-form-urlencoded` body, decoded: name and value of each, without anything between
/// them, those of the lowest name first and of one name the lowest value, in the order of their bytes. A field that
/// stands several times with the same value counts once.
pub(crate) fn sorted_fields(body: &[u8]) -> Vec<u8> {
    let mut fields: Vec<_> = fields(body).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut signed = Vec::with_capacity(body.len());
    for (name, value) in &fields {
        signed.extend_from_slice(name);
        signed.extend_from_slice(value);
    }
    signed
}

/// The fields of a form as the URL Standard reads them (url.spec.whatwg.org, §5.1), but that bytes stay what they are, UTF-8
/// or not: two forms are not one because neither is text.
fn fields(body: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    body.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = match memchr(b'=', field) {
            Some(at) => (&field[..at], &field[at + 1..]),
            None => (field, [].as_slice()),
        };
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    match Cow::from(percent_decode(&spaced)) {
        Cow::Borrowed(_) => spaced,
        Cow::Owned(decoded) => decoded,
    }
}

/// Counts the fields of a form, without decoding any: sorting is the one thing that takes longer than they are long.
///
/// # Errors
/// [`ErrorKind::TooManyFields`] where there are more than `limit`.
pub(crate) fn check_count(body: &[u8], limit: usize) -> Result<(), Error> {
    let fields = memchr_iter(b'&', body).count() + 1;
    match fields > limit {
        true => {
            let counts = format!("{fields}, and {limit} are allowed");
            Err(Error::new(ErrorKind::TooManyFields).because(counts))
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(body: &str) -> alloc::string::String {
        alloc::string::String::from_utf8(sorted_fields(body.as_bytes())).expect("UTF-8")
    }

    #[test]
    fn names_are_sorted_and_not_names_with_values() {
        assert_eq!(sorted("ReasonEnded=a&Reason=z"), "ReasonzReasonEndeda");
        assert_eq!(sorted("b=1&B=2&a=3"), "B2a3b1");
    }

    #[test]
    fn of_one_name_each_value_counts_once() {
        assert_eq!(sorted("a=2&a=1&a=2"), "a1a2");
    }

    #[test]
    fn fields_are_decoded() {
        assert_eq!(sorted("a+b=%2B1%20%C3%A9"), "a b+1 é");
        assert_eq!(sorted("empty=&alone&&=value"), "valuealoneempty");
        assert_eq!(sorted("a=%zz%4"), "a%zz%4", "as every reader of forms takes it");
        assert_eq!(sorted(""), "");
        assert_eq!(sorted_fields(b"a=\xff&a=%FE"), b"a\xfea\xff");
    }

    #[test]
    fn fields_are_counted_empty_ones_too() {
        let kind = |body: &str| check_count(body.as_bytes(), 3).map_err(|error| error.kind());
        assert_eq!(kind("a&b&c"), Ok(()));
        assert_eq!(kind("a&b&c&d"), Err(ErrorKind::TooManyFields));
        assert_eq!(kind("&&&"), Err(ErrorKind::TooManyFields));
    }
}
