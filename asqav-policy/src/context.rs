//! What a rule may ask of a call besides its tool, agent and arguments: for
//! whom it is made, on what, and what it can do.
//!
//! A rule that asks for what a call does not say is unknown for that call: it
//! grants nothing and restricts.

use crate::engine::Truth;
use crate::error::Problem;
use crate::glob::Glob;

/// Who an agent acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Actor {
    /// A person.
    User,
    /// A service account.
    Service,
    /// The system itself, e.g. a timer.
    System,
    /// A workload by its attested identity.
    Workload,
}

impl Actor {
    /// The words in the file.
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("user", Self::User),
        ("service", Self::Service),
        ("system", Self::System),
        ("workload", Self::Workload),
    ];

    /// The word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::System => "system",
            Self::Workload => "workload",
        }
    }
}

/// What a tool can do, as the policy says. Ordered: of a tool in several
/// classes the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Risk {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
    /// It changes what cannot be changed back.
    Destructive,
}

impl Risk {
    /// The words in the file.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("read", Self::Read), ("write", Self::Write), ("destructive", Self::Destructive)];

    /// The word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

/// Actors: of a kind, with any name or one that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActorPattern {
    kind: Actor,
    name: Option<Glob>,
}

impl ActorPattern {
    /// Reads `user`, or `user:alice-*`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) => (kind, Some(Glob::parse(name)?)),
            None => (text, None),
        };
        let known = Actor::ALL.iter().find(|(word, _)| *word == kind);
        let &(_, kind) = known.ok_or_else(|| Problem::Word {
            found: crate::error::quote(text),
            expected: "`user`, `service`, `system` or `workload`, alone or with a pattern like `user:alice`",
        })?;
        Ok(Self { kind, name })
    }

    fn matches(&self, (kind, name): (Actor, &str)) -> bool {
        self.kind == kind && self.name.as_ref().is_none_or(|glob| glob.matches(name))
    }

    /// An actor that matches.
    pub(crate) fn example(&self) -> (Actor, String) {
        let name = self.name.as_ref().map_or_else(|| "x".to_owned(), Glob::example);
        (self.kind, name)
    }

    /// As in the file.
    pub(crate) fn text(&self) -> String {
        match &self.name {
            Some(name) => format!("{}:{}", self.kind.as_str(), name.as_str()),
            None => self.kind.as_str().to_owned(),
        }
    }
}

/// What a rule asks of the context; `None` asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    pub(crate) tenants: Option<Vec<Glob>>,
    pub(crate) actors: Option<Vec<ActorPattern>>,
    pub(crate) resources: Option<Vec<Glob>>,
    pub(crate) risks: Option<Vec<Risk>>,
}

/// What a call says of its context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) tenant: Option<&'a str>,
    pub(crate) actor: Option<(Actor, &'a str)>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) risk: Option<Risk>,
}

impl Asked {
    /// Whether the call is as asked.
    pub(crate) fn truth(&self, said: Said<'_>) -> Truth {
        let Self { tenants, actors, resources, risks } = self;
        let parts = [
            one_of(tenants, said.tenant, |glob, name| glob.matches(name)),
            one_of(actors, said.actor, ActorPattern::matches),
            one_of(resources, said.resource, |glob, name| glob.matches(name)),
            one_of(risks, said.risk, |&risk, said| risk == said),
        ];
        crate::condition::all_of(parts.into_iter())
    }

    /// Refuses lists that are empty or too long.
    pub(crate) fn check(&self, max: usize) -> Result<(), Problem> {
        let Self { tenants, actors, resources, risks } = self;
        let lens = [
            ("tenants", tenants.as_ref().map(Vec::len)),
            ("actors", actors.as_ref().map(Vec::len)),
            ("resources", resources.as_ref().map(Vec::len)),
            ("risk", risks.as_ref().map(Vec::len)),
        ];
        for (key, len) in lens {
            match len {
                Some(0) => return Err(Problem::Empty(key)),
                Some(len) if len > max => {
                    return Err(Problem::TooMany { what: "patterns in one rule", max });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn one_of<P, S: Copy>(asked: &Option<Vec<P>>, said: Option<S>, matches: impl Fn(&P, S) -> bool) -> Truth {
    match (asked, said) {
        (None, _) => Truth::True,
        (Some(_), None) => Truth::Unknown,
        (Some(patterns), Some(said)) if patterns.iter().any(|pattern| matches(pattern, said)) => Truth::True,
        _ => Truth::False,
    }
}
