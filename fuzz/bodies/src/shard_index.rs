//! Fuzzes shard indexes: decodes an index, then locates each entry in a shard of any size.

use std::sync::LazyLock;

use zarr_core::codec::{ChunkSpec, CodecChain, ShardIndex};
use zarr_core::{DataType, Extension, Registry};

use crate::source::Source;

/// Chains whose shard index has 1 or 6 entries, various index codecs, and a location at either end.
static CHAINS: LazyLock<Vec<CodecChain>> = LazyLock::new(|| {
    let registry = zarr_codecs::registry();
    let bytes = |endian| Extension::new("bytes").with("endian", endian);
    let little = vec![bytes("little")];
    let checked = vec![bytes("little"), Extension::new("crc32c")];
    let summed = vec![bytes("big"), Extension::new("numcodecs.fletcher32")];
    let order = Extension::new("transpose").with("order", [2, 0, 1]);
    let transposed = vec![order, bytes("little"), Extension::new("crc32c")];
    let chain = |shape, codecs: &Vec<_>, location| bind(&registry, shape, codecs, location);
    vec![
        chain([4, 6], &little, "end"),
        chain([4, 6], &checked, "end"),
        chain([4, 6], &checked, "start"),
        chain([4, 6], &summed, "start"),
        chain([4, 6], &transposed, "end"),
        chain([2, 2], &checked, "end"),
    ]
});

fn bind(
    registry: &Registry,
    shape: [u64; 2],
    index_codecs: &[Extension],
    location: &str,
) -> CodecChain {
    let data_type = DataType::core("uint16").expect("a core data type");
    let sharding = Extension::new("sharding_indexed")
        .with("chunk_shape", [2, 2])
        .with("codecs", [Extension::new("bytes").with("endian", "little")])
        .with("index_codecs", index_codecs)
        .with("index_location", location);
    let spec = ChunkSpec {
        shape: shape.into(),
        fill_value: data_type.zero(),
        data_type,
    };
    registry.bind_codecs(&[sharding], spec).expect("binds")
}

pub(crate) fn run(data: &[u8]) -> usize {
    LazyLock::force(&CHAINS);
    let mut source = Source(data);
    let chain = &CHAINS[source.below(CHAINS.len())];
    let size = source.length();
    let sharding = chain.sharding().expect("a shard");
    let range = sharding.index_range().resolve(size);
    assert!(range.start <= range.end && range.end <= size);
    if let Ok(index) = sharding.decode_index(source.0) {
        visit(&index, size);
        let count = sharding.chunks_per_shard().iter().product::<u64>();
        assert_eq!(index.entries().len() as u64, count);
        assert!(index.nbytes() <= 16 * source.0.len());
    }
    2 * data.len()
}

fn visit(index: &ShardIndex, size: u64) {
    for (position, &entry) in index.entries().iter().enumerate() {
        match index.locate(position, size) {
            Ok(None) => assert_eq!(entry, ShardIndex::EMPTY),
            Ok(Some(range)) => assert!(range.start < range.end && range.end <= size),
            Err(error) => assert!(error.to_string().contains("shard index: entry ")),
        }
    }
    assert_eq!(index.locate(index.entries().len(), size), Ok(None));
}
