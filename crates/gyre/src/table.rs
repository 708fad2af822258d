//! Tables on standard output.

use gyre_go::tabwriter::{self, Style};

/// The columns of Argo CD's tables (`tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)`).
const ARGO: Style = Style { width_min: 0, tab_width: 0, padding: 2, ..tabwriter::KUBECTL };

/// Rows in columns that are two blanks apart, each line ended by its last text.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let text: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
    tabwriter::align(&text, ARGO)
}

/// Rows as `flux` prints them: cells filled up with blanks and parted by tabs.
pub(crate) fn tabbed(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("\t") + "\n"
    };
    rows.iter().map(line).collect()
}
