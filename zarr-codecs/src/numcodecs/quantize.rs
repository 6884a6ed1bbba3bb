//! `numcodecs.quantize`: rounds floats to a number of decimal digits, in steps of a power of two.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, Error, Extension, Result};

use super::dtype::{Dtype, Filter, cast, computed, to_float};
use crate::number::{Format, Number, chunk_bytes, map_elements};

/// The most digits, on either side of the decimal point, that keep the scale a finite float64.
const MAX_DIGITS: i32 = 307;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    digits: i32,
    dtype: Option<Dtype>,
    astype: Option<Dtype>,
}

#[derive(Debug)]
struct Quantize {
    filter: Filter,
    /// The inverse of one step.
    scale: f64,
}

/// Binds the codec to floats.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    const NAME: &str = "numcodecs.quantize";
    let Configuration {
        digits,
        dtype,
        astype,
    } = extension.parse()?;
    if !(-MAX_DIGITS..=MAX_DIGITS).contains(&digits) {
        let expected = format!("digits from -{MAX_DIGITS} to {MAX_DIGITS}");
        return Err(Error::invalid(digits, expected).member("configuration.digits"));
    }
    let filter = Filter::new(NAME, spec, ("dtype", dtype), astype)?;
    let filter = filter.only(NAME, Format::is_float)?;
    let scale = 10_f64.powi(digits).log2().ceil().exp2();
    Ok(Arc::new(Quantize { filter, scale }))
}

impl ArrayToArray for Quantize {
    fn encoded(&self) -> &ChunkSpec {
        &self.filter.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.filter;
        let scale = to_float(computed(Number::Float(self.scale), from));
        let elements = chunk_bytes(&decoded, &self.filter.decoded)?;
        let encoded = map_elements(elements, from, to, |number| {
            let steps = to_float(computed(Number::Float(to_float(number) * scale), from));
            let rounded = Number::Float(steps.round_ties_even() / scale);
            Ok(cast(computed(rounded, from), to))
        });
        encoded.map(ChunkData::Fixed)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.filter;
        let elements = chunk_bytes(&encoded, &self.filter.encoded)?;
        map_elements(elements, to, from, |number| Ok(cast(number, from))).map(ChunkData::Fixed)
    }
}
