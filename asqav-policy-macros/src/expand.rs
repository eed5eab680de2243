//! Reads the file and writes the code: the file's bytes, the digest, and a
//! check against the tools that the compiler runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use asqav_policy::{Format, Mention, Mentioned, Model};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::LitStr;

use crate::input::Input;

/// The expression that `include_policy!` stands for.
pub(crate) fn expand(Input { facade, file, tools }: &Input) -> syn::Result<TokenStream> {
    let path = find(file)?;
    let wrong = |error: &dyn std::fmt::Display| syn::Error::new(file.span(), error.to_string());
    let (format, variant) = format(&path)
        .ok_or_else(|| wrong(&format!("`{}`: a policy file's name ends with {ENDINGS}", file.value())))?;
    let content = fs::read(&path).map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
    let located = |error| wrong(&format!("{}:{error}", file.value()));
    let model = Model::read(&content, format).map_err(located)?;
    let mentions = Mention::all(&content, format).map_err(located)?;
    let mentions = mentions.iter().filter_map(|mention| descriptor(&file.value(), mention));
    let digest = model.digest().as_bytes().iter().map(|byte| Literal::u8_suffixed(*byte)).collect::<Vec<_>>();
    let path = path.to_str().ok_or_else(|| wrong(&"the file's path is not UTF-8"))?;
    let included = quote!(#facade::__private::included);
    let check = quote_spanned!(file.span()=> #included::check(TOOLS, MENTIONS));
    Ok(quote!({
        const TOOLS: &[&#facade::__private::Tool] = &[#(&#tools),*];
        const MENTIONS: &[#included::Mention] = {
            #[allow(unused_imports, reason = "written by a macro")]
            use #included::{argument, tool};
            &[#(#mentions),*]
        };
        #[allow(long_running_const_eval, reason = "as long as the policy")]
        const _: () = #check;
        // Whoever changes the file has the program compiled again.
        #included::policy(::core::include_bytes!(#path), #included::Format::#variant, [#(#digest),*])
    }))
}

#[cfg(feature = "yaml")]
const ENDINGS: &str = "`.toml`, `.json`, `.yaml` or `.yml`";
#[cfg(not(feature = "yaml"))]
const ENDINGS: &str = "`.toml` or `.json` (or, with the feature `yaml`, `.yaml`)";

/// The format and the name of its variant.
fn format(path: &Path) -> Option<(Format, Ident)> {
    let format = Format::of(path)?;
    let variant = match format {
        Format::Toml => "Toml",
        Format::Json => "Json",
        #[cfg(feature = "yaml")]
        Format::Yaml => "Yaml",
        _ => return None,
    };
    Some((format, Ident::new(variant, Span::call_site())))
}

/// The file's absolute path: as `include_str!` has it, relative to the source
/// file, or to the package where an editor does not tell the source file.
fn find(file: &LitStr) -> syn::Result<PathBuf> {
    let source = file.span().unwrap().local_file();
    let folder = match source.as_deref().and_then(Path::parent) {
        Some(folder) => folder.to_owned(),
        None => env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default(),
    };
    let path = folder.join(file.value());
    path.canonicalize().map_err(|error| syn::Error::new(file.span(), format!("{}: {error}", path.display())))
}

/// One mention for the facade's `check`.
fn descriptor(file: &str, Mention { position, rule, what, .. }: &Mention) -> Option<TokenStream> {
    let rule = rule.as_ref().map(|rule| format!("rule `{rule}`: ")).unwrap_or_default();
    let place = format!("{file}:{}:{}: {rule}", position.line, position.column);
    Some(match what {
        Mentioned::Tool(glob) => {
            let glob = glob.as_str();
            quote!(tool(#place, #glob))
        }
        Mentioned::Argument { name, tools } => {
            let tools = tools.iter().map(asqav_policy::glob::Glob::as_str);
            quote!(argument(#place, #name, &[#(#tools),*]))
        }
        // What a later version names is checked by a later version.
        _ => return None,
    })
}
