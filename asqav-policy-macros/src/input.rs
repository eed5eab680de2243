//! Reads what the macro is given: the facade, the file, the tools.

use proc_macro2::TokenTree;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{ExprPath, Ident, LitStr, PathArguments, Token, bracketed};

/// `$crate, "policy.toml", tools = [query_account, ledger::post_transaction]`.
pub(crate) struct Input {
    /// The facade's `$crate`.
    pub(crate) facade: TokenTree,
    /// The file, relative to the source file.
    pub(crate) file: LitStr,
    /// The paths of the tools' descriptors.
    pub(crate) tools: Vec<ExprPath>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let facade = input.parse()?;
        input.parse::<Token![,]>()?;
        let at = input.fork();
        let file = input.parse().map_err(|_| at.error(r#"expected the policy file: `"policy.toml"`"#))?;
        let at = input.fork();
        let tools = tools(input).map_err(|error| match error.to_string().starts_with("name the") {
            true => error,
            false => at.error("expected the tools: `, tools = [query_account, ledger::post_transaction]`"),
        })?;
        Ok(Self { facade, file, tools })
    }
}

fn tools(input: ParseStream<'_>) -> syn::Result<Vec<ExprPath>> {
    input.parse::<Token![,]>()?;
    if input.parse::<Ident>()? != "tools" {
        return Err(input.error("another argument"));
    }
    input.parse::<Token![=]>()?;
    let content;
    bracketed!(content in input);
    input.parse::<Option<Token![,]>>()?;
    let paths = Punctuated::<ExprPath, Token![,]>::parse_terminated(&content)?;
    paths.into_iter().map(descriptor).collect()
}

/// The path of the constant that `#[signed]` puts beside a function
/// (`asqav-macros/src/expand.rs`).
fn descriptor(mut function: ExprPath) -> syn::Result<ExprPath> {
    let whole = function.clone();
    match function.path.segments.last_mut() {
        Some(last) if matches!(last.arguments, PathArguments::None) => {
            last.ident = format_ident!("__asqav_tool_{}", last.ident.unraw(), span = last.ident.span());
            Ok(function)
        }
        _ => Err(syn::Error::new_spanned(whole, "name the function without its type arguments")),
    }
}
