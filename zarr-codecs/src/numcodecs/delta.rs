//! `numcodecs.delta`: the first element, then the difference of each element from its predecessor.

#![expect(clippy::arithmetic_side_effects, reason = "the bits of one number")]

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, Extension, Result};

use super::dtype::{Dtype, Filter, cast, computed, to_float};
use crate::number::{Format, Number, chunk_bytes, map_elements};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    dtype: Dtype,
    astype: Option<Dtype>,
}

#[derive(Debug)]
struct Delta {
    filter: Filter,
    /// The format in which sums are kept: the wider of the two, as in NumPy.
    wide: Format,
}

/// Binds the codec to integers or floats.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    const NAME: &str = "numcodecs.delta";
    let Configuration { dtype, astype } = extension.parse()?;
    let filter = Filter::new(NAME, spec, ("dtype", Some(dtype)), astype)?;
    let filter = filter.only(NAME, |format| format != Format::Bool)?;
    let wide = match (filter.from, filter.to) {
        (from, to) if from.is_float() && to.bits() > from.bits() => to,
        (from, _) => from,
    };
    Ok(Arc::new(Delta { filter, wide }))
}

/// Adds or subtracts two numbers in the arithmetic of a format.
fn add(left: Number, right: Number, sign: i8, format: Format) -> Number {
    let sum = match (left, right) {
        (Number::Int(left), Number::Int(right)) => Number::Int(left + i128::from(sign) * right),
        _ => Number::Float(to_float(left) + f64::from(sign) * to_float(right)),
    };
    computed(sum, format)
}

impl ArrayToArray for Delta {
    fn encoded(&self) -> &ChunkSpec {
        &self.filter.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.filter;
        let mut before = None;
        let elements = chunk_bytes(&decoded, &self.filter.decoded)?;
        let encoded = map_elements(elements, from, to, |number| {
            let difference = match before {
                None => number,
                Some(before) => add(number, before, -1, from),
            };
            before = Some(number);
            Ok(cast(difference, to))
        });
        encoded.map(ChunkData::Fixed)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        let Filter { from, to, .. } = self.filter;
        let mut sum = None;
        let elements = chunk_bytes(&encoded, &self.filter.encoded)?;
        let decoded = map_elements(elements, to, from, |number| {
            let number = computed(number, self.wide);
            let next = sum.map_or(number, |sum| add(sum, number, 1, self.wide));
            sum = Some(next);
            Ok(cast(next, from))
        });
        decoded.map(ChunkData::Fixed)
    }
}
