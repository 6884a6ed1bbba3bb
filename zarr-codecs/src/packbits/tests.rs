#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::testing::{assert_chunk_round_trip, assert_chunks_survive_damage, chain};

fn codec(configuration: &str) -> String {
    format!(r#"{{"name": "packbits", "configuration": {configuration}}}"#)
}

fn encoded(configuration: &str, data_type: &str, elements: &[u8], len: u64) -> Vec<u8> {
    let chain = chain(&codec(configuration), &[len], data_type).unwrap();
    let mut encoded = Vec::new();
    chain
        .encode_chunk(&ChunkData::Fixed(elements.to_vec()), &mut encoded)
        .unwrap();
    assert_chunks_survive_damage(&chain, &encoded);
    encoded
}

#[test]
fn bools_are_packed_from_the_lowest_bit() {
    let bools = [1, 0, 1, 1, 0, 0, 0, 0, 0, 1];
    let cases = [
        ("{}", &[0b0000_1101, 0b10][..]),
        (
            r#"{"padding_encoding": "none", "first_bit": null, "last_bit": 0}"#,
            &[0b0000_1101, 0b10],
        ),
        (
            r#"{"padding_encoding": "first_byte"}"#,
            &[6, 0b0000_1101, 0b10],
        ),
        (
            r#"{"padding_encoding": "last_byte"}"#,
            &[0b0000_1101, 0b10, 6],
        ),
    ];
    for (configuration, expected) in cases {
        assert_eq!(encoded(configuration, "bool", &bools, 10), expected);
    }
}

#[test]
fn some_bits_of_wider_numbers_are_kept() {
    let numbers = [0x0123_u16, 0xfedc].map(u16::to_ne_bytes).concat();
    let bits = r#"{"first_bit": 4, "last_bit": 9}"#;
    assert_eq!(encoded(bits, "uint16", &numbers, 2), [0b0101_0010, 0b1011]);
    let decode = |data_type| {
        let chain = chain(&codec(bits), &[2], data_type).unwrap();
        chain.decode_chunk(&[0b0101_0010, 0b1011]).unwrap()
    };
    let unsigned = [0x0120_u16, 0x02d0].map(u16::to_ne_bytes).concat();
    assert_eq!(decode("uint16"), ChunkData::Fixed(unsigned));
    let signed = [0x0120_i16, -0x130].map(i16::to_ne_bytes).concat();
    assert_eq!(decode("int16"), ChunkData::Fixed(signed));
    let complex = [1.0_f32, -1.0, 0.0, 2.0].map(f32::to_ne_bytes).concat();
    assert_eq!(
        encoded(r#"{"first_bit": 31}"#, "complex64", &complex, 2),
        [0b0010]
    );
}

#[test]
fn narrow_types_take_their_own_bits() {
    let signed = [1_i8, -2, 7, -8].map(i8::cast_unsigned);
    assert_eq!(encoded("{}", "int4", &signed, 4), [0xe1, 0x87]);
    assert_eq!(encoded("{}", "uint2", &[0, 1, 2, 3], 4), [0b1110_0100]);
    assert_eq!(
        encoded("{}", "float6_e2m3fn", &[0b10_0001, 0b01_1111], 2),
        [0b1110_0001, 0b0111]
    );
    assert_eq!(encoded("{}", "complex_float4_e2m1fn", &[1, 2], 1), [0x21]);
    let chain = chain(&codec("{}"), &[4], "int4").unwrap();
    let decoded = ChunkData::Fixed(signed.to_vec());
    assert_eq!(chain.decode_chunk(&[0xe1, 0x87]).unwrap(), decoded);
}

proptest! {
    #[test]
    fn round_trip(data: Vec<u8>) {
        for (data_type, size) in [("uint8", 1), ("int16", 2), ("float32", 4), ("uint64", 8), ("complex128", 16)] {
            let whole = &data[..data.len() / size * size];
            for padding in ["none", "first_byte", "last_byte"] {
                let codec = codec(&format!(r#"{{"padding_encoding": "{padding}"}}"#));
                let len = (whole.len() / size) as u64;
                assert_chunk_round_trip(&chain(&codec, &[len], data_type).unwrap(), whole.to_vec());
            }
        }
        let bools: Vec<_> = data.iter().map(|byte| byte & 1).collect();
        assert_chunk_round_trip(&chain(&codec("{}"), &[bools.len() as u64], "bool").unwrap(), bools);
    }
}

#[test]
fn wrong_sizes_and_padding_are_refused() {
    let chain = chain(
        &codec(r#"{"padding_encoding": "first_byte"}"#),
        &[10],
        "bool",
    )
    .unwrap();
    for bad in [&[6, 1][..], &[], &[6, 1, 1, 1], &[5, 1, 1], &[255, 1, 1]] {
        chain.decode_chunk(bad).unwrap_err();
    }
}

#[test]
fn bad_configurations_are_refused() {
    for (configuration, data_type) in [
        (r#"{"first_bit": 3, "last_bit": 2}"#, "uint8"),
        (r#"{"last_bit": 8}"#, "uint8"),
        (r#"{"first_bit": 8}"#, "uint8"),
        (r#"{"first_bit": -1}"#, "uint8"),
        (r#"{"last_bit": 1}"#, "bool"),
        (r#"{"padding_encoding": "start_byte"}"#, "bool"),
        (r#"{"start_bit": 0}"#, "uint8"),
        ("{}", "r16"),
    ] {
        assert!(
            chain(&codec(configuration), &[4], data_type).is_err(),
            "{configuration}"
        );
    }
}
