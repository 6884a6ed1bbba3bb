//! Fuzzes names and keys: a written node path must parse to the same path, and a store must see the
//! keys of nodes and chunks unchanged.

use object_store::path::Path;
use zarr_core::{ChunkKeyEncoding, Extension, NodePath, is_node_name};

use crate::source::Source;

pub(crate) fn run(data: &[u8]) -> usize {
    let mut source = Source(data);
    let options = source.u8();
    let rank = source.below(7);
    let cell = (0..rank).map(|_| source.length()).collect::<Vec<_>>();
    let text = String::from_utf8_lossy(source.0);
    if let Ok(path) = NodePath::parse(&text) {
        visit(&path, &cell, options);
    }
    let names = text.split('/').filter(|name| is_node_name(name));
    let built = names.fold(NodePath::root(), |path, name| {
        let child = path.child(name).expect("a node name");
        assert_eq!(child.parent().as_ref(), Some(&path));
        assert_eq!(child.name(), name);
        child
    });
    visit(&built, &cell, options);
    64 * data.len()
}

fn visit(path: &NodePath, cell: &[u64], options: u8) {
    assert_eq!(NodePath::parse(path.as_str()).as_ref(), Ok(path));
    assert_eq!(NodePath::parse(&path.to_string()).as_ref(), Ok(path));
    assert!(path.is_root() || path.as_str().split('/').all(is_node_name));
    let key = path.metadata_key();
    assert_eq!(key, format!("{}zarr.json", path.prefix()));
    assert!(
        !key.split('/')
            .any(|part| part.is_empty() || part == "." || part == "..")
    );
    check_key(&key);
    let separator = if options & 1 == 0 { "/" } else { "." };
    let encoding = Extension::new("any").with("separator", separator);
    let bind = if options & 2 == 0 {
        ChunkKeyEncoding::bind_default
    } else {
        ChunkKeyEncoding::bind_v2
    };
    let mut key = String::new();
    bind(&encoding).expect("binds").push_key(cell, &mut key);
    let numbers = key
        .trim_start_matches('c')
        .split(['/', '.'])
        .filter(|number| !number.is_empty())
        .map(|number| number.parse::<u64>().expect("keys spell numbers"))
        .collect::<Vec<_>>();
    // In one of the encodings, the only chunk of an array without dimensions has the key "0".
    assert!(numbers == cell || (cell.is_empty() && numbers == [0]));
    check_key(&format!("{}{key}", path.prefix()));
}

/// Checks that `object_store` either refuses a key, as for names with control characters, or keeps
/// the key unchanged.
fn check_key(key: &str) {
    if let Ok(path) = Path::parse(key) {
        assert_eq!(path.as_ref(), key);
    }
}
