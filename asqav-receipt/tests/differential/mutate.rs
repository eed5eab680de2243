//! Changes that know what a receipt is made of.

use asqav_receipt::json::Json;
use asqav_receipt::{base64url, canonical};

use crate::case::{Case, key};
use crate::random::Random;
use crate::support::Key;
use crate::tree::Tree;

/// Changes the case one to three times, and signs again in half of those that
/// can be.
pub fn mutate(case: &mut Case, random: &mut Random) {
    let mut receipt = Tree::parse(&case.receipt).unwrap();
    let resigned = case.ours_to_sign && random.below(4) > 0;
    for _ in 0..=random.below(3) {
        let what = if resigned {
            match receipt.get("payload") {
                Some(payload) if random.below(8) > 0 => inside(payload, random),
                _ => around(case, &mut receipt, random),
            }
        } else if random.below(4) == 0 {
            around(case, &mut receipt, random)
        } else {
            inside(&mut receipt, random)
        };
        case.name.push_str(&format!(", {what}"));
    }
    if resigned && sign(&mut receipt) {
        case.name.push_str(", signed again");
    }
    case.receipt = receipt.write();
}

/// Signs the payload anew, if it can be read for certain.
fn sign(receipt: &mut Tree) -> bool {
    let Some(payload) = receipt.get("payload").map(|payload| payload.write()) else { return false };
    let Ok(payload) = Json::parse(payload.as_bytes()) else { return false };
    let sig = base64url::encode(&key().sign(&canonical::to_vec(&payload)));
    match receipt.get("signature").and_then(|signature| signature.get("sig")) {
        Some(place) => *place = Tree::Text(sig),
        None => return false,
    }
    true
}

/// A change anywhere within `tree`.
fn inside(tree: &mut Tree, random: &mut Random) -> String {
    let at = random.place(tree.count());
    let (name, value) = tree.at(at);
    let what = match random.below(8) {
        0 | 1 => replaced(value, random),
        2 => nested(value, random),
        _ => respelled(&name, value, random),
    };
    match what {
        Some(what) => format!("{name:?} {what}"),
        None => membership(tree, random),
    }
}

/// A member repeated, removed, renamed, added or moved.
fn membership(tree: &mut Tree, random: &mut Random) -> String {
    let at = random.place(tree.count());
    let (_, place) = tree.at(at);
    let Some(members) = place.members().filter(|members| !members.is_empty()) else {
        return tree.members().map_or_else(|| "nothing".to_owned(), |members| shuffled(members, random));
    };
    let chosen = random.place(members.len());
    let (name, value) = members[chosen].clone();
    match random.below(7) {
        0 => {
            members.push((name.clone(), value));
            format!("{name:?} twice")
        }
        1 => {
            members.push((name.clone(), Tree::Text("other".to_owned())));
            format!("{name:?} twice, differing")
        }
        2 | 3 => {
            members.remove(chosen);
            format!("{name:?} removed")
        }
        4 => {
            members[chosen].0 =
                random.pick(&[name.to_uppercase(), format!("{name} "), format!("{name}\u{301}")]).clone();
            format!("{name:?} renamed")
        }
        5 => {
            let extra = *random.pick(&[
                "asqav",
                "extra",
                "issuer_id",
                "seq",
                "anchors",
                "mode",
                "org_id",
                "hash_algo",
            ]);
            members.push((extra.to_owned(), value));
            format!("{extra:?} added")
        }
        _ => shuffled(members, random),
    }
}

fn shuffled(members: &mut [(String, Tree)], random: &mut Random) -> String {
    if members.len() > 1 {
        let (one, other) = (random.place(members.len()), random.place(members.len()));
        members.swap(one, other);
    }
    "members reordered".to_owned()
}

fn replaced(value: &mut Tree, random: &mut Random) -> Option<String> {
    let word = |word: &str| Tree::Word(word.to_owned());
    let choices = [
        word("null"),
        word("true"),
        word("false"),
        word("0"),
        word("-1"),
        word("1.5"),
        word("9007199254740993"),
        word("1e400"),
        Tree::Text(String::new()),
        Tree::Text("x".to_owned()),
        Tree::List(vec![]),
        Tree::Members(vec![]),
    ];
    *value = random.pick(&choices).clone();
    Some(format!("replaced by {}", value.write()))
}

fn nested(value: &mut Tree, random: &mut Random) -> Option<String> {
    let deep = *random.pick(&[1, 2, 70, 150, 250]);
    for _ in 0..deep {
        *value = Tree::List(vec![value.clone()]);
    }
    Some(format!("nested {deep} deep"))
}

/// The same in another spelling, or nearly the same.
fn respelled(name: &str, value: &mut Tree, random: &mut Random) -> Option<String> {
    match value {
        Tree::Word(word) => {
            let number: i64 = word.parse().ok()?;
            let spellings = [
                format!("{number}.0"),
                format!("{number}e0"),
                format!("{}", number + 1),
                format!("-{number}"),
                format!("0{number}"),
                format!("{number}.5"),
                format!("+{number}"),
            ];
            *word = random.pick(&spellings).clone();
            Some(format!("spelled {word}"))
        }
        Tree::Text(text) => {
            let new = if name.ends_with("_at") || name == "ts" {
                time(text, random)
            } else if text.len() >= 64 && random.below(2) == 0 {
                encoded(text, random)
            } else {
                edited(text, random)
            };
            *text = new;
            let shown: String = text.chars().take(40).collect();
            Some(format!("spelled {shown:?}"))
        }
        _ => None,
    }
}

fn time(text: &str, random: &mut Random) -> String {
    let date = text.get(..10).unwrap_or("2026-05-04").to_owned();
    let clock = text.get(11..19).unwrap_or("12:00:00").to_owned();
    let spellings = [
        format!("{date}T{clock}Z"),
        format!("{date}t{clock}z"),
        format!("{date} {clock}Z"),
        format!("{date}T{clock}"),
        format!("{date}T{clock}+00:00"),
        format!("{date}T{clock}-00:00"),
        format!("{date}T{clock}+0260"),
        format!("{date}T{clock}+02:60"),
        format!("{date}T{clock}+23:59"),
        format!("{date}T24:00:00Z"),
        format!("{date}T23:59:60Z"),
        format!("{date}T{clock}Z\n"),
        format!(" {date}T{clock}Z"),
        format!("{date}T{clock}.123456789Z"),
        format!("{date}T{clock},5Z"),
        date.clone(),
        format!("{date}T{clock}Z").replace('2', "\u{0662}"),
        "2030-01-01T00:00:00Z".to_owned(),
        "0000-01-01T00:00:00Z".to_owned(),
        "1777896000".to_owned(),
    ];
    random.pick(&spellings).clone()
}

/// Base64 or hexadecimal digits, changed or merely written otherwise.
fn encoded(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    match random.below(10) {
        0 => chars.push('='),
        1 => chars.extend(['='; 2]),
        2 => chars.push('\n'),
        3 => chars.truncate(chars.len() - 1 - random.place(3)),
        4 => chars.push('A'),
        5 => {
            let at = random.place(chars.len());
            chars[at] = *random.pick(&['A', 'B', '0', '1', '!', '-', '+', '_', '/', ' ']);
        }
        6 => {
            return match base64url::decode_any(text) {
                Some(bytes) if text.contains(['-', '_']) => base64url::encode_standard(&bytes),
                Some(bytes) => base64url::encode(&bytes),
                None => text.to_uppercase(),
            };
        }
        7 => return text.to_uppercase(),
        8 => {
            // Another last digit: other trailing bits, perhaps the same bytes.
            if let Some(last) = chars.last_mut() {
                *last = *random.pick(&['B', 'Q', 'g', 'w', '1', 'f']);
            }
        }
        _ => chars.insert(random.place(64), ' '),
    }
    chars.into_iter().collect()
}

fn edited(text: &str, random: &mut Random) -> String {
    match random.below(8) {
        0 => format!("{text} "),
        1 => format!("{text}\n"),
        2 => text.to_uppercase(),
        3 => format!("{text}\u{0}"),
        4 => format!("{text}\u{10000}"),
        5 => text.chars().skip(1).collect(),
        6 => format!("sha256:{text}"),
        _ => format!("{text}x"),
    }
}

/// A change of what stands around the payload: signature, copies, key set,
/// predecessor, originating envelope.
fn around(case: &mut Case, receipt: &mut Tree, random: &mut Random) -> String {
    match random.below(10) {
        0 => case.predecessor.take().map_or("no predecessor", |_| "predecessor withheld").to_owned(),
        1 => case.originating.take().map_or("no originating", |_| "originating withheld").to_owned(),
        2 => other_file(&mut case.predecessor, "predecessor", random),
        3 => other_file(&mut case.originating, "originating", random),
        4 | 5 => copied(receipt, random),
        _ => published(case, random),
    }
}

fn other_file(file: &mut Option<String>, what: &str, random: &mut Random) -> String {
    let Some(text) = file else { return format!("no {what}") };
    let Some(mut tree) = Tree::parse(text) else { return format!("{what} as it is") };
    let change = inside(&mut tree, random);
    *text = tree.write();
    format!("{what}: {change}")
}

/// An unsigned copy beside the signed member, true or false.
fn copied(receipt: &mut Tree, random: &mut Random) -> String {
    let Some(members) = receipt.get("payload").and_then(Tree::members).filter(|members| !members.is_empty())
    else {
        return "nothing to copy".to_owned();
    };
    let (name, value) = random.pick(members).clone();
    let copy = if random.below(2) == 0 { value } else { Tree::Text("another".to_owned()) };
    let name = match name.as_str() {
        "type" => (*random.pick(&["type", "receipt_type"])).to_owned(),
        "issued_at" => (*random.pick(&["issued_at", "signed_at"])).to_owned(),
        _ => name,
    };
    let Some(members) = receipt.members() else { return "nothing to copy".to_owned() };
    members.push((name.clone(), copy));
    format!("copy of {name:?} outside")
}

/// What the key set says about a key.
fn published(case: &mut Case, random: &mut Random) -> String {
    let Some(mut jwks) = Tree::parse(&case.jwks) else { return "no keys".to_owned() };
    let Some(Tree::List(keys)) = jwks.get("keys") else { return "no keys".to_owned() };
    if keys.is_empty() {
        return "no keys".to_owned();
    }
    let at = random.place(keys.len());
    let mut set = |name: &str, value: &str| {
        let value = Tree::Text(value.to_owned());
        if let Some(place) = keys[at].get(name) {
            *place = value;
        } else if let Some(members) = keys[at].members() {
            members.push((name.to_owned(), value));
        }
    };
    let what = match random.below(12) {
        0 => {
            let status =
                *random.pick(&["retired", "revoked", "suspended", "compromised", "unknown", "Active", ""]);
            set("status", status);
            format!("status {status:?}")
        }
        1 => {
            let time = *random.pick(&["2020-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "soon", ""]);
            set("status", "revoked");
            set("revoked_at", time);
            format!("revoked at {time:?}")
        }
        2 => {
            set("status", "revoked");
            set("revocation_reason", "compromised");
            "revoked as compromised".to_owned()
        }
        3 => {
            set("issuer_id", "Somebody else");
            "another issuer".to_owned()
        }
        4 => {
            set("agent_id", "somebody-else");
            "another agent".to_owned()
        }
        5 => {
            set("kid", "another");
            "another kid".to_owned()
        }
        6 => {
            let alg = *random.pick(&["Ed25519", "ML-DSA-44", "none", "ml-dsa-65", "ML-DSA-65"]);
            set("alg", alg);
            format!("alg {alg:?}")
        }
        7 => {
            let other = Key::new(200, "other");
            set("pub", &base64url::encode(&other.public_key));
            set("public_key", &base64url::encode_standard(&other.public_key));
            "key swapped".to_owned()
        }
        8 => {
            keys.remove(at);
            "key removed".to_owned()
        }
        9 => {
            let twin = keys[at].clone();
            keys.push(twin);
            "key twice".to_owned()
        }
        10 => {
            keys.insert(0, Tree::Members(vec![]));
            "an empty key first".to_owned()
        }
        _ => inside(&mut keys[at], random),
    };
    case.jwks = jwks.write();
    format!("key set: {what}")
}
