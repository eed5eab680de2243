use asqav::signed;

#[signed(tier = detectible)]
fn tier(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(result = hidden)]
fn result(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(result = "commit")]
fn text(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(descriptor = yes)]
fn descriptor(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
