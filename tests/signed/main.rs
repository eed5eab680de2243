//! `#[signed]` at work: every function of the corpus through a real gate, on a
//! log in memory.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

#[path = "corpus/tools.rs"]
mod corpus;
mod exits;
#[path = "corpus/expanded.rs"]
#[expect(dead_code, clippy::pedantic, reason = "it is linted as clippy does by default, and not run")]
mod expanded;
mod naming;
mod sendness;
mod shapes;
mod support;
