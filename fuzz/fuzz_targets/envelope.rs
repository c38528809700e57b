//! libFuzzer's way to [`countersign_fuzz::envelope`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::envelope::target(data));
