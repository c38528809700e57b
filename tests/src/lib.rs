//! What tests of several crates share: the vectors as data, and the README as code.

pub mod case;

/// The README's programs, compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The core's README likewise.
#[cfg(doctest)]
#[doc = include_str!("../../crates/countersign/README.md")]
pub struct CoreReadme;
