//! Reads any array without static knowledge of its data type, for suites that compare elements with
//! reference data.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zarr::blocking::{Array, Hierarchy};
use zarr::{DataType, FillValue, Selection, Store, Strictness};
use zarr_core::{DataTypeKind, Output};

/// A failure, as one line of text.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The kind of a failure for the conformance runner: "unsupported" (an unknown or disabled
/// feature), "invalid" (metadata, data or a path that the specification forbids), "not-found",
/// "limit", "store", or "internal" (a bug).
#[must_use]
pub fn kind(failure: &Failure) -> &'static str {
    use zarr_core::Error as Core;
    match failure.downcast_ref::<zarr::Error>().map(zarr::Error::root) {
        Some(zarr::Error::Core(error)) => match error.root() {
            Core::UnknownExtension { .. }
            | Core::UnknownMember { .. }
            | Core::Unsupported { .. } => "unsupported",
            Core::TooLarge { .. } => "limit",
            _ => "invalid",
        },
        Some(zarr::Error::NodeNotFound { .. }) => "not-found",
        Some(zarr::Error::NodeType { .. }) => "invalid",
        Some(zarr::Error::Store(_)) => "store",
        Some(zarr::Error::Internal { .. }) => "internal",
        _ => match failure.downcast_ref::<zarr_core::Error>() {
            Some(error) => kind(&zarr::Error::Core(error.clone()).into()),
            None => "unsupported",
        },
    }
}

/// Opens a store strictly, or tolerantly with extensions beyond the specification.
///
/// # Errors
/// Returns the error of the store.
pub fn open(store: &str, strictness: Strictness) -> Result<Hierarchy, Failure> {
    let registry = zarr::registry().with_strictness(strictness);
    Ok(Hierarchy::new(Store::open(store)?, registry))
}

/// All elements of an array.
pub struct Elements {
    /// The data type of the elements.
    pub data_type: DataType,
    /// The shape of the array.
    pub shape: Vec<usize>,
    /// The bytes of the elements in C order and native byte order.
    pub bytes: Vec<u8>,
}

impl Elements {
    /// Reads a whole array of fixed-size elements.
    ///
    /// # Errors
    /// Returns an error of the engine, or an error for variable-size elements.
    pub fn of(array: &Array) -> Result<Self, Failure> {
        let data_type = array.as_async().data_type().clone();
        let item_size = data_type
            .fixed_size()
            .ok_or("unsupported: elements of any size")?;
        let selection = Selection::all();
        let resolved = selection.resolve(array.as_async().shape())?;
        let len =
            resolved
                .elements()?
                .checked_mul(item_size)
                .ok_or(zarr_core::Error::TooLarge {
                    what: "array",
                    wanted: format!("{:?} elements", resolved.shape()),
                    limit: u64::MAX,
                })?;
        let mut strides = vec![0; resolved.shape().len()];
        let mut stride = item_size.cast_signed();
        for (axis, &len) in resolved.shape().iter().enumerate().rev() {
            strides[axis] = stride;
            stride *= len.cast_signed().max(1);
        }
        let output = Output::zeroed::<u8>(len)?;
        array.read_output(&selection, output.clone(), &strides)?;
        let bytes = output
            .into_vec::<u8>(len)
            .map_err(|_| "a job still has the result")?;
        Ok(Self {
            data_type,
            shape: resolved.shape().to_vec(),
            bytes,
        })
    }

    /// Returns the elements as JSON fill values, in C order.
    pub fn to_json(&self) -> impl Iterator<Item = String> + '_ {
        let size = self.data_type.fixed_size().unwrap_or(1);
        self.bytes.chunks_exact(size).map(|element| {
            self.data_type
                .fill_value_to_json(&FillValue::new(element.to_vec()))
        })
    }

    /// Returns the NumPy name of the type, in little-endian order.
    ///
    /// # Errors
    /// Fails for a type without a NumPy equivalent.
    pub fn numpy_type(&self) -> Result<String, Failure> {
        numpy_type(&self.data_type)
    }

    /// Writes the elements as a `.npy` file.
    ///
    /// # Errors
    /// Fails for a type without a NumPy equivalent, or if writing fails.
    pub fn write_npy(&self, path: &Path) -> Result<(), Failure> {
        let shape = self.shape.iter().fold(String::new(), |mut text, len| {
            let _ = write!(text, "{len}, ");
            text
        });
        let mut header = format!(
            "{{'descr': {}, 'fortran_order': False, 'shape': ({shape}), }}",
            self.numpy_type()?
        );
        header = header.replace(", )", if self.shape.len() == 1 { ",)" } else { ")" });
        let padding = 64 - (10 + header.len() + 1) % 64;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(u16::try_from(header.len())?.to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(&self.bytes);
        Ok(std::fs::write(path, file)?)
    }
}

fn numpy_type(data_type: &DataType) -> Result<String, Failure> {
    let size = data_type.fixed_size().unwrap_or(0);
    let order = if size == 1 { '|' } else { '<' };
    Ok(match data_type.kind() {
        DataTypeKind::Bool => "'|b1'".to_owned(),
        DataTypeKind::Int => format!("'{order}i{size}'"),
        DataTypeKind::UInt | DataTypeKind::NarrowFloat | DataTypeKind::NarrowComplex => {
            format!("'{order}u{size}'")
        }
        DataTypeKind::Float => format!("'<f{size}'"),
        DataTypeKind::Complex => format!("'<c{size}'"),
        DataTypeKind::Raw => format!("'|V{size}'"),
        DataTypeKind::Text => format!("'<U{}'", size / 4),
        DataTypeKind::NullTerminated => format!("'|S{size}'"),
        DataTypeKind::Time => time_type(data_type)?,
        DataTypeKind::Struct => {
            let fields = data_type.fields().iter();
            let fields = fields.map(|field| {
                Ok(format!(
                    "({:?}, {})",
                    field.name,
                    numpy_type(&field.data_type)?
                ))
            });
            format!(
                "[{}]",
                fields.collect::<Result<Vec<_>, Failure>>()?.join(", ")
            )
        }
        other => return Err(format!("unsupported: {other:?} in NumPy").into()),
    })
}

/// Parses `datetime64` or `timedelta64` with its unit.
fn time_type(data_type: &DataType) -> Result<String, Failure> {
    let configuration: BTreeMap<String, Value> = data_type.extension().parse()?;
    let unit = configuration
        .get("unit")
        .and_then(Value::as_str)
        .ok_or("no unit")?
        .replace('μ', "u");
    let scale = configuration
        .get("scale_factor")
        .and_then(Value::as_u64)
        .unwrap_or(1);
    let letter = if data_type.name().contains("datetime") {
        'M'
    } else {
        'm'
    };
    Ok(match (unit.as_str(), scale) {
        ("generic", _) => format!("'<{letter}8'"),
        (unit, 1) => format!("'<{letter}8[{unit}]'"),
        (unit, scale) => format!("'<{letter}8[{scale}{unit}]'"),
    })
}

/// Formats an optional element as JSON: `null`, or its value; a nested optional is wrapped in a
/// list, to tell the two levels apart.
fn optional_element(data_type: &DataType, bytes: &[u8]) -> Value {
    let (Some((1, value)), Some(field)) = (bytes.split_last(), data_type.fields().first()) else {
        return Value::Null;
    };
    match field.data_type.kind() {
        DataTypeKind::Optional => json!([optional_element(&field.data_type, value)]),
        DataTypeKind::Bytes => Value::from(hex(value)),
        _ => {
            let text = field
                .data_type
                .fill_value_to_json(&FillValue::new(value.to_vec()));
            serde_json::from_str(&text).unwrap_or_default()
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads optional elements as values or `null`: `{"kind", "shape", "data"}`.
///
/// # Errors
/// Returns the error of the engine.
pub fn optional_elements(array: &Array) -> Result<Value, Failure> {
    let data_type = array.as_async().data_type();
    let element = |bytes: &[u8]| optional_element(data_type, bytes);
    let (shape, data) = match data_type.fixed_size() {
        Some(size) => {
            let elements = Elements::of(array)?;
            let data = elements.bytes.chunks_exact(size).map(element).collect();
            (elements.shape, data)
        }
        None => {
            let data = array.read::<Vec<u8>>(&Selection::all())?;
            let elements = data.iter().map(|bytes| element(bytes)).collect::<Vec<_>>();
            (data.shape().to_vec(), elements)
        }
    };
    Ok(json!({"kind": "optional", "shape": shape, "data": data}))
}

/// Reads strings as text, byte strings as hexadecimal digits: `{"kind", "shape", "data"}`.
///
/// # Errors
/// Returns the error of the engine.
pub fn variable_elements(array: &Array) -> Result<Value, Failure> {
    let all = Selection::all();
    if array.as_async().data_type().kind() == DataTypeKind::String {
        let data = array.read::<String>(&all)?;
        return Ok(
            json!({"kind": "string", "shape": data.shape(), "data": data.iter().collect::<Vec<_>>()}),
        );
    }
    if array.as_async().data_type().kind() == DataTypeKind::Optional {
        return optional_elements(array);
    }
    let data = array.read::<Vec<u8>>(&all)?;
    let digits = data.iter().map(|bytes| hex(bytes)).collect::<Vec<_>>();
    Ok(json!({"kind": "bytes", "shape": data.shape(), "data": digits}))
}

/// Reads an array and writes `<out>.npy`, or `<out>.json` for variable-size or optional elements;
/// returns the path.
///
/// # Errors
/// Returns the error of reading or writing.
pub fn read_to_file(
    store: &str,
    node: &str,
    out: &str,
    strictness: Strictness,
) -> Result<PathBuf, Failure> {
    let array = open(store, strictness)?.array(node)?;
    let data_type = array.as_async().data_type();
    let elements = match (data_type.kind(), data_type.fixed_size()) {
        (DataTypeKind::Optional, _) => Some(optional_elements(&array)?),
        (_, None) => Some(variable_elements(&array)?),
        _ => None,
    };
    if let Some(elements) = elements {
        let path = PathBuf::from(format!("{out}.json"));
        std::fs::write(&path, elements.to_string())?;
        return Ok(path);
    }
    let path = PathBuf::from(format!("{out}.npy"));
    Elements::of(&array)?.write_npy(&path)?;
    Ok(path)
}
