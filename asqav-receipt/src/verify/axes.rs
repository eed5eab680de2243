//! The fifteen axes, by area. Each function judges one of them from the
//! receipt and what the caller gave, and nothing else.

pub(super) mod anchors;
pub(super) mod chain;
pub(super) mod counterparty;
pub(super) mod digest;
pub(super) mod keys;
pub(super) mod native;
pub(super) mod nonce;
pub(super) mod outer;
pub(super) mod signature;
pub(super) mod structure;
pub(super) mod time;
