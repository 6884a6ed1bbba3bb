//! Zarr v2 data types, in NumPy's spelling, as v3 data types.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result, shorten};

/// A v2 data type as a v3 data type.
pub(super) struct DataType {
    pub(super) extension: Value,
    pub(super) item_size: u64,
    /// The byte order, if the data type has one.
    pub(super) endian: Option<&'static str>,
    /// The meaning of 0 as a fill value, and of `null` in a field of a struct.
    pub(super) zero: Value,
}

impl DataType {
    fn name(&self) -> Option<&str> {
        self.extension.get("name")?.as_str()
    }

    pub(super) fn is_raw(&self) -> bool {
        self.name() == Some("raw_bytes")
    }

    /// Returns the meaning of `null` as a fill value: `NaT` for times, else zero.
    pub(super) fn default(&self) -> Value {
        match self.name() {
            Some("numpy.datetime64" | "numpy.timedelta64") => json!("NaT"),
            _ => self.zero.clone(),
        }
    }
}

/// The largest size of raw bytes: the limit of the data type `raw_bytes`.
const MAX_RAW_SIZE: u64 = 1 << 24;

/// Returns zeros in base64, which takes far less memory than a list.
fn zeros(size: u64) -> String {
    let groups = size.div_ceil(3);
    let padding = groups.saturating_mul(3).saturating_sub(size);
    let [padding, digits] =
        [padding, groups.saturating_mul(4)].map(|count| usize::try_from(count).unwrap_or(0));
    "A".repeat(digits.saturating_sub(padding)) + &"=".repeat(padding)
}

pub(super) fn data_type(dtype: &Value, filters: &[Map<String, Value>]) -> Result<DataType> {
    let invalid = || Error::invalid(shorten(&dtype.to_string()), "a Zarr v2 data type");
    if let Value::Array(fields) = dtype {
        return struct_type(fields);
    }
    let text = dtype.as_str().ok_or_else(invalid)?;
    // The spelling of TensorStore, whose bytes are little-endian.
    if text == "bfloat16" {
        return Ok(DataType {
            extension: json!(text),
            item_size: 2,
            endian: Some("little"),
            zero: json!(0.0),
        });
    }
    let (order, rest) = text.split_at_checked(1).ok_or_else(invalid)?;
    let (kind, size) = rest.split_at_checked(1).ok_or_else(invalid)?;
    if kind == "O" {
        return object_type(filters);
    }
    let (size, unit) = size
        .split_once('[')
        .map_or((size, None), |(size, unit)| (size, unit.strip_suffix(']')));
    let size = size.parse::<u64>().map_err(|_| invalid())?;
    let endian = match order {
        "<" => Some("little"),
        ">" => Some("big"),
        "|" => None,
        _ => return Err(invalid()),
    };
    let bits = size.saturating_mul(8);
    if endian.is_none() && size > 1 && ["i", "u", "f", "c"].contains(&kind) {
        return Err(invalid());
    }
    let named = |name: String, zero: Value| (json!(name), size, zero);
    let sized = |name: &str, length: u64, zero: Value| {
        (
            json!({"name": name, "configuration": {"length_bytes": length}}),
            length,
            zero,
        )
    };
    let (extension, item_size, zero) = match (kind, size) {
        ("b", 1) => named("bool".to_owned(), json!(false)),
        ("i", 1 | 2 | 4 | 8) => named(format!("int{bits}"), json!(0)),
        ("u", 1 | 2 | 4 | 8) => named(format!("uint{bits}"), json!(0)),
        ("f", 2 | 4 | 8) => named(format!("float{bits}"), json!(0.0)),
        ("c", 8 | 16) => named(format!("complex{bits}"), json!([0.0, 0.0])),
        ("S", _) => sized("null_terminated_bytes", size, json!("")),
        ("V", ..=MAX_RAW_SIZE) => sized("raw_bytes", size, json!(zeros(size))),
        ("U", _) => sized("fixed_length_utf32", size.saturating_mul(4), json!("")),
        ("M" | "m", 8) => {
            let name = if kind == "M" {
                "numpy.datetime64"
            } else {
                "numpy.timedelta64"
            };
            let unit = unit.unwrap_or("generic");
            let digits = unit.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
            let scale = unit[..digits].parse::<u64>().unwrap_or(1);
            let configuration = json!({"unit": &unit[digits..], "scale_factor": scale});
            (
                json!({"name": name, "configuration": configuration}),
                8,
                json!(0),
            )
        }
        _ => return Err(invalid()),
    };
    Ok(DataType {
        extension,
        item_size,
        endian,
        zero,
    })
}

/// Converts the fields of a struct. Each v2 field has its own byte order; v3 has one order for all
/// fields.
fn struct_type(fields: &[Value]) -> Result<DataType> {
    let mut converted = Vec::new();
    let (mut item_size, mut endian, mut zero) = (0_u64, None, Map::new());
    for field in fields {
        if field.get(2).is_some() {
            return Err(Error::Unsupported {
                what: format!(
                    "a field that contains an array: {}",
                    shorten(&field.to_string())
                ),
            });
        }
        let (Some(name), Some(dtype)) = (field[0].as_str(), field.get(1)) else {
            return Err(Error::invalid(
                shorten(&field.to_string()),
                "a field with a name and a type",
            ));
        };
        let field = data_type(dtype, &[])?;
        if field.endian.is_some() && endian.is_some() && field.endian != endian {
            return Err(Error::Unsupported {
                what: "fields with different byte orders".to_owned(),
            });
        }
        endian = endian.or(field.endian);
        item_size = item_size.saturating_add(field.item_size);
        zero.insert(name.to_owned(), field.zero);
        converted.push(json!({"name": name, "data_type": field.extension}));
    }
    let extension = json!({"name": "struct", "configuration": {"fields": converted}});
    Ok(DataType {
        extension,
        item_size,
        endian,
        zero: Value::Object(zero),
    })
}

/// Converts Python objects: strings or byte strings, depending on the first filter.
fn object_type(filters: &[Map<String, Value>]) -> Result<DataType> {
    let extension = match filters
        .first()
        .and_then(|filter| filter.get("id"))
        .and_then(Value::as_str)
    {
        Some("vlen-utf8") => json!("string"),
        Some("vlen-bytes") => json!("bytes"),
        other => {
            let what = format!("objects encoded by {}", other.unwrap_or("no filter"));
            return Err(Error::Unsupported { what });
        }
    };
    Ok(DataType {
        extension,
        item_size: 16,
        endian: None,
        zero: json!(""),
    })
}
