//! A key set: what is read is written and read the same.
#![no_main]

use asqav_receipt::keys::KeySet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(keys) = KeySet::parse(bytes) else { return };
    let again = KeySet::parse(&keys.to_json()).expect("a key set");
    assert_eq!(again.entries().len(), keys.entries().len());
    for (one, other) in keys.entries().iter().zip(again.entries()) {
        assert_eq!(one.key().is_ok(), other.key().is_ok());
        assert_eq!((one.thumbprint(), &one.status), (other.thumbprint(), &other.status));
    }
});
