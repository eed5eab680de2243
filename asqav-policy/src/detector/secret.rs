//! Keys and tokens, by how their issuers let them begin.

/// A prefix, and how many characters of a token must follow at least.
const PREFIXES: [(&str, usize); 29] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("GOCSPX-", 20),
    ("SG.", 40),
    ("dop_v1_", 40),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("hf_", 30),
    ("npm_", 36),
    ("pypi-", 40),
    ("rk_live_", 16),
    ("rk_test_", 16),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("sk-", 32),
    ("shpat_", 32),
    ("whsec_", 32),
    ("xoxa-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxr-", 20),
    ("xoxs-", 20),
    ("ya29.", 20),
];

pub(super) fn finds(text: &str) -> bool {
    let mut inside = false;
    text.char_indices().any(|(at, c)| {
        let begins = !inside;
        inside = c.is_alphanumeric();
        begins && text.get(at..).is_some_and(begins_with_secret)
    })
}

fn begins_with_secret(text: &str) -> bool {
    let token = PREFIXES
        .iter()
        .any(|(prefix, min)| text.strip_prefix(prefix).is_some_and(|rest| token_len(rest, *min) >= *min));
    token || begins_with_web_token(text) || begins_with_pem(text)
}

/// Characters of base64url at the beginning, and dots: as many as `max`.
fn token_len(text: &str, max: usize) -> usize {
    text.bytes().take(max).take_while(|&byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)).count()
}

/// Three parts of base64url (RFC 7519 §3); a JSON object in the first two
/// begins with `eyJ` there.
fn begins_with_web_token(text: &str) -> bool {
    let end = text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(&byte));
    let mut parts = text.get(..end.unwrap_or(text.len())).unwrap_or_default().split('.');
    let mut object = || parts.next().is_some_and(|part| part.len() > 8 && part.starts_with("eyJ"));
    object() && object() && parts.next().is_some()
}

/// `-----BEGIN PRIVATE KEY-----` (RFC 7468 §10) and its older spellings.
fn begins_with_pem(text: &str) -> bool {
    let label = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split("-----").next());
    label.is_some_and(|label| label.len() <= 64 && label.contains("PRIVATE KEY"))
}
