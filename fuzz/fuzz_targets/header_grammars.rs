//! libFuzzer's way to [`countersign_fuzz::header_grammars`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::header_grammars::target(data));
