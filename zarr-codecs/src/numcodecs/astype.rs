//! `numcodecs.astype`: casts elements to another data type, as NumPy does.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, Extension, Result};

use super::dtype::{Dtype, Filter, cast};
use crate::number::{chunk_bytes, map_elements};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    encode_dtype: Dtype,
    decode_dtype: Option<Dtype>,
}

#[derive(Debug)]
struct AsType(Filter);

/// Binds the codec to real numbers and bools.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    let Configuration {
        encode_dtype,
        decode_dtype,
    } = extension.parse()?;
    let dtype = ("decode_dtype", decode_dtype);
    let filter = Filter::new("numcodecs.astype", spec, dtype, Some(encode_dtype))?;
    Ok(Arc::new(AsType(filter)))
}

impl ArrayToArray for AsType {
    fn encoded(&self) -> &ChunkSpec {
        &self.0.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.0;
        let elements = chunk_bytes(&decoded, &self.0.decoded)?;
        map_elements(elements, from, to, |number| Ok(cast(number, to))).map(ChunkData::Fixed)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.0;
        let elements = chunk_bytes(&encoded, &self.0.encoded)?;
        map_elements(elements, to, from, |number| Ok(cast(number, from))).map(ChunkData::Fixed)
    }
}
