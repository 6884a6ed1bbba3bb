//! zfp streams, which `zfp` and `numcodecs.zfpy` read and write, of one of zfp's four scalar types.

use zarr_core::codec::ChunkSpec;
use zarr_core::size::to_usize;
use zarr_core::{Error, Result};
use zfp_rs::{
    ZfpBitStream, ZfpConfig, ZfpDimensionality, ZfpField, ZfpFieldMetadata, ZfpFieldMut,
    ZfpHeaderMask, ZfpScalar, ZfpScalarType, ZfpStreamAlignment,
};

/// The content of a stream: scalars of one type in a box of up to four dimensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) codec: &'static str,
    pub(crate) scalar: ZfpScalarType,
    /// The length of each dimension, the fastest first; 0 for a dimension that the field lacks.
    pub(crate) sizes: [usize; 4],
    /// Whether a header precedes the data.
    pub(crate) header: bool,
}

impl Field {
    /// Returns the field of a chunk. A chunk without dimensions is a field of one dimension and one
    /// element.
    pub(crate) fn new(
        codec: &'static str,
        scalar: ZfpScalarType,
        spec: &ChunkSpec,
        header: bool,
    ) -> Result<Self> {
        let mut sizes = [0; 4];
        if spec.shape.len() > sizes.len() {
            let what = format!("codec {codec:?} for {} dimensions", spec.shape.len());
            return Err(Error::Unsupported { what });
        }
        sizes[0] = 1;
        for (size, &len) in sizes.iter_mut().zip(spec.shape.iter().rev()) {
            *size = to_usize("chunk", len)?;
        }
        Ok(Self {
            codec,
            scalar,
            sizes,
            header,
        })
    }

    fn metadata(&self) -> ZfpFieldMetadata {
        ZfpFieldMetadata {
            scalar_type: self.scalar,
            dims: self.sizes,
        }
    }

    /// Returns the largest size of a stream in bytes.
    pub(crate) fn max_size(&self, config: &ZfpConfig) -> Result<usize> {
        config
            .maximum_size(self.scalar, self.sizes)
            .ok_or_else(|| self.corrupt(format!("zfp has no field of shape {:?}", self.sizes)))
    }

    /// Returns the configuration of a fixed rate that is computed for three dimensions, whatever
    /// the rank of the field, as zarrs does.
    pub(crate) fn rate_in_three_dimensions(&self, rate: f64) -> Option<ZfpConfig> {
        let align = ZfpStreamAlignment::Unaligned;
        ZfpConfig::fixed_rate(rate, self.scalar, ZfpDimensionality::D3, align).ok()
    }

    /// Returns the size in bytes of a fixed-rate stream without a header, in whole words.
    pub(crate) fn rate_size(&self, config: &ZfpConfig) -> Option<usize> {
        let blocks = self.sizes.iter().filter(|&&size| size > 0);
        let mut blocks = blocks.map(|size| size.div_ceil(4));
        let blocks = blocks.try_fold(1_usize, usize::checked_mul)?;
        let bits = blocks.checked_mul(usize::try_from(config.max_bits()).ok()?)?;
        bits.div_ceil(64).checked_mul(8)
    }

    pub(crate) fn corrupt(&self, reason: impl ToString) -> Error {
        Error::corrupt(self.codec, reason.to_string())
    }

    /// Appends the stream of `scalars`.
    pub(crate) fn compress<T: ZfpScalar>(
        &self,
        config: &ZfpConfig,
        scalars: &[T],
        encoded: &mut Vec<u8>,
    ) -> Result<()> {
        let corrupt = |reason: String| self.corrupt(reason);
        let room = self.max_size(config)?;
        let mut stream = ZfpBitStream::new(room).map_err(|error| corrupt(error.to_string()))?;
        if self.header {
            stream
                .write_header(config, &self.metadata(), ZfpHeaderMask::FULL)
                .map_err(|error| corrupt(error.to_string()))?;
        }
        let field =
            ZfpField::new(scalars, self.sizes).map_err(|error| corrupt(error.to_string()))?;
        stream
            .compress(config, &field)
            .map_err(|error| corrupt(error.to_string()))?;
        encoded.extend_from_slice(stream.as_bytes());
        Ok(())
    }

    /// Decodes the scalars of a stream. A header, if there is one, must agree with the field, and
    /// determines how the stream is decoded.
    pub(crate) fn decompress<T: ZfpScalar + Default + Clone>(
        &self,
        config: &ZfpConfig,
        encoded: &[u8],
    ) -> Result<Vec<T>> {
        let mut stream = ZfpBitStream::from_bytes(encoded).map_err(|error| self.corrupt(error))?;
        let mut config = *config;
        if self.header {
            let header = stream
                .read_header(ZfpHeaderMask::FULL)
                .map_err(|error| self.corrupt(error))?;
            if header.metadata != Some(self.metadata()) {
                let (found, expected) = (header.metadata, self.metadata());
                return Err(self.corrupt(format!("a field of {found:?}, expected {expected:?}")));
            }
            config = header.config.unwrap_or(config);
        }
        let len = self.sizes.iter().map(|&size| size.max(1)).product();
        let mut scalars = vec![T::default(); len];
        let mut field =
            ZfpFieldMut::new(&mut scalars, self.sizes).map_err(|error| self.corrupt(error))?;
        stream
            .decompress(&config, &mut field)
            .map_err(|error| self.corrupt(error))?;
        Ok(scalars)
    }
}
