//! Messages, as they are read.

use bytes::Bytes;
use countersign_store::{
    StoreError,
    outbox::{Message, NewMessage, Payload},
};

/// The statement that reads a [`Row`], its columns in order, and goes on with `$rest`.
macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, kind, content_type, payload, is_reference, traceparent, created_at ",
            "FROM countersign_messages ",
            $rest
        )
    };
}
pub(crate) use select_messages;

/// A message as it is read.
pub(crate) type Row = (String, Option<String>, String, String, Vec<u8>, i64, Option<String>, i64);

/// The message of a row.
pub(crate) fn message(row: Row) -> Result<Message, StoreError> {
    let (id, tenant, kind, content_type, payload, is_reference, traceparent, created_at) = row;
    let mut new = NewMessage::new(kind, read_payload(payload, is_reference != 0)?);
    (new.tenant, new.content_type, new.traceparent) = (tenant, content_type, traceparent);
    Ok(Message::stored(&new, id, created_at))
}

/// The bytes of a payload, as they are written.
pub(crate) fn payload(payload: &Payload) -> &[u8] {
    match payload {
        Payload::Bytes(bytes) => bytes,
        Payload::Reference(text) => text.as_bytes(),
    }
}

fn read_payload(bytes: Vec<u8>, is_reference: bool) -> Result<Payload, StoreError> {
    match is_reference {
        true => String::from_utf8(bytes)
            .map(Payload::Reference)
            .map_err(|_| StoreError::invalid("a message's reference is not text")),
        false => Ok(Payload::Bytes(Bytes::from(bytes))),
    }
}
