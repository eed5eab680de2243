//! What the macro makes of the corpus in the root `tests/`, as text: checked in
//! there, so that every change of the generated code is seen, and so that
//! clippy lints it as it lints code written by hand.
//!
//! Rewrite it with `ASQAV_BLESS=1 cargo test -p asqav-macros`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ImplItem, Item, Meta, TraitItem};

#[test]
fn the_expanded_corpus_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let corpus = root.join("tests/signed/corpus");
    let mut file = syn::parse_file(&fs::read_to_string(corpus.join("tools.rs")).unwrap()).unwrap();
    let mut expansion = Expansion::default();
    expansion.visit_file_mut(&mut file);
    assert!(expansion.count > 30, "only {} functions are signed", expansion.count);
    let expanded = formatted(&file.into_token_stream(), root);
    let checked_in = corpus.join("expanded.rs");
    if env::var_os("ASQAV_BLESS").is_some() {
        fs::write(&checked_in, &expanded).unwrap();
    }
    assert_eq!(fs::read_to_string(&checked_in).unwrap(), expanded);
}

/// Expands each `#[signed]` in a file.
#[derive(Default)]
struct Expansion {
    count: usize,
}

impl Expansion {
    /// The expansion of `item`, if it is signed: the item itself, with what is
    /// signed in it expanded too, and what stands beside it.
    fn of<T: Parse + ToTokens>(
        &mut self,
        attributes: &mut Vec<Attribute>,
        item: &dyn Fn(Vec<Attribute>) -> TokenStream,
        visit: fn(&mut Self, &mut T),
    ) -> Option<TokenStream> {
        let at = attributes.iter().position(|attribute| attribute.path().is_ident("signed"))?;
        let arguments = match attributes.remove(at).meta {
            Meta::List(list) => list.tokens,
            _ => TokenStream::new(),
        };
        self.count += 1;
        let tokens = crate::signed_tokens(arguments, item(attributes.clone()));
        let split = |input: ParseStream<'_>| Ok((input.parse::<T>()?, input.parse::<TokenStream>()?));
        let (mut item, beside) = split.parse2(tokens).unwrap();
        visit(self, &mut item);
        Some(quote::quote!(#item #beside))
    }
}

impl VisitMut for Expansion {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if let Item::Fn(function) = item {
            let whole = function.clone();
            let tokens = |attrs| syn::ItemFn { attrs, ..whole.clone() }.into_token_stream();
            if let Some(expanded) = self.of(&mut function.attrs, &tokens, Self::visit_item_fn_mut) {
                *item = Item::Verbatim(expanded);
                return;
            }
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_impl_item_mut(&mut self, item: &mut ImplItem) {
        if let ImplItem::Fn(function) = item {
            let whole = function.clone();
            let tokens = |attrs| syn::ImplItemFn { attrs, ..whole.clone() }.into_token_stream();
            if let Some(expanded) = self.of(&mut function.attrs, &tokens, Self::visit_impl_item_fn_mut) {
                *item = ImplItem::Verbatim(expanded);
                return;
            }
        }
        visit_mut::visit_impl_item_mut(self, item);
    }

    fn visit_trait_item_mut(&mut self, item: &mut TraitItem) {
        if let TraitItem::Fn(function) = item {
            let whole = function.clone();
            let tokens = |attrs| syn::TraitItemFn { attrs, ..whole.clone() }.into_token_stream();
            if let Some(expanded) = self.of(&mut function.attrs, &tokens, Self::visit_trait_item_fn_mut) {
                *item = TraitItem::Verbatim(expanded);
                return;
            }
        }
        visit_mut::visit_trait_item_mut(self, item);
    }
}

/// Formats code as the workspace does.
fn formatted(tokens: &TokenStream, root: &Path) -> String {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    rustfmt.stdin.take().unwrap().write_all(tokens.to_string().as_bytes()).unwrap();
    let output = rustfmt.wait_with_output().unwrap();
    assert!(output.status.success(), "rustfmt does not take the expansion");
    String::from_utf8(output.stdout).unwrap()
}
