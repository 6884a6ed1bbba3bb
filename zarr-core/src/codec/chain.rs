//! A codec chain, bound to the chunk that it encodes: from stored bytes to elements and back.

mod whole;

use std::sync::Arc;

use super::spec::{StoredElements, check_offsets};
use super::wrap::{unwrap_bytes, unwrap_bytes_into, wrap_bytes};
use super::{
    ArrayToArray, ArrayToBytes, ByteOrder, BytesToBytes, ChunkData, ChunkSpec, EncodedSize,
    Sharding, with_scratch, with_scratch_slice,
};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::limits::Limits;

/// Array to array codecs, one array to bytes codec and bytes to bytes codecs, bound to one chunk
/// shape.
///
/// *Planned* axes are the axes in which the core copies elements between a chunk and a buffer: the
/// stored axes if the array to array codecs only reorder axes, else the decoded axes.
///
/// A clone refers to the same codecs. Threads that each use an `Arc` of their own clone do not
/// contend for one count of references.
#[derive(Clone, Debug)]
pub struct CodecChain(Arc<Bound>);

#[derive(Debug)]
struct Bound {
    /// The codecs in metadata.
    codecs: Vec<Extension>,
    decoded: ChunkSpec,
    stored: ChunkSpec,
    array_to_array: Vec<Arc<dyn ArrayToArray>>,
    array_to_bytes: Arc<dyn ArrayToBytes>,
    bytes_to_bytes: Vec<Arc<dyn BytesToBytes>>,
    axis_order: Option<Vec<usize>>,
    /// The largest size of the chunk between any two codecs, in bytes.
    widest: usize,
    max_chunk_size: u64,
}

impl CodecChain {
    pub(crate) fn new(
        codecs: &[Extension],
        decoded: ChunkSpec,
        array_to_array: Vec<Arc<dyn ArrayToArray>>,
        array_to_bytes: Arc<dyn ArrayToBytes>,
        bytes_to_bytes: Vec<Arc<dyn BytesToBytes>>,
        limits: &Limits,
    ) -> Result<Self> {
        let identity = (0..decoded.shape.len()).collect();
        let axis_order = array_to_array
            .iter()
            .try_fold(identity, |order: Vec<usize>, codec| {
                Some(
                    codec
                        .axis_order()?
                        .iter()
                        .map(|&axis| order[axis])
                        .collect(),
                )
            });
        let stored = array_to_array
            .last()
            .map_or(&decoded, |codec| codec.encoded())
            .clone();
        // All sizes are computed here so that no later step can overflow; the limit is checked on
        // use.
        let encoded = array_to_array.iter().map(|codec| codec.encoded());
        let mut widest = 0;
        for spec in encoded.chain([&decoded]) {
            widest = widest.max(spec.decoded_size(isize::MAX as u64)?.unwrap_or(0));
        }
        Ok(Self(Arc::new(Bound {
            codecs: codecs.to_vec(),
            decoded,
            stored,
            array_to_array,
            array_to_bytes,
            bytes_to_bytes,
            axis_order,
            widest,
            max_chunk_size: limits.max_chunk_size,
        })))
    }

    /// Whether both chains decode equal bytes to equal chunks, if one registry bound them.
    pub(crate) fn decodes_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.decoded == other.0.decoded && self.0.codecs == other.0.codecs)
    }

    /// The chunk that the chain encodes.
    #[must_use]
    pub fn decoded(&self) -> &ChunkSpec {
        &self.0.decoded
    }

    /// The size of the encoded chunk.
    #[must_use]
    pub fn encoded_size(&self) -> EncodedSize {
        match self.0.bytes_to_bytes.last() {
            Some(codec) => codec.encoded_size(),
            None => self.0.array_to_bytes.encoded_size(),
        }
    }

    /// The parts of the shard, if the encoded chunk is a shard whose inner chunks can be read
    /// alone: no codec follows sharding, and the codecs before it only reorder axes.
    #[must_use]
    pub fn sharding(&self) -> Option<&dyn Sharding> {
        if self.0.bytes_to_bytes.is_empty() && self.0.axis_order.is_some() {
            self.0.array_to_bytes.sharding()
        } else {
            None
        }
    }

    /// The axis order: dimension `i` of the stored chunk is dimension `axis_order()[i]` of the
    /// decoded chunk. `None` if the codecs do more than reorder axes.
    #[must_use]
    pub fn axis_order(&self) -> Option<&[usize]> {
        self.0.axis_order.as_deref()
    }

    /// The axis order, if it moves any axis.
    pub(crate) fn permutation(&self) -> Option<&[usize]> {
        self.axis_order().filter(|order| !order.is_sorted())
    }

    /// The chunk in planned axes, in which elements are copied.
    pub(crate) fn planned(&self) -> &ChunkSpec {
        if self.0.axis_order.is_some() {
            &self.0.stored
        } else {
            &self.0.decoded
        }
    }

    /// The byte order of elements that are copied directly to or from the encoded form of the array
    /// to bytes codec; `None` if elements are not copied directly.
    ///
    /// In foreign byte order, structs and types that need `Admit` are not copied directly: their
    /// chunks are byte-swapped as a whole.
    fn copied_order(&self) -> Option<ByteOrder> {
        let order = self
            .0
            .axis_order
            .as_ref()
            .and_then(|_| self.0.array_to_bytes.byte_order())?;
        let data_type = &self.0.stored.data_type;
        let alike = data_type.admits_all() && data_type.fields().is_empty();
        (alike || order == ByteOrder::native()).then_some(order)
    }

    /// Whether [`Self::encode`] takes elements in foreign byte order, which is not this machine's.
    pub(crate) fn encodes_foreign(&self) -> bool {
        self.copied_order()
            .is_some_and(|order| order != ByteOrder::native())
    }

    /// The largest chunk that is decoded whole, in bytes.
    pub(crate) fn max_chunk_size(&self) -> u64 {
        self.0.max_chunk_size
    }

    /// The byte order of stored elements, if a codec defines one; for a shard, the byte order
    /// inside its inner chunks.
    pub(crate) fn stored_order(&self) -> Option<ByteOrder> {
        match self.0.array_to_bytes.sharding() {
            Some(sharding) => sharding.inner().stored_order(),
            None => self.0.array_to_bytes.byte_order(),
        }
    }

    /// Rejects a chunk whose size between any two codecs exceeds the limit.
    fn check_widest(&self) -> Result<()> {
        if self.0.widest as u64 <= self.0.max_chunk_size {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: "decoded chunk",
            wanted: format!("{} bytes", self.0.widest),
            limit: self.0.max_chunk_size,
        })
    }

    /// Returns the size of the elements of a chunk in bytes, which never exceeds the limit.
    pub(crate) fn elements_size(&self) -> Result<usize> {
        self.check_widest()?;
        self.planned()
            .decoded_size(self.0.max_chunk_size)?
            .ok_or_else(|| self.unsupported("a fixed-size buffer for variable-size elements of"))
    }

    /// Decodes an encoded chunk and lends its elements to `use_elements`.
    pub(crate) fn decode<R>(
        &self,
        encoded: &[u8],
        use_elements: impl FnOnce(StoredElements<'_>) -> Result<R>,
    ) -> Result<R> {
        let size = self.elements_size()?;
        unwrap_bytes(
            &self.0.bytes_to_bytes,
            self.0.array_to_bytes.encoded_size(),
            encoded,
            |stored| {
                if let Some(order) = self.copied_order() {
                    EncodedSize::Exact(size).check("decoded chunk", stored.len())?;
                    let foreign = order != ByteOrder::native();
                    let data_type = &self.0.stored.data_type;
                    if data_type.admits_all() {
                        return use_elements(StoredElements {
                            bytes: stored,
                            foreign,
                        });
                    }
                    return with_scratch_slice(size, |bytes| {
                        bytes.copy_from_slice(stored);
                        data_type.admit(bytes)?;
                        use_elements(StoredElements { bytes, foreign })
                    });
                }
                let data = self.decode_planned(stored)?;
                let bytes = data.fixed()?;
                EncodedSize::Exact(size).check("decoded chunk", bytes.len())?;
                use_elements(StoredElements {
                    bytes,
                    foreign: false,
                })
            },
        )
    }

    /// Decodes a chunk of variable-size elements to offsets, one more than there are elements, and
    /// bytes, in C order of the planned axes.
    pub(crate) fn decode_variable(&self, encoded: &[u8]) -> Result<(Vec<usize>, Vec<u8>)> {
        let stored = self.0.array_to_bytes.encoded_size();
        let data = unwrap_bytes(&self.0.bytes_to_bytes, stored, encoded, |stored| {
            self.decode_planned(stored)
        })?;
        match data {
            ChunkData::Fixed(_) => Err(self.unsupported("fixed-size elements for")),
            ChunkData::Variable { offsets, bytes } => {
                check_offsets(&offsets, &bytes, self.planned().elements()?)?;
                Ok((offsets, bytes))
            }
        }
    }

    /// Encodes variable-size elements, given in C order of the planned axes, and appends them to
    /// `encoded`.
    pub(crate) fn encode_variable(
        &self,
        offsets: Vec<usize>,
        bytes: Vec<u8>,
        encoded: &mut Vec<u8>,
    ) -> Result<()> {
        self.encode_planned(ChunkData::Variable { offsets, bytes }, encoded)
    }

    fn unsupported(&self, what: &str) -> Error {
        Error::Unsupported {
            what: format!("{what} {}", self.0.decoded.data_type),
        }
    }

    /// Decodes with the array to bytes codec, to elements in C order of the stored axes and this
    /// machine's byte order.
    fn decode_stored(&self, stored: &[u8]) -> Result<ChunkData> {
        let data_type = &self.0.stored.data_type;
        let mut data = match self.0.array_to_bytes.byte_order() {
            None => self.0.array_to_bytes.decode(stored)?,
            Some(order) => {
                if let Some(size) = self.0.stored.decoded_size(self.0.max_chunk_size)? {
                    EncodedSize::Exact(size).check("decoded chunk", stored.len())?;
                }
                let mut elements = stored.to_vec();
                if order != ByteOrder::native() {
                    data_type.swap_bytes(&mut elements);
                }
                ChunkData::Fixed(elements)
            }
        };
        if let ChunkData::Fixed(elements) = &mut data {
            data_type.admit(elements)?;
        }
        Ok(data)
    }

    fn decode_arrays(&self, mut data: ChunkData) -> Result<ChunkData> {
        for codec in self.0.array_to_array.iter().rev() {
            data = codec.decode(data)?;
        }
        match &mut data {
            ChunkData::Fixed(elements) if !self.0.array_to_array.is_empty() => {
                self.0.decoded.data_type.admit(elements)?;
            }
            _ => {}
        }
        Ok(data)
    }

    /// Decodes with the array to bytes codec to the planned axes.
    fn decode_planned(&self, stored: &[u8]) -> Result<ChunkData> {
        let data = self.decode_stored(stored)?;
        match self.0.axis_order {
            Some(_) => Ok(data),
            None => self.decode_arrays(data),
        }
    }

    /// Encodes elements in C order of the planned axes and this machine's byte order.
    fn encode_planned(&self, mut data: ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        if self.0.axis_order.is_none() {
            data = self.encode_arrays(data)?;
        }
        self.encode_stored(&data, encoded)
    }

    fn encode_arrays(&self, mut data: ChunkData) -> Result<ChunkData> {
        for codec in &self.0.array_to_array {
            data = codec.encode(data)?;
        }
        Ok(data)
    }

    fn encode_stored(&self, data: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let order = self.0.array_to_bytes.byte_order();
        if let (Some(order), ChunkData::Fixed(bytes)) = (order, data)
            && order == ByteOrder::native()
        {
            return wrap_bytes(&self.0.bytes_to_bytes, bytes, encoded);
        }
        with_scratch(|stored| {
            match (order, data) {
                (Some(_), ChunkData::Fixed(bytes)) => {
                    stored.extend_from_slice(bytes);
                    self.0.stored.data_type.swap_bytes(stored);
                }
                _ => self.0.array_to_bytes.encode(data, stored)?,
            }
            wrap_bytes(&self.0.bytes_to_bytes, stored, encoded)
        })
    }

    /// Decodes directly into a buffer of the size of the elements. Returns false, without writing,
    /// if the chain does not support it.
    pub(crate) fn decode_into(&self, encoded: &[u8], elements: &mut [u8]) -> Result<bool> {
        if self.copied_order() != Some(ByteOrder::native()) {
            return Ok(false);
        }
        EncodedSize::Exact(self.elements_size()?).check("decoded chunk", elements.len())?;
        unwrap_bytes_into(&self.0.bytes_to_bytes, encoded, elements)?;
        self.0.stored.data_type.admit(elements)?;
        Ok(true)
    }

    /// Whether the encoded chunk is exactly its elements in the form that [`Self::encode`] takes.
    pub(crate) fn is_uncompressed(&self) -> bool {
        self.copied_order().is_some()
            && self.0.bytes_to_bytes.is_empty()
            && self.0.stored.data_type.admits_all()
    }

    /// Encodes elements, given in C order of the planned axes and in foreign byte order if
    /// [`Self::encodes_foreign`] is true, and appends them to `encoded`.
    pub(crate) fn encode(&self, elements: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        self.planned().data_type.check(elements)?;
        if self.copied_order().is_some() {
            return wrap_bytes(&self.0.bytes_to_bytes, elements, encoded);
        }
        self.encode_planned(ChunkData::Fixed(elements.to_vec()), encoded)
    }
}
