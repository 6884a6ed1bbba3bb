//! `numcodecs.zfpy`: zfp streams with a header, which determines how they are decoded.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result, Strictness};
use zfp_rs::{ZfpConfig, ZfpDimensionality, ZfpScalarType, ZfpStreamAlignment};

use crate::number::{chunk_bytes, unsupported};
use crate::zfp_stream::Field;

const NAME: &str = "numcodecs.zfpy";

/// The `zfpy` configuration; numbers below 0 stand for absent ones.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Configuration {
    mode: i64,
    tolerance: f64,
    rate: f64,
    precision: i64,
    #[serde(rename = "compression_kwargs")]
    _arguments: Option<Value>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            mode: 4,
            tolerance: -1.0,
            rate: -1.0,
            precision: -1,
            _arguments: None,
        }
    }
}

#[derive(Debug)]
struct Zfpy {
    field: Field,
    config: ZfpConfig,
    max_size: usize,
    spec: ChunkSpec,
}

/// Binds the codec to integers and floats of 32 and 64 bits in one to four dimensions.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let scalar = match spec.data_type.name() {
        "int32" => ZfpScalarType::I32,
        "int64" => ZfpScalarType::I64,
        "float32" => ZfpScalarType::F32,
        "float64" => ZfpScalarType::F64,
        _ => return Err(unsupported(&spec.data_type, NAME)),
    };
    let field = Field::new(NAME, scalar, spec, true)?;
    let config = config(&configuration, &field, spec.shape.len())
        .map_err(|error| error.member("configuration"))?;
    // A stream of another mode may be longer. The reversible mode is the longest, except for the
    // fixed rates that zarrs writes.
    let mut max_size = field.max_size(&config)?;
    max_size = max_size.max(field.max_size(&ZfpConfig::reversible())?);
    if let Some(of_zarrs) = field.rate_in_three_dimensions(configuration.rate)
        && configuration.mode == 2
        && binder.registry().strictness() == Strictness::Tolerant
    {
        max_size = max_size.max(field.max_size(&of_zarrs)?);
    }
    Ok(Arc::new(Zfpy {
        max_size,
        field,
        config,
        spec: spec.clone(),
    }))
}

fn config(configuration: &Configuration, field: &Field, rank: usize) -> Result<ZfpConfig> {
    match *configuration {
        Configuration {
            mode: 4, tolerance, ..
        } if tolerance >= 0.0 => Ok(ZfpConfig::fixed_accuracy(tolerance)),
        Configuration {
            mode: 3, precision, ..
        } if precision >= 0 => {
            let precision = u32::try_from(precision);
            precision.map(ZfpConfig::fixed_precision).map_err(|_| {
                Error::invalid(configuration.precision, "a number of 32 bits").member("precision")
            })
        }
        Configuration { mode: 2, rate, .. } if rate >= 0.0 => {
            let rank = u32::try_from(rank).ok();
            rank.and_then(|rank| ZfpDimensionality::try_from(rank).ok())
                .and_then(|dimensions| {
                    let align = ZfpStreamAlignment::Unaligned;
                    ZfpConfig::fixed_rate(rate, field.scalar, dimensions, align).ok()
                })
                .ok_or_else(|| Error::invalid(rate, "a rate that zfp supports").member("rate"))
        }
        Configuration { mode: 2..=5, .. } => Ok(ZfpConfig::reversible()),
        Configuration { mode, .. } => {
            Err(Error::invalid(mode, "a mode from 2 to 5").member("mode"))
        }
    }
}

impl ArrayToBytes for Zfpy {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::AtMost(self.max_size)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = chunk_bytes(decoded, &self.spec)?;
        let (four, _) = elements.as_chunks::<4>();
        let (eight, _) = elements.as_chunks::<8>();
        let (field, config) = (&self.field, &self.config);
        match field.scalar {
            ZfpScalarType::I32 => {
                let scalars: Vec<_> = four.iter().map(|it| i32::from_ne_bytes(*it)).collect();
                field.compress(config, &scalars, encoded)
            }
            ZfpScalarType::I64 => {
                let scalars: Vec<_> = eight.iter().map(|it| i64::from_ne_bytes(*it)).collect();
                field.compress(config, &scalars, encoded)
            }
            ZfpScalarType::F32 => {
                let scalars: Vec<_> = four.iter().map(|it| f32::from_ne_bytes(*it)).collect();
                field.compress(config, &scalars, encoded)
            }
            ZfpScalarType::F64 => {
                let scalars: Vec<_> = eight.iter().map(|it| f64::from_ne_bytes(*it)).collect();
                field.compress(config, &scalars, encoded)
            }
        }
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        use zarr_core::element_bytes;
        let (field, config) = (&self.field, &self.config);
        Ok(ChunkData::Fixed(match field.scalar {
            ZfpScalarType::I32 => {
                element_bytes(&field.decompress::<i32>(config, encoded)?).to_vec()
            }
            ZfpScalarType::I64 => {
                element_bytes(&field.decompress::<i64>(config, encoded)?).to_vec()
            }
            ZfpScalarType::F32 => {
                element_bytes(&field.decompress::<f32>(config, encoded)?).to_vec()
            }
            ZfpScalarType::F64 => {
                element_bytes(&field.decompress::<f64>(config, encoded)?).to_vec()
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::chain;

    #[test]
    fn bad_configurations_are_refused() {
        for (configuration, shape, data_type) in [
            (r#"{"mode": 1}"#, &[4][..], "float32"),
            (r#"{"mode": 2, "rate": 1e9}"#, &[4], "float32"),
            (r#"{"mode": 4, "more": 0}"#, &[4], "float32"),
            ("{}", &[4], "int16"),
            ("{}", &[1, 1, 1, 1, 1], "float32"),
        ] {
            let codec =
                format!(r#"{{"name": "numcodecs.zfpy", "configuration": {configuration}}}"#);
            assert!(chain(&codec, shape, data_type).is_err(), "{codec}");
        }
    }
}
