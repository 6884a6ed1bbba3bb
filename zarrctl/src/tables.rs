//! The elements of a selection as CSV and as tables.

use std::io::Write;

use zarr::Elements;
use zarr::core::size::cell_at;

use crate::failure::Result;
use crate::stream::Stream;
use crate::{text, values};

/// Writes elements as CSV: one line for each element, with its indices in the array.
pub(crate) fn write_csv(stream: &Stream<'_>, out: &mut dyn Write) -> Result<()> {
    let names = stream.names().iter().map(|name| field(name));
    let names = names.chain(["value".to_owned()]);
    writeln!(out, "{}", names.collect::<Vec<_>>().join(","))?;
    let mut at = 0;
    for part in stream.parts() {
        let part = part?;
        for position in 0..part.len() {
            for index in stream.index_of(at) {
                write!(out, "{index},")?;
            }
            writeln!(out, "{}", field(&values::text(&part, position)))?;
            at += 1;
        }
    }
    Ok(())
}

/// Quotes a field if CSV needs it.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// Returns elements as tables of the last two dimensions, at most `most` rows in all. Reads no
/// elements beyond those.
pub(crate) fn table(stream: &Stream<'_>, most: u64) -> Result<String> {
    let shape = stream.shape();
    let mut part = shape.iter().map(|&len| 0..len).collect::<Vec<_>>();
    let (columns, above) = match part[..].split_last_mut() {
        None => return Ok(values::text(&stream.read(&[])?, 0) + "\n"),
        Some((last, [])) => (1, std::slice::from_mut(last)),
        Some((last, above)) => {
            let columns = last.end;
            last.end = columns.min(MOST_COLUMNS);
            (columns, above)
        }
    };
    let all = above
        .iter()
        .fold(1_u64, |all, rows| all.saturating_mul(rows.end));
    // As few indices of the outer dimensions as have that many rows.
    let mut wanted = most;
    for range in above.iter_mut().rev() {
        let len = range.end;
        range.end = len.min(wanted);
        wanted = wanted.div_ceil(len.max(1));
    }
    let elements = stream.read(&part)?;
    let lens = part.iter().map(|range| range.end).collect::<Vec<_>>();
    let (outer, shown) = match lens[..] {
        [rows] => (&[][..], [rows, 1]),
        _ => (
            &lens[..lens.len() - 2],
            [lens[lens.len() - 2], lens[lens.len() - 1]],
        ),
    };
    let planes = outer.iter().product::<u64>();
    let mut drawn = String::new();
    let mut left = most;
    for plane in (0..planes).take_while(|_| shown[0] > 0) {
        if left == 0 {
            break;
        }
        if !outer.is_empty() {
            // The index of the first element of the plane, in the array.
            let index = cell_at(plane, outer);
            let padded = index.iter().copied().chain([0, 0]).collect::<Vec<_>>();
            let places = stream.names().iter().zip(stream.indices_at(&padded));
            let places = places.take(outer.len());
            let places = places.map(|(name, index)| format!("{name}={index}"));
            let gap = if plane > 0 { "\n" } else { "" };
            drawn += &format!("{gap}{}\n", places.collect::<Vec<_>>().join(", "));
        }
        let rows = shown[0].min(left);
        left -= rows;
        let start = plane * shown[0] * shown[1];
        let is_cut = columns > shown[1];
        drawn += &plane_table(&elements, stream, start, [rows, shown[1]], is_cut);
    }
    if all > most {
        let rest = text::count(all - most);
        drawn += &format!("... and {rest} more rows; print all with --all, --csv or --npy\n");
    }
    Ok(drawn)
}

fn plane_table(
    elements: &Elements,
    stream: &Stream<'_>,
    start: u64,
    [rows, columns]: [u64; 2],
    is_cut: bool,
) -> String {
    let rank = stream.shape().len();
    let names = stream.names();
    let at = |row: u64, column: u64| {
        let mut position = vec![0; rank];
        position[rank - 1] = column;
        if rank > 1 {
            position[rank - 2] = row;
        } else {
            position[0] = row;
        }
        stream.indices_at(&position)
    };
    let row_index = |row: u64| at(row, 0)[rank.saturating_sub(2)].to_string();
    let cell = |row: u64, column: u64| {
        usize::try_from(start + row * columns + column)
            .map(|position| values::text(elements, position))
            .unwrap_or_default()
    };
    let cells = (0..rows).map(|row| (0..columns).map(|column| cell(row, column)).collect());
    let cells = cells.collect::<Vec<Vec<String>>>();
    let labels = (0..columns).map(|column| match rank {
        1 => "value".to_owned(),
        _ => at(0, column)[rank - 1].to_string(),
    });
    let labels = labels.collect::<Vec<_>>();
    let corner = match rank {
        1 => names[0].clone(),
        _ => format!("{}\\{}", names[rank - 2], names[rank - 1]),
    };
    // As many columns as fit.
    let widest = (0..rows).last().map_or(1, |row| row_index(row).len());
    let mut width = corner.chars().count().max(widest);
    let fitting = labels.iter().enumerate().take_while(|(column, label)| {
        let widths = cells.iter().map(|row| row[*column].chars().count());
        width += 2 + widths.max().unwrap_or(0).max(label.chars().count());
        // Two spaces end each column, and the last column may be `…`.
        *column == 0 || width + 5 <= text::WIDTH.into()
    });
    let fitting = fitting.count();
    let more = match is_cut || fitting < labels.len() {
        true => vec!["…".to_owned()],
        false => Vec::new(),
    };
    let head = [&[corner], &labels[..fitting], &more].concat();
    let lines = (0..rows)
        .zip(cells)
        .map(|(row, cells)| [&[row_index(row)], &cells[..fitting], &more].concat());
    let right = (1..=fitting).collect::<Vec<_>>();
    let head = head.iter().map(String::as_str).collect::<Vec<_>>();
    text::table(&head, lines.collect(), &right)
}

/// The most columns that can fit.
const MOST_COLUMNS: u64 = 40;
