use asqav::signed;

// Every mistake is reported, and the function is still there: nothing else
// looks wrong.
#[signed(acton = "a", tool = "", record(amuont), tier = weak)]
fn tool(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    let _: Result<u32, String> = tool(1);
}
