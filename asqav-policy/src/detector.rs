//! Detectors: what a text holds, e.g. a card number, told by its form and its
//! check digits.
//!
//! A detector that fails makes a condition unknown: an allow rule then does
//! not hold, and a deny rule does. The digest of a policy covers the name and
//! the version of each detector that it uses.

mod bounded;
mod card;
mod email;
mod groups;
mod iban;
mod secret;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asqav_receipt::json::Json;

use crate::error::{Problem, quote};
use crate::facts::{Seen, Why};
use bounded::{DEFAULT_LIMIT, LeftBehind};

/// Texts of one value are looked at up to this many bytes in all: linear time
/// is still time. A longer value is unknown.
const MAX_SCANNED: usize = 1 << 20;
/// The longest name, in bytes.
const MAX_NAME_LEN: usize = 64;

/// Finds one kind of content in texts.
///
/// ```
/// use asqav_policy::detector::{Detect, DetectError, Detector};
///
/// struct CustomerNumber;
///
/// impl Detect for CustomerNumber {
///     fn name(&self) -> &str { "customer-number" }
///     fn version(&self) -> u32 { 1 }
///     fn finds(&self, text: &str) -> Result<bool, DetectError> {
///         Ok(text.split(|c: char| !c.is_alphanumeric()).any(|word| word.len() == 9 && word.starts_with("CN")))
///     }
/// }
///
/// let rule = asqav_policy::Rule::deny("numbers-stay-here")
///     .tools(["mail:*"])
///     .when(asqav_policy::arg("/body").contains([Detector::new(CustomerNumber)]));
/// ```
pub trait Detect: Send + Sync + 'static {
    /// The name in policy files: 1 to 64 lower-case letters, digits, `-` and
    /// `_`, and none that is built in.
    fn name(&self) -> &str;

    /// Raised whenever the detector finds something else than before, so that
    /// a policy's digest tells the two apart.
    fn version(&self) -> u32;

    /// Whether `text` holds what is looked for.
    ///
    /// # Errors
    /// [`DetectError`] when that cannot be said, e.g. because a service did
    /// not answer in time.
    fn finds(&self, text: &str) -> Result<bool, DetectError>;
}

/// A detector could not say whether a text holds something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the detector failed: {0}")]
pub struct DetectError(String);

impl DetectError {
    /// What went wrong, for logs; never content of the text.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// A detector, by name and version.
#[derive(Clone)]
pub struct Detector {
    name: Box<str>,
    version: u32,
    built_in: bool,
    detect: Arc<dyn Detect>,
    limit: Duration,
    left_behind: LeftBehind,
}

/// A detector that comes with the engine.
struct BuiltIn {
    name: &'static str,
    version: u32,
    finds: fn(&str) -> bool,
}

/// INVARIANT: a version is raised with every change of what is found.
const BUILT_IN: [BuiltIn; 4] = [
    BuiltIn { name: "card", version: 1, finds: card::finds },
    BuiltIn { name: "email", version: 1, finds: email::finds },
    BuiltIn { name: "iban", version: 1, finds: iban::finds },
    BuiltIn { name: "secret", version: 1, finds: secret::finds },
];

impl Detect for BuiltIn {
    fn name(&self) -> &str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn finds(&self, text: &str) -> Result<bool, DetectError> {
        Ok((self.finds)(text))
    }
}

impl Detector {
    /// A detector of one's own. It runs on a thread of its own and has a second
    /// for all texts of one value; a panic is a failure.
    pub fn new(detect: impl Detect) -> Self {
        Self::of(detect, false)
    }

    /// Gives it so long for all texts of one value; afterwards the condition is
    /// unknown, with the reason `detector_timeout`. The engine's own detectors
    /// look at each character once and need no limit.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Payment card numbers: 13 to 19 digits, in groups or not, that begin
    /// with 2 to 6 and whose last digit checks (ISO/IEC 7812-1, Luhn).
    #[must_use]
    pub fn card() -> Self {
        let [card, ..] = BUILT_IN;
        Self::of(card, true)
    }

    /// E-mail addresses.
    #[must_use]
    pub fn email() -> Self {
        let [_, email, ..] = BUILT_IN;
        Self::of(email, true)
    }

    /// International bank account numbers: 15 to 34 characters, in groups or
    /// not, whose check digits are right (ISO 13616-1, ISO/IEC 7064 MOD 97-10).
    #[must_use]
    pub fn iban() -> Self {
        let [_, _, iban, _] = BUILT_IN;
        Self::of(iban, true)
    }

    /// Keys and tokens that begin as their issuers say: of AWS, GitHub, GitLab,
    /// Slack, Stripe, Google, OpenAI, Anthropic, npm, PyPI, SendGrid, Hugging
    /// Face; JSON web tokens; private keys in PEM.
    #[must_use]
    pub fn secret() -> Self {
        let [.., secret] = BUILT_IN;
        Self::of(secret, true)
    }

    /// The detector of this name that comes with the engine.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        BUILT_IN.into_iter().find(|known| known.name == name).map(|known| Self::of(known, true))
    }

    fn of(detect: impl Detect, built_in: bool) -> Self {
        let (name, version) = (detect.name().into(), detect.version());
        let left_behind = LeftBehind::default();
        Self { name, version, built_in, detect: Arc::new(detect), limit: DEFAULT_LIMIT, left_behind }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Refuses a name that a file cannot hold, or that means another one.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let taken = !self.built_in && BUILT_IN.iter().any(|known| known.name == &*self.name);
        if (1..=MAX_NAME_LEN).contains(&self.name.len()) && self.name.bytes().all(plain) && !taken {
            return Ok(());
        }
        let expected = "a detector's name: at most 64 of `a-z 0-9 - _`, and none that is built in";
        Err(Problem::Word { found: quote(&self.name), expected })
    }

    /// Of one of the engine's own.
    fn finds(&self, text: &str) -> Result<bool, Why> {
        self.detect.finds(text).map_err(|_| Why::Detector)
    }

    /// Of one that is foreign code.
    fn finds_in_time(&self, texts: &Arc<[String]>) -> Result<bool, Why> {
        bounded::finds(&self.detect, texts, self.limit, &self.left_behind)
    }
}

impl PartialEq for Detector {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.version) == (&other.name, other.version)
    }
}

impl Eq for Detector {}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Detector({}/{})", self.name, self.version)
    }
}

/// Whether any text, name of a member or number in `value` holds what one of
/// `detectors` looks for. What is found outweighs what cannot be said.
pub(crate) fn any_finds(detectors: &[Detector], value: Seen<'_>) -> Result<bool, Why> {
    let foreign = detectors.iter().any(|detector| !detector.built_in).then(Vec::new);
    let mut scan = Scan { detectors, left: MAX_SCANNED, unknown: None, foreign };
    if scan.seen(value) {
        return Ok(true);
    }
    let Scan { mut unknown, foreign, .. } = scan;
    let Some(texts) = foreign else { return unknown.map_or(Ok(false), Err) };
    let texts: Arc<[String]> = texts.into();
    for detector in detectors.iter().filter(|detector| !detector.built_in) {
        match detector.finds_in_time(&texts) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why) => _ = unknown.get_or_insert(why),
        }
    }
    unknown.map_or(Ok(false), Err)
}

struct Scan<'d> {
    detectors: &'d [Detector],
    left: usize,
    unknown: Option<Why>,
    /// The texts for foreign detectors, if there are any.
    foreign: Option<Vec<String>>,
}

impl Scan<'_> {
    fn seen(&mut self, value: Seen<'_>) -> bool {
        match value {
            Seen::Text(text) => self.text(text),
            Seen::Number(number) => self.text(&plain_number(number)),
            Seen::Bool(_) => false,
            Seen::Items(items) => items.iter().any(|item| self.json(item)),
            Seen::Members(members) => members.iter().any(|(name, value)| self.text(name) || self.json(value)),
        }
    }

    /// The reader bounds the depth.
    fn json(&mut self, value: &Json) -> bool {
        Seen::of(value).is_some_and(|value| self.seen(value))
    }

    fn text(&mut self, text: &str) -> bool {
        let Some(left) = self.left.checked_sub(text.len()) else {
            self.unknown.get_or_insert(Why::TooLong);
            return false;
        };
        self.left = left;
        if let Some(texts) = &mut self.foreign {
            texts.push(text.to_owned());
        }
        for detector in self.detectors.iter().filter(|detector| detector.built_in) {
            match detector.finds(text) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(why) => drop(self.unknown.get_or_insert(why)),
            }
        }
        false
    }
}

/// A number without exponent, so that its digits can be looked at.
fn plain_number(number: f64) -> String {
    format!("{number}")
}

#[cfg(test)]
mod tests;
