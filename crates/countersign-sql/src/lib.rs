//! What receivers and senders of webhooks remember, in SQLite or PostgreSQL.
//!
//! [`SqliteStore`] is one file beside the application; [`PgStore`] is for several machines. Each is, for
//! receiving, an [`IdempotencyStore`](countersign_store::IdempotencyStore) and an
//! [`InboxStore`](countersign_store::InboxStore), and for sending an
//! [`OutboxStore`](countersign_store::outbox::OutboxStore), with an
//! [`ApiKeyStore`](countersign_store::api_keys::ApiKeyStore) for its operators.
//!
//! ```
//! use std::time::Duration;
//! use countersign_sql::SqliteStore;
//! use countersign_store::{Claim, IdempotencyStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("webhooks.db");
//! let store = SqliteStore::open(path).await?;
//! let claim = store.claim("stripe:evt_1", Duration::from_secs(60)).await?;
//! assert!(matches!(claim, Claim::Claimed(_)));
//! # Ok(())
//! # }
//! ```
//!
//! # Tables
//!
//! For receiving `countersign_claims` and `countersign_inbox`; for sending `countersign_endpoints`,
//! `countersign_messages`, `countersign_deliveries` and `countersign_attempts`; for operators `countersign_api_keys`;
//! and `_countersign_migrations`. Call `migrate` when the application starts: it creates what is missing, and
//! processes that start at once wait for each other. [`SqliteStore::open`] does it by itself. On PostgreSQL
//! the tables, and three functions, are made in the first schema of the connection's search path.
//!
//! # In the handler's own transaction
//!
//! A layer that claims and completes can't know whether a handler that died has committed. Where
//! handling an event is a transaction of the same database, `claim_in` records the event within it:
//! both commit, or neither does, and the event is handled exactly once.
//!
//! ```
//! use std::time::Duration;
//! use countersign_sql::{Occurrence, SqliteStore};
//! use sqlx::SqlitePool;
//!
//! async fn paid(store: &SqliteStore, pool: &SqlitePool, key: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     // IMMEDIATE: two handlers of one event wait here for each other, instead of failing later.
//!     let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
//!     let week = Duration::from_secs(7 * 24 * 60 * 60);
//!     if let Occurrence::First = store.claim_in(&mut transaction, key, week).await? {
//!         sqlx::query("UPDATE invoices SET paid = 1").execute(&mut *transaction).await?;
//!     }
//!     transaction.commit().await?;
//!     Ok(())
//! }
//! ```
//!
//! A key is claimed either by the layer or by `claim_in`, not by both: a key that the layer has
//! claimed is an error to `claim_in`.
//!
//! # Sending in the application's own transaction
//!
//! An event that is told to others must be told where the change it tells of is committed, and not where
//! that is rolled back. `enqueue_in` writes the message, and a delivery for each endpoint that wants it,
//! within the transaction of the change:
//!
//! ```
//! use countersign_sql::SqliteStore;
//! use countersign_store::outbox::NewMessage;
//! use sqlx::SqlitePool;
//!
//! async fn pay(store: &SqliteStore, pool: &SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
//!     sqlx::query("UPDATE invoices SET state = 'paid' WHERE id = 7").execute(&mut *transaction).await?;
//!     let paid = NewMessage::new("invoice.paid", r#"{"type":"invoice.paid","data":{"id":7}}"#);
//!     store.enqueue_in(&mut transaction, &[paid]).await?;
//!     transaction.commit().await?;
//!     Ok(())
//! }
//! ```
//!
//! In SQLite let the transaction begin by `BEGIN IMMEDIATE`. One that has read before it writes can't become a writer where
//! another has written meanwhile, such as a dispatcher, and fails at once, whatever its busy timeout: "database is locked".
//!
//! `countersign-dispatch` delivers what has been committed. It sees it when it asks, within a second, or at
//! once: in the same process where its outbox is woken after the commit, and on PostgreSQL in any process,
//! which hears of it over `LISTEN countersign_outbox`. A dispatcher keeps one connection of its pool for
//! that.
//!
//! # Commits that are shared
//!
//! A commit costs a flush of the disk, however little it writes. In SQLite those who call `enqueue`, or accept
//! into the inbox, while another write is under way share the next commit, up to 256 rows or 8 MiB of them:
//! nobody waits for others to come, and each has its own answer. Where one of them is refused, such as for an
//! id that is taken, each is written by itself. Who drops the future meanwhile takes nothing from the others.
//! In PostgreSQL each call commits by itself, and the server flushes commits that come at once together; a batch
//! in one call shares more. What an application writes by `enqueue_in` is part of its
//! own commit in both.
//!
//! # Isolation
//!
//! PostgreSQL's `read committed`, its default, is what the stores' own statements count on: where a role or a database sets
//! `default_transaction_isolation` to more, connections of the pool need it set back, such as by
//! `PgConnectOptions::options([("default_transaction_isolation", "read committed")])`. SQLite has one isolation.
//!
//! # What is kept, and for how long
//!
//! - A claim that is done is removed some time after its time to live: every 256th claim removes up
//!   to 1,000 such rows, as `prune_claims` does. A claim that nobody has settled is kept for a day
//!   after its lease, because until then its holder could settle it. One that a clock has made that was
//!   more than a day ahead counts as ended. So do, within a minute, a lease of the inbox or of a delivery, and an open
//!   circuit; what the inbox accepted then is due. A message, and an event that was to be tried again, wait until that time.
//! - A row of the inbox keeps its body until it is done. The row itself, by which copies are known,
//!   stays until [`prune`](countersign_store::InboxStore::prune) removes it.
//! - A message with its deliveries and attempts is kept until
//!   [`prune_outbox`](countersign_store::outbox::OutboxStore::prune_outbox) removes it, which the dispatcher
//!   calls each minute, and again while a call finds a thousand.
//! - The secrets of endpoints are kept as they are given: seal them, see `countersign-dispatch`.
//! - Of an API key its SHA-256 is kept, until the key is removed: one that has expired too.
//! - Events of one source, one tenant and one order are leased one at a time.
//!
//! # Features
//!
//! - `sqlite` (on by default): [`SqliteStore`], with SQLite compiled in.
//! - `postgres`: [`PgStore`]. Encryption of the connection is chosen by the application, as a
//!   `tls-…` feature of its own dependency on `sqlx`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(unused, reason = "without a database nobody uses what they share")
)]

mod api_keys;
mod check;
mod claims;
mod clock;
mod column;
mod error;
mod inbox;
mod lost;
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
mod reason;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::claims::Occurrence;
#[cfg(feature = "postgres")]
pub use self::postgres::PgStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
