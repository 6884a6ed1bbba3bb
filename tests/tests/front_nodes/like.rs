//! Nodes are created like other nodes.

use zarr::NodeMetadata;

use super::*;

fn text(hierarchy: &Hierarchy, key: &str) -> String {
    let get = hierarchy
        .store()
        .get(key, &zarr::store::ByteRange::All, None);
    let body = blocking::runtime().block_on(get).unwrap().unwrap();
    String::from_utf8(body.bytes.to_vec()).unwrap()
}

/// Metadata that both formats can express.
fn model() -> NodeMetadata {
    ArrayBuilder::new(&[5, 6], "int16")
        .with_chunk_shape(&[2, 3])
        .with_codecs([codecs::bytes(true), codecs::gzip(3)])
        .with_fill_value(7_i16)
        .unwrap()
        .with_attributes(Attributes::new().with("unit", "K").unwrap())
        .build()
        .unwrap()
        .into()
}

/// Asserts that an array has the shape, chunks, type, fill value and attributes of the model.
fn assert_like_the_model(array: &blocking::Array) {
    assert_eq!(array.shape(), [5, 6]);
    assert_eq!(array.layout().chunk_shape(), [2, 3]);
    assert_eq!(array.data_type().name(), "int16");
    assert_eq!(array.read::<i16>(..).unwrap().sum(), 7 * 30);
    let unit = array.attributes().get::<String>("unit").unwrap();
    assert_eq!(unit.as_deref(), Some("K"));
    array.write((1..4, 2..), 3_i16).unwrap();
    assert_eq!(array.read::<i16>(..).unwrap().sum(), 7 * 18 + 3 * 12);
}

#[test]
fn an_array_like_another_has_its_metadata_and_none_of_its_chunks() {
    let (here, there) = (open("memory:").unwrap(), open("memory:").unwrap());
    let array = here.replace("a", model()).unwrap().into_array().unwrap();
    array.write(.., 1_i16).unwrap();
    let metadata = array.metadata().clone();
    let made = there.create_like("x/y/b", &metadata.clone().into());
    let made = made.unwrap().into_array().unwrap();
    assert_eq!(
        made.metadata().to_text().unwrap(),
        metadata.to_text().unwrap()
    );
    assert_eq!(
        objects(&there, ""),
        [
            "x/y/b/zarr.json",
            "x/y/zarr.json",
            "x/zarr.json",
            "zarr.json"
        ]
    );
    let opened = there.array("x/y/b").unwrap();
    assert_eq!(opened.metadata().members(), made.metadata().members());
    assert_like_the_model(&opened);
}

#[test]
fn a_node_like_another_has_the_format_of_the_group_above() {
    let hierarchy = open("memory:").unwrap();
    put(&hierarchy, "old/.zgroup", r#"{"zarr_format": 2}"#);
    let old = hierarchy.create_like("old/below/b", &model());
    let old = old.unwrap().into_array().unwrap();
    assert_eq!(
        objects(&hierarchy, ""),
        [
            "old/.zgroup",
            "old/below/.zgroup",
            "old/below/b/.zarray",
            "old/below/b/.zattrs"
        ]
    );
    assert!(old.metadata().zarr_2().is_some());
    let new = hierarchy.create_like("new/c", &old.metadata().clone().into());
    let new = new.unwrap().into_array().unwrap();
    assert!(new.metadata().zarr_2().is_none());
    assert!(objects(&hierarchy, "new").contains(&"new/c/zarr.json".to_owned()));
    assert_like_the_model(&old);
    assert_like_the_model(&new);
}

#[test]
fn a_group_like_another_has_its_attributes_without_consolidated_metadata() {
    let hierarchy = open("memory:").unwrap();
    let attributes = Attributes::new().with("title", "x").unwrap();
    let mut group = hierarchy.create_group("g", attributes).unwrap();
    group.create_array("a", metadata(&[4], &[2])).unwrap();
    group.consolidate().unwrap();
    let model = group.metadata().clone().into();
    let made = hierarchy.create_like("h", &model).unwrap();
    let made = made.into_group().unwrap();
    assert!(made.metadata().consolidated().is_none() && made.children().unwrap().is_empty());
    let title = made.attributes().get::<String>("title").unwrap();
    assert_eq!(title.as_deref(), Some("x"));
}

#[test]
fn spellings_beyond_the_specification_are_kept() {
    let hierarchy = open("memory:").unwrap();
    put(
        &hierarchy,
        "a/zarr.json",
        r#"{"zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "float32",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
            "chunk_key_encoding": {"name": "default"}, "fill_value": "1.5",
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": {"missing": NaN}}"#,
    );
    let metadata = hierarchy.array("a").unwrap().metadata().clone();
    let made = hierarchy.create_like("b", &metadata.into()).unwrap();
    let made = made.into_array().unwrap();
    assert_eq!(made.read::<f32>(..).unwrap().sum(), 3.0);
    let text = text(&hierarchy, "b/zarr.json");
    assert!(text.contains("NaN") && text.contains(r#""1.5""#), "{text}");
}

#[test]
fn nodes_that_cannot_be_created_leave_nothing() {
    let hierarchy = open("memory:").unwrap();
    put(&hierarchy, "old/.zgroup", r#"{"zarr_format": 2}"#);
    hierarchy.create_array("a", metadata(&[4], &[2])).unwrap();
    let named = ArrayBuilder::new(&[4], "int8").with_dimension_names(["x"]);
    let named = named.build().unwrap().into();
    let before = objects(&hierarchy, "");
    for (path, metadata, kind) in [
        ("a", model(), ErrorKind::AlreadyExists),
        ("old", model(), ErrorKind::AlreadyExists),
        ("a/below", model(), ErrorKind::NodeType),
        ("old/deep/x", named, ErrorKind::Unsupported),
        ("b//c", model(), ErrorKind::Invalid),
    ] {
        let error = hierarchy.create_like(path, &metadata).unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {error}");
    }
    assert_eq!(objects(&hierarchy, ""), before);
}
