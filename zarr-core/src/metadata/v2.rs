//! Zarr v2 documents, read as the v3 metadata that describes the same chunks (Zarr v2 specification; names of codecs and data
//! types as zarr-python converts them).

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::{ArrayMetadata, Attributes, GroupMetadata};
use crate::data_type::FillValue;
use crate::error::{Error, Result, shorten};
use crate::extension::Extension;
use crate::json::Members;
use crate::registry::Registry;

/// The name of the document of a v2 array.
pub const ARRAY_NAME: &str = ".zarray";
/// The name of the document of a v2 group.
pub const GROUP_NAME: &str = ".zgroup";
/// The name of the attributes of either.
pub const ATTRIBUTES_NAME: &str = ".zattrs";

#[derive(Deserialize)]
struct Document {
    zarr_format: u64,
    shape: Vec<u64>,
    chunks: Vec<u64>,
    dtype: Value,
    compressor: Option<Map<String, Value>>,
    fill_value: Box<RawValue>,
    order: Order,
    filters: Option<Vec<Map<String, Value>>>,
    dimension_separator: Option<String>,
}

#[derive(Deserialize, PartialEq)]
enum Order {
    C,
    F,
}

/// A v2 data type as a v3 one.
struct DataType {
    extension: Value,
    item_size: u64,
    /// The byte order, where there is one.
    endian: Option<&'static str>,
    /// What `null` means as a fill value.
    zero: Value,
}

/// Reads `.zarray`, and `.zattrs` where there is one.
///
/// # Errors
/// Where the document is malformed, or has what v3 has no name for.
pub fn array_from_v2(zarray: &[u8], zattrs: Option<&[u8]>) -> Result<ArrayMetadata> {
    let document: Document = serde_json::from_slice(zarray)?;
    if document.zarr_format != 2 {
        return Err(Error::invalid(document.zarr_format, "2").member("zarr_format"));
    }
    let filters = document.filters.unwrap_or_default();
    let data_type = data_type(&document.dtype, &filters).map_err(|error| error.member("dtype"))?;
    let separator = document.dimension_separator.as_deref().unwrap_or(".");
    let fill_value =
        fill_value(&data_type, document.fill_value).map_err(|error| error.member("fill_value"))?;
    let mut codecs = codecs(&data_type, &filters, document.compressor)?;
    if document.order == Order::F && document.shape.len() > 1 {
        let order = (0..document.shape.len()).rev().collect::<Vec<_>>();
        codecs.insert(0, Extension::new("transpose").with("order", order));
    }
    let mut members = Members::new();
    members.set("zarr_format", &3)?;
    members.set("node_type", "array")?;
    members.set("shape", &document.shape)?;
    members.set("data_type", &data_type.extension)?;
    members.set(
        "chunk_grid",
        &Extension::new("regular").with("chunk_shape", &document.chunks),
    )?;
    members.set(
        "chunk_key_encoding",
        &Extension::new("v2").with("separator", separator),
    )?;
    members.set("fill_value", &fill_value)?;
    members.set("codecs", &codecs)?;
    members.set("attributes", attributes(zattrs)?.members())?;
    ArrayMetadata::from_members(members)
}

/// Reads `.zgroup`, and `.zattrs` where there is one.
///
/// # Errors
/// Where a document is malformed.
pub fn group_from_v2(zgroup: &[u8], zattrs: Option<&[u8]>) -> Result<GroupMetadata> {
    let members = Members::parse(zgroup)?;
    match members.get("zarr_format").map(RawValue::get) {
        Some("2") => GroupMetadata::default().with_attributes(attributes(zattrs)?),
        found => Err(Error::invalid(found.unwrap_or("nothing"), "2").member("zarr_format")),
    }
}

/// A fill value in its v3 form: `null` is zero, 0 and 1 may stand for a bool and 0 for an empty string, and that of a struct is its
/// packed bytes in base64.
fn fill_value(data_type: &DataType, value: Box<RawValue>) -> Result<Box<RawValue>> {
    let zero = || Ok(to_raw_value(&data_type.zero)?);
    match (value.get(), &data_type.zero) {
        ("null", _) => zero(),
        ("0", Value::Bool(_) | Value::String(_)) => zero(),
        ("1", Value::Bool(_)) => Ok(to_raw_value(&true)?),
        (text, Value::Object(_)) if text.starts_with('"') => unpacked(data_type, &value),
        _ => Ok(value),
    }
}

/// The fill value of a struct from its packed bytes.
fn unpacked(data_type: &DataType, value: &RawValue) -> Result<Box<RawValue>> {
    let mut legacy = data_type.extension.clone();
    legacy["name"] = json!("structured");
    let registry = Registry::core().with_registered_data_types();
    let bound = registry.bind_data_type(&Extension::from_json(&to_raw_value(&legacy)?)?)?;
    let mut bytes = bound.parse_fill_value(value)?.bytes().to_vec();
    if data_type.endian == Some("big") {
        bound.swap_bytes(&mut bytes);
    }
    let text = bound.fill_value_to_json(&FillValue::new(bytes));
    Ok(RawValue::from_string(text)?)
}

fn attributes(zattrs: Option<&[u8]>) -> Result<Attributes> {
    let Some(zattrs) = zattrs else {
        return Ok(Attributes::new());
    };
    let mut members = Members::new();
    members.set("attributes", &Members::parse(zattrs)?)?;
    Attributes::from_document(&members)
}

fn data_type(dtype: &Value, filters: &[Map<String, Value>]) -> Result<DataType> {
    let invalid = || Error::invalid(shorten(&dtype.to_string()), "a data type of Zarr v2");
    if let Value::Array(fields) = dtype {
        return struct_type(fields);
    }
    let text = dtype.as_str().ok_or_else(invalid)?;
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
        ("i", 1 | 2 | 4 | 8) => named(format!("int{}", 8 * size), json!(0)),
        ("u", 1 | 2 | 4 | 8) => named(format!("uint{}", 8 * size), json!(0)),
        ("f", 2 | 4 | 8) => named(format!("float{}", 8 * size), json!(0.0)),
        ("c", 8 | 16) => named(format!("complex{}", 8 * size), json!([0.0, 0.0])),
        ("S", _) => sized("null_terminated_bytes", size, json!("")),
        ("V", _) => sized(
            "raw_bytes",
            size,
            json!(vec![0; usize::try_from(size).unwrap_or(0)]),
        ),
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
                json!("NaT"),
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

/// Fields of one byte order each; v3 has one order for all of them.
fn struct_type(fields: &[Value]) -> Result<DataType> {
    let mut converted = Vec::new();
    let (mut item_size, mut endian, mut zero) = (0_u64, None, Map::new());
    for field in fields {
        let (Some(name), Some(dtype), None) = (field[0].as_str(), field.get(1), field.get(2))
        else {
            return Err(Error::invalid(
                shorten(&field.to_string()),
                "a field with name and type",
            ));
        };
        let field = data_type(dtype, &[])?;
        if field.endian.is_some() && endian.is_some() && field.endian != endian {
            return Err(Error::Unsupported {
                what: "fields of different byte orders".to_owned(),
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

/// Python objects: strings or byte strings, as the first filter says.
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

/// Filters that work on elements; all others work on bytes.
const ON_ELEMENTS: [&str; 6] = [
    "astype",
    "bitround",
    "delta",
    "fixedscaleoffset",
    "packbits",
    "quantize",
];

fn codecs(
    data_type: &DataType,
    filters: &[Map<String, Value>],
    compressor: Option<Map<String, Value>>,
) -> Result<Vec<Extension>> {
    let bytes = Extension::new("bytes");
    let mut array_to_bytes = match data_type.endian {
        Some(endian) => bytes.with("endian", endian),
        None => bytes,
    };
    let (mut on_elements, mut on_bytes) = (Vec::new(), Vec::new());
    for filter in filters.iter().chain(&compressor) {
        let id = filter.get("id").and_then(Value::as_str).unwrap_or_default();
        match id {
            "vlen-utf8" | "vlen-bytes" => array_to_bytes = Extension::new(id),
            id if ON_ELEMENTS.contains(&id) => on_elements.push(codec(id, filter, data_type)?),
            id => on_bytes.push(codec(id, filter, data_type)?),
        }
    }
    on_elements.push(array_to_bytes);
    on_elements.extend(on_bytes);
    Ok(on_elements)
}

fn codec(id: &str, configuration: &Map<String, Value>, data_type: &DataType) -> Result<Extension> {
    let member = |name: &str| configuration.get(name).and_then(Value::as_i64);
    let level = |default: i64| member("level").unwrap_or(default);
    Ok(match id {
        "" => return Err(Error::MissingMember { member: "id" }),
        "gzip" => Extension::new("gzip").with("level", level(1)),
        "zstd" => {
            let checksum = configuration
                .get("checksum")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            Extension::new("zstd")
                .with("level", level(1))
                .with("checksum", checksum)
        }
        "blosc" => {
            let shuffle = match member("shuffle").unwrap_or(1) {
                0 => "noshuffle",
                1 => "shuffle",
                2 => "bitshuffle",
                -1 if data_type.item_size == 1 => "bitshuffle",
                -1 => "shuffle",
                other => {
                    return Err(
                        Error::invalid(other, "a shuffle from -1 to 2").member("compressor")
                    );
                }
            };
            let cname = configuration
                .get("cname")
                .and_then(Value::as_str)
                .unwrap_or("lz4");
            Extension::new("blosc")
                .with("cname", cname)
                .with("clevel", member("clevel").unwrap_or(5))
                .with("shuffle", shuffle)
                .with("typesize", data_type.item_size.max(1))
                .with("blocksize", member("blocksize").unwrap_or(0))
        }
        id => {
            let others = configuration.iter().filter(|(name, _)| *name != "id");
            others.fold(
                Extension::new(format!("numcodecs.{id}")),
                |codec, (name, value)| codec.with(name, value),
            )
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn converted(changes: Value) -> Result<ArrayMetadata> {
        let mut document = json!({
            "zarr_format": 2, "shape": [10, 20], "chunks": [5, 5], "dtype": "<i2", "compressor": null, "fill_value": 0,
            "order": "C", "filters": null,
        });
        let members = document.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        array_from_v2(document.to_string().as_bytes(), Some(br#"{"a": 1.50}"#))
    }

    fn codec_names(metadata: &ArrayMetadata) -> Vec<&str> {
        metadata.codecs().iter().map(Extension::name).collect()
    }

    #[test]
    fn a_plain_document() {
        let metadata =
            converted(json!({"order": "F", "compressor": {"id": "blosc", "shuffle": -1}})).unwrap();
        assert_eq!(codec_names(&metadata), ["transpose", "bytes", "blosc"]);
        assert_eq!(
            (metadata.shape(), metadata.data_type().name()),
            (&[10, 20][..], "int16")
        );
        assert_eq!(metadata.chunk_key_encoding().name(), "v2");
        assert!(metadata.to_text().unwrap().contains("\"a\": 1.50"));
    }

    #[test]
    fn types_filters_and_null_fill_values() {
        for (dtype, name, fill) in [
            (json!("|b1"), "bool", "false"),
            (json!(">f8"), "float64", "0.0"),
            (json!("<c16"), "complex128", "[0.0,0.0]"),
            (json!("<U3"), "fixed_length_utf32", "\"\""),
            (json!("|S3"), "null_terminated_bytes", "\"\""),
            (json!("<M8[10us]"), "numpy.datetime64", "\"NaT\""),
            (
                json!([["x", "<i4"], ["y", "|b1"]]),
                "struct",
                "{\"x\":0,\"y\":false}",
            ),
        ] {
            let metadata = converted(json!({"dtype": dtype, "fill_value": null})).unwrap();
            assert_eq!(
                (metadata.data_type().name(), metadata.fill_value().get()),
                (name, fill)
            );
        }
        let filters = json!([{"id": "delta", "dtype": "<i2"}, {"id": "shuffle", "elementsize": 2}]);
        let metadata =
            converted(json!({"filters": filters, "compressor": {"id": "zlib", "level": 1}}))
                .unwrap();
        assert_eq!(
            codec_names(&metadata),
            [
                "numcodecs.delta",
                "bytes",
                "numcodecs.shuffle",
                "numcodecs.zlib"
            ]
        );
        let strings = json!({"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "fill_value": null});
        assert_eq!(codec_names(&converted(strings).unwrap()), ["vlen-utf8"]);
    }

    #[test]
    fn fill_values_are_put_into_their_v3_form() {
        let fields = |order: &str| json!([["x", format!("{order}i2")], ["y", "|b1"]]);
        let strings = json!([{"id": "vlen-utf8"}]);
        for (changes, fill) in [
            (json!({"dtype": "|b1", "fill_value": 1}), "true"),
            (json!({"dtype": "|b1", "fill_value": 0}), "false"),
            (
                json!({"dtype": "|O", "filters": strings, "fill_value": 0}),
                "\"\"",
            ),
            (json!({"dtype": "<f4", "fill_value": "NaN"}), "\"NaN\""),
            (json!({"dtype": "<M8[s]", "fill_value": -1}), "-1"),
            (
                json!({"dtype": fields("<"), "fill_value": "AQIB"}),
                r#"{"x": 513, "y": true}"#,
            ),
            (
                json!({"dtype": fields(">"), "fill_value": "AQIB"}),
                r#"{"x": 258, "y": true}"#,
            ),
        ] {
            let metadata = converted(changes).unwrap();
            assert_eq!(metadata.fill_value().get(), fill);
        }
        assert!(converted(json!({"dtype": fields("<"), "fill_value": "AQI="})).is_err());
    }

    #[test]
    fn what_v3_cannot_say_is_refused() {
        for changes in [
            json!({"zarr_format": 3}),
            json!({"dtype": "<i3"}),
            json!({"dtype": "|O"}),
            json!({"dtype": [["x", "<i4"], ["y", ">i4"]]}),
            json!({"compressor": {"level": 1}}),
            json!({"order": "A"}),
        ] {
            assert!(converted(changes.clone()).is_err(), "{changes}");
        }
    }
}
