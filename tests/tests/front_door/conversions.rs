//! Natural spellings of selections, dimensions, places, metadata and fill values.

use super::*;

#[test]
fn lists_of_indices_and_masks_have_many_forms() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "a");
    array.write(.., numbers((9, 14))).unwrap();
    let expected = [105, 100, 100];
    let indices = [5_usize, 0, 0];
    let read = |found: zarr::Result<ArrayD<i32>>| {
        let found = found.unwrap();
        assert_eq!(found.as_slice().unwrap(), expected);
    };
    read(array.read::<i32>((1, [5, 0, 0])));
    read(array.read::<i32>((1, &[5, 0, 0])));
    read(array.read::<i32>((1, indices.as_slice())));
    read(array.read::<i32>((1, indices.to_vec())));
    read(array.read::<i32>((1, &indices.to_vec())));
    read(array.read::<i32>((1, Array1::from(indices.to_vec()))));
    read(array.read::<i32>((1, &Array1::from(indices.to_vec()))));
    read(array.read::<i32>((1, Array1::from(indices.to_vec()).view())));
    read(array.read::<i32>((1_u8, [5_i16, 0, -14])));
    read(array.read::<i32>(((String::from("y"), 1), ("x", [5, 0, 0]))));
    let mask = [true, false, false, true, false, false, false, false, true];
    let expected = array.read::<i32>((vec![0, 3, 8], ..)).unwrap();
    for found in [
        array.read::<i32>((mask, ..)),
        array.read::<i32>((&mask, ..)),
        array.read::<i32>((&mask[..], ..)),
        array.read::<i32>((&mask.to_vec(), ..)),
        array.read::<i32>((Array1::from(mask.to_vec()), ..)),
        array.read::<i32>((Array1::from(mask.to_vec()).view(), ..)),
    ] {
        assert_eq!(found.unwrap(), expected);
    }
    let index = array.read::<i32>(8_u8).unwrap();
    assert_eq!(index, array.read::<i32>(8).unwrap());
}

#[test]
fn dimensions_chunks_and_metadata_have_natural_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.zarr");
    let hierarchy = open(&path).unwrap();
    open(path.as_path()).unwrap();
    open(path.to_str().unwrap()).unwrap();
    let metadata = || {
        ArrayBuilder::new(&[0, 4], "int32")
            .with_chunk_shape(&[2, 2])
            .with_dimension_names(["time", "x"])
    };
    let mut array = hierarchy.create_array("a", metadata()).unwrap();
    hierarchy.open_or_create_array("a", metadata()).unwrap();
    let step = Array2::<i32>::ones((1, 4));
    let name = String::from("time");
    assert_eq!(array.append(&name, &step).unwrap(), 0..1);
    assert_eq!(array.append(name, &step).unwrap(), 1..2);
    assert_eq!(array.append(0_i64, &step).unwrap(), 2..3);
    let indices = array.chunk([1, 0]).unwrap().indices().to_vec();
    assert_eq!(array.chunk(&indices).unwrap().indices(), [1, 0]);
    assert_eq!(array.chunk(indices).unwrap().extent(), [2..3, 0..2]);
    let error = array.append(2, &step).unwrap_err();
    let text = "there is no dimension 2: the array has 2 dimensions";
    assert!(error.to_string().contains(text), "{error}");

    let twice = metadata().with_dimension_names(["x", "x"]);
    let mut twice = hierarchy.create_array("twice", twice).unwrap();
    let error = twice.append("x", &step).unwrap_err();
    assert!(error.to_string().contains("several"), "{error}");
    assert_eq!(twice.append(0, &step).unwrap(), 0..1);
}

#[test]
fn fill_values_may_be_strings() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[2], "string").with_fill_value("\"?\"");
    let names = hierarchy.create_array("a", metadata.unwrap()).unwrap();
    assert_eq!(names.read::<String>(..).unwrap()[[1]], "\"?\"");
    let owned = ArrayBuilder::new(&[2], "string").with_fill_value(String::from("x"));
    hierarchy.create_array("b", owned.unwrap()).unwrap();
    let error = ArrayBuilder::new(&[2], "int32").with_fill_value("x");
    let error = error.unwrap_err();
    assert_eq!(error.kind(), zarr::core::ErrorKind::ElementType);
    assert!(error.to_string().contains("fill_value: "), "{error}");
    ArrayBuilder::new(&[2], "int32")
        .with_fill_value(1.0)
        .unwrap_err();
}

#[test]
fn unknown_data_types_are_named_with_near_ones() {
    for (name, near) in [
        ("f32", "did you mean float32?"),
        ("float33", "did you mean float32?"),
        ("<f4", "did you mean float32?"),
        ("flaot64", "did you mean float64?"),
    ] {
        let bare = ArrayBuilder::new(&[4], name).build().unwrap_err();
        let hierarchy = open("memory:").unwrap();
        let filled = ArrayBuilder::new(&[4], name).with_fill_json("0").unwrap();
        let filled = hierarchy.create_array("a", filled).unwrap_err();
        for text in [bare.to_string(), filled.to_string()] {
            assert!(text.contains("unknown data type"), "{text}");
            assert!(text.contains(near), "{text}");
        }
    }
    let error = ArrayBuilder::new(&[4], "bfloat16").build().unwrap_err();
    assert!(error.to_string().contains("fill_value"), "{error}");
}

#[test]
fn a_thread_pool_can_be_shared() {
    let pool = zarr::limits::threads();
    zarr::limits::set_threads(pool).unwrap();
    let _: fn(std::sync::Arc<zarr::limits::ThreadPool>) = zarr::limits::set_pool;
}
