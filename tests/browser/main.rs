//! The dashboard in a real browser: Chromium, driven by chromedriver, at a real server that really sends.

#![allow(clippy::unwrap_used, reason = "tests")]

mod browser;
mod chromium;
mod copying;
mod live;
mod looks;
mod people;
mod sample;
mod site;
mod verifiers;
mod viewer;
mod without_scripts;
