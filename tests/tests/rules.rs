//! The rules of docs/spec.md that no other test holds: tables of documents that are opened or refused, and what is written.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use ndarray::{ArrayD, IxDyn, s};
use zarr::blocking::{Hierarchy, open};
use zarr::{ArrayBuilder, Difference, Extension, NodeMetadata, NodePath, Selection, codecs};
use zarr_core::{ArrayLayout, Error};
use zarr_store::Precondition;

/// The members of a plain array.
const PLAIN: [(&str, &str); 8] = [
    ("zarr_format", "3"),
    ("node_type", r#""array""#),
    ("shape", "[4, 6]"),
    ("data_type", r#""int16""#),
    (
        "chunk_grid",
        r#"{"name": "regular", "configuration": {"chunk_shape": [2, 3]}}"#,
    ),
    ("chunk_key_encoding", r#"{"name": "default"}"#),
    ("fill_value", "7"),
    (
        "codecs",
        r#"[{"name": "bytes", "configuration": {"endian": "little"}}]"#,
    ),
];

const GROUP: [(&str, &str); 2] = [("zarr_format", "3"), ("node_type", r#""group""#)];

/// A document of these members with others in their place, or added; those of no text are left out.
fn document(members: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let added = changes
        .iter()
        .filter(|(name, _)| !members.iter().any(|(known, _)| known == name));
    let mut text = String::new();
    for (name, value) in members.iter().chain(added) {
        let change = changes.iter().find(|(changed, _)| changed == name);
        let value = change.map_or(value, |(_, value)| value);
        if !value.is_empty() {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{name:?}: {value}").unwrap();
        }
    }
    format!("{{{text}}}")
}

fn array(changes: &[(&str, &str)]) -> String {
    document(&PLAIN, changes)
}

/// Opens a document as a hierarchy does.
fn bind(text: &[u8]) -> zarr_core::Result<NodeMetadata> {
    let metadata = NodeMetadata::parse(text)?;
    if let NodeMetadata::Array(array) = &metadata {
        ArrayLayout::bind(array, &zarr::registry())?;
    }
    Ok(metadata)
}

#[track_caller]
fn opens(text: &str) {
    if let Err(error) = bind(text.as_bytes()) {
        panic!("{error}: {text}");
    }
}

/// Refuses, and says something of `part`.
#[track_caller]
fn refused(text: &str, part: &str) {
    match bind(text.as_bytes()) {
        Ok(_) => panic!("opened: {text}"),
        Err(error) => assert!(error.to_string().contains(part), "{error}: {text}"),
    }
}

/// Opens and refuses arrays with one member changed.
#[track_caller]
fn member(name: &str, good: &[&str], bad: &[&str]) {
    for value in good {
        opens(&array(&[(name, value)]));
    }
    for value in bad {
        refused(&array(&[(name, value)]), "");
    }
}

/// The same of a codec chain.
#[track_caller]
fn chains(data_type: &str, fill: &str, good: &[&str], bad: &[&str]) {
    let with = |chain: &str| {
        array(&[
            ("data_type", data_type),
            ("fill_value", fill),
            ("codecs", &format!("[{chain}]")),
        ])
    };
    for chain in good {
        opens(&with(chain));
    }
    for chain in bad {
        refused(&with(chain), "");
    }
}

/// The same of fill values.
#[track_caller]
fn fills(data_type: &str, chain: &str, good: &[&str], bad: &[&str]) {
    let with = |fill: &str| {
        array(&[
            ("data_type", data_type),
            ("fill_value", fill),
            ("codecs", &format!("[{chain}]")),
        ])
    };
    for fill in good {
        opens(&with(fill));
    }
    for fill in bad {
        let error = bind(with(fill).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("fill_value"), "{error}");
    }
}

const LITTLE: &str = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;

fn memory() -> Hierarchy {
    open("memory:").unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn put(hierarchy: &Hierarchy, key: &str, bytes: impl Into<Vec<u8>>) {
    let pieces = vec![bytes.into().into()];
    let put = hierarchy.0.store().put(key, pieces, Precondition::None);
    runtime().block_on(put).unwrap();
}

fn get(hierarchy: &Hierarchy, key: &str) -> Option<Vec<u8>> {
    let range = zarr_core::ByteRange::Range(0..1 << 20);
    let get = hierarchy.0.store().get(key, &range, None);
    runtime()
        .block_on(get)
        .unwrap()
        .map(|body| body.bytes.to_vec())
}

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
    // A lone surrogate behind an escape has no place in a string of ours where it is read.
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
        // Attributes are kept as text, whatever their depth.
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
    // Ranks agree.
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
    // Codecs that are not known are refused even where they may be ignored: without them bytes would be misread.
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
    // Two classes of errors: not supported, by name, and not valid.
    let class = |changes: &[(&str, &str)]| {
        let mut error = bind(array(changes).as_bytes()).unwrap_err();
        while let Error::InMember { source, .. } = error {
            error = *source;
        }
        error
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
fn chains_are_in_order_and_each_codec_checks_what_it_receives() {
    let transpose =
        |order: &str| format!(r#"{{"name": "transpose", "configuration": {{"order": {order}}}}}"#);
    let gzip = r#"{"name": "gzip", "configuration": {"level": 1}}"#;
    let swap = transpose("[1, 0]");
    let shard = |shape: &str| {
        format!(
            r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": {shape}, "codecs": [{LITTLE}], "index_codecs": [{LITTLE}]}}}}"#
        )
    };
    let good = [
        LITTLE.to_owned(),
        format!("{swap}, {LITTLE}"),
        format!("{swap}, {swap}, {LITTLE}"),
        format!("{LITTLE}, {gzip}, \"crc32c\", {gzip}, \"crc32c\", \"crc32c\""),
        shard("[2, 3]"),
        shard("[1, 1]"),
        format!("{swap}, {}", shard("[3, 1]")),
        format!("{}, {gzip}", shard("[1, 3]")),
        r#"{"name": "reshape", "configuration": {"shape": [6]}}, "#.to_owned() + LITTLE,
    ];
    let bad = [
        String::new(),
        gzip.to_owned(),
        swap.clone(),
        format!("{LITTLE}, {LITTLE}"),
        format!("{LITTLE}, {swap}"),
        format!("{gzip}, {LITTLE}"),
        format!("{swap}, {}", shard("[1, 3]")),
        shard("[2]"),
        shard("[2, 2]"),
        shard("[0, 3]"),
        format!("{}, {LITTLE}", transpose("[0]")),
        format!("{}, {LITTLE}", transpose("[0, 0]")),
        format!("{}, {LITTLE}", transpose("[0, 2]")),
        format!("{}, {LITTLE}", transpose("[0, -1]")),
        format!("{}, {LITTLE}", transpose("\"C\"")),
        format!("{}, {LITTLE}", transpose("\"F\"")),
        vec![gzip; 5000].join(", "),
        format!("{LITTLE}, {}", vec![gzip; 5000].join(", ")),
        r#""vlen-utf8""#.to_owned(),
        r#"{"name": "bytes", "configuration": {"endian": "middle"}}"#.to_owned(),
        r#"{"name": "bytes", "configuration": {"endian": "little", "more": 1}}"#.to_owned(),
        r#""bytes""#.to_owned(),
        r#"{"name": "endian", "configuration": {"endian": "little"}}"#.to_owned(),
        format!("{LITTLE}, \"zlib\""),
        r#"{"name": "reshape", "configuration": {"shape": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,
            1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,6]}}, "#
            .to_owned()
            + LITTLE,
    ];
    let good = good.iter().map(String::as_str).collect::<Vec<_>>();
    let bad = bad.iter().map(String::as_str).collect::<Vec<_>>();
    chains(r#""int16""#, "7", &good, &bad);
    // 0-d.
    opens(&array(&[
        ("shape", "[]"),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": []}}"#,
        ),
        ("codecs", &format!("[{}, {LITTLE}]", transpose("[]"))),
    ]));
}

#[test]
fn fill_values_are_those_of_the_type_and_no_others() {
    let float = [
        "0",
        "-0.0",
        "1e-3",
        "0.1",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-Infinity\"",
        "\"0x7FC00001\"",
    ];
    let bad = [
        "\"nan\"",
        "\"inf\"",
        "\"+Infinity\"",
        "\"1.5\"",
        "\"\"",
        "\"0x\"",
        "\"0x7fc0\"",
        "\"0x7fc000000\"",
        "\"0X7fc00000\"",
        "\"0b1\"",
        "1e40",
        "1e400",
        "true",
        "null",
        "[1]",
    ];
    fills(r#""float32""#, LITTLE, &float, &bad);
    fills(
        r#""complex64""#,
        LITTLE,
        &[
            "[1, 2]",
            "[\"NaN\", \"0x7fc00001\"]",
            "[-0.0, \"-Infinity\"]",
        ],
        &["1", "[1]", "[1, 2, 3]", "\"NaN\"", "[1, \"x\"]", "{}"],
    );
    fills(
        r#""r16""#,
        "\"bytes\"",
        &["[1, 255]", "\"AQI=\""],
        &["[1]", "[1, 256]", "[1, -1]", "1", "\"AQ==\""],
    );
    fills(
        r#""string""#,
        "\"vlen-utf8\"",
        &["\"\"", "\"a\\u0000é😀\""],
        &["1", "null", "\"\\ud800\""],
    );
    fills(
        r#""bytes""#,
        "\"vlen-bytes\"",
        &["\"AQI=\"", "[1, 2]", "[]"],
        &["\"A\"", "[256]", "null"],
    );
    fills(
        r#""variable_length_bytes""#,
        "\"vlen-bytes\"",
        &["\"AQI=\""],
        &[],
    );
    fills(r#""int4""#, "\"bytes\"", &["-8", "7"], &["8", "-9"]);
    fills(
        r#""float8_e8m0fnu""#,
        "\"bytes\"",
        &["1.0", "\"NaN\""],
        &["\"Infinity\"", "-1.0"],
    );
    for name in [
        "r0",
        "r7",
        "r-8",
        "r016",
        "r99999999999999999999",
        "<i2",
        "binary",
    ] {
        let text = array(&[
            ("data_type", &format!("{name:?}")),
            ("codecs", "[\"bytes\"]"),
        ]);
        refused(&text, "data_type");
    }
}

#[test]
fn codecs_check_their_configurations_before_a_chunk_exists() {
    let bytes = |codec: &str| format!("{LITTLE}, {codec}");
    let gzip = |level: &str| {
        bytes(&format!(
            r#"{{"name": "gzip", "configuration": {{"level": {level}}}}}"#
        ))
    };
    let zstd = |members: &str| {
        bytes(&format!(
            r#"{{"name": "zstd", "configuration": {{{members}}}}}"#
        ))
    };
    let blosc = |members: &str| {
        bytes(&format!(
            r#"{{"name": "blosc", "configuration": {{{members}}}}}"#
        ))
    };
    let shuffled =
        r#""cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 2, "blocksize": 0"#;
    let good = [
        gzip("0"),
        gzip("9"),
        zstd(r#""level": -131072"#),
        zstd(r#""level": 22, "checksum": true"#),
        blosc(shuffled),
        blosc(&shuffled.replace("\"typesize\": 2", "\"typesize\": 7")),
        blosc(r#""cname": "snappy", "clevel": 0, "shuffle": "noshuffle", "blocksize": 1000"#),
        format!("\"scale_offset\", {LITTLE}"),
        format!(r#"{{"name": "bitround", "configuration": {{"keepbits": 3}}}}, {LITTLE}"#),
        bytes(r#"{"name": "numcodecs.zlib", "configuration": {"level": 1}}"#),
        bytes(r#"{"name": "conditional", "configuration": {"codecs": ["crc32c"]}}"#),
    ];
    let bad = [
        gzip("10"),
        gzip("-1"),
        gzip("1.0"),
        gzip("\"1\""),
        bytes("\"gzip\""),
        zstd(r#""level": 23"#),
        zstd(r#""level": 1.5"#),
        zstd(r#""level": 1, "checksum": 1"#),
        zstd(r#""level": 1, "more": 1"#),
        blosc(&shuffled.replace("\"shuffle\": \"shuffle\"", "\"shuffle\": 1")),
        blosc(&shuffled.replace("lz4", "lz5")),
        blosc(&shuffled.replace("\"clevel\": 5", "\"clevel\": 10")),
        blosc(&shuffled.replace("\"blocksize\": 0", "\"blocksize\": -1")),
        blosc(&shuffled.replace(", \"typesize\": 2", "")),
        bytes(r#"{"name": "crc32c", "configuration": {"more": 1}}"#),
        format!(r#"{{"name": "scale_offset", "configuration": {{"more": 1}}}}, {LITTLE}"#),
        format!(r#"{{"name": "bitround", "configuration": {{"keepbits": 0}}}}, {LITTLE}"#),
        bytes(r#"{"name": "conditional", "configuration": {"codecs": ["bytes"]}}"#),
        bytes(r#"{"name": "conditional", "configuration": {"codecs": ["no-such"]}}"#),
    ];
    let good = good.iter().map(String::as_str).collect::<Vec<_>>();
    let bad = bad.iter().map(String::as_str).collect::<Vec<_>>();
    chains(r#""int16""#, "7", &good, &bad);
}

#[test]
fn consolidated_metadata_is_read_strictly() {
    let child = array(&[]);
    let with = |members: &str| document(&GROUP, &[("consolidated_metadata", members)]);
    let inline = |key: &str, child: &str| {
        with(&format!(
            r#"{{"kind": "inline", "must_understand": false, "metadata": {{{key:?}: {child}}}}}"#
        ))
    };
    for key in ["a", "a/b", "c"] {
        opens(&inline(key, &child));
    }
    for key in ["/a", "", "..", "a/../b", "a//b", "a/", "__a"] {
        refused(&inline(key, &child), "consolidated_metadata");
    }
    opens(&with("null"));
    opens(&with(r#"{"kind": "external", "must_understand": false}"#));
    refused(&with(r#"{"kind": "external"}"#), "consolidated_metadata");
    refused(&with("[]"), "consolidated_metadata");
    // A copy that is malformed is an error of that node, not of the group.
    let NodeMetadata::Group(group) = bind(inline("a", "{}").as_bytes()).unwrap() else {
        panic!("an array");
    };
    group.consolidated().unwrap().get("a").unwrap_err();
    let NodeMetadata::Group(group) =
        bind(with(r#"{"kind": "external", "must_understand": false}"#).as_bytes()).unwrap()
    else {
        panic!("an array");
    };
    assert!(group.consolidated().is_none());
}

#[test]
fn stale_copies_are_told_apart_from_true_ones() {
    let hierarchy = memory();
    let metadata = || ArrayBuilder::new(&[4], "int8").build().unwrap();
    for path in ["same", "changed", "removed", "g/deep"] {
        hierarchy.create_array(path, metadata()).unwrap();
    }
    let mut root = hierarchy.group("").unwrap();
    assert!(
        runtime()
            .block_on(root.0.check_consolidated())
            .unwrap()
            .is_empty()
    );
    root.consolidate().unwrap();
    let stored = get(&hierarchy, "zarr.json").unwrap();
    let text = String::from_utf8(stored).unwrap();
    assert!(text.contains("\"kind\": \"inline\"") && text.contains("\"must_understand\": false"));
    assert!(
        runtime()
            .block_on(root.0.check_consolidated())
            .unwrap()
            .is_empty()
    );
    hierarchy.array("changed").unwrap().resize(&[5]).unwrap();
    hierarchy.delete("removed").unwrap();
    hierarchy.create_array("g/added", metadata()).unwrap();
    // Another spelling of the same is no difference.
    let same = String::from_utf8(get(&hierarchy, "same/zarr.json").unwrap()).unwrap();
    let spelled = same.replacen('{', "{ \"dimension_names\" : [null] ,", 1);
    put(&hierarchy, "same/zarr.json", spelled.replace("\n", ""));
    let root = hierarchy.group("").unwrap();
    let path = |path| NodePath::parse(path).unwrap();
    assert_eq!(
        runtime().block_on(root.0.check_consolidated()).unwrap(),
        [
            (path("changed"), Difference::Changed),
            (path("g/added"), Difference::Added),
            (path("removed"), Difference::Removed),
        ]
    );
    // What is listed and gone is not found once it is read.
    assert!(
        root.walk()
            .unwrap()
            .iter()
            .any(|(node, _)| *node == path("removed"))
    );
    assert!(hierarchy.array("removed").is_err());
    // A node is opened by its own document, through the group by the copy.
    assert_eq!(hierarchy.array("changed").unwrap().0.shape(), [5]);
    assert_eq!(root.array("changed").unwrap().0.shape(), [4]);
}

#[test]
fn nodes_of_v2_are_read_and_converted_in_place() {
    let hierarchy = memory();
    put(&hierarchy, "old/.zgroup", r#"{"zarr_format": 2}"#);
    put(&hierarchy, "old/.zattrs", r#"{"title": "x"}"#);
    let zarray = r#"{"zarr_format": 2, "shape": [3, 2], "chunks": [2, 2], "dtype": ">i2", "compressor": null,
        "fill_value": 9, "order": "F", "filters": null}"#;
    put(&hierarchy, "old/a/.zarray", zarray);
    put(&hierarchy, "old/a/0.0", [0, 1, 0, 2, 0, 3, 0, 4]);
    let expected = [[1_i16, 3], [2, 4], [9, 9]].concat();
    let read = |hierarchy: &Hierarchy| {
        let array = hierarchy.array("old/a").unwrap();
        array
            .read::<i16>(s![.., ..])
            .unwrap()
            .into_raw_vec_and_offset()
            .0
    };
    assert_eq!(read(&hierarchy), expected);
    let convert = || runtime().block_on(hierarchy.0.convert_v2("old")).unwrap();
    let paths = convert();
    assert_eq!(
        paths.iter().map(NodePath::as_str).collect::<Vec<_>>(),
        ["old", "old/a"]
    );
    assert!(convert().is_empty());
    assert_eq!(read(&hierarchy), expected);
    // The documents of v3 stand alone now, and those of v2 are no part of the node.
    put(&hierarchy, "old/a/.zarray", "{");
    put(&hierarchy, "old/.zgroup", "{");
    assert_eq!(read(&hierarchy), expected);
    let group = hierarchy.group("old").unwrap();
    let title = group.0.attributes().get::<String>("title").unwrap();
    assert_eq!(title.as_deref(), Some("x"));
    let written = String::from_utf8(get(&hierarchy, "old/a/zarr.json").unwrap()).unwrap();
    assert!(
        written.contains("\"transpose\"") && written.contains("\"v2\""),
        "{written}"
    );
    assert!(runtime().block_on(hierarchy.0.convert_v2("none")).is_err());
}

#[test]
fn what_is_written_is_deterministic_complete_and_in_object_form() {
    let metadata = || {
        ArrayBuilder::new(&[8, 8], "float32")
            .with_chunk_shape(&[2, 2])
            .with_shard_shape(&[4, 4])
            .with_fill_json("\"0x7fc00001\"")
            .unwrap()
            .build()
            .unwrap()
    };
    let text = metadata().to_text().unwrap();
    assert_eq!(text, metadata().to_text().unwrap());
    assert!(text.contains("\"fill_value\": \"0x7fc00001\""), "{text}");
    for absent in ["dimension_names", "storage_transformers", "must_understand"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["data_type"], "float32");
    let separator = &document["chunk_key_encoding"]["configuration"]["separator"];
    assert_eq!(separator, "/");
    let mut objects = vec![&document["codecs"]];
    let mut names = Vec::new();
    while let Some(list) = objects.pop() {
        for codec in list.as_array().unwrap() {
            names.push(codec["name"].as_str().unwrap());
            let configuration = &codec["configuration"];
            objects.extend(
                ["codecs", "index_codecs"]
                    .iter()
                    .filter_map(|member| configuration.get(member)),
            );
        }
    }
    assert_eq!(
        names,
        ["sharding_indexed", "bytes", "crc32c", "bytes", "zstd"]
    );
    let zstd = document
        .pointer("/codecs/0/configuration/codecs/1/configuration")
        .unwrap();
    assert!(zstd.get("level").is_some() && zstd.get("checksum").is_some());
    assert_eq!(
        document
            .pointer("/codecs/0/configuration/index_location")
            .unwrap(),
        "end"
    );
    let blosc = serde_json::to_value(codecs::blosc("lz4", 5, "shuffle", 4)).unwrap();
    assert!(blosc["configuration"].get("typesize").is_some());
    // Bits of the fill value survive changes of the document.
    let hierarchy = memory();
    let mut array = hierarchy.create_array("a", metadata()).unwrap();
    array.resize(&[9, 9]).unwrap();
    let bits = hierarchy
        .array("a")
        .unwrap()
        .read::<f32>(s![8..9, 8..9])
        .unwrap()[[0, 0]]
    .to_bits();
    assert_eq!(bits, 0x7fc0_0001);
    let text = String::from_utf8(get(&hierarchy, "a/zarr.json").unwrap()).unwrap();
    assert!(text.contains("\"fill_value\": \"0x7fc00001\""), "{text}");
}

#[test]
fn chunks_beyond_the_limit_are_refused_wherever_the_chain_is_widest() {
    let text = array(&[
        ("shape", "[1]"),
        ("data_type", r#""int8""#),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": [1073741824]}}"#,
        ),
        (
            "codecs",
            &format!(
                r#"[{{"name": "cast_value", "configuration": {{"data_type": "float64"}}}},
                    {{"name": "cast_value", "configuration": {{"data_type": "int16"}}}}, {LITTLE}]"#
            ),
        ),
    ]);
    let hierarchy = memory();
    put(&hierarchy, "a/zarr.json", text);
    put(&hierarchy, "a/c/0", [0]);
    let array = hierarchy.array("a").unwrap();
    let error = array.read::<i8>(s![..]).unwrap_err().to_string();
    assert!(error.contains("8589934592 bytes"), "{error}");
}

#[test]
fn packed_fill_values_of_structured_types_follow_the_byte_order_of_their_codec() {
    let fields = r#"[["a", "int16"], ["b", "uint8"]]"#;
    let data_type = format!(r#"{{"name": "structured", "configuration": {{"fields": {fields}}}}}"#);
    let shard = format!(
        r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [1, 3], "index_codecs": [{LITTLE}],
            "codecs": [{{"name": "bytes", "configuration": {{"endian": "big"}}}}]}}}}"#
    );
    for (codec, number) in [
        ("\"bytes\"", 0x0201),
        (LITTLE, 0x0201),
        (
            r#"{"name": "bytes", "configuration": {"endian": "big"}}"#,
            0x0102_i16,
        ),
        (&shard, 0x0102),
    ] {
        let text = array(&[
            ("data_type", &data_type),
            ("fill_value", "\"AQID\""),
            ("codecs", &format!("[{codec}]")),
        ]);
        let hierarchy = memory();
        put(&hierarchy, "a/zarr.json", text);
        let array = hierarchy.array("a").unwrap();
        let element = array.read::<[u8; 3]>(s![0..1, 0..1]).unwrap()[[0, 0]];
        let [a, b] = number.to_ne_bytes();
        assert_eq!(element, [a, b, 3], "{codec}");
    }
}

#[test]
fn strings_in_shards_within_other_codecs_are_read_and_written() {
    let shard = |inner: &str| {
        format!(
            r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": {inner}, "codecs": ["vlen-utf8"],
                "index_codecs": [{LITTLE}, "crc32c"]}}}}"#
        )
    };
    let gzip = r#"{"name": "gzip", "configuration": {"level": 1}}"#;
    for chain in [
        format!("{}, {gzip}, \"crc32c\"", shard("[1, 3]")),
        format!(
            r#"{{"name": "transpose", "configuration": {{"order": [1, 0]}}}}, {}, {gzip}"#,
            shard("[3, 1]")
        ),
    ] {
        let text = array(&[
            ("data_type", r#""string""#),
            ("fill_value", "\"fill\""),
            ("codecs", &format!("[{chain}]")),
        ]);
        let hierarchy = memory();
        put(&hierarchy, "a/zarr.json", text);
        let array = hierarchy.array("a").unwrap();
        let mut model = ArrayD::from_shape_fn(IxDyn(&[4, 6]), |index| match index[0] {
            0 => "fill".to_owned(),
            row => "x".repeat(row * index[1]),
        });
        array
            .write_variable(&Selection::all(), model.clone())
            .unwrap();
        let part = Selection::slices(s![1..3, 2..5]);
        let change = ArrayD::from_elem(IxDyn(&[2, 3]), "é".to_owned());
        array.write_variable(&part, change.clone()).unwrap();
        model.slice_mut(s![1..3, 2..5]).assign(&change);
        let again = hierarchy.array("a").unwrap();
        assert_eq!(
            again.read_variable::<String>(&Selection::all()).unwrap(),
            model
        );
        assert_eq!(again.read_variable::<String>(&part).unwrap(), change);
        // Damage is an error.
        let mut stored = get(&hierarchy, "a/c/0/0").unwrap();
        stored.truncate(stored.len() - 1);
        put(&hierarchy, "a/c/0/0", stored);
        again
            .read_variable::<String>(&Selection::all())
            .unwrap_err();
    }
}

#[test]
fn elements_may_be_missing() {
    let optional = |inner: &str| format!(r#"{{"name": "optional", "configuration": {inner}}}"#);
    let codec = |data: &str| {
        optional(&format!(
            r#"{{"mask_codecs": ["packbits"], "data_codecs": [{data}]}}"#
        ))
    };
    let hierarchy = memory();
    let number = array(&[
        (
            "data_type",
            &optional(r#"{"name": "int16", "configuration": {}}"#),
        ),
        ("fill_value", "[7]"),
        ("codecs", &format!("[{}]", codec(LITTLE))),
    ]);
    put(&hierarchy, "n/zarr.json", number);
    let array = hierarchy.array("n").unwrap();
    let element = |value: i16, present: u8| {
        let [a, b] = value.to_ne_bytes();
        [a, b, present]
    };
    let row = ndarray::arr1(&[element(1, 1), element(0, 0), element(-3, 1)]).into_dyn();
    array.write(s![0, 0..3], row.view()).unwrap();
    let read = array.read::<[u8; 3]>(s![0, ..]).unwrap();
    assert_eq!(read.as_slice().unwrap()[..3], row.as_slice().unwrap()[..]);
    assert_eq!(read[3], element(7, 1));
    let json = zarr_tests::conformance::optional_elements(&array).unwrap();
    assert_eq!(json["data"].to_string()[..20], *"[1,null,-3,7,7,7,7,7");
    let text = self::array(&[
        ("data_type", &optional(r#"{"name": "string"}"#)),
        ("fill_value", "null"),
        ("codecs", &format!("[{}]", codec("\"vlen-utf8\""))),
    ]);
    put(&hierarchy, "s/zarr.json", text);
    let array = hierarchy.array("s").unwrap();
    let names = ndarray::arr2(&[[b"ab\x01".to_vec(), b"\x00".to_vec(), b"\x01".to_vec()]]);
    let part = Selection::slices(s![0..1, 0..3]);
    array.write_variable(&part, names.into_dyn()).unwrap();
    let json = zarr_tests::conformance::optional_elements(&array).unwrap();
    assert_eq!(
        json["data"].to_string()[..25],
        *r#"["ab",null,"",null,null,n"#
    );
}

#[test]
fn codecs_and_types_inside_others_are_those_of_the_registry() {
    use zarr_core::codec::{BytesToBytes, EncodedSize};
    #[derive(Debug)]
    struct Inverted(EncodedSize);
    impl BytesToBytes for Inverted {
        fn name(&self) -> &'static str {
            "x.inverted"
        }
        fn encoded_size(&self) -> EncodedSize {
            self.0
        }
        fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> zarr_core::Result<()> {
            encoded.extend(decoded.iter().map(|byte| !byte));
            Ok(())
        }
        fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> zarr_core::Result<()> {
            self.encode(encoded, decoded)
        }
    }
    let registry = zarr::registry()
        .with_codec(
            "x.inverted",
            zarr_core::BindCodec::BytesToBytes(|_, size, _| {
                Ok(std::sync::Arc::new(Inverted(size)))
            }),
        )
        .with_data_type("x.int16", |_, _| zarr::DataType::core("int16"));
    let conditional = r#"{"name": "conditional", "configuration": {"codecs": ["x.inverted"]}}"#;
    let n5 = r#"{"name": "n5_default", "configuration": {"codecs": [
        {"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes", "configuration": {"endian": "big"}},
        {"name": "x.inverted"}]}}"#;
    let cast = r#"{"name": "cast_value", "configuration": {"data_type": "x.int16"}}"#;
    let fields = r#"{"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": "x.int16"}]}}"#;
    for (data_type, fill, chain) in [
        (r#""int16""#, "1", format!("{LITTLE}, {conditional}")),
        (r#""int16""#, "1", n5.to_owned()),
        (r#""int8""#, "1", format!("{cast}, {LITTLE}")),
        (fields, r#"{"a": 1}"#, LITTLE.to_owned()),
    ] {
        let text = array(&[
            ("data_type", data_type),
            ("fill_value", fill),
            ("codecs", &format!("[{chain}]")),
        ]);
        let NodeMetadata::Array(metadata) = NodeMetadata::parse(text.as_bytes()).unwrap() else {
            panic!("a group");
        };
        ArrayLayout::bind(&metadata, &registry).unwrap();
        ArrayLayout::bind(&metadata, &zarr::registry()).unwrap_err();
    }
}

#[test]
fn elision_compares_bits_and_can_be_switched_off() {
    let hierarchy = memory();
    let metadata = |fill: &str| {
        ArrayBuilder::new(&[2], "float64")
            .with_chunk_shape(&[1])
            .with_fill_json(fill)
            .unwrap()
            .build()
            .unwrap()
    };
    let array = hierarchy.create_array("zero", metadata("0.0")).unwrap();
    let write = |values: [f64; 2]| {
        array
            .write(s![..], ndarray::arr1(&values).into_dyn().view())
            .unwrap()
    };
    write([-0.0, 0.0]);
    assert!(get(&hierarchy, "zero/c/0").is_some() && get(&hierarchy, "zero/c/1").is_none());
    // Fill values over a whole chunk: the object goes, and readers see them.
    write([0.0, 0.0]);
    assert!(get(&hierarchy, "zero/c/0").is_none());
    let read = array.read::<f64>(s![..]).unwrap();
    assert!(read.iter().all(|value| value.to_bits() == 0));
    let keeping = hierarchy.create_array("kept", metadata("0.0")).unwrap();
    let options = zarr::WriteOptions { store_fill: true };
    let keeping = zarr::blocking::Array(keeping.0.with_write_options(options));
    keeping
        .write(s![..], ndarray::arr1(&[0.0; 2]).into_dyn().view())
        .unwrap();
    assert!(get(&hierarchy, "kept/c/0").is_some());
    let nan = hierarchy.create_array("nan", metadata("\"NaN\"")).unwrap();
    let payload = f64::from_bits(0x7ff8_0000_0000_0001);
    nan.write(
        s![..],
        ndarray::arr1(&[payload, f64::NAN]).into_dyn().view(),
    )
    .unwrap();
    assert!(get(&hierarchy, "nan/c/0").is_some() && get(&hierarchy, "nan/c/1").is_none());
    assert_eq!(
        nan.read::<f64>(s![..]).unwrap()[0].to_bits(),
        payload.to_bits()
    );
}

#[test]
fn arrays_without_elements_and_of_many_dimensions_are_read() {
    let hierarchy = memory();
    let rank = 33;
    let one = format!("[{}]", vec!["1"; rank].join(", "));
    let text = array(&[
        ("shape", &one),
        (
            "chunk_grid",
            &format!(r#"{{"name": "regular", "configuration": {{"chunk_shape": {one}}}}}"#),
        ),
    ]);
    put(&hierarchy, "many/zarr.json", text);
    let read = hierarchy.array("many").unwrap();
    let read = read.read_selection::<i16>(&Selection::all()).unwrap();
    assert_eq!((read.ndim(), read.sum()), (rank, 7));
    let too_many = format!("[{}]", vec!["1"; 65].join(", "));
    refused(
        &array(&[
            ("shape", &too_many),
            (
                "chunk_grid",
                &format!(
                    r#"{{"name": "regular", "configuration": {{"chunk_shape": {too_many}}}}}"#
                ),
            ),
        ]),
        "dimensions",
    );
    put(&hierarchy, "empty/zarr.json", array(&[("shape", "[0, 6]")]));
    let read = hierarchy
        .array("empty")
        .unwrap()
        .read::<i16>(s![.., ..])
        .unwrap();
    assert_eq!(read.shape(), [0, 6]);
    // 300 000 chunks of which none is stored.
    let sparse = array(&[
        ("shape", "[1000, 1800]"),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": [2, 3]}}"#,
        ),
    ]);
    put(&hierarchy, "sparse/zarr.json", sparse);
    let read = hierarchy
        .array("sparse")
        .unwrap()
        .read::<i16>(s![.., ..])
        .unwrap();
    assert!(read.iter().all(|&value| value == 7));
    // A chunk far larger than the array, not stored.
    let large = array(&[(
        "chunk_grid",
        r#"{"name": "regular", "configuration": {"chunk_shape": [4611686018427387904, 1]}}"#,
    )]);
    if let Ok(NodeMetadata::Array(_)) = bind(large.as_bytes()) {
        put(&hierarchy, "large/zarr.json", large);
        let read = hierarchy.array("large").unwrap().read::<i16>(s![.., ..]);
        assert!(read.is_err() || read.unwrap().sum() == 4 * 6 * 7);
    }
}

#[test]
fn default_extensions_need_no_configuration() {
    assert_eq!(Extension::new("crc32c").configuration(), None);
    let plain = ArrayBuilder::new(&[3], "bool").build().unwrap();
    assert_eq!(plain.chunk_key_encoding().name(), "default");
    assert_eq!(plain.fill_value().get(), "false");
}

#[test]
fn every_type_passes_through_every_codec_plain_and_sharded() {
    let registry = zarr::registry();
    let types = [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
        "r8",
        "r24",
        "bfloat16",
        "float8_e4m3",
        "float8_e8m0fnu",
        "complex_float16",
        "int4",
        "uint2",
        "float4_e2m1fn",
    ];
    let bytes = r#"{"name": "bytes", "configuration": {"endian": "big"}}"#;
    let after = [
        "",
        r#", {"name": "gzip", "configuration": {"level": 1}}"#,
        r#", {"name": "zstd", "configuration": {"level": 1}}"#,
        r#", {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 1, "shuffle": "shuffle", "typesize": 3, "blocksize": 0}}"#,
        r#", "crc32c""#,
    ];
    for name in types {
        let data_type = registry.bind_data_type(&Extension::new(name)).unwrap();
        let size = data_type.fixed_size().unwrap();
        let most = if name == "bool" { 2 } else { 251 };
        let mut elements = (0..24 * size)
            .map(|at| u8::try_from(at * 7 % most).unwrap())
            .collect::<Vec<_>>();
        data_type.admit(&mut elements).unwrap();
        let decoded = zarr_core::codec::ChunkData::Fixed(elements);
        for after in after {
            let inner = format!("{bytes}{after}");
            let shard = format!(
                r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [3, 2], "codecs": [{inner}],
                    "index_codecs": [{LITTLE}, "crc32c"], "index_location": "start"}}}}"#
            );
            let swap = r#"{"name": "transpose", "configuration": {"order": [1, 0]}}"#;
            for chain in [
                inner.clone(),
                format!("{swap}, {inner}"),
                format!("{swap}, {shard}"),
                format!("{swap}, {shard}{after}"),
            ] {
                let codecs = serde_json::from_str::<Vec<Extension>>(&format!("[{chain}]")).unwrap();
                let spec = zarr_core::codec::ChunkSpec {
                    shape: [4, 6].into(),
                    fill_value: data_type.zero(),
                    data_type: data_type.clone(),
                };
                let chain = registry.bind_codecs(&codecs, spec).unwrap();
                let mut encoded = Vec::new();
                chain.encode_chunk(&decoded, &mut encoded).unwrap();
                assert_eq!(
                    chain.decode_chunk(&encoded).unwrap(),
                    decoded,
                    "{name} {codecs:?}"
                );
            }
        }
    }
}

#[test]
fn names_are_kept_to_the_letter_and_paths_may_be_long_and_deep() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["memory:", folder.path().to_str().unwrap()] {
        let hierarchy = open(url).unwrap();
        let long = "n".repeat(200);
        let deep = vec!["d"; 30].join("/");
        for path in [&long, &deep, "Case", "case", "a\\b", "C"] {
            let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
            hierarchy.create_array(path, metadata).unwrap();
        }
        for path in [&long, &deep, "/Case", "case", "a\\b"] {
            assert_eq!(hierarchy.array(path).unwrap().0.shape(), [1]);
        }
        for path in ["CASE", "a/b", "c", "case/", "a//b"] {
            assert!(hierarchy.array(path).is_err(), "{path}");
        }
        let too_long = "n".repeat(10_000);
        let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
        if url != "memory:" {
            assert!(hierarchy.create_array(&too_long, metadata).is_err());
        }
    }
    // The root may be an array.
    let hierarchy = memory();
    let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
    hierarchy.create_array("", metadata).unwrap();
    assert_eq!(hierarchy.array("/").unwrap().0.shape(), [1]);
}

#[test]
fn zfp_takes_an_array_without_dimensions_for_one_of_one_element() {
    let text = array(&[
        ("shape", "[]"),
        ("data_type", r#""float64""#),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": []}}"#,
        ),
        (
            "codecs",
            r#"[{"name": "zfp", "configuration": {"mode": "reversible"}}]"#,
        ),
    ]);
    let hierarchy = memory();
    put(&hierarchy, "a/zarr.json", text);
    let array = hierarchy.array("a").unwrap();
    let value = ndarray::arr0(0.1).into_dyn();
    array.write([], value.view()).unwrap();
    assert_eq!(array.read::<f64>([]).unwrap(), value);
}

#[test]
fn shards_written_by_hand_are_read_by_their_index() {
    let shard = |location: &str| {
        format!(
            r#"[{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [2], "codecs": [{LITTLE}],
                "index_codecs": [{LITTLE}], "index_location": "{location}"}}}}]"#
        )
    };
    let grid = r#"{"name": "regular", "configuration": {"chunk_shape": [4]}}"#;
    let read = |shape: &str, location: &str, entries: [[u64; 2]; 2], data: &[u8]| {
        let hierarchy = memory();
        let codecs = shard(location);
        let text = array(&[("shape", shape), ("chunk_grid", grid), ("codecs", &codecs)]);
        put(&hierarchy, "a/zarr.json", text);
        let index = entries
            .concat()
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect::<Vec<_>>();
        let bytes = match location {
            "end" => [data, &index[..]].concat(),
            _ => [&index[..], data].concat(),
        };
        put(&hierarchy, "a/c/0", bytes);
        let array = hierarchy.array("a").unwrap();
        let read = array.read::<i16>(s![..])?;
        Ok::<_, zarr::Error>(read.into_raw_vec_and_offset().0)
    };
    let none = [u64::MAX; 2];
    let data = [1, 0, 2, 0, 3, 0, 4, 0, 9];
    for (entries, expected) in [
        ([[0, 4], [4, 4]], [1, 2, 3, 4]),
        ([[4, 4], [0, 4]], [3, 4, 1, 2]),
        ([[0, 4], none], [1, 2, 7, 7]),
        ([none, none], [7; 4]),
        // The same bytes twice, and ranges that overlap.
        ([[0, 4], [0, 4]], [1, 2, 1, 2]),
        ([[0, 4], [2, 4]], [1, 2, 2, 3]),
    ] {
        assert_eq!(read("[4]", "end", entries, &data).unwrap(), expected);
        let moved = entries.map(|entry| {
            if entry == none {
                none
            } else {
                [entry[0] + 32, 4]
            }
        });
        assert_eq!(read("[4]", "start", moved, &data).unwrap(), expected);
    }
    // A range into the index.
    let into_index = read("[4]", "start", [[0, 4], [32, 4]], &data).unwrap();
    assert_eq!(into_index, [0, 0, 1, 2]);
    for entry in [
        [0, 0],
        [0, 3],
        [0, 5],
        [0, u64::MAX],
        [u64::MAX, 4],
        [u64::MAX - 1, 4],
        [u64::MAX - 3, 4],
        [1000, 4],
        [40, 4],
        [4, 1 << 40],
        // The byte order of another machine.
        [4_u64.swap_bytes(), 4_u64.swap_bytes()],
    ] {
        for location in ["start", "end"] {
            let error = read("[4]", location, [none, entry], &data)
                .unwrap_err()
                .to_string();
            assert!(error.contains("a/c/0") && error.contains("[1]"), "{error}");
            // What lies outside the array is not looked at.
            assert_eq!(read("[2]", location, [none, entry], &data).unwrap(), [7, 7]);
        }
    }
}

#[test]
fn the_fill_value_in_a_shard_is_the_one_that_earlier_codecs_have_changed() {
    let scaled = r#"{"name": "scale_offset", "configuration": {"offset": 5, "scale": 2}}"#;
    let shard = format!(
        r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [1, 3], "codecs": [{LITTLE}], "index_codecs": [{LITTLE}]}}}}"#
    );
    let hierarchy = memory();
    let text = array(&[("codecs", &format!("[{scaled}, {shard}]"))]);
    put(&hierarchy, "a/zarr.json", text);
    let array = hierarchy.array("a").unwrap();
    let one = ndarray::arr2(&[[8_i16, 9, 10]]).into_dyn();
    array.write(s![0..1, 0..3], one.view()).unwrap();
    // The shard holds (8 - 5) * 2 and so on, and its second row is not stored.
    let stored = get(&hierarchy, "a/c/0/0").unwrap();
    assert_eq!(stored[..6], [6, 0, 8, 0, 10, 0]);
    assert_eq!(stored.len(), 6 + 32);
    let read = array.read::<i16>(s![0..2, 0..3]).unwrap();
    assert_eq!(read.into_raw_vec_and_offset().0, [8, 9, 10, 7, 7, 7]);
}
