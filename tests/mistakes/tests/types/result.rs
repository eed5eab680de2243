//! A result that cannot be serialised and is not skipped.
use asqav::signed;

struct Token;

#[signed]
fn sync(amount: u32) -> Result<Token, String> { //~ the result of type `Token` cannot be serialised
    drop(amount);
    Ok(Token)
}

#[signed(result = record)]
async fn asynchronous(amount: u32) -> Result<Token, String> { //~ the result of type `Token` cannot be serialised
    drop(amount);
    Ok(Token)
}

fn refuse(_: asqav::Refused) -> Option<Token> {
    None
}

#[signed(on_deny = refuse)]
async fn no_result(amount: u32) -> Option<Token> { //~ the result of type `Option<Token>` cannot be serialised
    drop(amount);
    None
}

fn refuse_result(_: asqav::Refused) -> Result<Token, u8> {
    Err(0)
}

#[signed(on_deny = refuse_result)]
fn another_error(amount: u32) -> Result<Token, u8> { //~ the result of type `Token` cannot be serialised
    drop(amount);
    Ok(Token)
}

fn main() {}
