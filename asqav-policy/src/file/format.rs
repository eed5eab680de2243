//! The formats a policy file can have: one model, one set of keys.

use std::path::Path;

use super::tree::Node;
use crate::error::Fault;

/// How a policy file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// JSON (RFC 8259), as strict as for receipts.
    Json,
    /// YAML 1.2 without aliases, tags and ambiguous words.
    #[cfg(feature = "yaml")]
    Yaml,
}

impl Format {
    /// The format that a file's name ends with: `.toml`, `.json`, `.yaml`,
    /// `.yml`; `None` for any other.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            #[cfg(feature = "yaml")]
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    pub(super) fn parse(self, text: &str) -> Result<Node, Fault> {
        match self {
            Self::Toml => super::toml::read(text),
            Self::Json => super::json::read(text),
            #[cfg(feature = "yaml")]
            Self::Yaml => super::yaml::read(text),
        }
    }
}
