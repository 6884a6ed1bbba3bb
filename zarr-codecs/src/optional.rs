//! The `optional` codec (proposed to the registry; first `zarrs.optional`): stores a mask of
//! present elements, and the values of those elements only.
//!
//! An encoded chunk starts with the sizes of its two parts, in eight bytes each, little endian. The
//! mask follows, a `bool` chunk of the same shape, then the present values as a one-dimensional
//! chunk. If no element is present, nothing follows the mask.
//!
//! The number of values is known only once the mask is decoded, so the data codecs are bound again
//! for each chunk, in addition to once when the array is opened.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "counts of elements in memory"
)]

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, CodecChain, EncodedSize};
use zarr_core::size::to_usize;
use zarr_core::{Binder, DataType, DataTypeKind, Error, Extension, Registry, Result};

const NAME: &str = "optional";
const SIZES: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    mask_codecs: Vec<Extension>,
    data_codecs: Vec<Extension>,
}

#[derive(Debug)]
struct Optional {
    mask: CodecChain,
    /// The data codecs, bound to one value for each element.
    data: CodecChain,
    data_codecs: Vec<Extension>,
    registry: Registry,
    len: usize,
}

/// Binds the codec to elements that may be missing.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let [value, ..] = spec.data_type.fields() else {
        return Err(refused(&spec.data_type));
    };
    if spec.data_type.kind() != DataTypeKind::Optional {
        return Err(refused(&spec.data_type));
    }
    let len = spec.elements()?;
    let bool_type = DataType::core("bool")?;
    let mask = ChunkSpec {
        shape: spec.shape.clone(),
        fill_value: bool_type.zero(),
        data_type: bool_type,
    };
    let values = values_spec(&value.data_type, len);
    let place =
        |member: &'static str| move |error: Error| error.member(member).member("configuration");
    Ok(Arc::new(Optional {
        mask: binder
            .inner_chain(&configuration.mask_codecs, mask)
            .map_err(place("mask_codecs"))?,
        data: binder
            .inner_chain(&configuration.data_codecs, values)
            .map_err(place("data_codecs"))?,
        data_codecs: configuration.data_codecs,
        registry: binder.registry().clone(),
        len: to_usize("chunk", len)?,
    }))
}

fn refused(data_type: &DataType) -> Error {
    Error::Unsupported {
        what: format!("codec {NAME:?} for data type {data_type}, whose elements are not optional"),
    }
}

fn values_spec(data_type: &DataType, len: u64) -> ChunkSpec {
    ChunkSpec {
        shape: [len].into(),
        data_type: data_type.clone(),
        fill_value: data_type.zero(),
    }
}

impl Optional {
    fn value_type(&self) -> &DataType {
        &self.data.decoded().data_type
    }

    /// Binds the data codecs to `len` values.
    fn values(&self, len: usize) -> Result<CodecChain> {
        let spec = values_spec(self.value_type(), len as u64);
        let bound = self.registry.bind_codecs(&self.data_codecs, spec);
        bound.map_err(|error| error.member(format_args!("{len} values")))
    }

    /// Splits a chunk into its mask and the values of the present elements.
    fn split(&self, decoded: &ChunkData) -> Result<(Vec<u8>, ChunkData)> {
        let mut mask = Vec::with_capacity(self.len);
        let mut values = Vec::new();
        let mut offsets = vec![0];
        let mut push = |element: &[u8]| {
            let (value, present) = match element.split_last() {
                Some((0, _)) => (None, 0),
                Some((1, value)) => (Some(value), 1),
                _ => {
                    let found = "an optional element without a last byte of 0 or 1";
                    return Err(Error::invalid(
                        found,
                        "0 for a missing element, 1 for a value",
                    ));
                }
            };
            mask.push(present);
            if let Some(value) = value {
                values.extend_from_slice(value);
                offsets.push(values.len());
            }
            Ok(())
        };
        match decoded {
            ChunkData::Fixed(elements) => {
                let size = self.value_type().fixed_size().unwrap_or(0) + 1;
                elements.chunks(size).try_for_each(&mut push)?;
            }
            ChunkData::Variable { offsets, bytes } => {
                for ends in offsets.windows(2) {
                    push(bytes.get(ends[0]..ends[1]).unwrap_or_default())?;
                }
            }
        }
        crate::vlen::check_len(self.len, mask.len())?;
        let values = match self.value_type().fixed_size() {
            Some(_) => ChunkData::Fixed(values),
            None => ChunkData::Variable {
                offsets,
                bytes: values,
            },
        };
        Ok((mask, values))
    }

    /// Joins a mask and the values of the present elements into the elements of a chunk.
    fn join(&self, mask: &[u8], values: Option<&ChunkData>) -> Result<ChunkData> {
        let missing = self.value_type().fixed_size().unwrap_or(0);
        let mut number = 0;
        let mut next = || -> Option<&[u8]> {
            number += 1;
            match values? {
                ChunkData::Fixed(values) => values.chunks_exact(missing.max(1)).nth(number - 1),
                ChunkData::Variable { offsets, bytes } => {
                    bytes.get(*offsets.get(number - 1)?..*offsets.get(number)?)
                }
            }
        };
        let mut elements = Vec::new();
        let mut ends = vec![0];
        for &present in mask {
            if present == 0 {
                elements.resize(elements.len() + missing, 0);
            } else {
                let value = next().ok_or_else(|| {
                    Error::corrupt(
                        NAME,
                        "the mask has more present elements than there are values",
                    )
                })?;
                elements.extend_from_slice(value);
            }
            elements.push(present);
            ends.push(elements.len());
        }
        Ok(match self.value_type().fixed_size() {
            Some(_) => ChunkData::Fixed(elements),
            None => ChunkData::Variable {
                offsets: ends,
                bytes: elements,
            },
        })
    }
}

/// Splits off the size of a part.
fn split_size(encoded: &[u8]) -> Option<(usize, &[u8])> {
    let (size, rest) = encoded.split_first_chunk()?;
    Some((usize::try_from(u64::from_le_bytes(*size)).ok()?, rest))
}

impl ArrayToBytes for Optional {
    fn encoded_size(&self) -> EncodedSize {
        let parts = [self.mask.encoded_size(), self.data.encoded_size()];
        let size = |total: usize, part: &EncodedSize| total.saturating_add(part.max());
        EncodedSize::AtMost(parts.iter().fold(SIZES, size))
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let (mask, values) = self.split(decoded)?;
        let present = mask.iter().filter(|&&present| present == 1).count();
        let start = encoded.len();
        encoded.resize(start + SIZES, 0);
        self.mask.encode_chunk(&ChunkData::Fixed(mask), encoded)?;
        let middle = encoded.len();
        if present > 0 {
            self.values(present)?.encode_chunk(&values, encoded)?;
        }
        let sizes = [middle - start - SIZES, encoded.len() - middle];
        for (place, size) in sizes.into_iter().enumerate() {
            let place = start + 8 * place;
            encoded[place..place + 8].copy_from_slice(&(size as u64).to_le_bytes());
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        let parts = split_size(encoded).and_then(|(mask_size, rest)| {
            let (data_size, rest) = split_size(rest)?;
            let (mask, data) = rest.split_at_checked(mask_size)?;
            (data.len() == data_size).then_some((mask, data))
        });
        let Some((mask, data)) = parts else {
            let reason = format!(
                "{} bytes are not the mask and the values that their sizes declare",
                encoded.len()
            );
            return Err(Error::corrupt(NAME, reason));
        };
        let mask = self.mask.decode_chunk(mask)?;
        let mask = mask.fixed()?;
        let present = mask.iter().filter(|&&present| present == 1).count();
        let values = match present {
            0 => None,
            _ => Some(self.values(present)?.decode_chunk(data)?),
        };
        self.join(mask, values.as_ref())
    }
}

#[cfg(all(test, feature = "full"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{assert_chunks_survive_damage, extension};

    const BYTES: &str = r#"{"name": "bytes", "configuration": {"endian": "big"}}"#;

    fn optional(inner: &str) -> String {
        format!(r#"{{"name": "optional", "configuration": {inner}}}"#)
    }

    fn codec(data_codec: &str) -> String {
        let mask = r#"{"name": "packbits"}"#;
        optional(&format!(
            r#"{{"mask_codecs": [{mask}], "data_codecs": [{data_codec}]}}"#
        ))
    }

    fn chain(data_type: &str, codec: &str, len: u64) -> Result<CodecChain> {
        let registry = crate::registry();
        let data_type = registry.bind_data_type(&extension(data_type))?;
        let spec = ChunkSpec {
            shape: [len].into(),
            fill_value: data_type.zero(),
            data_type,
        };
        registry.bind_codecs(&[extension(codec)], spec)
    }

    fn assert_encodes(chain: &CodecChain, decoded: &ChunkData, expected: &[u8]) {
        let mut encoded = Vec::new();
        chain.encode_chunk(decoded, &mut encoded).unwrap();
        assert_eq!(encoded, expected);
        assert_eq!(chain.decode_chunk(&encoded).unwrap(), *decoded);
        assert_chunks_survive_damage(chain, &encoded);
    }

    fn sizes(mask: u8, data: u8) -> Vec<u8> {
        [[mask, 0, 0, 0, 0, 0, 0, 0], [data, 0, 0, 0, 0, 0, 0, 0]].concat()
    }

    #[test]
    fn mask_and_values() {
        let chain = chain(&optional(r#"{"name": "uint16"}"#), &codec(BYTES), 4).unwrap();
        let elements = [(7_u16, 1), (0, 0), (9, 1), (0, 0)].map(|(value, present)| {
            let [a, b] = value.to_ne_bytes();
            [a, b, present]
        });
        let expected = [&sizes(1, 4)[..], &[0b101, 0, 7, 0, 9]].concat();
        assert_encodes(&chain, &ChunkData::Fixed(elements.concat()), &expected);
        let none = [&sizes(1, 0)[..], &[0]].concat();
        assert_encodes(&chain, &ChunkData::Fixed(vec![0; 12]), &none);
    }

    /// Decodes chunks that zarrs wrote.
    #[test]
    fn chunks_of_zarrs() {
        let byte = optional(r#"{"name": "uint8", "configuration": {}}"#);
        let little = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
        let plain = chain(&byte, &codec(little), 4).unwrap();
        let encoded = [&sizes(1, 3)[..], &[0x0b, 2, 3, 7]].concat();
        let elements = ChunkData::Fixed(vec![2, 1, 3, 1, 0, 0, 7, 1]);
        assert_eq!(plain.decode_chunk(&encoded).unwrap(), elements);
        let nested = chain(&optional(&byte), &codec(&codec(little)), 4).unwrap();
        let inner = [&sizes(1, 1)[..], &[2, 5]].concat();
        let encoded = [&sizes(1, 18)[..], &[0x0a], &inner].concat();
        let elements = ChunkData::Fixed(vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 1, 1]);
        assert_encodes(&nested, &elements, &encoded);
    }

    #[test]
    fn strings_may_be_missing() {
        let strings = optional(r#"{"name": "string"}"#);
        let chain = chain(&strings, &codec(r#"{"name": "vlen-utf8"}"#), 3).unwrap();
        let elements = ChunkData::Variable {
            offsets: vec![0, 3, 4, 5],
            bytes: b"ab\x01\x00\x01".to_vec(),
        };
        let values = b"\x02\0\0\0\x02\0\0\0ab\0\0\0\0";
        let expected = [&sizes(1, 14)[..], &[0b101], values].concat();
        assert_encodes(&chain, &elements, &expected);
    }

    #[test]
    fn other_types_and_chains_are_refused() {
        let byte = optional(r#"{"name": "uint8"}"#);
        for (data_type, codec) in [
            (r#"{"name": "uint8"}"#, &codec(BYTES)),
            (&byte, &BYTES.to_owned()),
            (&byte, &codec(r#"{"name": "vlen-utf8"}"#)),
            (&byte, &codec("")),
            (&byte, &optional(r#"{"mask_codecs": []}"#)),
            (&byte, &codec(&codec(BYTES))),
        ] {
            assert!(chain(data_type, codec, 4).is_err(), "{data_type} {codec}");
        }
    }
}
