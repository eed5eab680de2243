//! The keys that a writer accepts in its own log.

use asqav_core::log::LogOwner;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::keys::KeySet;
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite::{self, VerifyingKey};

/// The owner's key and, after a change of keys, the former ones that the
/// caller pins: an open segment and the newest header may be signed by them.
///
/// Whether a former key was retired or revoked is for verification to judge;
/// the writer asks whether the log is its own and whole.
pub(crate) struct Keyring<'a> {
    own: Option<(VerifyingKey, &'a str)>,
    former: &'a KeySet,
}

impl<'a> Keyring<'a> {
    pub(crate) fn new(owner: &'a LogOwner, former: &'a KeySet) -> Self {
        let signer = &owner.signer;
        let key = suite::by_name(signer.algorithm())
            .and_then(|suite| VerifyingKey::new(suite, signer.public_key()));
        Self { own: key.map(|key| (key, signer.key_id().as_str())), former }
    }

    /// Whether `signature` over `message` is by an accepted key with this
    /// signed thumbprint, under its own name and suite.
    pub(crate) fn check(
        &self,
        thumbprint: &Sha256Digest,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), &'static str> {
        let kid = signature.kid.as_str();
        let own = self.own.as_ref().filter(|(key, _)| key.thumbprint() == thumbprint);
        let (key, name) = match own {
            Some((key, name)) => (key, *name),
            None => self
                .former_key(thumbprint, kid)
                .ok_or("it is signed by a key that is neither this gate's nor among the former keys given")?,
        };
        if name != kid || key.suite().name != signature.alg {
            return Err("its signature names another key or algorithm than the signed thumbprint");
        }
        if key.verifies(message, &signature.sig) { Ok(()) } else { Err("its signature does not verify") }
    }

    fn former_key(&self, thumbprint: &Sha256Digest, kid: &str) -> Option<(&VerifyingKey, &str)> {
        let (entry, _) = self.former.resolve(Some(thumbprint), Some(kid), None, None)?;
        Some((entry.key().ok()?, entry.kid.as_deref()?))
    }
}
