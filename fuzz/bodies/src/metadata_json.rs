//! Fuzzes metadata documents: array, group, consolidated and Zarr v2, selected by the first byte.
//!
//! A parsed document must be written and parsed again to the same text. If an array binds, its fill
//! value must survive JSON.

use std::sync::LazyLock;

use zarr_core::metadata::{
    ArrayMetadata, Attributes, ConsolidatedMetadata, GroupMetadata, NodeMetadata, v2,
};
use zarr_core::{ArrayLayout, Error, Members, Registry, Strictness};

use crate::source::Source;

pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(zarr_codecs::registry);

const TOLERANT: Strictness = Strictness::Tolerant;

pub(crate) fn run(data: &[u8]) -> usize {
    LazyLock::force(&REGISTRY);
    let mut source = Source(data);
    let kind = source.u8();
    let text = source.0;
    let (first, second) = match text.iter().position(|&byte| byte == 0) {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    };
    match kind % 4 {
        0 => check(NodeMetadata::parse_with(text, TOLERANT), visit_node),
        1 => check(
            v2_documents(first, second)
                .and_then(|(zarray, attributes)| v2::array_from_v2(zarray, &attributes)),
            visit_array,
        ),
        2 => {
            check(
                v2_documents(first, second)
                    .and_then(|(zgroup, attributes)| v2::group_from_v2(zgroup, attributes)),
                visit_group,
            );
            check(ConsolidatedMetadata::parse_zarr_2(text, TOLERANT), |it| {
                visit_copies(&it);
            });
        }
        _ => check(ArrayMetadata::parse(text), visit_array),
    }
    // Documents are kept as text and parsed several times, and a number of two bytes may become
    // eight.
    256 * data.len()
}

fn v2_documents(node: &[u8], zattrs: Option<&[u8]>) -> Result<(Members, Attributes), Error> {
    let attributes = zattrs.map(|text| Attributes::parse_with(text, TOLERANT));
    let attributes = attributes.transpose()?.unwrap_or_default();
    Ok((Members::parse_with(node, TOLERANT)?, attributes))
}

fn check<T>(result: Result<T, Error>, visit: fn(T)) {
    match result {
        Ok(value) => visit(value),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn visit_node(node: NodeMetadata) {
    match node {
        NodeMetadata::Array(array) => visit_array(array),
        NodeMetadata::Group(group) => visit_group(group),
    }
}

fn visit_group(group: GroupMetadata) {
    let text = group.to_text().expect("a document has a text");
    let again = GroupMetadata::parse_with(text.as_bytes(), TOLERANT);
    let again = again.expect("its text is a document");
    assert_eq!(again.to_text().as_ref(), Ok(&text));
    if let Some(consolidated) = group.consolidated() {
        visit_copies(consolidated);
    }
}

fn visit_copies(consolidated: &ConsolidatedMetadata) {
    for path in consolidated.paths() {
        match consolidated.get(path) {
            Ok(Some(NodeMetadata::Array(array))) => visit_array(array),
            Ok(Some(NodeMetadata::Group(_)) | None) | Err(_) => {}
        }
    }
}

fn visit_array(array: ArrayMetadata) {
    let text = array.to_text().expect("a document has a text");
    let again = ArrayMetadata::parse_with(text.as_bytes(), TOLERANT);
    let again = again.expect("its text is a document");
    assert_eq!(again.to_text().as_ref(), Ok(&text));
    match ArrayLayout::bind(&array, &REGISTRY) {
        Ok(layout) => visit_layout(&layout),
        Err(error) => assert!(error.to_string().contains(": "), "{error} has no place"),
    }
}

pub(crate) fn visit_layout(layout: &ArrayLayout) {
    let (data_type, fill) = (layout.data_type(), layout.fill_value());
    let json = data_type.fill_value_to_json(fill);
    let json = serde_json::from_str(&json).expect("fill values are written as JSON");
    let again = data_type
        .parse_fill_value(json)
        .expect("a fill value is read as it is written");
    assert_eq!(&again, fill, "{json}");
    assert_eq!(layout.grid().dimensions().len(), layout.shape().len());
    assert!(format!("{layout:?}").contains("codecs"));
}
