//! Webhooks acknowledged at once and handled later.
//!
//! Every provider advises the same: answer within seconds, and process from a queue. With an
//! [`Inbox`] the middleware verifies an event, stores it durably and answers 2xx. Accepting and remembering it is one
//! write, so that a copy is recognised. An [`InboxWorker`] then handles it:
//!
//! ```
//! use countersign_inbox::{HandlerError, Inbox, InboxEvent, InboxWorker};
//! use countersign_store::InboxStore;
//!
//! #[derive(serde::Deserialize)]
//! struct Invoice {
//!     amount: u64,
//! }
//!
//! async fn handle(event: InboxEvent) -> Result<(), HandlerError> {
//!     match event.event_type() {
//!         Some("invoice.paid") => {
//!             let invoice: Invoice = event.data()?;
//!             println!("{} paid", invoice.amount);
//!             Ok(())
//!         }
//!         _ => Ok(()),
//!     }
//! }
//!
//! # async fn app(store: impl InboxStore, shutdown: impl Future<Output = ()>) {
//! // The store: `SqliteStore` or `PgStore` of countersign-sql.
//! let inbox = Inbox::new(store);
//! // To the middleware: `WebhookLayer::new(verifier).inbox(inbox.clone())`.
//! InboxWorker::new(inbox, handle).concurrency(8).run(shutdown).await;
//! # }
//! ```
//!
//! # What a worker does
//!
//! 1. It leases as many due events as it has free places, oldest due first. Events of one
//!    [order](countersign_store::Received::order) are leased one at a time.
//! 2. It runs the handler for each, within [`handler_timeout`](InboxWorker::handler_timeout) (60 s). The lease is 30 seconds
//!    longer, so that no other worker has the event meanwhile.
//! 3. What succeeded is done. What failed, panicked or took too long is tried again after 1 s, 2 s, 4 s, … up to an hour.
//!    Each wait is a random part of that, at least half, so that events that failed together don't return together. After
//!    [`max_attempts`](InboxWorker::max_attempts) (10) the event is dead: a row that a person looks at
//!    ([`InboxStore::dead`](countersign_store::InboxStore::dead)) and puts back
//!    ([`requeue`](countersign_store::InboxStore::requeue)). If the provider sends it again, that copy is acknowledged,
//!    changes nothing, and is logged as a warning.
//! 4. Attempts are counted when an event is leased, so that one that kills the process every time ends as a dead letter
//!    too. `countersign inbox` lists dead letters, shows them, and puts them back.
//! 5. When it is told to stop, it leases no more, waits up to [`grace`](InboxWorker::grace) (30 s) for the handlers that
//!    run, and then drops them. The event of a dropped handler is given back; a handler that blocks its thread can't be
//!    dropped, and keeps its event until the lease ends.
//!
//! An event is handled **at least once**: if a worker dies between the end of the handler and the settling, the event is
//! handled again. A handler that writes to the same database makes its effect *exactly* once with `claim_in` of
//! `countersign-sql`.
//!
//! # What is logged and counted
//!
//! One `tracing` span an attempt, `webhook.handle` of target `countersign`, with the fields `row`, `key`, `source`,
//! `event_type`, `event_id`, `attempt` and `outcome`; never the body. Through the `metrics` facade:
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `countersign_inbox_handled_total` | counter | `source`, `outcome`: `done`, `retry`, `dead`, `returned` |
//! | `countersign_inbox_handle_seconds` | histogram | `source` |
//! | `countersign_inbox_depth` | gauge: events that wait or are being handled | |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod backoff;
mod event;
mod forward;
mod handler;
mod inbox;
mod worker;

pub use self::{
    event::InboxEvent,
    handler::{EventHandler, HandlerError},
    inbox::Inbox,
    worker::InboxWorker,
};
