//! Attacks that have worked on somebody's webhooks, each a test with the number of its row in the
//! project's list. A row that applies to many schemes runs for every scheme of the catalogue that it
//! applies to.

#![cfg(all(feature = "sha1", feature = "ed25519", feature = "ecdsa"))]

#[path = "adversarial/content.rs"]
mod content;
#[path = "adversarial/forms.rs"]
mod forms;
#[path = "adversarial/keys.rs"]
mod keys;
#[path = "adversarial/pieces.rs"]
mod pieces;
#[path = "adversarial/replay.rs"]
mod replay;
#[path = "adversarial/signatures.rs"]
mod signatures;
#[path = "adversarial/subject.rs"]
mod subject;
#[path = "adversarial/time.rs"]
mod time;
