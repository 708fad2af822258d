//! `argocd app diff`.

use std::process::ExitCode;

use gyre_cluster::Cluster;
use similar::{DiffOp, TextDiff};

use super::Ending;
use super::get::Name;
use crate::preview;
use crate::resources::kind;

pub(super) async fn run(cluster: &Cluster, name: Name) -> Ending {
    let app = name.find(cluster).await?;
    let preview = preview::of(cluster, kind("Application")?, app).await?;
    for pair in &preview.pairs {
        let target = &pair.target;
        println!("\n===== {}/{} {}/{} ======", target.group, target.kind, target.namespace, target.name);
        let (live, merged) = preview::sides(pair);
        print!("{}", classic(&live, &merged));
    }
    Ok(if preview.pairs.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The differences as `diff` prints them without options.
fn classic(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let (before, after): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let range = |start: usize, length: usize| match length {
        0 => start.to_string(),
        1 => (start + 1).to_string(),
        length => format!("{},{}", start + 1, start + length),
    };
    let marked = |mark: &str, lines: &[&str]| -> String {
        lines.iter().flat_map(|line| [mark, " ", line, "\n"]).collect()
    };
    let mut text = String::new();
    for op in diff.ops() {
        let (letter, middle) = match op {
            DiffOp::Equal { .. } => continue,
            DiffOp::Delete { .. } => ('d', ""),
            DiffOp::Insert { .. } => ('a', ""),
            DiffOp::Replace { .. } => ('c', "---\n"),
        };
        let (from, to) = (op.old_range(), op.new_range());
        let (left, right) = (range(from.start, from.len()), range(to.start, to.len()));
        text.extend([left, letter.into(), right, "\n".into(), marked("<", &before[from]), middle.into()]);
        text.push_str(&marked(">", &after[to]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::classic;

    #[test]
    fn differences_look_as_those_of_diff() {
        // printf 'a\nb\nc\n' > 1; printf 'a\nx\ny\nc\nd\n' > 2; diff 1 2
        assert_eq!(classic("a\nb\nc\n", "a\nx\ny\nc\nd\n"), "2c2,3\n< b\n---\n> x\n> y\n3a5\n> d\n");
        assert_eq!(classic("a\nb\n", "a\n"), "2d1\n< b\n");
    }
}
