//! The `transpose` codec: reorders the dimensions of a chunk (core codecs, "transpose codec").
//!
//! Wherever possible, the core permutes regions and strides instead. Elements move here only if an
//! adjacent codec does more than reorder dimensions.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "inner loops over lengths checked before"
)]

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::size::{c_strides, product, to_usize};
use zarr_core::{Binder, Error, Extension, Result, Strictness};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    order: Box<RawValue>,
}

impl Configuration {
    /// Returns the permutation. Tolerant readers accept the `"C"` and `"F"` of a draft.
    fn axes(&self, rank: usize, strictness: Strictness) -> Result<Vec<usize>> {
        match (self.order.get(), strictness) {
            ("\"C\"", Strictness::Tolerant) => Ok((0..rank).collect()),
            ("\"F\"", Strictness::Tolerant) => Ok((0..rank).rev().collect()),
            (text, _) => serde_json::from_str(text).map_err(|_| {
                Error::invalid(text, "a list of dimensions").member("configuration.order")
            }),
        }
    }
}

#[derive(Debug)]
struct Transpose {
    /// Dimension `i` of the encoded chunk is dimension `order[i]` of the decoded chunk.
    order: Vec<usize>,
    /// Dimension `i` of the decoded chunk is dimension `inverse[i]` of the encoded chunk.
    inverse: Vec<usize>,
    decoded: ChunkSpec,
    encoded: ChunkSpec,
}

/// Binds the codec. `order` must be a permutation of the dimensions that the codec receives.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    let configuration: Configuration = extension.parse()?;
    let order = configuration.axes(spec.shape.len(), binder.registry().strictness())?;
    let inverse = invert(&order, spec.shape.len()).ok_or_else(|| {
        let expected = format!("each dimension below {} once", spec.shape.len());
        Error::invalid(format_args!("{order:?}"), expected).member("configuration.order")
    })?;
    let encoded = ChunkSpec {
        shape: order.iter().map(|&axis| spec.shape[axis]).collect(),
        ..spec.clone()
    };
    Ok(Arc::new(Transpose {
        order,
        inverse,
        decoded: spec.clone(),
        encoded,
    }))
}

/// Returns the inverse permutation, or `None` if `order` is not a permutation of `rank` dimensions.
fn invert(order: &[usize], rank: usize) -> Option<Vec<usize>> {
    let mut inverse = vec![None; rank];
    for (place, &axis) in order.iter().enumerate() {
        if inverse.get_mut(axis)?.replace(place).is_some() {
            return None;
        }
    }
    inverse.into_iter().collect()
}

impl ArrayToArray for Transpose {
    fn encoded(&self) -> &ChunkSpec {
        &self.encoded
    }

    fn axis_order(&self) -> Option<&[usize]> {
        Some(&self.order)
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        permute(&self.decoded, &self.order, &decoded)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        permute(&self.encoded, &self.inverse, &encoded)
    }
}

/// Returns the elements of `data`, a chunk of the form `spec`, in C order after reordering its
/// dimensions.
fn permute(spec: &ChunkSpec, order: &[usize], data: &ChunkData) -> Result<ChunkData> {
    let len = to_usize("chunk", product(&spec.shape)?)?;
    match data {
        ChunkData::Fixed(bytes) => {
            let size = spec.decoded_size(u64::MAX)?.unwrap_or(0);
            EncodedSize::Exact(size).check("chunk before transpose", bytes.len())?;
            let item_size = size.checked_div(len).unwrap_or(0);
            let mut permuted = Vec::with_capacity(bytes.len());
            for_each_source(&spec.shape, order, |source| {
                permuted.extend_from_slice(&bytes[source * item_size..][..item_size]);
            })?;
            Ok(ChunkData::Fixed(permuted))
        }
        ChunkData::Variable { offsets, bytes } => {
            EncodedSize::Exact(len + 1).check("offsets before transpose", offsets.len())?;
            let mut permuted = Vec::with_capacity(bytes.len());
            let mut ends = Vec::with_capacity(offsets.len());
            ends.push(0);
            for_each_source(&spec.shape, order, |source| {
                permuted.extend_from_slice(&bytes[offsets[source]..offsets[source + 1]]);
                ends.push(permuted.len());
            })?;
            Ok(ChunkData::Variable {
                offsets: ends,
                bytes: permuted,
            })
        }
    }
}

/// Calls `visit` for each element of the reordered array, in its C order, with the element's
/// position in a C-order array of `shape`.
fn for_each_source(shape: &[u64], order: &[usize], mut visit: impl FnMut(usize)) -> Result<()> {
    if shape.contains(&0) {
        return Ok(());
    }
    let strides = c_strides(shape, 1);
    let axis = |&axis: &usize| {
        let len = to_usize("chunk", shape[axis])?;
        Ok((len, strides[axis].unsigned_abs()))
    };
    let axes: Vec<(usize, usize)> = order.iter().map(axis).collect::<Result<_>>()?;
    let (&(row_len, row_stride), outer) = axes.split_last().unwrap_or((&(1, 1), &[]));
    let mut cell = vec![0; outer.len()];
    let mut start = 0;
    loop {
        (0..row_len).for_each(|index| visit(start + index * row_stride));
        // Advances to the next cell, last dimension fastest; a wrap to the first cell means that
        // all have been visited.
        let mut moved = false;
        for (index, &(len, stride)) in cell.iter_mut().zip(outer).rev() {
            *index += 1;
            start += stride;
            if *index < len {
                moved = true;
                break;
            }
            start -= len * stride;
            *index = 0;
        }
        if !moved {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
