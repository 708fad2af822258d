//! `gyre tree`: an object of ours with everything that it delivered, and its health.

use std::fmt::Write as _;

use anyhow::Result;

use crate::owned::{Node, inventory, is_well, nodes};
use crate::resources::Kind;
use crate::target::Target;

pub(crate) async fn run(target: &Target) -> Result<()> {
    let (cluster, kind, object) = target.find().await?;
    let summary = kind.summary(&object);
    let mark = if summary.ready == "True" { "✔" } else { "✗" };
    println!("{mark} {}  {}  {}", object.object_ref(), summary.revision, summary.message);
    let nodes = nodes(&cluster, inventory(kind, &object)).await?;
    let mut text = String::new();
    picture(&mut text, kind, &nodes, "");
    print!("{text}");
    Ok(())
}

fn picture(text: &mut String, kind: &Kind, nodes: &[Node], indent: &str) {
    for (index, node) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let (health, message) = node.health(kind.dialect);
        let note = if is_well(&health) { String::new() } else { format!("  {health} {message}") };
        let branch = if last { "└─" } else { "├─" };
        let mark = if is_well(&health) { "✔" } else { "◌" };
        let _ = writeln!(text, "{}", format!("{indent}{branch} {mark} {}{note}", node.object).trim_end());
        picture(text, kind, &node.children, &format!("{indent}{}", if last { "   " } else { "│  " }));
    }
}
