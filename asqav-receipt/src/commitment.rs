//! Salted commitments to arguments and results.

use crate::id::ActionId;

/// What opens a receipt's commitments: the salt secret and the values.
///
/// Holds secrets; it goes to the vault and nowhere else.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Openings {
    /// The receipt.
    pub action_id: ActionId,
    /// The receipt's random secret `s`.
    pub secret: [u8; 32],
    /// Pointer (`/arguments/<name>`, `/result`) and JSON text of each
    /// committed value.
    pub values: Vec<(String, String)>,
}

impl std::fmt::Debug for Openings {
    /// Names the receipt only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Openings({}, {} values)", self.action_id, self.values.len())
    }
}
