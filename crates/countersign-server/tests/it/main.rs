//! The API, as its callers see it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod billrun;
mod carried;
mod dashboard;
mod deliveries;
mod endpoints;
mod health;
mod hostile;
mod keys;
mod limits;
mod messages;
mod openapi;
mod real;
mod secrets;
mod support;
mod tenants;
