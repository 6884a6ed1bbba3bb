#![expect(clippy::unwrap_used, reason = "tests")]
use serde_json::json;

use super::*;
use crate::strictness::Strictness;

fn converted(changes: Value) -> Result<ArrayMetadata> {
    let mut document = json!({
        "zarr_format": 2, "shape": [10, 20], "chunks": [5, 5], "dtype": "<i2", "compressor": null, "fill_value": 0,
        "order": "C", "filters": null,
    });
    let members = document.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    let attributes = Attributes::parse_with(br#"{"a": 1.50}"#, Strictness::Strict)?;
    array_from_v2(
        Members::parse(document.to_string().as_bytes())?,
        &attributes,
    )
}

fn codec_names(metadata: &ArrayMetadata) -> Vec<&str> {
    metadata.codecs().iter().map(Extension::name).collect()
}

#[test]
fn a_plain_document() {
    let metadata =
        converted(json!({"order": "F", "compressor": {"id": "blosc", "shuffle": -1}})).unwrap();
    assert_eq!(codec_names(&metadata), ["transpose", "bytes", "blosc"]);
    assert_eq!(
        (metadata.shape(), metadata.data_type().name()),
        (&[10, 20][..], "int16")
    );
    assert_eq!(metadata.chunk_key_encoding().name(), "v2");
    assert!(metadata.to_text().unwrap().contains("\"a\": 1.50"));
}

#[test]
fn types_filters_and_null_fill_values() {
    for (dtype, name, fill) in [
        (json!("|b1"), "bool", "false"),
        (json!(">f8"), "float64", "0.0"),
        (json!("<c16"), "complex128", "[0.0,0.0]"),
        (json!("<U3"), "fixed_length_utf32", "\"\""),
        (json!("|S3"), "null_terminated_bytes", "\"\""),
        (json!("<M8[10us]"), "numpy.datetime64", "\"NaT\""),
        (json!("|m8"), "numpy.timedelta64", "\"NaT\""),
        (json!([["t", "<M8[s]"]]), "struct", "{\"t\":0}"),
        (
            json!([["x", "<i4"], ["y", "|b1"]]),
            "struct",
            "{\"x\":0,\"y\":false}",
        ),
    ] {
        let metadata = converted(json!({"dtype": dtype, "fill_value": null})).unwrap();
        assert_eq!(
            (metadata.data_type().name(), metadata.fill_value().get()),
            (name, fill)
        );
    }
    let filters = json!([{"id": "delta", "dtype": "<i2"}, {"id": "shuffle", "elementsize": 2}]);
    let metadata =
        converted(json!({"filters": filters, "compressor": {"id": "zlib", "level": 1}})).unwrap();
    assert_eq!(
        codec_names(&metadata),
        [
            "numcodecs.delta",
            "bytes",
            "numcodecs.shuffle",
            "numcodecs.zlib"
        ]
    );
    let strings = json!({"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "fill_value": null});
    assert_eq!(codec_names(&converted(strings).unwrap()), ["vlen-utf8"]);
}

#[test]
fn fill_values_are_put_into_their_v3_form() {
    let fields = |order: &str| json!([["x", format!("{order}i2")], ["y", "|b1"]]);
    let strings = json!([{"id": "vlen-utf8"}]);
    for (changes, fill) in [
        (json!({"dtype": "|b1", "fill_value": 1}), "true"),
        (json!({"dtype": "|b1", "fill_value": 0}), "false"),
        (
            json!({"dtype": "|O", "filters": strings, "fill_value": 0}),
            "\"\"",
        ),
        (json!({"dtype": "<f4", "fill_value": "NaN"}), "\"NaN\""),
        (json!({"dtype": "<M8[s]", "fill_value": -1}), "-1"),
        (json!({"dtype": "<M8[s]", "fill_value": 0}), "0"),
        (json!({"dtype": ">m8[10us]", "fill_value": 0}), "0"),
        (json!({"dtype": "<M8[s]", "fill_value": "NaT"}), "\"NaT\""),
        (
            json!({"dtype": fields("<"), "fill_value": "AQIB"}),
            r#"{"x": 513, "y": true}"#,
        ),
        (
            json!({"dtype": fields(">"), "fill_value": "AQIB"}),
            r#"{"x": 258, "y": true}"#,
        ),
    ] {
        let metadata = converted(changes).unwrap();
        assert_eq!(metadata.fill_value().get(), fill);
    }
    assert!(converted(json!({"dtype": fields("<"), "fill_value": "AQI="})).is_err());
}

#[test]
fn what_v3_cannot_say_is_refused() {
    for changes in [
        json!({"zarr_format": 3}),
        json!({"dtype": "<i3"}),
        json!({"dtype": "|O"}),
        json!({"dtype": [["x", "<i4"], ["y", ">i4"]]}),
        json!({"compressor": {"level": 1}}),
        json!({"order": "A"}),
    ] {
        assert!(converted(changes.clone()).is_err(), "{changes}");
    }
}

/// A few bytes of metadata must not take gigabytes, or panic.
#[test]
fn raw_bytes_of_absurd_size_are_refused() {
    for size in [
        "16777217",
        "268435456",
        "1099511627776",
        "18446744073709551615",
    ] {
        for dtype in [
            json!(format!("|V{size}")),
            json!([["a", format!("|V{size}")]]),
        ] {
            converted(json!({"dtype": dtype, "fill_value": null})).unwrap_err();
        }
    }
    for size in 0..7_usize {
        let raw = converted(json!({"dtype": format!("|V{size}"), "fill_value": null})).unwrap();
        let data_type = crate::registry::Registry::core().with_registered_data_types();
        match data_type.bind_data_type(raw.data_type()) {
            Ok(data_type) => {
                let fill = data_type.parse_fill_value(raw.fill_value()).unwrap();
                assert_eq!(fill.bytes(), vec![0; size]);
            }
            Err(_) => assert_eq!(size, 0),
        }
    }
}
