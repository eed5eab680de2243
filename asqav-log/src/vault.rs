//! The vault: where what opens a receipt's commitments lives until it is
//! erased.
//!
//! Each receipt's openings are encrypted under a random key of their own. That
//! key is wrapped by the vault key (32 bytes, kept by the caller) and stored in
//! a place that can be overwritten. [`forget`] has the log's writer overwrite
//! it and record that in an erasure receipt; from then on *we* cannot open the
//! entry any more. Copies, backups, and blocks that a file system or device
//! kept elsewhere are not reached.
//!
//! # Format
//! Folder `vault/`, files `openings-00000001.bin`, `openings-00000002.bin`, …
//! (numbered like segments). A writer begins a new file each time it opens the
//! log, and when one exceeds 64 MiB. Integers are big-endian.
//!
//! File header, 96 bytes:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 16 | `asqav-vault-v1` and two zero bytes |
//! | 16 | 16 | log id |
//! | 32 | 32 | SHA3-256(`asqav/vault-key/v1` ‖ 0x00 ‖ vault key) |
//! | 64 | 32 | SHA3-256 of bytes 0 to 64 |
//!
//! Then entries, each of 129 + *n* bytes:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 4 | `AVE1` |
//! | 4 | 4 | *n*: length of the sealed openings, their tag included |
//! | 8 | 8 | `seq` of the receipt |
//! | 16 | 40 | its action id |
//! | 56 | 1 | `K`: key present; `E`: erased |
//! | 57 | 24 | nonce of the wrapped key; zeros once erased |
//! | 81 | 48 | wrapped key: XChaCha20-Poly1305 under the vault key; zeros once erased |
//! | 129 | *n* | openings: ChaCha20-Poly1305 (RFC 8439) under the entry's key, nonce of zeros (the key is used once) |
//!
//! Both are bound to their place by the associated data
//! `asqav/vault-entry/v1` ‖ 0x00 ‖ log id (16 bytes) ‖ bytes 8 to 56 of the
//! entry. The plain openings are the secret `s` (32 bytes), then for each
//! value L(pointer) and L(value text), where L(x) is x's length as 32 bits,
//! then x.
//!
//! A crash leaves an entry that ends before its length or does not begin with
//! `AVE1`, and nothing that was acknowledged stands behind it. Behind one that
//! was damaged later something may: reading and erasing go on at the next
//! `AVE1` with an action id in its place. A header that is not whole ends its
//! file, if nothing but zeros follows it.

mod census;
mod entry;
mod erase;
mod forget;
mod header;
mod key;
mod read;
mod write;

pub use census::{Census, census};
pub(crate) use erase::{Erasures, destroy, find};
pub use forget::{ForgetError, Forgotten, Plan, Subject, forget};
pub use key::VaultKey;
pub use read::{Entry, Opened, Vault, VaultError};
pub(crate) use write::VaultWriter;

/// A file that is longer than this takes no more entries.
const MAX_FILE_LEN: u64 = 64 * 1024 * 1024;

/// `openings-00000001.bin` for 1.
fn file_name(number: u64) -> String {
    format!("openings-{number:08}.bin")
}

/// The number of the file called `name`.
fn file_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("openings-")?.strip_suffix(".bin")?.parse().ok()?;
    // Nobody gets that far by writing, and there is always a next number.
    (file_name(number) == name && number < u64::MAX / 2).then_some(number)
}
