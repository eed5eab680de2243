//! The names that a function's parameters bind: the arguments of its tool.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, FnArg, Ident, PatIdent, Signature, Token};

use crate::boxed_by_macro::{Restored, restore};

/// How an argument or a result goes into the receipt.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Capture {
    #[default]
    Commit,
    Record,
    Skip,
}

/// One argument of the tool.
pub(crate) struct Argument {
    /// The name that the function binds it to.
    pub(crate) name: Ident,
    /// Its `#[cfg]` attributes.
    pub(crate) cfg: Vec<Attribute>,
    /// Whether `name` is a reference to it, made by [`Parameters::views`].
    pub(crate) viewed: bool,
}

/// One name that the signature binds, as the body binds it again.
struct Moved {
    name: Ident,
    cfg: Vec<Attribute>,
    /// The `mut` that was moved from the signature into the body.
    mutable: Option<Token![mut]>,
}

/// What a function's parameters bind, in order, without `self`.
#[derive(Default)]
pub(crate) struct Parameters {
    arguments: Vec<Argument>,
    moved: Vec<Moved>,
    views: TokenStream,
}

impl Parameters {
    /// Reads them from `signature`, and takes off the `mut` of those that
    /// [`rebind`](Self::rebind) binds again.
    pub(crate) fn take(signature: &mut Signature, body: &TokenStream) -> Self {
        let mut bindings = Bindings { found: Self::default(), cfg: Vec::new(), body };
        for input in &mut signature.inputs {
            if let FnArg::Typed(parameter) = input {
                let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
                bindings.cfg = parameter.attrs.iter().filter(is_cfg).cloned().collect();
                bindings.visit_pat_mut(&mut parameter.pat);
            }
        }
        bindings.found
    }

    /// The tool's arguments.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter()
    }

    /// Statements that give the arguments their names back, where another
    /// macro took them away.
    pub(crate) const fn views(&self) -> &TokenStream {
        &self.views
    }

    /// Statements that move the parameters into the body, in order, so that
    /// they are dropped as parameters are: after the body's own variables, the
    /// last one first. Those that the body does not name stay where they are.
    pub(crate) fn rebind(&self) -> TokenStream {
        let statements = self
            .moved
            .iter()
            .map(|Moved { name, cfg, mutable }| quote!(#(#cfg)* let #mutable #name = #name;));
        quote!(#(#statements)*)
    }
}

struct Bindings<'a> {
    found: Parameters,
    cfg: Vec<Attribute>,
    body: &'a TokenStream,
}

impl Bindings<'_> {
    fn argument(&mut self, name: &Ident, viewed: bool) {
        self.found.arguments.push(Argument { name: name.clone(), cfg: self.cfg.clone(), viewed });
    }
}

impl VisitMut for Bindings<'_> {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        let name = pattern.ident.clone();
        if let Some(Restored { statement, names }) = restore(&name, self.body) {
            let cfg = &self.cfg;
            self.found.views.extend(quote!(#(#cfg)* #statement));
            names.iter().for_each(|name| self.argument(name, true));
        } else {
            self.argument(&name, false);
        }
        if names(self.body, &name) {
            let by_value = pattern.by_ref.is_none();
            let mutable = if by_value { pattern.mutability.take() } else { None };
            self.found.moved.push(Moved { name, cfg: self.cfg.clone(), mutable });
        }
        visit_mut::visit_pat_ident_mut(self, pattern);
    }

    /// Constants in a pattern bind nothing.
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

/// Whether `tokens` hold the identifier `name` anywhere.
pub(crate) fn names(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident.unraw() == name.unraw(),
        TokenTree::Group(group) => names(&group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
