//! Attempts, as they are read and written.

use bytes::Bytes;
use countersign_store::{
    StoreError,
    outbox::{Attempt, Trigger},
};

use super::delivery::trigger;
use crate::{clock, column};

/// The last first, of those with a number below the second parameter.
pub(crate) const SELECT: &str = "
    SELECT number, at, asked_for, latency, request_headers, payload_digest, payload, status, response_headers,
        response_body, error
    FROM countersign_attempts WHERE delivery_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3";

/// An attempt as it is read.
pub(crate) type Row = (
    i64,
    i64,
    i64,
    i64,
    String,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<i64>,
    String,
    Vec<u8>,
    Option<String>,
);

/// The attempt of a row.
pub(crate) fn attempt(row: Row) -> Result<Attempt, StoreError> {
    let (
        number,
        at,
        asked_for,
        latency,
        request_headers,
        digest,
        payload,
        status,
        response_headers,
        body,
        error,
    ) = row;
    let number = u32::try_from(number).map_err(StoreError::invalid)?;
    let mut attempt = Attempt::new(number, at, trigger(asked_for));
    attempt.latency = clock::remaining(latency);
    attempt.request_headers = column::parse(&request_headers)?;
    attempt.payload_digest = digest.map(read_digest).transpose()?;
    attempt.payload = payload.map(Bytes::from);
    attempt.status = status.map(u16::try_from).transpose().map_err(StoreError::invalid)?;
    attempt.response_headers = column::parse(&response_headers)?;
    attempt.response_body = Bytes::from(body);
    attempt.error = error;
    Ok(attempt)
}

fn read_digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::invalid("a digest has another length than 32 bytes"))
}

/// An attempt as it is written, but for its bytes.
pub(crate) struct Written<'a> {
    pub(crate) delivery: i64,
    pub(crate) endpoint: &'a str,
    pub(crate) attempt: &'a Attempt,
    pub(crate) asked_for: i64,
    pub(crate) latency: i64,
    pub(crate) request_headers: String,
    pub(crate) response_headers: String,
    pub(crate) error: Option<String>,
}

impl<'a> Written<'a> {
    pub(crate) fn new(delivery: i64, endpoint: &'a str, attempt: &'a Attempt) -> Result<Self, StoreError> {
        Ok(Written {
            delivery,
            endpoint,
            attempt,
            asked_for: i64::from(attempt.trigger == Trigger::Redelivery),
            latency: latency(attempt),
            request_headers: column::json(&attempt.request_headers)?,
            response_headers: column::json(&attempt.response_headers)?,
            error: attempt.error.as_deref().map(crate::reason::shortened),
        })
    }
}

/// How long an attempt took, as it is written.
pub(crate) fn latency(attempt: &Attempt) -> i64 {
    clock::span(attempt.latency)
}
