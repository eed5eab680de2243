//! What a policy is told of a tool: its arguments and their types.

/// A tool that policies may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Tool {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) arguments: Fields,
}

impl Tool {
    /// The tool `name`, without arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), groups: Vec::new(), arguments: Fields::new() }
    }

    /// With an argument that every call has to have.
    pub fn required(mut self, name: impl Into<String>, kind: Type) -> Self {
        self.arguments = self.arguments.required(name, kind);
        self
    }

    /// With an argument that a call may have; `null` is none.
    pub fn optional(mut self, name: impl Into<String>, kind: Type) -> Self {
        self.arguments = self.arguments.optional(name, kind);
        self
    }

    /// In a group of tools: policies ask `action in Action::"…"` for it.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.push(name.into());
        self
    }
}

/// Named values: a tool's arguments, or what is in an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Fields(pub(crate) Vec<Field>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) required: bool,
}

impl Fields {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// With one that has to be there.
    pub fn required(self, name: impl Into<String>, kind: Type) -> Self {
        self.with(name.into(), kind, true)
    }

    /// With one that may be there; `null` is none.
    pub fn optional(self, name: impl Into<String>, kind: Type) -> Self {
        self.with(name.into(), kind, false)
    }

    fn with(mut self, name: String, kind: Type, required: bool) -> Self {
        self.0.push(Field { name, kind, required });
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name == name)
    }
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// A string.
    Text,
    /// An integer within ±(2^53−1).
    Long,
    /// `true` or `false`.
    Bool,
    /// A number with at most four decimal places, between
    /// ±922,337,203,685,477.5807.
    Decimal,
    /// An array, as a set: neither order nor repetition is seen.
    Set(Box<Type>),
    /// An object with these members and no others.
    Record(Fields),
    /// Anything, which no policy sees: it may be there, and that is all.
    Unseen,
}

impl Type {
    /// An array of values of one type.
    #[must_use]
    pub fn set(of: Self) -> Self {
        Self::Set(Box::new(of))
    }

    /// Whether policies see such a value.
    pub(crate) fn is_seen(&self) -> bool {
        match self {
            Self::Unseen => false,
            Self::Set(of) => of.is_seen(),
            _ => true,
        }
    }
}
