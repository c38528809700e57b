//! What SQLite answers.

use countersign_store::StoreError;
use sqlx::error::{DatabaseError, Error};

use crate::error;

pub(super) fn failed(error: Error) -> StoreError {
    error::failed(&error, answered)
}

fn answered(answer: &dyn DatabaseError) -> StoreError {
    let message = answer.message();
    if message.starts_with("no such table") {
        return StoreError::invalid("a table is missing: call `SqliteStore::migrate`");
    }
    match primary(answer) {
        // The message of a constraint can be a trigger's, with values in it.
        Some(CONSTRAINT) => StoreError::invalid("SQLite refused a row: a constraint is not met"),
        Some(ERROR | CORRUPT | TOO_BIG | MISMATCH | NOT_A_DATABASE) => StoreError::invalid(text(message)),
        _ => StoreError::unavailable(text(message)),
    }
}

/// SQLite's result code, without its extension.
fn primary(answer: &dyn DatabaseError) -> Option<i32> {
    let code: i32 = answer.code()?.parse().ok()?;
    Some(code & 0xff)
}

fn text(message: &str) -> String {
    format!("SQLite answered: {message}")
}

const ERROR: i32 = 1;
const CORRUPT: i32 = 11;
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const NOT_A_DATABASE: i32 = 26;
