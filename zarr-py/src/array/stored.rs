//! The stored form of shards: their indexes, and compactions.

use futures::{StreamExt, TryStreamExt, stream};
use pyo3::prelude::*;
use zarr::{CompactOptions, InnerOrder};

use super::NativeArray;
use crate::error::Result;
use crate::runtime;
use crate::store::ObjectVersion;

/// The size and version of a shard, the start and end of its index, and the offset and size of each
/// inner chunk in C order. Both numbers are 2^64 - 1 for a missing inner chunk.
type Stored = (u64, ObjectVersion, (u64, u64), Vec<(u64, u64)>);

#[pymethods]
impl NativeArray {
    /// The shard indexes at these indices; `None` for each missing shard.
    #[pyo3(signature = (cells, *, awaitable = false))]
    fn _shard_indexes<'py>(
        &self,
        py: Python<'py>,
        cells: Vec<Vec<u64>>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let open = self.handle.get()?;
        let read = async move {
            let array = open.array.as_async();
            let in_flight = array.hierarchy().store().cost_model().max_in_flight.max(1);
            stream::iter(cells)
                .map(|cell| shard_index(array, cell))
                .buffered(in_flight)
                .try_collect::<Vec<_>>()
                .await
        };
        if awaitable {
            runtime::awaitable(py, read)
        } else {
            runtime::wait(py, read)?.into_pyobject(py)
        }
    }

    /// Compacts shards: returns the number of rewritten shards and of freed bytes. `morton` is the
    /// requested order of inner chunks, if any.
    #[pyo3(signature = (percent, morton, *, awaitable = false))]
    fn _compact<'py>(
        &self,
        py: Python<'py>,
        percent: u8,
        morton: Option<bool>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.handle.check_writable()?;
        let open = self.handle.get()?;
        let order = morton.map(|morton| match morton {
            true => InnerOrder::Morton,
            false => InnerOrder::C,
        });
        let compact = async move {
            let options = CompactOptions { percent, order };
            let done = open.array.as_async().compact(options).await?;
            Ok((done.shards, done.freed))
        };
        if awaitable {
            runtime::awaitable(py, compact)
        } else {
            Ok(runtime::wait(py, compact)?.into_pyobject(py)?.into_any())
        }
    }
}

async fn shard_index(array: &zarr::Array, cell: Vec<u64>) -> Result<Option<Stored>> {
    let layout = array.layout();
    let key = layout.key(&array.path().prefix(), &cell);
    let Some(sharding) = layout.codecs_of(&cell).sharding() else {
        return Ok(None);
    };
    let range = zarr::stored_range(&sharding.index_range());
    let Some(body) = array.hierarchy().store().get(&key, &range, None).await? else {
        return Ok(None);
    };
    let index = sharding.decode_index(&body.bytes);
    let index = index.map_err(|error| error.key(&key))?;
    let entries = index.entries().iter().map(|&[offset, size]| (offset, size));
    Ok(Some((
        body.object_size,
        ObjectVersion::new(body.version),
        (body.range.start, body.range.end),
        entries.collect(),
    )))
}
