//! What of a repository becomes part of an artifact (`fluxcd/pkg/sourceignore`).

use std::sync::Arc;

use gyre_go::glob::gitignore::{self, Pattern};
use gyre_model::{Dir, Entry, FileTree};

/// The file that a repository may have in any directory.
const IGNORE_FILE: &str = ".sourceignore";

/// The tree without what is to be ignored: version control and Flux's default exclusions, what `.sourceignore` files
/// say, and what the source's own `ignore` says, later ones first. Symbolic links are left out: an artifact has none.
pub fn apply(tree: &FileTree, ignore: Option<&str>) -> FileTree {
    let mut patterns = gitignore::flux_vcs_patterns(&[]);
    patterns.extend(gitignore::flux_default_patterns(&[]));
    collect(tree.root(), &mut Vec::new(), &mut patterns);
    if let Some(text) = ignore {
        patterns.extend(gitignore::parse_file(text, &[]));
    }
    FileTree::from_root(Arc::new(filter(tree.root(), &mut Vec::new(), &patterns)))
}

/// Adds the patterns of the ignore files, outer directories first. Ignored directories are not looked into.
fn collect<'a>(dir: &'a Dir, path: &mut Vec<&'a str>, patterns: &mut Vec<Pattern>) {
    for (name, entry) in dir.entries() {
        if let (IGNORE_FILE, Entry::File(file)) = (name, entry) {
            patterns.extend(gitignore::parse_file(&String::from_utf8_lossy(&file.content), path));
        }
    }
    for (name, entry) in dir.entries() {
        if let Entry::Dir(inner) = entry {
            path.push(name);
            if !gitignore::is_ignored(patterns, path, true) {
                collect(inner, path, patterns);
            }
            path.pop();
        }
    }
}

fn filter<'a>(dir: &'a Dir, path: &mut Vec<&'a str>, patterns: &[Pattern]) -> Dir {
    let mut kept = Vec::new();
    for (name, entry) in dir.entries() {
        path.push(name);
        let is_dir = matches!(entry, Entry::Dir(_));
        if !gitignore::is_ignored(patterns, path, is_dir) {
            match entry {
                Entry::Dir(inner) => {
                    kept.push((name.into(), Entry::Dir(Arc::new(filter(inner, path, patterns)))));
                }
                Entry::File(_) => kept.push((name.into(), entry.clone())),
                Entry::Symlink(_) => {}
            }
        }
        path.pop();
    }
    Dir::new(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tree: &FileTree) -> Vec<String> {
        tree.walk().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn default_exclusions_and_ignore_files() {
        let files = [
            (".git/config", ""),
            (".github/x.yaml", ""),
            ("a/app.yaml", ""),
            ("a/logo.png", ""),
            ("a/.sourceignore", "notes.txt\n!logo.png\n"),
            ("a/notes.txt", ""),
            ("notes.txt", ""),
        ];
        let tree = FileTree::from_files(files).unwrap();
        assert_eq!(paths(&apply(&tree, None)), ["a/.sourceignore", "a/app.yaml", "a/logo.png", "notes.txt"]);
        assert_eq!(paths(&apply(&tree, Some("/*\n!/a/\n/a/*\n!/a/app.yaml"))), ["a/app.yaml"]);
    }
}
