//! A file of several documents, cut where each begins.

/// A document of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The line on which it begins, from 1.
    pub line: u32,
    /// Its text, without the separator.
    pub text: &'a str,
}

/// Cuts at the lines that begin with `---`, as kyaml and `kubectl` do before they parse. The error is the separator
/// that has more than a comment behind it.
pub fn split_documents(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    if text.is_empty() {
        return Ok(parts);
    }
    let mut line = 1;
    let mut rest = text;
    let mut from = 0;
    while let Some(found) = rest[from..].find("\n---") {
        let at = from + found;
        let Some(length) = rest[at + 1..].find('\n') else { break };
        let separator = &rest[at + 1..at + 1 + length];
        let behind = separator[3..].trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(separator.trim().to_owned());
        }
        let document = &rest[..at];
        parts.push(Part { line, text: document });
        line += document.bytes().filter(|byte| *byte == b'\n').count() as u32 + 2;
        rest = &rest[at + 2 + length..];
        from = 0;
    }
    parts.push(Part { line, text: rest });
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_line_of_each_document() {
        let parts = split_documents("a: 1\n--- # one\nb: 2\nc: 3\n---\nd: 4\n").unwrap();
        let shown: Vec<_> = parts.iter().map(|part| (part.line, part.text)).collect();
        assert_eq!(shown, [(1, "a: 1"), (3, "b: 2\nc: 3"), (6, "d: 4\n")]);
    }

    #[test]
    fn refuses_content_behind_a_separator() {
        assert_eq!(split_documents("a: 1\n--- b: 2\nc: 3\n"), Err("--- b: 2".into()));
    }
}
