//! The `cast_value` codec: casts values to another data type (registered extension "cast_value").
//!
//! A value found in the scalar map takes the mapped value. Any other value is rounded; if the
//! result is out of range, it is clamped, wrapped or refused. The fill value must survive a cast in
//! both directions.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, DataType, Error, Extension, FillValue, Result};

use crate::number::{
    Format, Number, Unfit, chunk_bytes, map_elements, push_bits, read_bits, to_i128, unsupported,
};
use crate::rounding::Rounding;

const NAME: &str = "cast_value";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    data_type: Extension,
    #[serde(default)]
    rounding: Rounding,
    out_of_range: Option<OutOfRange>,
    #[serde(default, deserialize_with = "object")]
    scalar_map: ScalarMap,
}

/// Parses a scalar map from a JSON object; serde alone would accept a list as well.
fn object<'de, D: serde::Deserializer<'de>>(value: D) -> Result<ScalarMap, D::Error> {
    let text = Box::<RawValue>::deserialize(value)?;
    if !text.get().starts_with('{') {
        return Err(serde::de::Error::custom("a scalar map must be an object"));
    }
    serde_json::from_str(text.get()).map_err(serde::de::Error::custom)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OutOfRange {
    Clamp,
    Wrap,
}

type Pairs = Vec<(Box<RawValue>, Box<RawValue>)>;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ScalarMap {
    encode: Pairs,
    decode: Pairs,
}

/// The cast in one direction.
#[derive(Debug)]
struct Cast {
    from: Format,
    to: Format,
    rounding: Rounding,
    out_of_range: Option<OutOfRange>,
    /// Values with the bits they become; the first match counts.
    map: Vec<(Number, u64)>,
}

#[derive(Debug)]
struct CastValue {
    encode: Cast,
    decode: Cast,
    decoded: ChunkSpec,
    encoded: ChunkSpec,
}

/// Binds the codec to real numbers.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    let configuration: Configuration = extension.parse()?;
    let codec =
        bind_to(&configuration, spec, binder).map_err(|error| error.member("configuration"))?;
    Ok(Arc::new(codec))
}

fn bind_to(
    configuration: &Configuration,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<CastValue> {
    let target = binder
        .registry()
        .bind_data_type(&configuration.data_type)
        .map_err(|error| error.member("data_type"))?;
    let number_format = |data_type: &DataType| match Format::expect(data_type, NAME)? {
        Format::Bool => Err(unsupported(data_type, NAME)),
        format => Ok(format),
    };
    let from = number_format(&spec.data_type)?;
    let to = number_format(&target).map_err(|error| error.member("data_type"))?;
    if configuration.out_of_range == Some(OutOfRange::Wrap) && !to.is_integer() {
        let error = Error::invalid(
            "wrap",
            "\"clamp\", or no member, because the data type is not an integer",
        );
        return Err(error.member("out_of_range"));
    }
    let cast = |from: &DataType, to: &DataType, pairs: &Pairs, member: &str| -> Result<Cast> {
        let (from_format, to_format) = (number_format(from)?, number_format(to)?);
        let map = pairs.iter().map(|(key, value)| {
            let key = from_format.number(scalar(from, key)?);
            Ok((key, scalar(to, value)?))
        });
        Ok(Cast {
            from: from_format,
            to: to_format,
            rounding: configuration.rounding,
            out_of_range: configuration.out_of_range,
            map: map
                .collect::<Result<_>>()
                .map_err(|error| error.member(format_args!("scalar_map.{member}")))?,
        })
    };
    let map = &configuration.scalar_map;
    let encode = cast(&spec.data_type, &target, &map.encode, "encode")?;
    let decode = cast(&target, &spec.data_type, &map.decode, "decode")?;
    let fill = from.number(read_bits(spec.fill_value.bytes()));
    let stored = encode
        .cast(fill)
        .map_err(|error| error.member("fill value"))?;
    let back = decode
        .cast(to.number(stored))
        .map_err(|error| error.member("fill value"))?;
    if !same(from.number(back), fill) {
        let found = format!(
            "a fill value of {fill:?} that is decoded as {:?}",
            from.number(back)
        );
        return Err(Error::invalid(
            found,
            "a fill value that the cast does not change",
        ));
    }
    let mut bytes = Vec::new();
    push_bits(&mut bytes, stored, to.size());
    Ok(CastValue {
        encode,
        decode,
        decoded: spec.clone(),
        encoded: ChunkSpec {
            shape: spec.shape.clone(),
            data_type: target,
            fill_value: FillValue::new(bytes),
        },
    })
}

/// Returns the bits of a scalar that is written as a fill value. The registry's example spells
/// infinity with a plus sign.
fn scalar(data_type: &DataType, value: &RawValue) -> Result<u64> {
    let value = match value.get() {
        r#""+Infinity""# => &RawValue::from_string(r#""Infinity""#.to_owned())?,
        _ => value,
    };
    Ok(read_bits(data_type.parse_fill_value(value)?.bytes()))
}

/// Whether two numbers of one format are the same value; all NaNs are the same.
fn same(left: Number, right: Number) -> bool {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => left == right,
        (Number::Float(left), Number::Float(right)) => {
            left == right || left.is_nan() && right.is_nan()
        }
        _ => false,
    }
}

impl Cast {
    fn cast(&self, number: Number) -> Result<u64> {
        if let Some((_, bits)) = self.map.iter().find(|(key, _)| same(*key, number)) {
            return Ok(*bits);
        }
        match (self.to.fit(number, self.rounding), self.out_of_range) {
            (Ok(bits), _) => Ok(bits),
            (Err(Unfit::Range), Some(OutOfRange::Clamp)) => Ok(self.to.limit(match number {
                Number::Int(value) => value < 0,
                Number::Float(value) => value < 0.0,
            })),
            (Err(Unfit::Range), Some(OutOfRange::Wrap)) if self.to.is_integer() => {
                Ok(self.to.wrap(match number {
                    Number::Int(value) => value,
                    // The remainder is exact, and holds every bit that two's complement keeps.
                    Number::Float(value) => to_i128(self.rounding.round(value) % 2_f64.powi(64)),
                }))
            }
            (Err(_), _) => {
                let reason = format!("{number:?} does not fit the data type");
                Err(Error::corrupt(NAME, reason))
            }
        }
    }

    fn chunk(&self, data: &ChunkData, spec: &ChunkSpec) -> Result<ChunkData> {
        let elements = chunk_bytes(data, spec)?;
        map_elements(elements, self.from, self.to, |number| self.cast(number)).map(ChunkData::Fixed)
    }
}

impl ArrayToArray for CastValue {
    fn encoded(&self) -> &ChunkSpec {
        &self.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        self.encode.chunk(&decoded, &self.decoded)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        self.decode.chunk(&encoded, &self.encoded)
    }
}

#[cfg(test)]
mod tests;
