//! Zarr v3 metadata as v2 documents, for nodes below v2 groups. Metadata that v2 cannot express is
//! rejected.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::{array_from_v2, group_from_v2};
use crate::data_type::FillValue;
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::json::Members;
use crate::metadata::{ArrayMetadata, NodeMetadata};
use crate::registry::Registry;

/// Returns a node with Zarr v2 documents.
///
/// # Errors
/// [`Error::Unsupported`] for metadata that v2 cannot express.
pub fn to_v2(node: &NodeMetadata) -> Result<NodeMetadata> {
    match node {
        NodeMetadata::Array(array) => Ok(array_from_v2(zarray(array)?, array.attributes())?.into()),
        NodeMetadata::Group(group) => {
            let mut zgroup = Members::new();
            zgroup.set("zarr_format", &2)?;
            Ok(group_from_v2(zgroup, group.attributes().clone())?.into())
        }
    }
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::Unsupported {
        what: format!(
            "{what} in an array of Zarr v2, which an array below a group of Zarr v2 is; convert the hierarchy first \
             (Hierarchy::convert_v2), or create the array elsewhere"
        ),
    }
}

fn zarray(array: &ArrayMetadata) -> Result<Members> {
    let names = array.dimension_names().unwrap_or_default();
    if names.iter().any(Option::is_some) {
        return Err(unsupported("dimension names").member("dimension_names"));
    }
    let codecs = codecs(array)?;
    let data_type = array.data_type();
    let dtype = dtype(data_type, codecs.order).map_err(|error| error.member("data_type"))?;
    let fill_value = fill_value(array, codecs.order).map_err(|error| error.member("fill_value"))?;
    let mut members = Members::new();
    members.set("shape", array.shape())?;
    members.set("chunks", &chunk_shape(array.chunk_grid())?)?;
    members.set("dtype", &dtype)?;
    members.set("fill_value", &fill_value)?;
    members.set("order", if codecs.is_f { "F" } else { "C" })?;
    let filters = Some(codecs.filters).filter(|filters| !filters.is_empty());
    members.set("filters", &filters)?;
    members.set(
        "dimension_separator",
        &separator(array.chunk_key_encoding())?,
    )?;
    members.set("compressor", &codecs.compressor)?;
    members.set("zarr_format", &2)?;
    Ok(members)
}

/// Returns a member of a configuration.
fn configured(extension: &Extension, member: &str) -> Value {
    let value = extension
        .configuration()
        .and_then(|members| members.get(member));
    value
        .and_then(|value| serde_json::from_str(value.get()).ok())
        .unwrap_or_default()
}

fn chunk_shape(grid: &Extension) -> Result<Value> {
    match (grid.name(), configured(grid, "chunk_shape")) {
        ("regular", shape @ Value::Array(_)) => Ok(shape),
        (name, _) => Err(unsupported(format_args!("chunk grid {name:?}")).member("chunk_grid")),
    }
}

fn separator(encoding: &Extension) -> Result<String> {
    let default = match encoding.name() {
        "default" => "/",
        "v2" => ".",
        name => {
            let error = unsupported(format_args!("chunk key encoding {name:?}"));
            return Err(error.member("chunk_key_encoding"));
        }
    };
    let separator = configured(encoding, "separator");
    Ok(separator.as_str().unwrap_or(default).to_owned())
}

/// The codecs of an array in v2 form.
#[derive(Default)]
struct Codecs {
    is_f: bool,
    /// The byte order `<` or `>`, if the codec `bytes` has one.
    order: Option<char>,
    filters: Vec<Value>,
    compressor: Option<Value>,
}

fn codecs(array: &ArrayMetadata) -> Result<Codecs> {
    let rank = array.shape().len();
    let mut found = Codecs::default();
    for (position, codec) in array.codecs().iter().enumerate() {
        let place = |error: Error| error.member(format_args!("codecs[{position}]"));
        match codec.name() {
            "transpose" if position == 0 => {
                let order = configured(codec, "order");
                let reversed = json!((0..rank).rev().collect::<Vec<_>>());
                if order != reversed {
                    return Err(place(unsupported(format_args!(
                        "axes in the order {order}"
                    ))));
                }
                found.is_f = rank > 1;
            }
            "bytes" => {
                let endian = configured(codec, "endian");
                found.order = endian
                    .as_str()
                    .map(|it| if it == "big" { '>' } else { '<' });
            }
            _ => {
                // The last codec is the compressor, if it works on bytes.
                found.filters.extend(found.compressor.take());
                let filter = codec_v2(codec).map_err(place)?;
                match codec.name() {
                    "vlen-utf8" | "vlen-bytes" => found.filters.push(filter),
                    _ => found.compressor = Some(filter),
                }
            }
        }
    }
    if found.compressor.as_ref().is_some_and(is_on_elements) {
        found.filters.extend(found.compressor.take());
    }
    Ok(found)
}

fn is_on_elements(filter: &Value) -> bool {
    let id = filter["id"].as_str().unwrap_or_default();
    super::codecs::ON_ELEMENTS.contains(&id)
}

fn codec_v2(codec: &Extension) -> Result<Value> {
    let all = |id: &str| {
        let mut members = Map::new();
        members.insert("id".to_owned(), json!(id));
        for (name, value) in codec
            .configuration()
            .iter()
            .flat_map(|members| members.iter())
        {
            let value = serde_json::from_str(value.get())?;
            members.insert(name.to_owned(), value);
        }
        Ok(Value::Object(members))
    };
    match codec.name() {
        id @ ("vlen-utf8" | "vlen-bytes") => Ok(json!({"id": id})),
        "gzip" => all("gzip"),
        "zstd" => {
            let mut zstd = all("zstd")?;
            // Older readers do not recognise the member `checksum`.
            if zstd.get("checksum") != Some(&json!(true))
                && let Some(members) = zstd.as_object_mut()
            {
                members.remove("checksum");
            }
            Ok(zstd)
        }
        "blosc" => {
            let shuffle = configured(codec, "shuffle");
            let shuffle = match shuffle.as_str() {
                Some("noshuffle") => 0,
                Some("bitshuffle") => 2,
                _ => 1,
            };
            Ok(json!({
                "id": "blosc",
                "cname": configured(codec, "cname"),
                "clevel": configured(codec, "clevel"),
                "shuffle": shuffle,
                "blocksize": configured(codec, "blocksize"),
            }))
        }
        name => match name.strip_prefix("numcodecs.") {
            Some(id) => all(id),
            None => Err(unsupported(format_args!("codec {name:?}"))),
        },
    }
}

/// Returns a data type in NumPy's spelling.
fn dtype(data_type: &Extension, order: Option<char>) -> Result<Value> {
    let many = order.unwrap_or('<');
    let size = || configured(data_type, "length_bytes").as_u64().unwrap_or(0);
    let name = data_type.name();
    let number = |prefix: &str, letter: char| {
        let bits = name.strip_prefix(prefix)?.parse::<u32>().ok()?;
        let order = if bits == 8 { '|' } else { many };
        (bits >= 8).then(|| format!("{order}{letter}{}", bits / 8))
    };
    let numbers = || {
        let families = [
            ("int", 'i'),
            ("uint", 'u'),
            ("float", 'f'),
            ("complex", 'c'),
        ];
        families
            .iter()
            .find_map(|(prefix, letter)| number(prefix, *letter))
    };
    let text = match name {
        "bool" => "|b1".to_owned(),
        "string" | "bytes" | "variable_length_bytes" => "|O".to_owned(),
        "fixed_length_utf32" => format!("{many}U{}", size() / 4),
        "null_terminated_bytes" => format!("|S{}", size()),
        "raw_bytes" => format!("|V{}", size()),
        "numpy.datetime64" | "numpy.timedelta64" => {
            let letter = if name == "numpy.datetime64" { 'M' } else { 'm' };
            format!("{many}{letter}8{}", unit(data_type))
        }
        "struct" => return fields(data_type, order),
        _ => match (numbers(), raw_bits(name)) {
            (Some(number), _) => number,
            (None, Some(bits)) => format!("|V{}", bits / 8),
            (None, None) => return Err(unsupported(format_args!("data type {name:?}"))),
        },
    };
    Ok(Value::from(text))
}

fn raw_bits(name: &str) -> Option<u64> {
    name.strip_prefix('r')?.parse().ok()
}

/// Returns `[ns]`, `[10us]`, or nothing for a time without a unit.
fn unit(data_type: &Extension) -> String {
    let unit = configured(data_type, "unit");
    let unit = unit.as_str().unwrap_or("generic").replace('μ', "u");
    match (
        unit.as_str(),
        configured(data_type, "scale_factor").as_u64(),
    ) {
        ("generic", _) => String::new(),
        (unit, None | Some(1)) => format!("[{unit}]"),
        (unit, Some(scale)) => format!("[{scale}{unit}]"),
    }
}

fn fields(data_type: &Extension, order: Option<char>) -> Result<Value> {
    let fields = configured(data_type, "fields");
    let fields = fields.as_array().into_iter().flatten().map(|field| {
        let inner = Extension::from_json(&to_raw_value(&field["data_type"])?)?;
        Ok(json!([field["name"], dtype(&inner, order)?]))
    });
    fields.collect::<Result<Vec<_>>>().map(Value::from)
}

/// Returns the fill value in v2 spelling: raw bytes and structs in base64.
fn fill_value(array: &ArrayMetadata, order: Option<char>) -> Result<Box<RawValue>> {
    let value = array.fill_value();
    let name = array.data_type().name();
    let is_number = ["float", "complex"]
        .iter()
        .any(|start| name.starts_with(start));
    if is_number && value.get().contains("\"0x") {
        return Err(unsupported(format_args!("fill value {}", value.get())));
    }
    if name != "struct" && raw_bits(name).is_none() {
        return Ok(value.to_owned());
    }
    let registry = Registry::core().with_registered_data_types();
    let bound = registry.bind_data_type(array.data_type())?;
    let mut bytes = bound.parse_fill_value(value)?.bytes().to_vec();
    if order == Some('>') {
        bound.swap_bytes(&mut bytes);
    }
    let raw = Extension::new("raw_bytes").with("length_bytes", bytes.len());
    let text = registry
        .bind_data_type(&raw)?
        .fill_value_to_json(&FillValue::new(bytes));
    Ok(RawValue::from_string(text)?)
}
