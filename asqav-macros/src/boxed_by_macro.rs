//! Finds a destructured parameter again that another macro took apart.
//!
//! `#[async_trait]` turns `(a, b): T` into `__arg1: T` before `#[signed]` sees
//! the function, and begins the body with
//! `let (a, b) = { let __arg1 = __arg1; __arg1 };`. The tool's arguments are
//! still `a` and `b`: what an argument is called must not depend on the order
//! of attributes.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Ident, Pat, PatIdent, Token};

/// The pattern that `body` takes the parameter `name` apart with, as one that
/// borrows: a statement that binds `names` to references into `name`.
pub(crate) struct Restored {
    pub(crate) statement: TokenStream,
    pub(crate) names: Vec<Ident>,
}

/// Looks for the pattern; `None` when `name` is not a macro's, or is moved on
/// as a whole.
pub(crate) fn restore(name: &Ident, body: &TokenStream) -> Option<Restored> {
    if !name.to_string().starts_with("__arg") {
        return None;
    }
    let mut pattern = Pat::parse_single.parse2(find(name, body)?).ok()?;
    let mut borrowing = Borrowing { names: Vec::new(), explicit: quote!(#pattern).to_string().contains('&') };
    borrowing.visit_pat_mut(&mut pattern);
    let Borrowing { names, explicit } = borrowing;
    let statement = if explicit { quote!(let #pattern = #name;) } else { quote!(let #pattern = &#name;) };
    Some(Restored { statement, names })
}

/// The tokens between `let` and `= { let name = name; name }`, anywhere.
fn find(name: &Ident, tokens: &TokenStream) -> Option<TokenStream> {
    let mut pattern: Option<Vec<TokenTree>> = None;
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Ident(ident) if ident == "let" => pattern = Some(Vec::new()),
            TokenTree::Punct(punct) if punct.as_char() == '=' => {
                if let (Some(pattern), Some(TokenTree::Group(group))) = (pattern.take(), tokens.peek())
                    && moves(name, group)
                {
                    return Some(pattern.into_iter().collect());
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = find(name, &group.stream()) {
                    return Some(found);
                }
                pattern.iter_mut().for_each(|pattern| pattern.push(token.clone()));
            }
            _ => pattern.iter_mut().for_each(|pattern| pattern.push(token.clone())),
        }
    }
    None
}

/// Whether `group` is `{ let name = name; name }`.
fn moves(name: &Ident, group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
        && group.stream().to_string() == quote!(let #name = #name; #name).to_string()
}

/// Makes every binding a borrow: by the pattern's default binding mode, or
/// with `ref` where an explicit `&` rules that out.
struct Borrowing {
    names: Vec<Ident>,
    explicit: bool,
}

impl VisitMut for Borrowing {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        self.names.push(pattern.ident.clone());
        pattern.mutability = None;
        pattern.by_ref = self.explicit.then(|| Token![ref](pattern.ident.span()));
        visit_mut::visit_pat_ident_mut(self, pattern);
    }

    /// Constants in a pattern bind nothing.
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(pattern: &TokenStream) -> Option<(String, Vec<String>)> {
        let name: Ident = syn::parse_quote!(__arg1);
        let body = quote!(Box::pin(async move {
            let __self = self;
            let #pattern = { let __arg1 = __arg1; __arg1 };
            let __ret: R = { a + b };
            __ret
        }));
        let restored = restore(&name, &body)?;
        Some((restored.statement.to_string(), restored.names.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn borrows_what_async_trait_takes_apart() {
        let (statement, names) = restored(&quote!(Range { from, to: mut end })).unwrap();
        assert_eq!(statement, quote!(let Range { from, to: end } = &__arg1;).to_string());
        assert_eq!(names, ["from", "end"]);
        let (statement, names) = restored(&quote!((first, &mut second))).unwrap();
        assert_eq!(statement, quote!(let (ref first, &mut ref second) = __arg1;).to_string());
        assert_eq!(names, ["first", "second"]);
    }

    #[test]
    fn leaves_other_names_alone() {
        let body = quote!(let (a, b) = { let own = own; own };);
        assert!(restore(&syn::parse_quote!(own), &body).is_none());
        assert!(restore(&syn::parse_quote!(__arg2), &body).is_none());
    }
}
