//! `asqav tree`: runs of the gate, their sessions and calls, as the receipts
//! say themselves.

mod build;

use std::io::{self, Write};
use std::ops::ControlFlow;

use asqav_log::reader::LogReader;
use asqav_receipt::json::{Json, Object};

use crate::args::TreeArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::log::payload;
use crate::output::Output;
use crate::text::escape;

use build::{Forest, Node};

/// Prints the tree; memory is in proportion to the number of calls.
pub(crate) fn run(args: &TreeArgs, output: &mut Output) -> Result<Exit, CliError> {
    let log = LogReader::open(&args.log_dir)?;
    let mut forest = Forest::default();
    log.visit(|_, piece| {
        if piece.complete {
            forest.take(&payload(piece.bytes), args.session.as_deref());
        }
        ControlFlow::Continue(())
    })?;
    let roots = forest.into_roots();
    if output.is_json() {
        let mut object = Object::new();
        object.set("tree", Json::Array(roots.iter().map(json).collect()));
        output.object(&Json::Object(object))?;
        return Ok(Exit::Done);
    }
    for root in &roots {
        writeln!(output, "{}", line(root))?;
        write_children(output, root, "")?;
    }
    writeln!(output, "\nAs the receipts say themselves; `asqav verify` tells whether it is true.")?;
    output.flush()?;
    Ok(Exit::Done)
}

fn write_children(output: &mut dyn Write, node: &Node, indent: &str) -> io::Result<()> {
    let last = node.children.len().saturating_sub(1);
    for (at, child) in node.children.iter().enumerate() {
        let (branch, below) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        writeln!(output, "{indent}{branch}{}", line(child))?;
        write_children(output, child, &format!("{indent}{below}"))?;
    }
    Ok(())
}

/// `kind name: what became of it (numbers)`
fn line(node: &Node) -> String {
    let name = node.name.as_ref().map_or_else(String::new, |name| format!(" {}", escape(name)));
    let says = if node.says.is_empty() { String::new() } else { format!(": {}", escape(&node.says)) };
    let end = node.end.map_or_else(String::new, |end| format!("–{end}"));
    format!("{}{name}{says} ({}{end})", node.kind, node.seq)
}

fn json(node: &Node) -> Json {
    let mut object = Object::new();
    object.set("kind", node.kind);
    object.set("seq", Json::count(node.seq));
    if let Some(end) = node.end {
        object.set("end_seq", Json::count(end));
    }
    if let Some(name) = &node.name {
        object.set("name", name.as_str());
    }
    if !node.says.is_empty() {
        object.set("says", node.says.as_str());
    }
    if !node.children.is_empty() {
        object.set("children", Json::Array(node.children.iter().map(json).collect()));
    }
    Json::Object(object)
}
