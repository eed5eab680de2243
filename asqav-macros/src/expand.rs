//! Writes the code: one descriptor, one call into the spine.
//!
//! The descriptor stands in the function, and once more beside it under a name
//! that `include_policy!` makes from the function's path.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{GenericParam, Ident, ReceiverKind, Signature, Type};

use crate::args::Args;
use crate::function::{Function, Shape};
use crate::parameters::{self, Argument, Capture};

/// The signed function.
pub(crate) fn expand(args: &Args, function: &Function) -> TokenStream {
    let facade = args.facade();
    let emit = Emit { args, function, private: quote!(#facade::__private) };
    let Function { attributes, visibility, signature, .. } = function;
    let mut tokens = quote!(#(#attributes)* #visibility #signature);
    function.brace.surround(&mut tokens, |tokens| tokens.extend(emit.body()));
    tokens.extend(emit.beside());
    tokens
}

struct Emit<'a> {
    args: &'a Args,
    function: &'a Function,
    /// The path of the facade's `__private` module.
    private: TokenStream,
}

impl Emit<'_> {
    /// The function's new body. Arguments, gate and session are taken in a
    /// plain statement, before anything is awaited.
    fn body(&self) -> TokenStream {
        let private = &self.private;
        let call = Ident::new("call", Span::mixed_site());
        let descriptor = self.descriptor();
        let values = self.function.parameters.arguments().map(|argument| self.value(argument));
        let views = self.function.parameters.views();
        let mut new = quote!(#private::Call::new(__ASQAV_TOOL, [#(#values),*]));
        if !views.is_empty() {
            new = quote!({ #views #new });
        }
        let gate = self.args.gate.as_ref().map(|gate| quote!(.gate(&#gate)));
        let session = self.args.session.as_ref().map(|session| quote!(.session(&#session)));
        let lints = self.lints();
        let run = self.run(&call);
        quote! {
            const __ASQAV_TOOL: &#private::Tool = &#descriptor;
            #lints
            let #call = #new #gate #session;
            #run
        }
    }

    /// The descriptor beside the function. Another crate's macro forms the
    /// same name: `asqav-policy-macros/src/input.rs`.
    fn beside(&self) -> Option<TokenStream> {
        let Function { visibility, signature, attributes, .. } = self.function;
        if !self.args.descriptor.unwrap_or(!in_impl(signature)) {
            return None;
        }
        let private = &self.private;
        let descriptor = self.descriptor();
        let cfg = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
        let name = format_ident!("__asqav_tool_{}", signature.ident.unraw(), span = signature.ident.span());
        Some(quote! {
            #(#cfg)*
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
            #visibility const #name: #private::Tool = #descriptor;
        })
    }

    /// Keeps clippy from judging how the arguments are read.
    fn lints(&self) -> Option<TokenStream> {
        let unnamed = |argument: &Argument| argument.name.to_string().starts_with('_');
        let underscored = self.function.parameters.arguments().any(unnamed);
        (underscored || !self.args.redact.is_empty()).then(|| {
            quote! {
                #[allow(
                    clippy::needless_borrow,
                    clippy::used_underscore_binding,
                    reason = "written by a macro"
                )]
            }
        })
    }

    /// What is known of the tool at compile time.
    fn descriptor(&self) -> TokenStream {
        let private = &self.private;
        let own_name = self.function.name().unraw().to_string();
        let text = |given: &Option<TokenStream>, default: TokenStream| given.clone().unwrap_or(default);
        let name = text(&self.args.tool, quote!(#own_name));
        let action =
            text(&self.args.action, quote!(::core::concat!(::core::module_path!(), "::", #own_name)));
        let version = self.args.version.as_ref().map(|version| quote!(.version(#version)));
        let tier = self.args.tier.as_ref().map(|tier| quote!(.tier(#private::Tier::#tier)));
        let arguments = self.function.parameters.arguments().map(|Argument { name, cfg, .. }| {
            let capture = self.capture(self.args.capture(name));
            let name = name.unraw().to_string();
            quote!(#(#cfg)* (#name, #capture))
        });
        let result = self.capture(self.args.result);
        quote!(#private::Tool::new(#name, #action, &[#(#arguments),*], #result) #version #tier)
    }

    fn capture(&self, capture: Capture) -> TokenStream {
        let private = &self.private;
        match capture {
            Capture::Commit => quote!(#private::Capture::Commit),
            Capture::Record => quote!(#private::Capture::Record),
            Capture::Skip => quote!(#private::Capture::Drop),
        }
    }

    /// One argument, serialised; errors about its type point at its name.
    fn value(&self, Argument { name, cfg, viewed }: &Argument) -> TokenStream {
        let at = Span::mixed_site().located_at(name.span());
        let private = self.private_at(at);
        let borrow = (!viewed).then(|| quote_spanned!(at=> &));
        let value = match (self.args.capture(name), self.args.redaction(name)) {
            (Capture::Skip, _) => quote_spanned!(at=> #private::skipped()),
            (_, Some(redact)) => quote_spanned!(at=> #private::value(&#redact(#borrow #name))),
            (_, None) => quote_spanned!(at=> #private::value(#borrow #name)),
        };
        quote!(#(#cfg)* #value)
    }

    /// Hands the call and the body to the spine.
    fn run(&self, call: &Ident) -> TokenStream {
        let settlement = self.settlement();
        let returns = &self.function.returns;
        match self.function.shape {
            Shape::Async => {
                let body = self.moved(self.pin_return_type());
                quote!(#call.run(#settlement, move || async move #body).await)
            }
            Shape::Future => {
                let body = self.moved(TokenStream::new());
                quote!(#call.run(#settlement, move || #body))
            }
            Shape::Plain => {
                let body = self.moved(TokenStream::new());
                quote!(#call.deliver(#settlement, move || -> #returns #body))
            }
        }
    }

    /// The path of `__private`, as if it stood at `at`: errors about what is
    /// called through it point there.
    fn private_at(&self, at: Span) -> TokenStream {
        let moved = self.private.clone().into_iter().map(|mut token| {
            token.set_span(token.span().located_at(at));
            token
        });
        moved.collect()
    }

    /// What the spine does with a refusal, and what it reads from a result.
    fn settlement(&self) -> TokenStream {
        let returns = &self.function.returns;
        let at = Span::mixed_site().located_at(returns.span());
        let private = self.private_at(at);
        let form = match self.args.result {
            Capture::Skip => quote_spanned!(at=> #private::Skipped),
            Capture::Commit => quote_spanned!(at=> #private::Committed),
            Capture::Record => quote_spanned!(at=> #private::Recorded),
        };
        match &self.args.on_deny {
            None => quote_spanned!(at=> #private::settlement::<#returns, #form, _, _>()),
            Some(on_deny) => quote_spanned!(at=> {
                use #private::kind::choices::*;
                #private::kind::of::<#returns, #form>().settlement(#on_deny)
            }),
        }
    }

    /// `first`, the parameters, then the function's own block. A block around
    /// it is of this crate's edition (2024): borrows in the body's last
    /// expression end before the parameters do, also where the function's own
    /// edition is older.
    fn moved(&self, first: TokenStream) -> TokenStream {
        let rebind = self.rebind();
        let own_block = |first: TokenStream| {
            let mut block = TokenStream::new();
            self.function.brace.surround(&mut block, |tokens| {
                tokens.extend(first);
                self.function.body.to_tokens(tokens);
            });
            block
        };
        if rebind.is_empty() {
            return own_block(first);
        }
        let body = own_block(TokenStream::new());
        quote!({
            #first
            #rebind
            #[allow(unused_braces, reason = "the function's own block")]
            #body
        })
    }

    fn rebind(&self) -> TokenStream {
        let parameters = self.function.parameters.rebind();
        let owned = self.function.signature.receiver().is_some_and(|receiver| {
            !matches!(receiver.kind, ReceiverKind::Reference(..))
                && parameters::names(&self.function.body, &Ident::new("self", Span::call_site()))
        });
        // The closure takes all of `self`, not the fields that the body names.
        let whole_self = owned.then(|| quote!(let _ = &self;));
        quote!(#whole_self #parameters)
    }

    /// Tells the compiler the type of an async block, whose `return` and `?`
    /// would otherwise be read before it is known.
    fn pin_return_type(&self) -> TokenStream {
        let returns: &Type = &self.function.returns;
        let early = Ident::new("early", Span::mixed_site());
        let at = Span::mixed_site().located_at(returns.span());
        let private = self.private_at(at);
        quote_spanned!(at=> if let ::core::option::Option::Some(#early) = #private::never::<#returns>() { return #early; })
    }
}

/// Whether the function seems to stand in an `impl`, perhaps of a trait, where
/// a constant beside it could be an error.
fn in_impl(signature: &Signature) -> bool {
    let by_async_trait = |parameter: &GenericParam| matches!(parameter, GenericParam::Lifetime(lifetime) if lifetime.lifetime.ident == "async_trait");
    signature.receiver().is_some() || signature.generics.params.iter().any(by_async_trait)
}
