//! Receipts put together: an outcome with its decision, both into their
//! session, all into the run of the gate that wrote them.

use std::collections::HashMap;

use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, Object};

use crate::summary;

/// One line of the tree.
#[derive(Debug)]
pub(super) struct Node {
    /// `run`, `session`, `call`, `step` or `event`.
    pub(super) kind: &'static str,
    /// The receipt that begins it.
    pub(super) seq: u64,
    /// The receipt that ends it.
    pub(super) end: Option<u64>,
    /// The tool and its action, the session's or the event's name; unescaped.
    pub(super) name: Option<String>,
    /// What became of it; unescaped.
    pub(super) says: String,
    /// What belongs to it, in order.
    pub(super) children: Vec<Self>,
}

/// Where a node stands: its run, and its session if it has one.
type Path = (usize, Option<usize>, usize);

/// The tree as far as receipts were taken.
#[derive(Debug, Default)]
pub(super) struct Forest {
    roots: Vec<Node>,
    /// Calls without an outcome, by the digest of their decision.
    open: HashMap<String, Path>,
    /// Sessions by id: their place in the run that opened them.
    sessions: HashMap<String, (usize, usize)>,
}

impl Forest {
    /// Takes the next payload; with `session` only what belongs to that one.
    pub(super) fn take(&mut self, payload: &Json, session: Option<&str>) {
        let Some(object) = payload.as_object() else { return };
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        if session.is_some_and(|wanted| text("session_id") != Some(wanted)) {
            return;
        }
        let seq = object.get("seq").and_then(Json::as_count).unwrap_or_default();
        let asqav = object.get("asqav").and_then(Json::as_object);
        let phase = asqav.and_then(|asqav| asqav.get("phase")).and_then(Json::as_str).unwrap_or_default();
        let says = summary::says(object, asqav, phase);
        let node = |kind, name: Option<String>, says| Node {
            kind,
            seq,
            end: None,
            name,
            says,
            children: Vec::new(),
        };
        let session = text("session_id");
        match (phase, event(object)) {
            ("event", Some("gate:start")) => self.roots.push(node("run", None, says)),
            ("event", Some("session:open")) => {
                let run = self.run(seq);
                let id = session.unwrap_or_default();
                let name = format!("{says:?} {id}");
                if let Some(root) = self.roots.get_mut(run) {
                    root.children.push(node("session", Some(name), String::new()));
                    self.sessions.insert(id.to_owned(), (run, root.children.len() - 1));
                }
            }
            ("event", Some("session:close")) => self.close(session, seq, says),
            ("event", name) => {
                self.add(session, seq, node("event", name.map(str::to_owned), says));
            }
            ("decision", _) => {
                let place = self.add(session, seq, node("call", call(object), says));
                let digest = Sha256Digest::of(&canonical::to_vec(payload)).to_tagged();
                self.open.insert(digest, place);
            }
            ("outcome", _) => {
                let decision = text("invocation_ref").and_then(|digest| self.open.remove(digest));
                match decision.and_then(|place| self.at(place)) {
                    Some(call) => {
                        call.end = Some(seq);
                        call.says = format!("{} → {says}", call.says);
                    }
                    None => drop(self.add(session, seq, node("call", call(object), says))),
                }
            }
            _ => drop(self.add(session, seq, node("step", call(object), says))),
        }
    }

    /// The whole tree.
    pub(super) fn into_roots(self) -> Vec<Node> {
        self.roots
    }

    /// The newest run; what stands before the first `gate:start` has one, too.
    fn run(&mut self, seq: u64) -> usize {
        if self.roots.is_empty() {
            let name = Some("(no start)".to_owned());
            let (kind, says, children) = ("run", String::new(), Vec::new());
            self.roots.push(Node { kind, seq, end: None, name, says, children });
        }
        self.roots.len() - 1
    }

    fn add(&mut self, session: Option<&str>, seq: u64, node: Node) -> Path {
        let run = self.run(seq);
        let within = session.and_then(|id| self.sessions.get(id)).copied();
        let (run, session) = within.map_or((run, None), |(run, at)| (run, Some(at)));
        let children = match (self.roots.get_mut(run), session) {
            (Some(root), None) => Some(&mut root.children),
            (Some(root), Some(at)) => root.children.get_mut(at).map(|session| &mut session.children),
            (None, _) => None,
        };
        let at = children.map_or(0, |children| {
            children.push(node);
            children.len() - 1
        });
        (run, session, at)
    }

    fn at(&mut self, (run, session, at): Path) -> Option<&mut Node> {
        let root = self.roots.get_mut(run)?;
        match session {
            Some(session) => root.children.get_mut(session)?.children.get_mut(at),
            None => root.children.get_mut(at),
        }
    }

    fn close(&mut self, session: Option<&str>, seq: u64, says: String) {
        let place = session.and_then(|id| self.sessions.get(id)).copied();
        if let Some(node) = place.and_then(|(run, at)| self.roots.get_mut(run)?.children.get_mut(at)) {
            (node.end, node.says) = (Some(seq), says);
        }
    }
}

/// `tool action`, the action alone where it has no tool.
fn call(payload: &Object) -> Option<String> {
    let text = |name: &str| payload.get(name).and_then(Json::as_str);
    let action = text("action_type").unwrap_or_default();
    Some(text("tool_name").map_or_else(|| action.to_owned(), |tool| format!("{tool} {action}")))
}

/// The name of an event.
fn event(payload: &Object) -> Option<&str> {
    let (name, _) = payload.get("context")?.as_object()?.iter().next()?;
    Some(name)
}
