//! libFuzzer's way to [`countersign_fuzz::against_reference`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::against_reference::target(data));
