use asqav::signed;

#[signed(action = "")]
fn empty(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(tool = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
fn long(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(action = "a\nb")]
fn control_character(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(version = "1 2")]
fn space(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(action = query)]
fn no_text(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(action)]
fn no_value(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(action = )]
fn no_value_after_all(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
