//! libFuzzer's way to [`countersign_fuzz::explain`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::explain::target(data));
