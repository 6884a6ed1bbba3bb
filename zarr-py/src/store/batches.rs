//! Many results, delivered in batches as they arrive: the source of the iterators of
//! `zarr_py.Store` and `zarr_py.objects`.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use pyo3::prelude::*;
use tokio::sync::Mutex;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::AbortHandle;

use super::coalesce::Answers;
use crate::error::{Error, Result};
use crate::runtime::{awaitable, runtime, unpanicked, wait};

/// Number of batches that may wait for the consumer.
const AHEAD: usize = 4;

/// The items of one batch.
#[derive(IntoPyObject)]
pub(crate) enum Batch {
    Keys(Vec<String>),
    Entries(Vec<(String, u64)>),
    Ranges(Answers),
    /// The number of objects copied so far, and their total.
    Copied((u64, u64)),
}

/// A stream of batches, filled by a task. Dropping or closing it aborts the task.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Batches {
    receiver: Arc<Mutex<Receiver<Result<Batch>>>>,
    task: Option<AbortHandle>,
    process: u32,
}

impl Batches {
    /// Starts a task that consumes a stream.
    pub(crate) fn start(mut stream: BoxStream<'static, Result<Batch>>) -> Self {
        let (sender, receiver) = channel(AHEAD);
        let task = runtime().spawn(async move {
            let filler = sender.clone();
            let fill = unpanicked(async move {
                while let Some(batch) = stream.next().await {
                    if filler.send(batch).await.is_err() {
                        break;
                    }
                }
                Ok(())
            });
            if let Err(panic) = fill.await {
                // The receiver may be gone.
                let _ = sender.send(Err(panic)).await;
            }
        });
        Self::new(receiver, Some(task.abort_handle()))
    }

    /// Wraps complete results.
    pub(super) fn ready(batches: Vec<Batch>) -> Self {
        let (sender, receiver) = channel(batches.len().max(1));
        for batch in batches {
            let sent = sender.try_send(Ok(batch));
            debug_assert!(sent.is_ok(), "there is room for all");
        }
        Self::new(receiver, None)
    }

    fn check_process(&self) -> Result<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        let reason = "an iterator of the parent process cannot continue in a forked child";
        Err(Error::Named("InvalidError", reason.to_owned()))
    }

    fn new(receiver: Receiver<Result<Batch>>, task: Option<AbortHandle>) -> Self {
        Self {
            receiver: Arc::new(Mutex::new(receiver)),
            task,
            process: std::process::id(),
        }
    }
}

#[pymethods]
impl Batches {
    /// Returns the next batch, or an awaitable of it; `None` at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.check_process()?;
        if let Ok(mut receiver) = self.receiver.try_lock() {
            match receiver.try_recv() {
                Ok(batch) => return Ok(Some(batch?.into_pyobject(py)?)),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => {}
            }
        }
        let receiver = self.receiver.clone();
        awaitable(
            py,
            async move { receiver.lock().await.recv().await.transpose() },
        )
        .map(Some)
    }

    /// Waits for the next batch without the GIL; `None` at the end.
    fn next_sync(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        self.check_process()?;
        let receiver = self.receiver.clone();
        wait(
            py,
            async move { receiver.lock().await.recv().await.transpose() },
        )
    }

    /// Cancels the requests in flight.
    fn close(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            self.close();
        }
    }
}
