//! Limits of this process, which a program may set: computing threads, and encoded bytes in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::process::PerProcess;

/// Computing threads; 0 is one a core.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Encoded bytes that may wait for decoding at one time, in KiB.
static IN_FLIGHT_KIB: AtomicUsize = AtomicUsize::new(256 << 10);

static POOL: PerProcess<ThreadPool> = PerProcess::new();

fn build(threads: usize) -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    let named = builder.thread_name(|number| format!("zarr-compute-{number}"));
    named.build().map_err(|error| Error::Threads {
        count: threads,
        reason: error.to_string(),
    })
}

/// The threads that compute, for all hierarchies of the process.
pub(super) fn pool() -> Arc<ThreadPool> {
    POOL.get_or_make(|| {
        build(THREADS.load(Ordering::Relaxed)).expect("the system can start threads")
    })
}

/// Sets the number of computing threads of this process and of children that it forks; 0 is one a core. Work that has begun ends
/// on the threads that it began on.
///
/// # Errors
/// Where the system cannot start as many; the threads then stay what they were.
pub fn set_threads(count: usize) -> Result<()> {
    POOL.set(build(count)?);
    THREADS.store(count, Ordering::Relaxed);
    Ok(())
}

/// Computes on a thread pool of the program's own from now on, in this process; a child that it forks makes one of its own.
///
/// ```
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// zarr_engine::limits::set_pool(pool);
/// assert_eq!(zarr_engine::limits::threads(), 2);
/// ```
pub fn set_pool(pool: ThreadPool) {
    THREADS.store(pool.current_num_threads(), Ordering::Relaxed);
    POOL.set(pool);
}

/// The runtime on which the calls of [`blocking`](crate::blocking) wait, where the program has set one.
static RUNTIME: PerProcess<Handle> = PerProcess::new();

/// Lets the calls of [`blocking`](crate::blocking) wait on a runtime of the program's own from now on, in this process. It needs
/// threads of its own, a timer and I/O.
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

/// The runtime that the program has set in this process.
pub(crate) fn own_runtime() -> Option<Arc<Handle>> {
    RUNTIME.get()
}

/// The number of computing threads.
#[must_use]
pub fn threads() -> usize {
    pool().current_num_threads()
}

/// Sets the encoded bytes of remote reads that wait for decoding at one time, for each hierarchy that is opened from now on: 256
/// MiB by default. It is rounded to KiB, and at least one.
pub fn set_bytes_in_flight(size: u64) {
    let kib = usize::try_from(size >> 10).unwrap_or(usize::MAX);
    let most = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
    IN_FLIGHT_KIB.store(kib.clamp(1, most), Ordering::Relaxed);
}

/// What [`set_bytes_in_flight`] set, in bytes.
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
