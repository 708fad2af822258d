//! A unified difference of two texts as the differ of Python's library finds it, which the one of Go follows: the longest run
//! of equal lines first, then what lies before and after it.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Lines around a change.
const CONTEXT: usize = 3;
/// From how many lines on those that are there often do not begin a run.
const POPULAR_FROM: usize = 200;

/// A run of equal lines: where it begins in the old and in the new text, and its length.
type Run = (usize, usize, usize);

/// One piece: equal or not, and its ranges in the old and in the new text.
#[derive(Clone, Copy)]
struct Piece {
    equal: bool,
    old: (usize, usize),
    new: (usize, usize),
}

struct Texts<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    /// Where a line stands in the new text.
    places: HashMap<&'a str, Vec<usize>>,
}

/// The difference of two texts.
pub(super) fn diff(old: &str, new: &str) -> String {
    let new_lines: Vec<&str> = new.lines().collect();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in new_lines.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if new_lines.len() >= POPULAR_FROM {
        let often = new_lines.len() / 100 + 1;
        places.retain(|_, at| at.len() <= often);
    }
    let texts = Texts { old: old.lines().collect(), new: new_lines, places };
    let mut out = String::new();
    for group in texts.groups() {
        texts.write(&group, &mut out);
    }
    out
}

impl Texts<'_> {
    fn longest(&self, old: (usize, usize), new: (usize, usize)) -> Run {
        let (mut from, mut to, mut size) = (old.0, new.0, 0);
        let mut lengths: HashMap<usize, usize> = HashMap::new();
        for at in old.0..old.1 {
            let mut next = HashMap::new();
            for place in self.places.get(self.old[at]).into_iter().flatten() {
                if *place < new.0 {
                    continue;
                }
                if *place >= new.1 {
                    break;
                }
                let before = place.checked_sub(1).and_then(|it| lengths.get(&it)).copied().unwrap_or(0);
                next.insert(*place, before + 1);
                if before + 1 > size {
                    (from, to, size) = (at - before, *place - before, before + 1);
                }
            }
            lengths = next;
        }
        while from > old.0 && to > new.0 && self.old[from - 1] == self.new[to - 1] {
            (from, to, size) = (from - 1, to - 1, size + 1);
        }
        while from + size < old.1 && to + size < new.1 && self.old[from + size] == self.new[to + size] {
            size += 1;
        }
        (from, to, size)
    }

    /// All runs of equal lines, joined where they touch.
    fn runs(&self) -> Vec<Run> {
        let mut found = Vec::new();
        let mut open = vec![((0, self.old.len()), (0, self.new.len()))];
        while let Some((old, new)) = open.pop() {
            let (from, to, size) = self.longest(old, new);
            if size == 0 {
                continue;
            }
            found.push((from, to, size));
            if old.0 < from && new.0 < to {
                open.push(((old.0, from), (new.0, to)));
            }
            if from + size < old.1 && to + size < new.1 {
                open.push(((from + size, old.1), (to + size, new.1)));
            }
        }
        found.sort_unstable();
        let mut joined: Vec<Run> = Vec::new();
        for (from, to, size) in found {
            match joined.last_mut() {
                Some(last) if last.0 + last.2 == from && last.1 + last.2 == to => last.2 += size,
                _ => joined.push((from, to, size)),
            }
        }
        joined.push((self.old.len(), self.new.len(), 0));
        joined
    }

    /// Changes with the lines around them, together where they are near.
    fn groups(&self) -> Vec<Vec<Piece>> {
        let (mut pieces, mut at) = (Vec::new(), (0, 0));
        for (from, to, size) in self.runs() {
            if at != (from, to) {
                pieces.push(Piece { equal: false, old: (at.0, from), new: (at.1, to) });
            }
            if size > 0 {
                pieces.push(Piece { equal: true, old: (from, from + size), new: (to, to + size) });
            }
            at = (from + size, to + size);
        }
        let (mut groups, mut group) = (Vec::new(), Vec::new());
        let last = pieces.len().saturating_sub(1);
        for (index, mut piece) in pieces.into_iter().enumerate() {
            let long = piece.old.1 - piece.old.0;
            if piece.equal {
                let (head, tail) = (long.min(CONTEXT), long.saturating_sub(CONTEXT));
                let start = Piece {
                    old: (piece.old.0, piece.old.0 + head),
                    new: (piece.new.0, piece.new.0 + head),
                    ..piece
                };
                if index > 0 && index == last {
                    piece = start;
                } else if index > 0 && long > 2 * CONTEXT {
                    group.push(start);
                    groups.push(std::mem::take(&mut group));
                }
                if index == 0 || index < last && long > 2 * CONTEXT {
                    piece.old.0 += tail;
                    piece.new.0 += tail;
                }
            }
            group.push(piece);
        }
        if group.iter().any(|it| !it.equal) {
            groups.push(group);
        }
        groups
    }

    fn write(&self, group: &[Piece], out: &mut String) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
        let range = |from: usize, to: usize| match to - from {
            0 => format!("{from},0"),
            1 => format!("{}", from + 1),
            length => format!("{},{length}", from + 1),
        };
        let (old, new) = (range(first.old.0, last.old.1), range(first.new.0, last.new.1));
        let _ = writeln!(out, "@@ -{old} +{new} @@");
        let mut lines = |mark: char, lines: &[&str]| {
            for line in lines {
                let _ = writeln!(out, "{mark}{line}");
            }
        };
        for piece in group {
            let (old, new) = (&self.old[piece.old.0..piece.old.1], &self.new[piece.new.0..piece.new.1]);
            if piece.equal {
                lines(' ', old);
            } else {
                lines('-', old);
                lines('+', new);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::diff;
    use proptest::prelude::*;

    #[test]
    fn changes_that_are_far_apart_stand_alone() {
        let old: Vec<String> = (0..20).map(|it| it.to_string()).collect();
        let mut new = old.clone();
        new[2] = "x".into();
        new.remove(15);
        assert_eq!(
            diff(&old.join("\n"), &new.join("\n")),
            "@@ -1,6 +1,6 @@\n 0\n 1\n-2\n+x\n 3\n 4\n 5\n@@ -13,7 +13,6 @@\n 12\n 13\n 14\n-15\n 16\n 17\n 18\n"
        );
    }

    proptest! {
        #[test]
        fn what_is_taken_away_and_added_leads_from_one_to_the_other(
            old in proptest::collection::vec("[a-c]", 0..30),
            new in proptest::collection::vec("[a-c]", 0..30),
        ) {
            let text = diff(&old.join("\n"), &new.join("\n"));
            let count = |mark: char| {
                let lines = text.lines().filter(|it| it.starts_with(mark));
                i64::try_from(lines.count()).unwrap()
            };
            let length = |it: &[String]| i64::try_from(it.len()).unwrap();
            prop_assert_eq!(count('+') - count('-'), length(&new) - length(&old));
            prop_assert_eq!(text.is_empty(), old == new);
        }
    }
}
