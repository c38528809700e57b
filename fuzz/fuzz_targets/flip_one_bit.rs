//! libFuzzer's way to [`countersign_fuzz::flip_one_bit`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::flip_one_bit::target(data));
