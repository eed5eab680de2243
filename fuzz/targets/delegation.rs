//! A chain of delegation tokens: read, it is written the same; as it stands it
//! holds only if it was signed; signed again, it holds only if it narrows.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::Key;
use asqav_fuzz::{chain, key};
use asqav_receipt::delegation::{Chain, Delegate, Revoked, SignedDelegation};
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::keys::KeySet;
use libfuzzer_sys::fuzz_target;

static ISSUERS: LazyLock<KeySet> = LazyLock::new(|| key().pin());
static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(chain);
/// The key of each token's signer; the last one signs nothing.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| (1..10).map(|n| Key::new(n, "finance-1")).collect());

fuzz_target!(|bytes: &[u8]| {
    let Ok(chain) = Chain::parse(bytes) else { return };
    assert_eq!(chain.to_lines(), bytes, "one spelling");
    if chain.verify(&ISSUERS, &Revoked::default()).is_ok() {
        assert!(SIGNED.starts_with(bytes), "nobody signed it");
    }
    let Ok(chain) = Chain::parse(&signed_again(&chain)) else { return };
    if chain.verify(&ISSUERS, &Revoked::default()).is_ok() {
        for (parent, child) in chain.tokens().iter().zip(chain.tokens().iter().skip(1)) {
            let (parent, child) = (&parent.delegation, &child.delegation);
            assert!(child.depth < parent.depth);
            assert!(parent.not_before <= child.not_before && child.expires_at <= parent.expires_at);
            for tool in child.tools.iter().filter_map(|tool| tool.exact()) {
                assert!(parent.tools.iter().any(|outer| outer.matches(tool)));
            }
        }
    }
});

/// The chain with its scopes as they are, by the right signers, in a row.
fn signed_again(chain: &Chain) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut parent = None;
    for (at, token) in chain.tokens().iter().enumerate() {
        let mut delegation = token.delegation.clone();
        let (signer, next) = (&KEYS[at], &KEYS[at + 1]);
        let name = if at == 0 { asqav_fuzz::support::ISSUER.to_owned() } else { format!("agent-{at}") };
        delegation.issuer = IssuerId::parse(name).expect("an issuer");
        delegation.suite = "ML-DSA-65";
        delegation.key_thumbprint = signer.thumbprint();
        delegation.public_key = parent.map(|_| signer.public_key.clone());
        let agent = AgentId::parse(format!("agent-{}", at + 1)).expect("an agent");
        delegation.delegate = Delegate { agent, key: Some(next.thumbprint()) };
        delegation.parent = parent;
        let sig = signer.sign(&delegation.signing_bytes());
        let token = SignedDelegation { delegation, sig };
        parent = Some(token.digest());
        lines.extend_from_slice(&token.to_canonical());
        lines.push(b'\n');
    }
    lines
}
