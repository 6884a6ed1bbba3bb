//! Nodes are opened, created and appended to.

use super::*;

#[test]
fn nodes_are_opened_or_created() {
    let hierarchy = open("memory:").unwrap();
    assert!(!hierarchy.exists("g").unwrap());
    let group = hierarchy
        .open_or_create_group("g", Attributes::new().with("a", 1).unwrap())
        .unwrap();
    let again = hierarchy
        .open_or_create_group("g", Attributes::new())
        .unwrap();
    assert_eq!(again.attributes().get::<i32>("a").unwrap(), Some(1));
    group
        .open_or_create_array("x", metadata(&[4], &[2]))
        .unwrap()
        .write(.., 5)
        .unwrap();
    let array = hierarchy
        .open_or_create_array("g/x", metadata(&[9], &[3]))
        .unwrap();
    assert_eq!(array.read::<i32>(..).unwrap().sum(), 20);
    assert!(group.exists("x").unwrap() && !group.exists("y").unwrap());
    let error = hierarchy
        .open_or_create_array("g", metadata(&[1], &[1]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NodeType);
    let replaced = group
        .replace("x", metadata(&[9], &[3]).into())
        .unwrap()
        .into_array()
        .unwrap();
    assert_eq!(
        (replaced.shape(), replaced.read::<i32>(..).unwrap().sum()),
        (&[9][..], 0)
    );
    let error = hierarchy
        .create_array("g/x", metadata(&[1], &[1]))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.node().unwrap().as_str()),
        (ErrorKind::AlreadyExists, "g/x")
    );
}

#[test]
fn writers_who_append_do_not_collide() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[3, 2], "int32")
        .with_chunk_shape(&[4, 2])
        .with_shard_shape(&[8, 2])
        .with_dimension_names(["time", "x"])
        .build()
        .unwrap();
    let first = hierarchy.create_array("a", metadata).unwrap();
    first.write(.., 1000).unwrap();
    let mut taken = std::thread::scope(|scope| {
        let writers = (0..4).map(|writer| {
            let mut array = hierarchy.array("a").unwrap();
            scope.spawn(move || {
                (0..10)
                    .map(|step| {
                        let rows = 1 + (writer + step) % 3;
                        let data = Array2::from_elem((rows as usize, 2), writer * 100 + step);
                        let range = array.append("time", data).unwrap();
                        (range, writer * 100 + step)
                    })
                    .collect::<Vec<_>>()
            })
        });
        let writers = writers.collect::<Vec<_>>();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect::<Vec<_>>()
    });
    taken.sort_by_key(|(range, _)| range.start);
    let array = hierarchy.array("a").unwrap();
    let mut end = 3;
    for (range, value) in taken {
        assert_eq!(range.start, end);
        end = range.end;
        let found = array.read::<Array2<i32>>(range.clone()).unwrap();
        assert!(
            found.iter().all(|&found| found == value),
            "{range:?}: {found}"
        );
    }
    assert_eq!(array.shape(), [end, 2]);
    assert_eq!(array.read::<i32>(..3).unwrap().sum(), 6000);
}

/// Reserved elements are written later, through the handle that reserved them or through another.
/// Both merge into the chunk that they share, although each covers all elements that its handle
/// sees.
#[test]
fn reserved_elements_are_written_in_any_order() {
    let hierarchy = open("memory:").unwrap();
    let mut first = hierarchy
        .create_array("a", metadata(&[0, 2], &[8, 2]))
        .unwrap();
    let mut second = hierarchy.array("a").unwrap();
    assert_eq!(first.reserve(0, 3).unwrap(), 0..3);
    assert_eq!(second.reserve(0, 4).unwrap(), 3..7);
    let third = hierarchy.array("a").unwrap().open_ended(0).unwrap();
    assert_eq!(first.reserve(0, 1).unwrap(), 7..8);
    third.write(3..7, 2).unwrap();
    first.write(0..3, 1).unwrap();
    first.write(7..8, 3).unwrap();
    let array = hierarchy.array("a").unwrap();
    let rows = array.read::<Array2<i32>>(..).unwrap();
    assert_eq!(rows.column(0).to_vec(), [1, 1, 1, 2, 2, 2, 2, 3]);

    second.extend_to(0, 12).unwrap();
    second.extend_to(0, 5).unwrap();
    assert_eq!(second.shape(), [12, 2]);
    assert_eq!(first.reserve(0, 0).unwrap(), 12..12);
    assert_eq!(
        first.reserve(0, u64::MAX).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert_eq!(
        first.reserve("time", 1).unwrap_err().kind(),
        ErrorKind::Selection
    );
    // The handle still merges after a change of attributes.
    let mut attributes = zarr::Attributes::new();
    attributes.set("k", 1).unwrap();
    first.set_attributes(attributes).unwrap();
    let mut other = hierarchy.array("a").unwrap();
    assert_eq!(other.append(0, &[9, 9]).unwrap(), 12..13);
    first.write(8..12, 4).unwrap();
    let array = hierarchy.array("a").unwrap();
    assert_eq!(array.read::<i32>((12, ..)).unwrap().sum(), 18);
}

#[test]
fn reserved_indices_belong_to_one_writer() {
    let hierarchy = open("memory:").unwrap();
    let mut array = hierarchy.create_array("a", metadata(&[3], &[4])).unwrap();
    array.write(.., 1).unwrap();
    let mut other = hierarchy.array("a").unwrap();
    let range = array.reserve(0, 2).unwrap();
    assert_eq!((range.clone(), array.shape()), (3..5, &[5][..]));
    // Another writer appends to the last chunk before the elements are written.
    assert_eq!(other.append(0, ndarray::array![7]).unwrap(), 5..6);
    array.write(range, 5).unwrap();
    let found = hierarchy.array("a").unwrap().read::<i32>(..).unwrap();
    assert_eq!(found.into_raw_vec_and_offset().0, [1, 1, 1, 5, 5, 7]);
    let range = array.reserve(0, 0).unwrap();
    assert_eq!((range, array.shape()), (6..6, &[6][..]));
    assert!(array.reserve(1, 1).is_err());
}

#[test]
fn what_does_not_fit_is_not_appended() {
    let hierarchy = open("memory:").unwrap();
    let mut array = hierarchy
        .create_array("a", metadata(&[2, 3], &[1, 3]))
        .unwrap();
    let kind = |result: zarr::Result<std::ops::Range<u64>>| result.unwrap_err().kind();
    assert_eq!(
        kind(array.append(0, Array2::<i32>::zeros((1, 4)))),
        ErrorKind::Selection
    );
    assert_eq!(
        kind(array.append(2, Array2::<i32>::zeros((1, 3)))),
        ErrorKind::Selection
    );
    assert_eq!(
        kind(array.append("time", Array2::<i32>::zeros((1, 3)))),
        ErrorKind::Selection
    );
    assert_eq!(kind(array.append(0, 7)), ErrorKind::Selection);
    assert_eq!(
        kind(array.append(0, Array2::<f32>::zeros((1, 3)))),
        ErrorKind::ElementType
    );
    assert_eq!(hierarchy.array("a").unwrap().shape(), [2, 3]);
    let mut other = hierarchy.array("a").unwrap();
    assert_eq!(array.append(1, Array1::from(vec![1, 2])).unwrap(), 3..4);
    assert_eq!(
        kind(other.append(0, Array2::<i32>::zeros((1, 3)))),
        ErrorKind::Changed
    );
    assert_eq!(array.append(0, &[1, 2, 3, 4]).unwrap(), 2..3);
    assert_eq!(
        array
            .read::<i32>((2, ..))
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        [1, 2, 3, 4]
    );
    assert_eq!(
        array
            .read::<i32>((..2, 3))
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        [1, 2]
    );
}

#[test]
fn attributes_are_typed() {
    #[derive(serde::Deserialize, serde::Serialize, PartialEq, Debug)]
    struct Scan {
        voxel: [f64; 3],
        subject: Option<String>,
    }
    let hierarchy = open("memory:").unwrap();
    let scan = Scan {
        voxel: [0.5, 0.5, 1.0],
        subject: None,
    };
    let mut group = hierarchy
        .create_group("g", Attributes::new().with("kept", [1]).unwrap())
        .unwrap();
    group.update_attributes(&scan).unwrap();
    assert_eq!(
        hierarchy
            .group("g")
            .unwrap()
            .attributes_as::<Scan>()
            .unwrap(),
        scan
    );
    assert_eq!(group.attributes_as::<Value>().unwrap()["kept"], json!([1]));
    let error = group.attributes_as::<Vec<i32>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = hierarchy
        .group("")
        .and_then(|root| root.attributes_as::<Scan>());
    assert_eq!(
        error.unwrap_err().to_string(),
        "/: attributes: missing field `voxel`"
    );
    let error = group.attributes().get::<i32>("kept").unwrap_err();
    assert_eq!(
        error.to_string(),
        "attributes.kept: invalid type: sequence, expected i32"
    );
    assert_eq!(
        group.update_attributes(&[1, 2]).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let mut array = hierarchy.create_array("a", metadata(&[1], &[1])).unwrap();
    array.update_attributes(&scan).unwrap();
    assert_eq!(
        hierarchy
            .array("a")
            .unwrap()
            .attributes_as::<Scan>()
            .unwrap(),
        scan
    );
}
