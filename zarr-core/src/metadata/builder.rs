//! Metadata for a new array, with every default written out.

use serde_json::value::{RawValue, to_raw_value};

use super::{ArrayMetadata, Attributes, codecs};
use crate::data_type::{DataType, Element};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::json::Members;
use crate::registry::Registry;

/// The largest default chunk, decoded, in bytes.
const DEFAULT_CHUNK_SIZE: u64 = 1 << 20;

/// A description of an array to be created. Omitted properties have defaults, which the document
/// records.
///
/// ```
/// use zarr_core::metadata::ArrayBuilder;
///
/// let metadata = ArrayBuilder::new(&[365, 720, 1440], "float32")
///     .with_chunk_shape(&[1, 90, 90])
///     .with_shard_shape(&[8, 720, 1440])
///     .with_dimension_names(["time", "latitude", "longitude"])
///     .with_fill_value(f32::NAN)?
///     .build()?;
/// assert_eq!(metadata.shape(), [365, 720, 1440]);
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ArrayBuilder {
    shape: Vec<u64>,
    data_type: Extension,
    chunk_shape: Option<Vec<u64>>,
    shard_shape: Option<Vec<u64>>,
    chunk_grid: Option<Extension>,
    chunk_key_encoding: Extension,
    fill_value: Option<Box<RawValue>>,
    codecs: Option<Vec<Extension>>,
    attributes: Attributes,
    dimension_names: Option<Vec<Option<String>>>,
}

/// A value for [`ArrayBuilder::with_fill_value`]: an element of a core or registered data type, or a
/// string.
pub trait FillElement {
    /// Returns the fill value as JSON.
    ///
    /// # Errors
    /// [`Error::ElementType`] if the Rust type does not hold the data type, and
    /// [`Error::UnknownExtension`] if the data type is not known.
    fn fill_json(self, data_type: &Extension) -> Result<String>;
}

impl<T: Element> FillElement for T {
    fn fill_json(self, data_type: &Extension) -> Result<String> {
        // The tables of registered data types are built only for those.
        let core = DataType::core(data_type.name());
        let data_type = core.or_else(|_| known_data_types().bind_data_type(data_type))?;
        let fill_value = data_type.fill_value_of(self)?;
        Ok(data_type.fill_value_to_json(&fill_value))
    }
}

fn known_data_types() -> Registry {
    Registry::core().with_registered_data_types()
}

impl FillElement for &str {
    fn fill_json(self, data_type: &Extension) -> Result<String> {
        match data_type.name() {
            "string" | "fixed_length_utf32" => Ok(to_raw_value(self)?.get().to_owned()),
            name => Err(Error::ElementType {
                data_type: name.to_owned(),
                element: "string",
            }),
        }
    }
}

impl FillElement for String {
    fn fill_json(self, data_type: &Extension) -> Result<String> {
        self.as_str().fill_json(data_type)
    }
}

impl ArrayBuilder {
    /// Creates the description of an array of this shape and data type, such as `uint16`, with
    /// defaults: chunks of at most 1 MiB, zstd, a fill value of zero.
    #[must_use]
    pub fn new(shape: &[u64], data_type: &str) -> Self {
        Self {
            shape: shape.to_vec(),
            data_type: Extension::new(data_type),
            chunk_shape: None,
            shard_shape: None,
            chunk_grid: None,
            chunk_key_encoding: Extension::new("default").with("separator", "/"),
            fill_value: None,
            codecs: None,
            attributes: Attributes::new(),
            dimension_names: None,
        }
    }

    /// Sets the shape of the chunks, in elements; for a sharded array, of the inner chunks.
    #[must_use]
    pub fn with_chunk_shape(mut self, shape: &[u64]) -> Self {
        self.chunk_shape = Some(shape.to_vec());
        self
    }

    /// Stores chunks together in shards of this shape, in elements: a multiple of the chunk shape
    /// in each dimension.
    #[must_use]
    pub fn with_shard_shape(mut self, shape: &[u64]) -> Self {
        self.shard_shape = Some(shape.to_vec());
        self
    }

    /// Sets the codecs of the chunks, in the order of encoding; for a sharded array, of the inner
    /// chunks. Default: `bytes` in little-endian order (`vlen-utf8` or `vlen-bytes` for
    /// variable-size elements) and `zstd`.
    #[must_use]
    pub fn with_codecs(mut self, codecs: impl IntoIterator<Item = Extension>) -> Self {
        self.codecs = Some(codecs.into_iter().collect());
        self
    }

    /// Sets a data type with its configuration.
    #[must_use]
    pub fn with_data_type(mut self, data_type: Extension) -> Self {
        self.data_type = data_type;
        self
    }

    /// Sets a chunk grid, instead of the regular grid of the chunk or shard shape.
    #[must_use]
    pub fn with_chunk_grid(mut self, grid: Extension) -> Self {
        self.chunk_grid = Some(grid);
        self
    }

    /// Sets a chunk key encoding, instead of `default` with slashes.
    #[must_use]
    pub fn with_chunk_key_encoding(mut self, encoding: Extension) -> Self {
        self.chunk_key_encoding = encoding;
        self
    }

    /// Sets the value of elements that are not stored: an element of a core or registered data type,
    /// or a string.
    ///
    /// ```
    /// use zarr_core::metadata::ArrayBuilder;
    ///
    /// let numbers = ArrayBuilder::new(&[4], "float32").with_fill_value(f32::NAN)?.build()?;
    /// let names = ArrayBuilder::new(&[4], "string").with_fill_value("?")?.build()?;
    /// # assert_eq!(numbers.members().get("fill_value").map(|value| value.get()), Some("\"NaN\""));
    /// # assert_eq!(names.members().get("fill_value").map(|value| value.get()), Some("\"?\""));
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InMember`] with [`Error::ElementType`] if the Rust type does not hold the array's
    /// data type, or with [`Error::UnknownExtension`] if the data type is not known.
    pub fn with_fill_value(self, value: impl FillElement) -> Result<Self> {
        let json = value.fill_json(&self.data_type);
        self.with_fill_json(&json.map_err(|error| error.member("fill_value"))?)
    }

    /// Sets the value of elements that are not stored, as JSON.
    ///
    /// # Errors
    /// [`Error::Syntax`] if the text is not JSON.
    pub fn with_fill_json(mut self, json: &str) -> Result<Self> {
        self.fill_value = Some(RawValue::from_string(json.to_owned())?);
        Ok(self)
    }

    /// Sets the user's attributes.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Sets the names of all dimensions.
    #[must_use]
    pub fn with_dimension_names<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.dimension_names = Some(names.into_iter().map(|name| Some(name.into())).collect());
        self
    }

    /// Sets the names of the dimensions, with `None` for unnamed dimensions.
    #[must_use]
    pub fn with_some_dimension_names(mut self, names: Vec<Option<String>>) -> Self {
        self.dimension_names = Some(names);
        self
    }

    /// Returns the error for a description without a fill value that has no default either.
    fn without_fill_value(&self) -> Error {
        match known_data_types().bind_data_type(&self.data_type) {
            // The names of programs have a prefix.
            Err(error) if !self.data_type.name().contains('.') => error.member("data_type"),
            _ => Error::MissingMember {
                member: "fill_value",
            },
        }
    }

    /// Builds the metadata document.
    ///
    /// # Errors
    /// Fails if the description is not that of a legal array. [`crate::ArrayLayout::bind`] checks
    /// that all extensions are known.
    pub fn build(self) -> Result<ArrayMetadata> {
        if self.data_type.name() == "structured" {
            let expected = "\"struct\"; the legacy name is supported for reading only";
            return Err(Error::invalid("\"structured\"", expected).member("data_type"));
        }
        let core = DataType::core(self.data_type.name()).ok();
        let text = matches!(
            self.data_type.name(),
            "string" | "bytes" | "variable_length_bytes"
        );
        let fill_value = match (&self.fill_value, &core) {
            (Some(value), _) => value.clone(),
            (None, Some(core)) => RawValue::from_string(core.fill_value_to_json(&core.zero()))?,
            (None, None) if self.data_type.name().starts_with("numpy.") => {
                RawValue::from_string("\"NaT\"".to_owned())?
            }
            (None, None) if text => RawValue::from_string("\"\"".to_owned())?,
            (None, None) => return Err(self.without_fill_value()),
        };
        let item_size = core.as_ref().and_then(DataType::fixed_size).unwrap_or(16) as u64;
        let chunk_shape = match (&self.chunk_shape, &self.shard_shape) {
            (Some(chunk_shape), _) => chunk_shape.clone(),
            (None, Some(shard_shape)) => default_chunk_shape(shard_shape, item_size, |len| {
                len.checked_div(least_factor(len)).unwrap_or(len)
            }),
            (None, None) => default_chunk_shape(&self.shape, item_size, |len| len.div_ceil(2)),
        };
        let swaps = core.as_ref().is_none_or(|core| core.swap_size() > 1);
        let chunk_codecs = self
            .codecs
            .clone()
            .unwrap_or_else(|| match self.data_type.name() {
                "string" => vec![Extension::new("vlen-utf8"), codecs::zstd(3)],
                _ if text => vec![Extension::new("vlen-bytes"), codecs::zstd(3)],
                _ => vec![codecs::bytes(swaps), codecs::zstd(3)],
            });
        let (grid_shape, chain) = match &self.shard_shape {
            None => (chunk_shape, chunk_codecs),
            Some(shard) => (
                shard.clone(),
                vec![codecs::sharding(&chunk_shape, &chunk_codecs)],
            ),
        };
        let grid = self
            .chunk_grid
            .unwrap_or_else(|| Extension::new("regular").with("chunk_shape", grid_shape));

        let mut members = Members::new();
        members.set("zarr_format", &3)?;
        members.set("node_type", "array")?;
        members.set("shape", &self.shape)?;
        match self.data_type.configuration() {
            None => members.set("data_type", self.data_type.name())?,
            Some(_) => members.set("data_type", &self.data_type)?,
        }
        members.set("chunk_grid", &grid)?;
        members.set("chunk_key_encoding", &self.chunk_key_encoding)?;
        members.set("fill_value", &to_raw_value(&fill_value)?)?;
        members.set("codecs", &chain)?;
        if let Some(names) = &self.dimension_names {
            members.set("dimension_names", names)?;
        }
        members.set("attributes", self.attributes.members())?;
        ArrayMetadata::from_members(members)
    }
}

/// Returns the shape, shortened along its longest dimension until a chunk is small enough.
fn default_chunk_shape(shape: &[u64], item_size: u64, smaller: fn(u64) -> u64) -> Vec<u64> {
    let mut chunk = shape.iter().map(|&len| len.max(1)).collect::<Vec<_>>();
    let size = |chunk: &[u64]| {
        chunk
            .iter()
            .fold(item_size, |size, &len| size.saturating_mul(len))
    };
    while size(&chunk) > DEFAULT_CHUNK_SIZE {
        match chunk.iter_mut().max().filter(|longest| **longest > 1) {
            Some(longest) => *longest = smaller(*longest),
            None => break,
        }
    }
    chunk
}

/// Returns the least prime factor of a number greater than 1, because inner chunks divide their
/// shard.
fn least_factor(number: u64) -> u64 {
    let root = number.isqrt();
    (2..=root)
        .find(|factor| number.is_multiple_of(*factor))
        .unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_CHUNK_SIZE, default_chunk_shape, least_factor};

    #[test]
    fn chunks_that_nobody_chose_divide_their_shard() {
        for shard in [[1000, 999], [1021, 1021], [1, 1 << 20], [0, 5]] {
            let chunk = default_chunk_shape(&shard, 8, |len| {
                len.checked_div(least_factor(len)).unwrap_or(len)
            });
            let divides = shard
                .iter()
                .zip(&chunk)
                .all(|(&shard, chunk)| shard.is_multiple_of(*chunk));
            assert!(
                divides && chunk[0] * chunk[1] * 8 <= DEFAULT_CHUNK_SIZE,
                "{shard:?} {chunk:?}"
            );
        }
    }
}
