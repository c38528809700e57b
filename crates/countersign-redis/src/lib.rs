//! What a receiver of webhooks remembers, in Redis.
//!
//! - [`RedisStore`]: the [`IdempotencyStore`](countersign_store::IdempotencyStore) of several machines.
//! - [`RedisStreamForwarder`]: publishes accepted events to a Redis stream.
//!
//! ```no_run
//! use countersign_redis::RedisStore;
//!
//! # async fn connect() -> Result<(), countersign_store::StoreError> {
//! let store = RedisStore::connect("redis://127.0.0.1").await?.prefix("billing:");
//! # Ok(())
//! # }
//! ```
//!
//! # What to set in Redis
//!
//! - `maxmemory-policy noeviction`. Every other policy forgets events while they must be remembered, and
//!   a copy of a forgotten event is handled again. With `noeviction` a full Redis makes a claim fail with
//!   [`StoreErrorKind::Full`](countersign_store::StoreErrorKind::Full), and the sender tries again later.
//! - Redis answers before what it holds is on disk or on a replica, so a crash or a failover can lose what
//!   was written last: an event can then be handled twice. `appendonly yes` with `appendfsync always`
//!   closes the first gap and nothing closes the second. Where an event must never be handled twice, keep
//!   the record in the database of the application, with `countersign-sql`.
//! - Redis 5 or later.
//! - For a failover, a name or an address that leads to the new primary: the [`Connection`] of
//!   [`RedisStore::connect`] is made again where the server behind it says that it is a replica now.
//!
//! # Redis Cluster
//!
//! Every step is one script that touches one key, so it runs on a cluster: hand a
//! `redis::cluster_async::ClusterConnection` to [`RedisStore::new`] (feature `cluster-async` of `redis`).
//! A hash tag in the prefix, as in `{billing}:`, keeps all records on one node.
//!
//! # TLS
//!
//! This crate builds `redis` without TLS. An application that connects by `rediss://` turns on a feature
//! of `redis` 1 for that in its own manifest, such as `tokio-rustls-comp`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod connection;
mod scripts;
mod store;
mod stream;

pub use self::{connection::Connection, store::RedisStore, stream::RedisStreamForwarder};
