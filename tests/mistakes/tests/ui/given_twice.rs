use asqav::signed;

#[signed(action = "ledger:query", tool = "query", action = "ledger:post")]
fn argument(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(record(amount, amount))]
fn parameter(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed]
#[asqav::signed(action = "ledger:query")]
fn attribute(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
