//! Bare words such as `NaN` in documents.

use super::*;

#[test]
fn bare_words_are_read_everywhere_and_kept_to_the_letter() {
    let attributes =
        r#", "attributes": {"a": NaN, "b": [0.50, Infinity, {"c": -Infinity}], "d": "NaN"}"#;
    for (data_type, bare, plain) in [
        ("\"float32\"", "NaN", "\"NaN\""),
        ("\"float64\"", "-Infinity", "\"-Infinity\""),
        ("\"float16\"", "Infinity", "\"Infinity\""),
        ("\"bfloat16\"", "NaN", "\"NaN\""),
        ("\"float8_e5m2\"", "-Infinity", "\"-Infinity\""),
        (
            "\"complex64\"",
            "[NaN, -Infinity]",
            "[\"NaN\", \"-Infinity\"]",
        ),
        (
            r#"{"name": "struct", "configuration": {"fields": [{"name": "x", "data_type": "float32"}]}}"#,
            r#"{"x": NaN}"#,
            r#"{"x": "NaN"}"#,
        ),
    ] {
        let place = Place::new();
        place.put("a/zarr.json", &array(data_type, bare, attributes));
        assert_eq!(fill(&place.tolerant, "a").unwrap(), plain, "{data_type}");
        let error = place.strict.array("a").unwrap_err().to_string();
        assert!(error.starts_with("a/zarr.json: invalid JSON"), "{error}");

        let mut opened = place.tolerant.array("a").unwrap();
        assert!(
            opened
                .attributes()
                .get::<f64>("a")
                .unwrap()
                .unwrap()
                .is_nan()
        );
        assert_eq!(
            opened.attributes().get::<String>("d").unwrap().unwrap(),
            "NaN"
        );
        opened
            .change_attributes(|old| Ok(old.clone().with("e", 1)?))
            .unwrap();
        opened.resize(&[3]).unwrap();
        let text = place.text("a/zarr.json");
        for kept in [
            "\"a\": NaN",
            "[0.50, Infinity, {",
            "\"c\": -Infinity",
            "\"d\": \"NaN\"",
            "\"e\": 1",
        ] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        let spaceless = |text: &str| text.replace([' ', '\n'], "");
        assert!(
            spaceless(&text).contains(&spaceless(&format!("\"fill_value\": {bare}"))),
            "{text}"
        );
    }
}

#[test]
fn bare_words_go_through_consolidated_metadata() {
    let place = Place::new();
    place.put(
        "zarr.json",
        r#"{"zarr_format": 3, "node_type": "group", "attributes": {"g": NaN}}"#,
    );
    place.put(
        "a/zarr.json",
        &array(
            "\"float32\"",
            "NaN",
            r#", "attributes": {"a": [-Infinity]}"#,
        ),
    );
    let mut group = place.tolerant.group("").unwrap();
    group.consolidate().unwrap();
    let text = place.text("zarr.json");
    assert_eq!(
        text.matches("NaN").count() + text.matches("Infinity").count(),
        3,
        "{text}"
    );
    let group = place.tolerant.group("").unwrap();
    let children = group.children().unwrap();
    assert_eq!(children, [("a".to_owned(), NodeKind::Array)]);
    let array = group.array("a").unwrap();
    array.write(.., arr0(1.5_f32)).unwrap();
    assert_eq!(array.read::<f32>(s![1]).unwrap(), arr0(1.5).into_dyn());
    assert!(group.check_consolidated().unwrap().is_empty());
    place.strict.group("").unwrap_err();
}

#[test]
fn bare_words_of_zarr_2_are_read_and_the_document_at_fault_is_named() {
    let zarray = |fill: &str| {
        format!(
            r#"{{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "<f4", "compressor": null, "fill_value": {fill},
                "order": "C", "filters": null}}"#
        )
    };
    let place = Place::new();
    place
        .put(".zgroup", r#"{"zarr_format": 2}"#)
        .put(".zattrs", r#"{"t": NaN}"#);
    place
        .put("a/.zarray", &zarray("NaN"))
        .put("a/.zattrs", r#"{"m": Infinity}"#);
    assert_eq!(fill(&place.tolerant, "a").unwrap(), "\"NaN\"");
    let group = place.tolerant.group("").unwrap();
    assert!(
        group
            .attributes()
            .get::<f64>("t")
            .unwrap()
            .unwrap()
            .is_nan()
    );
    let fault = |path: &str| match path {
        "" => place.strict.group("").unwrap_err().to_string(),
        path => place.strict.array(path).unwrap_err().to_string(),
    };
    assert!(fault("").starts_with(".zattrs: "), "{}", fault(""));
    assert!(fault("a").starts_with("a/.zarray: "), "{}", fault("a"));
    place.put("a/.zarray", &zarray("0.5"));
    assert!(fault("a").starts_with("a/.zattrs: "), "{}", fault("a"));
    place.put("a/.zarray", &zarray("\"x\""));
    let error = place.tolerant.array("a").unwrap_err().to_string();
    assert!(error.starts_with("a/.zarray: fill_value: "), "{error}");
    place.put(".zattrs", "{").put("a/.zattrs", "[]");
    for (path, key) in [("", ".zattrs: "), ("a", "a/.zattrs: ")] {
        let error = place.tolerant.node(path).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    }
}

#[test]
fn what_is_no_bare_word_stays_refused() {
    for bad in [
        "nan",
        "NAN",
        "-NaN",
        "+Infinity",
        "Inf",
        "inf",
        "Infinityy",
        "N aN",
        "undefined",
        "None",
        "1.",
        ".5",
    ] {
        let place = Place::new();
        let more = format!(r#", "attributes": {{"a": {bad}}}"#);
        place.put("zarr.json", &array("\"float32\"", "0", &more));
        let error = place.tolerant.array("").unwrap_err().to_string();
        assert!(error.starts_with("zarr.json: "), "{bad}: {error}");
    }
    let place = Place::new();
    place.put("zarr.json", &array("\"int32\"", "NaN", ""));
    let error = place.tolerant.array("").unwrap_err().to_string();
    assert!(error.contains("fill value NaN is not a int32"), "{error}");
    place.put(
        "zarr.json",
        &array("\"float32\"", "0", "").replace("\"shape\": [2]", "\"shape\": [NaN]"),
    );
    let error = place.tolerant.array("").unwrap_err().to_string();
    assert!(error.contains("shape: found [NaN]"), "{error}");
}
