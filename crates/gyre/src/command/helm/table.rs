//! Tables as Helm prints them: columns parted by a tab, each padded to its widest cell.

use serde_json::Value;

/// Lines of a table. A cell is cut after `width_max` columns; one that holds several lines is shown on as many, and cut
/// where all of them together are longer than the longest.
pub(super) fn table(rows: &[Vec<String>], width_max: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let longest = |cell: &String| cell.split('\n').map(width).max().unwrap_or(0);
    let widest = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(longest);
        let limit = if width_max == 0 { usize::MAX } else { width_max };
        widths.map(|width| width.min(limit)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| resized(cell, *width)).collect();
        let count = cells.iter().map(|cell| cell.split('\n').count()).max().unwrap_or(0);
        let part = |at: usize| {
            let parts = cells.iter().zip(&widths).map(|(cell, width)| match cell.split('\n').nth(at) {
                Some(part) => resized(part, *width),
                None => " ".repeat((*width).max(1)),
            });
            parts.collect::<Vec<_>>().join("\t")
        };
        (0..count).map(part).collect::<Vec<_>>().join("\n")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How many columns of a terminal a letter takes.
fn letter_width(letter: char) -> usize {
    match letter {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

fn width(text: &str) -> usize {
    text.chars().map(letter_width).sum()
}

/// The text, cut or filled up to so many columns.
fn resized(text: &str, columns: usize) -> String {
    let own = width(text);
    if columns == 0 || own <= columns {
        return format!("{text}{}", " ".repeat(columns.saturating_sub(own)));
    }
    let (mut out, mut used) = (String::new(), 0);
    for letter in text.chars() {
        out.push(letter);
        let next = used + letter_width(letter);
        if next + 3 >= columns {
            break;
        }
        used = next;
    }
    out + "..."
}

/// `-o`: how a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// One line of JSON.
    Json,
    /// YAML.
    Yaml,
}

/// `-o`, as a flag.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct OutputFlag {
    /// Print the output in this format: table, json, yaml
    #[arg(long, short = 'o', default_value = "table")]
    output: String,
}

impl OutputFlag {
    pub(super) fn format(&self) -> anyhow::Result<Format> {
        match self.output.as_str() {
            "table" => Ok(Format::Table),
            "json" => Ok(Format::Json),
            "yaml" => Ok(Format::Yaml),
            other => {
                anyhow::bail!("invalid argument {other:?} for \"-o, --output\" flag: invalid format type")
            }
        }
    }
}

/// A record: its fields in the order in which Go would write them.
pub(super) type Record = Vec<(&'static str, Value)>;

/// Records in a format that is not a table.
pub(super) fn encoded(records: &[Record], format: Format) -> String {
    if format == Format::Yaml {
        let all = records.iter().map(|record| {
            Value::Object(record.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        });
        return gyre_yaml::write_value(&Value::Array(all.collect()));
    }
    let all: Vec<String> = records.iter().map(record_json).collect();
    format!("[{}]\n", all.join(","))
}

/// A record as JSON, with the characters escaped that Go escapes.
pub(super) fn record_json(record: &Record) -> String {
    let fields: Vec<String> =
        record.iter().map(|(key, value)| format!("\"{key}\":{}", go_json(value))).collect();
    format!("{{{}}}", fields.join(","))
}

/// JSON as Go writes it.
pub(super) fn go_json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
