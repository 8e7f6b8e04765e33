//! libFuzzer's entry to the target `headers`.
#![no_main]

use cos_batch_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    Target::named("headers").expect("a target of this name").run(input);
});
