//! `numcodecs.fixedscaleoffset`: `round((x - offset) * scale)`, stored as another data type
//! (described on the page of "scale_offset").

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, DataType, Error, Extension, Result};

use super::dtype::{Dtype, Filter, cast, computed, to_float};
use crate::number::{Format, Number, chunk_bytes, map_elements};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    offset: f64,
    scale: f64,
    dtype: Option<Dtype>,
    astype: Option<Dtype>,
}

#[derive(Debug)]
struct FixedScaleOffset {
    filter: Filter,
    offset: f64,
    scale: f64,
    /// The format in which integers are computed.
    wide: Format,
}

/// Binds the codec to integers or floats.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    const NAME: &str = "numcodecs.fixedscaleoffset";
    let Configuration {
        offset,
        scale,
        dtype,
        astype,
    } = extension.parse()?;
    if scale == 0.0 {
        return Err(Error::invalid(scale, "a scale other than 0").member("configuration.scale"));
    }
    let filter = Filter::new(NAME, spec, ("dtype", dtype), astype)?;
    let filter = filter.only(NAME, |format| format != Format::Bool)?;
    let wide = Format::expect(&DataType::core("float64")?, NAME)?;
    Ok(Arc::new(FixedScaleOffset {
        filter,
        offset,
        scale,
        wide,
    }))
}

impl FixedScaleOffset {
    /// Returns the format in which elements of `format` are computed, and offset and scale in that
    /// format.
    fn arithmetic(&self, format: Format) -> (Format, f64, f64) {
        let work = if format.is_float() { format } else { self.wide };
        let constant = |value| to_float(computed(Number::Float(value), work));
        (work, constant(self.offset), constant(self.scale))
    }
}

impl ArrayToArray for FixedScaleOffset {
    fn encoded(&self) -> &ChunkSpec {
        &self.filter.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.filter;
        let (work, offset, scale) = self.arithmetic(from);
        let step = |value| to_float(computed(Number::Float(value), work));
        let elements = chunk_bytes(&decoded, &self.filter.decoded)?;
        let encoded = map_elements(elements, from, to, |number| {
            let scaled = step(step(to_float(number) - offset) * scale);
            Ok(cast(Number::Float(scaled.round_ties_even()), to))
        });
        encoded.map(ChunkData::Fixed)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.filter;
        let (work, offset, scale) = self.arithmetic(to);
        let step = |value| to_float(computed(Number::Float(value), work));
        let elements = chunk_bytes(&encoded, &self.filter.encoded)?;
        let decoded = map_elements(elements, to, from, |number| {
            let shifted = step(step(to_float(number) / scale) + offset);
            Ok(cast(Number::Float(shifted), from))
        });
        decoded.map(ChunkData::Fixed)
    }
}
