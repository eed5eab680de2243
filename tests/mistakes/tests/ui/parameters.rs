use asqav::signed;

#[signed(record(amuont))]
fn misspelt(amount: u32, account: u32) -> Result<u32, String> {
    Ok(amount + account)
}

#[signed(skip(token))]
fn unheard_of(amount: u32, account: u32) -> Result<u32, String> {
    Ok(amount + account)
}

#[signed(skip(token))]
fn no_parameters() -> Result<u32, String> {
    Ok(1)
}

#[signed(skip(amount), record(amount), redact(amount = u32::count_ones))]
fn two_ways(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

struct Ledger;

impl Ledger {
    #[signed(skip(self))]
    fn receiver(&self, amount: u32) -> Result<u32, String> {
        Ok(amount)
    }
}

fn main() {}
