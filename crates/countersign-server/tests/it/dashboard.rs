//! The dashboard, as browsers see it: over real sockets, with cookies.

mod browser;
mod changing;
mod hostile;
mod pages;
mod signing_in;
mod streaming;
