//! The `bytes` codec: elements one after the other in C order (core codecs, "bytes codec").
//!
//! The core copies straight between encoded bytes and arrays; `encode` and `decode` of this codec
//! serve callers outside a chain.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToBytes, ByteOrder, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{Binder, DataType, DataTypeKind, Error, Extension, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    endian: Option<Endian>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Endian {
    Little,
    Big,
}

#[derive(Debug)]
struct BytesCodec {
    order: ByteOrder,
    data_type: DataType,
    size: usize,
}

/// Binds the codec. `endian` is required if the elements have a byte order, and has no effect
/// otherwise.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    if spec.data_type.kind() == DataTypeKind::Optional {
        let what = "codec \"bytes\" for optional elements; use codec \"optional\"".to_owned();
        return Err(Error::Unsupported { what });
    }
    let size = spec
        .decoded_size(u64::MAX)?
        .ok_or_else(|| Error::Unsupported {
            what: format!(
                "codec \"bytes\" for data type {}, whose elements have variable sizes",
                spec.data_type
            ),
        })?;
    let order = match configuration.endian {
        _ if spec.data_type.swap_size() == 1 => ByteOrder::native(),
        Some(Endian::Little) => ByteOrder::Little,
        Some(Endian::Big) => ByteOrder::Big,
        // Arrays of the legacy type were written without `endian`.
        None if spec.data_type.name() == "structured" => ByteOrder::Little,
        None => return Err(Error::MissingMember { member: "endian" }.member("configuration")),
    };
    Ok(Arc::new(BytesCodec {
        order,
        data_type: spec.data_type.clone(),
        size,
    }))
}

impl BytesCodec {
    fn swap(&self, elements: &mut [u8]) {
        if self.order != ByteOrder::native() {
            self.data_type.swap_bytes(elements);
        }
    }
}

impl ArrayToBytes for BytesCodec {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::Exact(self.size)
    }

    fn byte_order(&self) -> Option<ByteOrder> {
        Some(self.order)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = decoded.fixed()?;
        self.encoded_size().check("chunk", elements.len())?;
        let start = encoded.len();
        encoded.extend_from_slice(elements);
        self.swap(encoded.get_mut(start..).unwrap_or_default());
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        self.encoded_size().check("encoded chunk", encoded.len())?;
        let mut elements = encoded.to_vec();
        self.swap(&mut elements);
        Ok(ChunkData::Fixed(elements))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::registry;
    use crate::testing::{extension, spec};

    fn chain(configuration: &str, data_type: &str) -> Result<zarr_core::codec::CodecChain> {
        let json = format!(r#"{{"name": "bytes", "configuration": {configuration}}}"#);
        registry().bind_codecs(&[extension(&json)], spec(&[2], data_type))
    }

    fn codec(order: ByteOrder, swap_size: usize, size: usize) -> BytesCodec {
        let data_type = DataType::core(&format!("uint{}", 8 * swap_size)).unwrap();
        BytesCodec {
            order,
            data_type,
            size,
        }
    }

    #[test]
    fn elements_are_swapped_by_the_size_of_their_numbers() {
        let decoded = ChunkData::Fixed((0..16).collect());
        let cases = [
            (ByteOrder::native(), 8, (0..16).collect()),
            (
                foreign(),
                2,
                vec![1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14],
            ),
            (
                foreign(),
                8,
                vec![7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8],
            ),
        ];
        for (order, swap_size, expected) in cases {
            let codec = codec(order, swap_size, 16);
            let mut encoded = vec![0xAA];
            codec.encode(&decoded, &mut encoded).unwrap();
            assert_eq!(encoded[1..], expected);
            assert_eq!(codec.decode(&expected).unwrap(), decoded);
        }
    }

    fn foreign() -> ByteOrder {
        match ByteOrder::native() {
            ByteOrder::Little => ByteOrder::Big,
            ByteOrder::Big => ByteOrder::Little,
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        let codec = codec(ByteOrder::Little, 2, 4);
        for size in [0, 3, 5, 8] {
            codec.decode(&vec![0; size]).unwrap_err();
            let decoded = ChunkData::Fixed(vec![0; size]);
            codec.encode(&decoded, &mut Vec::new()).unwrap_err();
        }
    }

    #[test]
    fn endian_is_required_where_it_matters() {
        for data_type in ["int16", "float32", "complex64", "complex128"] {
            chain(r#"{"endian": "big"}"#, data_type).unwrap();
            chain(r#"{"endian": "little"}"#, data_type).unwrap();
            let error = chain("{}", data_type).unwrap_err();
            let expected = r#"codecs[0].configuration: missing member "endian""#;
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn endian_is_without_effect_on_single_bytes() {
        for data_type in ["bool", "uint8", "int8", "r8", "r24"] {
            for configuration in ["{}", r#"{"endian": "big"}"#, r#"{"endian": "little"}"#] {
                let chain = chain(configuration, data_type).unwrap();
                let size = chain.encoded_size().exact().unwrap();
                let bytes = vec![1; size];
                assert_eq!(chain.decode_chunk(&bytes).unwrap(), ChunkData::Fixed(bytes));
            }
        }
    }

    #[test]
    fn big_endian_is_read_and_written() {
        let chain = chain(r#"{"endian": "big"}"#, "uint16").unwrap();
        let decoded = ChunkData::Fixed([1_u16, 2].iter().flat_map(|n| n.to_ne_bytes()).collect());
        assert_eq!(chain.decode_chunk(&[0, 1, 0, 2]).unwrap(), decoded);
        let mut encoded = Vec::new();
        chain.encode_chunk(&decoded, &mut encoded).unwrap();
        assert_eq!(encoded, [0, 1, 0, 2]);
    }

    #[test]
    fn bad_configurations_are_refused() {
        let cases = [
            r#"{"endian": "middle"}"#,
            r#"{"endian": "Little"}"#,
            r#"{"endian": 1}"#,
            r#"{"endian": "little", "more": 1}"#,
        ];
        for case in cases {
            for data_type in ["uint8", "uint16"] {
                let error = chain(case, data_type).unwrap_err();
                assert!(
                    error.to_string().starts_with("codecs[0].configuration"),
                    "{error}"
                );
            }
        }
    }
}
