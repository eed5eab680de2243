use asqav::signed;

#[signed]
struct NoFunction;

#[signed]
const fn constant(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

#[signed]
async fn nothing_returned(amount: u32) {
    drop(amount);
}

trait Tool {
    #[signed]
    fn no_body(&self, amount: u32) -> Result<u32, String>;
}

fn main() {}
