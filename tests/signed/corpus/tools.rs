//! Every shape of function that `#[signed]` takes. The tests call these; the
//! file `expanded.rs` beside this one is what the macro makes of them, and is
//! linted as if it were written by hand.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use asqav::{Refused, signed};
use serde::Serialize;

/// A `Result` that does not look like one.
pub(crate) type Answer<T> = Result<T, String>;
/// A boxed future that does not look like one.
pub(crate) type Soon<'a, T> = Pin<Box<dyn Future<Output = Answer<T>> + Send + 'a>>;

/// An argument that cannot be serialised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secret(pub(crate) String);

impl Secret {
    /// The part that may be seen.
    pub(crate) fn last_four(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}

/// An argument that is taken apart.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Range {
    /// The first.
    pub(crate) from: u32,
    /// The last.
    pub(crate) to: u32,
}

/// An argument with all kinds of generics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a, T, const N: usize>(pub(crate) &'a [T; N]);

impl<T: Serialize, const N: usize> Serialize for Page<'_, T, N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

/// Documented, and inlined.
#[signed(action = "ledger:query", tool = "query", version = "1.2", record(account), skip(token))]
#[inline]
#[must_use = "an attribute of the function's own"]
pub(crate) async fn query(account: &str, limit: u32, token: Secret) -> Result<u32, String> {
    tokio::task::yield_now().await;
    if limit == 0 {
        return Err(format!("nothing of {account} for {}", token.0));
    }
    let limit: u32 = Ok::<_, String>(limit)?;
    Ok(limit + 1)
}

/// A sync function; no runtime. Its action is as long as one can be.
#[signed(
    action = "double:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
pub(crate) fn double(mut amount: u32) -> Answer<u32> {
    amount *= 2;
    Ok(amount)
}

/// Destructured, by reference, unnamed and array parameters.
#[signed]
pub(crate) async fn taken_apart(
    Range { from, mut to }: Range,
    (first, [second, ..]): (&str, [u8; 3]),
    (ref borrowed,): (String,),
    &copied: &u64,
    _: Secret,
) -> Answer<String> {
    to += 1;
    Ok(format!("{from} {to} {first} {second} {borrowed} {copied}"))
}

/// The same without a runtime.
#[signed(record(from, r#type))]
pub(crate) fn taken_apart_sync(Range { from, mut to }: Range, r#type: &str) -> Answer<String> {
    to += 1;
    Ok(format!("{from} {to} {}", r#type.trim()))
}

/// Generic in types, lifetimes and constants.
#[signed]
pub(crate) async fn generic<'a, T, const N: usize>(items: Page<'a, T, N>, chosen: usize) -> Answer<&'a T>
where
    T: Serialize + Display,
{
    items.0.get(chosen).ok_or_else(|| format!("{chosen} of {N}"))
}

/// Elided lifetimes.
#[signed]
pub(crate) async fn elided(text: &str) -> Answer<Cow<'_, str>> {
    Ok(Cow::Borrowed(text))
}

/// `impl Trait` on both sides.
#[signed]
pub(crate) async fn opaque(
    items: impl IntoIterator<Item = u32> + Serialize,
) -> Answer<impl Display + Serialize> {
    Ok(items.into_iter().sum::<u32>())
}

/// The same without a runtime.
#[signed]
pub(crate) fn opaque_sync(text: impl AsRef<str> + Serialize) -> Answer<impl Serialize> {
    if text.as_ref().is_empty() {
        return Err("empty".to_owned());
    }
    Ok(text.as_ref().len())
}

/// Redacted, and the redaction recorded.
#[signed(redact(card = Secret::last_four), record(card))]
pub(crate) async fn pay(card: Secret, amount: u64) -> Answer<u64> {
    tokio::task::yield_now().await;
    Ok(amount + u64::from(card.0.is_empty()))
}

/// The result is not serialised.
#[signed(result = skip)]
pub(crate) async fn login(user: &str) -> Answer<Secret> {
    Ok(Secret(user.to_owned()))
}

/// An early `return` that is coerced to the declared type.
#[signed(result = skip)]
pub(crate) async fn coerced(early: bool) -> Answer<Box<dyn Display>> {
    if early {
        return Ok(Box::new(1));
    }
    Ok(Box::new("two"))
}

/// The result is recorded.
#[signed(result = record)]
pub(crate) fn count(items: &[u8]) -> Answer<usize> {
    Ok(items.len())
}

/// Never a `Result`.
#[signed(on_deny = no_answer)]
pub(crate) async fn lookup(key: &str) -> Option<usize> {
    (!key.is_empty()).then_some(key.len())
}

/// Nothing comes back at all.
#[signed(on_deny = drop)]
pub(crate) fn announce(text: &str) {
    assert!(!text.is_empty(), "nothing to announce");
}

/// A `Result` whose error knows nothing of refusals.
#[signed(on_deny = not_measured)]
pub(crate) fn measured(text: &str) -> Result<usize, usize> {
    if text.is_empty() { Err(0) } else { Ok(text.len()) }
}

fn not_measured(_: Refused) -> Result<usize, usize> {
    Err(usize::MAX)
}

fn no_answer(_: Refused) -> Option<usize> {
    None
}

/// A future that must stay on its thread.
#[signed(skip(counter))]
pub(crate) async fn local(counter: Rc<Cell<u32>>) -> Answer<u32> {
    counter.set(counter.get() + 1);
    tokio::task::yield_now().await;
    Ok(counter.get())
}

/// Recursive.
#[signed]
pub(crate) async fn countdown(from: u32) -> Answer<u32> {
    if from == 0 {
        return Ok(0);
    }
    let below = Box::pin(countdown(from - 1)).await?;
    Ok(below + 1)
}

/// A hand-written future.
#[signed]
pub(crate) fn later(text: &str) -> impl Future<Output = Answer<usize>> {
    let length = text.len();
    async move { Ok(length) }
}

/// A boxed future behind an alias.
#[signed]
pub(crate) fn boxed(text: &str) -> Soon<'_, usize> {
    let length = text.len();
    Box::pin(async move {
        tokio::task::yield_now().await;
        Ok(length)
    })
}

/// A boxed future that is no `Result`, on its thread.
#[signed(on_deny = no_answer, record(text))]
pub(crate) fn boxed_local<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Option<usize>> + 'a>> {
    Box::pin(async move { Some(text.len()) })
}

/// A service with tools as methods.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<u64>,
    owner: String,
}

impl Ledger {
    /// No `self`.
    #[signed]
    pub(crate) fn open(owner: String) -> Answer<Self>
    where
        Self: Serialize,
    {
        Ok(Self { entries: Vec::new(), owner })
    }

    /// `&self`, giving back a borrow.
    #[signed(action = "ledger:owner")]
    pub(crate) async fn owner(&self, _reason: &str) -> Answer<&str> {
        Ok(&self.owner)
    }

    /// `&mut self`.
    #[signed]
    pub(crate) async fn post(&mut self, amount: u64) -> Answer<usize> {
        self.entries.push(amount);
        tokio::task::yield_now().await;
        Ok(self.entries.len())
    }

    /// `&mut self`, giving back a mutable borrow.
    #[signed(result = skip)]
    pub(crate) fn entry(&mut self, at: usize) -> Answer<&mut u64> {
        self.entries.get_mut(at).ok_or_else(|| "no such entry".to_owned())
    }

    /// `mut self`.
    #[signed]
    pub(crate) async fn close(mut self, last: u64) -> Answer<Vec<u64>> {
        self.entries.push(last);
        Ok(self.entries)
    }

    /// `self` in a box.
    #[signed]
    pub(crate) fn boxed(self: Box<Self>) -> Answer<usize> {
        Ok(self.entries.len())
    }

    /// `self` shared.
    #[signed]
    pub(crate) async fn shared(self: Arc<Self>, at: usize) -> Answer<Option<u64>> {
        Ok(self.entries.get(at).copied())
    }

    /// `self` pinned.
    #[signed]
    pub(crate) async fn pinned(mut self: Pin<&mut Self>, amount: u64) -> Answer<usize> {
        self.entries.push(amount);
        Ok(self.entries.len())
    }
}

impl Serialize for Ledger {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(serializer)
    }
}

/// A trait with native async functions.
pub(crate) trait Store {
    /// Implemented below.
    fn get(&self, key: &str) -> impl Future<Output = Answer<u64>> + Send;

    /// A tool with a default body.
    #[signed]
    fn size(&self, scale: u64) -> Answer<u64> {
        Ok(scale)
    }
}

impl Store for Ledger {
    #[signed(action = "store:get")]
    async fn get(&self, key: &str) -> Answer<u64> {
        self.entries.first().copied().ok_or_else(|| format!("no {key}"))
    }
}

/// A trait that can be a trait object.
#[async_trait::async_trait]
pub(crate) trait Tool: Send + Sync {
    /// Implemented below.
    async fn call(&self, input: &str, times: u32) -> Answer<String>;

    /// Implemented below.
    async fn cut(&self, range: Range, pair: (&str, u8)) -> Answer<u32>;

    /// With a default body.
    #[signed(action = "tool:describe")]
    async fn describe(&self, mut language: String) -> Answer<String> {
        language.push('!');
        Ok(language)
    }
}

#[async_trait::async_trait]
impl Tool for Ledger {
    #[signed(action = "tool:call", record(times))]
    async fn call(&self, input: &str, times: u32) -> Answer<String> {
        tokio::task::yield_now().await;
        if self.owner == input {
            return Err("the owner".to_owned());
        }
        Ok(input.repeat(usize::try_from(times).unwrap_or_default()))
    }

    #[signed(record(from, second), redact(first = str::len))]
    async fn cut(&self, Range { from, mut to }: Range, (first, second): (&str, u8)) -> Answer<u32> {
        to += u32::from(second);
        u32::try_from(first.len()).map(|length| length + to - from).map_err(|error| error.to_string())
    }
}

/// A trait whose futures stay on their thread.
#[async_trait::async_trait(?Send)]
pub(crate) trait LocalTool {
    /// Implemented below.
    async fn bump(&mut self, counter: Rc<Cell<u32>>, by: u32) -> Option<u32>;
}

fn refused(_: Refused) -> Option<u32> {
    None
}

#[async_trait::async_trait(?Send)]
impl LocalTool for Ledger {
    #[signed(skip(counter), on_deny = refused)]
    async fn bump(&mut self, counter: Rc<Cell<u32>>, mut by: u32) -> Option<u32> {
        by += counter.get();
        counter.set(by);
        Some(by)
    }
}

/// Another attribute first.
#[tracing::instrument(skip_all)]
#[signed]
pub(crate) async fn traced_outside(amount: u32) -> Answer<u32> {
    tokio::task::yield_now().await;
    Ok(amount)
}

/// Another attribute last.
#[signed]
#[tracing::instrument(skip_all)]
pub(crate) async fn traced_inside(amount: u32) -> Answer<u32> {
    tokio::task::yield_now().await;
    Ok(amount)
}

macro_rules! tool {
    ($name:ident, $($argument:ident: $type:ty),*; $returns:ty; $body:expr) => {
        /// Written by a macro.
        #[signed(action = "macro:rules")]
        pub(crate) async fn $name($($argument: $type),*) -> $returns {
            $body
        }
    };
}

tool!(by_macro, left: u32, right: u32; Answer<u32>; Ok(left + right));

/// Parameters that are there, or not.
#[signed]
pub(crate) fn conditional(#[cfg(not(test))] gone: Secret, #[cfg(test)] here: u8) -> Answer<u8> {
    Ok(here)
}
