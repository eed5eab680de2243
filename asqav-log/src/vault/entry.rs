//! One entry of the vault as bytes.

use asqav_receipt::commitment::Openings;
use asqav_receipt::id::ActionId;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use zeroize::Zeroizing;

use super::key::{VaultKey, WRAPPED_LEN};

/// Length of an entry before the sealed openings.
pub(super) const HEAD_LEN: usize = KEY_AT + 1 + WRAPPED_LEN;
/// Where the state byte and the wrapped key stand in an entry.
pub(super) const KEY_AT: usize = 56;
/// State byte: the key is there.
pub(super) const PRESENT: u8 = b'K';
/// State byte: the key was overwritten.
pub(super) const ERASED: u8 = b'E';

const MAGIC: &[u8; 4] = b"AVE1";
const ID_LEN: usize = 40;
/// No receipt has openings of this length; a longer claim is damage.
const MAX_SEALED_LEN: u32 = 256 * 1024 * 1024;

/// An entry without its sealed openings.
pub(super) struct EntryHead {
    /// The receipt.
    pub(super) action_id: ActionId,
    /// Length of the sealed openings, bytes.
    pub(super) sealed_len: usize,
    /// The receipt's number.
    pub(super) seq: u64,
    /// Whether the key was overwritten: all of it. An erasure that was
    /// interrupted has not happened.
    pub(super) erased: bool,
    /// The entry's key, wrapped.
    pub(super) wrapped: [u8; WRAPPED_LEN],
    /// `seq` and action id as they stand in the entry.
    identity: [u8; 8 + ID_LEN],
}

impl EntryHead {
    /// Reads an entry's first [`HEAD_LEN`] bytes; `None` if they are none.
    pub(super) fn parse(bytes: &[u8; HEAD_LEN]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (identity, rest) = rest.split_first_chunk::<{ 8 + ID_LEN }>()?;
        let (state, wrapped) = rest.split_first()?;
        let len = u32::from_be_bytes(*len);
        if magic != MAGIC || len > MAX_SEALED_LEN {
            return None;
        }
        if !matches!(*state, PRESENT | ERASED) {
            return None;
        }
        let (seq, _) = identity.split_first_chunk::<8>()?;
        Some(Self {
            seq: u64::from_be_bytes(*seq),
            action_id: ActionId::parse(std::str::from_utf8(identity.get(8..)?).ok()?).ok()?,
            sealed_len: usize::try_from(len).ok()?,
            erased: *state == ERASED && wrapped.iter().all(|byte| *byte == 0),
            wrapped: wrapped.try_into().ok()?,
            identity: *identity,
        })
    }

    /// Where the first head in `bytes` begins. Sealed openings look like none: a
    /// head has the magic and, where its id stands, an action id.
    pub(super) fn position(bytes: &[u8]) -> Option<usize> {
        let is_head = |window: &[u8]| {
            window.starts_with(MAGIC) && window.first_chunk().is_some_and(|head| Self::parse(head).is_some())
        };
        bytes.windows(HEAD_LEN).position(is_head)
    }

    /// The openings; `None` if the key is not the vault's or the entry was
    /// changed or moved.
    pub(super) fn unseal(&self, key: &VaultKey, log_id: &[u8; 16], sealed: &[u8]) -> Option<Openings> {
        let aad = associated_data(log_id, &self.identity);
        let entry_key = key.unwrap(&self.wrapped, &aad)?;
        let cipher = ChaCha20Poly1305::new(&(*entry_key).into());
        let plain = cipher.decrypt(&Nonce::default(), Payload { msg: sealed, aad: &aad }).ok()?;
        from_plain(self.action_id, &Zeroizing::new(plain))
    }
}

/// How much randomness an entry takes: its key, 32 bytes, and the nonce of its
/// wrapping, 24.
pub(super) const SEAL_RANDOM_LEN: usize = 56;

/// The entry of receipt `seq`. `random` is fresh.
pub(super) fn seal(
    key: &VaultKey,
    log_id: &[u8; 16],
    seq: u64,
    openings: &Openings,
    random: &[u8; SEAL_RANDOM_LEN],
) -> Option<Vec<u8>> {
    let mut identity = [0; 8 + ID_LEN];
    let (front, back) = identity.split_at_mut(8);
    front.copy_from_slice(&seq.to_be_bytes());
    let id = openings.action_id.to_string();
    back.copy_from_slice(id.as_bytes().get(..ID_LEN)?);
    let aad = associated_data(log_id, &identity);

    let (entry_key, nonce) = random.split_first_chunk::<32>()?;
    let wrapped = key.wrap(nonce.try_into().ok()?, entry_key, &aad)?;
    let cipher = ChaCha20Poly1305::new(&(*entry_key).into());
    let plain = to_plain(openings)?;
    let sealed = cipher.encrypt(&Nonce::default(), Payload { msg: &plain, aad: &aad }).ok()?;

    let len = u32::try_from(sealed.len()).ok().filter(|len| *len <= MAX_SEALED_LEN)?;
    let mut bytes = Vec::with_capacity(HEAD_LEN + sealed.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(&identity);
    bytes.push(PRESENT);
    bytes.extend_from_slice(&wrapped);
    bytes.extend_from_slice(&sealed);
    Some(bytes)
}

/// What an entry holds from [`KEY_AT`] on once its key is destroyed.
pub(super) fn blank() -> [u8; 1 + WRAPPED_LEN] {
    let mut blank = [0; 1 + WRAPPED_LEN];
    if let Some(state) = blank.first_mut() {
        *state = ERASED;
    }
    blank
}

fn associated_data(log_id: &[u8; 16], identity: &[u8]) -> Vec<u8> {
    [b"asqav/vault-entry/v1\0".as_slice(), log_id, identity].concat()
}

fn to_plain(openings: &Openings) -> Option<Zeroizing<Vec<u8>>> {
    let texts = || openings.values.iter().flat_map(|(pointer, value)| [pointer, value]);
    // Of the right size at once: growing would leave copies behind in memory.
    let len = 32 + texts().map(|text| 4 + text.len()).sum::<usize>();
    let mut plain = Zeroizing::new(Vec::with_capacity(len));
    plain.extend_from_slice(&openings.secret);
    for text in texts() {
        plain.extend_from_slice(&u32::try_from(text.len()).ok()?.to_be_bytes());
        plain.extend_from_slice(text.as_bytes());
    }
    Some(plain)
}

fn from_plain(action_id: ActionId, plain: &[u8]) -> Option<Openings> {
    let (secret, mut rest) = plain.split_first_chunk::<32>()?;
    let mut texts = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let (text, after) = after.split_at_checked(len)?;
        texts.push(String::from_utf8(text.to_vec()).ok()?);
        rest = after;
    }
    if !rest.is_empty() || texts.len() % 2 != 0 {
        return None;
    }
    let mut values = Vec::with_capacity(texts.len() / 2);
    let mut texts = texts.into_iter();
    while let (Some(pointer), Some(value)) = (texts.next(), texts.next()) {
        values.push((pointer, value));
    }
    Some(Openings { action_id, secret: *secret, values })
}
