#![doc = " Every shape of function that `#[signed]` takes. The tests call these; the"]
#![doc = " file `expanded.rs` beside this one is what the macro makes of them, and is"]
#![doc = " linted as if it were written by hand."]
use asqav::{Refused, signed};
use serde::Serialize;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
#[doc = " A `Result` that does not look like one."]
pub(crate) type Answer<T> = Result<T, String>;
#[doc = " A boxed future that does not look like one."]
pub(crate) type Soon<'a, T> = Pin<Box<dyn Future<Output = Answer<T>> + Send + 'a>>;
#[doc = " An argument that cannot be serialised."]
#[derive(Debug, Clone, Default)]
pub(crate) struct Secret(pub(crate) String);
impl Secret {
    #[doc = " The part that may be seen."]
    pub(crate) fn last_four(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}
#[doc = " An argument that is taken apart."]
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Range {
    #[doc = " The first."]
    pub(crate) from: u32,
    #[doc = " The last."]
    pub(crate) to: u32,
}
#[doc = " An argument with all kinds of generics."]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a, T, const N: usize>(pub(crate) &'a [T; N]);
impl<T: Serialize, const N: usize> Serialize for Page<'_, T, N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}
#[doc = " Documented, and inlined."]
#[inline]
#[must_use = "an attribute of the function's own"]
pub(crate) async fn query(account: &str, limit: u32, token: Secret) -> Result<u32, String> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "query",
        "ledger:query",
        &[
            ("account", ::asqav::__private::Capture::Record),
            ("limit", ::asqav::__private::Capture::Commit),
            ("token", ::asqav::__private::Capture::Drop),
        ],
        ::asqav::__private::Capture::Commit,
    )
    .version("1.2");
    let call = ::asqav::__private::Call::new(
        __ASQAV_TOOL,
        [
            ::asqav::__private::value(&account),
            ::asqav::__private::value(&limit),
            ::asqav::__private::skipped(),
        ],
    );
    call.run(
        ::asqav::__private::settlement::<Result<u32, String>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Result<u32, String>>() {
                return early;
            }
            let limit = limit;
            let token = token;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                tokio::task::yield_now().await;
                if limit == 0 {
                    return Err(format!("nothing of {account} for {}", token.0));
                }
                let limit: u32 = Ok::<_, String>(limit)?;
                Ok(limit + 1)
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_query: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "query",
    "ledger:query",
    &[
        ("account", ::asqav::__private::Capture::Record),
        ("limit", ::asqav::__private::Capture::Commit),
        ("token", ::asqav::__private::Capture::Drop),
    ],
    ::asqav::__private::Capture::Commit,
)
.version("1.2");
#[doc = " A sync function; no runtime. Its action is as long as one can be."]
pub(crate) fn double(amount: u32) -> Answer<u32> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "double",
        "double:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        &[("amount", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&amount)]);
    call.deliver(
        ::asqav::__private::settlement::<Answer<u32>, ::asqav::__private::Committed, _, _>(),
        move || -> Answer<u32> {
            let mut amount = amount;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                amount *= 2;
                Ok(amount)
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_double: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "double",
    "double:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    &[("amount", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Destructured, by reference, unnamed and array parameters."]
pub(crate) async fn taken_apart(
    Range { from, to }: Range,
    (first, [second, ..]): (&str, [u8; 3]),
    (ref borrowed,): (String,),
    &copied: &u64,
    _: Secret,
) -> Answer<String> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "taken_apart",
        ::core::concat!(::core::module_path!(), "::", "taken_apart"),
        &[
            ("from", ::asqav::__private::Capture::Commit),
            ("to", ::asqav::__private::Capture::Commit),
            ("first", ::asqav::__private::Capture::Commit),
            ("second", ::asqav::__private::Capture::Commit),
            ("borrowed", ::asqav::__private::Capture::Commit),
            ("copied", ::asqav::__private::Capture::Commit),
        ],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(
        __ASQAV_TOOL,
        [
            ::asqav::__private::value(&from),
            ::asqav::__private::value(&to),
            ::asqav::__private::value(&first),
            ::asqav::__private::value(&second),
            ::asqav::__private::value(&borrowed),
            ::asqav::__private::value(&copied),
        ],
    );
    call.run(
        ::asqav::__private::settlement::<Answer<String>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<String>>() {
                return early;
            }
            let mut to = to;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                to += 1;
                Ok(format!("{from} {to} {first} {second} {borrowed} {copied}"))
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_taken_apart: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "taken_apart",
    ::core::concat!(::core::module_path!(), "::", "taken_apart"),
    &[
        ("from", ::asqav::__private::Capture::Commit),
        ("to", ::asqav::__private::Capture::Commit),
        ("first", ::asqav::__private::Capture::Commit),
        ("second", ::asqav::__private::Capture::Commit),
        ("borrowed", ::asqav::__private::Capture::Commit),
        ("copied", ::asqav::__private::Capture::Commit),
    ],
    ::asqav::__private::Capture::Commit,
);
#[doc = " The same without a runtime."]
pub(crate) fn taken_apart_sync(Range { from, to }: Range, r#type: &str) -> Answer<String> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "taken_apart_sync",
        ::core::concat!(::core::module_path!(), "::", "taken_apart_sync"),
        &[
            ("from", ::asqav::__private::Capture::Record),
            ("to", ::asqav::__private::Capture::Commit),
            ("type", ::asqav::__private::Capture::Record),
        ],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(
        __ASQAV_TOOL,
        [
            ::asqav::__private::value(&from),
            ::asqav::__private::value(&to),
            ::asqav::__private::value(&r#type),
        ],
    );
    call.deliver(
        ::asqav::__private::settlement::<Answer<String>, ::asqav::__private::Committed, _, _>(),
        move || -> Answer<String> {
            let mut to = to;
            let r#type = r#type;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                to += 1;
                Ok(format!("{from} {to} {}", r#type.trim()))
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_taken_apart_sync: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "taken_apart_sync",
    ::core::concat!(::core::module_path!(), "::", "taken_apart_sync"),
    &[
        ("from", ::asqav::__private::Capture::Record),
        ("to", ::asqav::__private::Capture::Commit),
        ("type", ::asqav::__private::Capture::Record),
    ],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Generic in types, lifetimes and constants."]
pub(crate) async fn generic<'a, T, const N: usize>(items: Page<'a, T, N>, chosen: usize) -> Answer<&'a T>
where
    T: Serialize + Display,
{
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "generic",
        ::core::concat!(::core::module_path!(), "::", "generic"),
        &[("items", ::asqav::__private::Capture::Commit), ("chosen", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(
        __ASQAV_TOOL,
        [::asqav::__private::value(&items), ::asqav::__private::value(&chosen)],
    );
    call.run(
        ::asqav::__private::settlement::<Answer<&'a T>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<&'a T>>() {
                return early;
            }
            let items = items;
            let chosen = chosen;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                items.0.get(chosen).ok_or_else(|| format!("{chosen} of {N}"))
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_generic: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "generic",
    ::core::concat!(::core::module_path!(), "::", "generic"),
    &[("items", ::asqav::__private::Capture::Commit), ("chosen", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Elided lifetimes."]
pub(crate) async fn elided(text: &str) -> Answer<Cow<'_, str>> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "elided",
        ::core::concat!(::core::module_path!(), "::", "elided"),
        &[("text", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.run(
        ::asqav::__private::settlement::<Answer<Cow<'_, str>>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<Cow<'_, str>>>() {
                return early;
            }
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                Ok(Cow::Borrowed(text))
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_elided: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "elided",
    ::core::concat!(::core::module_path!(), "::", "elided"),
    &[("text", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " `impl Trait` on both sides."]
pub(crate) async fn opaque(
    items: impl IntoIterator<Item = u32> + Serialize,
) -> Answer<impl Display + Serialize> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "opaque",
        ::core::concat!(::core::module_path!(), "::", "opaque"),
        &[("items", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&items)]);
    call.run(
        ::asqav::__private::settlement::<Answer<_>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<_>>() {
                return early;
            }
            let items = items;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                Ok(items.into_iter().sum::<u32>())
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_opaque: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "opaque",
    ::core::concat!(::core::module_path!(), "::", "opaque"),
    &[("items", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " The same without a runtime."]
pub(crate) fn opaque_sync(text: impl AsRef<str> + Serialize) -> Answer<impl Serialize> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "opaque_sync",
        ::core::concat!(::core::module_path!(), "::", "opaque_sync"),
        &[("text", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.deliver(
        ::asqav::__private::settlement::<Answer<_>, ::asqav::__private::Committed, _, _>(),
        move || -> Answer<_> {
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                if text.as_ref().is_empty() {
                    return Err("empty".to_owned());
                }
                Ok(text.as_ref().len())
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_opaque_sync: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "opaque_sync",
    ::core::concat!(::core::module_path!(), "::", "opaque_sync"),
    &[("text", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Redacted, and the redaction recorded."]
pub(crate) async fn pay(card: Secret, amount: u64) -> Answer<u64> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "pay",
        ::core::concat!(::core::module_path!(), "::", "pay"),
        &[("card", ::asqav::__private::Capture::Record), ("amount", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    #[allow(clippy::needless_borrow, clippy::used_underscore_binding, reason = "written by a macro")]
    let call = ::asqav::__private::Call::new(
        __ASQAV_TOOL,
        [::asqav::__private::value(&Secret::last_four(&card)), ::asqav::__private::value(&amount)],
    );
    call.run(
        ::asqav::__private::settlement::<Answer<u64>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u64>>() {
                return early;
            }
            let card = card;
            let amount = amount;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                tokio::task::yield_now().await;
                Ok(amount + u64::from(card.0.is_empty()))
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_pay: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "pay",
    ::core::concat!(::core::module_path!(), "::", "pay"),
    &[("card", ::asqav::__private::Capture::Record), ("amount", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " The result is not serialised."]
pub(crate) async fn login(user: &str) -> Answer<Secret> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "login",
        ::core::concat!(::core::module_path!(), "::", "login"),
        &[("user", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Drop,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&user)]);
    call.run(
        ::asqav::__private::settlement::<Answer<Secret>, ::asqav::__private::Skipped, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<Secret>>() {
                return early;
            }
            let user = user;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                Ok(Secret(user.to_owned()))
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_login: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "login",
    ::core::concat!(::core::module_path!(), "::", "login"),
    &[("user", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Drop,
);
#[doc = " An early `return` that is coerced to the declared type."]
pub(crate) async fn coerced(early: bool) -> Answer<Box<dyn Display>> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "coerced",
        ::core::concat!(::core::module_path!(), "::", "coerced"),
        &[("early", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Drop,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&early)]);
    call.run(
        ::asqav::__private::settlement::<Answer<Box<dyn Display>>, ::asqav::__private::Skipped, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) =
                ::asqav::__private::never::<Answer<Box<dyn Display>>>()
            {
                return early;
            }
            let early = early;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                if early {
                    return Ok(Box::new(1));
                }
                Ok(Box::new("two"))
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_coerced: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "coerced",
    ::core::concat!(::core::module_path!(), "::", "coerced"),
    &[("early", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Drop,
);
#[doc = " The result is recorded."]
pub(crate) fn count(items: &[u8]) -> Answer<usize> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "count",
        ::core::concat!(::core::module_path!(), "::", "count"),
        &[("items", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Record,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&items)]);
    call.deliver(
        ::asqav::__private::settlement::<Answer<usize>, ::asqav::__private::Recorded, _, _>(),
        move || -> Answer<usize> {
            let items = items;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                Ok(items.len())
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_count: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "count",
    ::core::concat!(::core::module_path!(), "::", "count"),
    &[("items", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Record,
);
#[doc = " Never a `Result`."]
pub(crate) async fn lookup(key: &str) -> Option<usize> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "lookup",
        ::core::concat!(::core::module_path!(), "::", "lookup"),
        &[("key", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&key)]);
    call.run(
        {
            use ::asqav::__private::kind::choices::*;
            ::asqav::__private::kind::of::<Option<usize>, ::asqav::__private::Committed>()
                .settlement(no_answer)
        },
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Option<usize>>() {
                return early;
            }
            let key = key;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                (!key.is_empty()).then_some(key.len())
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_lookup: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "lookup",
    ::core::concat!(::core::module_path!(), "::", "lookup"),
    &[("key", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Nothing comes back at all."]
pub(crate) fn announce(text: &str) {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "announce",
        ::core::concat!(::core::module_path!(), "::", "announce"),
        &[("text", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.deliver(
        {
            use ::asqav::__private::kind::choices::*;
            ::asqav::__private::kind::of::<(), ::asqav::__private::Committed>().settlement(drop)
        },
        move || -> () {
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                assert!(!text.is_empty(), "nothing to announce");
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_announce: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "announce",
    ::core::concat!(::core::module_path!(), "::", "announce"),
    &[("text", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " A `Result` whose error knows nothing of refusals."]
pub(crate) fn measured(text: &str) -> Result<usize, usize> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "measured",
        ::core::concat!(::core::module_path!(), "::", "measured"),
        &[("text", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.deliver(
        {
            use ::asqav::__private::kind::choices::*;
            ::asqav::__private::kind::of::<Result<usize, usize>, ::asqav::__private::Committed>()
                .settlement(not_measured)
        },
        move || -> Result<usize, usize> {
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                if text.is_empty() { Err(0) } else { Ok(text.len()) }
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_measured: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "measured",
    ::core::concat!(::core::module_path!(), "::", "measured"),
    &[("text", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
fn not_measured(_: Refused) -> Result<usize, usize> {
    Err(usize::MAX)
}
fn no_answer(_: Refused) -> Option<usize> {
    None
}
#[doc = " A future that must stay on its thread."]
pub(crate) async fn local(counter: Rc<Cell<u32>>) -> Answer<u32> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "local",
        ::core::concat!(::core::module_path!(), "::", "local"),
        &[("counter", ::asqav::__private::Capture::Drop)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::skipped()]);
    call.run(
        ::asqav::__private::settlement::<Answer<u32>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u32>>() {
                return early;
            }
            let counter = counter;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                counter.set(counter.get() + 1);
                tokio::task::yield_now().await;
                Ok(counter.get())
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_local: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "local",
    ::core::concat!(::core::module_path!(), "::", "local"),
    &[("counter", ::asqav::__private::Capture::Drop)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Recursive."]
pub(crate) async fn countdown(from: u32) -> Answer<u32> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "countdown",
        ::core::concat!(::core::module_path!(), "::", "countdown"),
        &[("from", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&from)]);
    call.run(
        ::asqav::__private::settlement::<Answer<u32>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u32>>() {
                return early;
            }
            let from = from;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                if from == 0 {
                    return Ok(0);
                }
                let below = Box::pin(countdown(from - 1)).await?;
                Ok(below + 1)
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_countdown: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "countdown",
    ::core::concat!(::core::module_path!(), "::", "countdown"),
    &[("from", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " A hand-written future."]
pub(crate) fn later(text: &str) -> impl Future<Output = Answer<usize>> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "later",
        ::core::concat!(::core::module_path!(), "::", "later"),
        &[("text", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.run(
        ::asqav::__private::settlement::<Answer<usize>, ::asqav::__private::Committed, _, _>(),
        move || {
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                let length = text.len();
                async move { Ok(length) }
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_later: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "later",
    ::core::concat!(::core::module_path!(), "::", "later"),
    &[("text", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " A boxed future behind an alias."]
pub(crate) fn boxed(text: &str) -> Soon<'_, usize> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "boxed",
        ::core::concat!(::core::module_path!(), "::", "boxed"),
        &[("text", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.deliver(
        ::asqav::__private::settlement::<Soon<'_, usize>, ::asqav::__private::Committed, _, _>(),
        move || -> Soon<'_, usize> {
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                let length = text.len();
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    Ok(length)
                })
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_boxed: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "boxed",
    ::core::concat!(::core::module_path!(), "::", "boxed"),
    &[("text", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " A boxed future that is no `Result`, on its thread."]
pub(crate) fn boxed_local<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Option<usize>> + 'a>> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "boxed_local",
        ::core::concat!(::core::module_path!(), "::", "boxed_local"),
        &[("text", ::asqav::__private::Capture::Record)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&text)]);
    call.deliver(
        {
            use ::asqav::__private::kind::choices::*;
            ::asqav::__private::kind::of::<
                Pin<Box<dyn Future<Output = Option<usize>> + 'a>>,
                ::asqav::__private::Committed,
            >()
            .settlement(no_answer)
        },
        move || -> Pin<Box<dyn Future<Output = Option<usize>> + 'a>> {
            let text = text;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                Box::pin(async move { Some(text.len()) })
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_boxed_local: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "boxed_local",
    ::core::concat!(::core::module_path!(), "::", "boxed_local"),
    &[("text", ::asqav::__private::Capture::Record)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " A service with tools as methods."]
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<u64>,
    owner: String,
}
impl Ledger {
    #[doc = " No `self`."]
    pub(crate) fn open(owner: String) -> Answer<Self>
    where
        Self: Serialize,
    {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "open",
            ::core::concat!(::core::module_path!(), "::", "open"),
            &[("owner", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&owner)]);
        call.deliver(
            ::asqav::__private::settlement::<Answer<Self>, ::asqav::__private::Committed, _, _>(),
            move || -> Answer<Self> {
                let owner = owner;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    Ok(Self { entries: Vec::new(), owner })
                }
            },
        )
    }
    #[doc(hidden)]
    #[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
    pub(crate) const __asqav_tool_open: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
        "open",
        ::core::concat!(::core::module_path!(), "::", "open"),
        &[("owner", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    #[doc = " `&self`, giving back a borrow."]
    pub(crate) async fn owner(&self, _reason: &str) -> Answer<&str> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "owner",
            "ledger:owner",
            &[("_reason", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        #[allow(clippy::needless_borrow, clippy::used_underscore_binding, reason = "written by a macro")]
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&_reason)]);
        call.run(
            ::asqav::__private::settlement::<Answer<&str>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<&str>>() {
                    return early;
                }
                Ok(&self.owner)
            },
        )
        .await
    }
    #[doc = " `&mut self`."]
    pub(crate) async fn post(&mut self, amount: u64) -> Answer<usize> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "post",
            ::core::concat!(::core::module_path!(), "::", "post"),
            &[("amount", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&amount)]);
        call.run(
            ::asqav::__private::settlement::<Answer<usize>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<usize>>() {
                    return early;
                }
                let amount = amount;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    self.entries.push(amount);
                    tokio::task::yield_now().await;
                    Ok(self.entries.len())
                }
            },
        )
        .await
    }
    #[doc = " `&mut self`, giving back a mutable borrow."]
    pub(crate) fn entry(&mut self, at: usize) -> Answer<&mut u64> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "entry",
            ::core::concat!(::core::module_path!(), "::", "entry"),
            &[("at", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Drop,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&at)]);
        call.deliver(
            ::asqav::__private::settlement::<Answer<&mut u64>, ::asqav::__private::Skipped, _, _>(),
            move || -> Answer<&mut u64> {
                let at = at;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    self.entries.get_mut(at).ok_or_else(|| "no such entry".to_owned())
                }
            },
        )
    }
    #[doc = " `mut self`."]
    pub(crate) async fn close(mut self, last: u64) -> Answer<Vec<u64>> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "close",
            ::core::concat!(::core::module_path!(), "::", "close"),
            &[("last", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&last)]);
        call.run(
            ::asqav::__private::settlement::<Answer<Vec<u64>>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<Vec<u64>>>() {
                    return early;
                }
                let _ = &self;
                let last = last;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    self.entries.push(last);
                    Ok(self.entries)
                }
            },
        )
        .await
    }
    #[doc = " `self` in a box."]
    pub(crate) fn boxed(self: Box<Self>) -> Answer<usize> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "boxed",
            ::core::concat!(::core::module_path!(), "::", "boxed"),
            &[],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, []);
        call.deliver(
            ::asqav::__private::settlement::<Answer<usize>, ::asqav::__private::Committed, _, _>(),
            move || -> Answer<usize> {
                let _ = &self;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    Ok(self.entries.len())
                }
            },
        )
    }
    #[doc = " `self` shared."]
    pub(crate) async fn shared(self: Arc<Self>, at: usize) -> Answer<Option<u64>> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "shared",
            ::core::concat!(::core::module_path!(), "::", "shared"),
            &[("at", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&at)]);
        call.run(
            ::asqav::__private::settlement::<Answer<Option<u64>>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) =
                    ::asqav::__private::never::<Answer<Option<u64>>>()
                {
                    return early;
                }
                let _ = &self;
                let at = at;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    Ok(self.entries.get(at).copied())
                }
            },
        )
        .await
    }
    #[doc = " `self` pinned."]
    pub(crate) async fn pinned(mut self: Pin<&mut Self>, amount: u64) -> Answer<usize> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "pinned",
            ::core::concat!(::core::module_path!(), "::", "pinned"),
            &[("amount", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&amount)]);
        call.run(
            ::asqav::__private::settlement::<Answer<usize>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<usize>>() {
                    return early;
                }
                let _ = &self;
                let amount = amount;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    self.entries.push(amount);
                    Ok(self.entries.len())
                }
            },
        )
        .await
    }
}
impl Serialize for Ledger {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(serializer)
    }
}
#[doc = " A trait with native async functions."]
pub(crate) trait Store {
    #[doc = " Implemented below."]
    fn get(&self, key: &str) -> impl Future<Output = Answer<u64>> + Send;
    #[doc = " A tool with a default body."]
    fn size(&self, scale: u64) -> Answer<u64> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "size",
            ::core::concat!(::core::module_path!(), "::", "size"),
            &[("scale", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&scale)]);
        call.deliver(
            ::asqav::__private::settlement::<Answer<u64>, ::asqav::__private::Committed, _, _>(),
            move || -> Answer<u64> {
                let scale = scale;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    Ok(scale)
                }
            },
        )
    }
}
impl Store for Ledger {
    async fn get(&self, key: &str) -> Answer<u64> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "get",
            "store:get",
            &[("key", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&key)]);
        call.run(
            ::asqav::__private::settlement::<Answer<u64>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u64>>() {
                    return early;
                }
                self.entries.first().copied().ok_or_else(|| format!("no {key}"))
            },
        )
        .await
    }
}
#[doc = " A trait that can be a trait object."]
#[async_trait::async_trait]
pub(crate) trait Tool: Send + Sync {
    #[doc = " Implemented below."]
    async fn call(&self, input: &str, times: u32) -> Answer<String>;
    #[doc = " Implemented below."]
    async fn cut(&self, range: Range, pair: (&str, u8)) -> Answer<u32>;
    #[doc = " With a default body."]
    async fn describe(&self, language: String) -> Answer<String> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "describe",
            "tool:describe",
            &[("language", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&language)]);
        call.run(
            ::asqav::__private::settlement::<Answer<String>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<String>>() {
                    return early;
                }
                let mut language = language;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    language.push('!');
                    Ok(language)
                }
            },
        )
        .await
    }
}
#[async_trait::async_trait]
impl Tool for Ledger {
    async fn call(&self, input: &str, times: u32) -> Answer<String> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "call",
            "tool:call",
            &[("input", ::asqav::__private::Capture::Commit), ("times", ::asqav::__private::Capture::Record)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(
            __ASQAV_TOOL,
            [::asqav::__private::value(&input), ::asqav::__private::value(&times)],
        );
        call.run(
            ::asqav::__private::settlement::<Answer<String>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<String>>() {
                    return early;
                }
                let input = input;
                let times = times;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    tokio::task::yield_now().await;
                    if self.owner == input {
                        return Err("the owner".to_owned());
                    }
                    Ok(input.repeat(usize::try_from(times).unwrap_or_default()))
                }
            },
        )
        .await
    }
    async fn cut(&self, Range { from, to }: Range, (first, second): (&str, u8)) -> Answer<u32> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "cut",
            ::core::concat!(::core::module_path!(), "::", "cut"),
            &[
                ("from", ::asqav::__private::Capture::Record),
                ("to", ::asqav::__private::Capture::Commit),
                ("first", ::asqav::__private::Capture::Commit),
                ("second", ::asqav::__private::Capture::Record),
            ],
            ::asqav::__private::Capture::Commit,
        );
        #[allow(clippy::needless_borrow, clippy::used_underscore_binding, reason = "written by a macro")]
        let call = ::asqav::__private::Call::new(
            __ASQAV_TOOL,
            [
                ::asqav::__private::value(&from),
                ::asqav::__private::value(&to),
                ::asqav::__private::value(&str::len(&first)),
                ::asqav::__private::value(&second),
            ],
        );
        call.run(
            ::asqav::__private::settlement::<Answer<u32>, ::asqav::__private::Committed, _, _>(),
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u32>>() {
                    return early;
                }
                let from = from;
                let mut to = to;
                let first = first;
                let second = second;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    to += u32::from(second);
                    u32::try_from(first.len())
                        .map(|length| length + to - from)
                        .map_err(|error| error.to_string())
                }
            },
        )
        .await
    }
}
#[doc = " A trait whose futures stay on their thread."]
# [async_trait :: async_trait (? Send)]
pub(crate) trait LocalTool {
    #[doc = " Implemented below."]
    async fn bump(&mut self, counter: Rc<Cell<u32>>, by: u32) -> Option<u32>;
}
fn refused(_: Refused) -> Option<u32> {
    None
}
# [async_trait :: async_trait (? Send)]
impl LocalTool for Ledger {
    async fn bump(&mut self, counter: Rc<Cell<u32>>, by: u32) -> Option<u32> {
        const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
            "bump",
            ::core::concat!(::core::module_path!(), "::", "bump"),
            &[("counter", ::asqav::__private::Capture::Drop), ("by", ::asqav::__private::Capture::Commit)],
            ::asqav::__private::Capture::Commit,
        );
        let call = ::asqav::__private::Call::new(
            __ASQAV_TOOL,
            [::asqav::__private::skipped(), ::asqav::__private::value(&by)],
        );
        call.run(
            {
                use ::asqav::__private::kind::choices::*;
                ::asqav::__private::kind::of::<Option<u32>, ::asqav::__private::Committed>()
                    .settlement(refused)
            },
            move || async move {
                if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Option<u32>>() {
                    return early;
                }
                let counter = counter;
                let mut by = by;
                #[allow(unused_braces, reason = "the function's own block")]
                {
                    by += counter.get();
                    counter.set(by);
                    Some(by)
                }
            },
        )
        .await
    }
}
#[doc = " Another attribute first."]
#[tracing::instrument(skip_all)]
pub(crate) async fn traced_outside(amount: u32) -> Answer<u32> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "traced_outside",
        ::core::concat!(::core::module_path!(), "::", "traced_outside"),
        &[("amount", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&amount)]);
    call.run(
        ::asqav::__private::settlement::<Answer<u32>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u32>>() {
                return early;
            }
            let amount = amount;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                tokio::task::yield_now().await;
                Ok(amount)
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_traced_outside: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "traced_outside",
    ::core::concat!(::core::module_path!(), "::", "traced_outside"),
    &[("amount", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
#[doc = " Another attribute last."]
#[tracing::instrument(skip_all)]
pub(crate) async fn traced_inside(amount: u32) -> Answer<u32> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "traced_inside",
        ::core::concat!(::core::module_path!(), "::", "traced_inside"),
        &[("amount", ::asqav::__private::Capture::Commit)],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(__ASQAV_TOOL, [::asqav::__private::value(&amount)]);
    call.run(
        ::asqav::__private::settlement::<Answer<u32>, ::asqav::__private::Committed, _, _>(),
        move || async move {
            if let ::core::option::Option::Some(early) = ::asqav::__private::never::<Answer<u32>>() {
                return early;
            }
            let amount = amount;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                tokio::task::yield_now().await;
                Ok(amount)
            }
        },
    )
    .await
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_traced_inside: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "traced_inside",
    ::core::concat!(::core::module_path!(), "::", "traced_inside"),
    &[("amount", ::asqav::__private::Capture::Commit)],
    ::asqav::__private::Capture::Commit,
);
macro_rules ! tool { ($ name : ident , $ ($ argument : ident : $ type : ty) ,*; $ returns : ty ; $ body : expr) => { # [doc = " Written by a macro."] # [signed (action = "macro:rules")] pub (crate) async fn $ name ($ ($ argument : $ type) ,*) -> $ returns { $ body } } ; }
tool ! (by_macro , left : u32 , right : u32 ; Answer < u32 >; Ok (left + right));
#[doc = " Parameters that are there, or not."]
pub(crate) fn conditional(#[cfg(not(test))] gone: Secret, #[cfg(test)] here: u8) -> Answer<u8> {
    const __ASQAV_TOOL: &::asqav::__private::Tool = &::asqav::__private::Tool::new(
        "conditional",
        ::core::concat!(::core::module_path!(), "::", "conditional"),
        &[
            #[cfg(not(test))]
            ("gone", ::asqav::__private::Capture::Commit),
            #[cfg(test)]
            ("here", ::asqav::__private::Capture::Commit),
        ],
        ::asqav::__private::Capture::Commit,
    );
    let call = ::asqav::__private::Call::new(
        __ASQAV_TOOL,
        [
            #[cfg(not(test))]
            ::asqav::__private::value(&gone),
            #[cfg(test)]
            ::asqav::__private::value(&here),
        ],
    );
    call.deliver(
        ::asqav::__private::settlement::<Answer<u8>, ::asqav::__private::Committed, _, _>(),
        move || -> Answer<u8> {
            #[cfg(test)]
            let here = here;
            #[allow(unused_braces, reason = "the function's own block")]
            {
                Ok(here)
            }
        },
    )
}
#[doc(hidden)]
#[allow(dead_code, non_upper_case_globals, reason = "written by a macro")]
pub(crate) const __asqav_tool_conditional: ::asqav::__private::Tool = ::asqav::__private::Tool::new(
    "conditional",
    ::core::concat!(::core::module_path!(), "::", "conditional"),
    &[
        #[cfg(not(test))]
        ("gone", ::asqav::__private::Capture::Commit),
        #[cfg(test)]
        ("here", ::asqav::__private::Capture::Commit),
    ],
    ::asqav::__private::Capture::Commit,
);
