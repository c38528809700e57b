//! What tests of several crates share: the vectors as data, and the README as code.

pub mod case;
pub mod table;

/// The README's programs, compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Those of the crates' READMEs likewise.
#[cfg(doctest)]
#[doc = include_str!("../../crates/countersign/README.md")]
pub struct CoreReadme;

/// The tower layer's.
#[cfg(doctest)]
#[doc = include_str!("../../crates/countersign-tower/README.md")]
pub struct TowerReadme;

/// The extractors'.
#[cfg(doctest)]
#[doc = include_str!("../../crates/countersign-axum/README.md")]
pub struct AxumReadme;

/// The actix-web middleware's.
#[cfg(doctest)]
#[doc = include_str!("../../crates/countersign-actix/README.md")]
pub struct ActixReadme;
