#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{binder, extension, spec};

fn codec(configuration: &str, data_type: &str) -> Result<Arc<dyn ArrayToArray>> {
    let json = format!(r#"{{"name": "cast_value", "configuration": {configuration}}}"#);
    bind(&extension(&json), &spec(&[1], data_type), &binder())
}

fn float64(number: f64) -> ChunkData {
    ChunkData::Fixed(number.to_ne_bytes().to_vec())
}

/// Casts a float64 to int8.
fn int8(members: &str, number: f64) -> Option<i8> {
    let configuration = format!(r#"{{"data_type": "int8"{members}}}"#);
    match codec(&configuration, "float64")
        .unwrap()
        .encode(float64(number))
    {
        Ok(ChunkData::Fixed(bytes)) => Some(bytes[0].cast_signed()),
        _ => None,
    }
}

#[test]
fn values_are_rounded_then_bounded() {
    assert_eq!(int8("", 2.5), Some(2));
    assert_eq!(int8(r#", "rounding": "nearest-away""#, -2.5), Some(-3));
    assert_eq!(int8(r#", "rounding": "towards-positive""#, -2.5), Some(-2));
    assert_eq!(int8(r#", "rounding": "towards-zero""#, 127.9), Some(127));
    for number in [127.9, 128.0, f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(int8("", number), None);
    }
    let clamp = r#", "out_of_range": "clamp""#;
    assert_eq!(int8(clamp, 128.0), Some(127));
    assert_eq!(int8(clamp, -1e300), Some(-128));
    assert_eq!(int8(clamp, f64::INFINITY), None);
    let wrap = r#", "out_of_range": "wrap""#;
    assert_eq!(int8(wrap, 128.0), Some(-128));
    assert_eq!(int8(wrap, -129.0), Some(127));
    assert_eq!(int8(wrap, 1e300), Some(0));
    assert_eq!(int8(wrap, f64::NAN), None);
}

#[test]
fn scalar_map_comes_first() {
    let map = r#", "scalar_map": {"encode": [["NaN", 7], ["NaN", 8], ["+Infinity", 9], [1.0, -1]], "decode": [[-1, 1.0]]}"#;
    assert_eq!(int8(map, -f64::NAN), Some(7));
    assert_eq!(int8(map, f64::INFINITY), Some(9));
    assert_eq!(int8(map, 1.0), Some(-1));
    let codec = codec(&format!(r#"{{"data_type": "int8"{map}}}"#), "float64").unwrap();
    assert_eq!(
        codec.decode(ChunkData::Fixed(vec![255])).unwrap(),
        float64(1.0)
    );
    assert_eq!(
        codec.decode(ChunkData::Fixed(vec![254])).unwrap(),
        float64(-2.0)
    );
}

#[test]
fn floats_keep_signs_and_specials() {
    let codec = codec(
        r#"{"data_type": {"name": "float16"}, "out_of_range": "clamp"}"#,
        "float64",
    )
    .unwrap();
    let cases = [
        (-0.0, 0x8000_u16),
        (f64::NEG_INFINITY, 0xfc00),
        (f64::NAN, 0x7e00),
        (1e9, 0x7c00),
        (65519.0, 0x7bff),
    ];
    for (number, expected) in cases {
        let encoded = codec.encode(float64(number)).unwrap();
        assert_eq!(
            encoded,
            ChunkData::Fixed(expected.to_ne_bytes().to_vec()),
            "{number}"
        );
    }
}

#[test]
fn fill_value_survives_or_is_refused() {
    let mut spec = spec(&[1], "float64");
    let cast = Extension::new("cast_value").with("data_type", "uint8");
    for (fill, stored) in [(3.0, Some(3)), (3.5, None), (256.0, None), (f64::NAN, None)] {
        spec.fill_value = FillValue::new(f64::to_ne_bytes(fill).to_vec());
        let fill = bind(&cast, &spec, &binder()).ok();
        assert_eq!(
            fill.map(|codec| codec.encoded().fill_value.bytes()[0]),
            stored
        );
    }
    let map = r#"{"encode": [["NaN", 0]], "decode": [[0, "NaN"]]}"#;
    let map = serde_json::value::RawValue::from_string(map.to_owned()).unwrap();
    bind(&cast.with("scalar_map", map), &spec, &binder()).unwrap();
}

#[test]
fn bad_configurations_are_refused() {
    for (configuration, data_type) in [
        ("{}", "float64"),
        (r#"{"data_type": "complex64"}"#, "float64"),
        (r#"{"data_type": "bool"}"#, "uint8"),
        (r#"{"data_type": "uint8"}"#, "bool"),
        (r#"{"data_type": "unknown"}"#, "uint8"),
        (r#"{"data_type": "uint8", "rounding": "up"}"#, "float64"),
        (
            r#"{"data_type": "float32", "out_of_range": "wrap"}"#,
            "float64",
        ),
        (
            r#"{"data_type": "uint8", "out_of_range": "error"}"#,
            "float64",
        ),
        (r#"{"data_type": "uint8", "more": 1}"#, "float64"),
        (
            r#"{"data_type": "uint8", "scalar_map": {"encode": [["NaN", 256]]}}"#,
            "float64",
        ),
        (
            r#"{"data_type": "uint8", "scalar_map": {"encode": [["NaN"]]}}"#,
            "float64",
        ),
        (
            r#"{"data_type": "uint8", "scalar_map": {"more": []}}"#,
            "float64",
        ),
    ] {
        assert!(codec(configuration, data_type).is_err(), "{configuration}");
    }
}
