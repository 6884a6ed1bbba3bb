//! Text for terminals of 80 columns: sizes, shapes, tables.

use comfy_table::{CellAlignment, ContentArrangement, Table};

/// The width of the output, in columns.
pub(crate) const WIDTH: u16 = 80;

/// Returns a number of bytes in the largest fitting unit: `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Returns a number with a comma between groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns `one` or the number with `many`: `1 chunk`, `2 chunks`.
pub(crate) fn plural(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", count(number)),
    }
}

/// Returns a shape as Python writes it: `(365, 721)`.
pub(crate) fn shape(lengths: &[u64]) -> String {
    let lengths = lengths.iter().map(ToString::to_string);
    format!("({})", lengths.collect::<Vec<_>>().join(", "))
}

/// Shortens a line to the width of the output.
pub(crate) fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH.into() {
        return line.to_owned();
    }
    let kept = line.chars().take(usize::from(WIDTH) - 1);
    kept.chain(['…']).collect()
}

/// Breaks a line at spaces into lines of the width of the output, which end with a line break.
pub(crate) fn folded(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let (mut text, mut len) = (String::new(), 0);
    for word in line.trim_start().split(' ') {
        let width = word.chars().count();
        let start = if text.is_empty() { indent } else { indent + 2 };
        if text.is_empty() || len + 1 + width > WIDTH.into() {
            if !text.is_empty() {
                text.push('\n');
            }
            text += &" ".repeat(start);
            len = start + width;
        } else {
            text.push(' ');
            len += 1 + width;
        }
        text += word;
    }
    text + "\n"
}

/// Escapes text for HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Returns a table without lines; the columns numbered in `right` are aligned right.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    if !head.is_empty() {
        table.set_header(head);
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for &number in right {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// Returns a table of names and values.
pub(crate) fn members(rows: Vec<(&str, String)>) -> String {
    let rows = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value]);
    table(&[], rows.collect(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_are_short() {
        assert_eq!(
            (size(0), size(1023), size(1536)),
            ("0 B".into(), "1023 B".into(), "1.5 KiB".into())
        );
        assert_eq!(size((1 << 20) - 1), "1.0 MiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
        assert_eq!(
            (count(999), count(1_234_567)),
            ("999".into(), "1,234,567".into())
        );
    }
}
