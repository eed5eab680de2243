//! Runs of characters that people write in groups: `4111 1111 1111 1111`.

use smallvec::SmallVec;

/// Calls `ends` for each run of characters of `alphabet` that begins where
/// such a character follows another one: with the characters so far, wherever
/// the run or a group of it ends. Groups are parted by one space or hyphen.
/// Stops at the first that holds; a run is followed for `max` characters.
pub(super) fn any_run(
    text: &str,
    max: usize,
    alphabet: impl Fn(u8) -> bool,
    ends: impl Fn(&[u8]) -> bool,
) -> bool {
    let bytes = text.as_bytes();
    let mut inside = false;
    for (at, &byte) in bytes.iter().enumerate() {
        let begins = alphabet(byte) && !inside;
        inside = byte.is_ascii_alphanumeric();
        if begins && run_holds(bytes.get(at..).unwrap_or_default(), max, &alphabet, &ends) {
            return true;
        }
    }
    false
}

fn run_holds(bytes: &[u8], max: usize, alphabet: impl Fn(u8) -> bool, ends: impl Fn(&[u8]) -> bool) -> bool {
    let mut run = SmallVec::<[u8; 36]>::new();
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        if !alphabet(*byte) || run.len() == max {
            return false;
        }
        run.push(*byte);
        match tail {
            // Part of a longer word.
            [next, ..] if alphabet(*next) => rest = tail,
            [next, ..] if next.is_ascii_alphanumeric() => return false,
            [b' ' | b'-', after @ ..] if after.first().is_some_and(|&next| alphabet(next)) => {
                if ends(&run) {
                    return true;
                }
                rest = after;
            }
            _ => return ends(&run),
        }
    }
    false
}
