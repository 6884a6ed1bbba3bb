#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{ArrayLayout, Registry, metadata::ArrayMetadata};

fn bind(member: &str, value: &str) -> Error {
    let members = [
        ("zarr_format", "3"),
        ("node_type", "\"array\""),
        ("shape", "[4]"),
        ("data_type", "\"uint8\""),
        (
            "chunk_grid",
            r#"{"name":"regular","configuration":{"chunk_shape":[2]}}"#,
        ),
        ("chunk_key_encoding", r#"{"name":"default"}"#),
        ("fill_value", "0"),
        ("codecs", r#"["bytes"]"#),
    ];
    let kept = members.iter().filter(|(name, _)| *name != member);
    let changed = (member, value);
    let all = kept.chain([&changed]);
    let all = all.map(|(name, value)| format!("\"{name}\":{value}"));
    let text = format!("{{{}}}", all.collect::<Vec<_>>().join(","));
    ArrayMetadata::parse(text.as_bytes())
        .and_then(|metadata| ArrayLayout::bind(&metadata, &Registry::core()))
        .unwrap_err()
}

#[test]
fn invalid_and_unsupported_metadata_differ_and_name_place_found_and_expected() {
    use ErrorKind::{Invalid, TooLarge, Unsupported};
    let rank = format!("[{}]", ["1"; 65].join(","));
    for (member, value, kind, parts) in [
        ("shape", "[-1]", Invalid, ["shape: ", "-1", "0 to 2^63 - 1"]),
        (
            "fill_value",
            "256",
            Invalid,
            ["fill_value: ", "256", "uint8"],
        ),
        ("zarr_format", "2", Invalid, ["zarr_format: ", "2", "3"]),
        (
            "chunk_grid",
            r#"{"name":"regular","configuration":{"chunk_shape":[0]}}"#,
            Invalid,
            ["chunk_shape: ", "[0]", "at least 1"],
        ),
        (
            "data_type",
            "\"uint7\"",
            Unsupported,
            ["data_type: ", "\"uint7\"", "registered: bool, int8"],
        ),
        (
            "codecs",
            "[\"lz9\"]",
            Unsupported,
            ["codecs[0]: ", "\"lz9\"", "registered: "],
        ),
        (
            "chunk_grid",
            "\"hexagonal\"",
            Unsupported,
            [
                "chunk_grid: ",
                "\"hexagonal\"",
                "registered: rectilinear, regular",
            ],
        ),
        (
            "more",
            "1",
            Unsupported,
            ["more", "unknown member", "\"must_understand\": false"],
        ),
        ("shape", &rank, TooLarge, ["shape: ", "65", "limit of 64"]),
    ] {
        let error = bind(member, value);
        assert_eq!(error.kind(), kind, "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{error}: no {part:?}");
        }
    }
}

#[test]
fn places_do_not_change_the_kind() {
    let checksum = Error::Checksum {
        codec: "crc32c",
        stored: 1,
        computed: 2,
    };
    for (error, kind) in [
        (checksum, ErrorKind::Checksum),
        (Error::corrupt("gzip", "x"), ErrorKind::Corrupt),
        (Error::size("chunk", 1, 2), ErrorKind::Corrupt),
        (Error::selection("x"), ErrorKind::Selection),
    ] {
        assert_eq!(error.kind(), kind);
        let placed = error.member("shard index").chunk("inner chunk", &[0]);
        assert_eq!(placed.key("a/c/0").kind(), kind);
    }
}
