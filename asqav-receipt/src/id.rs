//! Identifiers that cannot hold an invalid value.
//!
//! Each is parsed once, at the edge. Text identifiers have a maximum length so
//! that a payload stays within 4,096 bytes, and hold no control characters.
//! Short ones are held in place, long ones are shared by their clones: every
//! receipt has some, and what reads or writes many should not allocate each.

use std::fmt;

use smol_str::SmolStr;
use uuid::Uuid;

/// Why a text was refused as an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The text is empty; absence is `Option::None`.
    #[error("{what} is empty")]
    Empty {
        /// The identifier's name.
        what: &'static str,
    },
    /// The text is longer than the identifier allows.
    #[error("{what} has {len} bytes, at most {max} are allowed")]
    TooLong {
        /// The identifier's name.
        what: &'static str,
        /// Length of the text in bytes.
        len: usize,
        /// Maximum length in bytes.
        max: usize,
    },
    /// The text holds a character outside the identifier's alphabet.
    #[error("{what} holds the character {found:?} at byte {at}")]
    Character {
        /// The identifier's name.
        what: &'static str,
        /// The offending character.
        found: char,
        /// Its byte offset.
        at: usize,
    },
    /// The text does not have the identifier's fixed form.
    #[error("{what} does not have the form {form}")]
    Form {
        /// The identifier's name.
        what: &'static str,
        /// The expected form.
        form: &'static str,
    },
}

fn check_text(what: &'static str, text: &str, max: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { what });
    }
    if text.len() > max {
        return Err(IdError::TooLong { what, len: text.len(), max });
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, found)) => Err(IdError::Character { what, found, at }),
        None => Ok(()),
    }
}

fn check_code(what: &'static str, text: &str, max: usize) -> Result<(), IdError> {
    check_text(what, text, max)?;
    match text.char_indices().find(|(_, c)| !c.is_ascii_graphic() || matches!(c, '"' | '\\')) {
        Some((at, found)) => Err(IdError::Character { what, found, at }),
        None => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        text_id! { $(#[$doc])* $name, $what, $max, check_text, "UTF-8 without control characters" }
    };
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, code) => {
        text_id! {
            $(#[$doc])* $name, $what, $max, check_code, "visible ASCII without quotation mark and backslash"
        }
    };
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $check:ident, $alphabet:literal) => {
        $(#[$doc])*
        #[doc = concat!("\n\n1 to ", stringify!($max), " bytes of ", $alphabet, ".")]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Maximum length in bytes.
            pub const MAX_LEN: usize = $max;

            /// Takes a text as this identifier.
            ///
            /// # Errors
            /// [`IdError`] when it is empty, too long or holds another character.
            pub fn parse(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                $check($what, text, Self::MAX_LEN)?;
                Ok(Self(text.into()))
            }

            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

text_id! {
    /// Who acted: the agent whose tool calls a gate guards.
    AgentId, "agent id", 96
}
text_id! {
    /// Who vouches for the agent: the organisation that published its key.
    IssuerId, "issuer id", 96
}
text_id! {
    /// For whom an agent acts: one of those who share a deployment.
    TenantId, "tenant id", 96
}
text_id! {
    /// The name of the actor on whose behalf an agent acts.
    ActorName, "actor name", 96
}
text_id! {
    /// The name of what a call is about.
    ResourceName, "resource name", 96
}
text_id! {
    /// The name of a tool.
    ToolName, "tool name", 96
}
text_id! {
    /// The label of an action in a receipt, e.g. `ledger:query`.
    ActionType, "action", 96
}
text_id! {
    /// The identifier of a key (`kid`, RFC 7517 §4.5).
    KeyId, "key id", 128
}
text_id! {
    /// The identifier of a session.
    SessionId, "session id", 64, code
}
text_id! {
    /// The identifier of a policy.
    PolicyId, "policy id", 64, code
}
text_id! {
    /// The identifier of a rule within a policy.
    RuleId, "rule id", 64, code
}
text_id! {
    /// A stable code that says why, without user data, e.g. `policy_denied`.
    ReasonCode, "reason code", 64, code
}
text_id! {
    /// The name of a label that a session carries, e.g. `secret-read`.
    LabelName, "label", 64, code
}
text_id! {
    /// The name of a legal hold, e.g. a case's number; not a person's.
    HoldId, "hold id", 64, code
}
text_id! {
    /// The version of a tool.
    ToolVersion, "tool version", 64, code
}
text_id! {
    /// The class of an error that a tool returned, e.g. a type's name.
    ErrorType, "error type", 128, code
}

/// The identifier of one receipt: `act_` followed by a UUIDv7 (RFC 9562 §5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(Uuid);

impl ActionId {
    /// Builds an identifier from milliseconds since the Unix epoch and 80
    /// random bits (6 of which the format overwrites).
    #[must_use]
    pub fn from_parts(unix_millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
    }

    /// Reads `act_` and a hyphenated lower-case UUIDv7.
    ///
    /// # Errors
    /// [`IdError::Form`] for anything else, upper case included.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = IdError::Form { what: "action id", form: "act_ and a lower-case UUIDv7" };
        let Some(body) = text.strip_prefix("act_") else { return Err(wrong) };
        let Ok(uuid) = Uuid::try_parse(body) else { return Err(wrong) };
        let mut spelled = Uuid::encode_buffer();
        if uuid.get_version_num() != 7 || uuid.hyphenated().encode_lower(&mut spelled) != body {
            return Err(wrong);
        }
        Ok(Self(uuid))
    }

    /// Takes a UUID's 16 bytes; `None` if they are not those of a UUIDv7.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let uuid = Uuid::from_bytes(bytes);
        (uuid.get_version_num() == 7).then_some(Self(uuid))
    }

    /// The UUID's 16 bytes (RFC 9562 §5.7): the time comes first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The text, `act_` and the UUID, without a string to hold it.
    pub(crate) fn text(&self) -> [u8; 40] {
        let mut text = *b"act_00000000-0000-0000-0000-000000000000";
        if let Some(uuid) = text.get_mut(4..) {
            self.0.hyphenated().encode_lower(uuid);
        }
        text
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is ASCII.
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $bytes:literal, $form:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Takes the random bytes as the identifier.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Reads lower-case hexadecimal digits.
            ///
            /// # Errors
            /// [`IdError::Form`] for any other length or alphabet.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                crate::digest::decode_hex(text)
                    .map(Self)
                    .ok_or(IdError::Form { what: $what, form: $form })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&crate::digest::encode_hex(&self.0))
            }
        }
    };
}

hex_id! {
    /// The identifier of a log: 128 random bits, 32 hexadecimal digits.
    LogId, "log id", 16, "32 lower-case hexadecimal digits"
}
hex_id! {
    /// 96 random bits that make a payload unique, 24 hexadecimal digits.
    Nonce, "nonce", 12, "24 lower-case hexadecimal digits"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ids_refuse_what_a_payload_must_not_hold() {
        assert_eq!(AgentId::parse("").unwrap_err(), IdError::Empty { what: "agent id" });
        assert!(matches!(AgentId::parse("a".repeat(97)), Err(IdError::TooLong { len: 97, max: 96, .. })));
        assert!(matches!(ToolName::parse("a\nb"), Err(IdError::Character { found: '\n', at: 1, .. })));
        assert!(matches!(RuleId::parse("a b"), Err(IdError::Character { found: ' ', at: 1, .. })));
        assert!(matches!(RuleId::parse("a\"b"), Err(IdError::Character { found: '"', at: 1, .. })));
        assert_eq!(ToolName::parse("überweisung").unwrap().as_str(), "überweisung");
    }

    #[test]
    fn action_ids_have_one_spelling() {
        let id = ActionId::from_parts(1_700_000_000_000, [0xab; 10]);
        let text = id.to_string();
        assert_eq!(text, format!("act_{}", Uuid::from_bytes(*id.as_bytes()).hyphenated()));
        assert_eq!(ActionId::parse(&text).unwrap(), id);
        assert!(ActionId::parse(&text.to_uppercase()).is_err());
        assert!(ActionId::parse(&text.replace('-', "")).is_err());
        assert!(ActionId::parse("act_550e8400-e29b-41d4-a716-446655440000").is_err(), "version 4");
    }

    #[test]
    fn hex_ids_have_one_spelling() {
        let id = LogId::from_bytes([0xAB; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert!(LogId::parse(&"AB".repeat(16)).is_err());
        assert!(LogId::parse(&"ab".repeat(15)).is_err());
    }
}
