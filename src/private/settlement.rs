//! What the spine reads from what a tool returns, and what it returns when the
//! call is refused. Decided by traits, so that aliases of `Result` work.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use asqav_core::call::Capture;
use asqav_core::permit::Ending;
use asqav_core::refused::Refused;
use serde::Serialize;

/// What to do with a refusal and with what a tool returns. `W` says when the
/// function returns it: [`Now`] or [`Later`].
pub struct Settlement<R, W> {
    pub(super) refused: fn(Refused) -> R,
    pub(super) ending: fn(&R) -> Ending,
    way: PhantomData<fn() -> W>,
}

impl<R, W> Settlement<R, W> {
    pub(super) const fn new(refused: fn(Refused) -> R, ending: fn(&R) -> Ending) -> Self {
        Self { refused, ending, way: PhantomData }
    }
}

impl<R, W> std::fmt::Debug for Settlement<R, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settlement")
    }
}

/// The function returns what the tool returns.
#[derive(Debug)]
#[non_exhaustive]
pub enum Now {}

/// The function returns a boxed future of what the tool returns.
#[derive(Debug)]
#[non_exhaustive]
pub enum Later {}

/// How a result of type `T` goes into the outcome receipt.
pub trait Form<T: ?Sized> {
    /// The ending of a call that returned `value`.
    fn ending(value: &T) -> Ending;
}

/// The result is committed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Committed {}

/// The result stands in the receipt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Recorded {}

/// The result is never serialised.
#[derive(Debug)]
#[non_exhaustive]
pub enum Skipped {}

impl<T: ToolResult + ?Sized> Form<T> for Committed {
    fn ending(value: &T) -> Ending {
        value.ending(Capture::Commit)
    }
}

impl<T: ToolResult + ?Sized> Form<T> for Recorded {
    fn ending(value: &T) -> Ending {
        value.ending(Capture::Record)
    }
}

impl<T: ?Sized> Form<T> for Skipped {
    fn ending(_: &T) -> Ending {
        Ending::returned(&(), Capture::Drop)
    }
}

/// What can be a result: anything that implements [`Serialize`].
#[diagnostic::on_unimplemented(
    message = "the result of type `{Self}` cannot be serialised",
    label = "this result would be missing in the receipt",
    note = "implement `serde::Serialize` for `{Self}`",
    note = "or leave the result out with `#[signed(result = skip)]`"
)]
pub trait ToolResult {
    /// The ending of a call that returned this.
    fn ending(&self, capture: Capture) -> Ending;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> ToolResult for T {
    fn ending(&self, capture: Capture) -> Ending {
        Ending::returned(self, capture)
    }
}

/// What can carry a refusal: anything that implements `From<Refused>`.
#[diagnostic::on_unimplemented(
    message = "the error type `{Self}` cannot carry a refusal",
    label = "a refused call has to return something",
    note = "implement `From<asqav::Refused>` for `{Self}`",
    note = "or say what a refused call returns with `#[signed(on_deny = path)]`"
)]
pub trait ToolError {
    /// The refusal as this error.
    fn refused(refused: Refused) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Refused>> ToolError for E {
    fn refused(refused: Refused) -> Self {
        Self::from(refused)
    }
}

/// What a signed function without `on_deny` can return, whose tool returns `R`:
/// a `Result`, or a boxed future of one.
#[diagnostic::on_unimplemented(
    message = "a signed function returns a `Result`, or a boxed future of one, not `{Self}`",
    label = "a refused call has to return something",
    note = "return `Result<T, E>` where `E: From<asqav::Refused>`",
    note = "or say what a refused call returns with `#[signed(on_deny = path)]`"
)]
pub trait Returns<F, R, W> {
    /// How a call is settled.
    fn settlement() -> Settlement<R, W>;
}

impl<T, E: ToolError, F: Form<T>> Returns<F, Self, Now> for Result<T, E> {
    fn settlement() -> Settlement<Self, Now> {
        Settlement::new(|refused| Err(E::refused(refused)), ending::<T, E, F>)
    }
}

macro_rules! boxed_future {
    ($($bound:tt)*) => {
        impl<T, E: ToolError, F: Form<T>> Returns<F, Result<T, E>, Later>
            for Pin<Box<dyn Future<Output = Result<T, E>> $($bound)*>>
        {
            fn settlement() -> Settlement<Result<T, E>, Later> {
                Settlement::new(|refused| Err(E::refused(refused)), ending::<T, E, F>)
            }
        }
    };
}

boxed_future!(+ '_);
boxed_future!(+ Send + '_);

pub(super) fn ending<T, E, F: Form<T>>(returned: &Result<T, E>) -> Ending {
    match returned {
        Ok(value) => F::ending(value),
        Err(_) => Ending::error::<E>(),
    }
}

/// How a call of a function that returns `D` is settled. The tool's own `R`
/// and its way follow from `D`; as parameters, not as associated types, they
/// make the compiler say once what is wrong with `D`, not twice.
#[must_use]
pub fn settlement<D: Returns<F, R, W>, F, R, W>() -> Settlement<R, W> {
    D::settlement()
}

/// Nothing, of type `R`: tells the compiler what an async block returns.
#[must_use]
pub const fn never<R>() -> Option<R> {
    None
}
