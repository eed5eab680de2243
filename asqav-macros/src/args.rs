//! Reads the attribute's arguments; every mistake is reported at its place.

mod value;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, ExprPath, Ident, Path, Token};

use self::value::Alphabet;
use crate::errors::Errors;
use crate::nearest::hint;
use crate::parameters::{Capture, Parameters};

/// Every argument, in the order of the documentation.
const KNOWN: &[&str] = &[
    "action",
    "tool",
    "version",
    "record",
    "skip",
    "redact",
    "result",
    "session",
    "gate",
    "tier",
    "on_deny",
    "descriptor",
    "crate",
];

/// The attribute's arguments.
#[derive(Default)]
pub(crate) struct Args {
    seen: Vec<Ident>,
    /// The action's label, a constant expression of type `&'static str`.
    pub(crate) action: Option<TokenStream>,
    /// The tool's name, likewise.
    pub(crate) tool: Option<TokenStream>,
    /// The tool's version, likewise.
    pub(crate) version: Option<TokenStream>,
    /// Arguments that stand in the receipt as they are.
    pub(crate) record: Vec<Ident>,
    /// Arguments that are never serialised.
    pub(crate) skip: Vec<Ident>,
    /// Arguments of which a function's result is taken.
    pub(crate) redact: Vec<(Ident, ExprPath)>,
    /// How an `Ok` value goes into the outcome receipt.
    pub(crate) result: Capture,
    /// The session the call belongs to.
    pub(crate) session: Option<Expr>,
    /// The gate that serves the call.
    pub(crate) gate: Option<Expr>,
    /// The claimed tier: the name of a variant of `Tier`.
    pub(crate) tier: Option<Ident>,
    /// What the function returns when it is refused.
    pub(crate) on_deny: Option<ExprPath>,
    /// Whether the descriptor also stands beside the function.
    pub(crate) descriptor: Option<bool>,
    /// The path under which the facade is known.
    pub(crate) facade: Option<Path>,
}

impl Args {
    /// Reads the arguments; mistakes go to `errors`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut found = Errors::default();
        let parser = |input: ParseStream<'_>| {
            args.read_all(input, &mut found);
            Ok(())
        };
        let read = parser.parse2(tokens);
        errors.take(read);
        errors.take(found.finish());
        args
    }

    fn read_all(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        while !input.is_empty() {
            if let Err(error) = self.read_one(input) {
                errors.push(error);
                skip_to_comma(input);
            } else if !input.is_empty() && !input.peek(Token![,]) {
                errors.push(input.error("expected `,` before the next argument"));
                skip_to_comma(input);
            }
            // A missing comma was reported above.
            drop(input.parse::<Option<Token![,]>>());
        }
    }

    fn read_one(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let Ok(name) = input.call(Ident::parse_any) else {
            return Err(input.error("expected an argument such as `action = \"ledger:query\"`"));
        };
        let key = name.unraw().to_string();
        if !KNOWN.contains(&key.as_str()) {
            let message = format!("`#[signed]` has no argument `{key}`{}", hint(&key, KNOWN));
            return Err(syn::Error::new(name.span(), message));
        }
        if self.seen.contains(&name) {
            return Err(syn::Error::new(name.span(), format!("`{key}` is given twice")));
        }
        self.seen.push(name.clone());
        self.read_value(&name, &key, input)
    }

    fn read_value(&mut self, name: &Ident, key: &str, input: ParseStream<'_>) -> syn::Result<()> {
        match key {
            "action" => self.action = Some(value::text(name, Alphabet::Text, input)?),
            "tool" => self.tool = Some(value::text(name, Alphabet::Text, input)?),
            "version" => self.version = Some(value::text(name, Alphabet::Code, input)?),
            "record" => self.record = value::names(name, input)?,
            "skip" => self.skip = value::names(name, input)?,
            "redact" => self.redact = value::redactions(name, input)?,
            "result" => self.result = value::result(name, input)?,
            "session" => self.session = Some(value::expression(name, input)?),
            "gate" => self.gate = Some(value::expression(name, input)?),
            "tier" => self.tier = Some(value::tier(name, input)?),
            "on_deny" => self.on_deny = Some(value::path(name, input)?),
            "descriptor" => self.descriptor = Some(value::boolean(name, input)?),
            _ => self.facade = Some(value::facade(name, input)?),
        }
        Ok(())
    }

    /// The path under which the facade is known.
    pub(crate) fn facade(&self) -> Path {
        self.facade.clone().unwrap_or_else(|| syn::parse_quote!(::asqav))
    }

    /// Reports names that are no parameters, and parameters that are to be
    /// captured in two ways. Redacting and recording go together: then the
    /// redacted value is recorded.
    pub(crate) fn check_parameters(&self, parameters: &Parameters, errors: &mut Errors) {
        let redacted: Vec<Ident> = self.redact.iter().map(|(name, _)| name.clone()).collect();
        let lists = [("record", &self.record), ("skip", &self.skip), ("redact", &redacted)];
        for (list, names) in lists {
            for (at, name) in names.iter().enumerate() {
                let earlier = names.iter().take(at).any(|earlier| earlier.unraw() == name.unraw());
                if earlier {
                    errors.push(mistake(name, &format!("`{name}` is named twice in `{list}`")));
                } else if list != "skip" && contains(&self.skip, name) {
                    errors.push(mistake(
                        name,
                        &format!("`{name}` is skipped, so `{list}` has nothing to take"),
                    ));
                } else {
                    errors.take(check_name(name, parameters));
                }
            }
        }
    }

    /// How the argument `name` goes into the receipt.
    pub(crate) fn capture(&self, name: &Ident) -> Capture {
        match name {
            name if contains(&self.skip, name) => Capture::Skip,
            name if contains(&self.record, name) => Capture::Record,
            _ => Capture::Commit,
        }
    }

    /// The function whose result is taken instead of the argument `name`.
    pub(crate) fn redaction(&self, name: &Ident) -> Option<&ExprPath> {
        self.redact.iter().find(|(redacted, _)| redacted.unraw() == name.unraw()).map(|(_, path)| path)
    }
}

fn check_name(name: &Ident, parameters: &Parameters) -> syn::Result<()> {
    let wanted = name.unraw().to_string();
    let known: Vec<String> =
        parameters.arguments().map(|argument| argument.name.unraw().to_string()).collect();
    if known.contains(&wanted) {
        return Ok(());
    }
    if wanted == "self" {
        return Err(mistake(name, "`self` is not an argument of the tool: it is never serialised"));
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(mistake(name, &format!("the function has no parameter `{wanted}`{}", hint(&wanted, &known))))
}

fn contains(names: &[Ident], name: &Ident) -> bool {
    names.iter().any(|known| known.unraw() == name.unraw())
}

fn mistake(name: &Ident, message: &str) -> syn::Error {
    syn::Error::new(name.span(), message)
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}
