//! Elements as text, CSV, JSON and NPY.

use serde_json::Value;
use zarr::core::DataTypeKind;
use zarr::{DataType, Elements};

use crate::failure::{Failure, Result};
use crate::text;

/// Returns an element as text: like its JSON, but strings without quotes.
pub(crate) fn text(elements: &Elements, position: usize) -> String {
    let json = elements.to_json(position);
    match serde_json::from_str(&json) {
        Ok(Value::String(text)) => text,
        _ => json,
    }
}

/// Returns an element as a JSON value; NaN and infinities are strings, as in fill values.
pub(crate) fn json(elements: &Elements, position: usize) -> Value {
    let json = elements.to_json(position);
    serde_json::from_str(&json).unwrap_or(Value::String(json))
}

/// Returns elements as nested lists.
pub(crate) fn nested(elements: &Elements) -> Value {
    nested_from(elements, elements.shape(), 0)
}

fn nested_from(elements: &Elements, shape: &[usize], start: usize) -> Value {
    let Some((&len, below)) = shape.split_first() else {
        return json(elements, start);
    };
    let step = below.iter().product::<usize>();
    let items = (0..len).map(|number| nested_from(elements, below, start + number * step));
    items.collect()
}

/// Returns the indices of a position in C order.
pub(crate) fn index_of(shape: &[usize], position: usize) -> Vec<usize> {
    let mut rest = position;
    let mut index = vec![0; shape.len()];
    for (index, &len) in index.iter_mut().zip(shape).rev() {
        *index = rest % len;
        rest /= len;
    }
    index
}

/// Returns elements as CSV: one line for each element, with its indices in the array.
pub(crate) fn csv(elements: &Elements, axes: &[(String, Vec<u64>)]) -> String {
    let names = axes
        .iter()
        .map(|(name, _)| field(name))
        .chain(["value".to_owned()]);
    let mut csv = names.collect::<Vec<_>>().join(",") + "\n";
    for position in 0..elements.len() {
        for (at, (_, indices)) in index_of(elements.shape(), position).iter().zip(axes) {
            csv += &format!("{},", indices[*at]);
        }
        csv += &field(&text(elements, position));
        csv.push('\n');
    }
    csv
}

/// Quotes a field if CSV needs it.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// Returns elements as tables of the last two dimensions, at most `most` rows in all.
pub(crate) fn table(elements: &Elements, axes: &[(String, Vec<u64>)], most: usize) -> String {
    let shape = elements.shape();
    if shape.is_empty() {
        return text(elements, 0) + "\n";
    }
    let columns = if shape.len() == 1 {
        1
    } else {
        shape[shape.len() - 1]
    };
    let rows = if shape.len() == 1 {
        shape[0]
    } else {
        shape[shape.len() - 2]
    };
    let outer = &shape[..shape.len().saturating_sub(2)];
    let planes = outer.iter().product::<usize>();
    let mut out = String::new();
    let mut left = most;
    for plane in 0..planes {
        if left == 0 {
            break;
        }
        if !outer.is_empty() {
            let index = index_of(outer, plane);
            let places = index
                .iter()
                .zip(axes)
                .map(|(at, (name, indices))| format!("{name}={}", indices[*at]));
            out += &format!(
                "{}{}\n",
                if plane > 0 { "\n" } else { "" },
                places.collect::<Vec<_>>().join(", ")
            );
        }
        let shown = rows.min(left);
        left -= shown;
        out += &plane_table(elements, axes, plane * rows * columns, shown, columns);
    }
    let all = planes * rows;
    if all > most {
        let rest = text::count((all - most) as u64);
        out += &format!("... and {rest} more rows; print all with --all, --csv or --npy\n");
    }
    out
}

fn plane_table(
    elements: &Elements,
    axes: &[(String, Vec<u64>)],
    start: usize,
    rows: usize,
    columns: usize,
) -> String {
    let is_matrix = elements.shape().len() > 1;
    let (row_name, row_indices) = &axes[axes.len() - if is_matrix { 2 } else { 1 }];
    let cells = (0..rows).map(|row| {
        let position = start + row * columns;
        (0..columns.min(MOST_COLUMNS))
            .map(move |column| text(elements, position + column))
            .collect::<Vec<_>>()
    });
    let cells = cells.collect::<Vec<_>>();
    let labels = (0..columns.min(MOST_COLUMNS)).map(|column| match is_matrix {
        true => axes[axes.len() - 1].1[column].to_string(),
        false => "value".to_owned(),
    });
    let labels = labels.collect::<Vec<_>>();
    let corner = match is_matrix {
        true => format!("{row_name}\\{}", axes[axes.len() - 1].0),
        false => row_name.clone(),
    };
    // As many columns as fit.
    let mut width = corner.chars().count().max(
        row_indices
            .last()
            .map_or(1, |index| index.to_string().len()),
    );
    let fitting = labels.iter().enumerate().take_while(|(column, label)| {
        let cell = cells
            .iter()
            .map(|row| row[*column].chars().count())
            .max()
            .unwrap_or(0);
        width += 2 + cell.max(label.chars().count());
        *column == 0 || width + 3 <= text::WIDTH as usize
    });
    let fitting = fitting.count();
    let more = if fitting < columns {
        vec!["…".to_owned()]
    } else {
        Vec::new()
    };
    let head = [&[corner], &labels[..fitting], &more].concat();
    let lines = cells
        .into_iter()
        .zip(row_indices)
        .map(|(row, index)| [&[index.to_string()], &row[..fitting], &more].concat());
    let right = (1..=fitting).collect::<Vec<_>>();
    let head = head.iter().map(String::as_str).collect::<Vec<_>>();
    text::table(&head, lines.collect(), &right)
}

/// The most columns that can fit.
const MOST_COLUMNS: usize = 40;

/// Returns elements as a file of NumPy's format, version 1.0.
pub(crate) fn npy(elements: &Elements) -> Result<Vec<u8>> {
    let lengths = elements.shape().iter().map(|len| format!("{len},"));
    let shape = lengths.collect::<Vec<_>>().join(" ");
    let descr = descr(elements.data_type())?;
    let mut header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({shape}), }}");
    let len = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', len - header.len() - 1));
    header.push('\n');
    let size =
        u16::try_from(header.len()).map_err(|_| Failure::new("a data type too long for NPY"))?;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(size.to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(elements.bytes());
    Ok(file)
}

/// Returns NumPy's description of a data type, as Python text.
fn descr(data_type: &DataType) -> Result<String> {
    use DataTypeKind::{Bool, Complex, Float, Int, NullTerminated, Raw, Struct, Text, Time, UInt};
    let order = if cfg!(target_endian = "big") {
        '>'
    } else {
        '<'
    };
    let size = data_type.fixed_size().unwrap_or(0);
    let order = if size == 1 { '|' } else { order };
    let letter = match data_type.kind() {
        Bool => 'b',
        Int => 'i',
        UInt => 'u',
        Float => 'f',
        Complex => 'c',
        Raw => return Ok(format!("'|V{size}'")),
        NullTerminated => return Ok(format!("'|S{size}'")),
        Text => return Ok(format!("'{order}U{}'", size / 4)),
        Time => return Ok(format!("'{order}{}'", time(data_type))),
        Struct => {
            let fields = data_type.fields().iter();
            let fields =
                fields.map(|field| Ok(format!("({:?}, {})", field.name, descr(&field.data_type)?)));
            return Ok(format!(
                "[{}]",
                fields.collect::<Result<Vec<_>>>()?.join(", ")
            ));
        }
        _ => {
            let message = format!("NPY has no type for {data_type} elements");
            return Err(Failure::new(message).hint("print them with --json or --csv"));
        }
    };
    Ok(format!("'{order}{letter}{size}'"))
}

fn time(data_type: &DataType) -> String {
    let letter = if data_type.name().contains("timedelta") {
        'm'
    } else {
        'M'
    };
    let member = |name: &str| {
        let value = data_type
            .extension()
            .configuration()
            .and_then(|members| members.get(name));
        value.map(|value| value.get().trim_matches('"').to_owned())
    };
    let unit = member("unit").unwrap_or_else(|| "generic".to_owned());
    match (unit.as_str(), member("scale_factor").as_deref()) {
        ("generic", _) => format!("{letter}8"),
        (unit, None | Some("1")) => format!("{letter}8[{unit}]"),
        (unit, Some(scale)) => format!("{letter}8[{scale}{unit}]"),
    }
}

/// The content of a file of NumPy's format: shape, and elements in C order.
pub(crate) struct Npy {
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// Reads a file of NumPy's format whose elements have this data type.
pub(crate) fn read_npy(file: &[u8], data_type: &DataType) -> Result<Npy> {
    let broken = || Failure::new("not a whole file of NumPy's format (NPY)");
    let rest = file.strip_prefix(b"\x93NUMPY").ok_or_else(broken)?;
    let major = *rest.first().ok_or_else(broken)?;
    let wide = if major >= 2 { 4 } else { 2 };
    let sizes = rest.get(2..2 + wide).ok_or_else(broken)?;
    let size = sizes
        .iter()
        .rev()
        .fold(0, |size, byte| (size << 8) | usize::from(*byte));
    let header = rest.get(2 + wide..2 + wide + size).ok_or_else(broken)?;
    let header = std::str::from_utf8(header).map_err(|_| broken())?;
    if header.contains("'fortran_order': True") {
        return Err(Failure::new("the file is in Fortran order")
            .hint("save it with numpy.ascontiguousarray"));
    }
    let expected = descr(data_type)?;
    if !header.contains(&format!("'descr': {expected}")) {
        let message = format!(
            "the file does not hold elements of {data_type}: {}",
            header.trim()
        );
        return Err(Failure::new(message).hint(format!("convert it to {expected} with astype")));
    }
    let shape = header
        .split("'shape': (")
        .nth(1)
        .and_then(|text| text.split(')').next());
    let lengths = shape
        .ok_or_else(broken)?
        .split(',')
        .map(str::trim)
        .filter(|len| !len.is_empty());
    let shape = lengths
        .map(|len| len.parse().map_err(|_| broken()))
        .collect::<Result<Vec<_>>>()?;
    let bytes = rest[2 + wide + size..].to_vec();
    Ok(Npy { shape, bytes })
}
