//! What a failure of the database is to a store. No text of it holds a value that was written: the
//! driver's own texts can.

use countersign_store::StoreError;
use sqlx::error::{DatabaseError, Error};

/// The failure, where `answered` judges what the database itself has answered.
pub(crate) fn failed(error: &Error, answered: fn(&dyn DatabaseError) -> StoreError) -> StoreError {
    match error {
        Error::Database(answer) => answered(answer.as_ref()),
        Error::Io(error) => StoreError::unavailable(format!("the connection failed: {}", error.kind())),
        Error::PoolTimedOut => StoreError::unavailable(
            "no connection was free in time: the database can't be reached, or all of the pool's are in use",
        ),
        Error::PoolClosed => StoreError::unavailable("the pool is closed"),
        Error::Tls(_) => StoreError::unavailable("the connection could not be encrypted"),
        Error::Encode(_)
        | Error::Decode(_)
        | Error::ColumnDecode { .. }
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::TypeNotFound { .. }
        | Error::RowNotFound
        | Error::InvalidArgument(_) => StoreError::invalid("a column doesn't hold what it should"),
        _ => StoreError::unavailable("the database's driver failed"),
    }
}
