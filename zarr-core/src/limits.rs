//! Limits on the sizes and depths that documents may request.

/// Limits on what metadata can make this process do. The defaults suit all data that is not an
/// attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum size of a chunk or inner chunk that is decoded whole, in bytes.
    pub max_chunk_size: u64,
    /// The maximum size of a shard index, in bytes.
    pub max_index_size: u64,
    /// The maximum size of a metadata document, in bytes; the documents of groups may hold copies
    /// of many others.
    pub max_document_size: u64,
    /// The maximum number of dimensions.
    pub max_rank: usize,
    /// The maximum number of distinct chunk shapes in one array.
    pub max_chunk_shapes: usize,
    /// The maximum number of codecs in a chain.
    pub max_codecs: usize,
    /// The maximum nesting depth of shards, and of codecs inside other codecs.
    pub max_shard_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_chunk_size: 2 << 30,
            max_index_size: 256 << 20,
            max_document_size: 2 << 30,
            max_rank: 64,
            max_chunk_shapes: 4096,
            max_codecs: 64,
            max_shard_depth: 8,
        }
    }
}
