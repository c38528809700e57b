//! The fuzz targets of Countersign: a module each, with a function `target` that takes any bytes and
//! panics where a promise is broken.
//!
//! libFuzzer calls them through the programs in `fuzz_targets`; an ordinary test of the project calls
//! them with the files in `seeds` and `regressions`.

#![forbid(unsafe_code)]

pub mod against_reference;
pub mod canonical_headers;
pub mod envelope;
pub mod explain;
pub mod flip_one_bit;
pub mod header_grammars;
pub mod outgoing_url;
pub mod scheme_toml;
pub mod store_model;
pub mod verify_is_total;

mod forge;
mod known;

/// A target: takes any bytes, and panics where a promise is broken.
pub type Target = fn(&[u8]);

/// Every target, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("against_reference", against_reference::target),
    ("canonical_headers", canonical_headers::target),
    ("envelope", envelope::target),
    ("explain", explain::target),
    ("flip_one_bit", flip_one_bit::target),
    ("header_grammars", header_grammars::target),
    ("outgoing_url", outgoing_url::target),
    ("scheme_toml", scheme_toml::target),
    ("store_model", store_model::target),
    ("verify_is_total", verify_is_total::target),
];
