//! Where in an object a job works, for messages: made of what jobs share, and spelled out only where an error is wrapped.

use std::sync::Arc;

use crate::codec::CodecChain;
use crate::error::Error;
use crate::size::cell_at;

/// A chunk: an object, or an inner chunk of a shard.
#[derive(Clone, Debug)]
pub(crate) struct ChunkLocation {
    key: Arc<str>,
    inner: Option<InnerLocation>,
}

/// The inner chunk at a position, in C order, of a shard.
#[derive(Clone, Debug)]
struct InnerLocation {
    shard: Arc<ShardLocation>,
    position: u64,
}

/// A shard, shared by its inner chunks.
#[derive(Debug)]
pub(crate) struct ShardLocation {
    key: Arc<str>,
    chain: Arc<CodecChain>,
    outer: Option<InnerLocation>,
}

impl ChunkLocation {
    pub(crate) fn new(key: Arc<str>) -> Self {
        Self { key, inner: None }
    }

    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Whether the chunk is an object of its own.
    pub(crate) fn is_object(&self) -> bool {
        self.inner.is_none()
    }

    /// The shard at this location, whose codecs are these.
    pub(crate) fn shard(&self, chain: &Arc<CodecChain>) -> Arc<ShardLocation> {
        Arc::new(ShardLocation {
            key: self.key.clone(),
            chain: chain.clone(),
            outer: self.inner.clone(),
        })
    }

    /// The error with this location.
    pub(crate) fn wrap(&self, mut error: Error) -> Error {
        let mut next = self.inner.as_ref();
        while let Some(InnerLocation { shard, position }) = next {
            error = error.chunk("inner chunk", &shard.cell(*position));
            next = shard.outer.as_ref();
        }
        error.key(&self.key)
    }
}

impl ShardLocation {
    /// The inner chunk at a position in C order.
    pub(crate) fn inner(self: &Arc<Self>, position: u64) -> ChunkLocation {
        let inner = InnerLocation {
            shard: self.clone(),
            position,
        };
        ChunkLocation {
            key: self.key.clone(),
            inner: Some(inner),
        }
    }

    fn cell(&self, position: u64) -> Vec<u64> {
        let counts = self.chain.sharding().map(|it| it.chunks_per_shard());
        cell_at(position, counts.unwrap_or_default())
    }
}
