use asqav::signed;

#[signed(record = amount)]
fn no_list(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(skip())]
fn empty_list(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(skip("amount"))]
fn no_name(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed(redact(amount))]
fn no_function(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
