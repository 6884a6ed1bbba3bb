//! Metadata documents in a few words: of any array or group, supported or not.

use serde::Serialize;
use serde_json::Value;
use zarr::{ArrayMetadata, Extension, NodeMetadata, NodePath};

use crate::text;

/// A node as its document describes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Described {
    pub(crate) path: String,
    /// `array`, `group`, or `unreadable`.
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zarr_format: Option<u8>,
    #[serde(flatten)]
    pub(crate) array: Option<DescribedArray>,
    /// The reason why the document cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// An array as its document describes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DescribedArray {
    pub(crate) shape: Vec<u64>,
    pub(crate) data_type: String,
    pub(crate) dimension_names: Option<Vec<Option<String>>>,
    /// The shape of the chunks, of the inner chunks if the array is sharded; null if chunks have
    /// several shapes.
    pub(crate) chunk_shape: Option<Vec<u64>>,
    pub(crate) shard_shape: Option<Vec<u64>>,
    pub(crate) codecs: Vec<String>,
}

impl Described {
    pub(crate) fn new(path: &NodePath, document: &zarr::Result<NodeMetadata>) -> Self {
        let path = path.to_string();
        let format = |metadata: &NodeMetadata| if metadata.zarr_2().is_some() { 2 } else { 3 };
        match document {
            Ok(metadata) => Self {
                path,
                kind: match metadata {
                    NodeMetadata::Array(_) => "array",
                    NodeMetadata::Group(_) => "group",
                },
                zarr_format: Some(format(metadata)),
                array: match metadata {
                    NodeMetadata::Array(array) => Some(DescribedArray::new(array)),
                    NodeMetadata::Group(_) => None,
                },
                error: None,
            },
            Err(error) => Self {
                path,
                kind: "unreadable",
                zarr_format: None,
                array: None,
                error: Some(error.to_string()),
            },
        }
    }

    /// Returns shape, data type and chunks in one line.
    pub(crate) fn line(&self) -> String {
        match (&self.array, &self.error) {
            (Some(array), _) => array.line(),
            (None, Some(error)) => error.clone(),
            (None, None) => String::new(),
        }
    }
}

impl DescribedArray {
    pub(crate) fn new(metadata: &ArrayMetadata) -> Self {
        let grid = lengths(metadata.chunk_grid(), "chunk_shape");
        let sharding = metadata
            .codecs()
            .iter()
            .find(|codec| codec.name() == "sharding_indexed");
        let inner = sharding.and_then(|codec| lengths(codec, "chunk_shape"));
        Self {
            shape: metadata.shape().to_vec(),
            data_type: extension(metadata.data_type()),
            dimension_names: metadata.dimension_names().map(<[_]>::to_vec),
            chunk_shape: if sharding.is_some() {
                inner
            } else {
                grid.clone()
            },
            shard_shape: grid.filter(|_| sharding.is_some()),
            codecs: metadata.codecs().iter().map(extension).collect(),
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{} {}", text::shape(&self.shape), self.data_type);
        match &self.chunk_shape {
            Some(chunks) => line += &format!(" chunks {}", text::shape(chunks)),
            None => line += " chunks of several shapes",
        }
        if let Some(shards) = &self.shard_shape {
            line += &format!(" shards {}", text::shape(shards));
        }
        line
    }
}

/// Returns an extension point as text: `zstd(level=3, checksum=false)`.
pub(crate) fn extension(extension: &Extension) -> String {
    let Some(members) = extension
        .configuration()
        .filter(|members| !members.is_empty())
    else {
        return extension.name().to_owned();
    };
    let members = members.iter().map(|(name, value)| {
        let value = serde_json::from_str(value.get()).unwrap_or(Value::Null);
        format!("{name}={}", argument(&value))
    });
    format!(
        "{}({})",
        extension.name(),
        members.collect::<Vec<_>>().join(", ")
    )
}

/// Returns a member of a configuration as text; codecs inside a configuration like codecs.
fn argument(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items = items.iter().map(argument);
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let name = members.get("name").and_then(Value::as_str);
            match (
                name,
                members.get("configuration").and_then(Value::as_object),
            ) {
                (Some(name), Some(inner)) if !inner.is_empty() => {
                    let inner = inner.iter();
                    let inner = inner.map(|(name, value)| format!("{name}={}", argument(value)));
                    format!("{name}({})", inner.collect::<Vec<_>>().join(", "))
                }
                (Some(name), _) if members.len() <= 2 => name.to_owned(),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

fn lengths(extension: &Extension, member: &str) -> Option<Vec<u64>> {
    let value = extension.configuration()?.get(member)?;
    serde_json::from_str(value.get()).ok()
}
