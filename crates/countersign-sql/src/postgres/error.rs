//! What PostgreSQL answers.

use std::{error::Error as StdError, fmt};

use countersign_store::StoreError;
use sqlx::error::{DatabaseError, Error};

use crate::error;

pub(super) fn failed(error: Error) -> StoreError {
    error::failed(&error, answered)
}

fn answered(answer: &dyn DatabaseError) -> StoreError {
    let code = answer.code().unwrap_or_default();
    let text = || format!("PostgreSQL answered {code}: {}", answer.message());
    match (&*code, code.get(..2).unwrap_or_default()) {
        (UNDEFINED_TABLE | UNDEFINED_FUNCTION, _) => {
            StoreError::invalid("a table is missing: call `PgStore::migrate`")
        }
        (DEADLOCK | SERIALIZATION_FAILURE, _) => StoreError::unavailable(GaveWay(text())),
        // Messages about data, and those that triggers raise, can hold values.
        (_, DATA | CONSTRAINT) => StoreError::invalid(format!("PostgreSQL refused a row with {code}")),
        (_, RAISED) => StoreError::unavailable(format!("PostgreSQL answered {code}")),
        (_, SYNTAX_OR_ACCESS | UNSUPPORTED | BEYOND_LIMITS) => StoreError::invalid(text()),
        _ => StoreError::unavailable(text()),
    }
}

/// Whether the transaction was rolled back so that another could go on: the same may succeed now.
pub(super) fn gave_way(error: &StoreError) -> bool {
    error.source().is_some_and(|cause| cause.is::<GaveWay>())
}

#[derive(Debug)]
struct GaveWay(String);

impl fmt::Display for GaveWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for GaveWay {}

const DEADLOCK: &str = "40P01";
const SERIALIZATION_FAILURE: &str = "40001";
const UNDEFINED_TABLE: &str = "42P01";
const UNDEFINED_FUNCTION: &str = "42883";
// The classes, which a code begins with.
const UNSUPPORTED: &str = "0A";
const DATA: &str = "22";
const CONSTRAINT: &str = "23";
const SYNTAX_OR_ACCESS: &str = "42";
// Such as a row that is too large for an index, however often it is tried.
const BEYOND_LIMITS: &str = "54";
const RAISED: &str = "P0";
