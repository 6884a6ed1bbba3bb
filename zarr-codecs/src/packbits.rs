//! The `packbits` codec: the significant bits of each element, one element after the other, lowest
//! bits first (registered extension "packbits").

#![expect(clippy::arithmetic_side_effects, reason = "the bits of one number")]

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::size::to_usize;
use zarr_core::{Binder, DataTypeKind, Error, Extension, Result};

use crate::number::{Format, chunk_bytes, push_bits, read_bits, unsupported};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default)]
    padding_encoding: Padding,
    first_bit: Option<u64>,
    last_bit: Option<u64>,
}

/// The place where the number of padding bits is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Padding {
    FirstByte,
    LastByte,
    #[default]
    None,
}

#[derive(Debug)]
struct PackBits {
    padding: Padding,
    first_bit: u32,
    /// The number of bits stored for each component.
    bits: u32,
    signed: bool,
    /// The size of a component in bytes.
    size: usize,
    /// The number of components.
    len: usize,
    packed_size: usize,
    spec: ChunkSpec,
}

/// Binds the codec to numbers and bools. `first_bit` and `last_bit` number the bits of a component.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let (components, width) =
        width(spec).ok_or_else(|| unsupported(&spec.data_type, "packbits"))?;
    let (first_bit, bits) =
        bits(&configuration, width).map_err(|error| error.member("configuration"))?;
    let len = spec.elements()?.saturating_mul(components);
    let too_large = || Error::TooLarge {
        what: "number of bits",
        wanted: format!("{len} numbers of {bits}"),
        limit: u64::MAX,
    };
    let all_bits = len.checked_mul(bits.into()).ok_or_else(too_large)?;
    Ok(Arc::new(PackBits {
        padding: configuration.padding_encoding,
        first_bit,
        bits,
        signed: spec.data_type.kind() == DataTypeKind::Int,
        size: width.div_ceil(8) as usize,
        len: to_usize("chunk", len)?,
        packed_size: to_usize("encoded chunk", all_bits.div_ceil(8))?,
        spec: spec.clone(),
    }))
}

/// Returns the number of components of an element, and the number of bits of each component.
fn width(spec: &ChunkSpec) -> Option<(u64, u32)> {
    let bits = |size: usize| u32::try_from(8 * size).ok().filter(|bits| *bits <= 64);
    let size = spec.data_type.fixed_size()?;
    match (spec.data_type.kind(), spec.data_type.name()) {
        (_, "complex_float4_e2m1fn") => Some((2, 4)),
        (_, "complex_float6_e2m3fn" | "complex_float6_e3m2fn") => Some((2, 6)),
        (DataTypeKind::Complex | DataTypeKind::NarrowComplex, _) => Some((2, bits(size / 2)?)),
        _ => {
            let format = Format::of(&spec.data_type)?;
            (format.size() == size).then_some((1, format.bits()))
        }
    }
}

/// Returns the first bit and the number of bits to store, out of `width` bits.
fn bits(configuration: &Configuration, width: u32) -> Result<(u32, u32)> {
    let last = u64::from(width - 1);
    let first_bit = configuration.first_bit.unwrap_or(0);
    let last_bit = configuration.last_bit.unwrap_or(last);
    if last_bit > last {
        let expected = format!("at most {last}");
        return Err(Error::invalid(last_bit, expected).member("last_bit"));
    }
    match (u32::try_from(first_bit), u32::try_from(last_bit)) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last - first + 1)),
        _ => {
            let expected = format!("at most last_bit, {last_bit}");
            Err(Error::invalid(first_bit, expected).member("first_bit"))
        }
    }
}

impl PackBits {
    fn mask(&self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// Returns the number of padding bits.
    fn padding_bits(&self) -> u8 {
        let used = (self.len % 8) * (self.bits as usize % 8);
        (used.wrapping_neg() % 8).to_le_bytes()[0]
    }

    /// Restores a component from its stored bits.
    fn restore(&self, stored: u64) -> u64 {
        let placed = stored << self.first_bit;
        let above = 64 - self.first_bit - self.bits;
        if self.signed {
            (placed.cast_signed() << above >> above).cast_unsigned()
        } else {
            placed
        }
    }
}

impl ArrayToBytes for PackBits {
    fn encoded_size(&self) -> EncodedSize {
        let extra = usize::from(self.padding != Padding::None);
        EncodedSize::Exact(self.packed_size.saturating_add(extra))
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = chunk_bytes(decoded, &self.spec)?;
        if self.padding == Padding::FirstByte {
            encoded.push(self.padding_bits());
        }
        // At most 7 bits wait between components, so a component of 64 bits always fits.
        let (mut waiting, mut count) = (0_u128, 0);
        for component in elements.chunks_exact(self.size) {
            let stored = (read_bits(component) >> self.first_bit) & self.mask();
            waiting |= u128::from(stored) << count;
            count += self.bits;
            while count >= 8 {
                encoded.push(waiting.to_le_bytes()[0]);
                waiting >>= 8;
                count -= 8;
            }
        }
        if count > 0 {
            encoded.push(waiting.to_le_bytes()[0]);
        }
        if self.padding == Padding::LastByte {
            encoded.push(self.padding_bits());
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        self.encoded_size().check("encoded chunk", encoded.len())?;
        let parts = match self.padding {
            Padding::FirstByte => encoded.split_first(),
            Padding::LastByte => encoded.split_last(),
            Padding::None => None,
        };
        let packed = match parts {
            None => encoded,
            Some((&found, packed)) if found == self.padding_bits() => packed,
            Some((found, _)) => {
                let expected = self.padding_bits();
                let reason = format!("{found} padding bits, expected {expected}");
                return Err(Error::corrupt("packbits", reason));
            }
        };
        let mut elements = Vec::with_capacity(self.len * self.size);
        let (mut waiting, mut count) = (0_u128, 0);
        let mut bytes = packed.iter();
        for _ in 0..self.len {
            while count < self.bits {
                let byte = bytes.next().copied().unwrap_or(0);
                waiting |= u128::from(byte) << count;
                count += 8;
            }
            let stored = u64::try_from(waiting & u128::from(self.mask())).expect("64 bits");
            push_bits(&mut elements, self.restore(stored), self.size);
            waiting >>= self.bits;
            count -= self.bits;
        }
        Ok(ChunkData::Fixed(elements))
    }
}

#[cfg(test)]
mod tests;
