//! The dashboard, as browsers see it: over real sockets, with cookies.

mod browser;
mod changing;
mod hostile;
mod keys;
mod pages;
mod signing_in;
mod stored_keys;
mod streaming;
