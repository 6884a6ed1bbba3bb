//! The location of a job in its object, for messages: made of parts that jobs share, and spelled
//! out only when an error is wrapped.

use std::sync::Arc;

use crate::error::Error;
use crate::size::cell_at;

/// The location of a chunk: an object, or an inner chunk of a shard.
#[derive(Clone, Debug)]
pub(crate) enum ChunkLocation {
    /// The object with this key. The key is empty for a shard inside other codecs: the chunk around
    /// the shard has it.
    Object(Arc<str>),
    Inner(InnerLocation),
}

/// The location of an inner chunk: its position, in C order, in a shard.
#[derive(Clone, Debug)]
pub(crate) struct InnerLocation {
    shard: Arc<ShardLocation>,
    position: u64,
}

/// The location of a shard, shared by its inner chunks.
#[derive(Clone, Debug)]
pub(crate) struct ShardLocation {
    key: Arc<str>,
    /// The number of inner chunks along each dimension.
    counts: Arc<[u64]>,
    outer: Option<InnerLocation>,
}

impl ChunkLocation {
    pub(crate) fn new(key: Arc<str>) -> Self {
        Self::Object(key)
    }

    pub(crate) fn key(&self) -> &Arc<str> {
        match self {
            Self::Object(key) => key,
            Self::Inner(inner) => &inner.shard.key,
        }
    }

    /// Whether the chunk is an object of its own.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    fn inner(&self) -> Option<&InnerLocation> {
        match self {
            Self::Object(_) => None,
            Self::Inner(inner) => Some(inner),
        }
    }

    /// Returns the location of the shard here, with `counts` inner chunks along each dimension.
    pub(crate) fn shard(&self, counts: &Arc<[u64]>) -> Arc<ShardLocation> {
        Arc::new(ShardLocation {
            key: self.key().clone(),
            counts: counts.clone(),
            outer: self.inner().cloned(),
        })
    }

    /// Adds this location to an error.
    pub(crate) fn wrap(&self, mut error: Error) -> Error {
        let mut next = self.inner();
        while let Some(InnerLocation { shard, position }) = next {
            error = error.chunk("inner chunk", &cell_at(*position, &shard.counts));
            next = shard.outer.as_ref();
        }
        match &**self.key() {
            "" => error,
            key => error.key(key),
        }
    }
}

impl ShardLocation {
    /// Returns the location of the inner chunk at a position in C order.
    pub(crate) fn inner(self: &Arc<Self>, position: u64) -> ChunkLocation {
        ChunkLocation::Inner(InnerLocation {
            shard: self.clone(),
            position,
        })
    }
}
