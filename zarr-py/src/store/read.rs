//! Reads.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use pyo3::prelude::*;
use tokio::sync::mpsc::channel;
use zarr_store::{Body, ByteRange, LocalFile, LocalStore, Store};

use super::batches::{Batch, Batches};
use super::coalesce::{Answers, Limits, Request, coalesce};
use super::{NativeStore, byte_range};
use crate::buffer::Buffer;
use crate::error::{Error, Result, not_found};
use crate::runtime::{awaitable, runtime};

/// Reads of at most this many bytes of available data keep the GIL: they take a fraction of the
/// interval at which Python switches threads.
const INLINE: u64 = 1 << 20;

fn buffer(body: Option<Body>) -> Option<Buffer> {
    body.map(|body| Buffer::new(body.bytes))
}

#[pymethods]
impl NativeStore {
    /// Reads a range of an object, or returns an awaitable of it; `None` if the object does not
    /// exist.
    #[pyo3(signature = (key, byte_range = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        byte_range: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let range = byte_range::parse(byte_range)?;
        let store = self.store()?;
        if let Some(answer) = store.get_now(key, &range, INLINE) {
            let answer = buffer(answer.map_err(Error::from)?);
            return Ok(answer.into_pyobject(py)?.into_any());
        }
        let key = key.to_owned();
        awaitable(py, async move {
            Ok(buffer(store.get(&key, &range, None).await?))
        })
    }

    /// Reads a range of an object, blocking; `None` if the object does not exist.
    #[pyo3(signature = (key, byte_range = None))]
    fn get_sync(
        &self,
        py: Python<'_>,
        key: &str,
        byte_range: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Buffer>> {
        let range = byte_range::parse(byte_range)?;
        let store = self.store()?;
        let key = key.to_owned();
        self.wait(py, async move {
            Ok(buffer(store.get(&key, &range, None).await?))
        })
    }

    /// Reads ranges of many objects in the order given, or returns an awaitable of them.
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        key_ranges: Vec<(String, Option<Bound<'py, PyAny>>)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wanted: Vec<(String, ByteRange)> = key_ranges
            .into_iter()
            .map(|(key, range)| Ok((key, byte_range::parse(range.as_ref())?)))
            .collect::<PyResult<_>>()?;
        let store = self.store()?;
        let mut left = INLINE;
        let mut found = Vec::with_capacity(wanted.len());
        while let Some((key, range)) = wanted.get(found.len()) {
            let Some(answer) = store.get_now(key, range, left) else {
                break;
            };
            let answer = buffer(answer.map_err(Error::from)?);
            left = left.saturating_sub(answer.as_ref().map_or(0, Buffer::len));
            found.push(answer);
        }
        if found.len() == wanted.len() {
            return found.into_pyobject(py);
        }
        awaitable(py, async move {
            let max_in_flight = store.cost_model().max_in_flight.max(1);
            let rest: Vec<_> = wanted.into_iter().skip(found.len()).collect();
            let rest: Vec<Option<Buffer>> = stream::iter(rest)
                .map(|(key, range)| {
                    let store = store.clone();
                    async move { store.get(&key, &range, None).await }
                })
                .buffered(max_in_flight)
                .map_ok(buffer)
                .try_collect()
                .await?;
            found.extend(rest);
            Ok(found)
        })
    }

    /// Reads ranges of one object, one batch per request, as they arrive.
    fn get_ranges(
        &self,
        key: String,
        byte_ranges: &Bound<'_, PyAny>,
        max_concurrency: usize,
        max_gap_bytes: u64,
        max_coalesced_bytes: u64,
    ) -> PyResult<Batches> {
        let limits = Limits {
            gap: max_gap_bytes,
            size: max_coalesced_bytes,
        };
        let requests = coalesce(parse_all(byte_ranges)?, limits);
        if requests.is_empty() {
            return Ok(Batches::ready(Vec::new()));
        }
        let store = self.store()?;
        let stream = if let Some(local) = store.as_local() {
            if let Some(found) = ranges_now(local, &key, &requests)? {
                return Ok(Batches::ready(found));
            }
            local_ranges(local.clone(), key, requests)
        } else {
            let found = ranges(store, key, requests, max_concurrency);
            found.map_ok(Batch::Ranges).boxed()
        };
        Ok(Batches::start(stream))
    }

    /// Reads ranges of one object, blocking.
    fn get_ranges_sync(
        &self,
        py: Python<'_>,
        key: String,
        byte_ranges: &Bound<'_, PyAny>,
        max_gap_bytes: u64,
        max_coalesced_bytes: u64,
    ) -> PyResult<Answers> {
        let limits = Limits {
            gap: max_gap_bytes,
            size: max_coalesced_bytes,
        };
        let requests = coalesce(parse_all(byte_ranges)?, limits);
        if requests.is_empty() {
            return Ok(Answers::new());
        }
        let store = self.store()?;
        if let Some(local) = store.as_local() {
            let read = || {
                let file = open(local, &key)?;
                let answers = requests.iter().map(|request| answer(&file, request));
                answers.collect::<Result<Vec<_>>>()
            };
            return Ok(py.detach(read)?.into_iter().flatten().collect());
        }
        let max_in_flight = store.cost_model().max_in_flight.max(1);
        let found = ranges(store, key, requests, max_in_flight);
        let found = self.wait(py, found.try_collect::<Vec<_>>())?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn parse_all(byte_ranges: &Bound<'_, PyAny>) -> PyResult<Vec<ByteRange>> {
    let ranges = byte_ranges.try_iter()?;
    ranges
        .map(|range| {
            let range = range?;
            byte_range::parse((!range.is_none()).then_some(&range))
        })
        .collect()
}

/// Reads ranges with concurrent requests.
fn ranges(
    store: Store,
    key: String,
    requests: Vec<Request>,
    max_concurrency: usize,
) -> BoxStream<'static, Result<Answers>> {
    stream::iter(requests)
        .map(move |request| {
            let (store, key) = (store.clone(), key.clone());
            async move {
                match store.get(&key, &request.range, None).await? {
                    Some(body) => Ok(request.answers(&body)),
                    None => Err(not_found(&key)),
                }
            }
        })
        .buffer_unordered(max_concurrency.max(1))
        .boxed()
}

/// Reads ranges of one open file if all of them are in the page cache.
fn ranges_now(local: &LocalStore, key: &str, requests: &[Request]) -> Result<Option<Vec<Batch>>> {
    let file = match local.open_now(key)? {
        Some(Some(file)) => file,
        _ => return Ok(None),
    };
    let mut left = INLINE;
    let mut found = Vec::new();
    for request in requests {
        let Some(bytes) = file.read_now(&request.range, left)? else {
            return Ok(None);
        };
        left = left.saturating_sub(bytes.len() as u64);
        found.push(Batch::Ranges(request.answers(&body(&file, request, bytes))));
    }
    file.check_unchanged()?;
    Ok(Some(found))
}

/// Reads ranges of one open file on a thread that may block.
fn local_ranges(
    local: LocalStore,
    key: String,
    requests: Vec<Request>,
) -> BoxStream<'static, Result<Batch>> {
    let (sender, receiver) = channel(1);
    runtime().spawn_blocking(move || {
        let read = || -> Result<()> {
            let file = open(&local, &key)?;
            for request in &requests {
                let batch = Batch::Ranges(answer(&file, request)?);
                if sender.blocking_send(Ok(batch)).is_err() {
                    break;
                }
            }
            Ok(())
        };
        if let Err(error) = read() {
            // The receiver may be gone.
            let _ = sender.blocking_send(Err(error));
        }
    });
    stream::unfold(receiver, |mut receiver| async move {
        let next = receiver.recv().await?;
        Some((next, receiver))
    })
    .boxed()
}

fn open(local: &LocalStore, key: &str) -> Result<LocalFile> {
    local.open(key)?.ok_or_else(|| not_found(key))
}

fn answer(file: &LocalFile, request: &Request) -> Result<Answers> {
    let bytes = file.read(&request.range)?;
    file.check_unchanged()?;
    Ok(request.answers(&body(file, request, bytes)))
}

fn body(file: &LocalFile, request: &Request, bytes: bytes::Bytes) -> Body {
    Body {
        bytes,
        range: request.range.resolve(file.size()),
        object_size: file.size(),
        version: file.version(),
    }
}
