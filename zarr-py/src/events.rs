//! Request events: for the Python logger `zarr_py`, and for the request counters of nodes.
//!
//! Events occur on any thread, possibly under locks, and never wait for the GIL: they are queued,
//! and the next call of this crate that holds the GIL passes them to the logger. Without a listener
//! only warnings are built.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber, callsite, span};
use zarr::process::PerProcess;
use zarr_store::{Counters, RequestCounts};

/// Levels of the Python module `logging`.
const DEBUG: u8 = 10;
const WARNING: u8 = 30;

/// Capacity of the event queue; when the queue is full, the oldest events are dropped.
const QUEUED: usize = 1 << 16;

/// Whether the logger is enabled for requests.
static LOGGED: AtomicBool = AtomicBool::new(false);

/// Whether the queue holds events.
static WAITING: AtomicBool = AtomicBool::new(false);

static QUEUE: PerProcess<Mutex<VecDeque<Told>>> = PerProcess::new();

/// The active counters. Lock-free, because a fork may happen at any time.
static COUNTS: LazyLock<ArcSwap<Vec<Weak<Counted>>>> = LazyLock::new(ArcSwap::default);

/// An event in the form passed to the logger.
struct Told {
    level: u8,
    /// Seconds since the epoch.
    created: f64,
    text: String,
}

/// Installs the event subscriber; called once, when the module is imported.
pub(crate) fn start() {
    LazyLock::force(&COUNTS);
    // No other subscriber can be set: this library links its own `tracing`.
    let _ = tracing::subscriber::set_global_default(Listener);
}

/// Checks whether the logger is enabled for requests. Called with the GIL before a request.
pub(crate) fn listen(py: Python<'_>) {
    let wanted = logger(py).is_some_and(|logger| {
        let answer = logger.call_method1(py, intern!(py, "isEnabledFor"), (DEBUG,));
        answer.is_ok_and(|answer| answer.is_truthy(py).unwrap_or(false))
    });
    if LOGGED.swap(wanted, Ordering::Relaxed) != wanted {
        callsite::rebuild_interest_cache();
    }
}

/// Returns the Python logger once `logging` has been imported.
fn logger(py: Python<'_>) -> Option<&Py<PyAny>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Some(logger) = LOGGER.get(py) {
        return Some(logger);
    }
    let modules = MODULES.import(py, "sys", "modules").ok()?;
    let logging = modules.get_item(intern!(py, "logging")).ok()??;
    let found = logging.call_method1("getLogger", ("zarr_py",)).ok()?;
    Some(LOGGER.get_or_init(py, || found.unbind()))
}

/// Passes the queued events to the logger.
pub(crate) fn deliver(py: Python<'_>) {
    if !WAITING.swap(false, Ordering::Relaxed) {
        return;
    }
    let queue = QUEUE.get_or_make(Mutex::default);
    let told = std::mem::take(&mut *queue.lock().unwrap_or_else(PoisonError::into_inner));
    let Some(logger) = logger(py) else { return };
    for event in told {
        // An exception in a user's handler must not fail the request.
        let _ = tell(py, logger, event);
    }
}

fn tell(py: Python<'_>, logger: &Py<PyAny>, event: Told) -> PyResult<()> {
    let logger = logger.bind(py);
    if !logger
        .call_method1(intern!(py, "isEnabledFor"), (event.level,))?
        .is_truthy()?
    {
        return Ok(());
    }
    let none = py.None();
    let arguments = ("zarr_py", event.level, "zarr_py", 0, event.text, (), none);
    let record = logger.call_method1("makeRecord", arguments)?;
    record.setattr("created", event.created)?;
    logger.call_method1("handle", (record,))?;
    Ok(())
}

/// Counts requests for the objects below a prefix.
#[derive(Default)]
struct Counted {
    /// The prefix of the location and key of the objects.
    start: String,
    /// Replaced by new counters to reset them.
    counters: ArcSwap<Counters>,
}

impl Counted {
    fn count(&self, request: &Request) {
        let (counters, size) = (self.counters.load(), request.bytes.unwrap_or(0));
        match request.operation.as_str() {
            "get" => {
                counters.get();
                counters.read(usize::try_from(size).unwrap_or(0));
            }
            "head" => counters.head(),
            "put" | "copy" => counters.put(size),
            "delete" => counters.delete(),
            "list" => counters.list(),
            _ => {}
        }
    }
}

/// Returns counts by kind.
pub(crate) fn by_kind(py: Python<'_>, counts: RequestCounts) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (name, count) in [
        ("gets", counts.gets),
        ("heads", counts.heads),
        ("puts", counts.puts),
        ("deletes", counts.deletes),
        ("lists", counts.lists),
        ("bytes_read", counts.bytes_read),
        ("bytes_written", counts.bytes_written),
    ] {
        dict.set_item(name, count)?;
    }
    Ok(dict)
}

/// Counts all requests of this process for the objects of a node from now on.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct RequestCounter(Arc<Counted>);

impl RequestCounter {
    pub(crate) fn new(location: &str, prefix: &str) -> Self {
        let counted = Arc::new(Counted {
            start: place(location, prefix),
            ..Counted::default()
        });
        change(|counts| counts.push(Arc::downgrade(&counted)));
        Self(counted)
    }
}

#[pymethods]
impl RequestCounter {
    /// Request and byte counts so far, by kind.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        by_kind(py, self.0.counters.load().snapshot())
    }

    /// Resets the counts to zero.
    fn reset(&self) {
        self.0.counters.store(Arc::default());
    }

    /// Stops counting.
    fn close(&self) {
        change(|counts| counts.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(&self.0))));
    }
}

impl Drop for RequestCounter {
    fn drop(&mut self) {
        self.close();
    }
}

fn change(by: impl Fn(&mut Vec<Weak<Counted>>)) {
    COUNTS.rcu(|counts| {
        let mut counts = counts.iter().filter(|count| count.strong_count() > 0);
        let mut counts = counts.by_ref().cloned().collect();
        by(&mut counts);
        counts
    });
    callsite::rebuild_interest_cache();
}

fn place(location: &str, key: &str) -> String {
    format!("{}/{key}", location.trim_end_matches('/'))
}

/// The fields of an event.
#[derive(Default)]
struct Request {
    message: String,
    operation: String,
    store: String,
    key: String,
    bytes: Option<u64>,
    outcome: String,
    /// The remaining fields, as text.
    rest: String,
}

impl Visit for Request {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "bytes" => self.bytes = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "operation" => value.clone_into(&mut self.operation),
            "store" => value.clone_into(&mut self.store),
            "key" => value.clone_into(&mut self.key),
            "outcome" => value.clone_into(&mut self.outcome),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a `String` cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, ", {name} {value:?}"),
        };
    }
}

impl Request {
    /// Whether another event reports the bytes of this request: local files emit one event per read
    /// and write.
    fn is_told_twice(&self) -> bool {
        self.message == "request"
            && self.bytes.is_none()
            && matches!(self.operation.as_str(), "get" | "put")
            && self.outcome == "done"
    }

    fn text(&self) -> String {
        let Self {
            message,
            operation,
            bytes,
            outcome,
            rest,
            ..
        } = self;
        let what = if operation.is_empty() {
            message
        } else {
            operation
        };
        let mut text = format!("{what} {}", place(&self.store, &self.key));
        if let Some(bytes) = bytes {
            let _ = write!(text, ", {bytes} bytes");
        }
        text.push_str(rest);
        if !outcome.is_empty() {
            let _ = write!(text, ", {outcome}");
        }
        text
    }
}

/// The subscriber for all events of this library.
struct Listener;

fn is_counting() -> bool {
    !COUNTS.load().is_empty()
}

fn is_listening() -> bool {
    LOGGED.load(Ordering::Relaxed) || is_counting()
}

/// All events of the store; only problems of the engine.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("zarr_store")
        || (*metadata.level() <= Level::WARN && metadata.target().starts_with("zarr_"))
}

impl Subscriber for Listener {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && is_ours(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && (*metadata.level() <= Level::WARN || is_listening())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if is_listening() {
            LevelFilter::TRACE
        } else {
            LevelFilter::WARN
        })
    }

    fn event(&self, event: &Event<'_>) {
        let mut request = Request::default();
        event.record(&mut request);
        match request.message.as_str() {
            "positioned read" => request.operation.push_str("get"),
            "write" => request.operation.push_str("put"),
            _ => {}
        }
        if request.is_told_twice() {
            return;
        }
        let found = place(&request.store, &request.key);
        for counted in COUNTS.load().iter().filter_map(Weak::upgrade) {
            if found.starts_with(&counted.start) {
                counted.count(&request);
            }
        }
        let is_warning = *event.metadata().level() <= Level::WARN;
        if is_warning || LOGGED.load(Ordering::Relaxed) {
            let level = if is_warning { WARNING } else { DEBUG };
            queue(level, request.text());
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn queue(level: u8, text: String) {
    let created = SystemTime::now().duration_since(UNIX_EPOCH);
    let told = Told {
        level,
        created: created.map_or(0.0, |since| since.as_secs_f64()),
        text,
    };
    let queue = QUEUE.get_or_make(Mutex::default);
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    if queue.len() == QUEUED {
        queue.pop_front();
    }
    queue.push_back(told);
    WAITING.store(true, Ordering::Relaxed);
}
