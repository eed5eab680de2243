//! An argument that cannot be serialised and is not skipped.
use asqav::signed;

struct Token;

#[signed]
fn by_value(amount: u32, token: Token) -> Result<u32, String> { //~ the argument of type `Token` cannot be serialised
    drop(token);
    Ok(amount)
}

#[signed]
async fn destructured((amount, token): (u32, &Token)) -> Result<u32, String> { //~ the argument of type `&Token` cannot be serialised
    let _ = token;
    Ok(amount)
}

#[signed]
fn generic<T: Clone>(value: T) -> Result<u32, String> { //~ the argument of type `T` cannot be serialised
    drop(value.clone());
    Ok(1)
}

fn redacted(_: &Token) -> Token {
    Token
}

#[signed(redact(token = redacted))]
fn still_not(token: Token) -> Result<u32, String> { //~ the argument of type `Token` cannot be serialised
    drop(token);
    Ok(1)
}

fn main() {}
