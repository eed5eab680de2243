//! The `include_policy!` macro of asqav: a policy file that is read, checked
//! and compared with the program's tools while the program is compiled.
//!
//! Use it through the facade crate `asqav`, whose macro of the same name
//! passes its own path to this one. `input.rs` reads what the macro is given,
//! `expand.rs` reads the file and writes the code.

mod expand;
mod input;

use proc_macro2::TokenStream;

/// See the facade's `include_policy!`, which calls this.
#[proc_macro]
pub fn include_policy(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let expanded = syn::parse::<input::Input>(input).and_then(|input| expand::expand(&input));
    expanded.unwrap_or_else(|error| with_value(&error.into_compile_error())).into()
}

/// The error as an expression that has any type, so that nothing else looks
/// wrong.
fn with_value(error: &TokenStream) -> TokenStream {
    quote::quote!({ #error })
}
