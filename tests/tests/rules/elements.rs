//! Elements: fill values, missing elements, arrays of odd shapes.

use super::*;

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
    let part = zarr::slices(s![0..1, 0..3]);
    array.write(&part, names.into_dyn()).unwrap();
    let json = zarr_tests::conformance::optional_elements(&array).unwrap();
    assert_eq!(
        json["data"].to_string()[..25],
        *r#"["ab",null,"",null,null,n"#
    );
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
    // Fill values over a whole chunk delete the object, and readers see fill values.
    write([0.0, 0.0]);
    assert!(get(&hierarchy, "zero/c/0").is_none());
    let read = array.read::<f64>(s![..]).unwrap();
    assert!(read.iter().all(|value| value.to_bits() == 0));
    let keeping = hierarchy.create_array("kept", metadata("0.0")).unwrap();
    let options = zarr::WriteOptions {
        store_fill: true,
        ..Default::default()
    };
    let keeping = keeping.with_write_options(options);
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
    let read = read.read::<i16>(&Selection::all()).unwrap();
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
    // 300,000 chunks, none stored.
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
    // A missing chunk far larger than the array.
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
    // The shard holds (8 - 5) * 2 and so on, and its second row is missing.
    let stored = get(&hierarchy, "a/c/0/0").unwrap();
    assert_eq!(stored[..6], [6, 0, 8, 0, 10, 0]);
    assert_eq!(stored.len(), 6 + 32);
    let read = array.read::<i16>(s![0..2, 0..3]).unwrap();
    assert_eq!(read.into_raw_vec_and_offset().0, [8, 9, 10, 7, 7, 7]);
}
