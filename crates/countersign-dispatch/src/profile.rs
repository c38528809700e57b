//! Sender profiles: what the five billing systems send, as they send it.
//!
//! A profile makes the [`Endpoint`](countersign_store::outbox::Endpoint) and the
//! [`NewMessage`](countersign_store::outbox::NewMessage) of its system. An event that is sent is the value
//! that [`countersign::events`] reads on the other side, and it is written where the scheme of
//! [`countersign::catalog`] reads it:
//!
//! ```
//! use countersign::events::{TypedEvent, iptvbp::EventType};
//! use countersign_dispatch::profile::iptvbp;
//!
//! let url = "https://example.com/hooks";
//! let endpoint = iptvbp::endpoint("ep_1", url, "a-secret-that-is-long", &[EventType::PaymentReceived])?;
//! assert_eq!(endpoint.scheme, "iptvbp");
//!
//! let (event_type, data) = (EventType::PaymentReceived, serde_json::json!({"payment_id": 1842}));
//! let message = iptvbp::message(&TypedEvent { id: None, event_type, time: None, data })?;
//! assert_eq!(message.event_type, "payment.received");
//! # Ok::<(), countersign_dispatch::profile::ProfileError>(())
//! ```
//!
//! Both are plain values: change what you like before you store them, such as the tenant, or a secret to be
//! [sealed](crate::Sealer::seal).
//!
//! | system | signed | body | test event |
//! |---|---|---|---|
//! | [`iptvbp`] | yes | `{id, type, timestamp, data}` | `test.webhook` |
//! | [`panel`] | yes, or not | `{event, …}` | `test.webhook` |
//! | [`ispbills`] | as is stated | `{event, …}` | |
//! | [`billrun`] | no | `{webhook_module, webhook_action, data}` | |
//! | [`snapbill`] | no | `{uuid, body: {id, path, details, …}}`, late | |
//!
//! Each module says what of that is documented.

pub mod billrun;
mod body;
mod endpoint;
mod error;
mod id;
pub mod iptvbp;
pub mod ispbills;
mod message;
pub mod panel;
pub mod snapbill;

pub use self::error::{ProfileError, ProfileErrorKind};
