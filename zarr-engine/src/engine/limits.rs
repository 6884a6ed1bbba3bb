//! Configurable limits of this process: computing threads and encoded bytes in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use rayon::ThreadPool;
use rayon::ThreadPoolBuilder;
pub use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::process::PerProcess;

/// The number of computing threads; 0 means one per core.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The encoded bytes that may wait for decoding at a time, in KiB.
static IN_FLIGHT_KIB: AtomicUsize = AtomicUsize::new(256 << 10);

static POOL: PerProcess<ThreadPool> = PerProcess::new();

/// The maximum number of computing threads, above which starting them takes minutes.
const MAX_THREADS: usize = 4096;

fn build(threads: usize) -> Result<ThreadPool> {
    if threads > MAX_THREADS {
        return Err(Error::Threads {
            count: threads,
            reason: format!("at most {MAX_THREADS} are supported"),
        });
    }
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    let named = builder.thread_name(|number| format!("zarr-compute-{number}"));
    named.build().map_err(|error| Error::Threads {
        count: threads,
        reason: error.to_string(),
    })
}

/// Returns the computing threads, shared by all hierarchies of the process.
pub(super) fn pool() -> Arc<ThreadPool> {
    POOL.get_or_make(|| {
        build(THREADS.load(Ordering::Relaxed)).expect("the system can start threads")
    })
}

/// Sets the number of computing threads of this process and of the children that it forks; 0 means
/// one per core. Work in progress finishes on the old threads.
///
/// ```
/// zarr_engine::limits::set_threads(2)?;
/// assert_eq!(zarr_engine::limits::threads(), 2);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
///
/// # Errors
/// Fails for more than 4096 threads, and if the system cannot start that many; the old threads then
/// stay in use.
pub fn set_threads(count: usize) -> Result<()> {
    POOL.set(build(count)?);
    THREADS.store(count, Ordering::Relaxed);
    Ok(())
}

/// Sets the thread pool for all computation in this process from now on: the program may share it.
/// A forked child creates its own pool.
///
/// ```
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// let pool = std::sync::Arc::new(pool);
/// zarr_engine::limits::set_pool(pool.clone());
/// assert_eq!(zarr_engine::limits::threads(), 2);
/// ```
pub fn set_pool(pool: impl Into<Arc<ThreadPool>>) {
    let pool = pool.into();
    THREADS.store(pool.current_num_threads(), Ordering::Relaxed);
    POOL.set(pool);
}

/// The runtime on which [`blocking`](crate::blocking) calls wait, if the program has set one.
static RUNTIME: PerProcess<Handle> = PerProcess::new();

/// Sets the runtime on which [`blocking`](crate::blocking) calls wait from now on in this process.
/// The runtime needs its own threads, a timer and I/O; once it shuts down, calls fail.
///
/// ```
/// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
/// zarr_engine::limits::set_runtime(runtime.handle().clone());
/// let hierarchy = zarr_engine::blocking::open("memory:")?;
/// assert!(!hierarchy.exists("a")?);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
pub fn set_runtime(runtime: Handle) {
    RUNTIME.set(runtime);
}

/// Returns the runtime that the program has set in this process.
pub(crate) fn own_runtime() -> Option<Arc<Handle>> {
    RUNTIME.get()
}

/// Returns the number of computing threads.
#[must_use]
pub fn threads() -> usize {
    pool().current_num_threads()
}

/// Sets the encoded bytes of remote reads that may wait for decoding at a time, per hierarchy
/// opened from now on; 256 MiB by default. The size is rounded down to KiB; the minimum is 1 KiB.
pub fn set_bytes_in_flight(size: u64) {
    let kib = usize::try_from(size >> 10).unwrap_or(usize::MAX);
    let most = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
    IN_FLIGHT_KIB.store(kib.clamp(1, most), Ordering::Relaxed);
}

/// Returns the limit set by [`set_bytes_in_flight`], in bytes.
#[must_use]
pub fn bytes_in_flight() -> u64 {
    (in_flight_kib() as u64) << 10
}

pub(super) fn in_flight_kib() -> usize {
    IN_FLIGHT_KIB.load(Ordering::Relaxed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn absurd_numbers_of_threads_are_refused_at_once() {
        for count in [4097, 1 << 20, usize::MAX] {
            let error = super::set_threads(count).unwrap_err();
            assert!(error.to_string().contains("at most 4096"), "{error}");
        }
    }

    #[test]
    fn limits_are_what_was_set_last() {
        let before = threads();
        set_threads(3).unwrap();
        assert_eq!(threads(), 3);
        assert_eq!(pool().install(rayon::current_num_threads), 3);
        set_threads(before).unwrap();
        set_bytes_in_flight(1);
        assert_eq!(bytes_in_flight(), 1024);
        set_bytes_in_flight(256 << 20);
        assert_eq!(bytes_in_flight(), 256 << 20);
    }
}
