//! JSON as text that may break the rules: member order, repeated members and
//! the spelling of numbers are kept.

use asqav_receipt::json::Json;

#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `null`, `true`, `false` or a number, as it is written.
    Word(String),
    Text(String),
    List(Vec<Tree>),
    Members(Vec<(String, Tree)>),
}

impl Tree {
    /// `None` if an earlier change left no readable text.
    pub fn parse(text: &str) -> Option<Self> {
        Json::parse(text.as_bytes()).ok().map(|json| Self::of(&json))
    }

    pub fn of(json: &Json) -> Self {
        match json {
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            Json::Object(object) => {
                Self::Members(object.iter().map(|(name, value)| (name.to_owned(), Self::of(value))).collect())
            }
            word => {
                let bytes = asqav_receipt::canonical::to_vec(word);
                Self::Word(String::from_utf8(bytes).unwrap())
            }
        }
    }

    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        match self {
            Self::Word(word) => out.push_str(word),
            Self::Text(text) => out.push_str(&serde_json::to_string(text).unwrap()),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.write_to(out);
                }
                out.push(']');
            }
            Self::Members(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&serde_json::to_string(name).unwrap());
                    out.push(':');
                    value.write_to(out);
                }
                out.push('}');
            }
        }
    }

    pub fn members(&mut self) -> Option<&mut Vec<(String, Self)>> {
        match self {
            Self::Members(members) => Some(members),
            _ => None,
        }
    }

    pub fn get(&mut self, name: &str) -> Option<&mut Self> {
        self.members()?.iter_mut().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// Every value inside, this one first.
    pub fn count(&self) -> usize {
        1 + match self {
            Self::List(items) => items.iter().map(Self::count).sum::<usize>(),
            Self::Members(members) => members.iter().map(|(_, value)| value.count()).sum(),
            _ => 0,
        }
    }

    /// The value number `at` in that order, with the name it stands under.
    pub fn at(&mut self, at: usize) -> (String, &mut Self) {
        let mut rest = at;
        self.find("", &mut rest).unwrap()
    }

    fn find(&mut self, name: &str, rest: &mut usize) -> Option<(String, &mut Self)> {
        if *rest == 0 {
            return Some((name.to_owned(), self));
        }
        *rest -= 1;
        match self {
            Self::List(items) => {
                for item in items {
                    if *rest < item.count() {
                        return item.find(name, rest);
                    }
                    *rest -= item.count();
                }
            }
            Self::Members(members) => {
                for (name, value) in members {
                    if *rest < value.count() {
                        return value.find(name, rest);
                    }
                    *rest -= value.count();
                }
            }
            _ => {}
        }
        None
    }
}
