//! What identifiers cost: every receipt has some.
#![allow(clippy::unwrap_used, reason = "a test may end here")]

use allocation_counter::measure;
use asqav_receipt::id::AgentId;

#[test]
fn short_identifiers_are_held_in_place() {
    let text = "a".repeat(23);
    let allocated = measure(|| {
        let id = AgentId::parse(&text).unwrap();
        assert_eq!(id.clone().as_str(), text);
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn clones_of_long_identifiers_share_their_text() {
    let id = AgentId::parse("a".repeat(AgentId::MAX_LEN)).unwrap();
    let allocated = measure(|| assert_eq!(id.clone(), id));
    assert_eq!(allocated.count_total, 0);
}
