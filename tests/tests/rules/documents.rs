//! Documents and their members: JSON, extensions, required and refused members.

use super::*;

#[test]
fn documents_are_one_object_of_strict_json() {
    let plain = array(&[]);
    opens(&plain);
    opens(&plain.replace(' ', "\r\n\t"));
    opens(&plain.replace("zarr_format", "z\\u0061rr_format"));
    opens(&document(&PLAIN.into_iter().rev().collect::<Vec<_>>(), &[]));
    for bad in ["", " ", "[]", "null", "3", "\"array\"", "{}{}"] {
        refused(bad, "");
    }
    for (from, to) in [
        ("}}", "}} x"),
        ("[4, 6]", "[4, 6,]"),
        ("[4, 6]", "[04, 6]"),
        ("[4, 6]", "[+4, 6]"),
        ("[4, 6]", "[0x4, 6]"),
        ("[4, 6]", "[4, 6] // shape"),
        ("[4, 6]", "/* shape */ [4, 6]"),
        ("\"int16\"", "'int16'"),
        ("\"int16\"", "\"int16\n\""),
        ("\"fill_value\": 7", "\"fill_value\": NaN"),
        ("\"fill_value\": 7", "\"fill_value\": Infinity"),
        ("{\"zarr_format\"", "{zarr_format"),
    ] {
        let text = plain.replacen(from, to, 1);
        assert_ne!(text, plain);
        let text = if to == "}} x" {
            plain.clone() + " x"
        } else {
            text
        };
        refused(&text, "");
    }
}

#[test]
fn documents_are_utf8() {
    let plain = array(&[("attributes", r#"{"a": "X"}"#)]);
    let with = |bytes: &[u8]| {
        let (head, tail) = plain.split_once('X').unwrap();
        [head.as_bytes(), bytes, tail.as_bytes()].concat()
    };
    bind(&with("é😀".as_bytes())).unwrap();
    for bad in [
        &b"\xff"[..],
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xe2\x82",
        b"\xf5\x80\x80\x80",
    ] {
        bind(&with(bad)).unwrap_err();
    }
    let utf16 = plain.encode_utf16().flat_map(u16::to_le_bytes);
    bind(&utf16.collect::<Vec<_>>()).unwrap_err();
    bind(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03").unwrap_err();
    // An escaped lone surrogate cannot be represented in a Rust string.
    refused(&array(&[("dimension_names", r#"["\ud800", null]"#)]), "");
}

#[test]
fn byte_order_marks_are_skipped_and_never_written() {
    let text = ["\u{feff}", &array(&[])].concat();
    let metadata = bind(text.as_bytes()).unwrap();
    let NodeMetadata::Array(metadata) = metadata else {
        panic!("a group");
    };
    assert!(metadata.to_text().unwrap().starts_with('{'));
}

#[test]
fn integers_are_literals_and_bools_are_none() {
    for fill in [
        "9223372036854775807",
        "-9223372036854775808",
        "9007199254740993",
    ] {
        fills(r#""int64""#, LITTLE, &[fill], &[]);
    }
    fills(
        r#""uint64""#,
        LITTLE,
        &["18446744073709551615"],
        &["18446744073709551616", "-1", "1.0", "1e0", "true"],
    );
    member(
        "shape",
        &["[4, 9223372036854775807]", "[0, 0]", "[4, 1]"],
        &[
            "[4.0, 6]",
            "[4e0, 6]",
            "[true, 6]",
            "[-1, 6]",
            "[\"4\", 6]",
            "[null, 6]",
            "4",
            "{}",
            "[4, 9223372036854775808]",
            "[4, 18446744073709551615]",
            "[4, 18446744073709551616]",
            "[[4], 6]",
            "null",
        ],
    );
    member(
        "zarr_format",
        &["3"],
        &["3.0", "2", "\"3\"", "true", "4", "null", "[3]"],
    );
    fills(
        r#""bool""#,
        r#"{"name": "bytes"}"#,
        &["true", "false"],
        &["0", "1", "\"true\"", "null"],
    );
}

#[test]
fn nesting_and_length_end_in_an_error_or_fast() {
    let start = std::time::Instant::now();
    for depth in [1_000, 100_000] {
        // Attributes are kept as text at any depth.
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        opens(&array(&[("attributes", &format!("{{\"a\": {deep}}}"))]));
        for member in ["shape", "codecs", "fill_value", "data_type"] {
            refused(&array(&[(member, &deep)]), member);
        }
        refused(&"{\"a\":".repeat(depth), "");
    }
    let many = (0..30_000).map(|number| format!("\"m{number}\": {number}"));
    let many = format!("{{{}}}", many.collect::<Vec<_>>().join(", "));
    opens(&array(&[("attributes", &many)]));
    let digits = "9".repeat(500_000);
    for number in [&digits, &format!("1e{digits}"), &format!("0.{digits}")] {
        refused(&array(&[("fill_value", number)]), "fill_value");
    }
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn every_member_that_is_required_is_named_where_it_is_missing() {
    for (name, _) in PLAIN {
        refused(&array(&[(name, "")]), name);
    }
    for (name, _) in GROUP {
        refused(&document(&GROUP, &[(name, "")]), name);
        refused(&document(&GROUP, &[(name, "2")]), name);
    }
    member(
        "node_type",
        &[],
        &[
            "\"Array\"",
            "\"array \"",
            "\"\"",
            "null",
            "1",
            "\"dataset\"",
        ],
    );
    member("fill_value", &[], &["null", "{}", "[]"]);
    member(
        "codecs",
        &[],
        &["[]", "null", "{}", "\"bytes\"", "[null]", "[3]"],
    );
    // Ranks must agree.
    member("shape", &[], &["[4]", "[4, 6, 1]", "[]"]);
    member(
        "dimension_names",
        &[
            "[\"y\", \"x\"]",
            "[null, null]",
            "[\"x\", \"x\"]",
            "[\"\", \"é😀\\u0000\"]",
            "null",
        ],
        &[
            "[\"y\"]",
            "[1, 2]",
            "\"yx\"",
            "{}",
            "[\"y\", \"x\", \"z\"]",
            "[[\"y\"], \"x\"]",
        ],
    );
    member(
        "attributes",
        &[
            "{}",
            "{\"shape\": [1], \"zarr_format\": 2, \"dimension_units\": 5}",
            "null",
        ],
        &["[]", "\"a\"", "1", "true"],
    );
    member(
        "storage_transformers",
        &["[]"],
        &["{}", "null", "[1]", "\"x\""],
    );
    let v2 = array(&[("chunks", "[2, 3]")]);
    refused(&v2, "chunks");
}

#[test]
fn extensions_are_read_in_all_spellings() {
    let unsigned = [("data_type", r#"{"name": "uint8"}"#), ("fill_value", "1")];
    for codecs in [
        r#"["bytes"]"#,
        r#"[{"name": "bytes"}]"#,
        r#"[{"name": "bytes", "configuration": {}}]"#,
        r#"[{"name": "bytes", "must_understand": true}]"#,
        r#"[{"name": "bytes", "must_understand": false}, "crc32c"]"#,
    ] {
        opens(&array(&[unsigned[0], unsigned[1], ("codecs", codecs)]));
    }
    member(
        "data_type",
        &[
            r#"{"name": "int16"}"#,
            r#"{"name": "int16", "configuration": {}}"#,
            r#"{"name": "int16", "must_understand": false}"#,
        ],
        &[
            r#""Int16""#,
            r#"" int16""#,
            r#""<i2""#,
            r#""no-such""#,
            r#"{"name": "no-such", "must_understand": false}"#,
            r#"{"name": "int16", "configuration": []}"#,
            r#"{"name": "int16", "configuration": null}"#,
            r#"{"name": "int16", "configuration": {"endian": "little"}}"#,
            r#"{"configuration": {}}"#,
            r#"{"name": 16}"#,
            "16",
            r#"{"name": "int16", "must_understand": "no"}"#,
            r#"{"name": "int16", "more": 1}"#,
            "null",
            "[]",
        ],
    );
    member(
        "chunk_key_encoding",
        &[
            r#""default""#,
            r#""v2""#,
            r#"{"name": "v2", "configuration": {"separator": "/"}}"#,
            r#"{"name": "default", "configuration": {"separator": "."}}"#,
        ],
        &[
            r#"{"name": "default", "configuration": {"separator": "-"}}"#,
            r#"{"name": "default", "configuration": {"separator": null, "more": 1}}"#,
            r#"{"name": "v2", "configuration": {"separator": ""}}"#,
            r#"{"name": "no-such", "must_understand": false}"#,
            "null",
        ],
    );
    member(
        "chunk_grid",
        &[],
        &[
            r#""regular""#,
            r#"{"name": "regular"}"#,
            r#"{"name": "no-such", "must_understand": false}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": [2, 0]}}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": [2]}}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": [2, -3]}}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": [2, 3.0]}}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": [2, "3"]}}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": 2}}"#,
            r#"{"name": "regular", "configuration": {"chunk_shape": [2, 3], "more": 1}}"#,
        ],
    );
}

#[test]
fn what_is_not_known_is_refused_by_name_unless_it_may_be_ignored() {
    opens(&array(&[(
        "extra",
        r#"{"must_understand": false, "a": 1}"#,
    )]));
    for bad in [
        "1",
        "null",
        "[]",
        "\"x\"",
        "{}",
        r#"{"must_understand": true}"#,
        r#"{"must_understand": "false"}"#,
        r#"{"must_understand": 0}"#,
        r#"{"must_understand": null}"#,
        r#"[{"must_understand": false}]"#,
    ] {
        refused(&array(&[("extra", bad)]), "extra");
        refused(&document(&GROUP, &[("extra", bad)]), "extra");
    }
    refused(
        &array(&[("consolidated_metadata", "null")]),
        "consolidated_metadata",
    );
    refused(&document(&GROUP, &[("shape", "[1]")]), "shape");
    refused(
        &document(&GROUP, &[("storage_transformers", "[]")]),
        "storage_transformers",
    );
    // Unknown codecs are refused even with `must_understand: false`: without them bytes would be
    // misread.
    for extra in [
        r#"{"name": "no-such"}"#,
        r#"{"name": "no-such", "must_understand": false}"#,
    ] {
        let error = bind(array(&[("codecs", &format!("[{LITTLE}, {extra}]"))]).as_bytes());
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("no-such") && error.contains("codecs[1]"),
            "{error}"
        );
    }
    refused(
        &array(&[("storage_transformers", r#"[{"name": "no-such"}]"#)]),
        "no-such",
    );
    // Two classes of errors: unsupported, with the name, and invalid.
    let class = |changes: &[(&str, &str)]| {
        let error = bind(array(changes).as_bytes()).unwrap_err();
        error.root().clone()
    };
    assert!(matches!(
        class(&[("data_type", r#""no-such""#)]),
        Error::UnknownExtension {
            point: "data type",
            ..
        }
    ));
    assert!(matches!(
        class(&[("fill_value", "1.5")]),
        Error::FillValue { .. }
    ));
    assert!(matches!(
        class(&[("shape", "[-1, 6]")]),
        Error::Invalid { .. }
    ));
    assert!(matches!(
        class(&[("codecs", "")]),
        Error::MissingMember { .. }
    ));
    assert!(matches!(
        NodeMetadata::parse(b"{").unwrap_err(),
        Error::Syntax { .. }
    ));
}

#[test]
fn default_extensions_need_no_configuration() {
    assert_eq!(Extension::new("crc32c").configuration(), None);
    let plain = ArrayBuilder::new(&[3], "bool").build().unwrap();
    assert_eq!(plain.chunk_key_encoding().name(), "default");
    assert_eq!(plain.fill_value().get(), "false");
}
