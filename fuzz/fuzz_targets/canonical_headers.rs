//! libFuzzer's way to [`countersign_fuzz::canonical_headers`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::canonical_headers::target(data));
