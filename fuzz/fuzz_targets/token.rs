#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apikeys_test_fuzz::token(data));
