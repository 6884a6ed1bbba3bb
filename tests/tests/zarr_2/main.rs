//! Zarr v2 nodes with full support: consolidated metadata, document changes, new nodes, requests.

#![expect(clippy::unwrap_used, reason = "tests")]

mod consolidated;
mod nodes;

use ndarray::{arr0, s};
use serde_json::{Value, json};
use zarr::{
    ArrayBuilder, Attributes, Difference, Error, Extension, Hierarchy, NodeKind, NodePath, codecs,
};
use zarr_store::{ByteRange, Precondition};

const GROUP: &str = r#"{"zarr_format": 2}"#;

fn zarray(shape: &[u64], more: &Value) -> String {
    let mut document = json!({
        "zarr_format": 2, "shape": shape, "chunks": vec![2; shape.len()], "dtype": "<i4", "compressor": null,
        "fill_value": null, "order": "C", "filters": null, "of_others": {"kept": 1.50},
    });
    let members = document.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    document.to_string()
}

async fn put(hierarchy: &Hierarchy, key: &str, text: impl Into<String>) {
    let pieces = vec![text.into().into()];
    hierarchy
        .store()
        .put(key, pieces, Precondition::None)
        .await
        .unwrap();
}

async fn json_of(hierarchy: &Hierarchy, key: &str) -> Option<Value> {
    let range = ByteRange::Range(0..1 << 20);
    let body = hierarchy.store().get(key, &range, None).await.unwrap()?;
    Some(serde_json::from_slice(&body.bytes).unwrap())
}

async fn keys(hierarchy: &Hierarchy) -> Vec<String> {
    use futures::TryStreamExt;
    let entries: Vec<_> = hierarchy.store().list("").try_collect().await.unwrap();
    let mut keys = entries
        .into_iter()
        .map(|entry| entry.key)
        .collect::<Vec<_>>();
    keys.sort();
    keys
}

/// Creates a group with an array `a` and a group `g` with an array `b`, and consolidated metadata
/// of all nodes.
async fn consolidated() -> Hierarchy {
    let hierarchy = zarr::open("memory:").unwrap();
    put(&hierarchy, ".zgroup", GROUP).await;
    put(&hierarchy, ".zattrs", r#"{"title": "x"}"#).await;
    put(&hierarchy, "g/.zgroup", GROUP).await;
    let plain = zarray(&[4], &json!({}));
    for path in ["a", "g/b"] {
        put(&hierarchy, &format!("{path}/.zarray"), &plain).await;
    }
    put(&hierarchy, "a/.zattrs", r#"{"units": "K"}"#).await;
    let array: Value = serde_json::from_str(&plain).unwrap();
    let group: Value = serde_json::from_str(GROUP).unwrap();
    let metadata = json!({
        ".zgroup": group, ".zattrs": {"title": "x"}, "a/.zarray": array, "a/.zattrs": {"units": "K"},
        "g/.zgroup": group, "g/b/.zarray": array, "other": {"kept": true},
    });
    let document = json!({"metadata": metadata, "zarr_consolidated_format": 1, "writer": "w"});
    put(&hierarchy, ".zmetadata", document.to_string()).await;
    hierarchy
}
