//! Elements of all kinds, passed through a codec chain, and the Rust types that hold them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use half::{bf16, f16};
use num_complex::Complex;

use super::testing::data_type;
use super::*;
use crate::codec::{ArrayToBytes, ByteOrder, ChunkData, ChunkSpec, CodecChain, EncodedSize};
use crate::limits::Limits;

const RECORD: &str = r#"{"name": "struct", "configuration": {"fields": [
    {"name": "id", "data_type": "uint16"}, {"name": "low", "data_type": "int4"},
    {"name": "at", "data_type": {"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}}}]}}"#;
const TEXT: &str = r#"{"name": "fixed_length_utf32", "configuration": {"length_bytes": 8}}"#;

/// A codec that stores elements unchanged, in this byte order.
#[derive(Debug)]
struct Plain(ByteOrder, usize);

impl ArrayToBytes for Plain {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::Exact(self.1)
    }

    fn byte_order(&self) -> Option<ByteOrder> {
        Some(self.0)
    }

    fn encode(&self, _: &ChunkData, _: &mut Vec<u8>) -> Result<()> {
        unreachable!("the chain copies")
    }

    fn decode(&self, _: &[u8]) -> Result<ChunkData> {
        unreachable!("the chain copies")
    }
}

fn chain(name: &str, order: ByteOrder, size: usize) -> CodecChain {
    let data_type = data_type(name).unwrap();
    let spec = ChunkSpec {
        shape: [(size / data_type.fixed_size().unwrap()) as u64][..].into(),
        fill_value: data_type.zero(),
        data_type,
    };
    let plain = Arc::new(Plain(order, size));
    CodecChain::new(&[], spec, vec![], plain, vec![], &Limits::default()).unwrap()
}

/// Decodes the elements of a chunk of `stored` bytes in all three ways, which must agree.
fn decode(chain: &CodecChain, stored: &[u8]) -> Result<Vec<u8>> {
    let ChunkData::Fixed(whole) = chain.decode_chunk(stored)? else {
        unreachable!("fixed-size elements")
    };
    let lent = chain.decode(stored, |elements| {
        let mut bytes = elements.bytes.to_vec();
        if elements.foreign {
            chain.decoded().data_type.swap_bytes(&mut bytes);
        }
        assert_eq!(elements.foreign, chain.encodes_foreign());
        Ok(bytes)
    })?;
    assert_eq!(lent, whole);
    let mut target = vec![0xaa; whole.len()];
    if chain.decode_into(stored, &mut target)? {
        assert_eq!(target, whole);
    }
    Ok(whole)
}

/// Encodes elements in both ways, which must agree.
fn encode(chain: &CodecChain, elements: &[u8]) -> Result<Vec<u8>> {
    let (mut whole, mut plain) = (Vec::new(), Vec::new());
    chain.encode_chunk(&ChunkData::Fixed(elements.to_vec()), &mut whole)?;
    let mut elements = elements.to_vec();
    if chain.encodes_foreign() {
        chain.decoded().data_type.swap_bytes(&mut elements);
    }
    chain.encode(&elements, &mut plain)?;
    assert_eq!(plain, whole);
    Ok(whole)
}

#[test]
fn elements_come_back_in_both_byte_orders() {
    let text = ['a', '\u{10ffff}', 'é', '\0'].map(u32::from);
    let record =
        |id: u16, low: u8, at: i64| [&id.to_ne_bytes()[..], &[low], &at.to_ne_bytes()].concat();
    let stored =
        |id: u16, low: u8, at: i64| [&id.to_be_bytes()[..], &[low], &at.to_be_bytes()].concat();
    for (name, elements, big_endian) in [
        ("bool", vec![0, 1, 1, 0], vec![0, 1, 1, 0]),
        ("int4", vec![0xf8, 7], vec![0xf8, 7]),
        (
            "bfloat16",
            0x3f80_u16.to_ne_bytes().to_vec(),
            vec![0x3f, 0x80],
        ),
        (
            "complex_float16",
            [0x3c00_u16, 0x4000].map(u16::to_ne_bytes).concat(),
            vec![0x3c, 0, 0x40, 0],
        ),
        (
            TEXT,
            text.map(u32::to_ne_bytes).concat(),
            text.map(u32::to_be_bytes).concat(),
        ),
        (
            RECORD,
            [record(258, 0xff, 1), record(3, 7, i64::MIN)].concat(),
            [stored(258, 0xff, 1), stored(3, 7, i64::MIN)].concat(),
        ),
    ] {
        let big = chain(name, ByteOrder::Big, elements.len());
        assert_eq!(encode(&big, &elements).unwrap(), big_endian, "{name}");
        assert_eq!(decode(&big, &big_endian).unwrap(), elements, "{name}");
        let mut little_endian = big_endian;
        big.decoded().data_type.swap_bytes(&mut little_endian);
        let little = chain(name, ByteOrder::Little, elements.len());
        assert_eq!(encode(&little, &elements).unwrap(), little_endian, "{name}");
        assert_eq!(decode(&little, &little_endian).unwrap(), elements, "{name}");
    }
}

#[test]
fn ignored_bits_are_replaced_and_never_written() {
    for (name, stored, elements) in [
        ("int4", vec![0x58, 0xf7], vec![0xf8, 7]),
        ("uint2", vec![0xff, 0x04], vec![3, 0]),
        ("float6_e3m2fn", vec![0xff, 0xc1], vec![0x3f, 1]),
        (
            RECORD,
            vec![0, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0],
            vec![0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ] {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let chain = chain(name, order, stored.len());
            assert_eq!(decode(&chain, &stored).unwrap(), elements, "{name}");
            encode(&chain, &stored).unwrap_err();
        }
    }
}

#[test]
fn bytes_that_are_no_elements_are_refused() {
    let beyond = 0x11_0000_u32;
    for (name, order, stored) in [
        ("bool", ByteOrder::native(), vec![1, 2]),
        (
            TEXT,
            ByteOrder::Big,
            [beyond, 0].map(u32::to_be_bytes).concat(),
        ),
        (
            TEXT,
            ByteOrder::Little,
            [0, beyond].map(u32::to_le_bytes).concat(),
        ),
    ] {
        let chain = chain(name, order, stored.len());
        assert!(matches!(
            decode(&chain, &stored),
            Err(Error::Invalid { .. })
        ));
        let lent = chain.decode(&stored, |_| Ok(()));
        assert!(matches!(lent, Err(Error::Invalid { .. })), "{name}");
        let mut elements = stored;
        if order != ByteOrder::native() {
            chain.decoded().data_type.swap_bytes(&mut elements);
        }
        encode(&chain, &elements).unwrap_err();
    }
}

#[test]
fn rust_types_hold_what_they_stand_for() {
    let holds = |held: bool, name: &str| assert!(held, "{name}");
    let time =
        r#"{"name": "numpy.timedelta64", "configuration": {"unit": "s", "scale_factor": 1}}"#;
    let of = |name: &str| data_type(name).unwrap();
    holds(bf16::holds(&of("bfloat16")), "bfloat16");
    holds(!f16::holds(&of("bfloat16")), "bfloat16");
    holds(i8::holds(&of("int4")) && !u8::holds(&of("int4")), "int4");
    holds(u8::holds(&of("uint2")), "uint2");
    holds(i64::holds(&of(time)), time);
    holds(Complex::<bf16>::holds(&of("complex_bfloat16")), "bfloat16");
    holds(Complex::<f32>::holds(&of("complex_float32")), "float32");
    holds(<[u8; 8]>::holds(&of(TEXT)), TEXT);
    holds(<[u8; 11]>::holds(&of(RECORD)), RECORD);
    holds(<[u8; 1]>::holds(&of("float8_e5m2")), "float8_e5m2");
    holds(!<[u8; 1]>::holds(&of("bool")), "bool");
}
