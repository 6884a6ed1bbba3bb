//! Zarr v2 filters and compressors as v3 codecs.

use serde_json::{Map, Value};

use super::data_type::DataType;
use crate::error::{Error, Result};
use crate::extension::Extension;

/// Filters that work on elements; all others work on bytes.
pub(super) const ON_ELEMENTS: [&str; 6] = [
    "astype",
    "bitround",
    "delta",
    "fixedscaleoffset",
    "packbits",
    "quantize",
];

pub(super) fn codecs(
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
