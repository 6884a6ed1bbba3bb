//! The extensions that a hierarchy supports: a value that maps extension names to the functions
//! that bind them. There is no global registry.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::chunk_grid::ChunkGrid;
use crate::chunk_key::ChunkKeyEncoding;
use crate::codec::{ArrayToArray, ArrayToBytes, BytesToBytes, ChunkSpec, CodecChain, EncodedSize};
use crate::data_type::{CORE_NAMES, DataType, FillValue, bind_core};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::limits::Limits;
use crate::strictness::Strictness;

/// The function that binds a codec, by the codec's kind, to its configuration and its input. The
/// binder binds the codecs, codec chains and data types named in the configuration.
#[derive(Clone, Copy)]
pub enum BindCodec {
    /// Binds an array to array codec to a chunk.
    ArrayToArray(fn(&Extension, &ChunkSpec, &Binder<'_>) -> Result<Arc<dyn ArrayToArray>>),
    /// Binds an array to bytes codec to a chunk.
    ArrayToBytes(fn(&Extension, &ChunkSpec, &Binder<'_>) -> Result<Arc<dyn ArrayToBytes>>),
    /// Binds a bytes to bytes codec to the size of its input.
    BytesToBytes(fn(&Extension, EncodedSize, &Binder<'_>) -> Result<Arc<dyn BytesToBytes>>),
}

/// The function that binds a data type; the registry binds the data types inside it.
pub type BindDataType = fn(&Extension, &Registry) -> Result<DataType>;
/// The function that binds a chunk grid to the shape of its array.
pub type BindChunkGrid = fn(&Extension, &[u64]) -> Result<ChunkGrid>;
/// The function that binds a chunk key encoding.
pub type BindChunkKeyEncoding = fn(&Extension) -> Result<ChunkKeyEncoding>;

/// The supported extensions, and the limits in force. Clones share their tables.
#[derive(Clone, Default)]
pub struct Registry {
    tables: Arc<Tables>,
    limits: Limits,
    strictness: Strictness,
}

/// The supported extensions by name.
#[derive(Clone, Default)]
struct Tables {
    codecs: BTreeMap<String, BindCodec>,
    data_types: BTreeMap<String, BindDataType>,
    chunk_grids: BTreeMap<String, BindChunkGrid>,
    chunk_key_encodings: BTreeMap<String, BindChunkKeyEncoding>,
    /// Codecs by names that only a tolerant reader accepts.
    legacy_codecs: BTreeMap<String, BindCodec>,
    /// Advice for codecs that this build lacks.
    missing_codecs: BTreeMap<String, &'static str>,
}

impl Registry {
    fn tables_mut(&mut self) -> &mut Tables {
        Arc::make_mut(&mut self.tables)
    }

    /// Returns this registry with a codec, replacing any codec of that name.
    #[must_use]
    pub fn with_codec(mut self, name: &str, bind: BindCodec) -> Self {
        self.tables_mut().codecs.insert(name.to_owned(), bind);
        self
    }

    /// Returns this registry with a codec name that only a tolerant reader accepts: from a draft,
    /// or from another library before the codec was registered.
    #[must_use]
    pub fn with_legacy_codec(mut self, name: &str, bind: BindCodec) -> Self {
        self.tables_mut()
            .legacy_codecs
            .insert(name.to_owned(), bind);
        self
    }

    /// Returns this registry with the name of a codec that this build lacks, and advice on how to
    /// get it: "enable the cargo feature ...".
    #[must_use]
    pub fn with_missing_codec(mut self, name: &str, advice: &'static str) -> Self {
        self.tables_mut()
            .missing_codecs
            .insert(name.to_owned(), advice);
        self
    }

    /// Returns this registry with a data type, replacing any data type of that name.
    #[must_use]
    pub fn with_data_type(mut self, name: &str, bind: BindDataType) -> Self {
        self.tables_mut().data_types.insert(name.to_owned(), bind);
        self
    }

    /// Returns this registry with a chunk grid, replacing any chunk grid of that name.
    #[must_use]
    pub fn with_chunk_grid(mut self, name: &str, bind: BindChunkGrid) -> Self {
        self.tables_mut().chunk_grids.insert(name.to_owned(), bind);
        self
    }

    /// Returns this registry with a chunk key encoding, replacing any chunk key encoding of that
    /// name.
    #[must_use]
    pub fn with_chunk_key_encoding(mut self, name: &str, bind: BindChunkKeyEncoding) -> Self {
        self.tables_mut()
            .chunk_key_encodings
            .insert(name.to_owned(), bind);
        self
    }

    /// Returns this registry with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns this registry with the given strictness: whether it reads or rejects what other
    /// libraries write beyond the specification. Tolerant by default.
    #[must_use]
    pub fn with_strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Whether spellings that other libraries write beyond the specification are read.
    #[must_use]
    pub fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// Parses a fill value, in the spellings of the specification and, if this registry is
    /// tolerant, those of docs/tolerance.md.
    ///
    /// # Errors
    /// [`Error::FillValue`] if the data type has no such value.
    pub fn parse_fill_value(&self, data_type: &DataType, value: &RawValue) -> Result<FillValue> {
        data_type.parse_fill_value(value).or_else(|error| {
            let respelled = match self.strictness {
                Strictness::Tolerant => data_type.respell_fill_value(value),
                Strictness::Strict => None,
            };
            respelled.map_or(Err(error), |value| data_type.parse_fill_value(&value))
        })
    }

    /// Binds a data type.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], or an error in its configuration.
    pub fn bind_data_type(&self, extension: &Extension) -> Result<DataType> {
        if let Some(bind) = self.tables.data_types.get(extension.name()) {
            return bind(extension, self);
        }
        let core = CORE_NAMES.iter().map(|name| (*name).to_owned());
        bind_core(extension)?.ok_or_else(|| {
            unknown(
                "data type",
                extension,
                core.chain(self.tables.data_types.keys().cloned()),
            )
        })
    }

    /// Binds a chunk grid to the shape of its array.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], or an error in its configuration.
    pub fn bind_chunk_grid(&self, extension: &Extension, shape: &[u64]) -> Result<ChunkGrid> {
        match self.tables.chunk_grids.get(extension.name()) {
            Some(bind) => bind(extension, shape),
            None => Err(unknown(
                "chunk grid",
                extension,
                self.tables.chunk_grids.keys().cloned(),
            )),
        }
    }

    /// Binds a chunk key encoding.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], or an error in its configuration.
    pub fn bind_chunk_key_encoding(&self, extension: &Extension) -> Result<ChunkKeyEncoding> {
        match self.tables.chunk_key_encodings.get(extension.name()) {
            Some(bind) => bind(extension),
            None => Err(unknown(
                "chunk key encoding",
                extension,
                self.tables.chunk_key_encodings.keys().cloned(),
            )),
        }
    }

    /// Binds a codec chain to its input.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the chain has too many codecs, [`Error::InMember`] with the position
    /// of the codec and its error.
    pub fn bind_codecs(&self, codecs: &[Extension], spec: ChunkSpec) -> Result<CodecChain> {
        Binder::new(self).chain(codecs, spec)
    }

    fn codec(&self, extension: &Extension) -> Result<BindCodec> {
        let legacy = || match self.strictness {
            Strictness::Tolerant => self.tables.legacy_codecs.get(extension.name()),
            Strictness::Strict => None,
        };
        self.tables
            .codecs
            .get(extension.name())
            .or_else(legacy)
            .copied()
            .ok_or_else(|| match self.tables.missing_codecs.get(extension.name()) {
                Some(advice) => Error::Unsupported {
                    what: format!(
                        "codec {:?} is not in this build; {advice}",
                        extension.name()
                    ),
                },
                None => unknown("codec", extension, self.tables.codecs.keys().cloned()),
            })
    }
}

fn unknown(
    point: &'static str,
    extension: &Extension,
    names: impl Iterator<Item = String>,
) -> Error {
    Error::UnknownExtension {
        point,
        name: extension.name().to_owned(),
        registered: names.collect::<Vec<_>>().join(", "),
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("codecs", &self.tables.codecs.keys())
            .field("data_types", &self.tables.data_types.keys())
            .field("chunk_grids", &self.tables.chunk_grids.keys())
            .field(
                "chunk_key_encodings",
                &self.tables.chunk_key_encodings.keys(),
            )
            .field("limits", &self.limits)
            .field("strictness", &self.strictness)
            .finish()
    }
}

/// Binds codecs and codec chains, and counts the nesting inside shards and other codecs.
#[derive(Clone, Copy, Debug)]
pub struct Binder<'a> {
    registry: &'a Registry,
    depth: usize,
}

impl<'a> Binder<'a> {
    /// Creates a binder outside all codecs.
    #[must_use]
    pub fn new(registry: &'a Registry) -> Self {
        Self { registry, depth: 0 }
    }

    /// The registry of supported extensions.
    #[must_use]
    pub fn registry(&self) -> &'a Registry {
        self.registry
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &'a Limits {
        &self.registry.limits
    }

    /// Returns the binder for the inside of a codec.
    fn inner(&self) -> Result<Self> {
        let (registry, depth) = (self.registry, self.depth + 1);
        at_most(self.limits().max_shard_depth, depth, "nesting of shards")?;
        Ok(Self { registry, depth })
    }

    /// Binds a chain inside a shard or another codec.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the nesting is too deep; else the errors of [`Self::chain`].
    pub fn inner_chain(&self, codecs: &[Extension], spec: ChunkSpec) -> Result<CodecChain> {
        self.inner()?.chain(codecs, spec)
    }

    /// Binds a bytes to bytes codec inside another codec, to the size of its input.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the nesting is too deep, [`Error::Invalid`] for a codec of another
    /// kind, or the codec's own error.
    pub fn inner_bytes_to_bytes(
        &self,
        codec: &Extension,
        decoded: EncodedSize,
    ) -> Result<Arc<dyn BytesToBytes>> {
        match self.registry.codec(codec)? {
            BindCodec::BytesToBytes(bind) => bind(codec, decoded, &self.inner()?),
            _ => Err(Error::invalid(
                format!("codec {:?}", codec.name()),
                "a bytes -> bytes codec",
            )),
        }
    }

    /// Binds a chain to its input: array to array codecs, one array to bytes codec, bytes to bytes
    /// codecs, in this order.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the chain has too many codecs, [`Error::InMember`] with the position
    /// of the codec and its error.
    pub fn chain(&self, codecs: &[Extension], spec: ChunkSpec) -> Result<CodecChain> {
        at_most(self.limits().max_codecs, codecs.len(), "number of codecs")?;
        let mut array_to_array: Vec<Arc<dyn ArrayToArray>> = Vec::new();
        let mut array_to_bytes: Option<Arc<dyn ArrayToBytes>> = None;
        let mut bytes_to_bytes: Vec<Arc<dyn BytesToBytes>> = Vec::new();
        let mut stored = spec.clone();
        let mut size = EncodedSize::Exact(0);
        for (position, codec) in codecs.iter().enumerate() {
            let place = |error: Error| error.member(format_args!("codecs[{position}]"));
            let misplaced = |expected| {
                place(Error::invalid(
                    format!("codec {:?}", codec.name()),
                    expected,
                ))
            };
            match self.registry.codec(codec).map_err(place)? {
                BindCodec::ArrayToArray(bind) if array_to_bytes.is_none() => {
                    let bound = bind(codec, &stored, self).map_err(place)?;
                    stored = bound.encoded().clone();
                    let rank = stored.shape.len();
                    at_most(self.limits().max_rank, rank, "number of dimensions").map_err(place)?;
                    array_to_array.push(bound);
                }
                BindCodec::ArrayToBytes(bind) if array_to_bytes.is_none() => {
                    let bound = bind(codec, &stored, self).map_err(place)?;
                    size = bound.encoded_size();
                    array_to_bytes = Some(bound);
                }
                BindCodec::BytesToBytes(bind) if array_to_bytes.is_some() => {
                    let bound = bind(codec, size, self).map_err(place)?;
                    size = bound.encoded_size();
                    bytes_to_bytes.push(bound);
                }
                BindCodec::BytesToBytes(_) => {
                    let expected = "an array -> bytes codec before the first bytes -> bytes codec";
                    return Err(misplaced(expected));
                }
                BindCodec::ArrayToArray(_) | BindCodec::ArrayToBytes(_) => {
                    let expected = "only bytes -> bytes codecs after the array -> bytes codec";
                    return Err(misplaced(expected));
                }
            }
        }
        match array_to_bytes {
            Some(array_to_bytes) => CodecChain::new(
                codecs,
                spec,
                array_to_array,
                array_to_bytes,
                bytes_to_bytes,
                self.limits(),
            ),
            None => Err(Error::invalid("no array -> bytes codec", "exactly one").member("codecs")),
        }
    }
}

/// Rejects more than `limit`.
fn at_most(limit: usize, wanted: usize, what: &'static str) -> Result<()> {
    if wanted <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what,
        wanted: wanted.to_string(),
        limit: limit as u64,
    })
}
