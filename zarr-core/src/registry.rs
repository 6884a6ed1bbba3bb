//! What a hierarchy understands: a value that maps extension names to the functions that bind them. There is no global one.

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

/// How a codec is bound, by its kind: from its configuration and what it receives. The binder binds what its configuration names:
/// codecs, codec chains, data types.
#[derive(Clone, Copy)]
pub enum BindCodec {
    /// To a chunk.
    ArrayToArray(fn(&Extension, &ChunkSpec, &Binder<'_>) -> Result<Arc<dyn ArrayToArray>>),
    /// To a chunk.
    ArrayToBytes(fn(&Extension, &ChunkSpec, &Binder<'_>) -> Result<Arc<dyn ArrayToBytes>>),
    /// To the size of what it receives.
    BytesToBytes(fn(&Extension, EncodedSize, &Binder<'_>) -> Result<Arc<dyn BytesToBytes>>),
}

/// How a data type is bound; the registry binds the data types inside it.
pub type BindDataType = fn(&Extension, &Registry) -> Result<DataType>;
/// How a chunk grid is bound, to the shape of its array.
pub type BindChunkGrid = fn(&Extension, &[u64]) -> Result<ChunkGrid>;
/// How a chunk key encoding is bound.
pub type BindChunkKeyEncoding = fn(&Extension) -> Result<ChunkKeyEncoding>;

/// The extensions that are understood, and the limits within which.
#[derive(Clone, Default)]
pub struct Registry {
    codecs: BTreeMap<String, BindCodec>,
    data_types: BTreeMap<String, BindDataType>,
    chunk_grids: BTreeMap<String, BindChunkGrid>,
    chunk_key_encodings: BTreeMap<String, BindChunkKeyEncoding>,
    /// Codecs by names that only a tolerant reader knows.
    legacy_codecs: BTreeMap<String, BindCodec>,
    /// What to do about codecs that this build lacks.
    missing_codecs: BTreeMap<String, &'static str>,
    limits: Limits,
    strictness: Strictness,
}

impl Registry {
    /// This registry with a codec, in place of one of that name.
    #[must_use]
    pub fn with_codec(mut self, name: &str, bind: BindCodec) -> Self {
        self.codecs.insert(name.to_owned(), bind);
        self
    }

    /// This registry with a name of a codec that only a tolerant reader knows: one of a draft, or of another library before the codec was
    /// registered.
    #[must_use]
    pub fn with_legacy_codec(mut self, name: &str, bind: BindCodec) -> Self {
        self.legacy_codecs.insert(name.to_owned(), bind);
        self
    }

    /// This registry with the name of a codec that this build lacks, and what a user does to get it: "enable the cargo feature ...".
    #[must_use]
    pub fn with_missing_codec(mut self, name: &str, advice: &'static str) -> Self {
        self.missing_codecs.insert(name.to_owned(), advice);
        self
    }

    /// This registry with a data type, in place of one of that name.
    #[must_use]
    pub fn with_data_type(mut self, name: &str, bind: BindDataType) -> Self {
        self.data_types.insert(name.to_owned(), bind);
        self
    }

    /// This registry with a chunk grid, in place of one of that name.
    #[must_use]
    pub fn with_chunk_grid(mut self, name: &str, bind: BindChunkGrid) -> Self {
        self.chunk_grids.insert(name.to_owned(), bind);
        self
    }

    /// This registry with a chunk key encoding, in place of one of that name.
    #[must_use]
    pub fn with_chunk_key_encoding(mut self, name: &str, bind: BindChunkKeyEncoding) -> Self {
        self.chunk_key_encodings.insert(name.to_owned(), bind);
        self
    }

    /// This registry within other limits.
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

    /// This registry, which reads or refuses what other libraries write beyond the specification; tolerant by default.
    #[must_use]
    pub fn with_strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Whether what other libraries write beyond the specification is read.
    #[must_use]
    pub fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// Reads a fill value, in the spellings of the specification and, if this registry is tolerant, in those of docs/tolerance.md.
    ///
    /// # Errors
    /// [`Error::FillValue`] where the type has no such value.
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
    /// [`Error::UnknownExtension`], or what is wrong with its configuration.
    pub fn bind_data_type(&self, extension: &Extension) -> Result<DataType> {
        if let Some(bind) = self.data_types.get(extension.name()) {
            return bind(extension, self);
        }
        let core = CORE_NAMES.iter().map(|name| (*name).to_owned());
        bind_core(extension)?.ok_or_else(|| {
            unknown(
                "data type",
                extension,
                core.chain(self.data_types.keys().cloned()),
            )
        })
    }

    /// Binds a chunk grid to the shape of its array.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], or what is wrong with its configuration.
    pub fn bind_chunk_grid(&self, extension: &Extension, shape: &[u64]) -> Result<ChunkGrid> {
        match self.chunk_grids.get(extension.name()) {
            Some(bind) => bind(extension, shape),
            None => Err(unknown(
                "chunk grid",
                extension,
                self.chunk_grids.keys().cloned(),
            )),
        }
    }

    /// Binds a chunk key encoding.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`], or what is wrong with its configuration.
    pub fn bind_chunk_key_encoding(&self, extension: &Extension) -> Result<ChunkKeyEncoding> {
        match self.chunk_key_encodings.get(extension.name()) {
            Some(bind) => bind(extension),
            None => Err(unknown(
                "chunk key encoding",
                extension,
                self.chunk_key_encodings.keys().cloned(),
            )),
        }
    }

    /// Binds a codec chain to what it receives.
    ///
    /// # Errors
    /// [`Error::InMember`] with the position of the codec and what is wrong with it.
    pub fn bind_codecs(&self, codecs: &[Extension], spec: ChunkSpec) -> Result<CodecChain> {
        Binder::new(self).chain(codecs, spec)
    }

    fn codec(&self, extension: &Extension) -> Result<BindCodec> {
        let legacy = || match self.strictness {
            Strictness::Tolerant => self.legacy_codecs.get(extension.name()),
            Strictness::Strict => None,
        };
        self.codecs
            .get(extension.name())
            .or_else(legacy)
            .copied()
            .ok_or_else(|| match self.missing_codecs.get(extension.name()) {
                Some(advice) => Error::Unsupported {
                    what: format!(
                        "codec {:?}, which this build lacks; {advice}",
                        extension.name()
                    ),
                },
                None => unknown("codec", extension, self.codecs.keys().cloned()),
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
            .field("codecs", &self.codecs.keys())
            .field("data_types", &self.data_types.keys())
            .field("chunk_grids", &self.chunk_grids.keys())
            .field("chunk_key_encodings", &self.chunk_key_encodings.keys())
            .field("limits", &self.limits)
            .field("strictness", &self.strictness)
            .finish()
    }
}

/// Binds codecs and codec chains, and counts how deep inside shards and other codecs it is.
#[derive(Clone, Copy, Debug)]
pub struct Binder<'a> {
    registry: &'a Registry,
    depth: usize,
}

impl<'a> Binder<'a> {
    /// A binder outside all codecs.
    #[must_use]
    pub fn new(registry: &'a Registry) -> Self {
        Self { registry, depth: 0 }
    }

    /// What is understood.
    #[must_use]
    pub fn registry(&self) -> &'a Registry {
        self.registry
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &'a Limits {
        &self.registry.limits
    }

    /// The binder inside a codec.
    fn inner(&self) -> Result<Self> {
        let limit = self.limits().max_shard_depth;
        if self.depth >= limit {
            return Err(Error::TooLarge {
                what: "nesting of shards",
                wanted: (self.depth + 1).to_string(),
                limit: limit as u64,
            });
        }
        Ok(Self {
            registry: self.registry,
            depth: self.depth + 1,
        })
    }

    /// Binds a chain inside a shard or another codec.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where they nest too deep; else as [`Self::chain`].
    pub fn inner_chain(&self, codecs: &[Extension], spec: ChunkSpec) -> Result<CodecChain> {
        self.inner()?.chain(codecs, spec)
    }

    /// Binds a bytes to bytes codec inside another codec, to the size of what it receives.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where they nest too deep, [`Error::Invalid`] for a codec of another kind, or what is wrong with it.
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

    /// Binds a chain to what it receives: array to array codecs, one array to bytes codec, bytes to bytes codecs, in this order.
    ///
    /// # Errors
    /// [`Error::InMember`] with the position of the codec and what is wrong with it.
    pub fn chain(&self, codecs: &[Extension], spec: ChunkSpec) -> Result<CodecChain> {
        let limit = self.limits().max_codecs;
        if codecs.len() > limit {
            return Err(Error::TooLarge {
                what: "number of codecs",
                wanted: codecs.len().to_string(),
                limit: limit as u64,
            });
        }
        let mut array_to_array: Vec<Arc<dyn ArrayToArray>> = Vec::new();
        let mut array_to_bytes: Option<Arc<dyn ArrayToBytes>> = None;
        let mut bytes_to_bytes: Vec<Arc<dyn BytesToBytes>> = Vec::new();
        let mut stored = spec.clone();
        let mut size = EncodedSize::Exact(0);
        for (position, codec) in codecs.iter().enumerate() {
            let place = |error: Error| error.member(format_args!("codecs[{position}]"));
            let found = format!("codec {:?}", codec.name());
            match self.registry.codec(codec).map_err(place)? {
                BindCodec::ArrayToArray(bind) if array_to_bytes.is_none() => {
                    let bound = bind(codec, &stored, self).map_err(place)?;
                    stored = bound.encoded().clone();
                    self.check_rank(&stored).map_err(place)?;
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
                    return Err(place(Error::invalid(found, expected)));
                }
                BindCodec::ArrayToArray(_) | BindCodec::ArrayToBytes(_) => {
                    let expected = "only bytes -> bytes codecs after the array -> bytes codec";
                    return Err(place(Error::invalid(found, expected)));
                }
            }
        }
        match array_to_bytes {
            Some(array_to_bytes) => CodecChain::new(
                spec,
                array_to_array,
                array_to_bytes,
                bytes_to_bytes,
                self.limits(),
            ),
            None => Err(Error::invalid("no array -> bytes codec", "exactly one").member("codecs")),
        }
    }

    fn check_rank(&self, spec: &ChunkSpec) -> Result<()> {
        let limit = self.limits().max_rank;
        if spec.shape.len() <= limit {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: "number of dimensions",
            wanted: spec.shape.len().to_string(),
            limit: limit as u64,
        })
    }
}
