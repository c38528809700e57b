//! The steps of an event's record, each a script that Redis runs as one.
//!
//! A record is a text: `claimed FENCE END` with the lease's end in microseconds since 1970, or
//! `done STATUS`. Redis forgets it when its time is over.

use std::sync::LazyLock;

use redis::Script;

pub(crate) static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/claim.lua")));

pub(crate) static COMPLETE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/complete.lua")));

pub(crate) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/release.lua")));
