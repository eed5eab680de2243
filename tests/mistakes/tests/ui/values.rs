use asqav::signed;

#[signed(gate = )]
fn gate(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(session = if)]
fn session(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(on_deny = |refused| Err(refused.into()))]
fn on_deny(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(crate = "not a path")]
fn facade(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
