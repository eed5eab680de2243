//! Delegation tokens: chains that hold, and every way in which one does not.

#![allow(clippy::unwrap_used, clippy::string_slice, clippy::indexing_slicing, reason = "a test may end here")]

mod support;

use std::sync::LazyLock;

use asqav_receipt::delegation::{
    Chain, ChainFault, DELEGATION_TAG, Delegate, Delegation, DelegationError, MAX_CHAIN_LEN, Restriction,
    Revoked, Scalar, SignedDelegation, Test,
};
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::glob::Glob;
use asqav_receipt::id::{AgentId, IssuerId, LogId, Nonce};
use asqav_receipt::keys::{KeySet, KeyStatus};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;
use support::{ISSUER, Key, now};

/// The issuer's key is number 0, that of the agent `agent-n` number n.
fn key(n: u8) -> &'static Key {
    static KEYS: LazyLock<Vec<Key>> =
        LazyLock::new(|| (0..10).map(|n| Key::new(100 + n, &format!("key-{n}"))).collect());
    &KEYS[usize::from(n)]
}

fn agent(n: u8) -> AgentId {
    AgentId::parse(format!("agent-{n}")).unwrap()
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::parse(text).unwrap()).collect()
}

/// Token `n` of a chain, behind `parent`.
fn delegation(n: u8, parent: Option<&SignedDelegation>) -> Delegation {
    let signer = key(n);
    Delegation {
        id: Nonce::from_bytes([n; 12]),
        issuer: IssuerId::parse(if n == 0 { ISSUER.to_owned() } else { agent(n).to_string() }).unwrap(),
        suite: ML_DSA_65.name,
        key_thumbprint: signer.thumbprint(),
        public_key: parent.map(|_| signer.public_key.clone()),
        delegate: Delegate { agent: agent(n + 1), key: Some(key(n + 1).thumbprint()) },
        tools: globs(&["ledger:*", "mail:send"]),
        when: vec![Restriction {
            pointer: "/amount".to_owned(),
            tests: vec![Test::AtMost(1_000 - i64::from(n))],
        }],
        not_before: time("2026-05-01T00:00:00Z"),
        expires_at: time("2026-07-01T00:00:00Z"),
        depth: 7 - n,
        parent: parent.map(SignedDelegation::digest),
    }
}

fn signed(n: u8, delegation: Delegation) -> SignedDelegation {
    let sig = key(n).sign(&delegation.signing_bytes());
    SignedDelegation { delegation, sig }
}

/// A chain of `len` tokens; `change` changes each before it is signed.
fn lines(len: u8, mut change: impl FnMut(u8, &mut Delegation)) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut parent: Option<SignedDelegation> = None;
    for n in 0..len {
        let mut next = delegation(n, parent.as_ref());
        change(n, &mut next);
        let token = signed(n, next);
        lines.extend_from_slice(&token.to_canonical());
        lines.push(b'\n');
        parent = Some(token);
    }
    lines
}

fn issuers() -> KeySet {
    key(0).pin()
}

/// Reads, verifies and applies the lines for the last delegate.
fn judged(lines: &[u8], len: u8) -> Result<(), ChainFault> {
    judged_with(lines, &issuers(), len, &key(len).thumbprint())
}

fn judged_with(lines: &[u8], issuers: &KeySet, whose: u8, with: &Sha256Digest) -> Result<(), ChainFault> {
    let chain = Chain::parse(lines)?;
    chain.verify(issuers, &Revoked::default())?;
    chain.applies(agent(whose).as_str(), Some(with), now())?;
    chain.covers_tool("ledger:query")
}

#[test]
fn a_chain_holds_for_its_last_delegate() {
    for len in [1, 2, 3] {
        assert_eq!(judged(&lines(len, |_, _| {}), len), Ok(()), "{len}");
    }
    let bytes = lines(3, |_, _| {});
    let chain = Chain::parse(&bytes).unwrap();
    assert_eq!(chain.to_lines(), bytes);
    assert_eq!(chain.covers_tool("ledger:a:b"), Err(ChainFault::Tool));
    assert_eq!(chain.covers_tool("mail:read"), Err(ChainFault::Tool));
    assert_eq!(chain.expires_at(), time("2026-07-01T00:00:00Z"));
    let key_3 = key(3).thumbprint();
    for (whose, with, when, fault) in [
        (2, Some(&key_3), "2026-06-01T00:00:00Z", ChainFault::WrongDelegate),
        (3, None, "2026-06-01T00:00:00Z", ChainFault::WrongDelegate),
        (3, Some(&key(2).thumbprint()), "2026-06-01T00:00:00Z", ChainFault::WrongDelegate),
        (3, Some(&key_3), "2026-04-30T23:59:59.999999Z", ChainFault::NotYetValid),
        (3, Some(&key_3), "2026-07-01T00:00:00Z", ChainFault::Expired),
    ] {
        assert_eq!(chain.applies(agent(whose).as_str(), with, time(when)), Err(fault), "{when}");
    }
    assert_eq!(chain.applies(agent(3).as_str(), Some(&key_3), time("2026-06-30T23:59:59.999999Z")), Ok(()));
}

/// Each change is one that an issuer or a delegate signs for, knowing no better
/// or wanting more.
#[test]
fn what_does_not_narrow_is_refused() {
    type Change = fn(u8, &mut Delegation);
    let changes: [(&str, Change, ChainFault); 17] = [
        (
            "tool",
            |n, d| {
                if n == 1 {
                    d.tools = globs(&["ledger:*", "mail:*"])
                }
            },
            ChainFault::Widens,
        ),
        (
            "wider star",
            |n, d| {
                if n == 1 {
                    d.tools = globs(&["ledger:**"])
                }
            },
            ChainFault::Widens,
        ),
        (
            "later",
            |n, d| {
                if n == 1 {
                    d.expires_at = time("2026-07-01T00:00:00.000001Z")
                }
            },
            ChainFault::Widens,
        ),
        (
            "earlier",
            |n, d| {
                if n == 1 {
                    d.not_before = time("2026-04-30T00:00:00Z")
                }
            },
            ChainFault::Widens,
        ),
        (
            "as deep",
            |n, d| {
                if n == 1 {
                    d.depth = 7
                }
            },
            ChainFault::TooDeep,
        ),
        (
            "no depth left",
            |n, d| {
                if n == 0 {
                    d.depth = 0
                }
            },
            ChainFault::TooDeep,
        ),
        (
            "other agent signs",
            |n, d| {
                if n == 0 {
                    d.delegate.agent = agent(9)
                }
            },
            ChainFault::Broken,
        ),
        (
            "other key signs",
            |n, d| {
                if n == 0 {
                    d.delegate.key = Some(key(9).thumbprint())
                }
            },
            ChainFault::Broken,
        ),
        (
            "other parent",
            |n, d| {
                if n == 1 {
                    d.parent = Some(Sha3Digest::of(b"x"))
                }
            },
            ChainFault::Broken,
        ),
        (
            "brings another key",
            |n, d| {
                if n == 1 {
                    d.public_key = Some(key(9).public_key.clone())
                }
            },
            ChainFault::Broken,
        ),
        (
            "not a key",
            |n, d| {
                if n == 1 {
                    d.public_key = Some(vec![1; 7])
                }
            },
            ChainFault::Broken,
        ),
        (
            "foreign issuer",
            |n, d| {
                if n == 0 {
                    d.issuer = IssuerId::parse("Other").unwrap()
                }
            },
            ChainFault::UnknownIssuer,
        ),
        (
            "foreign key",
            |n, d| {
                if n == 0 {
                    d.key_thumbprint = key(9).thumbprint()
                }
            },
            ChainFault::UnknownIssuer,
        ),
        (
            "a later first token",
            |n, d| {
                if n == 0 {
                    d.parent = Some(Sha3Digest::of(b"x"));
                    d.public_key = Some(key(0).public_key.clone());
                }
            },
            ChainFault::Broken,
        ),
        (
            "a second first token",
            |n, d| {
                if n == 1 {
                    (d.parent, d.public_key) = (None, None)
                }
            },
            ChainFault::Broken,
        ),
        (
            "another suite",
            |n, d| {
                if n == 0 {
                    d.suite = "Ed25519"
                }
            },
            ChainFault::Signature,
        ),
        (
            "not yet",
            |n, d| {
                if n == 1 {
                    d.not_before = time("2026-06-15T00:00:00Z")
                }
            },
            ChainFault::NotYetValid,
        ),
    ];
    for (what, change, fault) in changes {
        assert_eq!(judged(&lines(2, change), 2), Err(fault), "{what}");
    }
}

#[test]
fn a_chain_is_bounded() {
    let longest = u8::try_from(MAX_CHAIN_LEN).unwrap();
    assert_eq!(judged(&lines(longest, |n, d| d.depth = 7 - n), longest), Ok(()));
    let mut longer = lines(longest, |_, _| {});
    let first = longer.iter().position(|&byte| byte == b'\n').unwrap();
    longer.extend_from_within(..=first);
    assert_eq!(Chain::parse(&longer), Err(ChainFault::TooLong));
    assert_eq!(Chain::parse(&vec![b'a'; 1 << 20]), Err(ChainFault::TooLong));
    for bytes in [&b""[..], b"\n", b"\n\n", b"{}\n", b"null\n"] {
        assert_eq!(Chain::parse(bytes), Err(ChainFault::Malformed));
    }
    // Patterns whose comparison would take too long are not known to narrow.
    let hostile = format!("**{}", "*a".repeat(60));
    let widened = lines(2, |n, d| {
        let last = if n == 0 { "b" } else { "bb" };
        d.tools = vec![Glob::parse(&format!("{}{last}", &hostile[1..])).unwrap()];
    });
    assert_eq!(
        Chain::parse(&widened).unwrap().verify(&issuers(), &Revoked::default()),
        Err(ChainFault::Widens)
    );
}

#[test]
fn keys_and_tokens_are_taken_back() {
    let chain = Chain::parse(&lines(2, |_, _| {})).unwrap();
    for digest in chain.digests() {
        let mut revoked = Revoked::default();
        revoked.tokens.insert(*digest);
        assert_eq!(chain.verify(&issuers(), &revoked), Err(ChainFault::Revoked));
    }
    for n in [0, 1] {
        let mut revoked = Revoked::default();
        revoked.keys.insert(key(n).thumbprint());
        assert_eq!(chain.verify(&issuers(), &revoked), Err(ChainFault::Revoked));
    }
    type Change = fn(&mut asqav_receipt::keys::KeyEntry);
    let changes: [Change; 6] = [
        |entry| entry.status = KeyStatus::Retired,
        |entry| entry.status = KeyStatus::Absent,
        |entry| entry.revoked_at = Some(Err("soon".to_owned())),
        |entry| entry.compromised_since = Some(Ok(now())),
        |entry| entry.log_id = Some(LogId::from_bytes([1; 16])),
        |entry| entry.to_seq = Some(9),
    ];
    for change in changes {
        let mut entry = key(0).entry();
        change(&mut entry);
        let one = KeySet::new(vec![entry.clone()]);
        assert_eq!(chain.verify(&one, &Revoked::default()), Err(ChainFault::KeyInactive));
        // A good entry of the same key does not bring it back.
        let both = KeySet::new(vec![key(0).entry(), entry]);
        assert_eq!(chain.verify(&both, &Revoked::default()), Err(ChainFault::KeyInactive));
    }
    assert_eq!(chain.verify(&KeySet::default(), &Revoked::default()), Err(ChainFault::UnknownIssuer));
}

#[test]
fn every_changed_byte_is_seen() {
    let (bytes, issuers, with) = (lines(2, |_, _| {}), issuers(), key(2).thumbprint());
    assert_eq!(judged_with(&bytes, &issuers, 2, &with), Ok(()));
    let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    // The first token by itself is as good, and judged in half the time.
    let alone = key(1).thumbprint();
    assert_eq!(judged_with(&bytes[..first], &issuers, 1, &alone), Ok(()));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let judged = match at < first {
            true => judged_with(&changed[..first], &issuers, 1, &alone),
            false => judged_with(&changed, &issuers, 2, &with),
        };
        assert!(judged.is_err(), "byte {at}");
    }
    for at in (0..bytes.len()).step_by(61).chain([first, bytes.len() - 1]) {
        assert!(judged_with(&bytes[..at], &issuers, 2, &with).is_err(), "cut at {at}");
    }
    assert!(judged_with(&bytes[first..], &issuers, 2, &with).is_err());
}

/// A signature over the same bytes under another tag is none.
#[test]
fn the_tag_separates_tokens_from_everything_else() {
    let delegation = delegation(0, None);
    let json = asqav_receipt::canonical::to_vec(&delegation.to_json());
    assert_eq!(delegation.signing_bytes(), [DELEGATION_TAG.as_bytes(), b"\0", &json].concat());
    for message in [json.clone(), [b"asqav/checkpoint/v1\0", &json[..]].concat()] {
        let token = SignedDelegation { delegation: delegation.clone(), sig: key(0).sign(&message) };
        let line = [token.to_canonical(), b"\n".to_vec()].concat();
        assert_eq!(judged(&line, 1), Err(ChainFault::Signature));
    }
}

#[test]
fn tokens_have_one_spelling() {
    let good = String::from_utf8(signed(0, delegation(0, None)).to_canonical()).unwrap();
    assert!(SignedDelegation::parse(good.as_bytes()).is_ok());
    for (from, to) in [
        ("\"v\":1", "\"v\": 1"),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1,\"x\":1"),
        ("\"depth\":7", "\"depth\":8"),
        ("\"depth\":7", "\"depth\":7,\"depth\":7"),
        ("\"depth\":7", "\"depth\":7.0"),
        ("\"tools\":[", "\"tools\":[\"ledger:*\","),
        ("\"tools\":[\"ledger:*\",\"mail:send\"]", "\"tools\":[]"),
        ("\"ledger:*\"", "\"***\""),
        ("\"le\":1000", "\"le\":1000,\"matches\":\"x\""),
        (",\"le\":1000", ""),
        ("\"le\":1000", "\"le\":1e3"),
        ("\"/amount\"", "\"amount\""),
        ("\"/amount\"", "\"/amount~2\""),
        ("2026-05-01T00:00:00.000000Z", "2026-05-01T00:00:00Z"),
        ("2026-05-01T00:00:00.000000Z", "2026-07-01T00:00:00.000000Z"),
        ("sha256:", "sha512:"),
        ("\"sig\":\"", "\"sig\":\"="),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        assert!(SignedDelegation::parse(changed.as_bytes()).is_err(), "{from} -> {to}");
    }
    let mut nobody = delegation(0, None);
    nobody.delegate.key = None;
    assert_eq!(nobody.check(), Err(DelegationError::Member("delegate")));
    let mut unpinned = delegation(0, None);
    unpinned.public_key = Some(key(0).public_key.clone());
    assert_eq!(unpinned.check(), Err(DelegationError::Member("pub")));
    let mut mixed = delegation(0, None);
    mixed.when[0].tests = vec![Test::OneOf(vec![Scalar::Integer(1 << 60)])];
    assert!(matches!(mixed.check(), Err(DelegationError::Json(_))));
    mixed.when[0].tests = vec![Test::AtMost(1), Test::AtMost(2)];
    assert_eq!(mixed.check(), Err(DelegationError::NotCanonical));
}

/// The scopes of tokens: most narrow the one before, by a little or not at all.
type Scope = (Vec<&'static str>, i64, i64, u8);

fn scope(n: u8) -> impl Strategy<Value = Scope> {
    let tools = ["**", "a*", "a**", "*:a", "a:*", "a", "ab", "**b", "*"];
    let step = i64::from(n) * 3;
    (
        prop::sample::subsequence(tools.to_vec(), 1..4),
        step..step + 4,
        36 - step..41 - step,
        6 - 2 * n..8 - 2 * n,
    )
}

fn at(offset: i64) -> Timestamp {
    Timestamp::from_unix_micros(now().unix_micros() + offset * 1_000_000).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever a chain that holds covers, every shorter one that it goes back
    /// to covers, too, at that time.
    #[test]
    fn a_chain_only_ever_narrows(
        scopes in (scope(0), scope(1), scope(2)).prop_map(|(one, two, three)| [one, two, three]),
        names in prop::collection::vec("[ab:]{1,4}", 16),
    ) {
        let bytes = lines(3, |n, token| {
            let (tools, from, until, depth) = &scopes[usize::from(n)];
            token.tools = globs(tools);
            (token.not_before, token.expires_at, token.depth) = (at(*from), at(*until), *depth);
        });
        let holds = Chain::parse(&bytes).unwrap().verify(&issuers(), &Revoked::default()).is_ok();
        for (parent, child) in scopes.iter().zip(&scopes[1..]) {
            let narrower = child.3 < parent.3 && parent.1 <= child.1 && child.2 <= parent.2;
            prop_assert!(!holds || narrower);
            for name in &names {
                let within = |(tools, ..): &Scope| globs(tools).iter().any(|glob| glob.matches(name));
                prop_assert!(!holds || within(parent) || !within(child), "{}", name);
            }
        }
    }
}
