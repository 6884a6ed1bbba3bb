//! Layout, byte order, fill values and rejected forms of structs.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::testing::{data_type, read, written};
use super::*;

fn record(fields: &str) -> String {
    format!(r#"{{"name": "struct", "configuration": {{"fields": {fields}}}}}"#)
}

fn legacy(fields: &str) -> String {
    record(fields).replace("struct", "structured")
}

/// An int32, a bool and a struct of two uint16 and an int4: 10 bytes.
fn nested() -> String {
    let inner = record(
        r#"[{"name": "a", "data_type": "uint16"}, {"name": "b", "data_type": "uint16"},
            {"name": "c", "data_type": {"name": "int4"}}]"#,
    );
    record(&format!(
        r#"[{{"name": "id", "data_type": "int32"}}, {{"name": "ok", "data_type": "bool"}},
            {{"name": "in", "data_type": {inner}}}]"#
    ))
}

const VALUE: &str = r#"{"id": 1, "ok": true, "in": {"a": 2, "b": 3, "c": -1}}"#;

fn value() -> Vec<u8> {
    let (id, a, b) = (
        1_i32.to_ne_bytes(),
        2_u16.to_ne_bytes(),
        3_u16.to_ne_bytes(),
    );
    [&id[..], &[1], &a, &b, &[0xff]].concat()
}

#[test]
fn fields_are_packed_in_order() {
    let bound = data_type(&nested()).unwrap();
    assert_eq!((bound.fixed_size(), bound.swap_size()), (Some(10), 4));
    let names: Vec<_> = bound.fields().iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["id", "ok", "in"]);
    assert_eq!(read(&nested(), VALUE).unwrap(), value());
    assert_eq!(written(&nested(), VALUE).unwrap(), VALUE);
    let other_order = r#"{"in": {"c": -1, "a": 2, "b": 3}, "id": 1, "ok": true}"#;
    assert_eq!(written(&nested(), other_order).unwrap(), VALUE);
}

#[test]
fn each_field_is_swapped_by_itself() {
    let bound = data_type(&nested()).unwrap();
    let mut elements = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].repeat(2);
    bound.swap_bytes(&mut elements);
    assert_eq!(elements, [4, 3, 2, 1, 5, 7, 6, 9, 8, 10].repeat(2));
}

#[test]
fn what_a_field_refuses_is_refused() {
    let bound = data_type(&nested()).unwrap();
    let mut elements = [value(), value()].concat();
    elements[19] = 0x7f;
    bound.admit(&mut elements).unwrap();
    assert_eq!(elements, [value(), value()].concat());
    elements[14] = 2;
    let error = bound.admit(&mut elements).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ok: found byte 2, expected 0 or 1 for a bool"
    );
    let plain = record(r#"[{"name": "x", "data_type": "float32"}]"#);
    assert!(data_type(&plain).unwrap().admits_all());
}

#[test]
fn bad_configurations_are_refused() {
    for fields in [
        "[]",
        "{}",
        r#"[{"name": "", "data_type": "int8"}]"#,
        r#"[{"data_type": "int8"}]"#,
        r#"[{"name": "x"}]"#,
        r#"[{"name": "x", "data_type": "int8", "offset": 0}]"#,
        r#"[{"name": "x", "data_type": "int8"}, {"name": "x", "data_type": "int8"}]"#,
        r#"[{"name": "x", "data_type": "string"}]"#,
        r#"[{"name": "x", "data_type": "bytes"}]"#,
        r#"[{"name": "x", "data_type": "int7"}]"#,
        r#"[{"name": "x", "data_type": "numpy.datetime64"}]"#,
        r#"[{"name": "x", "data_type": {"name": "struct", "configuration": {"fields": []}}}]"#,
        r#"[{"name": "x", "data_type": "r134217728"}, {"name": "y", "data_type": "r8"}]"#,
        r#"[["x", "int8"]]"#,
    ] {
        assert!(data_type(&record(fields)).is_err(), "{fields}");
    }
    assert!(data_type("struct").is_err());
    assert!(
        data_type(r#"{"name": "struct", "configuration": {"fields": [], "align": true}}"#).is_err()
    );
    let missing =
        record(r#"[{"name": "x", "data_type": "int8"}, {"name": "y", "data_type": "int7"}]"#);
    let error = data_type(&missing).unwrap_err().to_string();
    let place = "configuration.fields[1].data_type: unknown data type \"int7\"";
    assert!(error.starts_with(place), "{error}");
}

#[test]
fn structs_nest_so_deep_and_no_deeper() {
    let nest = |depth: usize| {
        let mut inner = "\"int8\"".to_owned();
        for _ in 0..depth {
            inner = record(&format!(r#"[{{"name": "x", "data_type": {inner}}}]"#));
        }
        data_type(&inner)
    };
    assert_eq!(nest(MAX_DEPTH).unwrap().fixed_size(), Some(1));
    let error = nest(MAX_DEPTH + 1).unwrap_err();
    assert!(matches!(error.root(), Error::TooLarge { .. }), "{error}");
}

#[test]
fn bad_fill_values_are_refused() {
    let name =
        record(r#"[{"name": "x", "data_type": "int8"}, {"name": "y", "data_type": "int8"}]"#);
    for text in [
        "0",
        "null",
        "{}",
        r#"{"x": 1}"#,
        r#"{"x": 1, "y": 128}"#,
        r#"{"x": 1, "y": 2, "z": 3}"#,
        r#"{"x": 1, "y": 2, "x": 1}"#,
        "[1, 2]",
        "\"AQI=\"",
    ] {
        assert!(read(&name, text).is_err(), "{text}");
    }
}

#[test]
fn the_legacy_spelling_is_read() {
    let name = legacy(r#"[["x", "int16"], {"name": "y", "data_type": "bool"}]"#);
    let bytes = [&258_i16.to_ne_bytes()[..], &[1]].concat();
    assert_eq!(read(&name, r#"{"x": 258, "y": true}"#).unwrap(), bytes);
    assert_eq!(read(&name, "\"AgEB\"").unwrap(), bytes);
    assert_eq!(
        written(&name, "\"AgEB\"").unwrap(),
        r#"{"x": 258, "y": true}"#
    );
    for text in ["\"AgE=\"", "\"AgEC\"", "\"AgEBAA==\"", "\"?\""] {
        assert!(read(&name, text).is_err(), "{text}");
    }
}
