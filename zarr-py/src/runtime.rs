//! Waits on the calling thread, which stays interruptible by Ctrl-C, or through a future of an
//! event loop.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use futures::FutureExt;
use pyo3::BoundObject;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::task::AbortHandle;
pub(crate) use zarr::blocking::runtime;
use zarr::process::PerProcess;

use crate::error::{Error, Result};
use crate::events;

/// Interval at which a waiting thread checks for signals.
const SIGNALS: Duration = Duration::from_millis(50);

/// Limit on the wait at interpreter exit for threads inside the interpreter.
const LEAVING: Duration = Duration::from_secs(1);

/// Counts our threads that hold the GIL or wait for it. At exit, the interpreter would kill waiting
/// threads in the middle of their work, which aborts the process; so it waits for these threads
/// first and admits no more.
#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    inside: AtomicUsize,
}

fn gate() -> Arc<Gate> {
    static GATE: PerProcess<Gate> = PerProcess::new();
    GATE.get_or_make(Gate::default)
}

/// Runs a function with the GIL on one of our threads; `None` once the interpreter exits.
pub(crate) fn attached<T>(run: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    struct Inside(Arc<Gate>);

    impl Drop for Inside {
        fn drop(&mut self) {
            self.0.inside.fetch_sub(1, Ordering::SeqCst);
        }
    }

    let gate = gate();
    gate.inside.fetch_add(1, Ordering::SeqCst);
    let inside = Inside(gate);
    if inside.0.closed.load(Ordering::SeqCst) {
        return None;
    }
    Python::try_attach(run)
}

/// Closes the interpreter to our threads, just before it exits.
#[pyfunction]
pub(crate) fn close(py: Python<'_>) {
    let gate = gate();
    gate.closed.store(true, Ordering::SeqCst);
    py.detach(|| {
        let start = Instant::now();
        while gate.inside.load(Ordering::SeqCst) > 0 && start.elapsed() < LEAVING {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// Aborts its task when dropped.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a future on the runtime while this thread waits without the GIL. A signal whose handler
/// raises, such as Ctrl-C, ends the wait and cancels the future.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    events::listen(py);
    let result = answer_of(py, future);
    events::deliver(py);
    result
}

/// Runs a future like [`wait`], but begins on this thread with the GIL: for calls that mostly find
/// their data in memory, where waking another thread would take longer than the call.
pub(crate) fn begin_here<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let mut future = Box::pin(unpanicked(future));
    events::listen(py);
    let first = {
        let _runtime = runtime().enter();
        (&mut future).now_or_never()
    };
    let result = match first {
        Some(result) => result.map_err(Into::into),
        None => answer_of(py, future),
    };
    events::deliver(py);
    result
}

fn answer_of<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = sync_channel(1);
    let task = runtime().spawn(async move {
        // The caller may have been interrupted.
        let _ = sender.send(unpanicked(future).await);
    });
    let _abort = Abort(task.abort_handle());
    // `Receiver` is not `Sync`, so it is moved in and out.
    let mut receiver = receiver;
    loop {
        let (answer, back) = py.detach(move || (receiver.recv_timeout(SIGNALS), receiver));
        receiver = back;
        match answer {
            Ok(result) => return Ok(result?),
            Err(RecvTimeoutError::Timeout) => {
                events::deliver(py);
                py.check_signals()?;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(internal("a task was dropped").into());
            }
        }
    }
}

/// Returns an `asyncio.Future` of the running loop that completes with a Rust future. Cancelling
/// the `asyncio.Future` cancels the Rust future.
pub(crate) fn awaitable<'py, T>(
    py: Python<'py>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    let event_loop = running_loop(py)?;
    events::listen(py);
    let waiter = event_loop.call_method0("create_future")?;
    let (event_loop, reference) = (event_loop.unbind(), waiter.clone().unbind());
    let task = runtime().spawn(async move {
        let result = unpanicked(future).await;
        // During interpreter shutdown nobody waits.
        attached(|py| {
            let value = result.map_err(PyErr::from).and_then(|value| {
                let value = value.into_pyobject(py).map_err(Into::into)?;
                Ok(value.into_any().unbind())
            });
            let completion = Completion {
                waiter: reference,
                value,
            };
            // A closed loop has dropped its waiters.
            let _ = event_loop.call_method1(py, "call_soon_threadsafe", (completion,));
        });
    });
    waiter.call_method1("add_done_callback", (Canceller(task.abort_handle()),))?;
    Ok(waiter)
}

/// Runs the future; a panic, which is a bug, becomes an error.
pub(crate) async fn unpanicked<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let result = AssertUnwindSafe(future).catch_unwind().await;
    result.unwrap_or_else(|panic| {
        let reason = panic.downcast_ref::<&str>().map(ToString::to_string);
        let reason = reason.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(internal(reason.as_deref().unwrap_or("a task panicked")))
    })
}

fn internal(reason: &str) -> Error {
    Error::Zarr(zarr::Error::Internal {
        reason: reason.to_owned(),
    })
}

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let running = GET.import(py, "asyncio", "get_running_loop")?.call0();
    running.map_err(|error| match error.is_instance_of::<PyRuntimeError>(py) {
        true => PyRuntimeError::new_err(
            "no asyncio event loop is running in this thread; functions that end in _async need one \
             (asyncio, uvloop, anyio over asyncio); under trio, run the variant without _async in trio.to_thread.run_sync",
        ),
        false => error,
    })
}

/// The callback that completes a waiter on the loop.
#[pyclass(frozen)]
struct Completion {
    waiter: Py<PyAny>,
    value: PyResult<Py<PyAny>>,
}

#[pymethods]
impl Completion {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        events::deliver(py);
        let waiter = self.waiter.bind(py);
        if waiter.call_method0("done")?.is_truthy()? {
            return Ok(());
        }
        match &self.value {
            Ok(value) => waiter.call_method1("set_result", (value,))?,
            Err(error) => waiter.call_method1("set_exception", (error.clone_ref(py),))?,
        };
        Ok(())
    }
}

/// The callback of a waiter that is done, possibly cancelled.
#[pyclass(frozen)]
struct Canceller(AbortHandle);

#[pymethods]
impl Canceller {
    fn __call__(&self, waiter: &Bound<'_, PyAny>) -> PyResult<()> {
        if waiter.call_method0("cancelled")?.is_truthy()? {
            self.0.abort();
        }
        Ok(())
    }
}
