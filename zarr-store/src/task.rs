//! Runs requests independently of the caller, so that a caller that computes between two polls
//! neither holds a permit nor keeps a connection waiting.

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Aborts its task when dropped, so a dropped future leaves nothing running.
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts a future at once as a task of the current runtime; without a runtime, the future runs
/// when awaited. An error means that the runtime shut down.
pub(crate) fn detached<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, Result<T, std::io::Error>> {
    match Handle::try_current() {
        Ok(runtime) => {
            let mut task = AbortOnDrop(runtime.spawn(future));
            async move { settle((&mut task.0).await) }.boxed()
        }
        Err(_) => future.map(Ok).boxed(),
    }
}

/// Runs a future as a task that continues even if its caller is dropped; without a runtime, the
/// future runs inline.
pub(crate) async fn to_its_end<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, std::io::Error> {
    match Handle::try_current() {
        Ok(runtime) => settle(runtime.spawn(future).await),
        Err(_) => Ok(future.await),
    }
}

/// Runs blocking work off the runtime; inline without a runtime. Work that has begun is not
/// cancelled.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, std::io::Error> {
    match Handle::try_current() {
        Ok(runtime) => settle(runtime.spawn_blocking(work).await),
        Err(_) => Ok(work()),
    }
}

fn settle<T>(joined: Result<T, tokio::task::JoinError>) -> Result<T, std::io::Error> {
    joined.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::io::Error::other("the runtime is shutting down"),
    })
}
