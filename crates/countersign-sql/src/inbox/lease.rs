//! Leases: how they are read, given back and put off.

use countersign_store::{DeadLetter, Fence, Leased, StoreError};
use sqlx::{ColumnIndex, Decode, FromRow, Type};

use super::row::{Row, dead_letter};

/// What was leased. What can't be read must take no attempt from the others.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) leased: Vec<Leased>,
    /// The ids of the rows that can't be read.
    pub(crate) unreadable: Vec<i64>,
}

impl Read {
    /// What stands in rows that were leased under `fence`, each decoded by itself.
    pub(crate) fn of<R>(rows: &[R], fence: Fence) -> Self
    where
        R: sqlx::Row,
        Row: for<'r> FromRow<'r, R>,
        i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
        usize: ColumnIndex<R>,
    {
        let mut read = Read::default();
        for row in rows {
            let Ok(id) = row.try_get(ID) else { continue };
            match Row::from_row(row).map_err(StoreError::invalid).and_then(|row| leased(row, fence)) {
                Ok(leased) => read.leased.push(leased),
                Err(error) => {
                    log(id, &error);
                    read.unreadable.push(id);
                }
            }
        }
        read
    }
}

/// Where a [`Row`] has its id.
const ID: usize = 0;

fn leased(row: Row, fence: Fence) -> Result<Leased, StoreError> {
    let DeadLetter { id, attempts, accepted_at, received, .. } = dead_letter(row)?;
    Ok(Leased { id, fence, attempt: attempts, accepted_at, received })
}

fn log(row: i64, error: &StoreError) {
    tracing::error!(
        target: "countersign",
        row,
        error = %error,
        "an event of the inbox can't be read: it is looked at again when its lease ends"
    );
}

/// Implements leasing for a store, which has `take` and `read`.
macro_rules! leasing {
    ($store:ident) => {
        impl $store {
            async fn lease_rows(
                &self,
                limit: u32,
                lease: Duration,
                fence: Fence,
            ) -> Result<Vec<Leased>, StoreError> {
                match self.take(limit, lease, fence).await? {
                    ids if ids.is_empty() => Ok(Vec::new()),
                    ids => self.read(&ids, fence).await,
                }
            }

            /// Makes due what a clock that was far ahead has put off.
            async fn end_putting_off(&self) -> Result<(), StoreError> {
                let now = self.time().await?;
                for sql in END_PUTTING_OFF {
                    let query = sqlx::query(sql).bind(now).bind(now.saturating_add(clock::span(TOO_FAR)));
                    query.execute(&self.pool).await.map_err(failed)?;
                }
                Ok(())
            }
        }
    };
}
pub(crate) use leasing;

macro_rules! end_putting_off {
    ($lane:literal) => {
        concat!(
            "UPDATE countersign_inbox SET due_at = $1 WHERE state IN ('pending', 'leased') AND ",
            $lane,
            " AND due_at > $2 AND (state = 'leased' OR attempts = 0)"
        )
    };
}

/// The statement that puts off rows, whose ids `$list` means, that can't be read: they stay leased, to nobody, so that they
/// are not leased over and over. It doesn't count: no handler has seen them.
macro_rules! put_off {
    ($list:literal) => {
        concat!(
            "UPDATE countersign_inbox SET fence = NULL, attempts = attempts - 1 WHERE id ",
            $list,
            " AND fence = $2"
        )
    };
}
pub(crate) use put_off;

/// Makes due, at the first parameter, what only a clock that was ahead can have put off beyond the second: leases, and rows
/// that were never tried. A retry can be as late as its handler has said. Two statements, because two indexes hold such rows.
pub(crate) const END_PUTTING_OFF: [&str; 2] =
    [end_putting_off!("lane IS NULL"), end_putting_off!("lane IS NOT NULL")];

/// Gives back the rows of a fence as if they had not been leased: due now, the second parameter.
pub(crate) const GIVE_BACK_LEASED: &str = "
    UPDATE countersign_inbox SET state = 'pending', due_at = $2, fence = NULL, attempts = attempts - 1
    WHERE state = 'leased' AND fence = $1";
