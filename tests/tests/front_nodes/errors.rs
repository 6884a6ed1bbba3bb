//! Messages of errors; futures that cross threads.

use super::*;

#[test]
fn errors_say_what_and_where() {
    let hierarchy = open("memory:").unwrap();
    let sharded = ArrayBuilder::new(&[8, 8], "int32")
        .with_chunk_shape(&[2, 2])
        .with_shard_shape(&[4, 4])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let array = hierarchy
        .create_array("g/a", sharded.build().unwrap())
        .unwrap();
    array.write(.., 5).unwrap();
    let shard = array.chunk([1, 0]).unwrap();
    let mut bytes = shard.encoded().unwrap().unwrap().to_vec();
    bytes[16 + 4 + 3] ^= 1;
    shard.write_encoded(bytes.into()).unwrap();
    let error = array.read::<i32>(..).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checksum, "{error}");
    assert_eq!(error.node().unwrap().as_str(), "g/a");
    assert_eq!(error.key(), Some("g/a/c/1/0"));
    assert_eq!(error.inner_chunk(), Some(&[0, 1][..]));
    assert!(
        error
            .to_string()
            .starts_with("g/a/c/1/0: inner chunk [0, 1]: "),
        "{error}"
    );

    let error = hierarchy.array("g/none").unwrap_err();
    assert_eq!(
        (error.kind(), error.node().unwrap().as_str()),
        (ErrorKind::NodeNotFound, "g/none")
    );
    let put = hierarchy.store().put(
        "bad/zarr.json",
        vec!["{".into()],
        zarr::store::Precondition::None,
    );
    blocking::runtime().block_on(put).unwrap();
    let error = hierarchy.array("bad").unwrap_err();
    assert_eq!(
        (error.kind(), error.node().unwrap().as_str()),
        (ErrorKind::Invalid, "bad")
    );
    assert_eq!(error.key(), Some("bad/zarr.json"));
    let read_only = Hierarchy::new(hierarchy.store().clone().read_only(), zarr::registry());
    let error = read_only
        .array("g/a")
        .unwrap()
        .write((0, 0), 1)
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.key()),
        (ErrorKind::ReadOnly, Some("g/a/c/0/0"))
    );
    assert_eq!(open("nonsense://x").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(array.as_async().plan_write(s![0, 0]).unwrap().requests(), 2);
}

/// Every future of the async API is `Send`.
#[test]
fn futures_are_send() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    blocking::runtime().block_on(async {
        let hierarchy = zarr::open("memory:").unwrap();
        let mut array = sent(hierarchy.create_array("a", metadata(&[4], &[2])))
            .await
            .unwrap();
        sent(array.write(.., Array1::from(vec![1, 2, 3, 4])))
            .await
            .unwrap();
        sent(array.write(.., &[1, 2, 3, 4])).await.unwrap();
        sent(array.write(.., &Array1::from(vec![1, 2, 3, 4])))
            .await
            .unwrap();
        sent(array.read::<i32>((1..3,))).await.unwrap();
        sent(array.append(0, &[5, 6])).await.unwrap();
        sent(array.resize(&[4])).await.unwrap();
        let other = sent(hierarchy.open_or_create_array("b", metadata(&[4], &[4])))
            .await
            .unwrap();
        sent(array.copy_to(&other)).await.unwrap();
        let chunks = sent(array.read_chunks::<i32>(..).unwrap());
        let same = hierarchy
            .create_array("c", metadata(&[4], &[2]))
            .await
            .unwrap();
        sent(same.write_chunks(chunks)).await.unwrap();
        sent(array.copy_to(&same)).await.unwrap();
        sent(array.chunk([0]).unwrap().erase()).await.unwrap();
        sent(array.view(1..).unwrap().write(0, 9)).await.unwrap();
        sent(hierarchy.copy("a", &hierarchy, "d")).await.unwrap();
        sent(hierarchy.rename("d", "e")).await.unwrap();
        assert_eq!(other.read::<i32>(..).await.unwrap().sum(), 10);
        assert_eq!(same.read::<i32>(..).await.unwrap().sum(), 10);
    });
}

/// Every failure of a node names the node, and no message appears twice in a chain of causes.
#[test]
fn errors_name_their_node_once() {
    let store = zarr::Store::memory();
    let hierarchy = Hierarchy::new(store.clone(), zarr::registry());
    let array = hierarchy.create_array("g/a", metadata(&[4], &[2]));
    array.unwrap().write(.., 1).unwrap();
    hierarchy.create_group("h", Attributes::new()).unwrap();
    put(&hierarchy, "g/bad/zarr.json", "{");
    let read_only = Hierarchy::new(store.read_only(), zarr::registry());
    let array = || hierarchy.array("g/a").unwrap();
    let locked = || read_only.array("g/a").unwrap();
    let unknown = ArrayBuilder::new(&[4], "no-such").with_fill_json("0");
    let unknown = unknown.unwrap().build().unwrap();
    let mut out = Array1::<i32>::zeros(9);
    let runtime = blocking::runtime();
    let errors = [
        ("g/a", array().resize(&[4, 4]).unwrap_err()),
        ("g/a", locked().resize(&[8]).unwrap_err()),
        ("g/a", locked().resize(&[2]).unwrap_err()),
        (
            "g/a",
            locked().set_attributes(Attributes::new()).unwrap_err(),
        ),
        ("g/a", locked().append(0, &[1]).unwrap_err()),
        ("g/a", read_only.delete("g/a").unwrap_err()),
        (
            "new",
            read_only
                .create_group("new", Attributes::new())
                .unwrap_err(),
        ),
        (
            "new",
            read_only
                .create_array("new", metadata(&[4], &[2]))
                .unwrap_err(),
        ),
        (
            "g/a",
            read_only
                .replace("g/a", metadata(&[4], &[2]).into())
                .unwrap_err(),
        ),
        ("g/b", read_only.rename("g/a", "g/b").unwrap_err()),
        (
            "h",
            read_only.group("h").unwrap().consolidate().unwrap_err(),
        ),
        (
            "g",
            read_only
                .group("g")
                .unwrap()
                .set_attributes(Attributes::new())
                .unwrap_err(),
        ),
        ("new", hierarchy.create_array("new", unknown).unwrap_err()),
        (
            "g/bad",
            hierarchy.copy("g/bad", &hierarchy, "g/c").unwrap_err(),
        ),
        ("g/bad", hierarchy.exists("g/bad").unwrap_err()),
        (
            "g/bad",
            hierarchy.group("g").unwrap().members().unwrap_err(),
        ),
        ("g/bad", hierarchy.group("g").unwrap().walk().unwrap_err()),
        (
            "g/bad",
            hierarchy.group("g").unwrap().consolidate().unwrap_err(),
        ),
        (
            "g/a",
            runtime
                .block_on(array().as_async().read_into(2..11, out.view_mut()))
                .unwrap_err(),
        ),
    ];
    for (node, error) in errors {
        assert_eq!(
            error.node().map(|path| path.as_str()),
            Some(node),
            "{error}"
        );
        let mut causes = vec![error.to_string()];
        let mut cause: &dyn std::error::Error = &error;
        while let Some(next) = cause.source() {
            assert!(
                !causes.iter().any(|text| text.contains(&next.to_string())),
                "{next}: {causes:?}"
            );
            causes.push(next.to_string());
            cause = next;
        }
    }
    assert!(open("").unwrap_err().to_string().contains("no path"));
}

/// Slips of a new user, and the messages that correct them.
#[test]
fn messages_correct_common_mistakes() {
    let hierarchy = open("memory:").unwrap();
    let mut array = hierarchy
        .create_array("a", metadata(&[6, 8], &[2, 2]))
        .unwrap();
    let append = |array: &mut blocking::Array, axis: usize, shape: &[usize]| {
        let data = ndarray::ArrayD::<i32>::zeros(shape);
        array.append(axis, data).unwrap_err().to_string()
    };
    let fill = |data_type: &str| ArrayBuilder::new(&[4], data_type).with_fill_value(1_u8);
    let messages = [
        (
            append(&mut array, 0, &[2, 3]),
            "a: data of shape [2, 3] does not fit shape [2, 8]",
        ),
        (
            append(&mut array, 1, &[5]),
            "a: data of shape [5, 1] does not fit shape [6, 1]",
        ),
        (
            append(&mut array, 0, &[]),
            "a: data of shape [] does not fit shape [1, 8]",
        ),
        (
            array
                .write(.., Array2::<i32>::zeros((3, 3)))
                .unwrap_err()
                .to_string(),
            "a: data of shape [3, 3] does not fit shape [6, 8]",
        ),
        (
            array.read::<i32>((0, 0, 0)).unwrap_err().to_string(),
            "a: selection: 3-dimensional, but the array is 2-dimensional ([6, 8])",
        ),
        (
            fill("string").unwrap_err().to_string(),
            "fill_value: an array of string cannot be read or written as u8",
        ),
    ];
    for (found, expected) in messages {
        assert_eq!(found.trim_start_matches('/'), expected);
    }
    let unknown = fill("unit8").unwrap_err().to_string();
    assert!(unknown.contains("did you mean uint8?"), "{unknown}");
    // A registered data type has elements of a Rust type, too.
    let registered = fill("uint4").unwrap().build().unwrap();
    assert_eq!(
        registered
            .members()
            .get("fill_value")
            .map(|value| value.get()),
        Some("1")
    );
    assert_eq!(array.shape(), [6, 8]);
}
