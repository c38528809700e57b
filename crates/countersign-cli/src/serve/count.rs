//! How many, as people write it.

use std::{fmt, num::NonZeroUsize, str::FromStr};

use serde::Deserialize;

/// A whole number from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Count(pub(super) NonZeroUsize);

impl FromStr for Count {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Count).map_err(|_| NO_COUNT)
    }
}

impl TryFrom<i64> for Count {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let number = usize::try_from(number).ok().and_then(NonZeroUsize::new);
        number.map(Count).ok_or(NO_COUNT)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const NO_COUNT: &str = "write a whole number from 1 on";
