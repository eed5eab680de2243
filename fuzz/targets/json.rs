//! The strict reader, and canonical JSON.
#![no_main]

use asqav_receipt::canonical;
use asqav_receipt::json::{Json, JsonErrorKind, check_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let checked = std::str::from_utf8(bytes).map(check_text);
    let json = match Json::parse(bytes) {
        Ok(json) => json,
        // Texts that are kept as they are may hold greater integers.
        Err(error) => {
            let taken = matches!(checked, Ok(Ok(_)));
            assert!(
                !taken || matches!(error.kind, JsonErrorKind::Integer | JsonErrorKind::TooMany),
                "{error}"
            );
            return;
        }
    };
    assert!(matches!(checked, Ok(Ok(_))), "what is read can be kept");
    let written = canonical::to_vec(&json);
    match Json::parse(&written) {
        Ok(read) => assert_eq!(canonical::to_vec(&read), written, "canonical JSON has one form"),
        // A double beyond 2^53 is written as an integer, which is refused.
        Err(error) => assert_eq!(error.kind, JsonErrorKind::Integer),
    }
});
