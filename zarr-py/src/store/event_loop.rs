//! Runs calls on a Python event loop: one turn of the loop starts all queued calls, and no thread
//! waits for any of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::oneshot;

use crate::runtime::attached;

/// An event loop, and the calls that it has not started yet.
#[derive(Clone)]
pub(super) struct EventLoop {
    /// A `zarr_py._foreign.Calls`.
    calls: Arc<Py<PyAny>>,
    queue: Queue,
}

type Queue = Arc<Mutex<Vec<Job>>>;

/// Starts a call on the event loop.
type Job = Box<dyn FnOnce(&Bound<'_, PyAny>) + Send>;

impl EventLoop {
    pub(super) fn new(calls: Arc<Py<PyAny>>) -> Self {
        Self {
            calls,
            queue: Queue::default(),
        }
    }

    /// Calls a method and converts its result; `None` if the event loop has stopped.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        method: &'static str,
        arguments: impl FnOnce(Python<'_>) -> PyResult<Py<PyTuple>> + Send + 'static,
        answer: impl FnOnce(PyResult<Bound<'_, PyAny>>, Python<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let finish = move |found: PyResult<Bound<'_, PyAny>>, py: Python<'_>| {
            // The caller may have been cancelled.
            let _ = sender.send(answer(found, py));
        };
        self.hand_over(Box::new(move |calls| {
            let arguments = match arguments(calls.py()) {
                Ok(arguments) => arguments,
                Err(error) => return finish(Err(error), calls.py()),
            };
            let done = Done::new(|task| finish(task.call_method0("result"), task.py()));
            // A cancelled caller has dropped the sender, so the call is not started.
            let _ = calls.call_method1("start", (method, arguments, done));
        }));
        receiver.await.ok()
    }

    fn hand_over(&self, job: Job) {
        let is_first = {
            let mut queue = lock(&self.queue);
            queue.push(job);
            queue.len() == 1
        };
        if !is_first {
            return;
        }
        let jobs = Jobs(self.clone());
        let woken = attached(|py| self.calls.call_method1(py, "wake", (jobs,)).is_ok());
        if woken != Some(true) {
            // The event loop is closed, or the interpreter is exiting.
            lock(&self.queue).clear();
        }
    }
}

/// The callback with which the event loop starts the queued calls.
#[pyclass(frozen)]
struct Jobs(EventLoop);

#[pymethods]
impl Jobs {
    fn __call__(&self, py: Python<'_>) {
        let jobs = std::mem::take(&mut *lock(&self.0.queue));
        for job in jobs {
            job(self.0.calls.bind(py));
        }
    }
}

/// The callback for a finished task.
#[pyclass(frozen)]
struct Done(Mutex<Option<Finish>>);

type Finish = Box<dyn FnOnce(&Bound<'_, PyAny>) + Send>;

impl Done {
    fn new(finish: impl FnOnce(&Bound<'_, PyAny>) + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(finish))))
    }
}

#[pymethods]
impl Done {
    fn __call__(&self, task: &Bound<'_, PyAny>) {
        let finish = lock(&self.0).take();
        if let Some(finish) = finish {
            finish(task);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
