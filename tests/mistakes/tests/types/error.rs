//! An error type that cannot carry a refusal.
use asqav::signed;

struct Failure;

#[signed]
fn sync(amount: u32) -> Result<u32, Failure> { //~ the error type `Failure` cannot carry a refusal
    Ok(amount)
}

#[signed]
async fn asynchronous(amount: u32) -> Result<u32, Failure> { //~ the error type `Failure` cannot carry a refusal
    Ok(amount)
}

fn main() {}
