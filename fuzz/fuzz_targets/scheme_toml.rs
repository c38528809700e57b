//! libFuzzer's way to [`countersign_fuzz::scheme_toml`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::scheme_toml::target(data));
