//! Files of NumPy's format (NPY).

use std::io::Write;

use zarr::DataType;
use zarr::core::DataTypeKind;

use crate::failure::{Failure, Result};
use crate::stream::Stream;

/// Writes elements as a file of NumPy's format, version 1.0.
pub(crate) fn write(data_type: &DataType, stream: &Stream<'_>, out: &mut dyn Write) -> Result<()> {
    let lengths = stream.shape().iter().map(|len| format!("{len},"));
    let shape = lengths.collect::<Vec<_>>().join(" ");
    let descr = descr(data_type)?;
    let mut header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({shape}), }}");
    let len = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', len - header.len() - 1));
    header.push('\n');
    let size =
        u16::try_from(header.len()).map_err(|_| Failure::new("a data type too long for NPY"))?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&size.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    for part in stream.parts() {
        out.write_all(part?.bytes())?;
    }
    Ok(())
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
pub(crate) fn read(file: &[u8], data_type: &DataType) -> Result<Npy> {
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
