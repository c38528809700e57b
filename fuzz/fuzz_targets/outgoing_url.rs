//! libFuzzer's way to [`countersign_fuzz::outgoing_url`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::outgoing_url::target(data));
