//! Other spellings of fill values, codecs, strings and names.

use super::*;

#[test]
fn reserved_names_are_found_and_never_made() {
    let place = Place::new();
    let name = "__xarray_dataarray_variable__";
    place.put("zarr.json", r#"{"zarr_format": 3, "node_type": "group"}"#);
    place.put(&format!("{name}/zarr.json"), &array("\"int32\"", "7", ""));
    place.put(
        "__g/zarr.json",
        r#"{"zarr_format": 3, "node_type": "group"}"#,
    );
    place.put("__g/__a/zarr.json", &array("\"int8\"", "1", ""));
    place.put("__none/other", "x");
    let names = |hierarchy: &Hierarchy| {
        let group = hierarchy.group("").unwrap();
        let children = group.children().unwrap();
        children
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&place.tolerant), ["__g", name]);
    assert!(names(&place.strict).is_empty());
    assert_eq!(fill(&place.tolerant, name).unwrap(), "7");
    place.strict.array(name).unwrap_err();
    place.tolerant.array(name).unwrap().resize(&[5]).unwrap();

    place.tolerant.group("").unwrap().consolidate().unwrap();
    let group = place.tolerant.group("").unwrap();
    assert_eq!(names(&place.tolerant), ["__g", name]);
    assert_eq!(group.array("__g/__a").unwrap().shape(), [2]);
    let error = place.strict.group("").unwrap_err().to_string();
    assert!(error.contains("\"__g\""), "{error}");

    for path in ["__x", "a/__x", "__g/b", name] {
        let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
        let error = place
            .tolerant
            .create_array(path, metadata)
            .unwrap_err()
            .to_string();
        assert!(error.contains("reserved"), "{error}");
        place
            .tolerant
            .create_group(path, Attributes::new())
            .unwrap_err();
    }
    place.tolerant.delete(name).unwrap();
    assert_eq!(names(&place.tolerant), ["__g"]);
}

#[test]
fn fill_values_are_respelled() {
    let time = r#"{"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}}"#;
    let record = r#"{"name": "struct", "configuration": {"fields": [
        {"name": "x", "data_type": "int16"}, {"name": "b", "data_type": "bool"}]}}"#;
    let optional = r#"{"name": "optional", "configuration": {"name": "bool"}}"#;
    for (data_type, found, plain) in [
        ("\"bool\"", "0", "false"),
        ("\"bool\"", "1", "true"),
        ("\"int8\"", "3.0", "3"),
        ("\"int64\"", "-1e3", "-1000"),
        ("\"int32\"", "-0.0", "0"),
        (
            "\"uint64\"",
            "\"18446744073709551615\"",
            "18446744073709551615",
        ),
        ("\"int16\"", "\"-7\"", "-7"),
        ("\"int4\"", "\"-8\"", "-8"),
        ("\"float32\"", "\"1.5\"", "1.5"),
        ("\"float64\"", "\"-1e-300\"", "-1e-300"),
        ("\"float64\"", "\"nan\"", "\"NaN\""),
        ("\"float32\"", "\"-inf\"", "\"-Infinity\""),
        ("\"bfloat16\"", "\"2\"", "2.0"),
        ("\"complex64\"", "[\"1\", 2.5]", "[1.0, 2.5]"),
        ("\"float8_e8m0fnu\"", "0.0", "6e-39"),
        ("\"float8_e8m0fnu\"", "0", "6e-39"),
        (time, "3.0", "3"),
        (time, "\"-5\"", "-5"),
        (record, r#"{"x": 2.0, "b": 1}"#, r#"{"x": 2, "b": true}"#),
        (record, r#"{"x": 2, "b": 0}"#, r#"{"x": 2, "b": false}"#),
        (optional, "[1]", "[true]"),
    ] {
        let place = Place::new();
        let text = match data_type {
            _ if data_type == optional => array(data_type, found, "").replace(
                r#"{"name": "bytes", "configuration": {"endian": "little"}}"#,
                r#"{"name": "optional", "configuration": {"mask_codecs": [{"name": "bytes"}], "data_codecs": [{"name": "bytes"}]}}"#,
            ),
            _ => array(data_type, found, ""),
        };
        place.put("zarr.json", &text);
        assert_eq!(
            fill(&place.tolerant, "").unwrap(),
            plain,
            "{data_type} {found}"
        );
        let error = place.strict.array("").unwrap_err().to_string();
        assert!(error.contains("fill_value"), "{error}");
        // A rewrite keeps the spelling, but a new document never has it.
        let metadata = place.tolerant.array("").unwrap().metadata().clone();
        let error = place
            .tolerant
            .create_array("copy", metadata)
            .unwrap_err()
            .to_string();
        assert!(error.contains("fill_value"), "{error}");
    }
}

#[test]
fn fill_values_that_would_be_guesses_stay_refused() {
    for (data_type, fills) in [
        (
            "\"bool\"",
            &[
                "2", "0.0", "1.0", "\"0\"", "\"true\"", "null", "\"\"", "-0", "[1]",
            ][..],
        ),
        (
            "\"int8\"",
            &[
                "1.5", "300.0", "\"128\"", "\"1.0\"", "\"\"", "\" 1\"", "\"0x1\"", "true", "null",
                "1e400", "\"+1\"",
            ],
        ),
        (
            "\"int64\"",
            &["9007199254740993.0e3", "\"9223372036854775808\"", "1e19"],
        ),
        ("\"uint8\"", &["-1.0", "\"-1\""]),
        (
            "\"float32\"",
            &[
                "\"\"",
                "\"x\"",
                "\" 1\"",
                "\"1e999\"",
                "\"1_0\"",
                "null",
                "true",
                "[1]",
                "\"+1\"",
                "\".5\"",
            ],
        ),
        ("\"float8_e8m0fnu\"", &["-1.0", "\"-inf\""]),
        ("\"complex64\"", &["1.0", "\"1\"", "[1]", "[\"x\", 1]"]),
        ("\"string\"", &["0", "null", "NaN"]),
        (
            r#"{"name": "fixed_length_utf32", "configuration": {"length_bytes": 12}}"#,
            &["NaN", "1", "\"abcd\""],
        ),
    ] {
        for fill in fills {
            let place = Place::new();
            place.put("zarr.json", &array(data_type, fill, ""));
            if *fill == "-0" || place.tolerant.array("").is_err() {
                continue;
            }
            panic!("{data_type} {fill}");
        }
    }
}

#[test]
fn codecs_have_the_names_of_drafts() {
    let replaced = |codecs: &str| {
        let text = array("\"float32\"", "0", "").replace("\"shape\": [2]", "\"shape\": [2, 3]");
        let text = text.replace("\"chunk_shape\": [2]", "\"chunk_shape\": [2, 3]");
        text.replace(
            r#"{"name": "bytes", "configuration": {"endian": "little"}}"#,
            codecs,
        )
    };
    let bytes = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
    let zarrs = "https://codec.zarrs.dev";
    for codecs in [
        r#"{"name": "endian", "configuration": {"endian": "little"}}"#.to_owned(),
        format!(r#"{{"name": "transpose", "configuration": {{"order": "F"}}}}, {bytes}"#),
        format!(r#"{{"name": "transpose", "configuration": {{"order": "C"}}}}, {bytes}"#),
        format!(
            r#"{{"name": "{zarrs}/array_to_array/bitround", "configuration": {{"keepbits": 5}}}}, {bytes}"#
        ),
        format!(
            r#"{{"name": "{zarrs}/array_to_bytes/zfp", "configuration": {{"mode": "reversible"}}}}"#
        ),
        r#"{"name": "zarrs.zfp", "configuration": {"mode": "reversible"}}"#.to_owned(),
        format!(
            r#"{bytes}, {{"name": "{zarrs}/bytes_to_bytes/bz2", "configuration": {{"level": 5}}}}"#
        ),
        format!(r#"{bytes}, {{"name": "{zarrs}/bytes_to_bytes/fletcher32"}}"#),
        format!(
            r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [1, 3], "index_codecs": [{bytes}],
                "codecs": [{{"name": "transpose", "configuration": {{"order": "F"}}}}, {bytes}]}}}}"#
        ),
    ] {
        let place = Place::new();
        place.put("zarr.json", &replaced(&codecs));
        let array = place
            .tolerant
            .array("")
            .unwrap_or_else(|error| panic!("{codecs}: {error}"));
        let data = ndarray::arr2(&[[1_f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        array.write(.., &data).unwrap();
        assert_eq!(array.read::<f32>(..).unwrap(), data.into_dyn(), "{codecs}");
        place.strict.array("").unwrap_err();
    }
    for order in ["\"A\"", "\"f\"", "[\"F\"]", "null"] {
        let place = Place::new();
        let codec =
            format!(r#"{{"name": "transpose", "configuration": {{"order": {order}}}}}, {bytes}"#);
        place.put("zarr.json", &replaced(&codec));
        place.tolerant.array("").unwrap_err();
    }
}

#[test]
fn surrogates_are_in_strings_of_one_length() {
    let place = Place::new();
    let text = r#"{"name": "fixed_length_utf32", "configuration": {"length_bytes": 8}}"#;
    place.put("zarr.json", &array(text, r#""\ud800""#, ""));
    let elements = [0x61_u32, 0xdc00, 0x1f600, 0];
    let chunk = elements.map(u32::to_le_bytes).concat();
    let put = place
        .tolerant
        .store()
        .put("c/0", vec![chunk.into()], Precondition::None);
    runtime().block_on(put).unwrap();
    assert_eq!(fill(&place.tolerant, "").unwrap(), r#""\ud800""#);
    let read = place
        .tolerant
        .array("")
        .unwrap()
        .read::<[u8; 8]>(&Selection::all());
    let read = read.unwrap().into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(read, elements.map(u32::to_ne_bytes).concat());
    place.strict.array("").unwrap_err();
    place.put("zarr.json", &array(text, "\"\"", ""));
    let read = place
        .strict
        .array("")
        .unwrap()
        .read::<[u8; 8]>(&Selection::all());
    assert!(read.unwrap_err().to_string().contains("0xdc00"));
}

#[test]
fn times_that_nobody_chose_are_not_a_time() {
    for unit in ["s", "ns", "D"] {
        for name in ["numpy.datetime64", "numpy.timedelta64"] {
            let data_type = zarr::Extension::new(name)
                .with("unit", unit)
                .with("scale_factor", 1);
            let metadata = ArrayBuilder::new(&[2], name)
                .with_data_type(data_type)
                .build()
                .unwrap();
            assert_eq!(metadata.fill_value().get(), "\"NaT\"");
            let array = Place::new().tolerant.create_array("a", metadata).unwrap();
            assert_eq!(array.read::<i64>(s![0]).unwrap(), arr0(i64::MIN).into_dyn());
        }
    }
}

#[test]
fn new_documents_are_strict() {
    let place = Place::new();
    place.put(
        "a/zarr.json",
        &array("\"float32\"", "0", r#", "attributes": {"x": {"y": [NaN]}}"#),
    );
    let read = place.tolerant.array("a").unwrap().metadata().clone();
    let error = place
        .tolerant
        .create_array("b", read.clone())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("b/zarr.json: attributes: found NaN"),
        "{error}"
    );
    let error = place
        .tolerant
        .create_group("b", read.attributes().clone())
        .unwrap_err()
        .to_string();
    assert!(error.contains("NaN"), "{error}");
    let shared = json!({"y": "NaN"});
    let group = place
        .tolerant
        .create_group("b", Attributes::new().with("x", &shared).unwrap())
        .unwrap();
    let kept = group
        .attributes()
        .get::<BTreeMap<String, Value>>("x")
        .unwrap()
        .unwrap();
    assert_eq!(kept["y"], "NaN");
}
