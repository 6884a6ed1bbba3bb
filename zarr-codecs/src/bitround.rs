//! The `bitround` codec: keeps fewer significant bits so that chunks compress better (registered
//! extension "bitround", and the name `numcodecs.bitround`). Decoding is the identity.
//!
//! Ties round to even. Integers are rounded by absolute value, counting from the highest set bit.
//! Keeping at least as many bits as a number has leaves it unchanged. NaNs and infinities never
//! change.

#![expect(clippy::arithmetic_side_effects, reason = "the bits of one number")]

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, Error, Extension, Result};

use crate::number::{chunk_bytes, push_bits, read_bits, unsupported};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    keepbits: u64,
}

/// How `bitround` interprets one number of an element.
#[derive(Clone, Copy, Debug)]
enum Component {
    /// A float with this many mantissa bits.
    Float {
        mantissa_bits: u32,
    },
    Signed,
    Unsigned,
}

#[derive(Debug)]
struct BitRound {
    keep_bits: u32,
    component: Component,
    /// The size of a number in bytes; a complex element is two numbers.
    size: usize,
    spec: ChunkSpec,
}

/// Binds the codec to integers, floats and complex numbers. `keepbits` is 1 or more.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    bind_from(1, extension, spec)
}

/// Binds `numcodecs.bitround`, whose `keepbits` may be 0.
pub(crate) fn bind_numcodecs(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    bind_from(0, extension, spec)
}

fn bind_from(
    lowest: u64,
    extension: &Extension,
    spec: &ChunkSpec,
) -> Result<Arc<dyn ArrayToArray>> {
    let Configuration { keepbits } = extension.parse()?;
    if keepbits < lowest {
        let expected = format!("{lowest} or more");
        return Err(Error::invalid(keepbits, expected).member("configuration.keepbits"));
    }
    let (component, size) =
        component(spec).ok_or_else(|| unsupported(&spec.data_type, extension.name()))?;
    Ok(Arc::new(BitRound {
        keep_bits: u32::try_from(keepbits).unwrap_or(u32::MAX),
        component,
        size,
        spec: spec.clone(),
    }))
}

fn component(spec: &ChunkSpec) -> Option<(Component, usize)> {
    let size = spec.data_type.fixed_size()?;
    let float = |mantissa_bits| Component::Float { mantissa_bits };
    Some(match (spec.data_type.name(), size) {
        ("numpy.datetime64" | "numpy.timedelta64", 8) => (Component::Signed, 8),
        ("bfloat16", 2) => (float(7), 2),
        ("complex_bfloat16", 4) => (float(7), 2),
        ("int8" | "int16" | "int32" | "int64", _) => (Component::Signed, size),
        ("uint8" | "uint16" | "uint32" | "uint64", _) => (Component::Unsigned, size),
        ("float16", _) => (float(10), 2),
        ("float32", _) => (float(23), 4),
        ("float64", _) => (float(52), 8),
        ("complex_float16", 4) => (float(10), 2),
        ("complex64" | "complex_float32", 8) => (float(23), 4),
        ("complex128" | "complex_float64", 16) => (float(52), 8),
        _ => return None,
    })
}

impl BitRound {
    fn round(&self, bits: u64) -> u64 {
        let width = 8 * u32::try_from(self.size).expect("8 at most");
        let keep = |value: u64, significant: u32, limit: u64| {
            let dropped = significant.saturating_sub(self.keep_bits);
            round_to_even(value, dropped, limit)
        };
        match self.component {
            Component::Float { mantissa_bits } => {
                let infinity = (u64::MAX >> (65 - width)) >> mantissa_bits << mantissa_bits;
                if bits & infinity == infinity {
                    return bits;
                }
                keep(bits, mantissa_bits, u64::MAX)
            }
            Component::Unsigned => keep(
                bits,
                u64::BITS - bits.leading_zeros(),
                u64::MAX >> (64 - width),
            ),
            Component::Signed => {
                let value = bits.cast_signed() << (64 - width) >> (64 - width);
                let magnitude = value.unsigned_abs();
                let limit = (1_u64 << (width - 1)) - u64::from(value >= 0);
                let rounded = keep(magnitude, u64::BITS - magnitude.leading_zeros(), limit);
                if value < 0 {
                    rounded.wrapping_neg()
                } else {
                    rounded
                }
            }
        }
    }
}

/// Returns `value` with its lowest `dropped` bits rounded away, ties to even; rounds down if
/// rounding up would exceed `limit`.
fn round_to_even(value: u64, dropped: u32, limit: u64) -> u64 {
    if dropped == 0 {
        return value;
    }
    let Some(unit) = 1_u64.checked_shl(dropped) else {
        return 0;
    };
    let down = value & !(unit - 1);
    let rest = value - down;
    let up = rest > unit / 2 || rest == unit / 2 && down & unit != 0;
    match down.checked_add(unit) {
        Some(above) if up && above <= limit => above,
        _ => down,
    }
}

impl ArrayToArray for BitRound {
    fn encoded(&self) -> &ChunkSpec {
        &self.spec
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let elements = chunk_bytes(&decoded, &self.spec)?;
        let mut rounded = Vec::with_capacity(elements.len());
        for number in elements.chunks_exact(self.size) {
            push_bits(&mut rounded, self.round(read_bits(number)), self.size);
        }
        Ok(ChunkData::Fixed(rounded))
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        Ok(encoded)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{binder, extension, spec};

    fn encode(data_type: &str, keepbits: u64, data: &[u8]) -> Vec<u8> {
        let len = data.len() / spec(&[1], data_type).decoded_size(99).unwrap().unwrap();
        let codec = bind(
            &Extension::new("bitround").with("keepbits", keepbits),
            &spec(&[len as u64], data_type),
            &binder(),
        );
        let ChunkData::Fixed(bytes) = codec
            .unwrap()
            .encode(ChunkData::Fixed(data.to_vec()))
            .unwrap()
        else {
            panic!("variable");
        };
        bytes
    }

    #[test]
    fn floats_are_rounded_to_even() {
        let cases: [(f32, f32); 6] = [
            (1.0, 1.0),
            (1.25, 1.0),
            (1.75, 2.0),
            (-1.3, -1.5),
            (f32::INFINITY, f32::INFINITY),
            (f32::MAX, f32::INFINITY),
        ];
        for (value, expected) in cases {
            let rounded = encode("float32", 1, &value.to_ne_bytes());
            assert_eq!(rounded, expected.to_ne_bytes(), "{value}");
        }
        let nan = 0x7fff_ffff_u32.to_ne_bytes();
        assert_eq!(
            encode("complex64", 1, &[nan, nan].concat()),
            [nan, nan].concat()
        );
        assert_eq!(
            encode("float64", 99, &0.1_f64.to_ne_bytes()),
            0.1_f64.to_ne_bytes()
        );
    }

    #[test]
    fn integers_are_rounded_from_their_highest_bit() {
        assert_eq!(
            encode("uint8", 2, &[0, 1, 5, 7, 11, 255, 224]),
            [0, 1, 4, 8, 12, 192, 192]
        );
        let signed = [-1_i8, -5, 5, -7, 127, -128].map(i8::cast_unsigned);
        let expected = [-1_i8, -4, 4, -8, 96, -128].map(i8::cast_unsigned);
        assert_eq!(encode("int8", 2, &signed), expected);
        assert_eq!(
            encode("int64", 1, &i64::MIN.to_ne_bytes()),
            i64::MIN.to_ne_bytes()
        );
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [
            r#"{"keepbits": 0}"#,
            r#"{"keepbits": -1}"#,
            "{}",
            r#"{"keepbits": 1, "x": 1}"#,
        ] {
            let json = format!(r#"{{"name": "bitround", "configuration": {configuration}}}"#);
            assert!(
                bind(&extension(&json), &spec(&[2], "float32"), &binder()).is_err(),
                "{json}"
            );
        }
        let one = Extension::new("bitround").with("keepbits", 1);
        assert!(bind(&one, &spec(&[2], "bool"), &binder()).is_err());
        assert!(bind(&one, &spec(&[2], "r8"), &binder()).is_err());
    }
}
