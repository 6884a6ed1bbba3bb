#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{binder, extension, spec};

fn codec(configuration: &str, data_type: &str) -> Result<Arc<dyn ArrayToArray>> {
    let json = format!(r#"{{"name": "scale_offset", "configuration": {configuration}}}"#);
    bind(&extension(&json), &spec(&[2], data_type), &binder())
}

fn uint16(numbers: [u16; 2]) -> ChunkData {
    ChunkData::Fixed(numbers.map(u16::to_ne_bytes).concat())
}

fn float32(numbers: [f32; 2]) -> ChunkData {
    ChunkData::Fixed(numbers.map(f32::to_ne_bytes).concat())
}

#[test]
fn integers_are_exact_or_refused() {
    let mut spec = spec(&[2], "uint16");
    spec.fill_value = FillValue::new(1001_u16.to_ne_bytes().to_vec());
    let offset = Extension::new("scale_offset")
        .with("offset", 1000)
        .with("scale", 3);
    let codec = bind(&offset, &spec, &binder()).unwrap();
    assert_eq!(codec.encoded().fill_value.bytes(), 3_u16.to_ne_bytes());
    assert_eq!(codec.encode(uint16([1000, 1010])).unwrap(), uint16([0, 30]));
    assert_eq!(codec.decode(uint16([0, 30])).unwrap(), uint16([1000, 1010]));
    codec.encode(uint16([999, 1000])).unwrap_err();
    codec.encode(uint16([1000, 60_000])).unwrap_err();
    codec.decode(uint16([0, 31])).unwrap_err();
    codec.decode(uint16([0, 65_535])).unwrap();
    let wide = self::codec(r#"{"scale": -1}"#, "int64").unwrap();
    let lowest = ChunkData::Fixed([i64::MIN, 0].map(i64::to_ne_bytes).concat());
    wide.encode(lowest.clone()).unwrap_err();
    wide.decode(lowest).unwrap_err();
}

#[test]
fn floats_are_computed_in_their_own_arithmetic() {
    let codec = codec(r#"{"offset": 5, "scale": 0.1}"#, "float32").unwrap();
    let decoded = float32([5.3, f32::INFINITY]);
    let encoded = float32([(5.3 - 5.0) * 0.1, f32::INFINITY]);
    assert_eq!(codec.encode(decoded).unwrap(), encoded);
    let expected = float32([1e30_f32 / 0.1 + 5.0, f32::INFINITY]);
    assert_eq!(codec.decode(float32([1e30, 1e38])).unwrap(), expected);
}

#[test]
fn no_configuration_is_the_identity() {
    let codec = bind(
        &Extension::new("scale_offset"),
        &spec(&[2], "uint16"),
        &binder(),
    )
    .unwrap();
    assert_eq!(
        codec.decode(uint16([0, 65_535])).unwrap(),
        uint16([0, 65_535])
    );
}

#[test]
fn bad_configurations_are_refused() {
    for (configuration, data_type) in [
        (r#"{"scale": 0}"#, "uint16"),
        (r#"{"scale": -0.0}"#, "float32"),
        (r#"{"scale": 0.5}"#, "uint16"),
        (r#"{"offset": 70000}"#, "uint16"),
        (r#"{"offset": 1}"#, "uint16"),
        (r#"{"offset": "1"}"#, "float32"),
        (r#"{"offset": 1, "more": 1}"#, "float32"),
        ("{}", "bool"),
        ("{}", "complex64"),
        ("{}", "r16"),
    ] {
        assert!(
            codec(configuration, data_type).is_err(),
            "{configuration} {data_type}"
        );
    }
}
