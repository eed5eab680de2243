//! Legal holds that a gate placed itself.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod common;

use asqav_core::Refused;
use asqav_core::testing::TestGate;
use asqav_receipt::id::HoldId;
use asqav_receipt::seq_set::SeqSet;
use common::call;

/// In force is what stands in the log, not what was asked for.
#[test]
fn a_hold_counts_from_its_receipt_to_that_of_its_release() {
    let test = TestGate::with(|builder| builder.without_policy().max_in_flight(1.try_into().unwrap()));
    let gate = test.gate();
    test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap();
    let (id, receipts) = (HoldId::parse("case-1").unwrap(), SeqSet::range(2, 3));
    let held = || gate.erase(&receipts).err().map(|held| held.hold);
    let overloaded = Refused::Overloaded { in_flight: 1 };

    let place = gate.admit(call("t")).wait().unwrap();
    assert_eq!(gate.place_hold(&id, Some(&receipts)).wait().unwrap_err(), overloaded);
    assert_eq!(held(), None);
    place.abandon().wait().unwrap();

    gate.place_hold(&id, Some(&SeqSet::range(3, 3))).wait().unwrap();
    assert_eq!(held().as_ref(), Some(&id));
    let place = gate.admit(call("t")).wait().unwrap();
    assert_eq!(gate.release_hold(&id).wait().unwrap_err(), overloaded);
    assert_eq!(held().as_ref(), Some(&id), "the log says so still");
    place.abandon().wait().unwrap();

    // Placed again, it keeps covering what it covered.
    gate.place_hold(&id, Some(&SeqSet::range(9, 9))).wait().unwrap();
    assert_eq!(held().as_ref(), Some(&id));
    gate.release_hold(&id).wait().unwrap();
    assert_eq!(held(), None);
}
