//! NumPy conventions of the numcodecs filters: Zarr v2 data type strings such as `<i4`, and casts.

use serde::{Deserialize, Deserializer, de::Error as _};
use zarr_core::codec::ChunkSpec;
use zarr_core::{DataType, Error, FillValue, Result};

use crate::number::{Format, Number, Unfit, push_bits, read_bits, to_i128, unsupported};
use crate::rounding::Rounding;

/// The data type that a string such as `<i4`, `|u1` or `float32` names. The byte order in the
/// string has no effect on elements in memory.
#[derive(Clone)]
pub(super) struct Dtype(DataType);

impl<'de> Deserialize<'de> for Dtype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let code = text.strip_prefix(['<', '>', '|', '=']).unwrap_or(&text);
        let name = match code {
            "b1" | "?" => "bool",
            "i1" => "int8",
            "i2" => "int16",
            "i4" => "int32",
            "i8" => "int64",
            "u1" => "uint8",
            "u2" => "uint16",
            "u4" => "uint32",
            "u8" => "uint64",
            "f2" => "float16",
            "f4" => "float32",
            "f8" => "float64",
            _ => &text,
        };
        DataType::core(name).map(Self).map_err(|_| {
            let expected = "a data type of NumPy such as \"<i4\" or \"float32\"";
            D::Error::custom(format_args!("found {text:?}, expected {expected}"))
        })
    }
}

/// A filter's change to elements: the formats before and after, and the chunk before and after.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) from: Format,
    pub(super) to: Format,
    pub(super) decoded: ChunkSpec,
    pub(super) encoded: ChunkSpec,
}

impl Filter {
    /// Makes a filter from `dtype`, which must be the data type of the chunk, to `astype`, by
    /// default the same type. Fill values are cast but not filtered: zarr-python leaves them as
    /// they are.
    pub(super) fn new(
        codec: &'static str,
        spec: &ChunkSpec,
        (member, dtype): (&'static str, Option<Dtype>),
        astype: Option<Dtype>,
    ) -> Result<Self> {
        let from = Format::expect(&spec.data_type, codec)?;
        if let Some(Dtype(dtype)) = dtype
            && Format::of(&dtype) != Some(from)
        {
            let expected = format!("{}, the data type of the elements", spec.data_type);
            let error = Error::invalid(dtype, expected);
            return Err(error.member(format_args!("configuration.{member}")));
        }
        let astype = astype.map_or_else(|| spec.data_type.clone(), |Dtype(astype)| astype);
        let to = Format::expect(&astype, codec)?;
        let fill = from.number(read_bits(spec.fill_value.bytes()));
        let mut bytes = Vec::new();
        push_bits(&mut bytes, cast(fill, to), to.size());
        Ok(Self {
            from,
            to,
            decoded: spec.clone(),
            encoded: ChunkSpec {
                shape: spec.shape.clone(),
                data_type: astype,
                fill_value: FillValue::new(bytes),
            },
        })
    }

    /// Refuses the filter unless `allowed` accepts the formats of both sides.
    pub(super) fn only(self, codec: &str, allowed: fn(Format) -> bool) -> Result<Self> {
        for (format, spec) in [(self.from, &self.decoded), (self.to, &self.encoded)] {
            if !allowed(format) {
                return Err(unsupported(&spec.data_type, codec));
            }
        }
        Ok(self)
    }
}

/// Returns the bits of a number as NumPy casts it: integers wrap, floats lose their fraction or
/// become infinite.
pub(super) fn cast(number: Number, to: Format) -> u64 {
    /// 2^64, twice the range of a positive 64-bit integer.
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    match (to, number) {
        (Format::Float(_), _) => {
            to.fit(number, Rounding::NearestEven)
                .unwrap_or_else(|unfit| match (unfit, number) {
                    (Unfit::Range, Number::Float(value)) => to.limit(value < 0.0),
                    (Unfit::Range, Number::Int(value)) => to.limit(value < 0),
                    (Unfit::Special, _) => 0,
                })
        }
        (_, Number::Int(value)) => to.wrap(value),
        (Format::Bool, Number::Float(value)) => u64::from(value != 0.0),
        // Out-of-range casts follow the processors on which NumPy mostly runs.
        (_, Number::Float(value)) if value.abs() < BEYOND => to.wrap(to_i128(value)),
        _ => to.wrap(i64::MIN.into()),
    }
}

/// Rounds a number to a format, as arithmetic in that format does.
pub(super) fn computed(number: Number, format: Format) -> Number {
    format.number(cast(number, format))
}

/// Converts a number to a float.
pub(super) fn to_float(number: Number) -> f64 {
    match number {
        Number::Float(value) => value,
        #[expect(clippy::cast_precision_loss, reason = "as NumPy does")]
        Number::Int(value) => value as f64,
    }
}
