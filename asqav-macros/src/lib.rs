//! The `#[signed]` attribute of asqav.
//!
//! Use it through the facade crate `asqav`, whose documentation shows it at
//! work; this crate holds nothing that runs. One attribute goes through four
//! files: [`lib.rs`](crate) takes the tokens, `args.rs` reads the attribute's
//! arguments, `function.rs` the function's shape, `expand.rs` writes the code.

mod args;
mod boxed_by_macro;
mod errors;
mod expand;
mod function;
mod nearest;
mod parameters;

use proc_macro2::TokenStream;

/// Makes a function a signed tool: every call is checked against the policy,
/// runs only after its decision receipt is durable, and leaves an outcome
/// receipt.
///
/// ```text
/// #[signed(action = "ledger:query", record(account))]
/// async fn query_account(account: &str, limit: u32) -> Result<Balance, LedgerError> {
///     ledger::query(account, limit).await
/// }
/// ```
///
/// Works on `async fn` and `fn`, free functions and methods, on functions that
/// return `impl Future` or a boxed future, and inside `#[async_trait]` impls.
/// The function keeps its type, visibility, attributes and `Send`-ness. It
/// returns a `Result<T, E>` (or an alias) with `E: From<asqav::Refused>`,
/// unless `on_deny` is given.
///
/// Every parameter is an argument of the tool, named as the function binds it;
/// a destructured parameter gives one argument per name it binds. A parameter
/// that is bound to no name (`_`) is none, and neither is `self`. Arguments
/// are serialised when the function starts; the whole body runs after
/// admission. An argument that cannot be serialised is a compile error unless
/// it is skipped.
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `action = "…"` | the action's label, 1 to 96 bytes | `module::function` |
/// | `tool = "…"` | the tool's name, 1 to 96 bytes | the function's name |
/// | `version = "…"` | the tool's version, 1 to 64 visible ASCII characters | none |
/// | `record(a, b)` | these arguments stand in the receipt as they are | committed |
/// | `skip(c)` | this argument is never serialised | |
/// | `redact(d = path)` | `path(&d)` is taken instead of `d`: the policy, the receipt and the vault see nothing else | |
/// | `result = commit` | how an `Ok` value goes into the outcome receipt: `commit`, `record` or `skip` | `commit` |
/// | `session = expr` | the session the call belongs to | the task's |
/// | `gate = expr` | the gate that serves the call | the session's, the task's, the installed one |
/// | `tier = strong` | the claimed tier: `strong`, `bounded`, `detectable` | the gate's |
/// | `on_deny = path` | `fn(Refused) -> R`, what the function returns when it is refused | `E::from` |
/// | `descriptor = true` | the tool's descriptor stands beside the function, so that `include_policy!` can list it; a trait's functions cannot have one | `true` without `self`, `false` with it |
/// | `crate = "…"` | the path under which asqav is known | `::asqav` |
///
/// `action`, `tool` and `version` also take `env!(…)` and `concat!(…)`.
///
/// A future that is `Send` stays so, provided that what the function returns
/// is `Send`: it is held while the outcome receipt is written.
#[proc_macro_attribute]
pub fn signed(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    signed_tokens(attribute.into(), item.into()).into()
}

/// The whole macro, as a function that tests can call. Whatever is wrong, the
/// item is still emitted, so that nothing else in the crate looks wrong too.
fn signed_tokens(attribute: TokenStream, item: TokenStream) -> TokenStream {
    match try_signed(attribute, item.clone()) {
        Ok(tokens) => tokens,
        Err(error) => {
            let errors = error.into_compile_error();
            quote::quote!(#item #errors)
        }
    }
}

fn try_signed(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = errors::Errors::default();
    let args = args::Args::parse(attribute, &mut errors);
    let function = errors.take(function::Function::parse(item, args.on_deny.is_some()));
    if let Some(function) = &function {
        args.check_parameters(&function.parameters, &mut errors);
    }
    errors.finish()?;
    Ok(function.map(|function| expand::expand(&args, &function)).unwrap_or_default())
}

#[cfg(test)]
mod corpus;
