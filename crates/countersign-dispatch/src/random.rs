//! Chance.

/// A number from 0 to 1. Where the operating system gives none, the longest wait is taken.
pub(crate) fn unit() -> f64 {
    getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX))
}
