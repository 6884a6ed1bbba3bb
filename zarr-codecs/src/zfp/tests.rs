#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{assert_chunk_round_trip, assert_chunks_survive_damage, chain};

fn codec(configuration: &str) -> String {
    format!(r#"{{"name": "zfp", "configuration": {configuration}}}"#)
}

const REVERSIBLE: &str = r#"{"mode": "reversible"}"#;

fn elements(data_type: &str, len: u8) -> Vec<u8> {
    let numbers = (0..len).map(f64::from);
    match data_type {
        "float32" => numbers
            .flat_map(|it| narrow(it / 3.0).to_ne_bytes())
            .collect(),
        "float64" => numbers.flat_map(|it| (it / 3.0).to_ne_bytes()).collect(),
        _ => {
            let size: usize = data_type
                .trim_start_matches(char::is_alphabetic)
                .parse()
                .unwrap();
            let mut elements = Vec::new();
            (0..len).for_each(|it| push_bits(&mut elements, it.into(), size / 8));
            elements
        }
    }
}

#[test]
fn reversible_streams_round_trip() {
    let types = [
        "float32", "float64", "int32", "uint32", "int64", "uint64", "int8", "uint8", "int16",
        "uint16",
    ];
    for data_type in types {
        for (shape, len) in [
            (&[][..], 1),
            (&[7], 7),
            (&[3, 5], 15),
            (&[2, 3, 4], 24),
            (&[1, 2, 3, 4], 24),
        ] {
            let chain = chain(&codec(REVERSIBLE), shape, data_type).unwrap();
            assert_chunk_round_trip(&chain, elements(data_type, len));
        }
    }
    let half = chain(&codec(REVERSIBLE), &[3], "float16").unwrap();
    assert_chunk_round_trip(&half, vec![0, 0x3c, 0xff, 0x7b, 1, 0x80]);
}

#[test]
fn nans_of_any_kind_are_kept() {
    let bits = [0x7f80_0001_u32, 0xff87_fd00, 0x7fc0_0000, 0x0000_0001];
    let chain = chain(&codec(REVERSIBLE), &[4], "float32").unwrap();
    assert_chunk_round_trip(
        &chain,
        bits.into_iter().flat_map(u32::to_ne_bytes).collect(),
    );
}

#[test]
fn lossy_streams_come_near() {
    for mode in [
        r#"{"mode": "fixed_accuracy", "tolerance": 0.001}"#,
        r#"{"mode": "fixed_rate", "rate": 24}"#,
        r#"{"mode": "fixed_precision", "precision": 28}"#,
        r#"{"mode": "expert", "minbits": 1, "maxbits": 16658, "maxprec": 64, "minexp": -10}"#,
    ] {
        let chain = chain(&codec(mode), &[5, 6], "float64").unwrap();
        let decoded = elements("float64", 30);
        let mut encoded = Vec::new();
        chain
            .encode_chunk(&ChunkData::Fixed(decoded.clone()), &mut encoded)
            .unwrap();
        chain
            .encoded_size()
            .check("encoded", encoded.len())
            .unwrap();
        let ChunkData::Fixed(again) = chain.decode_chunk(&encoded).unwrap() else {
            panic!()
        };
        for (left, right) in decoded.chunks(8).zip(again.chunks(8)) {
            let number = |bytes: &[u8]| f64::from_ne_bytes(bytes.try_into().unwrap());
            assert!((number(left) - number(right)).abs() < 0.01, "{mode}");
        }
        assert_chunks_survive_damage(&chain, &encoded);
    }
}

#[test]
fn upper_half_of_unsigned_integers_is_refused() {
    let chain = chain(&codec(REVERSIBLE), &[1], "uint32").unwrap();
    let large = ChunkData::Fixed(u32::MAX.to_ne_bytes().to_vec());
    chain.encode_chunk(&large, &mut Vec::new()).unwrap_err();
}

#[test]
fn bad_configurations_are_refused() {
    for (configuration, shape, data_type) in [
        ("{}", &[4][..], "float32"),
        (r#"{"mode": "lossless"}"#, &[4], "float32"),
        (r#"{"mode": 5}"#, &[4], "float32"),
        (r#"{"mode": "reversible", "rate": 1}"#, &[4], "float32"),
        (r#"{"mode": "fixed_rate"}"#, &[4], "float32"),
        (r#"{"mode": "fixed_rate", "rate": -1}"#, &[4], "float32"),
        (
            r#"{"mode": "fixed_accuracy", "tolerance": -1}"#,
            &[4],
            "float32",
        ),
        (
            r#"{"mode": "fixed_precision", "precision": 1.5}"#,
            &[4],
            "float32",
        ),
        (
            r#"{"mode": "expert", "minbits": 9, "maxbits": 1, "maxprec": 64, "minexp": 0}"#,
            &[4],
            "float32",
        ),
        (REVERSIBLE, &[1, 1, 1, 1, 1], "float32"),
        (REVERSIBLE, &[4], "bool"),
        (REVERSIBLE, &[4], "complex64"),
        (REVERSIBLE, &[4], "r8"),
    ] {
        assert!(
            chain(&codec(configuration), shape, data_type).is_err(),
            "{configuration}"
        );
    }
}

#[test]
fn rates_as_zarrs_computes_them_are_for_tolerant_readers() {
    let codec = codec(r#"{"mode": "fixed_rate", "rate": 12.0}"#);
    let strict = crate::registry().with_strictness(Strictness::Strict);
    let codecs: Vec<Extension> = serde_json::from_str(&format!("[{codec}]")).unwrap();
    for shape in [&[9][..], &[6, 7], &[5, 6, 7], &[2, 3, 4, 5]] {
        let own = chain(&codec, shape, "float32").unwrap();
        let spec = own.decoded().clone();
        let field = Field::new(NAME, ZfpScalarType::F32, &spec, false).unwrap();
        let of_zarrs = field.rate_in_three_dimensions(12.0).unwrap();
        let len = u8::try_from(shape.iter().product::<u64>()).unwrap();
        let numbers = (0..len).map(|it| f32::from(it) / 3.0).collect::<Vec<_>>();
        let mut stream = Vec::new();
        field.compress(&of_zarrs, &numbers, &mut stream).unwrap();
        assert_eq!(field.rate_size(&of_zarrs), Some(stream.len()));

        let refused = strict
            .bind_codecs(&codecs, spec)
            .unwrap()
            .decode_chunk(&stream);
        assert_eq!(refused.is_err(), shape.len() != 3, "{shape:?}");
        let ChunkData::Fixed(bytes) = own.decode_chunk(&stream).unwrap() else {
            panic!("fixed-size elements");
        };
        let found = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .copied()
            .map(f32::from_ne_bytes);
        let worst = found
            .zip(&numbers)
            .map(|(found, number)| (found - number).abs());
        // In four dimensions, zarrs keeps only a quarter of the bits.
        let most = if shape.len() == 4 { 4.0 } else { 0.2 };
        assert!(worst.fold(0.0, f32::max) < most, "{shape:?}");
    }
}
