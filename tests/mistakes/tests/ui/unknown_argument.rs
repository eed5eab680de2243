use asqav::signed;

#[signed(acton = "ledger:query")]
fn misspelt(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(colour = red, action = "ledger:query")]
fn unheard_of(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed("ledger:query")]
fn nameless(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(action = "ledger:query" tool = "query")]
fn no_comma(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
