//! A signal as a kill switch, without unsafe code of ours.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asqav::testing::{AllowAll, TestGate};
use asqav::{Refused, ToolCall};
use signal_hook::consts::SIGUSR1;

#[test]
fn a_signal_stops_every_call_until_the_flag_is_taken_back() {
    let halt = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGUSR1, Arc::clone(&halt)).unwrap();
    let test = TestGate::with(|builder| builder.policy(AllowAll::new()).kill_switch(Arc::clone(&halt)));
    let run = || test.gate().run_sync(ToolCall::builder("t", "t").build(), || Ok::<_, Refused>(()));
    run().unwrap();
    signal_hook::low_level::raise(SIGUSR1).unwrap();
    assert!(matches!(run(), Err(Refused::Halted { .. })));
    halt.store(false, Ordering::SeqCst);
    run().unwrap();
}
