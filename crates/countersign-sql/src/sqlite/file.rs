//! The file of a pool, and whether its name still means it.

use std::{
    fs::Metadata,
    path::{self, PathBuf},
    sync::{Arc, OnceLock},
};

use countersign_store::StoreError;
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::error::failed;

/// The file, as connections of a pool have it open. A clone is another handle on the same.
///
/// SQLite goes on writing into a file that was removed, or that another has taken the name of: all that would be gone with
/// the process.
#[derive(Clone)]
pub(super) struct File {
    pool: SqlitePool,
    /// `None` where it can't be told.
    path: Option<PathBuf>,
    opened: Arc<OnceLock<Identity>>,
}

impl File {
    pub(super) fn of(pool: &SqlitePool) -> Self {
        // The process may go to another folder later.
        let path = path::absolute(pool.connect_options().get_filename()).ok();
        File { pool: pool.clone(), path, opened: Arc::default() }
    }

    /// A transaction that can write from its start, so that it never fails for having read first.
    ///
    /// # Errors
    /// Where the database can't be reached or written, or the file isn't where it was.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        self.check_is_there()?;
        Ok(transaction)
    }

    /// Compares the file of this name with the one that was there when it was asked for first, if any was.
    fn check_is_there(&self) -> Result<(), StoreError> {
        let Some(path) = &self.path else { return Ok(()) };
        let found = path.metadata().ok().map(|found| Identity::of(&found));
        let is_same = match found {
            Some(found) => *self.opened.get_or_init(|| found) == found,
            None => self.opened.get().is_none(),
        };
        match is_same {
            true => Ok(()),
            false => Err(StoreError::unavailable(format!(
                "{} was removed or replaced while it was open, and what would be written now would be lost: put it back, or \
                 start the process again",
                path.display()
            ))),
        }
    }
}

/// What a file has, and no other at the same time. Elsewhere than on Unix a file that is open can't be removed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Identity { device: file.dev(), inode: file.ino() }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Identity {}
    }
}
