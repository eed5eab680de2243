//! Names that the compiler has to read.
use asqav::signed;

#[signed(tool = concat!("a", "\n"))] //~ the tool's name is empty, has more than 96 bytes or holds a control character
fn control_character(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(version = concat!("0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789"))] //~ the tool's version is empty, has more than 64 bytes or
fn long(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
