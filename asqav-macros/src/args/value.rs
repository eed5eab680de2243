//! Reads the value of one argument.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, ExprMacro, ExprPath, Ident, LitStr, Path, Token, parenthesized};

use crate::nearest::hint;
use crate::parameters::Capture;

/// What a receipt's identifier may hold. Checked here as well as by the
/// compiler, which reads `env!(…)`: here the mistake has its own place.
#[derive(Clone, Copy)]
pub(super) enum Alphabet {
    /// At most 96 bytes, no control characters.
    Text,
    /// At most 64 bytes of visible ASCII without quotation mark and backslash.
    Code,
}

impl Alphabet {
    fn complaint(self, name: &Ident, text: &str) -> Option<String> {
        let max = match self {
            Self::Text => 96,
            Self::Code => 64,
        };
        let refused = |c: &char| match self {
            Self::Text => c.is_control(),
            Self::Code => !c.is_ascii_graphic() || matches!(c, '"' | '\\'),
        };
        match text.len() {
            0 => Some(format!("`{name}` is empty")),
            len if len > max => Some(format!("`{name}` has {len} bytes, a receipt holds at most {max}")),
            _ => text.chars().find(refused).map(|c| format!("`{name}` cannot hold the character {c:?}")),
        }
    }
}

/// `name = "text"` or `name = env!(…)`.
pub(super) fn text(name: &Ident, alphabet: Alphabet, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    equals(name, "\"…\"", input)?;
    if !input.peek(LitStr) {
        let at = input.fork();
        return match input.parse::<ExprMacro>() {
            Ok(expression) => Ok(expression.into_token_stream()),
            Err(_) => Err(at.error(format!("expected a string literal: `{name} = \"…\"`"))),
        };
    }
    let literal: LitStr = input.parse()?;
    match alphabet.complaint(name, &literal.value()) {
        Some(complaint) => Err(syn::Error::new(literal.span(), complaint)),
        None => Ok(quote!(#literal)),
    }
}

/// `name(a, b)`: parameters.
pub(super) fn names(name: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    list(name, "a, b", input, Ident::parse_any, "expected the name of a parameter")
}

/// `name(a = path, b = path)`: parameters and the functions that redact them.
pub(super) fn redactions(name: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<(Ident, ExprPath)>> {
    let one = |input: ParseStream<'_>| {
        let parameter = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Ok((parameter, input.parse()?))
    };
    list(name, "a = path", input, one, "expected `parameter = path`, the path of a function that redacts it")
}

fn list<T>(
    name: &Ident,
    example: &str,
    input: ParseStream<'_>,
    one: impl Fn(ParseStream<'_>) -> syn::Result<T>,
    expected: &str,
) -> syn::Result<Vec<T>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(name.span(), format!("`{name}` takes a list: `{name}({example})`")));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(syn::Error::new(name.span(), format!("`{name}` names nothing: `{name}({example})`")));
    }
    let mut items = Vec::new();
    while !content.is_empty() {
        let at = content.fork();
        let item = one(&content).and_then(|item| {
            let last = content.is_empty();
            if last { Ok(item) } else { content.parse::<Token![,]>().map(|_| item) }
        });
        let Ok(item) = item else {
            // Otherwise syn complains of what is left over.
            content.parse::<TokenStream>()?;
            return Err(at.error(expected));
        };
        items.push(item);
    }
    Ok(items)
}

/// `name = commit`, `record` or `skip`.
pub(super) fn result(name: &Ident, input: ParseStream<'_>) -> syn::Result<Capture> {
    let choice = one_of(name, &["commit", "record", "skip"], input)?;
    Ok(match choice.to_string().as_str() {
        "commit" => Capture::Commit,
        "record" => Capture::Record,
        _ => Capture::Skip,
    })
}

/// `name = strong`, `bounded` or `detectable`, as a variant of `Tier`.
pub(super) fn tier(name: &Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    let choice = one_of(name, &["strong", "bounded", "detectable"], input)?;
    let variant = match choice.to_string().as_str() {
        "strong" => "Strong",
        "bounded" => "Bounded",
        _ => "Detectable",
    };
    Ok(Ident::new(variant, choice.span()))
}

/// `name = true` or `false`.
pub(super) fn boolean(name: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
    Ok(one_of(name, &["true", "false"], input)? == "true")
}

fn one_of(name: &Ident, choices: &[&str], input: ParseStream<'_>) -> syn::Result<Ident> {
    equals(name, &choices.join(" | "), input)?;
    let expected = || format!("expected one of `{}`", choices.join("`, `"));
    let at = input.fork();
    let choice = input.call(Ident::parse_any).map_err(|_| at.error(expected()))?;
    let text = choice.to_string();
    if choices.contains(&text.as_str()) {
        return Ok(choice);
    }
    let message = format!("`{name}` cannot be `{text}`{}", hint(&text, choices));
    Err(syn::Error::new(choice.span(), message))
}

/// `name = expression`.
pub(super) fn expression(name: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    equals(name, "expression", input)?;
    let at = input.fork();
    input.parse().map_err(|_| at.error(format!("expected an expression: `{name} = …`")))
}

/// `name = path`, the path of a function.
pub(super) fn path(name: &Ident, input: ParseStream<'_>) -> syn::Result<ExprPath> {
    equals(name, "path", input)?;
    let at = input.fork();
    input.parse().map_err(|_| at.error(format!("expected the path of a function: `{name} = path`")))
}

/// `crate = "path"` or `crate = path`.
pub(super) fn facade(name: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    equals(name, "\"…\"", input)?;
    let at = input.fork();
    let path = match input.parse::<LitStr>() {
        Ok(literal) => literal.parse_with(Path::parse_mod_style),
        Err(_) => input.call(Path::parse_mod_style),
    };
    path.map_err(|_| at.error("expected the path of asqav: `crate = \"…\"`"))
}

fn equals(name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<()> {
    match input.parse::<Option<Token![=]>>()? {
        Some(_) if !input.is_empty() => Ok(()),
        _ => Err(syn::Error::new(name.span(), format!("`{name}` takes a value: `{name} = {example}`"))),
    }
}
