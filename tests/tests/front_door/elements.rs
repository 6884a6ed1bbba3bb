//! The data and the Rust types of reads and writes.

use super::*;

#[test]
fn data_of_every_form_is_written_on_both_sides() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "a");
    let waits = array.as_async();
    let runtime = blocking::runtime();
    let model = numbers((9, 14));
    let reversed = model.slice(s![..;-1, ..]);
    let cow = ndarray::CowArray::from(reversed);
    let check = |expected: &ArrayD<i32>| {
        assert_eq!(array.read::<i32>(..).unwrap(), *expected);
        assert_eq!(runtime.block_on(waits.read::<i32>(..)).unwrap(), *expected);
        assert_eq!(
            runtime
                .block_on(waits.read::<Array2<i32>>(..))
                .unwrap()
                .into_dyn(),
            *expected
        );
        let mut into = ArrayD::<i32>::zeros(expected.shape());
        array.read_into(.., into.view_mut()).unwrap();
        assert_eq!(into, *expected);
        into.fill(0);
        runtime
            .block_on(waits.read_into(.., into.view_mut()))
            .unwrap();
        assert_eq!(into, *expected);
    };
    array.write(.., reversed).unwrap();
    check(&reversed.to_owned().into_dyn());
    runtime.block_on(waits.write(.., &model)).unwrap();
    check(&model.clone().into_dyn());
    runtime.block_on(waits.write(.., reversed)).unwrap();
    check(&reversed.to_owned().into_dyn());
    array.write(.., model.clone()).unwrap();
    check(&model.clone().into_dyn());
    array.write(.., cow).unwrap();
    check(&reversed.to_owned().into_dyn());
    array.write(.., model.as_slice().unwrap()).unwrap();
    check(&model.clone().into_dyn());
    array.write(.., 5).unwrap();
    check(&Array2::from_elem(model.raw_dim(), 5).into_dyn());
    runtime.block_on(waits.write(.., arr0(6))).unwrap();
    check(&Array2::from_elem(model.raw_dim(), 6).into_dyn());
    let row = model.row(4).to_vec();
    array.write(.., ([14], row.as_slice())).unwrap();
    check(
        &model
            .row(4)
            .broadcast((9, 14))
            .unwrap()
            .to_owned()
            .into_dyn(),
    );
    assert_eq!(array.read::<Scalar<i32>>((3, 2)).unwrap(), 402);
}

#[test]
fn strings_optionals_and_structs_are_read_and_written_like_numbers() {
    let hierarchy = open("memory:").unwrap();
    let create = |name: &str, builder: ArrayBuilder| {
        let array = hierarchy.create_array(name, builder.build().unwrap());
        array.unwrap()
    };
    let names = create(
        "names",
        ArrayBuilder::new(&[2, 3], "string").with_chunk_shape(&[1, 2]),
    );
    names.write((0, ..), &["Ada", "Grace", "Mary"]).unwrap();
    names.write((1, 1..), "x").unwrap();
    assert_eq!(
        names.read::<Array2<String>>(..).unwrap(),
        array![["Ada", "Grace", "Mary"], ["", "x", "x"]].mapv(str::to_owned)
    );
    let mut into = Array1::from_elem(2, String::new());
    names.read_into((0, 1..), into.view_mut()).unwrap();
    assert_eq!(into, array!["Grace".to_owned(), "Mary".to_owned()]);
    assert_eq!(
        names.read::<i32>(..).unwrap_err().kind(),
        ErrorKind::ElementType
    );

    let bytes = create("bytes", ArrayBuilder::new(&[3], "bytes"));
    bytes.write(1, vec![1_u8, 2]).unwrap();
    assert_eq!(
        bytes
            .read::<Vec<u8>>(..)
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        [vec![], vec![1, 2], vec![]]
    );

    for (inner, chain) in [
        ("int16", codecs::bytes(true)),
        ("string", Extension::new("vlen-utf8")),
    ] {
        let optional = Extension::new("optional").with("name", inner).with(
            "configuration",
            std::collections::BTreeMap::<String, String>::new(),
        );
        let data = match inner {
            "string" => chain,
            _ => chain,
        };
        let codec = Extension::new("optional")
            .with("mask_codecs", [Extension::new("packbits")])
            .with("data_codecs", [data]);
        let builder = ArrayBuilder::new(&[2, 2], "optional")
            .with_data_type(optional)
            .with_fill_json("null")
            .unwrap()
            .with_codecs([codec]);
        let array = create(&format!("optional_{inner}"), builder);
        if inner == "string" {
            let data = array![[None, Some("a".to_owned())], [Some(String::new()), None]];
            array.write(.., &data).unwrap();
            assert_eq!(array.read::<Array2<Option<String>>>(..).unwrap(), data);
            array.write((0, ..), None::<String>).unwrap();
            assert_eq!(
                array
                    .read::<Option<String>>((0, ..))
                    .unwrap()
                    .into_raw_vec_and_offset()
                    .0,
                [None, None]
            );
            assert_eq!(
                array.read::<Option<i16>>(..).unwrap_err().kind(),
                ErrorKind::ElementType
            );
        } else {
            let data = array![[None, Some(-7_i16)], [Some(0), None]];
            array.write(.., &data).unwrap();
            assert_eq!(array.read::<Array2<Option<i16>>>(..).unwrap(), data);
            let column = data
                .column(1)
                .broadcast((2, 2))
                .unwrap()
                .reversed_axes()
                .to_owned();
            array.write(.., column.view()).unwrap();
            assert_eq!(array.read::<Array2<Option<i16>>>(..).unwrap(), column);
        }
    }
}
