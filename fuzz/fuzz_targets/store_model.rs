//! libFuzzer's way to [`countersign_fuzz::store_model`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::store_model::target(data));
