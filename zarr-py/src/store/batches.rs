//! Many answers, handed over batch by batch as they come: what the iterators of `zarr_py.Store` and `zarr_py.objects` take from.

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

/// Batches that wait to be taken.
const AHEAD: usize = 4;

/// What comes at once.
#[derive(IntoPyObject)]
pub(super) enum Batch {
    Keys(Vec<String>),
    Entries(Vec<(String, u64)>),
    Ranges(Answers),
}

/// A stream of batches, which a task fills. Dropping or closing it ends the task.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Batches {
    receiver: Arc<Mutex<Receiver<Result<Batch>>>>,
    task: Option<AbortHandle>,
    process: u32,
}

impl Batches {
    /// Starts to take from a stream.
    pub(super) fn start(mut stream: BoxStream<'static, Result<Batch>>) -> Self {
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
                // Nobody may be there to hear of it.
                let _ = sender.send(Err(panic)).await;
            }
        });
        Self::new(receiver, Some(task.abort_handle()))
    }

    /// What is all there.
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
        let reason = "an iterator of the parent process does not go on in a forked child";
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
    /// The next batch, or an awaitable of it; `None` at the end.
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

    /// The next batch, waited for without the interpreter; `None` at the end.
    fn next_sync(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        self.check_process()?;
        let receiver = self.receiver.clone();
        wait(
            py,
            async move { receiver.lock().await.recv().await.transpose() },
        )
    }

    /// Ends the requests that are under way.
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
