//! Which database the server uses.

use std::{
    error::Error as _,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use countersign_sql::{PgStore, SqliteStore};
use countersign_store::StoreError;
use serde::Deserialize;
use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;
use url::Url;

use crate::private;

/// A SQLite file, or a PostgreSQL database. It is shown without its password.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(Box<(Url, PgConnectOptions)>),
}

/// The store of a database.
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PgStore),
}

impl Database {
    /// Opens a database that is there already, and makes no tables in it: it may be another program's.
    ///
    /// # Errors
    /// One that isn't, can't be opened, or has no tables of Countersign's.
    pub(crate) async fn open(&self) -> anyhow::Result<Store> {
        match self {
            Database::Sqlite(path) if !path.exists() => bail!(
                "there is no database {}: the application that uses it, or the first start of `countersign serve`, \
                 makes it",
                path.display()
            ),
            Database::Sqlite(path) => {
                let store = SqliteStore::open_existing(path).await.map_err(|error| unopened(&error))?;
                store.map(Store::Sqlite).ok_or_else(|| self.not_ours())
            }
            Database::Postgres(both) => {
                let store = self.connect(&both.1).await?;
                match store.has_tables().await.map_err(|error| self.cannot_be("read", cause(&error)))? {
                    true => Ok(Store::Postgres(store)),
                    false => Err(self.not_ours()),
                }
            }
        }
    }

    /// Connects to PostgreSQL, and creates the tables that are missing.
    ///
    /// # Errors
    /// Where it can't be reached, or refuses.
    pub(super) async fn postgres(&self, options: &PgConnectOptions) -> anyhow::Result<PgStore> {
        let store = self.connect(options).await?;
        store.migrate().await.map_err(|error| self.cannot_be("given its tables", cause(&error)))?;
        Ok(store)
    }

    async fn connect(&self, options: &PgConnectOptions) -> anyhow::Result<PgStore> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
        match pool.connect_with(options.clone()).await {
            Ok(pool) => Ok(PgStore::new(pool)),
            Err(error) => Err(self.cannot_be("reached", why(options, error).await)),
        }
    }

    fn cannot_be(&self, done: &str, cause: impl fmt::Display) -> anyhow::Error {
        anyhow!("the database {self} can't be {done}: {cause}")
    }

    fn not_ours(&self) -> anyhow::Error {
        anyhow!(
            "the database {self} has no table countersign_inbox: if it is the right one, the application that uses \
             it, or the first start of `countersign serve`, makes the tables"
        )
    }

    /// Whether its text holds a password.
    pub(crate) fn has_password(&self) -> bool {
        match self {
            Database::Sqlite(_) => false,
            Database::Postgres(both) => {
                both.0.password().is_some() || both.0.query_pairs().any(|(name, _)| name == "password")
            }
        }
    }
}

/// Opens the file, or creates it so that nobody else may read it: endpoints' secrets stand in it.
pub(super) async fn sqlite(path: &Path) -> anyhow::Result<SqliteStore> {
    let created = private::create(path).map(drop);
    let created = created.or_else(|error| if path.exists() { Ok(()) } else { Err(error) });
    created.with_context(|| format!("the database {} can't be created", path.display()))?;
    SqliteStore::open(path).await.map_err(|error| unopened(&error))
}

/// The cause names the file.
fn unopened(error: &StoreError) -> anyhow::Error {
    anyhow!("the database can't be opened: {}", cause(error))
}

/// What went wrong, without that it was the store.
fn cause(error: &StoreError) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Why there is no connection, which a pool that has waited long enough doesn't say.
async fn why(options: &PgConnectOptions, error: sqlx::Error) -> sqlx::Error {
    match timeout(PATIENCE, options.connect()).await {
        Ok(Err(why)) => why,
        _ => error,
    }
}

impl FromStr for Database {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            _ if text.is_empty() => Err("write a file's name, or postgres://user@host/database"),
            None => Ok(Database::Sqlite(text.into())),
            Some(("postgres" | "postgresql", _)) => {
                let url = Url::parse(text).map_err(|_| NO_URL)?;
                let options = text.parse().map_err(|_| NO_URL)?;
                Ok(Database::Postgres(Box::new((url, options))))
            }
            Some(_) => Err("only postgres:// is known beside the name of a SQLite file"),
        }
    }
}

impl TryFrom<String> for Database {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(path) => write!(f, "{}", path.display()),
            Database::Postgres(both) => {
                let (url, _) = &**both;
                let user =
                    Some(url.username()).filter(|user| !user.is_empty()).map(|user| format!("{user}@"));
                let port = url.port().map(|port| format!(":{port}"));
                write!(
                    f,
                    "postgres://{}{}{}{}",
                    user.unwrap_or_default(),
                    url.host_str().unwrap_or_default(),
                    port.unwrap_or_default(),
                    url.path()
                )
            }
        }
    }
}

const NO_URL: &str = "this is no URL of a database: write postgres://user@host/database";
const CONNECTIONS: u32 = 10;
/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Database>().map_or_else(str::to_owned, |database| database.to_string())
    }

    #[test]
    fn a_database_is_shown_without_its_password() {
        assert_eq!(shown("data/webhooks.db"), "data/webhooks.db");
        assert_eq!(shown("postgres://app:hunter2@db:5433/hooks"), "postgres://app@db:5433/hooks");
        assert_eq!(shown("postgresql://db/hooks?password=hunter2"), "postgres://db/hooks");
        for text in ["postgres://app:hunter2@db:nonsense/hooks", "mysql://app:hunter2@db/hooks", ""] {
            assert!(text.parse::<Database>().is_err() && !shown(text).contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_password_is_found_wherever_it_stands() {
        let has = |text: &str| text.parse::<Database>().is_ok_and(|database| database.has_password());
        assert!(has("postgres://app:hunter2@db/hooks") && has("postgres://db/hooks?password=hunter2"));
        assert!(!has("postgres://app@db/hooks") && !has("webhooks.db"));
    }
}
