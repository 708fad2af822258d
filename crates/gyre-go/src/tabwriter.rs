//! Go's `text/tabwriter`: cells ended by tabs, columns as wide as their widest cell.
//!
//! A column is a block of lines that follow each other and have a cell there; a line without one ends it. The text
//! after the last tab of a line belongs to no column.

use crate::utf8;

/// How columns are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The least width of a cell, its padding included.
    pub width_min: usize,
    /// How wide a tab is, where cells are padded with tabs.
    pub tab_width: usize,
    /// What is added to the widest text of a column.
    pub padding: usize,
    /// What cells are padded with.
    pub pad: char,
    /// Do texts stand at the right of their cells?
    pub align_right: bool,
    /// Are columns that hold nothing but ended cells left out?
    pub discard_empty_columns: bool,
    /// Are columns parted by `|`?
    pub debug: bool,
}

/// The tables of kubectl and of k8s.io/cli-runtime.
pub const KUBECTL: Style = Style {
    width_min: 6,
    tab_width: 4,
    padding: 3,
    pad: ' ',
    align_right: false,
    discard_empty_columns: false,
    debug: false,
};

/// The text with its cells in columns.
pub fn align(text: &str, style: Style) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut table =
        Table { lines: &lines, style, widths: Vec::new(), out: String::with_capacity(text.len() * 2) };
    table.block(0, lines.len());
    table.out
}

struct Table<'a> {
    lines: &'a [Vec<&'a str>],
    style: Style,
    /// The widths of the columns to the left of the one that is looked at.
    widths: Vec<usize>,
    out: String,
}

impl Table<'_> {
    /// Writes lines whose first columns have known widths.
    fn block(&mut self, from: usize, to: usize) {
        let column = self.widths.len();
        let mut at = from;
        let mut start = from;
        while at < to {
            if column + 1 >= self.lines[at].len() {
                at += 1;
                continue;
            }
            self.write_lines(start, at);
            let mut width = self.style.width_min;
            let mut discard = true;
            let first = at;
            while at < to && column + 1 < self.lines[at].len() {
                let text = self.lines[at][column];
                width = width.max(utf8::count(text.as_bytes()) + self.style.padding);
                discard &= text.is_empty();
                at += 1;
            }
            if discard && self.style.discard_empty_columns {
                width = 0;
            }
            self.widths.push(width);
            self.block(first, at);
            self.widths.pop();
            start = at;
        }
        self.write_lines(start, to);
    }

    fn write_lines(&mut self, from: usize, to: usize) {
        for at in from..to {
            let cells = &self.lines[at];
            for (column, text) in cells.iter().enumerate() {
                if column > 0 && self.style.debug {
                    self.out.push('|');
                }
                match self.widths.get(column) {
                    Some(width) if column + 1 < cells.len() => self.cell(text, *width),
                    _ => self.out.push_str(text),
                }
            }
            if at + 1 < self.lines.len() {
                self.out.push('\n');
            }
        }
    }

    fn cell(&mut self, text: &str, width: usize) {
        let missing = width.saturating_sub(utf8::count(text.as_bytes()));
        if self.style.pad == '\t' {
            // A tab goes to the next multiple of its width, so the column ends at one as well.
            let tab = self.style.tab_width.max(1);
            let whole = width.div_ceil(tab) * tab;
            let missing = whole - utf8::count(text.as_bytes()).min(whole);
            self.out.push_str(text);
            self.out.extend(std::iter::repeat_n('\t', missing.div_ceil(tab)));
            return;
        }
        let pad = std::iter::repeat_n(self.style.pad, missing);
        if self.style.align_right {
            self.out.extend(pad);
            self.out.push_str(text);
        } else {
            self.out.push_str(text);
            self.out.extend(pad);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = "NAME\tREADY\tAGE\npodinfo-1\tTrue\t3d\n\nother\tx\n";
        let want = "NAME        READY   AGE\npodinfo-1   True    3d\n\nother   x\n";
        assert_eq!(align(text, KUBECTL), want);
    }

    #[test]
    fn tabs_and_the_right_side() {
        let style = Style { width_min: 0, tab_width: 8, padding: 1, pad: '\t', ..KUBECTL };
        assert_eq!(align("a\tb\nlonger than\tc\n", style), "a\t\tb\nlonger than\tc\n");
        let style = Style { width_min: 5, padding: 0, pad: ' ', align_right: true, debug: true, ..KUBECTL };
        assert_eq!(align("a\tb\tc\naaaa\tbbbbbbb\tc", style), "    a|      b|c\n aaaa|bbbbbbb|c");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[ab\t\n]{0,40}") {
            let kept = |text: &str| text.chars().filter(|c| matches!(c, 'a' | 'b' | '\n')).collect::<String>();
            prop_assert_eq!(kept(&align(&text, KUBECTL)), kept(&text));
        }
    }
}
