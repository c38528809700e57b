//! libFuzzer's way to [`countersign_fuzz::verify_is_total`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::verify_is_total::target(data));
