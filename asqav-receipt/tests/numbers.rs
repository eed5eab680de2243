//! Canonical numbers (RFC 8785 §3.2.2.3) against the ECMAScript engine that
//! they are defined by, and the numbers of logs that Python programs signed
//! against Python.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may end here, and says what it counted"
)]

#[path = "support/random.rs"]
mod random;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use asqav_receipt::canonical;
use asqav_receipt::json::Json;
use random::Random;

/// How many numbers are compared.
const COUNT: usize = 1_000_000;

/// Reads the bits of one double a line, prints the number as JSON.
const PEER: &str = r"
const lines = require('fs').readFileSync(0, 'utf8').trim().split('\n');
const view = new DataView(new ArrayBuffer(8));
const out = lines.map((line) => {
  view.setBigUint64(0, BigInt('0x' + line));
  return JSON.stringify(view.getFloat64(0));
});
require('fs').writeFileSync(1, out.join('\n') + '\n');
";

/// The same in Python.
#[cfg(feature = "foreign-formats")]
const PYTHON: &str = r"
import json, struct, sys
for line in sys.stdin:
    print(json.dumps(struct.unpack('>d', bytes.fromhex(line.strip()))[0]))
";

/// One of the shapes in which printing goes wrong.
fn number(random: &mut Random) -> f64 {
    let drawn = match random.below(8) {
        // Any bits at all.
        0..=2 => f64::from_bits(random.next()),
        // Few digits at any scale, as people write them.
        3 => format!("{}e{}", random.below(100_000), random.below(640).cast_signed() - 330).parse().unwrap(),
        // Around the switch to exponents, 1e21 and 1e-6.
        4 => format!("{}e{}", random.next(), random.below(8).cast_signed() - 24).parse().unwrap(),
        // Neighbours of powers of two and of ten.
        5 => {
            let exponent = i32::try_from(random.below(2_098)).unwrap() - 1_074;
            neighbour(random, 2_f64.powi(exponent))
        }
        6 => {
            let exponent = random.below(632).cast_signed() - 323;
            neighbour(random, format!("1e{exponent}").parse().unwrap())
        }
        // Subnormals.
        _ => f64::from_bits(random.next() >> (12 + random.below(52))),
    };
    if drawn.is_finite() { drawn } else { number(random) }
}

fn neighbour(random: &mut Random, of: f64) -> f64 {
    f64::from_bits(of.to_bits().wrapping_add(random.below(5)).wrapping_sub(2))
}

/// The numbers, and what the peer prints for them.
fn printed_by(peer: &mut Command) -> (Vec<f64>, String) {
    let mut random = Random(1);
    let numbers: Vec<_> = (0..COUNT).map(|_| number(&mut random)).collect();
    let mut bits = String::with_capacity(COUNT * 17);
    numbers.iter().for_each(|number| writeln!(bits, "{:016x}", number.to_bits()).unwrap());
    let mut peer = peer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut to = peer.stdin.take().unwrap();
    let writer = thread::spawn(move || to.write_all(bits.as_bytes()));
    let output = peer.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    (numbers, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_million_numbers_are_printed_as_ecmascript_prints_them() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no node");
        return;
    }
    let (numbers, printed) = printed_by(Command::new("node").args(["-e", PEER]));
    let mut compared = 0;
    for (number, theirs) in numbers.iter().zip(printed.lines()) {
        let ours = canonical::to_vec(&Json::Float(*number));
        assert_eq!(std::str::from_utf8(&ours), Ok(theirs), "{:016x}", number.to_bits());
        let read = Json::parse(theirs.as_bytes());
        match read {
            Ok(Json::Float(read)) => assert_eq!(read, *number, "{theirs}"),
            Ok(Json::Integer(read)) => assert_eq!(read.to_string(), theirs),
            other => assert!(number.abs() > 9_007_199_254_740_991.0, "{theirs}: {other:?}"),
        }
        compared += 1;
    }
    assert_eq!(compared, COUNT);
    println!("{compared} numbers");
}

#[cfg(feature = "foreign-formats")]
#[test]
fn a_million_numbers_are_printed_as_python_prints_them() {
    use asqav_receipt::json::python::{Value, float_repr};

    let python = std::env::var("ASQAV_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if Command::new(&python).arg("--version").output().is_err() {
        println!("skipped: there is no python");
        return;
    }
    let (numbers, printed) = printed_by(Command::new(python).args(["-c", PYTHON]));
    let mut compared = 0;
    for (number, theirs) in numbers.iter().zip(printed.lines()) {
        assert_eq!(float_repr(*number), theirs, "{:016x}", number.to_bits());
        assert_eq!(Value::parse(theirs.as_bytes()), Ok(Value::Float(*number)), "{theirs}");
        compared += 1;
    }
    assert_eq!(compared, COUNT);
    println!("{compared} numbers");
}
