//! What a function with `on_deny` returns: a `Result`, a future, or anything
//! else. Found by method resolution, which takes the first of the three traits
//! that fits.

use std::marker::PhantomData;
use std::pin::Pin;

use asqav_core::refused::Refused;

use super::settlement::{Form, Later, Now, Settlement, ending};

/// A function that returns `R`, whose result has the form `F`.
pub struct Kind<R, F>(PhantomData<fn() -> (R, F)>);

impl<R, F> Clone for Kind<R, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, F> Copy for Kind<R, F> {}

impl<R, F> std::fmt::Debug for Kind<R, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kind")
    }
}

/// A function that returns `R`, whose result has the form `F`. The two
/// references are what method resolution takes off, one for each choice.
#[must_use]
pub const fn of<'a, R: 'a, F: 'a>() -> &'a &'a Kind<R, F> {
    &&Kind(PhantomData)
}

/// The three traits, without names, for the code that looks for a method.
pub mod choices {
    pub use super::{Future as _, Other as _, Result as _};
}

/// First choice: a `Result` or a boxed future of one; its `Err` is the tool's
/// failure.
pub trait Result<F> {
    /// What the tool returns.
    type Output;
    /// What it returns in its `Ok`.
    type Value;
    /// When the function returns it.
    type Way;

    /// How a call is settled.
    fn settlement(&self, on_deny: fn(Refused) -> Self::Output) -> Settlement<Self::Output, Self::Way>
    where
        F: Form<Self::Value>;
}

/// Second choice: a boxed future of anything else; whatever it gives is a
/// success.
pub trait Future<F> {
    /// What the tool returns.
    type Output;

    /// How a call is settled.
    fn settlement(&self, on_deny: fn(Refused) -> Self::Output) -> Settlement<Self::Output, Later>
    where
        F: Form<Self::Output>;
}

/// Third choice: anything else; whatever it is, is a success.
pub trait Other<F> {
    /// What the tool returns.
    type Output;

    /// How a call is settled.
    fn settlement(self, on_deny: fn(Refused) -> Self::Output) -> Settlement<Self::Output, Now>
    where
        F: Form<Self::Output>;
}

impl<T, E, F> Result<F> for &Kind<std::result::Result<T, E>, F> {
    type Output = std::result::Result<T, E>;
    type Value = T;
    type Way = Now;

    fn settlement(&self, on_deny: fn(Refused) -> Self::Output) -> Settlement<Self::Output, Now>
    where
        F: Form<T>,
    {
        Settlement::new(on_deny, ending::<T, E, F>)
    }
}

macro_rules! boxed_future {
    ($($bound:tt)*) => {
        impl<T, E, F> Result<F>
            for &Kind<Pin<Box<dyn std::future::Future<Output = std::result::Result<T, E>> $($bound)*>>, F>
        {
            type Output = std::result::Result<T, E>;
            type Value = T;
            type Way = Later;

            fn settlement(&self, on_deny: fn(Refused) -> Self::Output) -> Settlement<Self::Output, Later>
            where
                F: Form<T>,
            {
                Settlement::new(on_deny, ending::<T, E, F>)
            }
        }

        impl<R, F> Future<F> for Kind<Pin<Box<dyn std::future::Future<Output = R> $($bound)*>>, F> {
            type Output = R;

            fn settlement(&self, on_deny: fn(Refused) -> R) -> Settlement<R, Later>
            where
                F: Form<R>,
            {
                Settlement::new(on_deny, F::ending)
            }
        }
    };
}

boxed_future!(+ '_);
boxed_future!(+ Send + '_);

impl<R, F> Other<F> for Kind<R, F> {
    type Output = R;

    fn settlement(self, on_deny: fn(Refused) -> R) -> Settlement<R, Now>
    where
        F: Form<R>,
    {
        Settlement::new(on_deny, F::ending)
    }
}
