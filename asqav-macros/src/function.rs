//! Reads the function: its signature, and its body as tokens.
//!
//! The body is never parsed: a half-typed body gets the compiler's own error.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::visit_mut::{self, VisitMut};
use syn::{AttrStyle, Attribute, Ident, ReturnType, Signature, Token, Type, Visibility, braced, token};

use crate::parameters::Parameters;

/// A function that can be signed.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// Without the `mut` of parameters that the body binds again.
    pub(crate) signature: Signature,
    pub(crate) brace: token::Brace,
    pub(crate) body: TokenStream,
    pub(crate) parameters: Parameters,
    pub(crate) shape: Shape,
    /// What the function, or the future it gives, returns: `_` where it is
    /// not known, or not nameable.
    pub(crate) returns: Type,
}

/// How the body runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `async fn`.
    Async,
    /// `fn … -> impl Future<Output = …>`.
    Future,
    /// Any other `fn`. Whether it returns a `Result` or a boxed future (as
    /// `#[async_trait]` makes it) is decided by a trait, never by a name.
    Plain,
}

impl Function {
    /// Reads `item`; `on_deny` says that it need not return a `Result`.
    pub(crate) fn parse(item: TokenStream, on_deny: bool) -> syn::Result<Self> {
        let Raw { attributes, visibility, mut signature, body } = syn::parse2(item)?;
        let Some((brace, body)) = body else {
            let message = "`#[signed]` needs a body: put it on the functions that implement this one";
            return Err(syn::Error::new(signature.ident.span(), message));
        };
        check(&attributes, &signature, on_deny)?;
        let parameters = Parameters::take(&mut signature, &body);
        let (shape, returns) = shape(&signature);
        Ok(Self { attributes, visibility, signature, brace, body, parameters, shape, returns })
    }

    /// The function's name.
    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }
}

/// A function as it stands in the source.
struct Raw {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: Option<(token::Brace, TokenStream)>,
}

impl Parse for Raw {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let at = input.fork();
        let signature = match input.parse::<Signature>() {
            Ok(signature) => signature,
            Err(error) if is_function(&at) => return Err(error),
            Err(_) => return Err(at.error("`#[signed]` goes on a function")),
        };
        if input.parse::<Option<Token![;]>>()?.is_some() {
            return Ok(Self { attributes, visibility, signature, body: None });
        }
        let content;
        let brace = braced!(content in input);
        attributes.extend(content.call(Attribute::parse_inner)?.into_iter().map(outer));
        let body = Some((brace, content.parse()?));
        Ok(Self { attributes, visibility, signature, body })
    }
}

fn outer(attribute: Attribute) -> Attribute {
    Attribute { style: AttrStyle::Outer, ..attribute }
}

/// Whether something that begins like a function follows.
fn is_function(input: ParseStream<'_>) -> bool {
    input.peek(Token![fn])
        || input.peek(Token![async])
        || (input.peek(Token![const]) && input.peek2(Token![fn]))
        || (input.peek(Token![unsafe]) && input.peek2(Token![fn]))
}

/// Reports what cannot be signed.
fn check(attributes: &[Attribute], signature: &Signature, on_deny: bool) -> syn::Result<()> {
    if let Some(token) = &signature.constness {
        return Err(syn::Error::new(
            token.span,
            "a `const fn` cannot be signed: a receipt is made at run time",
        ));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(syn::Error::new_spanned(variadic, "variadic arguments cannot be serialised"));
    }
    let is_signed = |attribute: &&Attribute| {
        attribute.path().segments.last().is_some_and(|segment| segment.ident == "signed")
    };
    if let Some(second) = attributes.iter().find(is_signed) {
        return Err(syn::Error::new_spanned(second, "the function is signed twice: one call, one decision"));
    }
    if matches!(signature.output, ReturnType::Default) && !on_deny {
        let message = "a signed function can be refused: return `Result<T, E>` where `E: From<asqav::Refused>`, \
                       or say what to do with `on_deny = path`";
        return Err(syn::Error::new(signature.ident.span(), message));
    }
    Ok(())
}

fn shape(signature: &Signature) -> (Shape, Type) {
    let mut returns = match &signature.output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, returns) => (**returns).clone(),
    };
    let shape = match (&signature.asyncness, ungrouped(&returns)) {
        (Some(_), _) => Shape::Async,
        (None, Type::ImplTrait(_)) => Shape::Future,
        (None, _) => Shape::Plain,
    };
    if shape == Shape::Future {
        returns = output_of(&returns).unwrap_or_else(|| syn::parse_quote!(_));
    }
    Erase.visit_type_mut(&mut returns);
    (shape, returns)
}

/// Without the invisible groups of `macro_rules!`.
fn ungrouped(of: &Type) -> &Type {
    match of {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(group) => ungrouped(&group.elem),
        other => other,
    }
}

/// `X` in `impl Future<Output = X>`.
fn output_of(returns: &Type) -> Option<Type> {
    let Type::ImplTrait(returns) = ungrouped(returns) else { return None };
    returns.bounds.iter().find_map(|bound| {
        let syn::TypeParamBound::Trait(bound) = bound else { return None };
        let arguments = &bound.path.segments.last()?.arguments;
        let syn::PathArguments::AngleBracketed(arguments) = arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
            _ => None,
        })
    })
}

/// Writes `_` for each `impl Trait`, which cannot stand in a body.
struct Erase;

impl VisitMut for Erase {
    fn visit_type_mut(&mut self, node: &mut Type) {
        if matches!(node, Type::ImplTrait(_)) {
            *node = syn::parse_quote!(_);
        } else {
            visit_mut::visit_type_mut(self, node);
        }
    }
}
