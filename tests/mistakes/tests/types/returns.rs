//! A return type that is no `Result`.
use asqav::signed;

#[signed]
fn sync(amount: u32) -> u32 { //~ a signed function returns a `Result`, or a boxed future of one, not `u32`
    amount
}

#[signed]
async fn asynchronous(amount: u32) -> Option<u32> { //~ a signed function returns a `Result`, or a boxed future of one, not `Option<u32>`
    Some(amount)
}

mod named {
    pub type Result = Option<u32>;
}

#[signed]
fn only_named_so(amount: u32) -> named::Result { //~ a signed function returns a `Result`, or a boxed future of one, not `Option<u32>`
    Some(amount)
}

fn main() {}
