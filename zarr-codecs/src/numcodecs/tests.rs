//! Chunks that zarr-python wrote through numcodecs, and configurations that none of these codecs
//! accepts.

#![expect(clippy::unwrap_used, reason = "tests")]

use serde::Deserialize;
use serde_json::value::RawValue;
use zarr_core::codec::ChunkData;

use crate::testing::{assert_chunk_round_trip, assert_chunks_survive_damage, chain, filled_chain};

#[derive(Deserialize)]
struct Chunk {
    codecs: Vec<Box<RawValue>>,
    data_type: String,
    shape: Vec<u64>,
    fill_value: Box<RawValue>,
    stored: String,
    decoded: String,
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    let byte = |digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[test]
fn chunks_of_zarr_python_are_read_and_written() {
    let chunks = include_str!("../../tests/fixtures/chunks.json");
    let chunks: Vec<Chunk> = serde_json::from_str(chunks).unwrap();
    assert!(chunks.len() > 30);
    for chunk in chunks {
        let codecs: Vec<_> = chunk.codecs.iter().map(|codec| codec.get()).collect();
        let codecs = codecs.join(", ");
        println!("{codecs} {}", chunk.data_type);
        let fill = Some(&*chunk.fill_value);
        let chain = filled_chain(&codecs, &chunk.shape, &chunk.data_type, fill).unwrap();
        let (stored, decoded) = (
            bytes(&chunk.stored),
            ChunkData::Fixed(bytes(&chunk.decoded)),
        );
        assert_eq!(chain.decode_chunk(&stored).unwrap(), decoded);
        assert_chunks_survive_damage(&chain, &stored);
        let mut encoded = Vec::new();
        chain.encode_chunk(&decoded, &mut encoded).unwrap();
        let again = chain.decode_chunk(&encoded).unwrap();
        // The output of compressors differs by version, and encoding again adds to the loss of zfp.
        let differs = |names: &[&str]| names.iter().any(|name| codecs.contains(name));
        if !differs(&["zfpy"]) {
            assert_eq!(again, decoded);
        }
        if !differs(&["blosc", "gzip", "zfpy", "zstd"]) {
            assert_eq!(encoded, stored);
        }
    }
}

#[test]
fn lossless_filters_round_trip() {
    let bytes_codec = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
    let delta = r#"{"name": "numcodecs.delta", "configuration": {"dtype": "<i8"}}"#;
    let packbits = r#"{"name": "numcodecs.packbits"}"#;
    let wide = r#"{"name": "numcodecs.astype", "configuration": {"encode_dtype": "<i8", "decode_dtype": ">u2"}}"#;
    let extremes = [i64::MAX, i64::MIN, 0, -1].map(i64::to_ne_bytes).concat();
    let chain_of = |codec: &str, shape: &[u64], data_type: &str| {
        chain(&format!("{codec}, {bytes_codec}"), shape, data_type).unwrap()
    };
    assert_chunk_round_trip(&chain_of(delta, &[4], "int64"), extremes);
    assert_chunk_round_trip(
        &chain_of(wide, &[4], "uint16"),
        vec![255, 255, 1, 0, 0, 9, 0, 128],
    );
    for len in 0..20_u8 {
        let bits = (0..len).map(|place| u8::from(place % 3 == 0)).collect();
        assert_chunk_round_trip(&chain_of(packbits, &[len.into()], "bool"), bits);
    }
}

#[test]
fn bad_configurations_are_refused() {
    let cases = [
        ("numcodecs.delta", "{}", "int32"),
        ("numcodecs.delta", r#"{"dtype": "<i8"}"#, "int32"),
        (
            "numcodecs.delta",
            r#"{"dtype": "<i4", "astype": "<x4"}"#,
            "int32",
        ),
        ("numcodecs.delta", r#"{"dtype": "<c8"}"#, "complex64"),
        ("numcodecs.delta", r#"{"dtype": "|b1"}"#, "bool"),
        ("numcodecs.delta", r#"{"dtype": "<i4", "more": 1}"#, "int32"),
        ("numcodecs.astype", r#"{"decode_dtype": "<i4"}"#, "int32"),
        ("numcodecs.astype", r#"{"encode_dtype": "M8[ns]"}"#, "int32"),
        ("numcodecs.quantize", r#"{"digits": 1}"#, "int32"),
        ("numcodecs.quantize", r#"{"digits": 1000}"#, "float32"),
        (
            "numcodecs.quantize",
            r#"{"digits": 1, "astype": "<i4"}"#,
            "float32",
        ),
        (
            "numcodecs.fixedscaleoffset",
            r#"{"offset": 1, "scale": 0}"#,
            "float32",
        ),
        ("numcodecs.fixedscaleoffset", r#"{"offset": 1}"#, "float32"),
        ("numcodecs.packbits", r#"{"more": 1}"#, "bool"),
        ("numcodecs.packbits", "{}", "uint8"),
        ("numcodecs.bitround", r#"{"keepbits": -1}"#, "float32"),
    ];
    for (name, configuration, data_type) in cases {
        let codecs = format!(
            r#"{{"name": "{name}", "configuration": {configuration}}},
            {{"name": "bytes", "configuration": {{"endian": "little"}}}}"#
        );
        assert!(
            chain(&codecs, &[4], data_type).is_err(),
            "{name} {configuration}"
        );
    }
    let bytes_codecs = [
        ("blosc", r#"{"shuffle": 3}"#),
        ("blosc", r#"{"cname": "x"}"#),
        ("gzip", r#"{"level": 10}"#),
        ("zstd", r#"{"more": 1}"#),
    ];
    for (name, configuration) in bytes_codecs {
        let codecs = format!(
            r#"{{"name": "bytes"}}, {{"name": "numcodecs.{name}", "configuration": {configuration}}}"#
        );
        assert!(
            chain(&codecs, &[4], "uint8").is_err(),
            "{name} {configuration}"
        );
    }
}
